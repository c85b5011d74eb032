/* What has changed makes the whole again, and of nothing else. */
#include "ax_test.h"
#include "store/changes.h"

#include <stdlib.h>
#include <string.h>

static void fill(uint8_t *p, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(seed >> 56);
    }
}

static struct ax_str str(const uint8_t *p, size_t n)
{
    return (struct ax_str){(const char *)p, n};
}

static void what_has_moved_and_little_else_is_short_to_tell(void **state)
{
    (void)state;
    struct ax_changes *c;
    struct ax_buf told;
    const size_t sizes[] = {1, 100, 32000, 300000, 3000000};
    ax_buf_init(&told, AX_CHANGES_MAX);
    assert_int_equal(ax_changes_new(&c), AX_OK);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        const size_t n = sizes[k], moved = n / 10;
        uint8_t *before = malloc(n), *now = malloc(n), *again = malloc(n);
        fill(before, n, 1);
        memcpy(now, before + moved, n - moved); /* windows move on, */
        fill(now + n - moved, moved, 2);        /* and have something new at their end */
        const bool shorter = ax_changes_tell(c, str(before, n), str(now, n), &told);
        assert_true(shorter == (n >= 100));
        if (shorter) {
            assert_true(told.n < moved + n / 20 + 64);
            assert_int_equal(ax_changes_apply(c, str(before, n), ax_buf_view(&told), again, n), AX_OK);
            assert_memory_equal(now, again, n);
        }
        free(before);
        free(now);
        free(again);
    }
    ax_changes_free(c);
    ax_buf_done(&told);
}

static void what_has_nothing_in_common_is_not_told_so(void **state)
{
    (void)state;
    struct ax_changes *c;
    struct ax_buf told;
    uint8_t before[5000], now[5000];
    ax_buf_init(&told, AX_CHANGES_MAX);
    assert_int_equal(ax_changes_new(&c), AX_OK);
    fill(before, sizeof before, 1);
    fill(now, sizeof now, 2);
    assert_false(ax_changes_tell(c, str(before, sizeof before), str(now, sizeof now), &told));
    assert_false(ax_changes_tell(c, str(before, sizeof before), str(now, 0), &told));
    ax_changes_free(c);
    ax_buf_done(&told);
}

static void nothing_is_made_of_other_bytes(void **state)
{
    (void)state;
    struct ax_changes *c;
    struct ax_buf told;
    uint8_t before[5000], now[5000], again[5000];
    ax_buf_init(&told, AX_CHANGES_MAX);
    assert_int_equal(ax_changes_new(&c), AX_OK);
    fill(before, sizeof before, 1);
    memcpy(now, before, sizeof now);
    now[77] ^= 1;
    const struct ax_str was = str(before, sizeof before);
    assert_true(ax_changes_tell(c, was, str(now, sizeof now), &told));
    before[4000] ^= 1;
    assert_int_equal(ax_changes_apply(c, was, ax_buf_view(&told), again, sizeof again), AX_CORRUPT);
    before[4000] ^= 1;
    assert_int_equal(ax_changes_apply(c, was, ax_buf_view(&told), again, sizeof again - 1), AX_CORRUPT);
    for (size_t i = 0; i < told.n; i++) {
        told.bytes[i] ^= 0x10;
        /* Some bits of a frame say nothing that matters; then it is the same. */
        if (ax_changes_apply(c, was, ax_buf_view(&told), again, sizeof again) == AX_OK)
            assert_memory_equal(again, now, sizeof now);
        told.bytes[i] ^= 0x10;
        assert_int_equal(ax_changes_apply(c, was, str(told.bytes, i), again, sizeof again), AX_CORRUPT);
    }
    ax_changes_free(c);
    ax_buf_done(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_moved_and_little_else_is_short_to_tell),
        cmocka_unit_test(what_has_nothing_in_common_is_not_told_so),
        cmocka_unit_test(nothing_is_made_of_other_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
