/* The HTTP client sends what it is told and nothing else, and comes back from everything a server does. */
#include "ax_test.h"
#include "base/clock.h"
#include "net/http_client.h"
#include "net/secret_file.h"
#include "receiver.h"
#include "scratch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const struct answer ok[] = {{.status = 200, .body = "fine"}};

static struct ax_http_client_options options_for(const char *url)
{
    return (struct ax_http_client_options){.url = ax_str(url), .timeout_ms = 30000};
}

static struct ax_http_client *client(const struct ax_http_client_options *o)
{
    struct ax_http_client *c = NULL;
    struct ax_diag diag = {{0}};
    if (ax_http_client_new(o, &c, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return c;
}

static void assert_refused(const struct ax_http_client_options *o, const char *text)
{
    struct ax_http_client *c = NULL;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_http_client_new(o, &c, &diag), AX_INVALID);
    assert_null(c);
    if (!strstr(diag.text, text))
        fail_msg("\"%s\" does not name \"%s\"", diag.text, text);
}

/* One POST of "body"; the reply's body goes to out. */
static enum ax_err post(struct ax_http_client *c, struct ax_http_reply *reply, struct ax_buf *out,
                        struct ax_diag *diag)
{
    *reply = (struct ax_http_reply){.body = out};
    const struct ax_http_field fields[] = {{ax_str("Content-Type"), ax_str("text/x-test")}};
    return ax_http_post(c, ax_str("body"), fields, 1, reply, diag);
}

static void post_ok(struct ax_http_client *c, int status)
{
    struct ax_http_reply reply;
    struct ax_diag diag = {{0}};
    struct ax_buf out;
    ax_buf_init(&out, 1024);
    if (post(c, &reply, &out, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    assert_int_equal(reply.status, status);
    ax_buf_done(&out);
}

static void a_post_carries_its_headers_and_body(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, ok, 1);
    struct ax_http_client_options o = options_for(receiver_url(r));
    const struct ax_http_field custom[] = {{ax_str("X-Custom"), ax_str("a b")}};
    o.headers = custom;
    o.headers_n = 1;
    struct ax_http_client *c = client(&o);
    struct ax_buf big, out;
    ax_buf_init(&big, 4u << 20);
    ax_buf_init(&out, 1024);
    assert_true(ax_buf_reserve(&big, 3u << 20));
    memset(big.bytes, 'x', 3u << 20);
    big.n = 3u << 20;
    struct ax_http_reply reply = {.body = &out};
    const struct ax_http_field fields[] = {{ax_str("Content-Type"), ax_str("text/x-test")}};
    assert_int_equal(ax_http_post(c, ax_buf_view(&big), fields, 1, &reply, NULL), AX_OK);
    const struct got *g = receiver_wait(r, 1, 0);
    assert_int_equal(reply.status, 200);
    assert_memory_equal(out.bytes, "fine", 4);
    assert_true(reply.retry_after_ms == -1 && !reply.body_cut && reply.duration_ns > 0);
    assert_string_equal(g->content_type, "text/x-test");
    assert_string_equal(g->custom, "a b");
    assert_string_equal(g->user_agent, "Auspex/" AX_VERSION);
    assert_string_equal(g->expect, ""); /* not even for a large body */
    assert_string_equal(g->authorization, "");
    assert_int_equal(g->body.n, big.n);
    assert_non_null(ax_http_reply_header(c, "content-length"));
    assert_null(ax_http_reply_header(c, "X-None"));
    ax_buf_done(&big);
    ax_buf_done(&out);
    ax_http_client_free(c);
    receiver_stop(r);
}

static void credentials_are_sent_and_files_are_read_each_time(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, ok, 1);
    struct ax_http_client_options o = options_for(receiver_url(r));
    o.who.basic_user = ax_str("user");
    o.who.basic_password = ax_str("pass word");
    struct ax_http_client *c = client(&o);
    post_ok(c, 200);
    assert_string_equal(receiver_wait(r, 1, 0)->authorization, "Basic dXNlcjpwYXNzIHdvcmQ=");
    ax_http_client_free(c);

    char path[SCRATCH_PATH];
    scratch_make(path, "credentials");
    scratch_write(path, " one\n", 5);
    o = options_for(receiver_url(r));
    o.who.auth_type = ax_str("Token");
    o.who.auth_credentials_file = ax_str(path);
    c = client(&o);
    post_ok(c, 200);
    assert_string_equal(receiver_wait(r, 2, 1)->authorization, "Token one");
    scratch_write(path, "second", 6);
    post_ok(c, 200);
    assert_string_equal(receiver_wait(r, 3, 2)->authorization, "Token second");
    scratch_remove(path);
    struct ax_http_reply reply;
    struct ax_diag diag = {{0}};
    struct ax_buf out;
    ax_buf_init(&out, 1024);
    assert_int_equal(post(c, &reply, &out, &diag), AX_IO);
    assert_non_null(strstr(diag.text, path));
    assert_int_equal(receiver_count(r), 3);
    ax_buf_done(&out);
    ax_http_client_free(c);
    receiver_stop(r);
}

static void retry_after_is_read_as_seconds_and_as_a_date(void **state)
{
    (void)state;
    char date[64];
    time_t later = time(NULL) + 100;
    struct tm tm;
    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&later, &tm));
    const struct answer script[] = {{.status = 429, .header = "Retry-After", .value = "7"},
                                    {.status = 503, .header = "Retry-After", .value = date},
                                    {.status = 503, .header = "Retry-After", .value = "0"},
                                    {.status = 503}};
    struct receiver *r = receiver_start(0, script, 4);
    struct ax_http_client_options o = options_for(receiver_url(r));
    struct ax_http_client *c = client(&o);
    struct ax_http_reply reply;
    struct ax_buf out;
    ax_buf_init(&out, 1024);
    assert_int_equal(post(c, &reply, &out, NULL), AX_OK);
    assert_true(reply.retry_after_ms == 7000);
    assert_int_equal(post(c, &reply, &out, NULL), AX_OK);
    assert_true(reply.retry_after_ms > 0 && reply.retry_after_ms <= 100000);
    assert_int_equal(post(c, &reply, &out, NULL), AX_OK);
    assert_true(reply.retry_after_ms == 0);
    assert_int_equal(post(c, &reply, &out, NULL), AX_OK);
    assert_true(reply.retry_after_ms == -1);
    ax_buf_done(&out);
    ax_http_client_free(c);
    receiver_stop(r);
}

