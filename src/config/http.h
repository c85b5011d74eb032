/* http.h: from the HTTP keys of an endpoint to the options of the client that speaks to it. */
#ifndef AX_CONFIG_HTTP_H
#define AX_CONFIG_HTTP_H

#include "config/config.h"
#include "net/http_client.h"

/* Options of a client; fields is the caller's room for http->headers_n headers. All of it are views. */
struct ax_http_client_options ax_http_options(const struct ax_http_config *http, struct ax_str url,
                                              int64_t timeout_ms, struct ax_http_field *fields);

#endif
