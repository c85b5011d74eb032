/* gate.c: gives each connection its TLS as it begins, and each request its judgement.
 *
 * libmicrohttpd announces a connection when its TLS session exists and before the handshake: the moment at
 * which certificate and TLS versions can still be chosen. The connection's entrance holds a reference to the
 * generation that it was made from until the connection is gone. */
#include "net/gate.h"

#include "base/metrics.h"
#include "net/ceilings.h"
#include "net/tls.h"

#include <pthread.h>
#include <stdlib.h>

/* Values of the label `reason`. */
static const char *const failures[] = {
    [AX_DOOR_NONE_GIVEN] = "missing", [AX_DOOR_WRONG] = "wrong", [AX_DOOR_CERTIFICATE] = "certificate"};

struct ax_gate {
    pthread_mutex_t lock;
    struct ax_doors *now;
};

struct ax_entrance {
    struct ax_doors *doors; /* of its handshake */
    struct ax_conn *conn;
    uint64_t admitted;   /* generation that found its client certificate good; 0: none */
    bool shaken;         /* the handshake is complete */
    const char *refused; /* why its certificate is not accepted */
};

struct ax_gate *ax_gate_new(struct ax_doors *first)
{
    struct ax_gate *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    (void)pthread_mutex_init(&g->lock, NULL);
    for (unsigned a = AX_DOOR_NONE_GIVEN; a <= AX_DOOR_CERTIFICATE; a++)
        (void)ax_metric(AX_M_HTTP_AUTH_FAILURES, failures[a], NULL); /* at zero from the start */
    (void)ax_metric(AX_M_HTTP_HANDSHAKE_FAILURES, NULL, NULL);
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
    } else if (g->now && ax_tls_names_clients(ax_doors_tls_of(g->now)) &&
               !ax_tls_names_clients(ax_doors_tls_of(next))) {
        err = ax_fail(
            diag, AX_INVALID,
            "clients of any name would be let in (client_allowed_sans): that is possible by a restart only");
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

/* GnuTLS has taken the client's last message of the handshake. */
static int on_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                       const gnutls_datum_t *message)
{
    struct ax_entrance *e = gnutls_db_get_ptr(session);
    (void)type;
    (void)when;
    (void)message;
    if (e && incoming) {
        e->shaken = true;
        ax_conn_settle(e->conn);
    }
    return 0;
}

/* GnuTLS has read the client's hello, and knows the version that will be spoken. */
static int on_hello(gnutls_session_t session)
{
    const struct ax_entrance *e = gnutls_db_get_ptr(session);
    return e ? ax_tls_choose(ax_doors_tls_of(e->doors), session) : 0;
}

struct ax_entrance *ax_gate_enter(struct ax_gate *g, struct MHD_Connection *connection, struct ax_conn *conn)
{
    gnutls_session_t session = session_of(connection);
    struct ax_doors *d = session ? ax_gate_doors(g) : NULL;
    struct ax_entrance *e = d ? calloc(1, sizeof *e) : NULL;
    if (!e || ax_tls_attach(ax_doors_tls_of(d), session) != AX_OK) {
        free(e); /* without a certificate of ours the handshake fails, which is what is wanted */
        ax_doors_release(d);
        return NULL;
    }
    e->doors = d;
    e->conn = conn;
    /* libmicrohttpd keeps sessions in no database, so that this pointer of the session is ours. */
    gnutls_db_set_ptr(session, e);
    gnutls_handshake_set_post_client_hello_function(session, on_hello);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, on_finished);
    return e;
}

void ax_gate_leave(struct ax_entrance *e)
{
    if (!e)
        return;
    if (!e->shaken)
        ax_metric_count(AX_M_HTTP_HANDSHAKE_FAILURES, NULL, NULL);
    ax_doors_release(e->doors);
    free(e);
}

/* What is wrong with the client's certificate; NULL when nothing is. */
static const char *certificate_fault(const struct ax_doors *d, struct ax_entrance *e,
                                     struct MHD_Connection *connection)
{
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

struct ax_str ax_gate_authorization(struct MHD_Connection *connection)
{
    const char *given =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    return given ? ax_str(given) : (struct ax_str){NULL, 0};
}

enum ax_door_answer ax_gate_judge(struct ax_doors *d, struct ax_entrance *e,
                                  struct MHD_Connection *connection)
{
    if (!d)
        return AX_DOOR_OPEN;
    const char *fault = ax_doors_tls(d) ? certificate_fault(d, e, connection) : NULL;
    if (!fault)
        return ax_doors_judge(d, ax_gate_authorization(connection));
    if (e)
        e->refused = fault;
    return AX_DOOR_CERTIFICATE;
}

void ax_gate_refuse(const struct ax_doors *d, const struct ax_entrance *e, enum ax_door_answer answer,
                    struct ax_http_response *res)
{
    res->headers_n = 0;
    if (answer == AX_DOOR_BUSY) {
        ax_ceiling_count(AX_CEILING_PASSWORD_CHECK);
        ax_http_text(res, 503,
                     "a wrong password was tried just now, or too many are being checked: try again");
        ax_http_add_header(res, "Retry-After", "1");
        return;
    }
    ax_metric_count(AX_M_HTTP_AUTH_FAILURES, failures[answer], NULL);
    if (answer == AX_DOOR_CERTIFICATE) {
        ax_http_text(res, 403, "%s", e && e->refused ? e->refused : "the connection has no TLS");
        ax_http_add_header(res, "Connection", "close"); /* another certificate needs another connection */
        return;
    }
    ax_http_text(res, 401, "%s",
                 answer == AX_DOOR_NONE_GIVEN ? "a user name with password, or a token, is needed here"
                                              : "user name, password or token is wrong");
    const char *challenge;
    for (uint32_t i = 0; (challenge = ax_doors_challenge(d, i)); i++)
        ax_http_add_header(res, "WWW-Authenticate", "%s", challenge);
}

void ax_gate_decorate(const struct ax_doors *d, struct MHD_Response *response)
{
    const struct ax_door_header *h;
    for (uint32_t i = 0; (h = ax_doors_header(d, i)); i++)
        (void)MHD_add_response_header(response, h->name.p, h->value.p);
}
