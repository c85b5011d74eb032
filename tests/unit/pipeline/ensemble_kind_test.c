/* What is to be validated of an ensemble's past: times of who is there, and what people said. */
#include "ax_test.h"
#include "pipeline/ensemble_kind.h"
#include "train/check.h"

#include <math.h>

#define POINTS 40
#define FEATURES 2
#define STEP 300000
#define END ((int64_t)1700000100000)

/* Two entities with a segment each of two features. */
struct past {
    float v[2 * POINTS * FEATURES];
    uint8_t marks[2 * POINTS];
    struct ax_ensemble_segment segments[2];
    struct ax_ensemble_past past;
};

static void make(struct past *p)
{
    *p = (struct past){
        .segments = {{.entity = 0, .first = 0, .n = POINTS, .end_ms = END, .step_ms = STEP, .newest = true},
                     {.entity = 1, .first = POINTS, .n = POINTS}}};
    for (uint32_t i = 0; i < sizeof p->v / sizeof *p->v; i++)
        p->v[i] = (float)(i % 7);
    for (uint32_t i = 0; i < 2 * POINTS; i++)
        p->marks[i] = AX_POINT_USUAL;
    p->past.spec.features = FEATURES;
    p->past.data = (struct ax_ensemble_data){
        .segments = p->segments, .segments_n = 2, .points = p->v, .points_n = 2 * POINTS, .marks = p->marks};
}

static void check(const struct past *p, struct ax_validation_finding out[AX_VALIDATION_CHECKS])
{
    const struct ax_validation_rule rule = {.completeness_min = 0};
    struct ax_diag diag = {{0}};
    if (ax_train_check(&ax_ensemble_kind, &p->past, &rule, NULL, out, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static void a_feature_that_falls_silent_ends_early_and_who_is_away_does_not(void **state)
{
    (void)state;
    struct past p;
    struct ax_validation_finding f[AX_VALIDATION_CHECKS];
    make(&p);
    check(&p, f);
    assert_true(f[AX_VALIDATION_CONSISTENCY].known);
    ax_assert_close(f[AX_VALIDATION_CONSISTENCY].value, 0, 0);
    for (uint32_t i = POINTS - 10; i < POINTS; i++) /* the second feature of the first entity */
        p.v[i * FEATURES + 1] = NAN;
    for (uint32_t i = 2 * POINTS - 10; i < 2 * POINTS; i++) /* all of the second, which is away */
        p.v[i * FEATURES] = p.v[i * FEATURES + 1] = NAN;
    check(&p, f);
    ax_assert_close(f[AX_VALIDATION_CONSISTENCY].value, 0.5, 0);
}

static void how_samples_came_is_told_where_it_is_more(void **state)
{
    (void)state;
    struct past p;
    struct ax_validation_finding f[AX_VALIDATION_CHECKS];
    const struct ax_validation_rule rule = {.disorder_max = 1};
    struct ax_validation told = {0};
    make(&p);
    ax_validation_order(&told, 100, 10, 5);
    assert_int_equal(ax_train_check(&ax_ensemble_kind, &p.past, &rule, &told, f, NULL), AX_OK);
    ax_assert_close(f[AX_VALIDATION_CONSISTENCY].value, 0.15, 1e-12);
}

static void balance_is_known_once_people_have_told_of_an_incident(void **state)
{
    (void)state;
    struct past p;
    struct ax_validation_finding f[AX_VALIDATION_CHECKS];
    make(&p);
    p.marks[0] = p.marks[1] = AX_POINT_FLAGGED;
    check(&p, f);
    assert_false(f[AX_VALIDATION_BALANCE].known);
    for (uint32_t i = 0; i < 7; i++)
        p.marks[i] = AX_POINT_INCIDENT;
    for (uint32_t i = 0; i < 10; i++)
        p.marks[20 + i] = AX_POINT_EXCLUDED;
    p.past.data.incidents = 1;
    check(&p, f);
    assert_true(f[AX_VALIDATION_BALANCE].known);
    ax_assert_close(f[AX_VALIDATION_BALANCE].value, 7.0 / (2 * POINTS - 10), 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_feature_that_falls_silent_ends_early_and_who_is_away_does_not),
        cmocka_unit_test(how_samples_came_is_told_where_it_is_more),
        cmocka_unit_test(balance_is_known_once_people_have_told_of_an_incident),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
