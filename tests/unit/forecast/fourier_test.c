/* Rows are those of numpy and zoneinfo over a change of clocks, the solution is that of scikit-learn's Ridge;
 * the member forecasts days, weeks and holidays that it has seen once, a spike does not spoil it, and a past
 * without two days is too short. */
#include "../../golden/fourier/vectors.h"
#include "ax_test.h"
#include "base/rng.h"
#include "forecast/fourier.h"
#include "math/ridge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POINT_MS (GOLDEN_POINT_S * 1000LL)
#define END_MS (GOLDEN_END_S * 1000LL)
#define DAY_MS 86400000LL

static const char ical[] =
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\n"
    "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20260320\r\nDTEND;VALUE=DATE:20260321\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nUID:2\r\nDTSTART;VALUE=DATE:20260403\r\nDTEND;VALUE=DATE:20260404\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nUID:3\r\nDTSTART;VALUE=DATE:20260406\r\nDTEND;VALUE=DATE:20260407\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n";

/* Berlin's clocks and holidays around END_MS. */
struct almanac {
    struct ax_zone *zone;
    struct ax_local_time clocks;
    struct ax_holidays holidays;
};

static void open_almanac(struct almanac *a)
{
    memset(a, 0, sizeof *a);
    assert_int_equal(ax_zone_load(ax_str("Europe/Berlin"), &a->zone, NULL), AX_OK);
    a->clocks.zone = a->zone;
    ax_local_time_cover(&a->clocks, END_MS - 40 * DAY_MS, END_MS + 20 * DAY_MS);
    assert_int_equal(
        ax_calendar_parse(ax_str(ical), ax_str("Europe/Berlin"), &a->holidays.calendars[0], NULL), AX_OK);
    a->holidays.n = 1;
    ax_holidays_cover(&a->holidays, END_MS - 40 * DAY_MS, END_MS + 20 * DAY_MS);
}

static void close_almanac(struct almanac *a)
{
    struct ax_calendar *calendar = a->holidays.calendars[0];
    ax_holidays_reset(&a->holidays);
    ax_calendar_free(calendar);
    ax_zone_free(a->zone);
}

static struct ax_fourier_frame frame_of(const struct almanac *a)
{
    return (struct ax_fourier_frame){END_MS, GOLDEN_POINTS * POINT_MS, POINT_MS, &a->clocks, &a->holidays};
}

static void rows_are_those_of_numpy_and_zoneinfo(void **state)
{
    (void)state;
    static const int which[] = {0, 300, 448, 699};
    struct almanac a;
    open_almanac(&a);
    const struct ax_fourier_frame f = frame_of(&a);
    assert_int_equal(AX_FOURIER_COLUMNS, GOLDEN_COLUMNS);
    for (int i = 0; i < 4; i++) {
        double x[AX_FOURIER_COLUMNS];
        ax_fourier_row(&f, END_MS - (GOLDEN_POINTS - 1 - which[i]) * POINT_MS, x);
        for (int k = 0; k < AX_FOURIER_COLUMNS; k++)
            assert_true(fabs(x[k] - golden_fourier_rows[i * AX_FOURIER_COLUMNS + k]) < 1e-12);
    }
    close_almanac(&a);
}

static void the_solution_is_that_of_scikit_learn(void **state)
{
    (void)state;
    static double x[GOLDEN_POINTS * AX_FOURIER_COLUMNS], y[GOLDEN_POINTS];
    double w[AX_FOURIER_COLUMNS], constant, gram[(AX_FOURIER_COLUMNS + 1) * AX_FOURIER_COLUMNS];
    struct almanac a;
    open_almanac(&a);
    const struct ax_fourier_frame f = frame_of(&a);
    for (int i = 0; i < GOLDEN_POINTS; i++) {
        ax_fourier_row(&f, END_MS - (GOLDEN_POINTS - 1 - i) * POINT_MS, x + (size_t)i * AX_FOURIER_COLUMNS);
        y[i] = (double)golden_fourier_series[i];
    }
    assert_int_equal(ax_ridge_centred(GOLDEN_POINTS, AX_FOURIER_COLUMNS, x, y,
                                      AX_FOURIER_PENALTY * GOLDEN_POINTS, w, &constant, gram),
                     AX_OK);
    ax_assert_close(constant, golden_fourier_fit[0], 1e-8);
    for (int k = 0; k < AX_FOURIER_COLUMNS; k++)
        assert_true(fabs(w[k] - golden_fourier_fit[1 + k]) < 1e-7);
    close_almanac(&a);
}

