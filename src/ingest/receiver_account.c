/* receiver_account.c: the reasons by which series and samples are counted, and the answer. */
#include "base/arena.h"
#include "ingest/receiver_priv.h"
#include "prom/labels.h"

#include <inttypes.h>
#include <stdio.h>

#define MIB ((size_t)1 << 20)
#define NAMED_MAX 3 /* refused series that the answer names */
#define NAME_BYTES_MAX 120

#define X(id, text) text,
static const char *const drop_texts[] = {AX_DROP_REASONS};
static const char *const refuse_texts[] = {AX_REFUSE_REASONS};
static const char *const end_texts[] = {AX_END_REASONS};
#undef X

void ax_receiver_find_cells(struct ax_receiver *r)
{
    r->samples[0] = ax_metric(AX_M_RECEIVED_SAMPLES, "1.0", NULL);
    r->samples[1] = ax_metric(AX_M_RECEIVED_SAMPLES, "2.0", NULL);
    r->histograms = ax_metric(AX_M_RECEIVED_HISTOGRAMS, NULL, NULL);
    r->exemplars = ax_metric(AX_M_RECEIVED_EXEMPLARS, NULL, NULL);
    r->metadata = ax_metric(AX_M_RECEIVED_METADATA, NULL, NULL);
    r->bytes = ax_metric(AX_M_RECEIVED_BYTES, NULL, NULL);
    r->last = ax_metric(AX_M_LAST_RECEIVED, NULL, NULL);
    r->ingested = ax_metric(AX_M_INGESTED_SAMPLES, NULL, NULL);
    r->created = ax_metric(AX_M_CREATED_SAMPLES, NULL, NULL);
    r->unlogged = ax_metric(AX_M_WAL_FAILURES, NULL, NULL);
    for (int i = 0; i < AX_DROP_N; i++)
        r->dropped[i] = ax_metric(AX_M_DROPPED_SAMPLES, drop_texts[i], NULL);
    for (int i = 0; i < AX_REFUSE_N; i++)
        r->refused[i] = ax_metric(AX_M_REJECTED_SERIES, refuse_texts[i], NULL);
    for (int i = 0; i < AX_END_N; i++)
        r->ends[i] = ax_metric(AX_M_HTTP_REJECTED, end_texts[i], NULL);
}

/* The series' name for the answer: exposition text when its labels can be read, else its number. */
static void name_series(uint64_t number, struct ax_str key, char out[NAME_BYTES_MAX + 4])
{
    struct ax_arena arena;
    struct ax_labels ls = {0, NULL};
    struct ax_buf text;
    ax_arena_init(&arena, MIB);
    ax_buf_init(&text, MIB);
    if (key.n <= MIB / 64 && ax_labels_key_parse(key, &arena, &ls, NULL) == AX_OK && ls.n)
        ax_labels_write(&ls, &text);
    if (text.n && text.err == AX_OK) {
        size_t n = text.n < NAME_BYTES_MAX ? text.n : NAME_BYTES_MAX;
        while (n < text.n && n > 0 && (text.bytes[n] & 0xC0) == 0x80) /* whole code points */
            n--;
        (void)snprintf(out, NAME_BYTES_MAX + 4, "%.*s%s", (int)n, (const char *)text.bytes,
                       n < text.n ? "..." : "");
    } else {
        (void)snprintf(out, NAME_BYTES_MAX + 4, "series %" PRIu64 " of the request", number);
    }
    ax_buf_done(&text);
    ax_arena_done(&arena);
}

void ax_request_end(struct ax_request *q, enum ax_end at, enum ax_err err, const struct ax_diag *diag)
{
    q->ended = err;
    q->end = *diag;
    if (err == AX_LIMIT)
        ax_metric_add(q->receiver->ends[at], 1);
}

/* Count a refusal. False when that of this series for this reason is counted already. */
static bool count_refusal(struct ax_request *q, uint64_t number, enum ax_refuse reason)
{
    if (number != q->refusing || q->refused_n == 0) {
        uint32_t most = q->receiver->opt.refused_max;
        struct ax_diag diag = {{0}};
        q->refusing = number;
        q->refused_for = 0;
        if (q->refused_n++ >= most && q->ended == AX_OK)
            ax_request_end(q, AX_END_REFUSED_SERIES,
                           ax_fail(&diag, AX_LIMIT,
                                   "more than %u series are refused, so the rest was not looked at", most),
                           &diag);
    }
    if (q->refused_for & 1u << reason)
        return false;
    q->refused_for |= 1u << reason;
    q->refused[reason]++;
    return true;
}

