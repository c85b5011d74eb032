/* segment.c: the table of segments: adding, finding, cutting. */
#include "store/seglog_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void unref(struct ax_segment *s)
{
    if (--s->refs > 0)
        return;
    if (s->fd >= 0)
        (void)close(s->fd);
    free(s);
}

struct ax_segment *ax_segments_add(struct ax_seglog *log, uint64_t start, uint64_t end, int fd)
{
    struct ax_segment *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    *s = (struct ax_segment){.start = start, .fd = fd, .refs = 1};
    atomic_init(&s->end, end);
    atomic_init(&s->sealed, false);
    (void)pthread_mutex_lock(&log->table);
    if (log->n + 1 >= log->cap) {
        uint32_t cap = log->cap ? log->cap * 2 : 16;
        struct ax_segment **segs = realloc(log->segs, cap * sizeof *segs);
        if (!segs) {
            free(s);
            s = NULL;
        } else {
            log->segs = segs;
            log->cap = cap;
        }
    }
    if (s) {
        if (log->n == 0)
            atomic_store(&log->begin, start);
        log->segs[log->n++] = s;
    }
    (void)pthread_mutex_unlock(&log->table);
    return s;
}

void ax_segments_drop_from(struct ax_seglog *log, uint64_t start)
{
    (void)pthread_mutex_lock(&log->table);
    while (log->n > 0 && log->segs[log->n - 1]->start >= start)
        unref(log->segs[--log->n]);
    (void)pthread_mutex_unlock(&log->table);
}

/* How many segments end at or before a position. Under table. */
static uint32_t ending_by(const struct ax_seglog *log, uint64_t at)
{
    uint32_t lo = 0, hi = log->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (atomic_load(&log->segs[mid]->end) > at)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

struct ax_segment *ax_segments_hold(struct ax_seglog *log, uint64_t at)
{
    struct ax_segment *s = NULL;
    (void)pthread_mutex_lock(&log->table);
    uint32_t i = ending_by(log, at);
    if (i < log->n)
        s = log->segs[i];
    else if (log->n > 0 && !atomic_load(&log->segs[log->n - 1]->sealed))
        s = log->segs[log->n - 1];
    if (s)
        s->refs++;
    (void)pthread_mutex_unlock(&log->table);
    return s;
}

void ax_segments_release(struct ax_seglog *log, struct ax_segment *s)
{
    if (!s)
        return;
    (void)pthread_mutex_lock(&log->table);
    unref(s);
    (void)pthread_mutex_unlock(&log->table);
}

int ax_segment_open(const struct ax_seglog *log, const struct ax_segment *s, int flags)
{
    char name[AX_FOLDER_NAME];
    ax_folder_name(name, s->start, AX_SEGLOG_SUFFIX);
    return openat(log->folder.fd, name, flags | O_CLOEXEC);
}

uint64_t ax_seglog_second(const struct ax_seglog *log)
{
    struct ax_seglog *l = (struct ax_seglog *)(uintptr_t)log;
    (void)pthread_mutex_lock(&l->table);
    uint64_t start = l->n > 1 ? l->segs[1]->start : UINT64_MAX;
    (void)pthread_mutex_unlock(&l->table);
    return start;
}

uint64_t ax_seglog_segment(const struct ax_seglog *log, uint64_t at)
{
    struct ax_seglog *l = (struct ax_seglog *)(uintptr_t)log;
    uint64_t start = ax_seglog_end(log);
    (void)pthread_mutex_lock(&l->table);
    for (uint32_t i = 0; i < l->n; i++) /* few, and seldom asked */
        if (i == 0 || l->segs[i]->start <= at)
            start = l->segs[i]->start;
    (void)pthread_mutex_unlock(&l->table);
    return start;
}

/* Take the first segment out of the table, for removal; NULL when it is to stay. */
static struct ax_segment *take_first(struct ax_seglog *log, uint64_t before)
{
    struct ax_segment *s = NULL;
    (void)pthread_mutex_lock(&log->table);
    if (log->n > 1 && log->segs[1]->start <= before) {
        s = log->segs[0];
        log->n--;
        memmove(log->segs, log->segs + 1, log->n * sizeof(struct ax_segment *));
        atomic_store(&log->begin, log->segs[0]->start);
    }
    (void)pthread_mutex_unlock(&log->table);
    return s;
}

/* Put it back; ax_segments_add() leaves room for it. */
static void put_first(struct ax_seglog *log, struct ax_segment *s)
{
    (void)pthread_mutex_lock(&log->table);
    memmove(log->segs + 1, log->segs, log->n * sizeof(struct ax_segment *));
    log->segs[0] = s;
    log->n++;
    atomic_store(&log->begin, s->start);
    (void)pthread_mutex_unlock(&log->table);
}

enum ax_err ax_seglog_cut(struct ax_seglog *log, uint64_t before, struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    struct ax_segment *s;
    (void)pthread_mutex_lock(&log->cut);
    while (err == AX_OK && (s = take_first(log, before)) != NULL) {
        char name[AX_FOLDER_NAME];
        ax_folder_name(name, s->start, AX_SEGLOG_SUFFIX);
        if (unlinkat(log->folder.fd, name, 0) == 0 || errno == ENOENT) {
            ax_segments_release(log, s);
        } else {
            err = ax_folder_fail(diag, errno, "remove", log->folder.path, name);
            put_first(log, s);
        }
    }
    (void)pthread_mutex_unlock(&log->cut);
    return err;
}
