/* The memory of unwanted keys is bounded, exact about what it holds, and can forget. */
#include "ax_test.h"
#include "series/negative.h"

static struct ax_hash128 hash_of(uint64_t i)
{
    return ax_hash128(&i, sizeof i, 42);
}

static void a_key_is_found_under_its_reason(void **state)
{
    (void)state;
    struct ax_negative c = {0};
    assert_true(ax_negative_init(&c, 4096));
    for (uint64_t i = 0; i < 1000; i++)
        ax_negative_add(&c, hash_of(i), 1 + (unsigned)(i % 3));
    unsigned found = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        unsigned reason = ax_negative_find(&c, hash_of(i));
        assert_true(reason == 0 || reason == 1 + (unsigned)(i % 3));
        found += reason != 0;
    }
    assert_true(found > 990);
    for (uint64_t i = 1000; i < 5000; i++)
        assert_int_equal(ax_negative_find(&c, hash_of(i)), 0);
    ax_negative_clear(&c);
    assert_int_equal(ax_negative_find(&c, hash_of(1)), 0);
    ax_negative_done(&c);
}

static void keys_of_one_reason_are_forgotten_alone(void **state)
{
    (void)state;
    struct ax_negative c = {0};
    assert_true(ax_negative_init(&c, 4096));
    for (uint64_t i = 0; i < 30; i++)
        ax_negative_add(&c, hash_of(i), 1 + (unsigned)(i % 3));
    for (int again = 0; again < 2; again++) {
        ax_negative_forget(&c, 3);
        for (uint64_t i = 0; i < 30; i++)
            assert_int_equal(ax_negative_find(&c, hash_of(i)), i % 3 == 2 ? 0 : 1 + i % 3);
    }
    ax_negative_add(&c, hash_of(2), 3);
    assert_int_equal(ax_negative_find(&c, hash_of(2)), 3);
    ax_negative_forget(&c, 3);
    assert_int_equal(ax_negative_find(&c, hash_of(2)), 0);
    ax_negative_done(&c);
}

static void more_keys_than_room_push_others_out(void **state)
{
    (void)state;
    struct ax_negative c = {0};
    assert_true(ax_negative_init(&c, 64));
    for (uint64_t i = 0; i < 100000; i++) {
        ax_negative_add(&c, hash_of(i), 1);
        assert_int_equal(ax_negative_find(&c, hash_of(i)), 1);
    }
    ax_negative_done(&c);
    assert_true(ax_negative_init(&c, 0));
    ax_negative_add(&c, hash_of(1), 2);
    assert_int_equal(ax_negative_find(&c, hash_of(1)), 2);
    ax_negative_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_under_its_reason),
        cmocka_unit_test(keys_of_one_reason_are_forgotten_alone),
        cmocka_unit_test(more_keys_than_room_push_others_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
