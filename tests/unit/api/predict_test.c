/* Predictions on request of a running pipeline: what selectors mean, horizons between points, classes, what
 * is not ready, and every ceiling. */
#include "api/json.h"
#include "api/predict.h"
#include "ax_test.h"
#include "rig.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS 100
#define YAML                                                                                                 \
    "global: {evaluation_delay: 0s, external_labels: {site: x}}\n"                                           \
    "jobs:\n"                                                                                                \
    "- {name: load, expr: demand, forecast: {output: predicted_load, horizons: [1m, 1h], classes: {good: "   \
    "100, bad: 300}}}\n"                                                                                     \
    "- {name: other, expr: 'sum by (instance) (demand)', forecast: {horizons: [30s]}}\n"

struct world {
    struct rig rig;
    struct ax_predict_service service;
    struct ax_http_route route;
    struct ax_http_response response;
    int64_t last_ms;
    json_t *json; /* of the newest answer */
};

static struct world w;

static int start(void **state)
{
    (void)state;
    w = (struct world){0};
    rig_init(&w.rig, YAML);
    for (int i = 0; i < STEPS; i++) {
        w.last_ms = RIG_START + (int64_t)i * RIG_STEP;
        for (int k = 0; k < 20; k++) {
            char series[64];
            (void)snprintf(series, sizeof series, "demand{instance=\"host-%d\",zone=\"%c\"}", k, 'a' + k % 2);
            assert_int_equal(rig_append(&w.rig, series, w.last_ms, 100 + 10 * k + 3 * sin(i / 5.0 + k)),
                             AX_FATE_WANTED);
        }
        if (i > STEPS - 4) /* young: it is not ready */
            (void)rig_append(&w.rig, "demand{instance=\"new\",zone=\"a\"}", w.last_ms, 5);
        rig_run_to(&w.rig, w.last_ms);
    }
    w.service.paths = w.rig.paths;
    w.service.pipeline = w.rig.pipeline;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    json_decref(w.json);
    ax_buf_done(&w.response.body);
    rig_done(&w.rig);
    return 0;
}

static int each(void **state)
{
    (void)state;
    w.service.ceilings = (struct ax_predict_ceilings){.body_max = 1 << 20,
                                                      .selectors_max = 50,
                                                      .horizons_max = 8,
                                                      .series_max = 100,
                                                      .concurrent_max = 2,
                                                      .duration_ms = 20000};
    w.route = ax_predict_route(&w.service);
    return 0;
}

