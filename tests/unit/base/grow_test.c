/* An array grows by doubling, and stays as it is when it cannot. */
#include "ax_test.h"
#include "base/grow.h"

#include <stdlib.h>

static void an_array_keeps_what_it_has_and_moves_seldom(void **state)
{
    (void)state;
    uint64_t *v = NULL;
    uint32_t cap = 0, moves = 0;
    for (uint32_t n = 0; n < 1000; n++) {
        const uint32_t before = cap;
        uint64_t *more = ax_grow(v, n, &cap, 3, sizeof *v);
        assert_non_null(more);
        assert_true(cap > n);
        assert_true(cap > before || more == v);
        moves += cap != before;
        v = more;
        v[n] = n * n;
    }
    assert_int_equal(moves, 10); /* 3, 6, .. 1536 */
    for (uint32_t n = 0; n < 1000; n++)
        assert_int_equal(v[n], n * n);
    free(v);
}

static void what_cannot_be_counted_is_refused_and_nothing_changes(void **state)
{
    (void)state;
    char byte;
    uint32_t cap = UINT32_MAX;
    assert_null(ax_grow(&byte, UINT32_MAX, &cap, 1, 1));
    assert_int_equal(cap, UINT32_MAX);
    cap = 4;
    assert_null(ax_grow(&byte, 4, &cap, 1, SIZE_MAX / 4));
    assert_int_equal(cap, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_keeps_what_it_has_and_moves_seldom),
        cmocka_unit_test(what_cannot_be_counted_is_refused_and_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
