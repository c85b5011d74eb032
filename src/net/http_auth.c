/* http_auth.c: texts of the configuration, or of files when they are needed, into an Authorization header. */
#include "net/http_auth.h"

#include "net/http_client.h"
#include "net/http_oauth2.h"
#include "net/secret_file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECRET_BYTES_MAX ((size_t)65536)

struct ax_http_auth {
    struct ax_str user, user_file, password, password_file; /* terminated copies */
    struct ax_str type, credentials, credentials_file;
    struct ax_oauth2 *oauth2;
};

/* A terminated copy; *ok turns false when out of memory. */
static struct ax_str copy(struct ax_str s, bool *ok)
{
    char *z = s.n ? strndup(s.p, s.n) : NULL;
    if (s.n && !z)
        *ok = false;
    return (struct ax_str){z, z ? s.n : 0};
}

static void wipe_and_free(struct ax_str s)
{
    union {
        const char *text;
        char *memory;
    } own = {s.p}; /* copy()'s */
    if (own.memory)
        explicit_bzero(own.memory, s.n);
    free(own.memory);
}

static bool is_basic(const struct ax_http_identity *w)
{
    return w->basic_user.n || w->basic_user_file.n || w->basic_password.n || w->basic_password_file.n;
}

static enum ax_err check(const struct ax_http_identity *w, struct ax_diag *diag)
{
    const struct {
        struct ax_str a, b;
        const char *names;
    } pairs[] = {{w->basic_user, w->basic_user_file, "username and username_file"},
                 {w->basic_password, w->basic_password_file, "password and password_file"},
                 {w->auth_credentials, w->auth_credentials_file, "credentials and credentials_file"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].a.n && pairs[i].b.n)
            return ax_fail(diag, AX_INVALID, "%s are both set; use one", pairs[i].names);
    bool credentials = w->auth_credentials.n || w->auth_credentials_file.n;
    if (is_basic(w) && credentials)
        return ax_fail(diag, AX_INVALID, "basic_auth and authorization are both set; use one");
    if (w->oauth2.token_url.n && (is_basic(w) || credentials))
        return ax_fail(diag, AX_INVALID, "oauth2 and %s are both set; use one",
                       credentials ? "authorization" : "basic_auth");
    if (w->auth_type.n == 5 && strncasecmp(w->auth_type.p, "basic", 5) == 0)
        return ax_fail(diag, AX_INVALID, "authorization type cannot be basic; use basic_auth");
    enum ax_err err = ax_http_check_file(w->basic_user_file, "username_file", diag);
    if (err == AX_OK)
        err = ax_http_check_file(w->basic_password_file, "password_file", diag);
    return err == AX_OK ? ax_http_check_file(w->auth_credentials_file, "credentials_file", diag) : err;
}

enum ax_err ax_http_auth_new(const struct ax_http_identity *who, int64_t timeout_ms,
                             struct ax_http_auth **out, struct ax_diag *diag)
{
    *out = NULL;
    enum ax_err err = check(who, diag);
    struct ax_http_auth *a = err == AX_OK ? calloc(1, sizeof *a) : NULL;
    bool ok = a != NULL;
    if (err != AX_OK)
        return err;
    if (a) {
        a->user = copy(who->basic_user, &ok);
        a->user_file = copy(who->basic_user_file, &ok);
        a->password = copy(who->basic_password, &ok);
        a->password_file = copy(who->basic_password_file, &ok);
        a->type = copy(who->auth_type.n ? who->auth_type : ax_str("Bearer"), &ok);
        a->credentials = copy(who->auth_credentials, &ok);
        a->credentials_file = copy(who->auth_credentials_file, &ok);
    }
    err = ok ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK && who->oauth2.token_url.n)
        err = ax_oauth2_new(&who->oauth2, timeout_ms, &a->oauth2, diag);
    if (err == AX_OK)
        *out = a;
    else
        ax_http_auth_free(a);
    return err;
}

