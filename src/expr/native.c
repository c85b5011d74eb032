/* native.c: histograms added, scaled and compared. Two lists of buckets are walked side by side by a cursor
 * that numbers the buckets of each as the result numbers them. */
#include "expr/native.h"

#include <float.h>
#include <math.h>

static bool is_custom(const struct ax_float_histogram *h)
{
    return h->schema == AX_SCHEMA_CUSTOM;
}

/* base^index; the bound of the last bucket with numbers in it is the largest number, for behind it come those
 * of infinite observations. Rounded once, from long double. */
static double exponential_bound(int32_t index, int32_t schema)
{
    long exponent = schema < 0 ? (long)index * (1L << -schema) : index >> schema;
    long part = schema < 0 ? 0 : index & ((1L << schema) - 1);
    if (exponent == DBL_MAX_EXP && part == 0)
        return DBL_MAX;
    if (exponent > 2L * DBL_MAX_EXP)
        return INFINITY;
    if (exponent < -4L * DBL_MAX_EXP)
        return 0;
    double fraction = part ? (double)exp2l((long double)part / (long double)(1L << schema)) : 1;
    return ldexp(fraction, (int)exponent);
}

double ax_native_bound(const struct ax_float_histogram *h, int32_t index)
{
    if (!is_custom(h))
        return exponential_bound(index, h->schema);
    if (index < 0)
        return -INFINITY;
    return (uint32_t)index < h->bounds_n ? h->bounds[index] : (double)INFINITY;
}

/* ---- two lists of buckets, side by side ---- */

/* The buckets of one side, numbered as another histogram can number them too. */
struct cursor {
    const struct ax_float_histogram *h, *other;
    const struct ax_histogram_side *side;
    uint32_t i;
    unsigned shift;
    bool remap; /* custom buckets whose bounds differ from the other's */
};

static bool same_bounds(const struct ax_float_histogram *a, const struct ax_float_histogram *b)
{
    if (a->bounds_n != b->bounds_n)
        return false;
    for (uint32_t i = 0; i < a->bounds_n; i++)
        if (a->bounds[i] != b->bounds[i])
            return false;
    return true;
}

static struct cursor cursor_of(const struct ax_float_histogram *h, const struct ax_float_histogram *other,
                               bool negative)
{
    struct cursor c = {.h = h, .other = other, .side = negative ? &h->negative : &h->positive};
    if (is_custom(h))
        c.remap = !same_bounds(h, other);
    else if (h->schema > other->schema)
        c.shift = (unsigned)(h->schema - other->schema);
    return c;
}

/* How many bounds both histograms have below x: the number of the bucket that x falls into. out may be NULL,
 * or gets them. */
static uint32_t common_bounds(const struct ax_float_histogram *a, const struct ax_float_histogram *b,
                              double x, double *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0, k = 0; i < a->bounds_n && k < b->bounds_n && a->bounds[i] < x;) {
        if (a->bounds[i] == b->bounds[k]) {
            if (out)
                out[n] = a->bounds[i];
            n++;
            i++;
            k++;
        } else if (a->bounds[i] < b->bounds[k]) {
            i++;
        } else {
            k++;
        }
    }
    return n;
}

static int32_t number_of(const struct cursor *c, int32_t index)
{
    if (!c->remap)
        return ax_histogram_coarse_index(index, c->shift);
    return (int32_t)common_bounds(c->h, c->other, ax_native_bound(c->h, index), NULL);
}

/* The next bucket: all neighbours that have one number now. False at the end. */
static bool next_bucket(struct cursor *c, struct ax_histogram_bucket *out)
{
    const struct ax_histogram_side *s = c->side;
    if (c->i >= s->n)
        return false;
    *out = (struct ax_histogram_bucket){number_of(c, s->v[c->i].index), 0};
    do {
        out->count += s->v[c->i++].count;
    } while (c->i < s->n && number_of(c, s->v[c->i].index) == out->index);
    return true;
}

/* The first bucket beyond a zero bucket that is as wide as this; false when there is none. What is within is
 * passed over before neighbours become one: it is counted in the zero bucket. */
static bool first_beyond(struct cursor *c, double threshold, struct ax_histogram_bucket *out)
{
    const struct ax_histogram_side *s = c->side;
    while (!is_custom(c->h) && c->i < s->n && ax_native_bound(c->h, s->v[c->i].index) <= threshold)
        c->i++;
    return next_bucket(c, out);
}

