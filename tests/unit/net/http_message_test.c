/* What a handler says is one line of text, whatever it quotes. */
#include "ax_test.h"
#include "net/http_server.h"

#include <string.h>

static void a_text_is_one_line_of_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *quoted, *shown;
    } cases[] = {
        {"plain", "plain\n"},
        {"two\r\nlines", "two??lines\n"},
        {"tab\tand \x7f", "tab?and ?\n"},
        {"\xC3\xA4\xE2\x82\xAC", "\xC3\xA4\xE2\x82\xAC\n"},
        {"latin \xE4 and cut \xE2\x82", "latin ? and cut ??\n"},
        {"", "\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_http_response res;
        ax_http_response_init(&res);
        ax_http_text(&res, 400, "%s", cases[i].quoted);
        ax_buf_byte(&res.body, '\0');
        assert_string_equal((const char *)res.body.bytes, cases[i].shown);
        assert_int_equal(res.status, 400);
        ax_buf_done(&res.body);
    }
}

static void a_text_takes_the_place_of_what_was_there(void **state)
{
    (void)state;
    struct ax_http_response res;
    ax_http_response_init(&res);
    ax_buf_str(&res.body, ax_str("{\"half\": "));
    ax_http_text(&res, 503, "out of memory");
    ax_buf_byte(&res.body, '\0');
    assert_string_equal((const char *)res.body.bytes, "out of memory\n");
    for (int i = 0; i < AX_HTTP_HEADERS_MAX + 3; i++) /* more than there may be are passed over */
        ax_http_add_header(&res, "X-Long", "%0100d", i);
    assert_int_equal(res.headers_n, AX_HTTP_HEADERS_MAX);
    assert_int_equal(strlen(res.headers[0].value), sizeof res.headers[0].value - 1);
    ax_buf_done(&res.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_one_line_of_utf8),
        cmocka_unit_test(a_text_takes_the_place_of_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
