/* native_quantile.c: the buckets from one end to the other, as far as the rank. */
#include "expr/native.h"

#include <math.h>

/* Buckets from the lowest to the highest: the negative ones, the zero bucket, the positive ones. */
static uint32_t places_n(const struct ax_float_histogram *h)
{
    return h->negative.n + 1 + h->positive.n;
}

/* Observations in the bucket at a place; false when there is no such bucket. */
static bool count_at(const struct ax_float_histogram *h, uint32_t place, double *out)
{
    if (place == h->negative.n) {
        *out = h->zero_count;
        return h->schema != AX_SCHEMA_CUSTOM && h->zero_count > 0;
    }
    *out = place < h->negative.n ? h->negative.v[h->negative.n - 1 - place].count
                                 : h->positive.v[place - h->negative.n - 1].count;
    return true;
}

struct range {
    double lower, upper;
};

static bool is_populated(const struct ax_histogram_side *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->v[i].count != 0)
            return true;
    return false;
}

/* From where to where a quantile in the bucket at a place is looked for. */
static struct range range_at(const struct ax_float_histogram *h, uint32_t place)
{
    struct range r = {-h->zero_threshold, h->zero_threshold};
    if (place ==
        h->negative.n) { /* observations of one sign in other buckets: of that sign in this one too */
        bool below = is_populated(&h->negative), above = is_populated(&h->positive);
        if (above && !below)
            r.lower = 0;
        else if (below && !above)
            r.upper = 0;
        return r;
    }
    bool negative = place < h->negative.n;
    int32_t index = negative ? h->negative.v[h->negative.n - 1 - place].index
                             : h->positive.v[place - h->negative.n - 1].index;
    double inner = ax_native_bound(h, index - 1), outer = ax_native_bound(h, index);
    if (h->schema != AX_SCHEMA_CUSTOM && inner > 0 && inner < h->zero_threshold)
        inner = h->zero_threshold;
    return negative ? (struct range){-outer, -inner} : (struct range){inner, outer};
}

/* The value at this fraction of a bucket. */
static double interpolate(const struct ax_float_histogram *h, struct range r, double fraction)
{
    if (h->schema == AX_SCHEMA_CUSTOM || (r.lower <= 0 && r.upper >= 0))
        return r.lower + (r.upper - r.lower) * fraction;
    double lower = log2(fabs(r.lower)), upper = log2(fabs(r.upper));
    if (r.lower > 0)
        return exp2(lower + (upper - lower) * fraction);
    return -exp2(upper + (lower - upper) * (1 - fraction));
}

double ax_native_quantile(double q, const struct ax_float_histogram *h)
{
    if (q < 0)
        return -INFINITY;
    if (q > 1)
        return INFINITY;
    if (h->count == 0 || isnan(q))
        return NAN;
    /* Observations of NaN are in the count and in no bucket: then ranks are known from below alone. */
    bool upwards = isnan(h->sum) || q < 0.5;
    double rank = (upwards ? q : 1 - q) * h->count, passed = 0, here = 0;
    struct range r = {0, 0};
    uint32_t n = places_n(h), place = n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t next = upwards ? i : n - 1 - i;
        if (!count_at(h, next, &here))
            continue;
        place = next;
        passed += here;
        if (here != 0 && passed >= rank)
            break;
    }
    here = 0;
    if (place < n) {
        (void)count_at(h, place, &here);
        r = range_at(h, place);
    }
    if (h->schema == AX_SCHEMA_CUSTOM && isinf(r.lower)) {
        if (r.upper <= 0)
            return r.upper;
        r.lower = 0;
    } else if (h->schema == AX_SCHEMA_CUSTOM && isinf(r.upper)) {
        return r.lower;
    }
    if (passed > h->count)
        passed = h->count;
    if (passed < rank)
        return isnan(h->sum) ? (double)NAN : r.upper;
    rank = upwards ? rank - (passed - here) : passed - rank;
    return interpolate(h, r, rank / here);
}
