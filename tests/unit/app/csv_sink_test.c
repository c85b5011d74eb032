/* Every emitted sample becomes a row that a CSV reader reads back. */
#include "app/csv_sink.h"
#include "ax_test.h"
#include "prom/sample.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void samples_and_ends_are_rows_in_order(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    scratch_make(path, "out.csv");
    struct ax_csv_sink *s = NULL;
    assert_int_equal(ax_csv_sink_open(path, &s, NULL), AX_OK);
    struct ax_sink sink = ax_csv_sink_sink(s);
    const struct ax_label v[] = {{ax_str("__name__"), ax_str("m")}, {ax_str("a"), ax_str("x\"y")}};
    struct ax_out *out = sink.open(sink.ctx, &(struct ax_labels){2, v});
    sink.put(sink.ctx, out, 1500, 0.1);
    sink.put(sink.ctx, out, 2000, 3);
    sink.close(sink.ctx, out, 3000);
    assert_int_equal(ax_csv_sink_close(s, NULL), AX_OK);
    char text[512] = "";
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    (void)fclose(f);
    scratch_remove(path);
    assert_string_equal(text, "timestamp,series,value\n"
                              "1.500,\"m{a=\"\"x\\\"\"y\"\"}\",0.1\n"
                              "2,\"m{a=\"\"x\\\"\"y\"\"}\",3\n"
                              "3,\"m{a=\"\"x\\\"\"y\"\"}\",NaN\n");
}

static void a_file_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    struct ax_csv_sink *s = NULL;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_csv_sink_open("/nowhere/at/all.csv", &s, &diag), AX_IO);
    assert_non_null(strstr(diag.text, "/nowhere/at/all.csv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_and_ends_are_rows_in_order),
        cmocka_unit_test(a_file_that_cannot_be_written_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
