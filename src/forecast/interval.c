/* interval.c: what the errors of a lead are measured in, and the interval that follows from them: the
 * quantiles of late, widened or narrowed by what was missed, and by what is going to have been missed. */
#include "forecast/forecaster.h"

#include <math.h>

#define DIST_STEPS 300.0 /* errors that count in the distribution, one step ahead */
#define DIST_LEADS 20.0  /* and for each step further: errors of overlapping forecasts say less */
#define GAMMA 0.01       /* pace of the width's adaptation, one step ahead */
#define GAMMA_LEAD 8.0   /* so many leads further it is half as fast: what is heard of is old */
#define REPAID 1.75      /* the target is 0 when so many misses are owed, */
#define REPAID_LEAD 5.0  /* and so many times more at a lead of 1, half of that at 2; */
#define REPAID_FAR                                                                                           \
    32.0 /* one more for so many leads: the later it is heard, the less may be done at once                  \
          */
#define REPAID_YOUNG 500.0 /* twice as many at so many settled forecasts, more before */
#define TARGET_LEAST 0.1   /* of the share of misses that the level allows, whatever is owed */
#define TARGET_MOST 9.0
#define FACTOR_LEAST 0.3 /* of the width, for that */
#define FACTOR_MOST 2.0
#define CLAIM_STEPS 100.0 /* forecasts that count in the mean excess of confidence, one step ahead */
#define CLAIM_LEADS 4.0   /* and for each step further */
#define CLAIM_FIRST 5.0   /* fewer at first: the n-th counts as much as this share of those before it */
#define CLAIM_SHARE 0.5   /* of the excess that is taken off */
#define FAST_STEPS 16     /* how far back the volatilities that make the local scale reach */
#define SLOW_STEPS 128
#define LONG_STEPS 960
#define FAST_SHARE 0.3 /* how much of their ups and downs goes into the scale, one step ahead */
#define SLOW_SHARE 0.4
#define SHARE_FADE 0.25 /* and how fast that fades with the logarithm of the lead */
#define LEVEL_SHARE 0.5 /* of the scale that goes with the level of the forecast beside the usual one, */
/* from one bound of that to the other: */
#define LEVEL_LEAST 0.5
#define LEVEL_MOST 3.0
#define APART_MOST 100.0   /* times the usual distance of members that are believed */
#define APART_STEPS 1000.0 /* looks that count in what is usual */
#define APART_YOUNG 20.0   /* so many count at first */

static double either(double x, double fallback)
{
    return isnan(x) ? fallback : x;
}

/* Mean value of the window; 0 where some are below 0, for a level that has no zero to be measured from. */
static double level_of(const struct ax_view *v)
{
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n; i++) {
        if (v->v[i] < 0)
            return 0;
        if (isnan(v->v[i]))
            continue;
        sum += (double)v->v[i];
        n++;
    }
    return n ? sum / n : 0;
}

struct ax_local ax_local_of(const struct ax_past *p)
{
    double level = either(fabs(ax_past_last(p, AX_BRIDGE_MAX)), 0);
    struct ax_local l = {.least = 1e-6 * level + 1e-30, .all = ax_past_volatility(p, LONG_STEPS)};
    if (isnan(l.all) || l.all < l.least)
        l.all = l.least;
    l.slow = fmax(either(ax_past_volatility(p, SLOW_STEPS), l.all), 0.05 * l.all);
    l.fast = fmax(either(ax_past_volatility(p, FAST_STEPS), l.slow), 0.05 * l.all);
    l.level = level_of(&p->fine);
    return l;
}

double ax_local_scale(const struct ax_local *l, uint32_t lead, double mean)
{
    double fade = 1 / (1 + SHARE_FADE * log(lead));
    double scale =
        l->all * pow(l->slow / l->all, SLOW_SHARE * fade) * pow(l->fast / l->all, FAST_SHARE * fade);
    if (l->level > 0)
        scale *= 1 + LEVEL_SHARE * (fmin(fmax(fabs(mean) / l->level, LEVEL_LEAST), LEVEL_MOST) - 1);
    return fmax(scale, l->least);
}

