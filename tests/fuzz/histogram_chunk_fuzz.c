/* Chunks of native histograms from any bytes; the first byte chooses the type. Each histogram that is read is
 * a message that can be read, of the time that was said, and a reader that was used before reads the same. */
#include "base/assert.h"
#include "base/hash.h"
#include "prom/histogram.h"
#include "prom/histogram_chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read all of it; a number that depends on everything that was read. */
static uint64_t read(struct ax_histogram_chunk *c, int type, struct ax_str bytes, struct ax_buf *message)
{
    uint64_t sum = 0, written = 0;
    int64_t t_ms;
    const enum ax_err err = ax_histogram_chunk_open(c, type, bytes);
    AX_ASSERT(err != AX_NOMEM);
    while (err == AX_OK && written < 16 << 20 && ax_histogram_chunk_next(c, &t_ms)) {
        struct ax_histogram h;
        ax_buf_reset(message);
        ax_histogram_chunk_message(c, message);
        AX_ASSERT(message->err == AX_OK);
        AX_ASSERT(message->n <= 128 + c->layout.n + 11 * ((size_t)c->positive_n + c->negative_n));
        AX_ASSERT(ax_histogram_read(ax_buf_view(message), &h) && h.sample.t_ms == t_ms);
        sum = ax_hash64(message->bytes, message->n, sum);
        written += message->n;
    }
    AX_ASSERT(err != AX_OK || c->err == AX_OK || c->err == AX_CORRUPT);
    return sum + (uint64_t)err + (uint64_t)c->err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ax_histogram_chunk c = {0};
    struct ax_buf message;
    if (size == 0)
        return 0;
    const struct ax_str bytes = {(const char *)data + 1, size - 1};
    ax_buf_init(&message, 2 << 20);
    const uint64_t first = read(&c, data[0], bytes, &message);
    AX_ASSERT(read(&c, data[0], bytes, &message) == first);
    ax_buf_done(&message);
    ax_histogram_chunk_done(&c);
    return 0;
}
