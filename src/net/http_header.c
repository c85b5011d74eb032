/* http_header.c: which headers a user may set. */
#include "net/http_client.h"

#include <strings.h>

/* Prometheus's list, and what else the sender sets itself. */
static const char *const reserved[] = {
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "retry-attempt",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
};

static bool is(struct ax_str name, const char *other)
{
    return name.n == strlen(other) && strncasecmp(name.p, other, name.n) == 0;
}

/* RFC 9110, 5.6.2. */
static bool is_token(struct ax_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alphanumeric && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.n > 0;
}

enum ax_err ax_http_check_field(struct ax_str name, struct ax_str value, struct ax_diag *diag)
{
    if (!is_token(name))
        return ax_fail(diag, AX_INVALID, "is no header name");
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return ax_fail(diag, AX_INVALID, "has a control character in its value");
    }
    return AX_OK;
}

enum ax_err ax_http_check_header(struct ax_str name, struct ax_str value, struct ax_diag *diag)
{
    enum ax_err err = ax_http_check_field(name, value, diag);
    if (err != AX_OK)
        return err;
    if (is(name, "authorization"))
        return ax_fail(diag, AX_INVALID, "is set by Auspex itself, from basic_auth, authorization or oauth2");
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (is(name, reserved[i]))
            return ax_fail(diag, AX_INVALID, "is set by Auspex itself");
    return AX_OK;
}
