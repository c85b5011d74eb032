/* The remote-read request reader against protobuf-c on any bytes. */
#include "read_oracle.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *differ = read_oracle_request(data, size);
    if (differ) {
        (void)fprintf(stderr, "reader and protobuf-c differ: %s\n", differ);
        abort();
    }
    return 0;
}
