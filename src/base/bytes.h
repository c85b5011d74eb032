/* bytes.h: plain values to and from bytes, for files and logs.
 *
 * Fixed widths are little endian; varints are LEB128, signed ones zigzag. Written at the end of an ax_buf
 * (base/buf.h: sticky error); read by a cursor that never leaves its bytes and has a sticky error too, so
 * that a reader checks once at the end. Doubles and floats keep their 64 or 32 bits, NaNs included. Pure; not
 * thread-safe. */
#ifndef AX_BASE_BYTES_H
#define AX_BASE_BYTES_H

#include "base/buf.h"

/* What is left to read: [p, end). err is AX_OK, or AX_CORRUPT once the bytes ended too early or were
 * malformed (a reader may note an error of its own there); every read then gives 0 and moves nothing. Not the
 * owner of the bytes. */
struct ax_bytes {
    const uint8_t *p, *end;
    enum ax_err err;
};

/* Cursor over all bytes of a view. */
struct ax_bytes ax_bytes_of(struct ax_str s);

/* Bytes left. */
size_t ax_bytes_left(const struct ax_bytes *r);

/* Note that what was read makes no sense: the sticky error, unless there is one. Returns it. */
enum ax_err ax_bytes_fail(struct ax_bytes *r);

/* AX_OK when all was read and nothing is left over; else the error, AX_CORRUPT for bytes left over. */
AX_MUST_USE enum ax_err ax_bytes_end(const struct ax_bytes *r);

/* Append one value of fixed width. */
void ax_put_u8(struct ax_buf *b, uint8_t v);
/* As above. */
void ax_put_u32(struct ax_buf *b, uint32_t v);
/* As above. */
void ax_put_u64(struct ax_buf *b, uint64_t v);
/* As above. */
void ax_put_i64(struct ax_buf *b, int64_t v);
/* As above; the 32 bits are kept. */
void ax_put_f32(struct ax_buf *b, float v);
/* As above; the 64 bits are kept. */
void ax_put_f64(struct ax_buf *b, double v);
/* Append a varint of 1 to 10 bytes. */
void ax_put_varint(struct ax_buf *b, uint64_t v);
/* Append a zigzag varint: small magnitudes are short. */
void ax_put_svarint(struct ax_buf *b, int64_t v);
/* Append a varint length and the bytes. */
void ax_put_str(struct ax_buf *b, struct ax_str s);
/* Append a varint count and n floats as they are. */
void ax_put_f32s(struct ax_buf *b, const float *v, uint32_t n);

/* Read one value of fixed width. */
uint8_t ax_get_u8(struct ax_bytes *r);
/* As above. */
uint32_t ax_get_u32(struct ax_bytes *r);
/* As above. */
uint64_t ax_get_u64(struct ax_bytes *r);
/* As above. */
int64_t ax_get_i64(struct ax_bytes *r);
/* As above. */
float ax_get_f32(struct ax_bytes *r);
/* As above. */
double ax_get_f64(struct ax_bytes *r);
/* Read a byte that must be 0 or 1. */
bool ax_get_bool(struct ax_bytes *r);
/* Read a varint; more than 64 bits are malformed. */
uint64_t ax_get_varint(struct ax_bytes *r);
/* Read a zigzag varint. */
int64_t ax_get_svarint(struct ax_bytes *r);
/* Read a varint that must be at most max, a count or an index, so that memory can be taken by it. */
uint32_t ax_get_count(struct ax_bytes *r, uint32_t max);
/* Read a string as a view into the bytes. */
struct ax_str ax_get_str(struct ax_bytes *r);
/* Read floats as ax_put_f32s() wrote them into out, which has room for max; returns how many. More than max
 * is malformed. */
uint32_t ax_get_f32s(struct ax_bytes *r, float *out, uint32_t max);

/* Read floats as ax_put_f32s() wrote them: exactly n, each from min to max, or NaN where gaps are allowed;
 * else they are malformed, and out is not to be relied upon. */
void ax_get_f32s_in(struct ax_bytes *r, float *out, uint32_t n, float min, float max, bool gaps);
/* Read a float that must be from min to max; NaN is not. */
float ax_get_f32_in(struct ax_bytes *r, float min, float max);
/* As above. */
double ax_get_f64_in(struct ax_bytes *r, double min, double max);
/* Read a time in ms of fixed width: INT64_MIN (never), or so near to the epoch that the sum of two cannot
 * overflow. */
int64_t ax_get_ms(struct ax_bytes *r);
/* Read a byte that must be the version; another one is malformed. */
void ax_get_version(struct ax_bytes *r, uint8_t version);

#endif
