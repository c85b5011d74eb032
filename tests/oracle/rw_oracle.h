/* rw_oracle.h: protobuf-c as the oracle of the remote-write decoder; for the unit test and the fuzzer. */
#ifndef AX_RW_ORACLE_H
#define AX_RW_ORACLE_H

#include "prom/rw_decode.h"

#include <stddef.h>
#include <stdint.h>

/* Decode the same bytes with protobuf-c and with the decoder: both must refuse them, or read the same
 * series. Returns NULL when they agree, else what they differ in (static text). */
const char *rw_oracle_compare(struct ax_rw_decoder *d, int version, const uint8_t *bytes, size_t n);

#endif
