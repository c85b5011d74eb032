/* endpoint.c: database, receiver and server as the program has them. */
#include "endpoint.h"

#include "ax_test.h"

#include <curl/curl.h>
#include <snappy-c.h>
#include <stdio.h>

struct endpoint endpoint;

static struct ax_http_server *server;
static struct ax_http_route route;
static struct ax_matcher *matcher;

int endpoint_start(const struct ax_db_options *options)
{
    struct ax_diag diag = {{0}};
    struct endpoint *e = &endpoint;
    e->now_ms = NOW_MS;
    e->db = ax_db_new(options);
    assert_non_null(e->db);
    assert_int_equal(ax_matcher_new(AX_MATCH_RE, ax_str("__name__"), ax_str(".+"), &matcher, &diag), AX_OK);
    e->selector = ax_db_add_selector(e->db, ax_str(""), &matcher, 1, 2 * HOUR_MS, NULL);
    assert_true(e->selector >= 0);
    const struct ax_receiver_options receiver = {.clock = ax_clock_virtual(&e->now_ms), .log = e->log};
    assert_int_equal(ax_receiver_new(e->db, &receiver, &e->receiver, &diag), AX_OK);
    route = ax_receiver_route(e->receiver);
    const struct ax_http_options http = {.listen_address = "127.0.0.1:0"};
    if (ax_http_server_start(&http, &route, 1, &server, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    (void)snprintf(e->url, sizeof e->url, "http://127.0.0.1:%u/api/v1/write", ax_http_server_port(server));
    write_begin(&e->req, 1);
    return curl_global_init(CURL_GLOBAL_DEFAULT) != 0;
}

int endpoint_stop(void)
{
    ax_http_server_stop(server, 1000);
    ax_receiver_free(endpoint.receiver);
    ax_db_free(endpoint.db);
    ax_matcher_free(matcher);
    write_done(&endpoint.req);
    curl_global_cleanup();
    return 0;
}

struct ax_str endpoint_compress(int version)
{
    static uint64_t seed = 2;
    struct endpoint *e = &endpoint;
    size_t plain_n, n = sizeof e->body;
    uint8_t *plain = version == 1 ? write_pack_v1(&e->req, &plain_n) : write_pack_v2(&e->req, &plain_n);
    assert_int_equal(snappy_compress((const char *)plain, plain_n, e->body, &n), SNAPPY_OK);
    write_done(&e->req);
    write_begin(&e->req, seed++);
    return (struct ax_str){e->body, n};
}

struct write_answer endpoint_send(int version)
{
    static const char *const headers[2][4] = {{V1_TYPE, SNAPPY, NULL, NULL},
                                              {V2_TYPE, SNAPPY, V2_VERSION, NULL}};
    return write_ask(endpoint.url, "POST", headers[version - 1], endpoint_compress(version));
}

void expect_v2(long status, int samples, int histograms, int exemplars)
{
    struct write_answer a = endpoint_send(2);
    write_assert_status(&a, status);
    assert_int_equal(a.samples, samples);
    assert_int_equal(a.histograms, histograms);
    assert_int_equal(a.exemplars, exemplars);
}

void expect_v1(long status)
{
    struct write_answer a = endpoint_send(1);
    write_assert_status(&a, status);
    assert_int_equal(a.samples, -1);
    assert_int_equal(a.histograms, -1);
    assert_int_equal(a.exemplars, -1);
}

const char *fresh(void)
{
    static char name[32];
    static int number;
    (void)snprintf(name, sizeof name, "metric_%d", number++);
    return name;
}

uint32_t kept(const char *name, struct ax_sample out[8])
{
    uint32_t n = 0;
    uint64_t epoch = 0;
    struct ax_series *const *members = ax_db_members(endpoint.db, endpoint.selector, &n, &epoch);
    for (uint32_t i = 0; i < n; i++)
        if (ax_str_eq(ax_labels_get(ax_series_labels(members[i]), ax_str("__name__")), ax_str(name)))
            return ax_db_read(endpoint.db, members[i], 0, INT64_MAX, out, 8);
    return 0;
}
