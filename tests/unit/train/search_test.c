/* A search finds what is best sooner than chance does, and as soon as Optuna's; it gives up on trials that do
 * badly, and goes on after an interruption as if there had been none. */
#include "ax_test.h"
#include "train/search.h"

#include <math.h>
#include <stdlib.h>

#define TRIALS 100
#define SEEDS 21

static double sphere(const double *x)
{
    double sum = 0;
    for (int i = 0; i < 5; i++)
        sum += x[i] * x[i];
    return sum;
}

static double branin(const double *x)
{
    const double b = 5.1 / (4 * M_PI * M_PI), c = 5 / M_PI, a = x[1] - b * x[0] * x[0] + c * x[0] - 6;
    return a * a + 10 * (1 - 1 / (8 * M_PI)) * cos(x[0]) + 10;
}

static double training(const double *x)
{
    static const double kinds[] = {0.5, 0, 1};
    const double rate = log10(x[0]) + 3, units = (x[1] - 40) / 16;
    return rate * rate + units * units + kinds[(int)x[2]];
}

/* A function with its parameters, and what Optuna's random search and its TPE reach: the median over 51 seeds
 * of the best of 100 trials (tests/golden/search). */
static const struct {
    double (*f)(const double *x);
    uint32_t params_n;
    struct ax_search_param params[5];
    double optuna_random, optuna_tpe;
} functions[] = {
    {sphere,
     5,
     {{"a", AX_SEARCH_LINEAR, -5, 5},
      {"b", AX_SEARCH_LINEAR, -5, 5},
      {"c", AX_SEARCH_LINEAR, -5, 5},
      {"d", AX_SEARCH_LINEAR, -5, 5},
      {"e", AX_SEARCH_LINEAR, -5, 5}},
     6.61327,
     0.936886},
    {branin, 2, {{"x", AX_SEARCH_LINEAR, -5, 10}, {"y", AX_SEARCH_LINEAR, 0, 15}}, 0.709942, 0.432873},
    {training,
     3,
     {{"rate", AX_SEARCH_LOG, 1e-5, 1}, {"units", AX_SEARCH_WHOLE, 1, 64}, {"kind", AX_SEARCH_CHOICE, 0, 3}},
     0.133421,
     0.00395474},
};
#define FUNCTIONS_N (sizeof functions / sizeof functions[0])

static struct ax_search *make(size_t f, bool random, uint64_t seed)
{
    struct ax_search *s = NULL;
    const struct ax_search_spec spec = {
        .params = functions[f].params, .params_n = functions[f].params_n, .random = random, .seed = seed};
    assert_int_equal(ax_search_new(&spec, &s, NULL), AX_OK);
    return s;
}

static void run(struct ax_search *s, size_t f, uint32_t trials)
{
    double x[AX_SEARCH_PARAMS_MAX];
    for (uint32_t i = 0; i < trials; i++) {
        assert_int_equal(ax_search_ask(s, x), AX_OK);
        ax_search_tell(s, AX_SEARCH_DONE, functions[f].f(x));
    }
}

static double best_of(const struct ax_search *s)
{
    double x[AX_SEARCH_PARAMS_MAX], value;
    uint32_t trial;
    assert_int_equal(ax_search_best(s, &trial, x, &value), AX_OK);
    return value;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_best(size_t f, bool random)
{
    double best[SEEDS];
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct ax_search *s = make(f, random, seed);
        run(s, f, TRIALS);
        best[seed] = best_of(s);
        ax_search_free(s);
    }
    qsort(best, SEEDS, sizeof *best, by_size);
    return best[SEEDS / 2];
}

static void the_estimator_beats_chance_and_is_as_good_as_optuna(void **state)
{
    (void)state;
    for (size_t f = 0; f < FUNCTIONS_N; f++) {
        const double random = median_best(f, true), tpe = median_best(f, false);
        print_message("%zu: random %.4g (Optuna %.4g), TPE %.4g (Optuna %.4g)\n", f, random,
                      functions[f].optuna_random, tpe, functions[f].optuna_tpe);
        assert_true(tpe < random);
        assert_true(tpe < 1.5 * functions[f].optuna_tpe);
        assert_true(random < 1.5 * functions[f].optuna_random);
        assert_true(random > functions[f].optuna_random / 1.5); /* no easier than it should be */
    }
}

