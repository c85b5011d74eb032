/* record.c: what is remembered of each lead: the errors of the members, from which their weights follow. */
#include "forecast/forecaster.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define TRIM 1.6       /* others than the last value with errors so many times the least have no weight */
#define DOUBT 0.15     /* by how much a member's error is held to be worse at first */
#define DOUBT_FADE 0.1 /* doubt falls with the square root of this share of the settled forecasts, which */
                       /* say less the more they overlap: by the square root of the lead */
#define MEMORY_STEPS 100.0 /* steps that count in a member's error, one step ahead */
#define MEMORY_LEADS 10.0  /* and for each step further: forecasts that overlap say less */
#define JOINED 8.0         /* forecasts that the error counts with which a member joins, and a lead more */
#define ERROR_CLIP 20.0    /* mean differences: one spike must not decide who is believed */
#define BELIEF_STEPS 200.0 /* as these two, for the errors of all together and of the last value */
#define BELIEF_LEADS 30.0
#define EVER_STEPS 2000.0 /* and for the same over the longest time, */
#define EVER_LEADS 200.0
#define EVER_CLIP 100.0   /* where an event of many mean differences counts for more, */
#define EVER_YOUNG 8.0    /* and what was validated for so many forecasts */
#define BELIEF_POWER 40.0 /* as power(), between these two */
/* By how much all together are to be better than the last value, when one forecast says so; when n say so
 * that do not overlap, by this over the square root of n. */
#define BELIEF_DOUBT 0.2
#define BELIEF_YOUNG 0.4 /* the doubt in what present weights would have done, likewise */
#define BELIEF_HEARD 5.0 /* independent forecasts at which the present weights' errors count half, */
#define BELIEF_NEAR                                                                                          \
    12.0                 /* and half of that at this lead: nearer, what was is soon known of these weights   \
                          */
#define BELIEF_LEAST 0.4 /* so much belief is none: the last value itself */
#define OWN_ENOUGH 40.0  /* independent errors at which a lead counts as much as what it borrows */
#define SETTLED_MAX 1000000

static double either(double x, double fallback)
{
    return isnan(x) ? fallback : x;
}

void ax_record_init(struct ax_lead_record *r)
{
    memset(r, 0, sizeof *r);
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        r->member_error[m] = NAN;
    r->together_error = r->last_error = r->together_ever = r->last_ever = NAN;
}

/* What a member counts whose error is 1 / x of the least: x^10, by multiplications, for there is one for
 * every member and lead at every step. */
static double power(double x)
{
    double x2 = x * x, x4 = x2 * x2;
    return x4 * x4 * x2;
}

void ax_record_weights(const struct ax_lead_record *r, uint32_t lead, const double *pred, double *weights)
{
    /* The last value is believed until there is evidence for something better. */
    double doubt = 1 + DOUBT / sqrt(1 + DOUBT_FADE * (double)r->settled / sqrt(lead));
    double error[AX_MEMBERS], least = INFINITY, sum = 0;
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        error[m] = (double)r->member_error[m] * (m == 0 ? 1 : doubt);
        if (isfinite(pred[m]) && error[m] < least)
            least = error[m];
    }
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        weights[m] = 0;
        if (!isfinite(pred[m]) || isnan(error[m]) || (m > 0 && error[m] > TRIM * least + 1e-9))
            continue;
        weights[m] = power((least + 1e-9) / (error[m] + 1e-9));
        sum += weights[m];
    }
    if (sum <= 0) { /* nothing is known yet */
        weights[0] = isfinite(pred[0]) ? 1 : 0;
        return;
    }
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        weights[m] /= sum;
}

/* Of so many forecasts that members were heard for, one after the other, the last does not overlap the first.
 */
static double heard_per_lead(uint32_t lead)
{
    return lead < AX_WORDS_MAX ? lead : AX_WORDS_MAX;
}

/* The error of one member, from what it said. One that joins later begins no better than the last value, for
 * one hit is luck, and goes on by what it was heard to say itself, not as slowly as a lead that knows others
 * for long. An answer that is not finite counts as the worst. */
static void settle_member(struct ax_lead_record *r, uint32_t m, uint32_t lead, const struct ax_waiting *w,
                          double actual, double unit, double keep)
{
    if (isnan(w->pred[m]))
        return;
    double e = fmin(fabs(actual - w->pred[m]) / unit, ERROR_CLIP), old = (double)r->member_error[m];
    if (isnan(old)) {
        old = keep > 0 ? fmax(e, either((double)r->member_error[0], e)) : e;
        r->heard[m] = 0;
    }
    double known = r->heard[m] + JOINED + heard_per_lead(lead);
    if (r->heard[m] < UINT8_MAX) {
        keep = fmin(keep, known / (known + 1));
        r->heard[m]++;
    }
    r->member_error[m] = (float)(keep * old + (1 - keep) * e);
}

static void smooth(float *mean, double e, double keep)
{
    *mean = isnan(*mean) ? (float)e : (float)(keep * (double)*mean + (1 - keep) * e);
}

static double keep_of(double every, double steps, double leads, uint32_t lead, double n)
{
    return fmin(1 - fmin(every / (steps + leads * lead), 0.5), n / (n + 1));
}

