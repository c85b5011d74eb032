/* forecaster.c: one series, step by step: settle what was forecast for now, learn, forecast. */
#include "forecast/forecaster.h"

#include "base/assert.h"
#include "base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_FIT 8 /* values from which something honest can be said */
#define SEASONAL_ENOUGH                                                                                      \
    0.9                   /* of the last value's error, for a season to say what is between tracked leads    \
                           */
#define SILENCE_MS 300000 /* without a value for so long, and 3 steps, there is no forecast */

const char *ax_forecaster_member(uint32_t m)
{
    return m < AX_MEMBERS ? ax_portfolio[m].name : NULL;
}

struct ax_model_params ax_forecaster_params(const struct ax_forecaster *f, const struct ax_past *p,
                                            uint32_t *leads)
{
    for (uint32_t k = 0; k < f->tracks_n; k++)
        leads[k] = f->tracks[k].lead;
    return (struct ax_model_params){.step_ms = f->spec->step_ms,
                                    .coarse_ms = p ? p->coarse.step_ms : 0,
                                    .leads = leads,
                                    .leads_n = f->tracks_n,
                                    .season_steps = f->season.steps,
                                    .long_season_steps = f->season.long_steps,
                                    .pooled = f->spec->shared ? f->spec->shared->pooled : NULL,
                                    .seed = f->spec->seed};
}

bool ax_forecaster_seasonal(const struct ax_forecaster *f)
{
    bool seasonal = false;
    for (uint32_t k = 0; k < f->tracks_n; k++) {
        const float *error = f->tracks[k].record.member_error;
        seasonal = seasonal || (double)error[AX_MEMBER_seasonal_level] <
                                   SEASONAL_ENOUGH * (double)error[AX_MEMBER_LAST_VALUE];
    }
    return seasonal;
}

uint32_t ax_forecaster_members(const struct ax_forecaster *f)
{
    return f->spec->members & ~(f->spec->shared ? f->spec->shared->roster.resting : 0);
}

static bool track_init(struct ax_lead_track *t, const struct ax_forecast_spec *spec, uint32_t path_index,
                       uint64_t *bytes)
{
    t->path_index = path_index;
    t->lead = spec->leads[path_index];
    t->horizon = -1;
    for (uint32_t h = 0; h < spec->horizons_n; h++)
        if (spec->horizons[h] == path_index)
            t->horizon = (int32_t)h;
    ax_record_init(&t->record);
    if (!ax_pending_init(&t->pending, t->lead, spec->members | spec->given))
        return false;
    *bytes += ax_pending_bytes(&t->pending);
    return true;
}

struct ax_forecaster *ax_forecaster_new(const struct ax_forecast_spec *spec, uint32_t turn)
{
    AX_ASSERT(spec->leads_n > 0 && spec->leads[0] == 1);
    uint32_t path_index[AX_PATH_MAX];
    uint32_t n = ax_forecast_spec_tracked(spec, path_index);
    size_t size = sizeof(struct ax_forecaster) + n * sizeof(struct ax_lead_track);
    struct ax_forecaster *f = calloc(1, size);
    if (!f)
        return NULL;
    f->spec = spec;
    f->jitter = (uint32_t)ax_hash64(&turn, sizeof turn, spec->seed);
    f->tracks_n = n;
    f->last_ms = f->fitted_ms = INT64_MIN;
    f->next_refit = FIRST_FIT;
    f->growth = 0.5;
    f->low = f->high = NAN;
    struct ax_model_params params = {.leads_n = n};
    size_t states_bytes = ax_portfolio_bytes(&params);
    f->bytes = size + states_bytes;
    f->states = malloc(states_bytes);
    bool ok = f->states != NULL;
    for (uint32_t k = 0; k < n && ok; k++)
        ok = track_init(&f->tracks[k], spec, path_index[k], &f->bytes);
    if (spec->shared)
        spec->shared->roster.series++;
    if (!ok) {
        ax_forecaster_free(f);
        return NULL;
    }
    ax_portfolio_init(&params, f->states);
    f->asleep = AX_MEMBERS_ALL & ~ax_forecaster_members(f);
    return f;
}

