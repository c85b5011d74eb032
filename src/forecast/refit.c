/* refit.c: what happens now and then: the season, the fit of the members, and rolling-origin validation
 * inside the window for leads that have not seen enough actuals of their own. */
#include "forecast/forecaster.h"
#include "forecast/season.h"

#include <math.h>

#define ORIGINS_MAX 96
#define GROWTH_PRIOR 20.0 /* values of a random walk that are mixed into the measured growth */
#define GROWTH_MIN 0.1
#define GROWTH_MAX 1.0
#define WEIGHT_LEAST                                                                                         \
    1e-4                   /* at some lead, for a member to be asked: its error is below 1.6 times the least \
                            */
#define WEIGHT_OF_USE 0.02 /* at some lead, for a job to have use for a member */
#define INDEPENDENT_ENOUGH 12.0           /* forecasts in the past at which their errors are half believed */
#define SETTLED_ENOUGH 96                 /* own experience from which validation is no longer asked */
#define FIRST_ORIGIN(n) ((n) / 2)         /* of n values: the members are fitted to those before it */
#define FIRST_REVIEWED(n) ((n) - (n) / 4) /* the same when it is the newest that matter */
#define REVIEWED_SHARE 0.5                /* of the logarithm of an error, for what a review says */
#define LONGER 4 /* a past longer by one in so many may have room for members that had none */

/* A forecast of the past, until its actual comes. */
struct waits {
    struct ax_waiting w;
    double actual, unit;
    uint32_t due; /* its place in the window */
};

/* Those of one lead, in the order in which they come due: from first to behind last. */
struct queue {
    struct waits *at;
    uint32_t first, behind;
};

/* Learn of all actuals that are known at a place of the window. */
static void settle_due(struct queue *q, uint32_t lead, uint32_t now, struct ax_lead_record *r)
{
    for (; q->first < q->behind && q->at[q->first].due <= now; q->first++) {
        const struct waits *s = &q->at[q->first];
        ax_record_settle(r, lead, &s->w, s->actual, s->unit);
        ax_errdist_add(&r->errors, (s->actual - s->w.mean) / s->w.scale, ax_record_keep(lead));
    }
}

/* What the members say together at one lead with the weights that are known; false when nothing is said. */
static bool say_together(struct ax_lead_record *r, uint32_t lead, const struct ax_local *local,
                         uint32_t stride, struct ax_waiting *w)
{
    double weights[AX_MEMBERS];
    if (isnan(w->pred[AX_MEMBER_LAST_VALUE]))
        return false;
    ax_record_weights(r, lead, w->pred, weights);
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        w->mean += weights[m] > 0 ? weights[m] * w->pred[m] : 0;
    w->together = w->mean;
    double unit = ax_local_scale(local, lead, w->mean), apart = ax_record_apart(r, w->pred, w->mean, unit);
    w->scale = ax_record_scale(r, unit, apart);
    ax_record_note_apart(r, stride, apart);
    return true;
}

/* Let members forecast from each origin with the weights that were known there; an actual is learnt of when
 * an origin has come to it. */
