/* Precision, recall and F1 of what people said of alarms. */
#include "ax_test.h"
#include "pipeline/alarms.h"

#include <math.h>

static void add(struct ax_alarms *a, uint32_t n, bool abnormal, bool alarmed)
{
    for (uint32_t i = 0; i < n; i++)
        ax_alarms_add(a, &(struct ax_alarm_case){a->n + 1, (int64_t)a->n * 10, abnormal, alarmed});
}

/* As scikit-learn's precision_score, recall_score and f1_score of 6 hits, 4 wrong alarms, 6 missed: 0.6, 0.5,
 * 0.5455. */
static void they_are_those_of_the_cases(void **state)
{
    static struct ax_alarms a;
    (void)state;
    add(&a, 6, true, true);
    assert_true(isnan(ax_alarms_score(&a, INT64_MIN).accuracy));
    add(&a, 4, false, true);
    add(&a, 6, true, false);
    add(&a, 5, false, false); /* says nothing of either */
    struct ax_alarm_score s = ax_alarms_score(&a, INT64_MIN);
    ax_assert_close(s.precision, 0.6, 1e-15);
    ax_assert_close(s.recall, 0.5, 1e-15);
    ax_assert_close(s.accuracy, 12.0 / 22, 1e-15);
    s = ax_alarms_score(&a, 50); /* what was known when the model learnt is no measure of it */
    ax_assert_close(s.precision, 0, 0);
    ax_assert_close(s.recall, 0, 0);
}

static void what_was_normal_and_no_alarm_says_nothing(void **state)
{
    static struct ax_alarms a;
    (void)state;
    add(&a, 20, false, false);
    add(&a, 1, false, true);
    assert_true(isnan(ax_alarms_score(&a, INT64_MIN).precision));
    assert_true(isnan(ax_alarms_score(&a, INT64_MIN).accuracy));
}

static void the_oldest_gives_way_and_what_is_revoked_leaves_no_trace(void **state)
{
    static struct ax_alarms a, b;
    struct ax_buf bytes;
    (void)state;
    add(&a, AX_ALARMS_MAX, true, false);
    ax_alarms_add(&a, &(struct ax_alarm_case){9999, 1, true, true});
    assert_int_equal(a.n, AX_ALARMS_MAX);
    assert_int_equal(a.v[0].id, 2);
    assert_true(ax_alarms_score(&a, INT64_MIN).recall > 0);
    ax_buf_init(&bytes, 1u << 16);
    ax_alarms_save(&a, &bytes);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
    ax_alarms_load(&b, &in);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    assert_int_equal(b.n, a.n);
    ax_alarms_forget(&b, 9999);
    ax_alarms_forget(&b, 9999);
    assert_int_equal(b.n, AX_ALARMS_MAX - 1);
    ax_assert_close(ax_alarms_score(&b, INT64_MIN).recall, 0, 0);
    ax_buf_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_those_of_the_cases),
        cmocka_unit_test(what_was_normal_and_no_alarm_says_nothing),
        cmocka_unit_test(the_oldest_gives_way_and_what_is_revoked_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
