/* sender.c: fill a batch, post it until it meets its end, go on. */
#include "emit/sender.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/parse.h"
#include "emit/batch.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ANSWER_BYTES 1024 /* of a body that are kept for the log */
#define SAMPLES_WRITTEN "X-Prometheus-Remote-Write-Samples-Written"

struct ax_sender {
    struct ax_target *target;
    struct ax_queue *queue;
    struct ax_http_client *client;
    struct ax_batch batch;
    int batch_version; /* in which batch.bytes is encoded */
    struct ax_buf answer;
    struct ax_rng rng;
    struct ax_cell *sent, *sent_bytes, *retries, *seconds, *highest, *queue_full;
    bool failing; /* the last request was answered with "try again" */

    pthread_t thread;
    bool started, joined;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* halted or ended */
    bool flushing, halted, ended;
};

static void count_dropped(struct ax_sender *s, const char *reason, uint32_t n)
{
    if (n)
        ax_metric_add(ax_metric(AX_M_SEND_DROPPED, s->target->url, reason), n);
}

/* So many samples wait no longer. */
static void left(struct ax_sender *s, uint32_t n)
{
    if (n)
        ax_metric_add(s->target->waiting, -(double)n);
}

static void lost_to_full_queue(struct ax_sender *s, uint32_t n)
{
    if (n)
        ax_metric_add(s->queue_full, n);
    left(s, n);
}

static bool is_set(struct ax_sender *s, const bool *flag)
{
    (void)pthread_mutex_lock(&s->lock);
    bool set = *flag;
    (void)pthread_mutex_unlock(&s->lock);
    return set;
}

static void finish(struct ax_sender *s)
{
    left(s, s->batch.n);
    ax_batch_finish(&s->batch, s->queue);
}

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

/* Wait before the next try; false when halted. */
static bool rest(struct ax_sender *s, int64_t ms)
{
    struct timespec until = timespec_of(ax_mono_ns() + ms * 1000000);
    (void)pthread_mutex_lock(&s->lock);
    while (!s->halted && pthread_cond_timedwait(&s->changed, &s->lock, &until) != ETIMEDOUT)
        continue;
    bool halted = s->halted;
    (void)pthread_mutex_unlock(&s->lock);
    return !halted;
}

static void expire(struct ax_sender *s)
{
    const struct ax_target *t = s->target;
    if (t->age_limit_ms <= 0)
        return;
    uint32_t n = ax_batch_expire(&s->batch, s->queue, ax_clock_now(&t->clock) - t->age_limit_ms);
    if (n) {
        count_dropped(s, "too_old", n);
        left(s, n);
        s->batch_version = 0;
        ax_log(AX_LOG_WARN, "samples_too_old", "%s: dropped %u samples older than sample_age_limit", t->url,
               n);
    }
}

/* Wait for a full batch or the deadline and take it. False when there is nothing more to do. */
static bool fill(struct ax_sender *s)
{
    const struct ax_target *t = s->target;
    if (ax_queue_wait(s->queue, 1, INT64_MAX) > 0)
        (void)ax_queue_wait(s->queue, t->samples_max, ax_mono_ns() + t->deadline_ms * 1000000);
    if (is_set(s, &s->halted))
        return false;
    bool flushing = is_set(s, &s->flushing); /* asked before taking: then an empty queue stays empty */
    s->batch_version = 0;
    return ax_batch_take(&s->batch, s->queue) > 0 || !flushing;
}

/* Bytes for the batch in the endpoint's version; AX_OK with an empty batch when nothing of it is left. */
static enum ax_err encode(struct ax_sender *s)
{
    enum ax_err err = AX_LIMIT;
    int version = atomic_load(&s->target->version);
    while (s->batch.n && (err = ax_batch_encode(&s->batch, version)) == AX_LIMIT) {
        if (s->batch.n > 1) {
            lost_to_full_queue(s, ax_batch_halve(&s->batch, s->queue));
        } else {
            count_dropped(s, "too_large", 1);
            finish(s);
        }
    }
    AX_ASSERT(err != AX_INVALID); /* keys are made by ax_labels_key_write() */
    s->batch_version = version;
    return s->batch.n ? err : AX_OK;
}

static int64_t samples_written(struct ax_http_client *client)
{
    const char *text = ax_http_reply_header(client, SAMPLES_WRITTEN);
    if (!text)
        return -1;
    int64_t n;
    return ax_parse_i64(ax_str(text), &n) == AX_OK ? n : -1;
}

