/* histogram_chunk.c: reads chunks of native histograms, one after the other, and writes messages. */
#include "prom/histogram_chunk.h"

#include "base/bytes.h"
#include "prom/histogram_walk.h"
#include "prom/wire_put.h"

#include <math.h>
#include <stdlib.h>

#define HEADER_BYTES 3
#define LAYOUT_BYTES_MAX (1u << 20)
#define THRESHOLD_POWER 243 /* a byte of 1 to 254 is the exponent of 2, plus this */
#define THRESHOLD_WHOLE 255 /* 64 bits follow */
#define BOUND_UNITS 1000.0  /* a custom bound that is a multiple of 1/1000 is written as that, plus 1 */

#define GAUGE_HEADER 3 /* the first two bits of the third byte */
#define GAUGE_HINT 3   /* Histogram.reset_hint */

static void put_double(struct ax_buf *b, enum ax_histogram_field field, uint64_t bits)
{
    ax_wire_put_tag(b, field, AX_WIRE_FIXED64);
    ax_put_u64(b, bits);
}

static uint64_t zigzag(uint64_t v)
{
    return v << 1 ^ (0 - (v >> 63));
}

/* ---- the layout ---- */

static bool read_threshold(struct ax_histogram_chunk *c)
{
    uint64_t byte, bits;
    if (!ax_bits_read(&c->bits, 8, &byte))
        return false;
    if (byte == 0)
        return true;
    if (byte == THRESHOLD_WHOLE) {
        if (!ax_bits_read(&c->bits, 64, &bits))
            return false;
    } else {
        const double power = ldexp(0.5, (int)byte - THRESHOLD_POWER);
        memcpy(&bits, &power, sizeof bits);
    }
    put_double(&c->layout, AX_HISTOGRAM_ZERO_THRESHOLD, bits);
    return true;
}

static void put_span(struct ax_histogram_chunk *c, enum ax_histogram_field field, int64_t offset,
                     uint64_t length)
{
    const uint64_t signed_offset = zigzag((uint64_t)offset);
    ax_wire_put_tag(&c->layout, field, AX_WIRE_BYTES);
    ax_wire_put_varint(&c->layout, 2 + ax_wire_varint_size(signed_offset) + ax_wire_varint_size(length));
    ax_wire_put_tag(&c->layout, 1, AX_WIRE_VARINT);
    ax_wire_put_varint(&c->layout, signed_offset);
    ax_wire_put_tag(&c->layout, 2, AX_WIRE_VARINT);
    ax_wire_put_varint(&c->layout, length);
}

/* The spans of one side; *buckets_n of them. One without buckets only moves the next one on, and becomes part
 * of it: so there are no more of them than buckets, of which each histogram has something, and no few bytes
 * stand for many spans of many histograms. */
static enum ax_err read_spans(struct ax_histogram_chunk *c, enum ax_histogram_field field,
                              uint32_t *buckets_n)
{
    uint64_t n, length, offset, sum = 0;
    int64_t moved = 0;
    if (!ax_varbit_uint(&c->bits, &n))
        return AX_CORRUPT;
    if (n > AX_HISTOGRAM_CHUNK_BUCKETS_MAX)
        return AX_LIMIT;
    for (uint64_t i = 0; i < n; i++) {
        if (!ax_varbit_uint(&c->bits, &length) || !ax_varbit_int(&c->bits, &offset))
            return AX_CORRUPT;
        if (length > AX_HISTOGRAM_CHUNK_BUCKETS_MAX || (sum += length) > AX_HISTOGRAM_CHUNK_BUCKETS_MAX)
            return AX_LIMIT;
        if ((int64_t)offset != (int32_t)offset || (i > 0 && (int64_t)offset < 0)) /* no good one goes back */
            return AX_CORRUPT;
        moved += (int64_t)offset;
        if (moved != (int32_t)moved)
            return AX_CORRUPT;
        if (length == 0)
            continue;
        put_span(c, field, moved, length);
        moved = 0;
    }
    *buckets_n = (uint32_t)sum;
    return AX_OK;
}

