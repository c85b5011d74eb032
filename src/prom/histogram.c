/* histogram.c: one pass that adds up a native histogram, then the rules over the totals. */
#include "prom/histogram.h"

#include "base/err.h"
#include "prom/wire.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define SCHEMA_MIN (-4)
#define SCHEMA_MAX 52 /* above 8 the resolution is reduced to that of 8 */
#define SCHEMA_CUSTOM (-53)

/* Field numbers of a Histogram. */
enum {
    COUNT_INT = 1,
    COUNT_FLOAT,
    SUM,
    SCHEMA,
    ZERO_THRESHOLD,
    ZERO_COUNT_INT,
    ZERO_COUNT_FLOAT,
    NEGATIVE_SPANS,
    NEGATIVE_DELTAS,
    NEGATIVE_COUNTS,
    POSITIVE_SPANS,
    POSITIVE_DELTAS,
    POSITIVE_COUNTS,
    RESET_HINT,
    TIMESTAMP,
    CUSTOM_VALUES,
    START_TIMESTAMP,
    FIELD_N
};

/* How each field (of a repeated one: each element) is written. */
static const uint8_t wire_types[FIELD_N] = {
    [COUNT_INT] = AX_WIRE_VARINT,
    [COUNT_FLOAT] = AX_WIRE_FIXED64,
    [SUM] = AX_WIRE_FIXED64,
    [SCHEMA] = AX_WIRE_VARINT,
    [ZERO_THRESHOLD] = AX_WIRE_FIXED64,
    [ZERO_COUNT_INT] = AX_WIRE_VARINT,
    [ZERO_COUNT_FLOAT] = AX_WIRE_FIXED64,
    [NEGATIVE_SPANS] = AX_WIRE_BYTES,
    [NEGATIVE_DELTAS] = AX_WIRE_VARINT,
    [NEGATIVE_COUNTS] = AX_WIRE_FIXED64,
    [POSITIVE_SPANS] = AX_WIRE_BYTES,
    [POSITIVE_DELTAS] = AX_WIRE_VARINT,
    [POSITIVE_COUNTS] = AX_WIRE_FIXED64,
    [RESET_HINT] = AX_WIRE_VARINT,
    [TIMESTAMP] = AX_WIRE_VARINT,
    [CUSTOM_VALUES] = AX_WIRE_FIXED64,
    [START_TIMESTAMP] = AX_WIRE_VARINT,
};

/* The negative or the positive buckets, added up. */
struct side {
    uint64_t spans_n, length;
    uint64_t reach;              /* offsets and lengths: one past the last bucket, if no offset is negative */
    int32_t bad_offset;          /* the first negative offset behind the first span */
    int32_t first_offset;        /* of the first span */
    uint64_t deltas_n, counts_n; /* buckets in either form */
    int64_t current;             /* count of the last bucket of deltas */
    uint64_t observations;       /* in all buckets of deltas */
    bool delta_below, count_below; /* a bucket has less than nothing */
    bool overflow;                 /* more observations than 64 bits hold */
};

/* A histogram on its way. */
struct reading {
    struct side negative, positive;
    uint64_t raw[FIELD_N]; /* fields that are not repeated: varint, or bits of the double */
    bool is_float;         /* which member of the oneof came last */
    uint64_t bounds_n;
    double bound; /* the last one */
    bool bounds_bad;
};

static int32_t unzigzag32(uint64_t v)
{
    uint32_t n = (uint32_t)v;
    return (int32_t)(n >> 1 ^ (0u - (n & 1u)));
}

static int64_t unzigzag64(uint64_t n)
{
    return (int64_t)(n >> 1 ^ (0u - (n & 1u)));
}

static double to_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* BucketSpan {sint32 offset = 1, uint32 length = 2}. */
static bool take_span(struct side *s, struct ax_str bytes)
{
    struct ax_wire w = ax_wire_of(bytes);
    uint32_t field, type;
    uint64_t raw[3] = {0, 0, 0};
    while (w.p < w.end) {
        if (!ax_wire_tag(&w, &field, &type))
            return false;
        if (field > 2 ? !ax_wire_skip(&w, type) : type != AX_WIRE_VARINT || !ax_wire_varint(&w, &raw[field]))
            return false;
    }
    int32_t offset = unzigzag32(raw[1]);
    uint32_t length = (uint32_t)raw[2];
    if (s->spans_n++ == 0)
        s->first_offset = offset;
    else if (offset < 0 && s->bad_offset == 0)
        s->bad_offset = offset;
    s->length += length;
    s->reach += length + (offset > 0 ? (uint64_t)offset : 0);
    return true;
}

static void take_delta(struct side *s, int64_t delta)
{
    s->deltas_n++;
    s->overflow |= __builtin_add_overflow(s->current, delta, &s->current);
    s->delta_below |= s->current < 0;
    s->overflow |= __builtin_add_overflow(s->observations, (uint64_t)s->current, &s->observations);
}

static void take_count(struct side *s, double count)
{
    s->counts_n++;
    s->count_below |= count < 0;
}

static void take_bound(struct reading *r, double bound)
{
    r->bounds_bad |= !isfinite(bound) || (r->bounds_n && !(bound > r->bound));
    r->bound = bound;
    r->bounds_n++;
}

