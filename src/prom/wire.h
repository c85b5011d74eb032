/* wire.h: a cursor over protobuf's wire format that never leaves its bytes.
 *
 * Every read returns false when the bytes end too early or are malformed; the cursor is then of no more
 * use. Tags and lengths are at most 5 bytes long, varints 10; groups (wire types 3 and 4) are refused.
 * Nothing is copied or allocated: what is read points into the bytes. Pure; any thread. Source: Protocol
 * Buffers, "Encoding". */
#ifndef AX_PROM_WIRE_H
#define AX_PROM_WIRE_H

#include "base/str.h"

#include <stdint.h>

/* How a field's value is written; 3 and 4 are groups. */
enum ax_wire_type { AX_WIRE_VARINT = 0, AX_WIRE_FIXED64 = 1, AX_WIRE_BYTES = 2, AX_WIRE_FIXED32 = 5 };

/* What is left to read: [p, end). */
struct ax_wire {
    const uint8_t *p, *end;
};

/* Cursor over all bytes of a view. */
static inline struct ax_wire ax_wire_of(struct ax_str s)
{
    const uint8_t *p = (const uint8_t *)s.p;
    return (struct ax_wire){p, s.n ? p + s.n : p};
}

/* Bytes left. */
static inline size_t ax_wire_left(const struct ax_wire *w)
{
    return (size_t)(w->end - w->p);
}

/* A varint of more than one byte, at most bytes_max of them. */
bool ax_wire_varint_slow(struct ax_wire *w, unsigned bytes_max, uint64_t *out);

/* A varint; bits above the 64th are dropped, as every protobuf reader does. */
static inline bool ax_wire_varint(struct ax_wire *w, uint64_t *out)
{
    if (w->p < w->end && *w->p < 0x80) {
        *out = *w->p++;
        return true;
    }
    if (ax_wire_left(w) >= 2 && w->p[1] < 0x80) {
        *out = (w->p[0] & 0x7fu) | (uint32_t)w->p[1] << 7;
        w->p += 2;
        return true;
    }
    return ax_wire_varint_slow(w, 10, out);
}

/* A tag: field number (1 to 2^29 - 1) and wire type (one of the enum above). */
bool ax_wire_tag_slow(struct ax_wire *w, uint32_t *field, uint32_t *type);

/* A tag, the common one-byte form first. */
static inline bool ax_wire_tag(struct ax_wire *w, uint32_t *field, uint32_t *type)
{
    if (w->p < w->end) {
        uint32_t b = *w->p;
        if (b >= 8 && b < 0x80 && (b & 7u) <= AX_WIRE_BYTES) {
            w->p++;
            *field = b >> 3;
            *type = b & 7u;
            return true;
        }
    }
    return ax_wire_tag_slow(w, field, type);
}

/* A length and that many bytes. */
static inline bool ax_wire_bytes(struct ax_wire *w, struct ax_str *out)
{
    uint64_t n;
    if (w->p < w->end && *w->p < 0x80) {
        n = *w->p++;
    } else if (ax_wire_left(w) >= 2 && w->p[1] < 0x80) {
        n = (w->p[0] & 0x7fu) | (uint32_t)w->p[1] << 7;
        w->p += 2;
    } else if (!ax_wire_varint_slow(w, 5, &n)) {
        return false;
    }
    if (n > ax_wire_left(w))
        return false;
    *out = (struct ax_str){(const char *)w->p, (size_t)n};
    w->p += n;
    return true;
}

/* Eight bytes, little-endian. */
static inline bool ax_wire_fixed64(struct ax_wire *w, uint64_t *out)
{
    if (ax_wire_left(w) < 8)
        return false;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(out, w->p, 8);
#else
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | w->p[i];
    *out = v;
#endif
    w->p += 8;
    return true;
}

/* Pass over the value of a field of this wire type. */
bool ax_wire_skip(struct ax_wire *w, uint32_t type);

#endif
