/* Lines can be read by who reads logfmt or JSON, whatever they say, and repetition is limited. */
#include "ax_test.h"
#include "base/log.h"
#include "base/str.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Bytes that a message may be made of by somebody else: quotes, breaks, controls, what is no UTF-8. */
static const char *const odd[] = {"plain",
                                  "with \"quotes\" and \\backslashes\\",
                                  "two\nlines\r\n",
                                  "\x01\x1f\x7f controls \t",
                                  "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8E\x89",
                                  "latin \xE4\xF6\xFC",
                                  "\xC3",
                                  "cut \xE2\x82",
                                  "\xED\xA0\x80 surrogate",
                                  "\xC0\xAF overlong",
                                  "\xFF\xFE\xFD",
                                  ""};
#define ODD_N (sizeof odd / sizeof odd[0])

static int kept = -1;
static FILE *sink;

static void begin(enum ax_log_format format)
{
    ax_log_setup(AX_LOG_DEBUG, format);
    sink = tmpfile();
    kept = dup(STDERR_FILENO);
    assert_true(sink && kept >= 0 && dup2(fileno(sink), STDERR_FILENO) >= 0);
}

/* End it; what was written, in a static place. */
static char *end(void)
{
    static char text[1 << 20];
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    rewind(sink);
    text[fread(text, 1, sizeof text - 1, sink)] = '\0';
    (void)fclose(sink);
    return text;
}

static void a_json_line_is_one_object_whatever_it_says(void **state)
{
    (void)state;
    begin(AX_LOG_JSON);
    for (size_t i = 0; i < ODD_N; i++)
        ax_log(AX_LOG_INFO, "odd", "%s", odd[i]);
    char *save = NULL, *text = end(), *line = strtok_r(text, "\n", &save);
    for (size_t i = 0; i < ODD_N; i++, line = strtok_r(NULL, "\n", &save)) {
        assert_non_null(line);
        json_error_t error;
        json_t *root = json_loads(line, 0, &error);
        if (!root)
            fail_msg("%s: %s", line, error.text);
        assert_string_equal(json_string_value(json_object_get(root, "level")), "info");
        assert_string_equal(json_string_value(json_object_get(root, "id")), "odd");
        assert_int_equal(strlen(json_string_value(json_object_get(root, "ts"))), 24);
        const char *msg = json_string_value(json_object_get(root, "msg"));
        assert_non_null(msg);
        if (ax_str_utf8(ax_str(odd[i])))
            assert_string_equal(msg, odd[i]);
        else
            assert_non_null(strstr(msg, "\xEF\xBF\xBD"));
        json_decref(root);
    }
    assert_null(line);
}

static void a_logfmt_line_is_one_line_of_pairs(void **state)
{
    (void)state;
    begin(AX_LOG_LOGFMT);
    for (size_t i = 0; i < ODD_N; i++)
        ax_log(AX_LOG_INFO, "odd", "%s", odd[i]);
    char *save = NULL, *text = end(), *line = strtok_r(text, "\n", &save);
    size_t lines = 0;
    for (; line; line = strtok_r(NULL, "\n", &save), lines++) {
        const char *msg = strstr(line, " level=info id=odd msg=\"");
        assert_memory_equal(line, "ts=", 3);
        assert_non_null(msg);
        assert_true(ax_str_utf8(ax_str(line)));
        const char *p = msg + strlen(" level=info id=odd msg=\"");
        for (; *p && *p != '"'; p++) /* to the quote that is not escaped */
            p += *p == '\\';
        assert_string_equal(p, "\"");
    }
    assert_int_equal(lines, ODD_N);
}

static void a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    static char euros[6000];
    for (size_t i = 0; i + 3 < sizeof euros; i += 3)
        memcpy(euros + i, "\xE2\x82\xAC", 3);
    begin(AX_LOG_JSON);
    for (int i = 0; i < 3; i++)
        ax_log(AX_LOG_INFO, "long", "%.*s%s", i, "xxx", euros);
    ax_log(AX_LOG_INFO, "long", "%s", "after");
    char *save = NULL, *text = end();
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        json_error_t error;
        json_t *root = json_loads(line, 0, &error);
        if (!root)
            fail_msg("%s: %s", line, error.text);
        assert_true(strlen(line) < 2400);
        json_decref(root);
    }
}

