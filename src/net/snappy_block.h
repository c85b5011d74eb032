/* snappy_block.h: a decoder of snappy's elements (format_description.txt of snappy 1.1.9).
 *
 * libsnappy takes half as long again for the bodies of remote-write, whose elements are short; it stays the
 * encoder, and the oracle of the tests. Pure; any thread. */
#ifndef AX_NET_SNAPPY_BLOCK_H
#define AX_NET_SNAPPY_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decode the elements of a block, what stands behind its length, into just out_n bytes. False when they make
 * more or fewer, or refer to what is not there; what out holds then is of no use. Nothing outside of both is
 * read or written. */
bool ax_snappy_elements(const uint8_t *in, size_t n, uint8_t *out, size_t out_n);

#endif
