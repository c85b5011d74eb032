/* One regression for many series: its solution is numpy's, it serves a series that it has never seen, it
 * learns nothing of what is still to come, and goes on bit for bit after it was saved. */
#include "../../golden/pooled/vectors.h"
#include "ax_test.h"
#include "base/rng.h"
#include "forecast/forecast.h"
#include "forecast/shared.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MS 60000LL
#define STEPS 400

static const uint32_t leads[] = {1, 5};
#define LEADS 2

static const struct ax_model_params params = {
    .step_ms = STEP_MS, .coarse_ms = 300000, .leads = leads, .leads_n = LEADS};

static void the_solution_is_that_of_numpy(void **state)
{
    (void)state;
    struct ax_pooled *p = ax_pooled_new(1);
    for (uint32_t i = 0; i < GOLDEN_ROWS; i++)
        ax_pooled_add(p, 0, golden_pooled_x + (size_t)i * AX_LAG_WIDTH, golden_pooled_y[i],
                      golden_pooled_weight[i]);
    assert_null(ax_pooled_weights(p, 0));
    ax_pooled_solve(p, 0, GOLDEN_LEAD);
    const float *w = ax_pooled_weights(p, 0);
    assert_non_null(w);
    for (int k = 0; k < AX_LAG_WIDTH; k++)
        assert_true(fabs((double)w[k] - golden_pooled_w[k]) < 1e-6); /* kept as floats */
    ax_pooled_free(p);
}

/* An oscillation about a level, in a unit of its own: z_t = 1.6 z_(t-1) - 0.8 z_(t-2) + e. */
static void fill(float *v, uint32_t n, uint64_t seed, double level, double unit)
{
    struct ax_rng rng;
    double z = 0, before = 0;
    ax_rng_seed(&rng, seed);
    for (uint32_t i = 0; i < n; i++) {
        double now = 1.6 * z - 0.8 * before + ax_rng_normal(&rng);
        before = z;
        z = now;
        v[i] = (float)(level + unit * z);
    }
}

static struct ax_past past_of(const float *v, uint32_t n)
{
    int64_t t_ms = 1000000 * STEP_MS + (int64_t)n * STEP_MS;
    return (struct ax_past){.fine = {v, n, t_ms, STEP_MS}, .coarse = {v, 0, t_ms, 300000}, .t_ms = t_ms};
}

static void learn(struct ax_pooled *p, const float *v, uint32_t n)
{
    struct ax_arena scratch;
    struct ax_past past = past_of(v, n);
    ax_arena_init(&scratch, 16U << 20);
    assert_int_equal(ax_pooled_learn(p, &params, &past, n, 10, &scratch), AX_OK);
    ax_arena_done(&scratch);
}

static double said(struct ax_pooled *p, const float *v, uint32_t n)
{
    struct ax_model_params with = params;
    struct ax_past past = past_of(v, n);
    struct ax_tensor tensors[2];
    struct ax_batch batch = ax_past_batch(&past, tensors);
    double path[LEADS];
    void *const none[1] = {NULL};
    with.pooled = p;
    assert_int_equal(
        ax_model_ridge_pooled.run(&with, none, &batch, NULL, &(struct ax_model_out){.path = path}), AX_OK);
    return path[0];
}

static void a_series_of_a_few_steps_is_served_by_what_others_taught(void **state)
{
    (void)state;
    static float v[STEPS];
    struct ax_pooled *p = ax_pooled_new(LEADS);
    for (uint64_t s = 0; s < 10; s++) {
        fill(v, STEPS, s, pow(10, (double)s), pow(10, (double)s - 2));
        learn(p, v, STEPS);
    }
    double error = 0, last = 0;
    for (uint64_t s = 100; s < 160; s++) { /* of another level and unit, 12 steps old */
        fill(v, 13, s, -5, 0.001);
        error += fabs(said(p, v, 12) - (double)v[12]);
        last += fabs((double)v[11] - (double)v[12]);
    }
    assert_true(error < 0.85 * last);
    ax_pooled_free(p);
}

