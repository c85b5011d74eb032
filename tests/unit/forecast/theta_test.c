/* The theta model's recursions give what the theta lines themselves give, and what statsmodels' ThetaModel
 * forecasts; the member follows a trend that is there and does not let a spike spoil it. */
#include "../../golden/theta/vectors.h"
#include "ax_test.h"
#include "base/rng.h"
#include "forecast/member.h"
#include "forecast/theta.h"

#include <math.h>
#include <stdlib.h>

#define N (sizeof golden_theta_series / sizeof *golden_theta_series)
#define LEADS 8

static struct ax_theta after(uint32_t n, double alpha)
{
    struct ax_theta s = {0};
    for (uint32_t i = 0; i < n; i++)
        ax_theta_step(&s, alpha, golden_theta_series[i]);
    return s;
}

static void forecasts_are_those_of_statsmodels(void **state)
{
    (void)state;
    double alpha = golden_theta_statsmodels[0];
    struct ax_theta s = after(N, alpha);
    for (uint32_t h = 1; h <= LEADS; h++) {
        ax_assert_close(ax_theta_forecast(&s, alpha, 2, h), golden_theta_statsmodels[h], 1e-6);
        ax_assert_close(ax_theta_forecast(&s, alpha, 5, h), golden_theta_statsmodels[LEADS + h], 1e-6);
    }
}

static void forecasts_are_those_of_the_theta_lines(void **state)
{
    (void)state;
    struct ax_theta early = after(GOLDEN_THETA_SHORT, 0.2), late = after(N, 0.2);
    for (uint32_t h = 1; h <= LEADS; h++) {
        ax_assert_close(ax_theta_forecast(&early, 0.2, 3, h), golden_theta_short[h - 1], 1e-9);
        ax_assert_close(ax_theta_forecast(&late, 0.2, 3, h), golden_theta_long[h - 1], 1e-9);
    }
}

static void theta_of_one_is_exponential_smoothing(void **state)
{
    (void)state;
    struct ax_theta s = after(N, 0.3);
    double level = golden_theta_series[0];
    for (uint32_t i = 0; i < N; i++)
        level += 0.3 * (golden_theta_series[i] - level);
    ax_assert_close(ax_theta_forecast(&s, 0.3, 1, 1), level, 1e-9);
    ax_assert_close(ax_theta_forecast(&s, 0.3, 1, 100), level, 1e-9);
}

static const uint32_t leads[] = {1, 10, 50};
#define ASKED 3
#define STEPS 600

/* What the member says after STEPS values. */
static void ask(const float *v, double *path)
{
    struct ax_model_params params = {.step_ms = 60000, .coarse_ms = 300000, .leads = leads, .leads_n = ASKED};
    struct ax_past p = {
        .fine = {v, STEPS, STEPS * 60000, 60000}, .coarse = {v, 0, 0, 300000}, .t_ms = STEPS * 60000};
    struct ax_tensor tensors[2];
    struct ax_batch batch = ax_past_batch(&p, tensors);
    struct ax_arena scratch;
    ax_arena_init(&scratch, 16U << 20);
    void *one = malloc(ax_model_theta.state_bytes(&params));
    void *const states[1] = {one};
    ax_model_theta.init(&params, one);
    assert_int_equal(ax_model_theta.fit(&params, states, &batch, &scratch), AX_OK);
    assert_int_equal(
        ax_model_theta.run(&params, states, &batch, &scratch, &(struct ax_model_out){.path = path}), AX_OK);
    ax_arena_done(&scratch);
    free(one);
}

static void a_trend_is_followed_and_a_spike_is_not(void **state)
{
    (void)state;
    static float v[STEPS];
    struct ax_rng rng;
    double path[ASKED], spoilt[ASKED];
    ax_rng_seed(&rng, 9);
    for (int i = 0; i < STEPS; i++)
        v[i] = (float)(100 + 0.5 * i + ax_rng_normal(&rng));
    ask(v, path);
    for (int k = 0; k < ASKED; k++)
        ax_assert_close(path[k], 100 + 0.5 * (STEPS - 1 + leads[k]), 0.02);
    v[STEPS / 2] = 1e6F;
    v[STEPS - 5] = 1e6F;
    ask(v, spoilt);
    for (int k = 0; k < ASKED; k++)
        ax_assert_close(spoilt[k], path[k], 0.03);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forecasts_are_those_of_statsmodels),
        cmocka_unit_test(forecasts_are_those_of_the_theta_lines),
        cmocka_unit_test(theta_of_one_is_exponential_smoothing),
        cmocka_unit_test(a_trend_is_followed_and_a_spike_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
