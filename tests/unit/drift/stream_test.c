/* The streaming detectors fire where river's do, and the tests on bins say what SciPy says. */
#include "../../golden/drift_stream/vectors.h"
#include "ax_test.h"
#include "base/rng.h"
#include "drift/adwin.h"
#include "drift/bins.h"
#include "drift/kswin.h"
#include "drift/page_hinkley.h"
#include "drift/sorted.h"

#include <math.h>
#include <string.h>

#define STREAM_N 4000
#define MT_N 624

/* Python's random.Random(seed) for a small seed: MT19937 (M. Matsumoto and T. Nishimura, 1998), seeded by an
 * array of one word, and numbers below n by rejection. */
struct python_random {
    uint32_t mt[MT_N];
    uint32_t at;
};

static void python_seed(struct python_random *r, uint32_t key)
{
    uint32_t *mt = r->mt, i = 1;
    mt[0] = 19650218;
    for (uint32_t k = 1; k < MT_N; k++)
        mt[k] = 1812433253U * (mt[k - 1] ^ (mt[k - 1] >> 30)) + k;
    for (uint32_t k = 0; k < MT_N; k++) {
        mt[i] = (mt[i] ^ ((mt[i - 1] ^ (mt[i - 1] >> 30)) * 1664525U)) + key;
        if (++i == MT_N) {
            mt[0] = mt[MT_N - 1];
            i = 1;
        }
    }
    for (uint32_t k = 1; k < MT_N; k++) {
        mt[i] = (mt[i] ^ ((mt[i - 1] ^ (mt[i - 1] >> 30)) * 1566083941U)) - i;
        if (++i == MT_N) {
            mt[0] = mt[MT_N - 1];
            i = 1;
        }
    }
    mt[0] = 0x80000000U;
    r->at = MT_N;
}

static uint32_t python_u32(struct python_random *r)
{
    uint32_t *mt = r->mt;
    if (r->at == MT_N) {
        for (uint32_t k = 0; k < MT_N; k++) {
            const uint32_t y = (mt[k] & 0x80000000U) | (mt[(k + 1) % MT_N] & 0x7fffffffU);
            mt[k] = mt[(k + 397) % MT_N] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfU : 0);
        }
        r->at = 0;
    }
    uint32_t y = mt[r->at++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680U;
    y ^= (y << 15) & 0xefc60000U;
    return y ^ (y >> 18);
}

static uint32_t python_below(void *ctx, uint32_t n)
{
    uint32_t bits = 0, x;
    while (n >> bits)
        bits++;
    do
        x = python_u32(ctx) >> (32 - bits);
    while (x >= n);
    return x;
}

