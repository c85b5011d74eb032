/* wire_put.c: protobuf's wire format written by hand, sizes before bytes. */
#include "prom/wire_put.h"

size_t ax_wire_varint_size(uint64_t v)
{
    size_t n = 1;
    while (v >= 0x80) {
        v >>= 7;
        n++;
    }
    return n;
}

void ax_wire_put_varint(struct ax_buf *b, uint64_t v)
{
    uint8_t bytes[10];
    size_t n = 0;
    while (v >= 0x80) {
        bytes[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    bytes[n++] = (uint8_t)v;
    ax_buf_put(b, bytes, n);
}

void ax_wire_put_tag(struct ax_buf *b, unsigned field, enum ax_wire_type type)
{
    ax_wire_put_varint(b, (uint64_t)field << 3 | (unsigned)type);
}

void ax_wire_put_bytes(struct ax_buf *b, unsigned field, struct ax_str s)
{
    ax_wire_put_tag(b, field, AX_WIRE_BYTES);
    ax_wire_put_varint(b, s.n);
    ax_buf_str(b, s);
}

void ax_wire_put_number(struct ax_buf *b, unsigned field, uint64_t v)
{
    if (v == 0)
        return;
    ax_wire_put_tag(b, field, AX_WIRE_VARINT);
    ax_wire_put_varint(b, v);
}

static size_t sample_size(const struct ax_sample *s)
{
    size_t n = ax_double_bits(s->value) ? 9 : 0;
    return n + (s->t_ms ? 1 + ax_wire_varint_size((uint64_t)s->t_ms) : 0);
}

size_t ax_wire_samples_size(const struct ax_sample *v, uint32_t n)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        size_t one = sample_size(&v[i]);
        bytes += 1 + ax_wire_varint_size(one) + one;
    }
    return bytes;
}

void ax_wire_put_samples(struct ax_buf *b, const struct ax_sample *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        ax_wire_put_tag(b, 2, AX_WIRE_BYTES);
        ax_wire_put_varint(b, sample_size(&v[i]));
        uint64_t bits = ax_double_bits(v[i].value);
        if (bits) {
            uint8_t le[8];
            for (unsigned k = 0; k < 8; k++)
                le[k] = (uint8_t)(bits >> (8 * k));
            ax_wire_put_tag(b, 1, AX_WIRE_FIXED64);
            ax_buf_put(b, le, sizeof le);
        }
        ax_wire_put_number(b, 2, (uint64_t)v[i].t_ms);
    }
}
