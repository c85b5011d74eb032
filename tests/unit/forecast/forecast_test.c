/* A forecaster says something honest early, never sees the future, and keeps its shape on hard series. */
#include "ax_test.h"
#include "base/rng.h"
#include "forecast/forecast.h"

#include <math.h>
#include <string.h>

#define STEP_MS 15000LL

static const int64_t horizons[] = {60000, 300000, 900000, 3600000};

/* One series being forecast. */
struct run {
    struct ax_forecast_spec spec;
    struct ax_window *w;
    struct ax_forecaster *f;
    struct ax_arena scratch;
    struct ax_forecast out;
    struct ax_outcome outcomes[AX_PATH_MAX];
    uint32_t outcomes_n;
};

static void run_begin(struct run *r, int64_t step_ms, const int64_t *h, uint32_t n)
{
    memset(r, 0, sizeof *r);
    assert_int_equal(ax_forecast_spec_init(&r->spec, step_ms, h, n, NULL), AX_OK);
    r->w = ax_window_new(step_ms, AX_WINDOW_FINE, AX_WINDOW_COARSE);
    r->f = ax_forecaster_new(&r->spec, 0);
    assert_non_null(r->w);
    assert_non_null(r->f);
    ax_arena_init(&r->scratch, 64U << 20);
}

static void run_end(struct run *r)
{
    ax_arena_done(&r->scratch);
    ax_forecaster_free(r->f);
    ax_window_free(r->w);
}

static void check_shape(const struct run *r)
{
    if (!r->out.ready) {
        assert_non_null(r->out.reason);
        return;
    }
    assert_null(r->out.reason);
    for (uint32_t i = 0; i < r->spec.leads_n; i++) {
        assert_true(isfinite(r->out.mean[i]) && isfinite(r->out.lower[i]) && isfinite(r->out.upper[i]));
        assert_true(r->out.lower[i] <= r->out.mean[i] && r->out.mean[i] <= r->out.upper[i]);
        assert_true(r->out.confidence[i] >= 0 && r->out.confidence[i] <= 1);
        assert_true(!r->spec.nonnegative || r->out.lower[i] >= 0);
    }
}

static void run_step(struct run *r, int64_t i, double value)
{
    int64_t t_ms = i * r->spec.step_ms;
    assert_int_equal(ax_window_push(r->w, t_ms, value), AX_OK);
    assert_int_equal(
        ax_forecaster_step(r->f, r->w, t_ms, NULL, &r->scratch, &r->out, r->outcomes, &r->outcomes_n), AX_OK);
    ax_arena_reset(&r->scratch);
    r->out.members = NULL; /* they were in scratch */
    check_shape(r);
}

/* A day in 240 steps, noise, spikes, a step and gaps. */
static double lively(struct ax_rng *rng, int i)
{
    double v = 1000 + 300 * sin(2 * M_PI * i / 240.0) + 20 * ax_rng_normal(rng);
    v += i % 97 == 0 ? 900 : 0;
    v += i > 700 ? 500 : 0;
    return i % 53 == 0 ? (double)NAN : v;
}

static void the_spec_makes_a_path_of_whole_steps(void **state)
{
    (void)state;
    struct ax_forecast_spec spec;
    struct ax_diag diag = {{0}};
    const int64_t unordered[] = {3600000, 60000, 900000, 300000};
    assert_int_equal(ax_forecast_spec_init(&spec, STEP_MS, unordered, 4, &diag), AX_OK);
    assert_true(spec.leads_n <= AX_PATH_MAX && spec.leads[0] == 1 && spec.leads[spec.leads_n - 1] == 240);
    for (uint32_t i = 1; i < spec.leads_n; i++)
        assert_true(spec.leads[i] > spec.leads[i - 1]);
    for (int h = 0; h < 4; h++)
        assert_true(spec.leads[spec.horizons[h]] * STEP_MS == unordered[h]);
    const int64_t short_one[] = {5000, 15000};
    assert_int_equal(ax_forecast_spec_init(&spec, 1000, short_one, 2, &diag), AX_OK);
    assert_int_equal(spec.leads_n, 15);
    const int64_t bad[][1] = {{20000}, {0}, {-15000}};
    for (int i = 0; i < 3; i++)
        assert_int_equal(ax_forecast_spec_init(&spec, STEP_MS, bad[i], 1, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "horizon"));
}

