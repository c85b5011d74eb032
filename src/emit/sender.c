/* sender.c: fill a batch, post it until it meets its end, note how far it came, go on. */
#include "emit/sender.h"

#include "base/assert.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define ANSWER_BYTES 1024 /* of a body that are kept for the log */
#define FAULT_PAUSE_MS 1000
#define PARTS_DEEP 40u   /* halves of halves, more than there can be */
#define FRUITLESS_MAX 3u /* then a refused batch is not halved as often */
#define FRUITLESS_SHARE 16u

struct ax_sender {
    struct ax_delivery *d;
    struct ax_progress *progress; /* its own of the delivery */
    uint32_t first_lane, lanes_n;
    struct ax_http_client *client;
    struct ax_feed feed;
    struct ax_batch batch;
    int encoded_version; /* of batch.bytes; 0: they are not what is to be sent */
    struct ax_buf answer;
    struct ax_rng rng;
    struct ax_cell *sent, *sent_bytes, *retries, *seconds, *highest, *queue_full, *too_old, *out_of_order;
    bool failing;                    /* the last request was answered with "try again" */
    bool overflowing;                /* samples are dropped because the queue is full */
    int64_t oldest_ms;               /* samples before it were too old when the batch in hand was begun */
    uint32_t expired_n, overflown_n; /* dropped, and not told of yet */
    uint32_t fruitless;              /* batches in a row that were halved, and nothing of them was accepted */
    bool part_accepted;              /* of the batch in hand */
    uint32_t extra;                  /* requests made out of refused ones, of the batch in hand */

    pthread_t thread;
    bool started, joined;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* going, halted or ended */
    bool going, ended;
    atomic_bool halted;
    atomic_bool restless; /* flushing or halted: does not wait for more samples */
};

static void count_dropped(struct ax_sender *s, const char *reason, uint32_t n)
{
    if (n)
        ax_metric_add(ax_metric(AX_M_SEND_DROPPED, s->d->url, reason), n);
}

static bool is_halted(const struct ax_sender *s)
{
    return atomic_load(&s->halted);
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
    while (!is_halted(s) && pthread_cond_timedwait(&s->changed, &s->lock, &until) != ETIMEDOUT)
        continue;
    (void)pthread_mutex_unlock(&s->lock);
    return !is_halted(s);
}

/* Everything before this position has met its end. A feed begins to read before the place where it was,
 * because segments are read from their beginning. */
static void stand_at(struct ax_sender *s, uint64_t at, uint64_t count)
{
    if (at < atomic_load(&s->progress->at))
        return;
    atomic_store(&s->progress->at, at);
    atomic_store(&s->progress->count, count);
}

/* Note that everything before a position has met its end. Tries until it is written or the sender is halted:
 * the next request must not leave before. */
static void note(struct ax_sender *s, uint64_t at, uint64_t count)
{
    struct ax_diag diag = {{0}};
    while (ax_positions_put(s->d->positions, s->first_lane, s->lanes_n, at, &diag) != AX_OK) {
        ax_log_about(AX_LOG_ERROR, "position_not_written", ax_str(s->d->url),
                     "%s: nothing more is sent until it can be: %s", s->d->url, diag.text);
        if (!rest(s, FAULT_PAUSE_MS))
            break;
    }
    stand_at(s, at, count);
    (void)ax_delivery_measure(s->d);
}

/* Samples that are too old for the target from now on. */
static int64_t oldest_ms(const struct ax_sender *s)
{
    return s->d->age_limit_ms > 0 ? ax_clock_now(&s->d->clock) - s->d->age_limit_ms : INT64_MIN;
}

static bool too_far_behind(const struct ax_sender *s, uint64_t at)
{
    uint64_t end = ax_outgoing_end(s->d->outgoing);
    return end > at && end - at > s->d->max_bytes;
}

/* Count and say what was dropped unsent since the last time. */
static void tell_dropped(struct ax_sender *s)
{
    if (s->expired_n) {
        ax_metric_add(s->too_old, s->expired_n);
        ax_log_about(AX_LOG_WARN, "samples_too_old", ax_str(s->d->url),
                     "%s: dropped %u samples older than sample_age_limit: was it away for so long, or is the "
                     "clock here ahead?",
                     s->d->url, s->expired_n);
    }
    if (s->overflown_n) {
        ax_metric_add(s->queue_full, s->overflown_n);
        if (!s->overflowing)
            ax_log_about(AX_LOG_WARN, "queue_full", ax_str(s->d->url),
                         "%s is more than %llu bytes behind: its oldest samples are dropped. Raise "
                         "--storage.queue.max-size, or see why it takes no more",
                         s->d->url, (unsigned long long)s->d->max_bytes);
        s->overflowing = true;
    }
    s->expired_n = s->overflown_n = 0;
}

