/* pooled.c: normal equations that many series add to, and the member that uses them. */
#include "forecast/pooled.h"

#include "forecast/robust.h"
#include "math/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define P AX_LAG_WIDTH
#define STEPS_MAX 512
#define MEMORY 800.0  /* rows of each series that count */
#define ROWS_MIN 64.0 /* rows from which there is a solution */
#define ALPHA 0.02    /* penalty, as in ridge_lags.c */
#define ALPHA_ROWS 1000.0
#define OVERLAP 4.0
#define TARGET_QUANTILE 0.975
#define TARGET_MAX 48.0 /* spreads from the level */
#define STRIDE 4        /* every so many steps one is learnt from: neighbours say nearly the same */
#define CLIP_PACE 0.02  /* of the smoothed bound on answers */

struct equations {
    double gram[P * P], cross[P]; /* of the gram the lower triangle */
    double rows, clip;            /* rows, faded; bound on |answer| in local scales */
    float w[P];
    bool solved;
};

struct ax_pooled {
    uint32_t leads_n;
    struct equations leads[];
};

struct ax_pooled *ax_pooled_new(uint32_t leads_n)
{
    struct ax_pooled *p = calloc(1, sizeof *p + leads_n * sizeof p->leads[0]);
    if (p)
        p->leads_n = leads_n;
    return p;
}

void ax_pooled_free(struct ax_pooled *p)
{
    free(p);
}

void ax_pooled_add(struct ax_pooled *p, uint32_t k, const double *x, double y, double weight)
{
    struct equations *e = &p->leads[k];
    for (uint32_t i = 0; i < P; i++) {
        for (uint32_t j = 0; j <= i; j++)
            e->gram[i * P + j] += weight * x[i] * x[j];
        e->cross[i] += weight * x[i] * y;
    }
    e->rows++;
}

static void fade(struct equations *e, double most)
{
    double keep = e->rows > most ? most / e->rows : 1;
    for (uint32_t i = 0; i < P * P; i++)
        e->gram[i] *= keep;
    for (uint32_t i = 0; i < P; i++)
        e->cross[i] *= keep;
    e->rows *= keep;
}

void ax_pooled_solve(struct ax_pooled *p, uint32_t k, uint32_t lead)
{
    struct equations *e = &p->leads[k];
    double gram[P * P], w[P], energy = 0, independent = e->rows / (1 + (lead - 1) / OVERLAP);
    if (e->rows < ROWS_MIN)
        return;
    memcpy(gram, e->gram, sizeof gram);
    memcpy(w, e->cross, sizeof w);
    for (uint32_t i = 0; i < P; i++)
        energy += gram[i * P + i] / P;
    for (uint32_t i = 0; i < P; i++)
        gram[i * P + i] += ALPHA * (1 + ALPHA_ROWS / independent) * energy + 1e-9;
    if (ax_blas_cholesky_solve(P, 1, gram, w) != AX_OK)
        return;
    for (uint32_t i = 0; i < P; i++)
        if (!isfinite(w[i]) || !isfinite((double)(float)w[i]))
            return;
    for (uint32_t i = 0; i < P; i++)
        e->w[i] = (float)w[i];
    e->solved = true;
}

const float *ax_pooled_weights(const struct ax_pooled *p, uint32_t k)
{
    return p && k < p->leads_n && p->leads[k].solved ? p->leads[k].w : NULL;
}

/* Rows of one lead whose targets are among the newest steps, into d. */
static void gather(struct ax_robust *d, const struct ax_past *past, uint32_t season_steps, uint32_t lead,
                   uint32_t steps)
{
    const struct ax_view *v = &past->fine;
    uint32_t from = v->n > steps ? v->n - steps : 0;
    int64_t oldest = v->end_ms / v->step_ms - (v->n - 1); /* step number of v[0] */
    d->rows = 0;
    for (uint32_t at = from > lead ? from : lead; at < v->n; at++) {
        if ((oldest + at) % STRIDE != 0)
            continue;
        struct ax_past then = ax_past_before(past, v->n - 1 - at + lead);
        struct ax_lag_frame f;
        double *x = d->x + (size_t)d->rows * P;
        if (isnan(v->v[at]) || then.fine.n < 2 || isnan(then.fine.v[then.fine.n - 1]) ||
            !ax_lag_frame(&then, &f))
            continue;
        ax_lag_local(&then, &f, x);
        ax_lag_season(&then, &f, season_steps, lead, x + AX_LAG_LOCAL);
        /* A series that hardly moved and then jumped must not speak louder than all the others. */
        d->y[d->rows++] = fmin(fmax(((double)v->v[at] - f.level) / f.scale, -TARGET_MAX), TARGET_MAX);
    }
}

