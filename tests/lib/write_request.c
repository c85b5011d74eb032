/* write_request.c: the messages lie in an arena, their arrays have room for what tests put there. */
#include "write_request.h"

#include "ax_test.h"
#include "proto/remote_write_v1.pb-c.h"

#define ARENA_MAX (16u << 20)
#define SYMBOLS_MAX 1024u
#define SERIES_MAX 1024u
#define PARTS_MAX 8u /* samples, histograms or exemplars of one series */
#define PAIRS_MAX 16u

typedef Io__Prometheus__Write__V2__TimeSeries series;

static void *make(struct ax_arena *arena, size_t n, size_t size)
{
    void *p = ax_arena_array(arena, n, size);
    assert_non_null(p);
    memset(p, 0, n * size);
    return p;
}

/* A message in the arena, initialised. */
#define NEW(arena, type, init) new_message((arena), sizeof(type), &(const type)init)

static void *new_message(struct ax_arena *arena, size_t size, const void *init)
{
    void *p = make(arena, 1, size);
    memcpy(p, init, size);
    return p;
}

/* ---- histograms ---- */

static Io__Prometheus__Write__V2__BucketSpan **make_spans(const struct histogram_side *side,
                                                          struct ax_arena *arena)
{
    Io__Prometheus__Write__V2__BucketSpan **v = make(arena, side->spans_n, sizeof *v);
    for (uint32_t i = 0; i < side->spans_n; i++) {
        v[i] =
            NEW(arena, Io__Prometheus__Write__V2__BucketSpan, IO__PROMETHEUS__WRITE__V2__BUCKET_SPAN__INIT);
        v[i]->offset = side->spans[i].offset;
        v[i]->length = side->spans[i].length;
    }
    return v;
}

/* The buckets as whichever of the two lists is theirs. */
static void make_buckets(const struct histogram_side *side, bool is_float, struct ax_arena *arena,
                         int64_t **deltas, size_t *deltas_n, double **counts, size_t *counts_n)
{
    *deltas_n = is_float ? 0 : side->buckets_n;
    *counts_n = is_float ? side->buckets_n : 0;
    *deltas = make(arena, *deltas_n, sizeof **deltas);
    *counts = make(arena, *counts_n, sizeof **counts);
    for (uint32_t i = 0; i < side->buckets_n; i++)
        if (is_float)
            (*counts)[i] = (double)side->buckets[i];
        else
            (*deltas)[i] = side->buckets[i];
}

Io__Prometheus__Write__V2__Histogram *histogram_message(const struct histogram_spec *spec,
                                                        struct ax_arena *arena)
{
    Io__Prometheus__Write__V2__Histogram *h =
        NEW(arena, Io__Prometheus__Write__V2__Histogram, IO__PROMETHEUS__WRITE__V2__HISTOGRAM__INIT);
    h->schema = spec->schema;
    h->sum = spec->sum;
    h->zero_threshold = spec->zero_threshold;
    h->timestamp = spec->t_ms;
    h->start_timestamp = spec->start_ms;
    if (spec->is_float) {
        h->count_case = IO__PROMETHEUS__WRITE__V2__HISTOGRAM__COUNT_COUNT_FLOAT;
        h->count_float = (double)spec->count;
        h->zero_count_case = IO__PROMETHEUS__WRITE__V2__HISTOGRAM__ZERO_COUNT_ZERO_COUNT_FLOAT;
        h->zero_count_float = (double)spec->zero_count;
    } else {
        h->count_case = IO__PROMETHEUS__WRITE__V2__HISTOGRAM__COUNT_COUNT_INT;
        h->count_int = spec->count;
        h->zero_count_case = IO__PROMETHEUS__WRITE__V2__HISTOGRAM__ZERO_COUNT_ZERO_COUNT_INT;
        h->zero_count_int = spec->zero_count;
    }
    h->n_positive_spans = spec->positive.spans_n;
    h->positive_spans = make_spans(&spec->positive, arena);
    h->n_negative_spans = spec->negative.spans_n;
    h->negative_spans = make_spans(&spec->negative, arena);
    make_buckets(&spec->positive, spec->is_float, arena, &h->positive_deltas, &h->n_positive_deltas,
                 &h->positive_counts, &h->n_positive_counts);
    make_buckets(&spec->negative, spec->is_float, arena, &h->negative_deltas, &h->n_negative_deltas,
                 &h->negative_counts, &h->n_negative_counts);
    h->n_custom_values = spec->bounds_n;
    h->custom_values = make(arena, spec->bounds_n, sizeof *h->custom_values);
    memcpy(h->custom_values, spec->bounds, spec->bounds_n * sizeof *h->custom_values);
    return h;
}

/* ---- requests ---- */

