/* read_response.c: answers to a remote-read: the SAMPLES message, and frames with chunks. */
#include "prom/read_response.h"

#include "base/hash.h"
#include "prom/chunk.h"
#include "prom/rw_series.h"
#include "prom/wire.h"

#include <stdlib.h>

#define SAMPLES_MAX (4u << 20) /* of one series in one answer: 64 MiB */
#define LABELS_MAX 1024u
#define KEY_BYTES_MAX (1u << 16)
#define LENGTH_BYTES_MAX 10u
#define CHECKSUM_BYTES 4u
#define HISTOGRAMS_MAX                                                                                       \
    AX_CHUNK_SAMPLES /* that are visited together, as long as their messages are not too long */
#define MESSAGES_ENOUGH (1u << 20)
#define MESSAGES_BYTES_MAX (4u << 20)

/* Field numbers. */
enum { RESPONSE_RESULTS = 1, RESULT_SERIES = 1 };
enum {
    FRAME_SERIES = 1,
    FRAME_QUERY = 2,
    SERIES_LABELS = 1,
    SERIES_CHUNKS = 2,
    CHUNK_TYPE = 3,
    CHUNK_DATA = 4
};

void ax_read_reader_init(struct ax_read_reader *r, size_t frame_max, ax_read_visit *visit, void *ctx)
{
    *r = (struct ax_read_reader){.visit = visit, .ctx = ctx, .frame_max = frame_max};
    ax_buf_init(&r->frame, frame_max + LENGTH_BYTES_MAX + CHECKSUM_BYTES);
    ax_buf_init(&r->key, KEY_BYTES_MAX);
    ax_buf_init(&r->messages, MESSAGES_BYTES_MAX);
}

void ax_read_begin(struct ax_read_reader *r, const struct ax_read_query *queries, uint32_t n)
{
    r->queries = queries;
    r->queries_n = n;
    ax_buf_reset(&r->frame);
}

void ax_read_reader_done(struct ax_read_reader *r)
{
    ax_buf_done(&r->frame);
    ax_buf_done(&r->key);
    ax_buf_done(&r->messages);
    ax_histogram_chunk_done(&r->chunk);
    free(r->samples);
    free(r->histograms);
    ax_rw_decoder_done(&r->decoder);
    r->samples = NULL;
    r->histograms = NULL;
    r->samples_cap = 0;
}

static enum ax_err malformed(struct ax_diag *diag)
{
    return ax_fail(diag, AX_CORRUPT, "not a remote-read answer: malformed protobuf");
}

static enum ax_err not_asked(uint64_t query, const struct ax_read_reader *r, struct ax_diag *diag)
{
    return ax_fail(diag, AX_CORRUPT, "the answer has query %llu, and %u were asked",
                   (unsigned long long)query, r->queries_n);
}

static bool is_within(const struct ax_read_reader *r, uint32_t query, int64_t t_ms)
{
    return t_ms >= r->queries[query].start_ms && t_ms <= r->queries[query].end_ms;
}

/* Visit what is within the query's times, in place. What is not is at the ends, as long as nobody means harm.
 */
static enum ax_err visit(struct ax_read_reader *r, uint32_t query, struct ax_str key, struct ax_sample *v,
                         uint32_t n, struct ax_histogram_sample *h, uint32_t h_n)
{
    struct ax_read_run run = {.key = key, .samples = v, .histograms = h};
    r->samples_n += n;
    r->histograms_n += h_n;
    for (uint32_t i = 0; i < n; i++)
        if (is_within(r, query, v[i].t_ms))
            v[run.samples_n++] = v[i];
    for (uint32_t i = 0; i < h_n; i++)
        if (is_within(r, query, h[i].t_ms))
            h[run.histograms_n++] = h[i];
    return run.samples_n || run.histograms_n ? r->visit(r->ctx, query, &run) : AX_OK;
}

/* One TimeSeries of a SAMPLES answer. */
struct answered {
    struct ax_read_reader *r;
    uint32_t query;
    struct ax_diag *diag;
};

static enum ax_err on_series(void *ctx, const struct ax_rw_series *s, const struct ax_rw_fault *fault)
{
    const struct answered *a = ctx;
    struct ax_read_reader *r = a->r;
    if (fault && strcmp(fault->reason, "histogram") != 0)
        return ax_fail(a->diag, AX_CORRUPT, "a series of the answer is refused: %s", fault->text);
    r->skipped_n += fault ? s->histograms_n : 0;
    /* What the series has stands in the decoder's scratch, which is ours to trim. */
    return visit(r, a->query, s->key, r->decoder.samples.v, s->samples_n, r->decoder.histograms.v,
                 fault ? 0 : s->histograms_n);
}

