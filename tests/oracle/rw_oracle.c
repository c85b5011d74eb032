/* rw_oracle.c: see rw_oracle.h. Where the two may differ is said in excused(). */
#include "rw_oracle.h"

#include "histogram_oracle.h"
#include "odd_tags.h"
#include "prom/labels.h"
#include "prom/wire.h"
#include "proto/remote_write_v1.pb-c.h"
#include "proto/remote_write_v2.pb-c.h"

#include <stdlib.h>

#define ARENA_MAX (256u << 20)

struct compare {
    const Prometheus__WriteRequest *v1; /* one of the two, or none when protobuf-c refuses */
    const Io__Prometheus__Write__V2__Request *v2;
    struct ax_rw_decoder *decoder;
    struct ax_arena arena;
    struct ax_rw_stats stats;
    int version;
    size_t at;
    bool malformed; /* the inside of a label, which the decoder leaves to the reader of keys */
    const char *differ;
};

static struct ax_str view(ProtobufCBinaryData b)
{
    return (struct ax_str){(const char *)b.data, b.len};
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* The labels of a series in canonical form; the error when there is none. */
static void same_labels(struct compare *c, struct ax_str key, struct ax_label *v, uint32_t n)
{
    struct ax_labels ours;
    struct ax_diag diag = {{0}};
    enum ax_err err = ax_labels_key_parse(key, &c->arena, &ours, &diag);
    if (err == AX_INVALID && ends_with(diag.text, " is not well-formed protobuf")) {
        c->malformed = true;
        return;
    }
    if (!c->v1 && !c->v2)
        return;
    if (err != ax_labels_canonical(v, &n, NULL)) {
        c->differ = "one finds the labels acceptable";
        return;
    }
    struct ax_labels theirs = {n, v};
    if (err == AX_OK && !ax_labels_eq(&ours, &theirs))
        c->differ = "labels";
}

static bool same_sample(struct ax_sample a, double value, int64_t t_ms)
{
    return a.t_ms == t_ms && ax_double_bits(a.value) == ax_double_bits(value);
}

static bool same_histogram(struct ax_histogram_sample h, double sum, int64_t t_ms, int64_t start_ms)
{
    return h.t_ms == t_ms && h.start_ms == start_ms && h.ended == ax_is_stale(sum);
}

static void same_v1(struct compare *c, const struct ax_rw_series *s, const struct ax_rw_fault *fault)
{
    const Prometheus__TimeSeries *ts = c->v1->timeseries[c->at];
    bool ok = true;
    for (size_t i = 0; i < ts->n_histograms; i++)
        ok = ok && histogram_oracle_v1(ts->histograms[i]);
    if (ok != !fault)
        c->differ = "whether the histograms are good";
    if (s->samples_n != ts->n_samples || s->histograms_n != ts->n_histograms ||
        s->exemplars_n != ts->n_exemplars) {
        c->differ = "numbers of samples, histograms or exemplars";
        return;
    }
    for (uint32_t i = 0; i < s->samples_n; i++)
        if (!same_sample(s->samples[i], ts->samples[i]->value, ts->samples[i]->timestamp))
            c->differ = "a sample";
    for (uint32_t i = 0; i < s->histograms_n; i++)
        if (!same_histogram(s->histograms[i], ts->histograms[i]->sum, ts->histograms[i]->timestamp, 0))
            c->differ = "a histogram";
    if (!ok)
        return;
    struct ax_label *v = ax_arena_array(&c->arena, ts->n_labels, sizeof *v);
    for (size_t i = 0; i < ts->n_labels; i++)
        v[i] = (struct ax_label){view(ts->labels[i]->name), view(ts->labels[i]->value)};
    same_labels(c, s->key, v, (uint32_t)ts->n_labels);
}

static bool refs_ok(const uint32_t *refs, size_t n, size_t symbols)
{
    for (size_t i = 0; i < n; i++)
        if (refs[i] >= symbols)
            return false;
    return n % 2 == 0;
}

static bool metadata_ref_ok(uint32_t ref, size_t symbols)
{
    return ref == 0 || ref < symbols;
}

/* Field 6 of a series, which the schema does not have any more; 0 when it is not there. */
static int64_t created_of(const ProtobufCMessage *series)
{
    uint64_t created = 0;
    for (unsigned i = 0; i < series->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *f = &series->unknown_fields[i];
        if (f->tag != 6 || f->wire_type != PROTOBUF_C_WIRE_TYPE_VARINT)
            continue;
        created = 0;
        for (size_t k = 0; k < f->len; k++)
            created |= (uint64_t)(f->data[k] & 0x7f) << 7 * k;
    }
    return (int64_t)created;
}

static bool same_starts(const struct ax_rw_series *s, const Io__Prometheus__Write__V2__TimeSeries *ts)
{
    int64_t created = created_of(&ts->base);
    for (uint32_t i = 0; i < s->samples_n; i++) {
        int64_t want = ts->samples[i]->start_timestamp ? ts->samples[i]->start_timestamp : created;
        if ((s->starts ? s->starts[i] : 0) != want)
            return false;
    }
    return true;
}

static void same_v2(struct compare *c, const struct ax_rw_series *s, const struct ax_rw_fault *fault)
{
    const Io__Prometheus__Write__V2__TimeSeries *ts = c->v2->timeseries[c->at];
    size_t symbols = c->v2->n_symbols;
    bool ok = refs_ok(ts->labels_refs, ts->n_labels_refs, symbols);
    for (size_t i = 0; i < ts->n_exemplars; i++)
        ok = ok && refs_ok(ts->exemplars[i]->labels_refs, ts->exemplars[i]->n_labels_refs, symbols);
    bool metadata = false;
    for (size_t i = 0; i < ts->n_metadata; i++) {
        const Io__Prometheus__Write__V2__Metadata *m = ts->metadata[i];
        metadata = metadata || m->type || m->help_ref || m->unit_ref;
        ok = ok && metadata_ref_ok(m->help_ref, symbols) && metadata_ref_ok(m->unit_ref, symbols);
    }
    for (size_t i = 0; i < ts->n_histograms; i++)
        ok = ok && histogram_oracle_v2(ts->histograms[i]);
    if (ok != !fault)
        c->differ = "whether the references and histograms are good";
    if (s->samples_n != ts->n_samples || s->histograms_n != ts->n_histograms ||
        s->exemplars_n != ts->n_exemplars || s->has_metadata != metadata) {
        c->differ = "numbers of samples, histograms, exemplars or metadata";
        return;
    }
    for (uint32_t i = 0; i < s->samples_n; i++)
        if (!same_sample(s->samples[i], ts->samples[i]->value, ts->samples[i]->timestamp))
            c->differ = "a sample";
    if (!same_starts(s, ts))
        c->differ = "a start timestamp";
    for (uint32_t i = 0; i < s->histograms_n; i++)
        if (!same_histogram(s->histograms[i], ts->histograms[i]->sum, ts->histograms[i]->timestamp,
                            ts->histograms[i]->start_timestamp))
            c->differ = "a histogram";
    for (size_t i = 0; ok && i < ts->n_histograms; i++) {
        struct ax_float_histogram value;
        if (ax_float_histogram_read(s->histograms[i].message, &c->arena, &value) == AX_OK &&
            !histogram_oracle_value_v2(ts->histograms[i], &value))
            c->differ = "what is in a histogram";
    }
    if (!ok)
        return;
    size_t n = ts->n_labels_refs / 2;
    struct ax_label *v = ax_arena_array(&c->arena, n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = (struct ax_label){view(c->v2->symbols[ts->labels_refs[2 * i]]),
                                 view(c->v2->symbols[ts->labels_refs[2 * i + 1]])};
    struct ax_str key;
    if (ax_rw_spell(c->decoder, s->refs, s->refs_n, &key, NULL) != AX_OK)
        c->differ = "a key cannot be spelled";
    else
        same_labels(c, key, v, (uint32_t)n);
}

static const struct ax_rw_limits limits = {UINT32_MAX, UINT32_MAX, UINT32_MAX,
                                           UINT32_MAX, UINT32_MAX, UINT64_MAX};

static enum ax_err visit(void *ctx, const struct ax_rw_series *s, const struct ax_rw_fault *fault)
{
    struct compare *c = ctx;
    if (s->number != c->at + 1)
        c->differ = "the number of a series";
    ax_arena_reset(&c->arena);
    if (!c->v1 && !c->v2) {
        same_labels(c, s->key, NULL, 0);
    } else if (c->at >= (c->v1 ? c->v1->n_timeseries : c->v2->n_timeseries)) {
        c->differ = "more series than protobuf-c";
    } else if (c->v1) {
        same_v1(c, s, fault);
    } else {
        same_v2(c, s, fault);
    }
    c->at++;
    return c->differ ? AX_CONFLICT : AX_OK;
}

/* No series is known by its labels. */
static enum ax_err take_none(void *ctx, const struct ax_plain_series *v, uint32_t n, uint32_t *unread)
{
    (void)ctx;
    (void)v;
    *unread = UINT32_MAX >> (AX_PLAIN_RUN - n);
    return AX_OK;
}

/* The references of a plain 2.0 series, if they are well-formed and all symbols. */
static bool read_refs(const struct compare *c, const struct ax_plain_series *s, struct ax_rw_series *out)
{
    static uint32_t refs[128];
    struct ax_wire w = {s->labels, s->labels + s->labels_n};
    uint64_t ref;
    for (out->refs_n = 0; w.p < w.end; refs[out->refs_n++] = (uint32_t)ref)
        if (out->refs_n == 128 || !ax_wire_varint(&w, &ref) || (uint32_t)ref >= c->decoder->symbols_n)
            return false;
    out->refs = refs;
    return out->refs_n % 2 == 0;
}

/* As if each were known whose labels can be the labels of a series. As many are taken as stand in front, so
 * that what is read comes in its order here. */
static enum ax_err take_some(void *ctx, const struct ax_plain_series *v, uint32_t n, uint32_t *unread)
{
    struct compare *c = ctx;
    *unread = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct ax_rw_series s = {
            .samples = &v[i].sample, .samples_n = 1, .has_metadata = v[i].has_metadata, .number = c->at + 1};
        struct ax_labels ls;
        s.key = (struct ax_str){(const char *)v[i].labels, v[i].labels_n};
        ax_arena_reset(&c->arena);
        if (*unread || (c->version == 1 ? ax_labels_key_parse(s.key, &c->arena, &ls, NULL) != AX_OK
                                        : !read_refs(c, &v[i], &s)))
            *unread |= 1u << i;
        else if (visit(c, &s, NULL) != AX_OK)
            return AX_CONFLICT;
    }
    return AX_OK;
}

static bool has_unknown(const ProtobufCMessage *m, uint32_t tag)
{
    for (unsigned i = 0; i < m->n_unknown_fields; i++)
        if (m->unknown_fields[i].tag == tag &&
            m->unknown_fields[i].wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            return true;
    return false;
}

/* May the decoder refuse what protobuf-c takes? On purpose: a message of the other version, a first symbol
 * that is not empty; and tags that no encoder writes. */
static bool excused(const struct compare *c, const uint8_t *p, size_t n)
{
    if (c->v1 && c->v1->n_timeseries == 0 && c->v1->n_metadata == 0 && has_unknown(&c->v1->base, 5))
        return true;
    if (c->v2 && c->v2->n_symbols == 0 && c->v2->n_timeseries == 0 && has_unknown(&c->v2->base, 1))
        return true;
    if (c->v2 && c->v2->n_symbols && c->v2->symbols[0].len)
        return true;
    return oracle_odd_tags(p, n);
}

/* Decode, and compare with what protobuf-c makes of the same bytes. */
static const char *compare(struct ax_rw_decoder *d, const Prometheus__WriteRequest *v1,
                           const Io__Prometheus__Write__V2__Request *v2, int version, const uint8_t *bytes,
                           size_t n)
{
    struct compare c = {.decoder = d, .v1 = v1, .v2 = v2, .version = version};
    ax_arena_init(&c.arena, ARENA_MAX);
    enum ax_err err =
        ax_rw_decode(d, version, (struct ax_str){(const char *)bytes, n}, &limits, visit, &c, &c.stats, NULL);
    bool taken = err == AX_OK && !c.malformed, theirs = v1 || v2;
    if (!c.differ && taken && !theirs)
        c.differ = "protobuf-c refuses it";
    if (!c.differ && !taken && theirs && !excused(&c, bytes, n))
        c.differ = "the decoder refuses it";
    if (!c.differ && taken && c.at != (v1 ? v1->n_timeseries : v2->n_timeseries))
        c.differ = "fewer series than protobuf-c";
    if (!c.differ && taken && c.at != c.stats.series)
        c.differ = "series in the stats";
    if (!c.differ && taken && v1 && c.stats.metadata != v1->n_metadata)
        c.differ = "metadata";
    ax_arena_done(&c.arena);
    return c.differ;
}

const char *rw_oracle_compare(struct ax_rw_decoder *d, int version, const uint8_t *bytes, size_t n)
{
    Prometheus__WriteRequest *v1 = NULL;
    Io__Prometheus__Write__V2__Request *v2 = NULL;
    if (version == 1)
        v1 = prometheus__write_request__unpack(NULL, n, bytes);
    else
        v2 = io__prometheus__write__v2__request__unpack(NULL, n, bytes);
    ax_rw_take_plain *const takers[] = {NULL, take_none, take_some}; /* it comes out the same */
    const char *differ = NULL;
    for (int i = 0; i < 3 && !differ; i++) {
        d->take_plain = takers[i];
        differ = compare(d, v1, v2, version, bytes, n);
    }
    d->take_plain = NULL;
    if (v1)
        prometheus__write_request__free_unpacked(v1, NULL);
    if (v2)
        io__prometheus__write__v2__request__free_unpacked(v2, NULL);
    return differ;
}
