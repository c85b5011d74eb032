/* Who asks goes away: the answer is given up between two units of its work, wherever that is seen. */
#include "api/explain.h"
#include "api/features.h"
#include "asked.h"
#include "ax_test.h"
#include "base/metrics.h"

static struct rig rig;

static int start(void **state)
{
    (void)state;
    asked_rig(&rig);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}

static void predictions_are_given_up(void **state)
{
    (void)state;
    struct ax_predict_service service = asked_predict_service(&rig);
    struct ax_cell *counted = ax_metric(AX_M_PREDICT_REFUSED, "gone", NULL);
    const double before = ax_metric_get(counted);
    const uint32_t looks = asked_and_gone(
        &(struct asked){.route = ax_predict_route(&service), .body = ax_str("{\"job\": \"load\"}")});
    assert_true(looks >= 2); /* while it is found, and while it is written */
    assert_true(ax_metric_get(counted) - before == looks);
    assert_int_equal(service.running, 0);
}

static void remote_reads_are_given_up(void **state)
{
    (void)state;
    static const struct ax_read_matcher m[] = {{AX_MATCH_RE, {"__name__", 8}, {".*_future|model_input", 21}}};
    struct ax_read_service service = asked_read_service(&rig);
    struct ax_cell *counted = ax_metric(AX_M_READ_REFUSED, "gone", NULL);
    const double before = ax_metric_get(counted);
    struct ax_buf body;
    asked_read_body(m, &body);
    const uint32_t looks =
        asked_and_gone(&(struct asked){.route = ax_read_route(&service), .body = ax_buf_view(&body)});
    assert_true(looks >= 2);
    assert_true(ax_metric_get(counted) - before == looks);
    assert_int_equal(service.running, 0);
    ax_buf_done(&body);
}

static void explanations_are_given_up(void **state)
{
    (void)state;
    static const struct asked_argument all[] = {{"series", "{instance=~\"a|b\"}"}, {NULL, NULL}};
    const uint32_t looks =
        asked_and_gone(&(struct asked){.route = ax_explain_route(rig.pipeline), .arguments = all});
    assert_int_equal(looks, 2); /* behind each series */
}

static void vectors_rows_and_statistics_are_given_up(void **state)
{
    (void)state;
    static const struct asked_argument all[] = {{"job", "load"}, {NULL, NULL}};
    struct ax_http_route routes[AX_FEATURES_ROUTES];
    ax_features_routes(rig.pipeline, routes);
    uint32_t asked = 0;
    for (int i = 0; i < AX_FEATURES_ROUTES; i++) {
        if (strcmp(routes[i].name, "features_definitions") == 0)
            continue; /* a table */
        assert_true(asked_and_gone(&(struct asked){.route = routes[i], .arguments = all}) > 0);
        asked++;
    }
    assert_int_equal(asked, 3);
}

/* One who asks with regular expressions that take long on a long label, and stays. */
struct patient {
    const char *patterns[4];
    struct ax_pipeline *pipeline;
    uint32_t looks;
};

static struct ax_str ask_patterns(void *ctx, bool query, const char *name, uint32_t at)
{
    const struct patient *p = ctx;
    const bool any = query && strcmp(name, "match[]") == 0 && at < 4 && p->patterns[at];
    return any ? ax_str(p->patterns[at]) : (struct ax_str){NULL, 0};
}

static bool see_none(void *ctx, const struct ax_modelled *s)
{
    (void)ctx;
    (void)s;
    return false;
}

/* Steps can run meanwhile. */
static bool stays(void *ctx)
{
    struct patient *p = ctx;
    p->looks++;
    assert_int_equal(ax_pipeline_all_series(p->pipeline, 0, see_none, NULL), AX_OK);
    return false;
}

static void features_are_looked_for_beside_steps_with_a_look_before_each_dear_pattern(void **state)
{
    (void)state;
    static char series[3000] = "demand{big=\"";
    const size_t n = strlen(series);
    struct rig big;
    struct ax_http_route routes[AX_FEATURES_ROUTES];
    struct ax_http_response res;
    memset(series + n, 'a', sizeof series - n - 3);
    memcpy(series + sizeof series - 3, "\"}", 3);
    rig_init(&big,
             "global: {evaluation_delay: 0s}\n"
             "jobs: [{name: load, expr: demand, forecast: {output: predicted_load, horizons: [1m]}}]\n");
    for (int64_t t_ms = RIG_START; t_ms < RIG_START + 4LL * RIG_STEP; t_ms += RIG_STEP) {
        assert_int_equal(rig_append(&big, series, t_ms, 1), AX_FATE_WANTED);
        rig_run_to(&big, t_ms);
    }
    ax_features_routes(big.pipeline, routes);
    struct patient p = {.patterns = {"{big=~\"(.*a){100}b\"}", "{big=~\"(.*a){100}[bc]\",big=~\"a*\"}",
                                     "{big=~\"a.*\",big=~\"(.*a){99}b\"}"},
                        .pipeline = big.pipeline};
    const struct ax_http_request request = {
        .path = ax_str(routes[0].path), .find = ask_patterns, .gone = stays, .ctx = &p};
    ax_http_response_init(&res);
    routes[0].handle(routes[0].ctx, &request, &res);
    assert_int_equal(res.status, 200);
    assert_true(p.looks >= 3);
    ax_buf_done(&res.body);
    rig_done(&big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictions_are_given_up),
        cmocka_unit_test(remote_reads_are_given_up),
        cmocka_unit_test(explanations_are_given_up),
        cmocka_unit_test(vectors_rows_and_statistics_are_given_up),
        cmocka_unit_test(features_are_looked_for_beside_steps_with_a_look_before_each_dear_pattern),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
