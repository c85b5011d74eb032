/* forecaster.c: one series, step by step: settle what was forecast for now, learn, forecast. */
#include "forecast/forecaster.h"

#include "base/assert.h"
#include "base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_FIT 8  /* values from which something honest can be said */
#define FAR_LEAD 512 /* beyond, forecasts wait at every few steps only, and keep their own origin */
#define FAR_SLOTS 256
#define SILENCE_MS 300000 /* without a value for so long, and 3 steps, there is no forecast */

const struct ax_model_ops *const ax_forecast_members[AX_MEMBERS] = {
    &ax_model_last_value,     &ax_model_local_mean, &ax_model_seasonal_naive,
    &ax_model_seasonal_level, &ax_model_ridge_lags,
};

uint32_t ax_forecaster_members(const char *const **out_names)
{
    static const char *const names[AX_MEMBERS] = {"last_value", "local_mean", "seasonal_naive",
                                                  "seasonal_level", "ridge_lags"};
    *out_names = names;
    return AX_MEMBERS;
}

static uint32_t find_tracks(const struct ax_forecast_spec *spec, uint32_t *path_index)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < spec->leads_n; i++) {
        bool wanted = i == 0;
        for (uint32_t h = 0; h < spec->horizons_n; h++)
            wanted = wanted || spec->horizons[h] == i;
        if (wanted)
            path_index[n++] = i;
    }
    return n;
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
    bool far = t->lead > FAR_LEAD;
    t->stride = far ? (t->lead + FAR_SLOTS - 1) / FAR_SLOTS : 1;
    t->slots = (t->lead + t->stride - 1) / t->stride;
    t->width = far ? AX_PENDING_FAR_N : AX_PENDING_N;
    size_t n = (size_t)t->slots * t->width;
    t->ring = malloc(n * sizeof *t->ring);
    if (!t->ring)
        return false;
    for (size_t i = 0; i < n; i++)
        t->ring[i] = NAN;
    *bytes += n * sizeof *t->ring;
    ax_record_init(&t->record);
    return true;
}

struct ax_forecaster *ax_forecaster_new(const struct ax_forecast_spec *spec)
{
    AX_ASSERT(spec->leads_n > 0 && spec->leads[0] == 1);
    uint32_t path_index[AX_PATH_MAX];
    uint32_t n = find_tracks(spec, path_index);
    size_t size = sizeof(struct ax_forecaster) + n * sizeof(struct ax_lead_track);
    struct ax_forecaster *f = calloc(1, size);
    if (!f)
        return NULL;
    f->spec = spec;
    f->tracks_n = n;
    f->last_ms = f->fitted_ms = INT64_MIN;
    f->next_refit = FIRST_FIT;
    f->growth = 0.5;
    struct ax_model_params params = {.leads_n = n};
    size_t state_bytes = ax_model_ridge_lags.state_bytes(&params);
    f->bytes = size + state_bytes;
    f->ridge = malloc(state_bytes);
    bool ok = f->ridge != NULL;
    for (uint32_t k = 0; k < n && ok; k++)
        ok = track_init(&f->tracks[k], spec, path_index[k], &f->bytes);
    if (!ok) {
        ax_forecaster_free(f);
        return NULL;
    }
    ax_model_ridge_lags.init(&params, f->ridge);
    return f;
}

void ax_forecaster_free(struct ax_forecaster *f)
{
    if (!f)
        return;
    for (uint32_t k = 0; k < f->tracks_n; k++)
        free(f->tracks[k].ring);
    free(f->ridge);
    free(f);
}

int64_t ax_forecaster_fitted_ms(const struct ax_forecaster *f)
{
    return f->fitted_ms;
}

uint64_t ax_forecaster_bytes(const struct ax_forecaster *f)
{
    return f->bytes;
}

enum ax_err ax_members_run(const struct ax_forecaster *f, const struct ax_past *p, const uint32_t *leads,
                           uint32_t leads_n, void *ridge, struct ax_arena *scratch, double *pred)
{
    struct ax_model_params params = {.step_ms = f->spec->step_ms,
                                     .coarse_ms = p->coarse.step_ms,
                                     .leads = leads,
                                     .leads_n = leads_n,
                                     .season_steps = f->season_steps,
                                     .seed = f->spec->seed};
    struct ax_tensor tensors[2];
    struct ax_batch batch = ax_past_batch(p, tensors);
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        double *path = pred + (size_t)m * leads_n;
        void *const states[1] = {m == AX_MEMBER_RIDGE ? ridge : NULL};
        enum ax_err err = AX_NOTREADY;
        if (m != AX_MEMBER_RIDGE || ridge)
            err = ax_forecast_members[m]->run(&params, states, &batch, scratch,
                                              &(struct ax_model_out){.path = path});
        if (err == AX_NOMEM)
            return err;
        if (err)
            for (uint32_t k = 0; k < leads_n; k++)
                path[k] = NAN;
    }
    return AX_OK;
}

static float *slot_of(const struct ax_forecaster *f, const struct ax_lead_track *t, int64_t t_ms)
{
    int64_t index = t_ms / f->spec->step_ms;
    if (index < 0 || index % t->stride != 0)
        return NULL;
    return t->ring + (size_t)(index / t->stride % t->slots) * t->width;
}

/* At steps that never came nothing was forecast: their slots still hold an earlier round. */
static void forget_skipped(struct ax_forecaster *f, int64_t t_ms)
{
    if (f->last_ms == INT64_MIN)
        return;
    int64_t step = f->spec->step_ms;
    for (uint32_t k = 0; k < f->tracks_n; k++) {
        struct ax_lead_track *t = &f->tracks[k];
        int64_t oldest = t_ms - (int64_t)t->slots * t->stride * step, next = f->last_ms + step;
        for (int64_t s = next > oldest ? next : oldest; s < t_ms; s += step) {
            float *slot = slot_of(f, t, s);
            if (slot)
                slot[AX_PENDING_MEAN] = NAN;
        }
    }
}