static void a_first_path_comes_after_eight_values(void **state)
{
    (void)state;
    struct run r;
    const int64_t h[] = {5000, 15000};
    run_begin(&r, 1000, h, 2);
    for (int i = 1; i <= 7; i++) {
        run_step(&r, i, 10 + i % 3);
        assert_false(r.out.ready);
        assert_string_equal(r.out.reason, "warming_up");
    }
    run_step(&r, 8, 11);
    assert_true(r.out.ready);
    assert_true(r.out.upper[0] > r.out.lower[0]);
    run_end(&r);
}

static void the_future_never_changes_a_forecast_made_before_it(void **state)
{
    (void)state;
    struct run a, b;
    const int split = 1300;
    run_begin(&a, STEP_MS, horizons, 4);
    run_begin(&b, STEP_MS, horizons, 4);
    struct ax_rng ra, rb;
    ax_rng_seed(&ra, 7);
    ax_rng_seed(&rb, 7);
    for (int i = 1; i <= split + 50; i++) {
        double va = lively(&ra, i), vb = lively(&rb, i);
        run_step(&a, i, va);
        run_step(&b, i, i > split ? 5 * vb + 1e6 : vb);
        if (i > split)
            continue;
        assert_memory_equal(&a.out, &b.out, sizeof a.out);
        assert_int_equal(a.outcomes_n, b.outcomes_n);
        assert_memory_equal(a.outcomes, b.outcomes, a.outcomes_n * sizeof a.outcomes[0]);
    }
    assert_true(a.out.mean[0] != b.out.mean[0]);
    run_end(&a);
    run_end(&b);
}

/* What was kept of a distance in 16 bits: never less, and hardly more; a float's rounding apart. */
static void near_outwards(double kept, double said)
{
    double rounding = 1e-3;
    assert_true(kept >= said - rounding && kept <= said * 1.004 + rounding);
}

static void outcomes_are_the_forecasts_made_a_horizon_ago(void **state)
{
    (void)state;
    struct run r;
    static double mean[2000][4], lower[2000][4], upper[2000][4], value[2000];
    run_begin(&r, STEP_MS, horizons, 4);
    struct ax_rng rng;
    ax_rng_seed(&rng, 3);
    uint64_t settled = 0;
    for (int i = 1; i < 1500; i++) {
        value[i] = lively(&rng, i);
        run_step(&r, i, value[i]);
        for (uint32_t k = 0; k < r.outcomes_n; k++) {
            const struct ax_outcome *o = &r.outcomes[k];
            int then = i - (int)r.spec.leads[r.spec.horizons[o->horizon]];
            assert_true((float)o->mean == (float)mean[then][o->horizon]);
            near_outwards(o->mean - o->lower, mean[then][o->horizon] - lower[then][o->horizon]);
            near_outwards(o->upper - o->mean, upper[then][o->horizon] - mean[then][o->horizon]);
            ax_assert_close(o->actual, value[i], 1e-6);
            if (!isnan(value[then]))
                ax_assert_close(o->last_value, value[then], 1e-6);
            settled++;
        }
        if (isnan(value[i]))
            assert_int_equal(r.outcomes_n, 0);
        for (uint32_t h = 0; h < 4 && r.out.ready; h++) {
            mean[i][h] = r.out.mean[r.spec.horizons[h]];
            lower[i][h] = r.out.lower[r.spec.horizons[h]];
            upper[i][h] = r.out.upper[r.spec.horizons[h]];
        }
    }
    assert_true(settled > 5000);
    run_end(&r);
}

