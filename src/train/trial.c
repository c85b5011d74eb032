/* trial.c: pairs of losses, and the verdict on them. */
#include "train/trial.h"

#include "base/assert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOKS_SPAN (1u << (AX_PROMOTION_LOOKS - 1)) /* pairs at the last look by pairs at the first */
#define SHOWN_FIRST 16
#define SHOWN_EVERY 64
#define ALIKE 0.9
#define PLAIN 0.25        /* alarms that need no test, when they are so many, */
#define PLAINLY_MORE 10.0 /* and so many times those of the older one */

void ax_trial_done(struct ax_trial *t)
{
    free(t->live);
    free(t->shadow);
    *t = (struct ax_trial){0};
}

static struct ax_promotion_rule shadow_rule(const struct ax_trial_rule *rule)
{
    struct ax_promotion_rule r = rule->compare;
    r.samples_min = r.samples_min ? r.samples_min : 1;
    return r;
}

/* The looks of a canary or a watch of so many pairs. */
static struct ax_promotion_rule looks_of(const struct ax_trial_rule *rule, uint32_t pairs)
{
    struct ax_promotion_rule r = rule->compare;
    r.samples_min = pairs / LOOKS_SPAN ? pairs / LOOKS_SPAN : 1;
    return r;
}

uint32_t ax_trial_pairs(const struct ax_trial_rule *rule, enum ax_phase phase)
{
    switch (phase) {
    case AX_PHASE_SHADOW:
        return shadow_rule(rule).samples_min * LOOKS_SPAN;
    case AX_PHASE_CANARY:
        return rule->canary_n;
    case AX_PHASE_WATCH:
        return rule->watch_n;
    default:
        return 0;
    }
}

enum ax_err ax_trial_reserve(struct ax_trial *t, const struct ax_trial_rule *rule)
{
    uint32_t most = 1;
    for (enum ax_phase phase = AX_PHASE_NONE; phase < AX_PHASES; phase++)
        most = ax_trial_pairs(rule, phase) > most ? ax_trial_pairs(rule, phase) : most;
    if (t->cap >= most)
        return AX_OK;
    double *live = realloc(t->live, most * sizeof *live);
    t->live = live ? live : t->live;
    double *shadow = realloc(t->shadow, most * sizeof *shadow);
    t->shadow = shadow ? shadow : t->shadow;
    if (!live || !shadow)
        return AX_NOMEM;
    t->cap = most;
    return AX_OK;
}

void ax_trial_clear(struct ax_trial *t)
{
    *t = (struct ax_trial){.live = t->live, .shadow = t->shadow, .cap = t->cap};
}

/* Compare the newer one with the older one. */
static void compare(struct ax_trial *t, const struct ax_trial_rule *rule, enum ax_phase phase)
{
    const bool watch = phase == AX_PHASE_WATCH;
    t->result =
        ax_compare_forecasts(watch ? t->shadow : t->live, watch ? t->live : t->shadow, t->n, rule->lags);
}

static struct ax_promotion_rule looks_in(const struct ax_trial_rule *rule, enum ax_phase phase)
{
    return phase == AX_PHASE_SHADOW ? shadow_rule(rule) : looks_of(rule, ax_trial_pairs(rule, phase));
}

bool ax_trial_is_look(const struct ax_trial *t, const struct ax_trial_rule *rule, enum ax_phase phase)
{
    const struct ax_promotion_rule r = looks_in(rule, phase);
    return ax_trial_pairs(rule, phase) > 0 && t->sum_n == 0 && ax_promotion_looks(&r, t->n);
}

void ax_trial_label(struct ax_trial *t, const struct ax_comparison *labelled)
{
    t->labelled = *labelled;
}

const struct ax_comparison *ax_trial_decisive(const struct ax_trial *t)
{
    return t->labelled.n ? &t->labelled : &t->result;
}

const char *ax_trial_measure(const struct ax_trial *t, const struct ax_trial_rule *rule)
{
    return t->labelled.n ? "average_precision" : rule->alarms ? "alarms" : "loss";
}

