/* backtest.c: `auspex backtest`: the pipeline of `serve` over recorded data, on a virtual clock.
 *
 * Rows are appended in time order; when all samples of an instant are in, the clock moves there and the due
 * steps run, with an evaluation delay of 0. So a model never sees a sample later than the moment it
 * predicts from. Nothing is sent anywhere. */
#include "app/backtest_watch.h"
#include "app/check.h"
#include "app/commands.h"
#include "app/csv_sink.h"
#include "app/flags.h"
#include "base/assert.h"
#include "base/parse.h"
#include "expr/expr.h"
#include "ingest/csv.h"
#include "math/blas.h"
#include "pipeline/pipeline.h"
#include "pipeline/schedule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SEED 42
#define TRAINING_BYTES_MAX (256u << 20)
#define PROGRESS_NS 1000000000
#define KEY_BYTES_MAX (1u << 20)
#define REPORT_BYTES_MAX (256u << 20)

struct options {
    const char *config_file, *train_until, *emit, *report, *format, *label;
    struct ax_flag_list inputs;
    int64_t max_range_ms, train_until_ms;
};

/* A backtest on its way. */
struct backtest {
    struct options options;
    struct ax_csv *csv;
    struct ax_buf *keys; /* of each series */
    struct ax_csv_sink *sink;
    struct ax_db *db;
    struct ax_training *training;
    struct ax_pipeline *pipeline;
    struct ax_backtest_watch *watch;
    struct ax_observer observer;
    int64_t now_ms;
    int64_t stride_ms, silence_ms; /* see pass_silence() */
    uint64_t samples, duplicates, steps;
    int64_t shown_ns;
};

/* --train-until. */
static enum ax_err parse_time(const char *text, int64_t *out_ms, struct ax_diag *diag)
{
    *out_ms = INT64_MIN;
    if (!*text || ax_parse_time(ax_str(text), out_ms) == AX_OK)
        return AX_OK;
    return ax_fail(diag, AX_INVALID,
                   "--train-until: '%s' is neither Unix seconds nor like 2026-01-02T03:04:05Z", text);
}

static enum ax_err read_config(struct backtest *b, struct ax_config **out, struct ax_diag *diag)
{
    struct ax_problems *problems = calloc(1, sizeof *problems);
    if (!problems)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    enum ax_err err = ax_config_load(b->options.config_file, out, problems);
    if (err == AX_OK && ax_check_expressions(*out, b->options.max_range_ms, problems) != AX_OK) {
        ax_config_free(*out);
        err = AX_INVALID;
    }
    if (err != AX_OK) {
        struct ax_buf text;
        ax_buf_init(&text, 1u << 20);
        ax_problems_write(problems, b->options.config_file, &text);
        (void)fwrite(text.bytes, 1, text.n, stderr);
        ax_buf_done(&text);
        (void)ax_fail(diag, err, "%s cannot be used", b->options.config_file);
    }
    free(problems);
    return err;
}

static enum ax_err make_keys(struct backtest *b, struct ax_diag *diag)
{
    uint32_t n = ax_csv_series_n(b->csv);
    b->keys = calloc(n ? n : 1, sizeof *b->keys);
    if (!b->keys)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        ax_buf_init(&b->keys[i], KEY_BYTES_MAX);
        ax_labels_key_write(ax_csv_labels(b->csv, i), &b->keys[i]);
        if (b->keys[i].err != AX_OK)
            return ax_fail(diag, b->keys[i].err, "the labels of column %u are too long", i + 1);
    }
    return AX_OK;
}

/* How to pass a silence: in strides that make every step due in its turn, until nothing that was seen before
 * it can have a say any more (the longest range and the lookback; then the absence that ends the outputs). */
static void plan_silence(struct backtest *b, const struct ax_config *config)
{
    int64_t longest_ms = 0;
    b->stride_ms = INT64_MAX;
    for (uint32_t i = 0; i < config->jobs_n; i++) {
        int64_t step_ms = config->jobs[i].step_ms;
        int64_t stride_ms = step_ms > AX_STEP_PATIENCE_MS ? step_ms : AX_STEP_PATIENCE_MS;
        b->stride_ms = stride_ms < b->stride_ms ? stride_ms : b->stride_ms;
        longest_ms = step_ms > longest_ms ? step_ms : longest_ms;
    }
    b->silence_ms = b->options.max_range_ms + 2LL * AX_LOOKBACK_MS + 4 * longest_ms + AX_STEP_PATIENCE_MS;
}

