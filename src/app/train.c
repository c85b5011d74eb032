/* train.c: `auspex train`: the models of all jobs, fitted now, judged, and registered where there is a
 * registry.
 *
 * Steps: open the past (app/train_source.h), copy what each model learns from, validate, fit and search
 * (app/train_fit.h), let them serve and see how they do, register, report (app/train_report.h). */
#include "app/commands.h"
#include "app/flags.h"
#include "app/train_report.h"
#include "app/train_source.h"
#include "base/grow.h"
#include "base/log.h"
#include "base/parse.h"
#include "math/blas.h"
#include "pipeline/standing.h"
#include "store/whole_file.h"
#include "train/parity.h"
#include "train/registered.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPORT_DIGITS 13 /* seconds since 1970 to the millisecond */
#define REPORT_BYTES_MAX (64u << 20)
#define THREADS_MAX 64

struct options {
    struct ax_train_source source;
    const char *holdout, *report, *sampler, *format, *stage;
    uint32_t cpu, trials;
    uint64_t bytes_max;
    int64_t search_ms;
    uint32_t completeness, outliers;
    bool registers;
};

/* A training on its way. */
struct training {
    struct options *options;
    const char **words; /* jobs; none: all */
    int words_n;
    struct ax_train_task *tasks;
    uint32_t n, cap;
    struct ax_train_how how;
    bool nomem;
};

/* ---- snapshot ---- */

static bool is_meant(const struct training *t, struct ax_str job)
{
    bool meant = t->words_n == 0;
    for (int i = 0; i < t->words_n && !meant; i++)
        meant = ax_str_eq(job, ax_str(t->words[i]));
    return meant;
}

/* What one model is to learn from, copied. */
static bool add_task(void *ctx, const struct ax_job_config *job, int64_t t_ms, struct ax_learner *l)
{
    struct training *t = ctx;
    if (!is_meant(t, job->name))
        return true;
    struct ax_train_task *more = ax_grow(t->tasks, t->n, &t->cap, 16, sizeof *more);
    t->nomem = !more;
    if (!more)
        return false;
    t->tasks = more;
    struct ax_past_copy past = {0};
    struct ax_train_task *task = &t->tasks[t->n++];
    *task = (struct ax_train_task){.spec = &l->spec, .learner = l};
    task->copied = l->spec.copy(l->spec.ctx, t_ms, AX_FIT_MANUAL, t->options->bytes_max, &past);
    task->data = past.data;
    return true;
}

/* ---- report ---- */

