/* visitor.c: a libcurl handle set up anew for each visit; its connections stay. */
#include "visitor.h"

#include "ax_test.h"
#include "base/clock.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char bytes[8192];
    size_t n;
};

struct visitor {
    CURL *curl;
    uint16_t port;
    struct text body, headers;
    long opened;
};

static size_t keep(char *bytes, size_t size, size_t n, void *ctx)
{
    struct text *t = ctx;
    size_t room = sizeof t->bytes - 1 - t->n, kept = size * n < room ? size * n : room;
    memcpy(t->bytes + t->n, bytes, kept);
    t->n += kept;
    t->bytes[t->n] = '\0';
    return size * n;
}

struct visitor *visitor_new(uint16_t port)
{
    struct visitor *v = calloc(1, sizeof *v);
    assert_non_null(v);
    v->curl = curl_easy_init();
    assert_non_null(v->curl);
    v->port = port;
    return v;
}

static void set_file(CURL *curl, CURLoption option, const char *name, const char *suffix)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/data/tls/%s%s.pem", AX_TEST_DIR, name, suffix);
    (void)curl_easy_setopt(curl, option, path);
}

int visitor_ask(struct visitor *v, const struct visit *visit)
{
    char url[256], resolve[64], authorization[256];
    curl_easy_reset(v->curl);
    v->body = v->headers = (struct text){{0}, 0};
    (void)snprintf(url, sizeof url, "http%s://receiver.test:%u%s", visit->tls ? "s" : "", v->port,
                   visit->path ? visit->path : "/");
    (void)snprintf(resolve, sizeof resolve, "receiver.test:%u:127.0.0.1", v->port);
    struct curl_slist *hosts = curl_slist_append(NULL, resolve),
                      *fields = curl_slist_append(NULL, "X-Test: 1");
    (void)curl_easy_setopt(v->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(v->curl, CURLOPT_RESOLVE, hosts);
    (void)curl_easy_setopt(v->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(v->curl, CURLOPT_TIMEOUT, 60L);
    (void)curl_easy_setopt(v->curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(v->curl, CURLOPT_WRITEFUNCTION, keep);
    (void)curl_easy_setopt(v->curl, CURLOPT_WRITEDATA, &v->body);
    (void)curl_easy_setopt(v->curl, CURLOPT_HEADERFUNCTION, keep);
    (void)curl_easy_setopt(v->curl, CURLOPT_HEADERDATA, &v->headers);
    if (visit->ca)
        set_file(v->curl, CURLOPT_CAINFO, visit->ca, "");
    if (visit->certificate) {
        set_file(v->curl, CURLOPT_SSLCERT, visit->certificate, "");
        set_file(v->curl, CURLOPT_SSLKEY, visit->certificate, "-key");
    }
    if (visit->newest_version)
        (void)curl_easy_setopt(v->curl, CURLOPT_SSLVERSION, visit->newest_version);
    if (visit->suites)
        (void)curl_easy_setopt(v->curl, CURLOPT_SSL_CIPHER_LIST, visit->suites);
    if (visit->curves)
        (void)curl_easy_setopt(v->curl, CURLOPT_SSL_EC_CURVES, visit->curves);
    if (visit->user)
        (void)curl_easy_setopt(v->curl, CURLOPT_USERPWD, visit->user);
    if (visit->token) {
        (void)snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", visit->token);
        fields = curl_slist_append(fields, authorization);
    }
    if (visit->body)
        (void)curl_easy_setopt(v->curl, CURLOPT_POSTFIELDS, visit->body);
    (void)curl_easy_setopt(v->curl, CURLOPT_HTTPHEADER, fields);
    CURLcode e = curl_easy_perform(v->curl);
    long status = 0;
    (void)curl_easy_getinfo(v->curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(v->curl, CURLINFO_NUM_CONNECTS, &v->opened);
    curl_slist_free_all(hosts);
    curl_slist_free_all(fields);
    return e == CURLE_OK ? (int)status : -(int)e;
}

int visitor_insist(struct visitor *v, const struct visit *visit)
{
    int status;
    while ((status = visitor_ask(v, visit)) == 503)
        ax_sleep_ns(1000000);
    return status;
}

const char *visitor_body(const struct visitor *v)
{
    return v->body.bytes;
}

const char *visitor_headers(const struct visitor *v)
{
    return v->headers.bytes;
}

long visitor_opened(const struct visitor *v)
{
    return v->opened;
}

void visitor_free(struct visitor *v)
{
    curl_easy_cleanup(v->curl);
    free(v);
}
