/* tick.c: what a step of one job costs: forecast with 4 horizons, anomaly score and drift of many series,
 * through the whole pipeline on a virtual clock, into a sink that drops.
 *
 * usage: tick [SERIES [WARM_STEPS [STEPS]]]
 * Steps are 15 s apart; the warm ones fill the models and are not counted. The fine windows are full after
 * 1,200 steps: so many warm ones show the memory that a series takes in the end.
 *
 * Output: CPU seconds of a step (mean, largest) without receiving its samples, microseconds a series; bytes a
 * series as the job counts them, and bytes of the process for each series, with all that it shares. Every 50
 * warm steps a line on stderr says how far it is: 10,000 series take minutes. */
#include "base/clock.h"
#include "math/blas.h"
#include "pipeline/pipeline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP_MS 15000
#define START_MS 1700000010000 /* a multiple of the step */
#define KEY_MAX 512
#define NEWS_STEPS 50

static const char yaml[] = "global: {evaluation_delay: 0s}\n"
                           "jobs:\n"
                           "  - name: load\n"
                           "    expr: node_load1{job=\"node\"}\n"
                           "    max_series: 1000000\n"
                           "    max_output_series: 100000000\n"
                           "    forecast: {output: predicted_load, horizons: [1m, 5m, 15m, 1h]}\n"
                           "    anomaly: {}\n"
                           "    drift: {}\n";

struct bench {
    struct ax_db *db;
    struct ax_pipeline *pipeline;
    int64_t now_ms;
    uint64_t dropped;
    uint32_t series_n;
    struct ax_buf *keys;
};

static struct ax_out *sink_open(void *ctx, const struct ax_labels *labels)
{
    (void)labels;
    return ctx;
}

static void sink_put(void *ctx, struct ax_out *out, int64_t t_ms, double value)
{
    (void)out, (void)t_ms, (void)value;
    ((struct bench *)ctx)->dropped++;
}

static void sink_close(void *ctx, struct ax_out *out, int64_t t_ms)
{
    (void)ctx, (void)out, (void)t_ms;
}

static void make_keys(struct bench *b)
{
    b->keys = calloc(b->series_n, sizeof *b->keys);
    if (!b->keys)
        abort();
    for (uint32_t i = 0; i < b->series_n; i++) {
        char instance[64];
        (void)snprintf(instance, sizeof instance, "host-%05u.prod.example.net:9100", i);
        const struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str("node_load1")},
                                     {ax_str("cluster"), ax_str("prod-eu-1")},
                                     {ax_str("instance"), ax_str(instance)},
                                     {ax_str("job"), ax_str("node")}};
        ax_buf_init(&b->keys[i], KEY_MAX);
        ax_labels_key_write(&(struct ax_labels){4, v}, &b->keys[i]);
    }
}

/* A day's wave, a faster one, and noise from the two numbers alone. */
static double value_of(uint32_t series, uint32_t step)
{
    uint64_t x = ((uint64_t)series << 32 | step) * 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 29) * 0xBF58476D1CE4E5B9u;
    double noise = (double)(x >> 11) * 0x1p-53;
    return 1000 + 300 * sin(step * 0.0011 + series) + 50 * sin(step * 0.1 + series) + 40 * noise;
}

static double run_step(struct bench *b, uint32_t step)
{
    b->now_ms = START_MS + (int64_t)step * STEP_MS;
    for (uint32_t i = 0; i < b->series_n; i++) {
        const struct ax_sample sample = {b->now_ms, value_of(i, step)};
        if (ax_db_append(b->db, ax_str(""), ax_buf_view(&b->keys[i]), &sample, 1, NULL, NULL) !=
            AX_FATE_WANTED)
            abort();
    }
    int64_t start = ax_thread_cpu_ns();
    (void)ax_pipeline_run_due(b->pipeline);
    return (double)(ax_thread_cpu_ns() - start) / 1e9;
}

static double resident_bytes(void)
{
    unsigned long pages = 0, resident = 0;
    FILE *in = fopen("/proc/self/statm", "r");
    if (!in || fscanf(in, "%lu %lu", &pages, &resident) != 2)
        resident = 0;
    if (in)
        fclose(in);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void init(struct bench *b)
{
    static struct ax_problems problems;
    struct ax_diag diag = {{0}};
    struct ax_config *config = NULL;
    if (ax_blas_setup(&diag) != AX_OK || ax_config_parse(ax_str(yaml), &config, &problems) != AX_OK) {
        fprintf(stderr, "tick: %s%s\n", diag.text, problems.v[0].text);
        exit(1);
    }
    b->now_ms = START_MS;
    make_keys(b);
    b->db = ax_db_new(&(struct ax_db_options){.seed = 7});
    b->pipeline = ax_pipeline_new(&(struct ax_pipeline_options){
        .db = b->db,
        .sink = {.ctx = b, .open = sink_open, .put = sink_put, .close = sink_close},
        .clock = ax_clock_virtual(&b->now_ms),
        .max_range_ms = 3600000,
        .seed = 42,
    });
    if (!b->db || !b->pipeline || ax_pipeline_load(b->pipeline, config, &diag) != AX_OK) {
        fprintf(stderr, "tick: %s\n", diag.text);
        exit(1);
    }
}

static uint32_t argument(int argc, char **argv, int i, uint32_t otherwise)
{
    return i < argc ? (uint32_t)strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    struct bench b = {.series_n = argument(argc, argv, 1, 10000)};
    uint32_t warm = argument(argc, argv, 2, 300), steps = argument(argc, argv, 3, 20);
    double before = resident_bytes(), sum = 0, largest = 0, warming = 0;
    if (b.series_n == 0 || steps == 0)
        return 2;
    init(&b);
    for (uint32_t s = 0; s < warm + steps; s++) {
        double cpu = run_step(&b, s);
        warming += cpu;
        if (s < warm && (s + 1) % NEWS_STEPS == 0) {
            fprintf(stderr, "tick: step %u of %u, %.3f CPU s each of late\n", s + 1, warm + steps,
                    warming / NEWS_STEPS);
            warming = 0;
        }
        if (s < warm)
            continue;
        sum += cpu;
        largest = cpu > largest ? cpu : largest;
    }
    struct ax_job_status status;
    char name[64];
    if (!ax_pipeline_job_status(b.pipeline, 0, name, sizeof name, &status))
        return 1;
    double n = b.series_n, mean = sum / steps;
    printf("series %u, ready %u, a step: %.3f CPU s (largest %.3f), %.1f us a series; bytes a series: %.0f "
           "counted, %.0f resident\n",
           b.series_n, status.ready_n, mean, largest, mean / n * 1e6, (double)status.bytes / n,
           (resident_bytes() - before) / n);
    ax_pipeline_free(b.pipeline);
    ax_db_free(b.db);
    for (uint32_t i = 0; i < b.series_n; i++)
        ax_buf_done(&b.keys[i]);
    free(b.keys);
    return 0;
}
