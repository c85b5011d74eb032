/* receiver.c: negotiate, decompress, walk, append, answer.
 *
 * Each request borrows a scratch (decompressed bytes, decoder) from a pool that has as many as requests
 * were ever handled at once. Its series go to the database in runs, in their order; a series that is not
 * plain (refused, in the future, bare labels) goes alone, after those before it. What a request did is added
 * up in struct batch and told to the self-metrics once, at its end. */
#include "ingest/receiver.h"

#include "net/compress.h"
#include "prom/labels.h"
#include "series/journal.h"
#include "series/symbols.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define MIB ((size_t)1 << 20)
#define SCRATCH_KEPT (8 * MIB) /* a scratch that grew beyond it is given back after the request */
#define SPELLED_FACTOR 8       /* honest 2.0 requests spell to 4 or 5 times their size */
#define NAMED_MAX 3            /* refused series that the answer names */
#define NAME_BYTES_MAX 120

/* Room for the series that go to the database together. */
#define RUN_SERIES 32
#define RUN_SAMPLES 256
#define RUN_REFS 1024
#define RUN_KEYS ((size_t)16 << 10)

#define RECORD_BYTES (16 * MIB) /* of the log; a request that makes more writes several */

/* Why samples are not kept, and why series are refused: values of the label `reason`. */
#define DROP_REASONS                                                                                         \
    X(UNWANTED, "unwanted")                                                                                  \
    X(OWN, "own_output")                                                                                     \
    X(DUPLICATE, "duplicate")                                                                                \
    X(TOO_OLD, "too_old")                                                                                    \
    X(REPLICA, "ha_duplicate")                                                                               \
    X(CLUSTERS, "ha_clusters")                                                                               \
    X(HISTOGRAM_LIMIT, "histogram_limit")                                                                    \
    X(FULL, "series_limit")                                                                                  \
    X(MEMORY, "memory")
#define REFUSE_REASONS                                                                                       \
    X(LABELS, "labels")                                                                                      \
    X(REFS, "refs")                                                                                          \
    X(LIMIT, "limit")                                                                                        \
    X(MIXED, "mixed")                                                                                        \
    X(HISTOGRAM, "histogram")                                                                                \
    X(HISTOGRAM_LIMIT, "histogram_limit")                                                                    \
    X(TOO_OLD, "too_old")                                                                                    \
    X(FUTURE, "future")                                                                                      \
    X(CLUSTERS, "ha_clusters")                                                                               \
    X(SERIES_LIMIT, "series_limit")                                                                          \
    X(MEMORY, "memory")

#define X(id, text) DROP_##id,
enum drop { DROP_REASONS DROP_N };
#undef X
#define X(id, text) REFUSE_##id,
enum refuse { REFUSE_REASONS REFUSE_N };
#undef X
#define X(id, text) text,
static const char *const drop_texts[] = {DROP_REASONS};
static const char *const refuse_texts[] = {REFUSE_REASONS};
#undef X

/* Series on their way to the database together; what the decoder uses again is copied. */
struct run {
    struct ax_append v[RUN_SERIES];
    uint64_t number[RUN_SERIES]; /* of the series in the request, from 1 */
    uint32_t exemplars[RUN_SERIES];
    uint32_t n, samples_n, refs_n;
    size_t keys_n;
    struct ax_sample samples[RUN_SAMPLES];
    int64_t starts[RUN_SAMPLES];
    uint32_t refs[RUN_REFS], numbers[RUN_REFS];
    char keys[RUN_KEYS];
};

/* Memory of one request, kept for the next. */
struct scratch {
    struct scratch *next;
    struct run run;
    struct ax_buf plain;
    struct ax_rw_decoder decoder;
    struct ax_journal journal;
    struct ax_seen_symbols symbols;
    uint32_t *numbers; /* of a series that goes alone */
    uint32_t numbers_cap;
};

struct ax_receiver {
    struct ax_db *db;
    struct ax_receiver_options opt;
    pthread_mutex_t lock; /* of free */
    struct scratch *free;
    struct ax_cell *samples[2]; /* by version */
    struct ax_cell *histograms, *exemplars, *metadata, *bytes, *last, *ingested, *created, *unlogged;
    struct ax_cell *dropped[DROP_N], *refused[REFUSE_N];
};

