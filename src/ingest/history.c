/* history.c: remote-read requests by the HTTP client, in one form or the other. */
#include "ingest/history.h"

#include "net/compress.h"
#include "net/http_client.h"

#include <stdlib.h>

#define REQUEST_BYTES_MAX ((size_t)1 << 20)
#define PACKED_BYTES_MAX (64u << 20) /* of an answer that does not stream */
#define PLAIN_BYTES_MAX (256u << 20)
#define ERROR_BYTES_MAX 1024u

struct ax_history {
    const struct ax_remote_read *config;
    struct ax_http_client *client;
    struct ax_read_reader reader;
    struct ax_buf message, request, packed, plain, error;
    bool streamed, begun; /* of the answer under way */
    struct ax_diag *diag;
    ax_read_visit *visit;
    void *ctx;
};

static enum ax_err on_run(void *ctx, uint32_t query, const struct ax_read_run *run)
{
    struct ax_history *h = ctx;
    return h->visit(h->ctx, query, run);
}

enum ax_err ax_history_open(const struct ax_remote_read *config, struct ax_history **out,
                            struct ax_diag *diag)
{
    struct ax_history *h = calloc(1, sizeof *h);
    if (!h)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    struct ax_http_client_options http = config->http;
    http.url = config->url;
    http.timeout_ms = config->remote_timeout_ms;
    h->config = config;
    ax_read_reader_init(&h->reader, config->chunked_read_limit, on_run, h);
    ax_buf_init(&h->message, REQUEST_BYTES_MAX);
    ax_buf_init(&h->request, 2 * REQUEST_BYTES_MAX);
    ax_buf_init(&h->packed, PACKED_BYTES_MAX);
    ax_buf_init(&h->plain, PLAIN_BYTES_MAX);
    ax_buf_init(&h->error, ERROR_BYTES_MAX);
    enum ax_err err = ax_http_client_new(&http, &h->client, diag);
    if (err != AX_OK) {
        ax_history_close(h);
        return ax_wrap(diag, err, "remote_read " AX_STR_FMT, AX_STR_ARG(config->name));
    }
    *out = h;
    return AX_OK;
}

void ax_history_close(struct ax_history *h)
{
    if (!h)
        return;
    ax_http_client_free(h->client);
    ax_read_reader_done(&h->reader);
    ax_buf_done(&h->message);
    ax_buf_done(&h->request);
    ax_buf_done(&h->packed);
    ax_buf_done(&h->plain);
    ax_buf_done(&h->error);
    free(h);
}

const struct ax_remote_read *ax_history_config(const struct ax_history *h)
{
    return h->config;
}

bool ax_history_serves(const struct ax_history *h, const struct ax_read_matcher *matchers, uint32_t n)
{
    for (uint32_t i = 0; i < h->config->required_matchers.n; i++) {
        const struct ax_label *wanted = &h->config->required_matchers.v[i];
        bool found = false;
        for (uint32_t k = 0; k < n && !found; k++)
            found = matchers[k].op == AX_MATCH_EQ && ax_str_eq(matchers[k].name, wanted->name) &&
                    ax_str_eq(matchers[k].value, wanted->value);
        if (!found)
            return false;
    }
    return true;
}

/* In which form does the answer come? Its headers are there. */
static void look_at_form(struct ax_history *h)
{
    static const char streamed[] = "application/x-streamed-protobuf";
    const char *type = ax_http_reply_header(h->client, "Content-Type");
    h->begun = true;
    h->streamed = type && strncmp(type, streamed, sizeof streamed - 1) == 0;
}

/* A piece of a good answer: frames are read at once, a snappy block when it is whole. */
static enum ax_err on_piece(void *ctx, struct ax_str piece)
{
    struct ax_history *h = ctx;
    if (!h->begun)
        look_at_form(h);
    if (h->streamed)
        return ax_read_frames(&h->reader, piece, h->diag);
    ax_buf_str(&h->packed, piece);
    if (h->packed.err == AX_NOMEM)
        return ax_fail(h->diag, AX_NOMEM, "out of memory");
    return h->packed.err == AX_OK
               ? AX_OK
               : ax_fail(h->diag, h->packed.err, "an answer of more than %u bytes", PACKED_BYTES_MAX);
}

