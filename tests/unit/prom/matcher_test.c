/* Matchers behave as Prometheus's: anchored, absent is empty, RE2's syntax, bounded cost. */
#include "ax_test.h"
#include "prom/matcher.h"
#include "prom/regex.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>

static bool matches(enum ax_match_op op, const char *pattern, const char *value)
{
    struct ax_matcher *m;
    struct ax_diag diag = {{0}};
    if (ax_matcher_new(op, ax_str("l"), ax_str(pattern), &m, &diag) != AX_OK)
        fail_msg("%s: %s", pattern, diag.text);
    struct ax_label label = {ax_str("l"), value ? ax_str(value) : (struct ax_str){NULL, 0}};
    struct ax_labels ls = {value ? 1 : 0, &label};
    bool yes = ax_matcher_match(m, &ls);
    ax_matcher_free(m);
    return yes;
}

static void equality_compares_whole_values_and_absent_is_empty(void **state)
{
    (void)state;
    assert_true(matches(AX_MATCH_EQ, "a", "a"));
    assert_false(matches(AX_MATCH_EQ, "a", "ab"));
    assert_true(matches(AX_MATCH_NE, "a", "b"));
    assert_true(matches(AX_MATCH_EQ, "", NULL));
    assert_true(matches(AX_MATCH_NE, "a", NULL));
    assert_false(matches(AX_MATCH_NE, "", NULL));
}

static void regular_expressions_are_anchored(void **state)
{
    (void)state;
    assert_true(matches(AX_MATCH_RE, "lo|veth.*", "lo"));
    assert_true(matches(AX_MATCH_RE, "lo|veth.*", "veth12"));
    assert_false(matches(AX_MATCH_RE, "lo|veth.*", "xlo"));
    assert_false(matches(AX_MATCH_RE, "lo|veth.*", "lox"));
    assert_false(matches(AX_MATCH_NRE, "lo|veth.*", "lo"));
    assert_true(matches(AX_MATCH_RE, "a|ab", "ab"));
    assert_true(matches(AX_MATCH_RE, ".*", NULL));
    assert_false(matches(AX_MATCH_RE, ".+", NULL));
    assert_true(matches(AX_MATCH_RE, "", NULL));
    assert_true(matches(AX_MATCH_NRE, ".+", NULL));
}

static void dot_matches_newline_and_whole_code_points(void **state)
{
    (void)state;
    assert_true(matches(AX_MATCH_RE, "a.b", "a\nb"));
    assert_false(matches(AX_MATCH_RE, "a", "a\n"));
    assert_true(matches(AX_MATCH_RE, "a.b",
                        "a\xF0\x9F\x9A\x80"
                        "b"));
    assert_true(matches(AX_MATCH_RE, "(?i)NODE-[0-9]+", "node-7"));
    assert_true(matches(AX_MATCH_RE, "[]a]+", "]a"));
    assert_true(matches(AX_MATCH_RE, "(?P<x>a)(?:b)", "ab"));
    assert_true(matches(AX_MATCH_RE, "(?<x>a)(?<y>b)", "ab"));
    assert_true(matches(AX_MATCH_RE, "[[:alpha:](?<x>]+", "(?<x>"));
    assert_true(matches(AX_MATCH_RE, "\\(?<x>\\Q(?<x>\\E", "<x>(?<x>"));
    assert_true(matches(AX_MATCH_RE, "\\Q(?=\\E", "(?="));
    assert_true(matches(AX_MATCH_RE, "[(?=]+", "(?="));
    assert_true(matches(AX_MATCH_RE, "\\d+\\.\\d+", "1.5"));
}

