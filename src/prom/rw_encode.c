/* rw_encode.c: remote-write requests, and a symbol table by hash. */
#include "prom/rw_encode.h"

#include "base/assert.h"
#include "base/hash.h"
#include "prom/wire_put.h"

#include <snappy-c.h>
#include <stdlib.h>

struct ax_rw_symbol {
    struct ax_str text; /* points into a run's key */
    uint64_t hash;
};

struct ax_rw_headers ax_rw_headers(int version)
{
    if (version == 2)
        return (struct ax_rw_headers){"application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy",
                                      "2.0.0"};
    return (struct ax_rw_headers){"application/x-protobuf", "snappy", "0.1.0"};
}

void ax_rw_encoder_init(struct ax_rw_encoder *e, size_t bytes_max)
{
    *e = (struct ax_rw_encoder){0};
    ax_buf_init(&e->body, bytes_max);
    ax_buf_init(&e->series, bytes_max);
    ax_buf_init(&e->refs, bytes_max);
}

void ax_rw_encoder_done(struct ax_rw_encoder *e)
{
    ax_buf_done(&e->body);
    ax_buf_done(&e->series);
    ax_buf_done(&e->refs);
    free(e->symbols);
    free(e->slots);
    e->symbols = NULL;
    e->slots = NULL;
    e->symbols_n = e->symbols_cap = e->slots_n = 0;
}

/* Read a length-delimited field of this number. */
static bool read_field(struct ax_wire *w, uint32_t number, struct ax_str *out)
{
    uint32_t field, type;
    return ax_wire_tag(w, &field, &type) && field == number && type == AX_WIRE_BYTES && ax_wire_bytes(w, out);
}

/* Next pair of a key; false at its end and, with *bad set, when the bytes are no key. */
static bool next_pair(struct ax_wire *key, struct ax_str *name, struct ax_str *value, bool *bad)
{
    struct ax_str pair;
    if (ax_wire_left(key) == 0)
        return false;
    *bad = !read_field(key, 1, &pair);
    if (*bad)
        return false;
    struct ax_wire in_pair = ax_wire_of(pair);
    *bad = !read_field(&in_pair, 1, name) || !read_field(&in_pair, 2, value) || ax_wire_left(&in_pair);
    return !*bad;
}

static enum ax_err write_v1(struct ax_rw_encoder *e, const struct ax_rw_run *runs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct ax_str name, value;
        struct ax_wire key = ax_wire_of(runs[i].key);
        bool bad = false;
        while (next_pair(&key, &name, &value, &bad))
            continue;
        if (bad)
            return AX_INVALID;
        ax_wire_put_tag(&e->body, 1, AX_WIRE_BYTES);
        ax_wire_put_varint(&e->body,
                           runs[i].key.n + ax_wire_samples_size(runs[i].samples, runs[i].samples_n));
        ax_buf_str(&e->body, runs[i].key);
        ax_wire_put_samples(&e->body, runs[i].samples, runs[i].samples_n);
    }
    return e->body.err;
}

/* Twice the room for symbols, with slots for a load of at most one half. */
static bool grow_symbols(struct ax_rw_encoder *e)
{
    uint32_t cap = e->symbols_cap ? e->symbols_cap * 2 : 256;
    struct ax_rw_symbol *symbols = realloc(e->symbols, cap * sizeof *symbols);
    if (!symbols)
        return false;
    e->symbols = symbols;
    uint32_t *slots = calloc(2 * (size_t)cap, sizeof *slots);
    if (!slots)
        return false;
    free(e->slots);
    e->slots = slots;
    e->slots_n = 2 * cap;
    e->symbols_cap = cap;
    for (uint32_t i = 0; i < e->symbols_n; i++) {
        uint32_t at = (uint32_t)(symbols[i].hash & (e->slots_n - 1));
        while (slots[at])
            at = (at + 1) & (e->slots_n - 1);
        slots[at] = i + 1;
    }
    return true;
}

