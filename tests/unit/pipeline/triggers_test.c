/* A fit has a reason once something has lasted for its time, or when the cron line says so. */
#include "ax_test.h"
#include "pipeline/triggers.h"

#include <math.h>

#define STEP 15000
#define MINUTE 60000
#define SUNDAY INT64_C(1709431200000) /* 2024-03-03T02:00:00Z */

static const struct ax_job_models_config config = {.fit_at = {"0 2 * * 0", 9},
                                                   .drift_above = 0.3,
                                                   .drift_for_ms = 2 * MINUTE,
                                                   .accuracy_below = 0.8,
                                                   .accuracy_for_ms = 5 * MINUTE};

static void drift_and_accuracy_must_last(void **state)
{
    struct ax_triggers t;
    (void)state;
    assert_int_equal(ax_triggers_init(&t, &config, ax_str("UTC"), STEP, NULL), AX_OK);
    const int64_t from = SUNDAY + 60 * MINUTE;
    for (int64_t at = 0; at < 2 * MINUTE; at += STEP)
        assert_int_equal(ax_triggers_step(&t, from + at, 0.5, 0.9), AX_FIT_NOT);
    assert_int_equal(ax_triggers_step(&t, from + 2 * MINUTE, 0.5, 0.9), AX_FIT_DRIFT);
    assert_int_equal(ax_triggers_step(&t, from + 3 * MINUTE, 0.3, 0.9), AX_FIT_NOT); /* not above */
    assert_int_equal(ax_triggers_step(&t, from + 4 * MINUTE, 0.5, NAN), AX_FIT_NOT); /* anew */
    assert_int_equal(ax_triggers_step(&t, from + 5 * MINUTE, NAN, 0.7), AX_FIT_NOT);
    assert_int_equal(ax_triggers_step(&t, from + 9 * MINUTE, NAN, 0.7), AX_FIT_NOT);
    assert_int_equal(ax_triggers_step(&t, from + 10 * MINUTE, NAN, 0.7), AX_FIT_ACCURACY);
    assert_int_equal(ax_triggers_step(&t, from + 11 * MINUTE, NAN, 0.8), AX_FIT_NOT);
    ax_triggers_done(&t);
}

static void a_cron_line_is_read_in_the_time_zone(void **state)
{
    struct ax_triggers utc, berlin;
    (void)state;
    assert_int_equal(ax_triggers_init(&utc, &config, ax_str("UTC"), STEP, NULL), AX_OK);
    assert_int_equal(ax_triggers_init(&berlin, &config, ax_str("Europe/Berlin"), STEP, NULL), AX_OK);
    assert_int_equal(ax_triggers_step(&utc, SUNDAY - STEP, 0, 1), AX_FIT_NOT);
    assert_int_equal(ax_triggers_step(&utc, SUNDAY, 0, 1), AX_FIT_CRON);
    assert_int_equal(ax_triggers_step(&utc, SUNDAY + ax_triggers_event_ms(STEP) - STEP, 0, 1), AX_FIT_CRON);
    assert_int_equal(ax_triggers_step(&utc, SUNDAY + ax_triggers_event_ms(STEP), 0, 1), AX_FIT_NOT);
    assert_int_equal(ax_triggers_step(&utc, SUNDAY + INT64_C(86400000), 0, 1), AX_FIT_NOT);
    assert_int_equal(ax_triggers_step(&berlin, SUNDAY, 0, 1), AX_FIT_NOT);
    assert_int_equal(ax_triggers_step(&berlin, SUNDAY - 60 * MINUTE, 0, 1), AX_FIT_CRON);
    ax_triggers_done(&utc);
    ax_triggers_done(&berlin);
}

static void a_line_that_is_none_is_refused_and_an_empty_one_is_never(void **state)
{
    struct ax_triggers t;
    struct ax_diag diag = {{0}};
    struct ax_job_models_config other = config;
    (void)state;
    other.fit_at = ax_str("0 25 * * 0");
    assert_int_equal(ax_triggers_init(&t, &other, ax_str("UTC"), STEP, &diag), AX_INVALID);
    other.fit_at = ax_str("");
    assert_int_equal(ax_triggers_init(&t, &other, ax_str("UTC"), STEP, &diag), AX_OK);
    assert_int_equal(ax_triggers_step(&t, SUNDAY, 0, 1), AX_FIT_NOT);
    ax_triggers_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drift_and_accuracy_must_last),
        cmocka_unit_test(a_cron_line_is_read_in_the_time_zone),
        cmocka_unit_test(a_line_that_is_none_is_refused_and_an_empty_one_is_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
