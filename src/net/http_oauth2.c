/* http_oauth2.c: a client of its own for the server that gives tokens, and the last token. */
#include "net/http_oauth2.h"

#include "base/clock.h"
#include "base/parse.h"
#include "net/http_auth.h"
#include "net/http_client.h"
#include "net/http_transport.h"
#include "net/secret_file.h"

#include <gnutls/gnutls.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODY_BYTES_MAX ((size_t)1 << 20)
#define ANSWER_BYTES_MAX ((size_t)1 << 16)
#define TOKEN_BYTES_MAX ((size_t)1 << 15)
#define EARLY_NS INT64_C(10000000000) /* asked for anew so long before it expires */
#define FOREVER_S 1e9

struct ax_oauth2 {
    struct ax_http_client *client;
    CURL *escaper;
    char *secret_file;
    struct ax_buf id, secret, form; /* form: what is the same in each request */
    struct ax_buf value;            /* of Authorization; empty: there is no token */
    int64_t until_ns;
    bool fresh;   /* the token was asked for by the last request */
    bool in_body; /* name and secret: the server has not understood them otherwise */
};

/* The text of a token's type as it stands in the header; NULL when it cannot. */
static const char *type_of(const char *type)
{
    if (!type || !*type || strcasecmp(type, "bearer") == 0)
        return "Bearer";
    for (const char *c = type; *c; c++)
        if (*c <= 0x20 || *c >= 0x7f)
            return NULL;
    return type;
}

/* A number, or a text that is one, as some servers send it; 0 otherwise. */
static int64_t seconds_of(const json_t *v)
{
    double s = json_is_number(v) ? json_number_value(v) : 0;
    if (json_is_string(v) && ax_parse_double(ax_str(json_string_value(v)), &s) != AX_OK)
        s = 0;
    return s > 0 && s < FOREVER_S ? (int64_t)ceil(s) : 0;
}

enum ax_err ax_oauth2_read(struct ax_str answer, struct ax_buf *value, int64_t *seconds, struct ax_diag *diag)
{
    ax_buf_reset(value);
    json_t *root = json_loadb(answer.p ? answer.p : "", answer.n, JSON_REJECT_DUPLICATES, NULL);
    const char *token = json_string_value(json_object_get(root, "access_token"));
    const char *type = type_of(json_string_value(json_object_get(root, "token_type")));
    bool visible = token && *token && type;
    for (const char *c = token; visible && *c; c++)
        visible = *c > 0x20 && *c < 0x7f;
    if (visible) {
        (void)ax_buf_reserve(value, strlen(type) + 1 + strlen(token)); /* at once: no copy is left behind */
        ax_buf_str(value, ax_str(type));
        ax_buf_byte(value, ' ');
        ax_buf_str(value, ax_str(token));
    }
    *seconds = seconds_of(json_object_get(root, "expires_in"));
    json_decref(root);
    if (!visible)
        return ax_fail(diag, AX_INVALID, "token_url answers without an access_token in JSON");
    return value->err == AX_OK ? AX_OK : ax_fail(diag, value->err, "the token is too long, or memory is out");
}

/* Append &name=value for a form; false when out of memory. */
static bool put(struct ax_oauth2 *o, struct ax_buf *form, struct ax_str name, struct ax_str value)
{
    char *n = curl_easy_escape(o->escaper, name.n ? name.p : "", (int)name.n);
    char *v = curl_easy_escape(o->escaper, value.n ? value.p : "", (int)value.n);
    if (n && v) {
        (void)ax_buf_reserve(form, strlen(n) + strlen(v) + 2);
        ax_buf_str(form, ax_str(form->n ? "&" : ""));
        ax_buf_str(form, ax_str(n));
        ax_buf_byte(form, '=');
        ax_buf_str(form, ax_str(v));
    }
    if (v)
        explicit_bzero(v, strlen(v));
    bool ok = n && v && form->err == AX_OK;
    curl_free(n);
    curl_free(v);
    return ok;
}

