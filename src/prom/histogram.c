/* histogram.c: one pass that adds up a native histogram, then the rules over the totals. */
#include "prom/histogram.h"

#include "base/bytes.h"
#include "base/err.h"
#include "prom/histogram_walk.h"
#include "prom/wire.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

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
    uint64_t raw[AX_HISTOGRAM_FIELD_N]; /* fields that are not repeated: varint, or bits of the double */
    bool is_float;                      /* which member of the oneof came last */
    uint64_t bounds_n;
    double bound; /* the last one */
    bool bounds_bad;
};

static void take_span(struct side *s, const struct ax_histogram_span *span)
{
    if (s->spans_n++ == 0)
        s->first_offset = span->offset;
    else if (span->offset < 0 && s->bad_offset == 0)
        s->bad_offset = span->offset;
    s->length += span->length;
    s->reach += span->length + (span->offset > 0 ? (uint64_t)span->offset : 0);
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

static void take(void *ctx, enum ax_histogram_field field, uint64_t bits,
                 const struct ax_histogram_span *span)
{
    struct reading *r = ctx;
    switch (field) {
    case AX_HISTOGRAM_COUNT_INT:
    case AX_HISTOGRAM_COUNT_FLOAT:
        r->is_float = field == AX_HISTOGRAM_COUNT_FLOAT;
        break;
    case AX_HISTOGRAM_ZERO_COUNT_INT:
    case AX_HISTOGRAM_ZERO_COUNT_FLOAT: /* a oneof: the last one unsets the other */
        r->raw[AX_HISTOGRAM_ZERO_COUNT_INT] = r->raw[AX_HISTOGRAM_ZERO_COUNT_FLOAT] = 0;
        break;
    case AX_HISTOGRAM_NEGATIVE_SPANS:
        take_span(&r->negative, span);
        return;
    case AX_HISTOGRAM_POSITIVE_SPANS:
        take_span(&r->positive, span);
        return;
    case AX_HISTOGRAM_NEGATIVE_DELTAS:
        take_delta(&r->negative, ax_unzigzag64(bits));
        return;
    case AX_HISTOGRAM_POSITIVE_DELTAS:
        take_delta(&r->positive, ax_unzigzag64(bits));
        return;
    case AX_HISTOGRAM_NEGATIVE_COUNTS:
        take_count(&r->negative, ax_bits_double(bits));
        return;
    case AX_HISTOGRAM_POSITIVE_COUNTS:
        take_count(&r->positive, ax_bits_double(bits));
        return;
    case AX_HISTOGRAM_CUSTOM_VALUES:
        take_bound(r, ax_bits_double(bits));
        return;
    default:
        break;
    }
    r->raw[field] = bits;
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
    if (ax_bits_double(r->raw[AX_HISTOGRAM_ZERO_THRESHOLD]) != 0 ||
        (r->is_float ? ax_bits_double(r->raw[AX_HISTOGRAM_ZERO_COUNT_FLOAT]) != 0
                     : r->raw[AX_HISTOGRAM_ZERO_COUNT_INT] != 0))
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
    uint64_t total, count = r->raw[AX_HISTOGRAM_COUNT_INT];
    if (r->negative.overflow || r->positive.overflow ||
        __builtin_add_overflow(r->negative.observations, r->positive.observations, &total) ||
        __builtin_add_overflow(total, r->raw[AX_HISTOGRAM_ZERO_COUNT_INT], &total))
        return wrong(h, "the buckets have more observations than 64 bits can count");
    if (isnan(ax_bits_double(r->raw[AX_HISTOGRAM_SUM])) ? total > count : total != count)
        return wrong(h, "%" PRIu64 " observations in the buckets, but the count is %" PRIu64, total, count);
    return true;
}

static void check(struct ax_histogram *h, const struct reading *r)
{
    int32_t schema = ax_unzigzag32(r->raw[AX_HISTOGRAM_SCHEMA]);
    bool custom = schema == AX_SCHEMA_CUSTOM;
    if (!(ax_bits_double(r->raw[AX_HISTOGRAM_ZERO_THRESHOLD]) >= 0))
        (void)wrong(h, "the threshold of the zero bucket is not 0 or more");
    else if (!custom && (schema < AX_SCHEMA_MIN || schema > AX_SCHEMA_FINEST))
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
    if (!ax_histogram_walk(bytes, take, &r))
        return false;
    out->sample = (struct ax_histogram_sample){
        .t_ms = (int64_t)r.raw[AX_HISTOGRAM_TIMESTAMP],
        .start_ms = (int64_t)r.raw[AX_HISTOGRAM_START_TIMESTAMP],
        .message = bytes,
        .ended = r.raw[AX_HISTOGRAM_SUM] == AX_STALE_BITS,
    };
    out->fault[0] = '\0';
    check(out, &r);
    return true;
}

/* ---- a histogram of nothing ---- */

static void put_varint_field(struct ax_buf *out, enum ax_histogram_field field, uint64_t v)
{
    ax_put_varint(out, (uint64_t)field << 3 | AX_WIRE_VARINT);
    ax_put_varint(out, v);
}

/* What a histogram of nothing has in common with the one it is made from: fields that are copied. */
static void copy_layout(void *ctx, enum ax_histogram_field field, uint64_t bits,
                        const struct ax_histogram_span *span)
{
    struct ax_buf *out = ctx;
    (void)span;
    if (field == AX_HISTOGRAM_SCHEMA) {
        put_varint_field(out, field, bits);
    } else if (field == AX_HISTOGRAM_ZERO_THRESHOLD || field == AX_HISTOGRAM_CUSTOM_VALUES) {
        ax_put_varint(out, (uint64_t)field << 3 | AX_WIRE_FIXED64);
        ax_put_f64(out, ax_bits_double(bits));
    }
}

void ax_histogram_zero(struct ax_str message, int64_t t_ms, struct ax_buf *out)
{
    (void)ax_histogram_walk(message, copy_layout, out);
    put_varint_field(out, AX_HISTOGRAM_RESET_HINT, AX_HISTOGRAM_RESET);
    put_varint_field(out, AX_HISTOGRAM_TIMESTAMP, (uint64_t)t_ms);
}
