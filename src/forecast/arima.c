/* arima.c: the Kalman filter of an ARMA process, the search for its parameters, and the choice of an order.
 */
#include "forecast/arima.h"

#include "math/nelder_mead.h"

#include <math.h>
#include <string.h>

#define STEADY 1e-11 /* relative change of the variance from which the filter is in its steady state */
#define ROOM 0.99    /* partial autocorrelations stay within it */
#define KPSS_5 0.463
#define ROWS_MIN 40
#define FIRST 0.1     /* where a search begins, */
#define SIZE 0.5      /* and its first steps; */
#define SIZE_NEAR 0.1 /* those of one that begins at what was found before */
#define NEAR_ROOM 0.999
#define TOLERANCE 0.01 /* of the log-likelihood */
#define EVALUATIONS 100

/* The filter's state: (z_t, what of z_(t+1) is known beside phi_1 z_t, theta_2 e_t), of which the last is
 * expected to be 0, and knows nothing of the others but its own error: so three numbers are its variance.
 * a_(t+1) = T a_t + G e_t with T = [phi_1 1 0; phi_2 0 1; 0 0 0] and G = [1 theta_1 theta_2]'. */
struct filter {
    double phi1, phi2, theta1, theta2;
    double a0, a1, p00, p01, p11, gain0, gain1;
    bool steady;
};

/* The variance of the state of a process that has always been: P = T P T' + G G', solved by hand. False for
 * one that is not stationary. */
static bool stationary(struct filter *k)
{
    double phi1 = k->phi1, phi2 = k->phi2, theta1 = k->theta1, theta2 = k->theta2, rest = 1 - phi2;
    if (!(fabs(phi2) < 1 && fabs(phi1) < rest))
        return false;
    double both = phi1 * theta2 + theta1 * theta2 + theta1,
           own = theta2 * theta2 + 2 * phi2 * theta2 + theta1 * theta1;
    k->p00 =
        (1 + own + 2 * phi1 * both / rest) / (1 - phi1 * phi1 - phi2 * phi2 - 2 * phi1 * phi1 * phi2 / rest);
    k->p01 = (phi1 * phi2 * k->p00 + both) / rest;
    k->p11 = phi2 * phi2 * k->p00 + own;
    return isfinite(k->p00) && k->p00 > 0;
}

static struct filter filter_of(const struct ax_arima *a)
{
    return (struct filter){.phi1 = a->p > 0 ? a->phi[0] : 0,
                           .phi2 = a->p > 1 ? a->phi[1] : 0,
                           .theta1 = a->q > 0 ? a->theta[0] : 0,
                           .theta2 = a->q > 1 ? a->theta[1] : 0};
}

/* Gain of an observation, and the variance after it and the next move. Without one (a gap) the gain is 0. */
static void move_variance(struct filter *k, bool seen)
{
    double f = k->p00, tp00 = k->phi1 * k->p00 + k->p01, tp01 = k->phi1 * k->p01 + k->p11,
           tp02 = k->phi1 * k->theta2 + k->theta1 * k->theta2, tp10 = k->phi2 * k->p00 + k->theta2,
           tp12 = k->phi2 * k->theta2 + k->theta2 * k->theta2;
    k->gain0 = seen ? tp00 / f : 0;
    k->gain1 = seen ? tp10 / f : 0;
    double p00 = k->phi1 * tp00 + tp01 + 1 - k->gain0 * k->gain0 * f,
           p01 = k->phi2 * tp00 + tp02 + k->theta1 - k->gain0 * k->gain1 * f,
           p11 = k->phi2 * tp10 + tp12 + k->theta1 * k->theta1 - k->gain1 * k->gain1 * f;
    double moved = fmax(fmax(fabs(p00 - k->p00), fabs(p01 - k->p01)), fabs(p11 - k->p11));
    k->p00 = p00;
    k->p01 = p01;
    k->p11 = p11;
    k->steady = seen && moved <= STEADY * f;
}

static void move_state(struct filter *k, double v)
{
    double a0 = k->phi1 * k->a0 + k->a1 + k->gain0 * v;
    k->a1 = k->phi2 * k->a0 + k->gain1 * v;
    k->a0 = a0;
}