/* What one request did. */
struct batch {
    struct ax_receiver *receiver;
    int version;
    struct scratch *scratch;
    struct ax_journal *journal; /* NULL: there is no log */
    bool unlogged;              /* the log did not take it */
    bool starved;               /* there was no memory for some of it */
    enum ax_err ended;          /* why the walk ends before the request does */
    struct ax_diag end;
    int64_t latest_ms; /* the newest time that is not refused as future */
    struct ax_rw_stats stats;
    uint64_t series;  /* visited so far */
    uint64_t skipped; /* of these, not looked at because the walk ended */
    uint64_t written_samples, written_histograms, written_exemplars;
    uint64_t ingested, created, dropped[DROP_N], refused[REFUSE_N], refused_n;
    char text[640]; /* the first refused series by name, with why */
    size_t text_n;
};

/* ---- memory ---- */

static struct scratch *borrow(struct ax_receiver *r)
{
    pthread_mutex_lock(&r->lock);
    struct scratch *s = r->free;
    if (s)
        r->free = s->next;
    pthread_mutex_unlock(&r->lock);
    if (s)
        return s;
    s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    ax_buf_init(&s->plain, (size_t)r->opt.plain_max);
    ax_journal_init(&s->journal);
    return s;
}

static void scratch_done(struct scratch *s)
{
    ax_buf_done(&s->plain);
    ax_rw_decoder_done(&s->decoder);
    ax_journal_done(&s->journal);
    ax_seen_done(&s->symbols);
    free(s->numbers);
    s->numbers = NULL;
    s->numbers_cap = 0;
}

static void give_back(struct ax_receiver *r, struct scratch *s)
{
    const struct ax_rw_decoder *d = &s->decoder;
    size_t held = s->plain.cap + d->key.cap + d->samples.cap * sizeof *d->samples.v +
                  d->histograms.cap * sizeof *d->histograms.v +
                  s->decoder.symbols_cap * sizeof(struct ax_str) + s->decoder.starts.cap * sizeof(int64_t) +
                  s->journal.definitions.cap + s->journal.runs.cap + s->journal.histograms.cap +
                  s->symbols.cap * sizeof *s->symbols.v + s->decoder.refs_cap * sizeof(uint32_t);
    if (held > SCRATCH_KEPT)
        scratch_done(s);
    pthread_mutex_lock(&r->lock);
    s->next = r->free;
    r->free = s;
    pthread_mutex_unlock(&r->lock);
}

/* ---- one series ---- */

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

/* Note that a series is refused; the first ones are named in the answer. */
static void refuse(struct batch *b, uint64_t number, const struct ax_append *a, enum refuse reason,
                   const char *why)
{
    uint32_t most = b->receiver->opt.refused_max;
    b->refused[reason]++;
    if (b->refused_n++ >= most && b->ended == AX_OK)
        b->ended = ax_fail(&b->end, AX_LIMIT,
                           "more than %u series are refused, so the rest was not looked at", most);
    if (b->refused_n > NAMED_MAX)
        return;
    char name[NAME_BYTES_MAX + 4];
    struct ax_str key = a->key;
    if (key.n == 0 && ax_rw_spell(&b->scratch->decoder, a->refs, a->refs_n, &key, NULL) != AX_OK)
        key.n = 0;
    name_series(number, key, name);
    int n = snprintf(b->text + b->text_n, sizeof b->text - b->text_n, "; %s: %s", name, why);
    if (n > 0)
        b->text_n += (size_t)n < sizeof b->text - b->text_n ? (size_t)n : sizeof b->text - b->text_n - 1;
}

static enum refuse fault_reason(const struct ax_rw_fault *fault)
{
    return strcmp(fault->reason, "refs") == 0        ? REFUSE_REFS
           : strcmp(fault->reason, "histogram") == 0 ? REFUSE_HISTOGRAM
                                                     : REFUSE_LIMIT;
}

/* Samples that come too late are refused, though their series is not; histograms also for want of memory. */
static void refuse_some(struct batch *b, uint64_t number, const struct ax_append *a)
{
    char why[160];
    uint32_t old = a->result.too_old + a->histogram_result.too_old, full = a->histogram_result.full;
    if (old) {
        (void)snprintf(why, sizeof why,
                       "%" PRIu32
                       " sample(s) further behind the newest than --storage.out-of-order-window, or "
                       "than any job looks back",
                       old);
        refuse(b, number, a, REFUSE_TOO_OLD, why);
    }
    if (full) {
        (void)snprintf(why, sizeof why,
                       "%" PRIu32 " native histogram(s) above --storage.max-histogram-size or "
                       "--storage.max-histograms-size",
                       full);
        refuse(b, number, a, REFUSE_HISTOGRAM_LIMIT, why);
    }
}

