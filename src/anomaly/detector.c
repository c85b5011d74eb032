/* detector.c: the score of one series: members, each on a scale of its own past; their combination; a hold
 * that keeps it up while an abnormality lasts; what is known to recur. */
#include "anomaly/detector.h"

#include "anomaly/depth.h"
#include "anomaly/hold.h"
#include "anomaly/member.h"
#include "anomaly/neighbours.h"
#include "anomaly/polynomial.h"
#include "anomaly/recurrence.h"
#include "anomaly/rest.h"
#include "anomaly/scale.h"
#include "anomaly/spec.h"
#include "anomaly/spread.h"
#include "anomaly/sub_pca.h"
#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SCORE_MAX 100.0
#define VALUE_MAX 1e38
#define DISTANCE_MAX 1e30
#define STATE_VERSION 7

#define UNIT_OF_MAGNITUDE 1e-5 /* least unit: float32 keeps 6e-8 of a magnitude */
#define UNIT_MIN 1e-30
#define MEMBER_RATE 0.01       /* a member is 1 at the level that so many points of its past exceed */
#define MEMBER_MAX 1000.0      /* no member counts for more */
#define COMBINED_LEVEL_MIN 1.0 /* members at their levels are never abnormal together */
#define COMBINED_POINTS 8      /* before there is a score */
#define GROWN 8        /* warm-ups, before which what was far because little was known is no measure */
#define YOUNG 3.0      /* warm-ups, until which members are still finding their levels */
#define MOVE_STEPS 32  /* that a common move teaches at most */
#define LEVEL_POINTS 8 /* before there is a usual level */

/* An abnormality is held for a fourth of the past that it is judged by at most. */
#define HOLD_PART 4
#define HOLD_ONSET                                                                                           \
    2.0 /* score of an onset after which values are also judged by what was expected before it, */
#define HOLD_WIDTH 2.0  /* when they are so many times as far from it as they rarely are; */
#define HOLD_SCORE 1.6  /* that alone gives no higher score */
#define SLIDE_STEPS 8   /* an onset in several steps is as clear as one in a single step */
#define SLIDE_SCORE 4.0 /* when it has gone so far by then */
#define DEPTH_PART 0.2  /* of the rate, that falls may bring */
#define RANGE_SCORE 3.0
#define ABSENT_SCORE 3.0
#define ABSENT_STEPS 3
#define ABSENT_TIMES 2
#define ENDED_STEPS 2 /* one scrape that fails is no absence */

/* One member: its distances, and the levels of them. */
struct view {
    enum ax_member_id id;
    struct ax_scale scale;
    struct ax_member member;
    double now; /* its score at the newest step; NaN for none */
};

struct ax_detector {
    struct ax_detector_spec spec;
    struct ax_member combined;
    struct ax_spread spread;
    struct ax_hold hold;
    struct ax_recurrences recurrences;
    struct ax_rest rest;
    struct ax_depth depth;
    struct ax_marks marks; /* steps that are no part of the past yet */

    double mean;           /* of the values that were not abnormal */
    uint32_t mean_n;       /* those in it, up to the memory */
    uint32_t seen;         /* values, saturating */
    uint32_t run;          /* abnormal ones in succession */
    bool clear;            /* the onset of the hold was */
    uint32_t gap, gap_max; /* steps without a value up to now; the longest such time before */
    float rare;            /* distance from the forecast, in its unit, that the false-alarm rate exceeds */
    double before;         /* the value of the step before; NaN after a gap */
    int64_t t_ms;          /* newest step of the past; INT64_MIN without */
    struct ax_verdict last;
    uint32_t views_n;
    struct view views[]; /* then, if it is a member, a struct ax_sub_pca */
};

/* A step seen by all members. */
struct look {
    double value, expected;
    double least; /* unit */
    double edge;  /* values below it have fallen as they rarely do, */
    double depth; /* and so far; at least 1, else 0 */
    enum ax_resting resting;
    bool known;                     /* it recurs */
    double distance[AX_MEMBER_IDS]; /* NaN for none */
};

static const char *const member_names[AX_MEMBER_IDS] = {"forecast",   "neighbours", "level",
                                                        "difference", "polynomial", "sub_pca"};

