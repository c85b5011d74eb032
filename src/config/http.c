/* http.c: one to one. */
#include "config/http.h"

struct ax_http_client_options ax_http_options(const struct ax_http_config *http, struct ax_str url,
                                              int64_t timeout_ms, struct ax_http_field *fields)
{
    for (uint32_t i = 0; i < http->headers_n; i++)
        fields[i] = (struct ax_http_field){http->headers[i].name, http->headers[i].value};
    return (struct ax_http_client_options){
        .url = url,
        .basic_user = http->basic_user,
        .basic_password = http->basic_password,
        .basic_password_file = http->basic_password_file,
        .auth_type = http->auth_type,
        .auth_credentials = http->auth_credentials,
        .auth_credentials_file = http->auth_credentials_file,
        .tls_ca_file = http->tls_ca_file,
        .tls_cert_file = http->tls_cert_file,
        .tls_key_file = http->tls_key_file,
        .tls_server_name = http->tls_server_name,
        .tls_min_version = http->tls_min_version,
        .tls_max_version = http->tls_max_version,
        .tls_insecure_skip_verify = http->tls_insecure_skip_verify,
        .proxy_url = http->proxy_url,
        .no_proxy = http->no_proxy,
        .headers = fields,
        .headers_n = http->headers_n,
        .follow_redirects = http->follow_redirects,
        .timeout_ms = timeout_ms,
    };
}
