/* snapshot_read.c: finding the newest sound snapshot, and the one that it is told by.
 *
 * All of a file is read and checked before any of it is believed, through read(), where a bad sector is an
 * error; only then it is mapped, so that its sections cost no memory that cannot be given back. */
#include "base/bytes.h"
#include "base/hash.h"
#include "store/snapshot_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES (256u << 10)

struct ax_snapshot {
    uint64_t position;
    int64_t written_ms;
    int fd; /* of a whole one, until it is taken as a base; else -1 */
    const uint8_t *map;
    size_t bytes, at;           /* at: the next section */
    uint32_t sum;               /* of the heads of its sections */
    struct ax_str end;          /* body of its end */
    struct ax_snapshot *by;     /* the whole one that it is told by; NULL: it is a whole one */
    struct ax_changes *changes; /* then */
    uint8_t *body;              /* of a section that has changed, */
    size_t room;                /* so much of it */
    enum ax_err err;            /* why there is no next section, unless this is the end */
};

/* A file being checked. */
struct check {
    int fd;
    uint8_t *buf;   /* BUFFER_BYTES */
    size_t at, n;   /* what is left of buf */
    uint64_t place; /* in the file, of buf[at] */
    uint64_t bytes; /* of the file */
    int64_t written_ms;
    uint64_t end;     /* place of the last section's body */
    uint32_t sum;     /* of the heads of the others */
    int error;        /* errno when it cannot be read, else 0 */
    char reason[160]; /* why it is refused otherwise */
};

static bool refuse(struct check *c, const char *fmt, ...) AX_PRINTF(2, 3);

static bool refuse(struct check *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(c->reason, sizeof c->reason, fmt, args);
    va_end(args);
    return false;
}

/* The next bytes, at most n; they are passed. *got is 0 at the end of the file. */
static bool take(struct check *c, size_t n, const uint8_t **out, size_t *got)
{
    if (c->at == c->n) {
        ssize_t r;
        do
            r = read(c->fd, c->buf, BUFFER_BYTES);
        while (r < 0 && errno == EINTR);
        if (r < 0) {
            c->error = errno;
            return false;
        }
        c->at = 0;
        c->n = (size_t)r;
    }
    *got = n < c->n - c->at ? n : c->n - c->at;
    *out = c->buf + c->at;
    c->at += *got;
    c->place += *got;
    return true;
}

/* Exactly n bytes, few. */
static bool take_all(struct check *c, uint8_t *out, size_t n)
{
    while (n > 0) {
        const uint8_t *p;
        size_t got;
        if (!take(c, n, &p, &got))
            return false;
        if (got == 0)
            return refuse(c, "is cut short at byte %" PRIu64, c->place);
        memcpy(out, p, got);
        out += got;
        n -= got;
    }
    return true;
}

static bool check_head(struct check *c, uint64_t position)
{
    uint8_t head[AX_FILE_HEAD];
    uint32_t version;
    if (!take_all(c, head, sizeof head))
        return false;
    switch (ax_file_head_get(head, AX_SNAPSHOT_MAGIC, AX_SNAPSHOT_VERSION, position, &version)) {
    case AX_FILE_SOUND:
        return true;
    case AX_FILE_OTHER_VERSION:
        return refuse(c, "is of format %" PRIu32 ", this auspex reads format %u", version,
                      AX_SNAPSHOT_VERSION);
    case AX_FILE_DAMAGED:
        break;
    }
    return refuse(c, "is damaged at its head");
}

