/* entity_tick: what a step of one job with entities costs, through the job's own code: the expressions of 40
 * features, their windows, forecasts and detectors, the whole ensemble asked about all entities, scores,
 * contributions, and outputs into a sink that drops.
 *
 * usage: entity_tick FOLDER [ENTITIES [WARM_STEPS [STEPS]]]
 * The ensemble's file is left in the folder.
 * Steps are a minute apart. The ensemble learns once within the warm ones (130: 24 points of 5 minutes), and
 * has to, or there is an error. In the steps that are counted every tenth entity is abnormal, so that
 * contributions are made too.
 *
 * Output: CPU milliseconds of a step (mean, largest): to evaluate the expressions, and to take the step. */
#include "anomaly/ensemble.h"
#include "base/clock.h"
#include "math/blas.h"
#include "nowhere.h"
#include "pipeline/job_priv.h"
#include "pipeline/learner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FEATURES 40
#define STEP_MS 60000
#define START_MS 1700000040000 /* a multiple of the step */
#define KEY_MAX 256

struct bench {
    struct ax_db *db;
    struct ax_job *job;
    struct ax_training *training;
    struct ax_buf record;
    uint32_t entities, alarms;
    struct ax_buf *keys; /* [entities][FEATURES] */
};

static void verdict(void *ctx, const struct ax_job_config *job, const struct ax_labels *labels, int64_t t_ms,
                    double value, const struct ax_verdict *v)
{
    (void)job, (void)labels, (void)t_ms, (void)value;
    ((struct bench *)ctx)->alarms += v->score > 1;
}

static void must(enum ax_err err, const struct ax_diag *diag)
{
    if (err == AX_OK)
        return;
    (void)fprintf(stderr, "entity_tick: %s %s\n", ax_err_text(err), diag ? diag->text : "");
    exit(1);
}

static void make_keys(struct bench *b)
{
    b->keys = calloc((size_t)b->entities * FEATURES, sizeof *b->keys);
    for (uint32_t i = 0; b->keys && i < b->entities * FEATURES; i++) {
        char name[16], instance[64];
        (void)snprintf(name, sizeof name, "f%02u", i % FEATURES);
        (void)snprintf(instance, sizeof instance, "host-%05u.prod.example.net:9100", i / FEATURES);
        const struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str(name)},
                                     {ax_str("instance"), ax_str(instance)},
                                     {ax_str("job"), ax_str("node")}};
        ax_buf_init(&b->keys[i], KEY_MAX);
        ax_labels_key_write(&(struct ax_labels){3, v}, &b->keys[i]);
    }
}

/* Features follow the load of their entity, with noise from the numbers alone. */
static double value_of(uint32_t entity, uint32_t feature, uint32_t step, bool abnormal)
{
    uint64_t x = ((uint64_t)entity << 40 | (uint64_t)feature << 32 | step) * 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 29) * 0xBF58476D1CE4E5B9u;
    double noise = (double)(x >> 11) * 0x1p-53, load = 100 + 30 * sin(step * 0.02 + entity);
    return load * (1 + feature) + 10 * (1 + feature) * noise + (abnormal ? 1000 * (1 + feature % 7) : 0);
}

static struct ax_config *config_of(uint32_t entities)
{
    static struct ax_problems problems;
    static char yaml[4096];
    struct ax_config *config = NULL;
    size_t n = (size_t)snprintf(yaml, sizeof yaml,
                                "global: {step: 1m, evaluation_delay: 0s}\n"
                                "jobs:\n"
                                "  - name: load\n"
                                "    by: [instance]\n"
                                "    max_series: %u\n"
                                "    max_output_series: 100000000\n"
                                "    anomaly: {model: ensemble}\n"
                                "    features: {",
                                entities);
    for (uint32_t f = 0; f < FEATURES; f++)
        n += (size_t)snprintf(yaml + n, sizeof yaml - n, "%sf%02u: f%02u", f ? ", " : "", f, f);
    (void)snprintf(yaml + n, sizeof yaml - n, "}\n");
    if (ax_config_parse(ax_str(yaml), &config, &problems) != AX_OK) {
        (void)fprintf(stderr, "entity_tick: %s\n", problems.v[0].text);
        exit(1);
    }
    return config;
}

