/* http_options.h: what may be said of an HTTP client, by Prometheus's keys. Borrowed while a client is made;
 * an empty text is one that was not set. */
#ifndef AX_NET_HTTP_OPTIONS_H
#define AX_NET_HTTP_OPTIONS_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* One header. */
struct ax_http_field {
    struct ax_str name, value;
};

/* How it reaches its server: TLS and proxies. */
struct ax_http_transport {
    struct ax_str ca_file, cert_file, key_file; /* in PEM; without a CA those of the system are trusted */
    struct ax_str ca, cert, key;                /* or the PEM itself */
    struct ax_str server_name;                  /* name in the certificate, when it is not the URL's host */
    struct ax_str min_version;                  /* TLS10, TLS11, TLS12, TLS13; empty: TLS12 */
    struct ax_str max_version;                  /* likewise; empty: the highest that there is */
    bool insecure_skip_verify;
    struct ax_str proxy_url, no_proxy; /* hosts, domains and networks that are reached without, by commas */
    bool proxy_from_environment;       /* HTTP_PROXY, HTTPS_PROXY, NO_PROXY, as Go's programs read them */
    const struct ax_http_field *proxy_headers; /* for the proxy alone */
    uint32_t proxy_headers_n;
};

/* The client-credentials grant of OAuth 2.0 (RFC 6749, 4.4). */
struct ax_http_oauth2 {
    bool given; /* for the configuration's own use */
    struct ax_str client_id, client_secret, client_secret_file;
    struct ax_str token_url; /* none: no OAuth 2.0 */
    const struct ax_str *scopes;
    uint32_t scopes_n;
    const struct ax_http_field *params; /* more of the request for a token */
    uint32_t params_n;
    struct ax_http_transport transport; /* to the server that gives tokens */
};

/* Who it says that it is: by at most one of basic_auth, authorization and oauth2. */
struct ax_http_identity {
    struct ax_str basic_user, basic_user_file, basic_password, basic_password_file;
    struct ax_str auth_type, auth_credentials, auth_credentials_file; /* type is Bearer when empty */
    struct ax_http_oauth2 oauth2;
};

/* All of it. */
struct ax_http_client_options {
    struct ax_str url; /* http or https */
    struct ax_http_identity who;
    struct ax_http_transport transport;
    const struct ax_http_field *headers; /* the user's own; see ax_http_check_header() */
    uint32_t headers_n;
    bool follow_redirects; /* keeping the method; credentials do not go to another host */
    int64_t timeout_ms;    /* of a whole request; 0: none */
};

#endif
