/* special.c: series and continued fractions (modified Lentz), each where it converges fast. */
#include "math/special.h"

#include <math.h>

#define TERMS_MAX 100000
#define TINY 1e-300
#define EPSILON 1e-16

/* P(a, x) by its series. */
static double gamma_series(double a, double x)
{
    double term = 1 / a, sum = term;
    for (int n = 1; n < TERMS_MAX && fabs(term) > EPSILON * fabs(sum); n++) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * exp(a * log(x) - x - lgamma(a));
}

/* Q(a, x) by its continued fraction. */
static double gamma_fraction(double a, double x)
{
    double b = x + 1 - a, c = 1 / TINY, d = 1 / b, h = d;
    for (int n = 1; n < TERMS_MAX; n++) {
        const double an = -n * (n - a);
        b += 2;
        d = an * d + b;
        d = 1 / (fabs(d) < TINY ? TINY : d);
        c = b + an / c;
        c = fabs(c) < TINY ? TINY : c;
        h *= d * c;
        if (fabs(d * c - 1) < EPSILON * 4)
            break;
    }
    return h * exp(a * log(x) - x - lgamma(a));
}

double ax_gamma_q(double a, double x)
{
    if (!(a > 0) || !(x >= 0))
        return NAN;
    if (isinf(x))
        return 0;
    if (x <= 0)
        return 1;
    return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}

/* The continued fraction of I_x(a, b), for x below (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < TINY ? TINY : d);
    double h = d;
    for (int m = 1; m < TERMS_MAX; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        const double terms[2] = {even, odd};
        double step = 1;
        for (int i = 0; i < 2; i++) {
            d = 1 + terms[i] * d;
            d = 1 / (fabs(d) < TINY ? TINY : d);
            c = 1 + terms[i] / c;
            c = fabs(c) < TINY ? TINY : c;
            step = d * c;
            h *= step;
        }
        if (fabs(step - 1) < EPSILON * 4)
            break;
    }
    return h;
}

double ax_beta_i(double a, double b, double x)
{
    if (!(a > 0) || !(b > 0) || !(x >= 0) || x > 1)
        return NAN;
    if (x <= 0 || x >= 1)
        return x;
    const double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                     : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double ax_student_sf(double t, double df)
{
    if (isnan(t) || !(df > 0))
        return NAN;
    if (isinf(t))
        return t > 0 ? 0 : 1;
    const double tail = 0.5 * ax_beta_i(df / 2, 0.5, df / (df + t * t));
    return t > 0 ? tail : 1 - tail;
}
