/* What a piece of an arena owns elsewhere ends with it, once, the last one first. */
#include "ax_test.h"
#include "base/arena.h"

static char ended[8];
static size_t ended_n;

static void note(void *name)
{
    ended[ended_n++] = *(const char *)name;
    ended[ended_n] = '\0';
}

static void forget(void)
{
    ended_n = 0;
    ended[0] = '\0';
}

static void what_is_owned_ends_with_what_was_given_out(void **state)
{
    (void)state;
    struct ax_arena a;
    ax_arena_init(&a, 4096);
    forget();
    assert_true(ax_arena_at_end(&a, note, "a"));
    assert_true(ax_arena_at_end(&a, note, "b"));
    ax_arena_reset(&a);
    assert_string_equal(ended, "ba");
    ax_arena_reset(&a);
    assert_string_equal(ended, "ba");
    assert_true(ax_arena_at_end(&a, note, "c"));
    ax_arena_done(&a);
    assert_string_equal(ended, "bac");
    ax_arena_done(&a);
    assert_string_equal(ended, "bac");
}

static void without_room_nothing_is_kept_to_be_ended(void **state)
{
    (void)state;
    struct ax_arena a;
    ax_arena_init(&a, 1);
    forget();
    assert_false(ax_arena_at_end(&a, note, "a"));
    ax_arena_done(&a);
    assert_string_equal(ended, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_owned_ends_with_what_was_given_out),
        cmocka_unit_test(without_room_nothing_is_kept_to_be_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
