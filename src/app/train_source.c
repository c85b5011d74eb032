/* train_source.c: both kinds of past. */
#include "app/train_source.h"

#include "base/parse.h"
#include "pipeline/standing.h"
#include "store/lock.h"
#include "train/registered.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SEED 42
#define REPORT_BYTES_MAX (256u << 20)
#define PARITY_GROUPS_MAX 256

/* ---- storage ---- */

static enum ax_err open_registry(struct ax_train_source *s, struct ax_diag *diag)
{
    char *dir = NULL;
    if (access(s->storage_path, F_OK) != 0)
        return ax_fail(diag, AX_NOTFOUND, "--storage.path: there is no folder %s", s->storage_path);
    enum ax_err err = ax_storage_lock(s->storage_path, &s->lock_fd, diag);
    if (err == AX_BUSY)
        return ax_fail(diag, err, "an auspex runs on %s: stop it first, or train from recordings (--input)",
                       s->storage_path);
    if (err == AX_OK && asprintf(&dir, "%s/models", s->storage_path) < 0)
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK) {
        const struct ax_registry_options options = {
            .dir = dir, .clock = ax_clock_wall(), .limits_as_before = true};
        err = ax_registry_open(&options, &s->registry, diag);
    }
    free(dir);
    return err;
}

static enum ax_err open_storage(struct ax_train_source *s, struct ax_diag *diag)
{
    const struct ax_durable_options durable = {.path = s->storage_path};
    enum ax_err err = ax_durable_open(&durable, &s->durable, diag);
    if (err != AX_OK)
        return err;
    const struct ax_db_options db = {.seed = SEED,
                                     .drop_labels = s->config->drop_labels,
                                     .drop_labels_n = s->config->drop_labels_n,
                                     .retention_ms = INT64_MAX / 4};
    s->db = ax_db_new(&db);
    const struct ax_pipeline_options options = {.db = s->db,
                                                .sink = ax_csv_sink_sink(s->sink),
                                                .artifacts = ax_artifact_registry(s->registry),
                                                .clock = ax_clock_virtual(&s->now_ms),
                                                .max_range_ms = s->max_range_ms,
                                                .seed = SEED,
                                                .log = ax_durable_log(s->durable)};
    s->pipeline = s->db ? ax_pipeline_new(&options) : NULL;
    err = s->pipeline ? ax_pipeline_load(s->pipeline, s->config, diag)
                      : ax_fail(diag, AX_NOMEM, "out of memory");
    s->loaded = err == AX_OK;
    if (err != AX_OK)
        return err;
    err = ax_durable_recover(s->durable, s->db, s->pipeline, diag);
    while (err == AX_OK && !ax_pipeline_is_current(s->pipeline))
        (void)ax_pipeline_run_due(s->pipeline);
    return err;
}

/* ---- recording ---- */

static void take_truth(void *ctx, const struct ax_labels *labels, int64_t t_ms, int label)
{
    struct ax_train_source *s = ctx;
    s->labelled += label >= 0 && t_ms <= s->split_ms;
    s->abnormal += label == 1 && t_ms <= s->split_ms;
    ax_backtest_watch_truth(s->watch, labels, t_ms, label);
}

static enum ax_err open_recording(struct ax_train_source *s, struct ax_diag *diag)
{
    int64_t from_ms, to_ms;
    enum ax_err err = ax_recording_span(&s->inputs, ax_str(s->label), &from_ms, &to_ms, diag);
    if (err != AX_OK)
        return err;
    s->split_ms = to_ms - (int64_t)((double)(to_ms - from_ms) * s->holdout);
    s->watch = ax_backtest_watch_new(s->config, ax_str(s->config_file), s->split_ms);
    if (!s->watch)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    s->observer = ax_backtest_watch_observer(s->watch);
    s->recording.truth = take_truth;
    s->recording.ctx = s;
    const struct ax_pipeline_options options = {
        .sink = ax_csv_sink_sink(s->sink), .observer = &s->observer, .max_range_ms = s->max_range_ms};
    err = ax_recording_open(&s->recording, &s->inputs, ax_str(s->label), s->config, &options, diag);
    s->loaded = err == AX_OK;
    s->pipeline = s->recording.pipeline;
    return err == AX_OK ? ax_recording_run(&s->recording, s->split_ms, diag) : err;
}

enum ax_err ax_train_source_open(struct ax_train_source *s, struct ax_diag *diag)
{
    enum ax_err err = ax_recording_config(s->config_file, s->max_range_ms, &s->config, diag);
    if (err != AX_OK)
        return err;
    err = ax_csv_sink_open(NULL, &s->sink, diag);
    if (err == AX_OK && *s->storage_path)
        err = open_registry(s, diag);
    if (err == AX_OK)
        err = s->inputs.n ? open_recording(s, diag) : open_storage(s, diag);
    return err;
}

/* ---- judging ---- */

static void serve(struct ax_train_task *t, struct ax_diag *diag)
{
    struct ax_generation *g = NULL;
    if (t->err != AX_OK)
        return;
    t->err = ax_generation_new(t->spec->kind, t->spec->build, ax_buf_view(&t->artifact), &g, diag);
    if (t->err != AX_OK)
        return;
    ax_generation_free(t->learner->live);
    t->learner->live = g;
}

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *job_of(json_t *all, const char *name)
{
    json_t *job = json_object_get(all, name);
    if (!job) {
        job = json_pack("{s:[]}", "horizons");
        (void)json_object_set_new(all, name, job);
    }
    return job;
}

