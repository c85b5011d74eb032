/* snappy_block.c: as long as there is room on both sides, elements are copied in whole pieces of 16 bytes,
 * more than they have; the next one overwrites what was too much. */
#include "net/snappy_block.h"

#include <string.h>

#define PIECE ((size_t)16)
#define ELEMENT_MAX ((size_t)64) /* bytes that a copy makes, or a literal whose length is in its tag (60) */
#define HEAD_MAX ((size_t)5)
#define LITERAL_MAX 60u /* beyond, as many bytes of length follow as the tag says more */

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
    if ((tag & 3u) == 1)
        return (struct copy){4 + (tag >> 2 & 7u), (size_t)(tag >> 5) << 8 | head[0]};
    if ((tag & 3u) == 2)
        return (struct copy){(tag >> 2) + (size_t)1, (size_t)head[0] | (size_t)head[1] << 8};
    return (struct copy){(tag >> 2) + (size_t)1, little_endian(head, 4)};
}

/* Is there so much behind us? A distance of 0 wraps. */
static inline bool reaches(const struct state *s, struct copy c)
{
    return c.distance - 1 < (size_t)(s->out - s->out_begin);
}

/* Byte by byte: a copy may read what it writes. */
static void copy_slowly(struct state *s, struct copy c)
{
    const uint8_t *from = s->out - c.distance;
    for (size_t i = 0; i < c.length; i++)
        s->out[i] = from[i];
    s->out += c.length;
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

/* Elements while there is room for the largest. False when one is wrong. */
static bool take_many(struct state *s)
{
    while (left(s) >= ELEMENT_MAX + HEAD_MAX && room(s) >= ELEMENT_MAX) {
        uint8_t tag = *s->in++;
        if ((tag & 3u) == 0 && tag >> 2 < LITERAL_MAX) {
            size_t n = (tag >> 2) + (size_t)1;
            copy_pieces(s->out, s->in, n);
            s->in += n;
            s->out += n;
        } else if ((tag & 3u) == 0) {
            if (!take_literal(s, tag))
                return false;
        } else {
            struct copy c = copy_of(tag, s->in);
            s->in += head_of(tag);
            if (!reaches(s, c))
                return false;
            if (c.distance >= PIECE) {
                copy_pieces(s->out, s->out - c.distance, c.length);
                s->out += c.length;
            } else {
                copy_slowly(s, c);
            }
        }
    }
    return true;
}

bool ax_snappy_elements(const uint8_t *in, size_t n, uint8_t *out, size_t out_n)
{
    struct state s = {in, in + n, out, out, out + out_n};
    if (!take_many(&s))
        return false;
    while (left(&s)) {
        uint8_t tag = *s.in++;
        if ((tag & 3u) == 0) {
            if (!take_literal(&s, tag))
                return false;
            continue;
        }
        if (left(&s) < head_of(tag))
            return false;
        struct copy c = copy_of(tag, s.in);
        s.in += head_of(tag);
        if (!reaches(&s, c) || c.length > room(&s))
            return false;
        copy_slowly(&s, c);
    }
    return room(&s) == 0;
}
