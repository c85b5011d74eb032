/* Who follows the trail is told what was noted of his key, or nothing; never what was noted of another. */
#include "ax_test.h"
#include "series/trail.h"

#include <pthread.h>

static struct ax_hash128 hash_of(uint64_t i)
{
    return ax_hash128(&i, sizeof i, 42);
}

/* What is known of the i-th key: it is unwanted, or has a series; of some series it is known who sends them.
 * Nobody looks at what the pointers point to. */
static struct ax_known known_of(uint64_t i)
{
    if (i % 3 == 0)
        return (struct ax_known){NULL, NULL, 1 + (unsigned)(i % 2)};
    return (struct ax_known){(struct ax_series *)(uintptr_t)(64 * (i + 1)),
                             i % 3 == 1 ? NULL : (struct ax_ha_sender *)(uintptr_t)(64 * i + 16), 0};
}

static void note(struct ax_trail *t, struct ax_trail_cursor *c, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        struct ax_hash128 hash = hash_of(i);
        struct ax_known known = known_of(i);
        ax_trail_note(t, c, &hash, &known, 1);
    }
}

/* Follow to the i-th key; fails when what is found is not true. */
static bool finds(const struct ax_trail *t, struct ax_trail_cursor *c, uint64_t i)
{
    struct ax_known found, known = known_of(i);
    if (!ax_trail_follow(t, c, hash_of(i), &found))
        return false;
    assert_ptr_equal(found.series, known.series);
    assert_ptr_equal(found.sender, known.sender);
    assert_int_equal(found.reason, known.reason);
    return true;
}

static struct ax_trail trail_of(uint32_t entries)
{
    struct ax_trail t = {0};
    assert_true(ax_trail_init(&t, entries));
    return t;
}

static void keys_that_come_as_they_came_are_found_from_the_first_anchor_on(void **state)
{
    (void)state;
    struct ax_trail t = trail_of(1 << 16);
    struct ax_trail_cursor writer = {0}, other = {0}, reader = {0};
    note(&t, &other, 90000, 91000);
    note(&t, &writer, 0, 5000);
    uint32_t missed = 0;
    for (uint64_t i = 2000; i < 5000; i++) {
        bool found = finds(&t, &reader, i);
        missed += !found;
        assert_true(found || missed == i - 1999);
    }
    assert_true(missed < 100);
    for (uint64_t i = 5000; i < 9000; i++)
        assert_false(finds(&t, &reader, i));
    ax_trail_done(&t);
}

static void keys_that_are_missing_or_new_lead_nobody_off(void **state)
{
    (void)state;
    struct ax_trail t = trail_of(1 << 16);
    struct ax_trail_cursor writer = {0}, reader = {0};
    note(&t, &writer, 0, 4000);
    for (uint64_t i = 0; i < 4000; i += 1 + i % 4)
        assert_true(finds(&t, &reader, i));
    reader = (struct ax_trail_cursor){0};
    for (uint64_t i = 0; i < 4000; i++) {
        assert_true(finds(&t, &reader, i));
        assert_false(finds(&t, &reader, 10000 + i));
    }
    ax_trail_done(&t);
}

static void what_was_cleared_is_not_found_and_can_be_noted_again(void **state)
{
    (void)state;
    struct ax_trail t = trail_of(1 << 16);
    struct ax_trail_cursor writer = {0}, reader = {0};
    note(&t, &writer, 0, 1000);
    ax_trail_clear(&t);
    for (uint64_t i = 0; i < 1000; i++)
        assert_false(finds(&t, &reader, i));
    note(&t, &writer, 0, 1000);
    uint32_t found = 0;
    for (uint64_t i = 0; i < 1000; i++)
        found += finds(&t, &reader, i);
    assert_true(found > 900);
    ax_trail_done(&t);
}

static void nothing_is_noted_of_keys_of_which_nothing_is_known(void **state)
{
    (void)state;
    struct ax_trail t = trail_of(1 << 16);
    struct ax_trail_cursor writer = {0}, reader = {0};
    for (uint64_t i = 0; i < 1000; i++) {
        struct ax_hash128 hash[2] = {hash_of(5000 + i), hash_of(i)};
        struct ax_known known[2] = {{NULL, NULL, 0}, known_of(i)}, found;
        ax_trail_note(&t, &writer, hash, known, 2);
        assert_false(ax_trail_follow(&t, &reader, hash[0], &found));
        assert_true(finds(&t, &reader, i));
    }
    ax_trail_done(&t);
}

