/* Remote-read without memory: an answer is whole, or there is none. */
#include "api/read.h"
#include "ax_test.h"
#include "failing.h"
#include "net/compress.h"
#include "prom/read_response.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS 60
#define YAML                                                                                                 \
    "global: {evaluation_delay: 0s}\n"                                                                       \
    "jobs: [{name: load, expr: demand, forecast: {output: predicted_load, horizons: [1m]}}]\n"

static struct rig rig;
static struct ax_read_service service;
static struct ax_http_route route;
static struct ax_buf message, body;

/* A request for the paths of two series, and what answers it. */
static int start(void **state)
{
    (void)state;
    static const struct ax_read_matcher m[] = {{AX_MATCH_EQ, {"__name__", 8}, {"predicted_load_future", 21}}};
    static const struct ax_read_query q[] = {{0, INT64_MAX, m, 1}};
    rig_init(&rig, YAML);
    for (int i = 0; i < STEPS; i++) {
        int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        assert_int_equal(rig_append(&rig, "demand{instance=\"a\"}", t_ms, sin(i / 5.0)), AX_FATE_WANTED);
        assert_int_equal(rig_append(&rig, "demand{instance=\"b\"}", t_ms, cos(i / 5.0)), AX_FATE_WANTED);
        rig_run_to(&rig, t_ms);
    }
    service = (struct ax_read_service){.paths = rig.paths,
                                       .pipeline = rig.pipeline,
                                       .ceilings = {.body_max = 1 << 20,
                                                    .queries_max = 10,
                                                    .matchers_max = 10,
                                                    .series_max = 1000,
                                                    .samples_max = 100000,
                                                    .concurrent_max = 1,
                                                    .duration_ms = 20000}};
    route = ax_read_route(&service);
    ax_buf_init(&message, 1 << 20);
    ax_buf_init(&body, 1 << 20);
    ax_read_request_write(q, 1, &message);
    assert_int_equal(ax_snappy_compress(ax_buf_view(&message), &body), AX_OK);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ax_buf_done(&message);
    ax_buf_done(&body);
    rig_done(&rig);
    return 0;
}

static void ask(struct ax_http_response *res)
{
    const struct ax_http_request request = {.path = ax_str("/api/v1/read"), .body = ax_buf_view(&body)};
    ax_http_response_init(res);
    route.handle(route.ctx, &request, res);
}

static void an_answer_is_whole_or_there_is_none(void **state)
{
    (void)state;
    struct ax_http_response whole, res;
    ask(&whole);
    assert_int_equal(whole.status, 200);
    assert_true(whole.body.n > 0);
    uint32_t refused = 0;
    for (uint32_t nth = 1, failed = 1; failed; nth++) {
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        ask(&res);
        failed = failing_end();
        /* What has no memory even for the text of its refusal is answered 503 by the server. */
        if (res.status == 200 && res.body.err == AX_OK) {
            assert_int_equal(res.body.n, whole.body.n);
            assert_memory_equal(res.body.bytes, whole.body.bytes, whole.body.n);
        } else {
            assert_true(res.status == 503 || res.body.err == AX_NOMEM);
            refused++;
        }
        ax_buf_done(&res.body);
    }
    assert_true(refused > 0);
    ax_buf_done(&whole.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_whole_or_there_is_none),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