static uint32_t symbol(struct write_request *r, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < r->message.n_symbols; i++)
        if (r->message.symbols[i].len == n && memcmp(r->message.symbols[i].data, text, n) == 0)
            return (uint32_t)i;
    assert_true(r->message.n_symbols < SYMBOLS_MAX);
    uint8_t *copy = make(&r->arena, n + 1, 1);
    memcpy(copy, text, n);
    r->message.symbols[r->message.n_symbols] = (ProtobufCBinaryData){n, copy};
    return (uint32_t)r->message.n_symbols++;
}

void write_begin(struct write_request *r, uint64_t seed)
{
    ax_arena_init(&r->arena, ARENA_MAX);
    ax_rng_seed(&r->rng, seed);
    r->message = (Io__Prometheus__Write__V2__Request)IO__PROMETHEUS__WRITE__V2__REQUEST__INIT;
    r->message.symbols = make(&r->arena, SYMBOLS_MAX, sizeof *r->message.symbols);
    r->message.timeseries = make(&r->arena, SERIES_MAX, sizeof *r->message.timeseries);
    (void)symbol(r, "");
}

void write_done(struct write_request *r)
{
    ax_arena_done(&r->arena);
}

/* References of pairs in random order; *n is their number. */
static uint32_t *refs(struct write_request *r, const char *const *pairs, size_t *n)
{
    uint32_t *v = make(&r->arena, (size_t)2 * PAIRS_MAX, sizeof *v);
    uint32_t pairs_n = 0;
    for (; pairs[0]; pairs += 2, pairs_n++) {
        assert_true(pairs_n < PAIRS_MAX);
        uint32_t at = (uint32_t)ax_rng_below(&r->rng, pairs_n + 1), last = 2 * pairs_n;
        v[last] = v[2 * at];
        v[last + 1] = v[2 * at + 1];
        v[2 * at] = symbol(r, pairs[0]);
        v[2 * at + 1] = symbol(r, pairs[1]);
    }
    *n = (size_t)2 * pairs_n;
    return v;
}

void write_series(struct write_request *r, const char *const *pairs)
{
    assert_true(r->message.n_timeseries < SERIES_MAX);
    series *ts = NEW(&r->arena, series, IO__PROMETHEUS__WRITE__V2__TIME_SERIES__INIT);
    r->message.timeseries[r->message.n_timeseries++] = ts;
    ts->labels_refs = refs(r, pairs, &ts->n_labels_refs);
    ts->samples = make(&r->arena, PARTS_MAX, sizeof *ts->samples);
    ts->histograms = make(&r->arena, PARTS_MAX, sizeof *ts->histograms);
    ts->exemplars = make(&r->arena, PARTS_MAX, sizeof *ts->exemplars);
    ts->metadata = make(&r->arena, 1, sizeof *ts->metadata);
}

static series *last(struct write_request *r)
{
    assert_true(r->message.n_timeseries > 0);
    return r->message.timeseries[r->message.n_timeseries - 1];
}

void write_sample(struct write_request *r, double value, int64_t t_ms)
{
    series *ts = last(r);
    assert_true(ts->n_samples < PARTS_MAX);
    Io__Prometheus__Write__V2__Sample *s =
        NEW(&r->arena, Io__Prometheus__Write__V2__Sample, IO__PROMETHEUS__WRITE__V2__SAMPLE__INIT);
    memcpy(&s->value, &value, sizeof value);
    s->timestamp = t_ms;
    ts->samples[ts->n_samples++] = s;
}

void write_histogram(struct write_request *r, const struct histogram_spec *spec)
{
    series *ts = last(r);
    assert_true(ts->n_histograms < PARTS_MAX);
    ts->histograms[ts->n_histograms++] = histogram_message(spec, &r->arena);
}

void write_exemplar(struct write_request *r, double value, int64_t t_ms, const char *const *pairs)
{
    series *ts = last(r);
    assert_true(ts->n_exemplars < PARTS_MAX);
    Io__Prometheus__Write__V2__Exemplar *e =
        NEW(&r->arena, Io__Prometheus__Write__V2__Exemplar, IO__PROMETHEUS__WRITE__V2__EXEMPLAR__INIT);
    e->value = value;
    e->timestamp = t_ms;
    e->labels_refs = refs(r, pairs, &e->n_labels_refs);
    ts->exemplars[ts->n_exemplars++] = e;
}

void write_metadata(struct write_request *r, uint32_t type, const char *help, const char *unit)
{
    series *ts = last(r);
    Io__Prometheus__Write__V2__Metadata *m =
        NEW(&r->arena, Io__Prometheus__Write__V2__Metadata, IO__PROMETHEUS__WRITE__V2__METADATA__INIT);
    m->type = type;
    m->help_ref = help ? symbol(r, help) : 0;
    m->unit_ref = unit ? symbol(r, unit) : 0;
    ts->metadata[0] = m;
    ts->n_metadata = 1;
}

