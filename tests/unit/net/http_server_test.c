/* The server answers what it has, refuses what is too much, and stops without breaking a request off. */
#include "ax_test.h"
#include "base/clock.h"
#include "net/http_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
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

static const struct ax_http_route routes[] = {
    {"POST", "/echo", "echo", echo, NULL, 1000},
    {"GET", "/slow", "slow", slow, NULL, 0},
    {"GET", "/nothing", "nothing", nothing, NULL, 0},
};

static struct ax_http_server *start(uint64_t bodies_max)
{
    struct ax_http_server *s = NULL;
    struct ax_diag diag = {{0}};
    const struct ax_http_options o = {.listen_address = "127.0.0.1:0", .bodies_max = bodies_max};
    if (ax_http_server_start(&o, routes, 3, &s, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return s;
}

/* Send bytes, read until the peer closes or says enough (a whole answer); the text is static. */
static const char *ask(uint16_t port, const char *bytes, size_t n)
{
    static char answer[65536];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 5};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    (void)send(fd, bytes, n, MSG_NOSIGNAL);
    size_t got = 0;
    for (ssize_t k; got < sizeof answer - 1 && (k = recv(fd, answer + got, sizeof answer - 1 - got, 0)) > 0;)
        got += (size_t)k;
    answer[got] = '\0';
    (void)close(fd);
    return answer;
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
    assert_non_null(strstr(ask_text(s, "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 1073741824\r\n\r\n"),
                           "HTTP/1.1 413"));
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
        assert_int_equal(ax_http_server_start(&o, routes, 3, &s, NULL), AX_OK);
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
    assert_int_equal(ax_http_server_start(&o, routes, 3, &other, &diag), AX_IO);
    assert_non_null(strstr(diag.text, "--web.listen-address"));
    o.listen_address = "127.0.0.1:99999";
    assert_int_equal(ax_http_server_start(&o, routes, 3, &other, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "65535"));
    o.listen_address = "nonsense";
    assert_int_equal(ax_http_server_start(&o, routes, 3, &other, &diag), AX_INVALID);
    ax_http_server_stop(s, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_comes_back_whole_with_length_or_in_chunks),
        cmocka_unit_test(unknown_paths_and_methods_are_named),
        cmocka_unit_test(a_body_above_its_ceiling_gets_413_announced_or_not),
        cmocka_unit_test(a_client_that_waits_for_leave_is_told_at_once),
        cmocka_unit_test(bytes_announced_and_not_sent_take_nothing_from_others),
        cmocka_unit_test(too_many_bytes_in_flight_get_503_with_retry_after),
        cmocka_unit_test(a_running_request_is_finished_before_the_stop),
        cmocka_unit_test(it_stops_while_connections_come),
        cmocka_unit_test(an_address_in_use_or_unreadable_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
