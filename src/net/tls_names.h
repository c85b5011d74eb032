/* tls_names.h: cipher suites and curves by the names of Go's crypto/tls, which web configuration files use,
 * and GnuTLS's priority strings for them. Pure. */
#ifndef AX_NET_TLS_NAMES_H
#define AX_NET_TLS_NAMES_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

/* Is it one of the suites that Go's tls.CipherSuites() lists? */
bool ax_tls_is_suite(struct ax_str name);

/* Is it a suite of TLS 1.3? These are always on, as in Go. */
bool ax_tls_is_suite_13(struct ax_str name);

/* Is it CurveP256, CurveP384, CurveP521 or X25519? */
bool ax_tls_is_curve(struct ax_str name);

/* How many of these suites are of TLS 1.2 and for a certificate whose key is for RSA, or else ECDSA. */
uint32_t ax_tls_count_suites(const struct ax_str *names, uint32_t n, bool rsa);

/* Append to a priority string what makes GnuTLS speak exactly these in TLS 1.2, in this order; there is at
 * least one. */
void ax_tls_put_suites(struct ax_buf *priority, const struct ax_str *names, uint32_t n, bool rsa);

/* Append what makes it use exactly these curves, in this order, and no key exchange without a curve; nothing
 * for none. */
void ax_tls_put_curves(struct ax_buf *priority, const struct ax_str *names, uint32_t n);

#endif
