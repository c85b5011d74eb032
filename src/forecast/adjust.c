/* adjust.c: the season taken out, and put back. */
#include "forecast/adjust.h"

#include <math.h>

#define RATIO_MAX 1e3 /* beyond, the season is too near to zero to divide by */

void ax_adjust(const struct ax_past *p, enum ax_adjust_mode mode, uint32_t season_steps, uint32_t n,
               double *z)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t ago = n - 1 - i;
        double v = ago < p->fine.n ? (double)p->fine.v[p->fine.n - 1 - ago] : (double)NAN;
        if (mode == AX_ADJUST_NONE || isnan(v)) {
            z[i] = v;
            continue;
        }
        double season = ax_past_season_ago(p, season_steps, ago, AX_ADJUST_CYCLES);
        z[i] = mode == AX_ADJUST_DIFFERENCE ? v - season : season > 0 ? v / season : (double)NAN;
        if (mode == AX_ADJUST_RATIO && fabs(z[i]) > RATIO_MAX)
            z[i] = NAN;
    }
}

double ax_adjust_back(const struct ax_past *p, enum ax_adjust_mode mode, uint32_t season_steps, uint32_t lead,
                      double z)
{
    if (mode == AX_ADJUST_NONE)
        return z;
    double season = ax_past_season(p, season_steps, lead, AX_ADJUST_CYCLES);
    return mode == AX_ADJUST_DIFFERENCE ? season + z : season > 0 ? season * z : (double)NAN;
}
