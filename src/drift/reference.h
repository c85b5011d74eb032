/* reference.h: what a model learnt from, kept with it in a few kilobytes, to test later data against.
 *
 * Of one feature: a sketch (drift/sketch.h) of the values of a pool of series over the window that the model
 * was fitted on, each series in its own measure (drift/pool.h); these measures; how many independent points
 * the window is worth; and how the level went before it. So the test is against what the model saw, however
 * long ago that is: a feature that has drifted stays so until a model has learnt from it as it is now.
 *
 * A window of a few hours knows nothing of days. Where more of the past is known (means of the coarse
 * windows), the effective size of the window is also that of a window which moves as the level did then: at
 * most 1 / mean(b^2), b being the mean place, in the window, of stretches as long as the current one. Where
 * that leaves nothing significant, a level beyond all that it was still is: by Student's test of the current
 * window's mean among those of these stretches, whose degrees of freedom are their number by their
 * correlation time. The smaller p-value counts, doubled (Bonferroni).
 *
 * Distances against what exact arrays would give: KS within 1 / AX_DRIFT_GRID; chi-square and what else has
 * at most AX_DRIFT_GRID distinct values exact; PSI and JS, over bins of which each share is within 2 /
 * AX_DRIFT_GRID, and Wasserstein, within the widths of the sketch's groups: tests/unit/drift/sketch_test.c
 * says how far. Pure functions; nothing is allocated but by ax_drift_references_read(). */
#ifndef AX_DRIFT_REFERENCE_H
#define AX_DRIFT_REFERENCE_H

#include "drift/pool.h"
#include "drift/sketch.h"

#define AX_DRIFT_NAME 160         /* bytes of what is tested, by name, and a 0 */
#define AX_DRIFT_STEPS_MAX 100000 /* of a window */
#define AX_DRIFT_LEVEL_MEMBERS 16 /* series that the level before the window is known by */

/* One series as the model saw it. */
struct ax_drift_seen {
    uint64_t id;
    uint32_t n;           /* values; */
    double median, scale; /* scale 0: all were the median, and they are not in the sketch */
};

/* How the level went: means of stretches as long as the current window. */
struct ax_drift_level {
    double mean, sd;
    double df; /* independent ones, less one; 0: not known */
};

/* See above. */
struct ax_drift_reference {
    struct ax_drift_sketch sketch;
    struct ax_drift_seen seen[AX_DRIFT_POOL_MAX]; /* ids ascend */
    uint32_t seen_n;
    uint32_t steps, current; /* of the window; of the current one, of which the level is known */
    double effective;        /* independent points of the window */
    struct ax_drift_level level;
};

/* Make one of the newest steps (at most reference_n of the spec) of a pool. coarse_steps: steps of a point of
 * the members' coarse pasts; 0: there are none. AX_NOTREADY when there are fewer than 30 steps, or no series
 * has enough of them; AX_NOMEM as ax_drift_pool_test(). */
AX_MUST_USE enum ax_err ax_drift_reference_make(const struct ax_drift_spec *spec,
                                                const struct ax_drift_pool *pool, uint32_t coarse_steps,
                                                struct ax_arena *scratch, struct ax_drift_reference *out);

/* All tests of the newest current_n steps of a pool. Series that the model has not seen are left out;
 * AX_NOTFOUND when those are more than half, and out is not ready. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_drift_reference_test(const struct ax_drift_spec *spec,
                                                const struct ax_drift_reference *r,
                                                const struct ax_drift_pool *pool, struct ax_arena *scratch,
                                                struct ax_drift_result *out);

/* Those of the features of a model, by name. */
struct ax_drift_references;

/* Append one to the bytes of those of a model. */
void ax_drift_references_add(struct ax_buf *bytes, struct ax_str name, const struct ax_drift_reference *r);

/* Read bytes; of none *out is NULL. AX_CORRUPT, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_drift_references_read(struct ax_str bytes, struct ax_drift_references **out);

/* That of a feature; NULL: there is none. refs may be NULL. */
const struct ax_drift_reference *ax_drift_references_find(const struct ax_drift_references *refs,
                                                          struct ax_str name);

/* Give them back; NULL is fine. */
void ax_drift_references_free(struct ax_drift_references *refs);

#endif