static void a_horizon_beyond_the_fine_window_is_scored_at_every_few_steps(void **state)
{
    (void)state;
    struct run r;
    const int64_t h[] = {5000, 3600000};
    static double value[5000], mean[5000];
    run_begin(&r, 1000, h, 2);
    struct ax_rng rng;
    ax_rng_seed(&rng, 6);
    int scored = 0;
    for (int i = 1; i < 5000; i++) {
        value[i] = 100 + sin(i / 500.0) + ax_rng_normal(&rng);
        run_step(&r, i, value[i]);
        mean[i] = r.out.mean[r.spec.horizons[1]];
        for (uint32_t k = 0; k < r.outcomes_n; k++) {
            if (r.outcomes[k].horizon != 1)
                continue;
            scored++;
            assert_true((float)r.outcomes[k].mean == (float)mean[i - 3600]);
            ax_assert_close(r.outcomes[k].last_value, value[i - 3600], 1e-6);
        }
    }
    assert_in_range(scored, 80, 100);
    assert_true(ax_forecaster_bytes(r.f) < 12 * 1024);
    run_end(&r);
}

static void steps_that_never_came_settle_nothing(void **state)
{
    (void)state;
    struct run r;
    run_begin(&r, STEP_MS, horizons, 4);
    struct ax_rng rng;
    ax_rng_seed(&rng, 3);
    for (int i = 1; i <= 600; i++)
        run_step(&r, i, 100 + ax_rng_normal(&rng));
    for (int i = 603; i < 1200; i++) { /* 601 and 602 are skipped */
        run_step(&r, i, 100 + ax_rng_normal(&rng));
        for (uint32_t k = 0; k < r.outcomes_n; k++) {
            int then = i - (int)r.spec.leads[r.spec.horizons[r.outcomes[k].horizon]];
            assert_true(then != 601 && then != 602);
        }
    }
    run_step(&r, 100000, 100);
    assert_int_equal(r.outcomes_n, 0);
    assert_true(r.out.ready);
    run_end(&r);
}

static void a_silent_series_has_no_forecast_until_it_speaks_again(void **state)
{
    (void)state;
    struct run r;
    run_begin(&r, STEP_MS, horizons, 4);
    for (int i = 1; i <= 100; i++)
        run_step(&r, i, i % 5);
    for (int i = 101; i <= 121; i++) {
        run_step(&r, i, NAN);
        assert_true(r.out.ready == (i <= 120));
    }
    assert_string_equal(r.out.reason, "no_data");
    run_step(&r, 122, 3);
    assert_true(r.out.ready);
    run_end(&r);
}

static double hard_series(int kind, int i, struct ax_rng *rng)
{
    switch (kind) {
    case 0:
        return 0;
    case 1:
        return 42;
    case 2:
        return i < 500 ? 1e-12 : 1e12;
    case 3:
        return i % 100 == 0 ? 1e9 : 0;
    case 4:
        return i % 2 ? 1 : -1;
    case 5:
        return exp(ax_rng_normal(rng) * 5);
    case 6:
        return i % 7 ? (double)NAN : i;
    case 7:
        return 3e38 * (ax_rng_double(rng) - 0.5);
    default:
        return i == 1 || i > 900 ? i : (double)NAN;
    }
}

static void hard_series_keep_finite_ordered_paths(void **state)
{
    (void)state;
    for (int kind = 0; kind <= 8; kind++)
        for (int nonnegative = 0; nonnegative < 2; nonnegative++) {
            struct run r;
            struct ax_rng rng;
            ax_rng_seed(&rng, 11);
            run_begin(&r, STEP_MS, horizons, 4);
            r.spec.nonnegative = nonnegative && kind != 4 && kind != 7;
            for (int i = 1; i <= 1200; i++)
                run_step(&r, i, hard_series(kind, i, &rng));
            assert_true(r.out.ready);
            run_end(&r);
        }
}

