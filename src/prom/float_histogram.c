/* float_histogram.c: one pass counts what there is, a second one fills the arrays; then spans number buckets.
 */
#include "prom/float_histogram.h"

/* At the finest schema that is computed with, 2^11 times 2^8 buckets reach over all doubles. */
#define INDEX_MAX (1 << 20)

/* One side while it is read. */
struct side {
    struct ax_histogram_span *spans;
    uint32_t spans_n, deltas_n, counts_n;
    int64_t current; /* count of the last bucket of deltas */
    struct ax_histogram_side out;
};

/* A message on its way. */
struct reading {
    struct side positive, negative;
    uint64_t raw[AX_HISTOGRAM_FIELD_N];
    bool is_float;
    double *bounds;
    uint32_t bounds_n;
};

static void measure(void *ctx, enum ax_histogram_field field, uint64_t bits,
                    const struct ax_histogram_span *span)
{
    struct reading *r = ctx;
    (void)span;
    switch (field) {
    case AX_HISTOGRAM_NEGATIVE_SPANS:
        r->negative.spans_n++;
        break;
    case AX_HISTOGRAM_POSITIVE_SPANS:
        r->positive.spans_n++;
        break;
    case AX_HISTOGRAM_NEGATIVE_DELTAS:
        r->negative.deltas_n++;
        break;
    case AX_HISTOGRAM_POSITIVE_DELTAS:
        r->positive.deltas_n++;
        break;
    case AX_HISTOGRAM_NEGATIVE_COUNTS:
        r->negative.counts_n++;
        break;
    case AX_HISTOGRAM_POSITIVE_COUNTS:
        r->positive.counts_n++;
        break;
    case AX_HISTOGRAM_CUSTOM_VALUES:
        r->bounds_n++;
        break;
    default:
        if (field == AX_HISTOGRAM_COUNT_INT || field == AX_HISTOGRAM_COUNT_FLOAT)
            r->is_float = field == AX_HISTOGRAM_COUNT_FLOAT;
        if (field == AX_HISTOGRAM_ZERO_COUNT_INT || field == AX_HISTOGRAM_ZERO_COUNT_FLOAT)
            r->raw[AX_HISTOGRAM_ZERO_COUNT_INT] = r->raw[AX_HISTOGRAM_ZERO_COUNT_FLOAT] = 0;
        r->raw[field] = bits;
    }
}

static void add_bucket(struct side *s, double count)
{
    s->out.v[s->out.n++].count = count;
}

static void add_delta(struct side *s, int64_t delta)
{
    s->current += delta;
    add_bucket(s, (double)s->current);
}

static void fill(void *ctx, enum ax_histogram_field field, uint64_t bits,
                 const struct ax_histogram_span *span)
{
    struct reading *r = ctx;
    bool negative = field <= AX_HISTOGRAM_NEGATIVE_COUNTS;
    struct side *s = negative ? &r->negative : &r->positive;
    switch (field) {
    case AX_HISTOGRAM_NEGATIVE_SPANS:
    case AX_HISTOGRAM_POSITIVE_SPANS:
        s->spans[s->spans_n++] = *span;
        break;
    case AX_HISTOGRAM_NEGATIVE_DELTAS:
    case AX_HISTOGRAM_POSITIVE_DELTAS:
        if (!r->is_float)
            add_delta(s, ax_unzigzag64(bits));
        break;
    case AX_HISTOGRAM_NEGATIVE_COUNTS:
    case AX_HISTOGRAM_POSITIVE_COUNTS:
        if (r->is_float)
            add_bucket(s, ax_bits_double(bits));
        break;
    case AX_HISTOGRAM_CUSTOM_VALUES:
        r->bounds[r->bounds_n++] = ax_bits_double(bits);
        break;
    default:
        break;
    }
}

