/* A job with a model that its series share, an LSTM or boosted trees: it is fitted, serves from the next step
 * on, and nothing that was said hangs on what came later. */
#include "ax_test.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define STEPS 320
#define SERIES 4

#define JOB(model)                                                                                           \
    "jobs:\n"                                                                                                \
    "  - name: load\n"                                                                                       \
    "    expr: x\n"                                                                                          \
    "    by: [host]\n"                                                                                       \
    "    features: {y: max by (host) (y)}\n"                                                                 \
    "    evaluation_delay: 0s\n"                                                                             \
    "    window: {fine: 256, coarse: 60}\n"                                                                  \
    "    forecast:\n"                                                                                        \
    "      horizons: [15s, 1m]\n"                                                                            \
    "      " model "\n"

static const char *const yaml[] = {
    JOB("lstm: {preset: internet, sequence: 3, epochs: 2}"),
#ifdef AX_HAVE_XGBOOST
    JOB("trees: {rounds: 8, depth: 2}"),
    JOB("trees: {rounds: 8}\n      lstm: {preset: internet, sequence: 3, epochs: 1}"),
#endif
};
static const char *const models[] = {"model=\"lstm\"", "model=\"trees\"", "model=\"trees\""};
#define KINDS (sizeof yaml / sizeof *yaml)

/* What the recording has at a step; from `changed` on everything is otherwise. */
static double value_of(uint32_t series, uint32_t step, uint32_t changed)
{
    const double v = 100 * (series + 1) + 10 * sin(0.3 * step + series) + (step * 7 + series) % 5;
    return step < changed ? v : 3 * v + 50;
}

static void run(struct rig *r, uint32_t from, uint32_t until, uint32_t changed)
{
    char name[64];
    for (uint32_t i = from; i < until; i++) {
        const int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        for (uint32_t s = 0; s < SERIES; s++) {
            (void)snprintf(name, sizeof name, "x{host=\"%u\"}", s);
            (void)rig_append(r, name, t_ms, value_of(s, i, changed));
            (void)snprintf(name, sizeof name, "y{host=\"%u\"}", s);
            (void)rig_append(r, name, t_ms, value_of(s, i + 1, changed + 1));
        }
        rig_run_to(r, t_ms);
    }
}

/* Every sample before t_ms of one sink is in the other, bit for bit; returns how many there are. */
static uint32_t require_same_until(const struct memory_sink *a, const struct memory_sink *b, int64_t t_ms)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        const struct memory_series *one = &a->v[i], *two = memory_find(b, one->text);
        for (uint32_t k = 0; k < one->n && one->v[k].t_ms < t_ms; k++, n++) {
            if (!two || k >= two->n || two->v[k].t_ms != one->v[k].t_ms ||
                memcmp(&two->v[k].value, &one->v[k].value, sizeof(double)) != 0)
                fail_msg("%s differs at its sample %u", one->text, k);
        }
    }
    return n;
}

/* Series of a name with a label. */
static uint32_t count_of(const struct memory_sink *sink, const char *name, const char *label)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < sink->n; i++)
        n += strncmp(sink->v[i].text, name, strlen(name)) == 0 && strstr(sink->v[i].text, label);
    return n;
}

static void it_is_fitted_and_serves(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct rig r;
        rig_init(&r, yaml[kind]);
        run(&r, 0, STEPS, 2 * STEPS);
        assert_true(count_of(&r.sink, "model_training_samples{", models[kind]) > 0);
        assert_true(count_of(&r.sink, "model_training_skill{", models[kind]) > 0);
        rig_done(&r);
    }
}

static void what_comes_later_changes_nothing_that_was_said(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++)
        for (uint32_t changed = 170; changed < STEPS; changed += 50) {
            struct rig a, b;
            rig_init(&a, yaml[kind]);
            run(&a, 0, STEPS, 2 * STEPS);
            rig_init(&b, yaml[kind]);
            run(&b, 0, STEPS, changed);
            assert_true(require_same_until(&a.sink, &b.sink, RIG_START + (int64_t)changed * RIG_STEP) > 1000);
            rig_done(&a);
            rig_done(&b);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_fitted_and_serves),
        cmocka_unit_test(what_comes_later_changes_nothing_that_was_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
