/* Tail probabilities are those of SciPy. */
#include "../../golden/drift_stream/vectors.h"
#include "ax_test.h"
#include "math/special.h"

#include <math.h>

static void tails_are_scipys(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < gamma_q_n; i += 3)
        ax_assert_close(ax_gamma_q(gamma_q[i], gamma_q[i + 1]), gamma_q[i + 2],
                        1e-11 * gamma_q[i + 2] + 1e-300);
    for (uint32_t i = 0; i < beta_i_n; i += 4)
        ax_assert_close(ax_beta_i(beta_i[i], beta_i[i + 1], beta_i[i + 2]), beta_i[i + 3],
                        1e-11 * beta_i[i + 3] + 1e-14);
    for (uint32_t i = 0; i < student_sf_n; i += 3)
        ax_assert_close(ax_student_sf(student_sf[i], student_sf[i + 1]), student_sf[i + 2],
                        1e-10 * student_sf[i + 2]);
}

static void what_is_not_defined_is_nan(void **state)
{
    (void)state;
    assert_true(isnan(ax_gamma_q(0, 1)) && isnan(ax_gamma_q(1, -1)) && isnan(ax_gamma_q(NAN, 1)));
    assert_true(isnan(ax_beta_i(0, 1, 0.5)) && isnan(ax_beta_i(1, 1, 1.5)));
    assert_true(isnan(ax_student_sf(1, 0)) && isnan(ax_student_sf(NAN, 3)));
    ax_assert_close(ax_student_sf(HUGE_VAL, 3), 0, 0);
    ax_assert_close(ax_gamma_q(2, HUGE_VAL), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tails_are_scipys),
        cmocka_unit_test(what_is_not_defined_is_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