static void less_than_the_level_is_not_written(void **state)
{
    (void)state;
    begin(AX_LOG_LOGFMT);
    ax_log_setup(AX_LOG_WARN, AX_LOG_LOGFMT);
    ax_log(AX_LOG_DEBUG, "quiet", "no");
    ax_log(AX_LOG_INFO, "quiet", "no");
    ax_log(AX_LOG_WARN, "loud_warn", "yes");
    ax_log(AX_LOG_ERROR, "loud_error", "yes");
    const char *text = end();
    assert_null(strstr(text, "quiet"));
    assert_non_null(strstr(text, "loud_warn"));
    assert_non_null(strstr(text, "loud_error"));
}

static void repetition_is_limited_for_each_id_and_counted(void **state)
{
    (void)state;
    struct ax_log_limit l = {0, 0};
    uint64_t suppressed = 0;
    int64_t now_ms = 1000000;
    for (int i = 0; i < AX_LOG_BURST; i++) {
        assert_true(ax_log_admit(&l, now_ms, &suppressed));
        assert_int_equal(suppressed, 0);
    }
    for (int i = 0; i < 100; i++)
        assert_false(ax_log_admit(&l, now_ms + i, &suppressed));
    now_ms += AX_LOG_EVERY_MS;
    assert_true(ax_log_admit(&l, now_ms, &suppressed));
    assert_int_equal(suppressed, 100);
    assert_false(ax_log_admit(&l, now_ms, &suppressed));
    now_ms += 100 * AX_LOG_EVERY_MS; /* all is earned back, and no more */
    int admitted = 0;
    for (int i = 0; i < 100; i++)
        admitted += ax_log_admit(&l, now_ms, &suppressed);
    assert_int_equal(admitted, AX_LOG_BURST);
    begin(AX_LOG_LOGFMT);
    for (int i = 0; i < 1000; i++)
        ax_log(AX_LOG_WARN, "again", "and again");
    ax_log(AX_LOG_WARN, "another", "is not held back");
    for (int i = 0; i < 50; i++)
        ax_log(AX_LOG_INFO, "told", "state changes are all told");
    char *text = end(), *p = text;
    int again = 0, told = 0;
    for (; (p = strstr(p, "id=again")); p++)
        again++;
    for (p = text; (p = strstr(p, "id=told")); p++)
        told++;
    assert_in_range(again, AX_LOG_BURST, AX_LOG_BURST + 1);
    assert_int_equal(told, 50);
    assert_non_null(strstr(text, "id=another"));
}

/* Lines of an id in what was written. */
static int lines_of(const char *text, const char *id)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, id)); p += strlen(id))
        n++;
    return n;
}

static void lines_of_one_subject_do_not_hold_back_those_of_another(void **state)
{
    (void)state;
    begin(AX_LOG_LOGFMT);
    for (int i = 0; i < 1000; i++)
        ax_log_about(AX_LOG_WARN, "about", ax_str("first"), "first");
    ax_log_about(AX_LOG_WARN, "about", ax_str("second"), "second");
    ax_log_about(AX_LOG_WARN, "about_more", ax_str("first"), "another id");
    ax_log(AX_LOG_WARN, "about", "of nobody");
    const char *text = end();
    assert_in_range(lines_of(text, "msg=\"first\""), AX_LOG_BURST, AX_LOG_BURST + 1);
    assert_int_equal(lines_of(text, "msg=\"second\""), 1);
    assert_int_equal(lines_of(text, "msg=\"another id\""), 1);
    assert_int_equal(lines_of(text, "msg=\"of nobody\""), 1);
}

static void subjects_without_end_are_held_back_by_their_id(void **state)
{
    (void)state;
    char subject[32];
    begin(AX_LOG_LOGFMT);
    for (int i = 0; i < 4 * AX_LOG_SUBJECTS; i++) {
        (void)snprintf(subject, sizeof subject, "subject %d", i);
        ax_log_about(AX_LOG_WARN, "crowd", ax_str(subject), "%s", subject);
    }
    assert_in_range(lines_of(end(), "id=crowd "), AX_LOG_SUBJECTS / 2, AX_LOG_SUBJECTS + AX_LOG_BURST + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_json_line_is_one_object_whatever_it_says),
        cmocka_unit_test(a_logfmt_line_is_one_line_of_pairs),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(less_than_the_level_is_not_written),
        cmocka_unit_test(repetition_is_limited_for_each_id_and_counted),
        cmocka_unit_test(lines_of_one_subject_do_not_hold_back_those_of_another),
        cmocka_unit_test(subjects_without_end_are_held_back_by_their_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
