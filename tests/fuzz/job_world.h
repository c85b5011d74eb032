/* job_world.h: a pipeline with one job of a few scored series, for fuzz targets of what is done to a job. */
#ifndef AX_FUZZ_JOB_WORLD_H
#define AX_FUZZ_JOB_WORLD_H

#include "base/assert.h"
#include "pipeline/pipeline_priv.h"

#include <stdlib.h>

#define WORLD_STEP 15000
#define WORLD_START 1700000010000
#define WORLD_SERIES 3

struct job_world {
    struct ax_db *db;
    struct ax_pipeline *pipeline;
    int64_t now_ms;
};

static struct ax_out *world_open(void *ctx, const struct ax_labels *labels)
{
    (void)ctx;
    AX_ASSERT(labels->n > 0);
    return malloc(1);
}

static void world_put(void *ctx, struct ax_out *out, int64_t t_ms, double value)
{
    (void)ctx;
    AX_ASSERT(out && t_ms > 0 && value - value == 0);
}

static void world_close(void *ctx, struct ax_out *out, int64_t t_ms)
{
    (void)ctx;
    (void)t_ms;
    free(out);
}

/* A step with a sample of each series. */
static void job_world_step(struct job_world *w)
{
    static const char *const names[WORLD_SERIES] = {"a", "b", "c"};
    w->now_ms += WORLD_STEP;
    for (uint32_t i = 0; i < WORLD_SERIES; i++) {
        const struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str("m")}, {ax_str("i"), ax_str(names[i])}};
        const struct ax_sample sample = {w->now_ms, 100 + (double)(w->now_ms / WORLD_STEP * 7 % 13)};
        struct ax_buf key;
        ax_buf_init(&key, 256);
        ax_labels_key_write(&(struct ax_labels){2, v}, &key);
        AX_ASSERT(ax_db_append(w->db, ax_str(""), ax_buf_view(&key), &sample, 1, NULL, NULL) ==
                  AX_FATE_WANTED);
        ax_buf_done(&key);
    }
    (void)ax_pipeline_run_due(w->pipeline);
}

/* One with some steps behind it; it lasts as long as the process. */
static void job_world_init(struct job_world *w)
{
    static const char yaml[] =
        "global: {evaluation_delay: 0s}\n"
        "jobs: [{name: j, expr: m, anomaly: {}, drift: {reference: 30, current: 30, per: "
        "entity}, window: {fine: 60, coarse: 60}}]";
    struct ax_config *config = NULL;
    static struct ax_problems problems;
    w->now_ms = WORLD_START;
    w->db = ax_db_new(&(struct ax_db_options){.seed = 7, .negative_max = 16, .ring_samples_max = 4096});
    AX_ASSERT(w->db && ax_config_parse(ax_str(yaml), &config, &problems) == AX_OK);
    w->pipeline = ax_pipeline_new(
        &(struct ax_pipeline_options){.db = w->db,
                                      .sink = {NULL, world_open, world_put, world_close, NULL, NULL},
                                      .clock = ax_clock_virtual(&w->now_ms),
                                      .max_range_ms = 3600000,
                                      .seed = 42});
    AX_ASSERT(w->pipeline && ax_pipeline_load(w->pipeline, config, NULL) == AX_OK);
    for (uint32_t i = 0; i < 40; i++)
        job_world_step(w);
}

#endif
