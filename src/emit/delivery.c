/* delivery.c: headers, one POST, and what its answer means. */
#include "emit/delivery.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/parse.h"

#include <stdio.h>
#include <string.h>

#define SERIES_TEXT 512
#define LABELS_BYTES_MAX ((size_t)4 << 20)
#define SAMPLES_WRITTEN "X-Prometheus-Remote-Write-Samples-Written"

void ax_delivery_init(struct ax_delivery *d)
{
    for (uint32_t i = 0; i < AX_LANES; i++) {
        atomic_init(&d->progress[i].at, UINT64_MAX);
        atomic_init(&d->progress[i].count, UINT64_MAX);
    }
    (void)pthread_mutex_init(&d->measuring, NULL);
    (void)pthread_mutex_init(&d->telling, NULL);
}

void ax_delivery_done(struct ax_delivery *d)
{
    (void)pthread_mutex_destroy(&d->telling);
    (void)pthread_mutex_destroy(&d->measuring);
}

uint64_t ax_delivery_at(const struct ax_delivery *d)
{
    uint64_t at = UINT64_MAX;
    for (uint32_t i = 0; i < d->senders_n; i++) {
        uint64_t its = atomic_load(&d->progress[i].at);
        at = its < at ? its : at;
    }
    return at;
}

uint64_t ax_delivery_measure(struct ax_delivery *d)
{
    (void)pthread_mutex_lock(&d->measuring);
    const uint64_t total = ax_outgoing_total(d->outgoing), end = ax_outgoing_end(d->outgoing);
    uint64_t count = total;
    for (uint32_t i = 0; i < d->senders_n; i++) {
        uint64_t its = atomic_load(&d->progress[i].count);
        if (its == UINT64_MAX && atomic_load(&d->progress[i].at) < end)
            its = total - 1; /* one at least */
        count = its < count ? its : count;
    }
    /* Read after the counts, which are stored after it: it is not behind them. */
    const uint64_t at = ax_delivery_at(d);
    ax_metric_set(ax_metric(AX_M_QUEUE_BYTES, d->url, NULL), end > at ? (double)(end - at) : 0);
    ax_metric_set(ax_metric(AX_M_QUEUE_SAMPLES, d->url, NULL), (double)(total - count));
    (void)pthread_mutex_unlock(&d->measuring);
    return total - count;
}

static int64_t samples_written(struct ax_http_client *client)
{
    const char *text = ax_http_reply_header(client, SAMPLES_WRITTEN);
    if (!text)
        return -1;
    int64_t n;
    return ax_parse_i64(ax_str(text), &n) == AX_OK ? n : -1;
}

enum ax_verdict ax_delivery_post(struct ax_delivery *d, struct ax_http_client *client,
                                 const struct ax_batch *batch, int version, uint32_t attempt,
                                 struct ax_buf *answer, struct ax_http_reply *reply, struct ax_diag *diag)
{
    struct ax_rw_headers h = ax_rw_headers(version);
    char number[16];
    (void)snprintf(number, sizeof number, "%u", attempt);
    struct ax_http_field fields[4] = {
        {ax_str("Content-Type"), ax_str(h.content_type)},
        {ax_str("Content-Encoding"), ax_str(h.content_encoding)},
        {ax_str("X-Prometheus-Remote-Write-Version"), ax_str(h.version)},
        {ax_str("Retry-Attempt"), ax_str(number)},
    };
    *reply = (struct ax_http_reply){.body = answer, .headers_suffice = true};
    enum ax_err err = ax_http_post(client, ax_buf_view(&batch->bytes), fields, attempt ? 4 : 3, reply, diag);
    if (err == AX_OK) {
        struct ax_str body = ax_buf_view(answer);
        while (body.n && (body.p[body.n - 1] == '\n' || body.p[body.n - 1] == '\r'))
            body.n--;
        (void)ax_fail(diag, AX_OK, "status %d: " AX_STR_FMT, reply->status, AX_STR_ARG(body));
    }
    const struct ax_answer said = {
        .status = reply->status,
        .version = version,
        .version2_confirmed = atomic_load(&d->confirmed),
        .samples_written = err == AX_OK ? samples_written(client) : -1,
        .samples_sent = batch->encoded_n,
        .retry_on_429 = d->retry_on_429,
    };
    return ax_send_judge(&said);
}

