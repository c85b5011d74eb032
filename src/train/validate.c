/* validate.c: counts, and what is made of them. */
#include "train/validate.h"

#include "math/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FENCE 1.5       /* interquartile ranges */
#define LATE_PART 10    /* of a series' length: ending so much before the others is early */
#define QUARTILES_MIN 8 /* values of which quartiles mean something */

static const struct ax_validation_rule defaults = {.completeness_min = 0.5,
                                                   .constant_max = 0.99,
                                                   .outliers_max = 0.3,
                                                   .late_max = 0.5,
                                                   .disorder_max = 0.01,
                                                   .abnormal_max = 0.5};

const char *ax_validation_name(enum ax_validation_check check)
{
    static const char *const names[AX_VALIDATION_CHECKS] = {"completeness", "gaps",     "consistency",
                                                            "constant",     "outliers", "balance"};
    return names[check];
}

/* The values of a series, into v; the longest gap among them. */
static uint32_t gather(const struct ax_validation_series *s, double *v, uint32_t *longest)
{
    uint32_t n = 0, gap = 0;
    *longest = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        const double x = (double)s->v[(size_t)i * s->stride];
        gap = isfinite(x) ? 0 : gap + 1;
        *longest = gap > *longest ? gap : *longest;
        if (isfinite(x))
            v[n++] = x;
    }
    return n;
}

static uint32_t count_outliers(double *v, uint32_t n)
{
    uint32_t outliers = 0;
    const double low = ax_quantile(v, n, 0.25), high = ax_quantile(v, n, 0.75), range = high - low;
    for (uint32_t i = 0; i < n; i++)
        outliers += v[i] < low - FENCE * range || v[i] > high + FENCE * range;
    return outliers;
}

static void note_times(struct ax_validation *v, const struct ax_validation_series *s, int64_t newest_ms)
{
    if (s->step_ms <= 0)
        return;
    const int64_t from_ms = s->end_ms - (int64_t)(s->n - 1) * s->step_ms;
    v->from_ms = v->timed == 0 || from_ms < v->from_ms ? from_ms : v->from_ms;
    v->to_ms = v->timed == 0 || s->end_ms > v->to_ms ? s->end_ms : v->to_ms;
    v->timed++;
    v->late += newest_ms != INT64_MIN && newest_ms - s->end_ms > s->n * s->step_ms / LATE_PART;
}

enum ax_err ax_validation_add(struct ax_validation *v, const struct ax_validation_series *s,
                              int64_t newest_ms)
{
    uint32_t gap;
    double *values = malloc((s->n ? s->n : 1) * sizeof *values);
    if (!values)
        return AX_NOMEM;
    const uint32_t n = gather(s, values, &gap);
    v->series++;
    v->empty += n == 0;
    if (n) {
        bool varies = false;
        for (uint32_t i = 1; i < n && !varies; i++)
            varies = fabs(values[i] - values[0]) > 0;
        v->points += s->n;
        v->values += n;
        v->constant += !varies;
        v->gap_steps = gap > v->gap_steps ? gap : v->gap_steps;
        note_times(v, s, newest_ms);
        if (varies && n >= QUARTILES_MIN) {
            v->varying_values += n;
            v->outliers += count_outliers(values, n);
        }
    }
    free(values);
    return AX_OK;
}

void ax_validation_order(struct ax_validation *v, uint64_t samples, uint64_t twice, uint64_t disorder)
{
    v->samples += samples;
    v->twice += twice;
    v->disorder += disorder;
}

void ax_validation_labels(struct ax_validation *v, uint64_t labelled, uint64_t abnormal)
{
    v->labelled += labelled;
    v->abnormal += abnormal;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : (double)NAN;
}

static double or_default(double given, double otherwise)
{
    return given > 0 ? given : otherwise;
}

/* A finding that is refused above its limit. */
static struct ax_validation_finding above(double value, double limit)
{
    return (struct ax_validation_finding){
        .known = !isnan(value), .refused = value > limit, .value = value, .limit = limit};
}

