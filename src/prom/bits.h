/* bits.h: a cursor over bits, most significant first, that never leaves its bytes; for chunks.
 *
 * Reads return false when the bits end too early or are malformed; the cursor is then of no more use. Pure;
 * any thread. */
#ifndef AX_PROM_BITS_H
#define AX_PROM_BITS_H

#include "base/str.h"

#include <stdint.h>

/* What is left to read: the low `held` bits of `hold`, then [p, end). */
struct ax_bits {
    const uint8_t *p, *end;
    uint64_t hold;
    unsigned held;
};

/* Cursor over all bits of a view. */
static inline struct ax_bits ax_bits_of(struct ax_str s)
{
    const uint8_t *p = (const uint8_t *)s.p;
    return (struct ax_bits){p, s.n ? p + s.n : p, 0, 0};
}

/* Take in whole bytes while there is room for one more. */
static inline void ax_bits_fill(struct ax_bits *b)
{
    while (b->held <= 56 && b->p < b->end) {
        b->hold = b->hold << 8 | *b->p++;
        b->held += 8;
    }
}

/* The next n bits, 0 to 64, as the low bits of *out. */
static inline bool ax_bits_read(struct ax_bits *b, unsigned n, uint64_t *out)
{
    uint64_t high = 0;
    if (n > b->held) {
        ax_bits_fill(b);
        if (n > b->held) { /* more than fits beside a started byte: in two parts */
            unsigned first = b->held;
            if (n - first > 8 || b->p == b->end)
                return false;
            high = first ? (b->hold & (UINT64_MAX >> (64 - first))) << (n - first) : 0;
            n -= first;
            b->held = 0;
            ax_bits_fill(b);
        }
    }
    b->held -= n;
    *out = high | (n ? b->hold >> b->held & (UINT64_MAX >> (64 - n)) : 0);
    return true;
}

/* How many 1 bits come before the next 0 bit, which is taken too unless there are `most` of them. */
static inline bool ax_bits_ones(struct ax_bits *b, unsigned most, unsigned *out)
{
    uint64_t bit;
    for (*out = 0; *out < most; ++*out) {
        if (!ax_bits_read(b, 1, &bit))
            return false;
        if (!bit)
            return true;
    }
    return true;
}

/* A varint of at most 10 bytes, each of 8 bits of the cursor. */
static inline bool ax_bits_uvarint(struct ax_bits *b, uint64_t *out)
{
    uint64_t byte, v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (!ax_bits_read(b, 8, &byte) || (shift == 63 && byte > 1))
            return false;
        v |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = v;
            return true;
        }
    }
    return false;
}

/* The same for signed numbers, zigzag. */
static inline bool ax_bits_varint(struct ax_bits *b, int64_t *out)
{
    uint64_t v;
    if (!ax_bits_uvarint(b, &v))
        return false;
    *out = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
    return true;
}

#endif
