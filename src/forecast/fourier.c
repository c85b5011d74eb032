/* fourier.c: the rows of the regression, and the member.
 *
 * Fitted to the coarse window, a value far from a first solution counting as less far. A forecast is what the
 * regression says of the target, and of what the newest values are above it the share that was left, in the
 * past, so long after. */
#include "forecast/fourier.h"

#include "math/ridge.h"
#include "math/stats.h"

#include <math.h>
#include <string.h>

#define DAY_MS 86400000LL
#define WEEK_MS (7 * DAY_MS)
#define ROWS_MIN 96
#define DAYS_MIN 2  /* that the past holds at least */
#define WEEK_MIN 10 /* days from which there are waves of the week */
#define OUTLIER 4.0 /* standard deviations, by the median of |residuals| */
#define NORMAL 1.4826

/* sin and cos of 1, 2, .. n times an angle, by Chebyshev's recurrence; zeros from the `most`-th on. */
static void waves(double angle, uint32_t n, uint32_t most, double *x)
{
    double s = sin(angle), c = cos(angle), s0 = 0, c0 = 1;
    for (size_t k = 0; k < n; k++) {
        x[2 * k] = k < most ? s : 0;
        x[2 * k + 1] = k < most ? c : 0;
        double s2 = 2 * cos(angle) * s - s0, c2 = 2 * cos(angle) * c - c0;
        s0 = s;
        c0 = c;
        s = s2;
        c = c2;
    }
}

static double phase(int64_t local_ms, int64_t period_ms)
{
    int64_t rest = local_ms % period_ms;
    return 2 * M_PI * (double)(rest < 0 ? rest + period_ms : rest) / (double)period_ms;
}

/* How many of its harmonics points so far apart can show. */
static uint32_t shown(int64_t period_ms, int64_t point_ms)
{
    return (uint32_t)(period_ms / (2 * point_ms));
}

void ax_fourier_row(const struct ax_fourier_frame *f, int64_t t_ms, double *x)
{
    double t = (double)(t_ms - f->end_ms) / (double)f->span_ms;
    int64_t local_ms = t_ms + ax_local_offset_ms(f->clocks, t_ms);
    x[AX_FOURIER_TREND] = t;
    for (int j = 0; j < AX_FOURIER_HINGES; j++)
        x[1 + j] = AX_FOURIER_HINGE * fmax(0, t + 1 - 0.8 * (j + 1) / AX_FOURIER_HINGES);
    waves(phase(local_ms, DAY_MS), AX_FOURIER_DAY, shown(DAY_MS, f->point_ms), x + AX_FOURIER_DAYS);
    bool weeks = f->span_ms >= WEEK_MIN * DAY_MS;
    waves(phase(local_ms, WEEK_MS), AX_FOURIER_WEEK, weeks ? shown(WEEK_MS, f->point_ms) : 0,
          x + AX_FOURIER_WEEKS);
    for (uint32_t i = 0; i < AX_HOLIDAYS_MAX; i++)
        x[AX_FOURIER_HOLIDAYS + i] = ax_holidays_at(f->holidays, i, t_ms);
}

/* left is, for each lead, the share of a residual that is still there. */
struct state {
    int64_t end_ms, span_ms, point_ms; /* span 0: not fitted */
    float constant, w[AX_FOURIER_COLUMNS];
    float left[];
};

static const char *const tensors[] = {"fine", "coarse", NULL};

static size_t state_bytes(const struct ax_model_params *params)
{
    return sizeof(struct state) + params->leads_n * sizeof(float);
}

static void init(const struct ax_model_params *params, void *state)
{
    memset(state, 0, state_bytes(params));
}

static struct ax_fourier_frame frame_of(const struct state *s, const struct ax_past *p)
{
    return (struct ax_fourier_frame){s->end_ms, s->span_ms, s->point_ms, p->clocks, p->holidays};
}

static double answer(const struct state *s, const double *x)
{
    double y = (double)s->constant;
    for (int k = 0; k < AX_FOURIER_COLUMNS; k++)
        y += (double)s->w[k] * x[k];
    return y;
}

/* Steps are stamped at their end: so far before the end of a point is the middle of its stamps. */
static int64_t middle_ms(const struct ax_past *p)
{
    return (p->coarse.step_ms - p->fine.step_ms) / 2;
}

