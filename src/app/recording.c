/* recording.c: samples from files into the database, steps in their turn. */
#include "app/recording.h"

#include "app/check.h"
#include "expr/expr.h"
#include "pipeline/schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SEED 42
#define PROGRESS_NS 1000000000
#define KEY_BYTES_MAX (1u << 20)

enum ax_err ax_recording_config(const char *path, int64_t max_range_ms, struct ax_config **out,
                                struct ax_diag *diag)
{
    struct ax_problems *problems = calloc(1, sizeof *problems);
    *out = NULL;
    if (!problems)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    enum ax_err err = ax_check_load(path, max_range_ms, false, out, problems);
    if (err != AX_OK) {
        struct ax_buf text;
        ax_buf_init(&text, 1u << 20);
        ax_problems_write(problems, path, &text);
        (void)fwrite(text.bytes, 1, text.n, stderr);
        ax_buf_done(&text);
        (void)ax_fail(diag, err, "%s cannot be used", path);
    }
    free(problems);
    return err;
}

static enum ax_err make_keys(struct ax_recording *r, struct ax_diag *diag)
{
    uint32_t n = ax_csv_series_n(r->csv);
    r->keys = calloc(n ? n : 1, sizeof *r->keys);
    if (!r->keys)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        ax_buf_init(&r->keys[i], KEY_BYTES_MAX);
        ax_labels_key_write(ax_csv_labels(r->csv, i), &r->keys[i]);
        if (r->keys[i].err != AX_OK)
            return ax_fail(diag, r->keys[i].err, "the labels of column %u are too long", i + 1);
    }
    return AX_OK;
}

/* How to pass a silence: in strides that make every step due in its turn, until nothing that was seen before
 * it can have a say any more (the longest range and the lookback; then the absence that ends the outputs). */
static void plan_silence(struct ax_recording *r, const struct ax_config *config, int64_t max_range_ms)
{
    int64_t longest_ms = 0;
    r->stride_ms = INT64_MAX;
    for (uint32_t i = 0; i < config->jobs_n; i++) {
        int64_t step_ms = config->jobs[i].step_ms;
        int64_t stride_ms = step_ms > AX_STEP_PATIENCE_MS ? step_ms : AX_STEP_PATIENCE_MS;
        r->stride_ms = stride_ms < r->stride_ms ? stride_ms : r->stride_ms;
        longest_ms = step_ms > longest_ms ? step_ms : longest_ms;
    }
    r->silence_ms = max_range_ms + 2LL * AX_LOOKBACK_MS + 4 * longest_ms + AX_STEP_PATIENCE_MS;
}

enum ax_err ax_recording_open(struct ax_recording *r, const struct ax_flag_list *inputs, struct ax_str label,
                              struct ax_config *config, const struct ax_pipeline_options *options,
                              struct ax_diag *diag)
{
    struct ax_pipeline_options pipeline = *options;
    const struct ax_db_options db = {
        .seed = SEED, .drop_labels = config->drop_labels, .drop_labels_n = config->drop_labels_n};
    plan_silence(r, config, options->max_range_ms);
    r->db = ax_db_new(&db);
    enum ax_err err = ax_csv_open(inputs->v, inputs->n, label, &r->csv, diag);
    if (err == AX_OK)
        err = make_keys(r, diag);
    if (err != AX_OK)
        return err;
    pipeline.db = r->db;
    pipeline.clock = ax_clock_virtual(&r->now_ms);
    pipeline.zero_delay = true;
    pipeline.seed = SEED;
    r->pipeline = r->db ? ax_pipeline_new(&pipeline) : NULL;
    return r->pipeline ? ax_pipeline_load(r->pipeline, config, diag)
                       : ax_fail(diag, AX_NOMEM, "out of memory");
}

/* A line of progress once a second, on a terminal only. */
static void show_progress(struct ax_recording *r)
{
    if (!isatty(STDERR_FILENO) || ax_mono_ns() - r->shown_ns < PROGRESS_NS)
        return;
    r->shown_ns = ax_mono_ns();
    (void)fprintf(stderr, "\r%" PRIu64 " samples, %" PRIu64 " steps", r->samples, r->steps);
}

