/* gate.h: the doors of one listener, between libmicrohttpd's connections and net/doors.h.
 *
 * New connections and new requests meet the newest generation; those on their way keep theirs. */
#ifndef AX_NET_GATE_H
#define AX_NET_GATE_H

#include "net/doors.h"
#include "net/http_server.h"

#include <microhttpd.h>

struct ax_gate;

/* A gate with its first generation (a reference is taken; NULL: everybody comes in). NULL when out of
 * memory. */
struct ax_gate *ax_gate_new(struct ax_doors *first);

/* Free; no connection is left. NULL is fine. */
void ax_gate_free(struct ax_gate *g);

/* Put the next generation in force (a reference is taken). AX_INVALID, and nothing changes, when it would
 * switch TLS on or off, or let in without authentication or client certificate where that was needed. */
AX_MUST_USE enum ax_err ax_gate_change(struct ax_gate *g, struct ax_doors *next, struct ax_diag *diag);

/* The generation in force, with a reference for the caller; NULL when there is none. */
struct ax_doors *ax_gate_doors(struct ax_gate *g);

/* libmicrohttpd's MHD_OPTION_NOTIFY_CONNECTION; ctx is the gate. */
void ax_gate_on_connection(void *ctx, struct MHD_Connection *connection, void **state,
                           enum MHD_ConnectionNotificationCode code);

/* May the request come in? Otherwise res is the answer: 401, 403 or 503. Headers of the request have
 * arrived; on the connection's thread. */
bool ax_gate_admit(struct ax_doors *d, struct MHD_Connection *connection, struct ax_http_response *res);

/* Add the headers that every answer carries. */
void ax_gate_decorate(const struct ax_doors *d, struct MHD_Response *response);

#endif