/* The regression's data. */
struct design {
    double *x, *xc, *y, *r; /* rows and their values; xc is spoilt by a solution */
    uint32_t *at;           /* which points the rows are */
    uint32_t rows;
    double gram[(AX_FOURIER_COLUMNS + 1) * AX_FOURIER_COLUMNS];
};

static bool gather(struct design *d, const struct state *s, const struct ax_past *p, struct ax_arena *scratch)
{
    const struct ax_view *c = &p->coarse;
    const struct ax_fourier_frame f = frame_of(s, p);
    d->rows = 0;
    d->x = ax_arena_array(scratch, (size_t)c->n * AX_FOURIER_COLUMNS, sizeof(double));
    d->xc = ax_arena_array(scratch, (size_t)c->n * AX_FOURIER_COLUMNS, sizeof(double));
    d->y = ax_arena_array(scratch, c->n, sizeof(double));
    d->r = ax_arena_array(scratch, 2 * (size_t)c->n, sizeof(double));
    d->at = ax_arena_array(scratch, c->n, sizeof(uint32_t));
    if (!d->x || !d->xc || !d->y || !d->r || !d->at)
        return false;
    for (uint32_t i = 0; i < c->n; i++) {
        if (isnan(c->v[i]))
            continue;
        int64_t t_ms = c->end_ms - (int64_t)(c->n - 1 - i) * c->step_ms - middle_ms(p);
        ax_fourier_row(&f, t_ms, d->x + (size_t)d->rows * AX_FOURIER_COLUMNS);
        d->at[d->rows] = i;
        d->y[d->rows++] = (double)c->v[i];
    }
    return true;
}

static bool solve(struct design *d, struct state *s)
{
    double w[AX_FOURIER_COLUMNS], constant;
    memcpy(d->xc, d->x, (size_t)d->rows * AX_FOURIER_COLUMNS * sizeof *d->x);
    memcpy(d->r + d->rows, d->y, d->rows * sizeof *d->y);
    if (ax_ridge_centred(d->rows, AX_FOURIER_COLUMNS, d->xc, d->r + d->rows, AX_FOURIER_PENALTY * d->rows, w,
                         &constant, d->gram) != AX_OK)
        return false;
    s->constant = (float)constant;
    for (int k = 0; k < AX_FOURIER_COLUMNS; k++)
        s->w[k] = (float)w[k];
    for (uint32_t i = 0; i < d->rows; i++)
        d->r[i] = d->y[i] - answer(s, d->x + (size_t)i * AX_FOURIER_COLUMNS);
    return true;
}

/* Values that the solution is far from are brought as near as the bound. */
static void hold(struct design *d)
{
    double *size = d->r + d->rows;
    for (uint32_t i = 0; i < d->rows; i++)
        size[i] = fabs(d->r[i]);
    double bound = OUTLIER * NORMAL * ax_median(size, d->rows);
    for (uint32_t i = 0; i < d->rows; i++)
        d->y[i] += fmin(fmax(d->r[i], -bound), bound) - d->r[i];
}

/* The slope of residuals on those `points` before. */
static double share_left(const struct design *d, uint32_t points)
{
    double product = 0, square = 0;
    for (uint32_t i = 0, j = 0; i < d->rows; i++) {
        while (j < i && d->at[j] + points < d->at[i])
            j++;
        if (d->at[j] + points != d->at[i])
            continue;
        product += d->r[j] * d->r[i];
        square += d->r[j] * d->r[j];
    }
    return square > 0 ? fmin(fmax(product / square, -1), 1) : 0;
}

