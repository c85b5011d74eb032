/* detector.c: the score of one series: two members, each calibrated on its own past, the larger one
 * counts; and a hold that keeps it up while the abnormality lasts. */
#include "anomaly/detector.h"

#include "anomaly/hold.h"
#include "anomaly/levels.h"
#include "anomaly/member.h"
#include "anomaly/spec.h"
#include "anomaly/spread.h"

#include <math.h>
#include <stdlib.h>

#define SCORE_MAX 100.0
/* Known levels are told over at least so many of the longest holds, so that none makes itself known. */
#define LEVELS_HOLDS 12

/* Least unit: this share of the magnitude (float32 keeps 6e-8 of it) and of the typical distance. */
#define UNIT_OF_MAGNITUDE 1e-5
#define UNIT_OF_TYPICAL 0.1
#define UNIT_MIN 1e-30
#define VALUE_MAX 1e38
#define STATE_VERSION 1

enum { RESIDUAL, DIFFERENCE, MEMBERS };

struct ax_detector {
    struct ax_detector_spec spec;
    struct ax_member members[MEMBERS];
    struct ax_spread spread;
    struct ax_levels levels;

    struct ax_hold hold;
    double before; /* the value of the step before; NaN after a gap */
    struct ax_verdict last;
};

/* A step seen by all members: what they expect, and the band in which none is surprised. */
struct view {
    struct ax_frame frames[MEMBERS];
    double expected, lower, upper;
    bool ready;
};

struct ax_detector *ax_detector_new(const struct ax_detector_spec *spec)
{
    struct ax_detector *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->spec = ax_detector_spec_complete(spec);
    for (uint32_t i = 0; i < MEMBERS; i++)
        ax_member_init(&d->members[i], d->spec.memory_steps);
    ax_spread_init(&d->spread);
    uint32_t long_enough = LEVELS_HOLDS * d->spec.hold_steps;
    ax_levels_init(&d->levels, d->spec.memory_steps > long_enough ? d->spec.memory_steps : long_enough);

    d->before = NAN;
    d->last = ax_verdict_not_ready("no_data");
    return d;
}

void ax_detector_free(struct ax_detector *d)
{
    free(d);
}

void ax_detector_copy(struct ax_detector *to, const struct ax_detector *from)
{
    *to = *from;
}

uint64_t ax_detector_bytes(const struct ax_detector *d)
{
    return sizeof *d;
}

static double unit_of(const struct ax_member *m, double scale, double magnitude)
{
    double least = fmax(UNIT_OF_MAGNITUDE * magnitude, UNIT_OF_TYPICAL * (double)m->typical);
    return fmax(fmax(scale, least), UNIT_MIN);
}

/* Is it a number that sums and ratios cannot overflow with? */
static bool usable(double v)
{
    return fabs(v) <= VALUE_MAX;
}

/* The forecast expects its mean, with the half widths of its interval as units. Without a forecast the last
 * value is expected, and only the difference counts: a move beyond both the last value and the expected one.
 */
static void look(const struct ax_detector *d, const struct ax_observation *o, struct view *v)
{
    const struct ax_member *residual = &d->members[RESIDUAL], *difference = &d->members[DIFFERENCE];
    bool forecast = usable(o->expected) && usable(o->lower) && usable(o->upper);
    bool before = usable(d->before);
    *v = (struct view){.expected = forecast ? o->expected : d->before, .lower = -INFINITY, .upper = INFINITY};
    double magnitude = fmax(fabs(v->expected), before ? fabs(d->before) : 0);
    if (forecast) {
        v->frames[RESIDUAL] = (struct ax_frame){
            .present = true,
            .low = o->expected,
            .high = o->expected,
            .unit_low = unit_of(residual, o->expected - o->lower, magnitude),
            .unit_high = unit_of(residual, o->upper - o->expected, magnitude),
        };
    }
    if (before) {
        double unit = unit_of(difference, (double)difference->near, magnitude);
        v->frames[DIFFERENCE] = (struct ax_frame){
            .present = true,
            .low = fmin(d->before, v->expected),
            .high = fmax(d->before, v->expected),
            .unit_low = unit,
            .unit_high = unit,
        };
    }
    for (uint32_t i = 0; i < MEMBERS; i++) {
        const struct ax_member *m = &d->members[i];
        const struct ax_frame *f = &v->frames[i];
        if (!f->present || !ax_member_ready(m, d->spec.warmup_steps))
            continue;
        v->ready = true;
        v->lower = fmax(v->lower, f->low - (double)m->level * f->unit_low);
        v->upper = fmin(v->upper, f->high + (double)m->level * f->unit_high);
    }
}