/* Check one section; *end is the number of sections that the end section claims, or -1 when it is not one. */
static bool check_section(struct check *c, int64_t *end)
{
    uint8_t head[AX_FRAME_HEAD];
    struct ax_frame f;
    uint64_t place = c->place;
    *end = -1;
    if (!take_all(c, head, sizeof head))
        return false;
    if (!ax_frame_get(head, place, &f))
        return refuse(c, "is damaged at byte %" PRIu64, place);
    if (f.n > c->bytes - c->place)
        return refuse(c, "is cut short in the section at byte %" PRIu64, place);
    uint32_t crc = ax_crc32c(0, &f.type, 1), count = 0;
    for (size_t left = f.n, done = 0, got; left > 0; left -= got) {
        const uint8_t *p;
        if (!take(c, left, &p, &got))
            return false;
        if (got == 0)
            return refuse(c, "is cut short at byte %" PRIu64, c->place);
        crc = ax_crc32c(crc, p, got);
        for (size_t i = 0; f.type == AX_SNAPSHOT_END && i < got && done < 4; i++, done++)
            count |= (uint32_t)p[i] << 8 * done;
    }
    if (crc != f.crc)
        return refuse(c, "is damaged in the section at byte %" PRIu64, place);
    if (f.type != AX_SNAPSHOT_END) {
        c->sum = ax_crc32c(c->sum, head, sizeof head);
        return true;
    }
    *end = count;
    c->end = place + AX_FRAME_HEAD;
    return true;
}

static bool check_file(struct check *c, uint64_t position)
{
    struct stat st;
    if (fstat(c->fd, &st) != 0) {
        c->error = errno;
        return false;
    }
    c->bytes = (uint64_t)st.st_size;
    c->written_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    if (!check_head(c, position))
        return false;
    int64_t end, sections = 0;
    do
        if (!check_section(c, &end))
            return false;
    while (end < 0 && ++sections);
    if (end != sections || c->place != c->bytes)
        return refuse(c, "is damaged at its end");
    return true;
}

static struct ax_snapshot *new_snapshot(const struct check *c, uint64_t position)
{
    struct ax_snapshot *s = malloc(sizeof *s);
    void *map = s ? mmap(NULL, (size_t)c->bytes, PROT_READ, MAP_PRIVATE, c->fd, 0) : MAP_FAILED;
    if (map == MAP_FAILED) {
        free(s);
        return NULL;
    }
    *s = (struct ax_snapshot){.position = position,
                              .written_ms = c->written_ms,
                              .fd = c->fd,
                              .map = map,
                              .bytes = (size_t)c->bytes,
                              .at = AX_FILE_HEAD,
                              .sum = c->sum,
                              .end = {(const char *)map + c->end, (size_t)(c->bytes - c->end)}};
    return s;
}

/* Open one file. AX_CORRUPT when it is refused, AX_IO when it cannot be read, AX_NOMEM; with a text. */
static enum ax_err open_file(const struct ax_folder *folder, uint64_t position, const char *suffix,
                             uint8_t *buf, struct ax_snapshot **out, struct ax_diag *diag)
{
    char name[AX_FOLDER_NAME];
    ax_folder_name(name, position, suffix);
    struct check c = {.fd = openat(folder->fd, name, O_RDONLY | O_CLOEXEC), .buf = buf};
    if (c.fd < 0)
        return ax_folder_fail(diag, errno, "open", folder->path, name);
    const bool sound = check_file(&c, position);
    *out = sound ? new_snapshot(&c, position) : NULL;
    if (*out)
        return AX_OK;
    const int error = sound ? errno : c.error;
    (void)close(c.fd);
    if (error)
        return ax_folder_fail(diag, error, sound ? "map" : "read", folder->path, name);
    return ax_fail(diag, AX_CORRUPT, "%s/%s %s", folder->path, name, c.reason);
}

/* Find the whole one that s is told by. Errors as above. */
static enum ax_err open_by(const struct ax_folder *folder, struct ax_snapshot *s, uint8_t *buf,
                           struct ax_diag *diag)
{
    struct ax_bytes end = ax_bytes_of(s->end);
    struct ax_diag why = {{0}};
    (void)ax_get_u32(&end);
    const uint64_t position = ax_get_u64(&end), bytes = ax_get_u64(&end);
    const uint32_t sum = ax_get_u32(&end);
    if (ax_bytes_end(&end) != AX_OK || position > AX_FOLDER_NUMBER_MAX)
        return ax_fail(diag, AX_CORRUPT, "%s/%020" PRIu64 AX_SNAPSHOT_CHANGES " is damaged at its end",
                       folder->path, s->position);
    enum ax_err err = open_file(folder, position, AX_SNAPSHOT_SUFFIX, buf, &s->by, &why);
    if (err == AX_OK && (s->by->bytes != bytes || s->by->sum != sum))
        err = ax_fail(&why, AX_CORRUPT, "that one is another one now");
    if (err == AX_OK)
        err = ax_changes_new(&s->changes);
    if (err == AX_NOMEM)
        return ax_fail(diag, err, "out of memory");
    return err == AX_OK
               ? err
               : ax_fail(diag, err,
                         "%s/%020" PRIu64 AX_SNAPSHOT_CHANGES " is told by the snapshot of %" PRIu64 ": %s",
                         folder->path, s->position, position, why.text);
}

