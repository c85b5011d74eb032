/* adjust.c: the season taken out, and put back. */
#include "forecast/adjust.h"

#include "math/stats.h"

#include <math.h>

#define RATIO_MAX 1e3 /* beyond, the season is too near to zero to divide by */

void ax_adjust(const struct ax_past *p, enum ax_adjust_mode mode, uint32_t season_steps, uint32_t n,
               double *z)
{
    if (mode != AX_ADJUST_NONE)
        ax_past_season_span(p, season_steps, n, AX_PAST_CYCLES, z);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t ago = n - 1 - i;
        double v = ago < p->fine.n ? (double)p->fine.v[p->fine.n - 1 - ago] : (double)NAN;
        if (mode == AX_ADJUST_NONE || isnan(v)) {
            z[i] = v;
            continue;
        }
        double season = z[i];
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
    double season = ax_past_season(p, season_steps, lead, AX_PAST_CYCLES);
    return mode == AX_ADJUST_DIFFERENCE ? season + z : season > 0 ? season * z : (double)NAN;
}

uint32_t ax_adjust_bridged(const struct ax_past *p, uint32_t season_steps, uint32_t n, double *z)
{
    uint32_t first = 0;
    ax_adjust(p, season_steps ? AX_ADJUST_DIFFERENCE : AX_ADJUST_NONE, season_steps, n, z);
    while (first < n && isnan(z[first]))
        first++;
    for (uint32_t i = first + 1; i < n; i++)
        z[i] = isnan(z[i]) ? z[i - 1] : z[i];
    return n - first;
}

void ax_adjust_hold(double *z, uint32_t n, double times, double *work)
{
    double mean = 0;
    for (uint32_t i = 1; i < n; i++) {
        work[i - 1] = fabs(z[i] - z[i - 1]);
        mean += work[i - 1] / (n - 1);
    }
    double middle = n > 1 ? ax_median(work, n - 1) : 0, bound = times * (middle > 0 ? middle : mean);
    for (uint32_t i = 1; i < n; i++)
        z[i] = fmin(fmax(z[i], z[i - 1] - bound), z[i - 1] + bound);
}
