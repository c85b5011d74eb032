/* labels_key.c: the key spelling: labels as in a remote-write 1.0 TimeSeries (repeated Label labels = 1;
 * Label is name = 1, value = 2). */
#include "prom/labels.h"
#include "prom/wire.h"

static size_t varint_size(size_t v)
{
    size_t n = 1;
    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

static void put_varint(struct ax_buf *out, size_t v)
{
    for (; v >= 0x80; v >>= 7)
        ax_buf_byte(out, (uint8_t)(v | 0x80));
    ax_buf_byte(out, (uint8_t)v);
}

static void put_string(struct ax_buf *out, uint8_t tag, struct ax_str s)
{
    ax_buf_byte(out, tag);
    put_varint(out, s.n);
    ax_buf_str(out, s);
}

void ax_labels_key_write(const struct ax_labels *ls, struct ax_buf *out)
{
    for (uint32_t i = 0; i < ls->n; i++) {
        struct ax_str name = ls->v[i].name, value = ls->v[i].value;
        ax_buf_byte(out, 0x0a);
        put_varint(out, 2 + varint_size(name.n) + name.n + varint_size(value.n) + value.n);
        put_string(out, 0x0a, name);
        put_string(out, 0x12, value);
    }
}

/* One Label message; what is absent is empty, what is repeated counts last, as protobuf reads. */
static bool read_label(struct ax_str bytes, struct ax_label *out)
{
    struct ax_wire w = ax_wire_of(bytes);
    uint32_t field, type;
    *out = (struct ax_label){{NULL, 0}, {NULL, 0}};
    while (w.p < w.end) {
        if (!ax_wire_tag(&w, &field, &type))
            return false;
        bool ok;
        if (field == 1 || field == 2)
            ok = type == AX_WIRE_BYTES && ax_wire_bytes(&w, field == 1 ? &out->name : &out->value);
        else
            ok = ax_wire_skip(&w, type);
        if (!ok)
            return false;
    }
    return true;
}

/* The next Label message of a key. */
static bool next_label(struct ax_wire *w, struct ax_str *out)
{
    uint32_t field, type;
    return ax_wire_tag(w, &field, &type) && field == 1 && type == AX_WIRE_BYTES && ax_wire_bytes(w, out);
}

enum ax_err ax_labels_key_parse(struct ax_str key, struct ax_arena *arena, struct ax_labels *out,
                                struct ax_diag *diag)
{
    uint32_t n = 0;
    struct ax_str bytes;
    for (struct ax_wire w = ax_wire_of(key); w.p < w.end; n++)
        if (!next_label(&w, &bytes))
            return ax_fail(diag, AX_INVALID, "the run of labels is not well-formed protobuf");
    struct ax_label *v = ax_arena_array(arena, n, sizeof *v);
    if (!v)
        return ax_fail(diag, AX_NOMEM, "no memory for %u labels", n);
    struct ax_wire w = ax_wire_of(key);
    for (uint32_t i = 0; i < n; i++)
        if (!next_label(&w, &bytes) || !read_label(bytes, &v[i]))
            return ax_fail(diag, AX_INVALID, "a label is not well-formed protobuf");
    enum ax_err err = ax_labels_canonical(v, &n, diag);
    *out = (struct ax_labels){n, v};
    return err;
}
