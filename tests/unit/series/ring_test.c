/* A ring keeps samples in time order, whatever the order in which they come. */
#include "ax_test.h"
#include "base/rng.h"
#include "series/ring.h"

#include <math.h>
#include <stdlib.h>

static enum ax_ring_put put(struct ax_ring *r, int64_t t, double v)
{
    return ax_ring_put(r, (struct ax_sample){t, v}, 1000, 64);
}

static void samples_come_out_in_time_order(void **state)
{
    (void)state;
    struct ax_ring r = {0};
    const int64_t times[] = {10, 30, 20, 50, 40, 5};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_int_equal(put(&r, times[i], (double)times[i]), AX_RING_ADDED);
    struct ax_sample out[8];
    assert_int_equal(ax_ring_read(&r, INT64_MIN, INT64_MAX, out, 8), 6);
    const int64_t sorted[] = {5, 10, 20, 30, 40, 50};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(out[i].t_ms, sorted[i]);
        assert_true(out[i].value == (double)sorted[i]);
    }
    ax_ring_done(&r);
}

static void a_read_is_open_on_the_left_and_closed_on_the_right(void **state)
{
    (void)state;
    struct ax_ring r = {0};
    for (int64_t t = 0; t < 50; t += 10)
        put(&r, t, 1);
    struct ax_sample out[8];
    assert_int_equal(ax_ring_read(&r, 10, 30, out, 8), 2);
    assert_int_equal(out[0].t_ms, 20);
    assert_int_equal(out[1].t_ms, 30);
    assert_int_equal(ax_ring_read(&r, 30, 30, out, 8), 0);
    assert_int_equal(ax_ring_read(&r, -1, 100, out, 2), 2);
    assert_int_equal(out[0].t_ms, 30);
    ax_ring_done(&r);
}

static void the_first_of_two_at_one_time_stays(void **state)
{
    (void)state;
    struct ax_ring r = {0};
    put(&r, 1, 1);
    put(&r, 2, 2);
    put(&r, 3, ax_stale());
    put(&r, 4, 0.0);
    assert_int_equal(put(&r, 2, 2), AX_RING_DUPLICATE);
    assert_int_equal(put(&r, 2, 9), AX_RING_CONFLICT);
    assert_int_equal(put(&r, 1, 9), AX_RING_CONFLICT);
    assert_int_equal(put(&r, 1, 1), AX_RING_DUPLICATE);
    assert_int_equal(put(&r, 3, ax_stale()), AX_RING_DUPLICATE); /* it is the bits that count */
    assert_int_equal(put(&r, 3, NAN), AX_RING_CONFLICT);
    assert_int_equal(put(&r, 4, -0.0), AX_RING_CONFLICT);
    struct ax_sample out[4];
    assert_int_equal(ax_ring_read(&r, 0, 4, out, 4), 4);
    assert_true(out[0].value == 1 && out[1].value == 2 && ax_is_stale(out[2].value));
    ax_ring_done(&r);
}

static void old_samples_make_room_for_newer_ones(void **state)
{
    (void)state;
    struct ax_ring r = {0};
    for (int64_t t = 0; t < 100000; t += 100)
        assert_int_equal(put(&r, t, 0), AX_RING_ADDED);
    assert_int_equal(r.cap, 16);
    struct ax_sample out[16];
    assert_int_equal(ax_ring_read(&r, 99900 - 1000, 99900, out, 16), 10);
    assert_int_equal(put(&r, 98900, 0), AX_RING_TOO_OLD);
    assert_int_equal(put(&r, 99999, 0), AX_RING_ADDED);
    ax_ring_done(&r);
}

static void a_full_ring_lets_its_oldest_go(void **state)
{
    (void)state;
    struct ax_ring r = {0};
    for (int64_t t = 1; t <= 100; t++)
        assert_int_equal(put(&r, t * 2, 0), AX_RING_ADDED);
    assert_int_equal(r.n, 64);
    assert_int_equal(r.cap, 64);
    assert_int_equal(put(&r, 3, 0), AX_RING_TOO_OLD);
    assert_int_equal(put(&r, 151, 7), AX_RING_ADDED);
    struct ax_sample out[64];
    assert_int_equal(ax_ring_read(&r, INT64_MIN, INT64_MAX, out, 64), 64);
    assert_int_equal(out[0].t_ms, 76);
    for (size_t i = 1; i < 64; i++)
        assert_true(out[i].t_ms > out[i - 1].t_ms);
    ax_ring_done(&r);
}

static void stale_markers_keep_their_bits(void **state)
{
    (void)state;
    struct ax_ring r = {0};
    put(&r, 2, ax_stale());
    put(&r, 1, 1);
    struct ax_sample out[2];
    assert_int_equal(ax_ring_read(&r, 0, 2, out, 2), 2);
    assert_true(ax_is_stale(out[1].value));
    ax_ring_done(&r);
}