static enum ax_err read_result(struct ax_read_reader *r, uint32_t query, struct ax_str bytes,
                               struct ax_diag *diag)
{
    static const struct ax_rw_limits limits = {.labels_max = LABELS_MAX,
                                               .label_bytes_max = KEY_BYTES_MAX,
                                               .key_bytes_max = KEY_BYTES_MAX,
                                               .samples_max = SAMPLES_MAX};
    struct ax_rw_stats stats = {0};
    struct ax_rw_walk walk = {.d = &r->decoder, .limits = &limits, .stats = &stats, .version = 1};
    struct answered a = {r, query, diag};
    uint32_t field, type;
    r->decoder.key.bytes_max = bytes.n;
    for (struct ax_wire w = ax_wire_of(bytes); w.p < w.end;) {
        struct ax_str inner;
        if (!ax_wire_tag(&w, &field, &type))
            return malformed(diag);
        if (field != RESULT_SERIES) {
            if (!ax_wire_skip(&w, type))
                return malformed(diag);
            continue;
        }
        if (type != AX_WIRE_BYTES || !ax_wire_bytes(&w, &inner))
            return malformed(diag);
        enum ax_err err = ax_rw_walk_series(&walk, inner, on_series, &a, diag);
        if (err != AX_OK) /* what a request would be blamed for is damage in an answer */
            return err == AX_INVALID ? AX_CORRUPT : err;
    }
    return AX_OK;
}

enum ax_err ax_read_samples(struct ax_read_reader *r, struct ax_str body, struct ax_diag *diag)
{
    uint32_t field, type, n = 0;
    for (struct ax_wire w = ax_wire_of(body); w.p < w.end;) {
        struct ax_str inner;
        if (!ax_wire_tag(&w, &field, &type))
            return malformed(diag);
        if (field != RESPONSE_RESULTS) {
            if (!ax_wire_skip(&w, type))
                return malformed(diag);
            continue;
        }
        if (type != AX_WIRE_BYTES || !ax_wire_bytes(&w, &inner))
            return malformed(diag);
        if (n == r->queries_n)
            return not_asked(n, r, diag);
        enum ax_err err = read_result(r, n++, inner, diag);
        if (err != AX_OK)
            return err;
    }
    if (n < r->queries_n)
        return ax_fail(diag, AX_CORRUPT, "the answer has %u results, and %u queries were asked", n,
                       r->queries_n);
    return AX_OK;
}

/* Histograms of a chunk that are passed over, as many as its header says. */
static void pass_over(struct ax_read_reader *r, struct ax_str data)
{
    r->skipped_n += data.n < 2 ? 1 : (uint32_t)(uint8_t)data.p[0] << 8 | (uint8_t)data.p[1];
}

/* Visit the good ones of the messages that were written one after the other; *n of them, 0 then. */
static enum ax_err visit_histograms(struct ax_read_reader *r, uint32_t query, struct ax_str key, uint32_t *n)
{
    uint32_t good = 0;
    size_t at = 0;
    for (uint32_t i = 0; i < *n; i++) {
        struct ax_histogram h;
        const struct ax_str message = {(const char *)r->messages.bytes + at, r->histograms[i].message.n};
        at += message.n;
        if (ax_histogram_read(message, &h) && !h.fault[0])
            r->histograms[good++] = h.sample;
        else
            r->skipped_n++;
    }
    const enum ax_err err = good ? visit(r, query, key, NULL, 0, r->histograms, good) : AX_OK;
    ax_buf_reset(&r->messages);
    *n = 0;
    return err;
}

/* A chunk that was opened, its histograms one after the other. */
static enum ax_err read_histograms(struct ax_read_reader *r, uint32_t query, struct ax_str key)
{
    enum ax_err err = AX_OK;
    uint32_t n = 0;
    int64_t t_ms;
    if (!r->histograms && !(r->histograms = malloc(HISTOGRAMS_MAX * sizeof *r->histograms)))
        return AX_NOMEM;
    ax_buf_reset(&r->messages);
    while (err == AX_OK && ax_histogram_chunk_next(&r->chunk, &t_ms)) {
        const size_t before = r->messages.n;
        if (!is_within(r, query, t_ms))
            continue;
        ax_histogram_chunk_message(&r->chunk, &r->messages);
        if (r->messages.err != AX_OK)
            return r->messages.err;
        r->histograms[n++].message.n = r->messages.n - before;
        if (n == HISTOGRAMS_MAX || r->messages.n > MESSAGES_ENOUGH)
            err = visit_histograms(r, query, key, &n);
    }
    if (err == AX_OK)
        err = r->chunk.err;
    return err == AX_OK ? visit_histograms(r, query, key, &n) : err;
}

