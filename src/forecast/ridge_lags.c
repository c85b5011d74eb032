/* ridge_lags.c: ridge regression on lags with local normalisation, one solution for each lead.
 *
 * Features and target are differences from the last value in units of the local scale (mean |difference|
 * of the last steps), so that one set of coefficients serves every level of the series, and a coefficient
 * shrunk to zero means "the last value stays". Targets are winsorised, and a second solution weights rows
 * by the first one's errors, so that spikes in the past do not bend it. */
#include "forecast/member.h"
#include "math/ridge.h"
#include "math/stats.h"

#include <math.h>
#include <string.h>

#define LAGS 6
#define SCALE_STEPS 32
#define SEASON_CYCLES 3
#define FEATURE_CLIP 12.0
#define TARGET_QUANTILE 0.975
#define ROWS_MIN 48
#define ROWS_MAX 960
#define ALPHA 0.02        /* penalty, as a share of the features' mean energy */
#define ALPHA_ROWS 1000.0 /* independent rows at which the penalty is twice that */
#define OVERLAP 4.0       /* targets so many leads long say half as much a row */

static const uint32_t mean_steps[] = {8, 16, 32, 64, 128};
#define MEANS (sizeof mean_steps / sizeof mean_steps[0])
#define LOCAL (LAGS + (uint32_t)MEANS)
#define WIDTH (LOCAL + 2)

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

static double clipped(double x, double bound)
{
    return x > bound ? bound : x < -bound ? -bound : x;
}

/* What the features are relative to. False when there is nothing to go by. */
static bool local_frame(const struct ax_past *p, double *level, double *scale)
{
    *level = ax_past_last(p, AX_BRIDGE_MAX);
    *scale = ax_past_volatility(p, SCALE_STEPS) + 1e-6 * fabs(*level);
    return isfinite(*level) && isfinite(*scale) && *scale > 0;
}

static void local_features(const struct ax_past *p, double level, double scale, double *x)
{
    const float *v = p->fine.v;
    uint32_t n = p->fine.n;
    double sum = 0;
    uint32_t seen = 0, next = 0;
    for (uint32_t k = 0; next < MEANS; k++) {
        double d = k < n ? (double)v[n - 1 - k] - level : (double)NAN;
        if (k >= 1 && k <= LAGS)
            x[k - 1] = isnan(d) ? 0 : clipped(d / scale, FEATURE_CLIP);
        if (!isnan(d)) { /* a spike of one step has no part in means */
            bool inside = k >= 1 && k + 1 < n;
            sum += inside
                       ? ax_median_of_3((double)v[n - k], (double)v[n - 1 - k], (double)v[n - 2 - k]) - level
                       : d;
            seen++;
        }
        if (k + 1 == mean_steps[next])
            x[LAGS + next++] = seen ? clipped(sum / seen / scale, FEATURE_CLIP) : 0;
    }
}

/* Where the last seasons went from here, and how far they are from here. */
static void season_features(const struct ax_past *p, uint32_t season_steps, uint32_t lead, double level,
                            double scale, double *x)
{
    x[0] = x[1] = 0;
    if (season_steps == 0)
        return;
    double then = ax_past_season(p, season_steps, lead, SEASON_CYCLES);
    double now = ax_past_season(p, season_steps, 0, SEASON_CYCLES);
    if (isnan(then) || isnan(now))
        return;
    x[0] = clipped((then - now) / scale, 4 * FEATURE_CLIP);
    x[1] = clipped((then - level) / scale, 4 * FEATURE_CLIP);
}

/* Rows of one series: where they are, what they are relative to, their features. */
struct design {
    uint32_t rows, first;
    double *local;         /* [rows x LOCAL] */
    double *level, *scale; /* [rows]; scale 0: not usable */
    double *x, *y, *r, *w, *gram;
};

static bool design_alloc(struct design *d, uint32_t rows, struct ax_arena *scratch)
{
    d->rows = rows;
    d->local = ax_arena_array(scratch, (size_t)rows * LOCAL, sizeof(double));
    d->level = ax_arena_array(scratch, rows, sizeof(double));
    d->scale = ax_arena_array(scratch, rows, sizeof(double));
    d->x = ax_arena_array(scratch, (size_t)rows * WIDTH, sizeof(double));
    d->y = ax_arena_array(scratch, rows, sizeof(double));
    d->r = ax_arena_array(scratch, rows, sizeof(double));
    d->w = ax_arena_array(scratch, WIDTH, sizeof(double));
    d->gram = ax_arena_array(scratch, (size_t)WIDTH * WIDTH, sizeof(double));
    return d->local && d->level && d->scale && d->x && d->y && d->r && d->w && d->gram;
}

