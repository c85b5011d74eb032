/* wire_put.h: writes protobuf's wire format at the end of a buffer, whose sticky error tells of failures.
 * Source: Protocol Buffers, "Encoding". */
#ifndef AX_PROM_WIRE_PUT_H
#define AX_PROM_WIRE_PUT_H

#include "base/buf.h"
#include "prom/sample.h"
#include "prom/wire.h"

/* Bytes that a varint takes: 1 to 10. */
size_t ax_wire_varint_size(uint64_t v);

/* Append a varint. */
void ax_wire_put_varint(struct ax_buf *b, uint64_t v);

/* Append a tag. */
void ax_wire_put_tag(struct ax_buf *b, unsigned field, enum ax_wire_type type);

/* Append a length-delimited field. */
void ax_wire_put_bytes(struct ax_buf *b, unsigned field, struct ax_str s);

/* Append a varint field, or nothing when it is 0, as proto3 does. */
void ax_wire_put_number(struct ax_buf *b, unsigned field, uint64_t v);

/* Bytes that ax_wire_put_samples() appends. */
size_t ax_wire_samples_size(const struct ax_sample *v, uint32_t n);

/* Append n Samples {value = 1, timestamp = 2} as field 2 of a TimeSeries. Zero members are left out as
 * proto3 does (a negative zero is no zero). */
void ax_wire_put_samples(struct ax_buf *b, const struct ax_sample *v, uint32_t n);

#endif
