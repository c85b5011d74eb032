/* Over real sockets: who has the right certificate, password or token comes in, all others read why not, and
 * doors are changed without closing a connection. */
#include "ax_test.h"
#include "base/metrics.h"
#include "net/http_server.h"
#include "net/secret_file.h"
#include "scratch.h"
#include "visitor.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TLS(name) AX_TEST_DIR "/data/tls/" name ".pem"
#define FILE_OF(name)                                                                                        \
    {                                                                                                        \
        TLS(name), sizeof TLS(name) - 1                                                                      \
    }
#define SERVER_CERTIFICATE .cert_file = FILE_OF("receiver"), .key_file = FILE_OF("receiver-key")
#define SAFE .tls = true, .ca = "receiver"

/* "correct horse" and "second", cost 4 */
static const struct ax_door_user users[] = {
    {{"anna", 4}, {"$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", 60}},
    {{"bert", 4}, {"$2y$04$abcdefghijklmnopqrstuu0m4FNu/b0Ul0dVXpD5yXn5kdSneXCgS", 60}},
};

static void greet(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    (void)req;
    ax_http_text(res, 200, "welcome");
}

static const struct ax_http_route routes[] = {
    {"GET", "/", "doors_get", greet, NULL, 0, NULL, false, NULL},
    {"POST", "/", "doors_post", greet, NULL, 1000, NULL, false, NULL},
};

