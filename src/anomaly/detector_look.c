/* detector_look.c: what the members of a detector say of a step, together, and what they learn from it. */
#include "anomaly/detector_priv.h"
#include "anomaly/polynomial.h"

#define DISTANCE_MAX 1e30
#define UNIT_OF_MAGNITUDE 1e-5 /* least unit: float32 keeps 6e-8 of a magnitude */
#define UNIT_MIN 1e-30
#define MEMBER_RATE 0.01  /* a member is 1 at the level that so many points of its past exceed */
#define MEMBER_MAX 1000.0 /* no member counts for more */
#define GROWN 8           /* warm-ups, before which what was far because little was known is no measure */
#define YOUNG 3.0         /* warm-ups, until which members are still finding their levels */
#define LEVEL_POINTS 8    /* before there is a usual level */
#define DEPTH_PART 0.2    /* of the rate, that falls may bring */

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
        return ax_sub_pca_step(ax_detector_sub_pca(d), o->past.v, o->past.n, &d->marks, o->turn);
    default:
        return ax_polynomial_distance(o->past.v, o->past.n);
    }
}

/* Ask the members. */
struct ax_look ax_detector_look(struct ax_detector *d, const struct ax_observation *o)
{
    struct ax_look l = {.value = o->value,
                        .turn = o->turn,
                        .expected = ax_detector_usable(o->expected) ? o->expected : d->before};
    double magnitude = fmax(fabs(o->value), ax_detector_usable(l.expected) ? fabs(l.expected) : 0);
    l.least = fmax(UNIT_OF_MAGNITUDE * magnitude, UNIT_MIN);
    l.resting = ax_rest_step(&d->rest, o->value, d->spec.false_alarm_rate, d->spec.memory_steps);
    l.edge = ax_depth_edge(&d->depth, ax_spread_median(&d->spread));
    l.depth = ax_depth_score(&d->depth, o->value, l.edge);
    for (uint32_t i = 0; i < d->views_n; i++) {
        struct ax_detector_view *v = &d->views[i];
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
double ax_detector_combine(const struct ax_detector *d)
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
    uint32_t steps = ax_detector_hold_steps(d), count = d->run == steps + 1 ? d->run : 1;
    if (d->run > 0 && d->run <= steps)
        return;
    if (d->seen < d->spec.warmup_steps)
        value = ax_spread_median(&d->spread); /* no single value sets the level of a young series */
    uint64_t n = (uint64_t)d->mean_n + count;
    d->mean_n = n < d->spec.memory_steps ? (uint32_t)n : d->spec.memory_steps;
    d->mean += (value - d->mean) * fmin((double)count / (double)d->mean_n, 1);
}

/* Is this value a part of something abnormal that is not accepted yet? */
static bool is_abnormal(const struct ax_detector *d)
{
    return d->run > 0 ? d->run <= ax_detector_hold_steps(d) : d->last.ready && d->last.score > 1;
}

/* How far an abnormality is from what was before is no measure of how far values usually are: a first outage
 * of a young series would make the unit so large that no later one is any more. What moves the usual level
 * moves its unit, too. */
static bool keeps_unit(const struct ax_detector *d, const struct ax_detector_view *v)
{
    return is_abnormal(d) && (v->id == AX_MEMBER_NEIGHBOURS || v->id == AX_MEMBER_LEVEL);
}

/* A member learns a distance: its unit and its level. */
static void learn_distance(struct ax_detector *d, struct ax_detector_view *v, const struct ax_look *l)
{
    const double distance = l->distance[v->id], score = distance / ax_scale_unit(&v->scale, l->least);
    const struct ax_learning learning = {.rate = MEMBER_RATE,
                                         .weight = 1,
                                         .points = d->spec.warmup_steps,
                                         .patience = ax_detector_hold_steps(d),
                                         .lasts = d->hold.age > 0,
                                         .turn = l->turn};
    const bool ready = ax_scale_ready(&v->scale);
    const int octaves =
        ready && keeps_unit(d, v) ? 0 : ax_scale_learn(&v->scale, distance, d->spec.memory_steps);
    if (!ready)
        return;
    ax_member_learn(&v->member, score, &learning);
    if (d->seen >= GROWN * d->spec.warmup_steps)
        ax_member_shift(&v->member, octaves);
}

/* What has been for hold_steps is the new usual: it is as far from the old level as is usual, and what was
 * kept apart is not learnt as what was unusual for the old one. */
static void accept(struct ax_detector *d, const struct ax_look *l)
{
    for (uint32_t i = 0; i < d->views_n; i++) {
        struct ax_detector_view *v = &d->views[i];
        if (v->id == AX_MEMBER_LEVEL && !isnan(l->distance[v->id]))
            ax_member_accept(&v->member, l->distance[v->id] / ax_scale_unit(&v->scale, l->least),
                             MEMBER_RATE);
    }
    ax_member_drop(&d->combined);
}

/* A young series that did little but rest has shown neither a unit nor a tail: it warms up again with its
 * first long move. */
static void warm_up_again(struct ax_detector *d)
{
    for (uint32_t i = 0; i < d->views_n; i++) {
        d->views[i].scale = (struct ax_scale){0};
        ax_member_init(&d->views[i].member, d->spec.memory_steps);
    }
    ax_member_init(&d->combined, d->spec.memory_steps);
    d->mean_n = 0;
    d->mean = 0;
    d->rare = 0;
}

void ax_detector_learn(struct ax_detector *d, const struct ax_look *l, double combined)
{
    double age = fmin((double)(d->seen + 1) / (YOUNG * (double)d->spec.warmup_steps), 1);
    const struct ax_learning learning = {.rate = d->spec.false_alarm_rate,
                                         .weight = age * age,
                                         .points = AX_DETECTOR_COMBINED_POINTS,
                                         .patience =
                                             2 * ax_detector_hold_steps(d), /* members accept it first */
                                         .lasts = d->hold.age > 0,
                                         .late = true,
                                         .turn = l->turn};
    if (l->resting == AX_REST_COMMON)
        return; /* it may still turn out to be a rare move */
    if (d->run == ax_detector_hold_steps(d) + 1)
        accept(d, l);
    if (l->resting == AX_REST_YOUNG && d->rest.lasts == AX_REST_LENGTH + 1 &&
        d->seen < GROWN * d->spec.warmup_steps)
        warm_up_again(d);
    for (uint32_t i = 0; i < d->views_n; i++) {
        struct ax_detector_view *v = &d->views[i];
        if (isnan(l->distance[v->id]))
            continue;
        learn_distance(d, v, l);
        if (v->id == AX_MEMBER_FORECAST)
            d->rare = (float)ax_tail_level(&v->member.tail, d->spec.false_alarm_rate);
    }
    if (!isnan(combined) && !l->known)
        ax_member_learn(&d->combined, combined, &learning);
    ax_depth_learn(&d->depth, l->value, is_abnormal(d), DEPTH_PART * d->spec.false_alarm_rate, l->turn);
    learn_level(d, l->value);
}
