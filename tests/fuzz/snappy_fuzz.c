/* Snappy's elements from any bytes: our decoder and libsnappy refuse the same, and make the same of the rest.
 * One exception: a literal of 2^32 bytes overflows to none in libsnappy, which takes it; ours refuses it, as
 * Go's decoder does. */
#include "net/snappy_block.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>

#define OUT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is there a literal of 2^32 bytes? */
static bool may_overflow(const uint8_t *data, size_t size)
{
    return memmem(data, size, "\xfc\xff\xff\xff\xff", 5) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n, head = 0;
    if (snappy_uncompressed_length((const char *)data, size, &n) != SNAPPY_OK || n > OUT_MAX)
        return 0;
    while (data[head] & 0x80)
        head++;
    head++;
    uint8_t *ours = malloc(n ? n : 1), *theirs = malloc(n ? n : 1); /* of just this size, for the sanitizer */
    if (!ours || !theirs)
        abort();
    size_t made = n;
    bool sound = snappy_uncompress((const char *)data, size, (char *)theirs, &made) == SNAPPY_OK;
    bool taken = ax_snappy_elements(data + head, size - head, ours, n);
    if (taken != sound && !(sound && may_overflow(data, size)))
        abort();
    if (taken && n && memcmp(ours, theirs, n) != 0)
        abort();
    free(ours);
    free(theirs);
    return 0;
}
