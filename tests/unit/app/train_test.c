/* A training says what it made of what, and whether that is fit to serve; it comes out the same however many
 * models are trained at once, and goes on after an interruption. */
#include "app/commands.h"
#include "ax_test.h"
#include "base/rng.h"
#include "lasting.h"
#include "registry/registry.h"
#include "scratch.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define START 1700000100
#define STEP 300
#define ROWS 300

static void write_text(const char *name, const char *text)
{
    char path[SCRATCH_PATH];
    scratch_in(path, scratch_folder, name);
    scratch_write(path, text, strlen(text));
}

/* A wave of 24 steps in two series; every `gap`-th row has no value (0: all have one). */
static void write_recording(int gap)
{
    char path[SCRATCH_PATH];
    scratch_in(path, scratch_folder, "in.csv");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "timestamp,\"m{a=\"\"1\"\"}\",\"m{a=\"\"2\"\"}\",label\n");
    for (int i = 0; i < ROWS; i++) {
        const double v = 100 + 40 * sin(2 * M_PI * i / 24) + i * (gap ? 41 : 37) % 11;
        if (gap && i % gap)
            (void)fprintf(f, "%d,,,0\n", START + i * STEP);
        else
            (void)fprintf(f, "%d,%g,%g,%d\n", START + i * STEP, v, 3 * v, i % 50 == 0);
    }
    assert_int_equal(fclose(f), 0);
}

static const char config[] =
    "global: {step: 5m}\n"
    "jobs:\n"
    "  - name: wave\n"
    "    expr: m\n"
    "    window: {fine: 400}\n"
    "    forecast: {output: p, horizons: [5m, 30m], lstm: {preset: internet, "
    "sequence: 6, epochs: 3}}\n"
    "    targets: {horizon: 30m, wape: WAPE, parity: a}\n"
    "  - name: other\n"
    "    expr: m * 2\n"
    "    forecast: {output: q, horizons: [5m], lstm: {preset: internet, sequence: 4, "
    "epochs: 2}}\n";

static void write_config(const char *wape)
{
    char text[2048];
    const char *at = strstr(config, "WAPE");
    (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - config), config, wape, at + 4);
    write_text("config.yml", text);
}

/* Run with these flags more; the report, and the status. */
static json_t *train(const char *const *more, int *status)
{
    char text[16][SCRATCH_PATH], path[SCRATCH_PATH];
    char *argv[17] = {NULL};
    int n = 0;
    (void)snprintf(text[n++], SCRATCH_PATH, "train");
    scratch_in(path, scratch_folder, "config.yml");
    (void)snprintf(text[n++], SCRATCH_PATH, "--config.file=%.230s", path);
    scratch_in(path, scratch_folder, "report");
    (void)snprintf(text[n++], SCRATCH_PATH, "--report=%.230s", path);
    for (; more && *more; more++) {
        if (strchr(*more, '@')) { /* a file of the scratch_folder */
            scratch_in(path, scratch_folder, strchr(*more, '@') + 1);
            (void)snprintf(text[n++], SCRATCH_PATH, "%.*s%.200s", (int)(strchr(*more, '@') - *more), *more,
                           path);
        } else {
            (void)snprintf(text[n++], SCRATCH_PATH, "%.250s", *more);
        }
    }
    for (int i = 0; i < n; i++)
        argv[i] = text[i];
    *status = ax_cmd_train(n, argv);
    scratch_in(path, scratch_folder, "report/train.json");
    json_t *report = json_load_file(path, 0, NULL);
    return report;
}

static const json_t *job(const json_t *report, const char *name)
{
    const json_t *jobs = json_object_get(report, "jobs");
    for (size_t i = 0; i < json_array_size(jobs); i++)
        if (strcmp(json_string_value(json_object_get(json_array_get(jobs, i), "job")), name) == 0)
            return json_array_get(jobs, i);
    fail_msg("no job %s", name);
    return NULL;
}