static enum ax_err read_bounds(struct ax_histogram_chunk *c)
{
    uint64_t n, units, bits = 0;
    if (!ax_varbit_uint(&c->bits, &n))
        return AX_CORRUPT;
    if (n > AX_HISTOGRAM_CHUNK_BUCKETS_MAX || n * c->n > AX_HISTOGRAM_CHUNK_BOUNDS_MAX)
        return AX_LIMIT;
    ax_wire_put_tag(&c->layout, AX_HISTOGRAM_CUSTOM_VALUES, AX_WIRE_BYTES);
    ax_wire_put_varint(&c->layout, n * sizeof bits);
    for (uint64_t i = 0; i < n; i++) {
        if (!ax_varbit_uint(&c->bits, &units) || (units == 0 && !ax_bits_read(&c->bits, 64, &bits)))
            return AX_CORRUPT;
        const double bound = units ? (double)(units - 1) / BOUND_UNITS : ax_bits_double(bits);
        ax_put_f64(&c->layout, bound);
    }
    return AX_OK;
}

static enum ax_err read_layout(struct ax_histogram_chunk *c)
{
    uint64_t schema;
    if (!read_threshold(c) || !ax_varbit_int(&c->bits, &schema) || (int64_t)schema != (int32_t)schema)
        return AX_CORRUPT;
    ax_wire_put_number(&c->layout, AX_HISTOGRAM_SCHEMA, zigzag(schema));
    enum ax_err err = read_spans(c, AX_HISTOGRAM_POSITIVE_SPANS, &c->positive_n);
    if (err == AX_OK)
        err = read_spans(c, AX_HISTOGRAM_NEGATIVE_SPANS, &c->negative_n);
    if (err == AX_OK && (int32_t)schema == AX_SCHEMA_CUSTOM)
        err = read_bounds(c);
    return err == AX_OK ? c->layout.err : err;
}

static enum ax_err take_buckets(struct ax_histogram_chunk *c)
{
    const uint32_t n = c->positive_n + c->negative_n;
    if (n > c->buckets_cap) {
        struct ax_chunk_bucket *v = realloc(c->buckets, n * sizeof *v);
        if (!v)
            return AX_NOMEM;
        c->buckets = v;
        c->buckets_cap = n;
    }
    for (uint32_t i = 0; i < n; i++)
        c->buckets[i] = (struct ax_chunk_bucket){.count = {.width = 64}};
    return AX_OK;
}

enum ax_err ax_histogram_chunk_open(struct ax_histogram_chunk *c, int type, struct ax_str bytes)
{
    const struct ax_xor xor = {.width = 64};
    if (type != AX_CHUNK_HISTOGRAM && type != AX_CHUNK_FLOAT_HISTOGRAM)
        return AX_UNSUPPORTED;
    struct ax_buf layout = c->layout;
    if (layout.bytes_max == 0)
        ax_buf_init(&layout, LAYOUT_BYTES_MAX);
    ax_buf_reset(&layout);
    *c = (struct ax_histogram_chunk){.is_float = type == AX_CHUNK_FLOAT_HISTOGRAM,
                                     .sum = xor,
                                     .float_count = xor,
                                     .float_zero = xor,
                                     .layout = layout,
                                     .buckets = c->buckets,
                                     .buckets_cap = c->buckets_cap};
    if (bytes.n < HEADER_BYTES)
        return AX_CORRUPT;
    const uint8_t *p = (const uint8_t *)bytes.p;
    c->n = (uint32_t)p[0] << 8 | p[1];
    c->is_gauge = p[2] >> 6 == GAUGE_HEADER;
    if (c->n == 0)
        return AX_OK;
    c->bits = ax_bits_of((struct ax_str){bytes.p + HEADER_BYTES, bytes.n - HEADER_BYTES});
    const enum ax_err err = read_layout(c);
    return err == AX_OK ? take_buckets(c) : err;
}

/* ---- the histograms ---- */

static bool is_stale(const struct ax_histogram_chunk *c)
{
    return c->sum.bits == AX_STALE_BITS;
}

/* An integer by how its change has changed. */
static bool read_integer(struct ax_histogram_chunk *c, uint64_t *value, uint64_t *change)
{
    uint64_t v;
    if (!ax_varbit_int(&c->bits, &v))
        return false;
    *change += v;
    *value += *change;
    return true;
}

