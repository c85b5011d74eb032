/* errdist.h: what the normalised errors of a forecast were lately: a histogram that forgets.
 *
 * Bins are logarithmic (two an octave) on either side of zero, and zero is a bin of its own, so one
 * fixed shape serves a counter that never moves and a forecast an hour ahead. */
#ifndef AX_FORECAST_ERRDIST_H
#define AX_FORECAST_ERRDIST_H

#include "base/bytes.h"

#define AX_ERRDIST_SIDE 26 /* bins a side: 2^-4 to 2^9 */

/* Histogram of signed errors in units of a scale: counts, fading. */
struct ax_errdist {
    float total;
    float zero;
    float below[AX_ERRDIST_SIDE], above[AX_ERRDIST_SIDE]; /* by magnitude */
};

/* Forget: every weight times keep (0..1), then add an error with weight 1. O(bins). */
void ax_errdist_add(struct ax_errdist *d, double error, double keep);

/* The quantile q in (0, 1), interpolated within its bin; 0 when empty. */
double ax_errdist_quantile(const struct ax_errdist *d, double q);

/* Share of errors from -below to above (both >= 0); 0 when empty. */
double ax_errdist_within(const struct ax_errdist *d, double below, double above);

/* Append all of it. */
void ax_errdist_save(const struct ax_errdist *d, struct ax_buf *out);

/* Read that back; what cannot be is a failure of in. */
void ax_errdist_load(struct ax_errdist *d, struct ax_bytes *in);

#endif