/* Index of a text in the table, added (and written to body) when new; UINT32_MAX when out of memory. */
static uint32_t symbol(struct ax_rw_encoder *e, struct ax_str text)
{
    if (e->symbols_n == e->symbols_cap && !grow_symbols(e))
        return UINT32_MAX;
    uint64_t hash = ax_hash64(text.p, text.n, 0);
    uint32_t at = (uint32_t)(hash & (e->slots_n - 1));
    for (; e->slots[at]; at = (at + 1) & (e->slots_n - 1)) {
        const struct ax_rw_symbol *s = &e->symbols[e->slots[at] - 1];
        if (s->hash == hash && ax_str_eq(s->text, text))
            return e->slots[at] - 1;
    }
    e->symbols[e->symbols_n] = (struct ax_rw_symbol){text, hash};
    e->slots[at] = e->symbols_n + 1;
    ax_wire_put_bytes(&e->body, 4, text);
    return e->symbols_n++;
}

/* The run's labels as packed references into refs. */
static enum ax_err put_refs(struct ax_rw_encoder *e, struct ax_str key)
{
    struct ax_str name, value;
    struct ax_wire pairs = ax_wire_of(key);
    bool bad = false;
    ax_buf_reset(&e->refs);
    while (next_pair(&pairs, &name, &value, &bad)) {
        uint32_t name_ref = symbol(e, name), value_ref = symbol(e, value);
        if (name_ref == UINT32_MAX || value_ref == UINT32_MAX)
            return AX_NOMEM;
        ax_wire_put_varint(&e->refs, name_ref);
        ax_wire_put_varint(&e->refs, value_ref);
    }
    return bad ? AX_INVALID : e->refs.err;
}

static enum ax_err write_v2(struct ax_rw_encoder *e, const struct ax_rw_run *runs, uint32_t n)
{
    e->symbols_n = 0;
    if (e->slots)
        memset(e->slots, 0, e->slots_n * sizeof *e->slots);
    ax_buf_reset(&e->series);
    if (symbol(e, (struct ax_str){"", 0}) == UINT32_MAX)
        return AX_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        enum ax_err err = put_refs(e, runs[i].key);
        if (err != AX_OK)
            return err;
        size_t labels = e->refs.n ? 1 + ax_wire_varint_size(e->refs.n) + e->refs.n : 0;
        ax_wire_put_tag(&e->series, 5, AX_WIRE_BYTES);
        ax_wire_put_varint(&e->series, labels + ax_wire_samples_size(runs[i].samples, runs[i].samples_n));
        if (e->refs.n)
            ax_wire_put_bytes(&e->series, 1, ax_buf_view(&e->refs));
        ax_wire_put_samples(&e->series, runs[i].samples, runs[i].samples_n);
    }
    if (e->series.err != AX_OK)
        return e->series.err;
    ax_buf_str(&e->body, ax_buf_view(&e->series));
    return e->body.err;
}

static enum ax_err compress(struct ax_str body, struct ax_buf *out)
{
    size_t n = snappy_max_compressed_length(body.n);
    if (!ax_buf_reserve(out, n)) {
        enum ax_err err = out->err;
        out->err = AX_OK;
        return err;
    }
    snappy_status status = snappy_compress(body.n ? body.p : "", body.n, (char *)out->bytes + out->n, &n);
    AX_ASSERT(status == SNAPPY_OK);
    out->n += n;
    return AX_OK;
}

enum ax_err ax_rw_encode(struct ax_rw_encoder *e, int version, const struct ax_rw_run *runs, uint32_t n,
                         struct ax_buf *out)
{
    AX_ASSERT(version == 1 || version == 2);
    ax_buf_reset(&e->body);
    enum ax_err err = version == 1 ? write_v1(e, runs, n) : write_v2(e, runs, n);
    return err == AX_OK ? compress(ax_buf_view(&e->body), out) : err;
}
