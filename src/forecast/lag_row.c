/* lag_row.c: the columns of the ridge regressions on lags. */
#include "forecast/lag_row.h"

#include <math.h>

#define FEATURE_CLIP 12.0

static const uint32_t mean_steps[AX_LAG_MEANS] = {8, 16, 32, 64, 128};

static double clipped(double x, double bound)
{
    return x > bound ? bound : x < -bound ? -bound : x;
}

bool ax_lag_frame(const struct ax_past *p, struct ax_lag_frame *f)
{
    f->level = ax_past_last(p, AX_BRIDGE_MAX);
    f->scale = ax_past_volatility(p, AX_LAG_SCALE_STEPS) + 1e-6 * fabs(f->level);
    return isfinite(f->level) && isfinite(f->scale) && f->scale > 0;
}

void ax_lag_local(const struct ax_past *p, const struct ax_lag_frame *f, double *x)
{
    const float *v = p->fine.v;
    uint32_t n = p->fine.n;
    double sum = 0, level = f->level, scale = f->scale;
    uint32_t seen = 0, next = 0;
    for (uint32_t k = 0; next < AX_LAG_MEANS; k++) {
        double d = k < n ? (double)v[n - 1 - k] - level : (double)NAN;
        if (k >= 1 && k <= AX_LAG_LAGS)
            x[k - 1] = isnan(d) ? 0 : clipped(d / scale, FEATURE_CLIP);
        if (!isnan(d)) { /* a spike of one step has no part in means */
            bool inside = k >= 1 && k + 1 < n;
            sum += inside
                       ? ax_median_of_3((double)v[n - k], (double)v[n - 1 - k], (double)v[n - 2 - k]) - level
                       : d;
            seen++;
        }
        if (k + 1 == mean_steps[next])
            x[AX_LAG_LAGS + next++] = seen ? clipped(sum / seen / scale, FEATURE_CLIP) : 0;
    }
}

/* Where the last seasons went from here, and how far they are from here. */
void ax_lag_season(const struct ax_past *p, const struct ax_lag_frame *f, uint32_t season_steps,
                   uint32_t lead, double *x)
{
    x[0] = x[1] = 0;
    if (season_steps == 0)
        return;
    double then = ax_past_season(p, season_steps, lead, AX_PAST_CYCLES);
    double now = ax_past_season(p, season_steps, 0, AX_PAST_CYCLES);
    if (isnan(then) || isnan(now))
        return;
    x[0] = clipped((then - now) / f->scale, 4 * FEATURE_CLIP);
    x[1] = clipped((then - f->level) / f->scale, 4 * FEATURE_CLIP);
}