/* Open the snapshot of a position, in whatever form. */
static enum ax_err open_one(const struct ax_folder *folder, uint64_t position, bool changes, uint8_t *buf,
                            struct ax_snapshot **out, struct ax_diag *diag)
{
    if (!changes)
        return open_file(folder, position, AX_SNAPSHOT_SUFFIX, buf, out, diag);
    enum ax_err err = open_file(folder, position, AX_SNAPSHOT_CHANGES, buf, out, diag);
    if (err == AX_OK && (err = open_by(folder, *out, buf, diag)) != AX_OK) {
        ax_snapshot_close(*out);
        *out = NULL;
    }
    return err;
}

/* Add a reason to those for which files were passed over. */
static void note(struct ax_diag *passed, const struct ax_diag *why)
{
    size_t n = strlen(passed->text);
    (void)snprintf(passed->text + n, sizeof passed->text - n, "%s%s", n ? "; " : "", why->text);
}

/* What there is, in ascending order. */
struct found {
    struct ax_numbers whole, changes;
};

/* Open the newest that can be. */
static enum ax_err open_newest(const struct ax_folder *folder, const struct found *found, uint8_t *buf,
                               struct ax_snapshot **out, struct ax_diag *passed, struct ax_diag *diag)
{
    enum ax_err result = ax_fail(diag, AX_NOTFOUND, "there is no sound snapshot in %s", folder->path);
    for (size_t w = found->whole.n, c = found->changes.n; w + c > 0;) {
        struct ax_diag why = {{0}};
        const bool changes = c && (!w || found->changes.v[c - 1] > found->whole.v[w - 1]);
        const uint64_t position = changes ? found->changes.v[--c] : found->whole.v[--w];
        enum ax_err err = open_one(folder, position, changes, buf, out, &why);
        if (err == AX_OK)
            return AX_OK;
        if (err == AX_NOMEM)
            return ax_fail(diag, err, "%s", why.text);
        note(passed, &why);
        /* What cannot be read is not known to be damaged: not the same as having none. */
        if (err == AX_IO && result == AX_NOTFOUND)
            result = ax_fail(diag, err, "%s", why.text);
    }
    return result;
}

enum ax_err ax_snapshot_open(const char *dir, struct ax_snapshot **out, struct ax_diag *passed,
                             struct ax_diag *diag)
{
    struct ax_folder folder;
    struct found found = {{NULL, 0}, {NULL, 0}};
    struct ax_diag unused = {{0}};
    passed = passed ? passed : &unused;
    passed->text[0] = '\0';
    *out = NULL;
    enum ax_err err = ax_folder_open(dir, false, &folder, diag);
    if (err != AX_OK)
        return err;
    uint8_t *buf = malloc(BUFFER_BYTES);
    err = buf ? ax_folder_list(&folder, AX_SNAPSHOT_SUFFIX, &found.whole, diag)
              : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK)
        err = ax_folder_list(&folder, AX_SNAPSHOT_CHANGES, &found.changes, diag);
    if (err == AX_OK)
        err = open_newest(&folder, &found, buf, out, passed, diag);
    free(found.whole.v);
    free(found.changes.v);
    free(buf);
    ax_folder_close(&folder);
    return err;
}

uint64_t ax_snapshot_position(const struct ax_snapshot *s)
{
    return s->position;
}