static enum ax_err fill(struct ax_oauth2 *o, const struct ax_http_oauth2 *from, struct ax_diag *diag)
{
    struct ax_buf scopes;
    ax_buf_init(&o->id, BODY_BYTES_MAX);
    ax_buf_init(&o->secret, BODY_BYTES_MAX);
    ax_buf_init(&o->form, BODY_BYTES_MAX);
    ax_buf_init(&o->value, TOKEN_BYTES_MAX);
    ax_buf_init(&scopes, BODY_BYTES_MAX);
    o->escaper = curl_easy_init();
    o->secret_file =
        from->client_secret_file.n ? strndup(from->client_secret_file.p, from->client_secret_file.n) : NULL;
    bool ok = o->escaper && (o->secret_file || !from->client_secret_file.n);
    (void)ax_buf_reserve(&o->secret, from->client_secret.n);
    ax_buf_str(&o->id, from->client_id);
    ax_buf_str(&o->secret, from->client_secret);
    for (uint32_t i = 0; i < from->scopes_n; i++) {
        ax_buf_str(&scopes, ax_str(i ? " " : ""));
        ax_buf_str(&scopes, from->scopes[i]);
    }
    ok = ok && put(o, &o->form, ax_str("grant_type"), ax_str("client_credentials"));
    if (ok && scopes.n)
        ok = put(o, &o->form, ax_str("scope"), ax_buf_view(&scopes));
    for (uint32_t i = 0; ok && i < from->params_n; i++)
        ok = put(o, &o->form, from->params[i].name, from->params[i].value);
    ok = ok && o->id.err == AX_OK && o->secret.err == AX_OK && scopes.err == AX_OK;
    ax_buf_done(&scopes);
    return ok ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
}

enum ax_err ax_oauth2_new(const struct ax_http_oauth2 *from, int64_t timeout_ms, struct ax_oauth2 **out,
                          struct ax_diag *diag)
{
    *out = NULL;
    if (!from->client_id.n)
        return ax_fail(diag, AX_INVALID, "oauth2 needs a client_id");
    if (from->client_secret.n && from->client_secret_file.n)
        return ax_fail(diag, AX_INVALID, "client_secret and client_secret_file are both set; use one");
    enum ax_err err = ax_http_check_file(from->client_secret_file, "client_secret_file", diag);
    if (err != AX_OK)
        return err;
    struct ax_oauth2 *o = calloc(1, sizeof *o);
    if (!o)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    err = fill(o, from, diag);
    const struct ax_http_client_options http = {
        .url = from->token_url, .transport = from->transport, .timeout_ms = timeout_ms};
    if (err == AX_OK)
        err = ax_http_client_new(&http, &o->client, diag);
    if (err == AX_OK) {
        *out = o;
        return AX_OK;
    }
    ax_oauth2_free(o);
    return ax_wrap(diag, err, "oauth2");
}

void ax_oauth2_free(struct ax_oauth2 *o)
{
    if (!o)
        return;
    ax_http_client_free(o->client);
    curl_easy_cleanup(o->escaper);
    free(o->secret_file);
    ax_secret_file_done(&o->secret);
    ax_secret_file_done(&o->value);
    ax_buf_done(&o->id);
    ax_buf_done(&o->form);
    free(o);
}

/* "Basic ...": base64 of name and secret, each as in a form (RFC 6749, 2.3.1). */
static bool put_basic(struct ax_oauth2 *o, struct ax_str secret, struct ax_buf *out)
{
    struct ax_buf pair;
    gnutls_datum_t base64 = {NULL, 0};
    ax_buf_init(&pair, 4 * BODY_BYTES_MAX);
    bool ok = put(o, &pair, ax_buf_view(&o->id), secret); /* neither has "=" in it, once escaped */
    char *equals = ok ? memchr(pair.bytes, '=', pair.n) : NULL;
    if (equals)
        *equals = ':';
    const gnutls_datum_t plain = {pair.bytes, (unsigned)pair.n};
    ok = equals && gnutls_base64_encode2(&plain, &base64) >= 0;
    if (ok) {
        (void)ax_buf_reserve(out, base64.size + 6);
        ax_buf_str(out, ax_str("Basic "));
        ax_buf_put(out, base64.data, base64.size);
        explicit_bzero(base64.data, base64.size);
        gnutls_free(base64.data);
    }
    ax_secret_file_done(&pair);
    return ok && out->err == AX_OK;
}

