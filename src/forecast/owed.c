/* owed.c: how many misses of the forecasts that wait are to be expected, by what is known by now. */
#include "forecast/forecaster.h"

#include <math.h>

#define ASKED 8        /* forecasts that stand for all that wait at a lead */
#define STEEPNESS 2.94 /* of a logistic distribution whose 5 % quantile is at 1: log(0.95 / 0.05) */

/* The path at a number of steps ahead that may lie between its points: the point before it and the share of
 * the way to the next. */
static double place_of(const struct ax_forecast_spec *spec, uint32_t ahead, uint32_t *point)
{
    uint32_t low = 0, high = spec->leads_n - 1;
    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;
        if (spec->leads[middle] <= ahead)
            low = middle;
        else
            high = middle - 1;
    }
    *point = low;
    if (low + 1 == spec->leads_n)
        return 0;
    return (double)(ahead - spec->leads[low]) / (spec->leads[low + 1] - spec->leads[low]);
}

/* Probability that a value is beyond a bound that lies `distance` from where it is expected, when one in 20
 * is beyond `reach`. */
static double beyond(double distance, double reach)
{
    if (reach <= 0)
        return distance < 0 ? 1 : 0;
    return 1 / (1 + exp(STEEPNESS * distance / reach));
}

/* Of a forecast that waits, and is for so many steps ahead from now. */
static double miss(const struct ax_forecast_spec *spec, const struct ax_waiting *w, uint32_t ahead,
                   const double *mean, const double *below, const double *above)
{
    uint32_t i;
    double share = place_of(spec, ahead, &i), at = mean[i], low = below[i], high = above[i];
    if (share > 0) {
        at += share * (mean[i + 1] - at);
        low += share * (below[i + 1] - low);
        high += share * (above[i + 1] - high);
    }
    return fmin(beyond(at - w->lower, -low) + beyond(w->upper - at, high), 1);
}

double ax_forecaster_owed(const struct ax_forecaster *f, uint32_t track, int64_t step, const double *mean,
                          const double *below, const double *above)
{
    const struct ax_lead_track *t = &f->tracks[track];
    uint32_t others = t->lead - 1, asked = others < ASKED ? others : ASKED, heard = 0;
    double sum = 0, allowed = 1 - f->spec->level;
    for (uint32_t q = 0; q < asked; q++) {
        uint32_t ago = 1 + (uint32_t)((uint64_t)others * (2 * q + 1) / ((uint64_t)2 * asked));
        int64_t made = step - ago;
        made -= made % t->pending.stride;
        struct ax_waiting w;
        int64_t ahead = made + t->lead - step;
        if (made < 0 || ahead < 1 || !ax_pending_peek(&t->pending, made, &w))
            continue;
        sum += miss(f->spec, &w, (uint32_t)ahead, mean, below, above) - allowed;
        heard++;
    }
    return (double)t->record.owed + (heard ? sum / heard * others : 0);
}