static double score_of(const json_t *scores, const char *key)
{
    const json_t *v = json_object_get(scores, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static struct ax_artifact_about about(const struct ax_train_task *task)
{
    return (struct ax_artifact_about){.job = task->spec->job,
                                      .kind = task->spec->kind->name,
                                      .feature = task->spec->feature,
                                      .tried = task->spec->rule.shadows,
                                      .config = task->spec->config,
                                      .lineage = task->spec->kind->lineage ? &task->lineage : NULL};
}

/* Register what was trained, where there is a registry; ref is empty where nothing was. */
static void register_model(const struct training *t, struct ax_train_task *task, const char *holdout,
                           struct ax_model_ref *ref)
{
    struct ax_artifact_about of = about(task);
    char found[AX_FINDINGS_TEXT] = "";
    if (task->validated)
        ax_findings_scores(task->findings, found);
    of.scores = holdout;
    of.found = found;
    struct ax_registry *r = t->options->source.registry;
    *ref = (struct ax_model_ref){.stage = AX_STAGE_DEVELOPMENT};
    if (!r || !t->options->registers || task->err != AX_OK)
        return;
    task->err = ax_artifact_register(r, &of, ax_buf_view(&task->artifact), ref, &task->diag);
    if (task->err != AX_OK)
        *ref->version = '\0';
}

/* Let the versions of a job that is fit to serve go where a fit of the process would, and say where all are.
 */
static void place_models(const struct training *t, const char *job, bool fit, struct ax_model_ref *refs,
                         json_t *models)
{
    const struct ax_registry_by by = {ax_str("auspex train"), ax_str("the job is fit to serve")};
    size_t at = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        struct ax_train_task *task = &t->tasks[i];
        const struct ax_artifact_about of = about(task);
        struct ax_diag diag = {{0}};
        if (strcmp(task->spec->job, job) != 0)
            continue;
        json_t *model = json_array_get(models, at++);
        if (!*refs[i].version)
            continue;
        if (fit && strcmp(t->options->stage, "auto") == 0 &&
            ax_artifact_enter(t->options->source.registry, &of, &by, &refs[i], &diag) != AX_OK)
            (void)fprintf(stderr, "auspex train: %s stays in development: %s\n", refs[i].version, diag.text);
        (void)json_object_set_new(model, "stage", json_string(ax_stage_name(refs[i].stage)));
    }
}

/* Say on the card of a version, which shows its entries of the audit log, that groups are not served alike.
 */
static void flag_parity(const struct training *t, const json_t *model, const json_t *scores)
{
    const json_t *p = json_object_get(scores, "parity");
    const char *name = json_string_value(json_object_get(model, "model")),
               *version = json_string_value(json_object_get(model, "version"));
    char why[512];
    struct ax_diag diag = {{0}};
    if (!json_is_true(json_object_get(p, "flagged")) || !version || !*version)
        return;
    const struct ax_parity found = {.disparate_impact = score_of(p, "disparate_impact"),
                                    .equal_opportunity = score_of(p, "equal_opportunity"),
                                    .equalized_odds = score_of(p, "equalized_odds"),
                                    .error_ratio = score_of(p, "error_ratio")};
    ax_parity_describe(&found, ax_str(json_string_value(json_object_get(p, "label"))), why, sizeof why);
    const struct ax_registry_by by = {ax_str("auspex"), ax_str(why)};
    if (ax_registry_note(t->options->source.registry, ax_str(name), ax_str(version), ax_str("parity"), &by,
                         &diag) != AX_OK)
        (void)fprintf(stderr, "auspex train: %s\n", diag.text);
}

static json_t *job_json(struct training *t, const struct ax_job_config *job, const json_t *scores)
{
    char name[256];
    json_t *models = json_array(), *reasons = json_array(), *grounds = json_array();
    struct ax_model_ref *refs = calloc(t->n + 1, sizeof *refs);
    (void)snprintf(name, sizeof name, AX_STR_FMT, AX_STR_ARG(job->name));
    json_t *own = json_object_get(scores, name);
    /* Of a storage they are those of what served before. */
    char *holdout = t->options->source.inputs.n ? ax_train_holdout(job, own) : NULL;
    for (uint32_t i = 0; refs && i < t->n; i++) {
        struct ax_train_task *task = &t->tasks[i];
        if (strcmp(task->spec->job, name) != 0)
            continue;
        register_model(t, task, holdout, &refs[i]);
        (void)json_array_append_new(models, ax_train_model_json(task, refs[i].version));
        flag_parity(t, json_array_get(models, json_array_size(models) - 1), own);
    }
    json_t *targets = ax_train_targets_json(job, own);
    const bool fit = refs && ax_train_verdict(models, targets, reasons, grounds);
    if (refs)
        place_models(t, name, fit, refs, models);
    free(refs);
    free(holdout);
    return json_pack("{s:s, s:b, s:o, s:o, s:o, s:O*, s:o}", "job", name, "fit_to_serve", fit, "reasons",
                     reasons, "grounds", grounds, "targets", targets, "scores", own, "models", models);
}

static json_t *report_json(struct training *t, const json_t *scores)
{
    const struct ax_train_source *s = &t->options->source;
    json_t *jobs = json_array(), *split = s->inputs.n ? json_real((double)s->split_ms / 1000) : json_null();
    for (uint32_t i = 0; i < s->config->jobs_n; i++)
        if (is_meant(t, s->config->jobs[i].name))
            (void)json_array_append_new(jobs, job_json(t, &s->config->jobs[i], scores));
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "build", AX_VERSION, "config", s->config_file, "source",
                     s->inputs.n ? s->inputs.v[0] : s->storage_path, "trained_until", split, "jobs", jobs);
}

static enum ax_err write_reports(const struct training *t, const json_t *report, struct ax_diag *diag)
{
    const char *dir = t->options->report;
    struct ax_buf markdown;
    ax_buf_init(&markdown, REPORT_BYTES_MAX);
    ax_train_markdown(report, &markdown);
    char *json = json_dumps(report, JSON_INDENT(2) | JSON_REAL_PRECISION(REPORT_DIGITS));
    enum ax_err err = markdown.err == AX_OK && json ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK && *dir)
        err = ax_whole_file_write(dir, "train.json", ax_str(json), diag);
    if (err == AX_OK && *dir)
        err = ax_whole_file_write(dir, "train.md", ax_buf_view(&markdown), diag);
    const struct ax_str shown =
        strcmp(t->options->format, "json") == 0 && json ? ax_str(json) : ax_buf_view(&markdown);
    if (err == AX_OK && fwrite(shown.p, 1, shown.n, stdout) != shown.n)
        err = ax_fail(diag, AX_IO, "cannot write the report: %s", strerror(errno));
    free(json);
    ax_buf_done(&markdown);
    return err;
}

