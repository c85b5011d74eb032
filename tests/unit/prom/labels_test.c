/* Label sets: canonical form, order, hash, and the two spellings beside the struct. */
#include "ax_test.h"
#include "prom/labels.h"

#include <stdio.h>
#include <stdlib.h>

static struct ax_arena arena;

static int start(void **state)
{
    (void)state;
    ax_arena_init(&arena, 1u << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ax_arena_done(&arena);
    return 0;
}

static struct ax_labels parsed(const char *text)
{
    struct ax_labels ls;
    struct ax_diag diag = {{0}};
    if (ax_labels_parse(ax_str(text), &arena, &ls, &diag) != AX_OK)
        fail_msg("%s: %s", text, diag.text);
    return ls;
}

static void assert_written(const struct ax_labels *ls, const char *text)
{
    struct ax_buf out;
    ax_buf_init(&out, 1u << 16);
    ax_labels_write(ls, &out);
    assert_int_equal(out.n, strlen(text));
    assert_memory_equal(out.bytes, text, out.n);
    ax_buf_done(&out);
}

static void text_reads_back_as_it_was_written(void **state)
{
    (void)state;
    const char *same[] = {
        "node_load1",
        "node_load1{instance=\"a\"}",
        "job:rate:sum{a=\"1\",b=\"2\"}",
        "{}",
        "{a=\"b\"}",
        "{\"if.rx|kbps\"}",
        "{\"if.rx|kbps\",instance=\"a\"}",
        "up{\"job.name\"=\"x\",zone=\"y\"}",
        "up{v=\"quote \\\" back \\\\ line\\n\"}",
        "{\"quote\\\"d\",v=\"\xC3\xA4\xF0\x9F\x9A\x80\"}",
        "up{X=\"before the name in byte order\"}",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct ax_labels ls = parsed(same[i]);
        assert_written(&ls, same[i]);
    }
}

static void spaces_trailing_comma_and_any_order_are_read(void **state)
{
    (void)state;
    struct ax_labels ls = parsed("  up { b = \"2\" , a=\"1\", } ");
    assert_written(&ls, "up{a=\"1\",b=\"2\"}");
    ls = parsed("{__name__=\"up\",empty=\"\"}");
    assert_written(&ls, "up");
}

static void bad_text_is_refused_with_its_column(void **state)
{
    (void)state;
    const struct {
        const char *text, *says;
    } bad[] = {
        {"", "column 1"},
        {"1up", "column 1"},
        {"up{", "column 3"},
        {"up{a=\"b}", "column 6"},
        {"up{a=b}", "column 6"},
        {"up{a}", "column 5"},
        {"up{a=\"\\x\"}", "column 7"},
        {"up{a=\"b\"} 1", "column 11"},
        {"up{a=\"b\" c=\"d\"}", "column 10"},
        {"up{a=\"b\",a=\"c\"}", "\"a\" is there twice"},
        {"up{\"down\"}", "__name__"},
        {"{\"\"}", "column 2"},
        {"up{a=\"\xff\"}", "not UTF-8"},
        {"up{,}", "column 4"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ax_labels ls;
        struct ax_diag diag = {{0}};
        assert_int_equal(ax_labels_parse(ax_str(bad[i].text), &arena, &ls, &diag), AX_INVALID);
        if (!strstr(diag.text, bad[i].says))
            fail_msg("%s: '%s' does not say '%s'", bad[i].text, diag.text, bad[i].says);
    }
}

static void canonical_form_is_sorted_by_bytes_without_empty_values(void **state)
{
    (void)state;
    struct ax_label v[] = {{ax_str("b"), ax_str("2")},
                           {ax_str("__name__"), ax_str("up")},
                           {ax_str("gone"), ax_str("")},
                           {ax_str("\xC3\xA4"), ax_str("3")},
                           {ax_str("B"), ax_str("1")}};
    uint32_t n = 5;
    assert_int_equal(ax_labels_canonical(v, &n, NULL), AX_OK);
    assert_int_equal(n, 4);
    const char *names[] = {"B", "__name__", "b", "\xC3\xA4"};
    for (uint32_t i = 0; i < n; i++)
        assert_true(ax_str_eq(v[i].name, ax_str(names[i])));
}

static void canonical_form_sorts_many_labels(void **state)
{
    (void)state;
    struct ax_label v[100];
    char names[100][8];
    for (int i = 0; i < 100; i++) {
        int n = snprintf(names[i], sizeof names[i], "l%02d", (i * 37) % 100);
        v[i] = (struct ax_label){{names[i], (size_t)n}, ax_str("x")};
    }
    uint32_t n = 100;
    assert_int_equal(ax_labels_canonical(v, &n, NULL), AX_OK);
    for (uint32_t i = 1; i < n; i++)
        assert_true(ax_str_cmp(v[i - 1].name, v[i].name) < 0);
}

static void names_that_are_empty_repeated_or_not_utf8_are_refused(void **state)
{
    (void)state;
    struct ax_label cases[][2] = {
        {{ax_str(""), ax_str("x")}, {ax_str("b"), ax_str("1")}},
        {{ax_str("a"), ax_str("1")}, {ax_str("a"), ax_str("1")}},
        {{ax_str("a"), ax_str("1")}, {ax_str("a"), ax_str("")}},
        {{ax_str("\xC0\x80"), ax_str("1")}, {ax_str("a"), ax_str("1")}},
        {{ax_str("a"), ax_str("\xED\xA0\x80")}, {ax_str("b"), ax_str("1")}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t n = 2;
        struct ax_diag diag = {{0}};
        assert_int_equal(ax_labels_canonical(cases[i], &n, &diag), AX_INVALID);
        assert_true(strlen(diag.text) > 0);
    }
}

static void keys_read_back_as_they_were_written(void **state)
{
    (void)state;
    struct ax_labels ls = parsed("up{a=\"1\",b=\"\xC3\xA4\"}");
    struct ax_buf key;
    ax_buf_init(&key, 1u << 16);
    ax_labels_key_write(&ls, &key);
    /* __name__ sorts before a: 0a 0e 0a 08 "__name__" 12 02 "up" ... */
    assert_memory_equal(key.bytes,
                        "\x0a\x0e\x0a\x08__name__\x12\x02up\x0a\x06\x0a\x01"
                        "a\x12\x01"
                        "1",
                        24);
    struct ax_labels back;
    assert_int_equal(ax_labels_key_parse(ax_buf_view(&key), &arena, &back, NULL), AX_OK);
    assert_true(ax_labels_eq(&ls, &back));
    for (size_t n = 1; n < key.n; n++) { /* cut anywhere it is no key, or a smaller set */
        enum ax_err err = ax_labels_key_parse((struct ax_str){(char *)key.bytes, n}, &arena, &back, NULL);
        assert_true(err == AX_INVALID || (err == AX_OK && back.n < ls.n));
    }
    ax_buf_done(&key);
}

static void keys_take_long_values_any_order_and_unknown_fields(void **state)
{
    (void)state;
    static char value[300];
    memset(value, 'v', sizeof value);
    struct ax_label one = {ax_str("long"), {value, sizeof value}};
    struct ax_labels ls = {1, &one}, back;
    struct ax_buf key;
    ax_buf_init(&key, 1u << 16);
    ax_labels_key_write(&ls, &key);
    const char label[] = "\x0a\x09\x12\x01y\x18\x05\x0a\x02zz"; /* value, unknown field 3, name */
    ax_buf_put(&key, label, sizeof label - 1);
    ax_buf_put(&key,
               "\x0a\x06\x0a\x01"
               "a\x12\x01"
               "b",
               8);
    assert_int_equal(ax_labels_key_parse(ax_buf_view(&key), &arena, &back, NULL), AX_OK);
    assert_int_equal(back.n, 3);
    assert_true(ax_str_eq(back.v[0].name, ax_str("a")));
    assert_true(ax_str_eq(ax_labels_get(&back, ax_str("zz")), ax_str("y")));
    assert_int_equal(ax_labels_get(&back, ax_str("long")).n, 300);
    assert_int_equal(ax_labels_key_parse((struct ax_str){"\x0a\x02\x0b\x0c", 4}, &arena, &back, NULL),
                     AX_INVALID);
    assert_int_equal(ax_labels_key_parse((struct ax_str){"\x12\x00", 2}, &arena, &back, NULL), AX_INVALID);
    assert_int_equal(ax_labels_key_parse((struct ax_str){NULL, 0}, &arena, &back, NULL), AX_OK);
    assert_int_equal(back.n, 0);
    ax_buf_done(&key);
}

static void equal_sets_compare_and_hash_alike(void **state)
{
    (void)state;
    struct ax_labels a = parsed("up{a=\"1\",b=\"2\"}"), b = parsed("{b=\"2\",__name__=\"up\",a=\"1\"}");
    struct ax_labels c = parsed("up{a=\"1\"}"), d = parsed("up{a=\"12\",b=\"\"}"), e = parsed("up{a1=\"2\"}");
    assert_true(ax_labels_eq(&a, &b));
    assert_int_equal(ax_labels_cmp(&a, &b), 0);
    assert_true(ax_labels_hash(&a, 7) == ax_labels_hash(&b, 7));
    assert_true(ax_labels_hash(&a, 7) != ax_labels_hash(&a, 8));
    assert_true(ax_labels_hash(&d, 7) != ax_labels_hash(&e, 7));
    assert_false(ax_labels_eq(&a, &c));
    assert_true(ax_labels_cmp(&c, &a) < 0 && ax_labels_cmp(&a, &c) > 0);
    assert_true(ax_labels_cmp(&a, &d) < 0);
}

static void copies_own_their_bytes(void **state)
{
    (void)state;
    char text[] = "up{a=\"1\"}";
    struct ax_labels ls = parsed(text);
    struct ax_labels *copy = ax_labels_dup(&ls);
    assert_non_null(copy);
    memset(text, 'x', sizeof text - 1);
    assert_true(ax_labels_eq(&ls, copy));
    assert_written(copy, "up{a=\"1\"}");
    free(copy);
    struct ax_labels none = {0, NULL};
    copy = ax_labels_dup(&none);
    assert_int_equal(copy->n, 0);
    free(copy);
}

static void changed_copies_drop_then_set(void **state)
{
    (void)state;
    struct ax_labels ls = parsed("up{__replica__=\"r\",instance=\"a\",mode=\"idle\"}"), out;
    struct ax_str drop[] = {ax_str("__replica__"), ax_str("absent")};
    struct ax_label add[] = {{ax_str("mode"), ax_str("")},
                             {ax_str("for"), ax_str("first")},
                             {ax_str("__name__"), ax_str("down")},
                             {ax_str("for"), ax_str("job")}};
    assert_int_equal(ax_labels_with(&ls, drop, 2, add, 4, &arena, &out), AX_OK);
    assert_written(&out, "down{for=\"job\",instance=\"a\"}");
    struct ax_arena small;
    ax_arena_init(&small, 8);
    assert_int_equal(ax_labels_with(&ls, drop, 2, add, 4, &small, &out), AX_NOMEM);
    ax_arena_done(&small);
}

static void names_are_classic_or_not(void **state)
{
    (void)state;
    assert_true(ax_name_is_metric(ax_str("job:up:sum")));
    assert_false(ax_name_is_label(ax_str("job:up")));
    assert_true(ax_name_is_label(ax_str("_a1")));
    assert_false(ax_name_is_label(ax_str("1a")));
    assert_false(ax_name_is_metric(ax_str("")));
    assert_false(ax_name_is_metric(ax_str("a.b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_reads_back_as_it_was_written),
        cmocka_unit_test(spaces_trailing_comma_and_any_order_are_read),
        cmocka_unit_test(bad_text_is_refused_with_its_column),
        cmocka_unit_test(canonical_form_is_sorted_by_bytes_without_empty_values),
        cmocka_unit_test(canonical_form_sorts_many_labels),
        cmocka_unit_test(names_that_are_empty_repeated_or_not_utf8_are_refused),
        cmocka_unit_test(keys_read_back_as_they_were_written),
        cmocka_unit_test(keys_take_long_values_any_order_and_unknown_fields),
        cmocka_unit_test(equal_sets_compare_and_hash_alike),
        cmocka_unit_test(copies_own_their_bytes),
        cmocka_unit_test(changed_copies_drop_then_set),
        cmocka_unit_test(names_are_classic_or_not),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
