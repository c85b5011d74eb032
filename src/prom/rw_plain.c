/* rw_plain.c: the shapes are compared in whole words, and every length before it is believed. */
#include "prom/rw_plain.h"

/* A sample: field 2 of 16 bytes, a double and a time of six bytes (of 2004 to 2109). */
#define SAMPLE_BYTES AX_PLAIN_BEHIND
#define REFS_HEAD 2u /* field 1 of at most 127 bytes */

enum { V1_SERIES = 0x0a, V2_SERIES = 0x2a, V2_REFS = 0x0a, V2_METADATA = 0x2a };

static uint64_t word(const uint8_t *p)
{
    struct ax_wire w = {p, p + 8};
    uint64_t v;
    (void)ax_wire_fixed64(&w, &v);
    return v;
}

/* Six times seven bits, from bytes without their uppermost bit. */
static uint64_t seven_bits(uint64_t v)
{
    v = (v & 0x007f007f007f) | (v & 0x7f007f007f00) >> 1;
    return (v & 0x3fff) | (v & 0x3fff0000) >> 2 | (v & 0x3fff00000000) >> 4;
}

static bool read_sample(const uint8_t *p, struct ax_sample *out)
{
    uint64_t head = word(p), tail = word(p + 10), bits = word(p + 3);
    bool shape = (head & 0xffffff) == 0x091012 && (tail & 0xff00) == 0x1000;
    if (!shape || (tail >> 16 & 0x808080808080) != 0x008080808080)
        return false;
    memcpy(&out->value, &bits, sizeof bits);
    out->t_ms = (int64_t)seven_bits(tail >> 16 & 0x7f7f7f7f7f7f);
    return true;
}

/* The message of a field with this one-byte tag, and of less than 16 KiB. False when there is none. */
static inline bool next_message(const uint8_t *p, const uint8_t *end, uint8_t tag, struct ax_str *out)
{
    if (end - p < 3 || p[0] != tag)
        return false;
    size_t n = p[1], head = 2;
    if (n & 0x80) {
        if (p[2] & 0x80)
            return false;
        n = (n & 0x7f) | (size_t)p[2] << 7;
        head = 3;
    }
    *out = (struct ax_str){(const char *)p + head, n};
    return n <= (size_t)(end - p) - head;
}

uint32_t ax_rw_plain_v1(const struct ax_rw_walk *w, struct ax_wire *c, struct ax_plain_series *out)
{
    uint32_t n = 0;
    struct ax_str message;
    for (; n < AX_PLAIN_RUN && next_message(c->p, c->end, V1_SERIES, &message); n++) {
        const uint8_t *labels = (const uint8_t *)message.p, *end = labels + message.n;
        if (message.n <= SAMPLE_BYTES || message.n - SAMPLE_BYTES > w->limits->key_bytes_max ||
            !read_sample(end - SAMPLE_BYTES, &out[n].sample))
            break;
        out[n].labels = labels;
        out[n].labels_n = (uint32_t)(message.n - SAMPLE_BYTES);
        out[n].rest_n = SAMPLE_BYTES;
        out[n].has_metadata = false;
        c->p = end;
    }
    return n;
}

/* Metadata {type = 1, help_ref = 3, unit_ref = 4}, each at most once and in this order, of numbers of one or
 * two bytes. */
static bool read_metadata(uint32_t symbols_n, const uint8_t *p, const uint8_t *end, bool *out_any)
{
    *out_any = false;
    if (end - p < 2 || p[0] != V2_METADATA || p[1] != end - p - 2)
        return false;
    p += 2;
    for (uint8_t before = 0; end - p >= 2;) {
        uint8_t tag = *p++;
        uint32_t v = *p++;
        if (tag <= before || (tag != 0x08 && tag != 0x18 && tag != 0x20))
            return false;
        if (v & 0x80) {
            if (p == end || *p & 0x80)
                return false;
            v = (v & 0x7f) | (uint32_t)*p++ << 7;
        }
        if (tag != 0x08 && v && v >= symbols_n)
            return false;
        *out_any |= v != 0;
        before = tag;
    }
    return p == end;
}

uint32_t ax_rw_plain_v2(const struct ax_rw_walk *w, struct ax_wire *c, struct ax_plain_series *out)
{
    uint32_t n = 0;
    struct ax_str message;
    for (; n < AX_PLAIN_RUN && next_message(c->p, c->end, V2_SERIES, &message); n++) {
        const uint8_t *p = (const uint8_t *)message.p, *end = p + message.n;
        if (message.n < REFS_HEAD + SAMPLE_BYTES || p[0] != V2_REFS || p[1] & 0x80 ||
            p[1] > message.n - REFS_HEAD - SAMPLE_BYTES)
            break;
        const uint8_t *sample = p + REFS_HEAD + p[1];
        out[n].has_metadata = false;
        if (!read_sample(sample, &out[n].sample) ||
            (sample + SAMPLE_BYTES != end &&
             !read_metadata(w->d->symbols_n, sample + SAMPLE_BYTES, end, &out[n].has_metadata)))
            break;
        out[n].labels = p + REFS_HEAD;
        out[n].labels_n = p[1];
        out[n].rest_n = (uint16_t)(end - sample);
        c->p = end;
    }
    return n;
}

struct ax_str ax_rw_plain_message(int version, const struct ax_plain_series *s)
{
    size_t head = version == 2 ? REFS_HEAD : 0;
    return (struct ax_str){(const char *)s->labels - head, head + s->labels_n + s->rest_n};
}
