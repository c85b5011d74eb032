/* reader.c: reading a log that may grow: a window of bytes over the segment in which the reader stands. */
#include "store/seglog_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define WINDOW_BYTES (256u << 10)

/* What stands at a position. */
enum found { FOUND_SOUND, FOUND_NOT, FOUND_ERROR };

static void leave(struct ax_seglog_reader *r)
{
    if (r->fd >= 0)
        (void)close(r->fd);
    ax_segments_release(r->log, r->seg);
    r->fd = -1;
    r->seg = NULL;
    r->n = 0;
}

enum ax_err ax_seglog_reader_new(struct ax_seglog *log, uint64_t at, struct ax_seglog_reader **out)
{
    struct ax_seglog_reader *r = malloc(sizeof *r);
    *out = r;
    if (!r)
        return AX_NOMEM;
    uint64_t begin = ax_seglog_begin(log), end = ax_seglog_end(log);
    *r = (struct ax_seglog_reader){.log = log, .fd = -1, .at = at < begin ? begin : at > end ? end : at};
    return AX_OK;
}

void ax_seglog_reader_free(struct ax_seglog_reader *r)
{
    if (!r)
        return;
    leave(r);
    free(r->buf);
    free(r);
}

uint64_t ax_seglog_reader_at(const struct ax_seglog_reader *r)
{
    return r->at;
}

static enum ax_err fail_file(const struct ax_seglog_reader *r, int error, const char *verb,
                             struct ax_diag *diag)
{
    char name[AX_FOLDER_NAME];
    ax_folder_name(name, r->seg->start, AX_SEGLOG_SUFFIX);
    return ax_folder_fail(diag, error, verb, r->log->folder.path, name);
}

static bool window_holds(struct ax_seglog_reader *r, size_t need)
{
    size_t cap = need > WINDOW_BYTES ? need : WINDOW_BYTES;
    if (r->buf && need <= r->cap && r->cap <= 4 * cap)
        return true;
    free(r->buf); /* too small, or still that of a large record long ago */
    r->n = 0;
    r->buf = malloc(cap);
    r->cap = r->buf ? cap : 0;
    return r->buf != NULL;
}

/* The bytes [at, at + need) of the segment, below limit; NULL when they cannot be read (*err) or are not in
 * the file any more (*err is AX_OK). */
static const uint8_t *window(struct ax_seglog_reader *r, uint64_t at, size_t need, uint64_t limit,
                             enum ax_err *err, struct ax_diag *diag)
{
    *err = AX_OK;
    if (r->n > 0 && at >= r->buf_at && at - r->buf_at <= r->n && need <= r->n - (at - r->buf_at))
        return r->buf + (at - r->buf_at);
    if (!window_holds(r, need)) {
        *err = ax_fail(diag, AX_NOMEM, "out of memory");
        return NULL;
    }
    size_t want = limit - at < r->cap ? (size_t)(limit - at) : r->cap;
    r->buf_at = at;
    r->n = 0;
    while (r->n < need) {
        ssize_t n = pread(r->fd, r->buf + r->n, want - r->n, ax_segment_place(r->seg, at + r->n));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            *err = fail_file(r, errno, "read", diag);
        if (n <= 0)
            return NULL;
        r->n += (size_t)n;
    }
    return r->buf;
}

/* Is there a sound record at a position? *frame_end is where to look next: behind it if its head at least is
 * sound, else 0. */
static enum found look(struct ax_seglog_reader *r, uint64_t at, uint64_t limit, struct ax_seglog_record *out,
                       uint64_t *frame_end, struct ax_lost *lost, struct ax_diag *diag)
{
    struct ax_frame f;
    const uint8_t *p;
    *frame_end = 0;
    lost->err = AX_OK;
    if (limit - at < AX_FRAME_HEAD)
        return FOUND_NOT;
    if (!(p = window(r, at, AX_FRAME_HEAD, limit, &lost->err, diag))) {
        *frame_end = limit; /* the file was cut short by somebody else: nothing is left to be looked at */
        return lost->err == AX_OK ? FOUND_NOT : FOUND_ERROR;
    }
    if (!ax_frame_get(p, at, &f))
        return FOUND_NOT;
    *frame_end = at + AX_FRAME_HEAD + f.n;
    if (*frame_end > limit)
        return FOUND_NOT;
    if (!(p = window(r, at, AX_FRAME_HEAD + (size_t)f.n, limit, &lost->err, diag)))
        return lost->err == AX_OK ? FOUND_NOT : FOUND_ERROR;
    struct ax_str body = {(const char *)p + AX_FRAME_HEAD, f.n};
    if (ax_frame_crc(f.type, body, (struct ax_str){NULL, 0}) != f.crc)
        return FOUND_NOT;
    *out = (struct ax_seglog_record){.at = at, .end = *frame_end, .type = f.type, .body = body};
    return FOUND_SOUND;
}

