/* rw_decode.c: the outermost message of a remote-write request, 1.0 and 2.0; its series are read by
 * rw_series.c. */
#include "prom/rw_decode.h"

#include "prom/rw_plain.h"
#include "prom/rw_series.h"
#include "prom/wire.h"

#include <stdlib.h>

/* Field numbers. */
enum { V1_TIMESERIES = 1, V1_METADATA = 3, V2_SYMBOLS = 4, V2_TIMESERIES = 5 };
enum { V2_SYMBOL_TAG = 0x22, V2_SERIES_TAG = 0x2a };

static enum ax_err malformed(const struct ax_rw_walk *w, struct ax_diag *diag)
{
    return ax_fail(diag, AX_INVALID, "not a remote-write %d.0 message: malformed protobuf", w->version);
}

/* The message of the other version decodes to an empty one: say so instead of losing it. */
static enum ax_err other_version(const struct ax_rw_walk *w, struct ax_diag *diag)
{
    return ax_fail(
        diag, AX_INVALID,
        "this is a remote-write %d.0 message, sent with the Content-Type of %d.0: set the sender's "
        "Content-Type to match",
        3 - w->version, w->version);
}

/* 1.0: MetricMetadata {type = 1, metric_family_name = 2, help = 4, unit = 5}, counted. */
static bool check_metadata_v1(struct ax_str bytes)
{
    struct ax_wire c = ax_wire_of(bytes);
    uint32_t field, type;
    while (c.p < c.end) {
        if (!ax_wire_tag(&c, &field, &type) || (field == 1 && type != AX_WIRE_VARINT) ||
            ((field == 2 || field == 4 || field == 5) && type != AX_WIRE_BYTES) || !ax_wire_skip(&c, type))
            return false;
    }
    return true;
}

/* Who gets what the walk finds. */
struct taker {
    ax_rw_visit *visit;
    void *ctx;
};

/* Offer plain series, and read those that are not taken. */
static enum ax_err offer(struct ax_rw_walk *w, uint32_t n, struct taker to, struct ax_diag *diag)
{
    struct ax_rw_decoder *d = w->d;
    uint64_t before = w->stats->series;
    uint32_t unread = 0;
    enum ax_err err = d->take_plain(to.ctx, d->plain, n, &unread);
    w->stats->series += n;
    w->stats->samples += n;
    for (uint32_t i = 0; i < n && w->version == 2; i++)
        w->stats->metadata += d->plain[i].has_metadata;
    for (; unread && err == AX_OK; unread &= unread - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(unread);
        w->number = before + i + 1;
        w->stats->series--; /* it is counted when it is read */
        w->stats->samples--;
        w->stats->metadata -= d->plain[i].has_metadata;
        err = ax_rw_walk_series(w, ax_rw_plain_message(w->version, &d->plain[i]), to.visit, to.ctx, diag);
    }
    w->number = 0;
    return err;
}

static enum ax_err walk_v1(struct ax_rw_walk *w, struct ax_str body, struct taker to, struct ax_diag *diag)
{
    bool known = false, foreign = false;
    uint32_t field, type;
    enum ax_err err = AX_OK;
    for (struct ax_wire c = ax_wire_of(body); err == AX_OK && c.p < c.end;) {
        struct ax_str inner;
        uint32_t plain = w->d->take_plain ? ax_rw_plain_v1(w, &c, w->d->plain) : 0;
        if (plain) {
            known = true;
            err = offer(w, plain, to, diag);
            continue;
        }
        if (!ax_wire_tag(&c, &field, &type))
            return malformed(w, diag);
        if (field != V1_TIMESERIES && field != V1_METADATA) {
            foreign |= field == V2_TIMESERIES && type == AX_WIRE_BYTES;
            if (!ax_wire_skip(&c, type))
                return malformed(w, diag);
            continue;
        }
        known = true;
        if (type != AX_WIRE_BYTES || !ax_wire_bytes(&c, &inner))
            return malformed(w, diag);
        if (field == V1_METADATA) {
            if (!check_metadata_v1(inner))
                return malformed(w, diag);
            w->stats->metadata++;
            continue;
        }
        err = ax_rw_walk_series(w, inner, to.visit, to.ctx, diag);
    }
    return err == AX_OK && foreign && !known ? other_version(w, diag) : err;
}

static enum ax_err add_symbol(struct ax_rw_walk *w, struct ax_str symbol, struct ax_diag *diag)
{
    struct ax_rw_decoder *d = w->d;
    uint32_t most = w->limits->symbols_max;
    if (d->symbols_n == most)
        return ax_fail(diag, AX_LIMIT, "more than %u symbols in one request; send smaller batches", most);
    if (d->symbols_n >= d->symbols_cap) {
        uint32_t cap = d->symbols_cap ? d->symbols_cap : 1024;
        while (cap <= d->symbols_n)
            cap = cap > most / 2 ? most : cap * 2;
        struct ax_str *symbols = realloc(d->symbols, cap * sizeof *symbols);
        if (!symbols)
            return ax_fail(diag, AX_NOMEM, "no memory for %u symbols", cap);
        d->symbols = symbols;
        d->symbols_cap = cap;
    }
    d->symbols[d->symbols_n++] = symbol;
    d->symbols_any |= symbol.n;
    return AX_OK;
}

