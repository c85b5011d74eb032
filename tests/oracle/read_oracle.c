/* read_oracle.c: remote-read by protobuf-c, compared. */
#include "read_oracle.h"

#include "base/hash.h"
#include "odd_tags.h"
#include "prom/chunk.h"
#include "prom/read_response.h"
#include "prom/wire.h"
#include "proto/remote_read.pb-c.h"

#include <stdbool.h>
#include <string.h>

#define ARENA_BYTES (64u << 20)
#define FRAME_MAX (1u << 16)

static bool same_text(struct ax_str a, ProtobufCBinaryData b)
{
    return a.n == b.len && (a.n == 0 || memcmp(a.p, b.data, a.n) == 0);
}

static const char *compare_query(const struct ax_read_query *q, const Prometheus__Query *p)
{
    if (q->start_ms != p->start_timestamp_ms || q->end_ms != p->end_timestamp_ms)
        return "times of a query";
    if (q->matchers_n != p->n_matchers)
        return "number of matchers";
    for (uint32_t i = 0; i < q->matchers_n; i++)
        if ((int)q->matchers[i].op != (int)p->matchers[i]->type ||
            !same_text(q->matchers[i].name, p->matchers[i]->name) ||
            !same_text(q->matchers[i].value, p->matchers[i]->value))
            return "a matcher";
    return NULL;
}

/* Has it a matcher of a type that does not exist, or only forms that are unknown? That is refused, though it
 * is well-formed. */
static bool beyond(const Prometheus__ReadRequest *p)
{
    bool known = p->n_accepted_response_types == 0;
    for (size_t i = 0; i < p->n_accepted_response_types; i++)
        known |= p->accepted_response_types[i] == 0 || p->accepted_response_types[i] == 1;
    for (size_t i = 0; i < p->n_queries; i++)
        for (size_t k = 0; k < p->queries[i]->n_matchers; k++)
            if ((unsigned)p->queries[i]->matchers[k]->type > 3)
                return true;
    return !known;
}

static enum ax_read_form first_form(const Prometheus__ReadRequest *p)
{
    for (size_t i = 0; i < p->n_accepted_response_types; i++)
        if (p->accepted_response_types[i] == 0 || p->accepted_response_types[i] == 1)
            return (enum ax_read_form)p->accepted_response_types[i];
    return AX_READ_SAMPLES;
}

static const char *compare_request(const struct ax_read_request *r, const Prometheus__ReadRequest *p)
{
    if (r->accepts != first_form(p))
        return "the form of the answer";
    if (r->queries_n != p->n_queries)
        return "number of queries";
    const char *differ = NULL;
    for (uint32_t i = 0; i < r->queries_n && !differ; i++)
        differ = compare_query(&r->queries[i], p->queries[i]);
    return differ;
}

const char *read_oracle_request(const uint8_t *bytes, size_t n)
{
    static const struct ax_read_limits limits = {UINT32_MAX, UINT32_MAX};
    struct ax_read_request r = {0};
    struct ax_arena arena;
    ax_arena_init(&arena, ARENA_BYTES);
    enum ax_err err =
        ax_read_request_read((struct ax_str){(const char *)bytes, n}, &limits, &arena, &r, NULL);
    Prometheus__ReadRequest *p = prometheus__read_request__unpack(NULL, n, bytes);
    const char *differ = NULL;
    if (err == AX_OK && p)
        differ = compare_request(&r, p);
    else if (err == AX_OK)
        differ = "protobuf-c refuses it";
    else if (p && err != AX_NOMEM && !beyond(p) && !oracle_odd_tags(bytes, n))
        differ = "the reader refuses it";
    if (p)
        prometheus__read_request__free_unpacked(p, NULL);
    ax_arena_done(&arena);
    return differ;
}

/* What was visited, as a number that depends on all of it and not on how it was cut. */
static enum ax_err add_up(void *ctx, uint32_t query, const struct ax_read_run *run)
{
    uint64_t *sum = ctx;
    const uint64_t key = ax_hash64(run->key.p ? run->key.p : "", run->key.n, 0);
    for (uint32_t i = 0; i < run->samples_n; i++) {
        uint64_t one[3] = {query, (uint64_t)run->samples[i].t_ms, ax_double_bits(run->samples[i].value)};
        *sum = ax_hash64(one, sizeof one, *sum + key);
    }
    for (uint32_t i = 0; i < run->histograms_n; i++) {
        const struct ax_histogram_sample *h = &run->histograms[i];
        *sum = ax_hash64(h->message.p, h->message.n, *sum + key + (uint64_t)h->t_ms);
    }
    return AX_OK;
}