static void judge_values(const struct ax_validation *v, const struct ax_validation_rule *rule,
                         struct ax_validation_finding *out)
{
    const double least = or_default(rule->completeness_min, defaults.completeness_min),
                 complete = share(v->values, v->points);
    struct ax_validation_finding *f = &out[AX_VALIDATION_COMPLETENESS];
    *f = (struct ax_validation_finding){
        .known = !isnan(complete), .refused = complete < least, .value = complete, .limit = least};
    (void)snprintf(f->text, sizeof f->text,
                   "%.1f %% of the steps have a value (at least %.1f %%); %" PRIu64 " of %" PRIu64
                   " series have none at all",
                   100 * complete, 100 * least, v->empty, v->series);
    f = &out[AX_VALIDATION_GAPS];
    *f = (struct ax_validation_finding){.known = v->points > 0, .value = v->gap_steps, .limit = (double)NAN};
    (void)snprintf(f->text, sizeof f->text, "the longest gap has %u steps", v->gap_steps);
    f = &out[AX_VALIDATION_CONSTANT];
    *f = above(share(v->constant, v->series - v->empty),
               or_default(rule->constant_max, defaults.constant_max));
    (void)snprintf(f->text, sizeof f->text, "%" PRIu64 " of %" PRIu64 " series never change", v->constant,
                   v->series - v->empty);
    f = &out[AX_VALIDATION_OUTLIERS];
    *f = above(share(v->outliers, v->varying_values), or_default(rule->outliers_max, defaults.outliers_max));
    (void)snprintf(f->text, sizeof f->text,
                   "%.2f %% of the values are beyond 1.5 interquartile ranges (at most %.1f %%)",
                   100 * f->value, 100 * f->limit);
}

/* Times and labels: what is worse of the two kinds of disorder. */
static void judge_times(const struct ax_validation *v, const struct ax_validation_rule *rule,
                        struct ax_validation_finding *out)
{
    struct ax_validation_finding *f = &out[AX_VALIDATION_CONSISTENCY];
    const struct ax_validation_finding late = above(share(v->late, v->timed),
                                                    or_default(rule->late_max, defaults.late_max)),
                                       disorder =
                                           above(share(v->twice + v->disorder, v->samples),
                                                 or_default(rule->disorder_max, defaults.disorder_max));
    const bool more = !late.refused && disorder.value > late.value;
    *f = disorder.refused || !late.known || more ? disorder : late;
    (void)snprintf(f->text, sizeof f->text,
                   "%" PRIu64 " of %" PRIu64 " series end long before the others; %" PRIu64
                   " samples came twice, %" PRIu64 " in another order",
                   v->late, v->timed, v->twice, v->disorder);
    f = &out[AX_VALIDATION_BALANCE];
    *f = above(share(v->abnormal, v->labelled), or_default(rule->abnormal_max, defaults.abnormal_max));
    (void)snprintf(f->text, sizeof f->text,
                   "%.2f %% of %" PRIu64 " labelled points are abnormal (at most %.0f %%)", 100 * f->value,
                   v->labelled, 100 * f->limit);
}

enum ax_err ax_validation_judge(const struct ax_validation *v, const struct ax_validation_rule *rule,
                                struct ax_validation_finding out[AX_VALIDATION_CHECKS], struct ax_diag *diag)
{
    char reasons[sizeof diag->text] = "";
    size_t n = 0;
    judge_values(v, rule, out);
    judge_times(v, rule, out);
    if (v->values == 0)
        return ax_fail(diag, AX_INVALID, "there are no values to learn from");
    for (enum ax_validation_check c = 0; c < AX_VALIDATION_CHECKS; c++) {
        if (!out[c].known)
            (void)snprintf(out[c].text, sizeof out[c].text, "not known");
        if (!out[c].known || !out[c].refused || n >= sizeof reasons)
            continue;
        const int more = snprintf(reasons + n, sizeof reasons - n, "%s%s: %s", n ? "; " : "",
                                  ax_validation_name(c), out[c].text);
        n += more > 0 ? (size_t)more : 0;
    }
    return n ? ax_fail(diag, AX_INVALID, "the data are not fit to be learnt from: %s", reasons) : AX_OK;
}
