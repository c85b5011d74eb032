/* scorecard.h: how the forecasts of a job did over the last 24 h, per horizon.
 *
 * Outcomes are added when their actual arrives; sums are kept in buckets of 15 min that fall out of the
 * window, so memory and cost are constant. Owner: the pipeline's thread. */
#ifndef AX_FORECAST_SCORECARD_H
#define AX_FORECAST_SCORECARD_H

#include "forecast/forecast.h"

struct ax_scorecard;

/* Ratios, 0 to 1 where bounded; NaN where undefined (no outcome, zero denominator). */
struct ax_score {
    uint64_t n;
    double accuracy;  /* share within tolerance of the actual */
    double mape;      /* mean |error / actual| over actuals that are not 0 */
    double wape;      /* sum |error| / sum |actual| */
    double mae, rmse; /* in the input's unit */
    double
        correlation; /* Pearson of forecast and actual over all outcomes; series of unlike levels raise it */
    double coverage; /* share of actuals inside the interval */
    double skill;    /* 1 - WAPE / WAPE of the last value; NaN when the last value was always right */
};

/* A scorecard for horizons_n horizons over window_ms (24 h in service); NULL when out of memory. */
struct ax_scorecard *ax_scorecard_new(uint32_t horizons_n, int64_t window_ms, double tolerance);

/* Free; NULL is fine. */
void ax_scorecard_free(struct ax_scorecard *s);

/* Add one outcome that became known at t_ms (not falling). O(1). */
void ax_scorecard_add(struct ax_scorecard *s, int64_t t_ms, const struct ax_outcome *o);

/* Scores of one horizon over the window that ends at t_ms. O(buckets). */
struct ax_score ax_scorecard_read(const struct ax_scorecard *s, int64_t t_ms, uint32_t horizon);

/* Append all that it holds. */
void ax_scorecard_save(const struct ax_scorecard *s, struct ax_buf *out);

/* Read that back into an empty one of the same sizes. AX_CORRUPT for bytes that it cannot have written; then
 * it is only good for freeing. */
AX_MUST_USE enum ax_err ax_scorecard_load(struct ax_scorecard *s, struct ax_bytes *in);

#endif
