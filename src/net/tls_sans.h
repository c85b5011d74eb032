/* tls_sans.h: which names a client's certificate may be for: exporter-toolkit's client_allowed_sans.
 *
 * A certificate matches by any of its subject alternative names (RFC 5280, 4.2.1.6): a DNS name, an e-mail
 * address or a URI that is the same text, or an IP address that is the same. Its subject's common name is not
 * one. Immutable; any thread. */
#ifndef AX_NET_TLS_SANS_H
#define AX_NET_TLS_SANS_H

#include "base/str.h"

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdint.h>

struct ax_tls_sans;

/* Copies of the names; NULL when out of memory. */
struct ax_tls_sans *ax_tls_sans_new(const struct ax_str *names, uint32_t n);

/* Free; NULL is fine. */
void ax_tls_sans_free(struct ax_tls_sans *s);

/* Is a certificate (DER) for one of them? No, too, when it cannot be read. */
bool ax_tls_sans_match(const struct ax_tls_sans *s, const gnutls_datum_t *der);

#endif