double ax_record_apart(const struct ax_lead_record *r, const double *pred, double together,
                       double local_scale)
{
    double least = INFINITY, sum = 0, weight = 0;
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        if (isfinite(pred[m]))
            least = fmin(least, (double)r->member_error[m]);
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        if (!isfinite(pred[m]) || isnan(r->member_error[m]))
            continue;
        double as_good = (least + 1e-9) / ((double)r->member_error[m] + 1e-9);
        sum += as_good * as_good * fabs(pred[m] - together);
        weight += as_good * as_good;
    }
    return weight > 0 ? fmin(sum / weight / local_scale, AX_APART_MAX) : 0;
}

double ax_record_scale(const struct ax_lead_record *r, double local_scale, double apart)
{
    double usual = (double)r->apart;
    if (!(usual > 0))
        return local_scale;
    return local_scale * sqrt((fmin(apart, APART_MOST * usual) + usual) / (2 * usual));
}

void ax_record_note_apart(struct ax_lead_record *r, uint32_t every, double apart)
{
    double usual = (double)r->apart,
           pace = fmax(fmin(every / APART_STEPS, 1), 1 / (r->settled + APART_YOUNG));
    if (usual > 0)
        apart = usual + (fmin(apart, APART_MOST * usual) - usual) * pace;
    r->apart = (float)apart;
}

static float adapt(float width, double pace, double target, bool missed)
{
    double w = (double)width + pace * ((missed ? 1 : 0) - target);
    return (float)fmin(fmax(w, -AX_WIDTH_MAX), AX_WIDTH_MAX);
}

void ax_record_adapt(struct ax_lead_record *r, uint32_t lead, double level, const struct ax_waiting *w,
                     double actual)
{
    double target = (1 - level) / 2, pace = GAMMA / (1 + (lead - 1) / GAMMA_LEAD);
    bool low = actual<w->lower, high = actual> w->upper;
    r->width_below = adapt(r->width_below, pace, target, low);
    r->width_above = adapt(r->width_above, pace, target, high);
    ax_missed_add(&r->missed, low || high);
    ax_errdist_add(&r->errors, (actual - w->mean) / w->scale, ax_record_keep(lead));
}

void ax_record_claim(struct ax_lead_record *r, uint32_t lead, bool came_true)
{
    double n = r->settled, keep = fmin(1 - 1 / (CLAIM_STEPS + CLAIM_LEADS * lead), n / (n + CLAIM_FIRST)),
           excess = (double)r->claimed - (came_true ? 1 : 0);
    r->overclaimed = (float)(keep * (double)r->overclaimed + (1 - keep) * excess);
}

double ax_record_confidence(const struct ax_lead_record *r, double claimed)
{
    return fmin(fmax(claimed - CLAIM_SHARE * (double)r->overclaimed, 0), 1);
}

double ax_record_keep(uint32_t lead)
{
    return 1 - 1 / (DIST_STEPS + DIST_LEADS * lead);
}

void ax_record_interval(const struct ax_lead_record *r, double level, double *below, double *above)
{
    double target = (1 - level) / 2;
    *below = fmin(0, ax_errdist_quantile(&r->errors, target));
    *above = fmax(0, ax_errdist_quantile(&r->errors, 1 - target));
}

double ax_record_factor(const struct ax_lead_record *r, uint32_t lead, double level, double owed)
{
    double half = (1 - level) / 2,
           repaid = (REPAID * (1 + REPAID_LEAD / lead) + lead / REPAID_FAR) *
                    (1 + REPAID_YOUNG / (r->settled + 1.0)),
           share = fmin(fmax(1 - owed / repaid, TARGET_LEAST), TARGET_MOST),
           target = fmin(half * share, (half + 0.5) / 2);
    double usual = ax_errdist_quantile(&r->errors, 1 - half) - ax_errdist_quantile(&r->errors, half),
           wanted = ax_errdist_quantile(&r->errors, 1 - target) - ax_errdist_quantile(&r->errors, target);
    return usual > 0 ? fmin(fmax(wanted / usual, FACTOR_LEAST), FACTOR_MOST) : 1;
}
