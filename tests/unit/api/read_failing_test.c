/* Remote-read without memory: an answer is whole, or there is none. */
#include "api/read.h"
#include "asked.h"
#include "ax_test.h"
#include "net/compress.h"
#include "prom/read_request.h"

static void an_answer_is_whole_or_there_is_none(void **state)
{
    (void)state;
    static const struct ax_read_matcher m[] = {{AX_MATCH_EQ, {"__name__", 8}, {"predicted_load_future", 21}}};
    static const struct ax_read_query q[] = {{0, INT64_MAX, m, 1}};
    struct rig rig;
    struct ax_buf message, body;
    asked_rig(&rig);
    struct ax_read_service service = {.paths = rig.paths,
                                      .pipeline = rig.pipeline,
                                      .ceilings = {.body_max = 1 << 20,
                                                   .queries_max = 10,
                                                   .matchers_max = 10,
                                                   .series_max = 1000,
                                                   .samples_max = 100000,
                                                   .concurrent_max = 1,
                                                   .duration_ms = 20000}};
    ax_buf_init(&message, 1 << 20);
    ax_buf_init(&body, 1 << 20);
    ax_read_request_write(q, 1, &message);
    assert_int_equal(ax_snappy_compress(ax_buf_view(&message), &body), AX_OK);
    asked_without_memory(&(struct asked){.route = ax_read_route(&service), .body = ax_buf_view(&body)});
    assert_int_equal(service.running, 0);
    ax_buf_done(&message);
    ax_buf_done(&body);
    rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_whole_or_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
