/* path.c: the path of one series: members combined at every point, the interval and the confidence
 * interpolated between the leads whose errors are tracked. */
#include "forecast/forecaster.h"

#include <math.h>

#define MEASURED_ENOUGH                                                                                      \
    2.0                  /* independent errors at which their mean counts as much as the growth of changes */
#define WIDENING_MAX 2.0 /* bound on its |log| */

/* What one tracked lead contributes. Offsets are in the input's unit, from the mean. */
struct knot {
    double lead;
    double weights[AX_MEMBERS], belief;
    double below, above, confidence;
    double under, over; /* errors down to and up to which the forecast counts as close to the actual */
    double unit;        /* local scale */
    const struct ax_lead_record *record;
};

static double mix(double a, double b, double share)
{
    return a + share * (b - a);
}

/* The mean of the members that speak at the point, with weights between those of the two knots. */
static double combine(const struct knot *a, const struct knot *b, double share, const double *pred,
                      double fallback)
{
    double sum = 0, weight = 0;
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        double w = mix(a->weights[m], b->weights[m], share);
        if (w <= 0 || !isfinite(pred[m]))
            continue;
        sum += w * pred[m];
        weight += w;
    }
    return weight > 0 ? sum / weight : fallback;
}

/* Where a lead borrows from: the one before it; the leads before the first that has seen an actual (values
 * come less often than steps) from that one. */
static uint32_t first_seen(const struct ax_forecaster *f)
{
    uint32_t k = 0;
    while (k + 1 < f->tracks_n && f->tracks[k].record.errors.total <= 0)
        k++;
    return k;
}

/* What one tracked lead has seen itself. */
static void own_knot(const struct ax_forecaster *f, const struct ax_local *local, uint32_t k,
                     const double *pred, double last, struct knot *out, struct ax_said *said)
{
    const struct ax_lead_record *r = &f->tracks[k].record;
    uint32_t lead = f->tracks[k].lead;
    out->lead = lead;
    out->record = r;
    ax_record_weights(r, lead, pred, out->weights);
    out->belief = ax_record_belief(r, lead, out->weights);
    said->together[k] = combine(out, out, 0, pred, last);
    double mean = mix(last, said->together[k], out->belief);
    double under = mean * f->spec->tolerance / (1 + f->spec->tolerance),
           over = mean * f->spec->tolerance / (1 - f->spec->tolerance);
    out->under = mean < 0 ? -over : under;
    out->over = mean < 0 ? -under : over;
    double unit = ax_local_scale(local, lead, mean);
    said->apart[k] = ax_record_apart(r, pred, said->together[k], unit);
    said->scale[k] = out->unit = ax_record_scale(r, unit, said->apart[k]);
    ax_record_interval(r, f->spec->level, &out->below, &out->above);
    out->below *= out->unit;
    out->above *= out->unit;
    out->confidence = ax_errdist_within(&r->errors, out->under / out->unit, out->over / out->unit);
}

/* By how much errors are larger at a lead than at one before it: as far as there was something to measure it
 * by, as the mean errors say (also those of the validation), else by the growth of changes. */
static double widening(const struct ax_forecaster *f, const struct knot *to, const struct knot *from)
{
    double by_growth = f->growth * log(to->lead / from->lead), far = (double)to->record->together_error,
           near = (double)from->record->together_error;
    if (!(far > 0 && near > 0))
        return exp(by_growth);
    double independent = f->seen / (2 * fmax(to->lead, from->lead)),
           measured = fmin(fmax(log(far / near), -WIDENING_MAX), WIDENING_MAX);
    return exp(mix(by_growth, measured, independent / (independent + MEASURED_ENOUGH)));
}

/* A lead is trusted as far as its forecasts were independent of each other; the rest is borrowed. */
static void borrow(const struct ax_forecaster *f, struct knot *to, const struct knot *from, double trust)
{
    double widen = widening(f, to, from), unit = from->unit * widen;
    to->below = mix(from->below * widen, to->below, trust);
    to->above = mix(from->above * widen, to->above, trust);
    double borrowed = ax_errdist_within(&from->record->errors, to->under / unit, to->over / unit);
    to->confidence = mix(borrowed, to->confidence, trust);
}

