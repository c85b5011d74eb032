/* smooth.c: exponential smoothing: the filter, and the members that use it. */
#include "forecast/smooth.h"

#include "forecast/adjust.h"

#include <math.h>
#include <string.h>

#define SPREAD_PACE 0.1 /* of the smoothed |error| */
#define CLIP 4.0        /* times that */
#define SHIFT 8         /* errors beyond it in a row that are a new level, where bursts are short */
#define FIT_MIN 24      /* errors from which parameters are chosen */
#define FIT_MAX 720     /* newest values that are looked at for it */
#define REACH 128       /* and to forecast, at most */
#define REACH_LEAST 48  /* at least: until the spread is known */
#define MEMORY 6.0      /* so many times 1 / alpha: (1 - alpha)^n is below 0.3 % */
#define TRENDS_MAX 100.0

static inline void step(struct ax_smooth *s, const struct ax_smooth_params *p, double y)
{
    double trend = p->phi * s->trend, expected = s->level + trend;
    if (isnan(y)) {
        s->level = expected;
        s->trend = trend;
        return;
    }
    if (s->seen++ == 0) {
        s->level = y;
        s->trend = s->spread = 0;
        return;
    }
    double e = y - expected, size = fabs(e), bound = p->clip * s->spread;
    if (s->seen <= 8 || p->clip <= 0) /* the spread is not known yet */
        bound = INFINITY;
    int side = e > 0 ? 1 : -1;
    s->beyond = size <= bound ? 0 : s->beyond * side > 0 ? s->beyond + side : side;
    size = size <= bound ? size : bound;
    bool shift = p->shift > 0 && s->beyond * side >= p->shift;
    e = shift ? 0 : side * size;
    double pace = s->seen <= 8 ? 1.0 / (s->seen - 1) : SPREAD_PACE;
    s->spread += pace * (size - s->spread);
    s->level = shift ? y : expected + p->alpha * e;
    s->trend = trend + p->beta * e;
}

void ax_smooth_step(struct ax_smooth *s, const struct ax_smooth_params *p, double y)
{
    step(s, p, y);
}

/* Take in n values. Nearly all are within the bound, and then a value waits for the one before it no longer
 * than the level and the trend do. */
static void take(struct ax_smooth *to, const struct ax_smooth_params *p, const double *z, uint32_t n)
{
    struct ax_smooth s = *to;
    for (uint32_t i = 0; i < n; i++) {
        const double trend = p->phi * s.trend, expected = s.level + trend, e = z[i] - expected;
        if (s.seen < 8 || !(fabs(e) <= p->clip * s.spread)) {
            step(&s, p, z[i]);
            continue;
        }
        s.seen++;
        s.beyond = 0;
        s.spread += SPREAD_PACE * (fabs(e) - s.spread);
        s.level = expected + p->alpha * e;
        s.trend = trend + p->beta * e;
    }
    *to = s;
}

double ax_smooth_trends(double phi, uint32_t lead)
{
    if (phi >= 1)
        return lead;
    return phi * (1 - pow(phi, lead)) / (1 - phi);
}

double ax_smooth_forecast(const struct ax_smooth *s, const struct ax_smooth_params *p, uint32_t lead)
{
    return s->level + ax_smooth_trends(p->phi, lead) * s->trend;
}

/* The parameters to choose from: without a trend, for series of bursts and for such as move; with a trend. */
static const struct ax_smooth_params choices[] = {
    {0.05, 0, 1, CLIP, 0},          {0.1, 0, 1, CLIP, 0},           {0.2, 0, 1, CLIP, 0},
    {0.35, 0, 1, CLIP, 0},          {0.5, 0, 1, CLIP, 0},           {0.7, 0, 1, CLIP, 0},
    {0.9, 0, 1, CLIP, 0},           {0.05, 0, 1, CLIP, SHIFT},      {0.15, 0, 1, CLIP, SHIFT},
    {0.35, 0, 1, CLIP, SHIFT},      {0.6, 0, 1, CLIP, SHIFT},       {0.9, 0, 1, CLIP, SHIFT},
    {0.2, 0.02, 0.9, CLIP, SHIFT},  {0.5, 0.05, 0.9, CLIP, SHIFT},  {0.9, 0.1, 0.9, CLIP, SHIFT},
    {0.2, 0.01, 0.98, CLIP, SHIFT}, {0.5, 0.03, 0.98, CLIP, SHIFT}, {0.9, 0.4, 0.85, CLIP, SHIFT},
};
#define CHOICES (sizeof choices / sizeof choices[0])

