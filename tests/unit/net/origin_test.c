/* Whose page a request comes from is told as browsers tell it. */
#include "ax_test.h"
#include "net/origin.h"

static bool foreign(const char *site, const char *origin, const char *host)
{
    const struct ax_str none = {NULL, 0};
    return ax_origin_foreign(site ? ax_str(site) : none, origin ? ax_str(origin) : none,
                             host ? ax_str(host) : none);
}

static void what_comes_from_no_browser_is_not_foreign(void **state)
{
    (void)state;
    assert_false(foreign(NULL, NULL, "127.0.0.1:9201"));
    assert_false(foreign(NULL, NULL, NULL));
}

static void the_browser_says_whose_page_it_is(void **state)
{
    (void)state;
    assert_false(foreign("same-origin", "https://a.example", "behind-a-proxy:9201"));
    assert_false(foreign("none", NULL, "a.example"));
    assert_true(foreign("cross-site", NULL, "a.example"));
    assert_true(foreign("same-site", "https://a.example", "a.example")); /* another port, or name beside it */
    assert_true(foreign("what is not known yet", NULL, "a.example"));
}

static void where_it_does_not_its_origin_must_be_the_host_that_is_asked(void **state)
{
    (void)state;
    assert_false(foreign(NULL, "http://127.0.0.1:9201", "127.0.0.1:9201"));
    assert_false(foreign(NULL, "http://Auspex.Example", "auspex.example"));
    assert_false(foreign(NULL, "http://[::1]:9201", "[::1]:9201"));
    assert_true(foreign(NULL, "http://127.0.0.1:3000", "127.0.0.1:9201"));
    assert_true(foreign(NULL, "http://127.0.0.1", "127.0.0.1:9201"));
    assert_true(foreign(NULL, "http://evil.example", "auspex.example"));
    assert_true(foreign(NULL, "http://auspex.example.evil", "auspex.example"));
    assert_true(foreign(NULL, "null", "null"));
    assert_true(foreign(NULL, "http://", ""));
    assert_true(foreign(NULL, "http://a.example", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_from_no_browser_is_not_foreign),
        cmocka_unit_test(the_browser_says_whose_page_it_is),
        cmocka_unit_test(where_it_does_not_its_origin_must_be_the_host_that_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
