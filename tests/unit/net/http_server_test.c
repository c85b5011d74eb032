/* The server answers what it has, refuses what is too much, and stops without breaking a request off. */
#include "ax_test.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "net/http_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void echo(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    ax_buf_str(&res->body, req->body);
    struct ax_str q = ax_http_query(req, "q");
    ax_http_add_header(res, "X-Query", AX_STR_FMT, AX_STR_ARG(q));
}

static void slow(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    (void)req;
    ax_sleep_ns(300000000);
    ax_http_text(res, 200, "done");
}

static void nothing(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    (void)req;
    res->status = 204;
}

/* Nobody may ask. */
static bool shut(void *ctx, struct ax_http_response *res)
{
    (void)ctx;
    ax_http_text(res, 403, "not today");
    return false;
}

/* A question that is held until the gate is opened. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct {
    uint32_t held, answered;
    bool open;
} gate;

static void hold(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    (void)pthread_mutex_lock(&lock);
    gate.held++;
    (void)pthread_cond_broadcast(&changed);
    while (!gate.open)
        (void)pthread_cond_wait(&changed, &lock);
    gate.answered++;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
    ax_http_add_header(res, "X-Query", AX_STR_FMT, AX_STR_ARG(ax_http_query(req, "q")));
    ax_buf_str(&res->body, req->path);
    ax_buf_str(&res->body, req->body);
}

static void wait_for(const uint32_t *n, uint32_t wanted)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    (void)pthread_mutex_lock(&lock);
    bool late = false;
    while (*n < wanted && !late)
        late = pthread_cond_timedwait(&changed, &lock, &until) != 0;
    (void)pthread_mutex_unlock(&lock);
    assert_false(late);
}

static void open_gate(bool open)
{
    (void)pthread_mutex_lock(&lock);
    gate.open = open;
    if (!open)
        gate.held = gate.answered = 0;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}

/* A question that takes as long as somebody waits for its answer. */
static void last(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    (void)pthread_mutex_lock(&lock);
    gate.held++;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
    while (!ax_http_gone(req))
        ax_sleep_ns(1000000);
    ax_http_text(res, ax_err_http(AX_CANCELLED), "gone");
    (void)pthread_mutex_lock(&lock);
    gate.answered++;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}

#define ROUTES 6

static const struct ax_http_route routes[] = {
    {"POST", "/echo", "echo", echo, NULL, 1000, "echo.max-body-size", false, NULL},
    {"GET", "/slow", "slow", slow, NULL, 0, NULL, false, NULL},
    {"GET", "/nothing", "nothing", nothing, NULL, 0, NULL, false, NULL},
    {"POST", "/hold", "hold", hold, NULL, 1000, NULL, true, NULL},
    {"POST", "/shut", "shut", echo, NULL, 1000000, NULL, true, shut},
    {"GET", "/last", "last", last, NULL, 0, NULL, true, NULL},
};

static struct ax_http_server *start(uint64_t bodies_max)
{
    struct ax_http_server *s = NULL;
    struct ax_diag diag = {{0}};
    const struct ax_http_options o = {.listen_address = "127.0.0.1:0", .bodies_max = bodies_max};
    if (ax_http_server_start(&o, routes, ROUTES, &s, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return s;
}

/* Connect and send bytes. */
static int say(uint16_t port, const char *bytes, size_t n)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 5};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    (void)send(fd, bytes, n, MSG_NOSIGNAL);
    return fd;
}

/* Read until the peer closes or says enough (a whole answer), and close; the text is static. */
static const char *hear(int fd)
{
    static char answer[65536];
    size_t got = 0;
    for (ssize_t k; got < sizeof answer - 1 && (k = recv(fd, answer + got, sizeof answer - 1 - got, 0)) > 0;)
        got += (size_t)k;
    answer[got] = '\0';
    (void)close(fd);
    return answer;
}

static const char *ask(uint16_t port, const char *bytes, size_t n)
{
    return hear(say(port, bytes, n));
}