/* ---- the zero bucket ---- */

/* What is in the zero bucket when it is widened to *threshold, which moves on to the bound of a bucket that
 * it would cut in two. */
static double widened_zero(const struct ax_float_histogram *h, double *threshold)
{
    const struct ax_histogram_side *sides[] = {&h->positive, &h->negative};
    double count = h->zero_count;
    if (*threshold == h->zero_threshold)
        return count;
    for (int k = 0; k < 2; k++) {
        const struct ax_histogram_side *s = sides[k];
        double before = *threshold;
        for (uint32_t i = 0; i < s->n && ax_native_bound(h, s->v[i].index - 1) < *threshold; i++) {
            double upper = ax_native_bound(h, s->v[i].index);
            count += s->v[i].count;
            if (upper <= *threshold)
                continue;
            if (s->v[i].count != 0)
                *threshold = upper;
            break;
        }
        if (k == 1 && *threshold != before) { /* the positive side is to be looked at again */
            count = h->zero_count;
            k = -1;
        }
    }
    return count;
}

static void drop_below(struct ax_float_histogram *h, struct ax_histogram_side *s)
{
    uint32_t n = 0;
    while (n < s->n && ax_native_bound(h, s->v[n].index - 1) < h->zero_threshold)
        n++;
    s->v += n;
    s->n -= n;
}

/* Give h the wider of the two zero buckets; returns what other has in it. */
static double share_zero(struct ax_float_histogram *h, const struct ax_float_histogram *other)
{
    double threshold = other->zero_threshold, count = other->zero_count;
    while (threshold < h->zero_threshold || threshold > h->zero_threshold) {
        if (threshold < h->zero_threshold) {
            threshold = h->zero_threshold;
            count = widened_zero(other, &threshold);
        }
        if (threshold > h->zero_threshold) {
            double wider = threshold;
            h->zero_count = widened_zero(h, &wider);
            h->zero_threshold = wider;
            drop_below(h, &h->positive);
            drop_below(h, &h->negative);
            ax_native_compact(h);
        }
    }
    return count;
}

/* ---- operations ---- */

static enum ax_err copy_side(const struct ax_histogram_side *from, struct ax_arena *arena,
                             struct ax_histogram_side *to)
{
    struct ax_histogram_bucket *v = ax_arena_array(arena, from->n, sizeof *v);
    if (!v)
        return AX_NOMEM;
    if (from->n)
        memcpy(v, from->v, from->n * sizeof *v);
    *to = (struct ax_histogram_side){v, from->n};
    return AX_OK;
}

enum ax_err ax_native_copy(const struct ax_float_histogram *h, struct ax_arena *arena,
                           struct ax_float_histogram *out)
{
    *out = *h;
    double *bounds = ax_arena_array(arena, h->bounds_n, sizeof *bounds);
    if (!bounds)
        return AX_NOMEM;
    if (h->bounds_n)
        memcpy(bounds, h->bounds, h->bounds_n * sizeof *bounds);
    out->bounds = bounds;
    enum ax_err err = copy_side(&h->positive, arena, &out->positive);
    return err == AX_OK ? copy_side(&h->negative, arena, &out->negative) : err;
}

/* One side of h + sign * other; h keeps its buckets. */
static enum ax_err add_side(const struct ax_float_histogram *h, const struct ax_float_histogram *other,
                            double sign, bool negative, struct ax_arena *arena, struct ax_histogram_side *out)
{
    struct cursor a = cursor_of(h, other, negative), b = cursor_of(other, h, negative);
    struct ax_histogram_bucket x, y, *v = ax_arena_array(arena, a.side->n + b.side->n, sizeof *v);
    if (!v)
        return AX_NOMEM;
    uint32_t n = 0;
    bool has_x = next_bucket(&a, &x), has_y = first_beyond(&b, h->zero_threshold, &y);
    while (has_x || has_y) {
        struct ax_histogram_bucket sum = {0, 0};
        bool take_x = has_x && (!has_y || x.index <= y.index),
             take_y = has_y && (!has_x || y.index <= x.index);
        if (take_x) {
            sum = x;
            has_x = next_bucket(&a, &x);
        }
        if (take_y) {
            sum = (struct ax_histogram_bucket){y.index, sum.count + sign * y.count};
            has_y = next_bucket(&b, &y);
        }
        v[n++] = sum;
    }
    *out = (struct ax_histogram_side){v, n};
    return AX_OK;
}

