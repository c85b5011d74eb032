/* wire.c: the rare forms of varints and tags, and skipping. */
#include "prom/wire.h"

/* The varint that ends within the next eight bytes: their groups of seven bits are moved together two by two.
 * False when none ends there. */
static bool varint_of_word(struct ax_wire *w, uint64_t *out)
{
    uint64_t v;
    memcpy(&v, w->p, 8);
    uint64_t ends = ~v & 0x8080808080808080u;
    if (ends == 0)
        return false;
    w->p += (__builtin_ctzll(ends) >> 3) + 1;
    v &= ends ^ (ends - 1); /* up to the first byte without the high bit */
    v &= 0x7f7f7f7f7f7f7f7fu;
    v = (v & 0x007f007f007f007fu) | (v & 0x7f007f007f007f00u) >> 1;
    v = (v & 0x00003fff00003fffu) | (v & 0x3fff00003fff0000u) >> 2;
    *out = (v & 0x000000000fffffffu) | (v & 0x0fffffff00000000u) >> 4;
    return true;
}

bool ax_wire_varint_slow(struct ax_wire *w, unsigned bytes_max, uint64_t *out)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (bytes_max > 8 && ax_wire_left(w) >= 8 && varint_of_word(w, out))
        return true;
#endif
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes_max && w->p < w->end; i++) {
        uint64_t b = *w->p++;
        v |= (b & 0x7f) << (7 * i);
        if (b < 0x80) {
            *out = v;
            return true;
        }
    }
    return false;
}

bool ax_wire_tag_slow(struct ax_wire *w, uint32_t *field, uint32_t *type)
{
    uint64_t tag;
    if (!ax_wire_varint_slow(w, 5, &tag) || tag > UINT32_MAX || tag < 8)
        return false;
    *field = (uint32_t)(tag >> 3);
    *type = (uint32_t)(tag & 7u);
    return *type <= AX_WIRE_BYTES || *type == AX_WIRE_FIXED32;
}

bool ax_wire_skip(struct ax_wire *w, uint32_t type)
{
    uint64_t number;
    struct ax_str bytes;
    switch (type) {
    case AX_WIRE_VARINT:
        return ax_wire_varint(w, &number);
    case AX_WIRE_FIXED64:
        return ax_wire_fixed64(w, &number);
    case AX_WIRE_BYTES:
        return ax_wire_bytes(w, &bytes);
    case AX_WIRE_FIXED32:
        if (ax_wire_left(w) < 4)
            return false;
        w->p += 4;
        return true;
    default:
        return false;
    }
}