/* Add up what became of samples or histograms that were wanted. */
static void account_wanted(struct batch *b, const struct ax_append_result *r)
{
    b->ingested += r->appended;
    b->created += r->created;
    b->dropped[DROP_DUPLICATE] += r->duplicates;
    b->dropped[DROP_TOO_OLD] += r->too_old;
    b->dropped[DROP_HISTOGRAM_LIMIT] += r->full;
}

/* A series that is not known, when no more are taken. */
static void refuse_new(struct batch *b, uint64_t number, const struct ax_append *a)
{
    bool memory = ax_db_refuses_new(b->receiver->db);
    b->dropped[memory ? DROP_MEMORY : DROP_FULL] += a->n + a->histograms_n;
    if (memory)
        refuse(b, number, a, REFUSE_MEMORY, "memory is near --storage.max-memory: no new series");
    else
        refuse(b, number, a, REFUSE_SERIES_LIMIT, "--storage.max-series are in memory already");
}

/* Add up what became of a series' samples; why says what is wrong with labels. False: it is refused. */
static bool account(struct batch *b, uint64_t number, const struct ax_append *a, const char *why)
{
    uint32_t n = a->n + a->histograms_n;
    switch (a->fate) {
    case AX_FATE_WANTED:
        account_wanted(b, &a->result);
        account_wanted(b, &a->histogram_result);
        refuse_some(b, number, a);
        break;
    case AX_FATE_UNWANTED:
        b->dropped[DROP_UNWANTED] += n;
        break;
    case AX_FATE_OWN:
        b->dropped[DROP_OWN] += n;
        break;
    case AX_FATE_REPLICA:
        b->dropped[DROP_REPLICA] += n;
        break;
    case AX_FATE_CLUSTERS:
        b->dropped[DROP_CLUSTERS] += n;
        refuse(b, number, a, REFUSE_CLUSTERS,
               "more clusters of replicas than global.ha_tracker.max_clusters");
        return false;
    case AX_FATE_FULL:
        refuse_new(b, number, a);
        return false;
    case AX_FATE_NOMEM:
        b->starved = true;
        return false;
    case AX_FATE_INVALID:
        refuse(b, number, a, REFUSE_LABELS, why);
        return false;
    }
    const struct ax_append_result *s = &a->result, *h = &a->histogram_result;
    b->starved |= s->nomem + h->nomem > 0;
    b->written_samples += a->n - s->too_old - s->nomem;
    b->written_histograms += a->histograms_n - h->too_old - h->full - h->nomem;
    return true;
}

/* Hand one series to the database. Returns false when it is refused, or the walk ends. */
static bool append(struct batch *b, uint64_t number, struct ax_append *a)
{
    struct ax_diag diag = {{0}};
    if (b->ended == AX_OK && a->symbols)
        b->ended = ax_rw_spell(&b->scratch->decoder, a->refs, a->refs_n, &a->key, &b->end);
    if (b->ended != AX_OK)
        return false;
    ax_db_append_one(b->receiver->db, ax_str(""), a, b->journal, &diag);
    return account(b, number, a, diag.text);
}

/* Write what came so far to the log, whatever ended the walk. Without it all of it is to come again: it is in
 * the rings, and then they are duplicates. */
static void write_log(struct batch *b)
{
    struct ax_diag diag = {{0}};
    if (!b->journal || b->unlogged ||
        ax_journal_append(b->journal, b->receiver->db, b->receiver->opt.log, &diag) == AX_OK)
        return;
    b->unlogged = true;
    b->written_samples = b->written_histograms = b->written_exemplars = 0;
    b->ended = ax_fail(&b->end, AX_BUSY, "not written to the log, send it again: %s", diag.text);
    ax_metric_add(b->receiver->unlogged, 1);
}

/* Hand the run to the database, and empty it. */
static void flush(struct batch *b)
{
    struct run *run = &b->scratch->run;
    uint32_t i = 0;
    for (; i < run->n && b->ended == AX_OK; i++) {
        uint32_t known =
            i + ax_db_append_known(b->receiver->db, ax_str(""), run->v + i, run->n - i, b->journal);
        for (; i < known; i++)
            if (account(b, run->number[i], &run->v[i], ""))
                b->written_exemplars += run->exemplars[i];
        if (i < run->n && append(b, run->number[i], &run->v[i]))
            b->written_exemplars += run->exemplars[i];
    }
    b->skipped += i < run->n ? run->n - i : 0;
    run->n = run->samples_n = run->refs_n = 0;
    run->keys_n = 0;
    if (b->journal && ax_journal_bytes(b->journal) > RECORD_BYTES)
        write_log(b);
}

