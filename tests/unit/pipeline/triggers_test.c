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

static enum ax_fit_reason after(struct ax_triggers *t, int64_t t_ms, double drifted, double accuracy)
{
    assert_false(ax_triggers_step(t, t_ms, drifted, accuracy));
    return ax_triggers_reason(t, t_ms);
}

static void drift_and_accuracy_must_last(void **state)
{
    struct ax_triggers t;
    (void)state;
    assert_int_equal(ax_triggers_init(&t, &config, ax_str("UTC"), STEP, NULL), AX_OK);
    const int64_t from = SUNDAY + 60 * MINUTE;
    for (int64_t at = 0; at < 2 * MINUTE; at += STEP)
        assert_int_equal(after(&t, from + at, 0.5, 0.9), AX_FIT_NOT);
    assert_int_equal(after(&t, from + 2 * MINUTE, 0.5, 0.9), AX_FIT_DRIFT);
    assert_int_equal(after(&t, from + 3 * MINUTE, 0.3, 0.9), AX_FIT_NOT); /* not above */
    assert_int_equal(after(&t, from + 4 * MINUTE, 0.5, NAN), AX_FIT_NOT); /* anew */
    assert_int_equal(after(&t, from + 5 * MINUTE, NAN, 0.7), AX_FIT_NOT);
    assert_int_equal(after(&t, from + 9 * MINUTE, NAN, 0.7), AX_FIT_NOT);
    assert_int_equal(after(&t, from + 10 * MINUTE, NAN, 0.7), AX_FIT_ACCURACY);
    assert_int_equal(after(&t, from + 11 * MINUTE, NAN, 0.8), AX_FIT_NOT);
    ax_triggers_done(&t);
}

/* Save one and load it into a new one, as a restart does. */
static void restart(struct ax_triggers *t)
{
    struct ax_buf saved;
    ax_buf_init(&saved, 1000);
    ax_triggers_save(t, &saved);
    ax_triggers_done(t);
    assert_int_equal(ax_triggers_init(t, &config, ax_str("UTC"), STEP, NULL), AX_OK);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&saved));
    ax_triggers_load(t, &in);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    ax_buf_done(&saved);
}

static void what_has_lasted_goes_on_to_last_over_restarts_more_frequent_than_its_time(void **state)
{
    struct ax_triggers t;
    (void)state;
    assert_int_equal(ax_triggers_init(&t, &config, ax_str("UTC"), STEP, NULL), AX_OK);
    const int64_t from = SUNDAY + 60 * MINUTE;
    for (int64_t at = 0; at < 2 * MINUTE; at += STEP) {
        assert_int_equal(after(&t, from + at, 0.5, 0.9), AX_FIT_NOT);
        restart(&t);
    }
    assert_int_equal(after(&t, from + 2 * MINUTE, 0.5, 0.9), AX_FIT_DRIFT);
    assert_true(t.drifted_ms == from);
    ax_triggers_done(&t);
}

static void a_cron_line_is_read_in_the_time_zone_and_rings_at_one_step(void **state)
{
    struct ax_triggers utc, berlin;
    (void)state;
    assert_int_equal(ax_triggers_init(&utc, &config, ax_str("UTC"), STEP, NULL), AX_OK);
    assert_int_equal(ax_triggers_init(&berlin, &config, ax_str("Europe/Berlin"), STEP, NULL), AX_OK);
    int of_utc = 0, of_berlin = 0;
    for (int64_t t = SUNDAY - 120 * MINUTE; t < SUNDAY + 120 * MINUTE; t += STEP) {
        const bool rang_utc = ax_triggers_step(&utc, t, 0, 1),
                   rang_berlin = ax_triggers_step(&berlin, t, 0, 1);
        assert_int_equal(rang_utc, t == SUNDAY);
        assert_int_equal(rang_berlin, t == SUNDAY - 60 * MINUTE);
        of_utc += rang_utc;
        of_berlin += rang_berlin;
    }
    assert_true(of_utc == 1 && of_berlin == 1);
    ax_triggers_done(&utc);
    ax_triggers_done(&berlin);
}

static void a_time_that_came_while_no_steps_were_taken_rings_at_the_next_one(void **state)
{
    struct ax_triggers t;
    (void)state;
    assert_int_equal(ax_triggers_init(&t, &config, ax_str("UTC"), STEP, NULL), AX_OK);
    assert_false(ax_triggers_step(&t, SUNDAY - STEP, 0, 1));
    restart(&t);
    assert_true(ax_triggers_step(&t, SUNDAY + 600 * MINUTE, 0, 1));
    assert_false(ax_triggers_step(&t, SUNDAY + 1200 * MINUTE, 0, 1)); /* once */
    assert_true(ax_triggers_step(&t, SUNDAY + INT64_C(30) * 1440 * MINUTE, 0, 1));
    assert_true(ax_triggers_step(&t, SUNDAY + INT64_C(1000) * 1440 * MINUTE, 0, 1));
    ax_triggers_done(&t);
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
    assert_false(ax_triggers_step(&t, SUNDAY, 0, 1));
    ax_triggers_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drift_and_accuracy_must_last),
        cmocka_unit_test(what_has_lasted_goes_on_to_last_over_restarts_more_frequent_than_its_time),
        cmocka_unit_test(a_cron_line_is_read_in_the_time_zone_and_rings_at_one_step),
        cmocka_unit_test(a_time_that_came_while_no_steps_were_taken_rings_at_the_next_one),
        cmocka_unit_test(a_line_that_is_none_is_refused_and_an_empty_one_is_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
