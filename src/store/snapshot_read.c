/* snapshot_read.c: finding the newest sound snapshot.
 *
 * All of a file is read and checked before any of it is believed, through read(), where a bad sector is an
 * error; only then it is mapped, so that its sections cost no memory that cannot be given back. */
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
    const uint8_t *map;
    size_t bytes, at; /* at: the next section */
};

/* A file being checked. */
struct check {
    int fd;
    uint8_t *buf;     /* BUFFER_BYTES */
    size_t at, n;     /* what is left of buf */
    uint64_t place;   /* in the file, of buf[at] */
    uint64_t bytes;   /* of the file */
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
    if (f.type == AX_SNAPSHOT_END)
        *end = count;
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

/* Open one file. AX_CORRUPT when it is refused, AX_IO when it cannot be read, AX_NOMEM; with a text. */
static enum ax_err open_one(const struct ax_folder *folder, uint64_t position, uint8_t *buf,
                            struct ax_snapshot **out, struct ax_diag *diag)
{
    char name[AX_FOLDER_NAME];
    ax_folder_name(name, position, AX_SNAPSHOT_SUFFIX);
    struct check c = {.fd = openat(folder->fd, name, O_RDONLY | O_CLOEXEC), .buf = buf};
    if (c.fd < 0)
        return ax_folder_fail(diag, errno, "open", folder->path, name);
    if (!check_file(&c, position)) {
        (void)close(c.fd);
        if (c.error)
            return ax_folder_fail(diag, c.error, "read", folder->path, name);
        return ax_fail(diag, AX_CORRUPT, "%s/%s %s", folder->path, name, c.reason);
    }
    struct ax_snapshot *s = malloc(sizeof *s);
    void *map = s ? mmap(NULL, (size_t)c.bytes, PROT_READ, MAP_PRIVATE, c.fd, 0) : MAP_FAILED;
    int error = errno;
    (void)close(c.fd);
    if (map == MAP_FAILED) {
        free(s);
        return ax_folder_fail(diag, error, "map", folder->path, name);
    }
    *s = (struct ax_snapshot){.position = position, .map = map, .bytes = (size_t)c.bytes, .at = AX_FILE_HEAD};
    *out = s;
    return AX_OK;
}

/* Add a reason to those for which files were passed over. */
static void note(struct ax_diag *passed, const struct ax_diag *why)
{
    size_t n = strlen(passed->text);
    (void)snprintf(passed->text + n, sizeof passed->text - n, "%s%s", n ? "; " : "", why->text);
}

/* Open the newest that can be, of ascending numbers. */
static enum ax_err open_newest(const struct ax_folder *folder, const struct ax_numbers *numbers, uint8_t *buf,
                               struct ax_snapshot **out, struct ax_diag *passed, struct ax_diag *diag)
{
    enum ax_err result = ax_fail(diag, AX_NOTFOUND, "there is no sound snapshot in %s", folder->path);
    for (size_t i = numbers->n; i > 0; i--) {
        struct ax_diag why = {{0}};
        enum ax_err err = open_one(folder, numbers->v[i - 1], buf, out, &why);
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
    struct ax_numbers numbers = {NULL, 0};
    struct ax_diag unused = {{0}};
    passed = passed ? passed : &unused;
    passed->text[0] = '\0';
    *out = NULL;
    enum ax_err err = ax_folder_open(dir, false, &folder, diag);
    if (err != AX_OK)
        return err;
    uint8_t *buf = malloc(BUFFER_BYTES);
    err = buf ? ax_folder_list(&folder, AX_SNAPSHOT_SUFFIX, &numbers, diag)
              : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK) {
        err = open_newest(&folder, &numbers, buf, out, passed, diag);
        free(numbers.v);
    }
    free(buf);
    ax_folder_close(&folder);
    return err;
}

uint64_t ax_snapshot_position(const struct ax_snapshot *s)
{
    return s->position;
}

bool ax_snapshot_next(struct ax_snapshot *s, uint8_t *type, struct ax_str *body)
{
    struct ax_frame f;
    if (s->bytes - s->at < AX_FRAME_HEAD || !ax_frame_get(s->map + s->at, s->at, &f) ||
        f.type == AX_SNAPSHOT_END || f.n > s->bytes - s->at - AX_FRAME_HEAD)
        return false;
    *type = f.type;
    *body = (struct ax_str){(const char *)s->map + s->at + AX_FRAME_HEAD, f.n};
    s->at += AX_FRAME_HEAD + f.n;
    return true;
}

void ax_snapshot_close(struct ax_snapshot *s)
{
    if (!s)
        return;
    (void)munmap((void *)(uintptr_t)s->map, s->bytes);
    free(s);
}
