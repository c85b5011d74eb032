/* autoreg.c: autoregression in closed form, and the members that use it. */
#include "forecast/autoreg.h"

#include "forecast/adjust.h"
#include "math/blas.h"
#include "math/stats.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define COLUMNS (AX_AUTOREG_MAX + 1)
#define FIT_MAX 720    /* newest values that are looked at */
#define STEPS_MAX 1024 /* a recursion goes no further: by then it is at its mean */
#define SHIFT 3        /* values beyond them in a row, from which nothing is said: they are no outliers */
#define OUTLIER 6.0    /* median absolute deviations; what is beyond is taken for that */

/* Solve the leading block of the normal equations for one order; the residual sum of squares. */
static double solve_order(const double *gram, const double *cross, double yy, uint32_t order, double *w)
{
    double a[COLUMNS * COLUMNS];
    uint32_t p = order + 1;
    for (uint32_t i = 0; i < p; i++) {
        for (uint32_t j = 0; j <= i; j++)
            a[i * p + j] = gram[i * COLUMNS + j];
        a[i * p + i] *= 1 + 1e-10;
        w[i] = cross[i];
    }
    if (ax_blas_cholesky_solve(p, 1, a, w) != AX_OK)
        return INFINITY;
    double rss = yy;
    for (uint32_t i = 0; i < p; i++)
        rss -= w[i] * cross[i];
    return rss > 0 ? rss : (double)INFINITY;
}

enum ax_err ax_autoreg_fit(const double *y, uint32_t n, struct ax_arena *scratch, struct ax_autoreg *out)
{
    if (n < 5 * AX_AUTOREG_MAX)
        return AX_NOTREADY;
    uint32_t rows = n - AX_AUTOREG_MAX;
    double *x = ax_arena_array(scratch, (size_t)rows * COLUMNS, sizeof *x);
    if (!x)
        return AX_NOMEM;
    double gram[COLUMNS * COLUMNS], cross[COLUMNS], yy = 0, middle = 0, least = INFINITY;
    for (uint32_t i = 0; i < n; i++)
        middle += y[i] / n;
    for (uint32_t i = 0; i < rows; i++) { /* about the middle, so that the equations are sound */
        const double *at = y + AX_AUTOREG_MAX + i;
        x[(size_t)i * COLUMNS] = 1;
        for (uint32_t k = 1; k < COLUMNS; k++)
            x[(size_t)i * COLUMNS + k] = *(at - k) - middle;
        yy += (*at - middle) * (*at - middle);
    }
    double rounding = 1e-12 * middle;
    if (yy <= rows * rounding * rounding) /* no spread */
        return AX_NOTREADY;
    double *target = ax_arena_array(scratch, rows, sizeof *target);
    if (!target)
        return AX_NOMEM;
    for (uint32_t i = 0; i < rows; i++)
        target[i] = y[AX_AUTOREG_MAX + i] - middle;
    ax_blas_gram(rows, COLUMNS, x, gram);
    ax_blas_cross(rows, COLUMNS, 1, x, target, cross);
    for (uint32_t order = 0; order <= AX_AUTOREG_MAX; order++) {
        double w[COLUMNS], rss = solve_order(gram, cross, yy, order, w);
        double aic = log(rss / rows) + 2.0 * (order + 2) / rows;
        if (!isfinite(rss) || aic >= least)
            continue;
        least = aic;
        out->order = order;
        out->constant = w[0] + middle;
        for (uint32_t k = 0; k < order; k++) {
            out->phi[k] = w[k + 1];
            out->constant -= w[k + 1] * middle;
        }
    }
    return isfinite(least) ? AX_OK : AX_NOTREADY;
}

/* Two numbers; and what the next steps have of the values before them, as many steps as there are lags. */
typedef double pair __attribute__((vector_size(16)));
struct sums {
    pair a, b, c, d, e, f;
};
static_assert(sizeof(struct sums) == AX_AUTOREG_MAX * sizeof(double), "a sum for each lag");

static inline pair next(pair now, pair after)
{
    return (pair){now[1], after[0]};
}

/* One step further: a value has become known, by which the sums grow. Each takes its values in the order of
 * their age, the oldest first, as if it were made alone, and all of them stay in registers. */
