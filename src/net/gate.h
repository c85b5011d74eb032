/* gate.h: the doors of one listener, between libmicrohttpd's connections and net/doors.h.
 *
 * New connections and new requests meet the newest generation; those on their way keep theirs. */
#ifndef AX_NET_GATE_H
#define AX_NET_GATE_H

#include "net/conns.h"
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
 * switch TLS on or off, or let in without authentication, client certificate or a client's name where that
 * was needed. */
AX_MUST_USE enum ax_err ax_gate_change(struct ax_gate *g, struct ax_doors *next, struct ax_diag *diag);

/* The generation in force, with a reference for the caller; NULL when there is none. */
struct ax_doors *ax_gate_doors(struct ax_gate *g);

/* What the gate knows of one connection. */
struct ax_entrance;

/* A connection begins, before its TLS handshake: give it the certificate in force. conn is told when the
 * handshake is done, and outlives the session. NULL where there is no TLS, and when out of memory: then the
 * handshake fails. */
struct ax_entrance *ax_gate_enter(struct ax_gate *g, struct MHD_Connection *connection, struct ax_conn *conn);

/* It is closed; counts a handshake that was not completed. NULL is fine. */
void ax_gate_leave(struct ax_entrance *e);

/* Judge a request whose headers are there, by what is in force for it (d, which may be NULL), without
 * waiting: AX_DOOR_OPEN, AX_DOOR_UNKNOWN, or another answer, which ax_gate_refuse() puts into words. On the
 * connection's thread. */
enum ax_door_answer ax_gate_judge(struct ax_doors *d, struct ax_entrance *e,
                                  struct MHD_Connection *connection);

/* The request's Authorization, as long as it lives; {NULL, 0}: none. */
struct ax_str ax_gate_authorization(struct MHD_Connection *connection);

/* Make res the answer to who is not let in: 401, 403 or 503; counts it. */
void ax_gate_refuse(const struct ax_doors *d, const struct ax_entrance *e, enum ax_door_answer answer,
                    struct ax_http_response *res);

/* Add the headers that every answer carries. */
void ax_gate_decorate(const struct ax_doors *d, struct MHD_Response *response);

#endif