/* Take one sample from the feed, into the batch or not. False when it has to wait for the next batch. */
static bool take(struct ax_sender *s, const struct ax_feed_sample *sample)
{
    if (ax_batch_has(&s->batch, sample->series))
        return false;
    if (too_far_behind(s, sample->at)) {
        s->overflown_n++;
    } else if (sample->t_ms < s->oldest_ms) {
        s->expired_n++;
    } else if (sample->t_ms <= sample->series->last_ms && sample->series->last_ms != INT64_MIN) {
        ax_metric_add(s->out_of_order, 1); /* two series that relabelling made one */
    } else {
        sample->series->last_ms = sample->t_ms;
        ax_batch_add(&s->batch, sample);
    }
    ax_feed_take(&s->feed);
    return true;
}

/* Nothing is in hand and nothing waits: note that, and wait for more. False when the sender is to end. */
static bool idle(struct ax_sender *s)
{
    stand_at(s, s->feed.at, s->feed.count);
    (void)ax_delivery_measure(s->d);
    tell_dropped(s);
    s->overflowing = false;
    if (atomic_load(&s->restless))
        return false;
    ax_outgoing_wait(s->d->outgoing, s->feed.at, &s->restless, INT64_MAX);
    return true;
}

/* Fill the batch: until it is full, its next sample is of a series that it has, the segment ends, or the
 * deadline comes. False when there is nothing more to do. */
static bool fill(struct ax_sender *s)
{
    int64_t until_ns = INT64_MAX;
    const struct ax_feed_sample *sample;
    ax_batch_reset(&s->batch);
    while (!is_halted(s) && s->batch.n < s->batch.cap) {
        struct ax_diag diag = {{0}};
        enum ax_feed_state state = ax_feed_peek(&s->feed, &sample, &diag);
        if (state == AX_FEED_SAMPLE) {
            if (s->batch.n == 0) {
                stand_at(s, sample->at, sample->count);
                s->oldest_ms = oldest_ms(s); /* for all of the batch: a clock costs; thin_out() asks again */
            }
            if (!take(s, sample))
                return true;
            if (s->batch.n == 1 && until_ns == INT64_MAX)
                until_ns = ax_mono_ns() + s->d->deadline_ms * 1000000;
        } else if (state == AX_FEED_FAILED) {
            ax_log(AX_LOG_ERROR, "outgoing_unreadable", "%s: %s", s->d->url, diag.text);
            if (s->batch.n) /* what is in hand need not wait for what cannot be read */
                return true;
            (void)rest(s, FAULT_PAUSE_MS);
        } else if (s->batch.n) {
            if (state == AX_FEED_SEGMENT || atomic_load(&s->restless) || ax_mono_ns() >= until_ns)
                return true;
            ax_outgoing_wait(s->d->outgoing, s->feed.at, &s->restless, until_ns);
        } else if (state == AX_FEED_SEGMENT) {
            note(s, s->feed.at, s->feed.count);
        } else if (!idle(s)) {
            return false;
        }
    }
    return !is_halted(s);
}

/* Take out of a part what need not be sent any more. Returns how many samples are left. */
static uint32_t thin_out(struct ax_sender *s, uint32_t from, uint32_t to)
{
    uint32_t left = ax_batch_left(&s->batch, from, to);
    if (left && too_far_behind(s, s->batch.items[from].at))
        s->overflown_n = ax_batch_expire(&s->batch, from, to, INT64_MAX);
    else
        s->expired_n = ax_batch_expire(&s->batch, from, to, oldest_ms(s));
    uint32_t n = s->overflown_n + s->expired_n;
    if (n)
        s->encoded_version = 0;
    tell_dropped(s);
    return left - n;
}

static void accepted(struct ax_sender *s)
{
    double newest = (double)s->batch.newest_ms / 1000;
    if (s->encoded_version == 2)
        atomic_store(&s->d->confirmed, true);
    ax_metric_add(s->sent, s->batch.encoded_n);
    ax_metric_add(s->sent_bytes, (double)s->batch.bytes.n);
    if (newest > ax_metric_get(s->highest))
        ax_metric_set(s->highest, newest);
    if (s->failing)
        ax_log(AX_LOG_INFO, "send_recovered", "%s accepts samples again", s->d->url);
    s->failing = false;
    s->part_accepted = true;
    ax_delivery_tell(s->d, 0, NULL);
}

/* May a part that was refused be sent in halves? Only when its content may be the reason. A target that goes
 * on refusing everything is not asked as often. */
static bool may_split(struct ax_sender *s, int status)
{
    bool content = status == 400 || status == 409 || status == 413 || status == 422;
    uint32_t most = s->fruitless < FRUITLESS_MAX ? AX_SPLIT_REQUESTS : AX_SPLIT_REQUESTS / FRUITLESS_SHARE;
    if (!content || s->batch.encoded_n < 2 || s->extra + 2 > most)
        return false;
    s->extra += 2;
    return true;
}

