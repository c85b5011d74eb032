/* The filter says what statsmodels' SARIMAX says at the same parameters, of gaps too; the search finds
 * parameters as likely as those that SARIMAX finds; the statistic that asks for differences is statsmodels'
 * kpss. The member forecasts a process that it can know as well as can be, and does not let a spike spoil
 * that. */
#include "../../golden/arima/vectors.h"
#include "ax_test.h"
#include "base/rng.h"
#include "forecast/arima.h"
#include "forecast/member.h"

#include <math.h>
#include <stdlib.h>

#define N (sizeof golden_arima_series / sizeof *golden_arima_series)
#define CASES (sizeof golden_arima / sizeof *golden_arima)

static struct ax_arima model_of(const struct golden_arima *g)
{
    struct ax_arima a = {.p = (uint32_t)g->p, .q = (uint32_t)g->q};
    for (int i = 0; i < AX_ARIMA_MAX; i++) {
        a.phi[i] = g->phi[i];
        a.theta[i] = g->theta[i];
    }
    return a;
}

static void compare(const struct ax_arima_filtered *f, const double *golden)
{
    ax_assert_close(f->loglik, golden[0], 1e-6);
    ax_assert_close(f->variance, golden[1], 1e-6);
    ax_assert_close(f->next, golden[2], 1e-6);
}

static void the_filter_says_what_sarimax_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct ax_arima a = model_of(&golden_arima[i]);
        struct ax_arima_filtered f;
        double errors[N];
        assert_int_equal(ax_arima_filter(&a, golden_arima_series, N, NULL, &f), AX_OK);
        compare(&f, golden_arima[i].of);
        assert_int_equal(ax_arima_filter(&a, golden_arima_gaps, N, errors, &f), AX_OK);
        compare(&f, golden_arima[i].of_gaps);
        for (size_t t = 0; t < N; t++) {
            assert_int_equal(isnan(errors[t]), isnan(golden_arima[i].errors[t]));
            if (!isnan(errors[t]))
                assert_true(fabs(errors[t] - golden_arima[i].errors[t]) < 1e-6);
        }
    }
}

static void a_model_that_is_not_stationary_is_refused(void **state)
{
    (void)state;
    struct ax_arima a = {.p = 1, .phi = {1.001}};
    struct ax_arima_filtered f;
    double flat[60] = {0};
    assert_int_equal(ax_arima_filter(&a, golden_arima_series, N, NULL, &f), AX_NUMERIC);
    a.phi[0] = 0.5;
    assert_int_equal(ax_arima_filter(&a, flat, 60, NULL, &f), AX_NUMERIC);
}

static void the_search_finds_what_is_as_likely_as_what_sarimax_finds(void **state)
{
    (void)state;
    struct ax_arima a = {.p = 1, .q = 1}, b = {.p = 2, .q = 1};
    double aicc;
    assert_int_equal(ax_arima_estimate(&a, golden_arima_series, N, &aicc), AX_OK);
    assert_true(fabs(a.phi[0] - golden_arima_fit11[0]) < 1e-2);
    assert_true(fabs(a.theta[0] - golden_arima_fit11[1]) < 1e-2);
    assert_true(fabs(aicc - golden_arima_fit11[3]) < 1e-2);
    assert_int_equal(ax_arima_estimate(&b, golden_arima_series, N, &aicc), AX_OK);
    assert_true(fabs(aicc - golden_arima_fit21[4]) < 0.05);
}