/* Send the bytes once. */
static enum ax_verdict post(struct ax_sender *s, uint32_t attempt, struct ax_http_reply *reply,
                            struct ax_diag *diag)
{
    struct ax_rw_headers h = ax_rw_headers(s->batch_version);
    char number[16];
    (void)snprintf(number, sizeof number, "%u", attempt);
    struct ax_http_field fields[4] = {
        {ax_str("Content-Type"), ax_str(h.content_type)},
        {ax_str("Content-Encoding"), ax_str(h.content_encoding)},
        {ax_str("X-Prometheus-Remote-Write-Version"), ax_str(h.version)},
        {ax_str("Retry-Attempt"), ax_str(number)},
    };
    *reply = (struct ax_http_reply){.body = &s->answer};
    enum ax_err err =
        ax_http_post(s->client, ax_buf_view(&s->batch.bytes), fields, attempt ? 4 : 3, reply, diag);
    if (err == AX_OK) {
        struct ax_str body = ax_buf_view(&s->answer);
        while (body.n && (body.p[body.n - 1] == '\n' || body.p[body.n - 1] == '\r'))
            body.n--;
        (void)ax_fail(diag, AX_OK, "status %d: " AX_STR_FMT, reply->status, AX_STR_ARG(body));
    }
    ax_metric_observe(s->seconds, (double)reply->duration_ns * 1e-9);
    struct ax_answer answer = {
        .status = reply->status,
        .version = s->batch_version,
        .version2_confirmed = atomic_load(&s->target->confirmed),
        .samples_written = err == AX_OK ? samples_written(s->client) : -1,
        .samples_sent = s->batch.n,
        .retry_on_429 = s->target->retry_on_429,
    };
    return ax_send_judge(&answer);
}

static void accepted(struct ax_sender *s)
{
    double newest = (double)s->batch.newest_ms / 1000;
    if (s->batch_version == 2)
        atomic_store(&s->target->confirmed, true);
    ax_metric_add(s->sent, s->batch.n);
    ax_metric_add(s->sent_bytes, (double)s->batch.bytes.n);
    if (newest > ax_metric_get(s->highest))
        ax_metric_set(s->highest, newest);
    if (s->failing)
        ax_log(AX_LOG_INFO, "send_recovered", "%s accepts samples again", s->target->url);
    s->failing = false;
    finish(s);
}

static void refused(struct ax_sender *s, int status, const struct ax_diag *diag)
{
    char reason[16];
    (void)snprintf(reason, sizeof reason, "%d", status);
    ax_metric_add(ax_metric(AX_M_SEND_FAILED, s->target->url, reason), s->batch.n);
    ax_log(AX_LOG_WARN, "send_refused", "%s refused %u samples for good: %s", s->target->url, s->batch.n,
           diag->text);
    s->failing = false;
    finish(s);
}

static void fall_back(struct ax_sender *s, const struct ax_diag *diag)
{
    int two = 2;
    if (atomic_compare_exchange_strong(&s->target->version, &two, 1))
        ax_log(AX_LOG_WARN, "send_falls_back",
               "%s does not take remote-write 2.0 (%s); sending 1.0 from now on. Set protobuf_message: "
               "prometheus.WriteRequest to spare the attempt",
               s->target->url, diag->text);
    s->batch_version = 0;
}

/* Try the batch until it is accepted or dropped. When halted it goes back into the queue. */
static void deliver(struct ax_sender *s)
{
    uint32_t attempt = 0;
    expire(s);
    while (s->batch.n) {
        int64_t retry_after_ms = -1;
        enum ax_verdict verdict = AX_SEND_RETRY;
        struct ax_http_reply reply = {0};
        struct ax_diag diag = {{0}};
        if (s->batch_version != atomic_load(&s->target->version) && encode(s) != AX_OK) {
            (void)ax_fail(&diag, AX_NOMEM, "out of memory making a request");
        } else if (s->batch.n) {
            verdict = post(s, attempt, &reply, &diag);
            retry_after_ms = reply.retry_after_ms;
        }
        if (s->batch.n == 0)
            return;
        if (verdict == AX_SEND_ACCEPTED) {
            accepted(s);
        } else if (verdict == AX_SEND_DROP) {
            refused(s, reply.status, &diag);
        } else if (verdict == AX_SEND_FALL_BACK) {
            fall_back(s, &diag);
            attempt = 0;
        } else {
            if (is_set(s, &s->halted))
                break;
            s->failing = true;
            attempt++;
            ax_metric_add(s->retries, 1);
            ax_log(AX_LOG_WARN, "send_retry", "%s: %s; trying again", s->target->url, diag.text);
            if (!rest(s, ax_backoff_ms(&s->target->backoff, attempt, retry_after_ms, &s->rng)))
                break;
            expire(s);
        }
    }
    lost_to_full_queue(s, ax_batch_give_back(&s->batch, s->queue));
}