static inline void move(struct sums *s, const struct sums *phi, double value, pair constant)
{
    s->a = next(s->a, s->b) + phi->a * value;
    s->b = next(s->b, s->c) + phi->b * value;
    s->c = next(s->c, s->d) + phi->c * value;
    s->d = next(s->d, s->e) + phi->d * value;
    s->e = next(s->e, s->f) + phi->e * value;
    s->f = next(s->f, constant) + phi->f * value;
}

void ax_autoreg_forecast(const struct ax_autoreg *a, const double *y, uint32_t n, double low, double high,
                         uint32_t steps, double *path)
{
    const pair constant = {a->constant, a->constant};
    const double nearest = a->order ? a->phi[0] : 0;
    double lags[AX_AUTOREG_MAX] = {0}, newest = 0; /* what the newest value adds goes on at once */
    struct sums phi, s = {constant, constant, constant, constant, constant, constant};
    for (uint32_t k = 1; k < a->order; k++)
        lags[k] = a->phi[k];
    memcpy(&phi, lags, sizeof phi);
    for (uint32_t ago = a->order; ago > 0; ago--) {
        newest = y[n - ago];
        move(&s, &phi, newest, constant);
    }
    for (uint32_t i = 0; i < steps; i++) {
        const double sum = s.a[0] + nearest * newest;
        path[i] = newest = sum < low ? low : sum > high ? high : sum;
        move(&s, &phi, newest, constant);
    }
}

struct state {
    float constant, phi[AX_AUTOREG_MAX], low, high;
    uint32_t order;
    bool fitted;
};

static const char *const tensors[] = {"fine", "coarse", NULL};

static size_t state_bytes(const struct ax_model_params *params)
{
    (void)params;
    return sizeof(struct state);
}

static void init(const struct ax_model_params *params, void *state)
{
    memset(state, 0, state_bytes(params));
}

/* Bounds beyond which values are outliers, and the forecasts too. */
static bool bounds(const double *z, uint32_t n, double *work, double *low, double *high)
{
    memcpy(work, z, n * sizeof *z);
    double middle = ax_median(work, n);
    for (uint32_t i = 0; i < n; i++)
        work[i] = fabs(z[i] - middle);
    double spread = ax_median(work, n), mean = 0;
    for (uint32_t i = 0; i < n; i++)
        mean += fabs(z[i] - middle) / n;
    spread = fmax(spread, 0.5 * mean);
    *low = middle - OUTLIER * spread;
    *high = middle + OUTLIER * spread;
    return spread > 0 && isfinite(*low) && isfinite(*high);
}

/* Do the newest values say that the series is somewhere else than it was? */
static bool elsewhere(const double *z, uint32_t n, double low, double high)
{
    uint32_t below = 0, above = 0;
    for (uint32_t i = n; i-- > 0 && n - i <= SHIFT;) {
        below += z[i] < low;
        above += z[i] > high;
    }
    return below == SHIFT || above == SHIFT;
}

static void hold(double *z, uint32_t n, double low, double high)
{
    for (uint32_t i = 0; i < n; i++)
        z[i] = z[i] < low ? low : z[i] > high ? high : z[i];
}

static enum ax_err fit_season(enum ax_adjust_mode mode, uint32_t season, void *const *states,
                              const struct ax_batch *past, struct ax_arena *scratch)
{
    double *z = ax_arena_array(scratch, FIT_MAX, sizeof *z),
           *work = ax_arena_array(scratch, FIT_MAX, sizeof *z);
    enum ax_err err = AX_NOTREADY;
    if (!z || !work)
        return AX_NOMEM;
    for (uint32_t e = 0; e < past->entities_n; e++) {
        struct ax_past p = ax_past_of(past, e);
        struct state *state = states[e];
        struct ax_autoreg a;
        double low, high;
        uint32_t n = p.fine.n < FIT_MAX ? p.fine.n : FIT_MAX;
        state->fitted = false;
        if (mode != AX_ADJUST_NONE && season == 0)
            continue;
        uint32_t left = ax_adjust_bridged(&p, season, n, z);
        double *from = z + n - left;
        if (left == 0 || !bounds(from, left, work, &low, &high))
            continue;
        hold(from, left, low, high);
        enum ax_err fitted = ax_autoreg_fit(from, left, scratch, &a);
        if (fitted == AX_NOMEM)
            return AX_NOMEM;
        if (fitted)
            continue;
        *state = (struct state){.constant = (float)a.constant,
                                .low = (float)low,
                                .high = (float)high,
                                .order = a.order,
                                .fitted = true};
        for (uint32_t k = 0; k < a.order; k++)
            state->phi[k] = (float)a.phi[k];
        err = AX_OK;
    }
    return err;
}