enum ax_err ax_native_add(struct ax_float_histogram *h, const struct ax_float_histogram *other, double sign,
                          struct ax_arena *arena)
{
    if (is_custom(h) != is_custom(other))
        return AX_CONFLICT;
    if (!is_custom(h))
        h->zero_count += sign * share_zero(h, other);
    h->count += sign * other->count;
    h->sum += sign * other->sum;
    struct ax_float_histogram was = *h;
    enum ax_err err = add_side(&was, other, sign, false, arena, &h->positive);
    if (err == AX_OK)
        err = add_side(&was, other, sign, true, arena, &h->negative);
    if (!is_custom(h) && other->schema < h->schema)
        h->schema = other->schema;
    if (err != AX_OK || !is_custom(h) || same_bounds(h, other))
        return err;
    double *bounds = ax_arena_array(arena, h->bounds_n, sizeof *bounds);
    if (!bounds)
        return AX_NOMEM;
    h->bounds_n = common_bounds(&was, other, INFINITY, bounds);
    h->bounds = bounds;
    ax_native_compact(h);
    return AX_OK;
}

static void multiply_side(struct ax_histogram_side *s, double factor)
{
    for (uint32_t i = 0; i < s->n; i++)
        s->v[i].count *= factor;
}

void ax_native_multiply(struct ax_float_histogram *h, double factor)
{
    h->zero_count *= factor;
    h->count *= factor;
    h->sum *= factor;
    multiply_side(&h->positive, factor);
    multiply_side(&h->negative, factor);
}

static void divide_side(struct ax_histogram_side *s, double divisor)
{
    for (uint32_t i = 0; i < s->n; i++)
        s->v[i].count /= divisor;
    if (divisor == 0)
        s->n = 0;
}

void ax_native_divide(struct ax_float_histogram *h, double divisor)
{
    h->zero_count /= divisor;
    h->count /= divisor;
    h->sum /= divisor;
    divide_side(&h->positive, divisor);
    divide_side(&h->negative, divisor);
}

enum ax_err ax_native_move_mean(struct ax_float_histogram *h, const struct ax_float_histogram *other,
                                double n, struct ax_arena *arena)
{
    struct ax_float_histogram step, share;
    enum ax_err err = ax_native_copy(other, arena, &step);
    if (err == AX_OK)
        err = ax_native_copy(h, arena, &share);
    if (err != AX_OK)
        return err;
    ax_native_divide(&step, n);
    ax_native_divide(&share, n);
    err = ax_native_add(&step, &share, -1, arena);
    return err == AX_OK ? ax_native_add(h, &step, 1, arena) : err;
}

static void compact_side(struct ax_histogram_side *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        if (s->v[i].count != 0)
            s->v[n++] = s->v[i];
    s->n = n;
}

void ax_native_compact(struct ax_float_histogram *h)
{
    compact_side(&h->positive);
    compact_side(&h->negative);
}

/* Has a bucket of prev more in it than that of h? */
static bool is_less(const struct ax_float_histogram *h, const struct ax_float_histogram *prev, bool negative)
{
    struct cursor now = cursor_of(h, prev, negative), before = cursor_of(prev, h, negative);
    struct ax_histogram_bucket x, y;
    bool has_x = first_beyond(&now, h->zero_threshold, &x),
         has_y = first_beyond(&before, h->zero_threshold, &y);
    for (; has_y; has_y = next_bucket(&before, &y)) {
        while (has_x && x.index < y.index)
            has_x = next_bucket(&now, &x);
        bool there = has_x && x.index == y.index;
        if (there ? x.count < y.count : y.count != 0)
            return true;
    }
    return false;
}

bool ax_native_is_reset(const struct ax_float_histogram *h, const struct ax_float_histogram *prev)
{
    double threshold = h->zero_threshold;
    if (h->reset || h->count < prev->count || is_custom(h) != is_custom(prev))
        return true;
    if (is_custom(h))
        return is_less(h, prev, false);
    if (h->schema > prev->schema || threshold < prev->zero_threshold)
        return true;
    double zero_count = widened_zero(prev, &threshold);
    return threshold != h->zero_threshold || h->zero_count < zero_count || is_less(h, prev, false) ||
           is_less(h, prev, true);
}