/* Borrow where that is due, then apply what adaptation found. */
static void settle_widths(const struct ax_forecaster *f, struct knot *knots, struct ax_said *said)
{
    uint32_t seen = first_seen(f);
    for (uint32_t k = 0; k < seen; k++)
        borrow(f, &knots[k], &knots[seen], 0);
    for (uint32_t k = seen + 1; k < f->tracks_n; k++)
        borrow(f, &knots[k], &knots[k - 1], ax_record_trust(knots[k].record, f->tracks[k].lead));
    for (uint32_t k = 0; k < f->tracks_n; k++) {
        knots[k].below *= exp((double)knots[k].record->width_below);
        knots[k].above *= exp((double)knots[k].record->width_above);
        said->claimed[k] = knots[k].confidence;
        knots[k].confidence = ax_record_confidence(knots[k].record, knots[k].confidence);
    }
}

/* A member that speaks at knots only, or whose errors are known there alone: between them it goes as the
 * shape goes, and what it says beside that at the knots moves linearly, from the last value at lead 0. A knot
 * at which it says nothing, or nobody believes it, is passed over; the last value, which is where there is
 * nothing else, at none. (It is that of a day before at a lead of a day, and of no use half a day later.)
 * Behind the last of its knots it goes on like that, for its weight fades up to the next one. */
static void spread(const struct ax_forecaster *f, const struct knot *knots, uint32_t m,
                   const double *at_knots, const double *shape, double *path)
{
    double from_lead = 0, from = 0;
    uint32_t i = 0;
    for (uint32_t k = 0; k < f->tracks_n; k++) {
        uint32_t here = f->tracks[k].path_index;
        double to_lead = f->tracks[k].lead, to = at_knots[k] - shape[here];
        if (!isfinite(to) || (m != AX_MEMBER_LAST_VALUE && knots[k].weights[m] <= 0))
            continue;
        for (; i < here; i++)
            path[i] =
                shape[i] + mix(from, to, ((double)f->spec->leads[i] - from_lead) / (to_lead - from_lead));
        path[i++] = at_knots[k];
        from_lead = to_lead;
        from = to;
    }
    for (; i < f->spec->leads_n; i++)
        path[i] = from_lead > 0 ? shape[i] + from : (double)NAN;
}

/* The offsets of the bounds along the path, before anything is repaid, and what repays it at the knots. */
struct band {
    double below[AX_PATH_MAX], above[AX_PATH_MAX], factor[AX_PATH_MAX];
    struct ax_waits waits[AX_PATH_MAX];
};

static void bounds(const struct ax_forecaster *f, const struct knot *knots, int64_t step, struct band *band,
                   struct ax_forecast *out)
{
    bool clip = f->spec->nonnegative > 0 || (f->spec->nonnegative < 0 && !f->negative_seen);
    for (uint32_t i = 0; i < f->spec->leads_n && clip; i++)
        out->mean[i] = fmax(out->mean[i], 0);
    for (uint32_t k = 0; k < f->tracks_n; k++) {
        band->waits[k] = ax_forecaster_waits(f, k, step, out->mean, band->below, band->above);
        band->factor[k] =
            ax_record_factor(knots[k].record, f->tracks[k].lead, f->spec->level, band->waits[k].owed);
    }
    for (uint32_t i = 0; i < f->spec->leads_n; i++) {
        const uint32_t a = f->spec->places[i].a, b = f->spec->places[i].b;
        double share = f->spec->places[i].share, factor = mix(band->factor[a], band->factor[b], share),
               mean = out->mean[i];
        struct ax_plausible within = ax_forecaster_plausible(f, f->spec->leads[i]);
        if (clip)
            within.low = fmax(within.low, 0);
        double narrowed = fmin(factor, 1),
               below = fmin(factor * band->below[i],
                            narrowed * mix(band->waits[a].below, band->waits[b].below, share)),
               above = fmax(factor * band->above[i],
                            narrowed * mix(band->waits[a].above, band->waits[b].above, share));
        out->lower[i] = fmin(fmax(mean + below, within.low), mean);
        out->upper[i] = fmax(fmin(mean + above, within.high), mean);
    }
}

/* What series do between the knots: as their seasons did, where they have one that is of use, else nothing.
 */
static void shape_of(const struct ax_forecaster *f, double last, const double *seasonal, double *shape)
{
    bool known = ax_forecaster_seasonal(f);
    for (uint32_t i = 0; i < f->spec->leads_n && known; i++)
        known = isfinite(seasonal[i]);
    for (uint32_t i = 0; i < f->spec->leads_n; i++)
        shape[i] = known ? seasonal[i] : last;
}

