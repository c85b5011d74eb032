/* Strings have Go's escapes. */
#include "ax_test.h"
#include "expr/unquote.h"

static void escapes_become_bytes(void **state)
{
    (void)state;
    const struct {
        const char *raw, *text;
        char quote;
    } cases[] = {
        {"plain", "plain", '"'},
        {"\\a\\b\\f\\n\\r\\t\\v\\\\", "\a\b\f\n\r\t\v\\", '"'},
        {"\\\"'", "\"'", '"'},
        {"\\'\"", "'\"", '\''},
        {"\\101\\x41\\u0041\\U00000041", "AAAA", '"'},
        {"\\u00e9\\u20ac\\U0001F600", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", '"'},
        {"caf\xc3\xa9", "caf\xc3\xa9", '"'},
        {"", "", '"'},
    };
    struct ax_arena arena;
    ax_arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_str out;
        size_t bad = 0;
        assert_int_equal(ax_unquote(ax_str(cases[i].raw), cases[i].quote, &arena, &out, &bad), AX_OK);
        assert_true(ax_str_eq(out, ax_str(cases[i].text)));
    }
    ax_arena_done(&arena);
}

static void unknown_escapes_are_refused_at_their_place(void **state)
{
    (void)state;
    const struct {
        const char *raw;
        size_t at;
    } cases[] = {{"\\q", 0},   {"ab\\", 2},     {"\\400", 0},       {"\\18", 0}, {"\\x4", 0},
                 {"\\u12", 0}, {"a\\ud800", 1}, {"\\U00110000", 0}, {"\\'", 0},  {"\\x4g", 0}};
    struct ax_arena arena;
    ax_arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_str out;
        size_t bad = 99;
        assert_int_equal(ax_unquote(ax_str(cases[i].raw), '"', &arena, &out, &bad), AX_INVALID);
        assert_int_equal(bad, cases[i].at);
    }
    ax_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_become_bytes),
        cmocka_unit_test(unknown_escapes_are_refused_at_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
