/* The isolation forest: all kernels give the same bits, a row that is alone scores higher and is explained by
 * the feature that sets it apart, and what is saved is what is read. */
#include "anomaly/forest.h"
#include "ax_test.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

#define FEATURES 7
#define ROWS 600

static float rows[ROWS * FEATURES];

static int fill(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 3);
    for (size_t i = 0; i < ROWS; i++) {
        double common = ax_rng_normal(&rng);
        for (size_t k = 0; k < FEATURES; k++)
            rows[i * FEATURES + k] = (float)(common + ax_rng_normal(&rng) * 0.5);
    }
    return 0;
}

static struct ax_forest *grown(bool extended, uint64_t seed)
{
    const struct ax_forest_spec spec = {.extended = extended, .seed = seed};
    struct ax_forest *f;
    assert_int_equal(ax_forest_fit(&spec, FEATURES, ROWS, rows, &f, NULL), AX_OK);
    return f;
}

static void all_kernels_and_a_row_alone_give_the_same_bits(void **state)
{
    (void)state;
    for (int extended = 0; extended <= 1; extended++) {
        struct ax_forest *f = grown(extended, 1);
        double first[ROWS], score[ROWS], one;
        ax_forest_score(f, ax_forest_kernels_at(0), ROWS, rows, first);
        for (uint32_t i = 1; ax_forest_kernels_at(i); i++) {
            ax_forest_score(f, ax_forest_kernels_at(i), ROWS, rows, score);
            assert_memory_equal(first, score, sizeof score);
        }
        for (size_t r = 0; r < ROWS; r++) {
            ax_forest_score(f, ax_forest_kernels(), 1, rows + r * FEATURES, &one);
            assert_memory_equal(&one, &first[r], sizeof one);
        }
        ax_forest_free(f);
    }
}

static void a_seed_gives_the_same_forest_again(void **state)
{
    (void)state;
    struct ax_forest *a = grown(true, 5), *b = grown(true, 5), *c = grown(true, 6);
    struct ax_buf x, y, z;
    ax_buf_init(&x, 1u << 22);
    ax_buf_init(&y, 1u << 22);
    ax_buf_init(&z, 1u << 22);
    ax_forest_save(a, &x);
    ax_forest_save(b, &y);
    ax_forest_save(c, &z);
    assert_int_equal(x.n, y.n);
    assert_memory_equal(x.bytes, y.bytes, x.n);
    assert_true(x.n != z.n || memcmp(x.bytes, z.bytes, x.n) != 0);
    ax_buf_done(&x);
    ax_buf_done(&y);
    ax_buf_done(&z);
    ax_forest_free(a);
    ax_forest_free(b);
    ax_forest_free(c);
}

static void a_row_apart_scores_highest_and_its_feature_explains_it(void **state)
{
    (void)state;
    for (int extended = 0; extended <= 1; extended++) {
        struct ax_forest *f = grown(extended, 2);
        double score[ROWS], apart, share[FEATURES], highest = 0;
        ax_forest_score(f, ax_forest_kernels(), ROWS, rows, score);
        for (size_t i = 0; i < ROWS; i++)
            highest = fmax(highest, score[i]);
        float middle[FEATURES] = {0};
        double amid;
        ax_forest_score(f, ax_forest_kernels(), 1, middle, &amid);
        for (size_t k = 0; k < FEATURES; k++) {
            float x[FEATURES] = {0};
            x[k] = 9;
            ax_forest_score(f, ax_forest_kernels(), 1, x, &apart);
            assert_true(apart > amid + 0.02);
            double sum = 0;
            double path = ax_forest_explain(f, x, share);
            assert_true(path > 1 && path < 12.5);
            for (size_t i = 0; i < FEATURES; i++) {
                sum += share[i];
                assert_true(i == k || share[i] < share[k]);
            }
            assert_true(fabs(sum - 1) < 1e-9);
        }
        float far[FEATURES];
        for (size_t i = 0; i < FEATURES; i++)
            far[i] = i % 2 ? 8 : -8;
        ax_forest_score(f, ax_forest_kernels(), 1, far, &apart);
        assert_true(apart > 0.55 && apart > highest - 0.15);
        ax_forest_free(f);
    }
}

