/* unit.c: a record of the outgoing log to bytes and back. */
#include "emit/unit.h"

#define FORMAT 1
#define COUNT_MAX (1u << 28) /* no record is longer in bytes */
#define SAMPLE_BYTES_MAX 28u /* two varints and a value */

void ax_unit_write(struct ax_buf *b, const struct ax_unit *u)
{
    ax_put_u8(b, FORMAT);
    ax_put_u8(b, u->first);
    ax_put_varint(b, u->before);
    ax_put_str(b, u->name);
    ax_put_i64(b, u->t_ms);
    ax_put_varint(b, u->marks_n);
    ax_put_varint(b, u->numbered);
    ax_put_varint(b, u->keys_n);
    ax_put_varint(b, u->samples_n);
}

void ax_unit_write_mark(struct ax_buf *b, struct ax_str name, int64_t t_ms)
{
    ax_put_str(b, name);
    ax_put_i64(b, t_ms);
}

void ax_unit_write_key(struct ax_buf *b, struct ax_str key)
{
    ax_put_str(b, key);
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

/* Samples are many: a varint straight into memory, and out of it where enough of it is left. */
static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

static const uint8_t *get_varint(const uint8_t *p, uint64_t *out)
{
    uint64_t v = 0, byte = 0x80;
    for (unsigned shift = 0; byte >= 0x80 && shift < 64; shift += 7) {
        byte = *p++;
        v |= (byte & 0x7F) << shift;
    }
    *out = v;
    return byte < 0x80 ? p : NULL;
}

void ax_unit_write_sample(struct ax_buf *b, const struct ax_unit *u, uint32_t number, int64_t t_ms,
                          double value)
{
    if (!ax_buf_reserve(b, SAMPLE_BYTES_MAX))
        return;
    /* as unsigned, so that times far apart wrap round, and back when they are read */
    int64_t t = (int64_t)((uint64_t)t_ms - (uint64_t)u->t_ms);
    uint8_t *p = put_varint(put_varint(b->bytes + b->n, number), zigzag(t));
    memcpy(p, &value, sizeof value);
    b->n = (size_t)(p + sizeof value - b->bytes);
}

enum ax_err ax_unit_read(struct ax_str body, struct ax_unit *out)
{
    struct ax_bytes r = ax_bytes_of(body);
    uint8_t format = ax_get_u8(&r);
    if (r.err == AX_OK && format != FORMAT)
        return AX_UNSUPPORTED;
    out->first = ax_get_bool(&r);
    out->before = ax_get_varint(&r);
    out->name = ax_get_str(&r);
    out->t_ms = ax_get_i64(&r);
    out->marks_n = ax_get_count(&r, COUNT_MAX);
    out->numbered = ax_get_count(&r, COUNT_MAX);
    out->keys_n = ax_get_count(&r, COUNT_MAX);
    out->samples_n = ax_get_count(&r, COUNT_MAX);
    out->rest = r;
    return r.err;
}

bool ax_unit_may_stand(const struct ax_unit *u, uint64_t bytes)
{
    return u->numbered <= bytes;
}

bool ax_unit_next_mark(struct ax_unit *u, struct ax_str *name, int64_t *t_ms)
{
    if (u->marks_n == 0)
        return false;
    u->marks_n--;
    *name = ax_get_str(&u->rest);
    *t_ms = ax_get_i64(&u->rest);
    return u->rest.err == AX_OK;
}

bool ax_unit_next_key(struct ax_unit *u, struct ax_str *key)
{
    struct ax_str name;
    int64_t t_ms;
    while (ax_unit_next_mark(u, &name, &t_ms))
        continue;
    if (u->keys_n == 0 || u->rest.err != AX_OK)
        return false;
    u->keys_n--;
    u->numbered++;
    *key = ax_get_str(&u->rest);
    return u->rest.err == AX_OK;
}

/* One sample, byte by byte, as at the end of a record. */
static bool read_at_end(struct ax_bytes *r, uint64_t *number, uint64_t *t, double *value)
{
    *number = ax_get_varint(r);
    *t = ax_get_varint(r);
    *value = ax_get_f64(r);
    return r->err == AX_OK;
}

static bool read_sample(struct ax_bytes *r, uint64_t *number, uint64_t *t, double *value)
{
    if (ax_bytes_left(r) < SAMPLE_BYTES_MAX)
        return read_at_end(r, number, t, value);
    const uint8_t *p = get_varint(r->p, number);
    p = p ? get_varint(p, t) : NULL;
    if (!p)
        return false;
    memcpy(value, p, sizeof *value);
    r->p = p + sizeof *value;
    return true;
}

bool ax_unit_next_sample(struct ax_unit *u, uint32_t *number, int64_t *t_ms, double *value)
{
    struct ax_str key;
    uint64_t n, t;
    while (u->keys_n | u->marks_n && ax_unit_next_key(u, &key))
        continue;
    if (u->samples_n == 0 || u->rest.err != AX_OK)
        return false;
    u->samples_n--;
    if (!read_sample(&u->rest, &n, &t, value) || n > COUNT_MAX) {
        (void)ax_bytes_fail(&u->rest);
        return false;
    }
    *number = (uint32_t)n;
    *t_ms = (int64_t)((uint64_t)u->t_ms + (t >> 1 ^ (t & 1 ? UINT64_MAX : 0)));
    return true;
}
