/* detector_judge.c: the verdict of a step: how high its score is while something is held, what the guards ask
 * for, and what is known to recur. */
#include "anomaly/detector_priv.h"
#include "anomaly/spec.h"

#define SCORE_MAX 100.0
#define COMBINED_LEVEL_MIN 1.0 /* members at their levels are never abnormal together */
#define HOLD_ONSET 2.0  /* an onset of that score is clear, which is judged by what was expected before, */
#define HOLD_WIDTH 2.0  /* when it is so many times as far from that as values rarely are; */
#define HOLD_SCORE 1.6  /* that alone gives no higher score */
#define SLIDE_STEPS 8   /* an onset in several steps is as clear as one in a single step */
#define SLIDE_SCORE 4.0 /* when it has gone so far by then */

/* How far a value is from what was expected, or from what was usual before, whichever is further: a
 * forecast soon follows an abnormality, the usual does not. */
static double deviation_of(const struct ax_detector *d, double expected, double value)
{
    double usual = ax_spread_median(&d->spread), a = value - expected, b = value - usual;
    return !isnan(usual) && fabs(b) > fabs(a) ? b : a;
}

/* Are the last values as near to some of the past as the band allows? What comes back from an abnormality
 * does so with a jump, but to where it was before, though perhaps not to where it was when that began. */
static bool is_familiar(const struct ax_detector *d, const struct ax_look *l)
{
    double near = sqrt(AX_NEIGHBOURS_LAGS) * fmin(d->hold.below, d->hold.above);
    return (d->spec.members >> AX_MEMBER_NEIGHBOURS & 1) && l->distance[AX_MEMBER_NEIGHBOURS] <= near;
}

/* The lower edge of a band; a fall of a series that is never negative is surprising above it, too. */
static double lower_of(const struct ax_look *l, double expected, double lower)
{
    return fmin(fmax(lower, l->edge), expected);
}

/* What was expected before an onset. A move away from where the series rests may turn out to be rare only
 * after steps that the forecast has followed: then it is where it rested. */
static double expected_before(const struct ax_detector *d, const struct ax_look *l)
{
    return l->resting == AX_REST_RARE ? d->rest.value : l->expected;
}

/* From an onset on a value is also judged by what was expected before: back there it is normal, far from it
 * it is not, after a clear onset, however well the forecast has followed. Returns the score. */
static double held_score(struct ax_detector *d, const struct ax_look *l, double width, double now,
                         struct ax_verdict *out)
{
    bool outside;
    if (d->hold.age == 0) {
        const double before = expected_before(d, l);
        d->clear = now > HOLD_ONSET && fabs(l->value - before) > HOLD_WIDTH * width;
        if (now > 1) {
            const double usual = ax_spread_median(&d->spread);
            ax_hold_start(&d->hold, before, isnan(usual) ? before : usual, width, width, l->value, now);
        }
        return now;
    }
    double growth = ax_spread_growth(&d->spread, d->hold.age);
    out->expected = 0.5 * (d->hold.low + d->hold.high);
    out->lower = lower_of(l, out->expected, d->hold.low - d->hold.below * growth);
    out->upper = d->hold.high + d->hold.above * growth;
    const struct ax_hold_value held = {
        l->value, growth, now, l->depth, is_familiar(d, l), ax_detector_hold_steps(d)};
    double score = ax_hold_step(&d->hold, &held, &outside);
    d->clear = d->clear || (outside && d->hold.age <= SLIDE_STEPS && score > SLIDE_SCORE);
    bool inside = l->value >= out->lower && l->value <= out->upper;
    if (!outside && score <= 1)
        return inside ? fmin(now, 1) : now;
    return d->clear ? fmax(now, fmin(score / HOLD_WIDTH, HOLD_SCORE)) : now;
}

/* Give the verdict its band and cut off what the guards do not ask for. */
static void guard(struct ax_detector *d, const struct ax_look *l, struct ax_verdict *out)
{
    const struct ax_detector_spec *spec = &d->spec;
    const bool matters = out->score > 1 || ax_detector_spec_guards(spec);
    double deviation = matters ? deviation_of(d, out->expected, l->value) : 0,
           width = ax_detector_spec_width(spec, out->expected);
    out->lower = fmin(out->lower, out->expected - width);
    out->upper = fmax(out->upper, out->expected + width);
    int beyond = ax_detector_spec_beyond(spec, l->value);
    out->least = beyond ? AX_DETECTOR_RANGE_SCORE : 0;
    out->unasked =
        !beyond && (out->unasked || (matters && !ax_detector_spec_asks(spec, out->expected, deviation)));
    out->score = fmax(out->unasked ? fmin(out->score, 1) : out->score, out->least);
    out->direction = beyond ? beyond : deviation < 0 ? -1 : 1;
}

/* A move away from where the series rests that is no rare one is not abnormal, and coming back is normal. */
static double rested(const struct ax_look *l, double score)
{
    if (l->resting == AX_REST_RETURNS)
        return 0;
    return l->resting == AX_REST_COMMON || l->resting == AX_REST_YOUNG ? fmin(score, 1) : score;
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

void ax_detector_judge(struct ax_detector *d, const struct ax_observation *o, struct ax_look *l,
                       double combined, struct ax_verdict *out)
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
    bool beyond = ax_detector_spec_beyond(&d->spec, l->value) != 0;
    l->known = score > 1 && is_known(d, o) && !beyond;
    if (l->known)
        score = 1;
    out->score = held_score(d, l, width, score, out);
    if (l->resting == AX_REST_RETURNS)
        out->score = 0;
    /* what wandered to where it never was, with no clear onset, is past like any other once it is within the
       band: else it would be new for ever */
    const bool abnormal = out->score > 1 || beyond || (d->clear && score > 1);
    d->run = abnormal ? d->run + (d->run < UINT32_MAX) : 0;
    out->unasked = l->known && !(out->score > 1);
    const bool undecided = l->resting == AX_REST_COMMON; /* it may still turn out to be a rare move */
    if (o->past.n && (undecided || (abnormal ? d->run <= ax_detector_hold_steps(d) : out->score > 1)))
        ax_marks_set(&d->marks);
    ax_spread_add(&d->spread, abnormal || out->score > 1 || undecided ? (double)NAN : l->value);
    guard(d, l, out);
    settle(out);
    if (undecided && !out->unasked)
        out->unrested = fmin(unrested, SCORE_MAX);
}