static void a_constant_is_forecast_as_itself_with_confidence(void **state)
{
    (void)state;
    struct run r;
    run_begin(&r, STEP_MS, horizons, 4);
    for (int i = 1; i <= 500; i++)
        run_step(&r, i, 42);
    for (uint32_t k = 0; k < r.spec.leads_n; k++) {
        ax_assert_close(r.out.mean[k], 42, 1e-6);
        ax_assert_close(r.out.upper[k] - r.out.lower[k], 0, 1e-3);
        ax_assert_close(r.out.confidence[k], 1, 1e-6);
    }
    run_end(&r);
}

static void a_season_is_found_and_beats_the_last_value(void **state)
{
    (void)state;
    struct run r;
    run_begin(&r, STEP_MS, horizons, 4);
    struct ax_rng rng;
    ax_rng_seed(&rng, 5);
    double error = 0, error_last = 0;
    for (int i = 1; i <= 2000; i++) {
        run_step(&r, i, 1000 + 300 * sin(2 * M_PI * i / 240.0) + 10 * ax_rng_normal(&rng));
        for (uint32_t k = 0; k < r.outcomes_n && i > 1000; k++)
            if (r.outcomes[k].horizon == 2) { /* 15 min, a quarter of the season */
                error += fabs(r.outcomes[k].actual - r.outcomes[k].mean);
                error_last += fabs(r.outcomes[k].actual - r.outcomes[k].last_value);
            }
    }
    assert_true(error < 0.15 * error_last);
    run_end(&r);
}

/* Half-way between two days ahead and one the last value is that of the other half of the day. */
static void between_horizons_the_path_goes_as_the_season_does(void **state)
{
    (void)state;
    enum { HOUR_MS = 3600000, STEPS = 700, LEAD = 36 };
    const int64_t h[] = {HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS, 48LL * HOUR_MS};
    static double value[STEPS], said[STEPS];
    struct run r;
    struct ax_rng rng;
    double error = 0, error_last = 0;
    ax_rng_seed(&rng, 5);
    run_begin(&r, HOUR_MS, h, 4);
    assert_int_equal(r.spec.leads[LEAD - 1], LEAD);
    for (int i = 1; i < STEPS; i++) {
        value[i] = 100 + 30 * sin(2 * M_PI * i / 24) + ax_rng_normal(&rng);
        run_step(&r, i, value[i]);
        said[i] = r.out.ready ? r.out.mean[LEAD - 1] : value[i];
        if (i > STEPS / 2) {
            error += fabs(value[i] - said[i - LEAD]);
            error_last += fabs(value[i] - value[i - LEAD]);
        }
    }
    assert_true(error < 0.1 * error_last);
    run_end(&r);
}

static void coverage_is_near_the_level_for_noise_of_changing_size(void **state)
{
    (void)state;
    struct run r;
    run_begin(&r, STEP_MS, horizons, 4);
    struct ax_rng rng;
    ax_rng_seed(&rng, 9);
    uint64_t inside[4] = {0}, n[4] = {0};
    for (int i = 1; i <= 8000; i++) {
        run_step(&r, i, 100 + (i / 1000 % 2 ? 10 : 2) * ax_rng_normal(&rng));
        for (uint32_t k = 0; k < r.outcomes_n; k++) {
            const struct ax_outcome *o = &r.outcomes[k];
            n[o->horizon]++;
            inside[o->horizon] += o->actual >= o->lower && o->actual <= o->upper;
        }
    }
    /* An hour ahead is 240 steps of 1,000: nobody knows then what the next regime will be. */
    for (int h = 0; h < 3; h++) {
        double coverage = (double)inside[h] / (double)n[h];
        assert_true(coverage > 0.87 && coverage < 0.93);
    }
    run_end(&r);
}

