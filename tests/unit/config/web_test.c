/* The file of --web.config.file is read as Prometheus's exporter-toolkit reads it, and faults have places. */
#include "ax_test.h"
#include "config/web.h"

#include <stdio.h>
#include <stdlib.h>

#define HASH "$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
#define TLS(more) "tls_server_config: {cert_file: c, key_file: k, " more "}\n"
#define HEADERS(more) "http_server_config: {headers: {" more "}}\n"

static struct ax_problems problems;

static struct ax_web_config *good(const char *yaml)
{
    struct ax_web_config *c = NULL;
    if (ax_web_config_parse(ax_str(yaml), ax_str("/etc/auspex"), &c, &problems) != AX_OK)
        fail_msg("%s: %s", yaml, problems.v[0].text);
    return c;
}

static void assert_str(struct ax_str s, const char *text)
{
    if (!ax_str_eq(s, ax_str(text)))
        fail_msg("\"" AX_STR_FMT "\" is not \"%s\"", AX_STR_ARG(s), text);
}

static void a_whole_file_is_read(void **state)
{
    (void)state;
    struct ax_web_config *c = NULL;
    assert_int_equal(ax_web_config_load(AX_TEST_DIR "/fuzz/corpus/web/full.yml", &c, &problems), AX_OK);
    const struct ax_doors_options *o = &c->doors;
    assert_true(c->tls);
    assert_str(o->cert_file, AX_TEST_DIR "/fuzz/corpus/web/cert.pem");
    assert_str(o->key_file, "/etc/auspex/key.pem");
    assert_str(o->client_ca_file, AX_TEST_DIR "/fuzz/corpus/web/ca.pem");
    assert_str(o->bearer_token_file, AX_TEST_DIR "/fuzz/corpus/web/tokens");
    assert_int_equal(o->client_auth, AX_CLIENT_CERT_VERIFIED);
    assert_int_equal(o->min_version, AX_TLS_12);
    assert_int_equal(o->max_version, AX_TLS_13);
    assert_int_equal(o->headers_n, 5);
    assert_str(o->headers[1].name, "X-Content-Type-Options");
    assert_str(o->headers[1].value, "nosniff");
    assert_str(o->headers[4].value, "default-src 'none'");
    assert_int_equal(o->users_n, 2);
    assert_str(o->users[0].name, "anna");
    assert_str(o->users[0].hash, HASH);
    assert_int_equal(problems.n, 1); /* http2 */
    assert_true(problems.v[0].warning);
    ax_web_config_free(c);
}

static void what_is_not_given_has_a_default(void **state)
{
    (void)state;
    struct ax_web_config *c = good("");
    assert_false(c->tls);
    assert_int_equal(c->doors.users_n + c->doors.headers_n + c->doors.cert_file.n, 0);
    ax_web_config_free(c);
    c = good("tls_server_config: {cert_file: c, key_file: k}\nbasic_auth_users:\nhttp_server_config:\n");
    assert_true(c->tls);
    assert_str(c->doors.cert_file, "/etc/auspex/c");
    assert_int_equal(c->doors.client_auth, AX_CLIENT_CERT_NONE);
    assert_int_equal(c->doors.min_version, AX_TLS_12);
    assert_int_equal(c->doors.max_version, AX_TLS_13);
    ax_web_config_free(c);
}