/* From the summary of a backtest: what it calls skill_last_value is skill. */
static void take_summary(const json_t *summary, const struct ax_config *config, json_t *all)
{
    const json_t *jobs = json_object_get(summary, "jobs");
    for (size_t i = 0; i < json_array_size(jobs) && i < config->jobs_n; i++) {
        const json_t *in = json_array_get(jobs, i),
                     *horizons = json_object_get(json_object_get(in, "forecast"), "horizons"),
                     *anomaly = json_object_get(in, "anomaly");
        json_t *job = job_of(all, json_string_value(json_object_get(in, "job")));
        for (size_t h = 0; h < json_array_size(horizons); h++) {
            const json_t *one = json_array_get(horizons, h);
            json_t *row = json_deep_copy(json_object_get(one, "median"));
            (void)json_object_set(row, "horizon", json_object_get(one, "horizon"));
            (void)json_object_set(row, "n", json_object_get(one, "n"));
            (void)json_object_set(row, "series", json_object_get(one, "series"));
            (void)json_object_set(row, "skill", json_object_get(row, "skill_last_value"));
            (void)json_object_set_new(row, "horizon_ms",
                                      json_integer((json_int_t)config->jobs[i].forecast.horizons_ms[h]));
            (void)json_array_append_new(json_object_get(job, "horizons"), row);
        }
        if (anomaly)
            (void)json_object_set(job, "anomaly", (json_t *)(uintptr_t)anomaly);
    }
}

static json_t *groups_json(const struct ax_parity_group *groups, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_parity_group *g = &groups[i];
        (void)json_array_append_new(
            list,
            json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "group", json_stringn(g->name.p, g->name.n),
                      "points", (json_int_t)g->points, "alarms", (json_int_t)g->alarms, "labelled",
                      (json_int_t)g->labelled, "abnormal", (json_int_t)g->abnormal, "true_positive",
                      (json_int_t)g->true_positive, "false_positive", (json_int_t)g->false_positive, "wape",
                      number(ax_parity_error(g))));
    }
    return list;
}

/* How alike the values of a label are served. */
static void take_parity(const struct ax_train_source *s, uint32_t i, json_t *job)
{
    struct ax_parity_group groups[PARITY_GROUPS_MAX];
    const struct ax_str label = s->config->jobs[i].targets.parity;
    if (label.n == 0)
        return;
    const uint32_t n =
        ax_report_groups(ax_backtest_watch_report(s->watch), i, label, groups, PARITY_GROUPS_MAX);
    const struct ax_parity p = ax_parity_of(groups, n);
    (void)json_object_set_new(
        job, "parity",
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "label", json_stringn(label.p, label.n),
                  "statistical_parity", number(p.statistical_parity), "disparate_impact",
                  number(p.disparate_impact), "equal_opportunity", number(p.equal_opportunity),
                  "equalized_odds", number(p.equalized_odds), "error_ratio", number(p.error_ratio), "flagged",
                  p.flagged, "groups", groups_json(groups, n)));
}

static enum ax_err judge_recording(struct ax_train_source *s, json_t *all, struct ax_diag *diag)
{
    struct ax_buf text;
    enum ax_err err = ax_recording_run(&s->recording, INT64_MAX, diag);
    if (err != AX_OK)
        return err;
    ax_buf_init(&text, REPORT_BYTES_MAX);
    ax_report_json(ax_backtest_watch_report(s->watch), &text);
    json_t *summary = text.err == AX_OK ? json_loadb((const char *)text.bytes, text.n, 0, NULL) : NULL;
    ax_buf_done(&text);
    if (!summary)
        return ax_fail(diag, AX_NOMEM, "out of memory for the scores");
    take_summary(summary, s->config, all);
    for (uint32_t i = 0; i < s->config->jobs_n; i++) {
        char name[256];
        (void)snprintf(name, sizeof name, AX_STR_FMT, AX_STR_ARG(s->config->jobs[i].name));
        take_parity(s, i, job_of(all, name));
    }
    json_decref(summary);
    return AX_OK;
}

static void take_score(void *ctx, const struct ax_job_config *job, struct ax_str feature, int64_t horizon_ms,
                       const struct ax_score *score)
{
    char name[256], horizon[40];
    if (feature.n || score->n == 0)
        return;
    (void)snprintf(name, sizeof name, AX_STR_FMT, AX_STR_ARG(job->name));
    ax_format_duration(horizon_ms, horizon, sizeof horizon);
    (void)json_array_append_new(json_object_get(job_of(ctx, name), "horizons"),
                                json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "horizon", horizon,
                                          "horizon_ms", (json_int_t)horizon_ms, "n", (json_int_t)score->n,
                                          "accuracy", number(score->accuracy), "wape", number(score->wape),
                                          "mape", number(score->mape), "coverage", number(score->coverage),
                                          "skill", number(score->skill), "correlation",
                                          number(score->correlation)));
}

enum ax_err ax_train_source_judge(struct ax_train_source *s, struct ax_train_task *tasks, uint32_t n,
                                  json_t **out, struct ax_diag *diag)
{
    json_t *all = json_object();
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; i < n; i++)
        serve(&tasks[i], &tasks[i].diag);
    if (s->inputs.n)
        err = judge_recording(s, all, diag);
    else
        ax_pipeline_each_score(s->pipeline, take_score, all);
    *out = all;
    return err;
}

void ax_train_source_close(struct ax_train_source *s)
{
    struct ax_diag ignored;
    if (!s->loaded)
        ax_config_free(s->config);
    if (!s->recording.pipeline)
        ax_pipeline_free(s->pipeline);
    ax_recording_close(&s->recording);
    ax_db_free(s->db);
    ax_durable_close(s->durable);
    ax_backtest_watch_free(s->watch);
    (void)ax_csv_sink_close(s->sink, &ignored);
    ax_registry_close(s->registry);
    if (s->lock_fd >= 0)
        ax_storage_unlock(s->lock_fd);
}
