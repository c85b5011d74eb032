/* http_oauth2.h: tokens of OAuth 2.0 by the client-credentials grant (RFC 6749, 4.4), as golang.org/x/oauth2
 * asks for them: with the client's name and secret in the Authorization header and, where that is answered
 * 400 or 401, in the body. The timeout is that of each of its requests, beside that of the request that they
 * are for.
 *
 * A token is kept until 10 s before it expires. One thread at a time, but for ax_oauth2_abort(). */
#ifndef AX_NET_HTTP_OAUTH2_H
#define AX_NET_HTTP_OAUTH2_H

#include "base/buf.h"
#include "base/err.h"
#include "net/http_options.h"

#include <curl/curl.h>

struct ax_oauth2;

/* Copy what is needed; nothing is asked yet. AX_INVALID with a text, as ax_http_client_new(), for token_url
 * and the way there, no client_id, two secrets or one that cannot be read; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_oauth2_new(const struct ax_http_oauth2 *o, int64_t timeout_ms,
                                      struct ax_oauth2 **out, struct ax_diag *diag);

/* Wipe and free; NULL is fine. */
void ax_oauth2_free(struct ax_oauth2 *o);

/* Add Authorization with a token that is good still, asking for one if there is none. AX_IO with what the
 * server said, AX_TIMEOUT, AX_BUSY when aborted, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_oauth2_apply(struct ax_oauth2 *o, struct curl_slist **headers,
                                        struct ax_diag *diag);

/* The token is not accepted: ask for another the next time. False: it was asked for the last time already. */
bool ax_oauth2_forget(struct ax_oauth2 *o);

/* End a request for a token and later ones (true), or let them be sent again. From any thread. */
void ax_oauth2_abort(struct ax_oauth2 *o, bool aborted);

/* Read the answer to such a request (RFC 6749, 5.1) into the value of Authorization, which is emptied first,
 * and its life in seconds, 0 when it does not say. AX_INVALID with a text: no JSON, no access_token, or one
 * that is no visible ASCII. */
AX_MUST_USE enum ax_err ax_oauth2_read(struct ax_str answer, struct ax_buf *value, int64_t *seconds,
                                       struct ax_diag *diag);

#endif
