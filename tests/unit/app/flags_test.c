/* Flags are read as Prometheus reads them, and a wrong one is explained. */
#include "app/flags.h"
#include "ax_test.h"
#include "base/memory.h"

#include <string.h>

struct values {
    const char *file;
    bool on;
    int64_t wait_ms;
    uint64_t size, memory;
    uint32_t n;
    struct ax_flag_list inputs;
};

static enum ax_err parse(struct values *v, int argc, const char **argv, enum ax_help *help,
                         struct ax_diag *diag)
{
    const struct ax_flag flags[] = {
        {"config.file", AX_FLAG_STRING, &v->file, "", "a file"},
        {"web.enable-lifecycle", AX_FLAG_BOOL, &v->on, "true", "a switch"},
        {"wait", AX_FLAG_DURATION, &v->wait_ms, "5s", "a duration"},
        {"size", AX_FLAG_BYTES, &v->size, "1KiB", "a size"},
        {"memory", AX_FLAG_MEMORY, &v->memory, "1MiB", "a size or a share"},
        {"count", AX_FLAG_COUNT, &v->n, "7", "a number"},
        {"input", AX_FLAG_LIST, &v->inputs, NULL, "several"},
    };
    const char *words[16];
    int words_n = 0;
    enum ax_err err = ax_flags_parse(flags, sizeof flags / sizeof flags[0], argc, (char **)(uintptr_t)argv,
                                     words, &words_n, help, diag);
    if (err == AX_OK && words_n)
        return ax_fail(diag, AX_OK, "%s", words[0]);
    return err;
}

static void defaults_hold_until_a_flag_says_otherwise(void **state)
{
    (void)state;
    struct values v = {0};
    enum ax_help help;
    const char *argv[] = {
        "x", "--config.file=a.yml", "-wait", "2m", "--no-web.enable-lifecycle", "--input=1", "--input", "2"};
    assert_int_equal(parse(&v, 8, argv, &help, NULL), AX_OK);
    assert_string_equal(v.file, "a.yml");
    assert_int_equal(v.wait_ms, 120000);
    assert_false(v.on);
    assert_true(v.size == 1024);
    assert_int_equal(v.n, 7);
    assert_int_equal(v.inputs.n, 2);
    assert_string_equal(v.inputs.v[1], "2");
    assert_false(help);
}

static void a_wrong_flag_is_explained(void **state)
{
    (void)state;
    const struct {
        const char *word, *text;
    } cases[] = {
        {"--config.fil=x", "did you mean --config.file?"},
        {"--wait=never", "a duration such as 15s"},
        {"--size=big", "a size such as 32MiB"},
        {"--memory=0%", "4GiB or 80%"},
        {"--memory=101%", "4GiB or 80%"},
        {"--memory=%", "4GiB or 80%"},
        {"--count=-1", "a whole number"},
        {"--web.enable-lifecycle=perhaps", "true or false"},
        {"--wait", "needs a value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct values v = {0};
        struct ax_diag diag = {{0}};
        enum ax_help help;
        const char *argv[] = {"x", cases[i].word};
        assert_int_equal(parse(&v, 2, argv, &help, &diag), AX_INVALID);
        if (!strstr(diag.text, cases[i].text))
            fail_msg("'%s' does not say '%s'", diag.text, cases[i].text);
    }
}

static void memory_is_a_size_or_a_share_of_what_there_is(void **state)
{
    (void)state;
    struct values v = {0};
    enum ax_help help;
    const char *size[] = {"x", "--memory=2GiB"}, *none[] = {"x", "--memory=0"},
               *half[] = {"x", "--memory=50%"};
    assert_int_equal(parse(&v, 2, size, &help, NULL), AX_OK);
    assert_true(v.memory == UINT64_C(2) << 30);
    assert_int_equal(parse(&v, 2, none, &help, NULL), AX_OK);
    assert_true(v.memory == 0);
    assert_int_equal(parse(&v, 2, half, &help, NULL), AX_OK);
    assert_true(v.memory <= ax_memory_available() / 2 && v.memory > ax_memory_available() / 2 - 100);
}

static void help_and_other_words_are_told_apart(void **state)
{
    (void)state;
    struct values v = {0};
    struct ax_diag diag = {{0}};
    enum ax_help help;
    const char *argv[] = {"x", "file.yml", "--help"};
    assert_int_equal(parse(&v, 2, argv, &help, &diag), AX_OK);
    assert_string_equal(diag.text, "file.yml");
    assert_int_equal(parse(&v, 3, argv, &help, &diag), AX_OK);
    assert_int_equal(help, AX_HELP_TEXT);
}

static void the_manual_page_has_every_flag_as_it_stands(void **state)
{
    (void)state;
    const char *folder = NULL;
    const struct ax_flag flags[] = {
        {"dot-dash", AX_FLAG_STRING, &folder, "a\\b", ".begins with a dot; don't \\fB"},
        {"switch", AX_FLAG_BOOL, NULL, "", "'quoted"},
    };
    char text[512] = "";
    FILE *to = fmemopen(text, sizeof text, "w");
    assert_non_null(to);
    ax_flags_usage(flags, 2, "auspex it [--flag=value]", AX_HELP_MAN, to);
    assert_int_equal(fclose(to), 0);
    assert_string_equal(text, ".B auspex it [\\-\\-flag=value]\n"
                              ".TP\n\\fB\\-\\-dot\\-dash\\fR=\\fI...\\fR\n"
                              "\\&.begins with a dot; don't \\efB (default: a\\eb)\n"
                              ".TP\n\\fB\\-\\-switch\\fR\n\\&'quoted\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_until_a_flag_says_otherwise),
        cmocka_unit_test(a_wrong_flag_is_explained),
        cmocka_unit_test(memory_is_a_size_or_a_share_of_what_there_is),
        cmocka_unit_test(help_and_other_words_are_told_apart),
        cmocka_unit_test(the_manual_page_has_every_flag_as_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
