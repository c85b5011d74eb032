/* What people said of a recording is read as GET /api/v1/feedback answers it; what cannot be read is refused
 * with the entry and what it lacks. That it is told, and what comes of it, is in tests/e2e/presets. */
#include "app/backtest_feedback.h"
#include "ax_test.h"
#include "scratch.h"

#include <stdio.h>
#include <string.h>

/* Read a file of that text; the text of the error, or "". */
static const char *read_of(const char *text)
{
    static struct ax_diag diag;
    char path[SCRATCH_PATH];
    struct ax_backtest_feedback *f = NULL;
    diag = (struct ax_diag){{0}};
    scratch_make(path, "feedback.json");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_of_the_api_is_read_and_so_is_the_list_in_it),
        cmocka_unit_test(what_cannot_be_read_is_refused_with_the_entry_and_what_it_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
