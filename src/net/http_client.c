/* http_client.c: one easy handle driven through a multi handle, so that another thread can wake it. */
#include "net/http_client.h"

#include "base/clock.h"
#include "net/http_auth.h"
#include "net/http_transport.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define POLL_MS 1000
#define REDIRECTS_MAX 10L

struct ax_http_client {
    CURL *easy;
    CURLM *multi;
    struct curl_slist *fixed;   /* the user's headers, the User-Agent and what curl must not add */
    struct curl_slist *connect; /* CURLOPT_CONNECT_TO, when the certificate's name is not the host's */
    struct curl_slist *proxy;   /* headers for it */
    struct ax_http_auth *auth;
    char error[CURL_ERROR_SIZE];
    struct ax_http_reply *reply; /* of the request under way */
    bool headers_whole;          /* of the last answer to it */
    bool follows;                /* redirects */
    atomic_bool aborted;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_state = CURLE_FAILED_INIT;

static void start_curl(void)
{
    curl_state = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *client)
{
    struct ax_http_client *c = client;
    struct ax_buf *body = c->reply->body;
    long status = 0;
    (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (c->reply->on_piece && status / 100 == 2) {
        c->reply->piece_err = c->reply->on_piece(c->reply->on_piece_ctx, (struct ax_str){bytes, size * n});
        return c->reply->piece_err == AX_OK ? size * n : 0;
    }
    size_t room = body->bytes_max - body->n, take = size * n;
    if (take > room) {
        take = room;
        c->reply->body_cut = true;
    }
    ax_buf_put(body, bytes, take);
    return body->err == AX_OK ? size * n : 0;
}

/* Sees each line of the headers, of each answer anew (100, redirects). */
static size_t on_header(char *bytes, size_t size, size_t n, void *client)
{
    struct ax_http_client *c = client;
    c->headers_whole = size * n <= 2 && (bytes[0] == '\r' || bytes[0] == '\n');
    return size * n;
}

static bool add_header(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*list, text);
    if (longer)
        *list = longer;
    return longer != NULL;
}

/* Formatted text, malloc'ed; NULL when out of memory. */
static AX_PRINTF(1, 2) char *format(const char *fmt, ...)
{
    va_list args;
    char *text;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    return n >= 0 ? text : NULL;
}

/* Free a list whose texts may be secret. */
static void wipe_list(struct curl_slist *list)
{
    for (const struct curl_slist *l = list; l; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
    curl_slist_free_all(list);
}

static enum ax_err check_headers(const struct ax_http_client_options *o, struct ax_diag *diag)
{
    for (uint32_t i = 0; i < o->headers_n; i++) {
        enum ax_err err = ax_http_check_header(o->headers[i].name, o->headers[i].value, diag);
        if (err != AX_OK)
            return ax_wrap(diag, err, "header " AX_STR_FMT, AX_STR_ARG(o->headers[i].name));
    }
    return AX_OK;
}

/* For a server that calls itself otherwise than the URL: ask curl for that name (so that SNI and the
 * certificate's check use it), connect to the URL's host and name that in the Host header. */
static enum ax_err rename_server(struct ax_http_client *c, CURLU *url, struct ax_str name,
                                 struct ax_diag *diag)
{
    char *host = NULL, *port = NULL, *to = NULL, *header = NULL,
         *server = format(AX_STR_FMT, AX_STR_ARG(name));
    bool ok = server && !curl_url_get(url, CURLUPART_HOST, &host, 0) &&
              !curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (ok) {
        to = format("%s:%s:%s:%s", server, port, host, port);
        header = format("Host: %s:%s", host, port);
    }
    ok = ok && to && header && add_header(&c->connect, to) && add_header(&c->fixed, header) &&
         curl_easy_setopt(c->easy, CURLOPT_CONNECT_TO, c->connect) == CURLE_OK;
    enum ax_err err = ok ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    if (ok && curl_url_set(url, CURLUPART_HOST, server, 0))
        err = ax_fail(diag, AX_INVALID, "server_name \"" AX_STR_FMT "\" is no host name", AX_STR_ARG(name));
    curl_free(host);
    curl_free(port);
    free(to);
    free(header);
    free(server);
    return err;
}

/* Check the URL and give it to curl. No text repeats it: it may hold a password. */
static enum ax_err take_url(struct ax_http_client *c, const struct ax_http_client_options *o,
                            const char *text, CURLU *url, struct ax_diag *diag)
{
    char *scheme = NULL, *final = NULL;
    enum ax_err err = AX_OK;
    if (curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0))
        err = ax_fail(diag, AX_INVALID, "the url is not one; it looks like http://host:port/path");
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        err = ax_fail(diag, AX_INVALID, "the url's scheme %s is not known; use http or https", scheme);
    else
        err = ax_http_transport_apply(&o->transport, c->easy, url, &c->proxy, diag);
    if (err == AX_OK && o->transport.server_name.n && strcmp(scheme, "https") == 0)
        err = rename_server(c, url, o->transport.server_name, diag);
    if (err == AX_OK &&
        (curl_url_get(url, CURLUPART_URL, &final, 0) || curl_easy_setopt(c->easy, CURLOPT_URL, final)))
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    curl_free(scheme);
    curl_free(final);
    return err;
}

static enum ax_err set_url(struct ax_http_client *c, const struct ax_http_client_options *o,
                           struct ax_diag *diag)
{
    char *text = strndup(o->url.n ? o->url.p : "", o->url.n);
    CURLU *url = curl_url();
    enum ax_err err =
        text && url ? take_url(c, o, text, url, diag) : ax_fail(diag, AX_NOMEM, "out of memory");
    curl_url_cleanup(url);
    free(text);
    return err;
}

/* What is the same for every request. */
static enum ax_err set_fixed(struct ax_http_client *c, const struct ax_http_client_options *o,
                             struct ax_diag *diag)
{
    CURL *h = c->easy;
    (void)curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
    (void)curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, o->follow_redirects ? 1L : 0L);
    (void)curl_easy_setopt(h, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    (void)curl_easy_setopt(h, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
    (void)curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->error);
    (void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
    (void)curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
    (void)curl_easy_setopt(h, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    c->follows = o->follow_redirects;
    bool ok = add_header(&c->fixed, "User-Agent: Auspex/" AX_VERSION) && add_header(&c->fixed, "Expect:");
    for (uint32_t i = 0; ok && i < o->headers_n; i++)
        ok = ax_curl_add_field(&c->fixed, o->headers[i].name, o->headers[i].value);
    return ok ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
}

enum ax_err ax_http_client_new(const struct ax_http_client_options *options, struct ax_http_client **out,
                               struct ax_diag *diag)
{
    *out = NULL;
    (void)pthread_once(&curl_once, start_curl);
    if (curl_state != CURLE_OK)
        return ax_fail(diag, AX_NOMEM, "libcurl does not start: %s", curl_easy_strerror(curl_state));
    enum ax_err err = check_headers(options, diag);
    if (err != AX_OK)
        return err;
    struct ax_http_client *c = calloc(1, sizeof *c);
    if (!c)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    c->easy = curl_easy_init();
    c->multi = curl_multi_init();
    err = c->easy && c->multi ? set_fixed(c, options, diag) : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK)
        err = set_url(c, options, diag);
    if (err == AX_OK)
        err = ax_http_auth_new(&options->who, options->timeout_ms, &c->auth, diag);
    if (err != AX_OK) {
        ax_http_client_free(c);
        return err;
    }
    *out = c;
    return AX_OK;
}

void ax_http_client_free(struct ax_http_client *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->easy);
    (void)curl_multi_cleanup(c->multi);
    wipe_list(c->fixed);
    wipe_list(c->proxy);
    curl_slist_free_all(c->connect);
    ax_http_auth_free(c->auth);
    free(c);
}

static enum ax_err make_headers(struct ax_http_client *c, const struct ax_http_field *headers,
                                uint32_t headers_n, struct curl_slist **out, struct ax_diag *diag)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < headers_n; i++)
        ok = ax_curl_add_field(out, headers[i].name, headers[i].value);
    for (const struct curl_slist *l = c->fixed; ok && l; l = l->next)
        ok = add_header(out, l->data);
    return ok ? ax_http_auth_apply(c->auth, c->easy, out, diag) : ax_fail(diag, AX_NOMEM, "out of memory");
}