const char *ax_member_name(enum ax_member_id id)
{
    AX_ASSERT(id < AX_MEMBER_IDS);
    return member_names[id];
}

static bool has_sub_pca(const struct ax_detector_spec *spec)
{
    return spec->members >> AX_MEMBER_SUB_PCA & 1;
}

static struct ax_sub_pca *sub_pca_of(struct ax_detector *d)
{
    return (struct ax_sub_pca *)&d->views[d->views_n];
}

struct ax_detector *ax_detector_new(const struct ax_detector_spec *spec)
{
    const struct ax_detector_spec whole = ax_detector_spec_complete(spec);
    uint32_t n = 0;
    for (unsigned id = 0; id < AX_MEMBER_IDS; id++)
        n += whole.members >> id & 1;
    struct ax_detector *d =
        calloc(1, sizeof *d + n * sizeof d->views[0] + (has_sub_pca(&whole) ? sizeof(struct ax_sub_pca) : 0));
    if (!d)
        return NULL;
    d->spec = whole;
    for (unsigned id = 0; id < AX_MEMBER_IDS; id++) {
        if (!(whole.members >> id & 1))
            continue;
        struct view *v = &d->views[d->views_n++];
        v->id = (enum ax_member_id)id;
        v->now = (double)NAN;
        ax_member_init(&v->member, whole.memory_steps);
    }
    ax_member_init(&d->combined, whole.memory_steps);
    ax_spread_init(&d->spread);
    ax_depth_init(&d->depth, whole.memory_steps);
    ax_recurrences_init(&d->recurrences);
    d->before = (double)NAN;
    d->t_ms = INT64_MIN;
    d->last = ax_verdict_not_ready("no_data");
    return d;
}

void ax_detector_free(struct ax_detector *d)
{
    free(d);
}

void ax_detector_copy(struct ax_detector *to, const struct ax_detector *from)
{
    memcpy(to, from, ax_detector_bytes(from));
}

uint64_t ax_detector_bytes(const struct ax_detector *d)
{
    return sizeof *d + d->views_n * sizeof d->views[0] +
           (has_sub_pca(&d->spec) ? sizeof(struct ax_sub_pca) : 0);
}

void ax_detector_members(const struct ax_detector *d, double *scores)
{
    for (unsigned id = 0; id < AX_MEMBER_IDS; id++)
        scores[id] = (double)NAN;
    for (uint32_t i = 0; i < d->views_n; i++)
        scores[d->views[i].id] = d->views[i].now;
}

void ax_detector_drop(struct ax_detector *d)
{
    ax_member_drop(&d->combined);
}

/* Is it a number that sums and ratios cannot overflow with? */
static bool usable(double v)
{
    return fabs(v) <= VALUE_MAX;
}

static uint32_t hold_steps(const struct ax_detector *d)
{
    uint32_t part = d->seen / HOLD_PART;
    return part < d->spec.hold_steps ? part : d->spec.hold_steps;
}

/* Move to the step of this observation. */
static void pass_time(struct ax_detector *d, const struct ax_observation *o)
{
    int64_t t_ms = o->past.n ? o->past.end_ms : INT64_MIN;
    if (t_ms != INT64_MIN && d->t_ms != INT64_MIN && t_ms > d->t_ms)
        ax_marks_shift(&d->marks, (uint64_t)(t_ms - d->t_ms) / (uint64_t)o->past.step_ms);
    d->t_ms = t_ms;
    ax_marks_forget(&d->marks, hold_steps(d));
}

static double distance_of(struct ax_detector *d, const struct ax_observation *o, double expected,
                          enum ax_member_id id)
{
    switch (id) {
    case AX_MEMBER_FORECAST:
        return fabs(o->value - expected);
    case AX_MEMBER_NEIGHBOURS:
        return ax_neighbours_distance(o->past.v, o->past.n, &d->marks, AX_NEIGHBOURS_K);
    case AX_MEMBER_LEVEL:
        return d->mean_n >= LEVEL_POINTS ? fabs(o->value - d->mean) : (double)NAN;
    case AX_MEMBER_DIFFERENCE:
        return fabs(o->value - d->before);
    case AX_MEMBER_SUB_PCA:
        return ax_sub_pca_step(sub_pca_of(d), o->past.v, o->past.n, &d->marks, o->turn);
    default:
        return ax_polynomial_distance(o->past.v, o->past.n);
    }
}

