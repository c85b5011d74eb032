/* Every member sees nothing later than the moment it forecasts from, and says nothing when it knows nothing.
 */
#include "ax_test.h"
#include "base/rng.h"
#include "forecast/portfolio.h"
#include "forecast/season.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MS 60000LL
#define FINE 960
#define COARSE 800
#define SEEN 700

static const uint32_t leads[] = {1, 5, 15, 60};
#define LEADS 4

static struct ax_model_params params_with(uint32_t season_steps)
{
    return (struct ax_model_params){.step_ms = STEP_MS,
                                    .coarse_ms = AX_WINDOW_COARSE_MS,
                                    .leads = leads,
                                    .leads_n = LEADS,
                                    .season_steps = season_steps,
                                    .long_season_steps = 7 * season_steps};
}

/* A past of FINE steps with a season of 60 and noise; what comes after SEEN steps is scaled. */
struct series {
    float fine[FINE], coarse[COARSE];
};

static void fill(struct series *s, double future)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, 2);
    for (int i = 0; i < FINE; i++) {
        double v = 50 + 10 * sin(2 * M_PI * i / 60.0) + ax_rng_normal(&rng);
        s->fine[i] = (float)(i < SEEN ? v : v * future);
        if (i % 41 == 0)
            s->fine[i] = NAN;
    }
    for (int i = 0; i < COARSE; i++)
        s->coarse[i] = (float)((50 + 10 * sin(2 * M_PI * i / 12.0) + ax_rng_normal(&rng)) *
                               (i < COARSE - (FINE - SEEN) / 5 ? 1 : future));
}

static struct ax_past whole(const struct series *s)
{
    int64_t t_ms = 1000000 * STEP_MS;
    return (struct ax_past){.fine = {s->fine, FINE, t_ms, STEP_MS},
                            .coarse = {s->coarse, COARSE, t_ms, AX_WINDOW_COARSE_MS},
                            .t_ms = t_ms};
}

static enum ax_err forecast(const struct ax_model_ops *ops, const struct ax_past *p, uint32_t season,
                            double *path)
{
    struct ax_model_params params = params_with(season);
    struct ax_arena scratch;
    ax_arena_init(&scratch, 16U << 20);
    void *state = malloc(ops->state_bytes(&params) + 1);
    void *const states[1] = {state};
    struct ax_tensor tensors[2];
    struct ax_batch batch = ax_past_batch(p, tensors);
    if (ops->init)
        ops->init(&params, state);
    if (ops->fit)
        (void)ops->fit(&params, states, &batch, &scratch);
    enum ax_err err = ops->run(&params, states, &batch, &scratch, &(struct ax_model_out){.path = path});
    ax_arena_done(&scratch);
    free(state);
    return err;
}

static void no_member_sees_the_future(void **state)
{
    (void)state;
    static struct series a, b;
    fill(&a, 1);
    fill(&b, 100);
    struct ax_past pa = whole(&a), pb = whole(&b);
    pa = ax_past_before(&pa, FINE - SEEN);
    pb = ax_past_before(&pb, FINE - SEEN);
    assert_int_equal(pa.fine.n, SEEN);
    for (size_t m = 0; m < AX_MEMBERS; m++) {
        const struct ax_model_ops *ops = ax_portfolio[m].ops;
        double path_a[LEADS], path_b[LEADS];
        if (!ops || (AX_MEMBERS_LIVE >> m & 1)) /* pooled_test.c asks these */
            continue;
        assert_int_equal(forecast(ops, &pa, 60, path_a), AX_OK);
        assert_int_equal(forecast(ops, &pb, 60, path_b), AX_OK);
        assert_memory_equal(path_a, path_b, sizeof path_a);
        assert_true(isfinite(path_a[LEADS - 1]));
    }
}

static void the_last_value_is_the_last_value_and_bridges_a_gap(void **state)
{
    (void)state;
    static struct series s;
    fill(&s, 1);
    s.fine[FINE - 1] = 7;
    struct ax_past p = whole(&s);
    double path[LEADS];
    assert_int_equal(forecast(&ax_model_last_value, &p, 0, path), AX_OK);
    for (int k = 0; k < LEADS; k++)
        ax_assert_close(path[k], 7, 0);
    s.fine[FINE - 1] = NAN;
    s.fine[FINE - 2] = 9;
    assert_int_equal(forecast(&ax_model_last_value, &p, 0, path), AX_OK);
    ax_assert_close(path[0], 9, 0);
}

