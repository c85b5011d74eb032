/* bytes.c: little-endian values, varints and runs of floats. */
#include "base/bytes.h"

#include <math.h>
#include <string.h>

#define MS_MAX (INT64_C(1) << 53) /* 285,000 years */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "runs of floats are copied as they lie in memory");

struct ax_bytes ax_bytes_of(struct ax_str s)
{
    const uint8_t *p = (const uint8_t *)s.p;
    return (struct ax_bytes){p, s.n ? p + s.n : p, AX_OK};
}

size_t ax_bytes_left(const struct ax_bytes *r)
{
    return (size_t)(r->end - r->p);
}

enum ax_err ax_bytes_fail(struct ax_bytes *r)
{
    if (r->err == AX_OK)
        r->err = AX_CORRUPT;
    return r->err;
}

enum ax_err ax_bytes_end(const struct ax_bytes *r)
{
    return r->err == AX_OK && r->p != r->end ? AX_CORRUPT : r->err;
}

void ax_put_u8(struct ax_buf *b, uint8_t v)
{
    ax_buf_byte(b, v);
}

void ax_put_u32(struct ax_buf *b, uint32_t v)
{
    ax_buf_put(b, &v, sizeof v);
}

void ax_put_u64(struct ax_buf *b, uint64_t v)
{
    ax_buf_put(b, &v, sizeof v);
}

void ax_put_i64(struct ax_buf *b, int64_t v)
{
    ax_buf_put(b, &v, sizeof v);
}

void ax_put_f32(struct ax_buf *b, float v)
{
    ax_buf_put(b, &v, sizeof v);
}

void ax_put_f64(struct ax_buf *b, double v)
{
    ax_buf_put(b, &v, sizeof v);
}

void ax_put_varint(struct ax_buf *b, uint64_t v)
{
    uint8_t bytes[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (uint8_t)(v | 0x80);
    bytes[n++] = (uint8_t)v;
    ax_buf_put(b, bytes, n);
}

void ax_put_svarint(struct ax_buf *b, int64_t v)
{
    ax_put_varint(b, ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

void ax_put_str(struct ax_buf *b, struct ax_str s)
{
    ax_put_varint(b, s.n);
    ax_buf_put(b, s.p, s.n);
}

void ax_put_f32s(struct ax_buf *b, const float *v, uint32_t n)
{
    ax_put_varint(b, n);
    ax_buf_put(b, v, n * sizeof *v);
}

/* Copy n bytes out; zeroes when there are not so many. */
static void get_raw(struct ax_bytes *r, void *out, size_t n)
{
    if (r->err == AX_OK && ax_bytes_left(r) < n)
        (void)ax_bytes_fail(r);
    if (r->err != AX_OK) {
        memset(out, 0, n);
        return;
    }
    if (n)
        memcpy(out, r->p, n);
    r->p += n;
}

uint8_t ax_get_u8(struct ax_bytes *r)
{
    uint8_t v;
    get_raw(r, &v, sizeof v);
    return v;
}

uint32_t ax_get_u32(struct ax_bytes *r)
{
    uint32_t v;
    get_raw(r, &v, sizeof v);
    return v;
}

uint64_t ax_get_u64(struct ax_bytes *r)
{
    uint64_t v;
    get_raw(r, &v, sizeof v);
    return v;
}

int64_t ax_get_i64(struct ax_bytes *r)
{
    int64_t v;
    get_raw(r, &v, sizeof v);
    return v;
}

float ax_get_f32(struct ax_bytes *r)
{
    float v;
    get_raw(r, &v, sizeof v);
    return v;
}

double ax_get_f64(struct ax_bytes *r)
{
    double v;
    get_raw(r, &v, sizeof v);
    return v;
}

bool ax_get_bool(struct ax_bytes *r)
{
    uint8_t v = ax_get_u8(r);
    if (v > 1)
        (void)ax_bytes_fail(r);
    return v == 1;
}

uint64_t ax_get_varint(struct ax_bytes *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = ax_get_u8(r);
        if (r->err != AX_OK || (shift == 63 && byte > 1))
            break;
        v |= (byte & 0x7F) << shift;
        if (byte < 0x80)
            return v;
    }
    (void)ax_bytes_fail(r);
    return 0;
}

int64_t ax_get_svarint(struct ax_bytes *r)
{
    uint64_t v = ax_get_varint(r);
    return (int64_t)((v >> 1) ^ (v & 1 ? UINT64_MAX : 0));
}

uint32_t ax_get_count(struct ax_bytes *r, uint32_t max)
{
    uint64_t v = ax_get_varint(r);
    if (v <= max)
        return (uint32_t)v;
    (void)ax_bytes_fail(r);
    return 0;
}

struct ax_str ax_get_str(struct ax_bytes *r)
{
    uint64_t n = ax_get_varint(r);
    if (r->err == AX_OK && n > ax_bytes_left(r))
        (void)ax_bytes_fail(r);
    if (r->err != AX_OK)
        return (struct ax_str){NULL, 0};
    struct ax_str s = {(const char *)r->p, (size_t)n};
    r->p += n;
    return s;
}

uint32_t ax_get_f32s(struct ax_bytes *r, float *out, uint32_t max)
{
    uint32_t n = ax_get_count(r, max);
    if (r->err == AX_OK && (size_t)n * sizeof *out > ax_bytes_left(r))
        (void)ax_bytes_fail(r);
    if (r->err != AX_OK)
        return 0;
    get_raw(r, out, n * sizeof *out);
    return n;
}

void ax_get_f32s_in(struct ax_bytes *r, float *out, uint32_t n, float min, float max, bool gaps)
{
    bool good = ax_get_f32s(r, out, n) == n;
    for (uint32_t i = 0; i < n && good; i++)
        good = (out[i] >= min && out[i] <= max) || (gaps && isnan(out[i]));
    if (!good)
        (void)ax_bytes_fail(r);
}

float ax_get_f32_in(struct ax_bytes *r, float min, float max)
{
    float v = ax_get_f32(r);
    if (v >= min && v <= max)
        return v;
    (void)ax_bytes_fail(r);
    return min;
}

double ax_get_f64_in(struct ax_bytes *r, double min, double max)
{
    double v = ax_get_f64(r);
    if (v >= min && v <= max)
        return v;
    (void)ax_bytes_fail(r);
    return min;
}

int64_t ax_get_ms(struct ax_bytes *r)
{
    int64_t v = ax_get_i64(r);
    if (v != INT64_MIN && (v < -MS_MAX || v > MS_MAX))
        (void)ax_bytes_fail(r);
    return r->err == AX_OK ? v : 0;
}

void ax_get_version(struct ax_bytes *r, uint8_t version)
{
    if (ax_get_u8(r) != version)
        (void)ax_bytes_fail(r);
}
