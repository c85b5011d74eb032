/* xor.h: numbers in a chunk as what changed in their bits since the one before; and small integers.
 *
 * Source: tsdb/docs/format/chunks.md of Prometheus. Reads return false when the bits end too early or are
 * malformed. Pure; any thread. */
#ifndef AX_PROM_XOR_H
#define AX_PROM_XOR_H

#include "prom/bits.h"

#define AX_XOR_LEADING_BITS 5
#define AX_XOR_WIDTH_BITS 6

/* The newest of the numbers, and the window of the bits that changed in it; width is 64 at first. */
struct ax_xor {
    uint64_t bits;
    unsigned left, width;
};

/* The next number, whose changed bits lie within the window of before. */
static inline bool ax_xor_changed(struct ax_xor *x, struct ax_bits *b)
{
    uint64_t bits;
    if (!ax_bits_read(b, x->width, &bits))
        return false;
    x->bits ^= bits << (64 - x->left - x->width);
    return true;
}

/* The same with a window of its own. */
static inline bool ax_xor_window(struct ax_xor *x, struct ax_bits *b)
{
    uint64_t v;
    if (!ax_bits_read(b, AX_XOR_LEADING_BITS + AX_XOR_WIDTH_BITS, &v))
        return false;
    x->left = (unsigned)(v >> AX_XOR_WIDTH_BITS);
    x->width = (unsigned)(v & ((1u << AX_XOR_WIDTH_BITS) - 1));
    if (x->width == 0)
        x->width = 64;
    return x->left + x->width <= 64 && ax_xor_changed(x, b);
}

/* The next number: 0 the same, 10 within the window, 11 a new window. */
static inline bool ax_xor_next(struct ax_xor *x, struct ax_bits *b)
{
    unsigned ones;
    if (!ax_bits_ones(b, 2, &ones))
        return false;
    return ones == 0 || (ones == 1 ? ax_xor_changed(x, b) : ax_xor_window(x, b));
}

/* An integer of 0 to 8 one bits, a zero bit (unless there are 8), and as many bits as these say: *width. */
static inline bool ax_varbit_read(struct ax_bits *b, uint64_t *out, unsigned *width)
{
    static const uint8_t widths[] = {0, 3, 6, 9, 12, 18, 25, 56, 64};
    unsigned ones;
    if (!ax_bits_ones(b, 8, &ones))
        return false;
    *width = widths[ones];
    return ax_bits_read(b, *width, out);
}

/* The same of n >= 0. */
static inline bool ax_varbit_uint(struct ax_bits *b, uint64_t *out)
{
    unsigned width;
    return ax_varbit_read(b, out, &width);
}

/* The same of a signed one, from -(2^(width-1) - 1) to 2^(width-1), as bits. */
static inline bool ax_varbit_int(struct ax_bits *b, uint64_t *out)
{
    unsigned width;
    if (!ax_varbit_read(b, out, &width))
        return false;
    if (width && width < 64 && *out > (uint64_t)1 << (width - 1))
        *out -= (uint64_t)1 << width;
    return true;
}

#endif
