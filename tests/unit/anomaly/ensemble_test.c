/* The ensemble of an entity's detectors: it finds what no feature shows alone, names the feature, gives each
 * entity its own scale, does not learn from incidents, and says the same after it was saved and read. */
#include "anomaly/ensemble.h"
#include "ax_test.h"
#include "base/rng.h"
#include "math/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES 5
#define ENTITIES 2
#define POINTS 520
#define ALL AX_ENSEMBLE_USUAL
#define QUICK (ALL & ~(1u << AX_ENSEMBLE_VARIATIONAL)) /* all but the one that learns for a second */

/* One of all members, which most tests ask. */
static struct ax_ensemble *whole;

static float points[ENTITIES * POINTS * FEATURES];
static uint8_t marks[ENTITIES * POINTS];
static struct ax_ensemble_segment segments[ENTITIES];
static struct ax_str keys[ENTITIES];
static const struct ax_ensemble_spec spec = {
    .features = FEATURES, .features_hash = 77, .false_alarm_rate = 0.001};

/* A point: the features follow a load, by the entity's own scale; the last one goes its own way. */
static void point(struct ax_rng *rng, uint32_t entity, double load, float *x)
{
    static const double scale[ENTITIES] = {1, 1000};
    for (uint32_t i = 0; i < FEATURES; i++)
        x[i] = (float)(scale[entity] *
                       ((i == FEATURES - 1 ? 3 : 10 + load * (1 + i)) + 0.1 * ax_rng_normal(rng)));
}

static double load_at(uint32_t i)
{
    return sin(i * 0.05) + 0.3 * sin(i * 0.31);
}

static struct ax_ensemble_data past(void)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, 1);
    for (uint32_t e = 0; e < ENTITIES; e++) {
        segments[e] = (struct ax_ensemble_segment){.entity = e, .first = e * POINTS, .n = POINTS};
        keys[e] = ax_str(e ? "b" : "a");
        for (uint32_t i = 0; i < POINTS; i++)
            point(&rng, e, load_at(i), points + (size_t)(e * POINTS + i) * FEATURES);
    }
    memset(marks, 0, sizeof marks);
    return (struct ax_ensemble_data){.entities_n = ENTITIES,
                                     .segments_n = ENTITIES,
                                     .points_n = ENTITIES * POINTS,
                                     .keys = keys,
                                     .segments = segments,
                                     .points = points,
                                     .marks = marks};
}

