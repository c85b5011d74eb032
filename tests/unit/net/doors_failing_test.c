/* Doors and a server that are made while memory runs out, or files cannot be read: there is an error with a
 * text, nothing is left behind, and a server that runs goes on. */
#include "ax_test.h"
#include "failing.h"
#include "net/http_server.h"
#include "scratch.h"
#include "visitor.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_OF(name)                                                                                        \
    {                                                                                                        \
        AX_TEST_DIR "/data/tls/" name ".pem", sizeof AX_TEST_DIR "/data/tls/" name ".pem" - 1                \
    }
#define SAFE .tls = true, .ca = "receiver"

static const struct ax_door_user users[] = {
    {{"anna", 4}, {"$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", 60}}};
static const struct ax_door_header headers[] = {{{"X-Frame-Options", 15}, {"deny", 4}}};
static const struct ax_str suites[] = {{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 39}},
                           sans[] = {{"a.test", 6}}, curves[] = {{"CurveP256", 9}};
static char tokens[SCRATCH_PATH];

static struct ax_doors_options all_of_it(void)
{
    return (struct ax_doors_options){.cert_file = FILE_OF("receiver"),
                                     .key_file = FILE_OF("receiver-key"),
                                     .client_ca_file = FILE_OF("client-ca"),
                                     .client_auth = AX_CLIENT_CERT_VERIFIED_IF_GIVEN,
                                     .cipher_suites = suites,
                                     .cipher_suites_n = 1,
                                     .curves = curves,
                                     .curves_n = 1,
                                     .max_version = AX_TLS_13,
                                     .headers = headers,
                                     .headers_n = 1,
                                     .users = users,
                                     .users_n = 1,
                                     .bearer_token_file = ax_str(tokens)};
}

static void greet(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    ax_buf_str(&res->body, req->body);
}

static const struct ax_http_route routes[] = {
    {"GET", "/", "failing_get", greet, NULL, 0, NULL, false, NULL},
    {"POST", "/", "failing_post", greet, NULL, 1000, NULL, false, NULL},
};

/* Make doors with each call of these kinds failing in turn. */
static void make_with_failures(unsigned kinds, uint32_t least)
{
    struct ax_doors_options o = all_of_it();
    o.client_sans = sans;
    o.client_sans_n = 1;
    uint32_t nth = 1;
    for (uint32_t failed = 1; failed; nth++) {
        struct ax_doors *d = NULL;
        struct ax_diag diag = {{0}};
        failing_begin(&(struct failing){.kinds = kinds, .nth = nth, .error = EIO});
        enum ax_err err = ax_doors_new(&o, &d, &diag);
        failed = failing_end();
        assert_true((err == AX_OK) == !failed);
        assert_true((err == AX_OK) == (d != NULL));
        assert_true((err == AX_OK) == (diag.text[0] == '\0'));
        ax_doors_release(d);
    }
    assert_true(nth > least);
}

static void doors_that_cannot_be_made_say_so(void **state)
{
    (void)state;
    make_with_failures(FAILING_MEMORY, 5);
    make_with_failures(FAILING_OPEN | FAILING_READ, 8);
}

static void a_server_that_cannot_start_says_so(void **state)
{
    (void)state;
    const struct ax_doors_options o = all_of_it();
    struct ax_doors *d = NULL;
    assert_int_equal(ax_doors_new(&o, &d, NULL), AX_OK);
    const struct ax_http_options http = {.listen_address = "127.0.0.1:0", .doors = d};
    struct ax_http_server *first = NULL; /* self-metrics exist from now on */
    assert_int_equal(ax_http_server_start(&http, routes, 2, &first, NULL), AX_OK);
    ax_http_server_stop(first, 1000);
    uint32_t nth = 1;
    for (uint32_t failed = 1; failed; nth++) {
        struct ax_http_server *s = NULL;
        struct ax_diag diag = {{0}};
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        enum ax_err err = ax_http_server_start(&http, routes, 2, &s, &diag);
        failed = failing_end();
        assert_true((err == AX_OK) == !failed);
        assert_true((err == AX_OK) == (diag.text[0] == '\0'));
        if (err == AX_OK)
            ax_http_server_stop(s, 1000);
    }
    assert_true(nth > 3);
    ax_doors_release(d);
}

/* A visit with each allocation of the server failing in turn: an answer or none, but the next one is served.
 */
static void visit_with_failures(const struct ax_doors_options *o, const struct visit *visit)
{
    struct ax_doors *d = NULL;
    struct ax_http_server *s = NULL;
    assert_int_equal(ax_doors_new(o, &d, NULL), AX_OK);
    const struct ax_http_options http = {.listen_address = "127.0.0.1:0", .doors = d};
    assert_int_equal(ax_http_server_start(&http, routes, 2, &s, NULL), AX_OK);
    ax_doors_release(d);
    struct visitor *sound = visitor_new(ax_http_server_port(s));
    assert_int_equal(visitor_ask(sound, visit), 200);
    uint32_t nth = 1;
    for (uint32_t failed = 1; failed; nth++) {
        struct visitor *v = visitor_new(ax_http_server_port(s));
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        int status = visitor_ask(v, visit);
        failed = failing_end();
        if (failed && status > 0 && status != 200 && status != 503 && status != 401)
            fail_msg("allocation %u fails: %d", nth, status);
        if (!failed)
            assert_int_equal(status, 200);
        visitor_free(v);
        assert_int_equal(visitor_insist(sound, visit), 200);
    }
    assert_true(nth > 3);
    visitor_free(sound);
    ax_http_server_stop(s, 1000);
}

static void a_request_without_memory_takes_nobody_with_it(void **state)
{
    (void)state;
    const struct ax_doors_options safe = all_of_it(), open = {.users = users, .users_n = 1};
    visit_with_failures(&open, &(struct visit){.user = "anna:correct horse", .body = "hello"});
    visit_with_failures(&safe, &(struct visit){SAFE, .token = "token-0123456789", .body = "hello"});
    visit_with_failures(&safe, &(struct visit){SAFE, .certificate = "client", .user = "anna:correct horse"});
}

static int start(void **state)
{
    (void)state;
    scratch_make(tokens, "tokens");
    scratch_write(tokens, "token-0123456789\n", 17);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_remove(tokens);
    return 0;
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)curl_global_init(CURL_GLOBAL_ALL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doors_that_cannot_be_made_say_so),
        cmocka_unit_test(a_server_that_cannot_start_says_so),
        cmocka_unit_test(a_request_without_memory_takes_nobody_with_it),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
