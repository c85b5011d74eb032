/* Relabelling does what Prometheus's does; cases marked so are those of its model/relabel/relabel_test.go. */
#include "ax_test.h"
#include "base/buf.h"
#include "config/relabel.h"

#include <stdio.h>

static struct ax_arena arena;

static int start(void **state)
{
    (void)state;
    ax_arena_init(&arena, 16u << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ax_arena_done(&arena);
    return 0;
}

/* A rule with names separated by commas; NULL: not given. */
struct rule {
    enum ax_relabel_action action;
    const char *sources, *regex, *target, *replacement, *separator;
    uint64_t modulus;
};

static struct ax_str given(const char *text)
{
    return text ? ax_str(text) : (struct ax_str){NULL, 0};
}

static enum ax_err compile(const struct rule *r, struct ax_relabel *out, struct ax_diag *diag)
{
    struct ax_str sources[8];
    uint32_t n = 0;
    for (const char *p = r->sources; p && *p; n++) {
        const char *end = strchr(p, ',');
        sources[n] = (struct ax_str){p, end ? (size_t)(end - p) : strlen(p)};
        p = end ? end + 1 : p + sources[n].n;
    }
    struct ax_relabel_spec spec = {.action = r->action,
                                   .source_labels = sources,
                                   .source_labels_n = n,
                                   .separator = given(r->separator),
                                   .regex = given(r->regex),
                                   .target_label = given(r->target),
                                   .replacement = given(r->replacement),
                                   .modulus = r->modulus};
    return ax_relabel_init(out, &spec, &arena, diag);
}

/* Apply rules to a set in exposition text; want "" when the set is dropped. */
static void expect(const char *in, const char *want, const struct rule *rules, uint32_t n)
{
    struct ax_relabel compiled[4];
    struct ax_diag diag = {{0}};
    for (uint32_t i = 0; i < n; i++)
        if (compile(&rules[i], &compiled[i], &diag) != AX_OK)
            fail_msg("%s", diag.text);
    struct ax_labels before, after;
    struct ax_buf text;
    ax_buf_init(&text, 65536);
    assert_int_equal(ax_labels_parse(ax_str(in), &arena, &before, NULL), AX_OK);
    assert_int_equal(ax_relabel_apply(compiled, n, &before, &arena, &after), AX_OK);
    if (after.n)
        ax_labels_write(&after, &text);
    ax_buf_byte(&text, '\0');
    assert_string_equal((const char *)text.bytes, want);
    ax_buf_done(&text);
}

static void expect_one(const char *in, const char *want, struct rule rule)
{
    expect(in, want, &rule, 1);
}

static void replace_joins_matches_whole_and_expands(void **state)
{
    (void)state;
    /* Prometheus's own cases. */
    expect_one(
        "{a=\"foo\",b=\"bar\",c=\"baz\"}", "{a=\"foo\",b=\"bar\",c=\"baz\",d=\"ch${1}-ch${1}\"}",
        (struct rule){.sources = "a", .regex = "f(.*)", .target = "d", .replacement = "ch$${1}-ch$${1}"});
    expect_one(
        "{a=\"foo\",b=\"bar\",c=\"baz\"}", "{a=\"foo\",b=\"bar\",c=\"baz\",d=\"choo-choo\"}",
        (struct rule){.sources = "a", .regex = "f(.*)", .target = "d", .replacement = "ch${1}-ch${1}"});
    const struct rule chain[] = {
        {.sources = "a,b", .regex = "f(.*);(.*)r", .target = "a", .replacement = "b${1}${2}m"},
        {.sources = "c,a", .regex = "(b).*b(.*)ba(.*)", .target = "d", .replacement = "$1$2$2$3"}};
    expect("{a=\"foo\",b=\"bar\",c=\"baz\"}", "{a=\"boobam\",b=\"bar\",c=\"baz\",d=\"boooom\"}", chain, 2);
    expect_one("{a=\"foo\"}", "{a=\"foo\"}",
               (struct rule){.sources = "a", .regex = "f", .target = "b", .replacement = "bar"});
    expect_one("{a=\"boo\"}", "{a=\"boo\"}",
               (struct rule){.sources = "a", .regex = "b", .target = "b", .replacement = "ba"});
    expect_one("{a=\"foo\"}", "{a=\"foo\",b=\"bar\"}",
               (struct rule){.sources = "a", .regex = ".*", .target = "b", .replacement = "bar"});
    /* An empty replacement removes; no match changes nothing. */
    expect_one("{a=\"foo\",f=\"baz\"}", "{a=\"foo\"}",
               (struct rule){.sources = "a", .regex = "(foo)", .target = "f", .replacement = ""});
    expect_one("{__name__=\"m\",a=\"some-name-value\"}", "m{a=\"some-name-value\",name=\"value\"}",
               (struct rule){
                   .sources = "a", .regex = "some-([^-]+)-([^,]+)", .target = "${1}", .replacement = "${2}"});
    /* A name that the match leaves empty makes no label. */
    expect_one("{a=\"some-name-value\"}", "{a=\"some-name-value\"}",
               (struct rule){
                   .sources = "a", .regex = "some-([^-]+)-([^,]+)", .target = "${3}", .replacement = "${2}"});
    /* The default regex and replacement copy; a label without source sets a constant. */
    expect_one("{a=\"x\"}", "{a=\"x\",b=\"x\"}", (struct rule){.sources = "a", .target = "b"});
    expect_one("{a=\"x\"}", "{a=\"x\",b=\"y\"}", (struct rule){.target = "b", .replacement = "y"});
    expect_one("{a=\"x\",b=\"y\"}", "{a=\"x\",b=\"y\",c=\"x/y\"}",
               (struct rule){.sources = "a,b", .separator = "/", .target = "c"});
}

static void references_follow_go(void **state)
{
    (void)state;
    static const struct {
        const char *replacement, *value;
    } cases[] = {{"$1", "one"},     {"${1}x", "onex"}, {"$1x-", "-"},   {"$name", "two"}, {"${name}", "two"},
                 {"$$1", "$1"},     {"${1", "${1"},    {"$", "$"},      {"a$", "a$"},     {"$-", "$-"},
                 {"$0", "one two"}, {"[${9}]", "[]"},  {"${01}x", "x"}, {"${}", "${}"},   {"$unknown!", "!"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char want[64];
        (void)snprintf(want, sizeof want, "{a=\"one two\",b=\"%s\"}", cases[i].value);
        expect_one("{a=\"one two\"}", want,
                   (struct rule){.sources = "a",
                                 .regex = "([a-z]+) (?P<name>[a-z]+)",
                                 .target = "b",
                                 .replacement = cases[i].replacement});
    }
}

static void keep_and_drop_are_anchored(void **state)
{
    (void)state;
    const char *in = "{a=\"foo\",b=\"bar\"}";
    expect_one(in, "", (struct rule){AX_RELABEL_DROP, .sources = "a", .regex = ".*o.*"});
    expect_one(in, in, (struct rule){AX_RELABEL_DROP, .sources = "a", .regex = "o"});
    expect_one(in, in, (struct rule){AX_RELABEL_DROP, .sources = "a", .regex = "f|o"});
    expect_one(in, "", (struct rule){AX_RELABEL_KEEP, .sources = "a", .regex = "no-match"});
    expect_one(in, in, (struct rule){AX_RELABEL_KEEP, .sources = "a", .regex = "fo+|x"});
    expect_one("{a=\"x\ny\"}", "", (struct rule){AX_RELABEL_DROP, .sources = "a", .regex = "x.y"});
}

static void keepequal_and_dropequal_compare(void **state)
{
    (void)state;
    const char *same = "{__port1=\"1234\",__port2=\"1234\"}", *other = "{__port1=\"1234\",__port2=\"5678\"}";
    expect_one(same, same, (struct rule){AX_RELABEL_KEEPEQUAL, .sources = "__port1", .target = "__port2"});
    expect_one(other, "", (struct rule){AX_RELABEL_KEEPEQUAL, .sources = "__port1", .target = "__port2"});
    expect_one(same, "", (struct rule){AX_RELABEL_DROPEQUAL, .sources = "__port1", .target = "__port2"});
    expect_one(other, other, (struct rule){AX_RELABEL_DROPEQUAL, .sources = "__port1", .target = "__port2"});
}

static void hashmod_gives_the_numbers_of_prometheus(void **state)
{
    (void)state;
    /* Prometheus's own cases. */
    expect_one("{a=\"foo\",b=\"bar\",c=\"baz\"}", "{a=\"foo\",b=\"bar\",c=\"baz\",d=\"976\"}",
               (struct rule){AX_RELABEL_HASHMOD, .sources = "c", .target = "d", .modulus = 1000});
    expect_one("{a=\"foo\\nbar\"}", "{a=\"foo\\nbar\",b=\"734\"}",
               (struct rule){AX_RELABEL_HASHMOD, .sources = "a", .target = "b", .modulus = 1000});
}

static void labelmap_labeldrop_and_labelkeep_go_by_name(void **state)
{
    (void)state;
    /* Prometheus's own cases. */
    expect_one("{a=\"foo\",b1=\"bar\",b2=\"baz\"}",
               "{a=\"foo\",b1=\"bar\",b2=\"baz\",bar1=\"bar\",bar2=\"baz\"}",
               (struct rule){AX_RELABEL_LABELMAP, .regex = "(b)(.*)", .replacement = "${1}ar${2}"});
    expect_one("{__meta_my_bar=\"aaa\",__meta_my_baz=\"bbb\",__meta_other=\"ccc\",a=\"foo\"}",
               "{__meta_my_bar=\"aaa\",__meta_my_baz=\"bbb\",__meta_other=\"ccc\",a=\"foo\",bar=\"aaa\",baz="
               "\"bbb\"}",
               (struct rule){AX_RELABEL_LABELMAP, .regex = "__meta_my_(.*)", .replacement = "${1}"});
    expect_one("{a=\"foo\",b1=\"bar\",b2=\"baz\"}", "{a=\"foo\"}",
               (struct rule){AX_RELABEL_LABELDROP, .regex = "(b.*)"});
    expect_one("{a=\"foo\",b1=\"bar\",b2=\"baz\"}", "{b1=\"bar\",b2=\"baz\"}",
               (struct rule){AX_RELABEL_LABELKEEP, .regex = "(b.*)"});
    expect_one("{a=\"1\"}", "", (struct rule){AX_RELABEL_LABELDROP, .regex = ".*"});
}

static void case_changes_by_unicode(void **state)
{
    (void)state;
    expect_one("{a=\"bAr123Foo\"}", "{a=\"bAr123Foo\",l=\"bar123foo\"}",
               (struct rule){AX_RELABEL_LOWERCASE, .sources = "a", .target = "l"});
    expect_one("{a=\"bAr123Foo\"}", "{a=\"bAr123Foo\",u=\"BAR123FOO\"}",
               (struct rule){AX_RELABEL_UPPERCASE, .sources = "a", .target = "u"});
    expect_one("{a=\"Straße ÄÖ Ж 日本 🚀\"}", "{a=\"Straße ÄÖ Ж 日本 🚀\",l=\"straße äö ж 日本 🚀\"}",
               (struct rule){AX_RELABEL_LOWERCASE, .sources = "a", .target = "l"});
}

static void rules_run_in_turn_until_one_drops(void **state)
{
    (void)state;
    const struct rule rules[] = {{.sources = "a", .regex = "(.*)", .target = "tmp", .replacement = "x$1"},
                                 {AX_RELABEL_DROP, .sources = "tmp", .regex = "xfoo"},
                                 {AX_RELABEL_LABELDROP, .regex = "tmp"}};
    expect("{a=\"foo\"}", "", rules, 3);
    expect("{a=\"bar\"}", "{a=\"bar\"}", rules, 3);
}

static void what_prometheus_refuses_is_refused_with_a_text(void **state)
{
    (void)state;
    static const struct {
        struct rule rule;
        const char *text;
    } cases[] = {
        {{AX_RELABEL_HASHMOD, .sources = "a", .target = "b"}, "modulus"},
        {{AX_RELABEL_REPLACE, .sources = "a"}, "target_label"},
        {{AX_RELABEL_LOWERCASE, .sources = "a"}, "target_label"},
        {{AX_RELABEL_LOWERCASE, .sources = "a", .target = "b", .replacement = "x"}, "replacement"},
        {{AX_RELABEL_KEEPEQUAL, .sources = "a", .target = "b", .regex = "x"}, "only"},
        {{AX_RELABEL_LABELDROP, .sources = "a", .regex = "x"}, "only"},
        {{AX_RELABEL_KEEP, .sources = "a", .regex = "("}, "missing )"},
        {{AX_RELABEL_KEEP, .sources = "a", .regex = "(a)\\1"}, "RE2"},
        {{AX_RELABEL_KEEP, .sources = "a", .regex = "(?=a)"}, "RE2"},
        {{AX_RELABEL_KEEP, .sources = "a", .regex = "(?<!a)b"}, "RE2"},
        {{AX_RELABEL_KEEP, .sources = "a", .regex = "(?>a)b"}, "RE2"},
        {{AX_RELABEL_KEEP, .sources = "a", .regex = "a*+b"}, "RE2"},
        {{AX_RELABEL_KEEP, .sources = "a", .regex = "(?R)?"}, "RE2"},
        {{AX_RELABEL_KEEP, .sources = "a", .regex = "(*COMMIT)a"}, "RE2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_relabel out;
        struct ax_diag diag = {{0}};
        assert_int_equal(compile(&cases[i].rule, &out, &diag), AX_INVALID);
        if (!strstr(diag.text, cases[i].text))
            fail_msg("\"%s\" does not name \"%s\"", diag.text, cases[i].text);
    }
}

static void what_only_looks_foreign_is_accepted(void **state)
{
    (void)state;
    static const char *const good[] = {"[(?=]x",   "\\(?=a", "[]a(*]", "\\Q(?=\\E.*", "[[:alpha:](?=]+",
                                       "a{2,3}",   "(?i)a",  "(?i:a)", "(?P<n>a)",    "(?<n>a)",
                                       "(?:a|b)+", "a\\++",  "[+]+",   "\\d+\\.\\w*?"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct ax_relabel out;
        struct ax_diag diag = {{0}};
        const struct rule rule = {AX_RELABEL_KEEP, .sources = "a", .regex = good[i]};
        if (compile(&rule, &out, &diag) != AX_OK)
            fail_msg("%s", diag.text);
    }
}

static void what_matches_by_the_last_of_many_ways_is_rewritten(void **state)
{
    (void)state;
    struct ax_relabel out;
    const struct rule rule = {
        .sources = "a", .regex = "(a|aa)+b|a*(?<last>.)", .target = "a", .replacement = "$1$last"};
    assert_int_equal(compile(&rule, &out, NULL), AX_OK);
    char value[200];
    memset(value, 'a', sizeof value);
    value[sizeof value - 1] = 'c';
    struct ax_label label = {ax_str("a"), {value, sizeof value}};
    struct ax_labels before = {1, &label}, after;
    assert_int_equal(ax_relabel_apply(&out, 1, &before, &arena, &after), AX_OK);
    assert_true(ax_str_eq(ax_labels_get(&after, ax_str("a")), ax_str("c")));
}

static void actions_are_read_in_any_case(void **state)
{
    (void)state;
    for (unsigned i = 0; i < AX_RELABEL_ACTION_N; i++) {
        enum ax_relabel_action a;
        assert_int_equal(
            ax_relabel_parse_action(ax_str(ax_relabel_action_name((enum ax_relabel_action)i)), &a, NULL),
            AX_OK);
        assert_int_equal(a, i);
    }
    enum ax_relabel_action a;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_relabel_parse_action(ax_str("HashMod"), &a, NULL), AX_OK);
    assert_int_equal(ax_relabel_parse_action(ax_str("replac"), &a, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "dropequal"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replace_joins_matches_whole_and_expands),
        cmocka_unit_test(references_follow_go),
        cmocka_unit_test(keep_and_drop_are_anchored),
        cmocka_unit_test(keepequal_and_dropequal_compare),
        cmocka_unit_test(hashmod_gives_the_numbers_of_prometheus),
        cmocka_unit_test(labelmap_labeldrop_and_labelkeep_go_by_name),
        cmocka_unit_test(case_changes_by_unicode),
        cmocka_unit_test(rules_run_in_turn_until_one_drops),
        cmocka_unit_test(what_prometheus_refuses_is_refused_with_a_text),
        cmocka_unit_test(what_only_looks_foreign_is_accepted),
        cmocka_unit_test(what_matches_by_the_last_of_many_ways_is_rewritten),
        cmocka_unit_test(actions_are_read_in_any_case),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
