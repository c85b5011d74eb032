/* lstm.c: what the LSTM predictor costs: a fit, and what it says at a step of all series of a job.
 *
 * usage: lstm [SERIES [datacenter|internet]]
 * Series are noise around waves of their own, with full windows (960 steps of 15 s, 4,032 points of 5 min);
 * the horizons are 1m, 5m, 15m and 1h. One core.
 *
 * Output, a line each: rows and CPU seconds of a fit and of making its data; microseconds a series at a step,
 * of which those of the network; bytes of the model file, and what a series takes more than without. */
#include "train/lstm.h"

#include "base/clock.h"
#include "base/rng.h"
#include "math/blas.h"
#include "nn/kernels.h"
#include "nn/model_file.h"
#include "train/generation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MS 15000
#define FINE 960
#define COARSE 4032
#define BATCH 256
#define END_MS ((int64_t)1700000010000)
#define DATA_MAX ((uint64_t)128 << 20)

static float *fine, *coarse;

/* Series i of a few that are kept; costs do not depend on the values. */
#define KEPT 64

static void make_series(void)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, 1);
    fine = malloc(sizeof *fine * KEPT * FINE);
    coarse = malloc(sizeof *coarse * KEPT * COARSE);
    if (!fine || !coarse)
        abort();
    for (uint32_t s = 0; s < KEPT; s++) {
        for (uint32_t i = 0; i < FINE; i++)
            fine[s * FINE + i] =
                (float)(1000 + 300 * sin(i * 0.0011 + s) + 50 * sin(i * 0.1 + s) + 20 * ax_rng_normal(&rng));
        for (uint32_t i = 0; i < COARSE; i++)
            coarse[s * COARSE + i] = (float)(1000 + 300 * sin(i * 0.022 + s) + 5 * ax_rng_normal(&rng));
    }
}

static struct ax_speaker_past past(uint32_t s)
{
    s %= KEPT;
    return (struct ax_speaker_past){
        .target = {.fine = {fine + s * FINE, FINE, END_MS, STEP_MS},
                   .coarse = {coarse + s * COARSE, COARSE, END_MS - END_MS % 300000, 300000},
                   .t_ms = END_MS}};
}

static double seconds(int64_t since_ns)
{
    return (double)(ax_thread_cpu_ns() - since_ns) * 1e-9;
}

static void check(enum ax_err err, const struct ax_diag *diag)
{
    if (err == AX_OK)
        return;
    fprintf(stderr, "lstm: %s\n", diag->text);
    exit(1);
}

static struct ax_generation *fit(const struct ax_speaker_spec *spec, uint32_t series)
{
    struct ax_diag diag = {{0}};
    struct ax_generation *g;
    struct ax_buf artifact;
    uint32_t added = 0;
    ax_buf_init(&artifact, AX_NN_FILE_MAX);
    int64_t start = ax_thread_cpu_ns();
    struct ax_speaker_data *d = ax_speaker_data_new(spec);
    for (; d && added < series; added++) {
        const struct ax_speaker_past p = past(added);
        if (ax_speaker_data_add(d, &p, DATA_MAX) != AX_OK)
            break;
    }
    const double copied = seconds(start);
    start = ax_thread_cpu_ns();
    check(ax_lstm_kind.fit(d, 42, NULL, &artifact, &diag), &diag);
    const double fitted = seconds(start);
    check(ax_generation_new(&ax_lstm_kind, spec, ax_buf_view(&artifact), &g, &diag), &diag);
    printf("fit: %.0f rows of %u series (%.0f MB copied in %.3f CPU s): %.1f CPU s; model file %zu bytes\n",
           g->scores.samples, added, (double)ax_speaker_data_bytes(d) / 1e6, copied, fitted, artifact.n);
    ax_lstm_kind.free_data(d);
    ax_buf_done(&artifact);
    return g;
}

static void serve(const struct ax_speaker_spec *spec, const struct ax_generation *g, uint32_t series)
{
    const struct ax_speaker_vocabulary *v = ax_lstm_vocabulary_of(g->model);
    const size_t row = (size_t)spec->sequence * ax_speaker_width(spec, v);
    const size_t scratch_n = (ax_lstm_scratch(g->model) / AX_NN_ALIGN + 1) * AX_NN_ALIGN;
    float *rows = malloc(BATCH * row * sizeof *rows),
          *out = malloc(sizeof *out * BATCH * spec->leads_n * AX_LSTM_QUANTILES);
    void *scratch = aligned_alloc(AX_NN_ALIGN, scratch_n);
    double made = 0, ran = 0, sum = 0;
    if (!rows || !out || !scratch)
        abort();
    for (uint32_t done = 0, n; done < series; done += n) {
        struct ax_speaker_frame frame;
        n = series - done < BATCH ? series - done : BATCH;
        int64_t start = ax_thread_cpu_ns();
        for (uint32_t i = 0; i < n; i++) {
            const struct ax_speaker_past p = past(done + i);
            if (!ax_speaker_row(spec, v, &p, rows + i * row, &frame))
                abort();
            sum += frame.last;
        }
        made += seconds(start);
        start = ax_thread_cpu_ns();
        ax_lstm_run(g->model, scratch, rows, n, out);
        ran += seconds(start);
    }
    printf("step: %u series, %.1f us each (%.1f of the network), %.3f CPU s in all; %zu bytes a series\n",
           series, (made + ran) / series * 1e6, ran / series * 1e6, made + ran,
           sizeof(double) * spec->leads_n);
    if (sum < 0)
        printf("\n");
    free(rows);
    free(out);
    free(scratch);
}

int main(int argc, char **argv)
{
    const uint32_t series = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10000;
    const struct ax_speaker_spec spec = {
        .preset = argc > 2 && strcmp(argv[2], "internet") == 0 ? AX_LSTM_INTERNET : AX_LSTM_DATACENTER,
        .sequence = 10,
        .step_ms = STEP_MS,
        .leads = {1, 4, 20, 60, 240},
        .leads_n = 5,
        .epochs = 12,
        .patience = 3,
        .rows_max = 20000,
        .features = {"bench", 5}};
    struct ax_diag diag = {{0}};
    if (series == 0)
        return 2;
    check(ax_blas_setup(&diag), &diag);
    make_series();
    struct ax_generation *g = fit(&spec, series);
    serve(&spec, g, series);
    ax_generation_free(g);
    free(fine);
    free(coarse);
    return 0;
}
