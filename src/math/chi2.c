/* chi2.c: incomplete gamma, and its inverse by halving. */
#include "math/chi2.h"

#include <float.h>
#include <math.h>

#define TERMS_MAX 10000

/* lgamma() is the one of its kind that keeps a sign in a global: for the positive numbers here lgamma_r() is
 * not needed, the sign is never read. */
static double scale_of(double a, double x)
{
    return exp(a * log(x) - x - lgamma(a));
}

static double series(double a, double x)
{
    double term = 1 / a, sum = term;
    for (int n = 1; n < TERMS_MAX && term > sum * DBL_EPSILON; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * scale_of(a, x);
}

/* The rest, by Lentz's method. */
static double fraction(double a, double x)
{
    double b = x + 1 - a, c = 1 / DBL_MIN, d = 1 / b, h = d;
    for (int n = 1; n < TERMS_MAX; n++) {
        double an = -n * (n - a);
        b += 2;
        d = an * d + b;
        d = 1 / (fabs(d) < DBL_MIN ? DBL_MIN : d);
        c = b + an / c;
        c = fabs(c) < DBL_MIN ? DBL_MIN : c;
        h *= d * c;
        if (fabs(d * c - 1) < DBL_EPSILON)
            break;
    }
    return h * scale_of(a, x);
}

/* Share of sums of df squares that are at most x; df > 0, x >= 0. */
static double share_below(double df, double x)
{
    double a = df / 2;
    x /= 2;
    if (!(x > 0))
        return 0;
    return x < a + 1 ? series(a, x) : 1 - fraction(a, x);
}

double ax_chi2_quantile(double df, double share)
{
    double low = 0, high = df + 10;
    while (share_below(df, high) < share)
        high *= 2;
    for (int i = 0; i < 200; i++) {
        double mid = (low + high) / 2;
        if (!(mid > low && mid < high))
            break;
        if (share_below(df, mid) < share)
            low = mid;
        else
            high = mid;
    }
    return high;
}