/* Give the route a body; its answer is in w.json. */
static int ask(const char *body)
{
    const struct ax_http_request request = {.path = ax_str("/api/v1/predict"), .body = ax_str(body)};
    ax_buf_done(&w.response.body);
    ax_http_response_init(&w.response);
    w.route.handle(w.route.ctx, &request, &w.response);
    assert_string_equal(w.response.content_type, "application/json");
    json_decref(w.json);
    w.json = json_loadb((const char *)w.response.body.bytes, w.response.body.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(w.json);
    const char *status = json_string_value(json_object_get(w.json, "status"));
    assert_string_equal(status, w.response.status == 200 ? "success" : "error");
    return w.response.status;
}

static const json_t *result(size_t i)
{
    return json_array_get(json_object_get(json_object_get(w.json, "data"), "result"), i);
}

static size_t results(void)
{
    return json_array_size(json_object_get(json_object_get(w.json, "data"), "result"));
}

static const char *label(size_t i, const char *name)
{
    return json_string_value(json_object_get(json_object_get(result(i), "metric"), name));
}

static double number(size_t i, size_t horizon, const char *key)
{
    const json_t *v = json_object_get(json_array_get(json_object_get(result(i), "forecasts"), horizon), key);
    assert_true(json_is_number(v));
    return json_number_value(v);
}

static bool warned(const char *part)
{
    size_t i;
    json_t *text;
    json_array_foreach(json_object_get(w.json, "warnings"), i,
                       text) if (strstr(json_string_value(text), part)) return true;
    return false;
}

static const char *error(void)
{
    return json_string_value(json_object_get(w.json, "error"));
}

/* What was sent of a series with this horizon. */
static double sent(const char *name, const char *horizon, int host)
{
    char text[256];
    (void)snprintf(
        text, sizeof text,
        "%s{for=\"load\",horizon=\"%s\",instance=\"host-%d\",site=\"x\",source=\"demand\",zone=\"%c\"}", name,
        horizon, host, 'a' + host % 2);
    const struct memory_series *s = memory_find(&w.rig.sink, text);
    if (!s)
        fail_msg("no series %s", text);
    assert_int_equal(s->v[s->n - 1].t_ms, w.last_ms);
    return s->v[s->n - 1].value;
}

static void one_series_has_the_values_that_were_sent(void **state)
{
    (void)state;
    assert_int_equal(ask("{\"selectors\": [\"{instance=\\\"host-3\\\"}\"], \"job\": \"load\"}"), 200);
    assert_int_equal(results(), 1);
    assert_string_equal(label(0, "__name__"), "predicted_load");
    assert_string_equal(label(0, "for"), "load");
    assert_string_equal(label(0, "site"), "x");
    assert_true(json_is_true(json_object_get(result(0), "ready")));
    assert_true(json_number_value(json_object_get(result(0), "timestamp")) * 1000 == (double)w.last_ms);
    static const char *const horizons[] = {"1m", "1h"};
    for (size_t h = 0; h < 2; h++) {
        ax_assert_close(number(0, h, "value"), sent("predicted_load", horizons[h], 3), 1e-6);
        ax_assert_close(number(0, h, "lower"), sent("predicted_load_lower", horizons[h], 3), 1e-6);
        ax_assert_close(number(0, h, "upper"), sent("predicted_load_upper", horizons[h], 3), 1e-6);
        ax_assert_close(number(0, h, "confidence"), sent("prediction_confidence", horizons[h], 3), 1e-6);
    }
    assert_true(number(0, 0, "timestamp") * 1000 == (double)w.last_ms + 60000);
    assert_null(json_object_get(w.json, "warnings"));
}

static void a_thousand_selectors_find_each_its_own(void **state)
{
    (void)state;
    struct ax_buf body;
    w.service.ceilings.selectors_max = 1000;
    ax_buf_init(&body, 1 << 20);
    ax_buf_str(&body, ax_str("{\"job\": \"load\", \"horizons\": [\"1m\"], \"selectors\": ["));
    for (int i = 0; i < 1000; i++)
        ax_buf_printf(&body, "%s\"{instance=\\\"host-%d\\\",zone=\\\"%c\\\"}\"", i ? "," : "", i,
                      'a' + i % 2);
    ax_buf_str(&body, ax_str("]}"));
    ax_buf_byte(&body, 0);
    assert_int_equal(ask((const char *)body.bytes), 200);
    ax_buf_done(&body);
    assert_int_equal(results(), 20);
    for (size_t i = 0; i < 20; i++) {
        int host = atoi(label(i, "instance") + 5);
        ax_assert_close(number(i, 0, "value"), sent("predicted_load", "1m", host), 1e-6);
    }
    assert_true(warned("no series is forecast that {instance=\"host-20\",zone=\"a\"} selects"));
    assert_true(warned("and 880 more")); /* of 980, 100 are told */
}

static void selectors_mean_what_they_mean_in_promql(void **state)
{
    (void)state;
    const struct {
        const char *selector;
        size_t n;
    } cases[] = {
        {"{zone=\\\"a\\\",for=\\\"load\\\"}", 11}, /* with the one that is not ready */
        {"{zone=~\\\"a|b\\\",for!=\\\"other\\\"}", 21},
        {"predicted_load", 21},
        {"demand{zone=\\\"b\\\"}", 10}, /* the input's name */
        {"{__name__=~\\\"predicted_.*\\\",instance=\\\"host-1\\\"}", 2},
        {"{instance=\\\"host-1\\\",zone=\\\"\\\"}", 1}, /* `other` has no zone */
        {"predicted_load_future", 0},
        {"{instance=\\\"host-1\\\",zone=\\\"a\\\"}", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[256];
        (void)snprintf(body, sizeof body, "{\"selectors\": [\"%s\"]}", cases[i].selector);
        assert_int_equal(ask(body), 200);
        if (results() != cases[i].n)
            fail_msg("%s: %zu", cases[i].selector, results());
    }
    /* A series that two selectors select is told once. */
    assert_int_equal(
        ask("{\"selectors\": [\"predicted_load\", \"{zone=\\\"a\\\"}\", \"{for=\\\"load\\\"}\"]}"), 200);
    assert_int_equal(results(), 21);
}

static void horizons_between_points_are_interpolated(void **state)
{
    (void)state;
    assert_int_equal(ask("{\"selectors\": [\"{instance=\\\"host-3\\\"}\"], \"job\": \"load\","
                         "\"horizons\": [\"1m\", \"1m7s500ms\", \"1m15s\", \"15s\", \"1h\"]}"),
                     200);
    ax_assert_close(number(0, 1, "value"), (number(0, 0, "value") + number(0, 2, "value")) / 2, 1e-6);
    ax_assert_close(number(0, 1, "upper"), (number(0, 0, "upper") + number(0, 2, "upper")) / 2, 1e-6);
    assert_true(number(0, 1, "timestamp") * 1000 == (double)w.last_ms + 67500);
    ax_assert_close(number(0, 4, "value"), sent("predicted_load", "1h", 3), 1e-6);
}

static void horizons_that_a_path_does_not_reach_are_left_out_and_told(void **state)
{
    (void)state;
    assert_int_equal(ask("{\"selectors\": [\"{instance=\\\"host-3\\\"}\"], \"horizons\": [\"1m\"]}"), 200);
    assert_int_equal(results(), 2);
    size_t short_one = strcmp(label(0, "for"), "other") == 0 ? 0 : 1;
    assert_int_equal(json_array_size(json_object_get(result(short_one), "forecasts")), 0);
    assert_int_equal(json_array_size(json_object_get(result(1 - short_one), "forecasts")), 1);
    assert_true(warned("horizon 1m is not within the path of 1 series"));
    assert_int_equal(ask("{\"job\": \"load\", \"horizons\": [\"1m\", \"2h\"]}"), 400);
    assert_non_null(strstr(error(), "horizon 2h is within no path: they go from one step to 1h"));
    assert_int_equal(ask("{\"job\": \"load\", \"horizons\": [\"10s\"]}"), 400);
}

static void what_is_not_ready_says_why(void **state)
{
    (void)state;
    assert_int_equal(ask("{\"selectors\": [\"predicted_load{instance=\\\"new\\\"}\"]}"), 200);
    assert_int_equal(results(), 1);
    assert_true(json_is_false(json_object_get(result(0), "ready")));
    assert_string_equal(json_string_value(json_object_get(result(0), "reason")), "warming_up");
    assert_int_equal(json_array_size(json_object_get(result(0), "forecasts")), 0);
    assert_true(warned("is not ready: warming_up"));
}

static void classes_have_probabilities_that_sum_to_one(void **state)
{
    (void)state;
    assert_int_equal(ask("{\"job\": \"load\"}"), 200);
    for (size_t i = 0; i < results(); i++) {
        const json_t *at = json_array_get(json_object_get(result(i), "forecasts"), 0);
        if (!at)
            continue;
        const json_t *shares = json_object_get(at, "classes");
        double good = json_number_value(json_object_get(shares, "good")),
               degraded = json_number_value(json_object_get(shares, "degraded")),
               bad = json_number_value(json_object_get(shares, "bad"));
        ax_assert_close(good + degraded + bad, 1, 1e-6);
        double value = json_number_value(json_object_get(at, "value"));
        assert_string_equal(json_string_value(json_object_get(at, "class")), value <= 100   ? "good"
                                                                             : value >= 300 ? "bad"
                                                                                            : "degraded");
    }
    assert_int_equal(ask("{\"job\": \"other\"}"), 200);
    assert_null(json_object_get(json_array_get(json_object_get(result(0), "forecasts"), 0), "classes"));
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    const struct {
        const char *body;
        int status;
        const char *text;
    } cases[] = {
        {"", 400, "the body is empty"},
        {"{", 400, "not JSON: line 1"},
        {"[]", 400, "must be an object"},
        {"{}", 400, "selectors or job is needed"},
        {"{\"selector\": []}", 400, "did you mean \"selectors\"?"},
        {"{\"selectors\": \"x\"}", 400, "must be a list of strings"},
        {"{\"selectors\": []}", 400, "not empty"},
        {"{\"selectors\": [1]}", 400, "entry 0 is no string"},
        {"{\"selectors\": [\"{\"]}", 400, "column"},
        {"{\"selectors\": [\"rate(x[5m])\"]}", 400, "is no series selector"},
        {"{\"selectors\": [\"x[5m]\"]}", 400, "range vector"},
        {"{\"selectors\": [\"{a=\\\"\\\"}\"]}", 400, ""},
        {"{\"job\": 5}", 400, "job must be the name of a job"},
        {"{\"job\": \"none\"}", 404, "there is no such job"},
        {"{\"job\": \"load\", \"job\": \"load\"}", 400, "not JSON"},
        {"{\"job\": \"load\", \"horizons\": [\"5 m\"]}", 400, "is no duration"},
        {"{\"job\": \"load\", \"horizons\": [\"0\"]}", 400, "not above 0"},
        {"{\"job\": \"load\", \"horizons\": [\"8d\"]}", 400, "at most 7d"},
        {"{\"job\": \"load\", \"horizons\": [\"1m\", \"60s\"]}", 400, "twice"},
        {"{\"job\": \"load\", \"horizons\": "
         "[\"1m\",\"2m\",\"3m\",\"4m\",\"5m\",\"6m\",\"7m\",\"8m\",\"9m\"]}",
         400, "--predict.max-horizons"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = ask(cases[i].body);
        if (status != cases[i].status || !strstr(error(), cases[i].text))
            fail_msg("%s: %d %s", cases[i].body, status, error());
    }
    w.service.ceilings.series_max = 20;
    assert_int_equal(ask("{\"job\": \"load\"}"), 400);
    assert_non_null(strstr(error(), "--predict.max-series"));
    w.service.ceilings.concurrent_max = 0;
    assert_int_equal(ask("{\"job\": \"load\"}"), 503);
    w.service.ceilings.concurrent_max = 1;
    w.service.ceilings.duration_ms = 0;
    assert_int_equal(ask("{\"job\": \"load\"}"), 503);
    assert_non_null(strstr(error(), "--predict.max-duration"));
    assert_int_equal(w.service.running, 0);
}

static void numbers_read_back_as_the_same_floats(void **state)
{
    (void)state;
    struct ax_buf out;
    ax_buf_init(&out, 1 << 10);
    uint32_t bits = 1;
    for (int i = 0; i < 300000; i++) {
        float v, back;
        bits = bits * 1664525u + 1013904223u;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v))
            continue;
        if (i % 2)
            v = (float)((bits % 2 ? -1 : 1) * exp((double)(bits >> 8) / 16777216.0 * 60 - 20));
        ax_buf_reset(&out);
        ax_json_number(&out, (double)v);
        ax_buf_byte(&out, 0);
        back = strtof((const char *)out.bytes, NULL);
        if (back != v)
            fail_msg("%.9g became %s", (double)v, (const char *)out.bytes);
    }
    ax_buf_done(&out);
}

static void numbers_and_strings_are_json(void **state)
{
    (void)state;
    const struct {
        double v;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.5, "-0.5"},
                 {1, "1"},
                 {100, "100"},
                 {123456789, "123456789"},
                 {0.001, "0.001"},
                 {999999999.9, "1000000000"},
                 {0.9999999999, "1"},
                 {NAN, "null"},
                 {INFINITY, "null"}};
    struct ax_buf out;
    ax_buf_init(&out, 1 << 10);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ax_buf_reset(&out);
        ax_json_number(&out, cases[i].v);
        ax_buf_byte(&out, 0);
        if (strcmp((const char *)out.bytes, cases[i].text) != 0)
            fail_msg("%.12g became %s", cases[i].v, (const char *)out.bytes);
    }
    ax_buf_reset(&out);
    ax_json_str(&out, ax_str("a\"b\\c\n\t\x01\xc3\xa9\xff"));
    ax_buf_byte(&out, 0);
    assert_string_equal((const char *)out.bytes, "\"a\\\"b\\\\c\\n\\u0009\\u0001\xc3\xa9\\ufffd\"");
    ax_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_series_has_the_values_that_were_sent, each),
        cmocka_unit_test_setup(a_thousand_selectors_find_each_its_own, each),
        cmocka_unit_test_setup(selectors_mean_what_they_mean_in_promql, each),
        cmocka_unit_test_setup(horizons_between_points_are_interpolated, each),
        cmocka_unit_test_setup(horizons_that_a_path_does_not_reach_are_left_out_and_told, each),
        cmocka_unit_test_setup(what_is_not_ready_says_why, each),
        cmocka_unit_test_setup(classes_have_probabilities_that_sum_to_one, each),
        cmocka_unit_test_setup(what_is_wrong_is_told, each),
        cmocka_unit_test(numbers_read_back_as_the_same_floats),
        cmocka_unit_test(numbers_and_strings_are_json),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