static void what_is_still_to_come_teaches_nothing(void **state)
{
    (void)state;
    static float v[STEPS];
    struct ax_buf a, b;
    ax_buf_init(&a, 1U << 20);
    ax_buf_init(&b, 1U << 20);
    for (int changed = 0; changed < 2; changed++) {
        struct ax_pooled *p = ax_pooled_new(LEADS);
        struct ax_arena scratch;
        ax_arena_init(&scratch, 16U << 20);
        fill(v, STEPS, 3, 10, 1);
        for (int i = 300; i < STEPS; i++)
            v[i] = changed ? 1e6F : v[i];
        struct ax_past whole = past_of(v, STEPS), then = ax_past_before(&whole, STEPS - 300);
        assert_int_equal(ax_pooled_learn(p, &params, &then, STEPS, 1, &scratch), AX_OK);
        ax_pooled_save(p, changed ? &b : &a);
        ax_arena_done(&scratch);
        ax_pooled_free(p);
    }
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.bytes, b.bytes, a.n);
    ax_buf_done(&a);
    ax_buf_done(&b);
}

/* Two series in step, which share one regression; saved and loaded at `cut` (0: never). Returns a hash of all
 * means. */
static double walk(uint32_t cut)
{
    static struct ax_forecast out;
    static float v[2][STEPS];
    const int64_t horizons[] = {5 * STEP_MS};
    struct ax_forecast_spec spec;
    struct ax_forecast_shared shared = {.pooled = ax_pooled_new(LEADS)};
    struct ax_window *w[2];
    struct ax_forecaster *f[2];
    struct ax_arena scratch;
    double sum = 0;
    assert_int_equal(ax_forecast_spec_init(&spec, STEP_MS, horizons, 1, NULL), AX_OK);
    spec.shared = &shared;
    spec.members |= 1U << AX_MEMBER_ridge_pooled;
    ax_arena_init(&scratch, 64U << 20);
    for (int s = 0; s < 2; s++) {
        fill(v[s], STEPS, (uint64_t)s, 100, 1 + s);
        w[s] = ax_window_new(STEP_MS, 960, 400);
        f[s] = ax_forecaster_new(&spec, (uint32_t)s);
    }
    for (uint32_t i = 0; i < STEPS; i++) {
        for (int s = 0; s < 2; s++) {
            struct ax_outcome outcomes[4];
            uint32_t n;
            assert_int_equal(ax_window_push(w[s], i * STEP_MS, (double)v[s][i]), AX_OK);
            assert_int_equal(ax_forecaster_step(f[s], w[s], i * STEP_MS, NULL, &scratch, &out, outcomes, &n),
                             AX_OK);
            ax_arena_reset(&scratch);
            sum += out.ready && i > STEPS / 2 ? out.mean[0] * (i + 1) : 0;
        }
        if (i != cut || cut == 0)
            continue;
        struct ax_buf saved;
        ax_buf_init(&saved, 1U << 22);
        ax_forecast_shared_save(&shared, &saved);
        for (int s = 0; s < 2; s++)
            ax_forecaster_save(f[s], &saved);
        struct ax_bytes in = ax_bytes_of(ax_buf_view(&saved));
        for (int s = 0; s < 2; s++)
            ax_forecaster_free(f[s]);
        ax_pooled_free(shared.pooled);
        memset(&shared, 0, sizeof shared);
        shared.pooled = ax_pooled_new(LEADS);
        assert_int_equal(ax_forecast_shared_load(&shared, &in), AX_OK);
        for (int s = 0; s < 2; s++) {
            f[s] = ax_forecaster_new(&spec, (uint32_t)s);
            assert_int_equal(ax_forecaster_load(f[s], &in), AX_OK);
        }
        ax_buf_done(&saved);
    }
    assert_non_null(ax_pooled_weights(shared.pooled, 0));
    for (int s = 0; s < 2; s++) {
        ax_forecaster_free(f[s]);
        ax_window_free(w[s]);
    }
    ax_pooled_free(shared.pooled);
    ax_arena_done(&scratch);
    return sum;
}

static void what_was_saved_goes_on_bit_for_bit(void **state)
{
    (void)state;
    double whole = walk(0);
    ax_assert_close(walk(150), whole, 0);
    ax_assert_close(walk(233), whole, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_solution_is_that_of_numpy),
        cmocka_unit_test(a_series_of_a_few_steps_is_served_by_what_others_taught),
        cmocka_unit_test(what_is_still_to_come_teaches_nothing),
        cmocka_unit_test(what_was_saved_goes_on_bit_for_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
