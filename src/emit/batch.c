/* batch.c: sorts a batch by series and time and hands the runs to the encoder. */
#include "emit/batch.h"

#include "base/assert.h"

#include <stdlib.h>

#define BODY_BYTES_MAX ((size_t)24 << 20) /* uncompressed; receivers refuse 32 MiB */
#define REQUEST_BYTES_MAX ((size_t)32 << 20)

enum ax_err ax_batch_init(struct ax_batch *b, uint32_t cap)
{
    *b = (struct ax_batch){.cap = cap};
    ax_rw_encoder_init(&b->encoder, BODY_BYTES_MAX);
    ax_buf_init(&b->bytes, REQUEST_BYTES_MAX);
    b->items = calloc(cap, sizeof *b->items);
    b->order = calloc(cap, sizeof *b->order);
    b->samples = calloc(cap, sizeof *b->samples);
    b->runs = calloc(cap, sizeof *b->runs);
    if (b->items && b->order && b->samples && b->runs)
        return AX_OK;
    ax_batch_done(b);
    return AX_NOMEM;
}

void ax_batch_done(struct ax_batch *b)
{
    AX_ASSERT(b->n == 0);
    ax_rw_encoder_done(&b->encoder);
    ax_buf_done(&b->bytes);
    free(b->items);
    free(b->order);
    free(b->samples);
    free(b->runs);
    *b = (struct ax_batch){0};
}

uint32_t ax_batch_take(struct ax_batch *b, struct ax_queue *q)
{
    AX_ASSERT(b->n == 0);
    b->n = ax_queue_take(q, b->items, b->cap);
    return b->n;
}

uint32_t ax_batch_expire(struct ax_batch *b, struct ax_queue *q, int64_t before_ms)
{
    uint32_t kept = 0, dropped = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        if (b->items[i].t_ms >= before_ms) {
            b->items[kept++] = b->items[i];
        } else {
            ax_queue_done(q, &b->items[i], 1);
            dropped++;
        }
    }
    b->n = kept;
    return dropped;
}

static struct ax_str key_of(const struct ax_item *item)
{
    return (struct ax_str){item->key->bytes, item->key->n};
}

static int compare_keys(const struct ax_out_key *a, const struct ax_out_key *b)
{
    if (a == b)
        return 0;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return ax_str_cmp((struct ax_str){a->bytes, a->n}, (struct ax_str){b->bytes, b->n});
}

/* By series, then time, then place in the queue. */
static int compare_items(const void *left, const void *right, void *items)
{
    uint32_t i = *(const uint32_t *)left, k = *(const uint32_t *)right;
    const struct ax_item *a = (const struct ax_item *)items + i, *b = (const struct ax_item *)items + k;
    int c = compare_keys(a->key, b->key);
    if (c == 0)
        c = (a->t_ms > b->t_ms) - (a->t_ms < b->t_ms);
    return c ? c : (i > k) - (i < k);
}

enum ax_err ax_batch_encode(struct ax_batch *b, int version)
{
    uint32_t runs_n = 0;
    for (uint32_t i = 0; i < b->n; i++)
        b->order[i] = i;
    qsort_r(b->order, b->n, sizeof *b->order, compare_items, b->items);
    b->newest_ms = INT64_MIN;
    for (uint32_t i = 0; i < b->n; i++) {
        const struct ax_item *item = &b->items[b->order[i]];
        b->samples[i].t_ms = item->t_ms;
        memcpy(&b->samples[i].value, &item->value, sizeof item->value); /* a stale marker keeps its bits */
        if (item->t_ms > b->newest_ms)
            b->newest_ms = item->t_ms;
        if (i == 0 || compare_keys(b->items[b->order[i - 1]].key, item->key) != 0)
            b->runs[runs_n++] = (struct ax_rw_run){key_of(item), &b->samples[i], 0};
        b->runs[runs_n - 1].samples_n++;
    }
    ax_buf_reset(&b->bytes);
    return ax_rw_encode(&b->encoder, version, b->runs, runs_n, &b->bytes);
}

uint32_t ax_batch_halve(struct ax_batch *b, struct ax_queue *q)
{
    uint32_t kept = b->n / 2;
    uint32_t lost = ax_queue_give_back(q, b->items + kept, b->n - kept);
    b->n = kept;
    return lost;
}

void ax_batch_finish(struct ax_batch *b, struct ax_queue *q)
{
    ax_queue_done(q, b->items, b->n);
    b->n = 0;
}

uint32_t ax_batch_give_back(struct ax_batch *b, struct ax_queue *q)
{
    uint32_t lost = ax_queue_give_back(q, b->items, b->n);
    b->n = 0;
    return lost;
}
