/* Data that are whole are learnt from; what is wrong with others is said, with numbers. */
#include "ax_test.h"
#include "train/validate.h"

#include <math.h>
#include <string.h>

#define N 100

static float v[N];

static void fill(void)
{
    for (int i = 0; i < N; i++)
        v[i] = (float)(i * 37 % 100);
}

static const struct ax_validation_series series = {v, N, 1, 100 * 15000, 15000};

static enum ax_err judge(const struct ax_validation *x, struct ax_validation_finding *out,
                         struct ax_diag *diag)
{
    *diag = (struct ax_diag){{0}};
    return ax_validation_judge(x, &(struct ax_validation_rule){0}, out, diag);
}

static void add(struct ax_validation *x)
{
    assert_int_equal(ax_validation_add(x, &series, series.end_ms), AX_OK);
}

static void whole_data_are_fit(void **state)
{
    (void)state;
    struct ax_validation x = {0};
    struct ax_validation_finding f[AX_VALIDATION_CHECKS];
    struct ax_diag diag;
    fill();
    add(&x);
    assert_int_equal(judge(&x, f, &diag), AX_OK);
    ax_assert_close(f[AX_VALIDATION_COMPLETENESS].value, 1, 0);
    ax_assert_close(f[AX_VALIDATION_OUTLIERS].value, 0, 0);
    assert_false(f[AX_VALIDATION_BALANCE].known);
    assert_int_equal(x.from_ms, 15000);
    assert_int_equal(x.to_ms, 1500000);
}

static void gaps_are_counted_and_too_many_refused(void **state)
{
    (void)state;
    struct ax_validation x = {0};
    struct ax_validation_finding f[AX_VALIDATION_CHECKS];
    struct ax_diag diag;
    fill();
    for (int i = 20; i < 60; i++)
        v[i] = NAN;
    add(&x);
    assert_int_equal(judge(&x, f, &diag), AX_OK);
    ax_assert_close(f[AX_VALIDATION_COMPLETENESS].value, 0.6, 1e-12);
    ax_assert_close(f[AX_VALIDATION_GAPS].value, 40, 0);
    for (int i = 60; i < 75; i++)
        v[i] = NAN;
    x = (struct ax_validation){0};
    add(&x);
    assert_int_equal(judge(&x, f, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "completeness: 45.0 % of the steps have a value"));
}

static void a_series_without_any_value_counts_nowhere_else(void **state)
{
    (void)state;
    struct ax_validation x = {0};
    struct ax_validation_finding f[AX_VALIDATION_CHECKS];
    struct ax_diag diag;
    for (int i = 0; i < N; i++)
        v[i] = NAN;
    add(&x);
    assert_int_equal(judge(&x, f, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "no values"));
    fill();
    add(&x);
    assert_int_equal(judge(&x, f, &diag), AX_OK);
    ax_assert_close(f[AX_VALIDATION_COMPLETENESS].value, 1, 0);
    assert_int_equal(x.empty, 1);
}

/* numpy 1.24: np.quantile of 0 to 99 is 24.75 and 74.25 at 0.25 and 0.75, so that the fences are -49.5 and
 * 148.5. */
static void outliers_are_those_beyond_the_fences(void **state)
{
    (void)state;
    struct ax_validation x = {0};
    struct ax_validation_finding f[AX_VALIDATION_CHECKS];
    struct ax_diag diag;
    fill();
    for (int i = 0; i < N; i++)
        if (v[i] > 98) /* 99 becomes one that is just inside, which moves no quartile */
            v[i] = 148.4F;
    add(&x);
    assert_int_equal(judge(&x, f, &diag), AX_OK);
    ax_assert_close(f[AX_VALIDATION_OUTLIERS].value, 0, 0);
    for (int i = 0; i < N; i++)
        if (v[i] > 97)
            v[i] = 148.6F;
    x = (struct ax_validation){0};
    add(&x);
    assert_int_equal(judge(&x, f, &diag), AX_OK);
    ax_assert_close(f[AX_VALIDATION_OUTLIERS].value, 0.02, 1e-12);
}

static void constant_series_teach_nothing(void **state)
{
    (void)state;
    struct ax_validation x = {0};
    struct ax_validation_finding f[AX_VALIDATION_CHECKS];
    struct ax_diag diag;
    for (int i = 0; i < N; i++)
        v[i] = 7;
    add(&x);
    assert_int_equal(judge(&x, f, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "constant: 1 of 1 series never change"));
}

static void times_have_to_be_in_order_and_to_end_together(void **state)
{
    (void)state;
    struct ax_validation x = {0};
    struct ax_validation_finding f[AX_VALIDATION_CHECKS];
    struct ax_diag diag;
    fill();
    add(&x);
    ax_validation_order(&x, 1000, 5, 5);
    assert_int_equal(judge(&x, f, &diag), AX_OK);
    ax_validation_order(&x, 0, 1, 0);
    assert_int_equal(judge(&x, f, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "6 samples came twice, 5 in another order"));
    x = (struct ax_validation){0};
    for (int i = 0; i < 3; i++)
        assert_int_equal(ax_validation_add(&x, &series, series.end_ms + (i < 2 ? 11 : 10) * 15000), AX_OK);
    assert_int_equal(judge(&x, f, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "2 of 3 series end long before"));
}

static void labels_have_to_leave_something_normal(void **state)
{
    (void)state;
    struct ax_validation x = {0};
    struct ax_validation_finding f[AX_VALIDATION_CHECKS];
    struct ax_diag diag;
    fill();
    add(&x);
    ax_validation_labels(&x, 100, 50);
    assert_int_equal(judge(&x, f, &diag), AX_OK);
    ax_validation_labels(&x, 1, 1);
    assert_int_equal(judge(&x, f, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "balance: 50.50 % of 101"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_data_are_fit),
        cmocka_unit_test(gaps_are_counted_and_too_many_refused),
        cmocka_unit_test(a_series_without_any_value_counts_nowhere_else),
        cmocka_unit_test(outliers_are_those_beyond_the_fences),
        cmocka_unit_test(constant_series_teach_nothing),
        cmocka_unit_test(times_have_to_be_in_order_and_to_end_together),
        cmocka_unit_test(labels_have_to_leave_something_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
