/* What people said of a recording is read as GET /api/v1/feedback answers it; what cannot be read is refused
 * with the entry and what it lacks. No sample is lost to an entry, whenever it was said. That it is told, and
 * what comes of it, is in tests/e2e/presets. */
#include "app/backtest_feedback.h"
#include "app/csv_sink.h"
#include "ax_test.h"
#include "scratch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
}

/* Read a file of that text; the text of the error, or "". */
static const char *read_of(const char *text)
{
    static struct ax_diag diag;
    char path[SCRATCH_PATH];
    struct ax_backtest_feedback *f = NULL;
    diag = (struct ax_diag){{0}};
    scratch_make(path, "feedback.json");
    write_file(path, text);
    const enum ax_err err = ax_backtest_feedback_open(path, &f, &diag);
    assert_true((err == AX_OK) == (f != NULL));
    assert_true(err == AX_OK || strstr(diag.text, "--feedback"));
    ax_backtest_feedback_free(f);
    scratch_remove(path);
    return err == AX_OK ? "" : diag.text;
}

#define ENTRY(verdict, rest)                                                                                 \
    "[{\"verdict\": \"" verdict "\", \"series\": \"{instance=\\\"a\\\"}\", \"from\": 1700000000, " rest "}]"

static void the_answer_of_the_api_is_read_and_so_is_the_list_in_it(void **state)
{
    (void)state;
    assert_string_equal(read_of("[]"), "");
    assert_string_equal(
        read_of(ENTRY("missed", "\"to\": \"2023-11-14T23:00:00Z\", \"created\": 1700010000.5")), "");
    assert_string_equal(
        read_of("{\"status\": \"success\", \"data\": {\"feedback\": [{\"id\": 3, \"verdict\": "
                "\"exclusion\", \"job\": \"\", \"series\": \"\", \"from\": 1, \"to\": 2, \"author\": "
                "\"jo\", \"comment\": \"\", \"created\": 3, \"revoked\": 4, \"revokedBy\": \"jo\"}]}}"),
        "");
}

static void what_cannot_be_read_is_refused_with_the_entry_and_what_it_lacks(void **state)
{
    (void)state;
    struct ax_backtest_feedback *f = NULL;
    struct ax_diag diag = {{0}};
    assert_non_null(strstr(read_of("[{]"), "no JSON: line 1"));
    assert_non_null(strstr(read_of("{\"data\": {}}"), "no list"));
    assert_non_null(strstr(read_of(ENTRY("mist", "\"to\": 1700000001, \"created\": 1700000002")),
                           "entry 1: verdict must be"));
    assert_non_null(strstr(read_of(ENTRY("missed", "\"to\": 1700000001")), "entry 1 needs created"));
    assert_non_null(
        strstr(read_of(ENTRY("missed", "\"to\": 1600000000, \"created\": 1700000002")), "not before"));
    assert_non_null(strstr(
        read_of("[{\"verdict\": \"missed\", \"series\": \"{a=\", \"from\": 1, \"to\": 2, \"created\": 3}]"),
        "entry 1"));
    assert_int_equal(ax_backtest_feedback_open("/nowhere/at/all.json", &f, &diag), AX_NOTFOUND);
    assert_non_null(strstr(diag.text, "/nowhere/at/all.json"));
}

#define ROWS 400 /* of two series, every 15 s from 1700000000 on */

static void write_recording(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "timestamp,\"m{a=\"\"1\"\"}\",\"m{a=\"\"2\"\"}\"\n");
    for (int i = 0; i < ROWS; i++)
        (void)fprintf(f, "%d,%d,%d\n", 1700000000 + 15 * i, i % 7, i % 5);
    assert_int_equal(fclose(f), 0);
}

/* Run the recording with feedback, or without any (NULL); how many samples were taken. What is said on
 * standard error goes to `said`. */