static enum ax_err roll(const struct ax_forecaster *f, const struct ax_model_params *params, uint32_t members,
                        const struct ax_past *p, uint32_t first, void *states, struct ax_arena *scratch,
                        struct ax_lead_record *records)
{
    uint32_t n = p->fine.n, stride = (n - 1 - first) / ORIGINS_MAX + 1, most = (n - 1 - first) / stride + 1;
    double *pred = ax_arena_array(scratch, (size_t)AX_MEMBERS * f->tracks_n, sizeof *pred);
    struct queue *queues = ax_arena_array(scratch, f->tracks_n, sizeof *queues);
    struct waits *places = ax_arena_array(scratch, (size_t)f->tracks_n * most, sizeof *places);
    if (!pred || !queues || !places)
        return AX_NOMEM;
    for (uint32_t k = 0; k < f->tracks_n; k++)
        queues[k] = (struct queue){places + (size_t)k * most, 0, 0};
    for (uint32_t o = first; o + 1 < n; o += stride) {
        struct ax_past then = ax_past_before(p, n - 1 - o);
        const enum ax_err err =
            ax_portfolio_run(params, states, members, &then, params->leads, f->tracks_n, scratch, pred);
        if (err != AX_OK)
            return err;
        struct ax_local local = ax_local_of(&then);
        for (uint32_t k = 0; k < f->tracks_n && o + params->leads[k] < n; k++) {
            uint32_t lead = params->leads[k];
            struct waits s = {.w = {.heard = stride},
                              .actual = (double)p->fine.v[o + lead],
                              .unit = local.all,
                              .due = o + lead};
            for (uint32_t m = 0; m < AX_MEMBERS; m++)
                s.w.pred[m] = pred[m * f->tracks_n + k];
            settle_due(&queues[k], lead, o, &records[k]);
            if (!isnan(s.actual) && say_together(&records[k], lead, &local, stride, &s.w))
                queues[k].at[queues[k].behind++] = s;
        }
    }
    for (uint32_t k = 0; k < f->tracks_n; k++)
        settle_due(&queues[k], params->leads[k], n, &records[k]);
    return AX_OK;
}

/* An error in the past beside that of the last value, as far as the forecasts that it comes from were
 * independent: a few that overlap are luck. */
static float believed(double error, double last, double independent)
{
    if (!(error > 0 && last > 0))
        return (float)error;
    return (float)(last * pow(error / last, independent / (independent + INDEPENDENT_ENOUGH)));
}

/* The weighted mean, of their logarithms, of an error and of one that is so many times that of the last
 * value. */
static float toward(float error, double last, double ratio)
{
    double other = last * ratio;
    return error > 0 && other > 0 && isfinite(other)
               ? (float)((double)error * pow(other / (double)error, REVIEWED_SHARE))
               : error;
}

/* What was known of a lead, with a share of what its validation over the newest past says. */
static void refresh(struct ax_lead_record *r, const struct ax_lead_record *validated, double independent)
{
    double base = (double)validated->member_error[AX_MEMBER_LAST_VALUE],
           own = (double)r->member_error[AX_MEMBER_LAST_VALUE], last = (double)validated->last_error;
    for (uint32_t m = AX_MEMBER_LAST_VALUE + 1; m < AX_MEMBERS; m++)
        r->member_error[m] =
            toward(r->member_error[m], own,
                   (double)believed((double)validated->member_error[m], base, independent) / base);
    double together = (double)believed((double)validated->together_error, last, independent) / last;
    r->together_error = toward(r->together_error, (double)r->last_error, together);
    r->together_ever = toward(r->together_ever, (double)r->last_ever, together);
}

/* Believe the validation where a lead has little experience; elsewhere take only what is new from it: how
 * a member that was not there before compares with the last value. */
static void take_over(struct ax_lead_record *r, const struct ax_lead_record *validated, double independent)
{
    bool young = r->settled < SETTLED_ENOUGH && validated->settled > 0;
    double base = (double)validated->member_error[AX_MEMBER_LAST_VALUE],
           own = (double)r->member_error[AX_MEMBER_LAST_VALUE];
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        float error = believed((double)validated->member_error[m], base, independent);
        if (isnan(error))
            continue;
        if (young)
            r->member_error[m] = error;
        else if (isnan(r->member_error[m]) && base > 0)
            r->member_error[m] = (float)(own * (double)error / base);
    }
    if (!young)
        return;
    r->errors = validated->errors;
    r->apart = validated->apart;
    r->together_error =
        believed((double)validated->together_error, (double)validated->last_error, independent);
    r->last_error = validated->last_error;
    if (r->settled > 0)
        return;
    r->together_ever = r->together_error;
    r->last_ever = r->last_error;
}

/* Members that are to be held against the past. All of them for a review, and where a lead is young, and near
 * enough for its actuals to be in the window. Else those that may have been silent for want of a past, when
 * there is a quarter more of it, and the last value, which they are compared with. */
