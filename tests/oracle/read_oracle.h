/* read_oracle.h: protobuf-c as the oracle of remote-read; for the unit tests and the fuzzers. */
#ifndef AX_READ_ORACLE_H
#define AX_READ_ORACLE_H

#include <stddef.h>
#include <stdint.h>

/* Decode the same bytes as a ReadRequest with protobuf-c and with the reader: both must refuse them, or read
 * the same. Returns NULL when they agree, else what they differ in (static text). */
const char *read_oracle_request(const uint8_t *bytes, size_t n);

/* Give the bytes to a reader of a streamed answer to three queries, whole and in pieces, and each whole frame
 * to protobuf-c. Returns NULL, or what is wrong. */
const char *read_oracle_frames(const uint8_t *bytes, size_t n);

#endif
