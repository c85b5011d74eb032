/* rw_series.c: one TimeSeries. What 1.0 and 2.0 share is here once; the two differ in how labels are
 * spelled (Label messages, references to symbols) and in the numbers of a few fields. */
#include "prom/rw_series.h"

#include "prom/histogram.h"
#include "prom/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Field numbers of a TimeSeries. */
enum { SERIES_LABELS = 1, SERIES_SAMPLES = 2, V1_EXEMPLARS = 3, V1_HISTOGRAMS = 4 };
enum { V2_HISTOGRAMS = 3, V2_EXEMPLARS = 4, V2_METADATA = 5, V2_CREATED = 6 };

/* One TimeSeries on its way. */
struct series {
    struct ax_rw_series out;
    const uint8_t *labels, *labels_end; /* 1.0: the run of label fields seen so far */
    uint32_t labels_n, samples_seen, histograms_seen;
    uint32_t starts_n;  /* 2.0: 0, or how many samples have an entry in the scratch's starts */
    int64_t created;    /* 2.0: for samples without one, as the drafts before 2.0-rc.4 sent it */
    bool copied;        /* 1.0: the labels did not stand together, so the key is a copy */
    bool pending;       /* 2.0: a name's reference waits for its value's */
    uint32_t name;      /* 2.0: that reference */
    bool refs_broken;   /* 2.0: a reference was out of range */
    bool histogram_bad; /* told at the end: unlike a fault, it does not stop the reading of labels */
    const char *fault;
    bool nomem;
};

/* Note what is wrong with a series; the first fault counts. */
static void AX_PRINTF(4, 5)
    set_fault(struct ax_rw_walk *w, struct series *s, const char *reason, const char *fmt, ...)
{
    if (s->fault)
        return;
    s->fault = reason;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(w->d->fault, sizeof w->d->fault, fmt, args);
    va_end(args);
}

/* A Sample {value = 1, timestamp = 2; in 2.0 start_timestamp = 3} in any order, absent fields zero. */
static bool read_sample_any(struct ax_str bytes, int version, struct ax_sample *out, int64_t *out_start)
{
    struct ax_wire w = ax_wire_of(bytes);
    uint64_t value = 0, t = 0, start = 0;
    uint32_t field, type;
    while (w.p < w.end) {
        bool ok;
        if (!ax_wire_tag(&w, &field, &type))
            return false;
        if (field == 1)
            ok = type == AX_WIRE_FIXED64 && ax_wire_fixed64(&w, &value);
        else if (field == 2)
            ok = type == AX_WIRE_VARINT && ax_wire_varint(&w, &t);
        else if (field == 3 && version == 2)
            ok = type == AX_WIRE_VARINT && ax_wire_varint(&w, &start);
        else
            ok = ax_wire_skip(&w, type);
        if (!ok)
            return false;
    }
    out->t_ms = (int64_t)t;
    memcpy(&out->value, &value, sizeof value);
    *out_start = (int64_t)start;
    return true;
}

/* *out_start is 0 when the sample has no start timestamp. */
static bool read_sample(struct ax_str bytes, int version, struct ax_sample *out, int64_t *out_start)
{
    struct ax_wire w = ax_wire_of(bytes);
    *out_start = 0;
    if (bytes.n > 10 && w.p[0] == 0x09 && w.p[9] == 0x10) { /* as senders write it */
        uint64_t value, t;
        w.p++;
        if (ax_wire_fixed64(&w, &value) && (w.p++, ax_wire_varint(&w, &t)) && w.p == w.end) {
            out->t_ms = (int64_t)t;
            memcpy(&out->value, &value, sizeof value);
            return true;
        }
    }
    return read_sample_any(bytes, version, out, out_start);
}

/* Append to a run of the scratch; false when there is no memory. n stays below samples_max. */
static bool push_sample(struct ax_rw_samples *run, uint32_t *n, struct ax_sample sample, uint32_t samples_max)
{
    if (*n == run->cap) {
        uint32_t cap = run->cap ? run->cap : 64;
        while (cap <= run->cap)
            cap = cap > samples_max / 2 ? samples_max : cap * 2;
        struct ax_sample *v = realloc(run->v, (size_t)cap * sizeof *v);
        if (!v)
            return false;
        run->v = v;
        run->cap = cap;
    }
    run->v[(*n)++] = sample;
    return true;
}

