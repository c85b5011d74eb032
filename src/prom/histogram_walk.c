/* histogram_walk.c: how each field is written, and the way through them. */
#include "prom/histogram_walk.h"

#include "prom/wire.h"

/* How each field (of a repeated one: each element) is written. */
static const uint8_t wire_types[AX_HISTOGRAM_FIELD_N] = {
    [AX_HISTOGRAM_COUNT_INT] = AX_WIRE_VARINT,
    [AX_HISTOGRAM_COUNT_FLOAT] = AX_WIRE_FIXED64,
    [AX_HISTOGRAM_SUM] = AX_WIRE_FIXED64,
    [AX_HISTOGRAM_SCHEMA] = AX_WIRE_VARINT,
    [AX_HISTOGRAM_ZERO_THRESHOLD] = AX_WIRE_FIXED64,
    [AX_HISTOGRAM_ZERO_COUNT_INT] = AX_WIRE_VARINT,
    [AX_HISTOGRAM_ZERO_COUNT_FLOAT] = AX_WIRE_FIXED64,
    [AX_HISTOGRAM_NEGATIVE_SPANS] = AX_WIRE_BYTES,
    [AX_HISTOGRAM_NEGATIVE_DELTAS] = AX_WIRE_VARINT,
    [AX_HISTOGRAM_NEGATIVE_COUNTS] = AX_WIRE_FIXED64,
    [AX_HISTOGRAM_POSITIVE_SPANS] = AX_WIRE_BYTES,
    [AX_HISTOGRAM_POSITIVE_DELTAS] = AX_WIRE_VARINT,
    [AX_HISTOGRAM_POSITIVE_COUNTS] = AX_WIRE_FIXED64,
    [AX_HISTOGRAM_RESET_HINT] = AX_WIRE_VARINT,
    [AX_HISTOGRAM_TIMESTAMP] = AX_WIRE_VARINT,
    [AX_HISTOGRAM_CUSTOM_VALUES] = AX_WIRE_FIXED64,
    [AX_HISTOGRAM_START_TIMESTAMP] = AX_WIRE_VARINT,
};

static bool is_repeated(enum ax_histogram_field field)
{
    return (field >= AX_HISTOGRAM_NEGATIVE_SPANS && field <= AX_HISTOGRAM_POSITIVE_COUNTS) ||
           field == AX_HISTOGRAM_CUSTOM_VALUES;
}

/* BucketSpan {sint32 offset = 1, uint32 length = 2}. */
static bool read_span(struct ax_str bytes, struct ax_histogram_span *out)
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
    *out = (struct ax_histogram_span){ax_unzigzag32(raw[1]), (uint32_t)raw[2]};
    return true;
}

static bool read_value(struct ax_wire *w, enum ax_histogram_field field, uint64_t *out)
{
    return wire_types[field] == AX_WIRE_VARINT ? ax_wire_varint(w, out) : ax_wire_fixed64(w, out);
}

/* A field that is written as bytes: a span, or a packed list. */
static bool read_bytes(struct ax_wire *w, enum ax_histogram_field field, ax_histogram_take *take, void *ctx)
{
    struct ax_str bytes;
    if (!is_repeated(field) || !ax_wire_bytes(w, &bytes))
        return false;
    if (wire_types[field] == AX_WIRE_BYTES) {
        struct ax_histogram_span span;
        if (!read_span(bytes, &span))
            return false;
        take(ctx, field, 0, &span);
        return true;
    }
    for (struct ax_wire p = ax_wire_of(bytes); p.p < p.end;) {
        uint64_t bits;
        if (!read_value(&p, field, &bits))
            return false;
        take(ctx, field, bits, NULL);
    }
    return true;
}

bool ax_histogram_walk(struct ax_str bytes, ax_histogram_take *take, void *ctx)
{
    struct ax_wire w = ax_wire_of(bytes);
    uint32_t field, type;
    while (w.p < w.end) {
        uint64_t bits;
        if (!ax_wire_tag(&w, &field, &type))
            return false;
        if (field >= AX_HISTOGRAM_FIELD_N) {
            if (!ax_wire_skip(&w, type))
                return false;
            continue;
        }
        enum ax_histogram_field known = (enum ax_histogram_field)field;
        if (type == AX_WIRE_BYTES) {
            if (!read_bytes(&w, known, take, ctx))
                return false;
            continue;
        }
        if (type != wire_types[known] || !read_value(&w, known, &bits))
            return false;
        take(ctx, known, bits, NULL);
    }
    return true;
}