/* Ask the members. */
static struct look look(struct ax_detector *d, const struct ax_observation *o)
{
    struct look l = {.value = o->value, .expected = usable(o->expected) ? o->expected : d->before};
    double magnitude = fmax(fabs(o->value), usable(l.expected) ? fabs(l.expected) : 0);
    l.least = fmax(UNIT_OF_MAGNITUDE * magnitude, UNIT_MIN);
    l.resting = ax_rest_step(&d->rest, o->value, d->spec.false_alarm_rate, d->spec.memory_steps);
    l.edge = ax_depth_edge(&d->depth, ax_spread_median(&d->spread));
    l.depth = ax_depth_score(&d->depth, o->value, l.edge);
    for (uint32_t i = 0; i < d->views_n; i++) {
        struct view *v = &d->views[i];
        double distance = distance_of(d, o, l.expected, v->id), unit = ax_scale_unit(&v->scale, l.least);
        bool speaks = !isnan(distance) && ax_scale_ready(&v->scale) && ax_member_ready(&v->member, 0);
        l.distance[v->id] = fmin(distance, DISTANCE_MAX);
        if (isnan(distance))
            l.distance[v->id] = (double)NAN;
        v->now = speaks ? fmin(distance / unit / (double)v->member.level, MEMBER_MAX) : (double)NAN;
    }
    return l;
}

/* The root of the largest score times the mean of all on a scale of log(1 + score); NaN without any. */
static double combine(const struct ax_detector *d)
{
    double sum = 0, largest = 0, n = 0;
    for (uint32_t i = 0; i < d->views_n; i++) {
        if (isnan(d->views[i].now))
            continue;
        n++;
        sum += log1p(d->views[i].now);
        largest = fmax(largest, d->views[i].now);
    }
    return n > 0 ? sqrt(expm1(sum / n) * largest) : (double)NAN;
}

/* The usual level is the mean of what was not abnormal; what has been for hold_steps is accepted all at once.
 */
static void learn_level(struct ax_detector *d, double value)
{
    uint32_t steps = hold_steps(d), count = d->run == steps + 1 ? d->run : 1;
    if (d->run > 0 && d->run <= steps)
        return;
    if (d->seen < d->spec.warmup_steps)
        value = ax_spread_median(&d->spread); /* no single value sets the level of a young series */
    uint64_t n = (uint64_t)d->mean_n + count;
    d->mean_n = n < d->spec.memory_steps ? (uint32_t)n : d->spec.memory_steps;
    d->mean += (value - d->mean) * fmin((double)count / (double)d->mean_n, 1);
}

/* A member learns a distance: its unit and its level. */
static void learn_distance(struct ax_detector *d, struct view *v, const struct look *l)
{
    const double distance = l->distance[v->id], score = distance / ax_scale_unit(&v->scale, l->least);
    const struct ax_learning learning = {.rate = MEMBER_RATE,
                                         .weight = 1,
                                         .points = d->spec.warmup_steps,
                                         .patience = hold_steps(d),
                                         .lasts = d->hold.age > 0};
    const bool ready = ax_scale_ready(&v->scale);
    const int octaves = ax_scale_learn(&v->scale, distance, d->spec.memory_steps);
    if (!ready)
        return;
    ax_member_learn(&v->member, score, &learning);
    if (d->seen >= GROWN * d->spec.warmup_steps)
        ax_member_shift(&v->member, octaves);
}

/* What has been for hold_steps is the new usual: it is as far from the old level as is usual, and what was
 * kept apart is not learnt as what was unusual for the old one. */
static void accept(struct ax_detector *d, const struct look *l)
{
    for (uint32_t i = 0; i < d->views_n; i++) {
        struct view *v = &d->views[i];
        if (v->id == AX_MEMBER_LEVEL && !isnan(l->distance[v->id]))
            ax_member_accept(&v->member, l->distance[v->id] / ax_scale_unit(&v->scale, l->least),
                             MEMBER_RATE);
    }
    ax_member_drop(&d->combined);
}

