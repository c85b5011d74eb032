/* native_range.c: the functions over a range that has native histograms. */
#include "expr/bound.h"

#include <math.h>

static bool is_custom(const struct ax_float_histogram *h)
{
    return h->schema == AX_SCHEMA_CUSTOM;
}

/* What the histograms can all be brought to: the coarsest schema. AX_CONFLICT when some have custom buckets.
 */
static enum ax_err common_schema(const struct ax_range *r, const struct ax_float_histogram *first,
                                 int32_t *out)
{
    *out = first->schema;
    for (uint32_t i = 1; i < r->h_n; i++) {
        const struct ax_float_histogram *h = &r->h[i].h;
        if (is_custom(h) != is_custom(first))
            return AX_CONFLICT;
        if (h->schema < *out)
            *out = h->schema;
    }
    return AX_OK;
}

/* The change from the first histogram to the last; of a counter, what it was before each reset is added. If
 * the second begins anew, the first is of no interest, whatever buckets it has. */
static enum ax_err change(const struct ax_range *r, bool counter, struct ax_arena *arena,
                          struct ax_float_histogram *out)
{
    const struct ax_float_histogram *prev = &r->h[0].h, *second = &r->h[1].h, *last = &r->h[r->h_n - 1].h;
    const struct ax_float_histogram nothing = {
        .schema = second->schema, .bounds = second->bounds, .bounds_n = second->bounds_n};
    int32_t schema = prev->schema < last->schema ? prev->schema : last->schema;
    if (counter && ax_native_is_reset(second, prev))
        prev = &nothing;
    enum ax_err err = counter ? common_schema(r, prev, &schema) : AX_OK;
    if (err == AX_OK)
        err = is_custom(prev) == is_custom(last) ? ax_native_copy(last, arena, out) : AX_CONFLICT;
    if (err != AX_OK)
        return err;
    unsigned shift = is_custom(last) ? 0 : (unsigned)(last->schema - schema);
    ax_histogram_coarsen(&out->positive, shift);
    ax_histogram_coarsen(&out->negative, shift);
    out->schema = schema;
    err = ax_native_add(out, prev, -1, arena);
    for (uint32_t i = 1; err == AX_OK && counter && i < r->h_n; i++) {
        const struct ax_float_histogram *h = &r->h[i].h;
        if (ax_native_is_reset(h, prev))
            err = ax_native_add(out, prev, 1, arena);
        prev = h;
    }
    return err;
}

/* rate, increase and delta. */
static enum ax_err extrapolated(const struct ax_range *r, bool counter, bool per_second,
                                struct ax_arena *arena, enum ax_range_value *what,
                                struct ax_float_histogram *out)
{
    if (r->n)
        return AX_CONFLICT;
    if (r->h_n < 2)
        return AX_OK;
    enum ax_err err = change(r, counter, arena, out);
    if (err != AX_OK)
        return err;
    double first = r->h[0].h.count, share = INFINITY;
    if (counter && out->count > 0 && first >= 0)
        share = first / out->count;
    ax_native_multiply(out,
                       ax_range_factor(r, r->h[0].t_ms, r->h[r->h_n - 1].t_ms, r->h_n, share, per_second));
    ax_native_compact(out);
    *what = AX_RANGE_HISTOGRAM;
    return AX_OK;
}

/* The functions of numbers see the numbers of the range alone. */
static enum ax_err of_numbers(enum ax_function f, const struct ax_range *r, enum ax_range_value *what,
                              double *out)
{
    if (r->n == 0)
        return AX_CONFLICT;
    *what = ax_range_apply(f, r, out) ? AX_RANGE_NUMBER : AX_RANGE_NOTHING;
    return AX_OK;
}