static uint32_t to_validate(const struct ax_forecaster *f, const struct ax_view *v)
{
    uint32_t members = ax_forecaster_members(f) & ~AX_MEMBERS_LIVE, silent = 0;
    if (f->review)
        return members;
    bool longer = f->seen >= f->validated + f->validated / LONGER;
    for (uint32_t k = 0; k < f->tracks_n; k++) {
        const struct ax_lead_record *r = &f->tracks[k].record;
        if (r->settled < SETTLED_ENOUGH && f->tracks[k].lead < v->n - FIRST_ORIGIN(v->n))
            return members;
        for (uint32_t m = 0; m < AX_MEMBERS && longer; m++)
            silent |= isnan(r->member_error[m]) ? 1U << m : 0;
    }
    silent &= members;
    return silent ? silent | 1U << AX_MEMBER_LAST_VALUE : 0;
}

/* The season is that of the whole window: what is held against the past is the guess that it has one. (Found
 * in the older half alone it came later by as much, and errors six steps ahead of hourly series of 1,000
 * points were 4 % larger.) */
static enum ax_err validate(struct ax_forecaster *f, uint32_t members, const struct ax_past *p,
                            struct ax_arena *scratch)
{
    uint32_t leads[AX_PATH_MAX];
    const struct ax_model_params params = ax_forecaster_params(f, p, leads);
    struct ax_lead_record *records = ax_arena_array(scratch, f->tracks_n, sizeof *records);
    void *states = ax_arena_alloc(scratch, ax_portfolio_bytes(&params));
    if (!records || !states)
        return AX_NOMEM;
    for (uint32_t k = 0; k < f->tracks_n; k++)
        ax_record_init(&records[k]);
    ax_portfolio_init(&params, states);
    uint32_t first = f->review ? FIRST_REVIEWED(p->fine.n) : FIRST_ORIGIN(p->fine.n);
    struct ax_past earlier = ax_past_before(p, p->fine.n - 1 - first);
    enum ax_err err = ax_portfolio_fit(&params, states, members, &earlier, scratch);
    if (err == AX_OK)
        err = roll(f, &params, members, p, first, states, scratch, records);
    if (err)
        return err;
    for (uint32_t k = 0; k < f->tracks_n; k++) {
        double lead = f->tracks[k].lead, independent = fmax((double)(p->fine.n - first) - lead, 0) / lead;
        if (f->review)
            refresh(&f->tracks[k].record, &records[k], independent);
        take_over(&f->tracks[k].record, &records[k], independent);
    }
    return AX_OK;
}

static double mean_change(const struct ax_view *v, uint32_t lag)
{
    double sum = 0;
    uint32_t pairs = 0;
    for (uint32_t i = lag; i < v->n; i++) {
        double d = fabs((double)v->v[i] - (double)v->v[i - lag]);
        if (isnan(d))
            continue;
        sum += d;
        pairs++;
    }
    return pairs ? sum / pairs : (double)NAN;
}

/* How fast |changes| grow with the time between values: the slope of the structure function from 1 step to
 * a fifth of the window, or to the longest tracked lead. */
static double growth(const struct ax_forecaster *f, const struct ax_view *v)
{
    uint32_t far = f->tracks[f->tracks_n - 1].lead;
    far = far < v->n / 5 ? far : v->n / 5;
    double random_walk = 0.5;
    if (far < 2)
        return random_walk;
    double slope = log(mean_change(v, far) / mean_change(v, 1)) / log(far);
    if (!isfinite(slope))
        return random_walk;
    slope = (slope * v->n + random_walk * GROWTH_PRIOR) / (v->n + GROWTH_PRIOR);
    return fmin(fmax(slope, GROWTH_MIN), GROWTH_MAX);
}

/* The most weight that each member has at any lead, NaN where that is not known; false when the series is too
 * young to tell. */
static bool most_weights(const struct ax_forecaster *f, double *most)
{
    double present[AX_MEMBERS], weights[AX_MEMBERS];
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        present[m] = f->spec->members >> m & 1 || !ax_portfolio[m].ops ? 0 : (double)NAN;
        most[m] = 0;
    }
    for (uint32_t k = 0; k < f->tracks_n; k++) {
        const struct ax_lead_record *r = &f->tracks[k].record;
        if (r->settled < SETTLED_ENOUGH)
            return false;
        ax_record_weights(r, f->tracks[k].lead, present, weights);
        for (uint32_t m = 0; m < AX_MEMBERS; m++)
            most[m] = isnan(r->member_error[m]) ? (double)NAN : fmax(most[m], weights[m]);
    }
    return true;
}