void ax_forecaster_free(struct ax_forecaster *f)
{
    if (!f)
        return;
    for (uint32_t k = 0; k < f->tracks_n; k++)
        ax_pending_done(&f->tracks[k].pending);
    if (f->spec->shared)
        f->spec->shared->roster.series--;
    free(f->states);
    free(f);
}

void ax_forecaster_review(struct ax_forecaster *f)
{
    if (f->fitted_ms == INT64_MIN)
        return;
    uint32_t due = f->seen + 1 + f->jitter % AX_FORECAST_REVIEW_MAX;
    f->review = true;
    f->next_refit = f->next_refit < due ? f->next_refit : due;
}

int64_t ax_forecaster_fitted_ms(const struct ax_forecaster *f)
{
    return f->fitted_ms;
}

uint64_t ax_forecaster_bytes(const struct ax_forecaster *f)
{
    return f->bytes;
}

/* At steps that never came nothing was forecast: their places still hold an earlier round. */
static void forget_skipped(struct ax_forecaster *f, int64_t t_ms)
{
    if (f->last_ms == INT64_MIN)
        return;
    int64_t now = t_ms / f->spec->step_ms, last = f->last_ms / f->spec->step_ms;
    for (uint32_t k = 0; k < f->tracks_n; k++) {
        struct ax_pending *p = &f->tracks[k].pending;
        int64_t oldest = now - (int64_t)p->slots * p->stride;
        for (int64_t s = last + 1 > oldest ? last + 1 : oldest; s < now; s++)
            ax_pending_forget(p, s);
    }
}

/* Learn from every forecast for now, and hand the outcomes on. */
static void settle(struct ax_forecaster *f, const struct ax_past *now, double actual, double unit,
                   struct ax_outcome *outcomes, uint32_t *outcomes_n)
{
    for (uint32_t k = 0; k < f->tracks_n; k++) {
        struct ax_lead_track *t = &f->tracks[k];
        struct ax_waiting w;
        if (!ax_pending_take(&t->pending, now->t_ms / f->spec->step_ms - t->lead, &w))
            continue;
        ax_record_claim(&t->record, t->lead, fabs(actual - w.mean) <= f->spec->tolerance * fabs(actual));
        ax_record_settle(&t->record, t->lead, &w, actual, unit);
        ax_record_adapt(&t->record, t->lead, f->spec->level, &w, actual);
        if (t->horizon < 0)
            continue;
        struct ax_past then = ax_past_before(now, t->lead);
        outcomes[(*outcomes_n)++] =
            (struct ax_outcome){.horizon = (uint32_t)t->horizon,
                                .actual = actual,
                                .mean = w.mean,
                                .lower = w.lower,
                                .upper = w.upper,
                                .last_value = isnan(w.last) ? ax_past_last(&then, AX_BRIDGE_MAX) : w.last};
    }
}

/* A quarter of what was seen, up to the configured interval; spread over a quarter of itself, so that series
 * that began together, as all do at a start, are not all fitted in one step. */
static uint32_t refit_interval(const struct ax_forecaster *f)
{
    uint32_t most = f->spec->refit_steps ? f->spec->refit_steps : 1;
    uint32_t grown = f->seen / 4 > 4 ? f->seen / 4 : 4;
    if (grown >= most)
        return most - f->jitter % (most / 4 + 1);
    uint32_t interval = grown - grown / 8 + f->jitter % (grown / 4 + 1);
    return interval < most ? interval : most;
}

static bool silent(const struct ax_past *p)
{
    int64_t ms = 3 * p->fine.step_ms > SILENCE_MS ? 3 * p->fine.step_ms : SILENCE_MS;
    int64_t steps = ms / p->fine.step_ms;
    return isnan(ax_past_last(p, steps < AX_BRIDGE_MAX ? (uint32_t)steps : AX_BRIDGE_MAX));
}