static void design_fill(struct design *d, const struct ax_past *p)
{
    for (uint32_t i = 0; i < d->rows; i++) {
        uint32_t at = d->first + i;
        struct ax_past then = ax_past_before(p, p->fine.n - 1 - at);
        d->scale[i] = 0;
        if (isnan(p->fine.v[at]) || !local_frame(&then, &d->level[i], &d->scale[i])) {
            d->scale[i] = 0;
            continue;
        }
        local_features(&then, d->level[i], d->scale[i], d->local + (size_t)i * LOCAL);
    }
}

/* Rows whose target is known, with their features and normalised targets; returns how many. */
static uint32_t gather(struct design *d, const struct ax_past *p, uint32_t season_steps, uint32_t lead)
{
    uint32_t m = 0;
    for (uint32_t i = 0; i < d->rows && d->first + i + lead < p->fine.n; i++) {
        double target = (double)p->fine.v[d->first + i + lead];
        if (d->scale[i] <= 0 || isnan(target))
            continue;
        double *x = d->x + (size_t)m * WIDTH;
        memcpy(x, d->local + (size_t)i * LOCAL, LOCAL * sizeof *x);
        struct ax_past then = ax_past_before(p, p->fine.n - 1 - (d->first + i));
        season_features(&then, season_steps, lead, d->level[i], d->scale[i], x + LOCAL);
        d->y[m++] = (target - d->level[i]) / d->scale[i];
    }
    return m;
}

/* Weight rows by the square root of 1 over their error, which makes squares nearly absolute
 * (Schlossmacher 1973). */
static void reweight(struct design *d, uint32_t m)
{
    double mean = 0;
    for (uint32_t i = 0; i < m; i++) {
        const double *x = d->x + (size_t)i * WIDTH;
        double fitted = 0;
        for (uint32_t k = 0; k < WIDTH; k++)
            fitted += x[k] * d->w[k];
        d->r[i] = fabs(d->y[i] - fitted);
        mean += d->r[i] / m;
    }
    for (uint32_t i = 0; i < m; i++) {
        double w = sqrt(mean / (d->r[i] + 0.3 * mean + 1e-12));
        for (uint32_t k = 0; k < WIDTH; k++)
            d->x[(size_t)i * WIDTH + k] *= w;
        d->y[i] *= w;
    }
}

static bool solve(struct design *d, uint32_t m, uint32_t lead)
{
    double energy = 0;
    for (size_t i = 0; i < (size_t)m * WIDTH; i++)
        energy += d->x[i] * d->x[i];
    double independent = m / (1 + (lead - 1) / OVERLAP);
    double alpha = ALPHA * (1 + ALPHA_ROWS / independent) * energy / WIDTH + 1e-9;
    return ax_ridge(m, WIDTH, 1, d->x, d->y, alpha, d->w, d->gram) == AX_OK;
}

static void fit_lead(struct design *d, const struct ax_past *p, uint32_t season_steps, uint32_t lead,
                     struct lead_state *out)
{
    uint32_t m = gather(d, p, season_steps, lead);
    if (m < ROWS_MIN)
        return;
    for (uint32_t i = 0; i < m; i++)
        d->r[i] = fabs(d->y[i]);
    double bound = ax_quantile(d->r, m, TARGET_QUANTILE);
    for (uint32_t i = 0; i < m; i++)
        d->y[i] = clipped(d->y[i], bound);
    if (bound <= 0 || !solve(d, m, lead))
        return;
    reweight(d, m);
    if (!solve(d, m, lead))
        return;
    for (uint32_t k = 0; k < WIDTH; k++)
        out->w[k] = (float)d->w[k];
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
        uint32_t skip = p.fine.n / 4 < SCALE_STEPS ? p.fine.n / 4 : SCALE_STEPS;
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

static void run_one(const struct ax_model_params *params, const struct lead_state *state,
                    const struct ax_past *p, double *path)
{
    double x[WIDTH], level, scale;
    bool frame = local_frame(p, &level, &scale);
    if (frame)
        local_features(p, level, scale, x);
    for (uint32_t k = 0; k < params->leads_n; k++) {
        path[k] = NAN;
        if (!frame || state[k].clip <= 0)
            continue;
        season_features(p, params->season_steps, params->leads[k], level, scale, x + LOCAL);
        double y = 0;
        for (uint32_t j = 0; j < WIDTH; j++)
            y += x[j] * (double)state[k].w[j];
        path[k] = level + scale * clipped(y, (double)state[k].clip);
    }
}

static enum ax_err run(const struct ax_model_params *params, void *const *states, const struct ax_batch *now,
                       struct ax_arena *scratch, const struct ax_model_out *out)
{
    (void)scratch;
    enum ax_err err = AX_NOTREADY;
    for (uint32_t e = 0; e < now->entities_n; e++) {
        struct ax_past p = ax_past_of(now, e);
        const struct lead_state *state = states[e];
        for (uint32_t k = 0; k < params->leads_n; k++)
            if (state[k].clip > 0)
                err = AX_OK;
        run_one(params, state, &p, out->path + (size_t)e * params->leads_n);
    }
    return err;
}

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
