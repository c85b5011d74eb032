/* rw_refs.c: references are kept as numbers; a key is spelled from them only where somebody needs the text.
 */
#include "prom/rw_refs.h"

#include <stdlib.h>

/* Room for `more` references behind n of them, though never for more than labels_max pairs. */
static bool reserve(struct ax_rw_decoder *d, uint32_t n, size_t more, uint32_t labels_max)
{
    uint64_t most = 2 * (uint64_t)labels_max, need = n + (uint64_t)more;
    need = need < most ? need : most;
    if (need <= d->refs_cap)
        return true;
    uint64_t cap = d->refs_cap ? d->refs_cap : 256;
    while (cap < need)
        cap *= 2;
    cap = cap < UINT32_MAX ? cap : UINT32_MAX;
    uint32_t *refs = realloc(d->refs, cap * sizeof *refs);
    if (!refs)
        return false;
    d->refs = refs;
    d->refs_cap = (uint32_t)cap;
    return need <= cap;
}

/* The end that a bad reference makes; the references behind it need only be well-formed. */
static enum ax_rw_refs_end pass(struct ax_wire *c, enum ax_rw_refs_end end)
{
    uint64_t ref;
    while (c->p < c->end)
        if (!ax_wire_varint(c, &ref))
            return AX_RW_REFS_MALFORMED;
    return end;
}

enum ax_rw_refs_end ax_rw_refs_read(struct ax_rw_decoder *d, uint32_t labels_max, struct ax_wire *c,
                                    uint32_t type, uint32_t *n, uint32_t *out_bad)
{
    struct ax_str bytes;
    const uint8_t *from = c->p;
    uint64_t ref, most = 2 * (uint64_t)labels_max;
    if (type == AX_WIRE_VARINT) {
        if (!ax_wire_varint(c, &ref))
            return AX_RW_REFS_MALFORMED;
        bytes = (struct ax_str){(const char *)from, (size_t)(c->p - from)};
    } else if (type != AX_WIRE_BYTES || !ax_wire_bytes(c, &bytes)) {
        return AX_RW_REFS_MALFORMED;
    }
    if (!reserve(d, *n, bytes.n, labels_max))
        return AX_RW_REFS_NOMEM;
    uint32_t k = *n, *refs = d->refs;
    for (struct ax_wire r = ax_wire_of(bytes); r.p < r.end; refs[k++] = (uint32_t)ref) {
        if (!ax_wire_varint(&r, &ref))
            return AX_RW_REFS_MALFORMED;
        *n = k;
        if ((uint32_t)ref >= d->symbols_n) {
            *out_bad = (uint32_t)ref;
            return pass(&r, AX_RW_REFS_RANGE);
        }
        if (k == most)
            return pass(&r, AX_RW_REFS_MANY);
    }
    *n = k;
    return AX_RW_REFS_READ;
}

static size_t varint_size(size_t v)
{
    return v < 0x80 ? 1 : v < 0x4000 ? 2 : v < 0x200000 ? 3 : v < 0x10000000 ? 4 : 5;
}

/* Bytes of the Label message of a pair, without its tag and length. */
static size_t label_size(struct ax_str name, struct ax_str value)
{
    return 2 + varint_size(name.n) + name.n + varint_size(value.n) + value.n;
}

size_t ax_rw_refs_size(const struct ax_rw_decoder *d, const uint32_t *refs, uint32_t n, size_t *out_longest)
{
    size_t bytes = 0, longest = 0;
    for (uint32_t i = 0; i + 1 < n; i += 2) {
        struct ax_str name = d->symbols[refs[i]], value = d->symbols[refs[i + 1]];
        size_t inner = label_size(name, value);
        bytes += 1 + varint_size(inner) + inner;
        longest = name.n > longest ? name.n : longest;
        longest = value.n > longest ? value.n : longest;
    }
    *out_longest = longest;
    return bytes;
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

enum ax_err ax_rw_spell(struct ax_rw_decoder *d, const uint32_t *refs, uint32_t n, struct ax_str *out,
                        struct ax_diag *diag)
{
    size_t longest, bytes = ax_rw_refs_size(d, refs, n, &longest);
    *out = (struct ax_str){NULL, 0};
    if (bytes > d->spelled_max - d->spelled)
        return ax_fail(diag, AX_LIMIT,
                       "the labels of this request are more than %llu bytes; send smaller batches",
                       (unsigned long long)d->spelled_max);
    d->spelled += bytes;
    ax_buf_reset(&d->key);
    if (!ax_buf_reserve(&d->key, bytes))
        return ax_fail(diag, AX_NOMEM, "no memory to read the labels of a series");
    uint8_t *p = d->key.bytes;
    for (uint32_t i = 0; i + 1 < n; i += 2) {
        struct ax_str name = d->symbols[refs[i]], value = d->symbols[refs[i + 1]];
        *p++ = 0x0a;
        p = put_varint(p, label_size(name, value));
        p = put_text(p, 0x0a, name);
        p = put_text(p, 0x12, value);
    }
    d->key.n = bytes;
    *out = ax_buf_view(&d->key);
    return AX_OK;
}
