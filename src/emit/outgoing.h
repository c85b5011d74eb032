/* outgoing.h: the log of what goes out, which all endpoints read at their own pace.
 *
 * One record for each commit (emit/unit.h) in an ax_seglog. What the log must know to go on after a restart
 * is read from its end at opening: the newest time of each unit, and the newest sample of each series of the
 * last AX_OUTS_REMEMBER_MS, for which the log is kept at least. Segments end where this file says: a segment
 * holds several times as many bytes of samples as of keys, however many series there are. One thread at a
 * time appends; any may wait, wake and ask for end and total. */
#ifndef AX_EMIT_OUTGOING_H
#define AX_EMIT_OUTGOING_H

#include "emit/outs.h"
#include "prom/labels.h"
#include "store/seglog.h"

#include <stdatomic.h>

struct ax_outgoing;

/* Where and how. */
struct ax_outgoing_options {
    const char *dir;    /* made when absent */
    uint64_t max_bytes; /* beyond this nothing is kept for the sake of memory of series */
    bool fsync_always;  /* fsync each record; else ax_outgoing_sync() does */
};

/* One sample that was put, in its order. */
struct ax_put {
    struct ax_out *out;
    int64_t t_ms;
    double value;
    uint32_t number; /* the log's to use */
};

/* Open or make the log, and read its end into outs. Damage is logged. AX_IO with a text, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_outgoing_open(const struct ax_outgoing_options *options, struct ax_outs *outs,
                                         struct ax_outgoing **out, struct ax_diag *diag);

/* Close and free; NULL is fine. */
void ax_outgoing_close(struct ax_outgoing *o);

/* Has the log this time of this unit, or a later one? */
bool ax_outgoing_has(const struct ax_outgoing *o, struct ax_str unit, int64_t t_ms);

/* Append n samples as one record and wake who waits. AX_IO with a text, AX_NOMEM: nothing was appended.
 * AX_LIMIT: they will never fit into one record. Cost: one pass, one write; allocates for series that are
 * used for the first time in a segment and for nothing else. */
AX_MUST_USE enum ax_err ax_outgoing_append(struct ax_outgoing *o, struct ax_str unit, int64_t t_ms,
                                           struct ax_put *puts, uint32_t n, struct ax_diag *diag);

/* Does this mean the series of these labels? */
typedef bool ax_outgoing_choose(void *ctx, const struct ax_labels *labels);

/* Erase the samples of some series: their labels and values are gone from the files, their places stay;
 * *erased grows by how many there were. As ax_seglog_edit(): who reads begins anew. */
AX_MUST_USE enum ax_err ax_outgoing_erase(struct ax_outgoing *o, ax_outgoing_choose *choose, void *ctx,
                                          uint64_t *erased, struct ax_diag *diag);

/* Is a key in the log that of a series that was erased? */
bool ax_outgoing_is_erased(struct ax_str key);

/* Bring it to the disk. From any thread. AX_IO with a text. */
AX_MUST_USE enum ax_err ax_outgoing_sync(struct ax_outgoing *o, struct ax_diag *diag);

/* Remove segments all of whose records lie before a position and are not needed to go on after a restart. */
void ax_outgoing_cut(struct ax_outgoing *o, uint64_t before);

/* The log itself, to read from. */
struct ax_seglog *ax_outgoing_log(const struct ax_outgoing *o);

/* Position behind the newest record. Lock-free. */
uint64_t ax_outgoing_end(const struct ax_outgoing *o);

/* Samples that were ever appended. Lock-free. */
uint64_t ax_outgoing_total(const struct ax_outgoing *o);

/* Wait until the log ends behind a position, *stop is set (ax_outgoing_wake() after setting it) or the
 * monotonic time until_ns (INT64_MAX: never) is reached. */
void ax_outgoing_wait(struct ax_outgoing *o, uint64_t at, const atomic_bool *stop, int64_t until_ns);

/* Let everyone who waits look again. */
void ax_outgoing_wake(struct ax_outgoing *o);

#endif