static bool all_fit(const json_t *report)
{
    const json_t *jobs = json_object_get(report, "jobs");
    bool fit = true;
    for (size_t i = 0; i < json_array_size(jobs); i++)
        fit = fit && json_is_true(json_object_get(json_array_get(jobs, i), "fit_to_serve"));
    return fit;
}

/* ---- the command ---- */

static void plan(struct training *t)
{
    const struct options *o = t->options;
    const struct ax_recording *r = &o->source.recording;
    const uint32_t cores = (o->cpu + 99) / 100;
    t->how = (struct ax_train_how){
        .validation = {.completeness_min = o->completeness / 100.0, .outliers_max = o->outliers / 100.0},
        .threads = cores < THREADS_MAX ? cores : THREADS_MAX,
        .cpu_share = (double)o->cpu / (100.0 * cores),
        .trials = o->trials,
        .bytes_max = o->bytes_max,
        .search_ms = o->search_ms,
        .random = strcmp(o->sampler, "random") == 0,
        .states = *o->report ? o->report : NULL};
    ax_validation_order(&t->how.told, r->samples + r->duplicates, r->duplicates, 0);
    ax_validation_labels(&t->how.told, o->source.labelled, o->source.abnormal);
}

static enum ax_err check_words(const struct training *t, struct ax_diag *diag)
{
    const struct ax_config *c = t->options->source.config;
    for (int i = 0; i < t->words_n; i++) {
        bool found = false;
        for (uint32_t k = 0; k < c->jobs_n && !found; k++)
            found = ax_str_eq(c->jobs[k].name, ax_str(t->words[i]));
        if (!found)
            return ax_fail(diag, AX_NOTFOUND, "%s has no job '%s'", t->options->source.config_file,
                           t->words[i]);
    }
    return AX_OK;
}

static enum ax_err run(struct training *t, bool *fit, struct ax_diag *diag)
{
    struct ax_train_source *s = &t->options->source;
    json_t *scores = NULL, *report = NULL;
    enum ax_err err = ax_train_source_open(s, diag);
    if (err == AX_OK)
        err = check_words(t, diag);
    if (err == AX_OK) {
        ax_pipeline_each_learner(s->pipeline, add_task, t);
        err = t->nomem ? ax_fail(diag, AX_NOMEM, "out of memory") : AX_OK;
    }
    if (err == AX_OK) {
        plan(t);
        ax_train_all(t->tasks, t->n, &t->how);
        err = ax_train_source_judge(s, t->tasks, t->n, &scores, diag);
    }
    if (err == AX_OK) {
        report = report_json(t, scores);
        err = report ? write_reports(t, report, diag) : ax_fail(diag, AX_NOMEM, "out of memory");
        *fit = all_fit(report);
    }
    json_decref(scores);
    json_decref(report);
    for (uint32_t i = 0; i < t->n; i++)
        ax_train_task_done(&t->tasks[i]);
    free(t->tasks);
    ax_train_source_close(s);
    return err;
}

static enum ax_err check_options(struct options *o, struct ax_diag *diag)
{
    struct ax_train_source *s = &o->source;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (!*s->config_file)
        return ax_fail(diag, AX_INVALID, "--config.file is missing: it says which jobs to train");
    if (s->inputs.n == 0 && !*s->storage_path)
        return ax_fail(diag, AX_INVALID,
                       "from what? --input=CSV is a recording, --storage.path the storage of an auspex that "
                       "does not run");
    if (ax_parse_double(ax_str(o->holdout), &s->holdout) != AX_OK || !(s->holdout > 0 && s->holdout < 1))
        return ax_fail(diag, AX_INVALID, "--holdout: '%s' is no share between 0 and 1", o->holdout);
    if (strcmp(o->sampler, "tpe") != 0 && strcmp(o->sampler, "random") != 0)
        return ax_fail(diag, AX_INVALID, "--search.sampler: '%s' is not tpe or random", o->sampler);
    if (strcmp(o->stage, "auto") != 0 && strcmp(o->stage, "development") != 0)
        return ax_fail(diag, AX_INVALID, "--stage: '%s' is not auto or development", o->stage);
    if (strcmp(o->format, "markdown") != 0 && strcmp(o->format, "json") != 0)
        return ax_fail(diag, AX_INVALID, "--format: '%s' is not markdown or json", o->format);
    if (o->completeness < 1 || o->completeness > 100 || o->outliers < 1 || o->outliers > 100)
        return ax_fail(
            diag, AX_INVALID,
            "--training.min-completeness and --training.max-outliers are percentages from 1 to 100");
    if (o->cpu == 0)
        o->cpu = cores > 0 ? 100 * (uint32_t)cores : 100;
    if (*o->report && mkdir(o->report, 0777) != 0 && errno != EEXIST)
        return ax_fail(diag, AX_IO, "--report: cannot make %s: %s", o->report, strerror(errno));
    return AX_OK;
}