/* The answer is here. */
static enum ax_err finish(struct ax_history *h, struct ax_diag *diag)
{
    if (!h->begun) /* nothing was found: no frame came */
        look_at_form(h);
    if (h->streamed)
        return ax_read_frames_end(&h->reader, diag);
    enum ax_err err = ax_snappy_decompress(ax_buf_view(&h->packed), &h->plain, diag);
    if (err == AX_INVALID)
        err = AX_CORRUPT;
    return err == AX_OK ? ax_read_samples(&h->reader, ax_buf_view(&h->plain), diag) : err;
}

/* An answer with another status than 2xx. What a server cannot do at once it may be able to do in parts. */
static enum ax_err refused(const struct ax_history *h, int status, struct ax_diag *diag)
{
    int n = 0; /* its first line */
    while ((size_t)n < h->error.n && h->error.bytes[n] != '\n' && h->error.bytes[n] != '\r')
        n++;
    bool too_much = status == 400 || status == 413 || status == 422;
    return ax_fail(diag, too_much ? AX_LIMIT : AX_IO, "it answered %d: %.*s", status, n,
                   h->error.n ? (const char *)h->error.bytes : "");
}

static enum ax_err post(struct ax_history *h, struct ax_diag *diag)
{
    const struct ax_http_field fields[] = {
        {ax_str("Content-Type"), ax_str(AX_READ_CONTENT_TYPE)},
        {ax_str("Content-Encoding"), ax_str("snappy")},
        {ax_str("Accept-Encoding"), ax_str("snappy")},
        {ax_str("X-Prometheus-Remote-Read-Version"), ax_str(AX_READ_VERSION)},
    };
    struct ax_http_reply reply = {.body = &h->error, .on_piece = on_piece, .on_piece_ctx = h};
    enum ax_err err = ax_http_post(h->client, ax_buf_view(&h->request), fields,
                                   sizeof fields / sizeof fields[0], &reply, diag);
    if (err != AX_OK)
        return err;
    return reply.status / 100 == 2 ? finish(h, diag) : refused(h, reply.status, diag);
}

enum ax_err ax_history_read(struct ax_history *h, const struct ax_read_query *queries, uint32_t n,
                            ax_read_visit *visit, void *ctx, struct ax_diag *diag)
{
    h->visit = visit;
    h->ctx = ctx;
    h->diag = diag;
    h->begun = h->streamed = false;
    ax_buf_reset(&h->message);
    ax_buf_reset(&h->request);
    ax_buf_reset(&h->packed);
    ax_read_begin(&h->reader, queries, n);
    ax_read_request_write(queries, n, &h->message);
    enum ax_err err = h->message.err;
    if (err == AX_OK)
        err = ax_snappy_compress(ax_buf_view(&h->message), &h->request);
    err =
        err == AX_OK ? post(h, diag) : ax_fail(diag, err, "the request cannot be made: %s", ax_err_text(err));
    /* What a large answer took is not kept. */
    ax_buf_done(&h->packed);
    ax_buf_done(&h->plain);
    ax_buf_init(&h->packed, PACKED_BYTES_MAX);
    ax_buf_init(&h->plain, PLAIN_BYTES_MAX);
    if (err != AX_OK && !diag->text[0]) /* of the one who is handed it */
        (void)ax_fail(diag, err, "%s", ax_err_text(err));
    return err == AX_OK ? err : ax_wrap(diag, err, "remote_read " AX_STR_FMT, AX_STR_ARG(h->config->name));
}

uint64_t ax_history_skipped(const struct ax_history *h)
{
    return h->reader.skipped_n;
}

void ax_history_abort(struct ax_history *h)
{
    ax_http_client_abort(h->client);
}
