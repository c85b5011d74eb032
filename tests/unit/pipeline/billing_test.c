/* Bills: nearest-rank percentiles as numpy has them, months of a time zone, projections, and that a month so
 * far lasts. */
#include "ax_test.h"
#include "pipeline/billing.h"
#include "prom/sample.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOT 300000LL
#define DAY 86400000LL

static struct ax_billing_spec spec_of(double percentile)
{
    return (struct ax_billing_spec){.percentile = percentile, .interval_ms = SLOT, .step_ms = SLOT, .day = 1};
}

static void percentiles_are_numpys(void **state)
{
    (void)state;
    FILE *file = fopen(AX_TEST_DIR "/golden/billing/vectors.txt", "r");
    assert_non_null(file);
    char line[256];
    uint32_t checked = 0;
    while (fgets(line, sizeof line, file)) {
        double percentile, expected;
        unsigned n, seed;
        if (sscanf(line, "%lf %u %u %lf", &percentile, &n, &seed, &expected) != 4)
            continue;
        struct ax_billing_spec spec = spec_of(percentile);
        struct ax_billing *b = ax_billing_new(&spec);
        int64_t t_ms = 1767225600000;
        b->from_ms = t_ms;
        b->to_ms = t_ms + 40 * DAY;         /* longer than any month: all of it is one */
        for (unsigned i = 0; i <= n; i++) { /* the last one only ends the one before */
            uint32_t v = (uint32_t)((i + seed) * 2654435761ull);
            (void)ax_billing_add(b, &spec, t_ms += SLOT, v / 4294967296.0 * 1e9);
        }
        assert_int_equal(b->slots_n, n);
        assert_true((float)expected == (float)ax_billing_value(b, &spec));
        checked++;
        free(b);
    }
    fclose(file);
    assert_true(checked >= 100);
}

static void memory_is_bounded_by_the_percentile(void **state)
{
    (void)state;
    struct ax_billing_spec spec = spec_of(95);
    assert_int_equal(ax_billing_kept(&spec), 461);
    assert_true(ax_billing_bytes(&spec) < 2048);
}

static int64_t unix_ms(const struct ax_zone *z, int year, int month, int day)
{
    const struct ax_civil c = {.year = year, .month = month, .day = day};
    return ax_zone_instant(z, &c) * 1000;
}

static void months_begin_at_midnight_of_a_day_of_a_place(void **state)
{
    (void)state;
    struct ax_billing_spec spec = spec_of(95);
    struct ax_zone *zone = NULL;
    int64_t from, to;
    assert_int_equal(ax_zone_load(ax_str("America/New_York"), &zone, NULL), AX_OK);
    spec.zone = zone;
    spec.day = 15;
    int64_t february = unix_ms(zone, 2026, 2, 15), march = unix_ms(zone, 2026, 3, 15),
            april = unix_ms(zone, 2026, 4, 15);
    assert_int_equal(march - february, 28 * DAY - 3600000); /* clocks are put forward on March 8th */
    ax_billing_month(&spec, march, &from, &to);             /* what ends at midnight is of the month before */
    assert_true(from == february && to == march);
    ax_billing_month(&spec, march + SLOT, &from, &to);
    assert_true(from == march && to == april);
    ax_billing_month(&spec, unix_ms(zone, 2026, 1, 3), &from, &to); /* over the turn of the year */
    assert_true(from == unix_ms(zone, 2025, 12, 15) && to == unix_ms(zone, 2026, 1, 15));
    ax_zone_free(zone);
}

static void intervals_are_averages_and_gaps_do_not_count(void **state)
{
    (void)state;
    struct ax_billing_spec spec = spec_of(95);
    spec.step_ms = 60000;
    struct ax_billing *b = ax_billing_new(&spec);
    int64_t t_ms = 1767225600000;
    static const double values[] = {1, 2, 3, 4, 5, 10, NAN, 20, NAN, NAN, NAN, NAN, NAN, NAN, NAN, 7};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        (void)ax_billing_add(b, &spec, t_ms += 60000, values[i]);
    assert_int_equal(b->slots_n, 2); /* (1 + ... + 5) / 5, (10 + 20) / 2, nothing, and 7 is not over yet */
    assert_true(b->kept[0] == 15 && b->kept[1] == 3);
    ax_assert_close(ax_billing_observed(b, &spec, t_ms), 2.0 / 3, 1e-12);
    free(b);
}

static void a_month_that_is_over_is_forgotten(void **state)
{
    (void)state;
    struct ax_billing_spec spec = spec_of(95);
    struct ax_billing *b = ax_billing_new(&spec);
    int64_t month = unix_ms(NULL, 2026, 2, 1);
    for (int64_t t_ms = month - 100 * SLOT; t_ms <= month; t_ms += SLOT)
        (void)ax_billing_add(b, &spec, t_ms, 1e6);
    assert_true(ax_billing_value(b, &spec) == 1e6);
    for (int i = 1; i <= 3; i++)
        (void)ax_billing_add(b, &spec, month + i * SLOT, 5);
    assert_true(b->from_ms == month && b->slots_n == 2 && ax_billing_value(b, &spec) == 5);
    free(b);
}

static double weekly(int64_t t_ms)
{
    int64_t day = t_ms / DAY % 7, hour = t_ms / 3600000 % 24;
    return 100 + 10.0 * (double)hour + (day < 2 ? 0 : 300) + (double)(t_ms / SLOT % 12);
}

