/* A day of people goes by their clocks: the day after these were put forward or back is forecast as well as
 * any other. The series are made with Python's zoneinfo (tests/golden/daylight). */
#include "../../golden/daylight/vectors.h"
#include "ax_test.h"
#include "forecast/forecast.h"
#include "forecast/shared.h"

#include <math.h>
#include <stdlib.h>

enum { DAY = 86400 / GOLDEN_STEP_S }; /* steps */
#define DAY_MS 86400000LL
#define STEP_MS (GOLDEN_STEP_S * 1000LL)
#define N (sizeof golden_spring / sizeof *golden_spring)

static const int64_t horizons[] = {STEP_MS, 12 * STEP_MS, DAY * 3 / 4 * STEP_MS};
#define HORIZONS 3

/* Mean |error| of the day after the change, and of the four days before, at each horizon. */
struct result {
    double after[HORIZONS], ordinary[HORIZONS];
};

static struct result walk(const float *v, int64_t first_s, const char *zone, uint32_t members)
{
    static struct ax_forecast out;
    struct result r = {{0}, {0}};
    struct ax_zone *z = NULL;
    struct ax_forecast_spec spec;
    struct ax_arena scratch;
    assert_int_equal(ax_zone_load(ax_str(zone), &z, NULL), AX_OK);
    struct ax_forecast_shared shared = {.clocks = {.zone = z}};
    assert_int_equal(ax_forecast_spec_init(&spec, STEP_MS, horizons, HORIZONS, NULL), AX_OK);
    spec.shared = &shared;
    spec.members = members ? members | 1U << AX_MEMBER_LAST_VALUE : spec.members;
    struct ax_window *w = ax_window_new(STEP_MS, 960, 1440);
    struct ax_forecaster *f = ax_forecaster_new(&spec, 0);
    ax_arena_init(&scratch, 64U << 20);
    for (size_t i = 0; i < N; i++) {
        struct ax_outcome outcomes[HORIZONS];
        uint32_t n = 0;
        int64_t t_ms = first_s * 1000 + (int64_t)i * STEP_MS;
        assert_int_equal(ax_window_push(w, t_ms, (double)v[i]), AX_OK);
        assert_int_equal(ax_forecaster_step(f, w, t_ms, NULL, &scratch, &out, outcomes, &n), AX_OK);
        ax_arena_reset(&scratch);
        for (uint32_t k = 0; k < n; k++) {
            double e = fabs(outcomes[k].actual - outcomes[k].mean);
            if (i >= GOLDEN_SWITCH && i < GOLDEN_SWITCH + DAY)
                r.after[outcomes[k].horizon] += e / (double)DAY;
            if (i >= GOLDEN_SWITCH - 4 * DAY && i < GOLDEN_SWITCH)
                r.ordinary[outcomes[k].horizon] += e / (4.0 * DAY);
        }
    }
    assert_int_equal(shared.roster.series, 1);
    ax_arena_done(&scratch);
    ax_forecaster_free(f);
    ax_window_free(w);
    ax_zone_free(z);
    return r;
}

static void check(const float *v, int64_t first_s, uint32_t members)
{
    struct result berlin = walk(v, first_s, "Europe/Berlin", members), utc = walk(v, first_s, "UTC", members);
    for (int h = 1; h < HORIZONS; h++) {
        assert_true(berlin.after[h] < 1.5 * berlin.ordinary[h]);
        assert_true(utc.after[h] > 3 * utc.ordinary[h]); /* that is what the time zone is for */
    }
    assert_true(berlin.after[0] < 1.5 * berlin.ordinary[0]);
}

static void the_day_after_clocks_are_put_forward_is_forecast_as_any_other(void **state)
{
    (void)state;
    check(golden_spring, GOLDEN_SPRING_S, 0);
}

static void the_day_after_clocks_are_put_back_is_forecast_as_any_other(void **state)
{
    (void)state;
    check(golden_autumn, GOLDEN_AUTUMN_S, 0);
}

static void every_member_with_a_season_follows_the_clocks(void **state)
{
    (void)state;
    static const enum ax_portfolio_member seasonal[] = {
        AX_MEMBER_seasonal_naive, AX_MEMBER_weekly_naive, AX_MEMBER_ets_season,     AX_MEMBER_ets_week,
        AX_MEMBER_ar_season,      AX_MEMBER_ridge_season, AX_MEMBER_seasonal_level, AX_MEMBER_fourier,
        AX_MEMBER_theta,          AX_MEMBER_arima};
    for (size_t i = 0; i < sizeof seasonal / sizeof *seasonal; i++) {
        check(golden_spring, GOLDEN_SPRING_S, 1U << seasonal[i]);
        check(golden_autumn, GOLDEN_AUTUMN_S, 1U << seasonal[i]);
    }
}

/* Clocks that are put forward make the time a day before a day ahead come an hour from now. */
static void no_season_reaches_into_what_is_still_to_come(void **state)
{
    (void)state;
    struct ax_zone *z = NULL;
    float fine[4 * DAY];
    const int64_t change_ms = (GOLDEN_SPRING_S + (int64_t)GOLDEN_SWITCH * GOLDEN_STEP_S) * 1000;
    assert_int_equal(ax_zone_load(ax_str("Europe/Berlin"), &z, NULL), AX_OK);
    struct ax_local_time clocks = {.zone = z};
    ax_local_time_cover(&clocks, change_ms - 30 * DAY_MS, change_ms + 10 * DAY_MS);
    for (int i = 0; i < 4 * DAY; i++)
        fine[i] = (float)i;
    const struct ax_past p = {.fine = {fine, 4 * DAY, change_ms - DAY / 2 * STEP_MS, STEP_MS},
                              .coarse = {fine, 0, change_ms - DAY / 2 * STEP_MS, STEP_MS},
                              .t_ms = change_ms - DAY / 2 * STEP_MS,
                              .clocks = &clocks};
    ax_assert_close(ax_past_season(&p, DAY, DAY, 1), (double)(4 * DAY - 1 - DAY + 2), 0);
    ax_assert_close(ax_past_season(&p, DAY, DAY - 4, 1), (double)(4 * DAY - 1 - 4 + 2), 0);
    ax_assert_close(ax_past_season(&p, DAY, 1, 1), (double)(3 * DAY), 0); /* before the change */
    ax_zone_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_day_after_clocks_are_put_forward_is_forecast_as_any_other),
        cmocka_unit_test(the_day_after_clocks_are_put_back_is_forecast_as_any_other),
        cmocka_unit_test(every_member_with_a_season_follows_the_clocks),
        cmocka_unit_test(no_season_reaches_into_what_is_still_to_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