static void init(struct bench *b, struct ax_config *config, const struct ax_artifacts *artifacts,
                 const struct ax_observer *observer)
{
    struct ax_diag diag = {{0}};
    must(ax_blas_setup(&diag), &diag);
    make_keys(b);
    ax_buf_init(&b->record, 64u << 20);
    const struct ax_training_options options = {
        .artifacts = *artifacts, .cpu_share = 1, .bytes_max = 512u << 20, .synchronous = true};
    must(ax_training_start(&options, &b->training, &diag), &diag);
    b->db = ax_db_new(&(struct ax_db_options){.seed = 7});
    const struct ax_job_env env = {.db = b->db,
                                   .sink = nowhere(),
                                   .observer = observer,
                                   .training = b->training,
                                   .artifacts = artifacts,
                                   .max_range_ms = 3600000,
                                   .zero_delay = true,
                                   .seed = 42,
                                   .generation = 1};
    must(b->db && b->keys ? AX_OK : AX_NOMEM, NULL);
    must(ax_job_new(&env, config, &config->jobs[0], &b->job, &diag), &diag);
}

/* Receive what a step needs, evaluate it, take it; CPU seconds of the latter two. */
static void run_step(struct bench *b, uint32_t step, bool abnormal, double cpu[2])
{
    const int64_t t_ms = START_MS + (int64_t)step * STEP_MS;
    for (uint32_t i = 0; i < b->entities * FEATURES; i++) {
        const uint32_t entity = i / FEATURES;
        const struct ax_sample sample = {t_ms,
                                         value_of(entity, i % FEATURES, step, abnormal && entity % 10 == 0)};
        (void)ax_db_append(b->db, ax_str(""), ax_buf_view(&b->keys[i]), &sample, 1, NULL, NULL);
    }
    int64_t begin = ax_thread_cpu_ns();
    must(ax_job_evaluate(b->job, t_ms, &b->record), NULL);
    int64_t evaluated = ax_thread_cpu_ns();
    must(ax_job_take(b->job, ax_buf_view(&b->record)), NULL);
    cpu[0] = (double)(evaluated - begin) / 1e9;
    cpu[1] = (double)(ax_thread_cpu_ns() - evaluated) / 1e9;
}

/* The steps that fill windows, and the fit. */
static void warm_up(struct bench *b, uint32_t warm)
{
    double cpu[2];
    for (uint32_t s = 0; s < warm; s++) {
        run_step(b, s, false, cpu);
        if (b->job->ensemble_learner.live)
            continue;
        ax_job_train(b->job);
        struct ax_learner *l = ax_job_trained(b->job);
        if (l)
            ax_learner_swap(l, ax_job_stepped_ms(b->job));
    }
    if (!b->job->ensemble_learner.live) {
        (void)fprintf(stderr, "entity_tick: no ensemble after %u steps\n", warm);
        exit(1);
    }
}

static void measure(struct bench *b, uint32_t warm, uint32_t steps)
{
    double sum[2] = {0, 0}, largest = 0, cpu[2];
    for (uint32_t s = warm; s < warm + steps; s++) {
        run_step(b, s, true, cpu);
        for (uint32_t i = 0; i < 2; i++)
            sum[i] += cpu[i];
        largest = cpu[0] + cpu[1] > largest ? cpu[0] + cpu[1] : largest;
    }
    printf("step_evaluate_ms %.1f\nstep_take_ms %.1f\n", sum[0] / steps * 1e3, sum[1] / steps * 1e3);
    printf("step_of_%u_entities_ms %.1f\nstep_largest_ms %.1f\nstep_us_a_feature %.2f\nalarms %u\n",
           b->entities, (sum[0] + sum[1]) / steps * 1e3, largest * 1e3,
           (sum[0] + sum[1]) / steps / b->entities / FEATURES * 1e6, b->alarms);
}

static uint32_t argument(int argc, char **argv, int i, uint32_t otherwise)
{
    return i < argc ? (uint32_t)strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    struct bench b = {.entities = argument(argc, argv, 2, 1000)};
    const uint32_t warm = argument(argc, argv, 3, 130), steps = argument(argc, argv, 4, 10);
    if (argc < 2 || b.entities == 0 || steps == 0)
        return 2;
    const struct ax_artifacts artifacts = ax_artifact_files(argv[1]);
    const struct ax_observer observer = {.ctx = &b, .verdict = verdict};
    struct ax_config *config = config_of(b.entities);
    init(&b, config, &artifacts, &observer);
    warm_up(&b, warm);
    measure(&b, warm, steps);
    ax_job_free(b.job, INT64_MIN);
    ax_training_stop(b.training);
    ax_db_free(b.db);
    ax_config_free(config);
    for (uint32_t i = 0; i < b.entities * FEATURES; i++)
        ax_buf_done(&b.keys[i]);
    free(b.keys);
    ax_buf_done(&b.record);
    return 0;
}