static uint64_t samples_with(const char *feedback, char *said, size_t cap)
{
    char folder[SCRATCH_PATH], path[4][SCRATCH_PATH + 20];
    static const char *const names[] = {"config.yml", "in.csv", "feedback.json", "stderr"};
    struct ax_recording r = {0};
    struct ax_config *config = NULL;
    struct ax_backtest_feedback *f = NULL;
    struct ax_csv_sink *sink = NULL;
    struct ax_diag diag = {{0}};
    scratch_make(folder, NULL);
    for (size_t i = 0; i < 4; i++)
        (void)snprintf(path[i], sizeof path[i], "%s/%s", folder, names[i]);
    write_file(path[0], "jobs: [{name: j, expr: m, anomaly: {}}]\n");
    write_recording(path[1]);
    if (feedback) {
        write_file(path[2], feedback);
        assert_int_equal(ax_backtest_feedback_open(path[2], &f, &diag), AX_OK);
    }

    const struct ax_flag_list list = {.v = {path[1]}, .n = 1};
    assert_int_equal(ax_csv_sink_open(NULL, &sink, &diag), AX_OK);
    const struct ax_pipeline_options options = {.sink = ax_csv_sink_sink(sink), .max_range_ms = 3600000};
    assert_int_equal(ax_recording_config(path[0], 3600000, &config, &diag), AX_OK);
    assert_int_equal(ax_recording_open(&r, &list, ax_str(""), config, &options, &diag), AX_OK);
    (void)fflush(stderr);
    const int screen = dup(STDERR_FILENO);
    assert_non_null(freopen(path[3], "w+", stderr));
    const enum ax_err err = ax_backtest_feedback_run(f, &r, &diag);
    rewind(stderr);
    said[fread(said, 1, cap - 1, stderr)] = '\0';
    assert_true(dup2(screen, STDERR_FILENO) >= 0 && close(screen) == 0);
    assert_int_equal(err, AX_OK);
    assert_true(r.end);
    const uint64_t samples = r.samples;
    ax_recording_close(&r);
    assert_int_equal(ax_csv_sink_close(sink, &diag), AX_OK);
    ax_backtest_feedback_free(f);
    scratch_remove(folder);
    return samples;
}

#define SAID(created)                                                                                        \
    "{\"verdict\": \"not_anomaly\", \"series\": \"{a=\\\"1\\\"}\", \"from\": 1700004500, \"to\": "           \
    "1700004560, "                                                                                           \
    "\"created\": " created "}"

static void no_sample_is_lost_to_what_was_said_before_the_recording_begins(void **state)
{
    char said[4000];
    (void)state;
    assert_int_equal(samples_with(NULL, said, sizeof said), 2 * ROWS);
    assert_string_equal(said, "");
    assert_int_equal(samples_with("[]", said, sizeof said), 2 * ROWS);
    assert_int_equal(samples_with("[" SAID("1600000000") "," SAID("1600000001") "," SAID("1600000001") "]",
                                  said, sizeof said),
                     2 * ROWS);
    assert_non_null(strstr(said, "entry 1 of the feedback: no sample comes before it"));
    assert_non_null(strstr(said, "entry 3 of the feedback: no sample comes before it"));
}

static void of_entries_that_come_too_late_it_is_said_that_nothing_has_come(void **state)
{
    char said[4000];
    (void)state;
    assert_int_equal(samples_with("[" SAID("1700005000") "," SAID("1800000000") "," SAID("1800000001") "]",
                                  said, sizeof said),
                     2 * ROWS);
    assert_null(strstr(said, "entry 1"));
    assert_non_null(strstr(said, "entry 2 of the feedback: no sample comes after it"));
    assert_non_null(strstr(said, "entry 3 of the feedback: no sample comes after it"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_of_the_api_is_read_and_so_is_the_list_in_it),
        cmocka_unit_test(what_cannot_be_read_is_refused_with_the_entry_and_what_it_lacks),
        cmocka_unit_test(no_sample_is_lost_to_what_was_said_before_the_recording_begins),
        cmocka_unit_test(of_entries_that_come_too_late_it_is_said_that_nothing_has_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
