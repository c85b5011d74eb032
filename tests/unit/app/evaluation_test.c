/* The backtest's metrics equal scikit-learn's and NumPy's (tests/golden/report/generate.py). */
#include "../../golden/report/vectors.h"
#include "app/baseline.h"
#include "app/evaluation.h"
#include "ax_test.h"

#include <math.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Arrays of one forecast case against its metrics; want in the order of the generator. */
static void check_forecast(size_t n, const double *const columns[6], const double *want, double tolerance)
{
    struct ax_forecast_sums s = {0};
    for (size_t i = 0; i < n; i++) {
        struct ax_forecast_outcome o = {
            0, 0, columns[0][i], columns[1][i], columns[2][i], columns[3][i], columns[4][i], columns[5][i]};
        ax_forecast_sums_add(&s, &o, 0.1);
    }
    struct ax_forecast_metrics m = ax_forecast_sums_read(&s);
    assert_int_equal(m.n, n);
    const double got[] = {m.mae,         m.rmse,     m.r2,      m.mape,       m.wape,
                          m.correlation, m.coverage, m.winkler, m.skill_last, m.skill_linear};
    for (size_t i = 0; i < N(got); i++)
        ax_assert_close(got[i], want[i], tolerance);
}

#define FORECAST_CASE(name, tolerance)                                                                       \
    check_forecast(N(name##_actual),                                                                         \
                   (const double *const[]){name##_actual, name##_mean, name##_lower, name##_upper,           \
                                           name##_last, name##_linear},                                      \
                   name##_want, tolerance)

static void forecast_metrics_equal_scikit_learns(void **state)
{
    (void)state;
    FORECAST_CASE(walk, 1e-12);
    FORECAST_CASE(gaps, 1e-12);
    FORECAST_CASE(high, 1e-9);
}

static void what_is_undefined_is_nan(void **state)
{
    (void)state;
    struct ax_forecast_sums s = {0};
    struct ax_forecast_metrics m = ax_forecast_sums_read(&s);
    assert_true(isnan(m.mae) && isnan(m.r2) && isnan(m.coverage) && isnan(m.skill_last));
    struct ax_forecast_outcome o = {0, 1, 0, 1, (double)NAN, (double)NAN, (double)NAN, (double)NAN};
    ax_forecast_sums_add(&s, &o, 0.1);
    ax_forecast_sums_add(&s, &o, 0.1);
    o.mean = (double)NAN;
    ax_forecast_sums_add(&s, &o, 0.1);
    m = ax_forecast_sums_read(&s);
    assert_int_equal(m.n, 2);
    ax_assert_close(m.mae, 1, 0);
    assert_true(isnan(m.mape) && isnan(m.wape) && isnan(m.r2) && isnan(m.coverage) && isnan(m.skill_linear));
}

#define DETECTION_CASE(name) check_detection(N(name##_score), name##_score, name##_truth, name##_want)

static void check_detection(size_t n, const double *score, const double *truth, const double *want)
{
    struct ax_scored v[512];
    for (size_t i = 0; i < n; i++)
        v[i] = (struct ax_scored){score[i], truth[i] > 0};
    struct ax_detection_metrics m = ax_detection_read(v, n);
    const double got[] = {m.precision, m.recall, m.f1, m.false_positive_rate, m.pr_auc};
    for (size_t i = 0; i < N(got); i++)
        ax_assert_close(got[i], want[i], 1e-12);
}

static void detection_metrics_equal_scikit_learns(void **state)
{
    (void)state;
    DETECTION_CASE(smooth);
    DETECTION_CASE(ties);
    struct ax_detection_metrics m = ax_detection_read(NULL, 0);
    assert_true(isnan(m.precision) && isnan(m.pr_auc) && isnan(m.false_positive_rate));
}

static void medians_leave_out_what_is_undefined(void **state)
{
    (void)state;
    double v[] = {3, (double)NAN, 1, 2, 10};
    ax_assert_close(ax_median_known(v, 5), 2.5, 0);
    ax_assert_close(ax_median_known(v, 1), 1, 0);
    double none[] = {(double)NAN};
    assert_true(isnan(ax_median_known(none, 1)));
}

static void predict_linear_is_least_squares(void **state)
{
    (void)state;
    int64_t t[N(linear_t)];
    for (size_t i = 0; i < N(linear_t); i++)
        t[i] = (int64_t)linear_t[i];
    ax_assert_close(
        ax_predict_linear(t, linear_v, N(linear_t), (int64_t)linear_want[0], (int64_t)linear_want[1]),
        linear_want[2], 1e-12);
    const double same[] = {5, 5, (double)NAN};
    ax_assert_close(ax_predict_linear(t, same, 3, t[1], 1000), 5, 0);
    assert_true(isnan(ax_predict_linear(t, same, 1, t[1], 1000)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forecast_metrics_equal_scikit_learns),
        cmocka_unit_test(what_is_undefined_is_nan),
        cmocka_unit_test(detection_metrics_equal_scikit_learns),
        cmocka_unit_test(medians_leave_out_what_is_undefined),
        cmocka_unit_test(predict_linear_is_least_squares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
