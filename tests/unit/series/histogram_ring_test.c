/* The ring of messages: by time, bytes unharmed, and never beyond its ceilings. */
#include "ax_test.h"
#include "base/rng.h"
#include "series/histogram_ring.h"

#include <stdio.h>

#define KEEP_MS 1000

static _Atomic uint64_t all;

static struct ax_histogram_limits limits(uint32_t bytes_max, uint64_t all_max)
{
    return (struct ax_histogram_limits){KEEP_MS, bytes_max, all_max, &all};
}

/* A message that tells its time and length. */
static struct ax_str message(char *out, int64_t t, size_t n)
{
    memset(out, (int)('a' + t % 26), n);
    int used = snprintf(out, n, "%lld:%zu:", (long long)t, n);
    if ((size_t)used < n)
        out[used] = 'x'; /* over the end of the text */
    return (struct ax_str){out, n};
}

static enum ax_ring_put put(struct ax_histogram_ring *r, int64_t t, size_t n,
                            const struct ax_histogram_limits *l)
{
    static char bytes[1u << 16];
    return ax_histogram_ring_put(r, t, message(bytes, t, n), l);
}

/* What there is: times rise, and each message is that of its time. */
static void check(const struct ax_histogram_ring *r)
{
    static char bytes[1u << 16];
    for (uint32_t i = 0; i < r->n; i++) {
        int64_t t = r->v[r->head + i].t_ms;
        struct ax_str got = ax_histogram_ring_message(r, i);
        assert_true(i == 0 || t > r->v[r->head + i - 1].t_ms);
        assert_true(ax_str_eq(got, message(bytes, t, got.n)));
    }
    assert_int_equal(ax_histogram_ring_newest(r), r->n ? r->v[r->head + r->n - 1].t_ms : INT64_MIN);
}

static void messages_come_out_in_order_of_time_and_unharmed(void **state)
{
    (void)state;
    struct ax_histogram_ring r = {0};
    const struct ax_histogram_limits l = limits(1u << 20, 1u << 20);
    static const int64_t times[] = {100, 300, 200, 50, 400, 250};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(put(&r, times[i], 20 + 300 * i, &l), AX_RING_ADDED);
    assert_int_equal(put(&r, 250, 20 + 300 * 5, &l), AX_RING_DUPLICATE);
    assert_int_equal(put(&r, 250, 20, &l), AX_RING_CONFLICT);
    assert_int_equal(put(&r, 400 - KEEP_MS, 20, &l), AX_RING_TOO_OLD);
    assert_int_equal(put(&r, 401 - KEEP_MS, 20, &l), AX_RING_ADDED);
    assert_int_equal(r.n, 7);
    check(&r);
    assert_int_equal(ax_histogram_ring_until(&r, 250), 5);
    assert_int_equal(ax_histogram_ring_until(&r, 249), 4);
    assert_int_equal(ax_histogram_ring_until(&r, -5000), 0);
    ax_histogram_ring_done(&r, &all);
    assert_int_equal(all, 0);
}

static void what_is_expired_makes_room_and_memory_stays(void **state)
{
    (void)state;
    struct ax_histogram_ring r = {0};
    const struct ax_histogram_limits l = limits(1u << 20, 1u << 20);
    for (int64_t t = 0; t < 100000; t += 100)
        assert_int_equal(put(&r, t, 100, &l), AX_RING_ADDED);
    check(&r);
    assert_true(r.n >= 10);
    assert_true(r.bytes_cap <= 4096);
    assert_int_equal(all, r.bytes_cap);
    ax_histogram_ring_done(&r, &all);
}

static void a_full_ring_lets_its_oldest_go(void **state)
{
    (void)state;
    struct ax_histogram_ring r = {0};
    const struct ax_histogram_limits l = limits(3000, 1u << 20);
    for (int64_t t = 0; t < 500; t++) {
        assert_int_equal(put(&r, t, 100, &l), AX_RING_ADDED);
        assert_true(r.bytes_cap <= 3000 && r.n >= 1 && (t < 22 || r.n >= 22));
    }
    check(&r);
    assert_int_equal(put(&r, 500, 3000, &l), AX_RING_ADDED); /* alone */
    assert_int_equal(r.n, 1);
    check(&r);
    assert_int_equal(put(&r, 501, 3001, &l), AX_RING_FULL);
    assert_int_equal(r.n, 1);
    ax_histogram_ring_done(&r, &all);
    assert_int_equal(all, 0);
}

static void all_rings_together_have_a_ceiling(void **state)
{
    (void)state;
    struct ax_histogram_ring a = {0}, b = {0};
    const struct ax_histogram_limits l = limits(1u << 20, 3000);
    for (int64_t t = 0; t < 500; t++)
        assert_int_equal(put(&a, t, 100, &l), AX_RING_ADDED); /* its oldest go */
    assert_int_equal(all, a.bytes_cap);
    assert_true(all <= 3000);
    assert_int_equal(put(&b, 1, 1500, &l), AX_RING_FULL);
    assert_int_equal(b.n, 0);
    check(&a);
    ax_histogram_ring_done(&a, &all);
    assert_int_equal(put(&b, 1, 1500, &l), AX_RING_ADDED);
    ax_histogram_ring_done(&b, &all);
    assert_int_equal(all, 0);
}

/* The oracle is a set of times. */
static void random_orders_and_sizes_keep_the_newest(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 11);
    for (int round = 0; round < 100; round++) {
        struct ax_histogram_ring r = {0};
        const struct ax_histogram_limits l = limits(1u << 16, 1u << 20);
        uint32_t has[700] = {0}; /* bytes */
        uint32_t n = 0;
        for (int i = 0; i < 200; i++) {
            int64_t t = (int64_t)ax_rng_below(&rng, 700);
            uint32_t bytes = 10 + (uint32_t)ax_rng_below(&rng, 150);
            enum ax_ring_put got = put(&r, t, bytes, &l);
            assert_int_equal(got, !has[t]           ? AX_RING_ADDED
                                  : has[t] == bytes ? AX_RING_DUPLICATE
                                                    : AX_RING_CONFLICT);
            n += !has[t];
            has[t] = has[t] ? has[t] : bytes;
        }
        assert_int_equal(r.n, n);
        check(&r);
        for (int64_t t = 0; t < 700; t++)
            assert_int_equal(ax_histogram_ring_until(&r, t) - ax_histogram_ring_until(&r, t - 1), has[t] > 0);
        ax_histogram_ring_done(&r, &all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_out_in_order_of_time_and_unharmed),
        cmocka_unit_test(what_is_expired_makes_room_and_memory_stays),
        cmocka_unit_test(a_full_ring_lets_its_oldest_go),
        cmocka_unit_test(all_rings_together_have_a_ceiling),
        cmocka_unit_test(random_orders_and_sizes_keep_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
