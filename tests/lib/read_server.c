/* read_server.c: the project's own HTTP server and writer of answers around a table of samples. */
#include "read_server.h"

#include "ax_test.h"
#include "base/clock.h"
#include "failing.h"
#include "net/compress.h"
#include "net/http_server.h"
#include "prom/read_writer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define SERIES_MAX 64

/* One series. */
struct kept {
    char *text;
    struct ax_arena arena; /* of labels */
    struct ax_labels labels;
    struct ax_buf key;
    struct ax_sample *v;
    uint32_t n, cap;
};

struct read_server {
    struct ax_http_server *http;
    struct ax_http_route route;
    struct read_server_manner manner;
    char url[64];
    pthread_mutex_t lock;
    struct kept series[SERIES_MAX];
    uint32_t series_n;
    atomic_uint requests;
    _Atomic int64_t longest_ms;
    atomic_bool over;
};

static bool selects(const struct ax_read_query *q, const struct ax_labels *labels)
{
    for (uint32_t i = 0; i < q->matchers_n; i++) {
        struct ax_matcher *m = NULL;
        assert_int_equal(
            ax_matcher_new(q->matchers[i].op, q->matchers[i].name, q->matchers[i].value, &m, NULL), AX_OK);
        bool yes = ax_matcher_match(m, labels);
        ax_matcher_free(m);
        if (!yes)
            return false;
    }
    return true;
}

static void write_series(struct ax_read_writer *w, const struct ax_read_query *q, const struct kept *k)
{
    uint32_t from = 0, end = k->n;
    while (from < end && k->v[from].t_ms < q->start_ms)
        from++;
    while (end > from && k->v[end - 1].t_ms > q->end_ms)
        end--;
    if (end > from && selects(q, &k->labels))
        ax_read_writer_series(w, ax_buf_view(&k->key), k->v + from, end - from);
}

static void answer(struct read_server *s, const struct ax_read_request *r, struct ax_http_response *res)
{
    struct ax_read_writer w;
    struct ax_buf plain;
    bool streamed = r->accepts == AX_READ_STREAMED && !atomic_load(&s->manner.samples);
    ax_buf_init(&plain, 256u << 20);
    ax_read_writer_init(&w, streamed ? AX_READ_STREAMED : AX_READ_SAMPLES, streamed ? &res->body : &plain);
    (void)pthread_mutex_lock(&s->lock);
    for (uint32_t q = 0; q < r->queries_n; q++) {
        ax_read_writer_query(&w);
        for (uint32_t i = 0; i < s->series_n; i++)
            write_series(&w, &r->queries[q], &s->series[i]);
    }
    (void)pthread_mutex_unlock(&s->lock);
    assert_int_equal(ax_read_writer_end(&w), AX_OK);
    res->content_type = streamed ? AX_READ_STREAMED_CONTENT_TYPE : AX_READ_CONTENT_TYPE;
    if (!streamed)
        assert_int_equal(ax_snappy_compress(ax_buf_view(&plain), &res->body), AX_OK);
    ax_buf_done(&plain);
}

static void handle(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    static const struct ax_read_limits limits = {100, 100};
    struct read_server *s = ctx;
    struct ax_read_request request = {0};
    struct ax_arena arena;
    struct ax_buf message;
    int64_t longest_ms = 0, most_ms = atomic_load(&s->manner.span_max_ms);
    int status = atomic_load(&s->manner.status);
    failing_spared = true; /* a thread of this server's own */
    (void)atomic_fetch_add(&s->requests, 1);
    while (atomic_load(&s->manner.hang) && !atomic_load(&s->over))
        ax_sleep_ns(1000000);
    ax_arena_init(&arena, 1 << 20);
    ax_buf_init(&message, 1 << 20);
    assert_int_equal(ax_snappy_decompress(req->body, &message, NULL), AX_OK);
    assert_int_equal(ax_read_request_read(ax_buf_view(&message), &limits, &arena, &request, NULL), AX_OK);
    for (uint32_t i = 0; i < request.queries_n; i++) {
        int64_t span_ms = request.queries[i].end_ms - request.queries[i].start_ms;
        longest_ms = span_ms > longest_ms ? span_ms : longest_ms;
    }
    if (longest_ms > atomic_load(&s->longest_ms))
        atomic_store(&s->longest_ms, longest_ms);
    if (status)
        ax_http_text(res, status, "told to say %d", status);
    else if (most_ms && longest_ms > most_ms)
        ax_http_text(res, 400, "exceeded sample limit (5)");
    else if (atomic_load(&s->manner.nonsense))
        ax_http_text(res, 200, "<html>nonsense</html>");
    else
        answer(s, &request, res);
    ax_buf_done(&message);
    ax_arena_done(&arena);
}

struct read_server *read_server_start(void)
{
    struct read_server *s = calloc(1, sizeof *s);
    struct ax_diag diag = {{0}};
    assert_non_null(s);
    (void)pthread_mutex_init(&s->lock, NULL);
    s->route = (struct ax_http_route){.method = "POST",
                                      .path = "/api/v1/read",
                                      .name = "read",
                                      .handle = handle,
                                      .ctx = s,
                                      .body_max = 1 << 20};
    const struct ax_http_options options = {.listen_address = "127.0.0.1:0"};
    if (ax_http_server_start(&options, &s->route, 1, &s->http, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u/api/v1/read", ax_http_server_port(s->http));
    return s;
}

void read_server_stop(struct read_server *s)
{
    atomic_store(&s->over, true);
    ax_http_server_stop(s->http, 5000);
    for (uint32_t i = 0; i < s->series_n; i++) {
        free(s->series[i].text);
        free(s->series[i].v);
        ax_arena_done(&s->series[i].arena);
        ax_buf_done(&s->series[i].key);
    }
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *read_server_url(const struct read_server *s)
{
    return s->url;
}

struct read_server_manner *read_server_manner(struct read_server *s)
{
    return &s->manner;
}

static struct kept *find(struct read_server *s, const char *series)
{
    for (uint32_t i = 0; i < s->series_n; i++)
        if (strcmp(s->series[i].text, series) == 0)
            return &s->series[i];
    assert_true(s->series_n < SERIES_MAX);
    struct kept *k = &s->series[s->series_n++];
    k->text = strdup(series);
    ax_arena_init(&k->arena, 1 << 16);
    ax_buf_init(&k->key, 1 << 16);
    assert_non_null(k->text);
    assert_int_equal(ax_labels_parse(ax_str(k->text), &k->arena, &k->labels, NULL), AX_OK);
    ax_labels_key_write(&k->labels, &k->key);
    return k;
}

void read_server_add(struct read_server *s, const char *series, int64_t t_ms, double value)
{
    (void)pthread_mutex_lock(&s->lock);
    struct kept *k = find(s, series);
    if (k->n == k->cap) {
        k->cap = k->cap ? 2 * k->cap : 1024;
        k->v = realloc(k->v, k->cap * sizeof *k->v);
        assert_non_null(k->v);
    }
    k->v[k->n++] = (struct ax_sample){t_ms, value};
    (void)pthread_mutex_unlock(&s->lock);
}

uint32_t read_server_requests(struct read_server *s)
{
    return atomic_load(&s->requests);
}

int64_t read_server_longest_ms(struct read_server *s)
{
    return atomic_load(&s->longest_ms);
}