/* Error of all together beside the last value: what it was, and as far as its members were heard often enough
 * what it would have been with these weights, if that is less; halfway from there to what it was over the
 * longest time, so that where there is nothing to gain luck is seen through at last. */
static double together_ratio(const struct ax_lead_record *r, uint32_t lead, const double *weights)
{
    double was = ((double)r->together_error + 1e-9) / ((double)r->last_error + 1e-9), now = 0, heard = 0;
    double ever = either(((double)r->together_ever + 1e-9) / ((double)r->last_ever + 1e-9), was);
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        now += weights[m] > 0 ? weights[m] * (double)r->member_error[m] : 0;
        heard += weights[m] * r->heard[m];
    }
    now = (now + 1e-9) / ((double)r->member_error[AX_MEMBER_LAST_VALUE] + 1e-9);
    now *= 1 + BELIEF_YOUNG / sqrt(1 + heard / heard_per_lead(lead));
    double share = heard / (heard + BELIEF_HEARD * heard_per_lead(lead)) * lead / (lead + BELIEF_NEAR);
    return sqrt(ever * was) * (now < was ? pow(now / was, share) : 1);
}

double ax_record_belief(const struct ax_lead_record *r, uint32_t lead, const double *weights)
{
    if (isnan(r->together_error) || isnan(r->last_error))
        return 1;
    double independent = fmin(r->settled, BELIEF_STEPS + BELIEF_LEADS * lead) / lead,
           doubt = BELIEF_DOUBT / sqrt(1 + independent),
           belief = 1 / (1 + pow(together_ratio(r, lead, weights) / (1 - doubt), BELIEF_POWER));
    return fmax(belief - BELIEF_LEAST, 0) / (1 - BELIEF_LEAST);
}

void ax_record_settle(struct ax_lead_record *r, uint32_t lead, const struct ax_waiting *w, double actual,
                      double unit)
{
    double n = r->settled < SETTLED_MAX ? r->settled++ : r->settled;
    double keep = keep_of(w->heard, MEMORY_STEPS, MEMORY_LEADS, lead, n),
           longer = keep_of(w->heard, BELIEF_STEPS, BELIEF_LEADS, lead, n),
           ever = 1 - w->heard / fmin(EVER_STEPS + EVER_LEADS * lead, n + w->heard + EVER_YOUNG);
    for (uint32_t m = 0; m < AX_MEMBERS && w->heard; m++)
        settle_member(r, m, lead, w, actual, unit, keep);
    if (w->heard && isfinite(w->pred[0])) {
        double together = fabs(actual - w->together) / unit, last = fabs(actual - w->pred[0]) / unit;
        smooth(&r->together_error, fmin(together, ERROR_CLIP), longer);
        smooth(&r->last_error, fmin(last, ERROR_CLIP), longer);
        smooth(&r->together_ever, fmin(together, EVER_CLIP), ever);
        smooth(&r->last_ever, fmin(last, EVER_CLIP), ever);
    }
}

double ax_record_trust(const struct ax_lead_record *r, uint32_t lead)
{
    double independent = (double)r->settled / lead;
    return independent / (independent + OWN_ENOUGH);
}

void ax_record_save(const struct ax_lead_record *r, struct ax_buf *out)
{
    ax_put_f32s(out, r->member_error, AX_MEMBERS);
    ax_put_f32(out, r->together_error);
    ax_put_f32(out, r->last_error);
    ax_put_f32(out, r->together_ever);
    ax_put_f32(out, r->last_ever);
    ax_put_f32(out, r->width_below);
    ax_put_f32(out, r->width_above);
    ax_put_f32(out, r->apart);
    ax_put_f32(out, r->claimed);
    ax_put_f32(out, r->overclaimed);
    ax_put_varint(out, r->settled);
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        ax_put_u8(out, r->heard[m]);
    ax_errdist_save(&r->errors, out);
    ax_missed_save(&r->missed, out);
}

void ax_record_load(struct ax_lead_record *r, struct ax_bytes *in)
{
    ax_get_f32s_in(in, r->member_error, AX_MEMBERS, 0, INFINITY, true);
    r->together_error = ax_get_f32(in);
    r->last_error = ax_get_f32(in);
    r->together_ever = ax_get_f32(in);
    r->last_ever = ax_get_f32(in);
    if (r->together_error < 0 || r->last_error < 0 || r->together_ever < 0 || r->last_ever < 0)
        (void)ax_bytes_fail(in);
    r->width_below = ax_get_f32_in(in, -(float)AX_WIDTH_MAX, (float)AX_WIDTH_MAX);
    r->width_above = ax_get_f32_in(in, -(float)AX_WIDTH_MAX, (float)AX_WIDTH_MAX);
    r->apart = ax_get_f32_in(in, 0, (float)AX_APART_MAX);
    r->claimed = ax_get_f32_in(in, 0, 1);
    r->overclaimed = ax_get_f32_in(in, -1, 1);
    r->settled = ax_get_count(in, SETTLED_MAX);
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        r->heard[m] = ax_get_u8(in);
    ax_errdist_load(&r->errors, in);
    ax_missed_load(&r->missed, in);
}
