/* http_server.h: an HTTP/1.1 server with a table of routes, on libmicrohttpd.
 *
 * A request's body is read whole before its handler runs, below ceilings on its size, on all bodies and
 * requests in flight, on connections (net/conns.h), and on the time that it takes. What is turned away at one
 * is told so, and counted by reason in auspex_http_rejected_total; none is taken while memory is full
 * (base/memory.h). Handlers run on the threads that receive, several at once; those of slow routes on threads
 * of their own (net/workers.h), so that no question holds up what comes in. Every answer is counted by
 * handler and status. Doors (net/doors.h: TLS, authentication) stand before every route. */
#ifndef AX_NET_HTTP_SERVER_H
#define AX_NET_HTTP_SERVER_H

#include "base/buf.h"
#include "base/err.h"
#include "net/doors.h"

#include <stdint.h>

struct ax_http_server;

/* A request, borrowed by its handler. */
struct ax_http_request {
    struct ax_str path;
    struct ax_str body;
    bool authenticated; /* the doors ask who comes in, and have let in by its Authorization */
    /* The value of a header (any case), or of a query argument the at-th time that it is given; {NULL, 0}
     * when absent. */
    struct ax_str (*find)(void *ctx, bool query, const char *name, uint32_t at);
    bool (*gone)(void *ctx); /* see ax_http_gone(); NULL: nobody goes */
    void *ctx;
};

/* Value of a request header (any case); {NULL, 0} when absent. Valid while the handler runs. */
struct ax_str ax_http_header(const struct ax_http_request *req, const char *name);

/* Value of a query argument; {NULL, 0} when absent. Valid while the handler runs. */
struct ax_str ax_http_query(const struct ax_http_request *req, const char *name);

/* Value of a query argument that may be given several times, the at-th from 0; {NULL, 0} behind the last. */
struct ax_str ax_http_query_at(const struct ax_http_request *req, const char *name, uint32_t at);

/* Has the one who asks closed the connection, or is the server's time over, so that nobody will read the
 * answer? A system call. Handlers of slow routes look between units of work of a millisecond or so, and give
 * up with AX_CANCELLED. */
bool ax_http_gone(const struct ax_http_request *req);

#define AX_HTTP_HEADERS_MAX 8

/* The answer, filled by the handler: a status of 204 has no body. */
struct ax_http_response {
    int status;
    const char *content_type; /* lives as long as the program */
    struct ax_buf body;
    struct {
        const char *name; /* lives as long as the program */
        char value[64];
    } headers[AX_HTTP_HEADERS_MAX];
    uint32_t headers_n;
};

/* An answer as a handler finds it: 200, text/plain, empty. Its body is to be ended by ax_buf_done(). */
void ax_http_response_init(struct ax_http_response *res);

/* Add a header; a value longer than 63 bytes is cut. */
void ax_http_add_header(struct ax_http_response *res, const char *name, const char *fmt, ...) AX_PRINTF(3, 4);

/* Answer with a status and a text of one line (a newline is added). Control characters, and what is no UTF-8,
 * are shown as "?": texts quote what clients send. */
void ax_http_text(struct ax_http_response *res, int status, const char *fmt, ...) AX_PRINTF(3, 4);

/* Fills the answer to one request; on any thread that receives or, of a slow route, that is for queries. */
typedef void ax_http_handler(void *ctx, const struct ax_http_request *req, struct ax_http_response *res);

/* One route: method and path must match exactly (HEAD goes to GET). */
struct ax_http_route {
    const char *method, *path;
    const char *name; /* label `handler` of the self-metrics */
    ax_http_handler *handle;
    void *ctx;
    uint64_t body_max;     /* bytes; above it 413. 0: no body is wanted */
    const char *body_flag; /* that sets it, for the text of the 413; NULL: it is fixed */
    bool slow;             /* it may take long, or wait for what does: it runs on a thread for queries */
    bool (*open)(void *ctx, struct ax_http_response *res); /* of one with a body, asked behind the doors
                                   before any of it is kept; false: res is the answer. NULL: it is open */
};

/* Ceilings; zero-initialised fields take the defaults named. */
struct ax_http_options {
    const char *listen_address;      /* "127.0.0.1:9201", ":9201" (all), "[::1]:9201", port 0 for any */
    uint32_t threads;                /* 2 */
    uint32_t connections_max;        /* 512 in all; above it 503, and soon no more are accepted */
    uint32_t connections_per_ip_max; /* 256, likewise; of IPv6 the first 64 bits count */
    uint32_t requests_max;           /* 384: requests with a body at once; above it 503 with Retry-After */
    int64_t read_timeout_ms;         /* 1 min for a request to arrive whole, however slowly; then 408 */
    int64_t idle_timeout_ms;         /* 5 min without a byte, and for an answer to be made and taken */
    uint64_t bodies_max;             /* 256 MiB: bytes of bodies in flight; above it 503 with Retry-After */
    uint32_t queries_max;   /* 20: answers of slow routes made at once; of more, some wait; then 503 */
    struct ax_doors *doors; /* a reference is taken; NULL: plain HTTP, open to all */
};

/* Listen and serve. routes (and the strings in options) outlive the server. AX_IO with a text that says
 * what to do (address in use, not permitted); AX_INVALID for an address that cannot be read. */
AX_MUST_USE enum ax_err ax_http_server_start(const struct ax_http_options *options,
                                             const struct ax_http_route *routes, uint32_t routes_n,
                                             struct ax_http_server **out, struct ax_diag *diag);

/* Let new connections and requests meet other doors; those on their way go on, none is closed. A reference
 * is taken. AX_INVALID with a text, and nothing changes, when that would switch TLS on or off, or let
 * in without authentication, client certificate or name in it where that was needed. Any thread. */
AX_MUST_USE enum ax_err ax_http_server_set_doors(struct ax_http_server *s, struct ax_doors *doors,
                                                 struct ax_diag *diag);

/* The port that it listens on (the real one when 0 was asked for). */
uint16_t ax_http_server_port(const struct ax_http_server *s);

/* Take no connection more and close each after its answer, refuse (503, to be tried again) what is asked on
 * those that are there, let running requests finish for at most deadline_ms, turn away those that wait still,
 * close, free. Handlers that run then are told that nobody waits (ax_http_gone()), and waited for. */
void ax_http_server_stop(struct ax_http_server *s, int64_t deadline_ms);

#endif