/* What became of a part. */
enum part { PART_DONE, PART_HALVE, PART_HALTED };

/* Bytes of a part in the endpoint's version, unless they are there. PART_DONE when there is something to
 * send. */
static enum part encode(struct ax_sender *s, uint32_t from, uint32_t to, struct ax_diag *diag,
                        enum ax_err *err)
{
    int version = atomic_load(&s->d->version);
    *err = AX_OK;
    if (s->encoded_version == version)
        return PART_DONE;
    *err = ax_batch_encode(&s->batch, from, to, version);
    AX_ASSERT(*err != AX_INVALID); /* keys are made by ax_labels_key_write() */
    s->encoded_version = *err == AX_OK ? version : 0;
    if (*err == AX_NOMEM)
        (void)ax_fail(diag, *err, "out of memory making a request");
    return *err == AX_LIMIT ? PART_HALVE : PART_DONE;
}

/* The pause after a failure that may pass. */
static bool wait_to_retry(struct ax_sender *s, uint32_t attempt, const struct ax_http_reply *reply,
                          const struct ax_diag *diag)
{
    char trouble[AX_TROUBLE_BYTES];
    if (is_halted(s))
        return false;
    s->failing = true;
    ax_metric_add(s->retries, 1);
    ax_delivery_tell(s->d, reply->status, diag->text);
    ax_delivery_trouble(s->d, trouble);
    ax_log_about(AX_LOG_WARN, "send_retry", ax_str(s->d->url), "%s takes no samples, trying again: %s",
                 s->d->url, trouble);
    return rest(s, ax_backoff_ms(&s->d->backoff, attempt, reply->retry_after_ms, &s->rng));
}

/* Send the samples in [from, to) until they are accepted or dropped. */
static enum part send_part(struct ax_sender *s, uint32_t from, uint32_t to)
{
    s->encoded_version = 0;
    for (uint32_t attempt = 0; thin_out(s, from, to) > 0;) {
        struct ax_http_reply reply = {.retry_after_ms = -1};
        struct ax_diag diag = {{0}};
        enum ax_verdict verdict = AX_SEND_RETRY;
        enum ax_err err;
        if (encode(s, from, to, &diag, &err) == PART_HALVE) {
            if (s->batch.encoded_n > 1)
                return PART_HALVE;
            count_dropped(s, "too_large", 1);
            return PART_DONE;
        }
        if (err == AX_OK) {
            verdict = ax_delivery_post(s->d, s->client, &s->batch, s->encoded_version, attempt, &s->answer,
                                       &reply, &diag);
            ax_metric_observe(s->seconds, (double)reply.duration_ns * 1e-9);
        }
        if (verdict == AX_SEND_ACCEPTED) {
            accepted(s);
            return PART_DONE;
        }
        if (verdict == AX_SEND_DROP) {
            if (may_split(s, reply.status))
                return PART_HALVE;
            ax_delivery_refused(s->d, &s->batch, from, reply.status, diag.text);
            s->failing = false;
            return PART_DONE;
        }
        if (verdict == AX_SEND_FALL_BACK) {
            ax_delivery_fall_back(s->d, diag.text);
            attempt = 0;
        } else if (!wait_to_retry(s, ++attempt, &reply, &diag)) {
            return PART_HALTED;
        }
    }
    return PART_DONE;
}

/* Send the batch, whole or in parts, and note after each part how far it is. */
static void deliver(struct ax_sender *s)
{
    uint32_t ends[PARTS_DEEP] = {s->batch.n}, ends_n = 1, from = 0;
    s->extra = 0;
    s->part_accepted = false;
    tell_dropped(s);
    (void)ax_delivery_measure(s->d);
    while (ends_n && !is_halted(s)) {
        uint32_t to = ends[ends_n - 1];
        enum part part = send_part(s, from, to);
        if (part == PART_HALTED)
            return;
        if (part == PART_HALVE) {
            AX_ASSERT(ends_n < PARTS_DEEP && to - from > 1);
            ends[ends_n++] = from + (to - from) / 2;
            continue;
        }
        from = to;
        ends_n--;
        if (from < s->batch.n)
            note(s, s->batch.items[from].at, s->batch.items[from].count);
        else
            note(s, s->feed.at, s->feed.count);
    }
    if (s->part_accepted)
        s->fruitless = 0;
    else if (s->extra && s->fruitless < FRUITLESS_MAX)
        s->fruitless++;
}

