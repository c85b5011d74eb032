/* A batch groups its samples by labels and time, and gets smaller when a receiver could not take it. */
#include "ax_test.h"
#include "emit/batch.h"
#include "net/compress.h"
#include "prom/labels.h"
#include "prom/rw_decode.h"

#include <stdlib.h>

#define LARGE_LABEL ((size_t)9 << 20) /* three of them pass a request's ceiling */

static struct ax_out_key *key_of(const char *name, size_t padding)
{
    struct ax_buf b;
    ax_buf_init(&b, (size_t)32 << 20);
    char *text = calloc(1, padding + 1);
    memset(text, 'x', padding);
    struct ax_label pairs[] = {{ax_str(AX_METRIC_NAME), ax_str(name)}, {ax_str("padding"), {text, padding}}};
    struct ax_labels labels = {padding ? 2 : 1, pairs};
    ax_labels_key_write(&labels, &b);
    struct ax_out_key *key = ax_out_key_new(ax_buf_view(&b));
    ax_buf_done(&b);
    free(text);
    return key;
}

/* Each series of a request in turn: its number of samples, and their times in order. */
struct seen {
    uint32_t samples[8];
    int64_t t_ms[16];
    uint32_t series_n, t_n;
};

static enum ax_err see(void *ctx, const struct ax_rw_series *series, const struct ax_rw_fault *fault)
{
    struct seen *seen = ctx;
    assert_null(fault);
    seen->samples[seen->series_n++] = series->samples_n;
    for (uint32_t i = 0; i < series->samples_n; i++)
        seen->t_ms[seen->t_n++] = series->samples[i].t_ms;
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

static void samples_of_equal_labels_become_one_series_in_time_order(void **state)
{
    (void)state;
    struct ax_queue *q = ax_queue_new(100);
    struct ax_batch b;
    assert_int_equal(ax_batch_init(&b, 10), AX_OK);
    struct ax_out_key *one = key_of("m", 0), *same = key_of("m", 0), *other = key_of("n", 0);
    (void)ax_queue_push(q, one, 1, 1);
    (void)ax_queue_push(q, other, 1, 1);
    (void)ax_queue_push(q, same, 3, 1);
    (void)ax_queue_push(q, one, 2, 1);
    assert_int_equal(ax_batch_take(&b, q), 4);
    assert_int_equal(ax_batch_encode(&b, 1), AX_OK);
    assert_true(b.newest_ms == 3);
    struct seen seen = read_back(&b);
    assert_int_equal(seen.series_n, 2);
    uint32_t first = seen.samples[0] == 3 ? 0 : 1;
    assert_int_equal(seen.samples[first == 0 ? 0 : 1], 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(seen.t_ms[first + i] == i + 1);

    assert_int_equal(ax_batch_expire(&b, q, 2), 2);
    assert_int_equal(ax_batch_encode(&b, 1), AX_OK);
    seen = read_back(&b);
    assert_int_equal(seen.series_n, 1);
    assert_true(seen.t_ms[0] == 2 && seen.t_ms[1] == 3);
    assert_true(ax_queue_pending(q) == 2);
    ax_batch_finish(&b, q);
    assert_true(ax_queue_pending(q) == 0);
    ax_out_key_unref(one);
    ax_out_key_unref(same);
    ax_out_key_unref(other);
    ax_batch_done(&b);
    ax_queue_free(q);
}

static void a_batch_too_large_for_a_request_is_halved(void **state)
{
    (void)state;
    struct ax_queue *q = ax_queue_new(100);
    struct ax_batch b;
    assert_int_equal(ax_batch_init(&b, 10), AX_OK);
    const char *names[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; i++) {
        struct ax_out_key *key = key_of(names[i], LARGE_LABEL);
        (void)ax_queue_push(q, key, i, 1);
        ax_out_key_unref(key);
    }
    assert_int_equal(ax_batch_take(&b, q), 4);
    assert_int_equal(ax_batch_encode(&b, 1), AX_LIMIT);
    assert_int_equal(ax_batch_halve(&b, q), 0);
    assert_int_equal(b.n, 2);
    assert_int_equal(ax_batch_encode(&b, 1), AX_OK);
    ax_batch_finish(&b, q);
    assert_int_equal(ax_batch_take(&b, q), 2);
    assert_true(b.items[0].t_ms == 2 && b.items[1].t_ms == 3);
    assert_int_equal(ax_batch_give_back(&b, q), 0);
    assert_true(ax_queue_pending(q) == 2);
    ax_batch_done(&b);
    ax_queue_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_of_equal_labels_become_one_series_in_time_order),
        cmocka_unit_test(a_batch_too_large_for_a_request_is_halved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
