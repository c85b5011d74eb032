/* batch.c: a run of samples, handed to the encoder as series of one sample each. */
#include "emit/batch.h"

#include "base/assert.h"

#include <stdlib.h>

#define BODY_BYTES_MAX ((size_t)24 << 20) /* uncompressed; receivers refuse 32 MiB */
#define REQUEST_BYTES_MAX ((size_t)32 << 20)

enum ax_err ax_batch_init(struct ax_batch *b, uint32_t cap)
{
    *b = (struct ax_batch){.cap = cap, .number = 1};
    ax_rw_encoder_init(&b->encoder, BODY_BYTES_MAX);
    ax_buf_init(&b->bytes, REQUEST_BYTES_MAX);
    b->items = calloc(cap, sizeof *b->items);
    b->samples = calloc(cap, sizeof *b->samples);
    b->runs = calloc(cap, sizeof *b->runs);
    if (b->items && b->samples && b->runs)
        return AX_OK;
    ax_batch_done(b);
    return AX_NOMEM;
}

void ax_batch_done(struct ax_batch *b)
{
    ax_rw_encoder_done(&b->encoder);
    ax_buf_done(&b->bytes);
    free(b->items);
    free(b->samples);
    free(b->runs);
    *b = (struct ax_batch){0};
}

void ax_batch_reset(struct ax_batch *b)
{
    b->n = 0;
    b->number++;
}

bool ax_batch_has(const struct ax_batch *b, const struct ax_feed_series *series)
{
    return series->batch == b->number;
}

void ax_batch_add(struct ax_batch *b, const struct ax_feed_sample *sample)
{
    AX_ASSERT(b->n < b->cap && !ax_batch_has(b, sample->series));
    sample->series->batch = b->number;
    struct ax_item *item = &b->items[b->n++];
    *item = (struct ax_item){
        .series = sample->series, .t_ms = sample->t_ms, .at = sample->at, .count = sample->count};
    memcpy(&item->value, &sample->value, sizeof item->value); /* a stale marker keeps its bits */
}

uint32_t ax_batch_left(const struct ax_batch *b, uint32_t from, uint32_t to)
{
    uint32_t n = 0;
    for (uint32_t i = from; i < to; i++)
        n += b->items[i].series != NULL;
    return n;
}

uint32_t ax_batch_expire(struct ax_batch *b, uint32_t from, uint32_t to, int64_t before_ms)
{
    uint32_t n = 0;
    for (uint32_t i = from; i < to; i++)
        if (b->items[i].series && b->items[i].t_ms < before_ms) {
            b->items[i].series = NULL;
            n++;
        }
    return n;
}

enum ax_err ax_batch_encode(struct ax_batch *b, uint32_t from, uint32_t to, int version)
{
    uint32_t n = 0;
    b->newest_ms = INT64_MIN;
    for (uint32_t i = from; i < to; i++) {
        const struct ax_item *item = &b->items[i];
        if (!item->series)
            continue;
        struct ax_sample *sample = &b->samples[n];
        sample->t_ms = item->t_ms;
        memcpy(&sample->value, &item->value, sizeof sample->value);
        b->runs[n++] = (struct ax_rw_run){{item->series->key, item->series->key_n}, sample, 1};
        b->newest_ms = item->t_ms > b->newest_ms ? item->t_ms : b->newest_ms;
    }
    b->encoded_n = n;
    ax_buf_reset(&b->bytes);
    return ax_rw_encode(&b->encoder, version, b->runs, n, &b->bytes);
}
