/* histogram_oracle.c: rule by rule over whole arrays, as the documentation words them; nothing is shared with
 * the one pass of src/prom/histogram.c. */
#include "histogram_oracle.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

typedef Io__Prometheus__Write__V2__Histogram histogram;
typedef Io__Prometheus__Write__V2__BucketSpan span;

/* No sum of 64-bit numbers overflows it. */
__extension__ typedef __int128 wide;

static bool is_float(const histogram *h)
{
    return h->count_case == IO__PROMETHEUS__WRITE__V2__HISTOGRAM__COUNT_COUNT_FLOAT;
}

static bool spans_good(span *const *v, size_t n, size_t buckets)
{
    wide need = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && v[i]->offset < 0)
            return false;
        need += v[i]->length;
    }
    return need == (wide)buckets;
}

static bool counts_good(const double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (v[i] < 0)
            return false;
    return true;
}

/* No bucket below zero; adds the observations to *total. */
static bool deltas_good(const int64_t *v, size_t n, wide *total)
{
    wide count = 0;
    for (size_t i = 0; i < n; i++) {
        count += v[i];
        if (count < 0 || count > INT64_MAX)
            return false;
        *total += count;
    }
    return true;
}

static bool custom_good(const histogram *h)
{
    bool zero_int = h->zero_count_case == IO__PROMETHEUS__WRITE__V2__HISTOGRAM__ZERO_COUNT_ZERO_COUNT_INT,
         zero_float = h->zero_count_case == IO__PROMETHEUS__WRITE__V2__HISTOGRAM__ZERO_COUNT_ZERO_COUNT_FLOAT;
    if (h->zero_threshold != 0 ||
        (is_float(h) ? zero_float && h->zero_count_float != 0 : zero_int && h->zero_count_int))
        return false;
    if (h->n_negative_spans || (is_float(h) ? h->n_negative_counts : h->n_negative_deltas))
        return false;
    for (size_t i = 0; i < h->n_custom_values; i++)
        if (!isfinite(h->custom_values[i]) || (i > 0 && h->custom_values[i] <= h->custom_values[i - 1]))
            return false;
    wide last = 0;
    for (size_t i = 0; i < h->n_positive_spans; i++) {
        if (h->positive_spans[i]->offset < 0)
            return false;
        last += (wide)h->positive_spans[i]->offset + h->positive_spans[i]->length;
    }
    return last <= (wide)h->n_custom_values + 1;
}

bool histogram_oracle_v2(const Io__Prometheus__Write__V2__Histogram *h)
{
    bool f = is_float(h);
    if (isnan(h->zero_threshold) || h->zero_threshold < 0)
        return false;
    if (h->schema == -53 ? !custom_good(h) : h->schema < -4 || h->schema > 52 || h->n_custom_values)
        return false;
    if (!spans_good(h->negative_spans, h->n_negative_spans,
                    f ? h->n_negative_counts : h->n_negative_deltas) ||
        !spans_good(h->positive_spans, h->n_positive_spans, f ? h->n_positive_counts : h->n_positive_deltas))
        return false;
    if (f)
        return counts_good(h->negative_counts, h->n_negative_counts) &&
               counts_good(h->positive_counts, h->n_positive_counts);
    wide total = 0, count = 0;
    if (h->zero_count_case == IO__PROMETHEUS__WRITE__V2__HISTOGRAM__ZERO_COUNT_ZERO_COUNT_INT)
        total += h->zero_count_int;
    if (h->count_case == IO__PROMETHEUS__WRITE__V2__HISTOGRAM__COUNT_COUNT_INT)
        count = h->count_int;
    return deltas_good(h->negative_deltas, h->n_negative_deltas, &total) &&
           deltas_good(h->positive_deltas, h->n_positive_deltas, &total) &&
           (isnan(h->sum) ? total <= count : total == count);
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Number the buckets one by one, put together those that a coarser schema does, and compare. */
static bool same_side(span *const *spans, size_t spans_n, const int64_t *deltas, const double *counts, bool f,
                      int shift, const struct ax_histogram_side *side)
{
    size_t n = 0, k = 0;
    int64_t index = 0, current = 0, last = INT64_MIN;
    double sum = 0;
    bool same = true;
    for (size_t i = 0; i < spans_n; i++) {
        index += spans[i]->offset;
        for (uint32_t j = 0; j < spans[i]->length; j++, index++, k++) {
            int64_t target = shift ? ((index - 1) >> shift) + 1 : index;
            current += f ? 0 : deltas[k];
            double count = f ? counts[k] : (double)current;
            sum = target == last ? sum + count : count;
            n += target != last;
            last = target;
            same = same && n <= side->n && side->v[n - 1].index == target;
            bool whole = j + 1 == spans[i]->length && i + 1 == spans_n; /* the last bucket of all */
            int64_t next = index + 1 + (j + 1 == spans[i]->length && !whole ? spans[i + 1]->offset : 0);
            if (same && (whole || !shift || ((next - 1) >> shift) + 1 != target))
                same = same_number(side->v[n - 1].count, sum);
        }
    }
    return same && n == side->n;
}

bool histogram_oracle_value_v2(const histogram *h, const struct ax_float_histogram *v)
{
    bool f = is_float(h);
    int shift = h->schema > 8 ? (h->schema < 39 ? h->schema - 8 : 31) : 0;
    double count = f ? h->count_float
                   : h->count_case == IO__PROMETHEUS__WRITE__V2__HISTOGRAM__COUNT_COUNT_INT
                       ? (double)h->count_int
                       : 0;
    return v->schema == (h->schema > 8 ? 8 : h->schema) && v->bounds_n == h->n_custom_values &&
           (v->count == count || isnan(count)) && v->reset == (h->reset_hint == 1) &&
           same_side(h->positive_spans, h->n_positive_spans, h->positive_deltas, h->positive_counts, f, shift,
                     &v->positive) &&
           same_side(h->negative_spans, h->n_negative_spans, h->negative_deltas, h->negative_counts, f, shift,
                     &v->negative);
}

bool histogram_oracle_v1(const Prometheus__Histogram *h)
{
    uint8_t *bytes = malloc(prometheus__histogram__get_packed_size(h) + 1);
    size_t n = prometheus__histogram__pack(h, bytes);
    histogram *same = io__prometheus__write__v2__histogram__unpack(NULL, n, bytes);
    bool good = same && histogram_oracle_v2(same);
    io__prometheus__write__v2__histogram__free_unpacked(same, NULL);
    free(bytes);
    return good;
}
