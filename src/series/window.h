/* window.h: what one modelled series was at each step: a fine window and a coarse one.
 *
 * The fine window holds the last fine_n steps; the coarse one coarse_n means over coarse_ms (the larger
 * of 5 min and the step), so that one pair of defaults serves 1 s, 15 s and hourly data. A step without a
 * value is NaN in both (a coarse point is the mean of the values it has, NaN with none). Memory grows by
 * doubling up to the sizes given. What is excluded is a gap for every reader until that is revoked; a window
 * of which something is takes twice the memory until it has forgotten that time. Owner: the pipeline's
 * thread; not locked. Invariants: 1. views are contiguous, oldest first. 2. the newest fine point is at the
 * time last pushed.
 * 3. pushing T never changes what a view showed for a time before T's coarse point, but an exclusion does. */
#ifndef AX_SERIES_WINDOW_H
#define AX_SERIES_WINDOW_H

#include "base/bytes.h"

#define AX_WINDOW_FINE 960
#define AX_WINDOW_COARSE 4032
#define AX_WINDOW_COARSE_MS 300000
#define AX_WINDOW_EXCLUDED_MAX 16 /* ranges of one window; another one is refused */

struct ax_window;

/* Contiguous past, oldest first; NaN is a gap. v[n-1] is at end_ms, v[i] at end_ms - (n-1-i)*step_ms. */
struct ax_view {
    const float *v;
    uint32_t n;
    int64_t end_ms, step_ms;
};

/* An empty window; NULL when out of memory. step_ms > 0; sizes > 0. */
struct ax_window *ax_window_new(int64_t step_ms, uint32_t fine_n, uint32_t coarse_n);

/* Free; NULL is fine. */
void ax_window_free(struct ax_window *w);

/* Record the value of step t_ms (NaN for none; so is one that a float cannot hold as a finite number). Steps
 * between the last one and t_ms become gaps; a step at or before the last one is refused with AX_CONFLICT;
 * AX_NOMEM leaves the window as it was. O(1) amortised, plus the gaps. */
AX_MUST_USE enum ax_err ax_window_push(struct ax_window *w, int64_t t_ms, double value);

/* Exclude the steps from from_ms to to_ms, both included, and the coarse points that they are in; ids differ.
 * AX_NOTFOUND: there is no value of that time, or it is still to come; AX_LIMIT, AX_NOMEM; then nothing has
 * changed. O(points). */
AX_MUST_USE enum ax_err ax_window_exclude(struct ax_window *w, uint64_t id, int64_t from_ms, int64_t to_ms);

/* Revoke the exclusion of that id: what it alone kept from readers is there again. False when there is none,
 * as after its time has been forgotten. O(points). */
bool ax_window_include(struct ax_window *w, uint64_t id);

/* The fine past including the newest step. Valid until the next push. */
struct ax_view ax_window_fine(const struct ax_window *w);

/* The coarse past, complete points only: the point that the newest step falls into is not in it until it
 * is over, so it never changes. end_ms is the end of the newest complete point's span. */
struct ax_view ax_window_coarse(const struct ax_window *w);

/* Bytes that it occupies now. */
uint64_t ax_window_bytes(const struct ax_window *w);

/* Append all that it holds. */
void ax_window_save(const struct ax_window *w, struct ax_buf *out);

/* Read that back into an empty window, whose sizes may be others: of a longer past the newest points stay.
 * AX_CORRUPT for bytes that it cannot have written, or of another step; AX_NOMEM; then it is only good for
 * freeing. Takes no more memory than the bytes that are there. */
AX_MUST_USE enum ax_err ax_window_load(struct ax_window *w, struct ax_bytes *in);

#endif