static void without_a_season_the_seasonal_members_are_not_ready(void **state)
{
    (void)state;
    static struct series s;
    fill(&s, 1);
    struct ax_past p = whole(&s);
    double path[LEADS];
    assert_int_equal(forecast(&ax_model_seasonal_naive, &p, 0, path), AX_NOTREADY);
    assert_int_equal(forecast(&ax_model_seasonal_level, &p, 0, path), AX_NOTREADY);
    assert_int_equal(forecast(&ax_model_seasonal_naive, &p, 60, path), AX_OK);
    ax_assert_close(path[0], (double)s.fine[FINE - 60], 0);
    ax_assert_close(path[3], (double)s.fine[FINE - 1], 0);
}

static void the_ridge_needs_rows_and_learns_the_season(void **state)
{
    (void)state;
    static struct series s;
    fill(&s, 1);
    struct ax_past p = whole(&s), early = p;
    early.fine.n = 40;
    double path[LEADS];
    assert_int_equal(forecast(&ax_model_ridge_lags, &early, 0, path), AX_NOTREADY);
    assert_int_equal(forecast(&ax_model_ridge_lags, &p, 60, path), AX_OK);
    for (int k = 0; k < LEADS; k++)
        ax_assert_close(path[k], 50 + 10 * sin(2 * M_PI * (FINE - 1 + leads[k]) / 60.0), 0.05);
}

static void coarse_values_serve_seasons_longer_than_the_fine_window(void **state)
{
    (void)state;
    static float fine[960], coarse[2000];
    const int day = 1440; /* steps; 288 coarse points */
    for (int i = 0; i < 960; i++)
        fine[i] = (float)sin(2 * M_PI * (i - 959) / day);
    for (int i = 0; i < 2000; i++)
        coarse[i] = (float)sin(2 * M_PI * ((i - 1999) * 5 - 2) / (double)day);
    int64_t t_ms = 1000000 * STEP_MS;
    struct ax_past p = {.fine = {fine, 960, t_ms, STEP_MS},
                        .coarse = {coarse, 2000, t_ms, AX_WINDOW_COARSE_MS},
                        .t_ms = t_ms};
    struct ax_arena scratch;
    ax_arena_init(&scratch, 64U << 20);
    assert_int_equal(ax_season_detect(&p, &scratch).steps, day);
    ax_arena_done(&scratch);
    for (uint32_t k = 0; k < LEADS; k++)
        ax_assert_close(ax_past_season(&p, (uint32_t)day, leads[k], 3), sin(2 * M_PI * leads[k] / day), 0.01);
}

/* The n newest of a past, by one look-up each and all at once. */
static void compare_span(const struct ax_past *p, uint32_t season, uint32_t n)
{
    double span[AX_PAST_SPAN];
    ax_past_season_span(p, season, n, 3, span);
    for (uint32_t i = 0; i < n; i++) {
        double one = ax_past_season_ago(p, season, n - 1 - i, 3);
        assert_memory_equal(&span[i], &one, sizeof one);
    }
}

static void the_seasons_of_a_span_are_those_of_its_moments(void **state)
{
    (void)state;
    static struct series s;
    struct ax_zone *zone = NULL;
    fill(&s, 1);
    struct ax_past p = whole(&s);
    for (uint32_t season = 2; season < 400; season += 93) /* dense from 96 on; beyond the fine window too */
        compare_span(&p, season, 700);
    const int64_t change_ms = 1774746000000; /* 2026-03-29 01:00 UTC */
    assert_int_equal(ax_zone_load(ax_str("Europe/Berlin"), &zone, NULL), AX_OK);
    struct ax_local_time clocks = {.zone = zone};
    ax_local_time_cover(&clocks, change_ms - 30 * 86400000LL, change_ms + 30 * 86400000LL);
    p.clocks = &clocks;
    for (int hours = -10; hours < 100; hours += 11) {
        p.t_ms = p.fine.end_ms = change_ms + hours * 3600000LL;
        p.coarse.end_ms = p.t_ms - p.t_ms % p.coarse.step_ms;
        compare_span(&p, 1440, 300);
    }
    ax_zone_free(zone);
}

/* The same questions, asked of a past that takes notes, in an order in which answers are there already, have
 * to be completed, or find no room. */