struct ax_snapshot_file ax_snapshot_own(const struct ax_snapshot *s)
{
    return (struct ax_snapshot_file){s->position, s->bytes, s->written_ms};
}

struct ax_snapshot_file ax_snapshot_whole(const struct ax_snapshot *s)
{
    return ax_snapshot_own(s->by ? s->by : s);
}

struct ax_snapshot_base *ax_snapshot_take_base(struct ax_snapshot *s)
{
    struct ax_snapshot *whole = s->by ? s->by : s;
    struct ax_bytes end = ax_bytes_of(whole->end);
    struct ax_snapshot_base *b = ax_snapshot_base_new();
    if (!b)
        return NULL;
    b->fd = whole->fd;
    b->position = whole->position;
    b->bytes = whole->bytes;
    b->sum = whole->sum;
    whole->fd = -1;
    (void)ax_get_u32(&end);
    bool sound = true;
    while (sound && ax_bytes_left(&end) > 0) {
        const uint64_t key = ax_get_u64(&end), place = ax_get_u64(&end);
        const uint32_t n = ax_get_u32(&end);
        sound = end.err == AX_OK && place <= whole->bytes && n <= whole->bytes - place &&
                ax_snapshot_base_add(b, key, place, n);
    }
    if (!sound || b->keys_n == 0) {
        ax_snapshot_base_free(b);
        return NULL;
    }
    ax_snapshot_base_sort(b);
    return b;
}

/* Room for a body of n bytes. */
static bool make_room(struct ax_snapshot *s, size_t n)
{
    if (n <= s->room)
        return true;
    uint8_t *body = realloc(s->body, n);
    if (!body)
        return false;
    s->body = body;
    s->room = n;
    return true;
}

/* Make what was put of how it is told; errors of ax_snapshot_error(). */
static enum ax_err told(struct ax_snapshot *s, struct ax_str how, struct ax_str *out)
{
    struct ax_bytes in = ax_bytes_of(how);
    const uint32_t form = ax_get_count(&in, AX_SNAPSHOT_FORMS - 1);
    if (in.err == AX_OK && form == AX_SNAPSHOT_WHOLE) {
        *out = (struct ax_str){(const char *)in.p, ax_bytes_left(&in)};
        return AX_OK;
    }
    const uint64_t place = ax_get_u64(&in);
    const uint32_t before = ax_get_u32(&in), n = ax_get_u32(&in);
    if (in.err != AX_OK || place > s->by->bytes || before > s->by->bytes - place || n > AX_CHANGES_MAX)
        return AX_CORRUPT;
    if (!make_room(s, n))
        return AX_NOMEM;
    *out = (struct ax_str){(const char *)s->body, n};
    return ax_changes_apply(s->changes, (struct ax_str){(const char *)s->by->map + place, before},
                            (struct ax_str){(const char *)in.p, ax_bytes_left(&in)}, s->body, n);
}

bool ax_snapshot_next(struct ax_snapshot *s, uint8_t *type, struct ax_str *body)
{
    struct ax_frame f;
    if (s->err != AX_OK || s->bytes - s->at < AX_FRAME_HEAD || !ax_frame_get(s->map + s->at, s->at, &f) ||
        f.type == AX_SNAPSHOT_END || f.n > s->bytes - s->at - AX_FRAME_HEAD)
        return false;
    *type = f.type;
    *body = (struct ax_str){(const char *)s->map + s->at + AX_FRAME_HEAD, f.n};
    if (s->by)
        s->err = told(s, *body, body);
    s->at += AX_FRAME_HEAD + f.n;
    return s->err == AX_OK;
}

enum ax_err ax_snapshot_error(const struct ax_snapshot *s)
{
    return s->err;
}

void ax_snapshot_close(struct ax_snapshot *s)
{
    if (!s)
        return;
    ax_snapshot_close(s->by);
    ax_changes_free(s->changes);
    free(s->body);
    (void)munmap((void *)(uintptr_t)s->map, s->bytes);
    if (s->fd >= 0)
        (void)close(s->fd);
    free(s);
}
