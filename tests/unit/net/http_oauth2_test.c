/* Tokens are asked for as RFC 6749 says, kept as long as they live, and asked for anew when they are refused.
 */
#include "ax_test.h"
#include "net/http_client.h"
#include "net/http_oauth2.h"
#include "receiver.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TOKEN(token, more) "{\"access_token\": \"" token "\", \"token_type\": \"bearer\"" more "}"

static const struct answer ok[] = {{.status = 200}};

/* A client of a receiver whose tokens come from another. */
struct pair {
    struct receiver *tokens, *target;
    struct ax_http_client_options options;
    struct ax_http_client *client;
};

static void begin(struct pair *p, const struct answer *tokens, uint32_t tokens_n, const struct answer *target,
                  uint32_t target_n)
{
    struct ax_diag diag = {{0}};
    p->tokens = receiver_start(0, tokens, tokens_n);
    p->target = receiver_start(0, target, target_n);
    p->options.url = ax_str(receiver_url(p->target));
    p->options.timeout_ms = 30000;
    p->options.who.oauth2.token_url = ax_str(receiver_url(p->tokens));
    if (!p->options.who.oauth2.client_id.n)
        p->options.who.oauth2.client_id = ax_str("auspex");
    if (ax_http_client_new(&p->options, &p->client, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static void end(struct pair *p)
{
    ax_http_client_free(p->client);
    receiver_stop(p->tokens);
    receiver_stop(p->target);
}

/* Status of one request, or minus the error with its text. */
static int ask(struct pair *p, struct ax_diag *diag)
{
    struct ax_buf out;
    ax_buf_init(&out, 1024);
    struct ax_http_reply reply = {.body = &out};
    enum ax_err err = ax_http_post(p->client, ax_str("body"), NULL, 0, &reply, diag);
    ax_buf_done(&out);
    return err == AX_OK ? reply.status : -(int)err;
}

static void assert_body(const struct got *g, const char *text)
{
    struct ax_str body = ax_buf_view(&g->body);
    if (!ax_str_eq(body, ax_str(text)))
        fail_msg(AX_STR_FMT " is not %s", AX_STR_ARG(body), text);
}

static void a_token_is_asked_for_once_and_carried_by_each_request(void **state)
{
    (void)state;
    static const struct answer tokens[] = {{.status = 200, .body = TOKEN("abc", ", \"expires_in\": 3600")}};
    static const struct ax_str scopes[] = {{"metrics.write", 13}, {"a&b", 3}};
    static const struct ax_http_field params[] = {{{"audience", 8}, {"https://x/y", 11}}};
    struct pair p = {.options.who.oauth2 = {.client_id = ax_str("us er"),
                                            .client_secret = ax_str("p:w"),
                                            .scopes = scopes,
                                            .scopes_n = 2,
                                            .params = params,
                                            .params_n = 1}};
    begin(&p, tokens, 1, ok, 1);
    assert_int_equal(ask(&p, NULL), 200);
    assert_int_equal(ask(&p, NULL), 200);
    const struct got *g = receiver_wait(p.tokens, 1, 0);
    assert_string_equal(g->method, "POST");
    assert_string_equal(g->content_type, "application/x-www-form-urlencoded");
    assert_string_equal(g->authorization, "Basic dXMlMjBlcjpwJTNBdw=="); /* us%20er:p%3Aw */
    assert_body(g, "grant_type=client_credentials&scope=metrics.write%20a%26b&audience=https%3A%2F%2Fx%2Fy");
    assert_int_equal(receiver_count(p.tokens), 1);
    for (uint32_t i = 0; i < 2; i++)
        assert_string_equal(receiver_wait(p.target, 2, i)->authorization, "Bearer abc");
    end(&p);
}

static void a_server_that_does_not_read_the_header_gets_name_and_secret_in_the_body(void **state)
{
    (void)state;
    static const struct answer tokens[] = {{.status = 401}, {.status = 200, .body = TOKEN("abc", "")}};
    struct pair p = {.options.who.oauth2.client_secret = ax_str("s&t")};
    begin(&p, tokens, 2, ok, 1);
    assert_int_equal(ask(&p, NULL), 200);
    const struct got *g = receiver_wait(p.tokens, 2, 1);
    assert_string_equal(g->authorization, "");
    assert_body(g, "grant_type=client_credentials&client_id=auspex&client_secret=s%26t");
    end(&p);
}

static void a_token_is_renewed_when_it_expires_or_is_refused_and_the_secret_read_again(void **state)
{
    (void)state;
    /* The first lives shorter than the time by which tokens are renewed early. */
    static const struct answer tokens[] = {{.status = 200, .body = TOKEN("one", ", \"expires_in\": \"5\"")},
                                           {.status = 200, .body = TOKEN("two", "")}};
    static const struct answer target[] = {{.status = 200}, {.status = 401}, {.status = 200}};
    char path[SCRATCH_PATH];
    scratch_make(path, "secret");
    scratch_write(path, "a\n", 2);
    struct pair p = {.options.who.oauth2.client_secret_file = ax_str(path)};
    begin(&p, tokens, 2, target, 3);
    assert_int_equal(ask(&p, NULL), 200);
    scratch_write(path, "b\n", 2);
    assert_int_equal(ask(&p, NULL), 401);
    assert_string_equal(receiver_wait(p.target, 2, 0)->authorization, "Bearer one");
    assert_string_equal(receiver_wait(p.target, 2, 1)->authorization, "Bearer two");
    assert_string_equal(receiver_wait(p.tokens, 2, 0)->authorization, "Basic YXVzcGV4OmE=");
    assert_string_equal(receiver_wait(p.tokens, 2, 1)->authorization, "Basic YXVzcGV4OmI=");
    assert_int_equal(ask(&p, NULL), 200); /* with another */
    (void)receiver_wait(p.tokens, 3, 2);
    end(&p);
    scratch_remove(path);
}

static void a_request_whose_token_was_revoked_is_sent_again_with_another(void **state)
{
    (void)state;
    static const struct answer tokens[] = {{.status = 200, .body = TOKEN("one", "")},
                                           {.status = 200, .body = TOKEN("two", "")}};
    static const struct answer target[] = {{.status = 200}, {.status = 401}, {.status = 200}};
    struct pair p = {.options.follow_redirects = false};
    begin(&p, tokens, 2, target, 3);
    assert_int_equal(ask(&p, NULL), 200);
    assert_int_equal(ask(&p, NULL), 200);
    assert_string_equal(receiver_wait(p.target, 3, 1)->authorization, "Bearer one");
    assert_string_equal(receiver_wait(p.target, 3, 2)->authorization, "Bearer two");
    assert_body(receiver_wait(p.target, 3, 2), "body");
    end(&p);
}

static void without_a_token_nothing_is_sent_and_no_secret_is_told(void **state)
{
    (void)state;
    static const struct {
        struct answer answer;
        const char *text;
    } cases[] = {
        {{.status = 500, .body = "very-secret"}, "token_url answers 500"},
        {{.status = 403, .body = "very-secret"}, "token_url answers 403"},
        {{.status = 200, .body = "very-secret"}, "without an access_token"},
        {{.status = 200, .body = "{}"}, "without an access_token"},
        {{.status = 200, .body = TOKEN("a\\nb: very-secret", "")}, "without an access_token"},
        {{.status = 302, .header = "Location", .value = "http://127.0.0.1:1/very-secret"},
         "token_url answers 302"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair p = {.options.who.oauth2.client_secret = ax_str("very-secret")};
        struct ax_diag diag = {{0}};
        begin(&p, &cases[i].answer, 1, ok, 1);
        assert_int_equal(ask(&p, &diag), -(int)AX_IO);
        if (!strstr(diag.text, cases[i].text) || strstr(diag.text, "very-secret"))
            fail_msg("case %zu: %s", i, diag.text);
        assert_int_equal(receiver_count(p.tokens), 1);
        assert_int_equal(receiver_count(p.target), 0);
        end(&p);
    }
}

static void another_thread_ends_a_request_for_a_token_too(void **state)
{
    (void)state;
    static const struct answer hangs[] = {{.status = 200, .hang = true}};
    struct pair p = {.options.timeout_ms = 0};
    struct ax_diag diag = {{0}};
    begin(&p, hangs, 1, ok, 1);
    ax_http_client_abort(p.client);
    assert_int_equal(ask(&p, &diag), -(int)AX_BUSY);
    end(&p);
}

static void answers_are_read_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *value; /* NULL: refused */
        int64_t seconds;
    } cases[] = {
        {TOKEN("t", ", \"expires_in\": 3600.5"), "Bearer t", 3601},
        {TOKEN("t", ", \"expires_in\": \"60\", \"scope\": [1]"), "Bearer t", 60},
        {TOKEN("t", ", \"expires_in\": -1"), "Bearer t", 0},
        {TOKEN("t", ", \"expires_in\": 1e300"), "Bearer t", 0},
        {"{\"access_token\": \"t\", \"token_type\": \"MAC\"}", "MAC t", 0},
        {"{\"access_token\": \"t\"}", "Bearer t", 0},
        {"{\"access_token\": \"t\", \"token_type\": \"a b\"}", NULL, 0},
        {"{\"access_token\": \"\"}", NULL, 0},
        {"{\"access_token\": 1}", NULL, 0},
        {"[\"access_token\"]", NULL, 0},
        {"{\"access_token\": \"t\"", NULL, 0},
        {"", NULL, 0},
    };
    struct ax_buf value;
    ax_buf_init(&value, 1000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t seconds = -1;
        enum ax_err err = ax_oauth2_read(ax_str(cases[i].answer), &value, &seconds, NULL);
        assert_int_equal(err, cases[i].value ? AX_OK : AX_INVALID);
        if (cases[i].value &&
            (!ax_str_eq(ax_buf_view(&value), ax_str(cases[i].value)) || seconds != cases[i].seconds))
            fail_msg("case %zu: " AX_STR_FMT ", %lld s", i, AX_STR_ARG(ax_buf_view(&value)),
                     (long long)seconds);
    }
    ax_buf_done(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_asked_for_once_and_carried_by_each_request),
        cmocka_unit_test(a_server_that_does_not_read_the_header_gets_name_and_secret_in_the_body),
        cmocka_unit_test(a_token_is_renewed_when_it_expires_or_is_refused_and_the_secret_read_again),
        cmocka_unit_test(a_request_whose_token_was_revoked_is_sent_again_with_another),
        cmocka_unit_test(without_a_token_nothing_is_sent_and_no_secret_is_told),
        cmocka_unit_test(another_thread_ends_a_request_for_a_token_too),
        cmocka_unit_test(answers_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
