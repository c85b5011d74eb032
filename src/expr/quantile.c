/* quantile.c: heapsort (bounded time, in place) and interpolation. */
#include "expr/quantile.h"

#include <math.h>

/* NaN first. */
static int less(double a, double b)
{
    return isnan(a) ? !isnan(b) : a < b;
}

static void sift(double *v, uint32_t i, uint32_t n)
{
    double moved = v[i];
    for (uint32_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && less(v[child], v[child + 1]))
            child++;
        if (!less(moved, v[child]))
            break;
        v[i] = v[child];
        i = child;
    }
    v[i] = moved;
}

static void sort(double *v, uint32_t n)
{
    for (uint32_t i = n / 2; i > 0; i--)
        sift(v, i - 1, n);
    for (uint32_t end = n; end > 1; end--) {
        double top = v[0];
        v[0] = v[end - 1];
        v[end - 1] = top;
        sift(v, 0, end - 1);
    }
}

double ax_promql_quantile(double q, double *v, uint32_t n)
{
    if (n == 0 || isnan(q))
        return NAN;
    if (q < 0)
        return -INFINITY;
    if (q > 1)
        return INFINITY;
    sort(v, n);
    double rank = q * (n - 1), low = floor(rank), weight = rank - low;
    uint32_t i = (uint32_t)low, k = i + 1 < n ? i + 1 : n - 1;
    return v[i] * (1 - weight) + v[k] * weight;
}

/* Insertion sort: buckets come nearly sorted and are few. */
static void sort_buckets(struct ax_bucket *v, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct ax_bucket moved = v[i];
        uint32_t k = i;
        for (; k > 0 && v[k - 1].upper > moved.upper; k--)
            v[k] = v[k - 1];
        v[k] = moved;
    }
}

/* Add up buckets with one bound; returns how many remain. */
static uint32_t coalesce(struct ax_bucket *v, uint32_t n)
{
    uint32_t last = 0;
    for (uint32_t i = 1; i < n; i++) {
        if (v[i].upper == v[last].upper)
            v[last].count += v[i].count;
        else
            v[++last] = v[i];
    }
    return last + 1;
}

/* Counts that fall, or rise by no more than the rounding of a rate, are those of the bucket before. */
static void make_monotonic(struct ax_bucket *v, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        double before = v[i - 1].count;
        if (v[i].count < before || fabs(v[i].count - before) <= 1e-12 * v[i].count)
            v[i].count = before;
    }
}

double ax_bucket_quantile(double q, struct ax_bucket *v, uint32_t n)
{
    if (isnan(q))
        return NAN;
    if (q < 0)
        return -INFINITY;
    if (q > 1)
        return INFINITY;
    sort_buckets(v, n);
    if (!(isinf(v[n - 1].upper) && v[n - 1].upper > 0))
        return NAN;
    n = coalesce(v, n);
    make_monotonic(v, n);
    double all = v[n - 1].count;
    if (n < 2 || all == 0)
        return NAN;
    double rank = q * all;
    uint32_t b = 0;
    while (b < n - 1 && !(v[b].count >= rank))
        b++;
    if (b == n - 1)
        return v[n - 2].upper;
    if (b == 0 && v[0].upper <= 0)
        return v[0].upper;
    double start = 0, count = v[b].count;
    if (b > 0) {
        start = v[b - 1].upper;
        count -= v[b - 1].count;
        rank -= v[b - 1].count;
    }
    return start + (v[b].upper - start) * (rank / count);
}
