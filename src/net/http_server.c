/* http_server.c: routes and ceilings around libmicrohttpd.
 *
 * The happy path of a request: on_request() is called with the headers (a `struct call` is made, its
 * route found and the doors asked), then with pieces of the body, then once more without, when the handler
 * runs and the answer is queued; on_completed() frees the call. What is refused before the body (not let in,
 * no such route, too large, too much in flight) is remembered in the call and answered when the body has been
 * read past, so that the client is still there to read why (one that only sees its connection close would try
 * again for ever); at once if the client waits for leave to send it, or announces more than anybody would
 * read past. */
#include "net/http_server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/parse.h"
#include "net/gate.h"
#include "net/listen.h"

#include <gnutls/abstract.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define CONNECTION_BYTES (64u << 10)
#define ANSWER_BYTES_MAX (64u << 20)
#define BODY_FIRST (256u << 10) /* reserved at once for a body that is announced to be larger */
#define SKIP_FACTOR 2           /* a body too large is read past to at most so many times its ceiling */

struct ax_http_server {
    struct MHD_Daemon *daemon;
    struct ax_gate *gate;
    const struct ax_http_route *routes;
    uint32_t routes_n;
    uint16_t port;
    uint64_t bodies_max;
    _Atomic uint64_t bodies;   /* bytes of bodies in flight */
    _Atomic uint32_t running;  /* calls not completed */
    struct ax_cell *seconds[]; /* per route */
};

/* One request on its way. */
struct call {
    struct ax_http_server *server;
    struct ax_doors *doors;            /* that it came in by */
    const struct ax_http_route *route; /* NULL: refused */
    uint32_t route_i;
    struct ax_buf body;
    uint64_t accounted; /* bytes of it in server->bodies */
    uint64_t skipped;
    int64_t start_ns;
    struct ax_http_response refusal; /* status 0 while the request is acceptable */
    struct MHD_Connection *connection;
};

static struct MHD_Connection *connection_of(const struct ax_http_request *req)
{
    return (struct MHD_Connection *)(void *)req->conn;
}

static struct ax_str lookup(const struct ax_http_request *req, enum MHD_ValueKind kind, const char *name)
{
    const char *v = MHD_lookup_connection_value(connection_of(req), kind, name);
    return v ? ax_str(v) : (struct ax_str){NULL, 0};
}

struct ax_str ax_http_header(const struct ax_http_request *req, const char *name)
{
    return lookup(req, MHD_HEADER_KIND, name);
}

struct ax_str ax_http_query(const struct ax_http_request *req, const char *name)
{
    return lookup(req, MHD_GET_ARGUMENT_KIND, name);
}

void ax_http_add_header(struct ax_http_response *res, const char *name, const char *fmt, ...)
{
    if (res->headers_n == AX_HTTP_HEADERS_MAX)
        return;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(res->headers[res->headers_n].value, sizeof res->headers[0].value, fmt, args);
    va_end(args);
    res->headers[res->headers_n++].name = name;
}

void ax_http_text(struct ax_http_response *res, int status, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    res->status = status;
    res->content_type = "text/plain; charset=utf-8";
    ax_buf_reset(&res->body);
    ax_buf_str(&res->body, ax_str(text));
    ax_buf_byte(&res->body, '\n');
}

static void response_init(struct ax_http_response *res)
{
    *res = (struct ax_http_response){.status = 200, .content_type = "text/plain; charset=utf-8"};
    ax_buf_init(&res->body, ANSWER_BYTES_MAX);
}

/* Hand the answer to libmicrohttpd, which takes over the body's memory. */
static enum MHD_Result send_response(const struct call *c, struct ax_http_response *res)
{
    if (res->body.err != AX_OK)
        ax_http_text(res, 500, "the answer is too large");
    size_t n = res->status == 204 ? 0 : res->body.n;
    struct MHD_Response *r = MHD_create_response_from_buffer(
        n, res->body.bytes, res->body.bytes ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!r) {
        ax_buf_done(&res->body);
        return MHD_NO;
    }
    ax_buf_init(&res->body, 0);
    if (res->status != 204)
        (void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, res->content_type);
    for (uint32_t i = 0; i < res->headers_n; i++)
        (void)MHD_add_response_header(r, res->headers[i].name, res->headers[i].value);
    ax_gate_decorate(c->doors, r);
    enum MHD_Result queued = MHD_queue_response(c->connection, (unsigned)res->status, r);
    MHD_destroy_response(r);
    return queued;
}

static void count(const struct call *c, int status)
{
    char code[8];
    (void)snprintf(code, sizeof code, "%d", status);
    ax_metric_count(AX_M_HTTP_REQUESTS, c->route ? c->route->name : "none", code);
    if (c->route)
        ax_metric_observe(c->server->seconds[c->route_i], (double)(ax_mono_ns() - c->start_ns) * 1e-9);
}

