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
    {"tls_server_config: {key_file: k}\n", 1, 20, "tls_server_config needs the key \"cert_file\""},
    {"tls_server_config:\n", 1, 19, "cert_file is empty"},
    {"tls_server_config: {cert_file: '', key_file: k}\n", 1, 32, "cert_file is empty"},
    {TLS("client_auth_type: Maybe"), 1, 66,
     "client_auth_type must be one of NoClientCert, RequestClientCert"},
    {TLS("client_auth_type: RequireAndVerifyClientCert"), 1, 66, "needs client_ca_file"},
    {TLS("client_auth_type: VerifyClientCertIfGiven"), 1, 66, "needs client_ca_file"},
    {TLS("client_ca_file: x"), 1, 64, "has no effect with client_auth_type: NoClientCert"},
    {TLS("min_version: TLS11"), 1, 61, "min_version must be one of TLS12, TLS13; not \"TLS11\""},
    {TLS("min_version: TLS13, max_version: TLS12"), 1, 61, "min_version is above max_version"},
    {TLS("cipher_suites: [TLS_AES_128_GCM_SHA256]"), 1, 63, "cipher_suites is not supported"},
    {TLS("curve_preferences: [X25519]"), 1, 67, "curve_preferences is not supported"},
    {TLS("client_allowed_sans: [x]"), 1, 69, "client_allowed_sans is not supported"},
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
    {"basic_auth_users: [a]\n", 1, 19, "must be a mapping, not a list"},
    {"basic_auth_users: secret\n", 1, 19, "must be a mapping, not a single value"},
    {"bearer_token_file: ''\n", 1, 20, "bearer_token_file is empty"},
    {"rate_limit: {}\n", 1, 13, "rate_limit is not supported"},
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
        cmocka_unit_test(a_file_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
