/* snappy_block.c: as long as there is room on both sides, elements are copied in whole pieces of 16 bytes,
 * more than they have; the next one overwrites what was too much. */
#include "net/snappy_block.h"

#include <string.h>

#define PIECE ((size_t)16)
#define ELEMENT_MAX ((size_t)64) /* bytes that a copy makes, or a literal whose length is in its tag (60) */
#define HEAD_MAX ((size_t)5)
#define MANY_IN (ELEMENT_MAX + 2 * HEAD_MAX) /* bytes that two elements may look at */
#define LITERAL_MAX 60u                      /* beyond, as many bytes of length follow as the tag says more */

/* What is left to read, and to write. */
struct state {
    const uint8_t *in, *in_end;
    uint8_t *out_begin, *out, *out_end;
};

/* One element that is not a literal. */
struct copy {
    size_t length, distance;
};

static size_t left(const struct state *s)
{
    return (size_t)(s->in_end - s->in);
}

static size_t room(const struct state *s)
{
    return (size_t)(s->out_end - s->out);
}

static uint32_t little_endian(const uint8_t *p, unsigned n)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint32_t)p[i] << 8 * i;
    return v;
}

static inline void copy_pieces(uint8_t *to, const uint8_t *from, size_t n)
{
    memcpy(to, from, PIECE);
    if (n <= PIECE)
        return;
    memcpy(to + PIECE, from + PIECE, PIECE);
    if (n <= 2 * PIECE)
        return;
    memcpy(to + 2 * PIECE, from + 2 * PIECE, PIECE);
    memcpy(to + 3 * PIECE, from + 3 * PIECE, PIECE);
}

/* How many bytes of a copy's head stand behind its tag. */
static inline unsigned head_of(uint8_t tag)
{
    return (tag & 3u) == 3 ? 4 : tag & 3u;
}

/* The copy of a tag whose head is all there. */
static inline struct copy copy_of(uint8_t tag, const uint8_t *head)
{
    uint32_t n = (tag >> 2) + 1u;
    if ((tag & 3u) == 1)
        return (struct copy){4 + (tag >> 2 & 7u), (size_t)(tag >> 5) << 8 | head[0]};
    if ((tag & 3u) == 2)
        return (struct copy){n, (size_t)head[0] | (size_t)head[1] << 8};
    return (struct copy){n, little_endian(head, 4)};
}

/* The same, of the element at in; gives where the next begins. A branch for each kind, because that place
 * then hangs on a guess and not on what is read. */
static inline const uint8_t *read_copy(const uint8_t *in, uint8_t tag, struct copy *out)
{
    if ((tag & 3u) == 1) {
        *out = (struct copy){4 + (tag >> 2 & 7u), (size_t)(tag >> 5) << 8 | in[1]};
        return in + 2;
    }
    if ((tag & 3u) == 2) {
        *out = (struct copy){(tag >> 2) + 1u, (size_t)in[1] | (size_t)in[2] << 8};
        return in + 3;
    }
    *out = (struct copy){(tag >> 2) + 1u, little_endian(in + 1, 4)};
    return in + 5;
}

/* Byte by byte: a copy may read what it writes. */
static inline void copy_bytes(uint8_t *to, struct copy c)
{
    const uint8_t *from = to - c.distance;
    for (size_t i = 0; i < c.length; i++)
        to[i] = from[i];
}

/* A literal, whatever its length; in stands behind its tag. */
static bool take_literal(struct state *s, uint8_t tag)
{
    size_t n = (tag >> 2) + (size_t)1;
    if (n > LITERAL_MAX) {
        unsigned bytes = (unsigned)n - LITERAL_MAX;
        if (left(s) < bytes)
            return false;
        n = (size_t)little_endian(s->in, bytes) + 1;
        s->in += bytes;
    }
    if (n > left(s) || n > room(s))
        return false;
    memcpy(s->out, s->in, n);
    s->in += n;
    s->out += n;
    return true;
}

/* Elements while there is room for the largest, and for a copy behind a literal. What is read and written
 * stays in registers: out may be anything for the compiler, so that each byte written would have s read anew.
 * False when one is wrong. */
static bool take_many(struct state *s)
{
    if (left(s) < MANY_IN || room(s) < ELEMENT_MAX)
        return true;
    const uint8_t *in = s->in, *in_last = s->in_end - MANY_IN;
    uint8_t *out = s->out, *const begin = s->out_begin, *const out_last = s->out_end - ELEMENT_MAX;
    while (in <= in_last && out <= out_last) {
        uint8_t tag = *in;
        if ((tag & 3u) == 0) {
            size_t n = (tag >> 2) + (size_t)1;
            if (n > LITERAL_MAX)
                break;
            copy_pieces(out, in + 1, n);
            in += 1 + n;
            out += n;
            tag = *in;
            if ((tag & 3u) == 0 || out > out_last)
                continue;
        }
        struct copy c;
        in = read_copy(in, tag, &c);
        if (c.distance - 1 >= (size_t)(out - begin))
            return false;
        if (c.distance >= PIECE)
            copy_pieces(out, out - c.distance, c.length);
        else
            copy_bytes(out, c);
        out += c.length;
    }
    s->in = in;
    s->out = out;
    return true;
}

/* One element, however little room there is. False when it is wrong. */
static bool take_one(struct state *s)
{
    uint8_t tag = *s->in++;
    if ((tag & 3u) == 0)
        return take_literal(s, tag);
    if (left(s) < head_of(tag))
        return false;
    struct copy c = copy_of(tag, s->in);
    s->in += head_of(tag);
    if (c.distance - 1 >= (size_t)(s->out - s->out_begin) || c.length > room(s))
        return false;
    copy_bytes(s->out, c);
    s->out += c.length;
    return true;
}

bool ax_snappy_elements(const uint8_t *in, size_t n, uint8_t *out, size_t out_n)
{
    struct state s = {in, in + n, out, out, out + out_n};
    while (left(&s)) {
        if (!take_many(&s) || (left(&s) && !take_one(&s)))
            return false;
    }
    return room(&s) == 0;
}
