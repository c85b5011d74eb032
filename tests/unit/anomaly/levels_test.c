/* A level is known when the series has often been there. */
#include "anomaly/levels.h"
#include "ax_test.h"

#include <stdbool.h>

static void a_level_visited_for_a_tenth_of_the_memory_is_known(void **state)
{
    (void)state;
    struct ax_levels levels;
    ax_levels_init(&levels, 1280);
    for (uint32_t i = 0; i < 1280; i++)
        ax_levels_add(&levels, i % 7 == 0 ? 50 : 10);
    assert_true(ax_levels_known(&levels, 50, true));
    assert_true(ax_levels_known(&levels, 10, false));
    assert_false(ax_levels_known(&levels, 51, true));
    assert_false(ax_levels_known(&levels, 9, false));
}

static void a_level_visited_once_is_new_and_an_old_one_is_forgotten(void **state)
{
    (void)state;
    struct ax_levels levels;
    ax_levels_init(&levels, 1280);
    for (uint32_t i = 0; i < 1280; i++)
        ax_levels_add(&levels, i < 100 ? 50 : 10);
    assert_false(ax_levels_known(&levels, 50, true));
    for (uint32_t i = 0; i < 1280; i++)
        ax_levels_add(&levels, 70);
    assert_true(ax_levels_known(&levels, 70, true));
    assert_false(ax_levels_known(&levels, 10, false));
}

static void nothing_is_known_at_first(void **state)
{
    (void)state;
    struct ax_levels levels;
    ax_levels_init(&levels, 1);
    assert_false(ax_levels_known(&levels, 0, true));
    for (uint32_t i = 0; i < 12; i++)
        ax_levels_add(&levels, 5);
    assert_false(ax_levels_known(&levels, 5, true));
    ax_levels_add(&levels, 5);
    assert_true(ax_levels_known(&levels, 5, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_visited_for_a_tenth_of_the_memory_is_known),
        cmocka_unit_test(a_level_visited_once_is_new_and_an_old_one_is_forgotten),
        cmocka_unit_test(nothing_is_known_at_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
