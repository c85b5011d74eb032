/* Groups that are served alike are told from those that are not; the numbers are Fairlearn's. */
#include "ax_test.h"
#include "train/parity.h"

#include <math.h>

/* tests/golden/parity/generate.py: points, alarms, abnormal, true and false positive of each group. */
static const struct {
    uint32_t n;
    uint64_t v[5][5];
    double statistical_parity, disparate_impact, equal_opportunity, equalized_odds;
} cases[] = {
    {2,
     {{200, 46, 55, 39, 7}, {240, 52, 44, 32, 20}},
     0.013333333333333336,
     0.94202898550724634,
     0.018181818181818188,
     0.053764954257565098},
    {3,
     {{200, 45, 50, 37, 8}, {240, 35, 53, 23, 12}, {280, 54, 55, 32, 22}},
     0.079166666666666663,
     0.64814814814814814,
     0.30603773584905658,
     0.30603773584905658},
    {5,
     {{200, 43, 44, 31, 12},
      {240, 44, 45, 27, 17},
      {280, 47, 52, 23, 24},
      {320, 71, 77, 39, 32},
      {360, 70, 75, 27, 43}},
     0.054017857142857145,
     0.75653923541247481,
     0.3445454545454546,
     0.3445454545454546},
};

static void the_numbers_are_those_of_fairlearn(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_parity_group g[5] = {0};
        for (uint32_t k = 0; k < cases[i].n; k++) {
            const uint64_t *v = cases[i].v[k];
            g[k] = (struct ax_parity_group){.points = v[0],
                                            .alarms = v[1],
                                            .labelled = v[0],
                                            .abnormal = v[2],
                                            .true_positive = v[3],
                                            .false_positive = v[4]};
        }
        const struct ax_parity p = ax_parity_of(g, cases[i].n);
        ax_assert_close(p.statistical_parity, cases[i].statistical_parity, 1e-12);
        ax_assert_close(p.disparate_impact, cases[i].disparate_impact, 1e-12);
        ax_assert_close(p.equal_opportunity, cases[i].equal_opportunity, 1e-12);
        ax_assert_close(p.equalized_odds, cases[i].equalized_odds, 1e-12);
        assert_int_equal(p.flagged, i > 0);
    }
}

static void chance_is_not_flagged(void **state)
{
    (void)state;
    /* Twice as many alarms of a handful, and of many. */
    const struct ax_parity_group few[] = {{.points = 10000, .alarms = 5}, {.points = 10000, .alarms = 10}},
                                 many[] = {{.points = 1000000, .alarms = 500},
                                           {.points = 1000000, .alarms = 1000}};
    assert_false(ax_parity_of(few, 2).flagged);
    assert_true(ax_parity_of(many, 2).flagged);
    ax_assert_close(ax_parity_of(few, 2).disparate_impact, 0.5, 0);
}

static void errors_of_forecasts_are_compared_too(void **state)
{
    (void)state;
    struct ax_parity_group g[] = {{.error = 10, .actual = 100}, {.error = 36, .actual = 300}, {.points = 5}};
    struct ax_parity p = ax_parity_of(g, 3);
    ax_assert_close(p.error_ratio, 1.2, 1e-12);
    assert_false(p.flagged);
    g[1].error = 39;
    assert_true(ax_parity_of(g, 3).flagged);
    assert_true(isnan(p.statistical_parity)); /* of one group alone */
    assert_true(isnan(ax_parity_of(g, 1).error_ratio));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numbers_are_those_of_fairlearn),
        cmocka_unit_test(chance_is_not_flagged),
        cmocka_unit_test(errors_of_forecasts_are_compared_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
