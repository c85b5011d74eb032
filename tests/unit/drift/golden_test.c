/* The drift tests give what SciPy gives on the vectors of tests/golden/drift. */
#include "ax_test.h"
#include "drift/drift.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 200

struct reader {
    FILE *file;
    char *line;
    size_t cap;
    char key[16];
    double v[VALUES_MAX];
    uint32_t n;
};

static void open_vectors(struct reader *r)
{
    memset(r, 0, sizeof *r);
    r->file = fopen(AX_TEST_DIR "/golden/drift/vectors.txt", "r");
    assert_non_null(r->file);
}

static void close_vectors(struct reader *r)
{
    fclose(r->file);
    free(r->line);
}

/* The next line's key and numbers; false at the end. */
static bool next(struct reader *r)
{
    if (getline(&r->line, &r->cap, r->file) < 0)
        return false;
    int used = 0;
    assert_int_equal(sscanf(r->line, "%15s%n", r->key, &used), 1);
    const char *at = r->line + used;
    for (r->n = 0; r->n < VALUES_MAX; r->n++) {
        char *end;
        r->v[r->n] = strtod(at, &end);
        if (end == at)
            break;
        at = end;
    }
    return true;
}

static void distances_and_stability_index_are_scipys(void **state)
{
    (void)state;
    struct reader r;
    double ref[VALUES_MAX], cur[VALUES_MAX];
    uint32_t n = 0, m = 0, checked = 0;
    struct ax_arena scratch;
    ax_arena_init(&scratch, 1 << 20);
    open_vectors(&r);
    while (next(&r)) {
        ax_arena_reset(&scratch);
        if (strcmp(r.key, "ref") == 0) {
            n = r.n;
            memcpy(ref, r.v, n * sizeof *ref);
        } else if (strcmp(r.key, "cur") == 0) {
            m = r.n;
            memcpy(cur, r.v, m * sizeof *cur);
        } else if (strcmp(r.key, "ks") == 0) {
            ax_assert_close(ax_drift_ks(ref, n, cur, m, &scratch), r.v[0], 1e-12);
            checked++;
        } else if (strcmp(r.key, "w1") == 0) {
            ax_assert_close(ax_drift_wasserstein(ref, n, cur, m, &scratch), r.v[0], 1e-12);
            checked++;
        } else if (strcmp(r.key, "psi") == 0) {
            ax_assert_close(ax_drift_psi(ref, n, cur, m, 10, &scratch), r.v[0], 1e-12);
            checked++;
        }
    }
    close_vectors(&r);
    ax_arena_done(&scratch);
    assert_int_equal(checked, 30);
}

static void p_values_are_kolmogorovs_at_stephens_argument(void **state)
{
    (void)state;
    struct reader r;
    uint32_t checked = 0;
    open_vectors(&r);
    while (next(&r)) {
        if (strcmp(r.key, "p") != 0)
            continue;
        ax_assert_close(ax_drift_ks_p(r.v[0], r.v[1], r.v[2]), r.v[3], 1e-12);
        checked++;
    }
    close_vectors(&r);
    assert_int_equal(checked, 30);
}

static void p_values_are_near_the_exact_ones(void **state)
{
    (void)state;
    struct reader r;
    uint32_t checked = 0;
    open_vectors(&r);
    while (next(&r)) {
        if (strcmp(r.key, "exact") != 0)
            continue;
        double p = ax_drift_ks_p(r.v[0], r.v[1], r.v[2]);
        assert_true(fabs(p - r.v[3]) <= 0.25 * r.v[3]);
        checked++;
    }
    close_vectors(&r);
    assert_int_equal(checked, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_and_stability_index_are_scipys),
        cmocka_unit_test(p_values_are_kolmogorovs_at_stephens_argument),
        cmocka_unit_test(p_values_are_near_the_exact_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