/* Wait until it may begin, and find its place in the log. False when halted before. */
static bool begin(struct ax_sender *s)
{
    (void)pthread_mutex_lock(&s->lock);
    while (!s->going && !is_halted(s))
        (void)pthread_cond_wait(&s->changed, &s->lock);
    bool going = s->going;
    (void)pthread_mutex_unlock(&s->lock);
    if (!going)
        return false;
    uint64_t from[AX_LANES];
    ax_positions_get(s->d->positions, s->first_lane, s->lanes_n, from);
    bool counts = s->first_lane == 0; /* what concerns no lane, or all */
    const struct ax_feed_options options = {
        .log = ax_outgoing_log(s->d->outgoing),
        .rules = s->d->rules,
        .rules_n = s->d->rules_n,
        .first_lane = s->first_lane,
        .lanes_n = s->lanes_n,
        .from = from,
        .seed = s->d->seed,
        .url = s->d->url,
        .relabelled = counts ? ax_metric(AX_M_SEND_DROPPED, s->d->url, "relabelled") : NULL,
        .damaged = counts ? ax_metric(AX_M_SEND_DROPPED, s->d->url, "damaged") : NULL,
    };
    while (!is_halted(s)) {
        if (ax_feed_init(&s->feed, &options) == AX_OK)
            return true;
        ax_feed_done(&s->feed);
        (void)rest(s, FAULT_PAUSE_MS);
    }
    return false;
}

static void *run(void *sender)
{
    struct ax_sender *s = sender;
    bool on = begin(s);
    while (on && fill(s))
        deliver(s);
    (void)pthread_mutex_lock(&s->lock);
    s->ended = true;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void find_cells(struct ax_sender *s)
{
    const char *url = s->d->url;
    s->sent = ax_metric(AX_M_SENT_SAMPLES, url, NULL);
    s->sent_bytes = ax_metric(AX_M_SENT_BYTES, url, NULL);
    s->retries = ax_metric(AX_M_SEND_RETRIES, url, NULL);
    s->seconds = ax_metric(AX_M_SEND_SECONDS, url, NULL);
    s->highest = ax_metric(AX_M_SEND_HIGHEST, url, NULL);
    s->queue_full = ax_metric(AX_M_SEND_DROPPED, url, "queue_full");
    s->too_old = ax_metric(AX_M_SEND_DROPPED, url, "too_old");
    s->out_of_order = ax_metric(AX_M_SEND_DROPPED, url, "out_of_order");
}

enum ax_err ax_sender_new(struct ax_delivery *delivery, const struct ax_http_client_options *http,
                          uint32_t index, uint32_t first_lane, uint32_t lanes_n, struct ax_sender **out,
                          struct ax_diag *diag)
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
    s->d = delivery;
    s->progress = &delivery->progress[index];
    s->first_lane = first_lane;
    s->lanes_n = lanes_n;
    ax_rng_seed(&s->rng, delivery->seed + index);
    ax_buf_init(&s->answer, ANSWER_BYTES);
    find_cells(s);
    enum ax_err err = ax_batch_init(&s->batch, delivery->samples_max);
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
                       s->d->url);
    s->started = true;
    return AX_OK;
}

void ax_sender_go(struct ax_sender *s)
{
    uint64_t from[AX_LANES], least = UINT64_MAX;
    ax_positions_get(s->d->positions, s->first_lane, s->lanes_n, from);
    for (uint32_t i = 0; i < s->lanes_n; i++)
        least = from[i] < least ? from[i] : least;
    atomic_store(&s->progress->at, least);
    (void)pthread_mutex_lock(&s->lock);
    s->going = true;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
}

void ax_sender_flush(struct ax_sender *s)
{
    atomic_store(&s->restless, true);
    ax_outgoing_wake(s->d->outgoing);
}

void ax_sender_halt(struct ax_sender *s)
{
    (void)pthread_mutex_lock(&s->lock);
    atomic_store(&s->halted, true);
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    ax_sender_flush(s);
}

void ax_sender_abort(struct ax_sender *s)
{
    ax_sender_halt(s);
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

enum ax_err ax_sender_resume(struct ax_sender *s, struct ax_diag *diag)
{
    AX_ASSERT(s->joined || !s->started);
    ax_feed_done(&s->feed);
    ax_batch_reset(&s->batch);
    ax_http_client_resume(s->client);
    s->ended = s->joined = s->started = s->going = false;
    atomic_store(&s->halted, false);
    atomic_store(&s->restless, false);
    const enum ax_err err = ax_sender_start(s, diag);
    if (err == AX_OK)
        ax_sender_go(s);
    return err;
}

void ax_sender_free(struct ax_sender *s)
{
    if (!s)
        return;
    if (s->started && !s->joined) {
        ax_sender_abort(s);
        (void)pthread_join(s->thread, NULL);
    }
    ax_http_client_free(s->client);
    ax_feed_done(&s->feed);
    ax_batch_done(&s->batch);
    ax_buf_done(&s->answer);
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
