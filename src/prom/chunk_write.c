/* chunk_write.c: makes XOR chunks. */
#include "base/assert.h"
#include "prom/chunk.h"

#define LEADING_MAX 31 /* five bits tell it */
#define NO_WINDOW 65   /* more than any value has bits */

/* Bits that wait for their byte. */
struct writer {
    struct ax_buf *out;
    uint64_t hold; /* the low `held` bits, fewer than 8 */
    unsigned held;
};

static void put_bits(struct writer *w, uint64_t v, unsigned n)
{
    while (n > 0) {
        unsigned take = 8 - w->held < n ? 8 - w->held : n;
        AX_ASSERT(take <= 8);
        n -= take;
        w->hold = w->hold << take | (v >> n & ((1u << take) - 1));
        w->held += take;
        if (w->held == 8) {
            ax_buf_byte(w->out, (uint8_t)w->hold);
            w->hold = w->held = 0;
        }
    }
}

static void put_uvarint(struct writer *w, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        put_bits(w, (v & 0x7f) | 0x80, 8);
    put_bits(w, v, 8);
}

static bool fits(int64_t v, unsigned bits)
{
    int64_t half = (int64_t)1 << (bits - 1);
    return v > -half && v <= half;
}

/* The change of the distance in time: 0, or 1 to 4 ones that tell how many bits follow. */
static void put_change(struct writer *w, int64_t change)
{
    if (change == 0)
        put_bits(w, 0, 1);
    else if (fits(change, 14))
        put_bits(w, 0x2u << 14 | ((uint64_t)change & 0x3fff), 16);
    else if (fits(change, 17))
        put_bits(w, 0x6u << 17 | ((uint64_t)change & 0x1ffff), 20);
    else if (fits(change, 20))
        put_bits(w, 0xeu << 20 | ((uint64_t)change & 0xfffff), 24);
    else {
        put_bits(w, 0xf, 4);
        put_bits(w, (uint64_t)change, 64);
    }
}

/* The window of the bits that changed: left of it and right of it all are zero. */
struct window {
    unsigned left, right;
};

static void put_value(struct writer *w, struct window *window, uint64_t changed)
{
    if (changed == 0) {
        put_bits(w, 0, 1);
        return;
    }
    unsigned left = (unsigned)__builtin_clzll(changed), right = (unsigned)__builtin_ctzll(changed);
    if (left > LEADING_MAX)
        left = LEADING_MAX;
    if (left >= window->left && right >= window->right) {
        put_bits(w, 0x2, 2);
    } else {
        unsigned width = 64 - left - right;
        *window = (struct window){left, right};
        put_bits(w, 0x3, 2);
        put_bits(w, left, 5);
        put_bits(w, width & 0x3f, 6); /* 64 is told by 0 */
    }
    put_bits(w, changed >> window->right, 64 - window->left - window->right);
}

void ax_chunk_xor(const struct ax_sample *v, uint32_t n, struct ax_buf *out)
{
    AX_ASSERT(n > 0 && n <= UINT16_MAX);
    struct writer w = {.out = out};
    struct window window = {NO_WINDOW, NO_WINDOW};
    uint64_t delta = 0;
    put_bits(&w, n, 16);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bits = ax_double_bits(v[i].value), t = (uint64_t)v[i].t_ms;
        if (i == 0) {
            put_uvarint(&w, t << 1 ^ (uint64_t)(v[i].t_ms >> 63));
            put_bits(&w, bits, 64);
            continue;
        }
        uint64_t before = delta;
        delta = t - (uint64_t)v[i - 1].t_ms;
        if (i == 1)
            put_uvarint(&w, delta);
        else
            put_change(&w, (int64_t)(delta - before));
        put_value(&w, &window, bits ^ ax_double_bits(v[i - 1].value));
    }
    if (w.held)
        put_bits(&w, 0, 8 - w.held);
}
