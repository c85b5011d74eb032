/* receiver.c: libmicrohttpd with a thread for each connection, so that an answer may hang. */
#include "receiver.h"

#include "ax_test.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REQUESTS_MAX 512u
#define BODY_MAX ((size_t)8 << 20)
#define PATIENCE_S 60

struct receiver {
    struct MHD_Daemon *daemon;
    char *certificate, *key;
    const struct answer *script;
    uint32_t script_n;
    char url[64];
    uint16_t port;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct got *got[REQUESTS_MAX];
    uint32_t got_n;
    bool stopping, released;
};

static void take_header(struct MHD_Connection *connection, const char *name, char *out, size_t cap)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    (void)snprintf(out, cap, "%s", value ? value : "");
}

static struct got *new_got(struct MHD_Connection *connection, const char *url)
{
    struct got *g = calloc(1, sizeof *g);
    ax_buf_init(&g->body, BODY_MAX);
    (void)snprintf(g->path, sizeof g->path, "%s", url);
    take_header(connection, "Content-Type", g->content_type, sizeof g->content_type);
    take_header(connection, "Content-Encoding", g->content_encoding, sizeof g->content_encoding);
    take_header(connection, "X-Prometheus-Remote-Write-Version", g->version, sizeof g->version);
    take_header(connection, "Retry-Attempt", g->retry_attempt, sizeof g->retry_attempt);
    take_header(connection, "Authorization", g->authorization, sizeof g->authorization);
    take_header(connection, "User-Agent", g->user_agent, sizeof g->user_agent);
    take_header(connection, "Expect", g->expect, sizeof g->expect);
    take_header(connection, "X-Custom", g->custom, sizeof g->custom);
    return g;
}

/* Nothing comes behind what was given, though more was announced: libmicrohttpd closes the connection. */
static ssize_t read_cut(void *text, uint64_t at, char *out, size_t cap)
{
    size_t n = strlen(text) - at < cap ? strlen(text) - at : cap;
    for (size_t i = 0; i < n; i++) /* without the end of the text */
        out[i] = ((const char *)text)[at + i];
    return n ? (ssize_t)n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *make_response(const struct answer *a)
{
    const char *body = a->body ? a->body : "";
    union {
        const char *text;
        void *bytes;
    } content = {body}; /* libmicrohttpd does not write to it, though its prototypes do not say const */
    return a->cut ? MHD_create_response_from_callback(strlen(body) + 100, 1024, read_cut, content.bytes, NULL)
                  : MHD_create_response_from_buffer(strlen(body), content.bytes, MHD_RESPMEM_MUST_COPY);
}

/* Keep the request; returns the answer that is due. */
static struct answer keep(struct receiver *r, struct got *g)
{
    (void)pthread_mutex_lock(&r->lock);
    uint32_t i = r->got_n;
    if (i < REQUESTS_MAX)
        r->got[r->got_n++] = g;
    struct answer a = r->script[i < r->script_n ? i : r->script_n - 1];
    (void)pthread_cond_broadcast(&r->changed);
    while (a.hang && !r->stopping && !r->released)
        (void)pthread_cond_wait(&r->changed, &r->lock);
    if (a.hang && !r->released)
        a.status = 503;
    if (a.hang)
        r->released = false;
    (void)pthread_mutex_unlock(&r->lock);
    return a;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *data_n,
                                  void **state)
{
    (void)version;
    if (!*state) {
        struct got *made = new_got(connection, url);
        (void)snprintf(made->method, sizeof made->method, "%s", method);
        *state = made;
        return MHD_YES;
    }
    struct got *g = *state;
    if (*data_n) {
        ax_buf_put(&g->body, data, *data_n);
        *data_n = 0;
        return MHD_YES;
    }
    struct answer a = keep(ctx, g);
    struct MHD_Response *response = make_response(&a);
    if (a.header)
        (void)MHD_add_response_header(response, a.header, a.value);
    enum MHD_Result result = MHD_queue_response(connection, a.status, response);
    MHD_destroy_response(response);
    return result;
}

/* A small file of the tests, terminated; malloc'ed. */
static char *read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *text = calloc(1, 65536);
    assert_true(fread(text, 1, 65535, f) > 0);
    (void)fclose(f);
    return text;
}

static struct receiver *listen_at(uint16_t port, const struct answer *script, uint32_t n, bool tls)
{
    struct receiver *r = calloc(1, sizeof *r);
    r->script = script;
    r->script_n = n;
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->changed, NULL);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION;
    struct MHD_OptionItem certificate[3] = {{MHD_OPTION_END, 0, NULL}};
    if (tls) {
        flags |= MHD_USE_TLS;
        r->certificate = read_file(AX_TEST_DIR "/data/tls/receiver.pem");
        r->key = read_file(AX_TEST_DIR "/data/tls/receiver-key.pem");
        certificate[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, r->certificate};
        certificate[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, r->key};
        certificate[2] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    }
    r->daemon = MHD_start_daemon(flags, port, NULL, NULL, on_request, r, MHD_OPTION_SOCK_ADDR, &address,
                                 MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_ARRAY, certificate,
                                 MHD_OPTION_END);
    assert_non_null(r->daemon);
    r->port = MHD_get_daemon_info(r->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    (void)snprintf(r->url, sizeof r->url, "http%s://127.0.0.1:%u/write", tls ? "s" : "", r->port);
    return r;
}

struct receiver *receiver_start(uint16_t port, const struct answer *script, uint32_t n)
{
    return listen_at(port, script, n, false);
}

struct receiver *receiver_start_tls(const struct answer *script, uint32_t n)
{
    return listen_at(0, script, n, true);
}

void receiver_stop(struct receiver *r)
{
    (void)pthread_mutex_lock(&r->lock);
    r->stopping = true;
    (void)pthread_cond_broadcast(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
    MHD_stop_daemon(r->daemon);
    for (uint32_t i = 0; i < r->got_n; i++) {
        ax_buf_done(&r->got[i]->body);
        free(r->got[i]);
    }
    (void)pthread_cond_destroy(&r->changed);
    (void)pthread_mutex_destroy(&r->lock);
    free(r->certificate);
    free(r->key);
    free(r);
}

void receiver_release(struct receiver *r)
{
    (void)pthread_mutex_lock(&r->lock);
    r->released = true;
    (void)pthread_cond_broadcast(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
}

const char *receiver_url(const struct receiver *r)
{
    return r->url;
}

uint16_t receiver_port(const struct receiver *r)
{
    return r->port;
}

const struct got *receiver_wait(struct receiver *r, uint32_t n, uint32_t i)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    (void)pthread_mutex_lock(&r->lock);
    bool late = false;
    while (r->got_n < n && !late)
        late = pthread_cond_timedwait(&r->changed, &r->lock, &until) != 0;
    struct got *g = i < r->got_n ? r->got[i] : NULL;
    (void)pthread_mutex_unlock(&r->lock);
    assert_false(late);
    assert_non_null(g);
    return g;
}

uint32_t receiver_count(struct receiver *r)
{
    (void)pthread_mutex_lock(&r->lock);
    uint32_t n = r->got_n;
    (void)pthread_mutex_unlock(&r->lock);
    return n;
}
