/* The state of memory follows what is in use, and does not flutter. */
#include "ax_test.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

static void the_state_ends_below_where_it_began(void **state)
{
    (void)state;
    const struct {
        enum ax_memory_state before;
        uint64_t used;
        enum ax_memory_state after;
    } cases[] = {
        {AX_MEMORY_FREE, 0, AX_MEMORY_FREE},     {AX_MEMORY_FREE, 799, AX_MEMORY_FREE},
        {AX_MEMORY_FREE, 800, AX_MEMORY_TIGHT},  {AX_MEMORY_TIGHT, 750, AX_MEMORY_TIGHT},
        {AX_MEMORY_TIGHT, 749, AX_MEMORY_FREE},  {AX_MEMORY_TIGHT, 999, AX_MEMORY_TIGHT},
        {AX_MEMORY_TIGHT, 1000, AX_MEMORY_FULL}, {AX_MEMORY_FULL, 950, AX_MEMORY_FULL},
        {AX_MEMORY_FULL, 949, AX_MEMORY_TIGHT},  {AX_MEMORY_FULL, 749, AX_MEMORY_FREE},
        {AX_MEMORY_FREE, 5000, AX_MEMORY_FULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(ax_memory_judge(cases[i].before, cases[i].used, 1000), cases[i].after);
    assert_int_equal(ax_memory_judge(AX_MEMORY_FULL, UINT64_MAX, 0), AX_MEMORY_FREE);
}

static void what_is_taken_is_seen_and_what_is_given_back_too(void **state)
{
    (void)state;
    uint64_t before = 0, during = 0, available = ax_memory_available();
    assert_true(ax_memory_resident(&before) >= before);
    assert_true(before > 0);
    assert_true(available >= before);
    char *block = malloc(96 * MIB);
    assert_non_null(block);
    memset(block, 1, 96 * MIB);
    (void)ax_memory_resident(&during);
    assert_true(during >= before + 90 * MIB);
    ax_memory_limit(before + 50 * MIB);
    assert_int_equal(ax_memory_look(), AX_MEMORY_FULL);
    assert_int_equal(ax_memory_state(), AX_MEMORY_FULL);
    assert_int_equal(block[96 * MIB - 1], 1);
    free(block);
    ax_memory_limit(4 * (before + 50 * MIB));
    assert_int_equal(ax_memory_look(), AX_MEMORY_FREE);
    ax_memory_limit(1);
    assert_int_equal(ax_memory_look(), AX_MEMORY_FULL);
    ax_memory_limit(0);
    assert_int_equal(ax_memory_look(), AX_MEMORY_FREE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_ends_below_where_it_began),
        cmocka_unit_test(what_is_taken_is_seen_and_what_is_given_back_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
