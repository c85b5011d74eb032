/* What of a URL may be shown. */
#include "ax_test.h"
#include "base/url.h"

#include <stdlib.h>

static void require_shown(const char *url, const char *shown, const char *label)
{
    struct ax_buf out;
    ax_buf_init(&out, 4096);
    ax_url_shown(ax_str(url), &out);
    ax_buf_byte(&out, 0);
    char *text = ax_url_label(ax_str(url));
    assert_non_null(text);
    assert_string_equal((const char *)out.bytes, shown);
    assert_string_equal(text, label);
    free(text);
    ax_buf_done(&out);
}

static void a_url_without_secrets_is_shown_as_it_is(void **state)
{
    (void)state;
    static const char *const plain[] = {"", "http://h", "https://h:9090/api/v1/write",
                                        "http://[::1]:80/a@b#c", "word"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        require_shown(plain[i], plain[i], plain[i]);
}

static void a_password_is_not_shown_and_a_label_has_no_user_at_all(void **state)
{
    (void)state;
    require_shown("http://u:p@h/w", "http://u:<secret>@h/w", "http://h/w");
    require_shown("http://u@h/w", "http://u@h/w", "http://h/w");
    require_shown("http://u:p@q:r@h", "http://u:<secret>@h", "http://h");
    require_shown("u:p@h/w", "u:<secret>@h/w", "h/w");
    require_shown("http://h/a:b@c", "http://h/a:b@c", "http://h/a:b@c");
}

static void of_the_arguments_only_the_names_are_shown(void **state)
{
    (void)state;
    require_shown("http://h/w?token=a", "http://h/w?token=<secret>", "http://h/w?token=<secret>");
    require_shown("http://h/w?a=1&token=x=y&c#d", "http://h/w?a=<secret>&token=<secret>&<secret>#d",
                  "http://h/w?a=<secret>&token=<secret>&<secret>#d");
    require_shown("http://h?", "http://h?", "http://h?");
    require_shown("http://h?=&", "http://h?=<secret>&", "http://h?=<secret>&");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_without_secrets_is_shown_as_it_is),
        cmocka_unit_test(a_password_is_not_shown_and_a_label_has_no_user_at_all),
        cmocka_unit_test(of_the_arguments_only_the_names_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