static const char *ask_text(struct ax_http_server *s, const char *text)
{
    return ask(ax_http_server_port(s), text, strlen(text));
}

#define CLOSE "Host: x\r\nConnection: close\r\n"

static void a_body_comes_back_whole_with_length_or_in_chunks(void **state)
{
    (void)state;
    struct ax_http_server *s = start(0);
    const char *a = ask_text(s, "POST /echo?q=a%20b HTTP/1.1\r\n" CLOSE "Content-Length: 5\r\n\r\nhello");
    assert_non_null(strstr(a, "HTTP/1.1 200"));
    assert_non_null(strstr(a, "X-Query: a b"));
    assert_non_null(strstr(a, "\r\n\r\nhello"));
    a = ask_text(s, "POST /echo HTTP/1.1\r\n" CLOSE
                    "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
    assert_non_null(strstr(a, "\r\n\r\nhello"));
    ax_http_server_stop(s, 1000);
}

static void unknown_paths_and_methods_are_named(void **state)
{
    (void)state;
    struct ax_http_server *s = start(0);
    assert_non_null(strstr(ask_text(s, "GET /nowhere HTTP/1.1\r\n" CLOSE "\r\n"), "HTTP/1.1 404"));
    const char *a = ask_text(s, "GET /echo HTTP/1.1\r\n" CLOSE "\r\n");
    assert_non_null(strstr(a, "HTTP/1.1 405"));
    assert_non_null(strstr(a, "Allow: POST"));
    a = ask_text(s, "GET /nothing HTTP/1.1\r\n" CLOSE "\r\n");
    assert_non_null(strstr(a, "HTTP/1.1 204"));
    ax_http_server_stop(s, 1000);
}

static void a_body_above_its_ceiling_gets_413_announced_or_not(void **state)
{
    (void)state;
    struct ax_http_server *s = start(0);
    const char *a = ask_text(s, "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 1073741824\r\n\r\n");
    assert_non_null(strstr(a, "HTTP/1.1 413"));
    assert_non_null(strstr(a, "limit of 1000 bytes (--echo.max-body-size)\n"));
    a = ask_text(s, "POST /hold HTTP/1.1\r\n" CLOSE "Content-Length: 1073741824\r\n\r\n");
    assert_non_null(strstr(a, "limit of 1000 bytes\n"));
    char chunked[3000] = "POST /echo HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n7d0\r\n";
    size_t n = strlen(chunked);
    memset(chunked + n, 'x', 2000);
    memcpy(chunked + n + 2000, "\r\n0\r\n\r\n", 8);
    assert_non_null(strstr(ask(ax_http_server_port(s), chunked, n + 2007), "HTTP/1.1 413"));
    assert_non_null(
        strstr(ask_text(s, "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 2\r\n\r\nok"), "\r\n\r\nok"));
    ax_http_server_stop(s, 1000);
}

static void a_client_that_waits_for_leave_is_told_at_once(void **state)
{
    (void)state;
    struct ax_http_server *s = start(0);
    const char *a =
        ask_text(s, "POST /echo HTTP/1.1\r\n" CLOSE "Expect: 100-continue\r\nContent-Length: 1500\r\n\r\n");
    assert_non_null(strstr(a, "HTTP/1.1 413"));
    assert_null(strstr(a, "100 Continue"));
    a = ask_text(s, "POST /echo HTTP/1.1\r\n" CLOSE "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
    assert_non_null(strstr(a, "HTTP/1.1 200"));
    ax_http_server_stop(s, 1000);
}

static void what_a_browser_asks_for_a_page_of_others_is_refused_but_for_looking_and_for_samples(void **state)
{
    (void)state;
    struct ax_http_server *s = start(0);
    open_gate(true);
    const char *a = ask_text(s, "POST /hold HTTP/1.1\r\n" CLOSE
                                "Origin: http://evil.example\r\nContent-Length: 2\r\n\r\nok");
    assert_non_null(strstr(a, "HTTP/1.1 403"));
    assert_non_null(strstr(a, "on behalf of another page"));
    a = ask_text(s,
                 "POST /hold HTTP/1.1\r\n" CLOSE "Sec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n");
    assert_non_null(strstr(a, "HTTP/1.1 403"));
    assert_int_equal(gate.answered, 0);
    a = ask_text(s, "POST /hold HTTP/1.1\r\n" CLOSE "Origin: http://x\r\nContent-Length: 2\r\n\r\nok");
    assert_non_null(strstr(a, "HTTP/1.1 200"));
    a = ask_text(s, "POST /echo HTTP/1.1\r\n" CLOSE
                    "Origin: http://evil.example\r\nContent-Length: 2\r\n\r\nok");
    assert_non_null(strstr(a, "HTTP/1.1 200"));
    a = ask_text(s, "GET /nothing HTTP/1.1\r\n" CLOSE "Sec-Fetch-Site: cross-site\r\n\r\n");
    assert_non_null(strstr(a, "HTTP/1.1 204"));
    open_gate(false);
    ax_http_server_stop(s, 1000);
}

static void what_is_shut_keeps_no_body_and_says_so(void **state)
{
    static char text[200000];
    (void)state;
    struct ax_http_server *s = start(3); /* bytes of bodies at once: of this one none is accounted */
    int n = snprintf(text, sizeof text, "POST /shut HTTP/1.1\r\n" CLOSE "Content-Length: 100000\r\n\r\n");
    memset(text + n, 'x', 100000);
    const char *a = ask(ax_http_server_port(s), text, (size_t)n + 100000);
    assert_non_null(strstr(a, "HTTP/1.1 403"));
    assert_non_null(strstr(a, "not today"));
    a = ask_text(s, "POST /shut HTTP/1.1\r\n" CLOSE "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n");
    assert_non_null(strstr(a, "HTTP/1.1 403"));
    assert_null(strstr(a, "100 Continue"));
    ax_http_server_stop(s, 1000);
}

static void bytes_announced_and_not_sent_take_nothing_from_others(void **state)
{
    (void)state;
    struct ax_http_server *s = start(3);
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(ax_http_server_port(s)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    const char promise[] = "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 3\r\n\r\n";
    assert_int_equal(send(fd, promise, sizeof promise - 1, MSG_NOSIGNAL), sizeof promise - 1);
    const char *a = ask_text(s, "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 3\r\n\r\nhey");
    assert_non_null(strstr(a, "HTTP/1.1 200"));
    (void)close(fd);
    ax_http_server_stop(s, 1000);
}

static void too_many_bytes_in_flight_get_503_with_retry_after(void **state)
{
    (void)state;
    struct ax_http_server *s = start(3);
    const char *a = ask_text(s, "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 5\r\n\r\nhello");
    assert_non_null(strstr(a, "HTTP/1.1 503"));
    assert_non_null(strstr(a, "Retry-After: 1"));
    a = ask_text(s, "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 3\r\n\r\nhey");
    assert_non_null(strstr(a, "HTTP/1.1 200"));
    ax_http_server_stop(s, 1000);
}

static void *ask_slow(void *arg)
{
    return strstr(ask_text(arg, "GET /slow HTTP/1.1\r\n" CLOSE "\r\n"), "done") ? arg : NULL;
}

static void a_running_request_is_finished_before_the_stop(void **state)
{
    (void)state;
    struct ax_http_server *s = start(0);
    pthread_t thread;
    void *answered = NULL;
    assert_int_equal(pthread_create(&thread, NULL, ask_slow, s), 0);
    ax_sleep_ns(100000000);
    ax_http_server_stop(s, 2000);
    assert_int_equal(pthread_join(thread, &answered), 0);
    assert_non_null(answered);
}

#define HOLD "POST /hold?q=why HTTP/1.1\r\n" CLOSE "Content-Length: 4\r\n\r\n?me!"
#define HELD_N 6 /* more than there are threads of either kind */

static struct ax_http_server *start_with_queries(uint32_t queries)
{
    struct ax_http_server *s = NULL;
    const struct ax_http_options o = {.listen_address = "127.0.0.1:0", .threads = 2, .queries_max = queries};
    open_gate(false);
    assert_int_equal(ax_http_server_start(&o, routes, ROUTES, &s, NULL), AX_OK);
    return s;
}

static int say_hold(struct ax_http_server *s)
{
    return say(ax_http_server_port(s), HOLD, sizeof HOLD - 1);
}

static void while_all_threads_for_queries_are_held_what_comes_in_is_taken(void **state)
{
    (void)state;
    struct ax_http_server *s = start_with_queries(3);
    int fds[HELD_N];
    for (int i = 0; i < HELD_N; i++)
        fds[i] = say_hold(s);
    wait_for(&gate.held, 3);
    for (int i = 0; i < 20; i++)
        assert_non_null(
            strstr(ask_text(s, "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 2\r\n\r\nok"), "\r\n\r\nok"));
    open_gate(true);
    for (int i = 0; i < HELD_N; i++) {
        const char *a = hear(fds[i]);
        assert_non_null(strstr(a, "HTTP/1.1 200"));
        assert_non_null(strstr(a, "X-Query: why"));
        assert_non_null(strstr(a, "\r\n\r\n/hold?me!"));
    }
    ax_http_server_stop(s, 1000);
}

static void a_connection_may_ask_on_after_a_long_answer(void **state)
{
    (void)state;
    struct ax_http_server *s = start_with_queries(1);
    static const char twice[] = "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none" HOLD;
    open_gate(true);
    const char *a = ask(ax_http_server_port(s), twice, sizeof twice - 1);
    a = strstr(a, "/holdone");
    assert_non_null(a);
    assert_non_null(strstr(a, "/hold?me!"));
    ax_http_server_stop(s, 1000);
}

static void for_a_client_that_has_gone_no_answer_is_made_and_it_takes_nothing_with_it(void **state)
{
    (void)state;
    struct ax_http_server *s = start_with_queries(1);
    const struct linger at_once = {.l_onoff = 1};
    int gone[3] = {say_hold(s), 0, 0}; /* is held */
    wait_for(&gate.held, 1);
    gone[1] = say_hold(s); /* these wait */
    gone[2] = say_hold(s);
    for (int i = 0; i < 3; i++) {
        if (i < 2) /* with a reset; the last with a FIN */
            (void)setsockopt(gone[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        (void)close(gone[i]);
    }
    open_gate(true);
    assert_non_null(strstr(ask(ax_http_server_port(s), HOLD, sizeof HOLD - 1), "/hold?me!"));
    ax_http_server_stop(s, 1000);
    assert_int_equal(gate.answered, 2); /* what was held, and the last */
}

static void an_answer_that_is_being_made_sees_that_its_client_has_gone(void **state)
{
    (void)state;
    static const char text[] = "GET /last HTTP/1.1\r\nHost: x\r\n\r\n";
    struct ax_http_server *s = start_with_queries(2);
    int fds[2];
    for (int i = 0; i < 2; i++)
        fds[i] = say(ax_http_server_port(s), text, sizeof text - 1);
    wait_for(&gate.held, 2);
    assert_int_equal(gate.answered, 0);
    const struct linger at_once = {.l_onoff = 1};
    (void)setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once); /* with a reset; then a FIN */
    for (int i = 0; i < 2; i++) {
        (void)close(fds[i]);
        wait_for(&gate.answered, (uint32_t)i + 1);
    }
    ax_http_server_stop(s, 1000);
    assert_true(ax_metric_get(ax_metric(AX_M_HTTP_REQUESTS, "last", "499")) == 2);
}

static void who_has_only_closed_its_own_end_is_answered(void **state)
{
    (void)state;
    struct ax_http_server *s = start(0);
    static const char question[] = "POST /hold HTTP/1.1\r\n" CLOSE "Content-Length: 2\r\n\r\nok";
    static const char old[] = "POST /hold HTTP/1.0\r\nContent-Length: 2\r\n\r\nok";
    for (int i = 0; i < 2; i++) {
        open_gate(false);
        int fd = say(ax_http_server_port(s), i ? old : question, i ? sizeof old - 1 : sizeof question - 1);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        open_gate(true);
        const char *a = hear(fd);
        assert_non_null(strstr(a, "200 OK"));
        assert_non_null(strstr(a, "/holdok"));
        assert_true(i == 0 || !strstr(a, "100 Continue"));
    }
    open_gate(false);
    ax_http_server_stop(s, 1000);
}

static void at_its_end_the_server_waits_for_no_answer_beyond_the_deadline(void **state)
{
    (void)state;
    struct ax_http_server *s = start(0);
    static const char question[] = "GET /last HTTP/1.1\r\n" CLOSE "\r\n";
    open_gate(false);
    int fd = say(ax_http_server_port(s), question, sizeof question - 1);
    wait_for(&gate.held, 1);
    ax_http_server_stop(s, 0); /* while the one who asks is there */
    assert_int_equal(gate.answered, 1);
    (void)close(fd);
}

static void *stop_now(void *s)
{
    ax_http_server_stop(s, 0);
    return NULL;
}

static void *stop_later(void *s)
{
    ax_http_server_stop(s, 60000);
    return NULL;
}

/* A connection that was answered, and stays open. */
static int say_and_stay(struct ax_http_server *s)
{
    static const char text[] = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
    char a[1024] = "";
    const int fd = say(ax_http_server_port(s), text, sizeof text - 1);
    for (size_t n = 0; !strstr(a, "\r\n\r\n");) {
        const ssize_t k = recv(fd, a + n, sizeof a - 1 - n, 0);
        assert_true(k > 0);
        n += (size_t)k;
    }
    assert_non_null(strstr(a, "HTTP/1.1 204"));
    return fd;
}

/* Wait until no connection is taken any more. */
static void wait_for_end(struct ax_http_server *s)
{
    static const char text[] = "GET /nothing HTTP/1.1\r\n" CLOSE "\r\n";
    for (int i = 0; i < 4000 && ask(ax_http_server_port(s), text, sizeof text - 1)[0]; i++)
        ax_sleep_ns(5000000);
}

static void a_stop_turns_away_who_waits_and_waits_for_who_is_being_answered(void **state)
{
    (void)state;
    struct ax_http_server *s = start_with_queries(1);
    pthread_t stopper;
    int held = say_hold(s);
    wait_for(&gate.held, 1);
    int waiting = say_and_stay(s); /* whoever was still on its way when the stop began would just be closed */
    (void)send(waiting, HOLD, sizeof HOLD - 1, MSG_NOSIGNAL);
    assert_int_equal(pthread_create(&stopper, NULL, stop_now, s), 0);
    const char *a = hear(waiting);
    assert_non_null(strstr(a, "HTTP/1.1 503"));
    assert_non_null(strstr(a, "Retry-After: 1"));
    assert_non_null(strstr(a, "stopping"));
    open_gate(true);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_int_equal(gate.answered, 1);
    (void)close(held);
}

static void a_stop_takes_nothing_more_on_connections_that_are_there(void **state)
{
    (void)state;
    struct ax_http_server *s = start_with_queries(1);
    pthread_t stopper;
    int held = say_hold(s), idle = say_and_stay(s);
    wait_for(&gate.held, 1);
    assert_int_equal(pthread_create(&stopper, NULL, stop_later, s), 0);
    wait_for_end(s);
    static const char text[] = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
    (void)send(idle, text, sizeof text - 1, MSG_NOSIGNAL);
    const char *a = hear(idle);
    assert_non_null(strstr(a, "HTTP/1.1 503"));
    assert_non_null(strstr(a, "Connection: close"));
    assert_non_null(strstr(a, "stopping"));
    open_gate(true);
    assert_non_null(strstr(hear(held), "/hold?me!")); /* who was there before is answered */
    assert_int_equal(pthread_join(stopper, NULL), 0);
}

/* Requests one after the other, until nobody answers. */
static void *ask_on(void *port)
{
    static const char text[] = "GET /nothing HTTP/1.1\r\n" CLOSE "\r\n";
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(*(const uint16_t *)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char answer[1024];
    for (bool answered = true; answered;) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        answered = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
                   send(fd, text, sizeof text - 1, MSG_NOSIGNAL) > 0 &&
                   recv(fd, answer, sizeof answer, 0) > 0;
        (void)close(fd);
    }
    return NULL;
}

static void it_stops_while_connections_come(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ax_test_rounds(200); round++) {
        struct ax_http_server *s = NULL;
        const struct ax_http_options o = {.listen_address = "127.0.0.1:0", .threads = 4};
        assert_int_equal(ax_http_server_start(&o, routes, ROUTES, &s, NULL), AX_OK);
        uint16_t port = ax_http_server_port(s);
        pthread_t clients[2];
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&clients[i], NULL, ask_on, &port), 0);
        ax_sleep_ns(2000000);
        ax_http_server_stop(s, 1000);
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_join(clients[i], NULL), 0);
    }
}

