/* The environment's proxies are those that Go's programs would take (golang.org/x/net/http/httpproxy). */
#include "ax_test.h"
#include "net/http_transport.h"

#include <string.h>

static const char *const *pairs; /* names and values, ending with NULL */

static char *env(const char *name)
{
    for (size_t i = 0; pairs[i]; i += 2)
        if (strcmp(pairs[i], name) == 0) {
            union {
                const char *text;
                char *value;
            } v = {pairs[i + 1]};
            return v.value;
        }
    return NULL;
}

static void the_proxy_is_that_of_the_scheme_and_capitals_come_first(void **state)
{
    (void)state;
    static const char *const all[] = {"HTTP_PROXY",  "http://plain", "http_proxy", "http://small",
                                      "https_proxy", "http://safe",  "NO_PROXY",   ".example.org",
                                      "ALL_PROXY",   "http://all",   NULL};
    static const char *const none[] = {"HTTPS_PROXY", "", NULL};
    static const struct {
        const char *const *pairs;
        const char *scheme, *host, *proxy, *no_proxy;
    } cases[] = {
        {all, "http", "a.test", "http://plain", ".example.org"},
        {all, "https", "a.test", "http://safe", ".example.org"},
        {all, "http", "localhost", "", ".example.org"},
        {all, "http", "LocalHost", "", ".example.org"},
        {all, "https", "127.0.0.1", "", ".example.org"},
        {all, "https", "127.8.0.1", "", ".example.org"},
        {all, "https", "[::1]", "", ".example.org"},
        {all, "http", "127.test", "http://plain", ".example.org"},
        {all, "http", "128.0.0.1", "http://plain", ".example.org"},
        {none, "https", "a.test", "", ""},
        {none, "http", "a.test", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *no_proxy = NULL;
        pairs = cases[i].pairs;
        const char *proxy = ax_http_proxy_of(cases[i].scheme, cases[i].host, env, &no_proxy);
        assert_string_equal(proxy, cases[i].proxy);
        assert_string_equal(no_proxy, cases[i].no_proxy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_proxy_is_that_of_the_scheme_and_capitals_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