static void a_long_answer_is_cut_at_the_ceiling(void **state)
{
    (void)state;
    static char text[200001];
    memset(text, 'e', sizeof text - 1);
    const struct answer script[] = {{.status = 400, .body = text}};
    struct receiver *r = receiver_start(0, script, 1);
    struct ax_http_client_options o = options_for(receiver_url(r));
    struct ax_http_client *c = client(&o);
    struct ax_http_reply reply;
    struct ax_buf out;
    ax_buf_init(&out, 1024);
    assert_int_equal(post(c, &reply, &out, NULL), AX_OK);
    assert_int_equal(reply.status, 400);
    assert_int_equal(out.n, 1024);
    assert_true(reply.body_cut);
    ax_buf_done(&out);
    ax_http_client_free(c);
    receiver_stop(r);
}

/* What a test hears of a streamed body. */
struct heard {
    struct ax_http_client *client;
    size_t n, most; /* bytes so far; and how many are listened to */
    char type[32];
};

static enum ax_err hear(void *ctx, struct ax_str piece)
{
    struct heard *h = ctx;
    const char *type = ax_http_reply_header(h->client, "Content-Type");
    (void)snprintf(h->type, sizeof h->type, "%s", type ? type : "");
    h->n += piece.n;
    return h->n > h->most ? AX_CORRUPT : AX_OK;
}