/* Drive the transfer to its end; false when it was aborted. */
static bool transfer(struct ax_http_client *c, CURLcode *result)
{
    int running = 1;
    while (running && !atomic_load(&c->aborted)) {
        if (curl_multi_perform(c->multi, &running) != CURLM_OK)
            return true;
        if (running)
            (void)curl_multi_poll(c->multi, NULL, 0, POLL_MS, NULL);
    }
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));)
        if (m->msg == CURLMSG_DONE)
            *result = m->data.result;
    return !running;
}

/* The status, when there was an answer as it was asked for; else 0. */
static long status_of(struct ax_http_client *c, CURLcode result, const struct ax_http_reply *r)
{
    long status = 0;
    (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_OK)
        return status;
    bool last = status >= 200 && !(c->follows && status / 100 == 3);
    return r->headers_suffice && c->headers_whole && last ? status : 0;
}

static enum ax_err finish(struct ax_http_client *c, CURLcode result, struct ax_http_reply *r,
                          struct ax_diag *diag)
{
    curl_off_t retry_after = 0;
    if (r->piece_err != AX_OK)
        return r->piece_err;
    long status = status_of(c, result, r);
    if (status > 0) {
        r->status = (int)status;
        if (ax_http_reply_header(c, "Retry-After") &&
            curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK)
            r->retry_after_ms = retry_after < 0           ? 0
                                : retry_after > INT32_MAX ? INT32_MAX
                                                          : retry_after * 1000;
        return AX_OK;
    }
    const char *text = c->error[0] ? c->error : curl_easy_strerror(result);
    if (r->body->err == AX_NOMEM || result == CURLE_OUT_OF_MEMORY)
        return ax_fail(diag, AX_NOMEM, "out of memory during a request");
    return ax_fail(diag, result == CURLE_OPERATION_TIMEDOUT ? AX_TIMEOUT : AX_IO, "%s", text);
}