static void learn(struct ax_detector *d, const struct look *l, double combined)
{
    double age = fmin((double)(d->seen + 1) / (YOUNG * (double)d->spec.warmup_steps), 1);
    const struct ax_learning learning = {.rate = d->spec.false_alarm_rate,
                                         .weight = age * age,
                                         .points = COMBINED_POINTS,
                                         .patience = 2 * hold_steps(d), /* members accept it first */
                                         .lasts = d->hold.age > 0,
                                         .late = true};
    if (l->resting == AX_REST_COMMON)
        return; /* it may still turn out to be a rare move */
    if (d->run == hold_steps(d) + 1)
        accept(d, l);
    for (uint32_t i = 0; i < d->views_n; i++) {
        struct view *v = &d->views[i];
        if (isnan(l->distance[v->id]))
            continue;
        learn_distance(d, v, l);
        if (v->id == AX_MEMBER_FORECAST)
            d->rare = (float)ax_tail_level(&v->member.tail, d->spec.false_alarm_rate);
    }
    if (!isnan(combined) && !l->known)
        ax_member_learn(&d->combined, combined, &learning);
    ax_depth_learn(&d->depth, l->value, d->run > 0 && d->run <= hold_steps(d),
                   DEPTH_PART * d->spec.false_alarm_rate);
    learn_level(d, l->value);
}

/* How far a value is from what was expected, or from what was usual before, whichever is further: a
 * forecast soon follows an abnormality, the usual does not. */
static double deviation_of(const struct ax_detector *d, double expected, double value)
{
    double usual = ax_spread_median(&d->spread), a = value - expected, b = value - usual;
    return !isnan(usual) && fabs(b) > fabs(a) ? b : a;
}

/* Below, in or above the values that can be? */
static int beyond_range(const struct ax_detector_spec *spec, double value)
{
    if (!(spec->range_min < spec->range_max))
        return 0;
    return value < spec->range_min ? -1 : value > spec->range_max;
}

/* Are the last values as near to some of the past as the band allows? What comes back from an abnormality
 * does so with a jump, but to where it was before, though perhaps not to where it was when that began. */
static bool is_familiar(const struct ax_detector *d, const struct look *l)
{
    double near = sqrt(AX_NEIGHBOURS_LAGS) * fmin(d->hold.below, d->hold.above);
    return (d->spec.members >> AX_MEMBER_NEIGHBOURS & 1) && l->distance[AX_MEMBER_NEIGHBOURS] <= near;
}

/* The lower edge of a band; a fall of a series that is never negative is surprising above it, too. */
static double lower_of(const struct look *l, double expected, double lower)
{
    return fmin(fmax(lower, l->edge), expected);
}

/* From an onset on a value is also judged by what was expected before: back there it is normal, far from it
 * it is not, after a clear onset, however well the forecast has followed. Returns the score. */
static double held_score(struct ax_detector *d, const struct look *l, double width, double now,
                         struct ax_verdict *out)
{
    bool outside;
    if (d->hold.age == 0) {
        double usual = ax_spread_median(&d->spread);
        d->clear = now > HOLD_ONSET && fabs(l->value - l->expected) > HOLD_WIDTH * width;
        if (now > 1)
            ax_hold_start(&d->hold, l->expected, isnan(usual) ? l->expected : usual, width, width, l->value,
                          now);
        return now;
    }
    double growth = ax_spread_growth(&d->spread, d->hold.age);
    out->expected = 0.5 * (d->hold.low + d->hold.high);
    out->lower = lower_of(l, out->expected, d->hold.low - d->hold.below * growth);
    out->upper = d->hold.high + d->hold.above * growth;
    const struct ax_hold_value held = {l->value, growth, now, l->depth, is_familiar(d, l), hold_steps(d)};
    double score = ax_hold_step(&d->hold, &held, &outside);
    d->clear = d->clear || (outside && d->hold.age <= SLIDE_STEPS && score > SLIDE_SCORE);
    bool inside = l->value >= out->lower && l->value <= out->upper;
    if (!outside && score <= 1)
        return inside ? fmin(now, 1) : now;
    return d->clear ? fmax(now, fmin(score / HOLD_WIDTH, HOLD_SCORE)) : now;
}