/* The larger of the members' scores, each divided by its level. */
static double score_of(const struct ax_detector *d, const struct view *v, double value)
{
    double score = 0;
    for (uint32_t i = 0; i < MEMBERS; i++) {
        const struct ax_member *m = &d->members[i];
        if (v->frames[i].present && ax_member_ready(m, d->spec.warmup_steps))
            score = fmax(score, ax_frame_score(&v->frames[i], value) / (double)m->level);
    }
    return score;
}

static double guard_width(const struct ax_detector_spec *spec, double expected)
{
    return fmax(spec->min_dev_from_expected, spec->min_rel_dev_from_expected * fabs(expected));
}

/* A deviation that the job does not ask for leaves the score at 1 at most. */
static double guarded(const struct ax_detector_spec *spec, double expected, double value, double score)
{
    double deviation = value - expected;
    bool unasked = (spec->direction == AX_ABOVE && deviation < 0) ||
                   (spec->direction == AX_BELOW && deviation > 0) ||
                   fabs(deviation) < guard_width(spec, expected);
    return unasked ? fmin(score, 1) : score;
}

/* Score the value; returns whether it may teach the spread (it is no outlier). */
static bool judge(struct ax_detector *d, const struct view *v, double value, struct ax_verdict *out)
{
    const struct ax_detector_spec *spec = &d->spec;
    double now = guarded(spec, v->expected, value, score_of(d, v, value));
    bool outside = now > 1;
    *out = (struct ax_verdict){.ready = true, .score = now, .expected = v->expected};
    out->lower = v->lower;
    out->upper = v->upper;
    if (d->hold.age) {
        double growth = ax_spread_growth(&d->spread, d->hold.age);
        out->expected = 0.5 * (d->hold.low + d->hold.high);
        out->lower = d->hold.low - d->hold.below * growth;
        out->upper = d->hold.high + d->hold.above * growth;
        const struct ax_hold_value held = {
            .value = value,
            .growth = growth,
            .now = now,
            .known = ax_levels_known(&d->levels, value, value > d->hold.high),
            .steps_max = spec->hold_steps,

        };
        out->score = ax_hold_step(&d->hold, &held, &outside);

        if (outside)
            out->score = guarded(spec, out->expected, value, out->score);
        out->direction = out->score > 1 ? d->hold.direction : 0;
    } else if (outside) {
        double usual = ax_spread_median(&d->spread);
        ax_hold_start(&d->hold, v->expected, isnan(usual) ? v->expected : usual, v->expected - v->lower,
                      v->upper - v->expected, value, now);
        out->direction = d->hold.direction;
    }
    double guard = guard_width(spec, out->expected);
    out->lower = fmin(out->lower, out->expected - guard);
    out->upper = fmax(out->upper, out->expected + guard);
    out->score = fmin(out->score, SCORE_MAX);
    out->severity = ax_severity_of(out->score);
    return !outside;
}

static void gap(struct ax_detector *d, struct ax_verdict *out)
{
    d->before = NAN;
    ax_spread_add(&d->spread, (double)NAN);
    ax_hold_gap(&d->hold, d->spec.hold_steps);
    *out = d->last;
}

void ax_detector_step(struct ax_detector *d, const struct ax_observation *o, struct ax_verdict *out)
{
    if (!usable(o->value)) {
        gap(d, out);
        return;
    }
    struct view v;
    bool teaches = true;
    look(d, o, &v);
    if (v.ready)
        teaches = judge(d, &v, o->value, &d->last);
    else if (!d->last.ready)
        d->last = ax_verdict_not_ready("warming_up");
    for (uint32_t i = 0; i < MEMBERS; i++) {
        if (v.frames[i].present)
            ax_member_learn(&d->members[i], &v.frames[i], o->value, d->spec.false_alarm_rate / MEMBERS,
                            d->spec.warmup_steps);
    }
    ax_spread_add(&d->spread, teaches ? o->value : (double)NAN);
    ax_levels_add(&d->levels, o->value);
    d->before = o->value;

    *out = d->last;
}

void ax_detector_save(const struct ax_detector *d, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    for (uint32_t i = 0; i < MEMBERS; i++)
        ax_member_save(&d->members[i], out);
    ax_spread_save(&d->spread, out);
    ax_levels_save(&d->levels, out);
    ax_hold_save(&d->hold, out);
    ax_put_f64(out, d->before);
    ax_verdict_save(&d->last, out);
}

enum ax_err ax_detector_load(struct ax_detector *d, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    for (uint32_t i = 0; i < MEMBERS; i++)
        ax_member_load(&d->members[i], in);
    ax_spread_load(&d->spread, in);
    ax_levels_load(&d->levels, in);
    ax_hold_load(&d->hold, d->spec.hold_steps, in);
    d->before = ax_get_f64(in);
    ax_verdict_load(&d->last, in);
    return in->err;
}
