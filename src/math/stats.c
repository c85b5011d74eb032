/* stats.c: moments in one pass, quantiles by selection, autocorrelation at a lag. */
#include "math/stats.h"

#include <math.h>

void ax_moments_add(struct ax_moments *m, double x)
{
    if (isnan(x))
        return;
    if (m->n == 0)
        m->min = m->max = x;
    m->min = x < m->min ? x : m->min;
    m->max = x > m->max ? x : m->max;
    double n1 = (double)m->n++;
    double n = (double)m->n;
    double delta = x - m->mean;
    double delta_n = delta / n;
    double delta_n2 = delta_n * delta_n;
    double term = delta * delta_n * n1;
    m->mean += delta_n;
    m->m4 += term * delta_n2 * (n * n - 3 * n + 3) + 6 * delta_n2 * m->m2 - 4 * delta_n * m->m3;
    m->m3 += term * delta_n * (n - 2) - 3 * delta_n * m->m2;
    m->m2 += term;
}

double ax_moments_variance(const struct ax_moments *m, uint64_t ddof)
{
    return m->n > ddof ? m->m2 / (double)(m->n - ddof) : (double)NAN;
}

/* Spread that is more than the rounding of the values. */
static int has_spread(const struct ax_moments *m)
{
    double rounding = 1e-15 * m->mean;
    return m->n > 0 && m->m2 > (double)m->n * rounding * rounding;
}

double ax_moments_skewness(const struct ax_moments *m)
{
    if (!has_spread(m))
        return NAN;
    return sqrt((double)m->n) * m->m3 / pow(m->m2, 1.5);
}

double ax_moments_kurtosis(const struct ax_moments *m)
{
    if (!has_spread(m))
        return NAN;
    return (double)m->n * m->m4 / (m->m2 * m->m2) - 3;
}

static void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

/* Median of three of v[lo..hi], moved to v[hi]. */
static double choose_pivot(double *v, uint32_t lo, uint32_t hi)
{
    uint32_t mid = lo + (hi - lo) / 2;
    if (v[mid] < v[lo])
        swap(&v[mid], &v[lo]);
    if (v[hi] < v[lo])
        swap(&v[hi], &v[lo]);
    if (v[mid] < v[hi])
        swap(&v[mid], &v[hi]);
    return v[hi];
}

/* Bring the k-th smallest to v[k], smaller ones before it, larger ones behind (Hoare's FIND; values equal
 * to the pivot are set aside in the middle, so that constant series stay linear). */
static void select_kth(double *v, uint32_t n, uint32_t k)
{
    uint32_t lo = 0, hi = n - 1;
    while (lo < hi) {
        double pivot = choose_pivot(v, lo, hi);
        uint32_t less = lo, i = lo, greater = hi + 1;
        while (i < greater) {
            if (v[i] < pivot)
                swap(&v[less++], &v[i++]);
            else if (v[i] > pivot)
                swap(&v[i], &v[--greater]);
            else
                i++;
        }
        if (k < less)
            hi = less - 1;
        else if (k >= greater)
            lo = greater;
        else
            return;
    }
}

double ax_quantile(double *v, uint32_t n, double q)
{
    if (n == 0)
        return NAN;
    double at = q * (double)(n - 1);
    uint32_t k = at <= 0 ? 0 : (uint32_t)at;
    if (k >= n)
        k = n - 1;
    select_kth(v, n, k);
    double frac = at - (double)k;
    if (frac <= 0 || k + 1 >= n)
        return v[k];
    double next = v[k + 1];
    for (uint32_t i = k + 2; i < n; i++)
        next = v[i] < next ? v[i] : next;
    return v[k] + frac * (next - v[k]);
}

double ax_median(double *v, uint32_t n)
{
    return ax_quantile(v, n, 0.5);
}
