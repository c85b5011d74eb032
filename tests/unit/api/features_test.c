/* What models see is shown: now, at each step that is kept, in sum, and what it is; over a real socket. */
#include "api/features.h"
#include "ax_test.h"
#include "features/features.h"
#include "rig.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char yaml[] =
    "global: {evaluation_delay: 0s, external_labels: {site: x}}\n"
    "jobs: [{name: load, expr: node_load1, forecast: {output: predicted_load, horizons: [15s]}},\n"
    "       {name: short, expr: node_load1, window: {fine: 150}, forecast: {output: predicted_s, horizons: "
    "[15s]}},\n"
    "       {name: node, by: [instance], features: {one: node_load1, gone: node_gone}, anomaly: {}}]\n";

#define STEPS 60

struct world {
    struct rig rig;
    struct ax_http_route routes[AX_FEATURES_ROUTES];
    struct ax_http_server *server;
    int64_t next; /* step */
};

/* Load of `a` repeats 0 to 6; that of `b` is 100 higher. */
static void run_steps(struct world *w, int64_t n)
{
    for (int64_t end = w->next + n; w->next < end; w->next++) {
        const int64_t t_ms = RIG_START + w->next * RIG_STEP;
        (void)rig_append(&w->rig, "node_load1{instance=\"a\"}", t_ms, (double)(w->next % 7));
        (void)rig_append(&w->rig, "node_load1{instance=\"b\",path=\"x,\\\"y\"}", t_ms,
                         (double)(100 + w->next % 7));
        rig_run_to(&w->rig, t_ms);
    }
}

static void world_init(struct world *w)
{
    *w = (struct world){0};
    rig_init(&w->rig, yaml);
    run_steps(w, STEPS);
    ax_features_routes(w->rig.pipeline, w->routes);
    const struct ax_http_options options = {.listen_address = "127.0.0.1:0"};
    assert_int_equal(ax_http_server_start(&options, w->routes, AX_FEATURES_ROUTES, &w->server, NULL), AX_OK);
}

static void world_done(struct world *w)
{
    ax_http_server_stop(w->server, 1000);
    rig_done(&w->rig);
}

static size_t take(char *p, size_t size, size_t n, void *ctx)
{
    ax_buf_put(ctx, p, size * n);
    return size * n;
}

/* The answer as text, to be freed; `what` is behind /api/v1/features. */
static char *ask(struct world *w, const char *what, long status)
{
    char url[512];
    long code = 0;
    struct ax_buf body;
    CURL *curl = curl_easy_init();
    assert_non_null(curl);
    ax_buf_init(&body, 1 << 22);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/api/v1/features%s", ax_http_server_port(w->server),
                   what);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_cleanup(curl);
    char *text = strndup(body.n ? (const char *)body.bytes : "", body.n);
    ax_buf_done(&body);
    if (code != status)
        fail_msg("%s: %ld, not %ld: %s", what, code, status, text);
    return text;
}

static json_t *data_of(struct world *w, const char *what)
{
    char *text = ask(w, what, 200);
    json_t *root = json_loads(text, 0, NULL);
    json_t *data = json_incref(json_object_get(root, "data"));
    assert_non_null(data);
    json_decref(root);
    free(text);
    return data;
}

static void expect_refusal(struct world *w, const char *what, long status, const char *part)
{
    char *text = ask(w, what, status);
    if (!strstr(text, part))
        fail_msg("%s: no '%s' in %s", what, part, text);
    free(text);
}

static json_t *member(const json_t *o, const char *list, size_t i)
{
    return json_array_get(json_object_get(o, list), i);
}

static double value(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

#define A "match[]=%7Binstance%3D%22a%22%7D"
#define B "match[]=%7Binstance%3D%22b%22%7D"

static void vectors_are_those_of_the_series_that_are_meant(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_t *data = data_of(&w, "?" A "&job=load"), *one = member(data, "series", 0);
    json_t *values = json_object_get(one, "values");
    assert_int_equal(json_array_size(json_object_get(data, "series")), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(one, "metric"), "instance")), "a");
    assert_int_equal(json_integer_value(json_object_get(one, "steps")), STEPS);
    ax_assert_close(value(one, "value"), 59 % 7, 0);
    ax_assert_close(value(one, "timestamp"), (double)(RIG_START + 59LL * RIG_STEP) / 1000, 0);
    ax_assert_close(value(values, "max"), 6, 0);
    ax_assert_close(value(values, "lag_1"), 58 % 7, 0);
    assert_int_equal(json_array_size(json_object_get(data, "definitions")), json_object_size(values));
    json_decref(data);
    data = data_of(&w, "?" A "&" B "&job=load"); /* any of them */
    assert_int_equal(json_array_size(json_object_get(data, "series")), 2);
    json_decref(data);
    data = data_of(&w, "?match=%7Bsite%3D%22x%22,for%3D%22load%22%7D"); /* as the outputs are called */
    assert_int_equal(json_array_size(json_object_get(data, "series")), 2);
    json_decref(data);
    world_done(&w);
}

