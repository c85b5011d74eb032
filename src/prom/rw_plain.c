/* rw_plain.c: the shapes are compared byte by byte, and every length before it is believed. */
#include "prom/rw_plain.h"

#include "prom/wire.h"

/* A sample: field 2 of 16 bytes, a double and a time of six bytes (of 2004 to 2109). */
#define SAMPLE_BYTES 18u
#define REFS_BYTES_MAX 0x7fu

static bool read_sample(const uint8_t *p, struct ax_sample *out)
{
    bool shape = p[0] == 0x12 && p[1] == 0x10 && p[2] == 0x09 && p[11] == 0x10;
    if (!shape || !(p[12] & p[13] & p[14] & p[15] & p[16] & 0x80) || p[17] & 0x80)
        return false;
    struct ax_wire value = {p + 3, p + 11};
    uint64_t bits, t = (uint64_t)(p[12] & 0x7f) | (uint64_t)(p[13] & 0x7f) << 7 |
                       (uint64_t)(p[14] & 0x7f) << 14 | (uint64_t)(p[15] & 0x7f) << 21 |
                       (uint64_t)(p[16] & 0x7f) << 28 | (uint64_t)p[17] << 35;
    (void)ax_wire_fixed64(&value, &bits);
    memcpy(&out->value, &bits, sizeof bits);
    out->t_ms = (int64_t)t;
    return true;
}

bool ax_rw_plain_v1(const struct ax_rw_walk *w, struct ax_str bytes, struct ax_sample *sample,
                    struct ax_rw_series *out)
{
    if (bytes.n <= SAMPLE_BYTES || bytes.n - SAMPLE_BYTES > w->limits->key_bytes_max)
        return false;
    struct ax_str key = {bytes.p, bytes.n - SAMPLE_BYTES};
    if (!read_sample((const uint8_t *)key.p + key.n, sample))
        return false;
    *out = (struct ax_rw_series){.key = key, .samples = sample, .samples_n = 1, .unread = bytes};
    return true;
}

/* References of one or two bytes, all of them symbols; 0 when they are anything else. */
static uint32_t read_refs(const struct ax_rw_decoder *d, const uint8_t *p, const uint8_t *end)
{
    uint32_t n = 0, symbols_n = d->symbols_n, bad = 0;
    while (p < end) {
        uint32_t ref = *p++;
        if (ref & 0x80) {
            bad |= p == end || *p & 0x80;
            ref = (ref & 0x7f) | (uint32_t)*p++ << 7;
        }
        bad |= ref >= symbols_n;
        d->refs[n++] = ref;
    }
    return bad ? 0 : n;
}

/* Metadata {type = 1, help_ref = 3, unit_ref = 4}, each at most once and in this order, of numbers of one or
 * two bytes; or nothing. */
static bool read_metadata(const struct ax_rw_decoder *d, const uint8_t *p, const uint8_t *end, bool *out_any)
{
    *out_any = false;
    if (p == end)
        return true;
    if (end - p < 2 || p[0] != 0x2a || p[1] != end - p - 2)
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
        if (tag != 0x08 && v && v >= d->symbols_n)
            return false;
        *out_any |= v != 0;
        before = tag;
    }
    return p == end;
}

/* Are the texts so short that no ceiling can be near? A pair spells to its texts and 7 bytes then. */
static bool are_short(const struct ax_rw_walk *w, uint32_t refs_n)
{
    size_t any = w->d->symbols_any;
    return refs_n % 2 == 0 && refs_n / 2 <= w->limits->labels_max && any < 0x80 &&
           any <= w->limits->label_bytes_max && refs_n * (any + 4) <= w->limits->key_bytes_max;
}

bool ax_rw_plain_v2(struct ax_rw_walk *w, struct ax_str bytes, struct ax_sample *sample,
                    struct ax_rw_series *out)
{
    const uint8_t *p = (const uint8_t *)bytes.p, *end = p + bytes.n;
    if (bytes.n < 2 + SAMPLE_BYTES || p[0] != 0x0a || p[1] > bytes.n - 2 - SAMPLE_BYTES ||
        p[1] > REFS_BYTES_MAX || w->d->refs_cap <= REFS_BYTES_MAX)
        return false;
    const uint8_t *refs_end = p + 2 + p[1];
    bool metadata;
    uint32_t refs_n = read_refs(w->d, p + 2, refs_end);
    if (refs_n == 0 || !are_short(w, refs_n) || !read_sample(refs_end, sample) ||
        !read_metadata(w->d, refs_end + SAMPLE_BYTES, end, &metadata))
        return false;
    *out = (struct ax_rw_series){
        .refs = w->d->refs, .refs_n = refs_n, .samples = sample, .samples_n = 1, .has_metadata = metadata};
    return true;
}