/* Let what was forecast wait for its actual. */
static void keep_pending(struct ax_forecaster *f, const struct ax_past *p, const struct ax_forecast *out,
                         const struct ax_said *said)
{
    struct ax_waiting w = {.last = ax_past_last(p, AX_BRIDGE_MAX)};
    int64_t step = p->t_ms / f->spec->step_ms;
    for (uint32_t k = 0; k < f->tracks_n; k++) {
        struct ax_lead_track *t = &f->tracks[k];
        if (!out->ready) {
            ax_pending_forget(&t->pending, step);
            continue;
        }
        w.mean = out->mean[t->path_index];
        w.lower = out->lower[t->path_index];
        w.upper = out->upper[t->path_index];
        t->record.claimed = (float)said->claimed[k];
        ax_record_note_apart(&t->record, 1, said->apart[k]);
        w.scale = said->scale[k];
        w.together = said->together[k];
        for (uint32_t m = 0; m < AX_MEMBERS; m++)
            w.pred[m] = said->at[m * f->tracks_n + k];
        ax_pending_put(&t->pending, step, &w);
    }
}

void ax_forecaster_see(struct ax_forecaster *f, double value)
{
    f->negative_seen = f->negative_seen || value < 0;
    f->low = fminf(f->low, (float)value);
    f->high = fmaxf(f->high, (float)value);
}

struct ax_plausible ax_forecaster_plausible(const struct ax_forecaster *f, uint32_t lead)
{
    double low = (double)f->low, high = (double)f->high,
           reach = (high - low) * fmax(1, (double)lead / f->seen);
    return (struct ax_plausible){low - reach, high + reach};
}

static bool has_errors(const struct ax_forecaster *f)
{
    for (uint32_t k = 0; k < f->tracks_n; k++)
        if (f->tracks[k].record.errors.total > 0)
            return true;
    return false;
}

static void not_ready(struct ax_forecast *out, const char *reason)
{
    memset(out, 0, sizeof *out);
    out->reason = reason;
}

/* The past as of t_ms, with what clocks and calendars say of all of it and of what is forecast. */
static struct ax_past past_now(const struct ax_forecaster *f, const struct ax_window *w, int64_t t_ms)
{
    struct ax_past p = {.fine = ax_window_fine(w), .coarse = ax_window_coarse(w), .t_ms = t_ms};
    if (f->spec->shared)
        ax_forecast_shared_attach(f->spec->shared, &p, f->spec->leads[f->spec->leads_n - 1]);
    return p;
}

enum ax_err ax_forecaster_step(struct ax_forecaster *f, const struct ax_window *w, int64_t t_ms,
                               const double *const *given, struct ax_arena *scratch, struct ax_forecast *out,
                               struct ax_outcome *outcomes, uint32_t *outcomes_n)
{
    *outcomes_n = 0;
    struct ax_past p = past_now(f, w, t_ms);
    AX_ASSERT(p.fine.n > 0 && p.fine.end_ms == t_ms);
    forget_skipped(f, t_ms);
    f->last_ms = t_ms;
    double actual = (double)p.fine.v[p.fine.n - 1];
    const struct ax_local local = ax_local_of(&p);
    if (!isnan(actual)) {
        settle(f, &p, actual, local.all, outcomes, outcomes_n);
        ax_forecaster_see(f, actual);
        f->seen += f->seen < AX_SEEN_MAX;
    }
    if (f->seen >= f->next_refit) {
        enum ax_err err = ax_forecaster_refit(f, &p, scratch);
        if (err)
            return err;
        f->next_refit = f->seen + refit_interval(f);
        f->fitted_ms = t_ms;
    }
    struct ax_said said = {.at = ax_arena_array(scratch, (size_t)AX_MEMBERS * f->tracks_n, sizeof *said.at)};
    if (!said.at)
        return AX_NOMEM;
    if (f->seen < FIRST_FIT || !has_errors(f))
        not_ready(out, "warming_up");
    else if (silent(&p))
        not_ready(out, "no_data");
    else {
        enum ax_err err = ax_forecaster_path(f, &p, &local, given, scratch, out, &said);
        if (err)
            return err;
    }
    keep_pending(f, &p, out, &said);
    return AX_OK;
}

void ax_forecaster_weights(const struct ax_forecaster *f, uint32_t lead_index, double *out)
{
    double present[AX_MEMBERS];
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        present[m] = 0;
    uint32_t k = 0;
    while (k + 1 < f->tracks_n && f->tracks[k + 1].path_index <= lead_index)
        k++;
    ax_record_weights(&f->tracks[k].record, f->tracks[k].lead, present, out);
}