static void a_search_that_follows_finds_what_one_from_nothing_finds(void **state)
{
    (void)state;
    struct ax_arima a = {.p = 2, .q = 1};
    double aicc, followed;
    assert_int_equal(ax_arima_estimate(&a, golden_arima_series, N, &aicc), AX_OK);
    a.phi[0] -= 0.1; /* where it may have been a while ago */
    a.theta[0] += 0.1;
    assert_int_equal(ax_arima_follow(&a, golden_arima_series, N, &followed), AX_OK);
    assert_true(fabs(followed - aicc) < 0.05);
    struct ax_arima b = {.p = 2, .q = 2}; /* and from a place at the bounds */
    b.phi[0] = 1.9;
    b.phi[1] = -0.95;
    assert_int_equal(ax_arima_follow(&b, golden_arima_series, N, &followed), AX_OK);
    assert_true(fabs(b.phi[1]) < 1 && b.phi[1] + fabs(b.phi[0]) < 1);
}

static void a_fit_keeps_the_order_of_the_one_before(void **state)
{
    (void)state;
    struct ax_arena scratch;
    struct ax_arima before = {.p = 1, .d = 0, .q = 1, .phi = {0.5}, .theta = {0.2}}, kept, free_choice;
    double mean;
    ax_arena_init(&scratch, 1U << 20);
    assert_int_equal(ax_arima_fit(golden_arima_series, N, NULL, &scratch, &free_choice, &mean), AX_OK);
    before.d = free_choice.d;
    before.p = free_choice.p == 1 ? 2 : 1;
    before.q = 1;
    assert_int_equal(ax_arima_fit(golden_arima_series, N, &before, &scratch, &kept, &mean), AX_OK);
    assert_int_equal(kept.p, before.p);
    assert_int_equal(kept.q, 1);
    before.d = 1 - before.d; /* of something else: it is chosen again */
    assert_int_equal(ax_arima_fit(golden_arima_series, N, &before, &scratch, &kept, &mean), AX_OK);
    assert_int_equal(kept.p, free_choice.p);
    assert_int_equal(kept.q, free_choice.q);
    assert_true(kept.phi[0] == free_choice.phi[0] && kept.theta[0] == free_choice.theta[0]);
    ax_arena_done(&scratch);
}

static void every_estimate_is_stationary_and_invertible(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct ax_rng rng;
        double z[120], before = 0, aicc;
        ax_rng_seed(&rng, seed);
        for (int i = 0; i < 120; i++) { /* differenced once too often: a root of 1 */
            double now = ax_rng_normal(&rng);
            z[i] = now - before;
            before = now;
        }
        struct ax_arima a = {.p = 2, .q = 2};
        assert_int_equal(ax_arima_estimate(&a, z, 120, &aicc), AX_OK);
        assert_true(fabs(a.phi[1]) < 1 && a.phi[1] + fabs(a.phi[0]) < 1);
        assert_true(fabs(a.theta[1]) < 1 && a.theta[1] + 1 > fabs(a.theta[0]));
    }
}

static void kpss_is_that_of_statsmodels(void **state)
{
    (void)state;
    static const uint32_t lags[] = {0, 3, 10};
    double sums[N], sum = 0;
    for (size_t i = 0; i < N; i++)
        sums[i] = sum += golden_arima_series[i];
    for (int i = 0; i < 3; i++) {
        ax_assert_close(ax_kpss(golden_arima_series, N, lags[i]), golden_kpss[i], 1e-9);
        ax_assert_close(ax_kpss(sums, N, lags[i]), golden_kpss[3 + i], 1e-9);
    }
}

static const uint32_t leads[] = {1, 2, 400};
#define ASKED 3
#define STEPS 600

static enum ax_err ask(const float *v, uint32_t n, double *path)
{
    struct ax_model_params params = {.step_ms = 60000, .coarse_ms = 300000, .leads = leads, .leads_n = ASKED};
    struct ax_past p = {
        .fine = {v, n, STEPS * 60000, 60000}, .coarse = {v, 0, 0, 300000}, .t_ms = STEPS * 60000};
    struct ax_tensor tensors[2];
    struct ax_batch batch = ax_past_batch(&p, tensors);
    struct ax_arena scratch;
    ax_arena_init(&scratch, 16U << 20);
    void *one = malloc(ax_model_arima.state_bytes(&params));
    void *const states[1] = {one};
    ax_model_arima.init(&params, one);
    enum ax_err err = ax_model_arima.fit(&params, states, &batch, &scratch);
    if (err == AX_OK)
        err = ax_model_arima.run(&params, states, &batch, &scratch, &(struct ax_model_out){.path = path});
    ax_arena_done(&scratch);
    free(one);
    return err;
}