/* A field, or an element of a repeated one. */
static void take(struct reading *r, uint32_t field, uint64_t bits)
{
    switch (field) {
    case COUNT_INT:
    case COUNT_FLOAT:
        r->is_float = field == COUNT_FLOAT;
        break;
    case ZERO_COUNT_INT:
    case ZERO_COUNT_FLOAT: /* a oneof: the last one unsets the other */
        r->raw[ZERO_COUNT_INT] = r->raw[ZERO_COUNT_FLOAT] = 0;
        break;
    case NEGATIVE_DELTAS:
        take_delta(&r->negative, unzigzag64(bits));
        return;
    case POSITIVE_DELTAS:
        take_delta(&r->positive, unzigzag64(bits));
        return;
    case NEGATIVE_COUNTS:
        take_count(&r->negative, to_double(bits));
        return;
    case POSITIVE_COUNTS:
        take_count(&r->positive, to_double(bits));
        return;
    case CUSTOM_VALUES:
        take_bound(r, to_double(bits));
        return;
    default:
        break;
    }
    r->raw[field] = bits;
}

static bool is_repeated(uint32_t field)
{
    return (field >= NEGATIVE_SPANS && field <= POSITIVE_COUNTS) || field == CUSTOM_VALUES;
}

static bool read_field(struct reading *r, struct ax_wire *w, uint32_t field, uint32_t type)
{
    bool varint = wire_types[field] == AX_WIRE_VARINT;
    uint64_t bits;
    struct ax_str bytes;
    if (type == AX_WIRE_BYTES) {
        if (!is_repeated(field) || !ax_wire_bytes(w, &bytes))
            return false;
        if (field == NEGATIVE_SPANS || field == POSITIVE_SPANS)
            return take_span(field == NEGATIVE_SPANS ? &r->negative : &r->positive, bytes);
        for (struct ax_wire p = ax_wire_of(bytes); p.p < p.end;) {
            if (!(varint ? ax_wire_varint(&p, &bits) : ax_wire_fixed64(&p, &bits)))
                return false;
            take(r, field, bits);
        }
        return true;
    }
    if (type != wire_types[field] || !(varint ? ax_wire_varint(w, &bits) : ax_wire_fixed64(w, &bits)))
        return false;
    take(r, field, bits);
    return true;
}

/* ---- the rules; each returns false after it has said what is wrong ---- */

static bool AX_PRINTF(2, 3) wrong(struct ax_histogram *h, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(h->fault, sizeof h->fault, fmt, args);
    va_end(args);
    return false;
}

static bool check_side(struct ax_histogram *h, const struct side *s, const char *name, bool is_float)
{
    uint64_t buckets = is_float ? s->counts_n : s->deltas_n;
    if (s->bad_offset < 0)
        return wrong(h, "a %s span behind the first has the offset %" PRId32, name, s->bad_offset);
    if (s->length != buckets)
        return wrong(h, "the %s spans are for %" PRIu64 " buckets, and there are %" PRIu64, name, s->length,
                     buckets);
    if (is_float ? s->count_below : s->delta_below)
        return wrong(h, "a %s bucket has a negative count", name);
    return true;
}

static bool check_custom(struct ax_histogram *h, const struct reading *r)
{
    uint64_t buckets = r->is_float ? r->negative.counts_n : r->negative.deltas_n;
    if (r->bounds_bad)
        return wrong(h, "the bounds of custom buckets are not finite and strictly increasing");
    if (to_double(r->raw[ZERO_THRESHOLD]) != 0 ||
        (r->is_float ? to_double(r->raw[ZERO_COUNT_FLOAT]) != 0 : r->raw[ZERO_COUNT_INT] != 0))
        return wrong(h, "custom buckets have a zero count or a zero threshold");
    if (r->negative.spans_n || buckets)
        return wrong(h, "custom buckets have a negative side");
    if (r->positive.first_offset < 0)
        return wrong(h, "the first span of custom buckets has the offset %" PRId32, r->positive.first_offset);
    if (r->positive.reach > r->bounds_n + 1)
        return wrong(h, "the custom buckets reach to number %" PRIu64 ", and there are %" PRIu64 " bounds",
                     r->positive.reach, r->bounds_n);
    return true;
}

/* The count of an integer histogram. */
static bool check_count(struct ax_histogram *h, const struct reading *r)
{
    uint64_t total, count = r->raw[COUNT_INT];
    if (r->negative.overflow || r->positive.overflow ||
        __builtin_add_overflow(r->negative.observations, r->positive.observations, &total) ||
        __builtin_add_overflow(total, r->raw[ZERO_COUNT_INT], &total))
        return wrong(h, "the buckets have more observations than 64 bits can count");
    if (isnan(h->sample.value) ? total > count : total != count)
        return wrong(h, "%" PRIu64 " observations in the buckets, but the count is %" PRIu64, total, count);
    return true;
}

static void check(struct ax_histogram *h, const struct reading *r)
{
    int32_t schema = unzigzag32(r->raw[SCHEMA]);
    bool custom = schema == SCHEMA_CUSTOM;
    if (!custom && (schema < SCHEMA_MIN || schema > SCHEMA_MAX))
        (void)wrong(h, "schema %" PRId32 " is neither -4 to 8 nor -53 (custom buckets)", schema);
    else if (!custom && r->bounds_n)
        (void)wrong(h, "bounds of custom buckets, and schema %" PRId32, schema);
    else if ((!custom || check_custom(h, r)) && check_side(h, &r->negative, "negative", r->is_float) &&
             check_side(h, &r->positive, "positive", r->is_float) && !r->is_float)
        (void)check_count(h, r);
}

bool ax_histogram_read(struct ax_str bytes, struct ax_histogram *out)
{
    struct reading r = {.is_float = false};
    struct ax_wire w = ax_wire_of(bytes);
    uint32_t field, type;
    while (w.p < w.end)
        if (!ax_wire_tag(&w, &field, &type) ||
            !(field < FIELD_N ? read_field(&r, &w, field, type) : ax_wire_skip(&w, type)))
            return false;
    out->sample.t_ms = (int64_t)r.raw[TIMESTAMP];
    out->sample.value = to_double(r.raw[SUM]);
    out->fault[0] = '\0';
    check(out, &r);
    return true;
}