/* Samples that protobuf-c and the chunk reader find in one frame, added up likewise. */
static bool frame_by_oracle(const uint8_t *bytes, size_t n, const struct ax_read_query *queries,
                            uint64_t *samples)
{
    Prometheus__ChunkedReadResponse *p = prometheus__chunked_read_response__unpack(NULL, n, bytes);
    if (!p)
        return false;
    for (size_t i = 0; p->query_index >= 0 && p->query_index < 3 && i < p->n_chunked_series; i++) {
        for (size_t k = 0; k < p->chunked_series[i]->n_chunks; k++) {
            const Prometheus__Chunk *chunk = p->chunked_series[i]->chunks[k];
            struct ax_chunk c;
            struct ax_sample s;
            if (ax_chunk_open(&c, (int)chunk->type,
                              (struct ax_str){(const char *)chunk->data.data, chunk->data.len}) != AX_OK)
                continue;
            const struct ax_read_query *q = &queries[p->query_index];
            while (ax_chunk_next(&c, &s))
                *samples += s.t_ms >= q->start_ms && s.t_ms <= q->end_ms;
        }
    }
    prometheus__chunked_read_response__free_unpacked(p, NULL);
    return true;
}

static enum ax_err count_up(void *ctx, uint32_t query, const struct ax_read_run *run)
{
    uint64_t *count = ctx;
    (void)query;
    *count += run->samples_n;
    return AX_OK;
}

/* The first frame: read alone, and by protobuf-c. */
static const char *compare_frame(const uint8_t *bytes, size_t n, const struct ax_read_query *queries)
{
    struct ax_wire w = ax_wire_of((struct ax_str){(const char *)bytes, n});
    struct ax_read_reader r;
    uint64_t length, counted = 0, expected = 0;
    if (!ax_wire_varint(&w, &length) || length > FRAME_MAX || ax_wire_left(&w) < 4 + length)
        return NULL;
    size_t whole = n - ax_wire_left(&w) + 4 + (size_t)length;
    ax_read_reader_init(&r, FRAME_MAX, count_up, &counted);
    ax_read_begin(&r, queries, 3);
    enum ax_err err = ax_read_frames(&r, (struct ax_str){(const char *)bytes, whole}, NULL);
    ax_read_reader_done(&r);
    if (err != AX_OK)
        return NULL;
    if (!frame_by_oracle(w.p + 4, (size_t)length, queries, &expected))
        return "protobuf-c refuses a frame that was read";
    return counted == expected ? NULL : "number of samples in a frame";
}

const char *read_oracle_frames(const uint8_t *bytes, size_t n)
{
    static const struct ax_read_query queries[3] = {
        {INT64_MIN, INT64_MAX, NULL, 0}, {0, 1700000000000, NULL, 0}, {5, 4, NULL, 0}};
    uint64_t whole_sum = 0, pieces_sum = 0;
    struct ax_read_reader whole, pieces;
    ax_read_reader_init(&whole, FRAME_MAX, add_up, &whole_sum);
    ax_read_reader_init(&pieces, FRAME_MAX, add_up, &pieces_sum);
    ax_read_begin(&whole, queries, 3);
    ax_read_begin(&pieces, queries, 3);
    enum ax_err err = ax_read_frames(&whole, (struct ax_str){(const char *)bytes, n}, NULL);
    if (err == AX_OK)
        err = ax_read_frames_end(&whole, NULL);
    enum ax_err again = AX_OK;
    for (size_t at = 0, size = 1; at < n && again == AX_OK; at += size, size = size % 37 + 1) {
        size_t left = n - at;
        again = ax_read_frames(&pieces, (struct ax_str){(const char *)bytes + at, size < left ? size : left},
                               NULL);
    }
    if (again == AX_OK)
        again = ax_read_frames_end(&pieces, NULL);
    const char *differ = NULL;
    if (err != again)
        differ = "an answer in pieces ends otherwise";
    else if (whole_sum != pieces_sum || whole.samples_n != pieces.samples_n ||
             whole.histograms_n != pieces.histograms_n)
        differ = "an answer in pieces has other samples";
    ax_read_reader_done(&whole);
    ax_read_reader_done(&pieces);
    return differ ? differ : compare_frame(bytes, n, queries);
}