static void *run(void *sender)
{
    struct ax_sender *s = sender;
    while (fill(s))
        deliver(s);
    (void)pthread_mutex_lock(&s->lock);
    s->ended = true;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void find_cells(struct ax_sender *s)
{
    const char *url = s->target->url;
    s->sent = ax_metric(AX_M_SENT_SAMPLES, url, NULL);
    s->sent_bytes = ax_metric(AX_M_SENT_BYTES, url, NULL);
    s->retries = ax_metric(AX_M_SEND_RETRIES, url, NULL);
    s->seconds = ax_metric(AX_M_SEND_SECONDS, url, NULL);
    s->queue_full = ax_metric(AX_M_SEND_DROPPED, url, "queue_full");
    s->highest = ax_metric(AX_M_SEND_HIGHEST, url, NULL);
}

enum ax_err ax_sender_new(struct ax_target *target, const struct ax_http_client_options *http,
                          uint32_t capacity, uint64_t seed, struct ax_sender **out, struct ax_diag *diag)
{
    *out = NULL;
    struct ax_sender *s = calloc(1, sizeof *s);
    if (!s)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&s->lock, NULL);
    s->target = target;
    ax_rng_seed(&s->rng, seed);
    ax_buf_init(&s->answer, ANSWER_BYTES);
    find_cells(s);
    s->queue = ax_queue_new(capacity);
    enum ax_err err = s->queue ? ax_batch_init(&s->batch, target->samples_max) : AX_NOMEM;
    if (err != AX_OK)
        (void)ax_fail(diag, err, "out of memory");
    else
        err = ax_http_client_new(http, &s->client, diag);
    if (err != AX_OK) {
        ax_sender_free(s);
        return err;
    }
    *out = s;
    return AX_OK;
}

enum ax_err ax_sender_start(struct ax_sender *s, struct ax_diag *diag)
{
    if (pthread_create(&s->thread, NULL, run, s) != 0)
        return ax_fail(diag, AX_NOMEM, "no thread for sending to %s; check the limit on processes",
                       s->target->url);
    s->started = true;
    return AX_OK;
}

void ax_sender_push(struct ax_sender *s, struct ax_out_key *key, int64_t t_ms, double value)
{
    ax_metric_add(s->target->waiting, 1);
    lost_to_full_queue(s, ax_queue_push(s->queue, key, t_ms, value));
}

void ax_sender_flush(struct ax_sender *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->flushing = true;
    (void)pthread_mutex_unlock(&s->lock);
    ax_queue_interrupt(s->queue);
}

void ax_sender_halt(struct ax_sender *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->halted = true;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    ax_queue_interrupt(s->queue);
    ax_http_client_abort(s->client);
}

bool ax_sender_wait(struct ax_sender *s, int64_t until_ns)
{
    if (!s->started)
        return true;
    struct timespec until = timespec_of(until_ns);
    (void)pthread_mutex_lock(&s->lock);
    while (!s->ended && pthread_cond_timedwait(&s->changed, &s->lock, &until) != ETIMEDOUT)
        continue;
    bool ended = s->ended;
    (void)pthread_mutex_unlock(&s->lock);
    if (ended && !s->joined) {
        (void)pthread_join(s->thread, NULL);
        s->joined = true;
    }
    return ended;
}

uint64_t ax_sender_pending(const struct ax_sender *s)
{
    return ax_queue_pending(s->queue);
}

uint32_t ax_sender_take(struct ax_sender *s, struct ax_item *items, uint32_t n)
{
    return ax_queue_take(s->queue, items, n);
}

void ax_sender_forget(struct ax_sender *s, struct ax_item *items, uint32_t n)
{
    left(s, n);
    ax_queue_done(s->queue, items, n);
}

void ax_sender_free(struct ax_sender *s)
{
    if (!s)
        return;
    if (s->started && !s->joined) {
        ax_sender_halt(s);
        (void)pthread_join(s->thread, NULL);
    }
    if (s->queue)
        left(s, (uint32_t)ax_queue_pending(s->queue));
    ax_http_client_free(s->client);
    if (s->batch.items)
        ax_batch_done(&s->batch);
    ax_queue_free(s->queue);
    ax_buf_done(&s->answer);
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
