/* unit.c: a record of the outgoing log to bytes and back. */
#include "emit/unit.h"

#define FORMAT 1
#define COUNT_MAX (1u << 28) /* no record is longer in bytes */

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

void ax_unit_write_sample(struct ax_buf *b, const struct ax_unit *u, uint32_t number, int64_t t_ms,
                          double value)
{
    ax_put_varint(b, number);
    /* as unsigned, so that times far apart wrap round, and back when they are read */
    ax_put_svarint(b, (int64_t)((uint64_t)t_ms - (uint64_t)u->t_ms));
    ax_put_f64(b, value);
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

bool ax_unit_next_sample(struct ax_unit *u, uint32_t *number, int64_t *t_ms, double *value)
{
    struct ax_str key;
    while (ax_unit_next_key(u, &key))
        continue;
    if (u->samples_n == 0 || u->rest.err != AX_OK)
        return false;
    u->samples_n--;
    *number = ax_get_count(&u->rest, COUNT_MAX);
    *t_ms = (int64_t)((uint64_t)u->t_ms + (uint64_t)ax_get_svarint(&u->rest));
    *value = ax_get_f64(&u->rest);
    return u->rest.err == AX_OK;
}
