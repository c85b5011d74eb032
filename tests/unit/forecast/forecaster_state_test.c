/* A forecaster, or a scorecard, that was saved and loaded says what it would have said. */
#include "ax_test.h"
#include "base/rng.h"
#include "damage.h"
#include "forecast/forecast.h"
#include "forecast/scorecard.h"

#include <math.h>

#define BYTES_MAX (4u << 20)

/* One series being forecast. */
struct run {
    struct ax_window *w;
    struct ax_forecaster *f;
    struct ax_forecast out;
    struct ax_outcome outcomes[AX_PATH_MAX];
    uint32_t outcomes_n;
};

static struct ax_forecast_spec make_spec(int64_t step_ms, const int64_t *horizons, uint32_t n)
{
    struct ax_forecast_spec spec = {0};
    assert_int_equal(ax_forecast_spec_init(&spec, step_ms, horizons, n, NULL), AX_OK);
    spec.refit_steps = 100;
    spec.seed = 42;
    spec.nonnegative = -1;
    return spec;
}

static struct run run_new(const struct ax_forecast_spec *spec, uint32_t fine_n)
{
    struct run r = {.w = ax_window_new(spec->step_ms, fine_n, 400), .f = ax_forecaster_new(spec, 0)};
    assert_non_null(r.w);
    assert_non_null(r.f);
    return r;
}

static void run_free(struct run *r)
{
    ax_forecaster_free(r->f);
    ax_window_free(r->w);
}

/* A day in 240 steps, noise, spikes, a step, gaps, and a silence; some steps never come. */
static bool value_at(uint32_t i, double *v)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, i);
    *v = 1000 + 300 * sin(2 * M_PI * i / 240.0) + 20 * ax_rng_normal(&rng) + (i % 97 == 0 ? 900 : 0) +
         (i > 700 ? 500 : 0);
    if (i == 50)
        *v = -100;
    if (i % 53 == 0 || (i > 500 && i < 540))
        *v = (double)NAN;
    return i % 71 != 7;
}

static void run_step(struct run *r, const struct ax_forecast_spec *spec, struct ax_arena *scratch, uint32_t i)
{
    double v;
    int64_t t_ms = (int64_t)(i + 1) * spec->step_ms;
    r->outcomes_n = 0;
    if (!value_at(i, &v) || ax_window_push(r->w, t_ms, v) != AX_OK)
        return;
    ax_arena_reset(scratch);
    assert_int_equal(
        ax_forecaster_step(r->f, r->w, t_ms, NULL, scratch, &r->out, r->outcomes, &r->outcomes_n), AX_OK);
}

static void save(const struct run *r, struct ax_buf *out)
{
    ax_buf_reset(out);
    ax_window_save(r->w, out);
    ax_forecaster_save(r->f, out);
    assert_int_equal(out->err, AX_OK);
}

static enum ax_err load(struct run *r, struct ax_bytes *in)
{
    enum ax_err err = ax_window_load(r->w, in);
    if (err == AX_OK)
        err = ax_forecaster_load(r->f, in);
    return err == AX_OK ? ax_bytes_end(in) : err;
}

static void same_forecast(const struct run *a, const struct run *b, uint32_t leads_n)
{
    const struct ax_forecast *x = &a->out, *y = &b->out;
    size_t n = leads_n * sizeof(double);
    assert_int_equal(x->ready, y->ready);
    assert_int_equal(a->outcomes_n, b->outcomes_n);
    assert_memory_equal(a->outcomes, b->outcomes, a->outcomes_n * sizeof a->outcomes[0]);
    assert_true(x->reason == y->reason);
    if (!x->ready)
        return;
    assert_memory_equal(x->mean, y->mean, n);
    assert_memory_equal(x->lower, y->lower, n);
    assert_memory_equal(x->upper, y->upper, n);
    assert_memory_equal(x->confidence, y->confidence, n);
}

