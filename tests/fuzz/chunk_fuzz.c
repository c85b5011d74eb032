/* Chunks from any bytes; the first byte chooses the type. What was read with rising times must come back
 * after it was written. */
#include "base/assert.h"
#include "prom/chunk.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const struct ax_sample *v, uint32_t n)
{
    struct ax_buf out;
    struct ax_chunk c;
    struct ax_sample s;
    ax_buf_init(&out, 4 << 20);
    ax_chunk_xor(v, n, &out);
    if (ax_chunk_open(&c, AX_CHUNK_XOR, ax_buf_view(&out)) != AX_OK || c.n != n)
        abort();
    for (uint32_t i = 0; i < n; i++)
        if (!ax_chunk_next(&c, &s) || s.t_ms != v[i].t_ms ||
            ax_double_bits(s.value) != ax_double_bits(v[i].value))
            abort();
    ax_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ax_sample v[UINT16_MAX];
    struct ax_chunk c;
    if (size == 0 || ax_chunk_open(&c, data[0], (struct ax_str){(const char *)data + 1, size - 1}) != AX_OK)
        return 0;
    uint32_t n = 0;
    bool rising = true;
    while (ax_chunk_next(&c, &v[n])) {
        rising = rising && (n == 0 || v[n].t_ms > v[n - 1].t_ms);
        n++;
    }
    if (n > c.n || (c.err == AX_OK && n != c.n))
        abort();
    if (n && rising)
        write_again(v, n);
    return 0;
}
