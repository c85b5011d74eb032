/* The environment's proxies are those that Go's programs would take (golang.org/x/net/http/httpproxy). */
#include "ax_test.h"
#include "net/http_transport.h"
#include "net/no_proxy.h"

#include <stdlib.h>
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
        const char *scheme, *proxy;
    } cases[] = {
        {all, "http", "http://plain"},
        {all, "https", "http://safe"},
        {none, "https", ""},
        {none, "http", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pairs = cases[i].pairs;
        assert_string_equal(ax_http_proxy_of(cases[i].scheme, env), cases[i].proxy);
    }
}

static void this_machine_is_reached_without_a_proxy_and_what_no_proxy_names(void **state)
{
    (void)state;
    static const char *const named[] = {"NO_PROXY", ".example.org", "no_proxy", "other.test", NULL};
    static const char *const none[] = {"NO_PROXY", "", NULL}, *const all[] = {"no_proxy", "*", NULL};
    static const struct {
        const char *const *pairs;
        const char *host;
        bool past;
    } cases[] = {
        {named, "localhost", true},   {named, "LocalHost", true}, {named, "127.0.0.1", true},
        {named, "127.8.0.1", true},   {named, "[::1]", true},     {named, "127.test", false},
        {named, "128.0.0.1", false},  {named, "a.test", false},   {named, "a.example.org", true},
        {named, "other.test", false}, {none, "127.0.0.1", true},  {none, "a.test", false},
        {all, "a.test", true},        {all, "127.0.0.1", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pairs = cases[i].pairs;
        char *list = ax_http_no_proxy_of(env);
        assert_non_null(list);
        if (ax_no_proxy_has(ax_str(list), cases[i].host) != cases[i].past)
            fail_msg("%s in %s", cases[i].host, list);
        free(list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_machine_is_reached_without_a_proxy_and_what_no_proxy_names),
        cmocka_unit_test(the_proxy_is_that_of_the_scheme_and_capitals_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