static void what_is_asked_for_is_within_its_range(void **state)
{
    (void)state;
    struct ax_search *s = make(2, false, 3);
    double x[AX_SEARCH_PARAMS_MAX];
    bool seen[3] = {false};
    for (int i = 0; i < 200; i++) {
        assert_int_equal(ax_search_ask(s, x), AX_OK);
        assert_true(x[0] >= 1e-5 && x[0] <= 1);
        assert_true(x[1] >= 1 && x[1] <= 64 && floor(x[1]) >= x[1]);
        assert_true(x[2] >= 0 && x[2] <= 2 && floor(x[2]) >= x[2]);
        seen[(int)x[2]] = true;
        ax_search_tell(s, AX_SEARCH_DONE, training(x));
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    ax_search_free(s);
}

/* One trial that stands at a value from the first step to the last, unless it is given up; when it is. */
static int steps_of(struct ax_search *s, double value)
{
    double x[AX_SEARCH_PARAMS_MAX];
    assert_int_equal(ax_search_ask(s, x), AX_OK);
    for (int step = 1; step <= 4; step++)
        if (ax_search_report(s, value)) {
            ax_search_tell(s, AX_SEARCH_PRUNED, value);
            return step;
        }
    ax_search_tell(s, AX_SEARCH_DONE, value);
    return 0;
}

static void a_trial_below_the_median_is_given_up(void **state)
{
    (void)state;
    struct ax_search *s = NULL;
    const struct ax_search_spec spec = {
        .params = functions[0].params, .params_n = 5, .seed = 1, .prune_steps = 1};
    assert_int_equal(ax_search_new(&spec, &s, NULL), AX_OK);
    for (int i = 0; i < 5; i++) /* the first five are let go on, however bad */
        assert_int_equal(steps_of(s, 10 + i), 0);
    assert_int_equal(steps_of(s, 12), 0); /* the median itself */
    assert_int_equal(steps_of(s, 12.1), 2);
    assert_int_equal(steps_of(s, (double)NAN), 2);
    assert_int_equal(ax_search_count(s, AX_SEARCH_PRUNED), 2);
    ax_assert_close(best_of(s), 10, 0);
    ax_search_free(s);
}

static void a_search_goes_on_as_if_it_had_not_been_interrupted(void **state)
{
    (void)state;
    struct ax_search *whole = make(2, false, 9), *first = make(2, false, 9), *second = make(2, false, 9),
                     *other = make(2, false, 10);
    struct ax_buf saved;
    struct ax_diag diag = {{0}};
    ax_buf_init(&saved, 1u << 20);
    run(whole, 2, 40);
    run(first, 2, 17);
    ax_search_save(first, &saved);
    assert_int_equal(ax_search_load(second, ax_buf_view(&saved), &diag), AX_OK);
    run(second, 2, 23);
    for (uint32_t i = 0; i < 40; i++) {
        double x[AX_SEARCH_PARAMS_MAX], y[AX_SEARCH_PARAMS_MAX], at_x, at_y;
        enum ax_search_end end;
        ax_search_trial(whole, i, x, &end, &at_x);
        ax_search_trial(second, i, y, &end, &at_y);
        assert_memory_equal(x, y, 3 * sizeof *x);
    }
    assert_int_equal(ax_search_load(other, ax_buf_view(&saved), &diag), AX_CONFLICT);
    for (size_t n = 0; n < saved.n; n++) { /* cut anywhere */
        struct ax_search *s = make(2, false, 9);
        assert_int_not_equal(ax_search_load(s, (struct ax_str){(const char *)saved.bytes, n}, &diag), AX_OK);
        assert_int_equal(ax_search_trials(s), 0);
        ax_search_free(s);
    }
    ax_search_free(whole);
    ax_search_free(first);
    ax_search_free(second);
    ax_search_free(other);
    ax_buf_done(&saved);
}

static void what_cannot_be_searched_is_refused(void **state)
{
    (void)state;
    static const struct ax_search_param wrong[] = {{"a", AX_SEARCH_LINEAR, 1, 1},
                                                   {"b", AX_SEARCH_LOG, 0, 1},
                                                   {"c", AX_SEARCH_LINEAR, 0, INFINITY},
                                                   {"d", AX_SEARCH_CHOICE, 0, 65}};
    struct ax_search *s = NULL;
    struct ax_diag diag = {{0}};
    for (size_t i = 0; i < 4; i++) {
        const struct ax_search_spec spec = {.params = &wrong[i], .params_n = 1};
        assert_int_equal(ax_search_new(&spec, &s, &diag), AX_INVALID);
    }
    const struct ax_search_spec none = {.params = wrong};
    assert_int_equal(ax_search_new(&none, &s, &diag), AX_INVALID);
    s = make(0, false, 1);
    double x[AX_SEARCH_PARAMS_MAX], value;
    uint32_t trial;
    assert_int_equal(ax_search_ask(s, x), AX_OK);
    ax_search_tell(s, AX_SEARCH_DONE, (double)NAN); /* which is no value */
    assert_int_equal(ax_search_best(s, &trial, x, &value), AX_NOTFOUND);
    assert_int_equal(ax_search_count(s, AX_SEARCH_FAILED), 1);
    ax_search_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_estimator_beats_chance_and_is_as_good_as_optuna),
        cmocka_unit_test(what_is_asked_for_is_within_its_range),
        cmocka_unit_test(a_trial_below_the_median_is_given_up),
        cmocka_unit_test(a_search_goes_on_as_if_it_had_not_been_interrupted),
        cmocka_unit_test(what_cannot_be_searched_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