/* Is it compared at this pair? At all looks, and now and then between them, to be seen. */
static bool is_compared(const struct ax_trial *t, const struct ax_trial_rule *rule, enum ax_phase phase)
{
    const struct ax_promotion_rule r = looks_in(rule, phase);
    return t->n <= SHOWN_FIRST || t->n % SHOWN_EVERY == 0 || t->n == ax_trial_pairs(rule, phase) ||
           ax_promotion_looks(&r, t->n);
}

void ax_trial_add(struct ax_trial *t, const struct ax_trial_rule *rule, enum ax_phase phase, double live,
                  double shadow)
{
    const uint32_t block = rule->block ? rule->block : 1, most = ax_trial_pairs(rule, phase);
    if (!isfinite(live) || !isfinite(shadow) || t->n >= most || t->n >= t->cap)
        return;
    t->sum[0] += live;
    t->sum[1] += shadow;
    if (++t->sum_n < block)
        return;
    t->live[t->n] = t->sum[0] / block;
    t->shadow[t->n++] = t->sum[1] / block;
    t->sum[0] = t->sum[1] = 0;
    t->sum_n = 0;
    if (is_compared(t, rule, phase))
        compare(t, rule, phase);
}

void ax_trial_broken(struct ax_trial *t, bool live, bool shadow)
{
    t->live_broken = t->live_broken || live;
    t->shadow_broken = t->shadow_broken || shadow;
}

/* ---- the verdict ---- */

static enum ax_trial_verdict judge_shadow(const struct ax_trial *t, const struct ax_trial_rule *rule)
{
    const struct ax_promotion_rule r = shadow_rule(rule);
    if (!ax_promotion_looks(&r, t->n))
        return AX_TRIAL_GOES_ON;
    const bool last = t->n >= ax_trial_pairs(rule, AX_PHASE_SHADOW);
    if (!rule->alarms || t->labelled.n) {
        struct ax_comparison c = *ax_trial_decisive(t);
        c.n = t->n; /* looks are told by pairs */
        const enum ax_promotion p = ax_promotion_judge(&r, &c);
        if (p == AX_PROMOTION_PROMOTED)
            return AX_TRIAL_PASSED;
        if (p == AX_PROMOTION_WAITS)
            return AX_TRIAL_GOES_ON;
        if (!rule->alarms || ax_promotion_is_worse(&r, &c))
            return AX_TRIAL_FAILED;
        /* Labels that tell neither from the other, to the last, leave it to the alarms. */
    }
    const double most = fmax(t->result.champion, rule->alarms_max) * (1 + r.effect_min);
    if (t->result.challenger <= most && (double)t->agreed >= ALIKE * (double)t->judged)
        return AX_TRIAL_PASSED;
    return last ? AX_TRIAL_FAILED : AX_TRIAL_GOES_ON;
}

bool ax_trial_is_equal(const struct ax_trial *t, const struct ax_trial_rule *rule)
{
    const struct ax_promotion_rule r = shadow_rule(rule);
    return !rule->alarms && t->n >= ax_trial_pairs(rule, AX_PHASE_SHADOW) && !t->live_broken &&
           !t->shadow_broken && !ax_promotion_is_worse(&r, &t->result);
}

static enum ax_trial_verdict judge_served(const struct ax_trial *t, const struct ax_trial_rule *rule,
                                          uint32_t pairs)
{
    const struct ax_promotion_rule r = looks_of(rule, pairs);
    const struct ax_comparison *c = &t->result;
    if (ax_promotion_looks(&r, t->n) &&
        ((ax_promotion_is_worse(&r, c) && (!rule->alarms || c->challenger > rule->alarms_max)) ||
         (t->labelled.n && ax_promotion_is_worse(&r, &t->labelled)) ||
         (rule->alarms && c->challenger > PLAIN && c->challenger > PLAINLY_MORE * c->champion)))
        return AX_TRIAL_FAILED;
    return t->n >= pairs ? AX_TRIAL_PASSED : AX_TRIAL_GOES_ON;
}

enum ax_trial_verdict ax_trial_judge(const struct ax_trial *t, const struct ax_trial_rule *rule,
                                     enum ax_phase phase)
{
    if (phase == AX_PHASE_NONE)
        return AX_TRIAL_GOES_ON;
    if (phase == AX_PHASE_WATCH ? t->live_broken : t->shadow_broken)
        return AX_TRIAL_FAILED;
    if (phase == AX_PHASE_SHADOW)
        return judge_shadow(t, rule);
    return phase == AX_PHASE_APPROVAL ? AX_TRIAL_GOES_ON : judge_served(t, rule, ax_trial_pairs(rule, phase));
}