/* A chunk of native histograms. */
static enum ax_err read_histogram_chunk(struct ax_read_reader *r, uint32_t query, struct ax_str key, int kind,
                                        struct ax_str data, struct ax_diag *diag)
{
    enum ax_err err = ax_histogram_chunk_open(&r->chunk, kind, data);
    if (err == AX_UNSUPPORTED || err == AX_LIMIT) {
        pass_over(r, data);
        return AX_OK;
    }
    if (err == AX_OK)
        err = read_histograms(r, query, key);
    return err == AX_CORRUPT ? ax_fail(diag, err, "the answer has a malformed chunk of native histograms")
                             : err;
}

static enum ax_err read_chunk(struct ax_read_reader *r, uint32_t query, struct ax_str key, int kind,
                              struct ax_str data, struct ax_diag *diag)
{
    struct ax_chunk c;
    if (ax_chunk_is_histogram(kind))
        return read_histogram_chunk(r, query, key, kind, data, diag);
    enum ax_err err = ax_chunk_open(&c, kind, data);
    if (err == AX_UNSUPPORTED)
        return ax_fail(diag, err, "the answer has a chunk of type %d, which Auspex does not know", kind);
    if (err == AX_OK && c.n > r->samples_cap) {
        struct ax_sample *v = realloc(r->samples, c.n * sizeof *v);
        if (!v)
            return ax_fail(diag, AX_NOMEM, "no memory for %u samples", c.n);
        r->samples = v;
        r->samples_cap = c.n;
    }
    uint32_t n = 0;
    while (err == AX_OK && n < c.n && ax_chunk_next(&c, &r->samples[n]))
        n++;
    if (err == AX_OK)
        err = c.err;
    if (err != AX_OK)
        return ax_fail(diag, err, "the answer has a malformed chunk");
    return visit(r, query, key, r->samples, n, NULL, 0);
}

/* Chunk {min_time_ms = 1, max_time_ms = 2, type = 3, data = 4}. */
static enum ax_err read_chunk_field(struct ax_read_reader *r, uint32_t query, struct ax_str key,
                                    struct ax_str bytes, struct ax_diag *diag)
{
    struct ax_str data = {NULL, 0};
    uint64_t kind = 0;
    uint32_t field, type;
    for (struct ax_wire w = ax_wire_of(bytes); w.p < w.end;) {
        if (!ax_wire_tag(&w, &field, &type))
            return malformed(diag);
        bool ok = field < CHUNK_TYPE    ? type == AX_WIRE_VARINT && ax_wire_skip(&w, type)
                  : field == CHUNK_TYPE ? type == AX_WIRE_VARINT && ax_wire_varint(&w, &kind)
                  : field == CHUNK_DATA ? type == AX_WIRE_BYTES && ax_wire_bytes(&w, &data)
                                        : ax_wire_skip(&w, type);
        if (!ok)
            return malformed(diag);
    }
    return read_chunk(r, query, key, (int)(uint32_t)kind, data, diag);
}

/* The labels of a ChunkedSeries as a key: as they stand there together, or else copied. */
static bool read_key(struct ax_read_reader *r, struct ax_str bytes, struct ax_str *out)
{
    const uint8_t *from = NULL, *to = NULL;
    uint32_t field, type;
    ax_buf_reset(&r->key);
    for (struct ax_wire w = ax_wire_of(bytes); w.p < w.end;) {
        const uint8_t *at = w.p;
        if (!ax_wire_tag(&w, &field, &type) || (field <= SERIES_CHUNKS && type != AX_WIRE_BYTES) ||
            !ax_wire_skip(&w, type))
            return false;
        if (field != SERIES_LABELS)
            continue;
        if (from && at != to) {
            ax_buf_put(&r->key, from, (size_t)(to - from));
            from = NULL;
        }
        from = from ? from : at;
        to = w.p;
    }
    *out = (struct ax_str){(const char *)from, from ? (size_t)(to - from) : 0};
    if (r->key.n) {
        ax_buf_str(&r->key, *out);
        *out = ax_buf_view(&r->key);
    }
    return r->key.err == AX_OK && out->n <= KEY_BYTES_MAX;
}

static enum ax_err read_series(struct ax_read_reader *r, uint32_t query, struct ax_str bytes,
                               struct ax_diag *diag)
{
    struct ax_str key, chunk;
    uint32_t field, type;
    if (!read_key(r, bytes, &key))
        return malformed(diag);
    for (struct ax_wire w = ax_wire_of(bytes); w.p < w.end;) {
        if (!ax_wire_tag(&w, &field, &type))
            return malformed(diag);
        if (field != SERIES_CHUNKS) {
            if (!ax_wire_skip(&w, type))
                return malformed(diag);
            continue;
        }
        if (!ax_wire_bytes(&w, &chunk))
            return malformed(diag);
        enum ax_err err = read_chunk_field(r, query, key, chunk, diag);
        if (err != AX_OK)
            return err;
    }
    return AX_OK;
}