static void run_to(struct ax_recording *r, int64_t t_ms)
{
    r->now_ms = t_ms;
    r->steps += ax_pipeline_run_due(r->pipeline);
    show_progress(r);
}

/* Nothing comes until to_ms. In service the clock goes on and steps run without samples; here too, so that
 * what is emitted of a gap does not hang on when the gap ends. */
static void pass_silence(struct ax_recording *r, int64_t to_ms)
{
    int64_t from_ms = r->now_ms;
    while (r->now_ms - from_ms < r->silence_ms && to_ms - r->now_ms > r->stride_ms)
        run_to(r, r->now_ms + r->stride_ms);
}

/* Put the value that was read into the database. */
static enum ax_err take(struct ax_recording *r, struct ax_diag *diag)
{
    const struct ax_csv_value *v = &r->ahead;
    const struct ax_sample sample = {v->t_ms, v->value};
    struct ax_append_result result = {0};
    if (ax_db_append(r->db, ax_str(""), ax_buf_view(&r->keys[v->series]), &sample, 1, &result, diag) ==
        AX_FATE_INVALID)
        return AX_INVALID;
    r->samples += result.appended;
    r->duplicates += result.duplicates;
    if (r->truth)
        r->truth(r->ctx, ax_csv_labels(r->csv, v->series), v->t_ms, v->label);
    return AX_OK;
}

enum ax_err ax_recording_run(struct ax_recording *r, int64_t until_ms, struct ax_diag *diag)
{
    bool pending = false; /* samples of t_ms are in, and its steps have not run */
    int64_t t_ms = r->now_ms;
    enum ax_err err = AX_OK;
    if (!r->begun) {
        err = ax_csv_next(r->csv, &r->ahead, &r->end, diag);
        if (err == AX_OK && r->end)
            return ax_fail(diag, AX_INVALID, "the input has no samples");
        r->begun = err == AX_OK;
    }
    while (err == AX_OK && !r->end && r->ahead.t_ms <= until_ms) {
        if (pending && r->ahead.t_ms != t_ms)
            run_to(r, t_ms);
        if (r->any && r->ahead.t_ms != t_ms)
            pass_silence(r, r->ahead.t_ms);
        r->any = pending = true;
        t_ms = r->ahead.t_ms;
        err = take(r, diag);
        if (err == AX_OK)
            err = ax_csv_next(r->csv, &r->ahead, &r->end, diag);
    }
    if (err == AX_OK && pending)
        run_to(r, t_ms);
    return err;
}

enum ax_err ax_recording_span(const struct ax_flag_list *inputs, struct ax_str label, int64_t *from_ms,
                              int64_t *to_ms, struct ax_diag *diag)
{
    struct ax_csv *csv = NULL;
    struct ax_csv_value v;
    bool end = false;
    *from_ms = INT64_MAX;
    *to_ms = INT64_MIN;
    enum ax_err err = ax_csv_open(inputs->v, inputs->n, label, &csv, diag);
    while (err == AX_OK && (err = ax_csv_next(csv, &v, &end, diag)) == AX_OK && !end) {
        *from_ms = v.t_ms < *from_ms ? v.t_ms : *from_ms;
        *to_ms = v.t_ms > *to_ms ? v.t_ms : *to_ms;
    }
    if (err == AX_OK && *to_ms == INT64_MIN)
        err = ax_fail(diag, AX_INVALID, "the input has no samples");
    ax_csv_close(csv);
    return err;
}

void ax_recording_close(struct ax_recording *r)
{
    ax_pipeline_free(r->pipeline);
    for (uint32_t i = 0; r->keys && i < ax_csv_series_n(r->csv); i++)
        ax_buf_done(&r->keys[i]);
    free(r->keys);
    ax_csv_close(r->csv);
    ax_db_free(r->db);
}
