/* Over real sockets: what goes over a ceiling of the listener is told so, or ended, and counted; everybody
 * else is served meanwhile. */
#include "ax_test.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "net/conns.h"
#include "net/http_server.h"
#include "scratch.h"

#include <arpa/inet.h>
#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_MS 300
#define TLS_FILE(name)                                                                                       \
    {                                                                                                        \
        AX_TEST_DIR "/data/tls/" name ".pem", sizeof AX_TEST_DIR "/data/tls/" name ".pem" - 1                \
    }

static void echo(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    ax_buf_str(&res->body, req->body);
}

static void greet(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    (void)req;
    ax_http_text(res, 200, "welcome");
}

static const struct ax_http_route routes[] = {
    {"POST", "/echo", "ceilings_echo", echo, NULL, 1000, "ceilings.max-body-size", false, NULL},
    {"GET", "/", "ceilings_greet", greet, NULL, 0, NULL, false, NULL},
};

static struct ax_http_server *serve(struct ax_http_options o)
{
    struct ax_http_server *s = NULL;
    struct ax_diag diag = {{0}};
    o.listen_address = "127.0.0.1:0";
    if (ax_http_server_start(&o, routes, 2, &s, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return s;
}

static double rejected(const char *reason)
{
    return ax_metric_get(ax_metric(AX_M_HTTP_REJECTED, reason, NULL));
}

/* A connection from an address of this machine. */
static int dial_from(struct ax_http_server *s, uint32_t from)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from)};
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(ax_http_server_port(s)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 20};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(bind(fd, (const struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static int dial(struct ax_http_server *s)
{
    return dial_from(s, INADDR_LOOPBACK);
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What comes until the peer closes or a whole answer with a body of fixed length is there; the text is
 * static.
 * "" when the connection just ends. */
static const char *hear(int fd)
{
    static char answer[8192];
    size_t n = 0, want = SIZE_MAX;
    answer[0] = '\0';
    while (n < want && n < sizeof answer - 1) {
        ssize_t k = recv(fd, answer + n, sizeof answer - 1 - n, 0);
        if (k < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            fail_msg("no answer, and the connection stays open");
        if (k <= 0)
            break;
        n += (size_t)k;
        answer[n] = '\0';
        const char *end = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "Content-Length: ");
        if (end && length)
            want = (size_t)(end + 4 - answer) + strtoul(length + 16, NULL, 10);
    }
    return answer;
}

static void assert_hears(int fd, const char *text)
{
    const char *answer = hear(fd);
    if (!strstr(answer, text))
        fail_msg("\"%s\" is not in \"%s\"", text, answer);
}

static void assert_served(struct ax_http_server *s)
{
    int fd = dial(s);
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_hears(fd, "welcome");
    (void)close(fd);
}

/* Is there anything to read, be it the end? */
static bool has_news(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

/* Send a byte now and then, for ever; others are served until this one is cut off. */
static void trickle(struct ax_http_server *s, int fd, const char *byte)
{
    int64_t give_up_ns = ax_mono_ns() + INT64_C(20000000000);
    while (!has_news(fd)) {
        if (send(fd, byte, 1, MSG_NOSIGNAL) < 0)
            break;
        if (s)
            assert_served(s);
        ax_sleep_ns(10000000);
        assert_true(ax_mono_ns() < give_up_ns);
    }
}

static void a_request_that_comes_in_drops_is_cut_off_and_others_are_served(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *byte;
    } cases[] = {
        {"", "G"},                                                               /* the first line */
        {"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", "x"},                          /* a header */
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n", "x"},  /* a body */
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1900\r\n\r\n", "x"}, /* one that is refused */
    };
    struct ax_http_server *s = serve((struct ax_http_options){.read_timeout_ms = READ_MS, .threads = 1});
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double before = rejected("read_timeout");
        int fd = dial(s);
        if (cases[i].begin[0])
            say(fd, cases[i].begin);
        trickle(s, fd, cases[i].byte);
        assert_hears(fd, "HTTP/1.1 408");
        assert_true(rejected("read_timeout") == before + 1);
        (void)close(fd);
    }
    ax_http_server_stop(s, 1000);
}

static void the_time_of_a_request_begins_with_its_first_byte(void **state)
{
    (void)state;
    struct ax_http_server *s = serve((struct ax_http_options){.read_timeout_ms = READ_MS});
    int fd = dial(s);
    for (int i = 0; i < 3; i++) { /* silence, before and between requests, is no slowness */
        ax_sleep_ns((int64_t)READ_MS * 2 * 1000000);
        assert_false(has_news(fd));
        say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n");
        say(fd, "ok");
        assert_hears(fd, "\r\n\r\nok");
    }
    trickle(NULL, fd, "P"); /* after good ones too */
    assert_hears(fd, "HTTP/1.1 408");
    (void)close(fd);
    ax_http_server_stop(s, 1000);
}

static void a_silent_connection_is_closed_after_the_idle_time(void **state)
{
    (void)state;
    double before = rejected("read_timeout");
    struct ax_http_server *s = serve((struct ax_http_options){.idle_timeout_ms = 1000});
    int fd = dial(s), after = dial(s);
    say(after, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_hears(after, "welcome");
    assert_string_equal(hear(fd), "");
    assert_string_equal(hear(after), "");
    assert_true(rejected("read_timeout") == before);
    (void)close(fd);
    (void)close(after);
    ax_http_server_stop(s, 1000);
}

static void a_handshake_that_comes_in_drops_is_cut_off_and_counted(void **state)
{
    (void)state;
    const struct ax_doors_options o = {
        .cert_file = TLS_FILE("receiver"), .key_file = TLS_FILE("receiver-key"), .max_version = AX_TLS_13};
    struct ax_doors *d = NULL;
    assert_int_equal(ax_doors_new(&o, &d, NULL), AX_OK);
    struct ax_http_server *s = serve((struct ax_http_options){.doors = d, .read_timeout_ms = READ_MS});
    ax_doors_release(d);
    double slow = rejected("read_timeout"),
           failed = ax_metric_get(ax_metric(AX_M_HTTP_HANDSHAKE_FAILURES, NULL, NULL));
    int fd = dial(s);
    assert_int_equal(send(fd, "\x16\x03\x01\x02\x00\x01\x00", 7, MSG_NOSIGNAL), 7); /* of 512 bytes */
    trickle(NULL, fd, "x");
    assert_string_equal(hear(fd), "");
    assert_true(rejected("read_timeout") == slow + 1);
    (void)close(fd);
    ax_http_server_stop(s, 1000);
    assert_true(ax_metric_get(ax_metric(AX_M_HTTP_HANDSHAKE_FAILURES, NULL, NULL)) == failed + 1);
}

/* What a connection of its own is answered; "" when it is not accepted. */
static const char *ask_once(struct ax_http_server *s)
{
    int fd = dial(s);
    (void)send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, MSG_NOSIGNAL);
    const char *answer = hear(fd);
    (void)close(fd);
    return answer;
}

static void connections_above_the_ceiling_are_told_and_then_not_accepted(void **state)
{
    (void)state;
    double before = rejected("connections");
    struct ax_http_server *s =
        serve((struct ax_http_options){.connections_max = 2, .connections_per_ip_max = 1000});
    int served[2] = {dial(s), dial(s)}, above[AX_CONNS_SPARE + 1], refused = -1;
    for (int i = 0; i < 2; i++) {
        say(served[i], "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_hears(served[i], "welcome");
    }
    for (int i = 0; i <= AX_CONNS_SPARE; i++)
        above[i] = dial(s);
    while (refused < 0) /* one of them is ended at once, though it says nothing */
        for (int i = 0; i <= AX_CONNS_SPARE; i++)
            if (has_news(above[i]))
                refused = above[i];
    assert_string_equal(hear(refused), "");
    assert_true(rejected("connections") == before + 1 + AX_CONNS_SPARE);
    for (int i = 0; i <= AX_CONNS_SPARE; i++)
        (void)close(above[i]);
    /* The server may take a moment to see that they are gone; until then nobody is let in, and told why. */
    const char *answer = "";
    while (!answer[0])
        answer = ask_once(s);
    assert_non_null(strstr(answer, "HTTP/1.1 503"));
    assert_non_null(strstr(answer, "Retry-After: 1"));
    assert_non_null(strstr(answer, "Connection: close"));
    assert_non_null(strstr(answer, "--web.max-connections"));
    say(served[0], "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_hears(served[0], "welcome");
    (void)close(served[1]);
    while (!strstr(ask_once(s), "welcome"))
        ;
    (void)close(served[0]);
    ax_http_server_stop(s, 1000);
}

static void one_address_leaves_room_for_others(void **state)
{
    (void)state;
    double before = rejected("connections_per_ip");
    struct ax_http_server *s = serve((struct ax_http_options){.connections_per_ip_max = 2});
    int greedy[2 + AX_CONNS_SPARE_PER_ADDRESS];
    for (int i = 0; i < 2 + AX_CONNS_SPARE_PER_ADDRESS; i++) {
        greedy[i] = dial(s);
        if (i < 2) {
            say(greedy[i], "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            assert_hears(greedy[i], "welcome");
        }
    }
    say(greedy[2], "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    assert_hears(greedy[2], "--web.max-connections-per-ip");
    for (int i = 0; i < 4; i++) /* one for that which was told, and no more */
        assert_null(strstr(ask_once(s), "welcome"));
    assert_true(rejected("connections_per_ip") > before + AX_CONNS_SPARE_PER_ADDRESS);
    int other = dial_from(s, INADDR_LOOPBACK + 1);
    say(other, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_hears(other, "welcome");
    (void)close(other);
    for (int i = 0; i < 2 + AX_CONNS_SPARE_PER_ADDRESS; i++)
        (void)close(greedy[i]);
    ax_http_server_stop(s, 1000);
}

static void requests_with_a_body_have_a_ceiling_and_others_are_served(void **state)
{
    (void)state;
    double before = rejected("inflight_requests");
    struct ax_http_server *s = serve((struct ax_http_options){.requests_max = 1});
    int first = dial(s), second = dial(s);
    say(first, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nba");
    for (bool above = false; !above;) { /* until the first one's headers have been read */
        say(second, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
        const char *answer = hear(second);
        above = strstr(answer, "HTTP/1.1 503") != NULL;
        if (above) {
            assert_non_null(strstr(answer, "Retry-After: 1"));
            assert_non_null(strstr(answer, "--web.max-requests"));
        }
    }
    assert_served(s);
    say(first, "ck");
    assert_hears(first, "\r\n\r\nback");
    say(second, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    assert_hears(second, "\r\n\r\nhi");
    assert_true(rejected("inflight_requests") > before);
    (void)close(first);
    (void)close(second);
    ax_http_server_stop(s, 1000);
}

static void no_body_is_taken_while_memory_is_full(void **state)
{
    (void)state;
    double before = rejected("memory");
    struct ax_http_server *s = serve((struct ax_http_options){0});
    int fd = dial(s);
    ax_memory_limit(1);
    assert_int_equal(ax_memory_look(), AX_MEMORY_FULL);
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    const char *answer = hear(fd);
    assert_non_null(strstr(answer, "HTTP/1.1 503"));
    assert_non_null(strstr(answer, "Retry-After: 1"));
    assert_non_null(strstr(answer, "--storage.max-memory"));
    assert_served(s);
    ax_memory_limit(0);
    assert_int_equal(ax_memory_look(), AX_MEMORY_FREE);
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    assert_hears(fd, "\r\n\r\nhi");
    assert_true(rejected("memory") == before + 1);
    (void)close(fd);
    ax_http_server_stop(s, 1000);
}

static void bodies_above_their_ceilings_are_counted(void **state)
{
    (void)state;
    double large = rejected("body_size"), inflight = rejected("inflight_size");
    struct ax_http_server *s = serve((struct ax_http_options){.bodies_max = 3});
    int fd = dial(s);
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n");
    const char *answer = hear(fd);
    assert_non_null(strstr(answer, "HTTP/1.1 413"));
    assert_non_null(strstr(answer, "max-body-size"));
    (void)close(fd);
    fd = dial(s);
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nmore");
    answer = hear(fd);
    assert_non_null(strstr(answer, "HTTP/1.1 503"));
    assert_non_null(strstr(answer, "max-inflight-size"));
    (void)close(fd);
    assert_true(rejected("body_size") == large + 1);
    assert_true(rejected("inflight_size") == inflight + 1);
    ax_http_server_stop(s, 1000);
}

/* Doors with one user, whose check takes a good part of a second, and a token. */
static struct ax_doors *slow_doors(const char *token_file)
{
    struct crypt_data *data = calloc(1, sizeof *data);
    assert_non_null(data);
    const char *hash = crypt_r("slow", "$2b$12$abcdefghijklmnopqrstuu", data);
    assert_non_null(hash);
    const struct ax_door_user user = {ax_str("anna"), ax_str(hash)};
    struct ax_doors *d = NULL;
    const struct ax_doors_options o = {.users = &user, .users_n = 1, .bearer_token_file = ax_str(token_file)};
    assert_int_equal(ax_doors_new(&o, &d, NULL), AX_OK);
    free(data);
    return d;
}

#define ANNA "Host: x\r\nAuthorization: Basic YW5uYTpzbG93\r\n"
#define GUESS "Host: x\r\nAuthorization: Basic YW5uYTpndWVzcw==\r\n"
#define TOKEN "Host: x\r\nAuthorization: Bearer token-0123456789\r\n"

static void a_password_that_is_being_checked_stalls_nobody(void **state)
{
    (void)state;
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" ANNA "\r\n", "welcome"},
        {"POST /echo HTTP/1.1\r\n" ANNA "Content-Length: 5\r\n\r\nhello", "\r\n\r\nhello"},
        {"POST /echo HTTP/1.1\r\n" ANNA "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
         "\r\n\r\nhello"},
        {"POST /echo HTTP/1.1\r\n" ANNA "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 200"},
        {"POST /echo HTTP/1.1\r\n" GUESS "Content-Length: 5\r\n\r\nhello", "HTTP/1.1 401"},
        {"GET / HTTP/1.1\r\n" GUESS "\r\n", "HTTP/1.1 401"},
    };
    char path[SCRATCH_PATH];
    scratch_make(path, "tokens");
    scratch_write(path, "token-0123456789\n", 17);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_doors *d = slow_doors(path); /* that knows nobody yet */
        struct ax_http_server *s = serve((struct ax_http_options){.doors = d, .threads = 1});
        ax_doors_release(d);
        int slow = dial(s), known = dial(s);
        say(slow, cases[i].request);
        say(known, "GET / HTTP/1.1\r\n" TOKEN "\r\n");
        assert_hears(known, "welcome");
        assert_false(has_news(slow));
        assert_hears(slow, cases[i].answer);
        say(slow, "GET / HTTP/1.1\r\n" TOKEN "\r\n"); /* the connection goes on */
        assert_hears(slow, "welcome");
        (void)close(slow);
        (void)close(known);
        ax_http_server_stop(s, 1000);
    }
    scratch_remove(path);
}

static void a_stop_waits_neither_for_passwords_nor_for_slow_requests(void **state)
{
    (void)state;
    struct ax_doors *d = slow_doors("");
    struct ax_http_server *s = serve((struct ax_http_options){.doors = d, .threads = 1});
    ax_doors_release(d);
    int waiting[8], slow = dial(s);
    for (int i = 0; i < 8; i++) {
        char request[160];
        waiting[i] = dial_from(s, INADDR_LOOPBACK + 1 + (uint32_t)i);
        (void)snprintf(request, sizeof request,
                       "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YW5uYTp3cm9uZ%dE=\r\n\r\n", i);
        say(waiting[i], request);
    }
    say(slow, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
    ax_http_server_stop(s, 100); /* not after eight checks: they would take seconds */
    for (int i = 0; i < 8; i++) {
        (void)hear(waiting[i]);
        (void)close(waiting[i]);
    }
    assert_string_equal(hear(slow), "");
    (void)close(slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_comes_in_drops_is_cut_off_and_others_are_served),
        cmocka_unit_test(the_time_of_a_request_begins_with_its_first_byte),
        cmocka_unit_test(a_silent_connection_is_closed_after_the_idle_time),
        cmocka_unit_test(a_handshake_that_comes_in_drops_is_cut_off_and_counted),
        cmocka_unit_test(connections_above_the_ceiling_are_told_and_then_not_accepted),
        cmocka_unit_test(one_address_leaves_room_for_others),
        cmocka_unit_test(requests_with_a_body_have_a_ceiling_and_others_are_served),
        cmocka_unit_test(no_body_is_taken_while_memory_is_full),
        cmocka_unit_test(bodies_above_their_ceilings_are_counted),
        cmocka_unit_test(a_password_that_is_being_checked_stalls_nobody),
        cmocka_unit_test(a_stop_waits_neither_for_passwords_nor_for_slow_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
