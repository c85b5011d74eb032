/* The scorecard gives the scores of the outcomes of its window, and forgets what falls out of it. */
#include "ax_test.h"
#include "forecast/scorecard.h"

#include <math.h>

#define DAY_MS 86400000LL

static struct ax_outcome outcome(double actual, double mean, double half, double last)
{
    return (struct ax_outcome){.horizon = 0,
                               .actual = actual,
                               .mean = mean,
                               .lower = mean - half,
                               .upper = mean + half,
                               .last_value = last};
}

static void scores_are_those_of_the_definitions(void **state)
{
    (void)state;
    /* Errors -1, 2, 0, -10 against actuals 10, 20, 0, 40; the correlation is that of numpy.corrcoef. */
    const double actual[] = {10, 20, 0, 40}, mean[] = {9, 22, 0, 30}, last[] = {8, 10, 20, 0};
    struct ax_scorecard *s = ax_scorecard_new(2, DAY_MS, 0.15);
    assert_non_null(s);
    for (int i = 0; i < 4; i++) {
        struct ax_outcome o = outcome(actual[i], mean[i], 3, last[i]);
        ax_scorecard_add(s, i * 3600000LL, &o);
    }
    struct ax_score r = ax_scorecard_read(s, 4 * 3600000LL, 0);
    assert_int_equal(r.n, 4);
    ax_assert_close(r.accuracy, 0.75, 1e-12);
    ax_assert_close(r.mape, (0.1 + 0.1 + 0.25) / 3, 1e-12);
    ax_assert_close(r.wape, 13.0 / 70, 1e-12);
    ax_assert_close(r.mae, 13.0 / 4, 1e-12);
    ax_assert_close(r.rmse, sqrt(105.0 / 4), 1e-12);
    ax_assert_close(r.correlation, 0.9685152412450081, 1e-12);
    ax_assert_close(r.coverage, 0.75, 1e-12);
    ax_assert_close(r.skill, 1 - 13.0 / 72, 1e-12);
    r = ax_scorecard_read(s, 4 * 3600000LL, 1);
    assert_int_equal(r.n, 0);
    assert_true(isnan(r.wape) && isnan(r.coverage) && isnan(r.correlation) && isnan(r.skill));
    ax_scorecard_free(s);
}

static void what_is_older_than_the_window_is_forgotten(void **state)
{
    (void)state;
    struct ax_scorecard *s = ax_scorecard_new(1, DAY_MS, 0.15);
    assert_non_null(s);
    struct ax_outcome bad = outcome(1, 100, 0, 1), good = outcome(1, 1, 0, 1);
    ax_scorecard_add(s, 0, &bad);
    ax_scorecard_add(s, DAY_MS - 1, &good);
    assert_int_equal(ax_scorecard_read(s, DAY_MS - 1, 0).n, 2);
    assert_int_equal(ax_scorecard_read(s, DAY_MS, 0).n, 1);
    ax_scorecard_add(s, DAY_MS, &good); /* takes the bucket of time 0 */
    struct ax_score r = ax_scorecard_read(s, DAY_MS, 0);
    assert_int_equal(r.n, 2);
    ax_assert_close(r.accuracy, 1, 0);
    assert_int_equal(ax_scorecard_read(s, 3 * DAY_MS, 0).n, 0);
    ax_scorecard_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_those_of_the_definitions),
        cmocka_unit_test(what_is_older_than_the_window_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