static void a_projection_repeats_the_week_before(void **state)
{
    (void)state;
    struct ax_billing_spec spec = spec_of(95);
    struct ax_billing *so_far = ax_billing_new(&spec), *whole = ax_billing_new(&spec);
    struct ax_window *w = ax_window_new(SLOT, 960, 4032);
    struct ax_arena scratch;
    ax_arena_init(&scratch, 1 << 20);
    int64_t from = unix_ms(NULL, 2026, 3, 1), to = unix_ms(NULL, 2026, 4, 1), now = from + 3 * DAY + 7 * SLOT;
    for (int64_t t_ms = from - 14 * DAY; t_ms <= now; t_ms += SLOT) {
        assert_int_equal(ax_window_push(w, t_ms, weekly(t_ms)), AX_OK);
        (void)ax_billing_add(so_far, &spec, t_ms, weekly(t_ms));
    }
    for (int64_t t_ms = from + SLOT; t_ms <= to; t_ms += SLOT)
        (void)ax_billing_add(whole, &spec, t_ms, weekly(t_ms));
    assert_int_equal(ax_billing_project(so_far, &spec, w, &scratch), AX_OK);
    ax_assert_close((double)so_far->projected, ax_billing_value(whole, &spec), 1e-6);
    assert_true(ax_billing_value(so_far, &spec) != ax_billing_value(whole, &spec));
    ax_arena_done(&scratch);
    ax_window_free(w);
    free(so_far);
    free(whole);
}

static void without_a_day_of_history_nothing_is_projected(void **state)
{
    (void)state;
    struct ax_billing_spec spec = spec_of(95);
    struct ax_billing *b = ax_billing_new(&spec);
    struct ax_window *w = ax_window_new(SLOT, 960, 4032);
    struct ax_arena scratch;
    ax_arena_init(&scratch, 1 << 20);
    int64_t from = unix_ms(NULL, 2026, 3, 5);
    for (int i = 1; i <= 289; i++) {
        assert_int_equal(ax_window_push(w, from + i * SLOT, 5), AX_OK);
        (void)ax_billing_add(b, &spec, from + i * SLOT, 5);
        assert_int_equal(ax_billing_project(b, &spec, w, &scratch), AX_OK);
        assert_true(isnan(b->projected) == (ax_window_coarse(w).n < 288));
    }
    ax_arena_done(&scratch);
    ax_window_free(w);
    free(b);
}

static void what_is_saved_goes_on_as_if_nothing_had_been(void **state)
{
    (void)state;
    struct ax_billing_spec spec = spec_of(95);
    struct ax_billing *a = ax_billing_new(&spec), *b = ax_billing_new(&spec);
    struct ax_buf bytes;
    int64_t t_ms = unix_ms(NULL, 2026, 3, 2);
    ax_buf_init(&bytes, 1 << 20);
    for (int i = 0; i < 5000; i++)
        (void)ax_billing_add(a, &spec, t_ms += SLOT, fmod(i * 7919.0, 1000));
    ax_billing_save(a, &bytes);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
    ax_billing_load(b, &spec, &in);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    assert_memory_equal(a, b, ax_billing_bytes(&spec));
    for (size_t cut = 0; cut < bytes.n; cut += 97) { /* what is torn is refused */
        struct ax_billing *torn = ax_billing_new(&spec);
        in = ax_bytes_of((struct ax_str){(const char *)bytes.bytes, cut});
        ax_billing_load(torn, &spec, &in);
        assert_int_equal(in.err, AX_CORRUPT);
        free(torn);
    }
    ax_buf_done(&bytes);
    free(a);
    free(b);
}

static void a_job_sends_the_month_so_far_and_its_projection(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, "global: {evaluation_delay: 0s, step: 5m}\n"
                 "jobs:\n"
                 "  - name: bandwidth\n"
                 "    expr: rate(bytes_total[5m])\n"
                 "    billing: {percentile: 95}\n");
    int64_t start = 1700006400000; /* 2023-11-15T00:00:00Z */
    double counter = 0;
    for (int i = 0; i <= 2 * 288; i++) {
        counter += 300.0 * (i % 288 < 20 ? 5000 : 1000); /* 7 % of the day is busy */
        (void)rig_append(&r, "bytes_total{device=\"eth0\"}", start + i * SLOT, counter);
        (void)rig_append(&r, "bytes_total{device=\"eth0\"}", start + i * SLOT + SLOT / 2, counter);
        rig_run_to(&r, start + i * SLOT + SLOT / 2);
    }
    const struct memory_series
        *value = memory_find(&r.sink, "billing_percentile{device=\"eth0\",for=\"bandwidth\"}"),
        *end = memory_find(&r.sink, "predicted_billing_percentile{device=\"eth0\",for=\"bandwidth\"}"),
        *seen = memory_find(&r.sink, "billing_observed_ratio{device=\"eth0\",for=\"bandwidth\"}");
    assert_true(value && end && seen);
    assert_true(value->v[value->n - 1].value > 2000);
    assert_true(end->v[end->n - 1].value > 2000);
    ax_assert_close(seen->v[seen->n - 1].value, 2.0 / 16, 0.01); /* it began on the 15th */
    rig_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_numpys),
        cmocka_unit_test(memory_is_bounded_by_the_percentile),
        cmocka_unit_test(months_begin_at_midnight_of_a_day_of_a_place),
        cmocka_unit_test(intervals_are_averages_and_gaps_do_not_count),
        cmocka_unit_test(a_month_that_is_over_is_forgotten),
        cmocka_unit_test(a_projection_repeats_the_week_before),
        cmocka_unit_test(without_a_day_of_history_nothing_is_projected),
        cmocka_unit_test(what_is_saved_goes_on_as_if_nothing_had_been),
        cmocka_unit_test(a_job_sends_the_month_so_far_and_its_projection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
