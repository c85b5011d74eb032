/* chunk.h: the chunks in which Prometheus keeps the samples of a series, and sends them by remote-read.
 *
 * A chunk is a run of samples of one series: times as delta of deltas, values as XOR with the one before.
 * XOR is what every Prometheus has; XOR2 (3.11 and later) may carry start timestamps too, which are read
 * past. Chunks of native histograms: prom/histogram_chunk.h. Source: tsdb/docs/format/chunks.md
 * of Prometheus. Pure; any thread. */
#ifndef AX_PROM_CHUNK_H
#define AX_PROM_CHUNK_H

#include "base/buf.h"
#include "base/err.h"
#include "prom/sample.h"
#include "prom/xor.h"

#define AX_CHUNK_SAMPLES 120 /* a Prometheus cuts a chunk there */

/* Chunk.Encoding of ChunkedReadResponse. */
enum ax_chunk_type {
    AX_CHUNK_UNKNOWN,
    AX_CHUNK_XOR,
    AX_CHUNK_HISTOGRAM,
    AX_CHUNK_FLOAT_HISTOGRAM,
    AX_CHUNK_XOR2,
    AX_CHUNK_HISTOGRAM_ST, /* with start timestamps: known by their type alone */
    AX_CHUNK_FLOAT_HISTOGRAM_ST,
};

/* Are these chunks of native histograms? */
bool ax_chunk_is_histogram(int type);

/* Where a reader stands in one chunk. */
struct ax_chunk {
    struct ax_bits bits;
    bool xor2;
    bool start_first;    /* XOR2: the first sample has a start timestamp */
    uint32_t start_from; /* XOR2: from this sample on each has one; 0: none has */
    uint32_t n, read;    /* samples in it, and read so far */
    uint64_t t, delta;   /* of the newest sample; as bits, so that nothing overflows */
    struct ax_xor value; /* the newest; in XOR2 the newest that was no stale marker */
    enum ax_err err;
};

/* Begin to read a chunk, which outlives the reader. AX_UNSUPPORTED for a type other than XOR and XOR2,
 * AX_CORRUPT when there is no header. */
AX_MUST_USE enum ax_err ax_chunk_open(struct ax_chunk *c, int type, struct ax_str bytes);

/* The next sample; false after the last, or with err set to AX_CORRUPT when the bytes are no chunk. Times are
 * as they stand there: a chunk made with ill will may have them in any order. */
bool ax_chunk_next(struct ax_chunk *c, struct ax_sample *out);

/* Append n samples (1 to 65,535, times rising) to out as one XOR chunk, the very bytes that a Prometheus
 * makes of them. */
void ax_chunk_xor(const struct ax_sample *v, uint32_t n, struct ax_buf *out);

#endif