struct lead_state {
    uint8_t fitted, mode, choice;
};

static const char *const tensors[] = {"fine", "coarse", NULL};

static size_t state_bytes(const struct ax_model_params *params)
{
    return params->leads_n * sizeof(struct lead_state);
}

static void init(const struct ax_model_params *params, void *state)
{
    memset(state, 0, state_bytes(params));
}

/* Mean |error| of one choice at each lead, in the input's unit: season[i + lead] turns an adjusted error
 * back. Errors are capped at several times the median-like spread of the filter, as the filter's own are. */
static void try_choice(const struct ax_model_params *params, const struct ax_smooth_params *c,
                       const double *z, const double *unit, uint32_t n, double *error)
{
    struct ax_smooth s = {0};
    double trends[64], sum[64] = {0};
    uint32_t count[64] = {0}, leads_n = params->leads_n < 64 ? params->leads_n : 64;
    for (uint32_t k = 0; k < leads_n; k++)
        trends[k] = fmin(ax_smooth_trends(c->phi, params->leads[k]), TRENDS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        step(&s, c, z[i]);
        for (uint32_t k = 0; k < leads_n && s.seen > 8; k++) {
            uint32_t at = i + params->leads[k];
            if (at >= n)
                break;
            double e = fabs(z[at] - s.level - trends[k] * s.trend) * unit[at];
            if (isnan(e))
                continue;
            sum[k] += e;
            count[k]++;
        }
    }
    for (uint32_t k = 0; k < params->leads_n; k++)
        error[k] = k < leads_n && count[k] >= FIT_MIN ? sum[k] / count[k] : (double)NAN;
}

/* Try every choice on the series adjusted in one way; keep for each lead what is better than the best so far.
 */
static void try_mode(const struct ax_model_params *params, const struct ax_past *p, enum ax_adjust_mode mode,
                     uint32_t season, struct lead_state *state, double *best, double *z, double *unit)
{
    uint32_t n = p->fine.n < FIT_MAX ? p->fine.n : FIT_MAX;
    double error[64];
    ax_adjust(p, mode, season, n, z);
    if (mode == AX_ADJUST_RATIO)
        ax_past_season_span(p, season, n, AX_PAST_CYCLES, unit);
    for (uint32_t i = 0; i < n && mode != AX_ADJUST_RATIO; i++)
        unit[i] = 1;
    for (uint32_t c = 0; c < CHOICES; c++) {
        try_choice(params, &choices[c], z, unit, n, error);
        for (uint32_t k = 0; k < params->leads_n && k < 64; k++)
            if (error[k] < best[k]) {
                best[k] = error[k];
                state[k] = (struct lead_state){1, (uint8_t)mode, (uint8_t)c};
            }
    }
}

static enum ax_err fit_season(const struct ax_model_params *params, uint32_t season, bool seasonal,
                              void *const *states, const struct ax_batch *past, struct ax_arena *scratch)
{
    double *z = ax_arena_array(scratch, FIT_MAX, sizeof *z),
           *unit = ax_arena_array(scratch, FIT_MAX, sizeof *z);
    double best[64];
    enum ax_err err = AX_NOTREADY;
    if (!z || !unit)
        return AX_NOMEM;
    if (seasonal && season == 0)
        return AX_NOTREADY;
    for (uint32_t e = 0; e < past->entities_n; e++) {
        struct ax_past p = ax_past_of(past, e);
        struct lead_state *state = states[e];
        for (uint32_t k = 0; k < 64; k++)
            best[k] = INFINITY;
        init(params, state);
        if (!seasonal)
            try_mode(params, &p, AX_ADJUST_NONE, 0, state, best, z, unit);
        else
            for (enum ax_adjust_mode mode = AX_ADJUST_DIFFERENCE; mode < AX_ADJUST_MODES; mode++)
                try_mode(params, &p, mode, season, state, best, z, unit);
        for (uint32_t k = 0; k < params->leads_n; k++)
            err = state[k].fitted ? AX_OK : err;
    }
    return err;
}