static const struct {
    const char *yaml;
    uint32_t line, column;
    const char *text;
} cases[] = {
    {"a: b: c\n", 1, 5, "not YAML"},
    {"- x\n", 1, 1, "the file must be a mapping, not a list"},
    {"basic_auth_user: {}\n", 1, 1,
     "unknown key \"basic_auth_user\" in the file; did you mean \"basic_auth_users\"?"},
    {"tls_server_config: {cert: x, key_file: k, cert_flie: c}\n", 1, 43, "did you mean \"cert_file\"?"},
    {"tls_server_config: {key_file: k}\n", 1, 20,
     "tls_server_config needs the key \"cert_file\", or \"cert\""},
    {"tls_server_config:\n", 1, 19, "needs the key \"cert_file\", or \"cert\""},
    {"tls_server_config: {cert_file: '', key_file: k}\n", 1, 32, "cert_file is empty"},
    {"tls_server_config: {cert: '', key_file: k}\n", 1, 27, "cert is empty"},
    {TLS("key: secret"), 1, 53, "key and key_file are both set"},
    {TLS("client_ca: x, client_ca_file: x"), 1, 59, "client_ca and client_ca_file are both set"},
    {TLS("client_auth_type: Maybe"), 1, 66,
     "client_auth_type must be one of NoClientCert, RequestClientCert"},
    {TLS("client_auth_type: RequireAndVerifyClientCert"), 1, 66, "needs client_ca_file"},
    {TLS("client_auth_type: VerifyClientCertIfGiven"), 1, 66, "needs client_ca_file"},
    {TLS("client_ca_file: x"), 1, 64, "has no effect with client_auth_type: NoClientCert"},
    {TLS("min_version: TLS11"), 1, 61, "min_version must be one of TLS12, TLS13; not \"TLS11\""},
    {TLS("min_version: TLS13, max_version: TLS12"), 1, 61, "min_version is above max_version"},
    {TLS("cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_RSA_WITH_AES_128_CBC_SHA]"), 1, 88,
     "cipher_suites: \"TLS_RSA_WITH_AES_128_CBC_SHA\" is not known"},
    {TLS("cipher_suites: TLS_AES_128_GCM_SHA256"), 1, 63, "cipher_suites must be a list"},
    {TLS("curve_preferences: [X25519, P256]"), 1, 76, "curve_preferences: \"P256\" is not known"},
    {TLS("client_allowed_sans: [x]"), 1, 69, "needs client_auth_type: RequireAndVerifyClientCert"},
    {TLS("client_allowed_sans: [x], client_auth_type: VerifyClientCertIfGiven, client_ca_file: x"), 1, 69,
     "needs client_auth_type: RequireAndVerifyClientCert"},
    {TLS("client_allowed_sans: [], client_auth_type: RequireAnyClientCert"), 1, 69, "nobody would be let in"},
    {TLS("prefer_server_cipher_suites: 1"), 1, 77, "must be true or false"},
    {HEADERS("X-Frame-Options: maybe"), 1, 49, "X-Frame-Options must be one of deny, sameorigin"},
    {HEADERS("X-Frame-Option: deny"), 1, 32, "did you mean \"X-Frame-Options\"?"},
    {HEADERS("Server: x"), 1, 32, "unknown key \"Server\" in headers"},
    {HEADERS("Content-Security-Policy: \"a\\r\\nb\""), 1, 57, "a character that a header cannot carry"},
    {"basic_auth_users: {anna: secret}\n", 1, 26, "what is given for \"anna\" is no bcrypt hash"},
    {"basic_auth_users: {anna: $6$salt$xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}\n", 1, 26,
     "no bcrypt"},
    {"basic_auth_users: {anna: $2y$16$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e}\n", 1, 26,
     "cost that is not from 4 to 15"},
    {"basic_auth_users: {'': " HASH "}\n", 1, 20, "a user name is not empty"},
    {"basic_auth_users: {'a:b': " HASH "}\n", 1, 20, "has no colon"},
    {"basic_auth_users: {a: " HASH ", a: " HASH "}\n", 1, 85, "a second time"},
    {"basic_auth_users: {alice: []}\n", 1, 27, "basic_auth_users must be a single value, not a list"},
    {"basic_auth_users: {alice: []}\n", 1, 19, "a user was not read"},
    {"basic_auth_users: {alice: [" HASH ", " HASH "]}\n", 1, 27, "must be a single value, not a list"},
    {"basic_auth_users: {alice: [x, secret], bob: " HASH "}\n", 1, 27, "must be a single value"},
    {"basic_auth_users: {alice: {x: secret}}\n", 1, 27, "must be a single value, not a mapping"},
    {"basic_auth_users: {alice: }\n", 1, 27, "must be a single value, not nothing"},
    {"basic_auth_users: [a]\n", 1, 19, "must be a mapping, not a list"},
    {"basic_auth_users: secret\n", 1, 19, "must be a mapping, not a single value"},
    {"bearer_token_file: ''\n", 1, 20, "bearer_token_file is empty"},
    {"rate_limit: {interval: 1s}\n", 1, 13, "rate_limit needs a burst of at least 1"},
    {"rate_limit: {interval: 1d, burst: 1}\n", 1, 24, "interval must be from 0s to 1h"},
};