void ax_http_auth_free(struct ax_http_auth *a)
{
    if (!a)
        return;
    const struct ax_str texts[] = {a->user, a->user_file,   a->password,        a->password_file,
                                   a->type, a->credentials, a->credentials_file};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        wipe_and_free(texts[i]);
    ax_oauth2_free(a->oauth2);
    free(a);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

enum ax_err ax_http_secret(struct ax_str text, struct ax_str file, struct ax_buf *out, struct ax_diag *diag)
{
    if (file.n) {
        enum ax_err err = ax_secret_file_read(file, SECRET_BYTES_MAX, out, diag);
        if (err != AX_OK)
            return err == AX_LIMIT ? AX_IO : err;
        size_t from = 0;
        while (out->n > 0 && is_blank(out->bytes[out->n - 1]))
            out->n--;
        while (from < out->n && is_blank(out->bytes[from]))
            from++;
        memmove(out->bytes, out->bytes + from, out->n - from);
        out->n -= from;
    } else {
        ax_buf_init(out, text.n + 1);
        (void)ax_buf_reserve(out, text.n + 1); /* at once, so that no copy is left behind */
        ax_buf_str(out, text);
    }
    ax_buf_byte(out, '\0'); /* terminated, and not counted */
    bool ok = out->err == AX_OK, whole = ok && strlen((const char *)out->bytes) == out->n - 1;
    if (whole && !strpbrk((const char *)out->bytes, "\r\n")) {
        out->n--;
        return AX_OK;
    }
    ax_secret_file_done(out);
    const struct ax_str name = file.n ? file : ax_str("a secret");
    return ok ? ax_fail(diag, AX_IO, AX_STR_FMT " holds a line break or a zero byte, which no header can",
                        AX_STR_ARG(name))
              : ax_fail(diag, AX_NOMEM, "out of memory");
}

static enum ax_err add_credentials(const struct ax_http_auth *a, struct curl_slist **headers,
                                   struct ax_diag *diag)
{
    struct ax_buf secret, value;
    enum ax_err err = ax_http_secret(a->credentials, a->credentials_file, &secret, diag);
    if (err != AX_OK)
        return err;
    ax_buf_init(&value, 2 * SECRET_BYTES_MAX);
    (void)ax_buf_reserve(&value, a->type.n + 1 + secret.n);
    ax_buf_printf(&value, AX_STR_FMT " ", AX_STR_ARG(a->type));
    ax_buf_str(&value, ax_buf_view(&secret));
    bool ok = value.err == AX_OK && ax_curl_add_field(headers, ax_str("Authorization"), ax_buf_view(&value));
    ax_secret_file_done(&secret);
    ax_secret_file_done(&value);
    return ok ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
}

static enum ax_err set_basic(const struct ax_http_auth *a, CURL *easy, struct ax_diag *diag)
{
    struct ax_buf user, password;
    enum ax_err err = ax_http_secret(a->user, a->user_file, &user, diag);
    if (err != AX_OK)
        return err;
    err = ax_http_secret(a->password, a->password_file, &password, diag);
    if (err == AX_OK) {
        bool ok = curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_USERNAME, (const char *)user.bytes) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_PASSWORD, (const char *)password.bytes) == CURLE_OK;
        ax_secret_file_done(&password);
        err = ok ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    }
    ax_secret_file_done(&user);
    return err;
}

enum ax_err ax_http_auth_apply(struct ax_http_auth *a, CURL *easy, struct curl_slist **headers,
                               struct ax_diag *diag)
{
    if (a->oauth2)
        return ax_oauth2_apply(a->oauth2, headers, diag);
    if (a->credentials.n || a->credentials_file.n)
        return add_credentials(a, headers, diag);
    if (a->user.n || a->user_file.n || a->password.n || a->password_file.n)
        return set_basic(a, easy, diag);
    return AX_OK;
}

bool ax_http_auth_refused(struct ax_http_auth *a)
{
    return a->oauth2 && ax_oauth2_forget(a->oauth2);
}

void ax_http_auth_abort(struct ax_http_auth *a, bool aborted)
{
    if (a->oauth2)
        ax_oauth2_abort(a->oauth2, aborted);
}