static enum ax_err post_streamed(struct ax_http_client *c, struct heard *h, struct ax_http_reply *reply,
                                 struct ax_buf *out)
{
    *h = (struct heard){.client = c, .most = h->most};
    *reply = (struct ax_http_reply){.body = out, .on_piece = hear, .on_piece_ctx = h};
    return ax_http_post(c, ax_str("body"), NULL, 0, reply, NULL);
}

static void a_body_is_streamed_when_asked_and_only_that_of_a_good_answer(void **state)
{
    (void)state;
    static char big[200001];
    memset(big, 'y', sizeof big - 1);
    const struct answer script[] = {{.status = 200, .header = "Content-Type", .value = "x/y", .body = big},
                                    {.status = 200, .body = big},
                                    {.status = 400, .body = "no"},
                                    {.status = 200, .body = big}};
    struct receiver *r = receiver_start(0, script, 4);
    struct ax_http_client_options o = options_for(receiver_url(r));
    struct ax_http_client *c = client(&o);
    struct ax_http_reply reply;
    struct ax_buf out;
    struct heard h = {.most = SIZE_MAX};
    ax_buf_init(&out, 16);
    assert_int_equal(post_streamed(c, &h, &reply, &out), AX_OK);
    assert_true(reply.status == 200 && h.n == sizeof big - 1 && out.n == 0 && !reply.body_cut);
    assert_string_equal(h.type, "x/y");
    h.most = 1000; /* then it says that this is nonsense */
    assert_int_equal(post_streamed(c, &h, &reply, &out), AX_CORRUPT);
    assert_int_equal(reply.piece_err, AX_CORRUPT);
    assert_int_equal(post_streamed(c, &h, &reply, &out), AX_OK);
    assert_true(reply.status == 400 && h.n == 0 && out.n == 2);
    h.most = SIZE_MAX;
    assert_int_equal(post_streamed(c, &h, &reply, &out), AX_OK);
    assert_true(h.n == sizeof big - 1 && reply.piece_err == AX_OK);
    ax_buf_done(&out);
    ax_http_client_free(c);
    receiver_stop(r);
}

static void redirects_keep_the_method_and_are_followed_only_when_asked(void **state)
{
    (void)state;
    struct receiver *end = receiver_start(0, ok, 1);
    const struct answer script[] = {{.status = 301, .header = "Location", .value = receiver_url(end)}};
    struct receiver *r = receiver_start(0, script, 1);
    struct ax_http_client_options o = options_for(receiver_url(r));
    o.who.auth_credentials = ax_str("secret");
    struct ax_http_client *c = client(&o);
    post_ok(c, 301);
    assert_int_equal(receiver_count(end), 0);
    ax_http_client_free(c);
    o.follow_redirects = true;
    c = client(&o);
    post_ok(c, 200);
    assert_int_equal(receiver_wait(end, 1, 0)->body.n, 4);
    assert_string_equal(receiver_wait(r, 2, 1)->authorization, "Bearer secret");
    assert_string_equal(receiver_wait(end, 1, 0)->authorization, ""); /* another port is another server */
    ax_http_client_free(c);
    receiver_stop(r);
    receiver_stop(end);
}

static void a_server_that_hangs_is_left_at_the_timeout(void **state)
{
    (void)state;
    static const struct answer hang[] = {{.status = 200, .hang = true}};
    struct receiver *r = receiver_start(0, hang, 1);
    struct ax_http_client_options o = options_for(receiver_url(r));
    o.timeout_ms = 50;
    struct ax_http_client *c = client(&o);
    struct ax_http_reply reply;
    struct ax_diag diag = {{0}};
    struct ax_buf out;
    ax_buf_init(&out, 1024);
    assert_int_equal(post(c, &reply, &out, &diag), AX_TIMEOUT);
    assert_int_equal(reply.status, 0);
    assert_true(diag.text[0] != '\0');
    ax_buf_done(&out);
    ax_http_client_free(c);
    receiver_stop(r);
}

static void *abort_when_it_hangs(void *ctx)
{
    void **args = ctx;
    (void)receiver_wait(args[0], 1, 0);
    ax_http_client_abort(args[1]);
    return NULL;
}

