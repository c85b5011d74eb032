/* CSV files become series in time order; every fault is told with its file, line and column. */
#include "ax_test.h"
#include "ingest/csv.h"

#include <math.h>

/* Open texts as files a.csv, b.csv. */
static enum ax_err open_texts(const char *a, const char *b, const char *label, struct ax_csv **out,
                              struct ax_diag *diag)
{
    static const char *const paths[] = {"dir/a.csv", "dir/b.csv"};
    FILE *streams[2];
    streams[0] = fmemopen((void *)(uintptr_t)a, strlen(a), "r");
    streams[1] = b ? fmemopen((void *)(uintptr_t)b, strlen(b), "r") : NULL;
    return ax_csv_open_streams(streams, paths, b ? 2 : 1, ax_str(label), out, diag);
}

/* All values as text: "t series value label;" for each. */
static void expect(const char *a, const char *b, const char *label, const char *want)
{
    struct ax_diag diag = {{0}};
    struct ax_csv *csv = NULL;
    struct ax_csv_value v;
    char got[512] = "";
    bool end = false;
    if (open_texts(a, b, label, &csv, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    while (!end) {
        if (ax_csv_next(csv, &v, &end, &diag) != AX_OK)
            fail_msg("%s", diag.text);
        size_t n = strlen(got);
        if (!end)
            (void)snprintf(got + n, sizeof got - n, "%lld %u %g %d;", (long long)v.t_ms, v.series, v.value,
                           v.label);
    }
    assert_string_equal(got, want);
    ax_csv_close(csv);
}

static void rows_become_values_in_order(void **state)
{
    (void)state;
    expect("timestamp,x,y\n1,2,3\n2.5,,-1e3\n", NULL, "", "1000 0 2 -1;1000 1 3 -1;2500 1 -1000 -1;");
    expect("timestamp,x\r\n1,2\r\n\r\n2,3", NULL, "", "1000 0 2 -1;2000 0 3 -1;");
    expect("\xEF\xBB\xBFtimestamp,\"x\"\n\"1\",\"2\"\n", NULL, "", "1000 0 2 -1;");
    expect("timestamp,x\n", NULL, "", "");
    expect("timestamp,x\n2,1\n2,3\n", NULL, "", "2000 0 1 -1;2000 0 3 -1;"); /* whoever takes them chooses */
    expect("timestamp,x\n1700000000.123,NaN\n", NULL, "", "1700000000123 0 nan -1;");
    expect("timestamp,x\n2023-11-14T22:13:20.5Z,1\n2023-11-15T00:13:21+02:00,2\n1700000002,3\n", NULL, "",
           "1700000000500 0 1 -1;1700000001000 0 2 -1;1700000002000 0 3 -1;");
}

static void files_are_merged_by_time(void **state)
{
    (void)state;
    expect("timestamp,x\n1,1\n3,3\n", "timestamp,y\n0,0\n2,2\n3,9\n", "",
           "0 1 0 -1;1000 0 1 -1;2000 1 2 -1;3000 0 3 -1;3000 1 9 -1;");
    /* One series in two files, one after the other. */
    expect("timestamp,x{}\n1,1\n", "timestamp,x{}\n2,2\n", "", "1000 0 1 -1;2000 0 2 -1;");
}

static void a_label_column_is_truth_and_no_series(void **state)
{
    (void)state;
    expect("timestamp,truth,x\n1,0,5\n2,1,6\n3,,7\n4,true,8\n", "timestamp,y\n1,1\n", "truth",
           "1000 0 5 0;1000 1 1 -1;2000 0 6 1;3000 0 7 -1;4000 0 8 1;");
}

static void headers_are_exposition_text_or_names(void **state)
{
    (void)state;
    struct ax_diag diag = {{0}};
    struct ax_csv *csv = NULL;
    struct ax_buf text;
    ax_buf_init(&text, 1024);
    assert_int_equal(
        open_texts("timestamp,\"node_load1{instance=\"\"a\"\",job=\"\"x,y\"\"}\",cpu,if.rx|kbps\n1,1,1,1\n",
                   NULL, "", &csv, &diag),
        AX_OK);
    assert_int_equal(ax_csv_series_n(csv), 3);
    for (uint32_t i = 0; i < 3; i++) {
        ax_labels_write(ax_csv_labels(csv, i), &text);
        ax_buf_byte(&text, '\n');
    }
    ax_buf_byte(&text, 0);
    assert_string_equal((const char *)text.bytes, "node_load1{instance=\"a\",job=\"x,y\"}\n"
                                                  "cpu{instance=\"a\"}\n"
                                                  "{\"if.rx|kbps\",instance=\"a\"}\n");
    ax_buf_done(&text);
    ax_csv_close(csv);
}

static void faults_have_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *label, *text;
    } cases[] = {
        {"\n", NULL, "", "dir/a.csv: the file is empty"},
        {"time,x\n", NULL, "", "dir/a.csv:1:1: the first column must be called timestamp"},
        {"timestamp\n", NULL, "", "dir/a.csv:1:1: there is no column but timestamp"},
        {"timestamp,,x\n", NULL, "", "dir/a.csv:1:11: column 2 has no name"},
        {"timestamp,x,x\n", NULL, "", "dir/a.csv:1:13: column 3 is a series that another column is too"},
        {"timestamp,x\n1\n", NULL, "", "dir/a.csv:2:1: 1 cells, but the header has 2"},
        {"timestamp,x\n1,2,3\n", NULL, "", "dir/a.csv:2:1: 3 cells"},
        {"timestamp,x\n\n1,two\n", NULL, "", "dir/a.csv:3:3: \"two\" is no number"},
        {"timestamp,x\n1, 2\n", NULL, "", "dir/a.csv:2:3: \" 2\" is no number"},
        {"timestamp,x\nyesterday,2\n", NULL, "", "dir/a.csv:2:1: \"yesterday\" is no time"},
        {"timestamp,x\n-5,2\n", NULL, "", "dir/a.csv:2:1: -5 is no time"},
        {"timestamp,x\n1700000000000,2\n", NULL, "", "milliseconds? divide by 1000"},
        {"timestamp,x\nnan,2\n", NULL, "", "\"nan\" is no time"},
        {"timestamp,x\ninf,2\n", NULL, "", "\"inf\" is no time"},
        {"timestamp,x\n2026-01-02 03:04:05,2\n", NULL, "", "nor one like 2026-01-02T03:04:05Z"},
        {"timestamp,x\n1969-12-31T23:59:59Z,2\n", NULL, "",
         "dir/a.csv:2:1: \"1969-12-31T23:59:59Z\" is no time"},
        {"timestamp,x\n1970-01-01T00:00:02Z,1\n1970-01-01T00:00:01Z,1\n", NULL, "",
         "dir/a.csv:3:1: time goes back"},
        {"timestamp,x\n2,1\n1,1\n", NULL, "", "dir/a.csv:3:1: time goes back to 1"},
        {"timestamp,x\n1,\"2\n", NULL, "", "the file ends inside quotes"},
        {"timestamp,x\n1,\"2\"3\n", NULL, "", "dir/a.csv:2:6: text after the closing quote"},
        {"timestamp,x\n1,2\"3\"\n", NULL, "", "dir/a.csv:2:4: a quote inside an unquoted cell"},
        {"timestamp,x\n1,2\r3\n", NULL, "", "dir/a.csv:2:4: a carriage return that ends no line"},
        {"timestamp,\xFF\n", NULL, "", "dir/a.csv:1:11: the name of column 2 is not UTF-8"},
        {"timestamp,x,l\n1,2,3\n", NULL, "l", "dir/a.csv:2:5: a label is 0 or 1, not \"3\""},
        {"timestamp,x,l,l\n1,2,0,0\n", NULL, "l", "dir/a.csv:1:15: a second label column"},
        {"timestamp,x\n1,2\n", NULL, "l", "no file has the label column \"l\""},
        {"timestamp,x{}\n1,2\n", "timestamp,x{}\n1,2\n", "",
         "dir/b.csv:2:3: another file has a value of this series"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_diag diag = {{0}};
        struct ax_csv *csv = NULL;
        struct ax_csv_value v;
        bool end = false;
        enum ax_err err = open_texts(cases[i].a, cases[i].b, cases[i].label, &csv, &diag);
        while (err == AX_OK && !end)
            err = ax_csv_next(csv, &v, &end, &diag);
        if (err != AX_INVALID || !strstr(diag.text, cases[i].text))
            fail_msg("case %zu: %s, not %s", i, diag.text, cases[i].text);
        ax_csv_close(csv);
    }
}

static void a_file_that_is_not_there_is_said_so(void **state)
{
    (void)state;
    static const char *const paths[] = {"/nonexistent/a.csv"};
    struct ax_diag diag = {{0}};
    struct ax_csv *csv = NULL;
    assert_int_equal(ax_csv_open(paths, 1, ax_str(""), &csv, &diag), AX_IO);
    assert_string_equal(diag.text, "/nonexistent/a.csv: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_values_in_order),
        cmocka_unit_test(files_are_merged_by_time),
        cmocka_unit_test(a_label_column_is_truth_and_no_series),
        cmocka_unit_test(headers_are_exposition_text_or_names),
        cmocka_unit_test(faults_have_their_place),
        cmocka_unit_test(a_file_that_is_not_there_is_said_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