/* The oracle is a sorted array. */
static void random_orders_agree_with_a_sorted_array(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 7);
    for (int round = 0; round < 200; round++) {
        struct ax_ring r = {0};
        bool has[200] = {false};
        uint32_t n = 0;
        for (int i = 0; i < 100; i++) {
            int64_t t = (int64_t)ax_rng_below(&rng, 200);
            enum ax_ring_put got = ax_ring_put(&r, (struct ax_sample){t, (double)t}, 1000, 128);
            assert_int_equal(got, has[t] ? AX_RING_DUPLICATE : AX_RING_ADDED);
            n += !has[t];
            has[t] = true;
        }
        struct ax_sample out[128];
        assert_int_equal(ax_ring_read(&r, -1, 200, out, 128), n);
        uint32_t k = 0;
        for (int64_t t = 0; t < 200; t++) {
            if (has[t])
                assert_int_equal(out[k++].t_ms, t);
        }
        ax_ring_done(&r);
    }
}

/* As many samples as a request has room for, in an order: how many are moved on their way. */
static uint64_t moved_for(uint32_t n, uint32_t (*place)(uint32_t i, uint32_t n))
{
    struct ax_ring r = {0};
    struct ax_ring_late late;
    late.n = 0;
    late.moved = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_sample s = {1 + place(i, n), (double)i};
        assert_int_equal(ax_ring_put_late(&r, &late, s, INT64_MAX, 1u << 16), AX_RING_ADDED);
    }
    ax_ring_merge(&r, &late);
    assert_int_equal(r.n, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_sample *s = ax_ring_find(&r, 1 + place(i, n));
        assert_true(s && s->value == (double)i);
    }
    ax_ring_done(&r);
    return late.moved;
}

static uint32_t falling(uint32_t i, uint32_t n)
{
    return n - 1 - i;
}

static uint32_t shuffled(uint32_t i, uint32_t n)
{
    return (uint32_t)((uint64_t)i * 36919 % n); /* a prime that does not divide it */
}

static void a_run_in_any_order_moves_few_samples(void **state)
{
    (void)state;
    /* One at a time it is 1.8e9 of the first, and 0.6e9 or so of the second. */
    assert_true(moved_for(60000, falling) < 60000u * 256);
    assert_true(moved_for(60000, shuffled) < 60000u * 256);
}

static uint32_t drawn(struct ax_rng *rng, uint32_t n)
{
    return (uint32_t)(ax_rng_below(rng, n));
}

static void a_run_at_once_is_as_one_at_a_time(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 42);
    for (uint32_t round = 0; round < 300; round++) {
        const int64_t span = 1 + drawn(&rng, round % 3 ? 100 : 3000), keep_ms = 1 + drawn(&rng, 2000);
        const uint32_t most = 8u << drawn(&rng, 6), runs = 1 + drawn(&rng, 4);
        struct ax_ring one = {0}, many = {0};
        int64_t base = 0;
        for (uint32_t k = 0; k < runs; k++, base += (int64_t)drawn(&rng, 500)) {
            struct ax_ring_late late;
            late.n = 0;
            late.moved = 0;
            for (uint32_t i = drawn(&rng, 900); i > 0; i--) {
                const struct ax_sample s = {base + (int64_t)drawn(&rng, (uint32_t)span), drawn(&rng, 3)};
                assert_int_equal(ax_ring_has(&many, &late, s.t_ms), ax_ring_find(&one, s.t_ms) != NULL);
                assert_int_equal(ax_ring_put_late(&many, &late, s, keep_ms, most),
                                 ax_ring_put(&one, s, keep_ms, most));
                assert_int_equal(ax_ring_newest(&one), ax_ring_newest(&many));
            }
            ax_ring_merge(&many, &late);
            assert_int_equal(one.n, many.n);
            assert_int_equal(one.cap, many.cap);
            for (uint32_t i = 0; i < one.n; i++)
                assert_memory_equal(&one.v[(one.head + i) & (one.cap - 1)],
                                    &many.v[(many.head + i) & (many.cap - 1)], sizeof *one.v);
        }
        ax_ring_done(&one);
        ax_ring_done(&many);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_come_out_in_time_order),
        cmocka_unit_test(a_read_is_open_on_the_left_and_closed_on_the_right),
        cmocka_unit_test(the_first_of_two_at_one_time_stays),
        cmocka_unit_test(old_samples_make_room_for_newer_ones),
        cmocka_unit_test(a_full_ring_lets_its_oldest_go),
        cmocka_unit_test(stale_markers_keep_their_bits),
        cmocka_unit_test(random_orders_agree_with_a_sorted_array),
        cmocka_unit_test(a_run_in_any_order_moves_few_samples),
        cmocka_unit_test(a_run_at_once_is_as_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
