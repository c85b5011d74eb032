/* histogram_walk.h: the fields of a Histogram message one by one; for the files that read such messages.
 *
 * Remote-write 1.0 and 2.0 number them alike. Fields may come in any order, repeated ones packed or not.
 * Source: types.proto and io.prometheus.write.v2 in proto/. */
#ifndef AX_PROM_HISTOGRAM_WALK_H
#define AX_PROM_HISTOGRAM_WALK_H

#include "base/str.h"

#include <stdint.h>

/* Numbers of the fields. Counts are a oneof of two, as zero counts are; deltas belong to an integer
 * histogram, absolute counts to a float one. */
enum ax_histogram_field {
    AX_HISTOGRAM_COUNT_INT = 1,
    AX_HISTOGRAM_COUNT_FLOAT,
    AX_HISTOGRAM_SUM,
    AX_HISTOGRAM_SCHEMA,
    AX_HISTOGRAM_ZERO_THRESHOLD,
    AX_HISTOGRAM_ZERO_COUNT_INT,
    AX_HISTOGRAM_ZERO_COUNT_FLOAT,
    AX_HISTOGRAM_NEGATIVE_SPANS,
    AX_HISTOGRAM_NEGATIVE_DELTAS,
    AX_HISTOGRAM_NEGATIVE_COUNTS,
    AX_HISTOGRAM_POSITIVE_SPANS,
    AX_HISTOGRAM_POSITIVE_DELTAS,
    AX_HISTOGRAM_POSITIVE_COUNTS,
    AX_HISTOGRAM_RESET_HINT,
    AX_HISTOGRAM_TIMESTAMP,
    AX_HISTOGRAM_CUSTOM_VALUES,
    AX_HISTOGRAM_START_TIMESTAMP,
    AX_HISTOGRAM_FIELD_N
};

#define AX_SCHEMA_MIN (-4)
#define AX_SCHEMA_MAX 8        /* a finer one is read at this resolution */
#define AX_SCHEMA_FINEST 52    /* the finest that may be sent */
#define AX_SCHEMA_CUSTOM (-53) /* custom buckets */

#define AX_HISTOGRAM_RESET 1 /* reset_hint: the counter was reset before this histogram */

/* A span: offset from the one before, and how many buckets. */
struct ax_histogram_span {
    int32_t offset;
    uint32_t length;
};

/* Called for each field in turn, and for each element of a repeated one. bits is the varint, or the bits of
 * the double; of a span (span not NULL) it is 0. */
typedef void ax_histogram_take(void *ctx, enum ax_histogram_field field, uint64_t bits,
                               const struct ax_histogram_span *span);

/* Walk a message. False when it is malformed; what was taken before stays taken. Pure. */
bool ax_histogram_walk(struct ax_str bytes, ax_histogram_take *take, void *ctx);

/* What a sint32 and a sint64 stand for. */
static inline int32_t ax_unzigzag32(uint64_t v)
{
    uint32_t n = (uint32_t)v;
    return (int32_t)(n >> 1 ^ (0u - (n & 1u)));
}

/* The same in 64 bits. */
static inline int64_t ax_unzigzag64(uint64_t n)
{
    return (int64_t)(n >> 1 ^ (0u - (n & 1u)));
}

/* The double of these bits. */
static inline double ax_bits_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

#endif