/* Find the route, or fill the refusal: 404, or 405 with what is allowed. */
static void find_route(struct call *c, const char *method, const char *path)
{
    char allowed[64] = "";
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (uint32_t i = 0; i < c->server->routes_n; i++) {
        const struct ax_http_route *r = &c->server->routes[i];
        if (strcmp(r->path, path) != 0)
            continue;
        if (strcmp(r->method, method) == 0) {
            c->route = r;
            c->route_i = i;
            return;
        }
        size_t n = strlen(allowed);
        (void)snprintf(allowed + n, sizeof allowed - n, "%s%s", n ? ", " : "", r->method);
    }
    if (!allowed[0]) {
        ax_http_text(&c->refusal, 404, "there is nothing at %s", path);
        return;
    }
    ax_http_text(&c->refusal, 405, "method %s is not allowed here: use %s", method, allowed);
    ax_http_add_header(&c->refusal, "Allow", "%s", allowed);
}

static void refuse_large(struct call *c)
{
    ax_http_text(&c->refusal, 413, "the body is larger than the limit of %llu bytes",
                 (unsigned long long)(c->route ? c->route->body_max : 0));
}

/* Take n more bytes of the ceiling on all bodies; false (with the refusal) when they are not there. */
static bool account(struct call *c, uint64_t n)
{
    uint64_t before = atomic_fetch_add(&c->server->bodies, n);
    c->accounted += n;
    if (before + n <= c->server->bodies_max)
        return true;
    ax_http_text(&c->refusal, 503, "too many request bodies in flight: try again");
    ax_http_add_header(&c->refusal, "Retry-After", "1");
    return false;
}

/* Give back the body's memory and its share of the ceiling. */
static void release_body(struct call *c)
{
    (void)atomic_fetch_sub(&c->server->bodies, c->accounted);
    c->accounted = 0;
    ax_buf_done(&c->body);
}

/* What the client says of its body's size, 0 when it says nothing. */
static uint64_t announced(struct MHD_Connection *connection)
{
    const char *v = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t n;
    return v && ax_parse_i64(ax_str(v), &n) == AX_OK && n > 0 ? (uint64_t)n : 0;
}

/* Does the client wait for leave to send its body? */
static bool waits(struct MHD_Connection *connection)
{
    const char *v = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);
    return v && strcasecmp(v, "100-continue") == 0;
}

/* How much of an unwanted body is read past. */
static uint64_t patience(const struct call *c)
{
    return SKIP_FACTOR * (c->route ? c->route->body_max : 0) + (1u << 20);
}

static enum MHD_Result begin(struct ax_http_server *s, struct MHD_Connection *connection, const char *method,
                             const char *path, void **state)
{
    struct call *c = calloc(1, sizeof *c);
    if (!c)
        return MHD_NO;
    *state = c;
    c->server = s;
    c->connection = connection;
    c->start_ns = ax_mono_ns();
    response_init(&c->refusal);
    c->refusal.status = 0;
    (void)atomic_fetch_add(&s->running, 1);
    c->doors = ax_gate_doors(s->gate);
    find_route(c, method, path);
    bool admitted = ax_gate_admit(c->doors, connection, &c->refusal);
    ax_buf_init(&c->body, c->route ? (size_t)c->route->body_max : 0);
    uint64_t n = announced(connection);
    if (admitted && c->route && n > c->route->body_max)
        refuse_large(c);
    if (c->refusal.status && n && (n > patience(c) || waits(connection))) {
        count(c, c->refusal.status);
        return send_response(c, &c->refusal);
    }
    if (c->refusal.status == 0 && n) /* no more than a little is taken on the client's word */
        (void)ax_buf_reserve(&c->body, (size_t)(n < BODY_FIRST ? n : BODY_FIRST));
    return MHD_YES;
}

static enum MHD_Result take_body(struct call *c, const char *data, size_t n)
{
    if (c->refusal.status == 0 && c->body.n + n > c->route->body_max)
        refuse_large(c);
    if (c->refusal.status == 0 && c->body.n + n > c->accounted)
        (void)account(c, c->body.n + n - c->accounted);
    if (c->refusal.status == 0) {
        ax_buf_put(&c->body, data, n);
        if (c->body.err != AX_OK) {
            ax_http_text(&c->refusal, 503, "out of memory: try again");
            ax_http_add_header(&c->refusal, "Retry-After", "1");
        }
    }
    if (c->refusal.status == 0)
        return MHD_YES;
    release_body(c);
    c->skipped += n;
    return c->skipped > patience(c) ? MHD_NO : MHD_YES;
}