/* What every member said at the origin. Those without a state say it again from the same past. */
static enum ax_err members_then(struct ax_forecaster *f, const struct ax_lead_track *t,
                                const struct ax_past *then, const float *slot, struct ax_arena *scratch,
                                double *pred)
{
    enum ax_err err = ax_members_run(f, then, &t->lead, 1, NULL, scratch, pred);
    pred[AX_MEMBER_RIDGE] = (double)slot[AX_PENDING_RIDGE];
    if (t->width == AX_PENDING_FAR_N) /* the fine window may have forgotten the origin */
        pred[0] = (double)slot[AX_PENDING_LAST];
    return err;
}

static enum ax_err settle(struct ax_forecaster *f, const struct ax_past *now, double actual,
                          struct ax_arena *scratch, struct ax_outcome *outcomes, uint32_t *outcomes_n)
{
    for (uint32_t k = 0; k < f->tracks_n; k++) {
        struct ax_lead_track *t = &f->tracks[k];
        float *slot = slot_of(f, t, now->t_ms - (int64_t)t->lead * f->spec->step_ms);
        if (!slot || isnan(slot[AX_PENDING_MEAN]))
            continue;
        double mean = (double)slot[AX_PENDING_MEAN], lower = (double)slot[AX_PENDING_LOWER],
               upper = (double)slot[AX_PENDING_UPPER], pred[AX_MEMBERS];
        slot[AX_PENDING_MEAN] = NAN;
        struct ax_past then = ax_past_before(now, t->lead);
        enum ax_err err = members_then(f, t, &then, slot, scratch, pred);
        if (err)
            return err;
        bool far = t->width == AX_PENDING_FAR_N;
        struct ax_local local = ax_local_of(&then);
        double scale = far ? (double)slot[AX_PENDING_SCALE] : ax_local_scale(&local, t->lead);
        ax_record_settle(&t->record, t->lead, pred, mean, actual, scale);
        ax_record_adapt(&t->record, t->lead, f->spec->level, actual, lower, upper);
        if (t->horizon < 0)
            continue;
        outcomes[(*outcomes_n)++] = (struct ax_outcome){.horizon = (uint32_t)t->horizon,
                                                        .actual = actual,
                                                        .mean = mean,
                                                        .lower = lower,
                                                        .upper = upper,
                                                        .last_value = pred[0],
                                                        .insample_scale = then.fine.n > 1 ? local.all : 0};
    }
    return AX_OK;
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
                         const double *ridge)
{
    struct ax_local local = {0};
    double last = NAN;
    if (f->tracks[f->tracks_n - 1].width == AX_PENDING_FAR_N) {
        local = ax_local_of(p);
        last = ax_past_last(p, AX_BRIDGE_MAX);
    }
    for (uint32_t k = 0; k < f->tracks_n; k++) {
        struct ax_lead_track *t = &f->tracks[k];
        float *slot = slot_of(f, t, p->t_ms);
        if (!slot)
            continue;
        slot[AX_PENDING_MEAN] = out->ready ? (float)out->mean[t->path_index] : NAN;
        slot[AX_PENDING_LOWER] = (float)out->lower[t->path_index];
        slot[AX_PENDING_UPPER] = (float)out->upper[t->path_index];
        slot[AX_PENDING_RIDGE] = (float)ridge[k];
        if (t->width == AX_PENDING_FAR_N) {
            slot[AX_PENDING_LAST] = (float)last;
            slot[AX_PENDING_SCALE] = (float)ax_local_scale(&local, t->lead);
        }
    }
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

enum ax_err ax_forecaster_step(struct ax_forecaster *f, const struct ax_window *w, int64_t t_ms,
                               struct ax_arena *scratch, struct ax_forecast *out, struct ax_outcome *outcomes,
                               uint32_t *outcomes_n)
{
    *outcomes_n = 0;
    struct ax_past p = {.fine = ax_window_fine(w), .coarse = ax_window_coarse(w), .t_ms = t_ms};
    AX_ASSERT(p.fine.n > 0 && p.fine.end_ms == t_ms);
    forget_skipped(f, t_ms);
    f->last_ms = t_ms;
    double actual = (double)p.fine.v[p.fine.n - 1];
    if (!isnan(actual)) {
        enum ax_err err = settle(f, &p, actual, scratch, outcomes, outcomes_n);
        if (err)
            return err;
        f->jitter = f->seen == 0 ? (uint32_t)ax_hash64(&actual, sizeof actual, f->spec->seed) : f->jitter;
        f->negative_seen = f->negative_seen || actual < 0;
        f->seen += f->seen < AX_SEEN_MAX;
    }
    if (f->seen >= f->next_refit) {
        enum ax_err err = ax_forecaster_refit(f, &p, scratch);
        if (err)
            return err;
        f->next_refit = f->seen + refit_interval(f);
        f->fitted_ms = t_ms;
    }
    double ridge[AX_PATH_MAX];
    for (uint32_t k = 0; k < f->tracks_n; k++)
        ridge[k] = NAN;
    if (f->seen < FIRST_FIT || !has_errors(f))
        not_ready(out, "warming_up");
    else if (silent(&p))
        not_ready(out, "no_data");
    else {
        enum ax_err err = ax_forecaster_path(f, &p, scratch, out, ridge);
        if (err)
            return err;
    }
    keep_pending(f, &p, out, ridge);
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
    ax_record_weights(&f->tracks[k].record, present, out);
}