/* Put to sleep who has earned no weight at any lead, so that it costs nothing; now and then all are awake
 * that the job has use for. */
static void rest(struct ax_forecaster *f)
{
    double most[AX_MEMBERS];
    bool known = most_weights(f, most);
    uint32_t of_use = 0, useless = 0;
    for (uint32_t m = AX_MEMBER_LAST_VALUE + 1; m < AX_MEMBERS && known; m++) {
        of_use |= most[m] >= WEIGHT_OF_USE ? 1U << m : 0;
        useless |= most[m] < WEIGHT_LEAST ? 1U << m : 0;
    }
    if (ax_forecaster_seasonal(f))
        useless &= ~(1U << AX_MEMBER_seasonal_level);
    if (known && f->spec->shared)
        ax_roster_note(&f->spec->shared->roster, of_use);
    f->refits = (f->refits + 1) % AX_WAKE_REFITS;
    f->asleep = AX_MEMBERS_ALL & (~ax_forecaster_members(f) | (f->refits ? useless : 0));
}

/* Let what the series share learn of what is new since the last time. */
static enum ax_err teach(const struct ax_forecaster *f, const struct ax_model_params *params,
                         const struct ax_past *p, struct ax_arena *scratch)
{
    struct ax_forecast_shared *shared = f->spec->shared;
    if (!shared || !shared->pooled || !(ax_forecaster_members(f) & AX_MEMBERS_LIVE))
        return AX_OK;
    int64_t steps = f->fitted_ms == INT64_MIN ? p->fine.n : (p->t_ms - f->fitted_ms) / p->fine.step_ms;
    return ax_pooled_learn(shared->pooled, params, p, steps < p->fine.n ? (uint32_t)steps : p->fine.n,
                           shared->roster.series, scratch);
}

/* What the windows have seen: what has left them is forgotten. */
static void see_all(struct ax_forecaster *f, const struct ax_past *p)
{
    f->low = f->high = NAN;
    for (uint32_t i = 0; i < p->fine.n; i++)
        ax_forecaster_see(f, (double)p->fine.v[i]);
    for (uint32_t i = 0; i < p->coarse.n; i++)
        ax_forecaster_see(f, (double)p->coarse.v[i]);
}

enum ax_err ax_forecaster_refit(struct ax_forecaster *f, const struct ax_past *p, struct ax_arena *scratch)
{
    see_all(f, p);
    f->growth = growth(f, &p->fine);
    struct ax_season season = {0};
    if (ax_forecaster_members(f) & ~AX_MEMBERS_PLAIN)
        season = ax_season_detect(p, scratch);
    uint32_t changed = (season.steps != f->season.steps ? 1U << AX_SEASON : 0) |
                       (season.long_steps != f->season.long_steps ? 1U << AX_LONG_SEASON : 0);
    f->season = season;
    f->validated = changed ? 0 : f->validated;
    for (uint32_t k = 0; k < f->tracks_n; k++) /* who relies on the season is somebody else now */
        for (uint32_t m = 0; m < AX_MEMBERS; m++)
            if (changed >> ax_portfolio[m].seasonal & 1)
                f->tracks[k].record.member_error[m] = NAN;
    uint32_t validated = p->fine.n >= 4 ? to_validate(f, &p->fine) : 0;
    if (validated) {
        enum ax_err err = validate(f, validated, p, scratch);
        if (err)
            return err;
        f->validated = f->seen;
        f->review = false;
    }
    uint32_t leads[AX_PATH_MAX];
    const struct ax_model_params params = ax_forecaster_params(f, p, leads);
    rest(f);
    enum ax_err err = teach(f, &params, p, scratch);
    if (err)
        return err;
    return ax_portfolio_fit(&params, f->states, AX_MEMBERS_ALL & ~f->asleep, p, scratch);
}
