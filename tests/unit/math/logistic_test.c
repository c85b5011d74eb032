/* The same coefficients as scikit-learn 1.2.1's LogisticRegression, plain, more penalised, with balanced
 * classes and of classes that a plane separates (golden/logistic/generate.py); what cannot be learnt is told.
 */
#include "../../golden/logistic/vectors.h"
#include "ax_test.h"
#include "group.h"
#include "math/logistic.h"

#include <math.h>

#define N LOGISTIC_N
#define P LOGISTIC_P

/* scikit-learn's class_weight="balanced". */
static void balance(const bool *y, double *weight)
{
    double of_class[2] = {0, 0};
    for (int i = 0; i < N; i++)
        of_class[y[i]]++;
    for (int i = 0; i < N; i++)
        weight[i] = N / (2 * of_class[y[i]]);
}

static void its_coefficients_are_those_of_scikit_learn(void **state)
{
    (void)state;
    const struct {
        const bool *y;
        double c;
        bool balanced;
        const double *want;
    } cases[] = {{logistic_y, 1, false, logistic_plain},
                 {logistic_y, 0.05, false, logistic_penalised},
                 {logistic_y, 1, true, logistic_balanced},
                 {logistic_apart, 1, true, logistic_separable}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double w[P + 1], weight[N];
        balance(cases[i].y, weight);
        assert_int_equal(
            ax_logistic_fit(N, P, logistic_x, cases[i].y, cases[i].balanced ? weight : NULL, cases[i].c, w),
            AX_OK);
        for (int k = 0; k <= P; k++)
            if (!(fabs(w[k] - cases[i].want[k]) <= 1e-5))
                fail_msg("case %zu: %.12g, scikit-learn's %.12g", i, w[k], cases[i].want[k]);
    }
}

static void what_cannot_be_learnt_is_told(void **state)
{
    (void)state;
    const bool none[N] = {false};
    double w[P + 1], x[N * P] = {0}, weight[N] = {0};
    assert_int_equal(ax_logistic_fit(N, P, logistic_x, none, NULL, 1, w), AX_INVALID);
    assert_int_equal(ax_logistic_fit(N, P, logistic_x, logistic_y, weight, 1, w), AX_INVALID);
    assert_int_equal(ax_logistic_fit(N, P, logistic_x, logistic_y, NULL, 0, w), AX_INVALID);
    assert_int_equal(ax_logistic_fit(N, 0, logistic_x, logistic_y, NULL, 1, w), AX_INVALID);
    assert_int_equal(ax_logistic_fit(N, AX_LOGISTIC_MAX + 1, logistic_x, logistic_y, NULL, 1, w), AX_INVALID);
    x[5] = (double)NAN;
    assert_int_equal(ax_logistic_fit(N, P, x, logistic_y, NULL, 1, w), AX_NUMERIC);
    x[5] = 0; /* columns that say nothing have no coefficient */
    assert_int_equal(ax_logistic_fit(N, P, x, logistic_y, NULL, 1, w), AX_OK);
    for (int k = 0; k < P; k++)
        assert_true(w[k] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_coefficients_are_those_of_scikit_learn),
        cmocka_unit_test(what_cannot_be_learnt_is_told),
    };
    return cmocka_run_group_tests(tests, group_with_blas, NULL);
}
