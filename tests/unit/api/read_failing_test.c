/* Remote-read without memory: an answer is whole, or there is none. */
#include "asked.h"
#include "ax_test.h"

static void an_answer_is_whole_or_there_is_none(void **state)
{
    (void)state;
    static const struct ax_read_matcher m[] = {{AX_MATCH_EQ, {"__name__", 8}, {"predicted_load_future", 21}}};
    struct rig rig;
    struct ax_buf body;
    asked_rig(&rig);
    struct ax_read_service service = asked_read_service(&rig);
    asked_read_body(m, &body);
    asked_without_memory(&(struct asked){.route = ax_read_route(&service), .body = ax_buf_view(&body)});
    assert_int_equal(service.running, 0);
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
