/* Trees in flat arrays say what XGBoost (C API of libxgboost 1.7) says of the same rows, bit for bit. */
#include "ax_test.h"
#include "base/rng.h"
#include "config/config.h"
#include "train/forest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES 5
#define ROWS 600

static enum ax_err add(struct ax_forest *f, const char *dump)
{
    struct ax_diag diag = {{0}};
    const enum ax_err err = ax_forest_add(f, ax_str(dump), FEATURES, &diag);
    assert_int_equal(err == AX_OK, diag.text[0] == 0);
    return err;
}

static void questions_lead_to_leaves_and_leaves_are_added_up(void **state)
{
    (void)state;
    struct ax_forest f = {0};
    assert_int_equal(add(&f,
                         "0:[f2<0.5] yes=1,no=2,missing=2\n\t1:leaf=-1.5\n\t2:[f0<1e3] yes=3,no=4,missing=3\n"
                         "\t\t3:leaf=2\n\t\t4:leaf=4\n"),
                     AX_OK);
    assert_int_equal(add(&f, "0:leaf=0.25\n"), AX_OK);
    const float low[FEATURES] = {0, 0, 0.25f}, high[FEATURES] = {2000, 0, 0.5f},
                gone[FEATURES] = {NAN, 0, NAN};
    assert_float_equal(ax_forest_run(&f, low), -1.25, 0);
    assert_float_equal(ax_forest_run(&f, high), 4.25, 0);
    assert_float_equal(ax_forest_run(&f, gone), 2.25, 0);
    ax_forest_done(&f);
}

static void what_is_no_tree_is_refused_and_leaves_the_forest_as_it_was(void **state)
{
    (void)state;
    static const char *const none[] = {
        "",
        "0:leaf=x\n",
        "0:leaf=nan\n",
        "1:leaf=1\n",
        "0:[f5<1] yes=1,no=2,missing=1\n1:leaf=1\n2:leaf=2\n", /* there are five features */
        "0:[f0<1] yes=1,no=2,missing=1\n1:leaf=1\n",           /* a child is missing */
        "0:[f0<1] yes=0,no=1,missing=0\n1:leaf=1\n",           /* round and round */
        "0:[f0<1] yes=1,no=2,missing=1\n1:leaf=1\n1:leaf=2\n",
        "0:[f0<1] yes=1,no=1024,missing=1\n1:leaf=1\n",
        "0:[f0<1 yes=1,no=2,missing=1",
    };
    struct ax_forest f = {0};
    assert_int_equal(add(&f, "0:leaf=3\n"), AX_OK);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(add(&f, none[i]), AX_CORRUPT);
    assert_int_equal(f.trees_n, 1);
    assert_int_equal(f.nodes_n, 1);
    ax_forest_done(&f);
}

static void a_forest_that_is_read_back_is_checked(void **state)
{
    (void)state;
    struct ax_forest f = {0}, again = {0};
    float nodes[3 * AX_FOREST_NODE], roots[1];
    assert_int_equal(add(&f, "0:[f4<-1.5] yes=1,no=2,missing=1\n1:leaf=1\n2:leaf=2\n"), AX_OK);
    ax_forest_write(&f, nodes, roots);
    assert_int_equal(ax_forest_read(&again, nodes, 3, roots, 1, FEATURES), AX_OK);
    assert_memory_equal(again.nodes, f.nodes, 3 * sizeof *f.nodes);
    ax_forest_done(&again);
    static const struct {
        uint32_t at;
        float v;
    } damage[] = {{1, 0}, {1, 3}, {2, -1}, {3, 0.5f}, {4, FEATURES}, {4, 1e30f}};
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        const float was = nodes[damage[i].at];
        nodes[damage[i].at] = damage[i].v;
        assert_int_equal(ax_forest_read(&again, nodes, 3, roots, 1, FEATURES), AX_CORRUPT);
        nodes[damage[i].at] = was;
    }
    roots[0] = 3;
    assert_int_equal(ax_forest_read(&again, nodes, 3, roots, 1, FEATURES), AX_CORRUPT);
    ax_forest_done(&f);
}

#define BARE 1100 /* nodes */

/* A forest of so many bare leaves and these roots, read back. */
static enum ax_err read_leaves(uint32_t nodes_n, const float *roots, uint32_t trees_n)
{
    static float nodes[BARE * AX_FOREST_NODE];
    struct ax_forest f = {0};
    assert_true(nodes_n <= BARE);
    for (uint32_t i = 0; i < nodes_n; i++)
        nodes[(size_t)i * AX_FOREST_NODE + 4] = -1;
    const enum ax_err err = ax_forest_read(&f, nodes, nodes_n, roots, trees_n, FEATURES);
    assert_true(err == AX_OK || !f.nodes);
    ax_forest_done(&f);
    return err;
}

