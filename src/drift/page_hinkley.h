/* page_hinkley.h: the Page-Hinkley test: has the mean of a stream gone up or down for good?
 *
 * E. S. Page, "Continuous Inspection Schemes", Biometrika 41 (1954), with forgetting, both ways, with the
 * defaults of river 0.26 (drift.PageHinkley), whose detections it gives exactly. Pure. */
#ifndef AX_DRIFT_PAGE_HINKLEY_H
#define AX_DRIFT_PAGE_HINKLEY_H

#include "base/bytes.h"

#define AX_PAGE_HINKLEY_MIN 30
#define AX_PAGE_HINKLEY_DELTA 0.005
#define AX_PAGE_HINKLEY_THRESHOLD 50.0
#define AX_PAGE_HINKLEY_ALPHA 0.9999

/* The test; begin with ax_page_hinkley_init(). */
struct ax_page_hinkley {
    double threshold, delta;
    uint64_t n;
    double mean, rise, fall, rise_min, fall_max;
    bool detected;
};

/* Nothing seen yet. In the unit of the values: how far the sum of deviations may go, and by how much a value
 * must be above (below) the mean to add to it. */
void ax_page_hinkley_init(struct ax_page_hinkley *p, double threshold, double delta);

/* Take in a finite value: 1 for a rise, -1 for a fall, 0 for neither; then all is forgotten. O(1). */
int ax_page_hinkley_update(struct ax_page_hinkley *p, double x);

/* Append; read back, what cannot be is a failure of in. */
void ax_page_hinkley_save(const struct ax_page_hinkley *p, struct ax_buf *out);
/* As above. */
void ax_page_hinkley_load(struct ax_page_hinkley *p, struct ax_bytes *in);

#endif
