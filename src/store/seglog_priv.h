/* seglog_priv.h: what the files of the log share: segments, their table, one step of a reader.
 *
 * Locks, in this order: sync, append, table; sync, cut, table. A position is translated to a place in a file
 * by its segment: place = AX_FILE_HEAD + position - start. A segment ends where its last record ends,
 * whatever its file holds behind that. */
#ifndef AX_STORE_SEGLOG_PRIV_H
#define AX_STORE_SEGLOG_PRIV_H

#include "store/folder.h"
#include "store/frame.h"
#include "store/seglog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define AX_SEGLOG_SUFFIX ".log"
#define AX_SEGLOG_COPY_SUFFIX ".log.edit" /* of a segment that is written anew */
#define AX_SEGLOG_MAGIC "AuspexLG"
#define AX_SEGLOG_VERSION 1u

/* One file. start never changes; end grows until sealed is set, never after. */
struct ax_segment {
    uint64_t start;
    _Atomic uint64_t end;
    atomic_bool sealed; /* set after the last change of end */
    int fd;             /* for writing and syncing; -1 once both are done (under sync), or from before */
    uint32_t refs;      /* under table: one of the table, one of each who holds it */
};

/* The log. */
struct ax_seglog {
    struct ax_folder folder;
    uint64_t segment_bytes;
    bool fsync_always;
    _Atomic uint64_t begin, end, failures;
    pthread_mutex_t append;
    struct ax_segment *current; /* under append; NULL: the next append begins a segment */
    pthread_mutex_t cut;        /* held while files are removed, which may take long */
    pthread_mutex_t table;
    struct ax_segment **segs; /* under table; ascending, never overlapping */
    uint32_t n, cap;
    pthread_mutex_t sync;
    atomic_uint syncs;       /* that wait for it, or hold it */
    uint64_t synced;         /* under sync; what lies before is on the disk */
    bool sync_failed;        /* under sync; pages since `synced` may be clean and yet not on the disk */
    atomic_bool names_dirty; /* the folder has names that may not be on the disk */
};

/* The place of a position in the file of its segment. */
static inline off_t ax_segment_place(const struct ax_segment *s, uint64_t position)
{
    return (off_t)(AX_FILE_HEAD + (position - s->start));
}

/* Put a segment at the end of the table, which owns it (and fd) from then on. NULL when out of memory. */
struct ax_segment *ax_segments_add(struct ax_seglog *log, uint64_t start, uint64_t end, int fd);

/* Take the segments that start at or behind a position out of the table; their files stay. */
void ax_segments_drop_from(struct ax_seglog *log, uint64_t start);

/* Hold the segment in which the record at a position is or will be, or else the first one behind it. NULL
 * when there is none (yet). */
struct ax_segment *ax_segments_hold(struct ax_seglog *log, uint64_t at);

/* Give it back; NULL is fine. */
void ax_segments_release(struct ax_seglog *log, struct ax_segment *s);

/* Open the file of a segment. -1 with errno. */
int ax_segment_open(const struct ax_seglog *log, const struct ax_segment *s, int flags);

/* Fill the table from the folder and check what is to be checked; find the end. */
AX_MUST_USE enum ax_err ax_seglog_recover(struct ax_seglog *log, uint64_t check_from,
                                          struct ax_seglog_report *report, struct ax_diag *diag);

/* How a step of a reader can end. */
enum ax_step {
    AX_STEP_RECORD,
    AX_STEP_END,
    AX_STEP_GAP,    /* no segment has these positions */
    AX_STEP_DAMAGE, /* bytes that are no sound records */
    AX_STEP_ERROR   /* it stands where it stood */
};

/* What a step passed over, for gap and damage; err is that of AX_STEP_ERROR. */
struct ax_lost {
    uint64_t from, to;
    enum ax_err err;
};

/* A reader: a place and the bytes around it. */
struct ax_seglog_reader {
    struct ax_seglog *log;
    struct ax_segment *seg; /* held; NULL: to be found */
    int fd;                 /* its own, of seg */
    uint64_t at;
    uint8_t *buf; /* bytes of seg from position buf_at on */
    size_t cap, n;
    uint64_t buf_at;
};

/* One step. Texts of gap and damage are those that ax_seglog_read() gives. */
enum ax_step ax_seglog_step(struct ax_seglog_reader *r, struct ax_seglog_record *out, struct ax_lost *lost,
                            struct ax_diag *diag);

#endif