static double held(struct ax_plausible within, double x)
{
    return fmin(fmax(x, within.low), within.high);
}

/* What each member says at the knots, and along the path if it does. */
static enum ax_err ask(const struct ax_forecaster *f, const struct ax_past *p, const double *const *given,
                       struct ax_arena *scratch, double *at, double *path)
{
    uint32_t leads[AX_PATH_MAX], knots_n = f->tracks_n, n = f->spec->leads_n;
    const struct ax_model_params params = ax_forecaster_params(f, p, leads);
    uint32_t sparse = ax_portfolio_tracked_only(), awake = AX_MEMBERS_ALL & ~f->asleep;
    if (ax_portfolio_run(&params, f->states, awake & sparse, p, leads, knots_n, scratch, at) ||
        ax_portfolio_run(&params, f->states, awake & ~sparse, p, f->spec->leads, n, scratch, path))
        return AX_NOMEM;
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        double *mine = at + (size_t)m * knots_n, *along = path + (size_t)m * n;
        for (uint32_t k = 0; k < knots_n && !ax_portfolio[m].tracked_only; k++)
            mine[k] = along[f->tracks[k].path_index];
        const double *said = given && m >= AX_MEMBER_GIVEN ? given[m - AX_MEMBER_GIVEN] : NULL;
        for (uint32_t k = 0; k < knots_n && said; k++)
            mine[k] = said[k];
        for (uint32_t k = 0; k < knots_n; k++)
            if (isfinite(mine[k]))
                mine[k] = held(ax_forecaster_plausible(f, f->tracks[k].lead), mine[k]);
    }
    return AX_OK;
}

static uint32_t count_nonfinite(const struct ax_forecaster *f, const double *at)
{
    uint32_t members = 0;
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        bool bad = false;
        for (uint32_t k = 0; k < f->tracks_n; k++)
            bad = bad || isinf(at[m * f->tracks_n + k]);
        members += bad;
    }
    return members;
}

enum ax_err ax_forecaster_path(const struct ax_forecaster *f, const struct ax_past *p,
                               const struct ax_local *local, const double *const *given,
                               struct ax_arena *scratch, struct ax_forecast *out, struct ax_said *said)
{
    uint32_t knots_n = f->tracks_n, n = f->spec->leads_n;
    double *path = ax_arena_array(scratch, (size_t)AX_MEMBERS * n, sizeof *path);
    struct knot *knots = ax_arena_array(scratch, knots_n, sizeof *knots);
    struct band *band = ax_arena_array(scratch, 1, sizeof *band);
    if (!path || !knots || !band || ask(f, p, given, scratch, said->at, path))
        return AX_NOMEM;
    double last = ax_past_last(p, AX_BRIDGE_MAX), pred[AX_MEMBERS], shape[AX_PATH_MAX];
    for (uint32_t k = 0; k < knots_n; k++) {
        for (uint32_t m = 0; m < AX_MEMBERS; m++)
            pred[m] = said->at[m * knots_n + k];
        own_knot(f, local, k, pred, last, &knots[k], said);
    }
    settle_widths(f, knots, said);
    shape_of(f, last, path + (size_t)AX_MEMBER_seasonal_level * n, shape);
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        if (ax_portfolio[m].tracked_only || m == AX_MEMBER_LAST_VALUE)
            spread(f, knots, m, said->at + (size_t)m * knots_n, shape, path + (size_t)m * n);
    out->ready = true;
    out->reason = NULL;
    out->nonfinite = count_nonfinite(f, said->at);
    out->members = said->at;
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_path_place *at = &f->spec->places[i];
        const struct knot *a = &knots[at->a], *b = &knots[at->b];
        const double share = at->share;
        for (uint32_t m = 0; m < AX_MEMBERS; m++)
            pred[m] = path[m * n + i];
        const double fallback = pred[AX_MEMBER_LAST_VALUE];
        out->mean[i] =
            held(ax_forecaster_plausible(f, f->spec->leads[i]),
                 mix(fallback, combine(a, b, share, pred, fallback), mix(a->belief, b->belief, share)));
        out->confidence[i] = mix(a->confidence, b->confidence, share);
        band->below[i] = mix(a->below, b->below, share);
        band->above[i] = mix(a->above, b->above, share);
    }
    bounds(f, knots, p->t_ms / f->spec->step_ms, band, out);
    return AX_OK;
}
