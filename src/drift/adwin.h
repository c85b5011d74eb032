/* adwin.h: ADWIN2, a window over a stream that is as long as the mean in it has not changed.
 *
 * A. Bifet and R. Gavalda, "Learning from Time-Changing Data with Adaptive Windowing", SDM 2007: an
 * exponential histogram of the window; it is cut where the means of its two sides differ by more than a bound
 * at confidence delta. With the constants and the order of work of river 0.26 (drift.ADWIN), whose detections
 * it gives exactly: the cut is looked for every AX_ADWIN_CLOCK values, and what is learnt is forgotten after
 * a detection. Pure. */
#ifndef AX_DRIFT_ADWIN_H
#define AX_DRIFT_ADWIN_H

#include "base/bytes.h"

#define AX_ADWIN_DELTA 0.002
#define AX_ADWIN_ROWS 32   /* a window of up to 6 * 2^32 values */
#define AX_ADWIN_BUCKETS 5 /* of one size */
#define AX_ADWIN_CLOCK 32

/* A run of 2^row values: their sum, and the sum of squares about their mean. */
struct ax_adwin_bucket {
    double total, variance;
};

/* The detector; begin with ax_adwin_init(). */
struct ax_adwin {
    double delta, total, variance; /* variance: sum of squares about the window's mean */
    uint64_t width, ticks;
    uint32_t rows_n;
    bool detected;
    uint8_t n[AX_ADWIN_ROWS];
    struct ax_adwin_bucket rows[AX_ADWIN_ROWS][AX_ADWIN_BUCKETS + 1]; /* oldest first */
};

/* An empty window; delta in (0, 1). */
void ax_adwin_init(struct ax_adwin *a, double delta);

/* Take in a finite value: 1 when the mean has risen, -1 when it has fallen, 0 when nothing is known to have
 * changed. O(log of the window), amortised O(1). */
int ax_adwin_update(struct ax_adwin *a, double x);

/* Append; read back, what cannot be is a failure of in. */
void ax_adwin_save(const struct ax_adwin *a, struct ax_buf *out);
/* As above. */
void ax_adwin_load(struct ax_adwin *a, struct ax_bytes *in);

#endif
