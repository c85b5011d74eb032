/* caller.c: names out of headers and arguments. */
#include "api/caller.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The user of basic authentication; false when there is none. */
static bool user_of(const struct ax_http_request *req, char out[AX_CALLER_WHO])
{
    const struct ax_str header = ax_http_header(req, "Authorization");
    gnutls_datum_t plain = {NULL, 0};
    if (header.n < 7 || strncasecmp(header.p, "Basic ", 6) != 0)
        return false;
    const gnutls_datum_t in = {(unsigned char *)(uintptr_t)header.p + 6, (unsigned)header.n - 6};
    if (gnutls_base64_decode2(&in, &plain) < 0)
        return false;
    size_t n = 0;
    while (n < plain.size && n < AX_CALLER_WHO - 1 && plain.data[n] != ':')
        n++;
    memcpy(out, plain.data, n);
    out[n] = '\0';
    gnutls_free(plain.data);
    return n > 0;
}

/* Would it be taken for the process itself, or its `auspex train`? */
static bool is_ours(struct ax_str who)
{
    return who.n >= 6 && strncasecmp(who.p, "auspex", 6) == 0 && (who.n == 6 || who.p[6] == ' ');
}

/* A user who was let in by a password. */
static bool is_user(const struct ax_http_request *req, char out[AX_CALLER_WHO])
{
    char name[AX_CALLER_WHO];
    if (!req->authenticated || !user_of(req, name))
        return false;
    (void)snprintf(out, AX_CALLER_WHO, "%s%.*s", is_ours(ax_str(name)) ? "user " : "", AX_CALLER_WHO - 6,
                   name);
    return true;
}

enum ax_err ax_caller_who(const struct ax_http_request *req, struct ax_str said, char user[AX_CALLER_WHO],
                          struct ax_str *out, struct ax_diag *diag)
{
    *out = said;
    if (is_user(req, user))
        *out = ax_str(user);
    else if (is_ours(said))
        return ax_fail(diag, AX_INVALID, "auspex stands for the process itself: say who you are");
    if (out->n < AX_CALLER_WHO && ax_str_utf8(*out))
        return AX_OK;
    return ax_fail(diag, AX_INVALID, "who you are must be UTF-8, of less than %d bytes", AX_CALLER_WHO);
}

enum ax_err ax_caller(const struct ax_http_request *req, char user[AX_CALLER_WHO], struct ax_registry_by *out,
                      struct ax_diag *diag)
{
    const struct ax_str by = ax_http_query(req, "by");
    out->why = ax_http_query(req, "why");
    const enum ax_err err = ax_caller_who(req, by.n ? by : ax_str(AX_CALLER_UNKNOWN), user, &out->who, diag);
    if (err != AX_OK)
        return ax_wrap(diag, err, "by (--by=NAME)");
    if (out->why.n < AX_CALLER_WHY && ax_str_utf8(out->why))
        return AX_OK;
    return ax_fail(diag, AX_INVALID, "why must be UTF-8, of less than %d bytes", AX_CALLER_WHY);
}