static void who_asks_for_the_status_alone_gets_it_though_the_body_is_cut_off(void **state)
{
    (void)state;
    static const struct answer script[] = {
        {.status = 400, .header = "Retry-After", .value = "3", .body = "out of", .cut = true},
        {.status = 200, .cut = true},
        {.status = 503, .body = "busy", .cut = true},
        {.status = 400, .body = "out of", .cut = true},
        {.status = 302, .header = "Location", .value = "http://127.0.0.1:1/", .cut = false}};
    struct receiver *r = receiver_start(0, script, 5);
    struct ax_http_client_options o = options_for(receiver_url(r));
    o.follow_redirects = true;
    struct ax_http_client *c = client(&o);
    struct ax_http_reply reply;
    struct ax_buf out;
    ax_buf_init(&out, 1024);
    for (int i = 0; i < 3; i++) {
        reply = (struct ax_http_reply){.body = &out, .headers_suffice = true};
        assert_int_equal(ax_http_post(c, ax_str("body"), NULL, 0, &reply, NULL), AX_OK);
        assert_int_equal(reply.status, script[i].status);
        assert_int_equal(out.n, script[i].body ? strlen(script[i].body) : 0);
        assert_int_equal(reply.retry_after_ms, i == 0 ? 3000 : -1);
    }
    assert_int_equal(post(c, &reply, &out, NULL), AX_IO); /* others want all of it */
    assert_int_equal(reply.status, 0);
    reply = (struct ax_http_reply){.body = &out, .headers_suffice = true};
    assert_int_equal(ax_http_post(c, ax_str("body"), NULL, 0, &reply, NULL),
                     AX_IO); /* led to where nobody is */
    assert_int_equal(reply.status, 0);
    ax_buf_done(&out);
    ax_http_client_free(c);
    receiver_stop(r);
}

static void another_thread_ends_a_request(void **state)
{
    (void)state;
    static const struct answer hang[] = {{.status = 200, .hang = true}};
    struct receiver *r = receiver_start(0, hang, 1);
    struct ax_http_client_options o = options_for(receiver_url(r));
    o.timeout_ms = 0;
    struct ax_http_client *c = client(&o);
    void *args[] = {r, c};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, abort_when_it_hangs, args), 0);
    struct ax_http_reply reply;
    struct ax_buf out;
    ax_buf_init(&out, 1024);
    assert_int_equal(post(c, &reply, &out, NULL), AX_BUSY);
    assert_int_equal(post(c, &reply, &out, NULL), AX_BUSY); /* and every later one */
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(receiver_count(r), 1);
    ax_buf_done(&out);
    ax_http_client_free(c);
    receiver_stop(r);
}

static void a_refused_connection_is_an_error_with_a_text(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, ok, 1);
    struct ax_http_client_options o = options_for(receiver_url(r));
    struct ax_http_client *c = client(&o);
    receiver_stop(r);
    struct ax_http_reply reply;
    struct ax_diag diag = {{0}};
    struct ax_buf out;
    ax_buf_init(&out, 1024);
    assert_int_equal(post(c, &reply, &out, &diag), AX_IO);
    assert_non_null(strstr(diag.text, "127.0.0.1"));
    ax_buf_done(&out);
    ax_http_client_free(c);
}

static enum ax_err post_tls(const struct ax_http_client_options *o)
{
    struct ax_http_client *c = client(o);
    struct ax_http_reply reply;
    struct ax_buf out;
    ax_buf_init(&out, 1024);
    enum ax_err err = post(c, &reply, &out, NULL);
    ax_buf_done(&out);
    ax_http_client_free(c);
    return err;
}

