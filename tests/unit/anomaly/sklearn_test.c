/* The same numbers as scikit-learn 1.2.1: scores of an isolation forest with its trees, robust location,
 * covariance and distances, principal components and what they leave, centres of k-means
 * (golden/anomaly/generate.py). */
#include "../../golden/anomaly/vectors.h"
#include "anomaly/forest.h"
#include "anomaly/kmeans.h"
#include "anomaly/mcd.h"
#include "anomaly/pca.h"
#include "ax_test.h"
#include "math/chi2.h"

#include <math.h>
#include <stdlib.h>

#define N GOLDEN_ROWS
#define P GOLDEN_FEATURES
#define MCD_ROWS (sizeof mcd_rows / sizeof *mcd_rows / P)

static void assert_near(double v, double want, double relative)
{
    if (!(fabs(v - want) <= relative * fmax(fabs(want), 1e-3)))
        fail_msg("%.12g, scikit-learn's %.12g", v, want);
}

/* The forest of the vectors, in the bytes that ax_forest_save() would have written. */
static struct ax_forest *golden_forest(void)
{
    enum { NODES = AX_FOREST_NODES, ALL = 2 * NODES - 1 };
    struct ax_buf b;
    struct ax_forest *f = NULL;
    size_t cut = 0;
    ax_buf_init(&b, 1u << 20);
    ax_put_u8(&b, 1);
    ax_put_varint(&b, FOREST_TREES);
    ax_put_varint(&b, FOREST_SAMPLE);
    ax_put_varint(&b, P);
    ax_put_u8(&b, 0);
    for (size_t tree = 0; tree < FOREST_TREES; tree++) {
        const uint16_t *counts = forest_counts + tree * ALL; /* of nodes from 1 */
        for (size_t i = 0; i < ALL; i++)
            ax_put_varint(&b, counts[i]);
        for (size_t node = 1; node < NODES; node++) {
            if (counts[2 * node - 1] == 0)
                continue;
            ax_put_varint(&b, forest_features[cut]);
            ax_put_f32(&b, forest_thresholds[cut++]);
        }
    }
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&b));
    assert_int_equal(ax_forest_load(&in, P, &f), AX_OK);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    ax_buf_done(&b);
    return f;
}

static void trees_of_scikit_learn_give_its_scores(void **state)
{
    (void)state;
    struct ax_forest *f = golden_forest();
    double score[N], share[P];
    const double usual =
        2 * (log(FOREST_SAMPLE - 1) + 0.57721566490153286061) - 2.0 * (FOREST_SAMPLE - 1) / FOREST_SAMPLE;
    for (uint32_t i = 0; ax_forest_kernels_at(i); i++) {
        ax_forest_score(f, ax_forest_kernels_at(i), N, golden_rows, score);
        for (size_t r = 0; r < N; r++)
            assert_near(score[r], forest_scores[r], 1e-6);
    }
    for (size_t r = 0; r < N; r++)
        assert_near(exp2(-ax_forest_explain(f, golden_rows + r * P, share) / usual), forest_scores[r], 1e-6);
    ax_forest_free(f);
}

static void the_chi_squared_distribution_is_that_of_scipy(void **state)
{
    (void)state;
    /* scipy.stats.chi2.ppf */
    assert_near(ax_chi2_quantile(1, 0.5), 0.454936423119572, 1e-12);
    assert_near(ax_chi2_quantile(5, 0.975), 12.832501994030027, 1e-12);
    assert_near(ax_chi2_quantile(40, 0.5), 39.33534484661134, 1e-12);
    assert_near(ax_chi2_quantile(256, 0.975), 302.21181010220624, 1e-12);
}