enum ax_err ax_arima_filter(const struct ax_arima *a, const double *z, uint32_t n, double *errors,
                            struct ax_arima_filtered *out)
{
    struct filter k = filter_of(a);
    double squares = 0, logs = 0, log_f = 0;
    out->n = 0;
    if (!stationary(&k))
        return AX_NUMERIC;
    for (uint32_t i = 0; i < n; i++) {
        bool seen = !isnan(z[i]), was_steady = k.steady;
        double v = seen ? z[i] - k.a0 : 0, f = k.p00;
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
    out->next = k.a0;
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

/* Those numbers again. */
static void to_unbounded(const double *coefficients, uint32_t n, double sign, double *x)
{
    double r[AX_ARIMA_MAX] = {n > 0 ? sign * coefficients[0] : 0, n > 1 ? sign * coefficients[1] : 0};
    if (n > 1)
        r[0] /= 1 - r[1];
    for (uint32_t i = 0; i < n && i < AX_ARIMA_MAX; i++)
        x[i] = atanh(fmin(fmax(r[i] / ROOM, -NEAR_ROOM), NEAR_ROOM));
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

/* Look for the parameters around x, and say how good the best ones are. */
static enum ax_err search_from(struct ax_arima *a, double *x, double size, const double *z, uint32_t n,
                               double *aicc)
{
    struct search s = {z, n, *a};
    uint32_t k = a->p + a->q;
    struct ax_arima_filtered f;
    (void)ax_nelder_mead(worse, &s, k, x, size, TOLERANCE, EVALUATIONS);
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

enum ax_err ax_arima_estimate(struct ax_arima *a, const double *z, uint32_t n, double *aicc)
{
    double x[2 * AX_ARIMA_MAX];
    for (uint32_t i = 0; i < a->p + a->q; i++)
        x[i] = FIRST;
    return search_from(a, x, SIZE, z, n, aicc);
}

enum ax_err ax_arima_follow(struct ax_arima *a, const double *z, uint32_t n, double *aicc)
{
    double x[2 * AX_ARIMA_MAX];
    to_unbounded(a->phi, a->p, 1, x);
    to_unbounded(a->theta, a->q, -1, x + a->p);
    return search_from(a, x, SIZE_NEAR, z, n, aicc);
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

/* The order of least AICc. */
static bool choose(const double *z, uint32_t n, uint32_t d, struct ax_arima *out)
{
    static const uint8_t orders[2][4][2] = {{{1, 0}, {2, 0}, {1, 1}, {2, 1}},
                                            {{0, 1}, {1, 1}, {2, 1}, {1, 2}}};
    double least = INFINITY;
    for (int o = 0; o < 4; o++) {
        struct ax_arima a = {.p = orders[d][o][0], .d = d, .q = orders[d][o][1]};
        double aicc;
        if (ax_arima_estimate(&a, z, n, &aicc) != AX_OK || !(aicc < least))
            continue;
        least = aicc;
        *out = a;
    }
    return isfinite(least);
}

enum ax_err ax_arima_fit(const double *y, uint32_t n, const struct ax_arima *before, struct ax_arena *scratch,
                         struct ax_arima *out, double *mean)
{
    double *z = n < ROWS_MIN ? NULL : ax_arena_array(scratch, n, sizeof *z), aicc;
    if (!z)
        return n < ROWS_MIN ? AX_NOTREADY : AX_NOMEM;
    uint32_t d = ax_kpss(y, n, (uint32_t)(3 * sqrt(n) / 13)) > KPSS_5 ? 1 : 0;
    *mean = 0;
    for (uint32_t i = 0; i < n && d == 0; i++)
        *mean += y[i] / n;
    for (uint32_t i = d; i < n; i++)
        z[i - d] = y[i] - (d ? y[i - 1] : *mean);
    if (before && before->d == d) {
        *out = *before;
        if (ax_arima_follow(out, z, n - d, &aicc) == AX_OK)
            return AX_OK;
    }
    return choose(z, n - d, d, out) ? AX_OK : AX_NOTREADY;
}
