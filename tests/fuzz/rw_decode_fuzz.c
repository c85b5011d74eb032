/* The remote-write decoder against protobuf-c on any bytes; the first byte chooses the version. */
#include "rw_oracle.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ax_rw_decoder decoder; /* lives on, as in service: nothing may leak from input to input */
    if (size == 0)
        return 0;
    const char *differ = rw_oracle_compare(&decoder, data[0] % 2 ? 2 : 1, data + 1, size - 1);
    if (differ) {
        (void)fprintf(stderr, "decoder and protobuf-c differ: %s\n", differ);
        abort();
    }
    return 0;
}