static void certificates_are_verified_against_ca_and_name(void **state)
{
    (void)state;
    struct receiver *r = receiver_start_tls(ok, 1);
    struct ax_http_client_options o = options_for(receiver_url(r));
    assert_int_equal(post_tls(&o), AX_IO); /* an unknown authority */
    o.transport.ca_file = ax_str(AX_TEST_DIR "/data/tls/receiver.pem");
    assert_int_equal(post_tls(&o), AX_IO); /* another name */
    o.transport.server_name = ax_str("receiver.test");
    o.transport.min_version = ax_str("TLS13");
    assert_int_equal(post_tls(&o), AX_OK);
    o.transport.max_version = ax_str("TLS13");
    assert_int_equal(post_tls(&o), AX_OK);
    o.transport.min_version = ax_str("TLS10");
    o.transport.max_version = ax_str("TLS11");
    assert_int_equal(post_tls(&o), AX_IO); /* which the receiver does not speak */
    o.transport.max_version = ax_str("");
    assert_int_equal(post_tls(&o), AX_OK);
    o.transport.server_name = ax_str("other.test");
    assert_int_equal(post_tls(&o), AX_IO);
    o = options_for(receiver_url(r));
    o.transport.insecure_skip_verify = true;
    assert_int_equal(post_tls(&o), AX_OK);
    receiver_stop(r);
}

static void no_proxy_names_the_host_and_not_the_name_in_its_certificate(void **state)
{
    (void)state;
    struct receiver *r = receiver_start_tls(ok, 1);
    struct ax_http_client_options o = options_for(receiver_url(r));
    o.transport.ca_file = ax_str(AX_TEST_DIR "/data/tls/receiver.pem");
    o.transport.server_name = ax_str("receiver.test");
    o.transport.proxy_url = ax_str("http://127.0.0.1:1");
    o.transport.no_proxy = ax_str("127.0.0.0/8");
    assert_int_equal(post_tls(&o), AX_OK);
    o.transport.no_proxy = ax_str("receiver.test");
    assert_int_equal(post_tls(&o), AX_IO); /* there is no such proxy */
    receiver_stop(r);
}

static void a_certificate_of_the_client_needs_its_key(void **state)
{
    (void)state;
    struct receiver *r = receiver_start_tls(ok, 1);
    struct ax_http_client_options o = options_for(receiver_url(r));
    o.transport.insecure_skip_verify = true;
    o.transport.cert_file = ax_str(AX_TEST_DIR "/data/tls/receiver.pem");
    o.transport.key_file = ax_str(AX_TEST_DIR "/data/tls/receiver-key.pem");
    assert_int_equal(post_tls(&o), AX_OK);
    o.transport.key_file = ax_str(AX_TEST_DIR "/data/tls/README.md");
    assert_int_equal(post_tls(&o), AX_IO);
    receiver_stop(r);
}

static void requests_go_through_the_proxy_that_was_set(void **state)
{
    (void)state;
    struct receiver *proxy = receiver_start(0, ok, 1);
    struct ax_http_client_options o = options_for("http://receiver.test:9090/api/v1/write");
    o.transport.proxy_url = ax_str(receiver_url(proxy));
    struct ax_http_client *c = client(&o);
    post_ok(c, 200);
    assert_string_equal(receiver_wait(proxy, 1, 0)->path, "http://receiver.test:9090/api/v1/write");
    ax_http_client_free(c);
    receiver_stop(proxy);
}

static void what_no_proxy_names_is_reached_without_the_proxy(void **state)
{
    (void)state;
    struct receiver *proxy = receiver_start(0, ok, 1), *r = receiver_start(0, ok, 1);
    static const char *const lists[] = {"127.0.0.1", "10.0.0.0/8,127.0.0.0/8", "other.test"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct ax_http_client_options o = options_for(receiver_url(r));
        o.transport.proxy_url = ax_str(receiver_url(proxy));
        o.transport.no_proxy = ax_str(lists[i]);
        struct ax_http_client *c = client(&o);
        post_ok(c, 200);
        ax_http_client_free(c);
    }
    (void)receiver_wait(r, 2, 0);
    assert_string_equal(receiver_wait(proxy, 1, 0)->path, receiver_url(r));
    receiver_stop(proxy);
    receiver_stop(r);
}