static enum ax_err run_one(const struct ax_model_params *params, enum ax_adjust_mode mode, uint32_t season,
                           const struct state *state, const struct ax_past *p, struct ax_arena *scratch,
                           double *out)
{
    double z[4 * AX_AUTOREG_MAX];
    const uint32_t n = 4 * AX_AUTOREG_MAX;
    uint32_t steps = 0;
    for (uint32_t k = 0; k < params->leads_n; k++) {
        out[k] = NAN;
        steps = params->leads[k] > steps ? params->leads[k] : steps;
    }
    steps = steps < STEPS_MAX ? steps : STEPS_MAX;
    if (!state->fitted)
        return AX_OK;
    double *path = ax_arena_array(scratch, steps, sizeof *path);
    if (!path)
        return AX_NOMEM;
    struct ax_autoreg a = {.order = state->order, .constant = (double)state->constant};
    for (uint32_t k = 0; k < a.order; k++)
        a.phi[k] = (double)state->phi[k];
    uint32_t left = ax_adjust_bridged(p, season, n, z);
    if (left < a.order || left == 0 || elsewhere(z, n, (double)state->low, (double)state->high))
        return AX_OK;
    hold(z + n - left, left, (double)state->low, (double)state->high);
    ax_autoreg_forecast(&a, z, n, (double)state->low, (double)state->high, steps, path);
    for (uint32_t k = 0; k < params->leads_n; k++) {
        uint32_t lead = params->leads[k];
        out[k] = ax_adjust_back(p, mode, season, lead, path[(lead < steps ? lead : steps) - 1]);
    }
    return AX_OK;
}

static enum ax_err run_season(const struct ax_model_params *params, enum ax_adjust_mode mode, uint32_t season,
                              void *const *states, const struct ax_batch *now, struct ax_arena *scratch,
                              const struct ax_model_out *out)
{
    for (uint32_t e = 0; e < now->entities_n; e++) {
        struct ax_past p = ax_past_of(now, e);
        enum ax_err err =
            run_one(params, mode, season, states[e], &p, scratch, out->path + (size_t)e * params->leads_n);
        if (err)
            return err;
    }
    return AX_OK;
}

static void save(const struct ax_model_params *params, const void *state, struct ax_buf *out)
{
    (void)params;
    const struct state *s = state;
    ax_put_u8(out, s->fitted);
    ax_put_varint(out, s->order);
    ax_put_f32(out, s->constant);
    ax_put_f32(out, s->low);
    ax_put_f32(out, s->high);
    ax_put_f32s(out, s->phi, AX_AUTOREG_MAX);
}

static void load(const struct ax_model_params *params, void *state, struct ax_bytes *in)
{
    (void)params;
    struct state *s = state;
    s->fitted = ax_get_bool(in);
    s->order = ax_get_count(in, AX_AUTOREG_MAX);
    s->constant = ax_get_f32_in(in, -INFINITY, INFINITY);
    s->low = ax_get_f32_in(in, -INFINITY, INFINITY);
    s->high = ax_get_f32_in(in, -INFINITY, INFINITY);
    ax_get_f32s_in(in, s->phi, AX_AUTOREG_MAX, -INFINITY, INFINITY, false);
}

/* One member for each season: their functions and their table. */
#define MEMBER(id, mode, season)                                                                             \
    static enum ax_err fit_##id(const struct ax_model_params *params, void *const *states,                   \
                                const struct ax_batch *past, struct ax_arena *scratch)                       \
    {                                                                                                        \
        (void)params;                                                                                        \
        return fit_season(mode, season, states, past, scratch);                                              \
    }                                                                                                        \
    static enum ax_err run_##id(const struct ax_model_params *params, void *const *states,                   \
                                const struct ax_batch *now, struct ax_arena *scratch,                        \
                                const struct ax_model_out *out)                                              \
    {                                                                                                        \
        return run_season(params, mode, season, states, now, scratch, out);                                  \
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

MEMBER(ar, AX_ADJUST_NONE, 0)
MEMBER(ar_season, AX_ADJUST_DIFFERENCE,
       params->long_season_steps ? params->long_season_steps : params->season_steps)