static const json_t *model(const json_t *report, const char *name)
{
    return json_array_get(json_object_get(job(report, name), "models"), 0);
}

static const char *text_of(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static double loss_of(const json_t *report, const char *name)
{
    return json_number_value(json_object_get(model(report, name), "loss"));
}

static void scores_are_held_against_the_targets_of_the_job(void **state)
{
    (void)state;
    static const char *const flags[] = {"--input=@in.csv", "--label=label", NULL};
    int status;
    write_recording(0);
    write_config("0.9");
    json_t *report = train(flags, &status);
    assert_int_equal(status, 0);
    assert_true(json_is_true(json_object_get(job(report, "wave"), "fit_to_serve")));
    assert_string_equal(text_of(model(report, "wave"), "status"), "trained");
    const json_t *target = json_array_get(json_object_get(job(report, "wave"), "targets"), 0);
    assert_string_equal(text_of(target, "score"), "wape");
    assert_string_equal(text_of(target, "horizon"), "30m");
    const json_t *parity = json_object_get(json_object_get(job(report, "wave"), "scores"), "parity");
    assert_string_equal(text_of(parity, "label"), "a");
    assert_int_equal(json_array_size(json_object_get(parity, "groups")), 2);
    const json_t *groups = json_object_get(parity, "groups");
    const double one = json_number_value(json_object_get(json_array_get(groups, 0), "wape")),
                 two = json_number_value(json_object_get(json_array_get(groups, 1), "wape"));
    assert_true(one > 0 && two > 0);
    ax_assert_close(json_number_value(json_object_get(parity, "error_ratio")), fmax(one / two, two / one),
                    1e-6);
    json_decref(report);
    write_config("0.000001");
    report = train(flags, &status);
    assert_int_equal(status, 1);
    assert_false(json_is_true(json_object_get(job(report, "wave"), "fit_to_serve")));
    const char *why = json_string_value(json_array_get(json_object_get(job(report, "wave"), "reasons"), 0));
    assert_non_null(strstr(why, "has to be at most 1e-06"));
    assert_true(json_is_true(json_object_get(job(report, "other"), "fit_to_serve")));
    const char *how = json_string_value(json_array_get(json_object_get(job(report, "other"), "grounds"), 0));
    assert_non_null(strstr(how, "skill is "));
    assert_non_null(strstr(how, ", at least 0 (the default: no target is set)"));
    json_decref(report);
}

/* Values of a uniform noise, and far above them at each `every`-th point of the last fifth. */
static void write_noise(int every)
{
    char path[SCRATCH_PATH];
    struct ax_rng rng;
    scratch_in(path, scratch_folder, "in.csv");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    ax_rng_seed(&rng, 3);
    (void)fputs("timestamp,m,label\n", f);
    for (int i = 0; i < 2000; i++) {
        const bool high = every && i > 1600 && i % every == 0;
        (void)fprintf(f, "%d,%g,%d\n", START + i * STEP, ax_rng_double(&rng) + (high ? 40 : 0), high);
    }
    assert_int_equal(fclose(f), 0);
}

static void without_a_target_scores_are_fit_when_they_alarm_about_as_often_as_configured(void **state)
{
    (void)state;
    static const char *const with_labels[] = {"--input=@in.csv", "--label=label", NULL},
                             *const without[] = {"--input=@in.csv", NULL};
    static const struct {
        int every;
        bool labelled, fit;
        const char *score, *text;
    } cases[] = {
        {0, false, true, "alarm_ratio", ", at most 0.01 (the default: no target is set)"},
        {12, false, false, "alarm_ratio", ", and has to be at most 0.01 (the default: no target is set)"},
        {12, true, true, "false_positive_rate", ", at most 0.01 (the default: no target is set)"}};
    write_text("config.yml",
               "global: {step: 5m}\njobs: [{name: noise, expr: m, anomaly: {}, window: {fine: 400}}]\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status;
        write_noise(cases[i].every);
        json_t *report = train(cases[i].labelled ? with_labels : without, &status);
        const json_t *o = job(report, "noise"), *t = json_array_get(json_object_get(o, "targets"), 0);
        assert_int_equal(status, cases[i].fit ? 0 : 1);
        assert_true(json_is_true(json_object_get(o, "fit_to_serve")) == cases[i].fit);
        assert_string_equal(text_of(t, "score"), cases[i].score);
        assert_true(json_is_true(json_object_get(t, "default")));
        const char *why =
            json_string_value(json_array_get(json_object_get(o, cases[i].fit ? "grounds" : "reasons"), 0));
        assert_non_null(strstr(why, cases[i].text));
        json_decref(report);
    }
}

static void data_that_are_not_fit_are_refused_with_their_reason(void **state)
{
    (void)state;
    static const char *const flags[] = {"wave", "--input=@in.csv", NULL};
    int status;
    write_recording(3);
    write_config("0");
    json_t *report = train(flags, &status);
    assert_int_equal(status, 1);
    assert_int_equal(json_array_size(json_object_get(report, "jobs")), 1);
    assert_string_equal(text_of(model(report, "wave"), "status"), "refused");
    assert_non_null(strstr(text_of(model(report, "wave"), "reason"), "completeness: 33"));
    json_decref(report);
}

static void what_comes_out_does_not_hang_on_how_many_are_trained_at_once(void **state)
{
    (void)state;
    static const char *const one[] = {"--input=@in.csv", "--training.max-cpu=100", NULL},
                             *const four[] = {"--input=@in.csv", "--training.max-cpu=400", NULL};
    int status;
    write_recording(0);
    write_config("0");
    json_t *a = train(one, &status), *b = train(four, &status);
    ax_assert_close(loss_of(a, "wave"), loss_of(b, "wave"), 0);
    ax_assert_close(loss_of(a, "other"), loss_of(b, "other"), 0);
    assert_true(
        json_equal(json_object_get(job(a, "wave"), "scores"), json_object_get(job(b, "wave"), "scores")));
    json_decref(a);
    json_decref(b);
}

static void a_search_goes_on_and_is_never_worse_than_what_is_usual(void **state)
{
    (void)state;
    static const char *const three[] = {"wave", "--input=@in.csv", "--search.trials=3", NULL},
                             *const six[] = {"wave", "--input=@in.csv", "--search.trials=6", NULL};
    int status;
    write_recording(0);
    write_config("0");
    json_t *first = train(three, &status), *whole = train(six, &status);
    char path[SCRATCH_PATH];
    scratch_in(path, scratch_folder, "report/wave-lstm.search");
    assert_int_equal(unlink(path), 0);
    json_t *again = train(six, &status);
    const json_t *search = json_object_get(model(whole, "wave"), "search");
    assert_int_equal(json_integer_value(json_object_get(search, "trials")), 6);
    const json_t *three_found = json_object_get(model(first, "wave"), "search");
    const double loss = json_number_value(json_object_get(search, "loss"));
    assert_true(loss <= json_number_value(json_object_get(three_found, "loss")));
    assert_true(loss <= json_number_value(json_object_get(search, "usual_loss")));
    assert_true(json_equal(search, json_object_get(model(again, "wave"), "search")));
    json_decref(first);
    json_decref(whole);
    json_decref(again);
}

static void what_a_search_has_found_can_be_written_into_the_configuration(void **state)
{
    (void)state;
    static const char *const search[] = {"wave", "--input=@in.csv", "--search.trials=12", NULL},
                             *const plain[] = {"wave", "--input=@in.csv", NULL};
    char text[2048], keys[512];
    int status;
    write_recording(0);
    write_config("0");
    json_t *found = train(search, &status), *chosen = json_object_get(model(found, "wave"), "search");
    const char *block = text_of(chosen, "config"), *from = strstr(block, "{lstm: {");
    assert_non_null(from);
    (void)snprintf(keys, sizeof keys, "%.*s", (int)(strstr(from, "}}") - from - 8), from + 8);
    assert_non_null(strstr(keys, "learning_rate: "));
    assert_non_null(strstr(keys, ", sequence: "));
    const char *at = strstr(config, "sequence: 6"), *wape = strstr(config, "WAPE");
    (void)snprintf(text, sizeof text, "%.*s%s%.*s0%s", (int)(at - config), config, keys,
                   (int)(wape - at - 11), at + 11, wape + 4);
    write_text("config.yml", text);
    json_t *again = train(plain, &status);
    ax_assert_close(loss_of(again, "wave"), loss_of(found, "wave"), 1e-9);
    assert_true(json_number_value(json_object_get(chosen, "loss")) <
                json_number_value(json_object_get(chosen, "usual_loss")));
    json_decref(again);
    json_decref(found);
}

/* The stage of the newest version of a model in the folder's registry. */
static enum ax_stage newest_stage(const char *name, const char *version)
{
    char path[SCRATCH_PATH];
    struct ax_registry *r = NULL;
    struct ax_model_ref ref;
    struct ax_diag diag = {{0}};
    scratch_in(path, scratch_folder, "store/models");
    const struct ax_registry_options options = {
        .dir = path, .clock = ax_clock_wall(), .limits_as_before = true};
    assert_int_equal(ax_registry_open(&options, &r, &diag), AX_OK);
    assert_int_equal(ax_registry_find(r, ax_str(name), ax_str("latest"), &ref, &diag), AX_OK);
    assert_string_equal(ref.version, version);
    ax_registry_close(r);
    return ref.stage;
}

static bool keep_wape(void *ctx, const struct ax_model_version *v)
{
    json_t *scores = json_loadb(v->draft.scores.p, v->draft.scores.n, 0, NULL);
    *(double *)ctx = json_number_value(json_object_get(scores, "holdout_wape"));
    json_decref(scores);
    return false;
}

/* What a version's card says of the time that it has not seen. */
static double holdout_wape(const char *name, const char *version)
{
    char path[SCRATCH_PATH];
    struct ax_registry *r = NULL;
    double wape = 0;
    scratch_in(path, scratch_folder, "store/models");
    const struct ax_registry_options options = {
        .dir = path, .clock = ax_clock_wall(), .limits_as_before = true};
    assert_int_equal(ax_registry_open(&options, &r, NULL), AX_OK);
    assert_int_equal(ax_registry_see(r, ax_str(name), ax_str(version), keep_wape, &wape, NULL), AX_OK);
    ax_registry_close(r);
    return wape;
}

/* Of the longest horizon, which is no longer than that of the targets. */
static double reported_wape(const json_t *report, const char *name)
{
    const json_t *horizons = json_object_get(json_object_get(job(report, name), "scores"), "horizons");
    return json_number_value(
        json_object_get(json_array_get(horizons, json_array_size(horizons) - 1), "wape"));
}

static void what_was_trained_serves_or_is_tried_if_the_job_is_fit_to_serve(void **state)
{
    (void)state;
    static const char *const flags[] = {"--input=@in.csv", "--storage.path=@store", NULL},
                             *const waits[] = {"--input=@in.csv", "--storage.path=@store",
                                               "--stage=development", NULL};
    char path[SCRATCH_PATH];
    int status;
    write_recording(0);
    write_config("0.000001");
    scratch_in(path, scratch_folder, "store");
    assert_int_equal(mkdir(path, 0700), 0);
    json_t *report = train(flags, &status);
    assert_int_equal(status, 1); /* wave is not fit, other is */
    assert_string_equal(text_of(model(report, "wave"), "version"), "1.0.0");
    assert_string_equal(text_of(model(report, "wave"), "stage"), "development");
    assert_string_equal(text_of(model(report, "other"), "stage"), "production");
    assert_true(reported_wape(report, "wave") > 0);
    ax_assert_close(holdout_wape("wave/lstm", "1.0.0"), reported_wape(report, "wave"), 1e-12);
    ax_assert_close(holdout_wape("other/lstm", "1.0.0"), reported_wape(report, "other"), 1e-12);
    json_decref(report);
    assert_int_equal(newest_stage("wave/lstm", "1.0.0"), AX_STAGE_DEVELOPMENT);
    assert_int_equal(newest_stage("other/lstm", "1.0.0"), AX_STAGE_PRODUCTION);

    /* The same again changes nothing; others are tried beside the one that serves, or wait. */
    json_decref(train(flags, &status));
    assert_int_equal(newest_stage("other/lstm", "1.0.0"), AX_STAGE_PRODUCTION);
    write_recording(1);
    report = train(waits, &status);
    assert_string_equal(text_of(model(report, "other"), "stage"), "development");
    json_decref(report);
    assert_int_equal(newest_stage("other/lstm", "1.0.1"), AX_STAGE_DEVELOPMENT);
    report = train(flags, &status);
    assert_string_equal(text_of(model(report, "other"), "stage"), "staging");
    json_decref(report);
    assert_int_equal(newest_stage("other/lstm", "1.0.1"), AX_STAGE_STAGING);
}

/* All of the log, to see that nothing was written. */
static size_t log_bytes(const char *path)
{
    char wal[SCRATCH_PATH], name[SCRATCH_PATH], file[SCRATCH_PATH];
    size_t sum = 0;
    scratch_in(wal, path, "wal");
    for (size_t i = 0; i < scratch_count(wal, ""); i++) {
        struct stat s;
        scratch_name(name, wal, "", i);
        scratch_in(file, wal, name);
        assert_int_equal(stat(file, &s), 0);
        sum += (size_t)s.st_size;
    }
    return sum;
}

static void the_storage_of_a_process_that_has_stopped_is_trained_from(void **state)
{
    (void)state;
    struct lasting_feed feed;
    struct lasting l;
    char flag[SCRATCH_PATH + 64];
    const char *flags[] = {"kbps", "shared", flag, NULL};
    int status;
    lasting_feed_init(&feed, 11, false);
    lasting_init(&l, &feed);
    while (l.taken < feed.n / 2) {
        lasting_pass(&l, feed.v[l.taken].at_ms);
        (void)lasting_send(&l, l.taken);
    }
    lasting_pass(&l, l.now_ms + 60000);
    lasting_kill(&l);
    write_text("config.yml", lasting_jobs);
    (void)snprintf(flag, sizeof flag, "--storage.path=%s", l.folder);
    const size_t before = log_bytes(l.folder);
    json_t *report = train(flags, &status);
    assert_non_null(report);
    const json_t *shared = model(report, "shared"),
                 *horizon = json_array_get(
                     json_object_get(json_object_get(job(report, "kbps"), "scores"), "horizons"), 0);
    assert_string_equal(text_of(shared, "status"), "trained");
    assert_string_equal(text_of(shared, "version"), "1.0.0");
    assert_true(json_integer_value(json_object_get(horizon, "n")) > 100);
    assert_int_equal(log_bytes(l.folder), before);
    json_decref(report);
    lasting_done(&l);
    lasting_feed_done(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scores_are_held_against_the_targets_of_the_job, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(
            without_a_target_scores_are_fit_when_they_alarm_about_as_often_as_configured, scratch_begin,
            scratch_end),
        cmocka_unit_test_setup_teardown(data_that_are_not_fit_are_refused_with_their_reason, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(what_comes_out_does_not_hang_on_how_many_are_trained_at_once,
                                        scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(a_search_goes_on_and_is_never_worse_than_what_is_usual, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(what_a_search_has_found_can_be_written_into_the_configuration,
                                        scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(what_was_trained_serves_or_is_tried_if_the_job_is_fit_to_serve,
                                        scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(the_storage_of_a_process_that_has_stopped_is_trained_from,
                                        scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