static void memory_stays_within_its_share(void **state)
{
    (void)state;
    struct run r;
    run_begin(&r, STEP_MS, horizons, 4);
    for (int i = 1; i <= 4032 * 20 + 1000; i += 1) {
        assert_int_equal(ax_window_push(r.w, i * STEP_MS, i % 100), AX_OK);
    }
    assert_true(ax_window_bytes(r.w) + ax_forecaster_bytes(r.f) <=
                28 * 1024 /* 32 KiB with the 3.4 of a detector, and labels */);
    run_end(&r);
}

/* A wave, and from step 1,400 a random walk: what was right is not any more. Returns the steps from 1,500,
 * where a review is asked for or is not, until the next fit (as many as there are at most: none), and the
 * weight of the last value then, 4 steps ahead. */
static int fitted_after(bool review, int most, double *last_value)
{
    struct run r;
    const int64_t h[] = {15000, 60000};
    struct ax_rng rng;
    ax_rng_seed(&rng, 8);
    run_begin(&r, STEP_MS, h, 2);
    r.spec.refit_steps = 2000; /* a fit, then, each time that the series has become longer by a quarter */
    double level = 0;
    int i = 0, waited = 0;
    for (; i < 1500 || ax_forecaster_fitted_ms(r.f) < 1500 * STEP_MS; i++) {
        level += i < 1400 ? 0 : 5 * ax_rng_normal(&rng);
        run_step(&r, i, 100 + level + (i < 1400 ? 40 * sin(i * M_PI / 12) + ax_rng_normal(&rng) : 0));
    }
    const int64_t before = ax_forecaster_fitted_ms(r.f);
    if (review)
        ax_forecaster_review(r.f);
    for (; ax_forecaster_fitted_ms(r.f) == before && waited < most; waited++, i++) {
        level += 5 * ax_rng_normal(&rng);
        run_step(&r, i, 100 + level);
    }
    double w[AX_FORECAST_MEMBERS_MAX];
    ax_forecaster_weights(r.f, r.spec.horizons[1], w);
    *last_value = w[0];
    run_end(&r);
    return waited;
}

static void a_review_refreshes_weights_without_waiting_for_the_schedule(void **state)
{
    (void)state;
    double last[2];
    const int waited = fitted_after(true, AX_FORECAST_REVIEW_MAX + 1, &last[1]);
    assert_true(waited <= AX_FORECAST_REVIEW_MAX);
    assert_int_equal(fitted_after(false, waited, &last[0]), waited); /* not due */
    assert_true(last[1] > 10 * last[0]);                             /* nothing beats it on a random walk */
}

/* Not even those that all begin at 0, as counters do after a start. */
static void series_that_begin_together_are_not_fitted_together(void **state)
{
    (void)state;
    enum { SERIES = 64, STEPS = 700 };
    static uint32_t fits[STEPS];
    memset(fits, 0, sizeof fits);
    for (uint64_t k = 0; k < SERIES; k++) {
        struct run r;
        struct ax_rng rng;
        ax_rng_seed(&rng, k);
        run_begin(&r, STEP_MS, horizons, 4);
        ax_forecaster_free(r.f);
        r.f = ax_forecaster_new(&r.spec, (uint32_t)k);
        assert_non_null(r.f);
        for (int64_t i = 0; i < STEPS; i++) {
            const double value = lively(&rng, (int)i);
            run_step(&r, i, i < 2 ? 0 : value);
            fits[i] += ax_forecaster_fitted_ms(r.f) == i * STEP_MS;
        }
        run_end(&r);
    }
    uint32_t worst = 0; /* once a fit has become dear */
    for (uint32_t i = 200; i < STEPS; i++)
        worst = fits[i] > worst ? fits[i] : worst;
    assert_true(worst <= SERIES / 4);
}