/* One request and its answer; a GET when there is no body at all (NULL). */
static enum ax_err exchange(struct ax_http_client *c, const struct ax_str *body,
                            const struct ax_http_field *headers, uint32_t headers_n,
                            struct ax_http_reply *reply, struct ax_diag *diag)
{
    reply->status = 0;
    reply->retry_after_ms = -1;
    reply->body_cut = false;
    reply->piece_err = AX_OK;
    reply->duration_ns = 0;
    ax_buf_reset(reply->body);
    c->reply = reply;
    c->headers_whole = false;
    c->error[0] = '\0';
    struct curl_slist *list = NULL;
    enum ax_err err = make_headers(c, headers, headers_n, &list, diag);
    if (err == AX_OK) {
        (void)curl_easy_setopt(c->easy, body ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
        if (body) {
            (void)curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, body->n ? body->p : "");
            (void)curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->n);
        }
        (void)curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, list);
        int64_t start_ns = ax_mono_ns();
        CURLcode result = CURLE_FAILED_INIT;
        bool ended = curl_multi_add_handle(c->multi, c->easy) != CURLM_OK || transfer(c, &result);
        reply->duration_ns = ax_mono_ns() - start_ns;
        if (!ended) /* leave a name look-up behind rather than wait for it */
            (void)curl_easy_setopt(c->easy, CURLOPT_QUICK_EXIT, 1L);
        (void)curl_multi_remove_handle(c->multi, c->easy);
        err = ended ? finish(c, result, reply, diag) : ax_fail(diag, AX_BUSY, "the request was aborted");
    }
    (void)curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, NULL);
    wipe_list(list);
    c->reply = NULL;
    return err;
}

/* The same, and once more when a token that was kept is not accepted any more. */
static enum ax_err insist(struct ax_http_client *c, const struct ax_str *body,
                          const struct ax_http_field *headers, uint32_t headers_n,
                          struct ax_http_reply *reply, struct ax_diag *diag)
{
    enum ax_err err = exchange(c, body, headers, headers_n, reply, diag);
    if (err == AX_OK && reply->status == 401 && ax_http_auth_refused(c->auth))
        err = exchange(c, body, headers, headers_n, reply, diag);
    return err;
}

enum ax_err ax_http_post(struct ax_http_client *c, struct ax_str body, const struct ax_http_field *headers,
                         uint32_t headers_n, struct ax_http_reply *reply, struct ax_diag *diag)
{
    return insist(c, &body, headers, headers_n, reply, diag);
}

enum ax_err ax_http_get(struct ax_http_client *c, const struct ax_http_field *headers, uint32_t headers_n,
                        struct ax_http_reply *reply, struct ax_diag *diag)
{
    return insist(c, NULL, headers, headers_n, reply, diag);
}

const char *ax_http_reply_header(struct ax_http_client *c, const char *name)
{
    struct curl_header *h = NULL;
    return curl_easy_header(c->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : NULL;
}

void ax_http_client_abort(struct ax_http_client *c)
{
    atomic_store(&c->aborted, true);
    ax_http_auth_abort(c->auth, true);
    (void)curl_multi_wakeup(c->multi);
}

void ax_http_client_resume(struct ax_http_client *c)
{
    atomic_store(&c->aborted, false);
    ax_http_auth_abort(c->auth, false);
}
