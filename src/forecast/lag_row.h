/* lag_row.h: what the ridge regressions on lags know of a moment: the newest values, local means, where the
 * last seasons went from here; all of it relative to the last value, in units of the local scale, so that one
 * set of coefficients serves series of every level. */
#ifndef AX_FORECAST_LAG_ROW_H
#define AX_FORECAST_LAG_ROW_H

#include "forecast/member.h"

#define AX_LAG_LAGS 6
#define AX_LAG_MEANS 5
#define AX_LAG_LOCAL (AX_LAG_LAGS + AX_LAG_MEANS) /* columns that are the same for every lead */
#define AX_LAG_WIDTH (AX_LAG_LOCAL + 2)
#define AX_LAG_SCALE_STEPS 32 /* of the local scale */

/* What a row is relative to: the last value, and the mean |difference| of the newest steps. */
struct ax_lag_frame {
    double level, scale;
};

/* Measure a past; false when there is nothing to go by. */
bool ax_lag_frame(const struct ax_past *p, struct ax_lag_frame *f);

/* The first AX_LAG_LOCAL columns. */
void ax_lag_local(const struct ax_past *p, const struct ax_lag_frame *f, double *x);

/* The other two, for a lead. */
void ax_lag_season(const struct ax_past *p, const struct ax_lag_frame *f, uint32_t season_steps,
                   uint32_t lead, double *x);

#endif