/* The newest values that a choice still remembers. */
static uint32_t memory_of(const struct ax_smooth_params *c, uint32_t n)
{
    double reach = fmin(fmax(REACH_LEAST, MEMORY / c->alpha), REACH);
    return n < reach ? n : (uint32_t)reach;
}

/* Leads that share a choice share a pass of the filter. */
static void run_one(const struct ax_model_params *params, uint32_t season, const struct lead_state *state,
                    const struct ax_past *p, double *path)
{
    double z[REACH];
    struct ax_smooth s = {0};
    struct lead_state now = {0};
    for (uint32_t k = 0; k < params->leads_n; k++) {
        path[k] = NAN;
        if (!state[k].fitted)
            continue;
        const struct ax_smooth_params *c = &choices[state[k].choice];
        if (memcmp(&now, &state[k], sizeof now) != 0) {
            uint32_t n = memory_of(c, p->fine.n);
            ax_adjust(p, state[k].mode, season, n, z);
            memset(&s, 0, sizeof s);
            take(&s, c, z, n);
            now = state[k];
        }
        double trends = fmin(ax_smooth_trends(c->phi, params->leads[k]), TRENDS_MAX);
        if (s.seen > 0)
            path[k] = ax_adjust_back(p, state[k].mode, season, params->leads[k], s.level + trends * s.trend);
    }
}

static enum ax_err run_season(const struct ax_model_params *params, uint32_t season, void *const *states,
                              const struct ax_batch *now, const struct ax_model_out *out)
{
    for (uint32_t e = 0; e < now->entities_n; e++) {
        struct ax_past p = ax_past_of(now, e);
        run_one(params, season, states[e], &p, out->path + (size_t)e * params->leads_n);
    }
    return AX_OK;
}

static void save(const struct ax_model_params *params, const void *state, struct ax_buf *out)
{
    const struct lead_state *leads = state;
    for (uint32_t k = 0; k < params->leads_n; k++) {
        ax_put_u8(out, leads[k].fitted);
        ax_put_u8(out, leads[k].mode);
        ax_put_u8(out, leads[k].choice);
    }
}

static void load(const struct ax_model_params *params, void *state, struct ax_bytes *in)
{
    struct lead_state *leads = state;
    for (uint32_t k = 0; k < params->leads_n; k++) {
        leads[k].fitted = ax_get_bool(in);
        leads[k].mode = ax_get_u8(in);
        leads[k].choice = ax_get_u8(in);
        if (leads[k].mode >= AX_ADJUST_MODES || leads[k].choice >= CHOICES) {
            (void)ax_bytes_fail(in);
            leads[k] = (struct lead_state){0};
        }
    }
}

/* One member for each season: their functions and their table. */
#define MEMBER(id, season, seasonal)                                                                         \
    static enum ax_err fit_##id(const struct ax_model_params *params, void *const *states,                   \
                                const struct ax_batch *past, struct ax_arena *scratch)                       \
    {                                                                                                        \
        return fit_season(params, season, seasonal, states, past, scratch);                                  \
    }                                                                                                        \
    static enum ax_err run_##id(const struct ax_model_params *params, void *const *states,                   \
                                const struct ax_batch *now, struct ax_arena *scratch,                        \
                                const struct ax_model_out *out)                                              \
    {                                                                                                        \
        (void)scratch;                                                                                       \
        return run_season(params, season, states, now, out);                                                 \
    }                                                                                                        \
    const struct ax_model_ops ax_model_##id = {.name = #id,                                                  \
                                               .task = AX_TASK_FORECAST,                                     \
                                               .tensors = tensors,                                           \
                                               .state_bytes = state_bytes,                                   \
                                               .init = init,                                                 \
                                               .fit = fit_##id,                                              \
                                               .run = run_##id,                                              \
                                               .save = save,                                                 \
                                               .load = load};

MEMBER(ets, 0, false)
MEMBER(ets_season, params->season_steps, true)
MEMBER(ets_week, params->long_season_steps, true)
