/* receiver_priv.h: one remote-write request on its way, shared by the files that implement ingest/receiver.h.
 *
 * The receiver (receiver.c) decompresses and walks the body; the series that the walk hands over go to the
 * database in runs, or alone (receiver_series.c); what became of each is added up, told to the self-metrics
 * once, and said in the answer (receiver_account.c). */
#ifndef AX_INGEST_RECEIVER_PRIV_H
#define AX_INGEST_RECEIVER_PRIV_H

#include "base/metrics.h"
#include "ingest/receiver.h"
#include "series/journal.h"
#include "series/symbols.h"
#include "series/trail.h"

#include <pthread.h>

/* Why samples are not kept, and why series are refused: values of the label `reason`. */
#define AX_DROP_REASONS                                                                                      \
    X(UNWANTED, "unwanted")                                                                                  \
    X(OWN, "own_output")                                                                                     \
    X(DUPLICATE, "duplicate")                                                                                \
    X(CONFLICT, "duplicate_timestamp")                                                                       \
    X(TOO_OLD, "too_old")                                                                                    \
    X(REPLICA, "ha_duplicate")                                                                               \
    X(CLUSTERS, "ha_clusters")                                                                               \
    X(HISTOGRAM_LIMIT, "histogram_limit")                                                                    \
    X(FULL, "series_limit")                                                                                  \
    X(MEMORY, "memory")
#define AX_REFUSE_REASONS                                                                                    \
    X(LABELS, "labels")                                                                                      \
    X(REFS, "refs")                                                                                          \
    X(LIMIT, "limit")                                                                                        \
    X(MIXED, "mixed")                                                                                        \
    X(HISTOGRAM, "histogram")                                                                                \
    X(HISTOGRAM_LIMIT, "histogram_limit")                                                                    \
    X(CONFLICT, "duplicate_timestamp")                                                                       \
    X(TOO_OLD, "too_old")                                                                                    \
    X(FUTURE, "future")                                                                                      \
    X(CLUSTERS, "ha_clusters")                                                                               \
    X(SERIES_LIMIT, "series_limit")                                                                          \
    X(MEMORY, "memory")

/* Ceilings that end a request, as auspex_http_rejected_total names them. */
#define AX_END_REASONS                                                                                       \
    X(DECODED_SIZE, "decoded_size")                                                                          \
    X(SYMBOLS, "symbols")                                                                                    \
    X(SPELLED_LABELS, "spelled_labels")                                                                      \
    X(REFUSED_SERIES, "refused_series")

#define X(id, text) AX_DROP_##id,
/* Why samples are not kept. */
enum ax_drop { AX_DROP_REASONS AX_DROP_N };
#undef X
#define X(id, text) AX_REFUSE_##id,
/* Why series are refused. */
enum ax_refuse { AX_REFUSE_REASONS AX_REFUSE_N };
#undef X
#define X(id, text) AX_END_##id,
/* Ceilings that end a request. */
enum ax_end { AX_END_REASONS AX_END_N };
#undef X
/* Room for the series that go to the database together. */
#define AX_RUN_SERIES 32
#define AX_RUN_SAMPLES 256
#define AX_RUN_REFS 1024
#define AX_RUN_KEYS ((size_t)16 << 10)

/* Series on their way to the database together; what the decoder uses again is copied. */
struct ax_run {
    struct ax_append v[AX_RUN_SERIES];
    uint64_t number[AX_RUN_SERIES]; /* of the series in the request, from 1 */
    uint32_t exemplars[AX_RUN_SERIES];
    uint32_t n, samples_n, refs_n;
    size_t keys_n;
    struct ax_sample samples[AX_RUN_SAMPLES];
    int64_t starts[AX_RUN_SAMPLES];
    uint32_t refs[AX_RUN_REFS];
    char keys[AX_RUN_KEYS];
};

