/* snapshot_plan.h: whether a snapshot is written whole or told by the last whole one, and when it may be
 * written early: pure.
 *
 * What has changed since a whole one grows: it is time for another one when the newest that was told by it is
 * longer than they all were on average, the whole one included, which is when the average is least. Of the
 * bytes a second that early ones may write one half is for whole ones and the other for changes, so that
 * nobody waits for changes because a whole one came just before. */
#ifndef AX_PIPELINE_SNAPSHOT_PLAN_H
#define AX_PIPELINE_SNAPSHOT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* What there is; times are monotonic. All 0: nothing yet. */
struct ax_snapshot_plan {
    uint64_t whole_bytes, changes_bytes; /* of the newest of each kind */
    uint64_t bytes;                      /* of the newest whole one and of all told by it: */
    uint32_t n;                          /* so many */
    int64_t taken_ms, whole_ms;          /* the newest, the newest whole one */
    int64_t took_ms;                     /* CPU of the newest */
};

/* One was written. */
void ax_snapshot_plan_note(struct ax_snapshot_plan *p, bool whole, uint64_t bytes, int64_t mono_ms,
                           int64_t took_ms);

/* Is the next one a whole one, if it need not be? rate_max: bytes a second; 0: no limit. */
bool ax_snapshot_plan_whole(const struct ax_snapshot_plan *p, int64_t mono_ms, uint64_t rate_max);

/* May one be written now that is early, whole if it must be? It takes no more than 1/16 of a processor. */
bool ax_snapshot_plan_early(const struct ax_snapshot_plan *p, int64_t mono_ms, uint64_t rate_max, bool must);

#endif
