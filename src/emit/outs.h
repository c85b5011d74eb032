/* outs.h: the output series that are open, and those that were a while ago.
 *
 * A series that was closed is remembered for AX_OUTS_REMEMBER_MS with the time of its last sample, because a
 * receiver refuses a whole request for one sample that is not newer than what it has. Not thread-safe. */
#ifndef AX_EMIT_OUTS_H
#define AX_EMIT_OUTS_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

/* In the time of samples. */
#define AX_OUTS_REMEMBER_MS (INT64_C(10) * 60 * 1000)

/* One output series; the handle that users of a sink hold. */
struct ax_out {
    struct ax_out *next; /* in its bucket */
    uint64_t hash;
    uint32_t handles; /* 0: closed, remembered */
    int64_t last_ms;  /* newest sample that will be or is in the log; INT64_MIN: none yet */
    uint64_t segment; /* in which it has its number; 0: none */
    uint32_t number;
    uint32_t key_n;
    char key[]; /* complete labels (prom/labels.h), before relabelling */
};

/* The table. */
struct ax_outs {
    struct ax_out **buckets;
    uint32_t buckets_n, n, closed_n, sweep_at;
    int64_t newest_ms; /* of all samples; INT64_MIN: none yet */
    uint64_t seed;
};

/* An empty table; a secret seed keeps chosen collisions away. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_outs_init(struct ax_outs *t, uint64_t seed);

/* Free it with all series. */
void ax_outs_done(struct ax_outs *t);

/* The series of a key, made when it is not there; NULL when out of memory. A new one is closed. */
struct ax_out *ax_outs_find(struct ax_outs *t, struct ax_str key);

/* One more handle of a series. */
void ax_outs_open(struct ax_outs *t, struct ax_out *out);

/* One handle less. */
void ax_outs_close(struct ax_outs *t, struct ax_out *out);

/* Its newest sample is at t_ms now. */
void ax_outs_saw(struct ax_outs *t, struct ax_out *out, int64_t t_ms);

/* Forget closed series whose last sample is long past, when there are many closed ones. Series that nobody
 * has a handle of may be gone then. Amortised O(1) for each series made. */
void ax_outs_sweep(struct ax_outs *t);

/* Is this time so long past that a closed series whose last sample it is need not be remembered? INT64_MIN,
 * which stands for no sample, is. */
bool ax_outs_is_past(const struct ax_outs *t, int64_t t_ms);

/* The key as a view. */
struct ax_str ax_out_key(const struct ax_out *out);

#endif