/* The next sound record behind damage, or limit. A head that is sound is believed. */
static enum found resume(struct ax_seglog_reader *r, uint64_t at, uint64_t frame_end, uint64_t limit,
                         struct ax_lost *lost, struct ax_diag *diag)
{
    struct ax_seglog_record record;
    enum found found = FOUND_NOT;
    lost->from = at;
    for (at = frame_end ? frame_end : at + 1; at < limit; at = frame_end ? frame_end : at + 1) {
        found = look(r, at, limit, &record, &frame_end, lost, diag);
        if (found != FOUND_NOT)
            break;
    }
    lost->to = found == FOUND_NOT ? limit : at;
    return found;
}

static enum ax_step damage(struct ax_seglog_reader *r, uint64_t frame_end, uint64_t limit,
                           struct ax_lost *lost, struct ax_diag *diag)
{
    if (resume(r, r->at, frame_end, limit, lost, diag) == FOUND_ERROR)
        return AX_STEP_ERROR;
    char name[AX_FOLDER_NAME];
    ax_folder_name(name, r->seg->start, AX_SEGLOG_SUFFIX);
    (void)ax_fail(diag, AX_CORRUPT,
                  "%s/%s is damaged: %" PRIu64 " bytes at %" PRIu64
                  " are passed over, what they held is lost; check the disk",
                  r->log->folder.path, name, lost->to - lost->from,
                  (uint64_t)ax_segment_place(r->seg, lost->from));
    r->at = lost->to;
    return AX_STEP_DAMAGE;
}

static enum ax_step gap(struct ax_seglog_reader *r, uint64_t to, struct ax_lost *lost, struct ax_diag *diag)
{
    const char *dir = r->log->folder.path;
    *lost = (struct ax_lost){.from = r->at, .to = to, .err = AX_OK};
    if (r->at < ax_seglog_begin(r->log))
        (void)ax_fail(diag, AX_CORRUPT,
                      "the records from %" PRIu64 " to %" PRIu64 " of %s were cut away before they were read",
                      r->at, to, dir);
    else
        (void)ax_fail(diag, AX_CORRUPT,
                      "the records from %" PRIu64 " to %" PRIu64
                      " are missing in %s: a file was removed or cut short, or a power loss took it",
                      r->at, to, dir);
    r->at = to;
    return AX_STEP_GAP;
}

/* Find the segment in which the reader stands. */
static enum ax_step enter(struct ax_seglog_reader *r, struct ax_lost *lost, struct ax_diag *diag)
{
    r->seg = ax_segments_hold(r->log, r->at);
    if (!r->seg)
        return AX_STEP_END;
    if (r->seg->start > r->at) {
        uint64_t to = r->seg->start;
        leave(r);
        return gap(r, to, lost, diag);
    }
    r->fd = ax_segment_open(r->log, r->seg, O_RDONLY);
    if (r->fd >= 0)
        return AX_STEP_RECORD;
    int error = errno;
    uint64_t end = atomic_load(&r->seg->end);
    lost->err = fail_file(r, error, "open", diag);
    leave(r);
    /* Removed by somebody else, or by a cut just now. */
    return error == ENOENT && end > r->at ? gap(r, end, lost, diag) : AX_STEP_ERROR;
}

enum ax_step ax_seglog_step(struct ax_seglog_reader *r, struct ax_seglog_record *out, struct ax_lost *lost,
                            struct ax_diag *diag)
{
    for (;;) {
        if (!r->seg) {
            enum ax_step step = enter(r, lost, diag);
            if (step != AX_STEP_RECORD)
                return step;
        }
        bool sealed = atomic_load(&r->seg->sealed);
        uint64_t limit = atomic_load(&r->seg->end), frame_end;
        if (r->at < limit) {
            enum found found = look(r, r->at, limit, out, &frame_end, lost, diag);
            if (found == FOUND_NOT)
                return damage(r, frame_end, limit, lost, diag);
            if (found == FOUND_ERROR)
                return AX_STEP_ERROR;
            r->at = out->end;
            return AX_STEP_RECORD;
        }
        if (!sealed)
            return AX_STEP_END;
        leave(r);
    }
}

enum ax_err ax_seglog_read(struct ax_seglog_reader *r, struct ax_seglog_record *out, struct ax_diag *diag)
{
    struct ax_lost lost;
    switch (ax_seglog_step(r, out, &lost, diag)) {
    case AX_STEP_RECORD:
        return AX_OK;
    case AX_STEP_END:
        return AX_NOTREADY;
    case AX_STEP_GAP:
    case AX_STEP_DAMAGE:
        return AX_CORRUPT;
    case AX_STEP_ERROR:
        break;
    }
    return lost.err;
}
