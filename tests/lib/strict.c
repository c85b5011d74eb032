/* strict.c: libmicrohttpd, the decoder of Auspex, and a table of series. */
#include "strict.h"

#include "ax_test.h"
#include "base/clock.h"
#include "base/rng.h"
#include "failing.h"
#include "net/compress.h"
#include "prom/labels.h"
#include "prom/rw_decode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BODY_MAX ((size_t)32 << 20)
#define PATIENCE_NS (INT64_C(60) * 1000000000)

struct strict {
    struct MHD_Daemon *daemon;
    char url[64];
    pthread_mutex_t lock;
    enum strict_mood mood;
    const char *refused;
    struct ax_rng rng;
    struct strict_counts counts;
    struct strict_series *series;
    uint32_t n, cap;
};

/* The samples of a request, as indices of series. */
struct batch {
    struct strict *s;
    uint32_t *series;
    struct ax_sample *samples;
    uint32_t n, cap;
    bool refused;
};

static struct strict_series *series_of(struct strict *s, const char *text)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (strcmp(s->series[i].text, text) == 0)
            return &s->series[i];
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        s->series = realloc(s->series, s->cap * sizeof *s->series);
    }
    s->series[s->n] = (struct strict_series){.text = strdup(text)};
    return &s->series[s->n++];
}

static enum ax_err on_series(void *ctx, const struct ax_rw_series *series, const struct ax_rw_fault *fault)
{
    struct batch *b = ctx;
    struct ax_arena arena;
    struct ax_labels labels;
    struct ax_buf text;
    if (fault)
        return AX_INVALID;
    ax_arena_init(&arena, 1u << 20);
    ax_buf_init(&text, 1u << 16);
    enum ax_err err = ax_labels_key_parse(series->key, &arena, &labels, NULL);
    if (err == AX_OK) {
        ax_labels_write(&labels, &text);
        ax_buf_byte(&text, 0);
        b->refused |= b->s->refused && strcmp((const char *)text.bytes, b->s->refused) == 0;
        uint32_t index = (uint32_t)(series_of(b->s, (const char *)text.bytes) - b->s->series);
        for (uint32_t i = 0; i < series->samples_n; i++) {
            if (b->n == b->cap) {
                b->cap = b->cap ? b->cap * 2 : 4096;
                b->series = realloc(b->series, b->cap * sizeof *b->series);
                b->samples = realloc(b->samples, b->cap * sizeof *b->samples);
            }
            b->series[b->n] = index;
            b->samples[b->n++] = series->samples[i];
        }
    }
    ax_buf_done(&text);
    ax_arena_done(&arena);
    return err;
}

static void append(struct strict_series *s, struct ax_sample sample)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 16;
        s->v = realloc(s->v, s->cap * sizeof *s->v);
    }
    s->v[s->n++] = sample;
}

/* Put the samples into their series, or none of them. */
static bool take(struct strict *s, const struct batch *b)
{
    uint32_t i = 0;
    bool ok = true;
    uint32_t *before = calloc(s->n + (size_t)1, sizeof *before);
    for (uint32_t k = 0; k < s->n; k++)
        before[k] = s->series[k].n;
    for (; ok && i < b->n; i++) {
        struct strict_series *series = &s->series[b->series[i]];
        const struct ax_sample *last = series->n ? &series->v[series->n - 1] : NULL;
        s->counts.doubled += series->n > before[b->series[i]];
        if (!last || b->samples[i].t_ms > last->t_ms)
            append(series, b->samples[i]);
        else
            ok = b->samples[i].t_ms == last->t_ms &&
                 ax_double_bits(b->samples[i].value) == ax_double_bits(last->value);
    }
    for (uint32_t k = 0; k < s->n; k++) {
        if (ok)
            s->counts.samples += s->series[k].n - before[k];
        else
            s->series[k].n = before[k];
    }
    free(before);
    return ok;
}

/* Has the sender gone away? Then this request may be treated after what it sent in its next life: its refusal
 * reaches nobody and takes nothing away. */