static struct ax_ensemble *fitted(const struct ax_ensemble_data *data, uint32_t members)
{
    struct ax_ensemble_spec s = spec;
    struct ax_ensemble *e = NULL;
    struct ax_diag diag = {{0}};
    s.members = members;
    if (ax_ensemble_fit(&s, data, 5, &e, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return e;
}

/* A row of an entity; `change` is added to a feature of its last two points, in units of what the load does
 * to it. */
static void row(uint32_t entity, uint32_t seed, uint32_t feature, double change, float *x)
{
    static const double unit[ENTITIES] = {1, 1000};
    struct ax_rng rng;
    ax_rng_seed(&rng, seed);
    for (uint32_t t = 0; t < AX_ENSEMBLE_POINTS; t++) {
        point(&rng, entity, load_at(seed % 97 + t), x + (size_t)t * FEATURES);
        if (t + 2 >= AX_ENSEMBLE_POINTS)
            x[(size_t)t * FEATURES + feature] += (float)(change * unit[entity]);
    }
}

static void *scratch_of(const struct ax_ensemble *e)
{
    size_t n = (ax_ensemble_scratch(e, 1000) + AX_ENSEMBLE_ALIGN - 1) / AX_ENSEMBLE_ALIGN * AX_ENSEMBLE_ALIGN;
    void *scratch = aligned_alloc(AX_ENSEMBLE_ALIGN, n);
    assert_non_null(scratch);
    return scratch;
}

static double together(const struct ax_ensemble *e, uint32_t entity, const struct ax_ensemble_ratios *r)
{
    return ax_ensemble_combine(ax_ensemble_members_of(e), ax_ensemble_weights(e), r, NULL, 0) /
           ax_ensemble_level(e, entity);
}

static void it_finds_what_no_feature_shows_alone_and_names_the_feature(void **state)
{
    (void)state;
    const struct ax_ensemble *e = whole;
    void *scratch = scratch_of(e);
    float x[AX_ENSEMBLE_POINTS * FEATURES];
    struct ax_ensemble_ratios r;
    double share[FEATURES];
    assert_int_equal(ax_ensemble_members_of(e), ALL);
    assert_int_equal(ax_ensemble_find(e, ax_str("a")), 0);
    assert_int_equal(ax_ensemble_find(e, ax_str("b")), 1);
    assert_true(ax_ensemble_find(e, ax_str("c")) == UINT32_MAX);
    for (uint32_t entity = 0; entity < ENTITIES; entity++) {
        uint32_t above = 0;
        for (uint32_t seed = 100; seed < 300; seed++) {
            row(entity, seed, 0, 0, x);
            ax_ensemble_score(e, 1, &entity, x, scratch, &r);
            above += together(e, entity, &r) > 1;
        }
        assert_true(above <= 2); /* of 200, at a rate of 0.001 */
        for (uint32_t feature = 0; feature < FEATURES; feature++) {
            double sum = 0;
            /* within what the feature does by itself, but not while the others stay where they are */
            row(entity, 100, feature, feature == FEATURES - 1 ? 1.2 : -1.5 * (1 + feature), x);
            ax_ensemble_score(e, 1, &entity, x, scratch, &r);
            assert_true(together(e, entity, &r) > 1);
            ax_ensemble_explain(e, entity, x, &r, scratch, share);
            for (uint32_t i = 0; i < FEATURES; i++) {
                assert_true(i == feature || share[i] < share[feature]);
                sum += share[i];
            }
            assert_true(fabs(sum - 1) < 1e-9);
        }
    }
    free(scratch);
}

static void a_deviation_is_that_of_the_point_furthest_from_what_is_usual_for_the_entity(void **state)
{
    (void)state;
    for (uint32_t entity = 0; entity < ENTITIES; entity++) {
        const double unit = entity ? 1000 : 1;
        float x[AX_ENSEMBLE_POINTS * FEATURES];
        double usual;
        for (int sign = -1; sign <= 1; sign += 2) {
            row(entity, 100, FEATURES - 1, 7 * sign, x);
            x[FEATURES - 1] = NAN; /* a gap */
            ax_assert_close(ax_ensemble_deviation(whole, entity, x, FEATURES - 1, &usual), 7 * sign * unit,
                            0.5 * unit);
            ax_assert_close(usual, 3 * unit, 0.1 * unit);
        }
    }
}

static void each_member_can_be_left_out_and_be_alone(void **state)
{
    (void)state;
    const struct ax_ensemble_data data = past();
    for (uint32_t m = 0; m < AX_ENSEMBLE_SEQUENCE; m++) {
        struct ax_ensemble *e = fitted(&data, 1u << m);
        void *scratch = scratch_of(e);
        float x[AX_ENSEMBLE_POINTS * FEATURES];
        struct ax_ensemble_ratios usual, odd;
        uint32_t entity = 1;
        assert_int_equal(ax_ensemble_members_of(e), 1u << m);
        row(entity, 100, 1, 0, x);
        ax_ensemble_score(e, 1, &entity, x, scratch, &usual);
        row(entity, 100, 1, 15, x);
        for (uint32_t i = 0; i < FEATURES; i++) /* a forest wants to see it in several features */
            x[(AX_ENSEMBLE_POINTS - 1) * FEATURES + i] *= i % 2 ? 3 : -2;
        ax_ensemble_score(e, 1, &entity, x, scratch, &odd);
        for (uint32_t i = 0; i < AX_ENSEMBLE_MEMBERS; i++)
            assert_true(i == m ? odd.v[i] > 1.1 * usual.v[i] && odd.v[i] > 0.6 : odd.v[i] == 0);
        free(scratch);
        ax_ensemble_free(e);
    }
}

static void rows_are_scored_alike_alone_and_among_others_with_gaps_in_the_middle(void **state)
{
    (void)state;
    enum { ROWS = 130 };
    const struct ax_ensemble *e = whole;
    void *scratch = scratch_of(e);
    static float x[ROWS * AX_ENSEMBLE_POINTS * FEATURES];
    struct ax_ensemble_ratios all[ROWS], one;
    uint32_t entity[ROWS];
    for (uint32_t i = 0; i < ROWS; i++) {
        float *to = x + (size_t)i * AX_ENSEMBLE_POINTS * FEATURES;
        entity[i] = i % ENTITIES;
        row(entity[i], i, i % FEATURES, i % 7, to);
        if (i % 3 == 0)
            to[i % (AX_ENSEMBLE_POINTS * FEATURES)] = NAN;
    }
    ax_ensemble_score(e, ROWS, entity, x, scratch, all);
    for (uint32_t i = 0; i < ROWS; i++) {
        ax_ensemble_score(e, 1, &entity[i], x + (size_t)i * AX_ENSEMBLE_POINTS * FEATURES, scratch, &one);
        for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++) {
            assert_true(isfinite(one.v[m]));
            assert_true(fabs(one.v[m] - all[i].v[m]) <= 1e-5 * one.v[m]);
        }
    }
    free(scratch);
}

static void incidents_that_were_flagged_are_not_learnt_unless_they_are_how_things_are(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {60, 300};
    for (uint32_t i = 0; i < 2; i++) {
        struct ax_ensemble_data data = past();
        uint32_t from = POINTS - lengths[i], entity = 0;
        for (uint32_t k = from; k < POINTS; k++) {
            points[(size_t)k * FEATURES + 2] += 9;
            marks[k] = AX_POINT_FLAGGED;
        }
        struct ax_ensemble *e = fitted(&data, QUICK);
        void *scratch = scratch_of(e);
        float x[AX_ENSEMBLE_POINTS * FEATURES];
        struct ax_ensemble_ratios r;
        memcpy(x, points + (size_t)(POINTS - AX_ENSEMBLE_POINTS) * FEATURES, sizeof x);
        ax_ensemble_score(e, 1, &entity, x, scratch, &r);
        assert_true(i == 0 ? together(e, 0, &r) > 1.5 : together(e, 0, &r) < 1.2);
        free(scratch);
        ax_ensemble_free(e);
    }
}

/* The bytes of one that learnt with a burst of a size at points of "a", marked so. */
static void bytes_with(double burst, enum ax_ensemble_mark mark, struct ax_buf *out)
{
    struct ax_ensemble_data data = past();
    for (uint32_t k = 200; k < 212; k++) {
        for (uint32_t i = 0; i < FEATURES; i++)
            points[(size_t)k * FEATURES + i] += (float)(burst * (1 + i));
        marks[k] = (uint8_t)mark;
    }
    struct ax_ensemble *e = fitted(&data, QUICK);
    ax_buf_reset(out);
    ax_ensemble_save(e, out);
    ax_ensemble_free(e);
}

static void a_burst_that_was_flagged_excluded_or_an_incident_does_not_change_a_fit(void **state)
{
    (void)state;
    struct ax_buf none, burst;
    ax_buf_init(&none, AX_ENSEMBLE_BYTES_MAX);
    ax_buf_init(&burst, AX_ENSEMBLE_BYTES_MAX);
    for (enum ax_ensemble_mark mark = AX_POINT_FLAGGED; mark <= AX_POINT_INCIDENT; mark++) {
        bytes_with(0, mark, &none);
        bytes_with(50, mark, &burst);
        assert_int_equal(none.n, burst.n);
        assert_memory_equal(none.bytes, burst.bytes, none.n);
    }
    bytes_with(50, AX_POINT_NORMAL, &burst); /* what people say is normal is learnt */
    assert_true(none.n != burst.n || memcmp(none.bytes, burst.bytes, none.n) != 0);
    ax_buf_done(&none);
    ax_buf_done(&burst);
}

/* Points in which a feature that nobody else follows makes incidents: one of six members sees them best. */
static void incidents_that_people_told_of_teach_how_much_a_member_counts(void **state)
{
    (void)state;
    struct ax_ensemble_data data = past();
    for (uint32_t k = 60; k < POINTS; k += 60)
        for (uint32_t j = 0; j < 4; j++) {
            points[(size_t)(k + j) * FEATURES + 1] += 0.8F;
            marks[k + j] = AX_POINT_INCIDENT;
        }
    data.incidents = 4;
    struct ax_ensemble *few = fitted(&data, QUICK);
    assert_int_equal(ax_ensemble_incidents(few), 0); /* of 4 nothing is learnt */
    data.incidents = 8;
    struct ax_ensemble *e = fitted(&data, QUICK), *read = NULL;
    const double *w = ax_ensemble_weights(e);
    double sum = 0;
    assert_int_equal(ax_ensemble_incidents(e), 8);
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++) {
        assert_true(QUICK >> m & 1 ? w[m] >= 1 - 8 / 18.0 : w[m] == 0);
        assert_true(!(QUICK >> m & 1) || ax_ensemble_weights(few)[m] == 1);
        sum += w[m];
    }
    assert_true(fabs(sum - 5) < 1e-9);
    assert_true(w[AX_ENSEMBLE_AUTOENCODER] > 2 * w[AX_ENSEMBLE_FOREST]); /* which sees no correlation */
    struct ax_ensemble_spec s = spec;
    struct ax_buf bytes;
    s.members = QUICK;
    ax_buf_init(&bytes, AX_ENSEMBLE_BYTES_MAX);
    ax_ensemble_save(e, &bytes);
    assert_int_equal(ax_ensemble_load(&s, ax_buf_view(&bytes), &read, NULL), AX_OK);
    assert_memory_equal(ax_ensemble_weights(read), w, AX_ENSEMBLE_MEMBERS * sizeof *w);
    assert_int_equal(ax_ensemble_checked(read)->held, 0); /* that is the card's affair */
    ax_buf_done(&bytes);
    ax_ensemble_free(read);
    ax_ensemble_free(few);
    ax_ensemble_free(e);
}

