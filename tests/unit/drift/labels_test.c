/* Values of a label among the series then and now: quiet while they are drawn alike, loud when a share has
 * moved; the numbers are SciPy's. */
#include "../../golden/drift_labels/vectors.h"
#include "ax_test.h"
#include "base/rng.h"
#include "drift/labels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_MAX 20000

static double codes[SERIES_MAX];
static struct ax_drift_reference reference;
static struct ax_arena scratch;

/* The codes of that many series of each value, the last one first. */
static uint32_t put_counts(const uint32_t *counts, uint32_t values)
{
    uint32_t n = 0;
    for (uint32_t v = values; v-- > 0;) {
        char name[16];
        (void)snprintf(name, sizeof name, "value-%u", v);
        for (uint32_t i = 0; i < counts[v]; i++)
            codes[n++] = ax_drift_label_code(ax_str(name));
    }
    return n;
}

static struct ax_drift_result test_counts(const uint32_t *then, const uint32_t *now, uint32_t values)
{
    struct ax_drift_result r;
    assert_int_equal(ax_drift_labels_make(codes, put_counts(then, values), &scratch, &reference), AX_OK);
    ax_arena_reset(&scratch);
    assert_int_equal(ax_drift_labels_test(&reference, codes, put_counts(now, values), &scratch, &r), AX_OK);
    return r;
}

static void statistics_are_scipys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof label_cases / sizeof *label_cases; i++) {
        const struct ax_drift_result r = test_counts(label_cases[i].then, label_cases[i].now, LABEL_VALUES);
        assert_true(r.ready && r.labels);
        ax_assert_close(r.p_value, label_cases[i].p_value, 1e-9 * label_cases[i].p_value + 1e-15);
        ax_assert_close(r.score[AX_DRIFT_CHI_SQUARE], label_cases[i].v, 1e-9);
        assert_true(isnan(r.score[AX_DRIFT_KS]) && isnan(r.score[AX_DRIFT_JS]));
    }
}

/* One of three values, each as probable as the next one but the first, which has a share. */
static uint32_t draw(struct ax_rng *rng, uint32_t n, double share)
{
    uint32_t counts[3] = {0};
    for (uint32_t i = 0; i < n; i++) {
        const double u = ax_rng_double(rng);
        counts[u < share ? 0 : u < (1 + share) / 2 ? 1 : 2]++;
    }
    return put_counts(counts, 3);
}

/* How often it is drift, of so many draws of n series. */
static uint32_t drifts(uint32_t n, double then, double now, uint32_t draws)
{
    const struct ax_drift_spec spec = {.alpha = 0.05};
    struct ax_drift_result r;
    struct ax_rng rng;
    uint32_t found = 0;
    ax_rng_seed(&rng, n);
    for (uint32_t i = 0; i < draws; i++) {
        ax_arena_reset(&scratch);
        assert_int_equal(ax_drift_labels_make(codes, draw(&rng, n, then), &scratch, &reference), AX_OK);
        ax_arena_reset(&scratch);
        assert_int_equal(ax_drift_labels_test(&reference, codes, draw(&rng, n, now), &scratch, &r), AX_OK);
        found += ax_drift_verdict(&spec, &r, 1);
    }
    return found;
}

static void series_drawn_alike_are_no_drift_and_a_share_that_has_moved_is(void **state)
{
    (void)state;
    assert_true(drifts(60, 0.4, 0.4, 1000) <= 50);
    assert_int_equal(drifts(2000, 0.4, 0.4, 1000), 0); /* significant now and then, and of no size */
    assert_int_equal(drifts(2000, 0.4, 0.47, 100), 0); /* always significant, and small */
    assert_true(drifts(60, 0.2, 0.7, 100) >= 95);
    assert_int_equal(drifts(2000, 0.2, 0.5, 100), 100);
}

static void a_value_that_comes_up_and_one_that_goes_are_drift(void **state)
{
    static const uint32_t then[] = {50, 50, 0}, now[] = {50, 0, 50}, alike[] = {40, 60, 0};
    const struct ax_drift_spec spec = {.alpha = 0.05};
    struct ax_drift_result r = test_counts(then, now, 3);
    (void)state;
    assert_int_equal(ax_drift_verdict(&spec, &r, 1), 1);
    r = test_counts(then, alike, 3);
    assert_int_equal(ax_drift_verdict(&spec, &r, 1), 0);
}

static void many_rare_values_are_as_one_and_their_coming_and_going_is_nothing(void **state)
{
    struct ax_drift_result r;
    struct ax_buf bytes;
    struct ax_drift_references *refs;
    (void)state;
    for (int later = 0; later < 2; later++) {
        for (uint32_t i = 0; i < SERIES_MAX; i++) {
            char name[24];
            (void)snprintf(name, sizeof name, i % 4 ? "pod-%d-%u" : "steady", later, i);
            codes[i] = ax_drift_label_code(ax_str(name));
        }
        if (!later)
            assert_int_equal(ax_drift_labels_make(codes, SERIES_MAX, &scratch, &reference), AX_OK);
    }
    ax_buf_init(&bytes, 1u << 20);
    ax_drift_references_add(&bytes, ax_str("label:pod"), &reference);
    assert_true(bytes.n < 200);
    assert_int_equal(ax_drift_references_read(ax_buf_view(&bytes), &refs), AX_OK);
    ax_arena_reset(&scratch);
    const struct ax_drift_reference *kept = ax_drift_references_find(refs, ax_str("label:pod"));
    assert_int_equal(ax_drift_labels_test(kept, codes, SERIES_MAX, &scratch, &r), AX_OK);
    assert_true(r.ready && r.score[AX_DRIFT_CHI_SQUARE] < 1e-9 && r.p_value > 0.999);
    ax_drift_references_free(refs);
    ax_buf_done(&bytes);
}

static void too_few_series_and_one_value_say_nothing(void **state)
{
    static const uint32_t few[] = {10, 9}, one[] = {40, 0};
    (void)state;
    assert_int_equal(ax_drift_labels_make(codes, put_counts(few, 2), &scratch, &reference), AX_NOTREADY);
    assert_false(test_counts(one, one, 2).ready);
    assert_int_equal(ax_drift_labels_make(codes, put_counts(one, 2), &scratch, &reference), AX_OK);
    struct ax_drift_result r;
    assert_int_equal(ax_drift_labels_test(&reference, codes, put_counts(few, 2), &scratch, &r), AX_OK);
    assert_false(r.ready);
}

static int begin(void **state)
{
    (void)state;
    ax_arena_init(&scratch, 1u << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ax_arena_done(&scratch);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_are_scipys),
        cmocka_unit_test(series_drawn_alike_are_no_drift_and_a_share_that_has_moved_is),
        cmocka_unit_test(a_value_that_comes_up_and_one_that_goes_are_drift),
        cmocka_unit_test(many_rare_values_are_as_one_and_their_coming_and_going_is_nothing),
        cmocka_unit_test(too_few_series_and_one_value_say_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