/* Note when the counter of sample i began. Samples before it that have no entry get one that says nothing. */
static bool set_start(struct ax_rw_walk *w, struct series *s, uint32_t i, int64_t start)
{
    struct ax_rw_starts *starts = &w->d->starts;
    if (i >= starts->cap) {
        uint32_t cap = i < 32 ? 64 : i * 2;
        int64_t *v = realloc(starts->v, (size_t)cap * sizeof *v);
        if (!v)
            return false;
        starts->v = v;
        starts->cap = cap;
    }
    while (s->starts_n <= i)
        starts->v[s->starts_n++] = 0;
    starts->v[i] = start;
    return true;
}

/* 2.0: created_timestamp of the series holds for the samples without one of their own. */
static bool spread_created(struct ax_rw_walk *w, struct series *s)
{
    bool ok = true;
    for (uint32_t i = 0; ok && s->created && i < s->out.samples_n; i++)
        if (i >= s->starts_n || w->d->starts.v[i] == 0)
            ok = set_start(w, s, i, s->created);
    return ok;
}

static bool take_sample(struct ax_rw_walk *w, struct series *s, struct ax_str bytes)
{
    struct ax_sample sample;
    int64_t start;
    if (!read_sample(bytes, w->version, &sample, &start))
        return false;
    s->samples_seen++;
    if (s->out.samples_n >= w->limits->samples_max) {
        set_fault(w, s, "limit", "more than %u samples in one series", w->limits->samples_max);
        return true;
    }
    s->nomem = ((start || s->starts_n) && !set_start(w, s, s->out.samples_n, start)) ||
               !push_sample(&w->d->samples, &s->out.samples_n, sample, w->limits->samples_max);
    return !s->nomem;
}

static bool push_histogram(struct ax_rw_histograms *run, uint32_t *n, struct ax_histogram_sample histogram)
{
    if (*n == run->cap) {
        uint32_t cap = run->cap ? run->cap * 2 : 16;
        struct ax_histogram_sample *v = realloc(run->v, (size_t)cap * sizeof *v);
        if (!v)
            return false;
        run->v = v;
        run->cap = cap;
    }
    run->v[(*n)++] = histogram;
    return true;
}

static bool take_histogram(struct ax_rw_walk *w, struct series *s, struct ax_str bytes)
{
    struct ax_histogram histogram;
    if (!ax_histogram_read(bytes, &histogram))
        return false;
    s->histograms_seen++;
    if (histogram.fault[0] && !s->histogram_bad) {
        s->histogram_bad = true;
        memcpy(w->d->histogram_fault, histogram.fault, sizeof histogram.fault);
    }
    if (s->out.histograms_n >= w->limits->samples_max) {
        set_fault(w, s, "limit", "more than %u native histograms in one series", w->limits->samples_max);
        return true;
    }
    if (w->version == 1)
        histogram.sample.start_ms = 0; /* a field of 2.0 */
    s->nomem = !push_histogram(&w->d->histograms, &s->out.histograms_n, histogram.sample);
    return !s->nomem;
}

/* Is it a well-formed Label {name = 1, value = 2}? Gives the length of the longer one. */
static bool check_label(struct ax_str bytes, size_t *out_longest)
{
    struct ax_wire w = ax_wire_of(bytes);
    uint32_t field, type;
    size_t n[3] = {0, 0, 0};
    while (w.p < w.end) {
        struct ax_str text;
        if (!ax_wire_tag(&w, &field, &type))
            return false;
        if (field > 2 && !ax_wire_skip(&w, type))
            return false;
        if (field > 2)
            continue;
        if (type != AX_WIRE_BYTES || !ax_wire_bytes(&w, &text))
            return false;
        n[field] = text.n;
    }
    *out_longest = n[1] > n[2] ? n[1] : n[2];
    return true;
}

