/* kswin.h: KSWIN: a Kolmogorov-Smirnov test of the newest values of a window against a sample of those
 * before.
 *
 * C. Raab, M. Heusinger and F.-M. Schleif, "Reactive Soft Prototype Computing for Concept Drift Streams",
 * Neurocomputing 416 (2020), with the defaults of river 0.26 (drift.KSWIN), whose detections it gives exactly
 * when it is handed Python's random numbers. The p-value is exact (B. V. Gnedenko and V. S. Korolyuk, 1951).
 * Pure but for the numbers that it is handed. */
#ifndef AX_DRIFT_KSWIN_H
#define AX_DRIFT_KSWIN_H

#include "base/bytes.h"

#define AX_KSWIN_ALPHA 0.005
#define AX_KSWIN_WINDOW 100
#define AX_KSWIN_NEWEST 30

/* The detector; zero-initialise and set alpha. */
struct ax_kswin {
    double alpha;
    uint32_t n;
    bool detected;
    double v[AX_KSWIN_WINDOW]; /* oldest first */
};

/* A random number in [0, n). */
typedef uint32_t ax_kswin_below(void *ctx, uint32_t n);

/* Take in a finite value: 1 when the newest values are higher than those before (in the mean of the sample),
 * -1 when they are lower, 0 when nothing is known to have changed. O(window). */
int ax_kswin_update(struct ax_kswin *k, double x, ax_kswin_below *below, void *ctx);

/* P(D >= d) of the two-sample KS distance of n and n values without ties
 * (scipy.stats.ks_2samp(method="exact")). */
double ax_ks_exact_p(double d, uint32_t n);

/* Append; read back, what cannot be is a failure of in. */
void ax_kswin_save(const struct ax_kswin *k, struct ax_buf *out);
/* As above. */
void ax_kswin_load(struct ax_kswin *k, struct ax_bytes *in);

#endif