static void a_fit_says_how_it_did_on_rows_that_its_members_did_not_see(void **state)
{
    (void)state;
    struct ax_ensemble_data data = past();
    for (uint32_t j = 0; j < 4; j++) {
        points[(size_t)(60 + j) * FEATURES + 1] += 100;
        marks[60 + j] = AX_POINT_INCIDENT;
    }
    data.incidents = 1;
    struct ax_ensemble *e = fitted(&data, QUICK);
    const struct ax_ensemble_check *c = ax_ensemble_checked(e);
    assert_true(c->held >= 100 && c->held_above <= c->held / 50);
    assert_true(c->incident == 4 && c->incident_above == 4);
    ax_ensemble_free(e);
}

static void what_is_saved_says_the_same_and_refuses_another_job(void **state)
{
    (void)state;
    const struct ax_ensemble_data data = past();
    struct ax_ensemble *e = fitted(&data, QUICK), *again = fitted(&data, QUICK), *read = NULL;
    struct ax_ensemble_spec quick = spec;
    quick.members = QUICK;
    struct ax_buf a, b;
    struct ax_diag diag = {{0}};
    ax_buf_init(&a, AX_ENSEMBLE_BYTES_MAX);
    ax_buf_init(&b, AX_ENSEMBLE_BYTES_MAX);
    ax_ensemble_save(e, &a);
    ax_ensemble_save(again, &b);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.bytes, b.bytes, a.n); /* the same data and seed: the same bytes */
    assert_int_equal(ax_ensemble_load(&quick, ax_buf_view(&a), &read, NULL), AX_OK);
    ax_buf_reset(&b);
    ax_ensemble_save(read, &b);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.bytes, b.bytes, a.n);
    void *scratch = scratch_of(e);
    float x[AX_ENSEMBLE_POINTS * FEATURES];
    struct ax_ensemble_ratios r, s;
    uint32_t entity = 1;
    row(1, 100, 1, 4, x);
    ax_ensemble_score(e, 1, &entity, x, scratch, &r);
    ax_ensemble_score(read, 1, &entity, x, scratch, &s);
    assert_memory_equal(&r, &s, sizeof r);
    free(scratch);
    ax_ensemble_free(read);

    struct ax_ensemble_spec other = quick;
    other.features_hash = 78;
    assert_int_equal(ax_ensemble_load(&other, ax_buf_view(&a), &read, &diag), AX_CONFLICT);
    assert_non_null(strstr(diag.text, "other features"));
    other = quick;
    other.point_ms++;
    assert_int_equal(ax_ensemble_load(&other, ax_buf_view(&a), &read, &diag), AX_CONFLICT);
    assert_non_null(strstr(diag.text, "points of"));
    other = quick;
    other.false_alarm_rate /= 2;
    assert_int_equal(ax_ensemble_load(&other, ax_buf_view(&a), &read, &diag), AX_CONFLICT);
    assert_non_null(strstr(diag.text, "false alarm rate"));
    other = quick;
    other.members = 3;
    assert_int_equal(ax_ensemble_load(&other, ax_buf_view(&a), &read, &diag), AX_CONFLICT);
    struct ax_rng rng;
    ax_rng_seed(&rng, 2);
    for (int i = 0; i < 60; i++) { /* damage is refused, or makes another ensemble that can be asked */
        struct ax_str bytes = ax_buf_view(&a);
        size_t at = (size_t)ax_rng_below(&rng, i % 2 ? a.n : 2000);
        uint8_t was = a.bytes[at];
        a.bytes[at] ^= (uint8_t)(1 + ax_rng_below(&rng, 255));
        if (i % 5 == 0)
            bytes.n = at;
        if (ax_ensemble_load(&quick, bytes, &read, NULL) == AX_OK) {
            scratch = scratch_of(read);
            ax_ensemble_score(read, 1, &entity, x, scratch, &s);
            free(scratch);
            ax_ensemble_free(read);
        }
        a.bytes[at] = was;
    }
    ax_buf_done(&a);
    ax_buf_done(&b);
    ax_ensemble_free(e);
    ax_ensemble_free(again);
}