/* One request for a token, with name and secret at one of their two places. */
static enum ax_err request(struct ax_oauth2 *o, struct ax_str secret, struct ax_http_reply *reply,
                           struct ax_diag *diag)
{
    struct ax_buf body, basic;
    ax_buf_init(&body, 4 * BODY_BYTES_MAX);
    ax_buf_init(&basic, 8 * BODY_BYTES_MAX);
    ax_buf_str(&body, ax_buf_view(&o->form));
    bool ok = body.err == AX_OK;
    if (o->in_body)
        ok = ok && put(o, &body, ax_str("client_id"), ax_buf_view(&o->id)) &&
             (!secret.n || put(o, &body, ax_str("client_secret"), secret));
    else
        ok = ok && put_basic(o, secret, &basic);
    const struct ax_http_field fields[] = {
        {ax_str("Content-Type"), ax_str("application/x-www-form-urlencoded")},
        {ax_str("Accept"), ax_str("application/json")},
        {ax_str("Authorization"), ax_buf_view(&basic)}};
    enum ax_err err =
        ok ? ax_http_post(o->client, ax_buf_view(&body), fields, o->in_body ? 2 : 3, reply, diag)
           : ax_fail(diag, AX_NOMEM, "out of memory");
    ax_secret_file_done(&body);
    ax_secret_file_done(&basic);
    return err;
}

/* The same, and at the other place when it is not understood at this one: 400 or 401 (RFC 6749, 5.2). A 403
 * or 429 would not be otherwise there. */
static enum ax_err insist(struct ax_oauth2 *o, struct ax_str secret, struct ax_http_reply *reply,
                          struct ax_diag *diag)
{
    enum ax_err err = request(o, secret, reply, diag);
    if (err != AX_OK || (reply->status != 400 && reply->status != 401) || o->in_body)
        return err;
    o->in_body = true;
    err = request(o, secret, reply, diag);
    o->in_body = err == AX_OK && reply->status / 100 == 2;
    return err;
}

static enum ax_err fetch(struct ax_oauth2 *o, struct ax_diag *diag)
{
    struct ax_buf secret, answer;
    struct ax_http_reply reply = {.body = &answer};
    int64_t seconds = 0;
    const struct ax_str path = o->secret_file ? ax_str(o->secret_file) : (struct ax_str){NULL, 0};
    enum ax_err err = ax_http_secret(ax_buf_view(&o->secret), path, &secret, diag);
    if (err != AX_OK)
        return err;
    ax_buf_init(&answer, ANSWER_BYTES_MAX);
    err = insist(o, ax_buf_view(&secret), &reply, diag);
    if (err != AX_OK)
        err = ax_wrap(diag, err, "oauth2: token_url");
    else if (reply.status / 100 != 2)
        err = ax_fail(diag, AX_IO, "oauth2: token_url answers %d", reply.status);
    else if (ax_oauth2_read(ax_buf_view(&answer), &o->value, &seconds, diag) != AX_OK)
        err = ax_wrap(diag, AX_IO, "oauth2");
    else
        o->until_ns = seconds ? ax_mono_ns() + seconds * 1000000000 - EARLY_NS : INT64_MAX;
    if (err != AX_OK)
        ax_buf_reset(&o->value);
    ax_secret_file_done(&answer);
    ax_secret_file_done(&secret);
    return err;
}

enum ax_err ax_oauth2_apply(struct ax_oauth2 *o, struct curl_slist **headers, struct ax_diag *diag)
{
    o->fresh = o->value.n == 0 || ax_mono_ns() >= o->until_ns;
    enum ax_err err = o->fresh ? fetch(o, diag) : AX_OK;
    if (err == AX_OK && !ax_curl_add_field(headers, ax_str("Authorization"), ax_buf_view(&o->value)))
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    return err;
}

bool ax_oauth2_forget(struct ax_oauth2 *o)
{
    ax_buf_reset(&o->value);
    return !o->fresh;
}

void ax_oauth2_abort(struct ax_oauth2 *o, bool aborted)
{
    if (aborted)
        ax_http_client_abort(o->client);
    else
        ax_http_client_resume(o->client);
}