/* irate: the last two, whatever they are. */
static enum ax_err irate(const struct ax_range *r, struct ax_arena *arena, enum ax_range_value *what,
                         double *out_number, struct ax_float_histogram *out)
{
    const struct ax_histogram_point *b = &r->h[r->h_n - 1], *a = b - 1;
    if (r->n && r->v[r->n - 1].t_ms > b->t_ms)
        return r->n > 1 && r->v[r->n - 2].t_ms > b->t_ms ? of_numbers(AX_FN_IRATE, r, what, out_number)
                                                         : AX_CONFLICT;
    if (r->n && (r->h_n < 2 || r->v[r->n - 1].t_ms > a->t_ms))
        return AX_CONFLICT;
    if (r->h_n < 2)
        return AX_OK;
    enum ax_err err = ax_native_copy(&b->h, arena, out);
    if (err == AX_OK && !ax_native_is_reset(&b->h, &a->h))
        err = ax_native_add(out, &a->h, -1, arena);
    if (err != AX_OK)
        return err;
    ax_native_compact(out);
    ax_native_divide(out, (double)(b->t_ms - a->t_ms) / 1000);
    *what = AX_RANGE_HISTOGRAM;
    return AX_OK;
}

/* sum_over_time and avg_over_time; the mean is moved step by step, as PromQL does it. */
static enum ax_err added(const struct ax_range *r, bool mean, struct ax_arena *arena,
                         enum ax_range_value *what, struct ax_float_histogram *out)
{
    if (r->n)
        return AX_CONFLICT;
    enum ax_err err = ax_native_copy(&r->h[0].h, arena, out);
    for (uint32_t i = 1; err == AX_OK && i < r->h_n; i++)
        err = mean ? ax_native_move_mean(out, &r->h[i].h, i + 1, arena)
                   : ax_native_add(out, &r->h[i].h, 1, arena);
    *what = AX_RANGE_HISTOGRAM;
    return err;
}

/* A change between numbers and histograms is a reset too. */
static double resets(const struct ax_range *r)
{
    double n = 0;
    for (uint32_t i = 0, k = 0; i < r->n || k < r->h_n;) {
        bool number = k == r->h_n || (i < r->n && r->v[i].t_ms < r->h[k].t_ms);
        bool first = i + k == 0, after_number = i && (k == 0 || r->v[i - 1].t_ms > r->h[k - 1].t_ms);
        if (!first && number != after_number)
            n++;
        else if (!first && number)
            n += r->v[i].value < r->v[i - 1].value;
        else if (!first)
            n += ax_native_is_reset(&r->h[k].h, &r->h[k - 1].h);
        i += number;
        k += !number;
    }
    return n;
}

enum ax_err ax_range_apply_native(enum ax_function f, const struct ax_range *r, struct ax_arena *arena,
                                  enum ax_range_value *what, double *out, struct ax_float_histogram *out_h)
{
    *what = AX_RANGE_NOTHING;
    switch (f) {
    case AX_FN_RATE:
        return extrapolated(r, true, true, arena, what, out_h);
    case AX_FN_INCREASE:
        return extrapolated(r, true, false, arena, what, out_h);
    case AX_FN_DELTA:
        return extrapolated(r, false, false, arena, what, out_h);
    case AX_FN_IRATE:
        return irate(r, arena, what, out, out_h);
    case AX_FN_SUM_OVER_TIME:
        return added(r, false, arena, what, out_h);
    case AX_FN_AVG_OVER_TIME:
        return added(r, true, arena, what, out_h);
    case AX_FN_RESETS:
        *out = resets(r);
        *what = AX_RANGE_NUMBER;
        return AX_OK;
    case AX_FN_COUNT_OVER_TIME:
        *out = (double)r->n + r->h_n;
        *what = AX_RANGE_NUMBER;
        return AX_OK;
    case AX_FN_LAST_OVER_TIME:
        if (r->n && r->v[r->n - 1].t_ms > r->h[r->h_n - 1].t_ms)
            return of_numbers(f, r, what, out);
        *what = AX_RANGE_HISTOGRAM;
        return ax_native_copy(&r->h[r->h_n - 1].h, arena, out_h);
    default:
        return of_numbers(f, r, what, out);
    }
}