static void what_re2_refuses_is_refused_with_a_text(void **state)
{
    (void)state;
    const char *bad[] = {"(a)\\1", "(?=a)",   "(?!a)",     "(?<=a)b",    "(?<!a)b",
                         "(?>a+)", "a++",     "(?R)",      "(",          "[",
                         "*a",     "a\\K",    "\\g1",      "(?P=x)",     "(?|a)",
                         "\xff",   "(?P>x)a", "(?(1)a|b)", "(*COMMIT)a", "(?<x>a)\\k<x>",
                         "\\h+",   "\\N|\\Z", "\\C",       "a{1001}",    "((a{500}){500})"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ax_matcher *m;
        struct ax_diag diag = {{0}};
        if (ax_matcher_new(AX_MATCH_RE, ax_str("l"), ax_str(bad[i]), &m, &diag) != AX_INVALID)
            fail_msg("%s was taken", bad[i]);
        assert_null(m);
        assert_true(strlen(diag.text) > 0);
    }
}

/* Of those that match a value only by their last way, backtracking would try the others first, in a number of
 * steps that no limit can be as large as. */
static void patterns_of_many_ways_find_the_one_that_matches(void **state)
{
    (void)state;
    char value[4001];
    memset(value, 'a', sizeof value - 1);
    value[sizeof value - 2] = 'd';
    value[sizeof value - 1] = '\0';
    assert_false(matches(AX_MATCH_RE, "(a|aa)+[bc]", value));
    assert_true(matches(AX_MATCH_RE, "(a|aa)+[bc]|a+d", value));
    assert_true(matches(AX_MATCH_RE, "((a+)+)+b|(a|aa)*d", value));
    assert_true(matches(AX_MATCH_RE, "((((a*)*)*)*)*b|.*a.{500}b|.*d", value));
}

static void long_values_match(void **state)
{
    (void)state;
    static char value[8193];
    for (size_t i = 0; i < sizeof value - 1; i++)
        value[i] = i % 3 ? 'c' : 'd';
    assert_true(matches(AX_MATCH_RE, "((ab|c)|(d))+", value));
    assert_true(matches(AX_MATCH_RE, "(?:c|d|dc)*", value));
    assert_true(matches(AX_MATCH_RE, ".*c.*d.*", value));
    value[sizeof value - 2] = 'x';
    assert_false(matches(AX_MATCH_RE, "((ab|c)|(d))+", value));
}

/* What it may take bounds what it costs: compiled in full, this one takes 1.7 MiB and some 40 ms. */
static void what_is_dear_to_compile_is_given_up_early_and_what_is_taken_is_counted(void **state)
{
    (void)state;
    static const char *const dear[] = {"\\pL{90}", "(?i)\\pL{90}", "[^\\pL]{30}",
                                       "x{900}|y{900}|z{900}|w{900}|v{900}|u{900}"};
    struct ax_matcher *m;
    uint64_t memory;
    for (size_t i = 0; i < sizeof dear / sizeof dear[0]; i++) {
        struct ax_diag diag = {{0}};
        memory = 65536;
        assert_int_equal(ax_matcher_new_within(AX_MATCH_RE, ax_str("l"), ax_str(dear[i]), &memory, &m, &diag),
                         AX_INVALID);
        assert_null(m);
        assert_int_equal(memory, 65536);
        assert_non_null(strstr(diag.text, "64 KiB"));
    }
    uint32_t n = 0;
    for (memory = 131072; n < 64; n++) {
        if (ax_matcher_new_within(AX_MATCH_RE, ax_str("l"), ax_str("node-[0-9]+"), &memory, &m, NULL) !=
            AX_OK)
            break;
        assert_true(
            ax_matcher_match(m, &(struct ax_labels){1, &(struct ax_label){ax_str("l"), ax_str("node-7")}}));
        ax_matcher_free(m);
    }
    assert_in_range(n, 16, 63);
}