/* Weights by the errors of the coefficients so far. */
static void add_rows(struct ax_pooled *p, uint32_t k, struct ax_robust *d)
{
    struct equations *e = &p->leads[k];
    double mean = 0;
    for (uint32_t i = 0; i < d->rows; i++) {
        d->r[i] = d->y[i] - ax_robust_held(e->w, d->x + (size_t)i * P, P, INFINITY);
        mean += fabs(d->r[i]) / d->rows;
    }
    for (uint32_t i = 0; i < d->rows; i++)
        ax_pooled_add(p, k, d->x + (size_t)i * P, d->y[i], ax_robust_weight(d->r[i], mean));
}

enum ax_err ax_pooled_learn(struct ax_pooled *p, const struct ax_model_params *params,
                            const struct ax_past *past, uint32_t steps, uint32_t series,
                            struct ax_arena *scratch)
{
    struct ax_robust d;
    steps = steps < STEPS_MAX ? steps : STEPS_MAX;
    if (!ax_robust_alloc(&d, STEPS_MAX, P, scratch))
        return AX_NOMEM;
    for (uint32_t k = 0; k < params->leads_n && k < p->leads_n; k++) {
        struct equations *e = &p->leads[k];
        gather(&d, past, params->season_steps, params->leads[k], steps);
        double bound = ax_robust_winsorise(&d, TARGET_QUANTILE);
        if (bound <= 0)
            continue;
        e->clip = e->solved ? e->clip + CLIP_PACE * (bound - e->clip) : fmax(e->clip, bound);
        add_rows(p, k, &d);
        fade(e, MEMORY * (series ? series : 1));
        ax_pooled_solve(p, k, params->leads[k]);
    }
    return AX_OK;
}

void ax_pooled_save(const struct ax_pooled *p, struct ax_buf *out)
{
    ax_put_varint(out, p->leads_n);
    for (uint32_t k = 0; k < p->leads_n; k++) {
        const struct equations *e = &p->leads[k];
        ax_put_f64(out, e->rows);
        ax_put_f64(out, e->clip);
        ax_put_u8(out, e->solved);
        ax_put_f32s(out, e->w, P);
        for (uint32_t i = 0; i < P; i++) {
            ax_put_f64(out, e->cross[i]);
            for (uint32_t j = 0; j <= i; j++)
                ax_put_f64(out, e->gram[i * P + j]);
        }
    }
}

void ax_pooled_load(struct ax_pooled *p, struct ax_bytes *in)
{
    if (ax_get_varint(in) != p->leads_n)
        (void)ax_bytes_fail(in);
    for (uint32_t k = 0; k < p->leads_n && in->err == AX_OK; k++) {
        struct equations *e = &p->leads[k];
        e->rows = ax_get_f64_in(in, 0, INFINITY);
        e->clip = ax_get_f64_in(in, 0, INFINITY);
        e->solved = ax_get_bool(in);
        ax_get_f32s_in(in, e->w, P, -INFINITY, INFINITY, false);
        for (uint32_t i = 0; i < P; i++) {
            e->cross[i] = ax_get_f64_in(in, -INFINITY, INFINITY);
            for (uint32_t j = 0; j <= i; j++)
                e->gram[i * P + j] = ax_get_f64_in(in, -INFINITY, INFINITY);
        }
    }
}

/* The member: what the series share, asked of one of them. */
static const char *const tensors[] = {"fine", "coarse", NULL};

static size_t state_bytes(const struct ax_model_params *params)
{
    (void)params;
    return 0;
}

static void run_one(const struct ax_model_params *params, const void *state, const struct ax_past *past,
                    double *path)
{
    (void)state;
    struct ax_lag_frame f;
    double x[P];
    bool frame = ax_lag_frame(past, &f);
    if (frame)
        ax_lag_local(past, &f, x);
    for (uint32_t k = 0; k < params->leads_n; k++) {
        const float *w = ax_pooled_weights(params->pooled, k);
        path[k] = NAN;
        if (!frame || !w)
            continue;
        ax_lag_season(past, &f, params->season_steps, params->leads[k], x + AX_LAG_LOCAL);
        path[k] = f.level + f.scale * ax_robust_held(w, x, P, params->pooled->leads[k].clip);
    }
}

AX_MEMBER_RUN(run_one)

const struct ax_model_ops ax_model_ridge_pooled = {.name = "ridge_pooled",
                                                   .task = AX_TASK_FORECAST,
                                                   .tensors = tensors,
                                                   .state_bytes = state_bytes,
                                                   .run = run};
