/* read_response.h: what a remote-read answers, in both forms, read as runs of samples and native histograms.
 *
 * SAMPLES is one message. STREAMED_XOR_CHUNKS is a row of frames: length (uvarint), CRC-32C (big-endian) and
 * a ChunkedReadResponse with the chunks of one series. Frames are taken in as they come, in pieces of any
 * size, and one at a time is held. Nothing that the bytes claim takes memory before it was compared with a
 * ceiling. A series may come in several runs, one after the other. Source: prompb/remote.proto and
 * storage/remote/chunked.go of Prometheus; proto/remote_read.proto. */
#ifndef AX_PROM_READ_RESPONSE_H
#define AX_PROM_READ_RESPONSE_H

#include "prom/histogram_chunk.h"
#include "prom/read_request.h"
#include "prom/rw_decode.h"

/* Some samples and native histograms of one series, within the query's times, at least one; borrowed. key is
 * that of its labels (prom/labels.h), unchecked. The histograms are good ones (prom/histogram.h). */
struct ax_read_run {
    struct ax_str key;
    const struct ax_sample *samples;
    const struct ax_histogram_sample *histograms;
    uint32_t samples_n, histograms_n;
};

/* Is shown a run. Anything but AX_OK ends the reading with it. */
typedef enum ax_err ax_read_visit(void *ctx, uint32_t query, const struct ax_read_run *run);

/* A reader of answers to one request after the other; see ax_read_reader_init(). */
struct ax_read_reader {
    const struct ax_read_query *queries;
    uint32_t queries_n;
    ax_read_visit *visit;
    void *ctx;
    size_t frame_max;    /* ceiling on one frame */
    struct ax_buf frame; /* the beginning of one that has not come whole */
    struct ax_buf key;   /* labels that did not stand together */
    struct ax_sample *samples;
    uint32_t samples_cap;
    struct ax_histogram_chunk chunk;
    struct ax_buf messages; /* histograms of a chunk */
    struct ax_histogram_sample *histograms;
    struct ax_rw_decoder decoder;
    /* Read, within the times or not; and native histograms that were passed over: wrong ones, those of a
     * chunk that is not read or above the ceiling. */
    uint64_t samples_n, histograms_n, skipped_n;
};

/* A reader whose frames are at most frame_max bytes. Allocates nothing yet. */
void ax_read_reader_init(struct ax_read_reader *r, size_t frame_max, ax_read_visit *visit, void *ctx);

/* The queries that the next answer is to; they outlive its reading. What was held of an answer before is
 * forgotten. */
void ax_read_begin(struct ax_read_reader *r, const struct ax_read_query *queries, uint32_t n);

/* Read a whole decompressed SAMPLES message. AX_CORRUPT with a text when it is no answer to the queries;
 * AX_NOMEM; what the visitor said. What was visited before stays visited. */
AX_MUST_USE enum ax_err ax_read_samples(struct ax_read_reader *r, struct ax_str body, struct ax_diag *diag);

/* Take in a piece of a streamed answer: visit what is whole. AX_CORRUPT with a text (checksum, malformed
 * chunk, a query that was not asked), AX_LIMIT (frame), AX_UNSUPPORTED (a chunk that Auspex does not know),
 * AX_NOMEM, or what the visitor said; the rest of the answer then makes no sense. */
AX_MUST_USE enum ax_err ax_read_frames(struct ax_read_reader *r, struct ax_str piece, struct ax_diag *diag);

/* The streamed answer is over: AX_CORRUPT with a text when it ended within a frame. */
AX_MUST_USE enum ax_err ax_read_frames_end(struct ax_read_reader *r, struct ax_diag *diag);

/* Free the memory. */
void ax_read_reader_done(struct ax_read_reader *r);

#endif