/* An ARMA(1,1) about 50, or a walk of MA(1) steps, and what it is expected to be next. */
static double make(float *v, bool sums, double phi, double theta)
{
    struct ax_rng rng;
    double z = 0, e = 0, level = 50;
    ax_rng_seed(&rng, 4);
    for (int i = 0; i < STEPS; i++) {
        double now = ax_rng_normal(&rng);
        z = phi * z + now + theta * e;
        e = now;
        level += sums ? z : 0;
        v[i] = (float)(sums ? level : 50 + z);
    }
    return (sums ? level : 50) + phi * z + theta * e;
}

static void what_can_be_known_of_a_process_is_known(void **state)
{
    (void)state;
    static float v[STEPS];
    double path[ASKED], next = make(v, false, 0.8, 0.4);
    assert_int_equal(ask(v, STEPS, path), AX_OK);
    assert_true(fabs(path[0] - next) < 0.4); /* of a standard deviation of 1 */
    assert_true(fabs(path[2] - 50) < 1.5);   /* its mean */
    next = make(v, true, 0, -0.3);
    assert_int_equal(ask(v, STEPS, path), AX_OK); /* differences: no way back to a mean */
    assert_true(fabs(path[0] - next) < 0.3);
    assert_true(fabs(path[2] - path[1]) < 0.5);
}

static void a_spike_does_not_spoil_it(void **state)
{
    (void)state;
    static float v[STEPS];
    double path[ASKED], spoilt[ASKED];
    (void)make(v, true, 0, -0.3);
    assert_int_equal(ask(v, STEPS, path), AX_OK);
    v[STEPS / 2] = v[STEPS - 4] = 1e7F;
    assert_int_equal(ask(v, STEPS, spoilt), AX_OK);
    for (int k = 0; k < ASKED; k++)
        assert_true(fabs(spoilt[k] - path[k]) < 1);
}

static void a_new_level_is_followed(void **state)
{
    (void)state;
    static float v[STEPS];
    double path[ASKED];
    (void)make(v, true, 0, -0.3);
    for (int i = STEPS - 6; i < STEPS; i++)
        v[i] += 1000;
    assert_int_equal(ask(v, STEPS, path), AX_OK);
    assert_true(fabs(path[0] - (double)v[STEPS - 1]) < 5);
}

static void with_too_little_or_nothing_but_a_constant_it_is_not_ready(void **state)
{
    (void)state;
    static float v[STEPS];
    double path[ASKED];
    assert_int_equal(ask(v, STEPS, path), AX_NOTREADY);
    (void)make(v, false, 0.5, 0);
    assert_int_equal(ask(v, 30, path), AX_NOTREADY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_filter_says_what_sarimax_says),
        cmocka_unit_test(a_model_that_is_not_stationary_is_refused),
        cmocka_unit_test(the_search_finds_what_is_as_likely_as_what_sarimax_finds),
        cmocka_unit_test(a_search_that_follows_finds_what_one_from_nothing_finds),
        cmocka_unit_test(a_fit_keeps_the_order_of_the_one_before),
        cmocka_unit_test(every_estimate_is_stationary_and_invertible),
        cmocka_unit_test(kpss_is_that_of_statsmodels),
        cmocka_unit_test(what_can_be_known_of_a_process_is_known),
        cmocka_unit_test(a_spike_does_not_spoil_it),
        cmocka_unit_test(a_new_level_is_followed),
        cmocka_unit_test(with_too_little_or_nothing_but_a_constant_it_is_not_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
