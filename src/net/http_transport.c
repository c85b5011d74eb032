/* http_transport.c: checks, then one option of libcurl after the other. */
#include "net/http_transport.h"

#include "net/http_client.h"
#include "net/no_proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LOOPBACK "localhost,127.0.0.0/8,::1" /* never by a proxy of the environment */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

bool ax_curl_text(CURL *easy, CURLoption option, struct ax_str s)
{
    if (s.n == 0)
        return true;
    char *z = strndup(s.p, s.n);
    bool ok = z && curl_easy_setopt(easy, option, z) == CURLE_OK; /* curl copies */
    free(z);
    return ok;
}

bool ax_curl_add_field(struct curl_slist **list, struct ax_str name, struct ax_str value)
{
    char *text = NULL;
    /* "Name;" is how curl is told to send a header without a value. */
    int n = value.n ? asprintf(&text, AX_STR_FMT ": " AX_STR_FMT, AX_STR_ARG(name), AX_STR_ARG(value))
                    : asprintf(&text, AX_STR_FMT ";", AX_STR_ARG(name));
    struct curl_slist *longer = n >= 0 ? curl_slist_append(*list, text) : NULL;
    if (longer)
        *list = longer;
    if (n >= 0) {
        explicit_bzero(text, (size_t)n);
        free(text);
    }
    return longer != NULL;
}

enum ax_err ax_http_check_file(struct ax_str path, const char *key, struct ax_diag *diag)
{
    if (path.n == 0)
        return AX_OK;
    char *z = strndup(path.p, path.n);
    if (!z)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    bool readable = access(z, R_OK) == 0;
    free(z);
    if (readable)
        return AX_OK;
    return ax_fail(diag, AX_INVALID,
                   "%s " AX_STR_FMT " cannot be read; check that it exists and its permissions", key,
                   AX_STR_ARG(path));
}

/* PEM is given as text, as a file, or not at all. */
static enum ax_err check_pem(const struct ax_http_transport *t, struct ax_diag *diag)
{
    const struct {
        struct ax_str text, path;
        const char *key, *file_key;
    } pems[] = {{t->ca, t->ca_file, "ca", "ca_file"},
                {t->cert, t->cert_file, "cert", "cert_file"},
                {t->key, t->key_file, "key", "key_file"}};
    for (size_t i = 0; i < COUNT_OF(pems); i++) {
        if (pems[i].text.n && pems[i].path.n)
            return ax_fail(diag, AX_INVALID, "%s and %s are both set; use one", pems[i].key,
                           pems[i].file_key);
        enum ax_err err = ax_http_check_file(pems[i].path, pems[i].file_key, diag);
        if (err != AX_OK)
            return err;
    }
    if ((t->cert_file.n + t->cert.n == 0) != (t->key_file.n + t->key.n == 0))
        return ax_fail(diag, AX_INVALID, "cert_file and key_file go together; one of them is missing");
    return AX_OK;
}

/* What Prometheus demands of the keys of proxies. */
static enum ax_err check_proxy(const struct ax_http_transport *t, struct ax_diag *diag)
{
    if (t->proxy_from_environment && t->proxy_url.n)
        return ax_fail(diag, AX_INVALID, "proxy_url and proxy_from_environment are both set; use one");
    if (t->proxy_from_environment && t->no_proxy.n)
        return ax_fail(diag, AX_INVALID,
                       "no_proxy has no effect with proxy_from_environment, which reads NO_PROXY");
    if (t->no_proxy.n && !t->proxy_url.n)
        return ax_fail(diag, AX_INVALID, "no_proxy has no effect without proxy_url");
    if (t->proxy_headers_n && !t->proxy_url.n && !t->proxy_from_environment)
        return ax_fail(diag, AX_INVALID,
                       "proxy_connect_header has no effect without proxy_url or proxy_from_environment");
    for (uint32_t i = 0; i < t->proxy_headers_n; i++) {
        enum ax_err err = ax_http_check_field(t->proxy_headers[i].name, t->proxy_headers[i].value, diag);
        if (err != AX_OK)
            return ax_wrap(diag, err, "proxy_connect_header " AX_STR_FMT,
                           AX_STR_ARG(t->proxy_headers[i].name));
    }
    return AX_OK;
}

/* Versions of TLS, lowest first, with what curl calls them as the lowest and the highest. */
static const struct {
    const char *name;
    long lowest, highest;
} versions[] = {{"TLS10", CURL_SSLVERSION_TLSv1_0, CURL_SSLVERSION_MAX_TLSv1_0},
                {"TLS11", CURL_SSLVERSION_TLSv1_1, CURL_SSLVERSION_MAX_TLSv1_1},
                {"TLS12", CURL_SSLVERSION_TLSv1_2, CURL_SSLVERSION_MAX_TLSv1_2},
                {"TLS13", CURL_SSLVERSION_TLSv1_3, CURL_SSLVERSION_MAX_TLSv1_3}};

/* Which of them a key names, or its default when it is empty. */
static enum ax_err version(const char *key, struct ax_str text, const char *fallback, size_t *out,
                           struct ax_diag *diag)
{
    const struct ax_str name = text.n ? text : ax_str(fallback);
    for (*out = 0; *out < COUNT_OF(versions); (*out)++)
        if (ax_str_eq(name, ax_str(versions[*out].name)))
            return AX_OK;
    return ax_fail(diag, AX_INVALID, "%s \"" AX_STR_FMT "\" is none of TLS10, TLS11, TLS12, TLS13", key,
                   AX_STR_ARG(text));
}