static void each_host_of_a_redirect_is_reached_with_or_without_the_proxy(void **state)
{
    (void)state;
    const struct answer away[] = {
        {.status = 307, .header = "Location", .value = "http://receiver.test:9/away"}};
    struct receiver *proxy = receiver_start(0, ok, 1), *near = receiver_start(0, away, 1);
    struct ax_http_client_options o = options_for(receiver_url(near));
    o.follow_redirects = true;
    o.transport.proxy_url = ax_str(receiver_url(proxy));
    o.transport.no_proxy = ax_str("127.0.0.0/8");
    struct ax_http_client *c = client(&o);
    post_ok(c, 200); /* without the proxy, then with it */
    assert_int_equal(receiver_count(near), 1);
    assert_string_equal(receiver_wait(near, 1, 0)->path, "/write");
    assert_string_equal(receiver_wait(proxy, 1, 0)->path, "http://receiver.test:9/away");
    ax_http_client_free(c);

    o.transport.proxy_url = o.transport.no_proxy = ax_str("");
    o.transport.proxy_from_environment = true; /* the same, because the first is on this machine */
    assert_int_equal(setenv("HTTP_PROXY", receiver_url(proxy), 1), 0);
    c = client(&o);
    post_ok(c, 200);
    assert_int_equal(receiver_count(near), 2);
    assert_string_equal(receiver_wait(proxy, 2, 1)->path, "http://receiver.test:9/away");
    ax_http_client_free(c);
    assert_int_equal(unsetenv("HTTP_PROXY"), 0);
    o.transport.proxy_from_environment = false;
    o.transport.no_proxy = ax_str("127.0.0.0/8");
    receiver_stop(proxy);
    receiver_stop(near);

    struct receiver *end = receiver_start(0, ok, 1);
    const struct answer back[] = {{.status = 307, .header = "Location", .value = receiver_url(end)}};
    proxy = receiver_start(0, back, 1);
    o.url = ax_str("http://receiver.test:9/");
    o.transport.proxy_url = ax_str(receiver_url(proxy));
    c = client(&o);
    post_ok(c, 200); /* and the other way round */
    assert_int_equal(receiver_count(proxy), 1);
    assert_string_equal(receiver_wait(end, 1, 0)->path, "/write");
    ax_http_client_free(c);
    receiver_stop(proxy);
    receiver_stop(end);
}

static void a_user_name_may_be_in_a_file(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, ok, 1);
    struct ax_http_client_options o = options_for(receiver_url(r));
    char path[SCRATCH_PATH];
    scratch_make(path, "user");
    scratch_write(path, "user\n", 5);
    o.who.basic_user_file = ax_str(path);
    o.who.basic_password = ax_str("pass word");
    struct ax_http_client *c = client(&o);
    post_ok(c, 200);
    assert_string_equal(receiver_wait(r, 1, 0)->authorization, "Basic dXNlcjpwYXNzIHdvcmQ=");
    scratch_write(path, "anna", 4);
    post_ok(c, 200);
    assert_string_equal(receiver_wait(r, 2, 1)->authorization, "Basic YW5uYTpwYXNzIHdvcmQ=");
    struct ax_http_reply reply;
    struct ax_diag diag = {{0}};
    struct ax_buf out;
    ax_buf_init(&out, 1024);
    static const char bad[][6] = {"an\nna", "anna\0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        scratch_write(path, bad[i], 5);
        assert_int_equal(post(c, &reply, &out, &diag), AX_IO);
        assert_non_null(strstr(diag.text, "holds a line break"));
    }
    ax_buf_done(&out);
    ax_http_client_free(c);
    scratch_remove(path);
    receiver_stop(r);
}

/* The content of a file of data/tls. */
static struct ax_buf pem(const char *name)
{
    char path[512];
    struct ax_buf b;
    (void)snprintf(path, sizeof path, "%s/data/tls/%s.pem", AX_TEST_DIR, name);
    assert_int_equal(ax_secret_file_read(ax_str(path), 65536, &b, NULL), AX_OK);
    return b;
}

