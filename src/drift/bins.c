/* bins.c: the walk over bins, Jensen-Shannon and chi-square. */
#include "drift/bins.h"

#include "math/special.h"

#include <math.h>

/* Distinct values of an ascending array, counted up to most + 1. */
static uint32_t distinct_values(const double *v, uint32_t n, uint32_t most)
{
    uint32_t count = n > 0;
    for (uint32_t i = 1; i < n && count <= most; i++)
        count += v[i] > v[i - 1];
    return count;
}

/* A walk over the bins of two windows, in ascending order. */
struct walk {
    const double *ref, *cur;
    uint32_t n, m, i, j; /* i and j values have been counted */
    bool distinct;
    double min, width, max;
    uint32_t bins_n, bin;
};

/* Begin a walk. O(n). */
static struct walk begin(const double *ref, uint32_t n, const double *cur, uint32_t m)
{
    struct walk b = {.ref = ref, .cur = cur, .n = n, .m = m};
    b.distinct = distinct_values(ref, n, AX_DRIFT_DISTINCT_MAX) <= AX_DRIFT_DISTINCT_MAX;
    b.min = fmin(ref[0], cur[0]);
    b.max = fmax(ref[n - 1], cur[m - 1]);
    const double range = b.max - b.min, wish = range / (log2((double)n + m) + 1);
    const double bins = ceil(range / wish); /* as NumPy; not so of numbers too near to each other to divide */
    b.bins_n = b.distinct ? 0 : (uint32_t)(isfinite(bins) ? bins : ceil(log2((double)n + m) + 1));
    b.width = b.distinct ? 0 : range / b.bins_n;
    return b;
}

/* Count the next bin in both windows; false at the end. */
static bool next_bin(struct walk *b, uint32_t *in_ref, uint32_t *in_cur)
{
    const uint32_t i = b->i, j = b->j;
    if (b->distinct) {
        if (i == b->n && j == b->m)
            return false;
        const double value = i < b->n && (j == b->m || b->ref[i] <= b->cur[j]) ? b->ref[i] : b->cur[j];
        while (b->i < b->n && b->ref[b->i] <= value)
            b->i++;
        while (b->j < b->m && b->cur[b->j] <= value)
            b->j++;
    } else {
        if (b->bin == b->bins_n)
            return false;
        b->bin++;
        const bool last = b->bin == b->bins_n;
        const double end = b->min + b->width * b->bin;
        while (b->i < b->n && (last || b->ref[b->i] < end))
            b->i++;
        while (b->j < b->m && (last || b->cur[b->j] < end))
            b->j++;
    }
    *in_ref = b->i - i;
    *in_cur = b->j - j;
    return true;
}

uint32_t ax_drift_distinct(const double *ref, uint32_t n, const double *cur, uint32_t m, uint32_t most)
{
    struct walk b = {.ref = ref, .cur = cur, .n = n, .m = m, .distinct = true};
    uint32_t count = 0, in_ref, in_cur;
    while (count <= most && next_bin(&b, &in_ref, &in_cur))
        count++;
    return count;
}

double ax_drift_js_sorted(const double *ref, uint32_t n, const double *cur, uint32_t m)
{
    struct walk b = begin(ref, n, cur, m);
    uint32_t in_ref, in_cur;
    double sum = 0;
    while (next_bin(&b, &in_ref, &in_cur)) {
        const double p = (double)in_ref / n, q = (double)in_cur / m, middle = (p + q) / 2;
        sum += in_ref ? p * log(p / middle) : 0;
        sum += in_cur ? q * log(q / middle) : 0;
    }
    return sqrt(fmax(sum, 0) / 2);
}

struct ax_drift_chi ax_drift_chi_square(const double *ref, uint32_t n, const double *cur, uint32_t m,
                                        double thin)
{
    struct walk b = {.ref = ref, .cur = cur, .n = n, .m = m, .distinct = true};
    struct ax_drift_chi chi = {.p_value = 1};
    const double all = (double)n + m;
    uint32_t in_ref, in_cur, categories = 0;
    while (next_bin(&b, &in_ref, &in_cur)) {
        const double both = (double)in_ref + in_cur, of_ref = both * n / all, of_cur = both * m / all;
        chi.statistic +=
            (in_ref - of_ref) * (in_ref - of_ref) / of_ref + (in_cur - of_cur) * (in_cur - of_cur) / of_cur;
        categories++;
    }
    chi.df = categories - 1;
    chi.v = sqrt(chi.statistic / all);
    if (chi.df)
        chi.p_value = ax_gamma_q(0.5 * chi.df, 0.5 * chi.statistic / fmax(thin, 1));
    return chi;
}