static void every_fault_has_its_place_and_shows_no_secret(void **state)
{
    (void)state;
    bool failed = false;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_web_config *c = NULL;
        if (ax_web_config_parse(ax_str(cases[i].yaml), ax_str(""), &c, &problems) != AX_INVALID)
            fail_msg("case %zu is not refused: %s", i, cases[i].yaml);
        assert_null(c);
        bool found = false;
        for (uint32_t k = 0; k < problems.n; k++) {
            const struct ax_problem *p = &problems.v[k];
            found |= !p->warning && p->place.line == cases[i].line && p->place.column == cases[i].column &&
                     strstr(p->text, cases[i].text);
            assert_null(strstr(p->text, "secret"));
            assert_null(strstr(p->text, "$2y$"));
        }
        for (uint32_t k = 0; k < problems.n && !found; k++)
            print_error("case %zu, want %u:%u \"%s\": %u:%u: %s\n", i, cases[i].line, cases[i].column,
                        cases[i].text, problems.v[k].place.line, problems.v[k].place.column,
                        problems.v[k].text);
        failed |= !found;
    }
    assert_false(failed);
}

static void everything_may_stand_in_the_file_itself(void **state)
{
    (void)state;
    struct ax_web_config *c =
        good("tls_server_config:\n"
             "  cert: |\n    -----BEGIN CERTIFICATE-----\n    ab\n"
             "  key: secret\n  client_ca: ca\n  client_auth_type: RequireAndVerifyClientCert\n"
             "  client_allowed_sans: [a.test, 192.0.2.7]\n"
             "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256]\n"
             "  curve_preferences: [CurveP384, X25519]\n  prefer_server_cipher_suites: false\n"
             "rate_limit: {interval: 10ms, burst: 20}\n");
    const struct ax_doors_options *o = &c->doors;
    assert_int_equal(problems.n, 0);
    assert_true(c->tls);
    assert_str(o->cert, "-----BEGIN CERTIFICATE-----\nab\n");
    assert_str(o->key, "secret");
    assert_str(o->client_ca, "ca");
    assert_int_equal(o->cert_file.n + o->key_file.n + o->client_ca_file.n, 0);
    assert_int_equal(o->client_sans_n, 2);
    assert_str(o->client_sans[1], "192.0.2.7");
    assert_int_equal(o->cipher_suites_n, 2);
    assert_str(o->cipher_suites[0], "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
    assert_int_equal(o->curves_n, 2);
    assert_str(o->curves[0], "CurveP384");
    assert_false(o->server_order);
    assert_int_equal(o->rate_interval_ms, 10);
    assert_int_equal(o->rate_burst, 20);
    ax_web_config_free(c);
}

static void what_may_not_be_meant_is_warned_of(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *text;
    } warnings[] = {
        {TLS("cipher_suites: [TLS_AES_128_GCM_SHA256]"), "nobody can speak TLS 1.2"},
        {TLS("client_allowed_sans: [x], client_auth_type: RequireAnyClientCert"), "anybody can make"},
    };
    for (size_t i = 0; i < sizeof warnings / sizeof warnings[0]; i++) {
        struct ax_web_config *c = good(warnings[i].yaml);
        assert_int_equal(problems.n, 1);
        assert_true(problems.v[0].warning);
        assert_non_null(strstr(problems.v[0].text, warnings[i].text));
        ax_web_config_free(c);
    }
    struct ax_web_config *c = good("rate_limit: {interval: 0}\n");
    assert_int_equal(problems.n + c->doors.rate_interval_ms, 0);
    assert_true(c->doors.server_order || !c->tls);
    ax_web_config_free(c);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct ax_web_config *c = NULL;
    assert_int_equal(ax_web_config_load("/nonexistent/web.yml", &c, &problems), AX_IO);
    assert_null(c);
    assert_non_null(strstr(problems.v[0].text, "cannot be opened: No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_is_read),
        cmocka_unit_test(what_is_not_given_has_a_default),
        cmocka_unit_test(every_fault_has_its_place_and_shows_no_secret),
        cmocka_unit_test(everything_may_stand_in_the_file_itself),
        cmocka_unit_test(what_may_not_be_meant_is_warned_of),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
