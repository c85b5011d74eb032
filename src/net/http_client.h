/* http_client.h: an HTTP client for one URL: POST and GET with bounded answers, authentication and TLS.
 *
 * libcurl, HTTP/1.1, one connection kept alive and one request at a time. Files (passwords, credentials)
 * are read for each request, certificates for each connection, so that what is rotated on disk is used
 * without a restart. Proxies of the environment are used only when that is asked for. The process must ignore
 * SIGPIPE. One thread uses a client; only ax_http_client_abort() may come from another. */
#ifndef AX_NET_HTTP_CLIENT_H
#define AX_NET_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "net/http_options.h"

struct ax_http_client;

/* Takes a piece of an answer's body as it arrives; anything but AX_OK ends the request with it. Headers of
 * the answer can be asked for. */
typedef enum ax_err ax_http_on_piece(void *ctx, struct ax_str piece);

/* What came back. */
struct ax_http_reply {
    int status;             /* HTTP status; 0: no answer */
    int64_t retry_after_ms; /* from Retry-After, seconds or date; -1: none */
    int64_t duration_ns;
    struct ax_buf *body; /* the caller's; content beyond its ceiling is read and forgotten */
    bool body_cut;       /* so it was */
    /* Set before the request (NULL: not wanted): gets the body of an answer with a status of 2xx, which is
     * then not kept. An answer may so be larger than memory. */
    ax_http_on_piece *on_piece;
    void *on_piece_ctx;
    enum ax_err piece_err; /* what it said */
    /* Set before the request, by who asks for the status alone: an answer is one once its headers are there,
     * whatever becomes of its body (cut off, not in time, no memory for it). */
    bool headers_suffice;
};

/* May a user set this header? AX_INVALID with a text for one that is reserved (the protocol's, those of
 * the connection, and authentication, which has keys of its own), for a name that is no token and for a
 * value with control characters; the text goes on from the header's name ("is set by Auspex itself"). */
AX_MUST_USE enum ax_err ax_http_check_header(struct ax_str name, struct ax_str value, struct ax_diag *diag);

/* The same without the list of reserved ones: is it a header at all? */
AX_MUST_USE enum ax_err ax_http_check_field(struct ax_str name, struct ax_str value, struct ax_diag *diag);

/* Make a client; the options are copied. Nothing is connected yet. AX_INVALID with a text: no http(s) URL,
 * a header that is reserved, and what net/http_transport.h and net/http_auth.h say of themselves. AX_NOMEM.
 */
AX_MUST_USE enum ax_err ax_http_client_new(const struct ax_http_client_options *options,
                                           struct ax_http_client **out, struct ax_diag *diag);

/* Close the connection and free; NULL is fine. No request may be under way. */
void ax_http_client_free(struct ax_http_client *c);

/* POST a body with these headers beside the user's (which never replace these). AX_OK: there was an
 * answer, whatever its status. Otherwise reply->status is 0 and diag says why: AX_TIMEOUT, AX_IO (no
 * connection, TLS, cut off, credentials that cannot be read), AX_BUSY (aborted), AX_NOMEM; or it is what
 * on_piece said, and diag is not written. Blocks for at most the timeout. reply->body must be set and is
 * emptied first. */
AX_MUST_USE enum ax_err ax_http_post(struct ax_http_client *c, struct ax_str body,
                                     const struct ax_http_field *headers, uint32_t headers_n,
                                     struct ax_http_reply *reply, struct ax_diag *diag);

/* GET, as ax_http_post() posts. */
AX_MUST_USE enum ax_err ax_http_get(struct ax_http_client *c, const struct ax_http_field *headers,
                                    uint32_t headers_n, struct ax_http_reply *reply, struct ax_diag *diag);

/* Value of a header of the last answer; NULL when absent. Valid until the next request. */
const char *ax_http_reply_header(struct ax_http_client *c, const char *name);

/* End the request under way at once, and all later ones too. From any thread. */
void ax_http_client_abort(struct ax_http_client *c);

/* Later ones are sent again. */
void ax_http_client_resume(struct ax_http_client *c);

#endif