/* An Exemplar {labels or labels_refs = 1, value = 2, timestamp = 3} is checked and counted. */
static bool check_exemplar(struct ax_rw_walk *w, struct series *s, struct ax_str bytes)
{
    struct ax_wire c = ax_wire_of(bytes);
    uint32_t field, type;
    uint64_t number, refs = 0;
    size_t longest;
    while (c.p < c.end) {
        struct ax_str inner = {NULL, 0};
        bool ok;
        if (!ax_wire_tag(&c, &field, &type))
            return false;
        if (field == 1 && w->version == 2 && type == AX_WIRE_VARINT) {
            ok = ax_wire_varint(&c, &number);
            s->refs_broken |= (uint32_t)number >= w->symbols_n;
            refs++;
        } else if (field == 1) {
            ok = type == AX_WIRE_BYTES && ax_wire_bytes(&c, &inner);
            if (ok && w->version == 1)
                ok = check_label(inner, &longest);
            for (struct ax_wire r = ax_wire_of(inner); ok && w->version == 2 && r.p < r.end; refs++) {
                ok = ax_wire_varint(&r, &number);
                s->refs_broken |= ok && (uint32_t)number >= w->symbols_n;
            }
        } else if (field == 2 || field == 3) {
            ok = type == (field == 2 ? AX_WIRE_FIXED64 : AX_WIRE_VARINT) && ax_wire_skip(&c, type);
        } else {
            ok = ax_wire_skip(&c, type);
        }
        if (!ok)
            return false;
    }
    if (s->refs_broken)
        set_fault(w, s, "refs", "an exemplar refers to a symbol that is not there (%u symbols)",
                  w->symbols_n);
    else if (refs % 2)
        set_fault(w, s, "refs", "an exemplar has an odd number of labels_refs");
    s->out.exemplars_n++;
    return true;
}

/* 1.0: extend the run of label fields by [from, to). A run that other fields interrupt is copied. */
static void extend_key(struct ax_rw_walk *w, struct series *s, const uint8_t *from, const uint8_t *to)
{
    if (!s->labels) {
        s->labels = from;
    } else if (s->copied || s->labels_end != from) {
        if (!s->copied)
            ax_buf_put(&w->d->key, s->labels, (size_t)(s->labels_end - s->labels));
        s->copied = true;
        ax_buf_put(&w->d->key, from, (size_t)(to - from));
    }
    s->labels_end = to;
}

/* 1.0: one Label field whose tag began at from. */
static bool take_label(struct ax_rw_walk *w, struct series *s, struct ax_wire *c, const uint8_t *from)
{
    struct ax_str bytes;
    size_t longest;
    if (!ax_wire_bytes(c, &bytes))
        return false;
    if (++s->labels_n > w->limits->labels_max)
        set_fault(w, s, "limit", "more than %u labels", w->limits->labels_max);
    if (bytes.n > w->limits->label_bytes_max) { /* a shorter one cannot be over the ceiling */
        if (!check_label(bytes, &longest))
            return false;
        if (longest > w->limits->label_bytes_max)
            set_fault(w, s, "limit", "a label of %zu bytes; at most %u are taken", longest,
                      w->limits->label_bytes_max);
    }
    if (!s->fault)
        extend_key(w, s, from, c->p);
    return true;
}

static bool walk_series_v1(struct ax_rw_walk *w, struct series *s, struct ax_str bytes)
{
    struct ax_wire c = ax_wire_of(bytes);
    uint32_t field, type;
    while (c.p < c.end) {
        const uint8_t *from = c.p;
        struct ax_str inner;
        if (!ax_wire_tag(&c, &field, &type))
            return false;
        if (field > V1_HISTOGRAMS) {
            if (!ax_wire_skip(&c, type))
                return false;
            continue;
        }
        if (type != AX_WIRE_BYTES)
            return false;
        if (field == SERIES_LABELS) {
            if (!take_label(w, s, &c, from))
                return false;
            continue;
        }
        if (!ax_wire_bytes(&c, &inner))
            return false;
        bool ok = field == SERIES_SAMPLES ? take_sample(w, s, inner)
                  : field == V1_EXEMPLARS ? check_exemplar(w, s, inner)
                                          : take_histogram(w, s, inner);
        if (!ok)
            return false;
    }
    if (s->copied)
        s->out.key = ax_buf_view(&w->d->key);
    else if (s->labels)
        s->out.key = (struct ax_str){(const char *)s->labels, (size_t)(s->labels_end - s->labels)};
    if (!s->fault && s->out.key.n > w->limits->key_bytes_max)
        set_fault(w, s, "limit", "%zu bytes of labels; at most %u are taken", s->out.key.n,
                  w->limits->key_bytes_max);
    return true;
}

