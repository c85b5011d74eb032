/* The search ends where functions have their least: Rosenbrock's valley, a bowl, and one with a wall. */
#include "ax_test.h"
#include "math/nelder_mead.h"

#include <math.h>

static double rosenbrock(void *ctx, const double *x)
{
    ++*(uint32_t *)ctx;
    return 100 * (x[1] - x[0] * x[0]) * (x[1] - x[0] * x[0]) + (1 - x[0]) * (1 - x[0]);
}

static double bowl(void *ctx, const double *x)
{
    ++*(uint32_t *)ctx;
    double sum = 3;
    for (int i = 0; i < 4; i++)
        sum += (i + 1) * (x[i] - i) * (x[i] - i);
    return sum;
}

static double walled(void *ctx, const double *x)
{
    ++*(uint32_t *)ctx;
    return x[0] < 1 ? (double)INFINITY : x[0];
}

static void the_least_of_a_valley_and_of_a_bowl_is_found(void **state)
{
    (void)state;
    uint32_t calls = 0;
    double x[2] = {-1.2, 1}, y[4] = {0};
    assert_true(ax_nelder_mead(rosenbrock, &calls, 2, x, 0.5, 1e-9, 400) < 1e-5);
    assert_true(fabs(x[0] - 1) < 0.01 && fabs(x[1] - 1) < 0.01);
    assert_true(calls <= 404);
    assert_true(fabs(ax_nelder_mead(bowl, &calls, 4, y, 0.5, 1e-9, 1000) - 3) < 1e-5);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(y[i] - i) < 1e-2);
}

static void it_stays_on_this_side_of_a_wall(void **state)
{
    (void)state;
    uint32_t calls = 0;
    double x[1] = {3};
    double y = ax_nelder_mead(walled, &calls, 1, x, 0.5, 1e-6, 200);
    assert_true(x[0] >= 1 && x[0] < 1.01);
    ax_assert_close(y, x[0], 0);
}

static void no_more_is_asked_than_allowed(void **state)
{
    (void)state;
    uint32_t calls = 0;
    double x[2] = {-1.2, 1};
    (void)ax_nelder_mead(rosenbrock, &calls, 2, x, 0.5, 1e-9, 20);
    assert_true(calls <= 24); /* a step that has begun is ended */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_of_a_valley_and_of_a_bowl_is_found),
        cmocka_unit_test(it_stays_on_this_side_of_a_wall),
        cmocka_unit_test(no_more_is_asked_than_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