/* A shared model that knows the future of one lead, and has nothing or nonsense to say at others. */
static void given_at(uint32_t place, const char *name)
{
    struct run r;
    const int64_t h[] = {15000, 60000};
    run_begin(&r, STEP_MS, h, 2);
    struct ax_rng rng;
    ax_rng_seed(&rng, 12);
    static double value[1100];
    uint32_t tracked[AX_PATH_MAX], member = 0, nonfinite = 0;
    assert_int_equal(ax_forecast_spec_tracked(&r.spec, tracked), 2);
    assert_int_equal(r.spec.leads[tracked[1]], 4);
    while (strcmp(ax_forecaster_member(member), name) != 0)
        member++;
    for (int i = 0; i < 1100; i++)
        value[i] = 100 + 10 * ax_rng_normal(&rng);
    double error = 0;
    for (int i = 1; i < 1000; i++) {
        const double says[2] = {i % 3 ? (double)NAN : (double)INFINITY, value[i + 4]};
        const double *given[AX_GIVEN_N] = {NULL};
        given[place] = says;
        assert_int_equal(ax_window_push(r.w, i * STEP_MS, value[i]), AX_OK);
        assert_int_equal(ax_forecaster_step(r.f, r.w, i * STEP_MS, i > 300 ? given : NULL, &r.scratch, &r.out,
                                            r.outcomes, &r.outcomes_n),
                         AX_OK);
        ax_arena_reset(&r.scratch);
        check_shape(&r);
        nonfinite += r.out.nonfinite;
        for (uint32_t k = 0; k < r.outcomes_n && i > 700; k++)
            error += r.outcomes[k].horizon == 1 ? fabs(r.outcomes[k].mean - r.outcomes[k].actual) / 299 : 0;
    }
    double near_w[AX_FORECAST_MEMBERS_MAX], far_w[AX_FORECAST_MEMBERS_MAX];
    ax_forecaster_weights(r.f, tracked[0], near_w);
    ax_forecaster_weights(r.f, tracked[1], far_w);
    assert_true(near_w[member] < 0.01);
    assert_true(far_w[member] > 0.99);
    assert_true(error < 0.5);
    assert_int_equal(nonfinite, 233); /* steps of 301 to 999 that three divides */
    run_end(&r);
}

static void a_model_from_outside_is_one_more_member_and_earns_its_weight(void **state)
{
    (void)state;
    given_at(AX_GIVEN_LSTM, "lstm");
    given_at(AX_GIVEN_TREES, "trees");
}

static void a_member_that_was_right_and_is_not_finite_gives_way_to_the_last_value(void **state)
{
    (void)state;
    struct run r;
    const int64_t h[] = {15000, 60000};
    struct ax_rng rng;
    double w[AX_FORECAST_MEMBERS_MAX];
    static double value[1500];
    run_begin(&r, STEP_MS, h, 2);
    r.spec.members = 1; /* the last value alone, and what is given */
    ax_rng_seed(&rng, 17);
    uint32_t far = r.spec.horizons[1], member = 0;
    while (strcmp(ax_forecaster_member(member), "lstm") != 0)
        member++;
    for (int i = 0; i < 1500; i++)
        value[i] = 100 + 10 * ax_rng_normal(&rng);
    for (int i = 1; i < 1480; i++) {
        bool broken = i > 600 && i <= 800;
        const double says[2] = {broken ? (double)INFINITY : value[i + 1],
                                broken ? -(double)INFINITY : value[i + 4]};
        const double *given[AX_GIVEN_N] = {[AX_GIVEN_LSTM] = says};
        assert_int_equal(ax_window_push(r.w, i * STEP_MS, value[i]), AX_OK);
        assert_int_equal(
            ax_forecaster_step(r.f, r.w, i * STEP_MS, given, &r.scratch, &r.out, r.outcomes, &r.outcomes_n),
            AX_OK);
        ax_arena_reset(&r.scratch);
        check_shape(&r);
        ax_forecaster_weights(r.f, far, w);
        if (i < 100)
            continue;
        assert_int_equal(r.out.nonfinite, broken);
        for (uint32_t k = 0; k < r.spec.leads_n && broken; k++) /* from the first such answer on */
            ax_assert_close(r.out.mean[k], (double)(float)value[i], 1e-9);
        if (i == 600)
            assert_true(w[member] > 0.99 && fabs(r.out.mean[far] - value[i + 4]) < 1);
        if (i == 800)
            assert_true(w[member] < 0.01); /* it has paid */
    }
    assert_true(w[member] > 0.9); /* and has earned its place again */
    run_end(&r);
}