/* Give the verdict its band and cut off what the guards do not ask for. */
static void guard(struct ax_detector *d, const struct look *l, struct ax_verdict *out)
{
    const struct ax_detector_spec *spec = &d->spec;
    double deviation = deviation_of(d, out->expected, l->value),
           width = ax_detector_spec_width(spec, out->expected);
    out->lower = fmin(out->lower, out->expected - width);
    out->upper = fmax(out->upper, out->expected + width);
    int beyond = beyond_range(spec, l->value);
    out->least = beyond ? RANGE_SCORE : 0;
    out->unasked = !beyond && (out->unasked || !ax_detector_spec_asks(spec, out->expected, deviation));
    out->score = fmax(out->unasked ? fmin(out->score, 1) : out->score, out->least);
    out->direction = beyond ? beyond : deviation < 0 ? -1 : 1;
}

/* A move away from where the series rests that is no rare one is not abnormal, and coming back is normal. */
static double rested(const struct look *l, double score)
{
    if (l->resting == AX_REST_RETURNS)
        return 0;
    return l->resting == AX_REST_COMMON ? fmin(score, 1) : score;
}

static bool is_known(struct ax_detector *d, const struct ax_observation *o)
{
    return o->past.n && d->mean_n > 0 &&
           ax_recurrences_take(&d->recurrences, o->past.end_ms, o->past.step_ms, o->value, d->mean);
}

/* The end of a verdict: bounded, with its severity. */
static void settle(struct ax_verdict *out)
{
    out->score = fmin(out->score, SCORE_MAX);
    if (!(out->score > 1))
        out->direction = 0;
    out->severity = ax_severity_of(out->score);
}

static void judge(struct ax_detector *d, const struct ax_observation *o, struct look *l, double combined,
                  struct ax_verdict *out)
{
    double width = fmax((double)d->rare, 1) * l->least;
    for (uint32_t i = 0; i < d->views_n; i++)
        if (d->views[i].id == AX_MEMBER_FORECAST)
            width = fmax((double)d->rare * ax_scale_unit(&d->views[i].scale, l->least),
                         ax_scale_mean(&d->views[i].scale, l->least));
    *out = (struct ax_verdict){.ready = true,
                               .expected = l->expected,
                               .lower = lower_of(l, l->expected, l->expected - width),
                               .upper = l->expected + width};
    const double unrested = fmax(combined / fmax((double)d->combined.level, COMBINED_LEVEL_MIN), l->depth);
    double score = rested(l, unrested);
    bool beyond = beyond_range(&d->spec, l->value) != 0;
    l->known = score > 1 && is_known(d, o) && !beyond;
    if (l->known)
        score = 1;
    bool abnormal = score > 1 || beyond;
    d->run = abnormal ? d->run + (d->run < UINT32_MAX) : 0;
    out->score = held_score(d, l, width, score, out);
    if (l->resting == AX_REST_RETURNS)
        out->score = 0;
    out->unasked = l->known && !(out->score > 1);
    if (o->past.n && (abnormal ? d->run <= hold_steps(d) : out->score > 1))
        ax_marks_set(&d->marks);
    ax_spread_add(&d->spread, abnormal || out->score > 1 ? (double)NAN : l->value);
    guard(d, l, out);
    settle(out);
    if (l->resting == AX_REST_COMMON && !out->unasked)
        out->unrested = fmin(unrested, SCORE_MAX);
}

/* A step without a value: the last verdict stands, unless the absence is one by itself. */
static void gap(struct ax_detector *d, const struct ax_observation *o)
{
    d->before = (double)NAN;
    ax_spread_add(&d->spread, (double)NAN);
    ax_hold_gap(&d->hold, hold_steps(d));
    if (o->past.n && !isnan(o->past.v[o->past.n - 1]))
        return; /* it has one, which is not to be learnt */
    d->gap += d->gap < UINT32_MAX;
    if (!d->spec.absence || d->seen < d->spec.warmup_steps)
        return;
    bool late = d->gap > ABSENT_STEPS && d->gap / ABSENT_TIMES > d->gap_max;
    bool gone = d->gap > o->spared && (late || (o->ended && d->gap >= ENDED_STEPS));
    bool was = d->last.absent, over = d->gap > d->spec.hold_steps;
    if (over) {
        d->last = ax_verdict_not_ready("no_data");
    } else if (was || gone) {
        d->last.score = d->last.least = ABSENT_SCORE;
        d->last.unasked = false;
        d->last.ready = true;
        d->last.reason = NULL;
        d->last.absent = true;
        d->last.direction = -1;
        d->last.severity = ax_severity_of(d->last.score);
    }
}

