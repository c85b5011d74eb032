/* A batch holds one sample of a series, is sent in parts, and gets smaller as its samples grow old. */
#include "ax_test.h"
#include "emit/batch.h"
#include "net/compress.h"
#include "prom/labels.h"
#include "prom/rw_decode.h"

#include <stdlib.h>

#define LARGE_LABEL ((size_t)9 << 20) /* three of them pass a request's ceiling */

static struct ax_feed_series *series_of(const char *name, size_t padding)
{
    struct ax_buf b;
    ax_buf_init(&b, (size_t)32 << 20);
    char *text = calloc(1, padding + 1);
    memset(text, 'x', padding);
    struct ax_label pairs[] = {{ax_str(AX_METRIC_NAME), ax_str(name)}, {ax_str("padding"), {text, padding}}};
    struct ax_labels labels = {padding ? 2 : 1, pairs};
    ax_labels_key_write(&labels, &b);
    struct ax_feed_series *s = calloc(1, sizeof *s + b.n);
    s->key_n = (uint32_t)b.n;
    memcpy(s->key, b.bytes, b.n);
    ax_buf_done(&b);
    free(text);
    return s;
}

static void add(struct ax_batch *b, struct ax_feed_series *series, int64_t t_ms, double value)
{
    const struct ax_feed_sample sample = {.series = series, .t_ms = t_ms, .value = value};
    ax_batch_add(b, &sample);
}

/* The samples of a request in its order. */
struct seen {
    struct ax_sample v[8];
    uint32_t n;
};

static enum ax_err see(void *ctx, const struct ax_rw_series *series, const struct ax_rw_fault *fault)
{
    struct seen *seen = ctx;
    assert_null(fault);
    assert_int_equal(series->samples_n, 1);
    seen->v[seen->n++] = series->samples[0];
    return AX_OK;
}

static struct seen read_back(const struct ax_batch *b)
{
    struct seen seen = {0};
    struct ax_rw_decoder d = {0};
    struct ax_rw_limits limits = {10, 65536, 1u << 20, 1000, 1000, 1u << 30};
    struct ax_rw_stats stats = {0};
    struct ax_buf body;
    ax_buf_init(&body, 1u << 20);
    assert_int_equal(ax_snappy_decompress(ax_buf_view(&b->bytes), &body, NULL), AX_OK);
    assert_int_equal(ax_rw_decode(&d, 1, ax_buf_view(&body), &limits, see, &seen, &stats, NULL), AX_OK);
    ax_rw_decoder_done(&d);
    ax_buf_done(&body);
    return seen;
}

static void a_series_is_in_a_batch_once_and_may_be_in_the_next(void **state)
{
    (void)state;
    struct ax_batch b;
    struct ax_feed_series *one = series_of("m", 0), *other = series_of("n", 0);
    assert_int_equal(ax_batch_init(&b, 10), AX_OK);
    assert_false(ax_batch_has(&b, one));
    add(&b, one, 1, 1);
    assert_true(ax_batch_has(&b, one));
    assert_false(ax_batch_has(&b, other));
    ax_batch_reset(&b);
    assert_int_equal(b.n, 0);
    assert_false(ax_batch_has(&b, one));
    ax_batch_done(&b);
    free(one);
    free(other);
}

static void a_part_has_its_samples_in_order_without_those_that_were_taken_out(void **state)
{
    (void)state;
    struct ax_batch b;
    struct ax_feed_series *series[4];
    const char *names[] = {"d", "c", "b", "a"};
    assert_int_equal(ax_batch_init(&b, 4), AX_OK);
    for (int i = 0; i < 4; i++) {
        series[i] = series_of(names[i], 0);
        add(&b, series[i], 10 + i, i == 2 ? ax_stale() : i);
    }
    assert_int_equal(ax_batch_encode(&b, 1, 4, 1), AX_OK);
    assert_int_equal(b.encoded_n, 3);
    assert_true(b.newest_ms == 13);
    struct seen seen = read_back(&b);
    assert_int_equal(seen.n, 3);
    assert_true(seen.v[0].t_ms == 11 && ax_is_stale(seen.v[1].value) && seen.v[2].value == 3);

    assert_int_equal(ax_batch_expire(&b, 1, 3, 13), 2);
    assert_int_equal(ax_batch_expire(&b, 1, 3, 13), 0);
    assert_int_equal(ax_batch_left(&b, 0, 4), 2);
    assert_int_equal(ax_batch_encode(&b, 0, 4, 1), AX_OK);
    seen = read_back(&b);
    assert_int_equal(seen.n, 2);
    assert_true(seen.v[0].t_ms == 10 && seen.v[1].t_ms == 13);
    ax_batch_done(&b);
    for (int i = 0; i < 4; i++)
        free(series[i]);
}

static void what_is_too_large_for_a_request_fits_in_parts(void **state)
{
    (void)state;
    struct ax_batch b;
    struct ax_feed_series *series[4];
    const char *names[] = {"a", "b", "c", "d"};
    assert_int_equal(ax_batch_init(&b, 10), AX_OK);
    for (int i = 0; i < 4; i++) {
        series[i] = series_of(names[i], LARGE_LABEL);
        add(&b, series[i], i, 1);
    }
    assert_int_equal(ax_batch_encode(&b, 0, 4, 1), AX_LIMIT);
    assert_int_equal(ax_batch_encode(&b, 0, 2, 1), AX_OK);
    assert_int_equal(ax_batch_encode(&b, 2, 4, 2), AX_OK);
    ax_batch_done(&b);
    for (int i = 0; i < 4; i++)
        free(series[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_is_in_a_batch_once_and_may_be_in_the_next),
        cmocka_unit_test(a_part_has_its_samples_in_order_without_those_that_were_taken_out),
        cmocka_unit_test(what_is_too_large_for_a_request_fits_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
