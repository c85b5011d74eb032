/* What people said of times: the newest has the last word where ranges meet, what is revoked leaves no trace,
 * and what was saved says the same. */
#include "anomaly/said.h"
#include "ax_test.h"

static void say(struct ax_said **s, uint64_t id, enum ax_lesson_verdict verdict, int64_t from_ms,
                int64_t to_ms)
{
    const struct ax_lesson_range lesson = {id, verdict, from_ms, to_ms};
    assert_int_equal(ax_said_add(s, &lesson), AX_OK);
}

static void the_newest_has_the_last_word_and_what_is_revoked_leaves_no_trace(void **state)
{
    (void)state;
    struct ax_said *s = NULL;
    assert_int_equal(ax_said_of(s, 0, 100), 0);
    assert_false(ax_said_remove(s, 1));
    say(&s, 2, AX_LESSON_NORMAL, 50, 60);
    say(&s, 1, AX_LESSON_EXCLUDED, 0, 100); /* which could not be taught at its time */
    assert_int_equal(ax_said_of(s, 0, 49), AX_LESSON_EXCLUDED);
    assert_int_equal(ax_said_of(s, 41, 50), AX_LESSON_NORMAL); /* both ends are included */
    assert_int_equal(ax_said_of(s, 60, 70), AX_LESSON_NORMAL);
    assert_int_equal(ax_said_of(s, 101, 200), 0);
    assert_int_equal(ax_said_count(s, AX_LESSON_EXCLUDED, 100, 200), 1);
    assert_int_equal(ax_said_count(s, AX_LESSON_NORMAL, 100, 200), 0);
    assert_true(ax_said_has(s, 2));
    assert_true(ax_said_remove(s, 2));
    assert_false(ax_said_has(s, 2));
    assert_int_equal(ax_said_of(s, 50, 60), AX_LESSON_EXCLUDED);
    assert_true(ax_said_remove(s, 1));
    assert_int_equal(ax_said_of(s, 0, 100), 0);
    ax_said_free(s);
}

static void what_was_saved_says_the_same_and_damage_is_told(void **state)
{
    (void)state;
    struct ax_said *s = NULL, *read = NULL;
    const struct ax_lesson_range more = {1000, AX_LESSON_MISSED, 0, 1};
    struct ax_buf bytes;
    ax_buf_init(&bytes, 1u << 16);
    for (uint64_t i = 1; i <= AX_SAID_MAX; i++)
        say(&s, i, i % 2 ? AX_LESSON_MISSED : AX_LESSON_EXCLUDED, (int64_t)i * 100, (int64_t)i * 100 + 50);
    assert_int_equal(ax_said_add(&s, &more), AX_LIMIT);
    ax_said_save(s, &bytes);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
    assert_int_equal(ax_said_load(&read, &in), AX_OK);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    for (int64_t t = 0; t < 30000; t += 25)
        assert_int_equal(ax_said_of(read, t, t), ax_said_of(s, t, t));
    for (size_t i = 0; i < bytes.n && i < 60; i++) {
        struct ax_said *torn = NULL;
        in = ax_bytes_of((struct ax_str){(const char *)bytes.bytes, i});
        assert_int_equal(ax_said_load(&torn, &in), AX_CORRUPT);
        ax_said_free(torn);
    }
    ax_buf_done(&bytes);
    ax_said_free(s);
    ax_said_free(read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_has_the_last_word_and_what_is_revoked_leaves_no_trace),
        cmocka_unit_test(what_was_saved_says_the_same_and_damage_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