/* Do the bytes of a key stay where they are until the end of the request? */
static bool lasts(const struct batch *b, struct ax_str key)
{
    const struct ax_buf *plain = &b->scratch->plain;
    return (uintptr_t)key.p - (uintptr_t)plain->bytes < plain->n;
}

/* The labels of a series for the database. numbers has room for its references. */
static struct ax_append append_of(struct batch *b, const struct ax_rw_series *s, uint32_t *numbers)
{
    struct ax_append a = {.key = s->key, .refs = s->refs, .refs_n = s->refs_n, .numbers = numbers};
    a.symbols = b->version == 2 ? &b->scratch->symbols : NULL;
    return a;
}

/* Put a series into the run, which is flushed first when it is full. False when it must go alone. */
static bool join(struct batch *b, const struct ax_rw_series *s)
{
    struct run *run = &b->scratch->run;
    size_t key_n = lasts(b, s->key) ? 0 : s->key.n;
    if (s->samples_n == 0 || s->samples_n > RUN_SAMPLES || s->refs_n > RUN_REFS || key_n > RUN_KEYS ||
        s->histograms_n)
        return false;
    for (uint32_t i = 0; i < s->samples_n; i++)
        if (s->samples[i].t_ms > b->latest_ms)
            return false;
    if (run->n == RUN_SERIES || run->samples_n + s->samples_n > RUN_SAMPLES ||
        run->refs_n + s->refs_n > RUN_REFS || run->keys_n + key_n > RUN_KEYS)
        flush(b);
    struct ax_append *a = &run->v[run->n];
    *a = append_of(b, s, run->numbers + run->refs_n);
    if (s->refs_n)
        a->refs = memcpy(run->refs + run->refs_n, s->refs, s->refs_n * sizeof *s->refs);
    if (key_n)
        a->key.p = memcpy(run->keys + run->keys_n, s->key.p, key_n);
    a->samples = memcpy(run->samples + run->samples_n, s->samples, s->samples_n * sizeof *s->samples);
    if (s->starts)
        a->starts = memcpy(run->starts + run->samples_n, s->starts, s->samples_n * sizeof *s->starts);
    a->n = s->samples_n;
    run->number[run->n] = b->series;
    run->exemplars[run->n++] = s->exemplars_n;
    run->keys_n += key_n;
    run->refs_n += s->refs_n;
    run->samples_n += s->samples_n;
    return true;
}

/* Some samples, or some histograms, of a series that goes alone. */
static bool append_part(struct batch *b, const struct ax_rw_series *s, uint32_t from, uint32_t to)
{
    struct scratch *scratch = b->scratch;
    if (s->refs_n > scratch->numbers_cap) {
        uint32_t *numbers = realloc(scratch->numbers, s->refs_n * sizeof *numbers);
        if (!numbers) {
            b->ended = ax_fail(&b->end, AX_NOMEM, "no memory for the labels of a series");
            return false;
        }
        scratch->numbers = numbers;
        scratch->numbers_cap = s->refs_n;
    }
    struct ax_append a = append_of(b, s, scratch->numbers);
    if (s->histograms_n) {
        a.histograms = s->histograms + from;
        a.histograms_n = to - from;
    } else if (to > from) {
        a.samples = s->samples + from;
        a.starts = s->starts ? s->starts + from : NULL;
        a.n = to - from;
    }
    return append(b, b->series, &a);
}

/* Append what is not too far in the future: runs between the ones that are. A series has samples or
 * histograms; without any the database still judges its labels. */
static void append_up_to(struct batch *b, const struct ax_rw_series *s)
{
    bool histograms = s->histograms_n > 0;
    uint32_t from = 0, ahead = 0, n = histograms ? s->histograms_n : s->samples_n;
    for (uint32_t i = 0; i <= n; i++) {
        bool end = i == n,
             late = !end && (histograms ? s->histograms[i].t_ms : s->samples[i].t_ms) > b->latest_ms;
        if (!end && !late)
            continue;
        if ((i > from || n == 0) && !append_part(b, s, from, i))
            return;
        ahead += late;
        from = i + 1;
    }
    if (ahead) {
        char why[96];
        (void)snprintf(why, sizeof why, "%u sample(s) more than %lld s ahead of the clock", ahead,
                       (long long)(b->receiver->opt.future_max_ms / 1000));
        const struct ax_append labels = append_of(b, s, NULL);
        refuse(b, b->series, &labels, REFUSE_FUTURE, why);
        return;
    }
    b->written_exemplars += s->exemplars_n;
}

