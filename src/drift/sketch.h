/* sketch.h: a window in few numbers: which values it had, to a known error.
 *
 * A deterministic quantile sketch of one pass over sorted values (the summary of M. Greenwald and S. Khanna,
 * "Space-efficient online computation of quantile summaries", SIGMOD 2001, of a window that is there as a
 * whole, so that its ranks are exact). Neighbouring values are put together into a group while it holds at
 * most n / AX_DRIFT_GRID of them, and fewer towards both ends (1 / AX_DRIFT_TAIL of what is beyond), where a
 * few values are far apart; a value that is more often is a group of its own. So the distribution function is
 * exact at the end of each group and of each frequent value, and everywhere at most 1 / AX_DRIFT_GRID away; a
 * window of at most AX_DRIFT_GRID values, or with few distinct ones (counts, categories), loses nothing.
 * Values are finite. Pure; nothing is allocated. */
#ifndef AX_DRIFT_SKETCH_H
#define AX_DRIFT_SKETCH_H

#include "base/bytes.h"

#define AX_DRIFT_GRID 256
#define AX_DRIFT_TAIL 16
#define AX_DRIFT_SKETCH_MAX 6400000u    /* values that one may stand for */
#define AX_DRIFT_SKETCH_VALUE_MAX 1e100 /* none is beyond when it is read back */

/* Two neighbouring groups have more values than one may: 2 * 256 in the middle, and at each end 2 * 16 single
 * ones and 2 * log(6400000 / 256) / log(17 / 16). */
#define AX_DRIFT_GROUPS_MAX 1280

/* A sketch; zero-initialised it is that of nothing. */
struct ax_drift_sketch {
    uint32_t n, groups;
    double v[AX_DRIFT_GROUPS_MAX]; /* largest value of each group, ascending; the first is the least of all */
    uint32_t count[AX_DRIFT_GROUPS_MAX]; /* values of it */
    bool spread[AX_DRIFT_GROUPS_MAX];    /* they differ: all above the group before */
};

/* Of n sorted values, at most AX_DRIFT_SKETCH_MAX. O(n). */
void ax_drift_sketch_make(const double *sorted, uint32_t n, struct ax_drift_sketch *out);

/* A window of which that is the sketch, sorted: those of a group evenly up to its largest. O(n). */
void ax_drift_sketch_expand(const struct ax_drift_sketch *s, double *out);

/* Append; at most 10 bytes a group and 10. */
void ax_drift_sketch_save(const struct ax_drift_sketch *s, struct ax_buf *out);

/* Read back; what cannot be is a failure of in. n is at most n_max. */
void ax_drift_sketch_load(struct ax_drift_sketch *s, uint32_t n_max, struct ax_bytes *in);

#endif