/* The automaton of this one has 8,192 states, which take more than 1 MiB if they may all be remembered. */
static void what_matching_remembers_is_bounded_by_what_was_counted(void **state)
{
    (void)state;
    static char value[1 << 20];
    struct ax_matcher *m;
    uint64_t memory = 4 << 20;
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof value - 1; i++) {
        x = x * 1664525u + 1013904223u;
        value[i] = x >> 31 ? 'a' : 'b';
    }
    const size_t before = mallinfo2().uordblks;
    assert_int_equal(
        ax_matcher_new_within(AX_MATCH_RE, ax_str("l"), ax_str("[ab]*a[ab]{12}"), &memory, &m, NULL), AX_OK);
    (void)ax_matcher_match(m, &(struct ax_labels){1, &(struct ax_label){ax_str("l"), ax_str(value)}});
    const uint64_t counted = (4 << 20) - memory;
    assert_true(counted < 8192);
    assert_true(mallinfo2().uordblks - before <= AX_REGEX_COUNTED * counted + 16384); /* (sanitizers say 0) */
    ax_matcher_free(m);
}

/* Reading classes takes time before anything is compiled. */
static void many_classes_are_refused_unread(void **state)
{
    (void)state;
    static char pattern[3 * 1000 + 1];
    struct ax_matcher *m;
    struct ax_diag diag = {{0}};
    for (size_t i = 0; i < 1000; i++)
        memcpy(pattern + 3 * i, "\\pL", 3);
    assert_int_equal(ax_matcher_new(AX_MATCH_RE, ax_str("l"), ax_str(pattern), &m, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "2048 KiB"));
}

static void two_thousand_host_names_fit(void **state)
{
    (void)state;
    static char pattern[2000 * 40];
    size_t n = 0;
    for (int i = 0; i < 2000; i++)
        n += (size_t)snprintf(pattern + n, sizeof pattern - n, "%shost-%d.example.com", i ? "|" : "",
                              i * 7919 % 100003);
    assert_true(matches(AX_MATCH_RE, pattern, "host-7919.example.com"));
}

static void a_matcher_says_what_it_was_made_from(void **state)
{
    (void)state;
    struct ax_matcher *m;
    assert_int_equal(ax_matcher_new(AX_MATCH_NRE, ax_str("device"), ax_str("lo"), &m, NULL), AX_OK);
    assert_int_equal(ax_matcher_op(m), AX_MATCH_NRE);
    assert_true(ax_str_eq(ax_matcher_name(m), ax_str("device")));
    assert_true(ax_str_eq(ax_matcher_value(m), ax_str("lo")));
    assert_true(ax_matcher_matches_empty(m));
    ax_matcher_free(m);
    ax_matcher_free(NULL);
}

static void *match_many(void *arg)
{
    const struct ax_matcher *m = arg;
    for (int i = 0; i < 5000; i++) {
        struct ax_label label = {ax_str("l"), ax_str(i % 2 ? "veth1" : "eth1")};
        struct ax_labels ls = {1, &label};
        if (ax_matcher_match(m, &ls) != (i % 2 == 1))
            return arg;
    }
    return NULL;
}

static void threads_share_a_matcher(void **state)
{
    (void)state;
    struct ax_matcher *m;
    assert_int_equal(ax_matcher_new(AX_MATCH_RE, ax_str("l"), ax_str("(lo|veth.*)"), &m, NULL), AX_OK);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_many, m), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    ax_matcher_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_compares_whole_values_and_absent_is_empty),
        cmocka_unit_test(regular_expressions_are_anchored),
        cmocka_unit_test(dot_matches_newline_and_whole_code_points),
        cmocka_unit_test(what_re2_refuses_is_refused_with_a_text),
        cmocka_unit_test(patterns_of_many_ways_find_the_one_that_matches),
        cmocka_unit_test(long_values_match),
        cmocka_unit_test(what_is_dear_to_compile_is_given_up_early_and_what_is_taken_is_counted),
        cmocka_unit_test(what_matching_remembers_is_bounded_by_what_was_counted),
        cmocka_unit_test(many_classes_are_refused_unread),
        cmocka_unit_test(two_thousand_host_names_fit),
        cmocka_unit_test(a_matcher_says_what_it_was_made_from),
        cmocka_unit_test(threads_share_a_matcher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