/* Uniform doubles of SplitMix64, as the generator of the vectors has them. */
static double uniform(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static void make_stream(uint32_t which, double out[STREAM_N])
{
    uint64_t state = which + 1;
    for (int i = 0; i < STREAM_N; i++) {
        const double a = uniform(&state), b = uniform(&state), c = uniform(&state), noise = a + b + c - 1.5;
        out[i] = which == 0   ? noise
                 : which == 1 ? noise + (i >= 1500 ? 0.6 : 0) - (i >= 2800 ? 1.2 : 0)
                 : which == 2 ? noise + (i > 1000 ? (i - 1000) / 1000.0 : 0)
                 : which == 3 ? noise * (i >= 2000 ? 3 : 1)
                              : (a < (i < 2000 ? 0.2 : 0.6) ? 1 : 0);
    }
}

/* What a detector said, against where it should have. */
struct expected {
    const uint32_t *at;
    uint32_t n, seen;
};

static void heard(struct expected *e, uint32_t i, int way)
{
    if (!way)
        return;
    if (e->seen >= e->n || e->at[e->seen] != i)
        fail_msg("detection %u at %u, expected at %u of %u", e->seen, i, e->seen < e->n ? e->at[e->seen] : 0,
                 e->n);
    e->seen++;
}

static void all_heard(const struct expected *e)
{
    assert_int_equal(e->seen, e->n);
}

static void run_kswin(const double *v, uint32_t n, double alpha, struct expected e)
{
    struct ax_kswin k = {.alpha = alpha};
    struct python_random r;
    python_seed(&r, 42);
    for (uint32_t i = 0; i < n; i++) {
        if (k.detected) /* river draws anew after a detection */
            python_seed(&r, 42);
        heard(&e, i, ax_kswin_update(&k, v[i], python_below, &r));
    }
    all_heard(&e);
}

static void run_all(const double *v, uint32_t n, struct expected adwin, struct expected ph,
                    struct expected ph10, struct expected kswin)
{
    struct ax_adwin a;
    struct ax_page_hinkley p, p10;
    ax_adwin_init(&a, AX_ADWIN_DELTA);
    ax_page_hinkley_init(&p, AX_PAGE_HINKLEY_THRESHOLD, AX_PAGE_HINKLEY_DELTA);
    ax_page_hinkley_init(&p10, 10, AX_PAGE_HINKLEY_DELTA);
    for (uint32_t i = 0; i < n; i++) {
        heard(&adwin, i, ax_adwin_update(&a, v[i]));
        heard(&ph, i, ax_page_hinkley_update(&p, v[i]));
        heard(&ph10, i, ax_page_hinkley_update(&p10, v[i]));
    }
    all_heard(&adwin);
    all_heard(&ph);
    all_heard(&ph10);
    run_kswin(v, n, AX_KSWIN_ALPHA, kswin);
}

#define WANT(name)                                                                                           \
    (struct expected)                                                                                        \
    {                                                                                                        \
        name, name##_n, 0                                                                                    \
    }
#define WANT_ALL(s) WANT(s##_adwin), WANT(s##_page_hinkley), WANT(s##_page_hinkley_10), WANT(s##_kswin)

static void detections_are_those_of_river(void **state)
{
    static double v[STREAM_N];
    (void)state;
    run_all(example_values, example_values_n, WANT_ALL(example));
    run_kswin(example_values, example_values_n, 0.0001, WANT(example_kswin_strict));
    make_stream(0, v);
    run_all(v, STREAM_N, WANT_ALL(stream0));
    make_stream(1, v);
    run_all(v, STREAM_N, WANT_ALL(stream1));
    make_stream(2, v);
    run_all(v, STREAM_N, WANT_ALL(stream2));
    make_stream(3, v);
    run_all(v, STREAM_N, WANT_ALL(stream3));
    make_stream(4, v);
    run_all(v, STREAM_N, WANT_ALL(stream4));
}

static void the_window_of_adwin_is_that_of_river(void **state)
{
    static double v[STREAM_N];
    struct ax_adwin a;
    (void)state;
    make_stream(2, v);
    ax_adwin_init(&a, AX_ADWIN_DELTA);
    for (uint32_t i = 0; i < 3000; i++)
        (void)ax_adwin_update(&a, v[i]);
    assert_int_equal(a.width, (int)adwin_state[0]);
    ax_assert_close(a.total, adwin_state[1], 1e-9);
    ax_assert_close(a.variance, adwin_state[2], 1e-9);
}

static uint32_t below(void *ctx, uint32_t n)
{
    return (uint32_t)ax_rng_below(ctx, n);
}

static void what_was_saved_goes_on_as_if_nothing_had_happened(void **state)
{
    static double v[STREAM_N];
    struct ax_buf b;
    (void)state;
    make_stream(2, v);
    for (uint32_t cut = 0; cut < STREAM_N; cut += 397) {
        struct ax_adwin a, a2;
        struct ax_page_hinkley p, p2;
        struct ax_kswin k = {.alpha = AX_KSWIN_ALPHA}, k2 = {.alpha = AX_KSWIN_ALPHA};
        struct ax_rng r, r2;
        ax_adwin_init(&a, AX_ADWIN_DELTA);
        ax_page_hinkley_init(&p, 10, AX_PAGE_HINKLEY_DELTA);
        ax_rng_seed(&r, 1);
        for (uint32_t i = 0; i < cut; i++) {
            (void)ax_adwin_update(&a, v[i]);
            (void)ax_page_hinkley_update(&p, v[i]);
            (void)ax_kswin_update(&k, v[i], below, &r);
        }
        ax_buf_init(&b, 1 << 16);
        ax_adwin_save(&a, &b);
        ax_page_hinkley_save(&p, &b);
        ax_kswin_save(&k, &b);
        struct ax_bytes in = ax_bytes_of(ax_buf_view(&b));
        ax_adwin_init(&a2, AX_ADWIN_DELTA);
        ax_page_hinkley_init(&p2, 10, AX_PAGE_HINKLEY_DELTA);
        ax_adwin_load(&a2, &in);
        ax_page_hinkley_load(&p2, &in);
        ax_kswin_load(&k2, &in);
        assert_int_equal(ax_bytes_end(&in), AX_OK);
        r2 = r;
        for (uint32_t i = cut; i < STREAM_N; i++) {
            assert_int_equal(ax_adwin_update(&a, v[i]), ax_adwin_update(&a2, v[i]));
            assert_int_equal(ax_page_hinkley_update(&p, v[i]), ax_page_hinkley_update(&p2, v[i]));
            assert_int_equal(ax_kswin_update(&k, v[i], below, &r), ax_kswin_update(&k2, v[i], below, &r2));
        }
        assert_memory_equal(&a.total, &a2.total, sizeof a.total);
        ax_buf_done(&b);
    }
}

static void the_way_of_a_change_is_told(void **state)
{
    static double v[STREAM_N];
    struct ax_adwin a;
    struct ax_page_hinkley p;
    struct ax_kswin k = {.alpha = 0.0001};
    struct ax_rng r;
    int first[3] = {0}, last[3] = {0};
    (void)state;
    make_stream(1, v);
    ax_adwin_init(&a, AX_ADWIN_DELTA);
    ax_page_hinkley_init(&p, AX_PAGE_HINKLEY_THRESHOLD, AX_PAGE_HINKLEY_DELTA);
    ax_rng_seed(&r, 1);
    for (uint32_t i = 0; i < STREAM_N; i++) {
        const int ways[3] = {ax_adwin_update(&a, v[i]), ax_page_hinkley_update(&p, v[i]),
                             ax_kswin_update(&k, v[i], below, &r)};
        for (int d = 0; d < 3; d++) {
            first[d] = i >= 1500 && !first[d] ? ways[d] : first[d];
            last[d] = i >= 2800 && !last[d] ? ways[d] : last[d];
        }
    }
    for (int d = 0; d < 3; d++) {
        assert_int_equal(first[d], 1);
        assert_int_equal(last[d], -1);
    }
}

static void exact_p_values_are_scipys(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ks_exact_n; i += 3)
        ax_assert_close(ax_ks_exact_p(ks_exact[i], (uint32_t)ks_exact[i + 1]), ks_exact[i + 2],
                        1e-9 * ks_exact[i + 2] + 1e-15);
}

