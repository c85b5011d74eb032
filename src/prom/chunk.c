/* chunk.c: reads XOR and XOR2 chunks, sample by sample. */
#include "prom/chunk.h"

#define HEADER_BYTES 2

bool ax_chunk_is_histogram(int type)
{
    return type == AX_CHUNK_HISTOGRAM || type == AX_CHUNK_FLOAT_HISTOGRAM || type == AX_CHUNK_HISTOGRAM_ST ||
           type == AX_CHUNK_FLOAT_HISTOGRAM_ST;
}

enum ax_err ax_chunk_open(struct ax_chunk *c, int type, struct ax_str bytes)
{
    *c = (struct ax_chunk){.xor2 = type == AX_CHUNK_XOR2, .value = {.width = 64}};
    if (type != AX_CHUNK_XOR && type != AX_CHUNK_XOR2)
        return AX_UNSUPPORTED;
    size_t header = HEADER_BYTES + (c->xor2 ? 1 : 0);
    if (bytes.n < header)
        return AX_CORRUPT;
    const uint8_t *p = (const uint8_t *)bytes.p;
    c->n = (uint32_t)p[0] << 8 | p[1];
    if (c->xor2) {
        c->start_first = p[2] & 0x80;
        c->start_from = p[2] & 0x7f;
    }
    c->bits = ax_bits_of((struct ax_str){bytes.p + header, bytes.n - header});
    return AX_OK;
}

/* n bits as a signed number. In XOR the range is -(2^(n-1) - 1) to 2^(n-1), in XOR2 that of two's complement.
 */
static bool read_signed(struct ax_chunk *c, unsigned n, uint64_t *out)
{
    uint64_t v;
    if (!ax_bits_read(&c->bits, n, &v))
        return false;
    uint64_t half = n < 64 ? (uint64_t)1 << (n - 1) : 0;
    if (half && (c->xor2 ? v >= half : v > half))
        v -= half << 1;
    *out = v;
    return true;
}

/* XOR: 0 the same value, 10 within the window, 11 a new window. XOR2 has 110 for that and 111 for a marker.
 */
static bool read_value(struct ax_chunk *c, bool *stale)
{
    unsigned ones;
    if (!ax_bits_ones(&c->bits, c->xor2 ? 3 : 2, &ones))
        return false;
    *stale = ones == 3;
    if (ones == 0 || ones == 3)
        return true;
    return ones == 1 ? ax_xor_changed(&c->value, &c->bits) : ax_xor_window(&c->value, &c->bits);
}

static bool read_first(struct ax_chunk *c, bool *stale)
{
    int64_t t, start;
    uint64_t value;
    if (!ax_bits_varint(&c->bits, &t) || !ax_bits_read(&c->bits, 64, &value))
        return false;
    c->t = (uint64_t)t;
    *stale = c->xor2 && value == AX_STALE_BITS;
    if (!*stale)
        c->value.bits = value;
    return !c->start_first || ax_bits_varint(&c->bits, &start);
}

static bool read_second(struct ax_chunk *c, bool *stale)
{
    if (!ax_bits_uvarint(&c->bits, &c->delta))
        return false;
    c->t += c->delta;
    return read_value(c, stale);
}

/* XOR: the delta of deltas, then the value. */
static bool read_later(struct ax_chunk *c, bool *stale)
{
    static const uint8_t widths[] = {0, 14, 17, 20, 64};
    unsigned ones;
    uint64_t change = 0;
    if (!ax_bits_ones(&c->bits, 4, &ones) || (ones && !read_signed(c, widths[ones], &change)))
        return false;
    c->delta += change;
    c->t += c->delta;
    return read_value(c, stale);
}

/* XOR2: one prefix for time and value together. */
static bool read_joint(struct ax_chunk *c, bool *stale)
{
    static const uint8_t widths[] = {0, 0, 13, 20, 64};
    unsigned ones;
    uint64_t change, bit;
    if (!ax_bits_ones(&c->bits, 5, &ones))
        return false;
    if (ones >= 2 && ones <= 4) {
        if (!read_signed(c, widths[ones], &change))
            return false;
        c->delta += change;
        c->t += c->delta;
        return read_value(c, stale);
    }
    c->t += c->delta;
    *stale = ones == 5;
    if (ones != 1)
        return true;
    return ax_bits_read(&c->bits, 1, &bit) &&
           (bit ? ax_xor_window(&c->value, &c->bits) : ax_xor_changed(&c->value, &c->bits));
}

bool ax_chunk_next(struct ax_chunk *c, struct ax_sample *out)
{
    if (c->err != AX_OK || c->read == c->n)
        return false;
    bool stale = false;
    uint64_t start; /* XOR2: passed over */
    bool ok = c->read == 0   ? read_first(c, &stale)
              : c->read == 1 ? read_second(c, &stale)
              : c->xor2      ? read_joint(c, &stale)
                             : read_later(c, &stale);
    if (ok && c->start_from && c->read >= c->start_from)
        ok = ax_varbit_uint(&c->bits, &start);
    if (!ok) {
        c->err = AX_CORRUPT;
        return false;
    }
    c->read++;
    out->t_ms = (int64_t)c->t;
    uint64_t value = stale ? AX_STALE_BITS : c->value.bits;
    memcpy(&out->value, &value, sizeof value);
    return true;
}