static void the_inputs_of_an_entity_stand_together(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_t *data = data_of(&w, "?" A "&job=node"), *entity = member(data, "entities", 0);
    assert_int_equal(json_array_size(json_object_get(data, "entities")), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(entity, "metric"), "instance")),
                        "a");
    ax_assert_close(value(json_object_get(entity, "values"), "one"), 59 % 7, 0);
    json_decref(data);
    world_done(&w);
}

/* Is the row of a step in an export what the series was said to be at it? */
static void require_same(const json_t *then, const json_t *row)
{
    const json_t *values = json_object_get(row, "values"), *before = json_object_get(then, "values");
    for (enum ax_feature f = 0; f < AX_FEATURES_N; f++) {
        const char *name = ax_feature_info(f)->name;
        assert_int_equal(json_is_null(json_object_get(values, name)),
                         json_is_null(json_object_get(before, name)));
        ax_assert_close(value(values, name), value(before, name), 0);
    }
    assert_true(json_equal(json_object_get(row, "steps"), json_object_get(then, "steps")));
    ax_assert_close(value(row, "value"), value(then, "value"), 0);
    assert_true(json_equal(json_object_get(row, "metric"), json_object_get(then, "metric")));
}

static uint32_t lines(const char *text)
{
    uint32_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void an_export_says_of_a_step_what_was_said_at_it(void **state)
{
    (void)state;
    /* Of a young series; and of one whose window is full, and then has moved on as far as a row can be told.
     */
    const struct {
        const char *job;
        int64_t steps, then;
        uint32_t rows; /* since the step */
    } cases[] = {{"load", STEPS, 40, 41}, {"short", 160, 22, 23}, {"short", 160, 23, 23}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world w;
        char what[256];
        world_init(&w);
        run_steps(&w, cases[i].steps - STEPS);
        (void)snprintf(what, sizeof what, "?%s&job=%s", A, cases[i].job);
        json_t *then = data_of(&w, what);
        const long long at = (RIG_START + (cases[i].steps - 1) * RIG_STEP) / 1000;
        run_steps(&w, cases[i].then); /* which must not change it */
        (void)snprintf(what, sizeof what, "/export?%s&job=%s&format=jsonl&from=%lld", A, cases[i].job, at);
        char *text = ask(&w, what, 200);
        json_t *row = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
        assert_int_equal(lines(text), cases[i].rows);
        if (cases[i].rows > cases[i].then)
            require_same(member(then, "series", 0), row);
        free(text);
        json_decref(row);
        json_decref(then);
        world_done(&w);
    }
}

static void an_export_as_csv_has_a_row_for_each_step_that_is_asked_for(void **state)
{
    (void)state;
    struct world w;
    char what[256];
    world_init(&w);
    char *text = ask(&w, "/export?" B "&job=load", 200);
    assert_int_equal(lines(text), 1 + STEPS);
    assert_memory_equal(text, "timestamp,job,series,feature,steps,value,hour_sin,", 50);
    /* The series is one cell, as RFC 4180 quotes it. */
    assert_non_null(strstr(text,
                           "\n1700000010,\"load\",\"node_load1{instance=\"\"b\"\",path=\"\"x,\\\"\"y\"\"}\","
                           "\"\",1,100,"));
    free(text);
    (void)snprintf(what, sizeof what, "/export?%s&job=load&step=1m&from=%lld&to=%lld", B, RIG_START / 1000LL,
                   (RIG_START + 19LL * RIG_STEP) / 1000);
    text = ask(&w, what, 200);
    assert_int_equal(lines(text), 1 + 5);
    free(text);
    world_done(&w);
}

/* numpy 1.24.2 of [i % 7 for i in range(60)], of which those from 10 to 19 are the second: mean(), std(),
 * quantile(). */
static void statistics_are_those_of_the_values(void **state)
{
    (void)state;
    struct world w;
    char what[256];
    world_init(&w);
    json_t *data = data_of(&w, "/statistics?" A "&job=load"), *row = member(data, "features", 0);
    json_t *percentiles = json_object_get(row, "percentiles");
    ax_assert_close(value(row, "count"), 60, 0);
    ax_assert_close(value(row, "nulls"), 0, 0);
    ax_assert_close(value(row, "mean"), 2.9, 1e-12);
    ax_assert_close(value(row, "stddev"), 1.9891371663780923, 1e-12);
    ax_assert_close(value(row, "min"), 0, 0);
    ax_assert_close(value(row, "max"), 6, 0);
    ax_assert_close(value(percentiles, "p25"), 1, 1e-12);
    ax_assert_close(value(percentiles, "p99"), 6, 1e-12);
    assert_int_equal(json_array_size(json_object_get(data, "vectors")), AX_FEATURES_N);
    json_decref(data);
    (void)snprintf(what, sizeof what, "/statistics?%s&job=load&from=%lld&to=%lld", A,
                   (RIG_START + 10LL * RIG_STEP) / 1000, (RIG_START + 19LL * RIG_STEP) / 1000);
    data = data_of(&w, what);
    row = member(data, "features", 0);
    ax_assert_close(value(row, "count"), 10, 0);
    ax_assert_close(value(row, "mean"), 3.3, 1e-12);
    ax_assert_close(value(row, "stddev"), 1.791647286716892, 1e-12);
    json_decref(data);
    world_done(&w);
}

static void definitions_have_a_version_and_a_status(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_t *data = data_of(&w, "/definitions"), *load = member(data, "features", 0),
           *one = member(data, "features", 2), *gone = member(data, "features", 3);
    assert_string_equal(json_string_value(json_object_get(load, "expr")), "node_load1");
    assert_string_equal(json_string_value(json_object_get(load, "status")), "active");
    ax_assert_close(value(load, "seriesWithValue"), 2, 0);
    assert_string_equal(json_string_value(json_object_get(one, "feature")), "one");
    assert_string_equal(json_string_value(json_object_get(gone, "status")), "no_data");
    char *before = strdup(json_string_value(json_object_get(one, "version")));
    json_decref(data);
    rig_load(&w.rig, "global: {evaluation_delay: 0s}\n"
                     "jobs: [{name: node, by: [instance], features: {one: node_load1 * 2}, anomaly: {}}]\n");
    data = data_of(&w, "/definitions?job=node");
    one = member(data, "features", 0);
    assert_string_not_equal(json_string_value(json_object_get(one, "version")), before);
    json_decref(data);
    free(before);
    world_done(&w);
}

static void what_cannot_be_answered_says_what_to_do(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    expect_refusal(&w, "", 400, "match[] is missing");
    expect_refusal(&w, "?match[]=", 400, "match[] is empty");
    expect_refusal(&w, "?match[]=%7B", 400, "column");
    expect_refusal(&w, "?job=nobody", 404, "no such job");
    expect_refusal(&w, "/definitions?job=nobody", 404, "no such job");
    expect_refusal(&w, "?job=load&limit=many", 400, "limit must be");
    expect_refusal(&w, "/export?job=load&limit=20", 413, "wider steps");
    expect_refusal(&w, "/export?format=xml", 400, "csv or jsonl");
    expect_refusal(&w, "/export?from=2&to=1", 400, "before from");
    expect_refusal(&w, "/export?step=0", 400, "step must be");
    expect_refusal(&w, "/statistics?limit=1", 413, "more than 1 series");
    char *text = ask(&w, "?job=load&limit=1", 200);
    assert_non_null(strstr(text, "truncated due to limit"));
    free(text);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_those_of_the_series_that_are_meant),
        cmocka_unit_test(the_inputs_of_an_entity_stand_together),
        cmocka_unit_test(an_export_says_of_a_step_what_was_said_at_it),
        cmocka_unit_test(an_export_as_csv_has_a_row_for_each_step_that_is_asked_for),
        cmocka_unit_test(statistics_are_those_of_the_values),
        cmocka_unit_test(definitions_have_a_version_and_a_status),
        cmocka_unit_test(what_cannot_be_answered_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