static void what_was_noted_of_a_past_is_what_is_there(void **state)
{
    (void)state;
    static struct series s;
    const uint32_t seasons[] = {96, 300, 77}, spans[] = {48, AX_NOTED_SPAN, 64, AX_NOTED_SPAN + 1};
    fill(&s, 1);
    const struct ax_past p = whole(&s);
    struct ax_season_notes notes = {0};
    struct ax_past noting = p;
    noting.notes = &notes;
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; i < sizeof seasons / sizeof seasons[0]; i++) {
            for (uint32_t k = 0; k < sizeof spans / sizeof spans[0]; k++)
                compare_span(&noting, seasons[i], spans[k]);
            for (uint32_t lead = 0; lead < 2 * AX_NOTED_LEADS; lead++)
                for (uint32_t cycles = 1; cycles <= AX_PAST_CYCLES; cycles++) {
                    const double one = ax_past_season(&p, seasons[i], lead, cycles),
                                 noted = ax_past_season(&noting, seasons[i], lead, cycles);
                    assert_memory_equal(&noted, &one, sizeof one);
                }
        }
    assert_int_equal(notes.v[0].span_n, AX_NOTED_SPAN);
    assert_null(ax_past_before(&noting, 1).notes);
}

/* A week of hours has 168 points, and yet an hour that stands out every day is its shape; one of a day of
 * minutes is a spike. */
static void the_shape_of_the_days_of_a_week_is_kept(void **state)
{
    (void)state;
    enum { HOURS = 24 * 7 * 4 };
    static float v[HOURS];
    for (int i = 0; i < HOURS; i++)
        v[i] = i % 24 == 12 ? 10 : 1;
    struct ax_past p = {.fine = {.v = v, .n = HOURS, .end_ms = INT64_C(3600000) * HOURS, .step_ms = 3600000},
                        .t_ms = INT64_C(3600000) * HOURS};
    double span[24];
    ax_past_season_span(&p, 24 * 7, 24, 3, span);
    for (uint32_t lead = 1; lead <= 24; lead++) { /* the newest value is that of the last hour of a day */
        double expected = lead % 24 == 13 ? 10 : 1;
        ax_assert_close(ax_past_season(&p, 24 * 7, lead, 3), expected, 0);
        ax_assert_close(span[lead - 1], expected, 0);
    }
    p.fine.step_ms =
        60000; /* the same values by the minute: a cycle of 168 points in less than three hours */
    p.fine.end_ms = p.t_ms = INT64_C(60000) * HOURS;
    ax_assert_close(ax_past_season(&p, 24 * 7, 13, 3), 1, 0);
    ax_assert_close(ax_season_dense(300000), 96, 0);
    assert_true(isinf(ax_season_dense(1800000)));
}

static void a_season_is_found_in_noise_and_none_in_a_random_walk(void **state)
{
    (void)state;
    static struct series s;
    static float walk[FINE];
    struct ax_rng rng;
    ax_rng_seed(&rng, 21);
    fill(&s, 1);
    struct ax_past p = whole(&s);
    p.coarse.n = 0;
    struct ax_arena scratch;
    ax_arena_init(&scratch, 64U << 20);
    assert_int_equal(ax_season_detect(&p, &scratch).steps, 60);
    double v = 0;
    for (int i = 0; i < FINE; i++)
        walk[i] = (float)(v += ax_rng_normal(&rng));
    p.fine.v = walk;
    assert_int_equal(ax_season_detect(&p, &scratch).steps, 0);
    for (int i = 0; i < FINE; i++)
        walk[i] = (float)ax_rng_normal(&rng);
    assert_int_equal(ax_season_detect(&p, &scratch).steps, 0);
    ax_arena_done(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_member_sees_the_future),
        cmocka_unit_test(the_last_value_is_the_last_value_and_bridges_a_gap),
        cmocka_unit_test(without_a_season_the_seasonal_members_are_not_ready),
        cmocka_unit_test(the_ridge_needs_rows_and_learns_the_season),
        cmocka_unit_test(coarse_values_serve_seasons_longer_than_the_fine_window),
        cmocka_unit_test(the_seasons_of_a_span_are_those_of_its_moments),
        cmocka_unit_test(what_was_noted_of_a_past_is_what_is_there),
        cmocka_unit_test(the_shape_of_the_days_of_a_week_is_kept),
        cmocka_unit_test(a_season_is_found_in_noise_and_none_in_a_random_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