static void certificates_may_be_given_as_text(void **state)
{
    (void)state;
    struct receiver *r = receiver_start_tls(ok, 1);
    char url[128];
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/write", receiver_port(r));
    struct ax_buf ca = pem("receiver"), other = pem("other"), key = pem("receiver-key");
    struct ax_http_client_options o = options_for(url);
    o.transport.server_name = ax_str("receiver.test");
    o.transport.ca = ax_buf_view(&ca);
    assert_int_equal(post_tls(&o), AX_OK);
    o.transport.ca = ax_buf_view(&other);
    assert_int_equal(post_tls(&o), AX_IO);
    o.transport.ca = ax_buf_view(&ca);
    o.transport.cert = ax_buf_view(&ca);
    o.transport.key = ax_buf_view(&key);
    assert_int_equal(post_tls(&o), AX_OK);
    o.transport.key = ax_str("nonsense");
    assert_int_equal(post_tls(&o), AX_IO);
    ax_secret_file_done(&ca);
    ax_secret_file_done(&other);
    ax_secret_file_done(&key);
    receiver_stop(r);
}

static void a_proxy_gets_headers_of_its_own(void **state)
{
    (void)state;
    struct receiver *proxy = receiver_start(0, ok, 1);
    struct ax_http_client_options o = options_for("http://receiver.test:9090/api/v1/write");
    const struct ax_http_field fields[] = {{ax_str("X-Custom"), ax_str("for the proxy")}};
    o.transport.proxy_headers = fields;
    o.transport.proxy_headers_n = 1;
    assert_refused(&o, "proxy_connect_header has no effect without");
    o.transport.proxy_url = ax_str(receiver_url(proxy));
    struct ax_http_client *c = client(&o);
    post_ok(c, 200);
    assert_string_equal(receiver_wait(proxy, 1, 0)->custom, "for the proxy");
    ax_http_client_free(c);
    receiver_stop(proxy);
}

static void bad_options_are_refused_with_a_text(void **state)
{
    (void)state;
    struct ax_http_client_options o = options_for("ftp://127.0.0.1/");
    assert_refused(&o, "ftp");
    o = options_for("");
    assert_refused(&o, "http://host:port/path");
    o = options_for("http://127.0.0.1:1/");
    o.transport.min_version = ax_str("TLS14");
    assert_refused(&o, "TLS13");
    o.transport.min_version = ax_str("");
    o.transport.max_version = ax_str("TLS11");
    assert_refused(&o, "max_version TLS11 is below min_version TLS12");
    o = options_for("http://127.0.0.1:1/");
    o.transport.no_proxy = ax_str("localhost");
    assert_refused(&o, "proxy_url");
    o.transport.proxy_from_environment = true;
    assert_refused(&o, "NO_PROXY");
    o.transport.proxy_url = ax_str("http://127.0.0.1:2");
    assert_refused(&o, "proxy_url and proxy_from_environment");
    o = options_for("http://127.0.0.1:1/");
    o.transport.ca = ax_str("x");
    o.transport.ca_file = ax_str(AX_TEST_DIR "/data/tls/receiver.pem");
    assert_refused(&o, "ca and ca_file are both set");
    o = options_for("http://127.0.0.1:1/");
    o.who.basic_user = ax_str("u");
    o.who.basic_user_file = ax_str("/dev/null");
    assert_refused(&o, "username and username_file");
    o = options_for("http://127.0.0.1:1/");
    o.who.oauth2 =
        (struct ax_http_oauth2){.client_id = ax_str("i"), .token_url = ax_str("http://127.0.0.1:1/")};
    o.who.auth_credentials = ax_str("t");
    assert_refused(&o, "oauth2 and authorization");
    o.who.auth_credentials = ax_str("");
    o.who.oauth2.token_url = ax_str("ftp://x");
    assert_refused(&o, "oauth2: the url's scheme");
    o.who.oauth2.client_secret_file = ax_str("/nonexistent");
    assert_refused(&o, "client_secret_file /nonexistent");
    o.who.oauth2.client_secret = ax_str("s");
    assert_refused(&o, "client_secret and client_secret_file");
    o.who.oauth2.client_id = ax_str("");
    assert_refused(&o, "client_id");
    o = options_for("http://127.0.0.1:1/");
    o.who.basic_password_file = ax_str("/nonexistent");
    assert_refused(&o, "password_file /nonexistent");
    o = options_for("http://127.0.0.1:1/");
    o.who.basic_user = ax_str("u");
    o.who.auth_credentials = ax_str("t");
    assert_refused(&o, "basic_auth and authorization");
    o = options_for("http://127.0.0.1:1/");
    o.who.auth_type = ax_str("Basic");
    o.who.auth_credentials = ax_str("t");
    assert_refused(&o, "basic_auth");
    o = options_for("http://127.0.0.1:1/");
    o.transport.cert_file = ax_str(AX_TEST_DIR "/data/tls/receiver.pem");
    assert_refused(&o, "key_file");
    const struct ax_http_field reserved[] = {{ax_str("Content-type"), ax_str("x")}};
    o = options_for("http://127.0.0.1:1/");
    o.headers = reserved;
    o.headers_n = 1;
    assert_refused(&o, "header Content-type: is set by Auspex itself");
}