static void go_on(const struct ax_forecast_spec *spec, uint32_t stop, uint32_t more, struct ax_arena *scratch)
{
    struct run a = run_new(spec, 300), b = run_new(spec, 300);
    struct ax_buf bytes, again;
    ax_buf_init(&bytes, BYTES_MAX);
    ax_buf_init(&again, BYTES_MAX);
    for (uint32_t i = 0; i < stop; i++)
        run_step(&a, spec, scratch, i);
    save(&a, &bytes);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
    assert_int_equal(load(&b, &in), AX_OK);
    assert_true(ax_forecaster_fitted_ms(a.f) == ax_forecaster_fitted_ms(b.f));
    for (uint32_t i = stop; i < stop + more; i++) {
        run_step(&a, spec, scratch, i);
        run_step(&b, spec, scratch, i);
        if (i > stop) /* before that a step may not have come, and there is no forecast in b */
            same_forecast(&a, &b, spec->leads_n);
    }
    save(&a, &bytes);
    save(&b, &again);
    damage_assert_same(ax_buf_view(&bytes), ax_buf_view(&again));
    ax_buf_done(&again);
    ax_buf_done(&bytes);
    run_free(&b);
    run_free(&a);
}

static void it_goes_on_as_if_nothing_had_been(void **state)
{
    (void)state;
    const int64_t near[] = {15000, 60000, 300000}, far[] = {300000, 10800000};
    const struct ax_forecast_spec specs[] = {make_spec(15000, near, 3), make_spec(15000, far, 2)};
    const uint32_t stops[] = {0, 3, 9, 60, 333, 520, 901};
    struct ax_arena scratch;
    ax_arena_init(&scratch, 64u << 20);
    for (unsigned s = 0; s < 2; s++) /* the far one keeps the origins of its forecasts */
        for (unsigned k = 0; k < sizeof stops / sizeof stops[0]; k++)
            go_on(&specs[s], stops[k], s ? 900 : 300, &scratch);
    ax_arena_done(&scratch);
}

static void other_horizons_are_refused(void **state)
{
    (void)state;
    const int64_t two[] = {15000, 60000}, others[] = {15000, 300000};
    const struct ax_forecast_spec spec = make_spec(15000, two, 2), other = make_spec(15000, others, 2);
    struct ax_forecaster *a = ax_forecaster_new(&spec, 0), *b = ax_forecaster_new(&other, 0);
    struct ax_buf bytes;
    ax_buf_init(&bytes, BYTES_MAX);
    ax_forecaster_save(a, &bytes);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
    assert_int_equal(ax_forecaster_load(b, &in), AX_CORRUPT);
    ax_buf_done(&bytes);
    ax_forecaster_free(b);
    ax_forecaster_free(a);
}

/* For try_run(): what is made, and how long it is used. */
struct damaged {
    const struct ax_forecast_spec *spec;
    struct ax_arena *scratch;
    uint32_t at, tries;
};

static enum ax_err try_run(void *ctx, struct ax_str bytes)
{
    struct damaged *d = ctx;
    struct run r = run_new(d->spec, 60);
    struct ax_bytes in = ax_bytes_of(bytes);
    enum ax_err err = load(&r, &in);
    bool used = err == AX_OK && d->tries++ % 4 == 0; /* a fit takes long */
    for (uint32_t i = d->at; i < d->at + 8 && used; i++)
        run_step(&r, d->spec, d->scratch, i);
    run_free(&r);
    return err;
}

static void damage_is_refused_or_harmless(void **state)
{
    (void)state;
    const int64_t horizons[] = {15000, 60000};
    const struct ax_forecast_spec spec = make_spec(15000, horizons, 2);
    struct ax_arena scratch;
    struct ax_buf bytes;
    ax_arena_init(&scratch, 64u << 20);
    ax_buf_init(&bytes, BYTES_MAX);
    struct run r = run_new(&spec, 60);
    struct damaged d = {&spec, &scratch, 120, 0};
    for (uint32_t i = 0; i < d.at; i++)
        run_step(&r, &spec, &scratch, i);
    save(&r, &bytes);
    damage_check(ax_buf_view(&bytes), try_run, &d);
    run_free(&r);
    ax_buf_done(&bytes);
    ax_arena_done(&scratch);
}