static void what_is_saved_is_read_and_damage_is_refused(void **state)
{
    (void)state;
    for (int extended = 0; extended <= 1; extended++) {
        struct ax_forest *f = grown(extended, 4), *g = NULL;
        struct ax_buf b;
        double before[ROWS], after[ROWS];
        ax_buf_init(&b, 1u << 22);
        ax_forest_save(f, &b);
        struct ax_bytes in = ax_bytes_of(ax_buf_view(&b));
        assert_int_equal(ax_forest_load(&in, FEATURES, &g), AX_OK);
        assert_int_equal(ax_bytes_end(&in), AX_OK);
        ax_forest_score(f, ax_forest_kernels(), ROWS, rows, before);
        ax_forest_score(g, ax_forest_kernels(), ROWS, rows, after);
        assert_memory_equal(before, after, sizeof before);
        ax_forest_free(g);
        in = ax_bytes_of(ax_buf_view(&b));
        assert_int_equal(ax_forest_load(&in, FEATURES + 1, &g), AX_CORRUPT);
        struct ax_rng rng;
        ax_rng_seed(&rng, 9);
        for (int i = 0; i < 300; i++) { /* whatever comes: refused, or a forest that can be walked */
            size_t at = (size_t)ax_rng_below(&rng, b.n);
            uint8_t byte = b.bytes[at];
            b.bytes[at] = (uint8_t)ax_rng_below(&rng, 256);
            struct ax_str bytes = ax_buf_view(&b);
            bytes.n = i % 2 ? b.n : at;
            in = ax_bytes_of(bytes);
            if (ax_forest_load(&in, FEATURES, &g) == AX_OK)
                ax_forest_score(g, ax_forest_kernels(), ROWS, rows, after);
            ax_forest_free(g);
            b.bytes[at] = byte;
        }
        ax_buf_done(&b);
        ax_forest_free(f);
    }
}

static void rows_that_are_all_the_same_are_no_trouble(void **state)
{
    (void)state;
    static float same[40 * FEATURES];
    const struct ax_forest_spec spec = {.trees = 10, .seed = 1};
    struct ax_forest *f;
    double score, share[FEATURES];
    assert_int_equal(ax_forest_fit(&spec, FEATURES, 40, same, &f, NULL), AX_OK);
    ax_forest_score(f, ax_forest_kernels(), 1, same, &score);
    assert_true(score > 0 && score <= 1);
    (void)ax_forest_explain(f, same, share);
    for (size_t i = 0; i < FEATURES; i++)
        assert_true(share[i] == 0);
    ax_forest_free(f);
}

static void spreads_next_to_nothing_and_next_to_everything_are_no_trouble(void **state)
{
    (void)state;
    enum { N = 64 };
    static const float sizes[FEATURES] = {1e-44F, 1e-40F, 1e-38F, 1e38F, 3e38F, 1, 0};
    static float odd[N * FEATURES];
    struct ax_rng rng;
    ax_rng_seed(&rng, 5);
    for (uint32_t i = 0; i < N * FEATURES; i++)
        odd[i] = sizes[i % FEATURES] * (float)(2 * ax_rng_double(&rng) - 1);
    for (int extended = 0; extended <= 1; extended++) {
        const struct ax_forest_spec spec = {.extended = extended, .seed = 2};
        struct ax_forest *f, *read;
        struct ax_buf bytes;
        double score[N], again[N];
        ax_buf_init(&bytes, 1u << 22);
        assert_int_equal(ax_forest_fit(&spec, FEATURES, N, odd, &f, NULL), AX_OK);
        ax_forest_save(f, &bytes);
        struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
        assert_int_equal(ax_forest_load(&in, FEATURES, &read), AX_OK); /* no weight is infinite */
        ax_forest_score(f, ax_forest_kernels(), N, odd, score);
        ax_forest_score(read, ax_forest_kernels(), N, odd, again);
        assert_memory_equal(score, again, sizeof score);
        for (uint32_t i = 0; i < N; i++)
            assert_true(score[i] > 0.3 && score[i] < 0.8); /* rows have been set apart from each other */
        ax_forest_free(f);
        ax_forest_free(read);
        ax_buf_done(&bytes);
    }
}

static void a_shape_out_of_bounds_is_refused(void **state)
{
    (void)state;
    struct ax_diag diag = {{0}};
    struct ax_forest *f = NULL;
    const struct ax_forest_spec spec = {.sample = 257};
    assert_int_equal(ax_forest_fit(&spec, FEATURES, ROWS, rows, &f, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "257"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kernels_and_a_row_alone_give_the_same_bits),
        cmocka_unit_test(a_seed_gives_the_same_forest_again),
        cmocka_unit_test(a_row_apart_scores_highest_and_its_feature_explains_it),
        cmocka_unit_test(what_is_saved_is_read_and_damage_is_refused),
        cmocka_unit_test(rows_that_are_all_the_same_are_no_trouble),
        cmocka_unit_test(spreads_next_to_nothing_and_next_to_everything_are_no_trouble),
        cmocka_unit_test(a_shape_out_of_bounds_is_refused),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
