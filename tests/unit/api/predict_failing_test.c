/* Predictions on request without memory: an answer is whole, or there is none. */
#include "api/predict.h"
#include "ax_test.h"
#include "failing.h"
#include "rig.h"

#include <math.h>

#define STEPS 60
#define YAML                                                                                                 \
    "global: {evaluation_delay: 0s}\n"                                                                       \
    "jobs: [{name: load, expr: demand, forecast: {output: predicted_load, horizons: [1m]}}]\n"

static struct rig rig;
static struct ax_predict_service service;
static struct ax_http_route route;

static int start(void **state)
{
    (void)state;
    rig_init(&rig, YAML);
    for (int i = 0; i < STEPS; i++) {
        int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        assert_int_equal(rig_append(&rig, "demand{instance=\"a\"}", t_ms, sin(i / 5.0)), AX_FATE_WANTED);
        assert_int_equal(rig_append(&rig, "demand{instance=\"b\"}", t_ms, cos(i / 5.0)), AX_FATE_WANTED);
        rig_run_to(&rig, t_ms);
    }
    service.paths = rig.paths;
    service.pipeline = rig.pipeline;
    service.ceilings = (struct ax_predict_ceilings){.body_max = 1 << 20,
                                                    .selectors_max = 10,
                                                    .horizons_max = 8,
                                                    .series_max = 100,
                                                    .concurrent_max = 1,
                                                    .duration_ms = 20000};
    route = ax_predict_route(&service);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}

static void ask(struct ax_http_response *res)
{
    const struct ax_http_request request = {
        .path = ax_str("/api/v1/predict"),
        .body = ax_str("{\"selectors\": [\"{instance=~\\\"a|b\\\"}\", \"{instance=\\\"b\\\"}\"], "
                       "\"horizons\": [\"30s\", \"1m\"]}")};
    ax_http_response_init(res);
    route.handle(route.ctx, &request, res);
}

static void an_answer_is_whole_or_there_is_none(void **state)
{
    (void)state;
    struct ax_http_response whole, res;
    ask(&whole);
    assert_int_equal(whole.status, 200);
    uint32_t refused = 0;
    for (uint32_t nth = 1, failed = 1; failed; nth++) {
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        ask(&res);
        failed = failing_end();
        /* What has no memory even for the text of its refusal is answered 503 by the server. */
        if (res.status == 200 && res.body.err == AX_OK) {
            assert_int_equal(res.body.n, whole.body.n);
            assert_memory_equal(res.body.bytes, whole.body.bytes, whole.body.n);
        } else if (res.status != 503 && res.body.err != AX_NOMEM) {
            fail_msg("failure %u: %d %.*s", nth, res.status, (int)res.body.n, (const char *)res.body.bytes);
        } else {
            refused++;
        }
        ax_buf_done(&res.body);
        assert_int_equal(service.running, 0);
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