static bool is_orphan(struct MHD_Connection *connection)
{
    char byte;
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

/* Answer a request in version 1. */
static unsigned answer(struct strict *s, struct MHD_Connection *connection, const struct ax_buf *body)
{
    static const struct ax_rw_limits limits = {1000, 65536, 1u << 20, 1000000, 1000000, 1u << 30};
    struct batch b = {.s = s};
    struct ax_rw_decoder decoder = {0};
    struct ax_rw_stats stats = {0};
    struct ax_buf plain;
    unsigned status = 204;
    ax_buf_init(&plain, BODY_MAX);
    (void)pthread_mutex_lock(&s->lock);
    s->counts.requests++;
    double chance = s->mood == STRICT_DOUBTFUL ? ax_rng_double(&s->rng) : 1;
    if (s->mood == STRICT_AWAY || chance < 0.25) {
        status = 503;
    } else if (ax_snappy_decompress(ax_buf_view(body), &plain, NULL) != AX_OK ||
               ax_rw_decode(&decoder, 1, ax_buf_view(&plain), &limits, on_series, &b, &stats, NULL) !=
                   AX_OK) {
        status = 400;
        s->counts.broken++;
    } else if (b.refused) {
        status = 400;
    } else if (!take(s, &b)) {
        status = 400;
        s->counts.broken += !is_orphan(connection);
    } else if (chance < 0.5) {
        status = 500;
    }
    (void)pthread_mutex_unlock(&s->lock);
    ax_rw_decoder_done(&decoder);
    ax_buf_done(&plain);
    free(b.series);
    free(b.samples);
    return status;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *data_n,
                                  void **state)
{
    (void)url;
    (void)method;
    (void)version;
    failing_spared = true; /* a thread of the receiver's own */
    struct ax_buf *body = *state;
    if (!body) {
        body = calloc(1, sizeof *body);
        ax_buf_init(body, BODY_MAX);
        *state = body;
        return MHD_YES;
    }
    if (*data_n) {
        ax_buf_put(body, data, *data_n);
        *data_n = 0;
        return MHD_YES;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, answer(ctx, connection, body), response);
    MHD_destroy_response(response);
    return result;
}

/* Also of requests whose sender is gone. */
static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)ctx;
    (void)connection;
    (void)code;
    struct ax_buf *body = *state;
    if (body)
        ax_buf_done(body);
    free(body);
    *state = NULL;
}

struct strict *strict_start(uint16_t port)
{
    struct strict *s = calloc(1, sizeof *s);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)pthread_mutex_init(&s->lock, NULL);
    ax_rng_seed(&s->rng, 1);
    s->daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, port, NULL, NULL,
                         on_request, s, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_LISTENING_ADDRESS_REUSE,
                         1u, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    assert_non_null(s->daemon);
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u/write",
                   MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    return s;
}

void strict_stop(struct strict *s)
{
    MHD_stop_daemon(s->daemon);
    for (uint32_t i = 0; i < s->n; i++) {
        free(s->series[i].text);
        free(s->series[i].v);
    }
    free(s->series);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *strict_url(const struct strict *s)
{
    return s->url;
}

void strict_be(struct strict *s, enum strict_mood mood)
{
    (void)pthread_mutex_lock(&s->lock);
    s->mood = mood;
    (void)pthread_mutex_unlock(&s->lock);
}

void strict_refuse(struct strict *s, const char *text)
{
    (void)pthread_mutex_lock(&s->lock);
    s->refused = text;
    (void)pthread_mutex_unlock(&s->lock);
}

struct strict_counts strict_counts(struct strict *s)
{
    (void)pthread_mutex_lock(&s->lock);
    struct strict_counts counts = s->counts;
    (void)pthread_mutex_unlock(&s->lock);
    return counts;
}

void strict_await(struct strict *s, uint64_t samples)
{
    int64_t until_ns = ax_mono_ns() + PATIENCE_NS;
    while (strict_counts(s).samples < samples) {
        if (ax_mono_ns() >= until_ns)
            fail_msg("%llu of %llu samples after a minute", (unsigned long long)strict_counts(s).samples,
                     (unsigned long long)samples);
        ax_sleep_ns(1000000);
    }
}

const struct strict_series *strict_find(struct strict *s, const char *text)
{
    (void)pthread_mutex_lock(&s->lock);
    const struct strict_series *found = NULL;
    for (uint32_t i = 0; i < s->n && !found; i++)
        if (strcmp(s->series[i].text, text) == 0)
            found = &s->series[i];
    (void)pthread_mutex_unlock(&s->lock);
    return found;
}