/* Room for what was counted; counts begin anew. */
static bool make_room(struct side *s, bool is_float, struct ax_arena *arena)
{
    s->spans = ax_arena_array(arena, s->spans_n, sizeof *s->spans);
    s->out.v = ax_arena_array(arena, is_float ? s->counts_n : s->deltas_n, sizeof *s->out.v);
    s->spans_n = 0;
    return s->spans && s->out.v;
}

void ax_histogram_coarsen(struct ax_histogram_side *side, unsigned shift)
{
    uint32_t n = 0;
    for (uint32_t i = 0; shift && i < side->n; i++) {
        struct ax_histogram_bucket b = {ax_histogram_coarse_index(side->v[i].index, shift), side->v[i].count};
        if (n && side->v[n - 1].index == b.index)
            side->v[n - 1].count += b.count;
        else
            side->v[n++] = b;
    }
    if (shift)
        side->n = n;
}

/* Number the buckets by the spans, `shift` schemas coarser. False when they do not fit. */
static bool number(struct side *s, unsigned shift)
{
    int64_t index = 0;
    uint32_t k = 0;
    for (uint32_t i = 0; i < s->spans_n; i++) {
        index += s->spans[i].offset;
        if (index <= INT32_MIN || index + s->spans[i].length > INT32_MAX || s->spans[i].length > s->out.n - k)
            return false;
        for (uint32_t end = k + s->spans[i].length; k < end; k++)
            s->out.v[k].index = (int32_t)index++;
    }
    if (k != s->out.n)
        return false;
    ax_histogram_coarsen(&s->out, shift);
    return s->out.n == 0 || (s->out.v[0].index >= -INDEX_MAX && s->out.v[s->out.n - 1].index <= INDEX_MAX);
}

enum ax_err ax_float_histogram_read(struct ax_str bytes, struct ax_arena *arena,
                                    struct ax_float_histogram *out)
{
    struct reading r = {.is_float = false};
    if (!ax_histogram_walk(bytes, measure, &r))
        return AX_INVALID;
    r.bounds = ax_arena_array(arena, r.bounds_n, sizeof *r.bounds);
    r.bounds_n = 0;
    if (!r.bounds || !make_room(&r.positive, r.is_float, arena) || !make_room(&r.negative, r.is_float, arena))
        return AX_NOMEM;
    int32_t schema = ax_unzigzag32(r.raw[AX_HISTOGRAM_SCHEMA]);
    unsigned shift = schema > AX_SCHEMA_MAX ? (unsigned)(schema - AX_SCHEMA_MAX) : 0;
    if (shift > 31)
        shift = 31; /* there are two buckets by then, below and above 1 */
    if (!ax_histogram_walk(bytes, fill, &r) || !number(&r.positive, shift) || !number(&r.negative, shift))
        return AX_INVALID;
    const uint64_t *raw = r.raw;
    *out = (struct ax_float_histogram){.schema = schema > AX_SCHEMA_MAX ? AX_SCHEMA_MAX : schema,
                                       .reset = raw[AX_HISTOGRAM_RESET_HINT] == AX_HISTOGRAM_RESET,
                                       .zero_threshold = ax_bits_double(raw[AX_HISTOGRAM_ZERO_THRESHOLD]),
                                       .sum = ax_bits_double(raw[AX_HISTOGRAM_SUM]),
                                       .positive = r.positive.out,
                                       .negative = r.negative.out,
                                       .bounds = r.bounds,
                                       .bounds_n = r.bounds_n};
    if (r.is_float) {
        out->count = ax_bits_double(raw[AX_HISTOGRAM_COUNT_FLOAT]);
        out->zero_count = ax_bits_double(raw[AX_HISTOGRAM_ZERO_COUNT_FLOAT]);
    } else {
        out->count = (double)raw[AX_HISTOGRAM_COUNT_INT];
        out->zero_count = (double)raw[AX_HISTOGRAM_ZERO_COUNT_INT];
    }
    return AX_OK;
}
