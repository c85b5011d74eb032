/* Of two models of latencies that are tried beside each other the one with more alarms is not the worse where
 * the features of the entity were abnormal by themselves: from such a step on it is no measure for as long as
 * a row reaches back, the others are; and a job that was saved and read knows since when. Of an ensemble,
 * which looks at minutes, all are. */
#include "ax_test.h"
#include "base/rng.h"
#include "entity_rig.h"
#include "group.h"
#include "pipeline/entity_points.h"
#include "scratch.h"

#define STEP 300000LL
#define START (5666666LL * STEP)
#define SPIKE 150 /* of "a" */
#define ROW AX_LATENCY_STEPS

#define JOB(model)                                                                                           \
    "global: {step: 5m, evaluation_delay: 0s}\n"                                                             \
    "jobs:\n"                                                                                                \
    "  - name: node\n"                                                                                       \
    "    by: [instance]\n"                                                                                   \
    "    features: {cpu: cpu, net: net}\n"                                                                   \
    "    anomaly: {" model "}\n"                                                                             \
    "    window: {fine: 400, coarse: 400}\n"

static const char latency[] = JOB("model: latency"),
                  ensemble[] = JOB("model: ensemble, ensemble: {members: [pca]}");

static void step(struct entity_rig *r, uint32_t i)
{
    for (uint32_t e = 0; e < 2; e++) {
        const char instance[] = {(char)('a' + e), 0};
        struct ax_rng rng;
        ax_rng_seed(&rng, i * 8 + e);
        const double level = e == 0 && i == SPIKE ? 5000 : 50;
        entity_rig_append(r, "cpu", instance, START + i * STEP, level + 2 * ax_rng_normal(&rng));
        entity_rig_append(r, "net", instance, START + i * STEP, 50 + 2 * ax_rng_normal(&rng));
    }
    entity_rig_step(r, START + i * STEP);
}

/* How many entities are a measure at step i, of which the newer of two generations says that all are
 * abnormal, the older one that none is? They are looked at when the step is over. */
static uint32_t measures(struct entity_rig *r, uint32_t i)
{
    struct ax_learner *l = &r->job->ensemble_learner, was = *l;
    struct ax_generation older = {.sha256 = "older"}, newer = {.sha256 = "newer"};
    double live[] = {0.5, 0.5}, shadow[] = {2, 2};
    struct ax_entity *entities[] = {r->job->first, r->job->first->next};
    const struct ax_asked asked = {.n = 2, .entities = entities, .live = live, .shadow = shadow};
    l->live = &older;
    l->shadow = &newer;
    l->roles.phase = AX_PHASE_SHADOW;
    l->trial = (struct ax_trial){.n = 0};
    ax_entities_compare(r->job, START + i * STEP, &asked);
    const uint64_t judged = l->trial.judged;
    ax_trial_done(&l->trial);
    ax_entity_trial_end(&r->job->scores);
    *l = was;
    return (uint32_t)judged;
}

static void who_is_abnormal_by_its_features_is_no_measure_of_a_model_of_latencies(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH], snapshots[SCRATCH_PATH];
    struct entity_rig r;
    scratch_make(dir, NULL);
    scratch_make(snapshots, NULL);
    entity_rig_init(&r, latency, dir);
    for (uint32_t i = 0; i < SPIKE; i++)
        step(&r, i);
    assert_int_equal(measures(&r, SPIKE - 1), 2);
    step(&r, SPIKE);
    assert_int_equal(measures(&r, SPIKE), 1);
    entity_rig_restart(&r, snapshots, 7);
    const int64_t loud_ms = r.job->first->loud_ms;
    assert_int_equal(loud_ms, START + SPIKE * STEP);
    for (uint32_t i = SPIKE + 1; i < SPIKE + 2 * ROW; i++) {
        step(&r, i);
        const int64_t since = (START + i * STEP - r.job->first->loud_ms) / STEP;
        assert_int_equal(measures(&r, i), since < ROW ? 1 : 2);
    }
    assert_true(r.job->first->loud_ms < START + (SPIKE + ROW) * STEP); /* it came to be a measure again */
    entity_rig_done(&r);
    scratch_remove(dir);
    scratch_remove(snapshots);
}

static void every_entity_is_a_measure_of_an_ensemble_of_minutes(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    scratch_make(dir, NULL);
    entity_rig_init(&r, ensemble, dir);
    for (uint32_t i = 0; i <= SPIKE; i++)
        step(&r, i);
    assert_int_equal(r.job->first->loud_ms, START + SPIKE * STEP);
    assert_int_equal(measures(&r, SPIKE), 2);
    entity_rig_done(&r);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_abnormal_by_its_features_is_no_measure_of_a_model_of_latencies),
        cmocka_unit_test(every_entity_is_a_measure_of_an_ensemble_of_minutes),
    };
    return cmocka_run_group_tests(tests, group_with_blas, NULL);
}