static enum ax_err set_up(struct backtest *b, struct ax_diag *diag)
{
    struct ax_config *config = NULL;
    enum ax_err err = read_config(b, &config, diag);
    if (err != AX_OK)
        return err;
    AX_ASSERT(config);
    plan_silence(b, config);
    const struct ax_db_options db = {
        .seed = SEED, .drop_labels = config->drop_labels, .drop_labels_n = config->drop_labels_n};
    b->db = ax_db_new(&db);
    err = ax_csv_sink_open(*b->options.emit ? b->options.emit : NULL, &b->sink, diag);
    if (err == AX_OK)
        err = ax_csv_open(b->options.inputs.v, b->options.inputs.n, ax_str(b->options.label), &b->csv, diag);
    if (err == AX_OK)
        err = make_keys(b, diag);
    if (err == AX_OK) { /* a fit ends at the instant that began it */
        const struct ax_training_options training = {
            .cpu_share = 1, .bytes_max = TRAINING_BYTES_MAX, .synchronous = true};
        err = ax_training_start(&training, &b->training, diag);
    }
    if (err == AX_OK) {
        b->watch = ax_backtest_watch_new(config, ax_str(b->options.config_file), b->options.train_until_ms);
        b->observer = b->watch ? ax_backtest_watch_observer(b->watch) : (struct ax_observer){0};
        const struct ax_pipeline_options pipeline = {.db = b->db,
                                                     .sink = ax_csv_sink_sink(b->sink),
                                                     .observer = &b->observer,
                                                     .training = b->training,
                                                     .clock = ax_clock_virtual(&b->now_ms),
                                                     .max_range_ms = b->options.max_range_ms,
                                                     .zero_delay = true,
                                                     .seed = SEED};
        b->pipeline = b->db && b->watch ? ax_pipeline_new(&pipeline) : NULL;
        err = b->pipeline ? ax_pipeline_load(b->pipeline, config, diag)
                          : ax_fail(diag, AX_NOMEM, "out of memory");
    }
    if (err != AX_OK)
        ax_config_free(config);
    return err;
}

/* A line of progress once a second, on a terminal only. */
static void show_progress(struct backtest *b)
{
    if (!isatty(STDERR_FILENO) || ax_mono_ns() - b->shown_ns < PROGRESS_NS)
        return;
    b->shown_ns = ax_mono_ns();
    (void)fprintf(stderr, "\r%" PRIu64 " samples, %" PRIu64 " steps", b->samples, b->steps);
}

static void run_to(struct backtest *b, int64_t t_ms)
{
    b->now_ms = t_ms;
    b->steps += ax_pipeline_run_due(b->pipeline);
    show_progress(b);
}

/* Nothing comes until to_ms. In service the clock goes on and steps run without samples; here too, so that
 * what is emitted of a gap does not hang on when the gap ends. */
static void pass_silence(struct backtest *b, int64_t to_ms)
{
    int64_t from_ms = b->now_ms;
    while (b->now_ms - from_ms < b->silence_ms && to_ms - b->now_ms > b->stride_ms)
        run_to(b, b->now_ms + b->stride_ms);
}

static enum ax_err run(struct backtest *b, struct ax_diag *diag)
{
    struct ax_csv_value v;
    bool end = false, any = false;
    int64_t t_ms = 0;
    for (;;) {
        enum ax_err err = ax_csv_next(b->csv, &v, &end, diag);
        if (err != AX_OK)
            return err;
        if (any && (end || v.t_ms != t_ms))
            run_to(b, t_ms);
        if (any && !end && v.t_ms != t_ms)
            pass_silence(b, v.t_ms);
        if (end)
            return any ? AX_OK : ax_fail(diag, AX_INVALID, "the input has no samples");
        any = true;
        t_ms = v.t_ms;
        const struct ax_sample sample = {v.t_ms, v.value};
        struct ax_append_result result = {0};
        enum ax_fate fate =
            ax_db_append(b->db, ax_str(""), ax_buf_view(&b->keys[v.series]), &sample, 1, &result, diag);
        if (fate == AX_FATE_INVALID)
            return AX_INVALID;
        b->samples += result.appended;
        b->duplicates += result.duplicates;
        ax_backtest_watch_truth(b->watch, ax_csv_labels(b->csv, v.series), v.t_ms, v.label);
    }
}

/* Write a text to a file, whole. */
static enum ax_err write_file(const char *path, const struct ax_buf *text, struct ax_diag *diag)
{
    FILE *f = fopen(path, "w");
    bool whole = f && fwrite(text->bytes, 1, text->n, f) == text->n;
    if (f && fclose(f) != 0)
        whole = false;
    return whole ? AX_OK : ax_fail(diag, AX_IO, "cannot write %s: %s", path, strerror(errno));
}