static void an_address_in_use_or_unreadable_is_explained(void **state)
{
    (void)state;
    struct ax_http_server *s = start(0), *other = NULL;
    struct ax_diag diag = {{0}};
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", ax_http_server_port(s));
    struct ax_http_options o = {.listen_address = address};
    assert_int_equal(ax_http_server_start(&o, routes, ROUTES, &other, &diag), AX_IO);
    assert_non_null(strstr(diag.text, "--web.listen-address"));
    o.listen_address = "127.0.0.1:99999";
    assert_int_equal(ax_http_server_start(&o, routes, ROUTES, &other, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "65535"));
    o.listen_address = "nonsense";
    assert_int_equal(ax_http_server_start(&o, routes, ROUTES, &other, &diag), AX_INVALID);
    ax_http_server_stop(s, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_comes_back_whole_with_length_or_in_chunks),
        cmocka_unit_test(unknown_paths_and_methods_are_named),
        cmocka_unit_test(a_body_above_its_ceiling_gets_413_announced_or_not),
        cmocka_unit_test(a_client_that_waits_for_leave_is_told_at_once),
        cmocka_unit_test(what_a_browser_asks_for_a_page_of_others_is_refused_but_for_looking_and_for_samples),
        cmocka_unit_test(what_is_shut_keeps_no_body_and_says_so),
        cmocka_unit_test(bytes_announced_and_not_sent_take_nothing_from_others),
        cmocka_unit_test(too_many_bytes_in_flight_get_503_with_retry_after),
        cmocka_unit_test(a_running_request_is_finished_before_the_stop),
        cmocka_unit_test(while_all_threads_for_queries_are_held_what_comes_in_is_taken),
        cmocka_unit_test(a_connection_may_ask_on_after_a_long_answer),
        cmocka_unit_test(for_a_client_that_has_gone_no_answer_is_made_and_it_takes_nothing_with_it),
        cmocka_unit_test(an_answer_that_is_being_made_sees_that_its_client_has_gone),
        cmocka_unit_test(a_stop_turns_away_who_waits_and_waits_for_who_is_being_answered),
        cmocka_unit_test(a_stop_takes_nothing_more_on_connections_that_are_there),
        cmocka_unit_test(it_stops_while_connections_come),
        cmocka_unit_test(who_has_only_closed_its_own_end_is_answered),
        cmocka_unit_test(at_its_end_the_server_waits_for_no_answer_beyond_the_deadline),
        cmocka_unit_test(an_address_in_use_or_unreadable_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
