/* Predictions on request without memory: an answer is whole, or there is none. */
#include "asked.h"
#include "ax_test.h"

static void an_answer_is_whole_or_there_is_none(void **state)
{
    (void)state;
    struct rig rig;
    asked_rig(&rig);
    struct ax_predict_service service = asked_predict_service(&rig);
    asked_without_memory(&(struct asked){
        .route = ax_predict_route(&service),
        .body = ax_str("{\"selectors\": [\"{instance=~\\\"a|b\\\"}\", \"{instance=\\\"b\\\"}\"], "
                       "\"horizons\": [\"30s\", \"1m\"]}")});
    assert_int_equal(service.running, 0);
    rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_whole_or_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
