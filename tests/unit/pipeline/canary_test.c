/* A canary serves the share of the series, or entities, that it is said to serve: those of a share are part
 * of the next, and nobody else hears the challenger; and an entity hears of itself. */
#include "ax_test.h"
#include "entity_rig.h"
#include "pipeline/job_priv.h"
#include "pipeline/pipeline_priv.h"
#include "rig.h"
#include "scratch.h"

#include <math.h>
#include <stdio.h>

static const uint8_t shares[] = {0, 5, 25, 50, 100};
#define SHARES (sizeof shares / sizeof *shares)

/* Who hears the challenger at each share: as many as that (to four standard deviations), and all those of the
 * share before. */
static void require_shares(const bool *heard[SHARES], uint32_t n)
{
    for (size_t s = 0; s < SHARES; s++) {
        const double p = shares[s] / 100.0;
        uint32_t count = 0;
        for (uint32_t i = 0; i < n; i++) {
            count += heard[s][i];
            if (s && heard[s - 1][i] && !heard[s][i])
                fail_msg("%u heard it at %u %%, and not at %u %%", i, shares[s - 1], shares[s]);
        }
        if (fabs(count - p * n) > 4 * sqrt(n * p * (1 - p)))
            fail_msg("%u of %u hear it at %u %%", count, n, shares[s]);
    }
}

/* ---- series ---- */

#define SERIES 400
#define FIRST 4 /* from which both generations learn */
#define NEW 40  /* steps of the others */

static const char series_yaml[] =
    "global: {evaluation_delay: 0s}\n"
    "jobs:\n"
    "  - name: load\n"
    "    expr: x\n"
    "    window: {fine: 120, coarse: 60}\n"
    "    forecast: {output: predicted_load, horizons: [15s], members: [last_value, ets],\n"
    "               lstm: {preset: internet, sequence: 3, epochs: 1, fit_every: 10m}}\n"
    "    models: {promotion: canary, fit_at: ''}\n";

static void run_series(struct rig *r, uint32_t step, uint32_t n)
{
    char name[64];
    const int64_t t_ms = RIG_START + (int64_t)step * RIG_STEP;
    for (uint32_t s = 0; s < n; s++) {
        (void)snprintf(name, sizeof name, "x{host=\"%u\"}", s);
        (void)rig_append(r, name, t_ms, 100 * (s % 7 + 1) + 10 * sin(0.3 * step + s) + (step * 7 + s) % 5);
    }
    rig_run_to(r, t_ms);
}

/* What the challenger says of a series now, as it is sent; NaN: nothing. */
static double challenger_of(const struct rig *r, const struct ax_target *t)
{
    char text[160];
    (void)snprintf(text, sizeof text,
                   "predicted_load_challenger{for=\"load\",horizon=\"15s\",host=\"" AX_STR_FMT
                   "\",role=\"challenger\",source=\"x\"}",
                   AX_STR_ARG(ax_labels_get(t->labels, ax_str("host"))));
    const struct memory_series *s = memory_find(&r->sink, text);
    return s && s->v[s->n - 1].t_ms == r->now_ms ? s->v[s->n - 1].value : (double)NAN;
}

static void of_series(void **state)
{
    static bool heard[SHARES][SERIES];
    struct rig r;
    uint32_t step = 0;
    (void)state;
    rig_init(&r, series_yaml);
    struct ax_job *job = r.pipeline->jobs[0];
    struct ax_learner *l = job->learners;
    while (!l->shadow) {
        run_series(&r, step++, FIRST);
        assert_true(step < 500);
    }
    for (uint32_t i = 0; i < NEW; i++)
        run_series(&r, step++, SERIES);
    struct ax_channel *c = &job->channels[0];
    assert_int_equal(c->targets.n, SERIES);
    for (size_t s = 0; s < SHARES; s++) {
        assert_non_null(l->shadow);
        l->roles.phase = shares[s] ? AX_PHASE_CANARY : AX_PHASE_SHADOW;
        l->roles.share = shares[s];
        run_series(&r, step++, SERIES);
        const double *said = ax_channel_given_run(c->given[AX_GIVEN_LSTM], r.now_ms);
        assert_non_null(said);
        uint32_t i = 0;
        for (const struct ax_target *t = c->first; t; t = t->next, i++) {
            const double other = challenger_of(&r, t);
            assert_true(isfinite(other) &&
                        isfinite(said[i * ax_channel_given_leads(c->given[AX_GIVEN_LSTM])]));
            heard[s][i] = !(fabs(said[i * ax_channel_given_leads(c->given[AX_GIVEN_LSTM])] - other) > 0);
        }
    }
    require_shares((const bool *[SHARES]){heard[0], heard[1], heard[2], heard[3], heard[4]}, SERIES);
    rig_done(&r);
}

/* ---- entities ---- */

#define STEP 300000LL
#define START (5666666LL * STEP)
#define ENTITIES 200
#define STEPS 110