/* Symbols one behind another that are as most are, as long as there is room for them. */
static void add_short_symbols(struct ax_rw_decoder *d, struct ax_wire *c, uint32_t most)
{
    uint32_t n = d->symbols_n, room = d->symbols_cap < most ? d->symbols_cap : most;
    size_t any = d->symbols_any;
    const uint8_t *p = c->p;
    for (; n < room && c->end - p >= 2 && p[0] == V2_SYMBOL_TAG && p[1] < 0x80 && p[1] <= c->end - p - 2;
         n++) {
        d->symbols[n] = (struct ax_str){(const char *)p + 2, p[1]};
        any |= p[1];
        p += 2 + p[1];
    }
    d->symbols_n = n;
    d->symbols_any = any;
    c->p = p;
}

/* Pass over series of less than 16 KiB, one behind another. */
static bool pass_series(struct ax_wire *c)
{
    const uint8_t *p = c->p, *end = c->end;
    while (end - p >= 3 && p[0] == V2_SERIES_TAG) {
        size_t n = p[1], head = 2;
        if (n & 0x80) {
            n = (n & 0x7f) | (size_t)p[2] << 7;
            head = 3;
        }
        if ((head == 3 && p[2] & 0x80) || n > (size_t)(end - p) - head)
            break;
        p += head + n;
    }
    bool any = p != c->p;
    c->p = p;
    return any;
}

/* First pass over 2.0: symbols, and that the outermost fields are well-formed. *out_rest begins behind the
 * symbols that the message begins with. */
static enum ax_err read_symbols(struct ax_rw_walk *w, struct ax_str body, struct ax_wire *out_rest,
                                struct ax_diag *diag)
{
    bool known = false, foreign = false, leading = true;
    uint32_t field, type;
    *out_rest = ax_wire_of(body);
    for (struct ax_wire c = ax_wire_of(body); c.p < c.end;) {
        struct ax_str inner;
        add_short_symbols(w->d, &c, w->limits->symbols_max);
        if (leading)
            *out_rest = c;
        bool series = pass_series(&c);
        known |= series || w->d->symbols_n;
        if (c.p == c.end)
            break;
        if (!ax_wire_tag(&c, &field, &type))
            return malformed(w, diag);
        bool symbol = field == V2_SYMBOLS;
        leading = leading && symbol && !series;
        bool ours = symbol || field == V2_TIMESERIES;
        known |= ours;
        foreign |= field == V1_TIMESERIES && type == AX_WIRE_BYTES;
        if (ours ? type != AX_WIRE_BYTES || !ax_wire_bytes(&c, &inner) : !ax_wire_skip(&c, type))
            return malformed(w, diag);
        enum ax_err err = symbol ? add_symbol(w, inner, diag) : AX_OK;
        if (err != AX_OK)
            return err;
    }
    if (foreign && !known)
        return other_version(w, diag);
    if (w->d->symbols_n && w->d->symbols[0].n)
        return ax_fail(diag, AX_INVALID,
                       "not a remote-write 2.0 message: its first symbol is not the empty string");
    return AX_OK;
}

static enum ax_err walk_v2(struct ax_rw_walk *w, struct ax_str body, struct taker to, struct ax_diag *diag)
{
    struct ax_wire c;
    enum ax_err err = read_symbols(w, body, &c, diag);
    uint32_t field, type;
    while (err == AX_OK && c.p < c.end) {
        struct ax_str inner;
        uint32_t plain = w->d->take_plain ? ax_rw_plain_v2(w, &c, w->d->plain) : 0;
        if (plain)
            err = offer(w, plain, to, diag);
        else if (!ax_wire_tag(&c, &field, &type) ||
                 (field == V2_TIMESERIES ? !ax_wire_bytes(&c, &inner) : !ax_wire_skip(&c, type)))
            return malformed(w, diag);
        else if (field == V2_TIMESERIES)
            err = ax_rw_walk_series(w, inner, to.visit, to.ctx, diag);
    }
    return err;
}

enum ax_err ax_rw_decode(struct ax_rw_decoder *d, int version, struct ax_str body,
                         const struct ax_rw_limits *limits, ax_rw_visit *visit, void *ctx,
                         struct ax_rw_stats *out_stats, struct ax_diag *diag)
{
    *out_stats = (struct ax_rw_stats){0};
    d->symbols_n = 0;
    d->symbols_any = 0;
    d->spelled = 0;
    d->spelled_max = limits->spelled_max;
    /* Labels under the ceiling are copied before the whole key is measured, so the key may exceed its. */
    d->key.bytes_max = body.n > limits->key_bytes_max ? body.n : limits->key_bytes_max;
    struct ax_rw_walk w = {.d = d, .limits = limits, .stats = out_stats, .version = version};
    struct taker to = {visit, ctx};
    return version == 1 ? walk_v1(&w, body, to, diag) : walk_v2(&w, body, to, diag);
}

void ax_rw_decoder_done(struct ax_rw_decoder *d)
{
    free(d->samples.v);
    free(d->histograms.v);
    free(d->starts.v);
    free(d->symbols);
    free(d->refs);
    ax_buf_done(&d->key);
    *d = (struct ax_rw_decoder){0};
}
