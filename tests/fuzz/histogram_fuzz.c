/* Arithmetic of native histograms on any two messages that are good (the first byte says where the second
 * begins): nothing is lost or counted twice when they are added, and the rest ends without harm. */
#include "base/assert.h"
#include "expr/native.h"
#include "prom/histogram.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static double in_buckets(const struct ax_float_histogram *h)
{
    double n = h->schema == AX_SCHEMA_CUSTOM ? 0 : h->zero_count;
    for (uint32_t i = 0; i < h->positive.n; i++)
        n += h->positive.v[i].count;
    for (uint32_t i = 0; i < h->negative.n; i++)
        n += h->negative.v[i].count;
    return n;
}

/* Bucket numbers rise. */
static void check_side(const struct ax_histogram_side *s)
{
    for (uint32_t i = 1; i < s->n; i++)
        AX_ASSERT(s->v[i - 1].index < s->v[i].index);
}

/* Is every bucket at least in part beyond the zero bucket? What is not, PromQL takes to be in it already. */
static bool is_proper(const struct ax_float_histogram *h)
{
    return h->schema == AX_SCHEMA_CUSTOM ||
           ((h->positive.n == 0 || ax_native_bound(h, h->positive.v[0].index) > h->zero_threshold) &&
            (h->negative.n == 0 || ax_native_bound(h, h->negative.v[0].index) > h->zero_threshold));
}

static void add(const struct ax_float_histogram *a, const struct ax_float_histogram *b,
                struct ax_arena *arena)
{
    struct ax_float_histogram sum;
    AX_ASSERT(ax_native_copy(a, arena, &sum) == AX_OK);
    enum ax_err err = ax_native_add(&sum, b, 1, arena);
    AX_ASSERT((err == AX_CONFLICT) == ((a->schema == AX_SCHEMA_CUSTOM) != (b->schema == AX_SCHEMA_CUSTOM)));
    if (err != AX_OK)
        return;
    check_side(&sum.positive);
    check_side(&sum.negative);
    double want = in_buckets(a) + in_buckets(b), got = in_buckets(&sum);
    if (isfinite(want) && is_proper(a) && is_proper(b))
        AX_ASSERT(fabs(got - want) <= 1e-9 * fabs(want));
    if (isfinite(sum.count) && sum.count >= 0)
        (void)ax_native_quantile(0.5, &sum);
    ax_native_divide(&sum, 3);
    ax_native_compact(&sum);
    AX_ASSERT(ax_native_move_mean(&sum, b, 2, arena) == AX_OK);
}

static bool read(struct ax_str bytes, struct ax_arena *arena, struct ax_float_histogram *out)
{
    struct ax_histogram h;
    return ax_histogram_read(bytes, &h) && h.fault[0] == '\0' &&
           ax_float_histogram_read(bytes, arena, out) == AX_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ax_arena arena;
    struct ax_float_histogram a, b;
    if (size == 0 || data[0] >= size)
        return 0;
    ax_arena_init(&arena, 256u << 20);
    const char *p = (const char *)data + 1;
    size_t n = data[0];
    if (read((struct ax_str){p, n}, &arena, &a) && read((struct ax_str){p + n, size - 1 - n}, &arena, &b)) {
        add(&a, &b, &arena);
        add(&b, &a, &arena);
        (void)ax_native_is_reset(&a, &b);
        AX_ASSERT(a.reset || isnan(a.count) || !ax_native_is_reset(&a, &a));
        for (double q = 0; q <= 1; q += 0.25)
            (void)ax_native_quantile(q, &a);
    }
    ax_arena_done(&arena);
    return 0;
}