static size_t varint_size(size_t v)
{
    return v < 0x80 ? 1 : v < 0x4000 ? 2 : v < 0x200000 ? 3 : v < 0x10000000 ? 4 : 5;
}

static uint8_t *put_varint(uint8_t *p, size_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

static uint8_t *put_text(uint8_t *p, uint8_t tag, struct ax_str s)
{
    *p++ = tag;
    p = put_varint(p, s.n);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

/* 2.0: append one pair to the key. */
static void spell_label(struct ax_rw_walk *w, struct series *s, struct ax_str name, struct ax_str value)
{
    struct ax_buf *key = &w->d->key;
    size_t longest = name.n > value.n ? name.n : value.n;
    if (++s->labels_n > w->limits->labels_max)
        set_fault(w, s, "limit", "more than %u labels", w->limits->labels_max);
    else if (longest > w->limits->label_bytes_max)
        set_fault(w, s, "limit", "a label of %zu bytes; at most %u are taken", longest,
                  w->limits->label_bytes_max);
    if (s->fault)
        return;
    size_t inner = 2 + varint_size(name.n) + name.n + varint_size(value.n) + value.n;
    size_t outer = 1 + varint_size(inner) + inner;
    if (key->n + outer > w->limits->key_bytes_max) {
        set_fault(w, s, "limit", "more than %u bytes of labels", w->limits->key_bytes_max);
        return;
    }
    if (!ax_buf_reserve(key, outer)) {
        s->nomem = true;
        return;
    }
    uint8_t *p = key->bytes + key->n;
    *p++ = 0x0a;
    p = put_varint(p, inner);
    p = put_text(p, 0x0a, name);
    (void)put_text(p, 0x12, value);
    key->n += outer;
}

/* 2.0: one reference of labels_refs: names and values in turn. */
static void take_ref(struct ax_rw_walk *w, struct series *s, uint32_t ref)
{
    if (ref >= w->symbols_n)
        set_fault(w, s, "refs", "labels_refs has %u, and there are %u symbols", ref, w->symbols_n);
    if (s->pending && !s->fault)
        spell_label(w, s, w->d->symbols[s->name], w->d->symbols[ref]);
    s->name = ref;
    s->pending = !s->pending;
}

/* 2.0: labels_refs, packed or not. */
static bool take_refs(struct ax_rw_walk *w, struct series *s, struct ax_wire *c, uint32_t type)
{
    uint64_t ref;
    struct ax_str packed;
    if (type == AX_WIRE_VARINT) {
        if (!ax_wire_varint(c, &ref))
            return false;
        take_ref(w, s, (uint32_t)ref);
        return true;
    }
    if (type != AX_WIRE_BYTES || !ax_wire_bytes(c, &packed))
        return false;
    for (struct ax_wire r = ax_wire_of(packed); r.p < r.end;) {
        if (!ax_wire_varint(&r, &ref))
            return false;
        take_ref(w, s, (uint32_t)ref);
    }
    return !s->nomem;
}

/* 2.0: Metadata {type = 1, help_ref = 3, unit_ref = 4}; a reference of 0 is none. */
static bool take_metadata(struct ax_rw_walk *w, struct series *s, struct ax_str bytes)
{
    struct ax_wire c = ax_wire_of(bytes);
    uint32_t field, type, ref[5] = {0}; /* by field number */
    while (c.p < c.end) {
        uint64_t number;
        if (!ax_wire_tag(&c, &field, &type))
            return false;
        if (field != 1 && field != 3 && field != 4) {
            if (!ax_wire_skip(&c, type))
                return false;
            continue;
        }
        if (type != AX_WIRE_VARINT || !ax_wire_varint(&c, &number))
            return false;
        ref[field] = (uint32_t)number;
    }
    s->out.has_metadata |= ref[1] || ref[3] || ref[4];
    for (field = 3; field <= 4; field++)
        if (ref[field] && ref[field] >= w->symbols_n)
            set_fault(w, s, "refs", "%s is %u, and there are %u symbols",
                      field == 3 ? "help_ref" : "unit_ref", ref[field], w->symbols_n);
    return true;
}

/* 2.0 before rc.4: created_timestamp of the whole series. */
static bool take_created(struct series *s, struct ax_wire *c)
{
    uint64_t created;
    if (!ax_wire_varint(c, &created))
        return false;
    s->created = (int64_t)created;
    return true;
}

static bool walk_series_v2(struct ax_rw_walk *w, struct series *s, struct ax_str bytes)
{
    struct ax_wire c = ax_wire_of(bytes);
    uint32_t field, type;
    while (c.p < c.end) {
        struct ax_str inner;
        bool ok;
        if (!ax_wire_tag(&c, &field, &type))
            return false;
        if (field == SERIES_LABELS)
            ok = take_refs(w, s, &c, type);
        else if (field == V2_CREATED && type == AX_WIRE_VARINT)
            ok = take_created(s, &c);
        else if (field > V2_METADATA)
            ok = ax_wire_skip(&c, type);
        else if (type != AX_WIRE_BYTES || !ax_wire_bytes(&c, &inner))
            ok = false;
        else if (field == SERIES_SAMPLES)
            ok = take_sample(w, s, inner);
        else if (field == V2_HISTOGRAMS)
            ok = take_histogram(w, s, inner);
        else if (field == V2_EXEMPLARS)
            ok = check_exemplar(w, s, inner);
        else
            ok = take_metadata(w, s, inner);
        if (!ok)
            return false;
    }
    if (s->pending)
        set_fault(w, s, "refs", "an odd number of labels_refs");
    s->out.key = ax_buf_view(&w->d->key);
    return true;
}

enum ax_err ax_rw_walk_series(struct ax_rw_walk *w, struct ax_str bytes, ax_rw_visit *visit, void *ctx,
                              struct ax_diag *diag)
{
    struct series s = {.out = {.key = {NULL, 0}}};
    ax_buf_reset(&w->d->key);
    bool ok = w->version == 1 ? walk_series_v1(w, &s, bytes) : walk_series_v2(w, &s, bytes);
    s.nomem |= ok && !spread_created(w, &s);
    if (s.nomem || w->d->key.err == AX_NOMEM)
        return ax_fail(diag, AX_NOMEM, "no memory to read a series");
    if (!ok)
        return ax_fail(diag, AX_INVALID, "not a remote-write %d.0 message: TimeSeries %llu is malformed",
                       w->version, (unsigned long long)w->stats->series + 1);
    w->spelled += w->version == 2 ? s.out.key.n : 0;
    if (w->spelled > w->limits->spelled_max)
        return ax_fail(diag, AX_LIMIT,
                       "the labels of this request are more than %llu bytes; send smaller batches",
                       (unsigned long long)w->limits->spelled_max);
    if (s.histogram_bad)
        set_fault(w, &s, "histogram", "native histogram: %s", w->d->histogram_fault);
    s.out.samples = w->d->samples.v;
    s.out.starts = s.starts_n ? w->d->starts.v : NULL;
    s.out.histograms = w->d->histograms.v;
    w->stats->series++;
    w->stats->samples += s.samples_seen;
    w->stats->histograms += s.histograms_seen;
    w->stats->exemplars += s.out.exemplars_n;
    w->stats->metadata += s.out.has_metadata;
    struct ax_rw_fault fault = {s.fault, w->d->fault};
    return visit(ctx, &s.out, s.fault ? &fault : NULL);
}