static void robust_covariance_is_that_of_min_cov_det(void **state)
{
    (void)state;
    struct ax_mcd m;
    struct ax_quadratic *q;
    double score[MCD_ROWS];
    float *scratch;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        assert_int_equal(ax_mcd_fit(MCD_ROWS, P, mcd_rows, 0, seed, &m), AX_OK);
        for (size_t i = 0; i < P; i++) {
            assert_near(m.raw_location[i], mcd_raw_location[i], 1e-9);
            assert_near(m.location[i], mcd_location[i], 1e-9);
        }
        for (size_t i = 0; i < (size_t)P * P; i++)
            assert_near(m.covariance[i], mcd_covariance[i], 1e-9);
        assert_int_equal(ax_mcd_distance(&m, 0, &q), AX_OK);
        scratch = malloc(ax_quadratic_scratch(q, MCD_ROWS) * sizeof *scratch);
        assert_non_null(scratch);
        ax_quadratic_score(q, MCD_ROWS, mcd_rows, scratch, score);
        for (size_t r = 0; r < MCD_ROWS; r++)
            assert_near(score[r], mcd_distances[r], 2e-3);
        free(scratch);
        ax_quadratic_free(q);
        ax_mcd_done(&m);
    }
}

static void components_and_what_they_leave_are_those_of_pca(void **state)
{
    (void)state;
    struct ax_pca a;
    double score[N];
    float scratch[2 * N * P];
    assert_int_equal(ax_pca_fit(N, P, golden_rows, &a), AX_OK);
    for (size_t i = 0; i < P; i++)
        assert_near(a.mean[i], pca_mean[i], 1e-12);
    for (size_t c = 0; c < 2; c++) {
        double sign = a.directions[c * P] * pca_components[c * P] < 0 ? -1 : 1;
        assert_near(a.variances[c], pca_variances[c], 1e-12);
        for (size_t i = 0; i < P; i++)
            assert_near(sign * a.directions[c * P + i], pca_components[c * P + i], 1e-9);
    }
    struct ax_quadratic *q = ax_pca_residual(&a, 2);
    assert_non_null(q);
    assert_true(ax_quadratic_scratch(q, N) <= sizeof scratch / sizeof *scratch);
    ax_quadratic_score(q, N, golden_rows, scratch, score);
    for (size_t r = 0; r < N; r++) {
        double sum = 0;
        for (size_t i = 0; i < P; i++) {
            double square = (double)scratch[r * P + i] * (double)scratch[r * P + i];
            assert_true(fabs(square - pca_residuals[r * P + i]) < 1e-3 + 1e-3 * pca_residuals[r * P + i]);
            sum += square;
        }
        assert_near(score[r], sum, 1e-12);
    }
    ax_quadratic_free(q);
    ax_pca_done(&a);
}

static void centres_from_the_same_start_are_those_of_kmeans(void **state)
{
    (void)state;
    float start[KMEANS_K * P];
    for (size_t i = 0; i < (size_t)KMEANS_K * P; i++)
        start[i] = (float)kmeans_start[i];
    struct ax_kmeans_spec spec = {.k = KMEANS_K, .rounds_max = 300, .start = start};
    struct ax_kmeans *m;
    double inertia;
    assert_int_equal(ax_kmeans_fit(&spec, N, P, golden_rows, &m, &inertia), AX_OK);
    for (size_t i = 0; i < (size_t)KMEANS_K * P; i++)
        assert_near((double)ax_kmeans_centres(m)[i], kmeans_centres[i], 1e-5);
    assert_near(inertia, kmeans_inertia[0], 1e-6);
    for (size_t r = 0; r < N; r++)
        assert_near(sqrt(ax_kmeans_distance(m, golden_rows + r * P, NULL)), kmeans_distances[r], 1e-5);
    ax_kmeans_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_of_scikit_learn_give_its_scores),
        cmocka_unit_test(the_chi_squared_distribution_is_that_of_scipy),
        cmocka_unit_test(robust_covariance_is_that_of_min_cov_det),
        cmocka_unit_test(components_and_what_they_leave_are_those_of_pca),
        cmocka_unit_test(centres_from_the_same_start_are_those_of_kmeans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
