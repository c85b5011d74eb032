/* A backtest is a replay: what it emits of a moment hangs on nothing that comes later. */
#include "app/commands.h"
#include "ax_test.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START 1700000010
#define STEP 15
#define ROWS 60

static const char config[] =
    "jobs:\n"
    "  - {name: j, expr: m, forecast: {output: p, horizons: [1m]}, anomaly: {}}\n"
    "  - {name: k, expr: 'avg_over_time(m[5m])', forecast: {output: q, horizons: [1m]}}\n";

static void write_config(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(config, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* ROWS rows, a gap, and ROWS more. */
static void write_recording(const char *path, int64_t gap_s, double factor)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "timestamp,\"m{a=\"\"1\"\"}\"\n");
    for (int64_t i = 0; i < 2 * (int64_t)ROWS; i++)
        (void)fprintf(f, "%lld,%g\n", (long long)(START + i * STEP + (i < ROWS ? 0 : gap_s)),
                      (i < ROWS ? 1 : factor) * (double)(1000 + i * 37 % 11));
    assert_int_equal(fclose(f), 0);
}

/* What a backtest emits up to a time, one sample a line, in memory of the caller. */
static char *emitted(const char *folder, int64_t gap_s, double factor, int64_t until_s)
{
    char path[3][300], flag[3][320];
    static const char *const names[] = {"config.yml", "in.csv", "out.csv"};
    for (int i = 0; i < 3; i++)
        (void)snprintf(path[i], sizeof path[i], "%s/%s", folder, names[i]);
    (void)snprintf(flag[0], sizeof flag[0], "--config.file=%s", path[0]);
    (void)snprintf(flag[1], sizeof flag[1], "--input=%s", path[1]);
    (void)snprintf(flag[2], sizeof flag[2], "--emit=%s", path[2]);
    char name[] = "backtest";
    char *argv[] = {name, flag[0], flag[1], flag[2], NULL};
    write_config(path[0]);
    write_recording(path[1], gap_s, factor);
    assert_int_equal(ax_cmd_backtest(4, argv), 0);
    char *text = NULL, line[512];
    size_t n = 0;
    FILE *in = fopen(path[2], "r"), *out = open_memstream(&text, &n);
    assert_non_null(in);
    assert_non_null(out);
    while (fgets(line, sizeof line, in))
        if (strtoll(line, NULL, 10) < until_s)
            assert_true(fputs(line, out) >= 0);
    (void)fclose(in);
    (void)fclose(out);
    return text;
}

static void nothing_emitted_hangs_on_what_comes_later(void **state)
{
    (void)state;
    static const int64_t gaps[] = {STEP, 240, 420, 3600};
    char folder[SCRATCH_PATH];
    scratch_make(folder, NULL);
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        /* A minute before the gap ends: what its steps wait for a sample. */
        int64_t until_s = START + ROWS * STEP + gaps[i] - 60;
        char *a = emitted(folder, gaps[i], 1, until_s);
        char *values = emitted(folder, gaps[i], 50, until_s);
        char *later = emitted(folder, gaps[i] + 130, 1, until_s);
        assert_true(strlen(a) > 20000);
        assert_string_equal(a, values);
        assert_string_equal(a, later);
        free(a);
        free(values);
        free(later);
    }
    scratch_remove(folder);
}

static void that_a_report_cannot_be_written_is_said_before_the_run(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH], path[3][300], flag[3][320];
    static const char *const names[] = {"config.yml", "in.csv", "out.csv"};
    scratch_make(folder, NULL);
    for (int i = 0; i < 3; i++)
        (void)snprintf(path[i], sizeof path[i], "%s/%s", folder, names[i]);
    (void)snprintf(flag[0], sizeof flag[0], "--config.file=%s", path[0]);
    (void)snprintf(flag[1], sizeof flag[1], "--input=%s", path[1]);
    (void)snprintf(flag[2], sizeof flag[2], "--emit=%s", path[2]);
    char name[] = "backtest", report[] = "--report=/nonexistent/report.html";
    char *argv[] = {name, flag[0], flag[1], flag[2], report, NULL};
    write_config(path[0]);
    write_recording(path[1], 0, 1);
    assert_int_equal(ax_cmd_backtest(5, argv), 1);
    assert_int_not_equal(access(path[2], F_OK), 0);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_emitted_hangs_on_what_comes_later),
        cmocka_unit_test(that_a_report_cannot_be_written_is_said_before_the_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
