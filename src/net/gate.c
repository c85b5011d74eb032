/* gate.c: gives each connection its TLS as it begins, and each request its judgement.
 *
 * libmicrohttpd announces a connection when its TLS session exists and before the handshake: the moment at
 * which certificate and TLS versions can still be chosen. The generation is remembered as the state of the
 * connection, which holds a reference until the connection is gone. */
#include "net/gate.h"

#include "net/tls.h"

#include <pthread.h>
#include <stdlib.h>

struct ax_gate {
    pthread_mutex_t lock;
    struct ax_doors *now;
};

/* State of a connection with TLS. */
struct entrance {
    struct ax_doors *doors; /* of its handshake */
    uint64_t admitted;      /* generation that found its client certificate good; 0: none */
};

struct ax_gate *ax_gate_new(struct ax_doors *first)
{
    struct ax_gate *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    (void)pthread_mutex_init(&g->lock, NULL);
    g->now = ax_doors_hold(first);
    return g;
}

void ax_gate_free(struct ax_gate *g)
{
    if (!g)
        return;
    ax_doors_release(g->now);
    (void)pthread_mutex_destroy(&g->lock);
    free(g);
}

enum ax_err ax_gate_change(struct ax_gate *g, struct ax_doors *next, struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    struct ax_doors *old = NULL;
    (void)pthread_mutex_lock(&g->lock);
    if (ax_doors_tls(g->now) != ax_doors_tls(next)) {
        err = ax_fail(diag, AX_INVALID, "TLS can be switched %s by a restart only",
                      ax_doors_tls(next) ? "on" : "off");
    } else if (ax_doors_authenticate(g->now) && !ax_doors_authenticate(next)) {
        err = ax_fail(diag, AX_INVALID,
                      "everybody would be let in without a password: that is possible by a restart only");
    } else if (g->now && ax_tls_needs_client(ax_doors_tls_of(g->now)) &&
               !ax_tls_needs_client(ax_doors_tls_of(next))) {
        err = ax_fail(diag, AX_INVALID,
                      "clients would be let in without a certificate: that is possible by a restart only");
    } else {
        old = g->now;
        ax_doors_inherit(next, old);
        g->now = ax_doors_hold(next);
    }
    (void)pthread_mutex_unlock(&g->lock);
    ax_doors_release(old);
    return err;
}

struct ax_doors *ax_gate_doors(struct ax_gate *g)
{
    (void)pthread_mutex_lock(&g->lock);
    struct ax_doors *d = ax_doors_hold(g->now);
    (void)pthread_mutex_unlock(&g->lock);
    return d;
}

static gnutls_session_t session_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info ? (gnutls_session_t)info->tls_session : NULL;
}

void ax_gate_on_connection(void *ctx, struct MHD_Connection *connection, void **state,
                           enum MHD_ConnectionNotificationCode code)
{
    struct entrance *e = *state;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (e)
            ax_doors_release(e->doors);
        free(e);
        *state = NULL;
        return;
    }
    gnutls_session_t session = session_of(connection);
    struct ax_doors *d = session ? ax_gate_doors(ctx) : NULL;
    if (d)
        e = calloc(1, sizeof *e);
    if (!e || ax_tls_attach(ax_doors_tls_of(d), session) != AX_OK) {
        free(e); /* without a certificate of ours the handshake fails, which is what is wanted */
        ax_doors_release(d);
        return;
    }
    e->doors = d;
    *state = e;
}

/* What is wrong with the client's certificate; NULL when nothing is. */
static const char *certificate_fault(const struct ax_doors *d, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct entrance *e = info ? info->socket_context : NULL;
    gnutls_session_t session = session_of(connection);
    if (!e || !session)
        return "the connection has no TLS";
    if (e->admitted == ax_doors_generation(d))
        return NULL;
    const char *fault = ax_tls_client_fault(ax_doors_tls_of(d), session);
    if (!fault)
        e->admitted = ax_doors_generation(d);
    return fault;
}

static bool admit_by_password(struct ax_doors *d, struct MHD_Connection *connection,
                              struct ax_http_response *res)
{
    const char *given =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    enum ax_door_answer answer = ax_doors_judge(d, given ? ax_str(given) : (struct ax_str){NULL, 0});
    if (answer == AX_DOOR_OPEN)
        return true;
    res->headers_n = 0;
    if (answer == AX_DOOR_BUSY) {
        ax_http_text(res, 503, "a wrong password was tried just now: try again");
        ax_http_add_header(res, "Retry-After", "1");
        return false;
    }
    ax_http_text(res, 401, "%s",
                 answer == AX_DOOR_NONE_GIVEN ? "a user name with password, or a token, is needed here"
                                              : "user name, password or token is wrong");
    const char *challenge;
    for (uint32_t i = 0; (challenge = ax_doors_challenge(d, i)); i++)
        ax_http_add_header(res, "WWW-Authenticate", "%s", challenge);
    return false;
}

bool ax_gate_admit(struct ax_doors *d, struct MHD_Connection *connection, struct ax_http_response *res)
{
    if (!d)
        return true;
    const char *fault = ax_doors_tls(d) ? certificate_fault(d, connection) : NULL;
    if (!fault)
        return admit_by_password(d, connection, res);
    res->headers_n = 0;
    ax_http_text(res, 403, "%s", fault);
    ax_http_add_header(res, "Connection", "close"); /* another certificate needs another connection */
    return false;
}

void ax_gate_decorate(const struct ax_doors *d, struct MHD_Response *response)
{
    const struct ax_door_header *h;
    for (uint32_t i = 0; (h = ax_doors_header(d, i)); i++)
        (void)MHD_add_response_header(response, h->name.p, h->value.p);
}