/* The key of a series, spelled if need be; empty when it cannot be. */
static struct ax_str key_of(struct ax_request *q, const struct ax_append *a)
{
    struct ax_str key = a->key;
    if (key.n == 0 && ax_rw_spell(&q->scratch->decoder, a->refs, a->refs_n, &key, NULL) != AX_OK)
        key.n = 0;
    return key;
}

void ax_request_refuse(struct ax_request *q, uint64_t number, const struct ax_append *a,
                       enum ax_refuse reason, const char *why)
{
    if (!count_refusal(q, number, reason) || q->refused_n > NAMED_MAX)
        return;
    char name[NAME_BYTES_MAX + 4];
    name_series(number, key_of(q, a), name);
    int n = snprintf(q->text + q->text_n, sizeof q->text - q->text_n, "; %s: %s", name, why);
    if (n > 0)
        q->text_n += (size_t)n < sizeof q->text - q->text_n ? (size_t)n : sizeof q->text - q->text_n - 1;
}

/* Another value for a time that has one is refused; but of several senders of one series the first is right,
 * and the others are not to be told that they lose. Returns how many are refused. */
static uint32_t conflicts_of(struct ax_request *q, const struct ax_append *a)
{
    uint32_t n = a->result.conflicts + a->histogram_result.conflicts;
    return n && !ax_db_merges(q->receiver->db, ax_str(""), key_of(q, a)) ? n : 0;
}

/* Samples that come too late are refused, though their series is not, and those that contradict what is
 * there; histograms also for want of memory. */
static void refuse_some(struct ax_request *q, uint64_t number, const struct ax_append *a, uint32_t conflicts)
{
    char why[160];
    uint32_t old = a->result.too_old + a->histogram_result.too_old, full = a->histogram_result.full;
    if (old) {
        (void)snprintf(why, sizeof why,
                       "%" PRIu32
                       " sample(s) further behind the newest than --storage.out-of-order-window, or "
                       "than any job looks back",
                       old);
        ax_request_refuse(q, number, a, AX_REFUSE_TOO_OLD, why);
    }
    if (conflicts) {
        (void)snprintf(why, sizeof why, "%" PRIu32 " sample(s) with another value for a time that has one",
                       conflicts);
        ax_request_refuse(q, number, a, AX_REFUSE_CONFLICT, why);
    }
    if (full) {
        (void)snprintf(why, sizeof why,
                       "%" PRIu32 " native histogram(s) above --storage.max-histogram-size or "
                       "--storage.max-histograms-size",
                       full);
        ax_request_refuse(q, number, a, AX_REFUSE_HISTOGRAM_LIMIT, why);
    }
}

/* Add up what became of samples or histograms that were wanted. */
static void account_wanted(struct ax_request *q, const struct ax_append_result *r)
{
    q->ingested += r->appended;
    q->created += r->created;
    q->dropped[AX_DROP_DUPLICATE] += r->duplicates;
    q->dropped[AX_DROP_TOO_OLD] += r->too_old;
    q->dropped[AX_DROP_HISTOGRAM_LIMIT] += r->full;
}

/* A series that is not known, when no more are taken. */
static void refuse_new(struct ax_request *q, uint64_t number, const struct ax_append *a)
{
    bool memory = ax_db_refuses_new(q->receiver->db);
    q->dropped[memory ? AX_DROP_MEMORY : AX_DROP_FULL] += a->n + a->histograms_n;
    if (memory)
        ax_request_refuse(q, number, a, AX_REFUSE_MEMORY,
                          "memory is near --storage.max-memory: no new series");
    else
        ax_request_refuse(q, number, a, AX_REFUSE_SERIES_LIMIT, "--storage.max-series are in memory already");
}