#define WINDOW_MS 3600000
#define HORIZONS 2

static void add_outcomes(struct ax_scorecard *s, uint32_t from, uint32_t to)
{
    struct ax_rng rng;
    for (uint32_t i = from; i < to; i++) {
        ax_rng_seed(&rng, i);
        double actual = i % 11 == 0 ? 0 : 100 + 10 * ax_rng_normal(&rng), mean = 100 + ax_rng_normal(&rng);
        const struct ax_outcome o = {i % HORIZONS, actual, mean, mean - 9, mean + 9, 101};
        ax_scorecard_add(s, (int64_t)i * 70000, &o);
    }
}

static void a_scorecard_goes_on_as_if_nothing_had_been(void **state)
{
    (void)state;
    for (uint32_t stop = 0; stop < 200; stop += 33) {
        struct ax_scorecard *a = ax_scorecard_new(HORIZONS, WINDOW_MS, 0.15),
                            *b = ax_scorecard_new(HORIZONS, WINDOW_MS, 0.15);
        struct ax_buf bytes, again;
        ax_buf_init(&bytes, BYTES_MAX);
        ax_buf_init(&again, BYTES_MAX);
        add_outcomes(a, 0, stop);
        ax_scorecard_save(a, &bytes);
        struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
        assert_int_equal(ax_scorecard_load(b, &in), AX_OK);
        assert_int_equal(ax_bytes_end(&in), AX_OK);
        add_outcomes(a, stop, stop + 20);
        add_outcomes(b, stop, stop + 20);
        for (uint32_t h = 0; h < HORIZONS; h++) {
            struct ax_score x = ax_scorecard_read(a, (int64_t)(stop + 20) * 70000, h),
                            y = ax_scorecard_read(b, (int64_t)(stop + 20) * 70000, h);
            assert_int_equal(x.n, y.n);
            const double p[] = {x.accuracy, x.mape,        x.wape,     x.mae,
                                x.rmse,     x.correlation, x.coverage, x.skill};
            const double q[] = {y.accuracy, y.mape,        y.wape,     y.mae,
                                y.rmse,     y.correlation, y.coverage, y.skill};
            assert_memory_equal(p, q, sizeof p);
        }
        ax_buf_reset(&bytes);
        ax_scorecard_save(a, &bytes);
        ax_scorecard_save(b, &again);
        damage_assert_same(ax_buf_view(&bytes), ax_buf_view(&again));
        ax_buf_done(&again);
        ax_buf_done(&bytes);
        ax_scorecard_free(b);
        ax_scorecard_free(a);
    }
}

static enum ax_err try_scorecard(void *ctx, struct ax_str bytes)
{
    (void)ctx;
    struct ax_scorecard *s = ax_scorecard_new(HORIZONS, WINDOW_MS, 0.15);
    struct ax_bytes in = ax_bytes_of(bytes);
    enum ax_err err = ax_scorecard_load(s, &in);
    if (err == AX_OK)
        err = ax_bytes_end(&in);
    if (err == AX_OK) {
        add_outcomes(s, 100, 110);
        (void)ax_scorecard_read(s, 7000000, 0);
    }
    ax_scorecard_free(s);
    return err;
}

static void a_damaged_scorecard_is_refused_or_harmless(void **state)
{
    (void)state;
    struct ax_scorecard *s = ax_scorecard_new(HORIZONS, WINDOW_MS, 0.15);
    struct ax_buf bytes;
    ax_buf_init(&bytes, BYTES_MAX);
    add_outcomes(s, 0, 100);
    ax_scorecard_save(s, &bytes);
    damage_check(ax_buf_view(&bytes), try_scorecard, NULL);
    ax_buf_done(&bytes);
    ax_scorecard_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_on_as_if_nothing_had_been),
        cmocka_unit_test(other_horizons_are_refused),
        cmocka_unit_test(damage_is_refused_or_harmless),
        cmocka_unit_test(a_scorecard_goes_on_as_if_nothing_had_been),
        cmocka_unit_test(a_damaged_scorecard_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