static void each_tree_that_is_read_back_has_nodes_of_its_own_and_not_too_many(void **state)
{
    static const float in_order[] = {0, 1, 2}, twice[] = {0, 1, 1}, back[] = {0, 2, 1}, late[] = {1, 2, 3},
                       beyond[] = {0, 1, 5};
    float many[AX_TREES_ROUNDS_MAX + 1];
    (void)state;
    assert_int_equal(read_leaves(5, in_order, 3), AX_OK);
    assert_int_equal(read_leaves(5, twice, 3), AX_CORRUPT);
    assert_int_equal(read_leaves(5, back, 3), AX_CORRUPT);
    assert_int_equal(read_leaves(5, late, 3), AX_CORRUPT);
    assert_int_equal(read_leaves(5, beyond, 3), AX_CORRUPT);
    assert_int_equal(read_leaves(5, in_order, 0), AX_CORRUPT); /* nodes of no tree */
    assert_int_equal(read_leaves(1024, in_order, 1), AX_OK);
    assert_int_equal(read_leaves(1025, in_order, 1), AX_CORRUPT);
    assert_int_equal(read_leaves(1026, in_order, 3), AX_OK);
    for (uint32_t i = 0; i <= AX_TREES_ROUNDS_MAX; i++)
        many[i] = (float)i;
    assert_int_equal(read_leaves(BARE, many, AX_TREES_ROUNDS_MAX), AX_OK);
    assert_int_equal(read_leaves(BARE, many, AX_TREES_ROUNDS_MAX + 1), AX_CORRUPT);
}

static void a_question_that_leads_into_the_next_tree_is_refused_and_so_is_what_is_not_finite(void **state)
{
    (void)state;
    struct ax_forest f = {0}, again = {0};
    float nodes[4 * AX_FOREST_NODE], roots[2];
    const float none[] = {NAN, INFINITY, -INFINITY};
    assert_int_equal(add(&f, "0:[f4<-1.5] yes=1,no=2,missing=1\n1:leaf=1\n2:leaf=2\n"), AX_OK);
    assert_int_equal(add(&f, "0:leaf=3\n"), AX_OK);
    ax_forest_write(&f, nodes, roots);
    assert_int_equal(ax_forest_read(&again, nodes, 4, roots, 2, FEATURES), AX_OK);
    ax_forest_done(&again);
    nodes[2] = 3; /* the root of the second one */
    assert_int_equal(ax_forest_read(&again, nodes, 4, roots, 2, FEATURES), AX_CORRUPT);
    nodes[2] = 2;
    for (size_t i = 0; i < 6; i++) { /* a question's, and a leaf's */
        const size_t at = i < 3 ? 0 : AX_FOREST_NODE;
        const float was = nodes[at];
        nodes[at] = none[i % 3];
        assert_int_equal(ax_forest_read(&again, nodes, 4, roots, 2, FEATURES), AX_CORRUPT);
        nodes[at] = was;
    }
    ax_forest_done(&f);
}

#ifdef AX_HAVE_XGBOOST
#include <xgboost/c_api.h>

#define DONE(call) assert_int_equal(call, 0)

static void it_says_what_xgboost_says(void **state)
{
    (void)state;
    static const char *const params[][2] = {{"tree_method", "hist"}, {"objective", "reg:absoluteerror"},
                                            {"base_score", "0"},     {"nthread", "1"},
                                            {"max_depth", "8"},      {"eta", "0.3"}};
    static float x[ROWS * FEATURES], y[ROWS];
    struct ax_rng rng;
    struct ax_forest f = {0};
    ax_rng_seed(&rng, 3);
    for (uint32_t i = 0; i < ROWS; i++) {
        for (uint32_t k = 0; k < FEATURES; k++)
            x[i * FEATURES + k] =
                ax_rng_below(&rng, 10) == 0 ? NAN : (float)(pow(10, k) * ax_rng_normal(&rng));
        const double a = (double)x[(size_t)i * FEATURES], b = (double)x[(size_t)i * FEATURES + 3];
        y[i] = (float)((isnan(a) ? 3 : sin(3 * a)) + (b > 100 ? 1.7 : 0));
    }
    DMatrixHandle rows;
    BoosterHandle booster;
    DONE(XGDMatrixCreateFromMat(x, ROWS, FEATURES, NAN, &rows));
    DONE(XGDMatrixSetFloatInfo(rows, "label", y, ROWS));
    DONE(XGBoosterCreate(&rows, 1, &booster));
    for (size_t i = 0; i < sizeof params / sizeof *params; i++)
        DONE(XGBoosterSetParam(booster, params[i][0], params[i][1]));
    for (int i = 0; i < 30; i++)
        DONE(XGBoosterUpdateOneIter(booster, i, rows));
    bst_ulong n, dim;
    const bst_ulong *shape;
    const char **dumps;
    const float *said;
    DONE(XGBoosterDumpModel(booster, "", 0, &n, &dumps));
    assert_int_equal(n, 30);
    for (bst_ulong i = 0; i < n; i++)
        assert_int_equal(add(&f, dumps[i]), AX_OK);
    DONE(XGBoosterPredictFromDMatrix(booster, rows,
                                     "{\"type\": 1, \"training\": false, \"iteration_begin\": 0, "
                                     "\"iteration_end\": 0, \"strict_shape\": false}",
                                     &shape, &dim, &said));
    for (uint32_t i = 0; i < ROWS; i++) {
        const float mine = ax_forest_run(&f, x + (size_t)i * FEATURES);
        assert_memory_equal(&mine, &said[i], sizeof mine);
    }
    DONE(XGBoosterFree(booster));
    DONE(XGDMatrixFree(rows));
    ax_forest_done(&f);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_lead_to_leaves_and_leaves_are_added_up),
        cmocka_unit_test(what_is_no_tree_is_refused_and_leaves_the_forest_as_it_was),
        cmocka_unit_test(a_forest_that_is_read_back_is_checked),
        cmocka_unit_test(each_tree_that_is_read_back_has_nodes_of_its_own_and_not_too_many),
        cmocka_unit_test(a_question_that_leads_into_the_next_tree_is_refused_and_so_is_what_is_not_finite),
#ifdef AX_HAVE_XGBOOST
        cmocka_unit_test(it_says_what_xgboost_says),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
