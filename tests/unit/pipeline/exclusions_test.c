/* What is excluded is kept as long as history may still bring it, the newest first, and read back bit for
 * bit. */
#include "ax_test.h"
#include "pipeline/exclusions.h"

#include <stdio.h>
#include <string.h>

static void add(struct ax_exclusion **first, uint64_t id, int64_t from_ms, int64_t to_ms,
                const char *selector, int64_t since_ms)
{
    const struct ax_lesson_range range = {id, AX_LESSON_EXCLUDED, from_ms, to_ms};
    struct ax_exclusion *e;
    assert_int_equal(ax_exclusion_new(&range, ax_str(selector), &e, NULL), AX_OK);
    ax_exclusions_add(first, e, since_ms);
}

static uint32_t count(const struct ax_exclusion *e)
{
    uint32_t n = 0;
    for (; e; e = e->next) {
        assert_true(!e->next || e->next->range.id < e->range.id);
        n++;
    }
    return n;
}

static void the_newest_is_first_and_what_is_removed_is_gone(void **state)
{
    (void)state;
    struct ax_exclusion *first = NULL;
    add(&first, 5, 10, 20, "", 0);
    add(&first, 3, 10, 20, "up{job=\"x\"}", 0);
    add(&first, 9, 10, 20, "", 0);
    assert_int_equal(count(first), 3);
    assert_int_equal(first->range.id, 9);
    ax_exclusions_remove(&first, 5);
    ax_exclusions_remove(&first, 7);
    assert_true(ax_exclusions_has(first, 3) && ax_exclusions_has(first, 9) && !ax_exclusions_has(first, 5));
    ax_exclusions_free(first);
}

static void what_is_too_long_ago_is_forgotten(void **state)
{
    (void)state;
    struct ax_exclusion *first = NULL;
    add(&first, 1, 10, 20, "", 0);
    add(&first, 2, 15, 30, "", 20);
    assert_int_equal(count(first), 2);
    add(&first, 3, 5, 10, "", 21); /* not even kept */
    assert_true(count(first) == 1 && ax_exclusions_has(first, 2));
    ax_exclusions_free(first);
}

static void of_too_many_those_that_end_first_go(void **state)
{
    (void)state;
    static char text[AX_EXCLUSIONS_TEXT_MAX / 2];
    struct ax_exclusion *first = NULL;
    for (uint64_t i = 0; i < AX_EXCLUSIONS_MAX; i++)
        add(&first, i, 0, 1000 - (int64_t)i, "", 0);
    add(&first, AX_EXCLUSIONS_MAX, 0, 5000, "", 0);
    assert_int_equal(count(first), AX_EXCLUSIONS_MAX);
    assert_false(ax_exclusions_has(first, AX_EXCLUSIONS_MAX - 1));
    (void)snprintf(text, sizeof text, "{a=\"%*d\"}", (int)sizeof text - 100, 1);
    for (uint64_t i = 0; i < 3; i++)
        add(&first, 1000 + i, 0, 9000 + (int64_t)i, text, 0);
    assert_true(count(first) == 2 && !ax_exclusions_has(first, 1000)); /* for their text alone */
    ax_exclusions_free(first);
}

static void a_selector_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    const struct ax_lesson_range range = {1, AX_LESSON_EXCLUDED, 1, 2};
    struct ax_diag diag = {{0}};
    struct ax_exclusion *e;
    assert_int_equal(ax_exclusion_new(&range, ax_str("{a="), &e, &diag), AX_INVALID);
    assert_true(!e && diag.text[0]);
}

static void what_is_saved_is_read_back_and_torn_bytes_are_not(void **state)
{
    (void)state;
    struct ax_exclusion *first = NULL, *read = NULL;
    struct ax_buf a, b;
    add(&first, 2, 10, 20, "{instance=\"a\"}", 0);
    add(&first, 4, 15, 30, "", 0);
    ax_buf_init(&a, 1 << 16);
    ax_buf_init(&b, 1 << 16);
    ax_exclusions_save(first, &a);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&a));
    assert_int_equal(ax_exclusions_load(&read, &in), AX_OK);
    assert_int_equal(ax_bytes_left(&in), 0);
    ax_exclusions_save(read, &b);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.bytes, b.bytes, a.n);
    ax_exclusions_free(read);
    for (uint32_t n = 0; n < a.n; n++) {
        struct ax_bytes torn = ax_bytes_of((struct ax_str){(const char *)a.bytes, n});
        read = NULL;
        assert_int_equal(ax_exclusions_load(&read, &torn), AX_CORRUPT);
        ax_exclusions_free(read);
    }
    ax_buf_done(&a);
    ax_buf_done(&b);
    ax_exclusions_free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_is_first_and_what_is_removed_is_gone),
        cmocka_unit_test(what_is_too_long_ago_is_forgotten),
        cmocka_unit_test(of_too_many_those_that_end_first_go),
        cmocka_unit_test(a_selector_that_cannot_be_read_is_refused),
        cmocka_unit_test(what_is_saved_is_read_back_and_torn_bytes_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
