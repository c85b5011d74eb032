/* receiver.c: negotiate, decompress, walk, append, answer.
 *
 * Each request borrows a scratch (decompressed bytes, decoder) from a pool that has as many as requests were
 * ever handled at once. */
#include "ingest/receiver.h"

#include "ingest/receiver_priv.h"
#include "net/compress.h"

#include <stdlib.h>

#define MIB ((size_t)1 << 20)
#define SCRATCH_KEPT (8 * MIB) /* a scratch that grew beyond it is given back after the request */
#define SPELLED_FACTOR 8       /* honest 2.0 requests spell to 4 or 5 times their size */

/* ---- memory ---- */

static struct ax_request_scratch *borrow(struct ax_receiver *r)
{
    pthread_mutex_lock(&r->lock);
    struct ax_request_scratch *s = r->free;
    if (s)
        r->free = s->next;
    pthread_mutex_unlock(&r->lock);
    if (s)
        return s;
    s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    ax_buf_init(&s->plain, (size_t)r->opt.plain_max);
    ax_journal_init(&s->journal);
    return s;
}

static void scratch_done(struct ax_request_scratch *s)
{
    ax_buf_done(&s->plain);
    ax_rw_decoder_done(&s->decoder);
    ax_journal_done(&s->journal);
    ax_seen_done(&s->symbols);
}

static void give_back(struct ax_receiver *r, struct ax_request_scratch *s)
{
    const struct ax_rw_decoder *d = &s->decoder;
    size_t held = s->plain.cap + d->key.cap + d->samples.cap * sizeof *d->samples.v +
                  d->histograms.cap * sizeof *d->histograms.v +
                  s->decoder.symbols_cap * sizeof(struct ax_str) + s->decoder.starts.cap * sizeof(int64_t) +
                  s->journal.definitions.cap + s->journal.runs.cap + s->journal.histograms.cap +
                  s->symbols.cap * sizeof *s->symbols.v + s->decoder.refs_cap * sizeof(uint32_t);
    if (held > SCRATCH_KEPT)
        scratch_done(s);
    pthread_mutex_lock(&r->lock);
    s->next = r->free;
    r->free = s;
    pthread_mutex_unlock(&r->lock);
}

/* ---- the request ---- */

static enum ax_err process(struct ax_request *q, struct ax_request_scratch *s, enum ax_rw_encoding encoding,
                           struct ax_str body, struct ax_diag *diag)
{
    enum ax_err err = encoding == AX_RW_ZSTD ? ax_zstd_decompress(body, &s->plain, diag)
                                             : ax_snappy_decompress(body, &s->plain, diag);
    if (err == AX_LIMIT)
        ax_request_end(q, AX_END_DECODED_SIZE, err, diag);
    if (err != AX_OK)
        return err;
    q->scratch = s;
    q->journal = q->receiver->opt.log ? &s->journal : NULL;
    ax_journal_reset(&s->journal);
    s->decoder.take_plain = ax_request_take_plain;
    err = ax_rw_decode(&s->decoder, q->version, ax_buf_view(&s->plain), &q->receiver->opt.limits,
                       ax_request_visit, q, &q->stats, diag);
    ax_request_finish(q);
    if (q->ended == AX_OK && err == AX_LIMIT)
        ax_request_end(q, AX_END_SYMBOLS, err, diag);
    if (q->ended == AX_OK && q->starved && err == AX_OK)
        return ax_fail(diag, AX_NOMEM, "out of memory, send it again");
    if (q->ended == AX_OK)
        return err;
    *diag = q->end;
    return q->ended;
}

void ax_receiver_take(struct ax_receiver *r, int version, enum ax_rw_encoding encoding, struct ax_str body,
                      struct ax_http_response *res)
{
    struct ax_diag diag = {{0}};
    enum ax_err err;
    int64_t now_ms = ax_clock_now(&r->opt.clock);
    struct ax_request q = {.receiver = r, .version = version, .latest_ms = INT64_MAX};
    if (r->opt.future_max_ms >= 0)
        q.latest_ms = now_ms + r->opt.future_max_ms;
    struct ax_request_scratch *s = borrow(r);
    if (s) {
        err = process(&q, s, encoding, body, &diag);
        give_back(r, s);
    } else {
        err = ax_fail(&diag, AX_NOMEM, "no memory for a request");
    }
    ax_request_tell_metrics(&q, body.n, now_ms);
    ax_request_answer(&q, err, &diag, res);
}

static void handle(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_diag diag = {{0}};
    int version = 1;
    enum ax_rw_encoding encoding = AX_RW_SNAPPY;
    enum ax_err err = ax_rw_encoding(ax_http_header(req, "Content-Encoding"), &encoding, &diag);
    if (err == AX_OK)
        err = ax_rw_version(ax_http_header(req, "Content-Type"), &version, &diag);
    if (err == AX_OK)
        ax_receiver_take(ctx, version, encoding, req->body, res);
    else
        ax_http_text(res, ax_err_http(err), "%s", diag.text);
}

/* ---- life ---- */

static uint32_t or_default(uint32_t v, uint32_t otherwise)
{
    return v ? v : otherwise;
}

static void set_defaults(struct ax_receiver_options *o)
{
    if (!o->clock.now_ms)
        o->clock = ax_clock_wall();
    if (o->body_max == 0)
        o->body_max = 32 * MIB;
    if (o->plain_max == 0)
        o->plain_max = 32 * MIB;
    if (o->future_max_ms == 0)
        o->future_max_ms = 600000;
    o->limits.labels_max = or_default(o->limits.labels_max, 128);
    o->limits.label_bytes_max = or_default(o->limits.label_bytes_max, 4096);
    o->limits.key_bytes_max = or_default(o->limits.key_bytes_max, 65536);
    o->refused_max = or_default(o->refused_max, 10000);
    o->limits.symbols_max = or_default(o->limits.symbols_max, 1000000);
    if (o->limits.spelled_max == 0)
        o->limits.spelled_max = SPELLED_FACTOR * o->plain_max;
    o->limits.samples_max = or_default(o->limits.samples_max, 100000);
}

enum ax_err ax_receiver_new(struct ax_db *db, const struct ax_receiver_options *options,
                            struct ax_receiver **out, struct ax_diag *diag)
{
    struct ax_receiver *r = calloc(1, sizeof *r);
    if (!r)
        return ax_fail(diag, AX_NOMEM, "no memory for the receiver");
    r->db = db;
    r->opt = *options;
    set_defaults(&r->opt);
    (void)pthread_mutex_init(&r->lock, NULL);
    ax_receiver_find_cells(r);
    *out = r;
    return AX_OK;
}

void ax_receiver_free(struct ax_receiver *r)
{
    if (!r)
        return;
    for (struct ax_request_scratch *s = r->free, *next; s; s = next) {
        next = s->next;
        scratch_done(s);
        free(s);
    }
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

struct ax_http_route ax_receiver_route(struct ax_receiver *r)
{
    return (struct ax_http_route){.method = "POST",
                                  .path = "/api/v1/write",
                                  .name = "write",
                                  .handle = handle,
                                  .ctx = r,
                                  .body_max = r->opt.body_max,
                                  .body_flag = "remote-write.max-body-size"};
}
