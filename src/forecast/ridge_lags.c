/* ridge_lags.c: ridge regression on lags with local normalisation, one solution for each lead.
 *
 * Rows are those of lag_row.h, and the target is relative to the last value as they are: a coefficient shrunk
 * to zero means "the last value stays". The solution is robust.h's, so that spikes in the past do not bend
 * it. */
#include "forecast/lag_row.h"
#include "forecast/robust.h"

#include <math.h>
#include <string.h>

#define TARGET_QUANTILE 0.975
#define ROWS_MIN 48
#define ROWS_MAX 960
#define ALPHA 0.02        /* penalty, as a share of the features' mean energy */
#define ALPHA_ROWS 1000.0 /* independent rows at which the penalty is twice that */
#define OVERLAP 4.0       /* targets so many leads long say half as much a row */
#define WIDTH AX_LAG_WIDTH
#define LOCAL AX_LAG_LOCAL

static const char *const tensors[] = {"fine", "coarse", NULL};

struct lead_state {
    float w[WIDTH];
    float clip; /* bound on |answer| in local scales; 0: not fitted */
};

static size_t state_bytes(const struct ax_model_params *params)
{
    return params->leads_n * sizeof(struct lead_state);
}

static void init(const struct ax_model_params *params, void *state)
{
    memset(state, 0, state_bytes(params));
}

/* Rows of one series: where they are, what they are relative to, their features. */
struct design {
    uint32_t rows, first;
    double *local;               /* [rows x LOCAL] */
    struct ax_lag_frame *frames; /* [rows]; scale 0: not usable */
    struct ax_robust fit;
};

static bool design_alloc(struct design *d, uint32_t rows, struct ax_arena *scratch)
{
    d->rows = rows;
    d->local = ax_arena_array(scratch, (size_t)rows * LOCAL, sizeof(double));
    d->frames = ax_arena_array(scratch, rows, sizeof *d->frames);
    return d->local && d->frames && ax_robust_alloc(&d->fit, rows, WIDTH, scratch);
}

static void design_fill(struct design *d, const struct ax_past *p)
{
    for (uint32_t i = 0; i < d->rows; i++) {
        uint32_t at = d->first + i;
        struct ax_past then = ax_past_before(p, p->fine.n - 1 - at);
        if (isnan(p->fine.v[at]) || !ax_lag_frame(&then, &d->frames[i]))
            d->frames[i].scale = 0;
        else
            ax_lag_local(&then, &d->frames[i], d->local + (size_t)i * LOCAL);
    }
}

/* Rows whose target is known, with their features and normalised targets. */
static void gather(struct design *d, const struct ax_past *p, uint32_t season_steps, uint32_t lead)
{
    struct ax_robust *fit = &d->fit;
    fit->rows = 0;
    for (uint32_t i = 0; i < d->rows && d->first + i + lead < p->fine.n; i++) {
        double target = (double)p->fine.v[d->first + i + lead];
        const struct ax_lag_frame *f = &d->frames[i];
        if (f->scale <= 0 || isnan(target))
            continue;
        double *x = fit->x + (size_t)fit->rows * WIDTH;
        memcpy(x, d->local + (size_t)i * LOCAL, LOCAL * sizeof *x);
        struct ax_past then = ax_past_before(p, p->fine.n - 1 - (d->first + i));
        ax_lag_season(&then, f, season_steps, lead, x + LOCAL);
        fit->y[fit->rows++] = (target - f->level) / f->scale;
    }
}

static void fit_lead(struct design *d, const struct ax_past *p, uint32_t season_steps, uint32_t lead,
                     struct lead_state *out)
{
    struct ax_robust *fit = &d->fit;
    gather(d, p, season_steps, lead);
    if (fit->rows < ROWS_MIN)
        return;
    double bound = ax_robust_winsorise(fit, TARGET_QUANTILE),
           independent = fit->rows / (1 + (lead - 1) / OVERLAP);
    const struct ax_robust_penalty penalty = {.all = ALPHA * (1 + ALPHA_ROWS / independent)};
    if (bound <= 0 || !ax_robust_solve(fit, fit->rows, penalty, false) ||
        !ax_robust_solve(fit, fit->rows, penalty, true))
        return;
    for (uint32_t k = 0; k < WIDTH; k++)
        out->w[k] = (float)fit->w[k];
    out->clip = (float)bound;
}

static enum ax_err fit(const struct ax_model_params *params, void *const *states, const struct ax_batch *past,
                       struct ax_arena *scratch)
{
    enum ax_err err = AX_NOTREADY;
    for (uint32_t e = 0; e < past->entities_n; e++) {
        struct ax_past p = ax_past_of(past, e);
        struct lead_state *state = states[e];
        struct design d = {0};
        uint32_t skip = p.fine.n / 4 < AX_LAG_SCALE_STEPS ? p.fine.n / 4 : AX_LAG_SCALE_STEPS;
        if (p.fine.n < skip + ROWS_MIN + 1)
            continue;
        d.first = p.fine.n - skip > ROWS_MAX ? p.fine.n - ROWS_MAX : skip;
        if (!design_alloc(&d, p.fine.n - d.first, scratch))
            return AX_NOMEM;
        design_fill(&d, &p);
        for (uint32_t k = 0; k < params->leads_n; k++) {
            fit_lead(&d, &p, params->season_steps, params->leads[k], &state[k]);
            if (state[k].clip > 0)
                err = AX_OK;
        }
    }
    return err;
}

static void run_one(const struct ax_model_params *params, const void *of, const struct ax_past *p,
                    double *path)
{
    const struct lead_state *state = of;
    double x[WIDTH];
    struct ax_lag_frame f;
    bool frame = ax_lag_frame(p, &f);
    if (frame)
        ax_lag_local(p, &f, x);
    for (uint32_t k = 0; k < params->leads_n; k++) {
        path[k] = NAN;
        if (!frame || state[k].clip <= 0)
            continue;
        ax_lag_season(p, &f, params->season_steps, params->leads[k], x + LOCAL);
        path[k] = f.level + f.scale * ax_robust_held(state[k].w, x, WIDTH, (double)state[k].clip);
    }
}

AX_MEMBER_RUN(run_one)

static void save(const struct ax_model_params *params, const void *state, struct ax_buf *out)
{
    const struct lead_state *leads = state;
    for (uint32_t k = 0; k < params->leads_n; k++) {
        ax_put_f32s(out, leads[k].w, WIDTH);
        ax_put_f32(out, leads[k].clip);
    }
}

static void load(const struct ax_model_params *params, void *state, struct ax_bytes *in)
{
    struct lead_state *leads = state;
    for (uint32_t k = 0; k < params->leads_n; k++) {
        ax_get_f32s_in(in, leads[k].w, WIDTH, -INFINITY, INFINITY, true);
        leads[k].clip = ax_get_f32_in(in, 0, INFINITY);
    }
}

const struct ax_model_ops ax_model_ridge_lags = {.name = "ridge_lags",
                                                 .task = AX_TASK_FORECAST,
                                                 .tensors = tensors,
                                                 .state_bytes = state_bytes,
                                                 .init = init,
                                                 .fit = fit,
                                                 .run = run,
                                                 .save = save,
                                                 .load = load};
