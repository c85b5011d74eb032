/* pool.h: drift of a feature that many series share: pooled without letting composition look like drift.
 *
 * Each series is brought to its own reference's median 0 and inter-quartile range 1 (standard deviation
 * when that is 0, 1 when both are) before the values are pooled, so that series of different size, and
 * series that come and go, do not move the pool. At most AX_DRIFT_POOL_MAX series are used: those with the
 * smallest ids, which is a stable sample when ids are hashes of identities. A series that is constant
 * through both windows says nothing and is left out. Errors are measured from 0, where they ought to be, and
 * not from their median. */
#ifndef AX_DRIFT_POOL_H
#define AX_DRIFT_POOL_H

#include "drift/drift.h"

#define AX_DRIFT_POOL_MAX 64

/* One series: v oldest first, the newest value at the same time for all; NaN are gaps. Of a reference also
 * how the series went before that (drift/reference.h): means of so many steps, up to the same time; NULL: not
 * known. Not owned. */
struct ax_drift_member {
    uint64_t id;
    const float *v;
    uint32_t n;
    const float *coarse;
    uint32_t coarse_n;
};

/* The stable sample; zero-initialise. errors: what is pooled are errors, which ought to be 0; they drift when
 * they grow (ax_drift_result.smaller). */
struct ax_drift_pool {
    bool errors;
    struct ax_drift_member members[AX_DRIFT_POOL_MAX]; /* ids ascend */
    uint32_t n;
};

/* Offer a series; kept when its id is among the smallest so far. Order of offers does not matter.
 * O(AX_DRIFT_POOL_MAX). */
void ax_drift_pool_offer(struct ax_drift_pool *pool, const struct ax_drift_member *member);

/* Steps of the member that has most. */
uint32_t ax_drift_pool_longest(const struct ax_drift_pool *pool);

/* All tests over the pool. The windows are the newest current_n and the reference_n before them of the
 * longest member, shrunk in proportion when it is short. The effective size allows for correlation within
 * a series and between series: it is that of the mean, over series, of each value's place in its own
 * reference, n / (tau var), where var is that mean's variance relative to one series' own (1 when all move
 * together, 1 / series when none do). Not ready below 30 steps, or with no series that has values in both
 * windows; ready with scores of 0 when all of those are constant. AX_NOMEM when the scratch is too small: it
 * needs up to 16 bytes for each value in the windows, and sorts faster with 32 more. About 0.3 ms a series at
 * the default windows. */
AX_MUST_USE enum ax_err ax_drift_pool_test(const struct ax_drift_spec *spec, const struct ax_drift_pool *pool,
                                           struct ax_arena *scratch, struct ax_drift_result *out);

#endif