void ax_delivery_fall_back(struct ax_delivery *d, const char *why)
{
    int two = 2;
    if (atomic_compare_exchange_strong(&d->version, &two, 1))
        ax_log_about(AX_LOG_WARN, "send_falls_back", ax_str(d->url),
                     "%s does not take remote-write 2.0 (%s); sending 1.0 from now on. Set protobuf_message: "
                     "prometheus.WriteRequest to spare the attempt",
                     d->url, why);
}

/* Text of a series, for a person; cut when it is long. */
static void name_series(const struct ax_feed_series *series, char out[SERIES_TEXT])
{
    struct ax_arena arena;
    struct ax_buf text;
    struct ax_labels labels;
    ax_arena_init(&arena, LABELS_BYTES_MAX);
    ax_buf_init(&text, LABELS_BYTES_MAX);
    if (ax_labels_key_parse((struct ax_str){series->key, series->key_n}, &arena, &labels, NULL) == AX_OK)
        ax_labels_write(&labels, &text);
    (void)snprintf(out, SERIES_TEXT, AX_STR_FMT, (int)text.n, (const char *)text.bytes);
    ax_buf_done(&text);
    ax_arena_done(&arena);
}

/* What whoever reads an answer should look at. */
static const char *advice(int status, const char *why)
{
    if (status == 401 || status == 403)
        return "; does this remote_write have the credentials that it asks for?";
    if (status == 404 || status == 405)
        return "; does it take remote-write (Prometheus: --web.enable-remote-write-receiver), and is the "
               "path "
               "right (/api/v1/write)?";
    if (strstr(why, "out of order") || strstr(why, "duplicate sample"))
        return "; does another auspex, or a rule, write the same series? external_labels keep them apart";
    if (strstr(why, "out of bounds") || strstr(why, "too old") || strstr(why, "too far in the future"))
        return "; are the clocks the same?";
    return status == 0 ? "; is it up, and are host and port right?" : "";
}

void ax_delivery_tell(struct ax_delivery *d, int status, const char *why)
{
    (void)pthread_mutex_lock(&d->telling);
    if (why)
        (void)snprintf(d->trouble, sizeof d->trouble, "%s%s", why, advice(status, why));
    else
        d->trouble[0] = '\0';
    (void)pthread_mutex_unlock(&d->telling);
}

void ax_delivery_trouble(struct ax_delivery *d, char out[AX_TROUBLE_BYTES])
{
    (void)pthread_mutex_lock(&d->telling);
    (void)snprintf(out, AX_TROUBLE_BYTES, "%s", d->trouble);
    (void)pthread_mutex_unlock(&d->telling);
}

void ax_delivery_refused(struct ax_delivery *d, const struct ax_batch *batch, uint32_t from, int status,
                         const char *why)
{
    char reason[16], series[SERIES_TEXT];
    while (!batch->items[from].series)
        from++;
    (void)snprintf(reason, sizeof reason, "%d", status);
    ax_metric_add(ax_metric(AX_M_SEND_FAILED, d->url, reason), batch->encoded_n);
    ax_delivery_tell(d, status, why);
    atomic_fetch_add(&d->refused, batch->encoded_n);
    name_series(batch->items[from].series, series);
    ax_log_about(AX_LOG_WARN, "send_refused", ax_str(d->url), "%s refused %u samples for good, of %s%s: %s%s",
                 d->url, batch->encoded_n, series, batch->encoded_n > 1 ? " and others" : "", why,
                 advice(status, why));
}