static void more_keys_than_room_push_the_oldest_out(void **state)
{
    (void)state;
    struct ax_trail t = trail_of(0);
    struct ax_trail_cursor writer = {0}, reader = {0};
    note(&t, &writer, 0, 100 * (uint64_t)AX_TRAIL_BLOCK);
    for (uint64_t i = 0; i < 99 * (uint64_t)AX_TRAIL_BLOCK; i++)
        assert_false(finds(&t, &reader, i));
    uint32_t found = 0;
    for (uint64_t i = 99 * (uint64_t)AX_TRAIL_BLOCK; i < 100 * (uint64_t)AX_TRAIL_BLOCK; i++)
        found += finds(&t, &reader, i);
    assert_true(found > AX_TRAIL_BLOCK - 100);
    ax_trail_done(&t);
}

/* Follow and learn as the database does: runs of 32 keys from..to, each i-th in its place of an order.
 * Returns how many were missed. */
static uint64_t pass(struct ax_trail *t, struct ax_trail_cursor *c, uint64_t n, uint64_t step)
{
    uint64_t missed = 0;
    for (uint64_t at = 0; at < n; at += 32) {
        struct ax_hash128 hash[32];
        struct ax_known known[32];
        uint32_t run = 0;
        for (uint32_t i = 0; i < 32; i++) {
            uint64_t key = (at + i) * step % n;
            hash[i] = hash_of(key);
            known[i] = known_of(key);
            run += !finds(t, c, key);
        }
        ax_trail_learn(t, c, hash, known, 32, run);
        missed += run;
    }
    return missed;
}

static void an_order_is_learnt_in_one_pass_and_another_one_after_it(void **state)
{
    (void)state;
    struct ax_trail t = trail_of(1 << 16);
    struct ax_trail_cursor c = {0};
    assert_true(pass(&t, &c, 16384, 1) == 16384);
    assert_true(pass(&t, &c, 16384, 1) < 200);
    assert_true(pass(&t, &c, 16384, 4567) > 12000);
    assert_true(pass(&t, &c, 16384, 4567) < 200);
    ax_trail_done(&t);
}

static void one_run_that_is_off_the_trail_is_not_noted(void **state)
{
    (void)state;
    struct ax_trail t = trail_of(1 << 16);
    struct ax_trail_cursor c = {0};
    for (uint64_t round = 0; round < 10; round++) {
        (void)pass(&t, &c, 32, 1);
        assert_int_equal(c.note, 0);
        c.lost = 0;
    }
    ax_trail_done(&t);
}

static void who_never_comes_in_an_old_order_rests_from_noting(void **state)
{
    (void)state;
    struct ax_trail t = trail_of(1 << 16);
    struct ax_trail_cursor c = {.lost = 65536};
    struct ax_hash128 hash = hash_of(1);
    struct ax_known known = known_of(1);
    for (uint32_t i = 0; i < 1000; i++)
        ax_trail_learn(&t, &c, &hash, &known, 1, 1);
    assert_int_equal(c.note, c.to);
    c.lost = 4 * 65536;
    ax_trail_learn(&t, &c, &hash, &known, 1, 1);
    assert_true(c.note < c.to);
    ax_trail_done(&t);
}

#define THREADS 4u
#define PASSES 40u

/* One that follows and notes. */
struct walker {
    struct ax_trail *t;
    uint64_t from;
    uint32_t found;
};

static void *walk(void *arg)
{
    struct walker *w = arg;
    struct ax_trail_cursor c = {0};
    for (uint32_t pass = 0; pass < PASSES; pass++) {
        for (uint64_t i = w->from; i < w->from + 1500; i++) {
            bool found = finds(w->t, &c, i);
            w->found += found;
            if (!found)
                note(w->t, &c, i, i + 1);
        }
    }
    return arg;
}

static void threads_that_write_over_each_other_are_never_told_what_is_not_true(void **state)
{
    (void)state;
    struct ax_trail t = trail_of(2 * AX_TRAIL_BLOCK);
    struct walker walkers[THREADS];
    pthread_t threads[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        walkers[i] = (struct walker){&t, 500 * (uint64_t)i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, walk, &walkers[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    uint32_t found = 0;
    for (uint32_t i = 0; i < THREADS; i++)
        found += walkers[i].found;
    assert_true(found > 0);
    ax_trail_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_come_as_they_came_are_found_from_the_first_anchor_on),
        cmocka_unit_test(keys_that_are_missing_or_new_lead_nobody_off),
        cmocka_unit_test(what_was_cleared_is_not_found_and_can_be_noted_again),
        cmocka_unit_test(nothing_is_noted_of_keys_of_which_nothing_is_known),
        cmocka_unit_test(more_keys_than_room_push_the_oldest_out),
        cmocka_unit_test(an_order_is_learnt_in_one_pass_and_another_one_after_it),
        cmocka_unit_test(one_run_that_is_off_the_trail_is_not_noted),
        cmocka_unit_test(who_never_comes_in_an_old_order_rests_from_noting),
        cmocka_unit_test(threads_that_write_over_each_other_are_never_told_what_is_not_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