static const uint32_t leads[] = {1, 24, 72, 240};
#define ASKED 4

/* What the member says after the golden series, or n values of it, and how many days it has of a spec without
 * almanac. */
static enum ax_err ask(const float *v, uint32_t n, const struct almanac *a, double *path)
{
    struct ax_model_params params = {
        .step_ms = POINT_MS, .coarse_ms = POINT_MS, .leads = leads, .leads_n = ASKED};
    const struct ax_view view = {v, n, END_MS, POINT_MS};
    struct ax_past p = {
        .fine = view, .coarse = view, .t_ms = END_MS, .clocks = &a->clocks, .holidays = &a->holidays};
    struct ax_tensor tensors[2];
    struct ax_batch batch = ax_past_batch(&p, tensors);
    struct ax_arena scratch;
    ax_arena_init(&scratch, 16U << 20);
    void *one = malloc(ax_model_fourier.state_bytes(&params));
    void *const states[1] = {one};
    ax_model_fourier.init(&params, one);
    enum ax_err err = ax_model_fourier.fit(&params, states, &batch, &scratch);
    assert_int_equal(/* ready when it was fitted */
                     ax_model_fourier.run(&params, states, &batch, &scratch,
                                          &(struct ax_model_out){.path = path}),
                     err);
    ax_arena_done(&scratch);
    free(one);
    return err;
}

static void the_member_says_what_the_regression_says(void **state)
{
    (void)state;
    struct almanac a;
    double path[ASKED];
    open_almanac(&a);
    assert_int_equal(ask(golden_fourier_series, GOLDEN_POINTS, &a, path), AX_OK);
    /* Far ahead nothing is left of the newest error; bounds on outliers change little. */
    ax_assert_close(path[3], golden_fourier_ahead[3], 0.02);
    ax_assert_close(path[2], golden_fourier_ahead[2], 0.02);
    close_almanac(&a);
}

static void a_holiday_is_forecast_as_the_ones_before(void **state)
{
    (void)state;
    static float v[GOLDEN_POINTS];
    struct almanac a;
    double with[ASKED], without[ASKED];
    open_almanac(&a);
    /* It is noon of the 8th; what is the same time of the 9th if that day is a holiday, and if it is none? */
    memcpy(v, golden_fourier_series, sizeof v);
    assert_int_equal(ask(v, GOLDEN_POINTS, &a, without), AX_OK);
    a.holidays.spans[0][a.holidays.spans_n[0] - 1].end_ms = END_MS + 30 * 3600000LL;
    a.holidays.spans[0][a.holidays.spans_n[0] - 1].begin_ms = END_MS + 6 * 3600000LL;
    assert_int_equal(ask(v, GOLDEN_POINTS, &a, with), AX_OK);
    assert_true(without[1] - with[1] > 30); /* each took 50 away */
    assert_true(fabs(without[2] - with[2]) < 10);
    close_almanac(&a);
}

static void a_spike_does_not_spoil_it(void **state)
{
    (void)state;
    static float v[GOLDEN_POINTS];
    struct almanac a;
    double path[ASKED], spoilt[ASKED];
    open_almanac(&a);
    memcpy(v, golden_fourier_series, sizeof v);
    assert_int_equal(ask(v, GOLDEN_POINTS, &a, path), AX_OK);
    v[400] = v[620] = 1e4F;
    assert_int_equal(ask(v, GOLDEN_POINTS, &a, spoilt), AX_OK);
    for (int k = 0; k < ASKED; k++)
        assert_true(fabs(spoilt[k] - path[k]) < 15);
    close_almanac(&a);
}

static void less_than_two_days_are_too_little(void **state)
{
    (void)state;
    struct almanac a;
    double path[ASKED];
    open_almanac(&a);
    assert_int_equal(ask(golden_fourier_series, 90, &a, path), AX_NOTREADY);
    for (int k = 0; k < ASKED; k++)
        assert_true(isnan(path[k]));
    close_almanac(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_of_numpy_and_zoneinfo),
        cmocka_unit_test(the_solution_is_that_of_scikit_learn),
        cmocka_unit_test(the_member_says_what_the_regression_says),
        cmocka_unit_test(a_holiday_is_forecast_as_the_ones_before),
        cmocka_unit_test(a_spike_does_not_spoil_it),
        cmocka_unit_test(less_than_two_days_are_too_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