static void only_harmless_headers_may_be_set(void **state)
{
    (void)state;
    static const char *const bad[] = {"authorization",
                                      "HOST",
                                      "X-Prometheus-Remote-Write-Version",
                                      "retry-attempt",
                                      "content-encoding",
                                      "a b",
                                      "",
                                      "a:",
                                      "User-Agent"};
    struct ax_diag diag;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ax_http_check_header(ax_str(bad[i]), ax_str("x"), &diag), AX_INVALID);
    assert_int_equal(ax_http_check_header(ax_str("X-Scope-OrgID"), ax_str("tenant"), &diag), AX_OK);
    assert_int_equal(ax_http_check_header(ax_str("X-Scope-OrgID"), ax_str("a\r\nHost: b"), &diag),
                     AX_INVALID);
    assert_int_equal(ax_http_check_header(ax_str("X-Empty"), ax_str(""), &diag), AX_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_post_carries_its_headers_and_body),
        cmocka_unit_test(credentials_are_sent_and_files_are_read_each_time),
        cmocka_unit_test(retry_after_is_read_as_seconds_and_as_a_date),
        cmocka_unit_test(a_long_answer_is_cut_at_the_ceiling),
        cmocka_unit_test(a_body_is_streamed_when_asked_and_only_that_of_a_good_answer),
        cmocka_unit_test(redirects_keep_the_method_and_are_followed_only_when_asked),
        cmocka_unit_test(a_server_that_hangs_is_left_at_the_timeout),
        cmocka_unit_test(who_asks_for_the_status_alone_gets_it_though_the_body_is_cut_off),
        cmocka_unit_test(another_thread_ends_a_request),
        cmocka_unit_test(a_refused_connection_is_an_error_with_a_text),
        cmocka_unit_test(certificates_are_verified_against_ca_and_name),
        cmocka_unit_test(no_proxy_names_the_host_and_not_the_name_in_its_certificate),
        cmocka_unit_test(a_certificate_of_the_client_needs_its_key),
        cmocka_unit_test(requests_go_through_the_proxy_that_was_set),
        cmocka_unit_test(what_no_proxy_names_is_reached_without_the_proxy),
        cmocka_unit_test(each_host_of_a_redirect_is_reached_with_or_without_the_proxy),
        cmocka_unit_test(a_user_name_may_be_in_a_file),
        cmocka_unit_test(certificates_may_be_given_as_text),
        cmocka_unit_test(a_proxy_gets_headers_of_its_own),
        cmocka_unit_test(bad_options_are_refused_with_a_text),
        cmocka_unit_test(only_harmless_headers_may_be_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
