/* rw_series.c: one TimeSeries. What 1.0 and 2.0 share is here once; the two differ in how labels are
 * spelled (Label messages, references to symbols) and in the numbers of a few fields. */
#include "prom/rw_series.h"

#include "prom/histogram.h"
#include "prom/rw_refs.h"
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
            s->refs_broken |= (uint32_t)number >= w->d->symbols_n;
            refs++;
        } else if (field == 1) {
            ok = type == AX_WIRE_BYTES && ax_wire_bytes(&c, &inner);
            if (ok && w->version == 1)
                ok = check_label(inner, &longest);
            for (struct ax_wire r = ax_wire_of(inner); ok && w->version == 2 && r.p < r.end; refs++) {
                ok = ax_wire_varint(&r, &number);
                s->refs_broken |= ok && (uint32_t)number >= w->d->symbols_n;
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
                  w->d->symbols_n);
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

/* 1.0: labels one behind another from `from` on, as long as each is shorter than 128 bytes and so below the
 * ceiling. Returns the end of the last; none is taken when there are too many. */
static const uint8_t *take_short_labels(struct ax_rw_walk *w, struct series *s, const uint8_t *from,
                                        const uint8_t *end)
{
    const uint8_t *p = from;
    uint32_t n = s->labels_n;
    if (s->fault || w->limits->label_bytes_max < 0x80)
        return from;
    for (; end - p >= 2 && p[0] == 0x0a && p[1] < 0x80 && p[1] <= end - p - 2; n++)
        p += 2 + p[1];
    if (n > w->limits->labels_max || p == from)
        return from;
    s->labels_n = n;
    extend_key(w, s, from, p);
    return p;
}

static bool walk_series_v1(struct ax_rw_walk *w, struct series *s, struct ax_str bytes)
{
    struct ax_wire c = ax_wire_of(bytes);
    uint32_t field, type;
    while (c.p < c.end) {
        const uint8_t *from = c.p = take_short_labels(w, s, c.p, c.end);
        struct ax_str inner;
        if (c.p == c.end)
            break;
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

/* 2.0: labels_refs, packed or not. */
static bool take_refs(struct ax_rw_walk *w, struct series *s, struct ax_wire *c, uint32_t type)
{
    uint32_t bad = 0, n = s->out.refs_n;
    enum ax_rw_refs_end end = ax_rw_refs_read(w->d, w->limits->labels_max, c, type, &n, &bad);
    if (!s->fault)
        s->out.refs_n = n;
    s->nomem = end == AX_RW_REFS_NOMEM;
    if (end == AX_RW_REFS_RANGE)
        set_fault(w, s, "refs", "labels_refs has %u, and there are %u symbols", bad, w->d->symbols_n);
    else if (end == AX_RW_REFS_MANY)
        set_fault(w, s, "limit", "more than %u labels", w->limits->labels_max);
    return end != AX_RW_REFS_MALFORMED && end != AX_RW_REFS_NOMEM;
}

/* 2.0: are all symbols so short that no ceiling can be near? A pair spells to its texts and 7 bytes then. */
static bool are_short(const struct ax_rw_walk *w, const struct series *s)
{
    size_t any = w->d->symbols_any;
    return any < 0x80 && any <= w->limits->label_bytes_max &&
           s->out.refs_n * (any + 4) <= w->limits->key_bytes_max;
}

/* 2.0: the ceilings on labels, when all references are there. */
static void check_refs(struct ax_rw_walk *w, struct series *s)
{
    if (s->out.refs_n % 2 == 0 && are_short(w, s))
        return;
    size_t longest, bytes = ax_rw_refs_size(w->d, w->d->refs, s->out.refs_n, &longest);
    if (s->out.refs_n % 2)
        set_fault(w, s, "refs", "an odd number of labels_refs");
    else if (longest > w->limits->label_bytes_max)
        set_fault(w, s, "limit", "a label of %zu bytes; at most %u are taken", longest,
                  w->limits->label_bytes_max);
    else if (bytes > w->limits->key_bytes_max)
        set_fault(w, s, "limit", "%zu bytes of labels; at most %u are taken", bytes,
                  w->limits->key_bytes_max);
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
        if (ref[field] && ref[field] >= w->d->symbols_n)
            set_fault(w, s, "refs", "%s is %u, and there are %u symbols",
                      field == 3 ? "help_ref" : "unit_ref", ref[field], w->d->symbols_n);
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
    check_refs(w, s);
    s->out.refs = w->d->refs;
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
                       w->version, (unsigned long long)(w->number ? w->number : w->stats->series + 1));
    if (s.histogram_bad)
        set_fault(w, &s, "histogram", "native histogram: %s", w->d->histogram_fault);
    s.out.number = w->number ? w->number : w->stats->series + 1;
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
