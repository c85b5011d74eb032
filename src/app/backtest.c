/* backtest.c: `auspex backtest`: the pipeline of `serve` over recorded data (app/recording.h). Nothing is
 * sent anywhere. */
#include "app/backtest_feedback.h"
#include "app/backtest_watch.h"
#include "app/commands.h"
#include "app/csv_sink.h"
#include "app/flags.h"
#include "app/recording.h"
#include "base/assert.h"
#include "base/parse.h"
#include "math/blas.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define TRAINING_BYTES_MAX (256u << 20)
#define REPORT_BYTES_MAX (256u << 20)
#define SERIES_TEXT_MAX (1u << 20)
#define TITLE_MAX 1024
#define INPUTS_NAMED 3 /* files, in the title of the report */

struct options {
    const char *config_file, *train_until, *emit, *report, *format, *label, *feedback;
    struct ax_flag_list inputs;
    int64_t max_range_ms, train_until_ms;
};

/* A backtest on its way. */
struct backtest {
    struct options options;
    struct ax_recording recording;
    struct ax_csv_sink *sink;
    struct ax_training *training;
    struct ax_backtest_watch *watch;
    struct ax_backtest_feedback *feedback; /* NULL: nobody said anything */
    struct ax_observer observer;
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

/* Whether a file can be written, before much time is spent on what goes into it; nothing in it is lost. */
static enum ax_err check_writable(const char *path, struct ax_diag *diag)
{
    if (!*path)
        return AX_OK;
    FILE *f = fopen(path, "a");
    if (!f || fclose(f) != 0)
        return ax_fail(diag, AX_IO, "cannot write %s: %s", path, strerror(errno));
    return AX_OK;
}

static void take_truth(void *ctx, const struct ax_labels *labels, int64_t t_ms, int label)
{
    ax_backtest_watch_truth(ctx, labels, t_ms, label);
}

/* What ran over what: the title of the report. */
static void name_run(const struct options *o, char out[TITLE_MAX])
{
    size_t n = (size_t)snprintf(out, TITLE_MAX, "%s", o->config_file);
    for (uint32_t i = 0; i < o->inputs.n && i < INPUTS_NAMED && n < TITLE_MAX; i++) {
        const char *slash = strrchr(o->inputs.v[i], '/');
        n += (size_t)snprintf(out + n, TITLE_MAX - n, "%s%s", i ? ", " : " over ",
                              slash ? slash + 1 : o->inputs.v[i]);
    }
    if (o->inputs.n > INPUTS_NAMED && n < TITLE_MAX)
        (void)snprintf(out + n, TITLE_MAX - n, " and %u more", o->inputs.n - INPUTS_NAMED);
}

static enum ax_err set_up(struct backtest *b, struct ax_diag *diag)
{
    struct options *o = &b->options;
    struct ax_config *config = NULL;
    enum ax_err err = *o->feedback ? ax_backtest_feedback_open(o->feedback, &b->feedback, diag) : AX_OK;
    if (err == AX_OK)
        err = check_writable(o->report, diag);
    if (err == AX_OK)
        err = ax_recording_config(o->config_file, o->max_range_ms, &config, diag);
    if (err != AX_OK)
        return err;
    AX_ASSERT(config);
    err = ax_csv_sink_open(*o->emit ? o->emit : NULL, &b->sink, diag);
    if (err == AX_OK) { /* a fit ends at the instant that began it */
        const struct ax_training_options training = {
            .cpu_share = 1, .bytes_max = TRAINING_BYTES_MAX, .synchronous = true};
        err = ax_training_start(&training, &b->training, diag);
    }
    if (err == AX_OK) {
        char title[TITLE_MAX];
        name_run(o, title);
        b->watch = ax_backtest_watch_new(config, ax_str(title), o->train_until_ms);
        b->observer = b->watch ? ax_backtest_watch_observer(b->watch) : (struct ax_observer){0};
        b->recording.truth = take_truth;
        b->recording.ctx = b->watch;
        const struct ax_pipeline_options pipeline = {.sink = ax_csv_sink_sink(b->sink),
                                                     .observer = &b->observer,
                                                     .training = b->training,
                                                     .max_range_ms = o->max_range_ms};
        err = b->watch
                  ? ax_recording_open(&b->recording, &o->inputs, ax_str(o->label), config, &pipeline, diag)
                  : ax_fail(diag, AX_NOMEM, "out of memory");
    }
    if (err != AX_OK)
        ax_config_free(config);
    return err;
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

/* No job wants any column: name one, as a job has to select it. */
static enum ax_err nothing_wanted(const struct ax_recording *r, struct ax_diag *diag)
{
    struct ax_buf first;
    ax_buf_init(&first, SERIES_TEXT_MAX);
    if (ax_csv_series_n(r->csv))
        ax_labels_write(ax_csv_labels(r->csv, 0), &first);
    enum ax_err err =
        ax_fail(diag, AX_INVALID,
                "no column of the input matches a selector of the jobs; the first one is the series %.*s",
                (int)(first.n < 256 ? first.n : 256), first.n ? (const char *)first.bytes : "");
    ax_buf_done(&first);
    return err;
}

static enum ax_err show_result(struct backtest *b, struct ax_diag *diag)
{
    if (b->recording.shown_ns)
        (void)fputc('\n', stderr);
    if (b->recording.samples == 0)
        return nothing_wanted(&b->recording, diag);
    if (b->recording.duplicates)
        (void)fprintf(stderr,
                      "auspex backtest: %" PRIu64 " values of a time that was there already were left out\n",
                      b->recording.duplicates);
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
    ax_recording_close(&b->recording);
    ax_training_stop(b->training);
    enum ax_err err = ax_csv_sink_close(b->sink, diag);
    ax_backtest_watch_free(b->watch);
    ax_backtest_feedback_free(b->feedback);
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
        {"feedback", AX_FLAG_STRING, &o->feedback, "",
         "what people said of the recording, as GET /api/v1/feedback answers; told when they said it"},
        {"query.max-range", AX_FLAG_DURATION, &o->max_range_ms, "1h", "longest range of an expression"},
    };
    const size_t n = sizeof flags / sizeof flags[0];
    const char **words = calloc((size_t)argc + 1, sizeof *words);
    int words_n = 0;
    enum ax_help help = AX_HELP_NONE;
    struct ax_diag diag = {{0}};
    enum ax_err err = words ? ax_flags_parse(flags, n, argc, argv, words, &words_n, &help, &diag) : AX_NOMEM;
    if (err == AX_OK && help) {
        ax_flags_usage(flags, n,
                       "auspex backtest --config.file=F --input=A.csv [--input=B.csv] [--flag=value ...]",
                       help, stdout);
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
        err = ax_backtest_feedback_run(b.feedback, &b.recording, &diag);
    if (err == AX_OK)
        err = show_result(&b, &diag);
    enum ax_err end_err = tear_down(&b, err == AX_OK ? &diag : NULL);
    if (err == AX_OK)
        err = end_err;
    if (err != AX_OK)
        (void)fprintf(stderr, "auspex backtest: %s\n", diag.text);
    return err == AX_OK ? 0 : 1;
}