/* Memory of one request, kept for the next. */
struct ax_request_scratch {
    struct ax_request_scratch *next;
    struct ax_run run;
    struct ax_buf plain;
    struct ax_rw_decoder decoder;
    struct ax_journal journal;
    struct ax_seen_symbols symbols;
    struct ax_trail_cursor trail;
};

/* What all requests share. */
struct ax_receiver {
    struct ax_db *db;
    struct ax_receiver_options opt;
    pthread_mutex_t lock; /* of free */
    struct ax_request_scratch *free;
    struct ax_cell *samples[2]; /* by version */
    struct ax_cell *histograms, *exemplars, *metadata, *bytes, *last, *ingested, *created, *unlogged;
    struct ax_cell *dropped[AX_DROP_N], *refused[AX_REFUSE_N], *ends[AX_END_N];
};

/* One request, and what it did. */
struct ax_request {
    struct ax_receiver *receiver;
    int version;
    struct ax_request_scratch *scratch;
    struct ax_journal *journal;   /* NULL: there is no log */
    struct ax_plain_result plain; /* of the last run */
    bool seen;                    /* 2.0: the symbols are */
    bool unlogged;                /* the log did not take it */
    bool starved;                 /* there was no memory for some of it */
    enum ax_err ended;            /* why the walk ends before the request does */
    struct ax_diag end;
    int64_t latest_ms; /* the newest time that is not refused as future */
    struct ax_rw_stats stats;
    uint64_t series;  /* visited so far */
    uint64_t skipped; /* of these, not looked at because the walk ended */
    uint64_t written_samples, written_histograms, written_exemplars;
    struct {
        uint64_t samples, histograms, exemplars;
    } logged; /* of them, those that the log has; where there is none they are not counted */
    uint64_t ingested, created, dropped[AX_DROP_N];
    uint64_t refused[AX_REFUSE_N], refused_n; /* series: each once, and once for each reason */
    uint64_t refusing;                        /* number of the newest of them */
    uint32_t refused_for;                     /* reasons of that one, a bit each */
    char text[640];                           /* the first refused series by name, with why */
    size_t text_n;
};

/* ---- receiver_series.c ---- */

/* Take a series from the walk: the visitor of ax_rw_decode(). */
enum ax_err ax_request_visit(void *request, const struct ax_rw_series *s, const struct ax_rw_fault *fault);

/* Take the plain series that are known: ax_rw_take_plain. */
enum ax_err ax_request_take_plain(void *request, const struct ax_plain_series *v, uint32_t n,
                                  uint32_t *unread);

/* The walk is over: hand what is left to the database, and all of it to the log. */
void ax_request_finish(struct ax_request *q);

/* ---- receiver_account.c ---- */

/* Find the cells of the self-metrics. */
void ax_receiver_find_cells(struct ax_receiver *r);

/* The walk ends at a ceiling, or because there is no memory; diag says it. */
void ax_request_end(struct ax_request *q, enum ax_end at, enum ax_err err, const struct ax_diag *diag);

/* Note that a series is refused, or some of its samples are; numbers never fall. The first series are named
 * in the answer. Too many end the walk. */
void ax_request_refuse(struct ax_request *q, uint64_t number, const struct ax_append *a,
                       enum ax_refuse reason, const char *why);

/* Add up what became of a series' samples; why says what is wrong with labels. False: it is refused. */
bool ax_request_account(struct ax_request *q, uint64_t number, const struct ax_append *a, const char *why);

/* The same of plain series that were taken. */
void ax_request_account_plain(struct ax_request *q, const struct ax_plain_result *r);

/* Add the sums to the self-metrics; bytes of the body, as it came. */
void ax_request_tell_metrics(const struct ax_request *q, size_t bytes, int64_t now_ms);

/* Fill the answer; err and diag say how the request ended. */
void ax_request_answer(const struct ax_request *q, enum ax_err err, const struct ax_diag *diag,
                       struct ax_http_response *res);

#endif
