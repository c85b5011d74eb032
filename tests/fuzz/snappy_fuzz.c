/* Snappy's elements from any bytes: our decoder and libsnappy refuse the same, and make the same of the rest.
 */
#include "net/snappy_block.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>

#define OUT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    if (ax_snappy_elements(data + head, size - head, ours, n) != sound)
        abort();
    if (sound && n && memcmp(ours, theirs, n) != 0)
        abort();
    free(ours);
    free(theirs);
    return 0;
}
