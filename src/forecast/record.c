/* record.c: what is remembered of each lead: the errors of the members, from which their weights follow,
 * and the distribution of the combination's errors, from which the interval follows. */
#include "forecast/forecaster.h"

#include <math.h>
#include <string.h>

#define WEIGHT_POWER 6.0
#define ERROR_KEEP 0.98  /* of a member's error at each settled forecast: the last 50 count */
#define ERROR_CLIP 20.0  /* local scales: one spike must not decide who is believed */
#define DIST_KEEP 0.995  /* of the distribution: the last 200 count */
#define TAIL_GAMMA 0.005 /* step of adaptive conformal inference (Gibbs and Candes, NeurIPS 2021) */
#define FAST_STEPS 16
#define SLOW_STEPS 256

double ax_local_scale(const struct ax_past *p, uint32_t lead)
{
    double fast = ax_past_volatility(p, FAST_STEPS), slow = ax_past_volatility(p, SLOW_STEPS);
    double level = fabs(ax_past_last(p, AX_BRIDGE_MAX));
    double least = 1e-6 * (isnan(level) ? 0 : level) + 1e-12;
    if (isnan(slow))
        return least;
    if (isnan(fast))
        fast = slow;
    double share = 0.5 / (1 + 0.25 * log(lead));
    double scale = pow(slow, 1 - share) * pow(fmax(fast, 0.1 * slow), share);
    return fmax(scale, least);
}

void ax_record_init(struct ax_lead_record *r, double level)
{
    memset(r, 0, sizeof *r);
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        r->member_error[m] = NAN;
    r->tail_below = r->tail_above = (float)((1 - level) / 2);
}

void ax_record_weights(const struct ax_lead_record *r, const double *pred, double *weights)
{
    double least = INFINITY, sum = 0;
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        if (!isnan(pred[m]) && (double)r->member_error[m] < least)
            least = (double)r->member_error[m];
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        weights[m] = 0;
        if (isnan(pred[m]) || isnan(r->member_error[m]))
            continue;
        weights[m] = pow((least + 1e-9) / ((double)r->member_error[m] + 1e-9), WEIGHT_POWER);
        sum += weights[m];
    }
    if (sum <= 0) { /* nothing is known yet */
        weights[0] = isnan(pred[0]) ? 0 : 1;
        return;
    }
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        weights[m] /= sum;
}

void ax_record_settle(struct ax_lead_record *r, const double *pred, double mean, double actual, double scale)
{
    double n = r->settled < 1000000 ? r->settled++ : r->settled;
    double keep = fmin(ERROR_KEEP, n / (n + 1));
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        if (isnan(pred[m]))
            continue;
        double e = fmin(fabs(actual - pred[m]) / scale, ERROR_CLIP);
        double old = (double)r->member_error[m];
        r->member_error[m] = (float)(isnan(old) ? e : keep * old + (1 - keep) * e);
    }
    ax_errdist_add(&r->errors, (actual - mean) / scale, DIST_KEEP);
}

static float adapt(float tail, double target, bool missed)
{
    double a = (double)tail + TAIL_GAMMA * (target - (missed ? 1 : 0));
    return (float)fmin(fmax(a, target / 20), 4 * target);
}

void ax_record_adapt(struct ax_lead_record *r, double level, double actual, double lower, double upper)
{
    double target = (1 - level) / 2;
    r->tail_below = adapt(r->tail_below, target, actual < lower);
    r->tail_above = adapt(r->tail_above, target, actual > upper);
}