static bool at_once(void *ctx)
{
    (void)ctx;
    return true;
}

static void too_little_and_cancelled_are_told(void **state)
{
    (void)state;
    struct ax_ensemble_data data = past();
    struct ax_ensemble *e;
    struct ax_diag diag = {{0}};
    data.cancelled = at_once;
    assert_int_equal(ax_ensemble_fit(&spec, &data, 1, &e, &diag), AX_BUSY);
    data = past();
    segments[0].n = segments[1].n = 20;
    assert_int_equal(ax_ensemble_fit(&spec, &data, 1, &e, &diag), AX_NOTREADY);
    assert_non_null(strstr(diag.text, "40 rows"));
}

static int begin(void **state)
{
    (void)state;
    if (ax_blas_setup(NULL) != AX_OK)
        return 1;
    const struct ax_ensemble_data data = past();
    whole = fitted(&data, 0);
    return whole == NULL;
}

static int end(void **state)
{
    (void)state;
    ax_ensemble_free(whole);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_what_no_feature_shows_alone_and_names_the_feature),
        cmocka_unit_test(a_deviation_is_that_of_the_point_furthest_from_what_is_usual_for_the_entity),
        cmocka_unit_test(each_member_can_be_left_out_and_be_alone),
        cmocka_unit_test(rows_are_scored_alike_alone_and_among_others_with_gaps_in_the_middle),
        cmocka_unit_test(incidents_that_were_flagged_are_not_learnt_unless_they_are_how_things_are),
        cmocka_unit_test(a_burst_that_was_flagged_excluded_or_an_incident_does_not_change_a_fit),
        cmocka_unit_test(incidents_that_people_told_of_teach_how_much_a_member_counts),
        cmocka_unit_test(a_fit_says_how_it_did_on_rows_that_its_members_did_not_see),
        cmocka_unit_test(what_is_saved_says_the_same_and_refuses_another_job),
        cmocka_unit_test(too_little_and_cancelled_are_told),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
