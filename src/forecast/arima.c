/* arima.c: the Kalman filter of an ARMA process, the search for its parameters, and the choice of an order.
 */
#include "forecast/arima.h"

#include "math/nelder_mead.h"

#include <math.h>
#include <string.h>

#define R 3          /* max(AX_ARIMA_MAX, AX_ARIMA_MAX + 1) */
#define DOUBLINGS 40 /* of the sum that is the stationary variance */
#define STEADY 1e-11 /* relative change of the variance from which the filter is in its steady state */
#define ROOM 0.99    /* partial autocorrelations stay within it */
#define KPSS_5 0.463
#define ROWS_MIN 40
#define TOLERANCE 0.01 /* of the log-likelihood */
#define EVALUATIONS 100

/* transition and its noise: a_(t+1) = T a_t + G e_t, z_t = a_t[0]. */
struct space {
    double t[R][R], g[R];
};

static struct space space_of(const struct ax_arima *a)
{
    struct space s = {{{0}}, {1}};
    for (uint32_t i = 0; i < AX_ARIMA_MAX; i++) {
        s.t[i][0] = i < a->p ? a->phi[i] : 0;
        s.t[i][i + 1] = 1;
        s.g[i + 1] = i < a->q ? a->theta[i] : 0;
    }
    return s;
}

static void product(double out[R][R], double a[R][R], double b[R][R], bool turned)
{
    double c[R][R];
    for (int i = 0; i < R; i++)
        for (int j = 0; j < R; j++) {
            c[i][j] = 0;
            for (int k = 0; k < R; k++)
                c[i][j] += a[i][k] * (turned ? b[j][k] : b[k][j]);
        }
    memcpy(out, c, sizeof c);
}

/* The variance of the state: the sum over k of T^k G G' T'^k, by doubling (Smith 1968). */
static bool stationary(const struct space *s, double p[R][R])
{
    double t[R][R], more[R][R];
    memcpy(t, s->t, sizeof t);
    for (int i = 0; i < R; i++)
        for (int j = 0; j < R; j++)
            p[i][j] = s->g[i] * s->g[j];
    for (int k = 0; k < DOUBLINGS; k++) {
        product(more, t, p, false);
        product(more, more, t, true);
        double largest = 0;
        for (int i = 0; i < R; i++)
            for (int j = 0; j < R; j++) {
                p[i][j] += more[i][j];
                largest = fmax(largest, fabs(more[i][j]));
            }
        if (largest <= 1e-14 * p[0][0])
            return isfinite(p[0][0]);
        product(t, t, t, false);
    }
    return false;
}

/* The state that is expected next, and its variance. */
struct filter {
    struct space s;
    double a[R], p[R][R], gain[R];
    bool steady;
};

/* Gain of an observation, and the variance after it and the next move. Without one (a gap) the gain is 0. */
static void move_variance(struct filter *k, bool seen)
{
    double before[R][R], tp[R][R], f = k->p[0][0], moved = 0;
    memcpy(before, k->p, sizeof before);
    product(tp, k->s.t, k->p, false);
    for (int i = 0; i < R; i++)
        k->gain[i] = seen ? tp[i][0] / f : 0;
    product(k->p, tp, k->s.t, true);
    for (int i = 0; i < R; i++)
        for (int j = 0; j < R; j++) {
            k->p[i][j] += k->s.g[i] * k->s.g[j] - k->gain[i] * k->gain[j] * f;
            moved = fmax(moved, fabs(k->p[i][j] - before[i][j]));
        }
    k->steady = seen && moved <= STEADY * f;
}

static void move_state(struct filter *k, double v)
{
    double a[R];
    for (int i = 0; i < R; i++)
        a[i] = k->s.t[i][0] * k->a[0] + (i + 1 < R ? k->a[i + 1] : 0) + k->gain[i] * v;
    memcpy(k->a, a, sizeof a);
}

enum ax_err ax_arima_filter(const struct ax_arima *a, const double *z, uint32_t n, double *errors,
                            struct ax_arima_filtered *out)
{
    struct filter k = {.s = space_of(a)};
    double squares = 0, logs = 0, log_f = 0;
    out->n = 0;
    if (!stationary(&k.s, k.p))
        return AX_NUMERIC;
    for (uint32_t i = 0; i < n; i++) {
        bool seen = !isnan(z[i]), was_steady = k.steady;
        double v = seen ? z[i] - k.a[0] : 0, f = k.p[0][0];
        if (errors)
            errors[i] = seen ? v : (double)NAN;
        if (!seen || !k.steady)
            move_variance(&k, seen);
        if (seen) {
            log_f = was_steady ? log_f : log(f);
            squares += v * v / f;
            logs += log_f;
            out->n++;
        }
        move_state(&k, v);
    }
    if (out->n == 0 || !(squares > 0) || !isfinite(squares))
        return AX_NUMERIC;
    out->variance = squares / out->n;
    out->loglik = -0.5 * (out->n * (log(2 * M_PI * out->variance) + 1) + logs);
    out->next = k.a[0];
    return isfinite(out->loglik) ? AX_OK : AX_NUMERIC;
}

