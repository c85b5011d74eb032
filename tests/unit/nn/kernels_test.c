/* Every set of kernels that this processor runs, against libm and against the portable one. */
#include "ax_test.h"
#include "nets.h"
#include "nn/kernels.h"

#include <math.h>
#include <stdlib.h>

#define EACH(k)                                                                                              \
    const struct ax_nn_kernels *k = ax_nn_kernels_at(i);                                                     \
    k;                                                                                                       \
    k = ax_nn_kernels_at(++i)

static void exp_tanh_and_sigmoid_are_libms_within_the_stated_error(void **state)
{
    (void)state;
    uint32_t i = 0;
    for (EACH(k)) {
        double worst_exp = 0, worst_tanh = 0, worst_sigmoid = 0;
        for (double at = -90; at < 90; at += 0.00137) {
            float x = (float)at, e = x, t = x, s = x;
            k->exponential(&e, 1);
            k->activate(AX_NN_TANH, &t, 1);
            k->activate(AX_NN_SIGMOID, &s, 1);
            const double d = (double)x;
            if (d > -87 && d < 87)
                worst_exp = fmax(worst_exp, fabs((double)e / exp(d) - 1));
            worst_tanh = fmax(worst_tanh, fabs((double)t - tanh(d)));
            worst_sigmoid = fmax(worst_sigmoid, fabs((double)s - 1 / (1 + exp(-d))));
        }
        if (!(worst_exp < 3e-7 && worst_tanh < 3e-7 && worst_sigmoid < 3e-7))
            fail_msg("%s: exp %g, tanh %g, sigmoid %g", k->name, worst_exp, worst_tanh, worst_sigmoid);
    }
}

static void nan_goes_through_and_infinities_give_limits(void **state)
{
    (void)state;
    uint32_t i = 0;
    for (EACH(k))
        for (int act = AX_NN_IDENTITY; act <= AX_NN_SIGMOID; act++) {
            float v[] = {NAN, INFINITY, -INFINITY, 0};
            k->activate((enum ax_nn_act)act, v, 4);
            assert_true(isnan(v[0]));
            assert_false(isnan(v[1]) || isnan(v[2]));
            if (act == AX_NN_TANH || act == AX_NN_SIGMOID) {
                ax_assert_close((double)v[1], 1, 1e-7);
                ax_assert_close((double)v[2], act == AX_NN_TANH ? -1 : 0, 1e-7);
            }
        }
}

/* All elementwise kernels over n floats of 3 rows. */
static void elementwise(const struct ax_nn_kernels *k, uint32_t n, float *out)
{
    float *z = out, *c = z + 12 * (size_t)n, *tanh_c = c + 3 * (size_t)n, *y = tanh_c + 3 * (size_t)n,
          *dc = y + 3 * (size_t)n, *w = dc + 3 * (size_t)n, *sum = w + 9 * (size_t)n, before[3 * 40],
          dy[3 * 40];
    nets_random(z, 12 * (size_t)n, 1);
    nets_random(before, 3 * (size_t)n, 2);
    nets_random(dy, 3 * (size_t)n, 3);
    nets_random(dc, 3 * (size_t)n, 4);
    nets_random(w, 9 * (size_t)n, 5);
    for (uint32_t j = 6 * n; j < 9 * n; j++)
        w[j] = fabsf(w[j]); /* mean squares */
    k->lstm_gates(3, n, z, before, c, tanh_c, y);
    k->lstm_gates_back(3, n, z, before, tanh_c, dy, dc);
    k->sum_rows(3, n, dy, sum);
    const struct ax_nn_adam a = {0.01f, 0.9f, 0.99f, 1e-8f, 0.1f, 0.01f, 0.1f, 0.5f};
    k->adam(&a, 3 * (size_t)n, w, dy, w + 3 * (size_t)n, w + 6 * (size_t)n);
}

static void every_set_gives_what_the_portable_one_gives(void **state)
{
    (void)state;
    uint32_t i = 0;
    for (EACH(k))
        for (uint32_t n = 1; n <= 40; n++) {
            float want[34 * 40], got[34 * 40];
            elementwise(ax_nn_kernels_at(0), n, want);
            elementwise(k, n, got);
            for (uint32_t j = 0; j < 34 * n; j++)
                if (!(fabsf(want[j] - got[j]) <= 2e-6f * fmaxf(1, fabsf(want[j]))))
                    fail_msg("%s, %u wide, %u: %g, not %g", k->name, n, j, (double)got[j], (double)want[j]);
        }
}

static void the_portable_set_is_there_and_the_best_is_the_last(void **state)
{
    (void)state;
    assert_string_equal(ax_nn_kernels_at(0)->name, "portable");
    uint32_t n = 0;
    while (ax_nn_kernels_at(n))
        n++;
    assert_ptr_equal(ax_nn_kernels(), ax_nn_kernels_at(n - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_tanh_and_sigmoid_are_libms_within_the_stated_error),
        cmocka_unit_test(nan_goes_through_and_infinities_give_limits),
        cmocka_unit_test(every_set_gives_what_the_portable_one_gives),
        cmocka_unit_test(the_portable_set_is_there_and_the_best_is_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
