/* request_fuzz.c: a whole remote-write request without its sockets: headers, decompression, decoding,
 * database.
 *
 * The first byte: 0 the rest is the body as it is, 1 it is sent as a snappy block, 2 as a zstd frame; plus 4:
 * it is said to be of version 2.0; plus 8: the first two lines of the rest are Content-Type and
 * Content-Encoding. Whatever comes, the answer is one of those that are specified, a refusal has a text, no
 * ceiling is passed, the same request again makes nothing new, and a good request afterwards is taken. */
#include "base/assert.h"
#include "ingest/receiver.h"
#include "net/compress.h"
#include "prom/matcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define SERIES_MAX 16
#define PLAIN_MAX (1u << 18)
#define NOW_MS INT64_C(1700000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What stands in the request's headers. */
struct headers {
    char type[256], encoding[256];
};

static struct ax_str find(void *ctx, bool query, const char *name, uint32_t at)
{
    (void)at;
    const struct headers *h = ctx;
    AX_ASSERT(!query);
    const char *v = strcmp(name, "Content-Type") == 0       ? h->type
                    : strcmp(name, "Content-Encoding") == 0 ? h->encoding
                                                            : NULL;
    return v ? ax_str(v) : (struct ax_str){NULL, 0};
}

/* The next line of the input as a header's value. */
static void take_line(const uint8_t **data, size_t *n, char out[static 256])
{
    size_t used = 0;
    while (used < *n && (*data)[used] != '\n')
        used++;
    size_t kept = used < 255 ? used : 255;
    memcpy(out, *data, kept);
    out[kept] = '\0';
    used += used < *n;
    *data += used;
    *n -= used;
}

/* The body: the rest of the input, compressed as it says. */
static void make_body(unsigned how, struct ax_str rest, struct ax_buf *out)
{
    ax_buf_init(out, 4u << 20);
    if (how == 1) {
        AX_ASSERT(ax_snappy_compress(rest, out) == AX_OK);
    } else if (how == 2) {
        AX_ASSERT(ax_buf_reserve(out, ZSTD_compressBound(rest.n)));
        out->n = ZSTD_compress(out->bytes, ZSTD_compressBound(rest.n), rest.p, rest.n, 1);
        AX_ASSERT(!ZSTD_isError(out->n));
    } else {
        ax_buf_str(out, rest);
    }
}

/* Handle one request, look at its answer; returns its status. */
static int handle(const struct ax_http_route *route, struct headers *h, struct ax_str body)
{
    struct ax_http_response res;
    ax_http_response_init(&res);
    const struct ax_http_request req = {.path = ax_str(route->path), .body = body, .find = find, .ctx = h};
    route->handle(route->ctx, &req, &res);
    int status = res.status;
    AX_ASSERT(status == 200 || status == 204 || status == 400 || status == 413 || status == 415);
    AX_ASSERT(res.body.err == AX_OK);
    if (status >= 400) {
        AX_ASSERT(res.body.n > 1 && res.body.bytes[res.body.n - 1] == '\n');
        AX_ASSERT(!memchr(res.body.bytes, '\n', res.body.n - 1));
    }
    ax_buf_done(&res.body);
    return status;
}

static struct ax_clock fixed_clock(void)
{
    static const int64_t now_ms = NOW_MS;
    return ax_clock_virtual(&now_ms);
}

/* {__name__="kn0wn"} at the newest time that is taken: no sample of the input can make it too old. */
static const char good[] = "\x0a\x25"
                           "\x0a\x11\x0a\x08__name__\x12\x05kn0wn"
                           "\x12\x10\x09\0\0\0\0\0\0\xf0?\x10\xc0\x9f\xba\xff\xbc\x31";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct ax_matcher *matcher;
    struct ax_watch watch = {.newest_ms = INT64_MIN, .evaluated_ms = INT64_MIN};
    struct headers h = {"application/x-protobuf", "snappy"}, plain = h;
    struct ax_buf body, known;
    if (n == 0 || n > PLAIN_MAX)
        return 0;
    if (!matcher)
        AX_ASSERT(ax_matcher_new(AX_MATCH_RE, ax_str(AX_METRIC_NAME), ax_str(".*"), &matcher, NULL) == AX_OK);
    unsigned flags = *data++;
    n--;
    if (flags & 4)
        (void)snprintf(h.type, sizeof h.type, "application/x-protobuf;proto=io.prometheus.write.v2.Request");
    if ((flags & 3) == 2)
        (void)snprintf(h.encoding, sizeof h.encoding, "zstd");
    if (flags & 8) {
        take_line(&data, &n, h.type);
        take_line(&data, &n, h.encoding);
    }
    make_body(flags & 3, (struct ax_str){(const char *)data, n}, &body);
    make_body(1, (struct ax_str){good, sizeof good - 1}, &known);

    struct ax_receiver *receiver = NULL;
    const struct ax_db_options db_options = {
        .seed = 1, .series_max = SERIES_MAX, .ring_samples_max = 64, .negative_max = 64};
    const struct ax_receiver_options options = {
        .clock = fixed_clock(), .body_max = 4u << 20, .plain_max = PLAIN_MAX, .future_max_ms = 600000};
    struct ax_db *db = ax_db_new(&db_options);
    AX_ASSERT(db && ax_db_add_selector(db, ax_str(""), &matcher, 1, 60000, &watch) >= 0);
    AX_ASSERT(ax_receiver_new(db, &options, &receiver, NULL) == AX_OK);
    const struct ax_http_route route = ax_receiver_route(receiver);
    AX_ASSERT(handle(&route, &plain, ax_buf_view(&known)) == 204);
    (void)handle(&route, &h, ax_buf_view(&body));
    uint32_t series_n = ax_db_series_n(db);
    AX_ASSERT(series_n >= 1 && series_n <= SERIES_MAX);
    (void)handle(&route, &h, ax_buf_view(&body));
    AX_ASSERT(ax_db_series_n(db) == series_n);
    AX_ASSERT(handle(&route, &plain, ax_buf_view(&known)) == 204);
    ax_receiver_free(receiver);
    ax_db_free(db);
    ax_buf_done(&body);
    ax_buf_done(&known);
    return 0;
}