/* Coefficients of a stationary autoregression from unbounded numbers, by way of partial autocorrelations. */
static void from_unbounded(const double *x, uint32_t n, double sign, double *out)
{
    for (uint32_t k = 0; k < n; k++) {
        double before[AX_ARIMA_MAX], r = ROOM * tanh(x[k]);
        memcpy(before, out, sizeof before);
        for (uint32_t i = 0; i < k; i++)
            out[i] = before[i] - r * before[k - 1 - i];
        out[k] = sign * r;
    }
}

/* What the search looks at. */
struct search {
    const double *z;
    uint32_t n;
    struct ax_arima a;
};

static void set(struct ax_arima *a, const double *x)
{
    from_unbounded(x, a->p, 1, a->phi);
    from_unbounded(x + a->p, a->q, -1, a->theta);
}

static double worse(void *ctx, const double *x)
{
    struct search *s = ctx;
    struct ax_arima_filtered f;
    set(&s->a, x);
    return ax_arima_filter(&s->a, s->z, s->n, NULL, &f) == AX_OK ? -f.loglik : (double)INFINITY;
}

enum ax_err ax_arima_estimate(struct ax_arima *a, const double *z, uint32_t n, double *aicc)
{
    struct search s = {z, n, *a};
    double x[2 * AX_ARIMA_MAX] = {0};
    uint32_t k = a->p + a->q;
    struct ax_arima_filtered f;
    for (uint32_t i = 0; i < k; i++)
        x[i] = 0.1;
    (void)ax_nelder_mead(worse, &s, k, x, 0.5, TOLERANCE, EVALUATIONS);
    set(a, x);
    enum ax_err err = ax_arima_filter(a, z, n, NULL, &f);
    if (err)
        return err;
    a->variance = f.variance;
    double free = k + 1.0;
    *aicc =
        f.n > free + 1 ? 2 * (free - f.loglik) + 2 * free * (free + 1) / (f.n - free - 1) : (double)INFINITY;
    return AX_OK;
}

double ax_kpss(const double *y, uint32_t n, uint32_t lags)
{
    double mean = 0, sum = 0, squares = 0, variance = 0;
    for (uint32_t i = 0; i < n; i++)
        mean += y[i] / n;
    for (uint32_t i = 0; i < n; i++) {
        sum += y[i] - mean;
        squares += sum * sum;
    }
    for (uint32_t lag = 0; lag <= lags && lag < n; lag++) {
        double c = 0;
        for (uint32_t i = lag; i < n; i++)
            c += (y[i] - mean) * (y[i - lag] - mean);
        variance += (lag ? 2 * (1 - lag / (lags + 1.0)) : 1) * c;
    }
    return variance > 0 ? squares / n / variance : 0;
}

enum ax_err ax_arima_fit(const double *y, uint32_t n, struct ax_arena *scratch, struct ax_arima *out,
                         double *mean)
{
    static const uint8_t orders[2][4][2] = {{{1, 0}, {2, 0}, {1, 1}, {2, 1}},
                                            {{0, 1}, {1, 1}, {2, 1}, {1, 2}}};
    double *z = n < ROWS_MIN ? NULL : ax_arena_array(scratch, n, sizeof *z), least = INFINITY;
    if (!z)
        return n < ROWS_MIN ? AX_NOTREADY : AX_NOMEM;
    uint32_t d = ax_kpss(y, n, (uint32_t)(3 * sqrt(n) / 13)) > KPSS_5 ? 1 : 0;
    *mean = 0;
    for (uint32_t i = 0; i < n && d == 0; i++)
        *mean += y[i] / n;
    for (uint32_t i = d; i < n; i++)
        z[i - d] = y[i] - (d ? y[i - 1] : *mean);
    for (int o = 0; o < 4; o++) {
        struct ax_arima a = {.p = orders[d][o][0], .d = d, .q = orders[d][o][1]};
        double aicc;
        if (ax_arima_estimate(&a, z, n - d, &aicc) != AX_OK || !(aicc < least))
            continue;
        least = aicc;
        *out = a;
    }
    return isfinite(least) ? AX_OK : AX_NOTREADY;
}
