/* read.c: a remote-read from its bytes to its answer. */
#include "api/read.h"

#include "api/read_find.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "net/compress.h"
#include "prom/read_writer.h"

#include <stdlib.h>

#define LOOK_EVERY 64            /* series that are written between two looks at who asks */
#define ARENA_BYTES (256u << 20) /* labels and points of one answer, before it is written */

/* Give up, with a text for the one who asked and a word for the counter. */
static void refuse(struct ax_http_response *res, int status, const char *reason, const char *text)
{
    ax_http_text(res, status, "%s", text);
    if (status == 503)
        ax_http_add_header(res, "Retry-After", "1");
    ax_metric_count(AX_M_READ_REFUSED, reason, NULL);
}

/* Write what was found. */
static enum ax_err write_answer(const struct ax_read_find *f, struct ax_buf *out)
{
    const struct ax_read_request *r = f->request;
    struct ax_read_writer w;
    struct ax_buf key;
    struct ax_sample *samples = NULL;
    uint32_t most = 0, at = 0;
    bool gone = false;
    for (uint32_t i = 0; i < f->n; i++) {
        uint32_t n = ax_found_samples(&f->v[i], &r->queries[f->v[i].query], NULL);
        most = n > most ? n : most;
    }
    if (most && !(samples = malloc(most * sizeof *samples)))
        return AX_NOMEM;
    ax_buf_init(&key, out->bytes_max); /* of what does not fit there, the answer does not */
    ax_read_writer_init(&w, r->accepts, out);
    for (uint32_t q = 0; q < r->queries_n; q++) {
        ax_read_writer_query(&w);
        for (; key.err == AX_OK && !gone && at < f->n && f->v[at].query == q; at++) {
            gone = at % LOOK_EVERY == 0 && ax_http_gone(f->from);
            uint32_t n = ax_found_samples(&f->v[at], &r->queries[q], samples);
            ax_buf_reset(&key);
            ax_labels_key_write(&f->v[at].labels, &key);
            if (n && key.err == AX_OK)
                ax_read_writer_series(&w, ax_buf_view(&key), samples, n);
        }
    }
    enum ax_err err = ax_read_writer_end(&w);
    if (err == AX_OK)
        err = gone ? AX_CANCELLED : key.err; /* an answer that lacks a series is none */
    ax_buf_done(&key);
    free(samples);
    return err;
}

static void answer(const struct ax_read_find *f, struct ax_http_response *res)
{
    bool streamed = f->request->accepts == AX_READ_STREAMED;
    struct ax_buf plain;
    ax_buf_init(&plain, res->body.bytes_max);
    enum ax_err err = write_answer(f, streamed ? &res->body : &plain);
    if (err == AX_OK && !streamed)
        err = ax_snappy_compress(ax_buf_view(&plain), &res->body);
    ax_buf_done(&plain);
    if (err != AX_OK) {
        ax_buf_reset(&res->body);
        if (err == AX_CANCELLED)
            refuse(res, ax_err_http(err), "gone", ax_err_text(err));
        else if (err == AX_LIMIT)
            refuse(res, 400, "answer", "the answer is too large: ask for fewer series or a shorter time");
        else
            refuse(res, 503, "memory", "out of memory");
        return;
    }
    res->content_type = streamed ? AX_READ_STREAMED_CONTENT_TYPE : AX_READ_CONTENT_TYPE;
    if (!streamed)
        ax_http_add_header(res, "Content-Encoding", "snappy");
    ax_metric_add(ax_metric(AX_M_READ_SERVED_SERIES, NULL, NULL), f->n);
    ax_metric_add(ax_metric(AX_M_READ_SERVED_SAMPLES, NULL, NULL), (double)f->samples);
}

/* A request whose bytes are decompressed. */
static void handle_message(struct ax_read_service *s, const struct ax_http_request *from,
                           struct ax_str message, struct ax_arena *arena, struct ax_http_response *res)
{
    const struct ax_read_limits limits = {s->ceilings.queries_max, s->ceilings.matchers_max};
    struct ax_read_request request = {0};
    struct ax_diag diag = {{0}};
    enum ax_err err = ax_read_request_read(message, &limits, arena, &request, &diag);
    if (err != AX_OK) {
        refuse(res, err == AX_NOMEM ? 503 : 400, err == AX_LIMIT ? "queries" : "request", diag.text);
        return;
    }
    struct ax_read_find find = {.service = s,
                                .from = from,
                                .request = &request,
                                .arena = arena,
                                .deadline_ns = ax_mono_ns() + s->ceilings.duration_ms * 1000000,
                                .diag = &diag};
    err = ax_read_find(&find);
    if (err == AX_OK)
        answer(&find, res);
    else
        refuse(res, err == AX_LIMIT ? 400 : ax_err_http(err), find.reason, diag.text);
    ax_read_find_done(&find);
}

static void handle(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_read_service *s = ctx;
    struct ax_arena arena;
    struct ax_buf message;
    struct ax_diag diag = {{0}};
    if (atomic_fetch_add(&s->running, 1) >= s->ceilings.concurrent_max) {
        refuse(res, 503, "concurrent", "too many remote reads at once: try again");
    } else if (ax_memory_state() == AX_MEMORY_FULL) {
        refuse(res, 503, "memory", "too little memory: try again later");
    } else {
        ax_buf_init(&message, (size_t)s->ceilings.body_max);
        ax_arena_init(&arena, ARENA_BYTES);
        enum ax_err err = ax_snappy_decompress(req->body, &message, &diag);
        if (err == AX_OK)
            handle_message(s, req, ax_buf_view(&message), &arena, res);
        else
            refuse(res, err == AX_NOMEM ? 503 : 400, "request", diag.text);
        ax_arena_done(&arena);
        ax_buf_done(&message);
    }
    (void)atomic_fetch_sub(&s->running, 1);
}

struct ax_http_route ax_read_route(struct ax_read_service *s)
{
    return (struct ax_http_route){.method = "POST",
                                  .path = "/api/v1/read",
                                  .name = "read",
                                  .handle = handle,
                                  .ctx = s,
                                  .body_max = s->ceilings.body_max,
                                  .body_flag = "remote-read.max-body-size",
                                  .slow = true};
}
