/* A list of no_proxy names hosts as libcurl's does. */
#include "ax_test.h"
#include "net/no_proxy.h"

static void hosts_are_named_by_domains_addresses_and_networks(void **state)
{
    (void)state;
    static const struct {
        const char *list, *host;
        bool has;
    } cases[] = {
        {"", "a.test", false},
        {"*", "a.test", true},
        {"*", "10.0.0.1", true},
        {"a.test", "A.Test", true},
        {"a.test", "a.test.", true},
        {"a.test.", "a.test", true},
        {"a.test", "b.a.test", true},
        {".a.test", "b.a.test", true},
        {".a.test", "a.test", true},
        {"a.test", "ba.test", false},
        {"b.a.test", "a.test", false},
        {"x, ,y.test\ta.test", "a.test", true},
        {"x,y.test", "a.test", false},
        {".", "a.test", false},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.10", false},
        {"0.0.1", "10.0.0.1", false},
        {"10.0.0.0/8,127.0.0.0/8", "127.8.0.1", true},
        {"10.1.0.0/12", "10.15.255.255", true},
        {"10.1.0.0/12", "10.16.0.0", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "a.test", false},
        {"10.0.0.0/33,10.0.0.0/x,10.0.0.0/", "10.0.0.0", false},
        {"2001:db8::/32", "[2001:db8::7]", true},
        {"2001:db8::/32", "[2001:db9::7]", false},
        {"::1", "[::1]", true},
        {"::/0", "127.0.0.1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (ax_no_proxy_has(ax_str(cases[i].list), cases[i].host) != cases[i].has)
            fail_msg("\"%s\" and %s", cases[i].list, cases[i].host);
}

static void what_is_too_long_is_not_named(void **state)
{
    (void)state;
    char word[300];
    memset(word, 'a', sizeof word);
    word[sizeof word - 1] = '\0';
    assert_false(ax_no_proxy_has(ax_str(word), word));
    assert_false(ax_no_proxy_has(ax_str(word), "a"));
    assert_false(ax_no_proxy_has(ax_str("a"), ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_named_by_domains_addresses_and_networks),
        cmocka_unit_test(what_is_too_long_is_not_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
