/* owed.c: the forecasts that wait: how many misses are to be expected of them by what is known by now, and
 * how far they are from what is said now. */
#include "forecast/forecaster.h"

#include <math.h>

#define ASKED 8        /* forecasts that stand for all that wait at a lead */
#define STEEPNESS 2.94 /* of a logistic distribution whose 5 % quantile is at 1: log(0.95 / 0.05) */

#define REVISED 1.5 /* times so far as all but one of them are from what is said now */

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

/* The path and the offsets of its bounds at so many steps ahead. */
struct ahead {
    double mean, below, above;
};

static struct ahead ahead_of(const struct ax_forecast_spec *spec, uint32_t ahead, const double *mean,
                             const double *below, const double *above)
{
    uint32_t i;
    double share = place_of(spec, ahead, &i);
    struct ahead a = {mean[i], below[i], above[i]};
    if (share > 0) {
        a.mean += share * (mean[i + 1] - a.mean);
        a.below += share * (below[i + 1] - a.below);
        a.above += share * (above[i + 1] - a.above);
    }
    return a;
}

/* The two most extreme of some numbers on either side of 0. */
struct extremes {
    double lowest, low, high, highest;
};

static void note(struct extremes *e, double x)
{
    e->low = fmin(fmax(x, e->lowest), e->low);
    e->lowest = fmin(x, e->lowest);
    e->high = fmax(fmin(x, e->highest), e->high);
    e->highest = fmax(x, e->highest);
}

struct ax_waits ax_forecaster_waits(const struct ax_forecaster *f, uint32_t track, int64_t step,
                                    const double *mean, const double *below, const double *above)
{
    const struct ax_lead_track *t = &f->tracks[track];
    uint32_t others = t->lead - 1, asked = others < ASKED ? others : ASKED, heard = 0;
    double sum = 0, allowed = 1 - f->spec->level;
    struct extremes revised = {0, 0, 0, 0};
    for (uint32_t q = 0; q < asked; q++) {
        uint32_t ago = 1 + (uint32_t)((uint64_t)others * (2 * q + 1) / ((uint64_t)2 * asked));
        int64_t made = step - ago;
        made -= made % t->pending.stride;
        struct ax_waiting w;
        int64_t ahead = made + t->lead - step;
        if (made < 0 || ahead < 1 || !ax_pending_peek(&t->pending, made, &w))
            continue;
        const struct ahead now = ahead_of(f->spec, (uint32_t)ahead, mean, below, above);
        sum +=
            fmin(beyond(now.mean - w.lower, -now.below) + beyond(w.upper - now.mean, now.above), 1) - allowed;
        note(&revised, w.mean - now.mean);
        heard++;
    }
    bool many = asked == ASKED;
    return (struct ax_waits){
        .owed = ax_missed_owed(&t->record.missed, t->lead, allowed, heard ? sum / heard * others : 0),
        .below = many ? REVISED * revised.low : 0,
        .above = many ? REVISED * revised.high : 0};
}
