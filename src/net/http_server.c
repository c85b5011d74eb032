/* http_server.c: starts and stops libmicrohttpd, and leads its callbacks to gate.h and http_call.h. */
#include "net/http_server.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/ceilings.h"
#include "net/http_call.h"
#include "net/listen.h"

#include <gnutls/abstract.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECTION_BYTES (64u << 10)
#define QUERIES_WAITING 128 /* for a thread */
#define LAST_ANSWERS_MS 100 /* at the end, for those who are turned away to hear it */

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *data_n,
                                  void **state)
{
    if (!*state) {
        *state = ax_http_call_begin(ctx, connection, method, url, version);
        return *state ? MHD_YES : MHD_NO;
    }
    if (ax_http_call_slept(*state))
        return ax_http_call_resume(*state);
    if (*data_n) {
        enum MHD_Result r = ax_http_call_take(*state, data, *data_n);
        *data_n = 0;
        return r;
    }
    return ax_http_call_finish(*state);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    (void)ctx;
    (void)connection;
    (void)why;
    if (*state)
        ax_http_call_end(*state);
    *state = NULL;
}

/* While it stops, who comes is closed again: MHD_quiesce_daemon would be the way not to accept at all, but it
 * and the threads that it stops race for the socket's place in their epoll sets, and who comes second aborts
 * (0.9.75). */
static enum MHD_Result on_accept(void *ctx, const struct sockaddr *address, socklen_t address_n)
{
    struct ax_http_server *s = ctx;
    (void)address_n;
    return !atomic_load(&s->ending) && ax_conns_accept(s->conns, address) ? MHD_YES : MHD_NO;
}

/* A connection's beginning. Without memory it has no state: its handshake fails, or its first request. */
static void on_open(struct ax_http_server *s, struct MHD_Connection *connection, void **state)
{
    struct ax_http_visitor *v = calloc(1, sizeof *v);
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *client =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (v && fd)
        v->conn = ax_conn_open(s->conns, fd->connect_fd, client ? client->client_addr : NULL);
    if (!v || !v->conn) {
        free(v);
        return;
    }
    v->entrance = ax_gate_enter(s->gate, connection, v->conn);
    *state = v;
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode code)
{
    struct ax_http_visitor *v = *state;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        on_open(ctx, connection, state);
    } else if (v) {
        ax_gate_leave(v->entrance);
        ax_conn_close(v->conn);
        free(v);
        *state = NULL;
    }
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
    uint32_t threads = o->threads ? o->threads : 2;
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME;
    if (tls)
        flags |= MHD_USE_TLS;
    /* The ceilings on connections are conns.c's. libmicrohttpd divides its own evenly between the threads,
     * which do not divide connections so; at it, it would let them wait without a word. */
    uint64_t most = (uint64_t)threads * ((uint64_t)s->connections_max + AX_CONNS_SPARE + 1);
    return MHD_start_daemon(
        flags, 0, on_accept, s, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log,
        NULL, /* first, so that it sees all */
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)(most < UINT32_MAX ? most : UINT32_MAX), MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)((s->idle_ms + 999) / 1000), MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
        tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, no_certificate, MHD_OPTION_END);
}

/* The parts that need no socket. */
static enum ax_err make_parts(struct ax_http_server *s, const struct ax_http_options *o, struct ax_diag *diag)
{
    s->connections_max = o->connections_max ? o->connections_max : 512;
    s->idle_ms = o->idle_timeout_ms ? o->idle_timeout_ms : 300000;
    s->bodies_max = o->bodies_max ? o->bodies_max : 256u << 20;
    s->requests_max = o->requests_max ? o->requests_max : 384;
    const struct ax_conns_options conns = {.max = s->connections_max,
                                           .per_address_max =
                                               o->connections_per_ip_max ? o->connections_per_ip_max : 256,
                                           .read_ms = o->read_timeout_ms ? o->read_timeout_ms : 60000,
                                           .answer_ms = s->idle_ms,
                                           .tls = ax_doors_tls(o->doors)};
    s->gate = ax_gate_new(o->doors);
    enum ax_err err = s->gate ? AX_OK : ax_fail(diag, AX_NOMEM, "no memory for the HTTP server");
    if (err == AX_OK)
        err = ax_doorman_new(&s->doorman, diag);
    if (err == AX_OK)
        err = ax_workers_new(o->queries_max ? o->queries_max : 20, QUERIES_WAITING, &s->queries, diag);
    if (err == AX_OK)
        err = ax_conns_new(&conns, &s->conns, diag);
    return err;
}

/* Free; no connection is left, and who might wake one is ended. */
static void free_server(struct ax_http_server *s)
{
    ax_conns_free(s->conns);
    ax_workers_free(s->queries);
    ax_doorman_free(s->doorman);
    ax_gate_free(s->gate);
    free(s);
}

enum ax_err ax_http_server_start(const struct ax_http_options *options, const struct ax_http_route *routes,
                                 uint32_t routes_n, struct ax_http_server **out, struct ax_diag *diag)
{
    int fd;
    if (ax_doors_tls(options->doors) && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return ax_fail(diag, AX_INVALID, "libmicrohttpd has no TLS on this system: remove tls_server_config");
    struct ax_http_server *s = calloc(1, sizeof *s + routes_n * sizeof(struct ax_cell *));
    if (!s)
        return ax_fail(diag, AX_NOMEM, "no memory for the HTTP server");
    ax_ceilings_show();
    s->routes = routes;
    s->routes_n = routes_n;
    for (uint32_t i = 0; i < routes_n; i++)
        s->seconds[i] = ax_metric(AX_M_HTTP_SECONDS, routes[i].name, NULL);
    enum ax_err err = make_parts(s, options, diag);
    if (err == AX_OK)
        err = ax_listen(options->listen_address, &fd, &s->port, diag);
    if (err == AX_OK) {
        s->daemon = start_daemon(s, options, fd);
        if (!s->daemon) {
            (void)close(fd);
            err = ax_fail(diag, AX_IO, "the HTTP server does not start (threads or epoll are not to be had)");
        }
    }
    if (err != AX_OK) {
        if (s->doorman)
            ax_doorman_end(s->doorman);
        free_server(s);
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

/* Wait until all calls are completed, for at most so long. */
static void drain(const struct ax_http_server *s, int64_t deadline_ms)
{
    int64_t until_ns = ax_mono_ns() + deadline_ms * 1000000;
    while (atomic_load(&s->running) && ax_mono_ns() < until_ns)
        ax_sleep_ns(5000000);
}

void ax_http_server_stop(struct ax_http_server *s, int64_t deadline_ms)
{
    if (!s)
        return;
    atomic_store(&s->ending, true);
    drain(s, deadline_ms);
    atomic_store(&s->over, true);
    ax_doorman_end(s->doorman); /* a connection that still sleeps would keep libmicrohttpd from its end */
    ax_workers_end(s->queries);
    drain(s, LAST_ANSWERS_MS);
    MHD_stop_daemon(s->daemon);
    free_server(s);
}
