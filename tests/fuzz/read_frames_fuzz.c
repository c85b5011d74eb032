/* The streamed answer to a remote-read: in pieces as whole, and against protobuf-c. Checksums are made right
 * first, or the fuzzer would never come past them. */
#include "base/hash.h"
#include "prom/wire.h"
#include "read_oracle.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend_checksums(uint8_t *bytes, size_t n)
{
    struct ax_wire w = ax_wire_of((struct ax_str){(const char *)bytes, n});
    uint64_t length;
    while (ax_wire_varint(&w, &length) && ax_wire_left(&w) >= 4 && length <= ax_wire_left(&w) - 4) {
        uint8_t *at = bytes + (n - ax_wire_left(&w));
        uint32_t crc = ax_crc32c(0, at + 4, (size_t)length);
        for (unsigned i = 0; i < 4; i++)
            at[i] = (uint8_t)(crc >> (24 - 8 * i));
        w.p += 4 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size ? size : 1);
    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    if (size % 8) /* and now and then as it is */
        mend_checksums(bytes, size);
    const char *differ = read_oracle_frames(bytes, size);
    free(bytes);
    if (differ) {
        (void)fprintf(stderr, "frames: %s\n", differ);
        abort();
    }
    return 0;
}