bool ax_request_account(struct ax_request *q, uint64_t number, const struct ax_append *a, const char *why)
{
    uint32_t n = a->n + a->histograms_n, conflicts = 0;
    switch (a->fate) {
    case AX_FATE_WANTED:
        conflicts = conflicts_of(q, a);
        account_wanted(q, &a->result);
        account_wanted(q, &a->histogram_result);
        q->dropped[AX_DROP_DUPLICATE] -= conflicts;
        q->dropped[AX_DROP_CONFLICT] += conflicts;
        refuse_some(q, number, a, conflicts);
        break;
    case AX_FATE_UNWANTED:
        q->dropped[AX_DROP_UNWANTED] += n;
        break;
    case AX_FATE_OWN:
        q->dropped[AX_DROP_OWN] += n;
        break;
    case AX_FATE_REPLICA:
        q->dropped[AX_DROP_REPLICA] += n;
        break;
    case AX_FATE_CLUSTERS:
        q->dropped[AX_DROP_CLUSTERS] += n;
        ax_request_refuse(q, number, a, AX_REFUSE_CLUSTERS,
                          "more clusters of replicas than global.ha_tracker.max_clusters");
        return false;
    case AX_FATE_FULL:
        refuse_new(q, number, a);
        return false;
    case AX_FATE_NOMEM:
        q->starved = true;
        return false;
    case AX_FATE_INVALID:
        ax_request_refuse(q, number, a, AX_REFUSE_LABELS, why);
        return false;
    }
    const struct ax_append_result *s = &a->result, *h = &a->histogram_result;
    q->starved |= s->nomem + h->nomem > 0;
    q->written_samples += a->n - s->too_old - s->nomem - (conflicts ? s->conflicts : 0);
    q->written_histograms +=
        a->histograms_n - h->too_old - h->full - h->nomem - (conflicts ? h->conflicts : 0);
    return true;
}

void ax_request_account_plain(struct ax_request *q, const struct ax_plain_result *r)
{
    uint32_t taken = r->ingested + r->unwanted + r->own + r->replica;
    q->series += taken;
    q->written_samples += taken;
    q->ingested += r->ingested;
    q->dropped[AX_DROP_UNWANTED] += r->unwanted;
    q->dropped[AX_DROP_OWN] += r->own;
    q->dropped[AX_DROP_REPLICA] += r->replica;
}

static void add(struct ax_cell *cell, uint64_t n)
{
    if (n)
        ax_metric_add(cell, (double)n);
}

void ax_request_tell_metrics(const struct ax_request *q, size_t bytes, int64_t now_ms)
{
    struct ax_receiver *r = q->receiver;
    add(r->samples[q->version - 1], q->stats.samples);
    add(r->histograms, q->stats.histograms);
    add(r->exemplars, q->stats.exemplars);
    add(r->metadata, q->stats.metadata);
    add(r->bytes, bytes);
    add(r->ingested, q->ingested);
    add(r->created, q->created);
    for (int i = 0; i < AX_DROP_N; i++)
        add(r->dropped[i], q->dropped[i]);
    for (int i = 0; i < AX_REFUSE_N; i++)
        add(r->refused[i], q->refused[i]);
    if (q->stats.samples)
        ax_metric_set(r->last, (double)now_ms / 1000);
}

/* What was written, for senders of 2.0; a 1.0 sender takes these headers for a fault. */
static void add_written(const struct ax_request *q, struct ax_http_response *res)
{
    ax_http_add_header(res, "X-Prometheus-Remote-Write-Samples-Written", "%" PRIu64, q->written_samples);
    ax_http_add_header(res, "X-Prometheus-Remote-Write-Histograms-Written", "%" PRIu64,
                       q->written_histograms);
    ax_http_add_header(res, "X-Prometheus-Remote-Write-Exemplars-Written", "%" PRIu64, q->written_exemplars);
}

/* Status of an error. Too much inside a body is 400: some senders retry a 413 for ever. */
static int status_of(enum ax_err err)
{
    return err == AX_LIMIT ? 400 : ax_err_http(err);
}

void ax_request_answer(const struct ax_request *q, enum ax_err err, const struct ax_diag *diag,
                       struct ax_http_response *res)
{
    if (err != AX_OK && q->series && !q->unlogged)
        ax_http_text(res, status_of(err), "%s; beside that %" PRIu64 " series kept, %" PRIu64 " refused%s",
                     diag->text, q->series - q->skipped - q->refused_n, q->refused_n, q->text);
    else if (err != AX_OK)
        ax_http_text(res, status_of(err), "%s", diag->text);
    else if (q->refused_n)
        ax_http_text(res, 400, "%" PRIu64 " of %" PRIu64 " series were refused, the others are kept%s%s",
                     q->refused_n, q->series, q->text, q->refused_n > NAMED_MAX ? "; ..." : "");
    else
        res->status = 204;
    if (res->status == 503)
        ax_http_add_header(res, "Retry-After", "5");
    if (q->version == 2)
        add_written(q, res);
}