static void check_pair(const double *ref, uint32_t n, const double *cur, uint32_t m, const double want[4])
{
    double a[1000], b[1000];
    memcpy(a, ref, n * sizeof *a);
    memcpy(b, cur, m * sizeof *b);
    ax_drift_sort(a, n, NULL);
    ax_drift_sort(b, m, NULL);
    ax_assert_close(ax_drift_js_sorted(a, n, b, m), want[0], 1e-9);
    const struct ax_drift_chi chi = ax_drift_chi_square(a, n, b, m, 1);
    ax_assert_close(chi.statistic, want[1], 1e-9 * (1 + want[1]));
    ax_assert_close(chi.p_value, want[2], 1e-9);
    ax_assert_close(chi.v, want[3], 1e-9);
}

static void distances_over_evidentlys_bins_and_chi_square_are_scipys(void **state)
{
    (void)state;
    check_pair(js0_ref, js0_ref_n, js0_cur, js0_cur_n, js0);
    check_pair(js1_ref, js1_ref_n, js1_cur, js1_cur_n, js1);
    check_pair(js2_ref, js2_ref_n, js2_cur, js2_cur_n, js2);
    check_pair(js3_ref, js3_ref_n, js3_cur, js3_cur_n, js3);
    check_pair(js4_ref, js4_ref_n, js4_cur, js4_cur_n, js4);
    check_pair(js5_ref, js5_ref_n, js5_cur, js5_cur_n, js5);
    ax_assert_close(js0[0], 0.21773997963118355, 1e-12); /* as published with Evidently's rule */
}

static void distinct_values_are_counted_up_to_what_matters(void **state)
{
    const double a[] = {1, 1, 2, 5}, b[] = {0, 2, 2, 7, 8};
    (void)state;
    assert_int_equal(ax_drift_distinct(a, 4, b, 5, 20), 6);
    assert_int_equal(ax_drift_distinct(a, 4, b, 5, 3), 4);
    assert_int_equal(ax_drift_distinct(a, 1, a + 1, 1, 3), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detections_are_those_of_river),
        cmocka_unit_test(the_window_of_adwin_is_that_of_river),
        cmocka_unit_test(what_was_saved_goes_on_as_if_nothing_had_happened),
        cmocka_unit_test(the_way_of_a_change_is_told),
        cmocka_unit_test(exact_p_values_are_scipys),
        cmocka_unit_test(distances_over_evidentlys_bins_and_chi_square_are_scipys),
        cmocka_unit_test(distinct_values_are_counted_up_to_what_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