void write_created(struct write_request *r, int64_t t_ms)
{
    series *ts = last(r);
    ProtobufCMessageUnknownField *field = make(&r->arena, 1, sizeof *field);
    *field = (ProtobufCMessageUnknownField){.tag = 6, .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT};
    field->data = make(&r->arena, 10, 1);
    for (uint64_t v = (uint64_t)t_ms; v || field->len == 0; v >>= 7)
        field->data[field->len++] = (uint8_t)(v >= 0x80 ? v | 0x80 : v);
    ts->base.unknown_fields = field;
    ts->base.n_unknown_fields = 1;
}

uint8_t *write_pack_v2(struct write_request *r, size_t *n)
{
    uint8_t *bytes = make(&r->arena, io__prometheus__write__v2__request__get_packed_size(&r->message) + 1, 1);
    *n = io__prometheus__write__v2__request__pack(&r->message, bytes);
    return bytes;
}

/* ---- the same as 1.0 ---- */

static Prometheus__Label **labels_v1(struct write_request *r, const uint32_t *v, size_t refs_n, size_t *n)
{
    *n = refs_n / 2;
    Prometheus__Label **labels = make(&r->arena, *n, sizeof *labels);
    for (size_t i = 0; i < *n; i++) {
        labels[i] = NEW(&r->arena, Prometheus__Label, PROMETHEUS__LABEL__INIT);
        labels[i]->name = r->message.symbols[v[2 * i]];
        labels[i]->value = r->message.symbols[v[2 * i + 1]];
    }
    return labels;
}

static void *arena_alloc(void *ctx, size_t n)
{
    return make(ctx, 1, n);
}

static void arena_free(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

static Prometheus__TimeSeries *series_v1(struct write_request *r, const series *from)
{
    Prometheus__TimeSeries *ts = NEW(&r->arena, Prometheus__TimeSeries, PROMETHEUS__TIME_SERIES__INIT);
    ts->labels = labels_v1(r, from->labels_refs, from->n_labels_refs, &ts->n_labels);
    ts->n_samples = from->n_samples;
    ts->samples = make(&r->arena, ts->n_samples, sizeof *ts->samples);
    for (size_t i = 0; i < ts->n_samples; i++) {
        ts->samples[i] = NEW(&r->arena, Prometheus__Sample, PROMETHEUS__SAMPLE__INIT);
        memcpy(&ts->samples[i]->value, &from->samples[i]->value, sizeof(double));
        ts->samples[i]->timestamp = from->samples[i]->timestamp;
    }
    ts->n_exemplars = from->n_exemplars;
    ts->exemplars = make(&r->arena, ts->n_exemplars, sizeof *ts->exemplars);
    for (size_t i = 0; i < ts->n_exemplars; i++) {
        const Io__Prometheus__Write__V2__Exemplar *e = from->exemplars[i];
        ts->exemplars[i] = NEW(&r->arena, Prometheus__Exemplar, PROMETHEUS__EXEMPLAR__INIT);
        ts->exemplars[i]->value = e->value;
        ts->exemplars[i]->timestamp = e->timestamp;
        ts->exemplars[i]->labels =
            labels_v1(r, e->labels_refs, e->n_labels_refs, &ts->exemplars[i]->n_labels);
    }
    ts->n_histograms = from->n_histograms;
    ts->histograms = make(&r->arena, ts->n_histograms, sizeof *ts->histograms);
    ProtobufCAllocator in_arena = {arena_alloc, arena_free, &r->arena};
    for (size_t i = 0; i < ts->n_histograms; i++) { /* the two versions number the fields alike */
        uint8_t *bytes = make(
            &r->arena, io__prometheus__write__v2__histogram__get_packed_size(from->histograms[i]) + 1, 1);
        size_t n = io__prometheus__write__v2__histogram__pack(from->histograms[i], bytes);
        ts->histograms[i] = prometheus__histogram__unpack(&in_arena, n, bytes);
    }
    return ts;
}

uint8_t *write_pack_v1(struct write_request *r, size_t *n)
{
    Prometheus__WriteRequest req = PROMETHEUS__WRITE_REQUEST__INIT;
    req.n_timeseries = r->message.n_timeseries;
    req.timeseries = make(&r->arena, req.n_timeseries, sizeof *req.timeseries);
    for (size_t i = 0; i < req.n_timeseries; i++)
        req.timeseries[i] = series_v1(r, r->message.timeseries[i]);
    uint8_t *bytes = make(&r->arena, prometheus__write_request__get_packed_size(&req) + 1, 1);
    *n = prometheus__write_request__pack(&req, bytes);
    return bytes;
}
