/* tls.h: one generation of the listener's certificate and of what it asks of clients, on GnuTLS.
 *
 * Read whole from files or not at all; immutable afterwards, so that any number of connections may use it
 * at once. A connection keeps the generation that it began with: that is how certificates are changed
 * without closing anything. */
#ifndef AX_NET_TLS_H
#define AX_NET_TLS_H

#include "base/err.h"
#include "net/doors.h"

#include <gnutls/gnutls.h>

struct ax_tls;

/* Read certificate, key and client CA. AX_IO for a file that cannot be read, AX_INVALID for what is in it,
 * AX_NOMEM; the text names the file and shows nothing of it. */
AX_MUST_USE enum ax_err ax_tls_new(const struct ax_doors_options *o, struct ax_tls **out,
                                   struct ax_diag *diag);

/* Free; NULL is fine. No session may use it any more. */
void ax_tls_free(struct ax_tls *t);

/* Make a session that has not begun its handshake use this generation, which must outlive it. AX_IO. */
AX_MUST_USE enum ax_err ax_tls_attach(const struct ax_tls *t, gnutls_session_t session);

/* To be called when the client's hello has been read: restrict TLS 1.2 to the suites that were chosen for it,
 * which are none of TLS 1.3's business. 0, or an error of GnuTLS that ends the handshake. */
int ax_tls_choose(const struct ax_tls *t, gnutls_session_t session);

/* Does nobody come in without a certificate? NULL: no. */
bool ax_tls_needs_client(const struct ax_tls *t);

/* Is it not enough that somebody who is trusted has signed a client's certificate? NULL: it is. */
bool ax_tls_names_clients(const struct ax_tls *t);

/* What is wrong with the certificate that the client has shown in its handshake, or with its absence; NULL
 * when it is good. A signature or two is computed. */
const char *ax_tls_client_fault(const struct ax_tls *t, gnutls_session_t session);

#endif
