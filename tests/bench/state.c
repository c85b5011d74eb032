/* state.c: what it costs to save and to load a job of many series whose windows are full.
 *
 * usage: state DIR [SERIES]
 * One series is stepped through the pipeline until both its windows are full (4,100 steps of 5 min; horizons
 * of 4 to 240 steps); the others are copies of it under other labels. The snapshot goes to DIR.
 *
 * Output: MiB of the snapshot, bytes a series; ms to write its sections, to bring it to the disk, to read and
 * check it, and to load it into a job, whose output series are opened in a sink that drops. */
#include "base/clock.h"
#include "math/blas.h"
#include "nowhere.h"
#include "pipeline/job_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP_MS 300000
#define START_MS 1700000100000 /* a multiple of the step */
#define FULL_STEPS 4100
#define SCRATCH_MAX (64u << 20)

static const char yaml[] = "global: {step: 5m, evaluation_delay: 0s}\n"
                           "jobs:\n"
                           "  - name: load\n"
                           "    expr: node_load1{job=\"node\"}\n"
                           "    max_series: 1000000\n"
                           "    max_output_series: 100000000\n"
                           "    forecast: {output: predicted_load, horizons: [20m, 100m, 5h, 20h]}\n"
                           "    anomaly: {}\n"
                           "    drift: {}\n";

static void check(enum ax_err err, const struct ax_diag *diag)
{
    if (err == AX_OK)
        return;
    fprintf(stderr, "state: %s: %s\n", ax_err_text(err), diag->text);
    exit(1);
}

static struct ax_labels *labels_of(uint32_t i)
{
    char instance[64];
    (void)snprintf(instance, sizeof instance, "host-%05u.prod.example.net:9100", i);
    const struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str("node_load1")},
                                 {ax_str("cluster"), ax_str("prod-eu-1")},
                                 {ax_str("instance"), ax_str(instance)},
                                 {ax_str("job"), ax_str("node")}};
    return ax_labels_dup(&(struct ax_labels){4, v});
}

/* Step the job through FULL_STEPS of one series. */
static void train(struct ax_job *job)
{
    struct ax_labels *labels = labels_of(0);
    struct ax_buf key, record;
    ax_buf_init(&key, SCRATCH_MAX);
    ax_buf_init(&record, SCRATCH_MAX);
    ax_labels_key_write(labels, &key);
    job->channels[0].sample_left = 0; /* one in many stands for drift */
    for (uint32_t i = 0; i < FULL_STEPS; i++) {
        const struct ax_sample s = {START_MS + (int64_t)i * STEP_MS,
                                    1000 + 300 * sin(i * 0.02) + 40 * (i * 2654435761u % 97) / 97.0};
        (void)ax_db_append(job->env.db, ax_str(""), ax_buf_view(&key), &s, 1, NULL, NULL);
        if (ax_job_evaluate(job, s.t_ms, &record) != AX_OK || ax_job_take(job, ax_buf_view(&record)) != AX_OK)
            abort();
    }
    ax_buf_done(&record);
    ax_buf_done(&key);
    free(labels);
}

/* Make copies of the one target until there are n. */
static void multiply(struct ax_job *job, uint32_t n)
{
    struct ax_channel *c = &job->channels[0];
    struct ax_buf bytes;
    ax_buf_init(&bytes, SCRATCH_MAX);
    ax_target_save(c->first, &c->kind, &bytes);
    for (uint32_t i = 1; i < n; i++) {
        struct ax_labels *labels = labels_of(i);
        struct ax_target *t = ax_target_new(&c->kind, job->config, ax_job_id(job, labels), labels, START_MS);
        struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
        if (!t || ax_target_load(t, &c->kind, &in) != AX_OK || ax_map_put(&c->targets, t->id, t) != AX_OK)
            abort();
        t->serial = c->next_serial++;
        *c->end = t;
        c->end = &t->next;
        free(labels);
    }
    ax_buf_done(&bytes);
}

static double ms_since(int64_t *ns)
{
    int64_t before = *ns;
    *ns = ax_mono_ns();
    return (double)(*ns - before) / 1e6;
}

int main(int argc, char **argv)
{
    static struct ax_problems problems;
    struct ax_diag diag = {{0}};
    struct ax_config *config;
    struct ax_job *job;
    struct ax_snapshot_writer *w;
    struct ax_snapshot *snapshot;
    struct ax_buf scratch;
    struct ax_str body;
    uint8_t type;
    uint64_t bytes = 0;
    uint32_t n = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 10000;
    if (argc < 2 || n == 0)
        return 2;
    check(ax_blas_setup(&diag), &diag);
    check(ax_config_parse(ax_str(yaml), &config, &problems), &diag);
    const struct ax_job_env env = {.db = ax_db_new(&(struct ax_db_options){.seed = 7}),
                                   .sink = nowhere(),
                                   .max_range_ms = 3600000,
                                   .seed = 42};
    ax_buf_init(&scratch, SCRATCH_MAX);
    check(ax_job_new(&env, config, &config->jobs[0], &job, &diag), &diag);
    train(job);
    multiply(job, n);

    int64_t ns = ax_mono_ns();
    check(ax_snapshot_begin(argv[1], 1, &w, &diag), &diag);
    check(ax_job_save(job, &scratch, w), &diag);
    double write_ms = ms_since(&ns);
    check(ax_snapshot_commit(w, &diag), &diag);
    double sync_ms = ms_since(&ns);
    ax_job_free(job, INT64_MIN);

    ns = ax_mono_ns();
    check(ax_snapshot_open(argv[1], &snapshot, NULL, &diag), &diag);
    double read_ms = ms_since(&ns);
    check(ax_job_new(&env, config, &config->jobs[0], &job, &diag), &diag);
    while (ax_snapshot_next(snapshot, &type, &body)) {
        bytes += body.n;
        check(ax_job_load(job, type, body, &diag), &diag);
    }
    double load_ms = ms_since(&ns);
    printf(
        "series %u: %.1f MiB, %.0f bytes a series; write %.0f ms, sync %.0f ms; read %.0f ms, load %.0f ms\n",
        n, (double)bytes / 0x1p20, (double)bytes / n, write_ms, sync_ms, read_ms, load_ms);
    ax_snapshot_close(snapshot);
    ax_job_free(job, INT64_MIN);
    ax_db_free(env.db);
    ax_config_free(config);
    ax_buf_done(&scratch);
    return 0;
}