static enum ax_err fit_one(const struct ax_model_params *params, struct state *s, const struct ax_past *p,
                           struct ax_arena *scratch)
{
    const struct ax_view *c = &p->coarse;
    struct design d;
    init(params, s);
    if (c->n < ROWS_MIN || c->n * c->step_ms < DAYS_MIN * DAY_MS)
        return AX_NOTREADY;
    s->end_ms = c->end_ms;
    s->span_ms = c->n * c->step_ms;
    s->point_ms = c->step_ms;
    if (!gather(&d, s, p, scratch))
        return AX_NOMEM;
    bool solved = d.rows >= ROWS_MIN && solve(&d, s);
    if (solved)
        hold(&d);
    if (!solved || !solve(&d, s)) {
        init(params, s);
        return AX_NOTREADY;
    }
    for (uint32_t k = 0; k < params->leads_n; k++) {
        double points = (double)params->leads[k] * (double)p->fine.step_ms / (double)c->step_ms;
        double left = share_left(&d, points > 1 ? (uint32_t)lround(points) : 1);
        s->left[k] = (float)(points < 1 && left > 0 ? pow(left, points) : left);
    }
    return AX_OK;
}

static enum ax_err fit(const struct ax_model_params *params, void *const *states, const struct ax_batch *past,
                       struct ax_arena *scratch)
{
    enum ax_err err = AX_NOTREADY;
    for (uint32_t e = 0; e < past->entities_n; e++) {
        struct ax_past p = ax_past_of(past, e);
        enum ax_err fitted = fit_one(params, states[e], &p, scratch);
        if (fitted == AX_NOMEM)
            return AX_NOMEM;
        err = fitted == AX_OK ? AX_OK : err;
    }
    return err;
}

/* Mean of the newest steps, as many as a point has, without a spike; NaN for none. */
static double newest(const struct ax_past *p)
{
    const float *v = p->fine.v;
    uint32_t n = p->fine.n, seen = 0, ratio = (uint32_t)(p->coarse.step_ms / p->fine.step_ms);
    double sum = 0;
    for (uint32_t i = 0; i < ratio && i < n; i++) {
        double x = (double)v[n - 1 - i];
        if (i >= 1 && i + 1 < n)
            x = ax_median_of_3((double)v[n - i], x, (double)v[n - 2 - i]);
        sum += isnan(x) ? 0 : x;
        seen += isnan(x) ? 0 : 1;
    }
    return seen ? sum / seen : ax_past_last(p, AX_BRIDGE_MAX);
}

static void run_one(const struct ax_model_params *params, const void *state, const struct ax_past *p,
                    double *path)
{
    const struct state *s = state;
    const struct ax_fourier_frame f = frame_of(s, p);
    double x[AX_FOURIER_COLUMNS], above = NAN;
    if (s->span_ms > 0) {
        ax_fourier_row(&f, p->t_ms - middle_ms(p), x);
        above = newest(p) - answer(s, x);
    }
    for (uint32_t k = 0; k < params->leads_n; k++) {
        path[k] = NAN;
        if (isnan(above))
            continue;
        ax_fourier_row(&f, p->t_ms + params->leads[k] * p->fine.step_ms, x);
        path[k] = answer(s, x) + (double)s->left[k] * above;
    }
}

AX_MEMBER_RUN(run_one)

static void save(const struct ax_model_params *params, const void *state, struct ax_buf *out)
{
    const struct state *s = state;
    ax_put_i64(out, s->end_ms);
    ax_put_i64(out, s->span_ms);
    ax_put_i64(out, s->point_ms);
    ax_put_f32(out, s->constant);
    ax_put_f32s(out, s->w, AX_FOURIER_COLUMNS);
    ax_put_f32s(out, s->left, params->leads_n);
}

static void load(const struct ax_model_params *params, void *state, struct ax_bytes *in)
{
    struct state *s = state;
    s->end_ms = ax_get_ms(in);
    s->span_ms = ax_get_ms(in);
    s->point_ms = ax_get_ms(in);
    if (s->span_ms < 0 || s->point_ms < 0 || (s->span_ms > 0) != (s->point_ms > 0))
        (void)ax_bytes_fail(in);
    s->constant = ax_get_f32_in(in, -INFINITY, INFINITY);
    ax_get_f32s_in(in, s->w, AX_FOURIER_COLUMNS, -INFINITY, INFINITY, false);
    ax_get_f32s_in(in, s->left, params->leads_n, -1, 1, false);
}

const struct ax_model_ops ax_model_fourier = {.name = "fourier",
                                              .task = AX_TASK_FORECAST,
                                              .tensors = tensors,
                                              .state_bytes = state_bytes,
                                              .init = init,
                                              .fit = fit,
                                              .run = run,
                                              .save = save,
                                              .load = load};
