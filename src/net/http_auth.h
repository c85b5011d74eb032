/* http_auth.h: who an HTTP client says that it is: basic_auth, authorization and oauth2 of Prometheus, as the
 * Authorization header of one request after the other.
 *
 * Files are read for each request. One thread at a time, but for ax_http_auth_abort(). */
#ifndef AX_NET_HTTP_AUTH_H
#define AX_NET_HTTP_AUTH_H

#include "base/buf.h"
#include "net/http_transport.h"

struct ax_http_auth;

/* Copy an identity. timeout_ms: of a request for a token (0: none). AX_INVALID with a text: more than one
 * way, a file that cannot be read, a type that is basic; what ax_http_client_new() says of token_url.
 * AX_NOMEM. */
AX_MUST_USE enum ax_err ax_http_auth_new(const struct ax_http_identity *who, int64_t timeout_ms,
                                         struct ax_http_auth **out, struct ax_diag *diag);

/* Wipe and free; NULL is fine. */
void ax_http_auth_free(struct ax_http_auth *a);

/* Add it to a request: to its headers, or to the handle for basic_auth. AX_IO with a text: a file that cannot
 * be read, no token to be had; AX_TIMEOUT and AX_BUSY of the request for a token; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_http_auth_apply(struct ax_http_auth *a, CURL *easy, struct curl_slist **headers,
                                           struct ax_diag *diag);

/* The server answered 401: a token is asked for anew. True: the one that is refused was kept from before, and
 * it is worth to ask the same again. */
bool ax_http_auth_refused(struct ax_http_auth *a);

/* End the request for a token under way, and later ones; and let them be sent again. From any thread. */
void ax_http_auth_abort(struct ax_http_auth *a, bool aborted);

/* A secret given as text or, if a file is named, as its content without white space at its ends, into a
 * buffer initialised here, terminated by a zero that is not counted; to be ended by ax_secret_file_done()
 * unless there is an error. AX_IO: the file cannot be read, or no header could hold it; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_http_secret(struct ax_str text, struct ax_str file, struct ax_buf *out,
                                       struct ax_diag *diag);

#endif
