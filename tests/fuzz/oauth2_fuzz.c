/* oauth2_fuzz.c: any bytes as what a token_url answers: no crash, and what is taken for a token can stand in
 * a header. */
#include "base/assert.h"
#include "net/http_oauth2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ax_buf value;
    int64_t seconds = -1;
    ax_buf_init(&value, 4096);
    enum ax_err err = ax_oauth2_read((struct ax_str){(const char *)data, n}, &value, &seconds, NULL);
    AX_ASSERT(seconds >= 0);
    AX_ASSERT(err == AX_OK || err == AX_INVALID || err == AX_LIMIT);
    for (size_t i = 0; err == AX_OK && i < value.n; i++)
        AX_ASSERT(value.bytes[i] >= 0x20 && value.bytes[i] < 0x7f);
    ax_buf_done(&value);
    return 0;
}
