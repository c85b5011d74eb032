/* http_transport.h: how an HTTP client reaches its server: TLS and proxies, by Prometheus's keys, onto
 * libcurl.
 *
 * Files are opened for each connection, so that what is rotated on disk is used without a restart. Whether a
 * redirect is followed through the proxy is decided by its host; but a proxy of the environment stays that of
 * the first URL's scheme, and with server_name over https what was decided for the first host holds for all
 * of a request. One thread at a time. */
#ifndef AX_NET_HTTP_TRANSPORT_H
#define AX_NET_HTTP_TRANSPORT_H

#include "base/err.h"
#include "net/http_options.h"

#include <curl/curl.h>

/* Text option of a handle; empty texts are not set. False when out of memory. */
bool ax_curl_text(CURL *easy, CURLoption option, struct ax_str s);

/* Append a header to a list of libcurl's, wiping copies that it makes; false when out of memory. */
bool ax_curl_add_field(struct curl_slist **list, struct ax_str name, struct ax_str value);

/* Put it in force for requests to url, of scheme http or https. *proxy_headers gets a list that is the
 * caller's, to be freed after the handle. AX_INVALID with a text: a file that cannot be read, certificate and
 * key that do not go together, two ways to say one thing, a TLS version that does not exist, no version
 * between both, a key of a proxy without a proxy. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_http_transport_apply(const struct ax_http_transport *t, CURL *easy, CURLU *url,
                                                struct curl_slist **proxy_headers, struct ax_diag *diag);

/* Which proxy the environment names for URLs of a scheme: "" for none. env: getenv(). As
 * golang.org/x/net/http/httpproxy: HTTP_PROXY or HTTPS_PROXY, in capitals first. */
const char *ax_http_proxy_of(const char *scheme, char *env(const char *name));

/* What goes past it, as CURLOPT_NOPROXY has it: NO_PROXY, and always localhost and loopback addresses.
 * malloc'ed; NULL when out of memory. */
char *ax_http_no_proxy_of(char *env(const char *name));

/* A file that is named by a key can be read; an empty path is fine. AX_INVALID with a text, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_http_check_file(struct ax_str path, const char *key, struct ax_diag *diag);

#endif