/* At the first series of a 2.0 request its symbols are all there. */
static void see_symbols(struct batch *b)
{
    struct ax_rw_decoder *d = &b->scratch->decoder;
    if (ax_db_see(b->receiver->db, &b->scratch->symbols, d->symbols, d->symbols_n) != AX_OK)
        b->ended = ax_fail(&b->end, AX_NOMEM, "no memory for %u symbols", d->symbols_n);
}

static enum ax_err visit(void *ctx, const struct ax_rw_series *s, const struct ax_rw_fault *fault)
{
    struct batch *b = ctx;
    b->series++;
    if (b->series == 1 && b->version == 2)
        see_symbols(b);
    if (b->ended != AX_OK || (!fault && join(b, s)))
        return b->ended;
    flush(b);
    const struct ax_append labels = append_of(b, s, NULL);
    if (fault)
        refuse(b, b->series, &labels, fault_reason(fault), fault->text);
    else if (s->samples_n && s->histograms_n)
        refuse(b, b->series, &labels, REFUSE_MIXED, "samples and histograms in one series");
    else
        append_up_to(b, s);
    return b->ended;
}

/* ---- the request ---- */

static void add(struct ax_cell *cell, uint64_t n)
{
    if (n)
        ax_metric_add(cell, (double)n);
}

static void tell_metrics(const struct batch *b, size_t bytes, int64_t now_ms)
{
    struct ax_receiver *r = b->receiver;
    add(r->samples[b->version - 1], b->stats.samples);
    add(r->histograms, b->stats.histograms);
    add(r->exemplars, b->stats.exemplars);
    add(r->metadata, b->stats.metadata);
    add(r->bytes, bytes);
    add(r->ingested, b->ingested);
    add(r->created, b->created);
    for (int i = 0; i < DROP_N; i++)
        add(r->dropped[i], b->dropped[i]);
    for (int i = 0; i < REFUSE_N; i++)
        add(r->refused[i], b->refused[i]);
    if (b->stats.samples)
        ax_metric_set(r->last, (double)now_ms / 1000);
}

/* What was written, for senders of 2.0; a 1.0 sender takes these headers for a fault. */
static void add_written(const struct batch *b, struct ax_http_response *res)
{
    ax_http_add_header(res, "X-Prometheus-Remote-Write-Samples-Written", "%" PRIu64, b->written_samples);
    ax_http_add_header(res, "X-Prometheus-Remote-Write-Histograms-Written", "%" PRIu64,
                       b->written_histograms);
    ax_http_add_header(res, "X-Prometheus-Remote-Write-Exemplars-Written", "%" PRIu64, b->written_exemplars);
}

/* Status of an error. Too much inside a body is 400: some senders retry a 413 for ever. */
static int status_of(enum ax_err err)
{
    return err == AX_LIMIT ? 400 : ax_err_http(err);
}

static void answer(const struct batch *b, enum ax_err err, const struct ax_diag *diag,
                   struct ax_http_response *res)
{
    if (err != AX_OK && b->series && !b->unlogged)
        ax_http_text(res, status_of(err), "%s; before that %" PRIu64 " series kept, %" PRIu64 " refused%s",
                     diag->text, b->series - b->skipped - b->refused_n, b->refused_n, b->text);
    else if (err != AX_OK)
        ax_http_text(res, status_of(err), "%s", diag->text);
    else if (b->refused_n)
        ax_http_text(res, 400, "%" PRIu64 " of %" PRIu64 " series were refused, the others are kept%s%s",
                     b->refused_n, b->series, b->text, b->refused_n > NAMED_MAX ? "; ..." : "");
    else
        res->status = 204;
    if (res->status == 503)
        ax_http_add_header(res, "Retry-After", "5");
}