/* Mean |error| an hour ahead over a day after a moment at which one value was `spike` too high. */
static double error_after(double spike)
{
    struct run r;
    const int64_t step_ms = 300000, h[] = {300000, 3600000};
    const int at = 5 * 288, day = 288;
    run_begin(&r, step_ms, h, 2);
    struct ax_rng rng;
    ax_rng_seed(&rng, 14);
    double error = 0;
    for (int i = 1; i <= at + day; i++) {
        double v = 1000 + 300 * sin(2 * M_PI * i / day) + 10 * ax_rng_normal(&rng);
        run_step(&r, i, i == at ? v + spike : v);
        for (uint32_t k = 0; k < r.outcomes_n && i > at + 12; k++)
            error +=
                r.outcomes[k].horizon == 1 ? fabs(r.outcomes[k].actual - r.outcomes[k].mean) / (day - 12) : 0;
    }
    run_end(&r);
    return error;
}

static void one_spike_does_not_spoil_the_day_after_it(void **state)
{
    (void)state;
    double without = error_after(0), with = error_after(50000);
    assert_true(without < 20);
    assert_true(with < 2 * without);
}

static void weights_sum_to_one(void **state)
{
    (void)state;
    struct run r;
    run_begin(&r, STEP_MS, horizons, 4);
    struct ax_rng rng;
    ax_rng_seed(&rng, 1);
    assert_string_equal(ax_forecaster_member(0), "last_value");
    for (int i = 1; i <= 600; i++)
        run_step(&r, i, lively(&rng, i));
    for (uint32_t k = 0; k < r.spec.leads_n; k++) {
        double w[AX_FORECAST_MEMBERS_MAX], sum = 0;
        ax_forecaster_weights(r.f, k, w);
        for (uint32_t m = 0; ax_forecaster_member(m); m++)
            sum += w[m];
        ax_assert_close(sum, 1, 1e-9);
    }
    run_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_spec_makes_a_path_of_whole_steps),
        cmocka_unit_test(a_first_path_comes_after_eight_values),
        cmocka_unit_test(the_future_never_changes_a_forecast_made_before_it),
        cmocka_unit_test(outcomes_are_the_forecasts_made_a_horizon_ago),
        cmocka_unit_test(a_horizon_beyond_the_fine_window_is_scored_at_every_few_steps),
        cmocka_unit_test(steps_that_never_came_settle_nothing),
        cmocka_unit_test(a_silent_series_has_no_forecast_until_it_speaks_again),
        cmocka_unit_test(hard_series_keep_finite_ordered_paths),
        cmocka_unit_test(a_constant_is_forecast_as_itself_with_confidence),
        cmocka_unit_test(a_season_is_found_and_beats_the_last_value),
        cmocka_unit_test(between_horizons_the_path_goes_as_the_season_does),
        cmocka_unit_test(coverage_is_near_the_level_for_noise_of_changing_size),
        cmocka_unit_test(memory_stays_within_its_share),
        cmocka_unit_test(a_review_refreshes_weights_without_waiting_for_the_schedule),
        cmocka_unit_test(series_that_begin_together_are_not_fitted_together),
        cmocka_unit_test(a_member_that_was_right_and_is_not_finite_gives_way_to_the_last_value),
        cmocka_unit_test(a_model_from_outside_is_one_more_member_and_earns_its_weight),
        cmocka_unit_test(one_spike_does_not_spoil_the_day_after_it),
        cmocka_unit_test(weights_sum_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