static void end_gap(struct ax_detector *d)
{
    if (d->gap > d->gap_max)
        d->gap_max = d->gap;
    d->gap = 0;
}

void ax_detector_step(struct ax_detector *d, const struct ax_observation *o, struct ax_verdict *out)
{
    pass_time(d, o);
    d->last.unrested = 0;
    if (!usable(o->value)) {
        gap(d, o);
        *out = d->last;
        return;
    }
    end_gap(d);
    struct look l = look(d, o);
    double combined = combine(d);
    bool ready = d->seen >= d->spec.warmup_steps && ax_member_ready(&d->combined, COMBINED_POINTS) &&
                 !isnan(combined) && usable(l.expected);
    if (ready) {
        judge(d, o, &l, combined, &d->last);
    } else {
        if (!d->last.ready || d->last.absent)
            d->last = ax_verdict_not_ready("warming_up");
        ax_spread_add(&d->spread, o->value);
    }
    learn(d, &l, combined);
    d->before = o->value;
    d->seen += d->seen < UINT32_MAX;
    *out = d->last;
}

void ax_detector_save(const struct ax_detector *d, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    ax_put_u8(out, (uint8_t)d->spec.members);
    for (uint32_t i = 0; i < d->views_n; i++) {
        ax_scale_save(&d->views[i].scale, out);
        ax_member_save(&d->views[i].member, out);
        ax_put_f64(out, d->views[i].now);
    }
    if (has_sub_pca(&d->spec))
        ax_sub_pca_save((const struct ax_sub_pca *)&d->views[d->views_n], out);
    ax_member_save(&d->combined, out);
    ax_spread_save(&d->spread, out);
    ax_hold_save(&d->hold, out);
    ax_recurrences_save(&d->recurrences, out);
    ax_rest_save(&d->rest, out);
    ax_depth_save(&d->depth, out);
    for (uint32_t i = 0; i < sizeof d->marks.words / sizeof d->marks.words[0]; i++)
        ax_put_u64(out, d->marks.words[i]);
    const uint32_t counts[] = {d->mean_n, d->seen, d->run, d->gap, d->gap_max};
    for (uint32_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        ax_put_varint(out, counts[i]);
    ax_put_u8(out, d->clear);
    ax_put_f64(out, d->mean);
    ax_put_f32(out, d->rare);
    ax_put_f64(out, d->before);
    ax_put_i64(out, d->t_ms);
    ax_verdict_save(&d->last, out);
}

enum ax_err ax_detector_load(struct ax_detector *d, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    if (ax_get_u8(in) != d->spec.members)
        return ax_bytes_fail(in);
    for (uint32_t i = 0; i < d->views_n; i++) {
        ax_scale_load(&d->views[i].scale, in);
        ax_member_load(&d->views[i].member, in);
        d->views[i].now = ax_get_f64(in);
    }
    if (has_sub_pca(&d->spec))
        ax_sub_pca_load(sub_pca_of(d), in);
    ax_member_load(&d->combined, in);
    ax_spread_load(&d->spread, in);
    ax_hold_load(&d->hold, d->spec.hold_steps, in);
    ax_recurrences_load(&d->recurrences, in);
    ax_rest_load(&d->rest, in);
    ax_depth_load(&d->depth, in);
    for (uint32_t i = 0; i < sizeof d->marks.words / sizeof d->marks.words[0]; i++)
        d->marks.words[i] = ax_get_u64(in);
    uint32_t *const counts[] = {&d->mean_n, &d->seen, &d->run, &d->gap, &d->gap_max};
    for (uint32_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        *counts[i] = ax_get_count(in, UINT32_MAX);
    d->clear = ax_get_bool(in);
    d->mean = ax_get_f64_in(in, -VALUE_MAX, VALUE_MAX);
    d->rare = ax_get_f32_in(in, 0, INFINITY);
    d->before = ax_get_f64(in);
    d->t_ms = ax_get_ms(in);
    ax_verdict_load(&d->last, in);
    return in->err;
}