static enum ax_err process(struct batch *b, struct scratch *s, enum ax_rw_encoding encoding,
                           struct ax_str body, struct ax_diag *diag)
{
    enum ax_err err = encoding == AX_RW_ZSTD ? ax_zstd_decompress(body, &s->plain, diag)
                                             : ax_snappy_decompress(body, &s->plain, diag);
    if (err != AX_OK)
        return err;
    b->scratch = s;
    b->journal = b->receiver->opt.log ? &s->journal : NULL;
    ax_journal_reset(&s->journal);
    err = ax_rw_decode(&s->decoder, b->version, ax_buf_view(&s->plain), &b->receiver->opt.limits, visit, b,
                       &b->stats, diag);
    flush(b);
    write_log(b);
    if (b->ended == AX_OK && b->starved && err == AX_OK)
        return ax_fail(diag, AX_NOMEM, "out of memory, send it again");
    if (b->ended == AX_OK)
        return err;
    *diag = b->end;
    return b->ended;
}

void ax_receiver_take(struct ax_receiver *r, int version, enum ax_rw_encoding encoding, struct ax_str body,
                      struct ax_http_response *res)
{
    struct ax_diag diag = {{0}};
    enum ax_err err;
    int64_t now_ms = ax_clock_now(&r->opt.clock);
    struct batch b = {.receiver = r, .version = version, .latest_ms = INT64_MAX};
    if (r->opt.future_max_ms >= 0)
        b.latest_ms = now_ms + r->opt.future_max_ms;
    struct scratch *s = borrow(r);
    if (s) {
        err = process(&b, s, encoding, body, &diag);
        give_back(r, s);
    } else {
        err = ax_fail(&diag, AX_NOMEM, "no memory for a request");
    }
    tell_metrics(&b, body.n, now_ms);
    answer(&b, err, &diag, res);
    if (version == 2)
        add_written(&b, res);
}

static void handle(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_diag diag = {{0}};
    int version = 1;
    enum ax_rw_encoding encoding = AX_RW_SNAPPY;
    enum ax_err err = ax_rw_encoding(ax_http_header(req, "Content-Encoding"), &encoding, &diag);
    if (err == AX_OK)
        err = ax_rw_version(ax_http_header(req, "Content-Type"), &version, &diag);
    if (err == AX_OK)
        ax_receiver_take(ctx, version, encoding, req->body, res);
    else
        ax_http_text(res, ax_err_http(err), "%s", diag.text);
}

/* ---- life ---- */

static uint32_t or_default(uint32_t v, uint32_t otherwise)
{
    return v ? v : otherwise;
}

static void set_defaults(struct ax_receiver_options *o)
{
    if (!o->clock.now_ms)
        o->clock = ax_clock_wall();
    if (o->body_max == 0)
        o->body_max = 32 * MIB;
    if (o->plain_max == 0)
        o->plain_max = 32 * MIB;
    if (o->future_max_ms == 0)
        o->future_max_ms = 600000;
    o->limits.labels_max = or_default(o->limits.labels_max, 128);
    o->limits.label_bytes_max = or_default(o->limits.label_bytes_max, 4096);
    o->limits.key_bytes_max = or_default(o->limits.key_bytes_max, 65536);
    o->refused_max = or_default(o->refused_max, 10000);
    o->limits.symbols_max = or_default(o->limits.symbols_max, 1000000);
    if (o->limits.spelled_max == 0)
        o->limits.spelled_max = SPELLED_FACTOR * o->plain_max;
    o->limits.samples_max = or_default(o->limits.samples_max, 100000);
}

enum ax_err ax_receiver_new(struct ax_db *db, const struct ax_receiver_options *options,
                            struct ax_receiver **out, struct ax_diag *diag)
{
    struct ax_receiver *r = calloc(1, sizeof *r);
    if (!r)
        return ax_fail(diag, AX_NOMEM, "no memory for the receiver");
    r->db = db;
    r->opt = *options;
    set_defaults(&r->opt);
    (void)pthread_mutex_init(&r->lock, NULL);
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
    for (int i = 0; i < DROP_N; i++)
        r->dropped[i] = ax_metric(AX_M_DROPPED_SAMPLES, drop_texts[i], NULL);
    for (int i = 0; i < REFUSE_N; i++)
        r->refused[i] = ax_metric(AX_M_REJECTED_SERIES, refuse_texts[i], NULL);
    *out = r;
    return AX_OK;
}

void ax_receiver_free(struct ax_receiver *r)
{
    if (!r)
        return;
    for (struct scratch *s = r->free, *next; s; s = next) {
        next = s->next;
        scratch_done(s);
        free(s);
    }
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

struct ax_http_route ax_receiver_route(struct ax_receiver *r)
{
    return (struct ax_http_route){.method = "POST",
                                  .path = "/api/v1/write",
                                  .name = "write",
                                  .handle = handle,
                                  .ctx = r,
                                  .body_max = r->opt.body_max};
}