static struct ax_doors *make(const struct ax_doors_options *o)
{
    struct ax_doors *d = NULL;
    struct ax_diag diag = {{0}};
    if (ax_doors_new(o, &d, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return d;
}

static struct ax_http_server *serve(const struct ax_doors_options *o)
{
    struct ax_http_server *s = NULL;
    struct ax_diag diag = {{0}};
    struct ax_doors *doors = make(o);
    const struct ax_http_options http = {.listen_address = "127.0.0.1:0", .doors = doors};
    if (ax_http_server_start(&http, routes, 2, &s, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    ax_doors_release(doors);
    return s;
}

static void change(struct ax_http_server *s, const struct ax_doors_options *o)
{
    struct ax_doors *next = make(o);
    struct ax_diag diag = {{0}};
    if (ax_http_server_set_doors(s, next, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    ax_doors_release(next);
}

/* One visit on a connection of its own. */
static int ask(struct ax_http_server *s, const struct visit *visit)
{
    struct visitor *v = visitor_new(ax_http_server_port(s));
    int status = visitor_insist(v, visit);
    visitor_free(v);
    return status;
}

static char *write_file(const char *text)
{
    char path[SCRATCH_PATH];
    scratch_make(path, "tokens");
    scratch_write(path, text, strlen(text));
    return strdup(path);
}

static void the_certificate_is_that_of_the_file_and_needs_a_client_that_trusts_it(void **state)
{
    (void)state;
    struct ax_http_server *s =
        serve(&(struct ax_doors_options){SERVER_CERTIFICATE, .max_version = AX_TLS_13});
    assert_int_equal(ask(s, &(struct visit){SAFE}), 200);
    assert_int_equal(ask(s, &(struct visit){.tls = true, .ca = "other"}), -CURLE_PEER_FAILED_VERIFICATION);
    assert_true(ask(s, &(struct visit){.tls = false}) < 0);
    ax_http_server_stop(s, 1000);
}

static void versions_of_tls_are_kept_to(void **state)
{
    (void)state;
    const struct visit old = {SAFE, .newest_version = CURL_SSLVERSION_MAX_TLSv1_2};
    const struct visit new = {SAFE, .newest_version = CURL_SSLVERSION_TLSv1_3};
    const struct visit ancient = {SAFE, .newest_version = CURL_SSLVERSION_MAX_TLSv1_1};
    struct ax_http_server *s = serve(
        &(struct ax_doors_options){SERVER_CERTIFICATE, .min_version = AX_TLS_13, .max_version = AX_TLS_13});
    assert_true(ask(s, &old) < 0);
    assert_int_equal(ask(s, &new), 200);
    ax_http_server_stop(s, 1000);
    s = serve(
        &(struct ax_doors_options){SERVER_CERTIFICATE, .min_version = AX_TLS_12, .max_version = AX_TLS_12});
    assert_int_equal(ask(s, &old), 200);
    assert_true(ask(s, &new) < 0);
    assert_true(ask(s, &ancient) < 0);
    ax_http_server_stop(s, 1000);
}

static void certificates_of_clients_are_asked_for_as_configured(void **state)
{
    (void)state;
    static const struct {
        enum ax_client_auth auth;
        int none, good, stranger;
    } cases[] = {
        {AX_CLIENT_CERT_NONE, 200, 200, 200},     {AX_CLIENT_CERT_ASKED, 200, 200, 200},
        {AX_CLIENT_CERT_ANY, 403, 200, 200},      {AX_CLIENT_CERT_VERIFIED_IF_GIVEN, 200, 200, 403},
        {AX_CLIENT_CERT_VERIFIED, 403, 200, 403},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_doors_options o = {SERVER_CERTIFICATE, .client_auth = cases[i].auth,
                                     .max_version = AX_TLS_13};
        if (cases[i].auth >= AX_CLIENT_CERT_VERIFIED_IF_GIVEN)
            o.client_ca_file = (struct ax_str)FILE_OF("client-ca");
        struct ax_http_server *s = serve(&o);
        for (long version = 0; version < 2; version++) {
            long newest = version ? CURL_SSLVERSION_MAX_TLSv1_2 : 0;
            assert_int_equal(ask(s, &(struct visit){SAFE, .newest_version = newest}), cases[i].none);
            assert_int_equal(ask(s, &(struct visit){SAFE, .newest_version = newest, .certificate = "client"}),
                             cases[i].good);
            assert_int_equal(
                ask(s, &(struct visit){SAFE, .newest_version = newest, .certificate = "stranger"}),
                cases[i].stranger);
        }
        ax_http_server_stop(s, 1000);
    }
}

static void a_server_certificate_is_none_for_clients(void **state)
{
    (void)state;
    struct ax_http_server *s =
        serve(&(struct ax_doors_options){SERVER_CERTIFICATE, .client_auth = AX_CLIENT_CERT_VERIFIED,
                                         .client_ca_file = FILE_OF("client-ca"), .max_version = AX_TLS_13});
    struct visitor *v = visitor_new(ax_http_server_port(s));
    assert_int_equal(visitor_ask(v, &(struct visit){SAFE, .certificate = "other"}), 403);
    assert_non_null(strstr(visitor_body(v), "not of a CA that is trusted here"));
    assert_int_equal(visitor_ask(v, &(struct visit){SAFE}), 403);
    assert_non_null(strstr(visitor_body(v), "a client certificate is needed"));
    assert_int_equal(visitor_ask(v, &(struct visit){SAFE, .certificate = "client", .body = "x"}), 200);
    visitor_free(v);
    ax_http_server_stop(s, 1000);
}

static void only_certificates_for_names_that_are_allowed_come_in(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum ax_client_auth auth;
        int named, client;
    } cases[] = {
        {"owner@sender.test", AX_CLIENT_CERT_VERIFIED, 200, 403},
        {"192.0.2.7", AX_CLIENT_CERT_ANY, 200, 403},
        {"subject.test", AX_CLIENT_CERT_VERIFIED, 403, 403}, /* the common name is no name */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct ax_str names[] = {ax_str("nobody.test"), ax_str(cases[i].name)};
        struct ax_http_server *s = serve(&(struct ax_doors_options){
            SERVER_CERTIFICATE, .client_auth = cases[i].auth, .client_ca_file = FILE_OF("named-ca"),
            .client_sans = names, .client_sans_n = 2, .max_version = AX_TLS_13});
        struct visitor *v = visitor_new(ax_http_server_port(s));
        int status = visitor_ask(v, &(struct visit){SAFE, .certificate = "named"});
        assert_int_equal(status, cases[i].named);
        if (status == 403)
            assert_non_null(strstr(visitor_body(v), "none of the names that are allowed"));
        assert_int_equal(ask(s, &(struct visit){SAFE, .certificate = "client"}), cases[i].client);
        assert_int_equal(ask(s, &(struct visit){SAFE}), 403);
        visitor_free(v);
        ax_http_server_stop(s, 1000);
    }
}

static void suites_and_curves_are_those_that_were_chosen(void **state)
{
    (void)state;
    const struct ax_str suites[] = {ax_str("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
                                    ax_str("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256")},
                        curve = ax_str("CurveP384");
    const long tls12 = CURL_SSLVERSION_MAX_TLSv1_2;
    struct ax_doors_options o = {SERVER_CERTIFICATE, .cipher_suites = suites, .cipher_suites_n = 2,
                                 .curves = &curve,   .curves_n = 1,           .max_version = AX_TLS_13};
    struct ax_http_server *s = serve(&o);
    const struct {
        const char *suites, *curves;
        long newest;
        bool in;
    } cases[] = {
        {NULL, NULL, 0, true},
        {NULL, NULL, tls12, true},
        {"ECDHE-ECDSA-AES256-GCM-SHA384", NULL, tls12, true},
        {"ECDHE-ECDSA-AES128-GCM-SHA256", NULL, tls12, false},
        {"ECDHE-ECDSA-CHACHA20-POLY1305", NULL, tls12, false}, /* chosen for RSA alone */
        {"ECDHE-ECDSA-AES128-GCM-SHA256", NULL, 0, true},      /* TLS 1.3 has its own */
        {NULL, "P-384", 0, true},
        {NULL, "P-384:P-256", tls12, true}, /* the certificate is on P-256 */
        {NULL, "P-256:X25519", 0, false},
        {NULL, "P-256:X25519", tls12, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = ask(s, &(struct visit){SAFE, .suites = cases[i].suites, .curves = cases[i].curves,
                                            .newest_version = cases[i].newest});
        if ((status == 200) != cases[i].in || (!cases[i].in && status >= 0))
            fail_msg("case %zu: %d", i, status);
    }
    ax_http_server_stop(s, 1000);
    o.cipher_suites++; /* for RSA alone, and the certificate is for ECDSA: TLS 1.3 is what is left */
    o.cipher_suites_n = 1;
    s = serve(&o);
    assert_true(ask(s, &(struct visit){SAFE, .newest_version = tls12}) < 0);
    assert_int_equal(ask(s, &(struct visit){SAFE}), 200);
    ax_http_server_stop(s, 1000);
}

static void certificates_may_be_given_as_text(void **state)
{
    (void)state;
    struct ax_buf pem[3];
    const char *const files[] = {TLS("receiver"), TLS("receiver-key"), TLS("client-ca")};
    for (int i = 0; i < 3; i++)
        assert_int_equal(ax_secret_file_read(ax_str(files[i]), 65536, &pem[i], NULL), AX_OK);
    struct ax_http_server *s = serve(&(struct ax_doors_options){.cert = ax_buf_view(&pem[0]),
                                                                .key = ax_buf_view(&pem[1]),
                                                                .client_ca = ax_buf_view(&pem[2]),
                                                                .client_auth = AX_CLIENT_CERT_VERIFIED,
                                                                .max_version = AX_TLS_13});
    for (int i = 0; i < 3; i++)
        ax_secret_file_done(&pem[i]);
    assert_int_equal(ask(s, &(struct visit){SAFE, .certificate = "client"}), 200);
    assert_int_equal(ask(s, &(struct visit){SAFE, .certificate = "stranger"}), 403);
    ax_http_server_stop(s, 1000);
}

static void no_more_requests_come_in_than_the_rate_allows(void **state)
{
    (void)state;
    struct ax_doors_options o = {.rate_interval_ms = 3600000, .rate_burst = 3};
    struct ax_http_server *s = serve(&o);
    struct visitor *v = visitor_new(ax_http_server_port(s));
    double before = ax_metric_get(ax_metric(AX_M_HTTP_REJECTED, "rate", NULL));
    for (int i = 0; i < 3; i++)
        assert_int_equal(visitor_ask(v, &(struct visit){.path = i ? "/" : "/none"}), i ? 200 : 404);
    assert_int_equal(visitor_ask(v, &(struct visit){0}), 429);
    assert_non_null(strstr(visitor_headers(v), "Retry-After: 3600"));
    assert_int_equal(visitor_ask(v, &(struct visit){.body = "x"}), 503); /* a sender would drop a 429 */
    assert_non_null(strstr(visitor_headers(v), "Retry-After: 3600"));
    assert_true(ax_metric_get(ax_metric(AX_M_HTTP_REJECTED, "rate", NULL)) == before + 2);
    change(s, &o); /* which gives nobody more */
    assert_int_equal(visitor_ask(v, &(struct visit){0}), 429);
    o.rate_interval_ms = 0;
    change(s, &o);
    for (int i = 0; i < 20; i++)
        assert_int_equal(visitor_ask(v, &(struct visit){0}), 200);
    visitor_free(v);
    ax_http_server_stop(s, 1000);
}

static void passwords_open_and_everything_else_reads_401(void **state)
{
    (void)state;
    struct ax_http_server *s = serve(&(struct ax_doors_options){.users = users, .users_n = 2});
    struct visitor *v = visitor_new(ax_http_server_port(s));
    double before = ax_metric_get(ax_metric(AX_M_HTTP_REQUESTS, "doors_get", "401"));
    assert_int_equal(visitor_insist(v, &(struct visit){0}), 401);
    assert_non_null(strstr(visitor_headers(v), "WWW-Authenticate: Basic realm="));
    assert_null(strstr(visitor_headers(v), "Bearer"));
    assert_non_null(strstr(visitor_body(v), "is needed here"));
    assert_int_equal(visitor_insist(v, &(struct visit){.user = "anna:wrong"}), 401);
    assert_non_null(strstr(visitor_body(v), "is wrong"));
    assert_true(ax_metric_get(ax_metric(AX_M_HTTP_REQUESTS, "doors_get", "401")) == before + 2);
    assert_int_equal(visitor_insist(v, &(struct visit){.user = "anna:second"}), 401);
    assert_int_equal(visitor_insist(v, &(struct visit){.user = "nobody:second"}), 401);
    assert_int_equal(visitor_insist(v, &(struct visit){.user = ":second"}), 401);
    assert_int_equal(visitor_insist(v, &(struct visit){.user = "bert:"}), 401);
    assert_int_equal(visitor_insist(v, &(struct visit){.token = "anna"}), 401);
    assert_int_equal(visitor_insist(v, &(struct visit){.path = "/nowhere"}), 401);
    assert_int_equal(visitor_insist(v, &(struct visit){.body = "unasked for"}), 401);
    assert_int_equal(visitor_insist(v, &(struct visit){.user = "anna:correct horse"}), 200);
    assert_int_equal(visitor_insist(v, &(struct visit){.user = "bert:second", .body = "x"}), 200);
    assert_int_equal(visitor_insist(v, &(struct visit){.user = "bert:second", .path = "/nowhere"}), 404);
    visitor_free(v);
    ax_http_server_stop(s, 1000);
}

static void malformed_credentials_are_wrong(void **state)
{
    (void)state;
    struct ax_doors *d = make(&(struct ax_doors_options){.users = users, .users_n = 2});
    static const char *const wrong[] = {
        "Basic",  "Basic ",  "Basic !!!",   "Basic YW5uYQ==", "Basic Og==",    "Digest x",
        "Bearer", "Bearer ", "basic  ====", "Basic\tYW5uYTo", " Basic YW5uYTo"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        enum ax_door_answer a = ax_doors_check(d, ax_str(wrong[i]));
        if (a != AX_DOOR_WRONG)
            fail_msg("\"%s\" is judged %d", wrong[i], (int)a);
    }
    char *text = calloc(1, 100001);
    memset(text, 'A', 100000);
    memcpy(text, "Basic ", 6);
    assert_int_equal(ax_doors_judge(d, ax_str(text)), AX_DOOR_WRONG);
    assert_int_equal(ax_doors_judge(d, (struct ax_str){NULL, 0}), AX_DOOR_NONE_GIVEN);
    free(text);
    ax_doors_release(d);
}

static void tokens_open_and_a_password_does_not_where_none_is_set(void **state)
{
    (void)state;
    char *path = write_file("# ours\r\nfirst-token-0123456789\r\n\nsecond-token-0123456789");
    struct ax_http_server *s = serve(&(struct ax_doors_options){.bearer_token_file = ax_str(path)});
    struct visitor *v = visitor_new(ax_http_server_port(s));
    assert_int_equal(visitor_ask(v, &(struct visit){.token = "first-token-0123456789"}), 200);
    assert_int_equal(visitor_ask(v, &(struct visit){.token = "second-token-0123456789"}), 200);
    assert_int_equal(visitor_ask(v, &(struct visit){.token = "second-token-012345678"}), 401);
    assert_int_equal(visitor_ask(v, &(struct visit){.token = "second-token-01234567890"}), 401);
    assert_int_equal(visitor_ask(v, &(struct visit){.token = "# ours"}), 401);
    assert_int_equal(visitor_ask(v, &(struct visit){.user = "anna:correct horse"}), 401);
    assert_non_null(strstr(visitor_headers(v), "WWW-Authenticate: Bearer"));
    assert_null(strstr(visitor_headers(v), "Basic"));
    visitor_free(v);
    ax_http_server_stop(s, 1000);
    s = serve(&(struct ax_doors_options){.bearer_token_file = ax_str(path), .users = users, .users_n = 1});
    v = visitor_new(ax_http_server_port(s));
    assert_int_equal(visitor_insist(v, &(struct visit){.user = "anna:correct horse"}), 200);
    assert_int_equal(visitor_ask(v, &(struct visit){.token = "first-token-0123456789"}), 200);
    assert_int_equal(visitor_ask(v, &(struct visit){0}), 401);
    assert_non_null(strstr(visitor_headers(v), "WWW-Authenticate: Bearer"));
    assert_non_null(strstr(visitor_headers(v), "WWW-Authenticate: Basic"));
    visitor_free(v);
    ax_http_server_stop(s, 1000);
    scratch_remove(path);
    free(path);
}

static void every_answer_carries_the_headers(void **state)
{
    (void)state;
    const struct ax_door_header headers[] = {{{"X-Frame-Options", 15}, {"deny", 4}}};
    struct ax_http_server *s =
        serve(&(struct ax_doors_options){.headers = headers, .headers_n = 1, .users = users, .users_n = 2});
    struct visitor *v = visitor_new(ax_http_server_port(s));
    static const char *const paths[] = {"/", "/nowhere"};
    for (int i = 0; i < 2; i++) {
        (void)visitor_insist(v, &(struct visit){.path = paths[i], .user = "anna:correct horse"});
        assert_non_null(strstr(visitor_headers(v), "X-Frame-Options: deny"));
    }
    assert_int_equal(visitor_ask(v, &(struct visit){0}), 401);
    assert_non_null(strstr(visitor_headers(v), "X-Frame-Options: deny"));
    visitor_free(v);
    ax_http_server_stop(s, 1000);
}

static void a_new_certificate_closes_no_connection(void **state)
{
    (void)state;
    struct ax_doors_options o = {SERVER_CERTIFICATE, .users = users, .users_n = 1, .max_version = AX_TLS_13};
    struct ax_http_server *s = serve(&o);
    struct visitor *old = visitor_new(ax_http_server_port(s));
    const struct visit visit = {SAFE, .user = "anna:correct horse"};
    assert_int_equal(visitor_insist(old, &visit), 200);
    o.cert_file = (struct ax_str)FILE_OF("other");
    o.key_file = (struct ax_str)FILE_OF("other-key");
    change(s, &o);
    assert_int_equal(visitor_insist(old, &visit), 200);
    assert_int_equal(visitor_opened(old), 0);
    assert_int_equal(ask(s, &visit), -CURLE_PEER_FAILED_VERIFICATION);
    assert_int_equal(ask(s, &(struct visit){.tls = true, .ca = "other", .user = visit.user}), 200);
    /* Passwords and certificates of clients hold for the old connection too. */
    o.users = users + 1;
    change(s, &o);
    assert_int_equal(visitor_insist(old, &visit), 401);
    assert_int_equal(visitor_opened(old), 0);
    o.client_auth = AX_CLIENT_CERT_ANY;
    change(s, &o);
    assert_int_equal(visitor_insist(old, &visit), 403);
    assert_int_equal(visitor_opened(old), 0);
    visitor_free(old);
    ax_http_server_stop(s, 1000);
}

static void a_change_does_not_take_protection_away(void **state)
{
    (void)state;
    const struct ax_doors_options open = {.users_n = 0}, guarded = {.users = users, .users_n = 1},
                                  safe = {SERVER_CERTIFICATE, .max_version = AX_TLS_13};
    struct ax_http_server *s = serve(&guarded);
    struct ax_doors *to_open = make(&open), *to_safe = make(&safe);
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_http_server_set_doors(s, to_open, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "without a password"));
    assert_int_equal(ax_http_server_set_doors(s, to_safe, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "switched on"));
    assert_int_equal(ask(s, &(struct visit){0}), 401);
    ax_http_server_stop(s, 1000);
    s = serve(&safe);
    assert_int_equal(ax_http_server_set_doors(s, to_open, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "switched off"));
    struct ax_doors_options asking = safe;
    asking.client_auth = AX_CLIENT_CERT_ANY;
    change(s, &asking);
    assert_int_equal(ax_http_server_set_doors(s, to_safe, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "without a certificate"));
    const struct ax_str name = ax_str("sender.test");
    asking.client_sans = &name;
    asking.client_sans_n = 1;
    change(s, &asking);
    struct ax_doors_options nameless = asking;
    nameless.client_sans_n = 0;
    struct ax_doors *of_any_name = make(&nameless);
    assert_int_equal(ax_http_server_set_doors(s, of_any_name, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "clients of any name"));
    ax_doors_release(of_any_name);
    assert_int_equal(ask(s, &(struct visit){SAFE, .certificate = "client"}), 403);
    assert_int_equal(ask(s, &(struct visit){SAFE, .certificate = "named"}), 200);
    assert_int_equal(ask(s, &(struct visit){SAFE}), 403);
    ax_http_server_stop(s, 1000);
    ax_doors_release(to_open);
    ax_doors_release(to_safe);
}

static void bad_files_are_named_and_not_shown(void **state)
{
    (void)state;
    const struct ax_str for_rsa = ax_str("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
    char *empty = write_file("# nothing\n"), *brief = write_file("long-enough-to-be-one\ntoo-short\n");
    const struct {
        struct ax_doors_options o;
        enum ax_err err;
        const char *text;
    } cases[] = {
        {{.cert_file = FILE_OF("missing"), .key_file = FILE_OF("receiver-key")}, AX_IO, "missing.pem"},
        {{.cert_file = FILE_OF("receiver"), .key_file = FILE_OF("other-key")}, AX_INVALID, "other-key.pem"},
        {{.cert_file = FILE_OF("receiver"), .key_file = FILE_OF("receiver")}, AX_INVALID, "cannot be used"},
        {{SERVER_CERTIFICATE, .client_ca_file = FILE_OF("client-key")}, AX_INVALID, "client-key.pem"},
        {{.cert = {"nonsense", 8}, .key = {"secret", 6}},
         AX_INVALID,
         "certificate of cert with the key of key"},
        {{SERVER_CERTIFICATE, .cipher_suites = &for_rsa, .cipher_suites_n = 1},
         AX_INVALID,
         "with a key for ECDSA"},
        {{.bearer_token_file = {"/tmp", 4}}, AX_IO, "it is no file"},
        {{.bearer_token_file = {empty, strlen(empty)}}, AX_INVALID, "holds no token"},
        {{.bearer_token_file = {brief, strlen(brief)}}, AX_INVALID, ":2: a token has"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_doors *d = NULL;
        struct ax_diag diag = {{0}};
        assert_int_equal(ax_doors_new(&cases[i].o, &d, &diag), cases[i].err);
        assert_null(d);
        if (!strstr(diag.text, cases[i].text) || strstr(diag.text, "too-short"))
            fail_msg("case %zu: %s", i, diag.text);
    }
    scratch_remove(empty);
    scratch_remove(brief);
    free(empty);
    free(brief);
}

static void *visit_often(void *arg)
{
    struct ax_http_server *s = arg;
    for (int i = 0; i < 20; i++) {
        struct visitor *v = visitor_new(ax_http_server_port(s));
        for (int k = 0; k < 3; k++)
            if (visitor_insist(v, &(struct visit){SAFE, .user = "anna:correct horse", .body = "x"}) != 200)
                s = NULL;
        visitor_free(v);
        if (!s)
            return NULL;
    }
    return arg;
}

static void doors_change_under_load_without_an_error(void **state)
{
    (void)state;
    const struct ax_doors_options o = {SERVER_CERTIFICATE, .users = users, .users_n = 2,
                                       .max_version = AX_TLS_13};
    struct ax_http_server *s = serve(&o);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, visit_often, s), 0);
    for (int i = 0; i < 50; i++)
        change(s, &o);
    for (int i = 0; i < 4; i++) {
        void *done = NULL;
        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_non_null(done);
    }
    ax_http_server_stop(s, 1000);
}

int main(void)
{
    (void)curl_global_init(CURL_GLOBAL_ALL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_certificate_is_that_of_the_file_and_needs_a_client_that_trusts_it),
        cmocka_unit_test(versions_of_tls_are_kept_to),
        cmocka_unit_test(certificates_of_clients_are_asked_for_as_configured),
        cmocka_unit_test(a_server_certificate_is_none_for_clients),
        cmocka_unit_test(only_certificates_for_names_that_are_allowed_come_in),
        cmocka_unit_test(suites_and_curves_are_those_that_were_chosen),
        cmocka_unit_test(certificates_may_be_given_as_text),
        cmocka_unit_test(no_more_requests_come_in_than_the_rate_allows),
        cmocka_unit_test(passwords_open_and_everything_else_reads_401),
        cmocka_unit_test(malformed_credentials_are_wrong),
        cmocka_unit_test(tokens_open_and_a_password_does_not_where_none_is_set),
        cmocka_unit_test(every_answer_carries_the_headers),
        cmocka_unit_test(a_new_certificate_closes_no_connection),
        cmocka_unit_test(a_change_does_not_take_protection_away),
        cmocka_unit_test(bad_files_are_named_and_not_shown),
        cmocka_unit_test(doors_change_under_load_without_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