uint8_t ax_trial_next_share(uint8_t share)
{
    static const uint8_t shares[] = {5, 25, 50, 100, 0};
    size_t i = 0;
    while (shares[i] && shares[i] <= share)
        i++;
    return shares[i];
}

void ax_trial_describe(const struct ax_trial *t, const struct ax_trial_rule *rule, char *out, size_t out_n)
{
    const struct ax_comparison *c = ax_trial_decisive(t);
    const char *what = t->labelled.n ? "average precision" : rule->alarms ? "alarms" : "loss";
    const bool more = (c->effect < 0) != (t->labelled.n > 0), better = c->effect >= 0;
    if (t->live_broken || t->shadow_broken)
        (void)snprintf(out, out_n, "it gave what is no number");
    else if (isnan(c->p_value) || !isfinite(c->effect))
        (void)snprintf(out, out_n, "%s %.3g after %.3g, %u pairs", what, c->challenger, c->champion, c->n);
    else
        (void)snprintf(out, out_n, "%.3g %% %s %s (%.3g to %.3g %%), p %.2g, %u pairs", 100 * fabs(c->effect),
                       more ? "more" : "less", what, 100 * (better ? c->low : -c->high),
                       100 * (better ? c->high : -c->low), better ? c->p_value : c->p_worse,
                       t->labelled.n ? t->n : c->n);
}

/* ---- what lasts ---- */

static void put_comparison(struct ax_buf *out, const struct ax_comparison *c)
{
    const double v[] = {c->champion, c->challenger, c->effect, c->low, c->high, c->p_value, c->p_worse};
    ax_put_varint(out, c->n);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        ax_put_f64(out, v[i]);
}

static void get_comparison(struct ax_bytes *in, uint32_t n_max, struct ax_comparison *c)
{
    double *const v[] = {&c->champion, &c->challenger, &c->effect, &c->low,
                         &c->high,     &c->p_value,    &c->p_worse};
    c->n = ax_get_count(in, n_max);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        *v[i] = ax_get_f64(in);
}

void ax_trial_save(const struct ax_trial *t, struct ax_buf *out)
{
    ax_put_varint(out, t->n);
    for (uint32_t i = 0; i < t->n; i++) {
        ax_put_f64(out, t->live[i]);
        ax_put_f64(out, t->shadow[i]);
    }
    ax_put_f64(out, t->sum[0]);
    ax_put_f64(out, t->sum[1]);
    ax_put_varint(out, t->sum_n);
    ax_put_u64(out, t->judged);
    ax_put_u64(out, t->agreed);
    ax_put_u8(out, t->live_broken);
    ax_put_u8(out, t->shadow_broken);
    put_comparison(out, &t->result);
    put_comparison(out, &t->labelled);
}

enum ax_err ax_trial_load(struct ax_trial *t, const struct ax_trial_rule *rule, enum ax_phase phase,
                          struct ax_bytes *in)
{
    if (phase != AX_PHASE_NONE && ax_trial_reserve(t, rule) != AX_OK)
        return AX_NOMEM;
    const uint32_t n = ax_get_count(in, t->cap);
    for (uint32_t i = 0; i < n; i++) {
        t->live[i] = ax_get_f64(in);
        t->shadow[i] = ax_get_f64(in);
        if (!isfinite(t->live[i]) || !isfinite(t->shadow[i]))
            return ax_bytes_fail(in);
    }
    t->n = n;
    t->sum[0] = ax_get_f64(in);
    t->sum[1] = ax_get_f64(in);
    t->sum_n = ax_get_count(in, rule->block ? rule->block - 1 : 0);
    t->judged = ax_get_u64(in);
    t->agreed = ax_get_u64(in);
    t->live_broken = ax_get_bool(in);
    t->shadow_broken = ax_get_bool(in);
    if (t->agreed > t->judged)
        return ax_bytes_fail(in);
    get_comparison(in, n, &t->result);
    get_comparison(in, UINT32_MAX, &t->labelled);
    return in->err;
}
