/* A client that is made, and asks, while memory runs out or its files cannot be read: there is an error with
 * a text, nothing is left behind, and the same again works as before. */
#include "ax_test.h"
#include "failing.h"
#include "net/http_client.h"
#include "scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char secret[SCRATCH_PATH];

static const struct ax_http_field headers[] = {{{"X-One", 5}, {"a", 1}}, {{"X-Empty", 7}, {"", 0}}};

/* Nobody listens at port 1: a request ends with its connection, and needs no other thread of this process. */
static struct ax_http_client_options all_of_it(void)
{
    return (struct ax_http_client_options){
        .url = ax_str("https://user:pass@127.0.0.1:1/write"),
        .who.auth_type = ax_str("Token"),
        .who.auth_credentials_file = ax_str(secret),
        .transport.ca_file = ax_str(AX_TEST_DIR "/data/tls/receiver.pem"),
        .transport.cert_file = ax_str(AX_TEST_DIR "/data/tls/receiver.pem"),
        .transport.key_file = ax_str(AX_TEST_DIR "/data/tls/receiver-key.pem"),
        .transport.server_name = ax_str("receiver.test"),
        .transport.proxy_url = ax_str("http://127.0.0.1:1"),
        .transport.proxy_headers = headers,
        .transport.proxy_headers_n = 2,
        .headers = headers,
        .headers_n = 2,
        .follow_redirects = true,
        .timeout_ms = 30000};
}

/* The same with tokens, which nobody gives. */
static struct ax_http_client_options with_tokens(void)
{
    static const struct ax_str scopes[] = {{"read", 4}, {"write", 5}};
    struct ax_http_client_options o = all_of_it();
    o.who = (struct ax_http_identity){.oauth2 = {.client_id = ax_str("auspex"),
                                                 .client_secret_file = ax_str(secret),
                                                 .token_url = ax_str("http://127.0.0.1:1/token"),
                                                 .scopes = scopes,
                                                 .scopes_n = 2,
                                                 .params = headers,
                                                 .params_n = 2}};
    return o;
}

static enum ax_err ask(struct ax_http_client *c, struct ax_diag *diag)
{
    struct ax_buf out;
    ax_buf_init(&out, 1024);
    const struct ax_http_field fields[] = {{ax_str("Content-Type"), ax_str("text/x-test")}};
    struct ax_http_reply reply = {.body = &out};
    enum ax_err err = ax_http_post(c, ax_str("body"), fields, 1, &reply, diag);
    assert_int_equal(reply.status, 0);
    ax_buf_done(&out);
    return err;
}

/* Make a client and ask with each call of these kinds failing in turn. */
static void try_with_failures(struct ax_http_client_options o, unsigned kinds, enum ax_err expected,
                              enum ax_err other, uint32_t least)
{
    uint32_t nth = 1;
    for (uint32_t failed = 1; failed; nth++) {
        struct ax_http_client *c = NULL;
        struct ax_diag diag = {{0}};
        failing_begin(&(struct failing){.kinds = kinds, .nth = nth, .error = EIO});
        enum ax_err err = ax_http_client_new(&o, &c, &diag);
        assert_int_equal(err == AX_OK, c != NULL);
        enum ax_err asked = c ? ask(c, &diag) : AX_OK;
        failed = failing_end();
        enum ax_err end = err != AX_OK ? err : asked;
        if (failed ? end != expected && end != other : end != AX_IO)
            fail_msg("failure %u ends with %d: %s", nth, (int)end, diag.text);
        assert_true(diag.text[0]);
        if (c)
            assert_int_equal(ask(c, &diag), AX_IO); /* it is as before, and comes as far as the connection */
        ax_http_client_free(c);
    }
    assert_true(nth - 1 > least);
}

static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    try_with_failures(all_of_it(), FAILING_MEMORY, AX_NOMEM, AX_NOMEM, 8);
    try_with_failures(with_tokens(), FAILING_MEMORY, AX_NOMEM, AX_NOMEM, 16);
}

static void files_that_cannot_be_read_are_told(void **state)
{
    (void)state;
    try_with_failures(all_of_it(), FAILING_OPEN | FAILING_READ, AX_IO, AX_INVALID, 2);
    try_with_failures(with_tokens(), FAILING_OPEN | FAILING_READ, AX_IO, AX_INVALID, 2);
}

static int start(void **state)
{
    (void)state;
    scratch_make(secret, "secret");
    scratch_write(secret, "token", 5);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_remove(secret);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_runs_out_is_told),
        cmocka_unit_test(files_that_cannot_be_read_are_told),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
