/* The queue keeps order, drops its oldest when full, and takes batches back. */
#include "ax_test.h"
#include "base/clock.h"
#include "emit/queue.h"

#include <pthread.h>

static struct ax_out_key *key_of(const char *text)
{
    return ax_out_key_new(ax_str(text));
}

static void samples_leave_in_the_order_they_came(void **state)
{
    (void)state;
    struct ax_queue *q = ax_queue_new(100000);
    struct ax_out_key *key = key_of("a");
    struct ax_item items[700];
    int64_t next = 0, expected = 0;
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 1000; i++)
            assert_int_equal(ax_queue_push(q, key, next++, 0), 0);
        uint32_t n = ax_queue_take(q, items, 700);
        assert_int_equal(n, 700);
        for (uint32_t i = 0; i < n; i++)
            assert_true(items[i].t_ms == expected++);
        ax_queue_done(q, items, n);
    }
    assert_true(ax_queue_pending(q) == 30 * 300);
    ax_out_key_unref(key);
    ax_queue_free(q);
}

static void a_full_queue_loses_its_oldest_sample(void **state)
{
    (void)state;
    struct ax_queue *q = ax_queue_new(3);
    struct ax_out_key *key = key_of("a");
    uint32_t lost = 0;
    for (int64_t t = 0; t < 10; t++)
        lost += ax_queue_push(q, key, t, 0);
    assert_int_equal(lost, 7);
    struct ax_item items[4];
    assert_int_equal(ax_queue_take(q, items, 4), 3);
    assert_true(items[0].t_ms == 7 && items[2].t_ms == 9);
    assert_true(ax_queue_pending(q) == 3);
    ax_queue_done(q, items, 3);
    assert_true(ax_queue_pending(q) == 0);
    ax_out_key_unref(key);
    ax_queue_free(q);
}

static void what_is_given_back_comes_out_first_again(void **state)
{
    (void)state;
    struct ax_queue *q = ax_queue_new(6);
    struct ax_out_key *key = key_of("a");
    struct ax_item items[8];
    for (int64_t t = 0; t < 4; t++)
        (void)ax_queue_push(q, key, t, 0);
    assert_int_equal(ax_queue_take(q, items, 3), 3);
    (void)ax_queue_push(q, key, 4, 0);
    assert_int_equal(ax_queue_give_back(q, items, 3), 0);
    assert_int_equal(ax_queue_take(q, items, 8), 5);
    for (int64_t t = 0; t < 5; t++)
        assert_true(items[t].t_ms == t);

    for (int64_t t = 5; t < 9; t++)
        (void)ax_queue_push(q, key, t, 0);
    assert_int_equal(ax_queue_give_back(q, items, 5), 3); /* room for two of five */
    assert_true(ax_queue_pending(q) == 6);
    assert_int_equal(ax_queue_take(q, items, 8), 6);
    for (int64_t i = 0; i < 6; i++)
        assert_true(items[i].t_ms == i + 3);
    ax_queue_done(q, items, 6);
    ax_out_key_unref(key);
    ax_queue_free(q);
}

#define PER_PRODUCER 20000

struct producer {
    struct ax_queue *q;
    struct ax_out_key *key;
};

static void *produce(void *ctx)
{
    struct producer *p = ctx;
    for (int64_t t = 0; t < PER_PRODUCER; t++)
        (void)ax_queue_push(p->q, p->key, t, 0);
    return NULL;
}

static void producers_and_a_taker_share_it(void **state)
{
    (void)state;
    struct ax_queue *q = ax_queue_new(3 * PER_PRODUCER);
    struct producer p[3];
    pthread_t threads[3];
    const char *names[] = {"a", "b", "c"};
    int64_t next[3] = {0};
    for (int i = 0; i < 3; i++) {
        p[i] = (struct producer){q, key_of(names[i])};
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &p[i]), 0);
    }
    static struct ax_item items[500];
    for (uint32_t all = 0; all < 3 * PER_PRODUCER;) {
        (void)ax_queue_wait(q, 500, ax_mono_ns() + 1000000);
        uint32_t n = ax_queue_take(q, items, 500);
        for (uint32_t i = 0; i < n; i++) {
            int who = items[i].key->bytes[0] - 'a';
            assert_true(items[i].t_ms == next[who]++);
        }
        ax_queue_done(q, items, n);
        all += n;
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        ax_out_key_unref(p[i].key);
    }
    ax_queue_free(q);
}

static void an_interrupted_queue_lets_nobody_wait(void **state)
{
    (void)state;
    struct ax_queue *q = ax_queue_new(3);
    ax_queue_interrupt(q);
    assert_int_equal(ax_queue_wait(q, 1, INT64_MAX), 0);
    ax_queue_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_leave_in_the_order_they_came),
        cmocka_unit_test(a_full_queue_loses_its_oldest_sample),
        cmocka_unit_test(what_is_given_back_comes_out_first_again),
        cmocka_unit_test(producers_and_a_taker_share_it),
        cmocka_unit_test(an_interrupted_queue_lets_nobody_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
