/* read_writer.c: ReadResponse, and frames of ChunkedReadResponse. */
#include "prom/read_writer.h"

#include "base/hash.h"
#include "prom/chunk.h"
#include "prom/wire_put.h"

#define FRAME_BYTES (1u << 20) /* a frame that has reached it is closed: what a Prometheus does */

/* Field numbers. */
enum { RESPONSE_RESULTS = 1, RESULT_SERIES = 1 };
enum { FRAME_SERIES = 1, FRAME_QUERY = 2, SERIES_CHUNKS = 2 };
enum { CHUNK_MIN = 1, CHUNK_MAX = 2, CHUNK_TYPE = 3, CHUNK_DATA = 4 };

void ax_read_writer_init(struct ax_read_writer *w, enum ax_read_form form, struct ax_buf *out)
{
    *w = (struct ax_read_writer){.form = form, .out = out};
    ax_buf_init(&w->part, out->bytes_max);
    ax_buf_init(&w->chunk, out->bytes_max);
}

/* Begin the next part. What went wrong with the last one has spoilt the answer. */
static void empty_part(struct ax_read_writer *w)
{
    if (w->out->err == AX_OK)
        w->out->err = w->part.err;
    ax_buf_reset(&w->part);
}

/* SAMPLES: a query is over. */
static void end_result(struct ax_read_writer *w)
{
    if (w->form == AX_READ_SAMPLES && w->queries)
        ax_wire_put_bytes(w->out, RESPONSE_RESULTS, ax_buf_view(&w->part));
    empty_part(w);
}

void ax_read_writer_query(struct ax_read_writer *w)
{
    end_result(w);
    w->queries++;
}

/* One chunk of the series as a field, without its samples' order being looked at. */
static void put_chunk(struct ax_read_writer *w, const struct ax_sample *v, uint32_t n)
{
    ax_buf_reset(&w->chunk);
    ax_chunk_xor(v, n, &w->chunk);
    uint64_t min = (uint64_t)v[0].t_ms, max = (uint64_t)v[n - 1].t_ms;
    size_t bytes = (min ? 1 + ax_wire_varint_size(min) : 0) + (max ? 1 + ax_wire_varint_size(max) : 0) + 2 +
                   1 + ax_wire_varint_size(w->chunk.n) + w->chunk.n;
    ax_wire_put_tag(&w->part, SERIES_CHUNKS, AX_WIRE_BYTES);
    ax_wire_put_varint(&w->part, bytes);
    ax_wire_put_number(&w->part, CHUNK_MIN, min);
    ax_wire_put_number(&w->part, CHUNK_MAX, max);
    ax_wire_put_number(&w->part, CHUNK_TYPE, AX_CHUNK_XOR);
    ax_wire_put_bytes(&w->part, CHUNK_DATA, ax_buf_view(&w->chunk));
    if (w->chunk.err != AX_OK)
        w->out->err = w->chunk.err;
}

/* The frame of the series in part: length, checksum, ChunkedReadResponse. */
static void put_frame(struct ax_read_writer *w)
{
    uint64_t query = w->queries - 1;
    struct ax_buf *out = w->out;
    size_t bytes =
        1 + ax_wire_varint_size(w->part.n) + w->part.n + (query ? 1 + ax_wire_varint_size(query) : 0);
    ax_wire_put_varint(out, bytes);
    size_t checksum_at = out->n, data_at = checksum_at + 4;
    ax_buf_put(out, "\0\0\0\0", 4);
    ax_wire_put_bytes(out, FRAME_SERIES, ax_buf_view(&w->part));
    ax_wire_put_number(out, FRAME_QUERY, query);
    if (out->err != AX_OK)
        return;
    uint32_t crc = ax_crc32c(0, out->bytes + data_at, out->n - data_at);
    for (unsigned i = 0; i < 4; i++)
        out->bytes[checksum_at + i] = (uint8_t)(crc >> (24 - 8 * i));
}

static void stream_series(struct ax_read_writer *w, struct ax_str key, const struct ax_sample *samples,
                          uint32_t n)
{
    ax_buf_str(&w->part, key);
    for (uint32_t at = 0; at < n;) {
        uint32_t take = n - at < AX_CHUNK_SAMPLES ? n - at : AX_CHUNK_SAMPLES;
        put_chunk(w, samples + at, take);
        at += take;
        if (w->part.n >= FRAME_BYTES && at < n) {
            put_frame(w);
            empty_part(w);
            ax_buf_str(&w->part, key);
        }
    }
    put_frame(w);
    empty_part(w);
}

void ax_read_writer_series(struct ax_read_writer *w, struct ax_str key, const struct ax_sample *samples,
                           uint32_t n)
{
    if (w->out->err != AX_OK)
        return;
    if (w->form == AX_READ_STREAMED) {
        stream_series(w, key, samples, n);
        return;
    }
    ax_wire_put_tag(&w->part, RESULT_SERIES, AX_WIRE_BYTES);
    ax_wire_put_varint(&w->part, key.n + ax_wire_samples_size(samples, n));
    ax_buf_str(&w->part, key);
    ax_wire_put_samples(&w->part, samples, n);
}

enum ax_err ax_read_writer_end(struct ax_read_writer *w)
{
    end_result(w);
    ax_buf_done(&w->part);
    ax_buf_done(&w->chunk);
    return w->out->err;
}