static enum ax_err show_result(struct backtest *b, struct ax_diag *diag)
{
    if (b->shown_ns)
        (void)fputc('\n', stderr);
    if (b->samples == 0)
        return ax_fail(diag, AX_INVALID, "no column of the input matches a selector of the jobs");
    if (b->duplicates)
        (void)fprintf(stderr,
                      "auspex backtest: %" PRIu64 " values of a time that was there already were left out\n",
                      b->duplicates);
    struct ax_report *report = ax_backtest_watch_report(b->watch);
    struct ax_buf text;
    ax_buf_init(&text, REPORT_BYTES_MAX);
    if (strcmp(b->options.format, "json") == 0)
        ax_report_json(report, &text);
    else
        ax_report_table(report, &text);
    enum ax_err err = text.err;
    if (err == AX_OK && fwrite(text.bytes, 1, text.n, stdout) != text.n)
        err = ax_fail(diag, AX_IO, "cannot write the summary: %s", strerror(errno));
    if (err == AX_OK && *b->options.report) {
        ax_buf_reset(&text);
        ax_report_html(report, &text);
        err = text.err == AX_OK ? write_file(b->options.report, &text, diag) : text.err;
    }
    if (text.err != AX_OK)
        err = ax_fail(diag, text.err, "the report does not fit in memory: use fewer series");
    ax_buf_done(&text);
    return err;
}

static enum ax_err tear_down(struct backtest *b, struct ax_diag *diag)
{
    ax_pipeline_free(b->pipeline);
    ax_training_stop(b->training);
    enum ax_err err = ax_csv_sink_close(b->sink, diag);
    ax_backtest_watch_free(b->watch);
    for (uint32_t i = 0; b->keys && i < ax_csv_series_n(b->csv); i++)
        ax_buf_done(&b->keys[i]);
    free(b->keys);
    ax_csv_close(b->csv);
    ax_db_free(b->db);
    return err;
}

static enum ax_err check_options(struct options *o, int words_n, const char **words, struct ax_diag *diag)
{
    if (words_n)
        return ax_fail(diag, AX_INVALID, "unexpected word '%s'", words[0]);
    if (!*o->config_file)
        return ax_fail(diag, AX_INVALID, "--config.file is missing: it says which jobs to run");
    if (o->inputs.n == 0)
        return ax_fail(diag, AX_INVALID, "--input is missing: a CSV file with a column `timestamp`");
    if (strcmp(o->format, "table") != 0 && strcmp(o->format, "json") != 0)
        return ax_fail(diag, AX_INVALID, "--format: '%s' is not table or json", o->format);
    return parse_time(o->train_until, &o->train_until_ms, diag);
}

int ax_cmd_backtest(int argc, char **argv)
{
    struct backtest b = {0};
    struct options *o = &b.options;
    const struct ax_flag flags[] = {
        {"config.file", AX_FLAG_STRING, &o->config_file, "", "configuration with the jobs to run"},
        {"input", AX_FLAG_LIST, &o->inputs, NULL, "CSV file; may be given several times, merged by time"},
        {"train-until", AX_FLAG_STRING, &o->train_until, "",
         "report only on what comes after (Unix seconds or RFC 3339)"},
        {"emit", AX_FLAG_STRING, &o->emit, "", "write every emitted sample to this CSV file"},
        {"report", AX_FLAG_STRING, &o->report, "", "write a report with pictures to this HTML file"},
        {"format", AX_FLAG_STRING, &o->format, "table", "summary as table or json"},
        {"label", AX_FLAG_STRING, &o->label, "", "column that says what was abnormal (1) and what not (0)"},
        {"query.max-range", AX_FLAG_DURATION, &o->max_range_ms, "1h", "longest range of an expression"},
    };
    const size_t n = sizeof flags / sizeof flags[0];
    const char **words = calloc((size_t)argc + 1, sizeof *words);
    int words_n = 0;
    bool help = false;
    struct ax_diag diag = {{0}};
    enum ax_err err = words ? ax_flags_parse(flags, n, argc, argv, words, &words_n, &help, &diag) : AX_NOMEM;
    if (err == AX_OK && help) {
        ax_flags_usage(flags, n,
                       "auspex backtest --config.file=F --input=A.csv [--input=B.csv] [--flag=value ...]",
                       stdout);
        free(words);
        return 0;
    }
    if (err == AX_OK)
        err = check_options(o, words_n, words, &diag);
    free(words);
    if (err != AX_OK) {
        (void)fprintf(stderr, "auspex backtest: %s\n", diag.text);
        return 2;
    }
    err = ax_blas_setup(&diag);
    if (err == AX_OK)
        err = set_up(&b, &diag);
    if (err == AX_OK)
        err = run(&b, &diag);
    if (err == AX_OK)
        err = show_result(&b, &diag);
    enum ax_err end_err = tear_down(&b, err == AX_OK ? &diag : NULL);
    if (err == AX_OK)
        err = end_err;
    if (err != AX_OK)
        (void)fprintf(stderr, "auspex backtest: %s\n", diag.text);
    return err == AX_OK ? 0 : 1;
}