static enum MHD_Result finish(struct call *c, const char *path)
{
    if (c->refusal.status) {
        count(c, c->refusal.status);
        return send_response(c, &c->refusal);
    }
    struct ax_http_response res;
    response_init(&res);
    const struct ax_http_request req = {ax_str(path), ax_buf_view(&c->body),
                                        (struct ax_http_conn *)(void *)c->connection};
    c->route->handle(c->route->ctx, &req, &res);
    count(c, res.status);
    return send_response(c, &res);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *data_n,
                                  void **state)
{
    (void)version;
    if (!*state)
        return begin(ctx, connection, method, url, state);
    struct call *c = *state;
    if (*data_n) {
        enum MHD_Result r = take_body(c, data, *data_n);
        *data_n = 0;
        return r;
    }
    return finish(c, url);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct ax_http_server *s = ctx;
    struct call *c = *state;
    (void)connection;
    (void)why;
    if (!c)
        return;
    release_body(c);
    ax_buf_done(&c->refusal.body);
    ax_doors_release(c->doors);
    free(c);
    *state = NULL;
    (void)atomic_fetch_sub(&s->running, 1);
}

__attribute__((format(printf, 2, 0))) static void on_log(void *ctx, const char *fmt, va_list args)
{
    char text[512];
    (void)ctx;
    (void)vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = '\0';
    ax_log(AX_LOG_DEBUG, "http_server", "%s", text);
}

/* libmicrohttpd wants a certificate to start with; ours come with each connection (gate.c). */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *issuers, int issuers_n,
                          const gnutls_pk_algorithm_t *algorithms, int algorithms_n, gnutls_pcert_st **out,
                          unsigned *out_n, gnutls_privkey_t *key)
{
    (void)session;
    (void)issuers;
    (void)issuers_n;
    (void)algorithms;
    (void)algorithms_n;
    (void)out;
    (void)out_n;
    (void)key;
    return -1;
}

static struct MHD_Daemon *start_daemon(struct ax_http_server *s, const struct ax_http_options *o, int fd)
{
    bool tls = ax_doors_tls(o->doors);
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    if (tls)
        flags |= MHD_USE_TLS;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log,
        NULL, /* first, so that it sees all */
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, o->threads ? o->threads : 2u,
        MHD_OPTION_CONNECTION_LIMIT, o->connections_max ? o->connections_max : 512u,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->connections_per_ip_max ? o->connections_per_ip_max : 256u,
        MHD_OPTION_CONNECTION_TIMEOUT, o->idle_timeout_s ? o->idle_timeout_s : 300u,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, ax_gate_on_connection, s->gate,
        tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, no_certificate, MHD_OPTION_END);
}

enum ax_err ax_http_server_start(const struct ax_http_options *options, const struct ax_http_route *routes,
                                 uint32_t routes_n, struct ax_http_server **out, struct ax_diag *diag)
{
    int fd;
    if (ax_doors_tls(options->doors) && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return ax_fail(diag, AX_INVALID, "libmicrohttpd has no TLS on this system: remove tls_server_config");
    struct ax_http_server *s = calloc(1, sizeof *s + routes_n * sizeof(struct ax_cell *));
    if (s)
        s->gate = ax_gate_new(options->doors);
    if (!s || !s->gate) {
        free(s);
        return ax_fail(diag, AX_NOMEM, "no memory for the HTTP server");
    }
    enum ax_err err = ax_listen(options->listen_address, &fd, &s->port, diag);
    if (err == AX_OK) {
        s->routes = routes;
        s->routes_n = routes_n;
        s->bodies_max = options->bodies_max ? options->bodies_max : 256u << 20;
        for (uint32_t i = 0; i < routes_n; i++)
            s->seconds[i] = ax_metric(AX_M_HTTP_SECONDS, routes[i].name, NULL);
        s->daemon = start_daemon(s, options, fd);
        if (!s->daemon) {
            (void)close(fd);
            err = ax_fail(diag, AX_IO, "the HTTP server does not start (threads or epoll are not to be had)");
        }
    }
    if (err != AX_OK) {
        ax_gate_free(s->gate);
        free(s);
        return err;
    }
    *out = s;
    return AX_OK;
}

enum ax_err ax_http_server_set_doors(struct ax_http_server *s, struct ax_doors *doors, struct ax_diag *diag)
{
    return ax_gate_change(s->gate, doors, diag);
}

uint16_t ax_http_server_port(const struct ax_http_server *s)
{
    return s->port;
}

void ax_http_server_stop(struct ax_http_server *s, int64_t deadline_ms)
{
    if (!s)
        return;
    MHD_socket listening = MHD_quiesce_daemon(s->daemon);
    if (listening != MHD_INVALID_SOCKET)
        (void)close(listening);
    int64_t until_ns = ax_mono_ns() + deadline_ms * 1000000;
    while (atomic_load(&s->running) && ax_mono_ns() < until_ns)
        ax_sleep_ns(5000000);
    MHD_stop_daemon(s->daemon);
    ax_gate_free(s->gate);
    free(s);
}