static const char entity_yaml[] = "global: {step: 5m, evaluation_delay: 0s}\n"
                                  "jobs:\n"
                                  "  - name: node\n"
                                  "    by: [instance]\n"
                                  "    features: {cpu: cpu, net: net}\n"
                                  "    anomaly: {model: ensemble, ensemble: {members: [pca]}}\n"
                                  "    models: {promotion: canary, fit_at: ''}\n"
                                  "    window: {fine: 100, coarse: 100}\n";

/* A step of the entities from one to before another. */
static void run_entities(struct entity_rig *r, uint32_t step, uint32_t from, uint32_t to)
{
    char name[16];
    for (uint32_t e = from; e < to; e++) {
        const double load = 50 + 10 * sin(0.11 * step + e) + (step * 7 + e * 3) % 5;
        (void)snprintf(name, sizeof name, "i%u", e);
        entity_rig_append(r, "cpu", name, START + step * STEP, load);
        entity_rig_append(r, "net", name, START + step * STEP, 3 * load + (step * 11 + e) % 7);
    }
    entity_rig_step(r, START + step * STEP);
}

/* As many steps of these until a generation serves; the step after. */
static uint32_t run_until_live(struct entity_rig *r, uint32_t from, uint32_t to)
{
    uint32_t step = 0;
    while (!r->job->ensemble_learner.live) {
        run_entities(r, step++, from, to);
        assert_true(step < STEPS);
    }
    return step;
}

/* A second generation beside the one that serves, of the same bytes. */
static struct ax_generation *twin_of(const struct entity_rig *r, const struct ax_learner *l)
{
    struct ax_buf bytes;
    struct ax_diag diag = {{0}};
    struct ax_generation *twin = NULL;
    ax_buf_init(&bytes, AX_ARTIFACT_MAX);
    if (r->artifacts.get(r->artifacts.ctx, l->live->sha256, &bytes, &diag) != AX_OK ||
        ax_generation_new(l->spec.kind, l->spec.build, ax_buf_view(&bytes), &twin, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    ax_buf_done(&bytes);
    return twin;
}

static void of_entities(void **state)
{
    static bool heard[SHARES][ENTITIES];
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    (void)state;
    scratch_make(dir, NULL);
    entity_rig_init(&r, entity_yaml, dir);
    struct ax_learner *l = &r.job->ensemble_learner;
    const uint32_t step = run_until_live(&r, 0, ENTITIES);
    run_entities(&r, step, 0, ENTITIES);
    l->shadow = twin_of(&r, l);
    for (size_t s = 0; s < SHARES; s++) {
        struct ax_asked asked;
        l->roles.phase = shares[s] ? AX_PHASE_CANARY : AX_PHASE_SHADOW;
        l->roles.share = shares[s];
        ax_entities_ask(r.job, START + step * STEP, &asked);
        assert_int_equal(asked.n, ENTITIES);
        for (uint32_t i = 0; i < asked.n; i++) {
            const struct ax_ensemble *e = asked.answers[i].ensemble;
            assert_true(e == l->shadow->model || e == l->live->model);
            heard[s][i] = e == l->shadow->model;
        }
    }
    require_shares((const bool *[SHARES]){heard[0], heard[1], heard[2], heard[3], heard[4]}, ENTITIES);
    entity_rig_done(&r);
    scratch_remove(dir);
}

/* A challenger is let go between two steps, and the next one gets its address: who was the second entity of
 * the one is the first of the other. */
static void where_an_entity_is_in_a_generation_is_not_told_by_its_address(void **state)
{
    char dir[SCRATCH_PATH];
    struct entity_rig other, r;
    struct ax_asked asked;
    (void)state;
    scratch_make(dir, NULL);
    entity_rig_init(&other, entity_yaml, dir);
    entity_rig_init(&r, entity_yaml, dir);
    (void)run_until_live(&other, 1, 3);
    const uint32_t step = run_until_live(&r, 0, 3);
    struct ax_learner *l = &r.job->ensemble_learner;
    struct ax_generation *next = twin_of(&other, &other.job->ensemble_learner);
    run_entities(&r, step, 0, 3);
    l->shadow = twin_of(&r, l);
    l->roles.phase = AX_PHASE_CANARY;
    l->roles.share = 100;
    ax_entities_ask(r.job, START + step * STEP, &asked);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(asked.answers[i].index, i);

    const struct ax_generation gone = *l->shadow;
    *l->shadow = *next;
    *next = gone;
    ax_generation_free(next);
    ax_entities_ask(r.job, START + step * STEP, &asked);
    assert_int_equal(asked.n, 3);
    assert_ptr_equal(asked.answers[0].ensemble, l->live->model); /* the challenger does not know it */
    for (uint32_t i = 1; i < 3; i++) {
        assert_ptr_equal(asked.answers[i].ensemble, l->shadow->model);
        assert_int_equal(asked.answers[i].index, i - 1);
    }
    entity_rig_done(&other);
    entity_rig_done(&r);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_series),
        cmocka_unit_test(of_entities),
        cmocka_unit_test(where_an_entity_is_in_a_generation_is_not_told_by_its_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
