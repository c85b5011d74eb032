/* On recordings, walking forward: hardly worse than the last value even where an outage is all that is to be
 * learnt, the interval covers what it says, and its Winkler score beats that of an interval of constant width
 * around the same forecast; after an outage, whose misses are repaid by a wider interval, it is near to it.
 */
#include "ax_test.h"
#include "forecast/forecast.h"
#include "recording.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 2000
#define TURNS 3          /* walks over a recording */
#define TURNS_SHORT 12   /* over one of a few hundred values */
#define CONSTANT_FROM 30 /* errors after which the constant width is known well enough to compare */

struct tally {
    uint32_t n, inside;
    double error, error_last, winkler, winkler_constant;
    double errors[ROWS_MAX];
};

static double winkler(double actual, double lower, double upper, double level)
{
    double outside = actual < lower ? lower - actual : actual > upper ? actual - upper : 0;
    return upper - lower + 2 / (1 - level) * outside;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void score(struct tally *t, const struct ax_outcome *o, double level)
{
    if (t->n >= CONSTANT_FROM) {
        double sorted[ROWS_MAX];
        memcpy(sorted, t->errors, t->n * sizeof *sorted);
        qsort(sorted, t->n, sizeof *sorted, by_value);
        double low = sorted[(uint32_t)(t->n * (1 - level) / 2)],
               high = sorted[(uint32_t)(t->n * (1 + level) / 2)];
        t->winkler += winkler(o->actual, o->lower, o->upper, level);
        t->winkler_constant += winkler(o->actual, o->mean + low, o->mean + high, level);
    }
    t->errors[t->n++] = o->actual - o->mean;
    t->inside += o->actual >= o->lower && o->actual <= o->upper;
    t->error += fabs(o->actual - o->mean);
    t->error_last += fabs(o->actual - o->last_value);
}

/* Walk over a recording. */
static void walk(const struct recording *r, const struct ax_forecast_spec *spec, uint32_t turn,
                 struct tally *tally)
{
    static struct ax_forecast out;
    struct ax_outcome outcomes[4];
    struct ax_arena scratch;
    struct ax_window *w = ax_window_new(spec->step_ms, AX_WINDOW_FINE, AX_WINDOW_COARSE);
    struct ax_forecaster *f = ax_forecaster_new(spec, turn);
    ax_arena_init(&scratch, 64U << 20);
    for (uint32_t i = 0; i < r->n; i++) {
        uint32_t n = 0;
        assert_int_equal(ax_window_push(w, r->t_ms[i], r->value[i]), AX_OK);
        assert_int_equal(ax_forecaster_step(f, w, r->t_ms[i], NULL, &scratch, &out, outcomes, &n), AX_OK);
        ax_arena_reset(&scratch);
        for (uint32_t k = 0; k < n; k++)
            score(&tally[outcomes[k].horizon], &outcomes[k], spec->level);
    }
    ax_arena_done(&scratch);
    ax_forecaster_free(f);
    ax_window_free(w);
}

/* Check each horizon of a recording: errors over some of the steps at which models may come to be fitted, by
 * which those of a few hundred values differ by 5 %, and by 10 where a few spikes are most of them. */
static void check(const char *name, int64_t step_ms, const int64_t *horizons, uint32_t horizons_n,
                  double beside_constant)
{
    static struct recording r;
    static struct tally tally[4];
    struct ax_forecast_spec spec;
    double error[4] = {0}, error_last[4] = {0};
    recording_read(name, &r);
    r.n = r.n < ROWS_MAX ? r.n : ROWS_MAX;
    assert_true(r.n > 500);
    assert_int_equal(ax_forecast_spec_init(&spec, step_ms, horizons, horizons_n, NULL), AX_OK);
    spec.nonnegative = true;
    for (uint32_t turn = 0, turns = r.n < 1000 ? TURNS_SHORT : TURNS; turn < turns; turn++) {
        memset(tally, 0, sizeof tally);
        walk(&r, &spec, turn, tally);
        for (uint32_t h = 0; h < horizons_n; h++) {
            const struct tally *t = &tally[h];
            const double coverage = (double)t->inside / t->n;
            assert_true(coverage >= 0.87 && coverage <= 0.93);
            assert_true(t->winkler < beside_constant * t->winkler_constant);
            error[h] += t->error;
            error_last[h] += t->error_last;
        }
    }
    for (uint32_t h = 0; h < horizons_n; h++)
        assert_true(error[h] <= 1.05 * error_last[h]);
}

static void hourly_latencies_are_forecast_with_honest_narrow_intervals(void **state)
{
    (void)state;
    const int64_t h[] = {3600000, 10800000, 21600000};
    check("forecast/outbound-18.csv", 3600000, h, 3, 1);
    check("forecast/outbound-20.csv", 3600000, h, 3, 1);
}

static void ingress_rates_are_forecast_with_honest_narrow_intervals(void **state)
{
    (void)state;
    const int64_t h[] = {60000, 300000};
    check("replay/ingress-01.csv", 60000, h, 1, 1);
    check("replay/ingress-01.csv", 60000, h, 2, 1.14);
    check("replay/ingress-05.csv", 60000, h, 1, 1);
    check("replay/ingress-05.csv", 60000, h, 2, 1.14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hourly_latencies_are_forecast_with_honest_narrow_intervals),
        cmocka_unit_test(ingress_rates_are_forecast_with_honest_narrow_intervals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