static enum ax_err set_versions(const struct ax_http_transport *t, CURL *easy, struct ax_diag *diag)
{
    size_t min = 0, max = 0;
    enum ax_err err = version("min_version", t->min_version, "TLS12", &min, diag);
    if (err == AX_OK)
        err = version("max_version", t->max_version, "TLS13", &max, diag);
    if (err == AX_OK && min > max)
        err = ax_fail(diag, AX_INVALID, "max_version %s is below min_version %s", versions[max].name,
                      versions[min].name);
    if (err != AX_OK)
        return err;
    long highest = t->max_version.n ? versions[max].highest : 0; /* 0: what the library has */
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, versions[min].lowest | highest);
    return AX_OK;
}

/* PEM as text; an empty one is not set. curl copies. */
static bool set_pem(CURL *easy, CURLoption option, struct ax_str pem)
{
    struct curl_blob blob = {.len = pem.n, .flags = CURL_BLOB_COPY};
    memcpy(&blob.data, &pem.p, sizeof blob.data); /* which does not say const */
    return pem.n == 0 || curl_easy_setopt(easy, option, &blob) == CURLE_OK;
}

static enum ax_err set_tls(const struct ax_http_transport *t, CURL *easy, struct ax_diag *diag)
{
    enum ax_err err = set_versions(t, easy, diag);
    if (err != AX_OK)
        return err;
    (void)curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    if (t->insecure_skip_verify) {
        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (t->ca_file.n || t->ca.n) /* it alone: libcurl would trust the system's folder of CAs beside it */
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    bool ok = ax_curl_text(easy, CURLOPT_CAINFO, t->ca_file) &&
              ax_curl_text(easy, CURLOPT_SSLCERT, t->cert_file) &&
              ax_curl_text(easy, CURLOPT_SSLKEY, t->key_file) && set_pem(easy, CURLOPT_CAINFO_BLOB, t->ca) &&
              set_pem(easy, CURLOPT_SSLCERT_BLOB, t->cert) && set_pem(easy, CURLOPT_SSLKEY_BLOB, t->key);
    return ok ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
}

/* The first of two variables that is set to something; "" when neither is. */
static const char *either(char *env(const char *name), const char *first, const char *second)
{
    const char *value = env(first);
    if (!value || !*value)
        value = env(second);
    return value ? value : "";
}

const char *ax_http_proxy_of(const char *scheme, char *env(const char *name))
{
    return strcmp(scheme, "https") == 0 ? either(env, "HTTPS_PROXY", "https_proxy")
                                        : either(env, "HTTP_PROXY", "http_proxy");
}

char *ax_http_no_proxy_of(char *env(const char *name))
{
    const char *list = either(env, "NO_PROXY", "no_proxy");
    char *whole = NULL;
    if (strcmp(list, "*") == 0) /* libcurl knows it by itself alone */
        return strdup(list);
    return asprintf(&whole, "%s%s%s", list, *list ? "," : "", LOOPBACK) >= 0 ? whole : NULL;
}

static enum ax_err set_proxy(const struct ax_http_transport *t, CURL *easy, CURLU *url,
                             struct curl_slist **headers, struct ax_diag *diag)
{
    char *scheme = NULL, *host = NULL, *from_environment = NULL;
    struct ax_str proxy = t->proxy_url, past = t->no_proxy;
    bool ok =
        !curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) && !curl_url_get(url, CURLUPART_HOST, &host, 0);
    if (ok && t->proxy_from_environment) {
        proxy = ax_str(ax_http_proxy_of(scheme, getenv));
        from_environment = ax_http_no_proxy_of(getenv);
        ok = from_environment != NULL;
        past = ax_str(ok ? from_environment : "");
    }
    if (ok && t->server_name.n && strcmp(scheme, "https") == 0) { /* libcurl would look for that name */
        if (ax_no_proxy_has(past, host))
            proxy.n = 0;
        past.n = 0;
    }
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, ""); /* nor what the environment says */
    ok = ok && ax_curl_text(easy, CURLOPT_PROXY, proxy) && ax_curl_text(easy, CURLOPT_NOPROXY, past);
    for (uint32_t i = 0; ok && i < t->proxy_headers_n; i++)
        ok = ax_curl_add_field(headers, t->proxy_headers[i].name, t->proxy_headers[i].value);
    ok = ok && curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PROXYHEADER, *headers) == CURLE_OK;
    free(from_environment);
    curl_free(scheme);
    curl_free(host);
    return ok ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
}

enum ax_err ax_http_transport_apply(const struct ax_http_transport *t, CURL *easy, CURLU *url,
                                    struct curl_slist **proxy_headers, struct ax_diag *diag)
{
    enum ax_err err = check_pem(t, diag);
    if (err == AX_OK)
        err = check_proxy(t, diag);
    if (err == AX_OK)
        err = set_tls(t, easy, diag);
    return err == AX_OK ? set_proxy(t, easy, url, proxy_headers, diag) : err;
}
