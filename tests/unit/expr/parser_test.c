/* Expressions are read as PromQL reads them; what cannot be read is refused at the right column. */
#include "ax_test.h"
#include "expr_world.h"

#include <math.h>
#include <stdio.h>

#define HOUR_MS 3600000

/* Value of a constant expression. */
static double value(const char *text)
{
    struct ax_expr *e = NULL;
    struct ax_bound *b = NULL;
    struct ax_vector v;
    struct ax_diag diag = {{0}};
    struct ax_db_options o = {.negative_max = 64};
    struct ax_db *db = ax_db_new(&o);
    if (ax_expr_parse(ax_str(text), HOUR_MS, &e, &diag) != AX_OK)
        fail_msg("%s: %s", text, diag.text);
    assert_true(ax_expr_is_scalar(e));
    assert_int_equal(ax_expr_bind(e, db, ax_str(""), NULL, &b), AX_OK);
    assert_int_equal(ax_bound_eval(b, 0, &v, &diag), AX_OK);
    assert_int_equal(v.n, 1);
    double result = v.v[0].value;
    ax_bound_free(b);
    ax_expr_free(e);
    ax_db_free(db);
    return result;
}

static void numbers_are_those_of_promql(void **state)
{
    (void)state;
    const struct {
        const char *text;
        double value;
    } cases[] = {{"1", 1},       {"1.5e3", 1500}, {".5", 0.5},       {"5.", 5},           {"0x1F", 31},
                 {"0X1f", 31},   {"010", 8},      {"08", 8},         {"1e-2", 0.01},      {"+3", 3},
                 {"-3", -3},     {"--3", 3},      {"Inf", INFINITY}, {"-inf", -INFINITY}, {"1h30m", 5400},
                 {"500ms", 0.5}, {"NaN", NAN}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ax_assert_close(value(cases[i].text), cases[i].value, 0);
}

static void operators_bind_as_in_promql(void **state)
{
    (void)state;
    const struct {
        const char *text;
        double value;
    } cases[] = {{"1 + 2 * 3", 7},   {"(1 + 2) * 3", 9}, {"2 ^ 3 ^ 2", 512},
                 {"-2 ^ 2", -4},     {"2 ^ -1", 0.5},    {"2 ^ -1 * 4", 2},
                 {"-1 * 2 + 5", 3},  {"10 - 4 - 3", 3},  {"100 / 10 / 2", 5},
                 {"7 % 4 * 2", 6},   {"-7 % 4", -3},     {"1 # a comment\n + 1 # another", 2},
                 {" ( ( 1 ) ) ", 1}, {"2 * -3", -6},     {"1 - -1", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ax_assert_close(value(cases[i].text), cases[i].value, 0);
}

static void all_of_the_subset_parses(void **state)
{
    (void)state;
    const char *good[] = {
        "up",
        "up{}",
        "up{a=\"b\",}",
        "{__name__=~\"a|b\"}",
        "{\"if.rx|kbps\"}",
        "{\"if.rx|kbps\", instance=\"a\"}",
        "{\"quoted.label\"=\"x\", a!=\"\"}",
        "up{a='b', c=`d\\n`, d!~\"e.*\"}",
        "job:up:sum5m",
        ":colon",
        "sum",
        "by + 1",
        "up{by=\"x\", inf=\"y\"}",
        "sum(up)",
        "SUM(up)",
        "sum by (a, b,) (up)",
        "sum by () (up)",
        "sum(up) without (a)",
        "quantile(0.9, up)",
        "quantile by (a) (1 - 0.1, up)",
        "sum by (\"quoted.label\") (up)",
        "rate(up[5m])",
        "rate(up{a=\"b\"}[1h])",
        "rate((up[5m]))",
        "rate(up[300])",
        "quantile_over_time(0.5, up[5m])",
        "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))",
        "clamp(up, 0, 1)",
        "clamp_min(-up, 1 + 1)",
        "up / on (a) down",
        "up / ignoring (a) down",
        "up / on () down",
        "2 * up ^ 2 % 3",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct ax_expr *e = NULL;
        struct ax_diag diag = {{0}};
        if (ax_expr_parse(ax_str(good[i]), HOUR_MS, &e, &diag) != AX_OK)
            fail_msg("%s: %s", good[i], diag.text);
        ax_expr_free(e);
    }
}

static void errors_name_the_column(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int column;
        const char *part; /* of the message */
    } cases[] = {
        {"", 1, "empty"},
        {"  # only this", 14, "empty"},
        {"1 +", 4, "ends here"},
        {"1 + )", 5, "unexpected )"},
        {"up up", 4, "unexpected up"},
        {"(up", 4, "expected )"},
        {"up[5m]", 1, "range vector"},
        {"1 + up[5m]", 3, "range vector"},
        {"-up[5m]", 1, "instant vector"},
        {"sum(up[5m])", 5, "argument 1 of sum is a range vector"},
        {"rate(up)", 6, "expected a range vector"},
        {"rate(up[0s])", 9, "longer than 0"},
        {"rate(up[2h])", 9, "--query.max-range"},
        {"rate(up[x])", 9, "a duration"},
        {"rate(up[5x])", 9, "'5x'"},
        {"rate(up[5m)", 11, "expected ]"},
        {"rate((up)[5m], 1)", 1, "takes 1 argument, not 2"},
        {"rate(up[5m][5m])", 12, "recording rule"},
        {"(1)[5m]", 4, "after a selector only"},
        {"quantile(up, up)", 10, "expected a number"},
        {"sum(1)", 5, "expected an instant vector"},
        {"rte(up[5m])", 1, "did you mean rate?"},
        {"frobnicate_all(up)", 1, "no function"},
        {"{}", 1, "metric name or a matcher"},
        {"{a=\"\"}", 1, "metric name or a matcher"},
        {"{a=~\".*\"}", 1, "metric name or a matcher"},
        {"up{a=b}", 6, "in quotes"},
        {"up{a=\"b\" c=\"d\"}", 10, ", or }"},
        {"up{a=\"b}", 6, "no closing"},
        {"up{a=~\"(\"}", 7, ""},
        {"up{a=\"\\q\"}", 7, "escape"},
        {"up{a:b=\"c\"}", 4, "no label name"},
        {"up{__name__=\"x\"}", 4, "set twice"},
        {"{\"a\", \"b\"}", 7, "set twice"},
        {"{\"\"}", 2, "empty"},
        {"up{é=\"c\"}", 4, "quotes"},
        {"up{a=\"é\", b=}", 13, "in quotes"},
        {"\"up\"", 1, "string"},
        {"1 + on(a) 2", 3, "between two instant vectors"},
        {"up + on(a) 2", 4, "between two instant vectors"},
        {"up + bool up", 6, "comparisons only"},
        {"up $ up", 4, "unexpected character '$'"},
        {"sum by (a:b) (up)", 9, "label name"},
        {"sum by a (up)", 8, "list of label names"},
        {"sum by (a) (up) by (b)", 17, "unexpected by"},
        {"1.2.3", 1, "'1.2.3'"},
        {"clamp(up, 1)", 1, "takes 3 arguments, not 2"},
        {"clamp(up, 1, 2, 3, 4)", 20, "too many"},
        {"sum(up,)", 8, "an argument"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_expr *e = NULL;
        struct ax_diag diag = {{0}};
        int column = 0;
        if (ax_expr_parse(ax_str(cases[i].text), HOUR_MS, &e, &diag) != AX_INVALID)
            fail_msg("%s parses", cases[i].text);
        if (sscanf(diag.text, "column %d: ", &column) != 1 || column != cases[i].column ||
            !strstr(diag.text, cases[i].part))
            fail_msg("%s: %s", cases[i].text, diag.text);
    }
}

static void what_promql_has_beyond_points_to_a_recording_rule(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int column;
    } cases[] = {{"topk(5, up)", 1},
                 {"1 + stdvar by (a) (up)", 5},
                 {"predict_linear(up[5m], 60)", 1},
                 {"rate(up[5m:1m])", 8},
                 {"rate(up[5m:])", 8},
                 {"max_over_time(rate(up[5m])[5m:1m])", 27},
                 {"up offset 5m", 4},
                 {"rate(up[5m] offset 1h)", 13},
                 {"up @ 12", 4},
                 {"up == 1", 4},
                 {"up != 1", 4},
                 {"up > 1", 4},
                 {"up <= 1", 4},
                 {"up and up", 4},
                 {"up or up", 4},
                 {"up UNLESS up", 4},
                 {"up / on(a) group_left up", 12},
                 {"up / ignoring(a) group_right(b) up", 18},
                 {"time()", 1},
                 {"label_replace(up, \"a\", \"b\", \"c\", \"d\")", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_expr *e = NULL;
        struct ax_diag diag = {{0}};
        int column = 0;
        if (ax_expr_parse(ax_str(cases[i].text), HOUR_MS, &e, &diag) != AX_INVALID)
            fail_msg("%s parses", cases[i].text);
        if (sscanf(diag.text, "column %d: ", &column) != 1 || column != cases[i].column ||
            !strstr(diag.text, "recording rule"))
            fail_msg("%s: %s", cases[i].text, diag.text);
    }
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    char text[20001];
    struct ax_expr *e = NULL;
    struct ax_diag diag = {{0}};
    memset(text, '(', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_int_equal(ax_expr_parse(ax_str(text), HOUR_MS, &e, &diag), AX_INVALID);
    memset(text, '-', sizeof text - 1);
    assert_int_equal(ax_expr_parse(ax_str(text), HOUR_MS, &e, &diag), AX_INVALID);
    for (size_t i = 0; i + 1 < sizeof text; i++)
        text[i] = "1+"[i % 2];
    text[sizeof text - 2] = '1';
    assert_int_equal(ax_expr_parse(ax_str(text), HOUR_MS, &e, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "nested deeper"));
}

static void names_are_kept_where_prometheus_keeps_them(void **state)
{
    (void)state;
    const struct {
        const char *text;
        bool keeps;
    } cases[] = {{"up", true},
                 {"(up)", true},
                 {"last_over_time(up[5m])", true},
                 {"sum by (__name__) (up)", true},
                 {"sum by (__name__) (rate(up[5m]))", false},
                 {"sum without (a) (up)", false},
                 {"-up", false},
                 {"+up", true},
                 {"up + 0", false},
                 {"abs(up)", false},
                 {"max_over_time(up[5m])", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_expr *e = NULL;
        assert_int_equal(ax_expr_parse(ax_str(cases[i].text), HOUR_MS, &e, NULL), AX_OK);
        if (ax_expr_keeps_name(e) != cases[i].keeps)
            fail_msg("%s", cases[i].text);
        ax_expr_free(e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_promql),
        cmocka_unit_test(operators_bind_as_in_promql),
        cmocka_unit_test(all_of_the_subset_parses),
        cmocka_unit_test(errors_name_the_column),
        cmocka_unit_test(what_promql_has_beyond_points_to_a_recording_rule),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(names_are_kept_where_prometheus_keeps_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