int ax_cmd_train(int argc, char **argv)
{
    struct options o = {.source.lock_fd = -1};
    struct ax_train_source *s = &o.source;
    struct training t = {.options = &o};
    const struct ax_flag flags[] = {
        {"config.file", AX_FLAG_STRING, &s->config_file, "", "configuration with the jobs to train"},
        {"input", AX_FLAG_LIST, &s->inputs, NULL, "CSV file as of a backtest; may be given several times"},
        {"label", AX_FLAG_STRING, &s->label, "", "column that says what was abnormal (1) and what not (0)"},
        {"holdout", AX_FLAG_STRING, &o.holdout, "0.2",
         "share of the recording's time, its end, that models are judged by"},
        {"storage.path", AX_FLAG_STRING, &s->storage_path, "",
         "folder of an auspex that does not run: its windows without --input, its registry with it"},
        {"register", AX_FLAG_BOOL, &o.registers, "true", "with --storage.path: register what was trained"},
        {"stage", AX_FLAG_STRING, &o.stage, "auto",
         "auto: what is registered of a job that is fit to serve is tried beside the champion, or serves "
         "where there is "
         "none; development: it waits for auspex models promote"},
        {"report", AX_FLAG_STRING, &o.report, "",
         "folder for train.json and train.md, and for searches to go on from"},
        {"format", AX_FLAG_STRING, &o.format, "markdown", "what is printed: markdown or json"},
        {"training.max-cpu", AX_FLAG_COUNT, &o.cpu, "0", "percent of one core, 200 for two; 0: all cores"},
        {"training.max-memory", AX_FLAG_BYTES, &o.bytes_max, "256MiB", "what one model learns from"},
        {"search.trials", AX_FLAG_COUNT, &o.trials, "0",
         "sets of hyper-parameters that are tried for a model, beside the usual one"},
        {"search.max-time", AX_FLAG_DURATION, &o.search_ms, "0s",
         "no trial begins after so long; 0s: any time"},
        {"search.sampler", AX_FLAG_STRING, &o.sampler, "tpe", "tpe or random"},
        {"training.min-completeness", AX_FLAG_COUNT, &o.completeness, "50",
         "percent of the steps that must have a value"},
        {"training.max-outliers", AX_FLAG_COUNT, &o.outliers, "30",
         "percent of the values that may be outliers"},
        {"query.max-range", AX_FLAG_DURATION, &s->max_range_ms, "1h", "longest range of an expression"},
    };
    const size_t n = sizeof flags / sizeof flags[0];
    enum ax_help help = AX_HELP_NONE;
    bool fit = false;
    struct ax_diag diag = {{0}};
    t.words = calloc((size_t)argc + 1, sizeof *t.words);
    enum ax_err err = t.words ? ax_flags_parse(flags, n, argc, argv, t.words, &t.words_n, &help, &diag)
                              : ax_fail(&diag, AX_NOMEM, "out of memory");
    if (err == AX_OK && help) {
        ax_flags_usage(flags, n, "auspex train [JOB ...] --config.file=F --input=A.csv [--flag=value ...]",
                       help, stdout);
        free(t.words);
        return 0;
    }
    if (err == AX_OK)
        err = check_options(&o, &diag);
    const bool called_wrongly = err != AX_OK;
    ax_log_setup(AX_LOG_WARN, AX_LOG_LOGFMT);
    if (err == AX_OK)
        err = ax_blas_setup(&diag);
    if (err == AX_OK)
        err = run(&t, &fit, &diag);
    free(t.words);
    if (err != AX_OK)
        (void)fprintf(stderr, "auspex train: %s\n", diag.text);
    return called_wrongly ? 2 : err == AX_OK && fit ? 0 : 1;
}
