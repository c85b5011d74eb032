/* received.c: requests go through the decoder that the receiver of Auspex uses. */
#include "received.h"

#include "ax_test.h"
#include "net/compress.h"
#include "prom/labels.h"
#include "prom/rw_decode.h"

#include <stdlib.h>

struct reading {
    struct received received;
    struct ax_rw_decoder decoder;
};

static enum ax_err on_series(void *ctx, const struct ax_rw_series *series, const struct ax_rw_fault *fault)
{
    struct reading *reading = ctx;
    struct received *r = &reading->received;
    struct ax_str key = series->key;
    assert_null(fault);
    if (series->refs_n)
        assert_int_equal(ax_rw_spell(&reading->decoder, series->refs, series->refs_n, &key, NULL), AX_OK);
    struct ax_arena arena;
    struct ax_labels labels;
    struct ax_buf text;
    ax_arena_init(&arena, 1u << 20);
    ax_buf_init(&text, 1u << 16);
    assert_int_equal(ax_labels_key_parse(key, &arena, &labels, NULL), AX_OK);
    ax_labels_write(&labels, &text);
    r->v = realloc(r->v, (r->n + series->samples_n) * sizeof *r->v);
    for (uint32_t i = 0; i < series->samples_n; i++) {
        struct received_sample *s = &r->v[r->n++];
        memset(s->series, 0, sizeof s->series);
        memcpy(s->series, text.bytes, text.n < sizeof s->series ? text.n : sizeof s->series - 1);
        s->sample = series->samples[i];
    }
    ax_buf_done(&text);
    ax_arena_done(&arena);
    return AX_OK;
}

struct received received_read(const struct got *request)
{
    static const char v1[] = "application/x-protobuf";
    static const char v2[] = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    int version = strcmp(request->version, "2.0.0") == 0 ? 2 : 1;
    assert_string_equal(request->version, version == 2 ? "2.0.0" : "0.1.0");
    assert_string_equal(request->content_type, version == 2 ? v2 : v1);
    assert_string_equal(request->content_encoding, "snappy");
    struct reading r = {.received = {0}};
    struct ax_rw_limits limits = {1000, 65536, 1u << 20, 1000000, 1000000, 1u << 30};
    struct ax_rw_stats stats = {0};
    struct ax_buf body;
    ax_buf_init(&body, 64u << 20);
    assert_int_equal(ax_snappy_decompress(ax_buf_view(&request->body), &body, NULL), AX_OK);
    assert_int_equal(
        ax_rw_decode(&r.decoder, version, ax_buf_view(&body), &limits, on_series, &r, &stats, NULL), AX_OK);
    ax_buf_done(&body);
    ax_rw_decoder_done(&r.decoder);
    return r.received;
}

void received_done(struct received *r)
{
    free(r->v);
    *r = (struct received){0};
}