static bool read_first(struct ax_histogram_chunk *c)
{
    bool ok = ax_varbit_int(&c->bits, &c->t);
    if (c->is_float)
        ok = ok && ax_bits_read(&c->bits, 64, &c->float_count.bits) &&
             ax_bits_read(&c->bits, 64, &c->float_zero.bits);
    else
        ok = ok && ax_varbit_uint(&c->bits, &c->count) && ax_varbit_uint(&c->bits, &c->zero);
    ok = ok && ax_bits_read(&c->bits, 64, &c->sum.bits);
    for (uint32_t i = 0; ok && i < c->positive_n + c->negative_n; i++)
        ok = c->is_float ? ax_bits_read(&c->bits, 64, &c->buckets[i].count.bits)
                         : ax_varbit_int(&c->bits, &c->buckets[i].delta);
    return ok;
}

static bool read_later(struct ax_histogram_chunk *c)
{
    bool ok = read_integer(c, &c->t, &c->t_delta);
    if (c->is_float)
        ok = ok && ax_xor_next(&c->float_count, &c->bits) && ax_xor_next(&c->float_zero, &c->bits);
    else
        ok = ok && read_integer(c, &c->count, &c->count_delta) && read_integer(c, &c->zero, &c->zero_delta);
    ok = ok && ax_xor_next(&c->sum, &c->bits);
    for (uint32_t i = 0; ok && !is_stale(c) && i < c->positive_n + c->negative_n; i++)
        ok = c->is_float ? ax_xor_next(&c->buckets[i].count, &c->bits)
                         : read_integer(c, &c->buckets[i].delta, &c->buckets[i].change);
    return ok;
}

bool ax_histogram_chunk_next(struct ax_histogram_chunk *c, int64_t *t_ms)
{
    if (c->err != AX_OK || c->read == c->n)
        return false;
    if (!(c->read == 0 ? read_first(c) : read_later(c))) {
        c->err = AX_CORRUPT;
        return false;
    }
    c->read++;
    *t_ms = (int64_t)c->t;
    return true;
}

/* ---- the messages ---- */

/* The buckets of one side, packed: n from one of them on. */
static void put_buckets(const struct ax_histogram_chunk *c, uint32_t from, uint32_t n,
                        enum ax_histogram_field deltas, enum ax_histogram_field counts, struct ax_buf *out)
{
    if (n == 0)
        return;
    const struct ax_chunk_bucket *v = c->buckets + from;
    uint64_t bytes = c->is_float ? (uint64_t)n * sizeof(double) : 0;
    for (uint32_t i = 0; !c->is_float && i < n; i++)
        bytes += ax_wire_varint_size(zigzag(v[i].delta));
    ax_wire_put_tag(out, c->is_float ? counts : deltas, AX_WIRE_BYTES);
    ax_wire_put_varint(out, bytes);
    for (uint32_t i = 0; i < n; i++) {
        if (c->is_float)
            ax_put_u64(out, v[i].count.bits);
        else
            ax_wire_put_varint(out, zigzag(v[i].delta));
    }
}

void ax_histogram_chunk_message(const struct ax_histogram_chunk *c, struct ax_buf *out)
{
    const bool stale = is_stale(c); /* it has no buckets, whatever the chunk's layout */
    ax_wire_put_number(out, AX_HISTOGRAM_TIMESTAMP, c->t);
    put_double(out, AX_HISTOGRAM_SUM, c->sum.bits);
    if (stale)
        return;
    if (c->is_float) {
        put_double(out, AX_HISTOGRAM_COUNT_FLOAT, c->float_count.bits);
        put_double(out, AX_HISTOGRAM_ZERO_COUNT_FLOAT, c->float_zero.bits);
    } else {
        ax_wire_put_number(out, AX_HISTOGRAM_COUNT_INT, c->count);
        ax_wire_put_number(out, AX_HISTOGRAM_ZERO_COUNT_INT, c->zero);
    }
    ax_buf_str(out, ax_buf_view(&c->layout));
    put_buckets(c, 0, c->positive_n, AX_HISTOGRAM_POSITIVE_DELTAS, AX_HISTOGRAM_POSITIVE_COUNTS, out);
    put_buckets(c, c->positive_n, c->negative_n, AX_HISTOGRAM_NEGATIVE_DELTAS, AX_HISTOGRAM_NEGATIVE_COUNTS,
                out);
    if (c->is_gauge)
        ax_wire_put_number(out, AX_HISTOGRAM_RESET_HINT, GAUGE_HINT);
}

void ax_histogram_chunk_done(struct ax_histogram_chunk *c)
{
    ax_buf_done(&c->layout);
    free(c->buckets);
    c->buckets = NULL;
    c->buckets_cap = 0;
}
