/* histogram_chunk.h: the chunks in which Prometheus keeps the native histograms of a series, integer or
 * float.
 *
 * A chunk says once which buckets there are, and then of each histogram its time, count, zero count, sum and
 * buckets: integers as delta of deltas, numbers as XOR with the one before. What is read is written as the
 * Histogram message that a sender would have sent (prom/histogram.h), so that history and what is received
 * go the same way. That a chunk was begun because the counter was reset is not said, as in Prometheus 3: the
 * chunk before it may be another one by now, and a reset is seen by the counts. Source:
 * tsdb/chunkenc/histogram.go, float_histogram.go and histogram_meta.go of Prometheus. One thread. */
#ifndef AX_PROM_HISTOGRAM_CHUNK_H
#define AX_PROM_HISTOGRAM_CHUNK_H

#include "prom/chunk.h"

/* Ceiling on the buckets of one histogram, and on its spans; a chunk is not as large. */
#define AX_HISTOGRAM_CHUNK_BUCKETS_MAX 16384u

/* Ceiling on the custom bounds of all histograms of a chunk together: each message has them all, though the
 * chunk says them once. Prometheus begins another chunk after 120 histograms: so many may have 8,738 each. */
#define AX_HISTOGRAM_CHUNK_BOUNDS_MAX (1u << 20)

/* A bucket as it was in the newest histogram: of integers the delta to the bucket before it, and by how much
 * that has changed; else its count. */
struct ax_chunk_bucket {
    uint64_t delta, change;
    struct ax_xor count;
};

/* Where a reader stands in one chunk. Zero-initialise; ax_histogram_chunk_open() again and again. */
struct ax_histogram_chunk {
    struct ax_bits bits;
    bool is_float, is_gauge;
    uint32_t n, read;    /* histograms in it, and read so far */
    uint64_t t, t_delta; /* of the newest; as bits, so that nothing overflows */
    uint64_t count, count_delta, zero, zero_delta;
    struct ax_xor sum, float_count, float_zero;
    uint32_t negative_n, positive_n;
    struct ax_buf layout;            /* the fields that all of its messages have */
    struct ax_chunk_bucket *buckets; /* positive ones first */
    uint32_t buckets_cap;
    enum ax_err err;
};

/* Begin to read a chunk, which outlives the reading. AX_UNSUPPORTED for a type other than HISTOGRAM and
 * FLOAT_HISTOGRAM, AX_CORRUPT when there is no header or it makes no sense, AX_LIMIT above the ceiling,
 * AX_NOMEM. */
AX_MUST_USE enum ax_err ax_histogram_chunk_open(struct ax_histogram_chunk *c, int type, struct ax_str bytes);

/* Read the next histogram; false after the last, or with err set to AX_CORRUPT when the bytes are no chunk.
 * *t_ms as it stands there; it is not checked whether the histogram is a good one. */
bool ax_histogram_chunk_next(struct ax_histogram_chunk *c, int64_t *t_ms);

/* Append the message of the one that was read last; the buffer's sticky error tells of failures. At most 11
 * bytes for each bucket and what the chunk said of the layout. */
void ax_histogram_chunk_message(const struct ax_histogram_chunk *c, struct ax_buf *out);

/* Free the memory. */
void ax_histogram_chunk_done(struct ax_histogram_chunk *c);

#endif
