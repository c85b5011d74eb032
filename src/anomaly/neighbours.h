/* neighbours.h: how far are the last values from the nearest like them in the past?
 *
 * The newest 4 values of a series are a point in 4 dimensions; its distance (Euclidean) to the third nearest
 * of all earlier such points is large for what has not been before, however it came about: a spike, a slide
 * over many steps, a level, a pattern. (Nearest neighbours over lags: scikit-learn's NearestNeighbors gives
 * the same distances.) Points that were flagged can be kept out of the past. Pure. */
#ifndef AX_ANOMALY_NEIGHBOURS_H
#define AX_ANOMALY_NEIGHBOURS_H

#include <stdbool.h>
#include <stdint.h>

#define AX_NEIGHBOURS_LAGS 4
#define AX_NEIGHBOURS_K 3
#define AX_NEIGHBOURS_PAST 960 /* points looked at; a multiple of 64 */

/* One bit for each of the newest steps: bit 0 of the newest word's is... private to the functions below. */
struct ax_marks {
    uint64_t words[AX_NEIGHBOURS_PAST / 64 + 1]; /* bit b of word w: the step w * 64 + b steps ago */
};

/* So many steps passed; their marks are 0. */
void ax_marks_shift(struct ax_marks *m, uint64_t steps);

/* Mark the newest step. */
void ax_marks_set(struct ax_marks *m);

/* Forget the marks of steps at least `age` steps ago. */
void ax_marks_forget(struct ax_marks *m, uint32_t age);

/* Is the step so many steps ago, at most AX_NEIGHBOURS_PAST, marked? NULL: none is. */
static inline bool ax_marks_has(const struct ax_marks *m, uint32_t ago)
{
    return m && (m->words[ago / 64] >> (ago % 64) & 1);
}

/* v[n] are the values of successive steps, the newest last, NaN for gaps; marks (NULL: none) are theirs. The
 * distance of the newest point to its k-th nearest among those before it, without the marked ones; a
 * lag that the newest point lacks does not count, a past point with a gap is left out. NaN when fewer than
 * k are left. O(AX_NEIGHBOURS_PAST), about 2 us. */
double ax_neighbours_distance(const float *v, uint32_t n, const struct ax_marks *marks, uint32_t k);

#endif
