/* http_call.h: one request on its way through the server: from its headers to its answer.
 *
 * What http_server.c and http_call.c share. Functions here run on the connection's thread; only the handlers
 * of slow routes run on another, while the connection sleeps. */
#ifndef AX_NET_HTTP_CALL_H
#define AX_NET_HTTP_CALL_H

#include "base/metrics.h"
#include "net/conns.h"
#include "net/doorman.h"
#include "net/gate.h"
#include "net/http_server.h"
#include "net/workers.h"

#include <microhttpd.h>
#include <stdatomic.h>

/* The server. */
struct ax_http_server {
    struct MHD_Daemon *daemon;
    struct ax_gate *gate;
    struct ax_doorman *doorman;
    struct ax_workers *queries;
    struct ax_conns *conns;
    const struct ax_http_route *routes;
    uint32_t routes_n;
    uint16_t port;
    uint64_t bodies_max;
    uint32_t requests_max, connections_max;
    int64_t idle_ms;
    _Atomic uint64_t bodies;   /* bytes of bodies in flight */
    _Atomic uint32_t requests; /* with a body, let in and not completed */
    _Atomic uint32_t running;  /* calls not completed */
    _Atomic bool ending;       /* nobody is let in any more */
    _Atomic bool over;         /* nor does anybody wait for what is being done */
    struct ax_cell *seconds[]; /* per route */
};

/* State of a connection. */
struct ax_http_visitor {
    struct ax_conn *conn;
    struct ax_entrance *entrance; /* NULL without TLS */
};

/* A request. */
struct ax_http_call;

/* The headers of a request are there: find its route, ask whether it may come in, make room. NULL when the
 * connection is to be closed. */
struct ax_http_call *ax_http_call_begin(struct ax_http_server *s, struct MHD_Connection *connection,
                                        const char *method, const char *path, const char *version);

/* Was its connection suspended by its beginning? Then what is delivered next resumes it. */
bool ax_http_call_slept(const struct ax_http_call *c);

/* The headers are delivered once more. MHD_NO: close the connection. */
enum MHD_Result ax_http_call_resume(struct ax_http_call *c);

/* Some of its body is there. MHD_NO: close the connection. */
enum MHD_Result ax_http_call_take(struct ax_http_call *c, const char *data, size_t n);

/* It is whole: answer, or have the answer made while the connection sleeps, and answer when this is called
 * once more. MHD_NO: close the connection. */
enum MHD_Result ax_http_call_finish(struct ax_http_call *c);

/* The answer is gone, or the connection; frees. */
void ax_http_call_end(struct ax_http_call *c);

#endif
