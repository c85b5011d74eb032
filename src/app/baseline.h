/* baseline.h: the forecast that a Prometheus user has today: PromQL's predict_linear. */
#ifndef AX_APP_BASELINE_H
#define AX_APP_BASELINE_H

#include <stdint.h>

/* predict_linear(v[range], lead) as Prometheus computes it: least squares over n samples (any order of t_ms;
 * values NaN are left out), extrapolated to now_ms + lead_ms. NaN with fewer than two samples. Equal values
 * give that value. O(n). */
double ax_predict_linear(const int64_t *t_ms, const double *v, uint32_t n, int64_t now_ms, int64_t lead_ms);

#endif