/* A whole frame whose checksum is right. */
static enum ax_err read_frame(struct ax_read_reader *r, struct ax_str data, struct ax_diag *diag)
{
    uint64_t query = 0;
    uint32_t field, type;
    for (struct ax_wire w = ax_wire_of(data); w.p < w.end;) {
        if (!ax_wire_tag(&w, &field, &type) || (field == FRAME_SERIES && type != AX_WIRE_BYTES))
            return malformed(diag);
        bool ours = field == FRAME_QUERY;
        if (ours ? type != AX_WIRE_VARINT || !ax_wire_varint(&w, &query) : !ax_wire_skip(&w, type))
            return malformed(diag);
    }
    if (query >= r->queries_n)
        return not_asked(query, r, diag);
    for (struct ax_wire w = ax_wire_of(data); w.p < w.end;) {
        struct ax_str series;
        if (!ax_wire_tag(&w, &field, &type))
            return malformed(diag);
        if (field != FRAME_SERIES) {
            if (!ax_wire_skip(&w, type))
                return malformed(diag);
            continue;
        }
        if (!ax_wire_bytes(&w, &series))
            return malformed(diag);
        enum ax_err err = read_series(r, (uint32_t)query, series, diag);
        if (err != AX_OK)
            return err;
    }
    return AX_OK;
}

/* Read frames from the front of bytes; *used is how many bytes they took. What is left is no whole frame. */
static enum ax_err read_whole(struct ax_read_reader *r, struct ax_str bytes, size_t *used,
                              struct ax_diag *diag)
{
    *used = 0;
    for (;;) {
        struct ax_wire w = ax_wire_of((struct ax_str){bytes.p + *used, bytes.n - *used});
        uint64_t n;
        if (!ax_wire_varint(&w, &n)) {
            if (bytes.n - *used >= LENGTH_BYTES_MAX)
                return ax_fail(diag, AX_CORRUPT, "the length of a frame is malformed");
            return AX_OK;
        }
        if (n > r->frame_max)
            return ax_fail(diag, AX_LIMIT, "a frame of %llu bytes; at most %zu are taken",
                           (unsigned long long)n, r->frame_max);
        if (ax_wire_left(&w) < CHECKSUM_BYTES + n)
            return AX_OK;
        uint32_t told =
            (uint32_t)w.p[0] << 24 | (uint32_t)w.p[1] << 16 | (uint32_t)w.p[2] << 8 | (uint32_t)w.p[3];
        const uint8_t *data = w.p + CHECKSUM_BYTES;
        if (ax_crc32c(0, data, (size_t)n) != told)
            return ax_fail(diag, AX_CORRUPT, "the checksum of a frame is wrong");
        *used = (size_t)(data + n - (const uint8_t *)bytes.p);
        enum ax_err err = read_frame(r, (struct ax_str){(const char *)data, (size_t)n}, diag);
        if (err != AX_OK)
            return err;
    }
}

/* How many bytes of the held frame are missing: what it needs at least, before its length is known. */
static size_t missing(const struct ax_read_reader *r)
{
    struct ax_wire w = ax_wire_of(ax_buf_view(&r->frame));
    uint64_t n;
    if (!ax_wire_varint(&w, &n))
        return 1;
    size_t whole = r->frame.n - ax_wire_left(&w) + CHECKSUM_BYTES + (size_t)n;
    return whole - r->frame.n;
}

enum ax_err ax_read_frames(struct ax_read_reader *r, struct ax_str piece, struct ax_diag *diag)
{
    size_t used;
    enum ax_err err;
    /* Fill up the frame that was begun, no further: what follows it is read where it stands. */
    while (r->frame.n && piece.n) {
        size_t n = missing(r);
        n = n < piece.n ? n : piece.n;
        ax_buf_put(&r->frame, piece.p, n);
        piece = (struct ax_str){piece.p + n, piece.n - n};
        if (r->frame.err != AX_OK)
            return ax_fail(diag, r->frame.err, "no memory for a frame");
        err = read_whole(r, ax_buf_view(&r->frame), &used, diag);
        if (err != AX_OK)
            return err;
        if (used)
            ax_buf_reset(&r->frame);
    }
    err = read_whole(r, piece, &used, diag);
    if (err != AX_OK)
        return err;
    ax_buf_put(&r->frame, piece.p + used, piece.n - used);
    return r->frame.err == AX_OK ? AX_OK : ax_fail(diag, r->frame.err, "no memory for a frame");
}

enum ax_err ax_read_frames_end(struct ax_read_reader *r, struct ax_diag *diag)
{
    bool whole = r->frame.n == 0;
    ax_buf_reset(&r->frame);
    return whole ? AX_OK : ax_fail(diag, AX_CORRUPT, "the answer ended within a frame");
}
