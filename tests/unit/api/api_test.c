/* The routes answer with Prometheus's shapes, over a real socket. */
#include "api/api.h"
#include "ax_test.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "emitting.h"
#include "rig.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct answer {
    long status;
    struct ax_buf body;
};

static size_t take(char *p, size_t size, size_t n, void *ctx)
{
    ax_buf_put(ctx, p, size * n);
    return size * n;
}

static struct answer ask(struct ax_http_server *s, const char *method, const char *path)
{
    struct answer a = {0};
    char url[256];
    CURL *curl = curl_easy_init();
    assert_non_null(curl);
    ax_buf_init(&a.body, 1 << 20);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", ax_http_server_port(s), path);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &a.body);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a.status);
    curl_easy_cleanup(curl);
    ax_buf_byte(&a.body, '\0');
    return a;
}

struct world {
    struct rig rig;
    struct ax_api api;
    struct ax_http_route routes[AX_API_ROUTES];
    struct ax_http_server *server;
    int reloads;
};

static enum ax_err count_reload(void *ctx, struct ax_diag *diag)
{
    struct world *w = ctx;
    return ++w->reloads == 1 ? AX_OK : ax_fail(diag, AX_INVALID, "a.yml:1:2: wrong");
}

static void world_init(struct world *w, bool lifecycle)
{
    *w = (struct world){0};
    rig_init(&w->rig,
             "global: {evaluation_delay: 0s}\n"
             "remote_write: [{url: 'http://me:secret-word@127.0.0.1:9/w'}]\n"
             "jobs: [{name: load, expr: node_load1, forecast: {output: predicted_load, horizons: [15s]}, "
             "anomaly: {}}]\n");
    for (uint32_t i = 0; i < 60; i++) {
        (void)rig_append(&w->rig, "node_load1{instance=\"a\"}", RIG_START + i * RIG_STEP, i % 7);
        rig_run_to(&w->rig, RIG_START + i * RIG_STEP);
    }
    w->api.pipeline = w->rig.pipeline;
    w->api.db = w->rig.db;
    w->api.lifecycle = lifecycle;
    w->api.reload = count_reload;
    w->api.reload_ctx = w;
    ax_api_routes(&w->api, w->routes);
    const struct ax_http_options options = {.listen_address = "127.0.0.1:0"};
    assert_int_equal(ax_http_server_start(&options, w->routes, AX_API_ROUTES, &w->server, NULL), AX_OK);
}

static void world_done(struct world *w)
{
    ax_http_server_stop(w->server, 1000);
    rig_done(&w->rig);
}

static void expect_text(struct world *w, const char *method, const char *path, long status, const char *part)
{
    struct answer a = ask(w->server, method, path);
    if (a.status != status || !strstr((const char *)a.body.bytes, part))
        fail_msg("%s %s: %ld, not %ld with '%s': %s", method, path, a.status, status, part,
                 (const char *)a.body.bytes);
    ax_buf_done(&a.body);
}

static json_t *expect_data(struct world *w, const char *path)
{
    struct answer a = ask(w->server, "GET", path);
    json_t *root = json_loads((const char *)a.body.bytes, 0, NULL);
    assert_int_equal(a.status, 200);
    assert_string_equal(json_string_value(json_object_get(root, "status")), "success");
    json_t *data = json_incref(json_object_get(root, "data"));
    json_decref(root);
    ax_buf_done(&a.body);
    return data;
}

static void health_and_readiness_are_those_of_the_process(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, false);
    expect_text(&w, "GET", "/-/healthy", 200, "Healthy");
    expect_text(&w, "GET", "/-/ready", 503, "starting");
    atomic_store(&w.api.ready, true);
    expect_text(&w, "GET", "/-/ready", 200, "Ready");
    expect_text(&w, "GET", "/", 200, "<td>load</td>");
    expect_text(&w, "GET", "/metrics", 200, "auspex_job_steps_total{for=\"load\"}");
    world_done(&w);
}

static void the_page_tells_what_is_wrong_and_what_to_look_at(void **state)
{
    (void)state;
    struct world w;
    const struct ax_remote_write nobody = emitting_endpoint("http://127.0.0.1:1/api/v1/write?key=%26");
    world_init(&w, false);
    struct emitting e = emitting_start(&nobody, 1, NULL);
    struct ax_endpoint_view v = {.waiting = 0};
    w.api.emit = e.emit;
    ax_metric_set(ax_metric(AX_M_LAST_RECEIVED, NULL, NULL), 0);
    expect_text(&w, "GET", "/", 200, "No sample has come yet");
    expect_text(&w, "GET", "/", 200, "nothing was sent yet");
    emitting_put(&e, emitting_open(&e, "m"), 1, 1);
    emitting_commit(&e);
    const int64_t until_ns = ax_mono_ns() + (int64_t)SOON_MS * 1000000;
    while (!v.trouble[0] && ax_mono_ns() < until_ns)
        assert_true(ax_emit_endpoint(e.emit, 0, &v));
    expect_text(&w, "GET", "/", 200, "are host and port right?");
    rig_load(&w.rig, "jobs: [{name: none, step: 15s, expr: 'node_load1 + absent{a=\"<\"}', forecast: "
                     "{horizons: [15s]}}]\n");
    for (uint32_t i = 61; i < 64; i++) {
        (void)rig_append(&w.rig, "node_load1{instance=\"a\"}", RIG_START + i * RIG_STEP, 1);
        rig_run_to(&w.rig, RIG_START + i * RIG_STEP);
    }
    expect_text(&w, "GET", "/", 200, "<code>node_load1 + absent{a=\"&lt;\"}</code>");
    emitting_stop(&e, 0);
    world_done(&w);
}

static void a_reload_over_http_must_be_allowed_and_tells_what_is_wrong(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, false);
    expect_text(&w, "POST", "/-/reload", 403, "--web.enable-lifecycle");
    world_done(&w);
    world_init(&w, true);
    expect_text(&w, "POST", "/-/reload", 200, "");
    expect_text(&w, "POST", "/-/reload", 500, "a.yml:1:2: wrong");
    expect_text(&w, "GET", "/-/reload", 405, "POST");
    world_done(&w);
}

static void the_config_is_shown_without_its_secrets(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, false);
    json_t *data = expect_data(&w, "/api/v1/status/config");
    const char *yaml = json_string_value(json_object_get(data, "yaml"));
    assert_non_null(strstr(yaml, "node_load1"));
    assert_null(strstr(yaml, "secret-word"));
    json_decref(data);
    world_done(&w);
}

static void jobs_tell_how_they_stand(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, false);
    json_t *data = expect_data(&w, "/api/v1/status/jobs");
    json_t *job = json_array_get(json_object_get(data, "jobs"), 0);
    assert_string_equal(json_string_value(json_object_get(job, "job")), "load");
    assert_int_equal(json_integer_value(json_object_get(job, "series")), 1);
    assert_true(json_is_true(json_object_get(job, "ready")));
    ax_assert_close(json_number_value(json_object_get(job, "lastStepTimestampSeconds")),
                    (double)(RIG_START + 59 * RIG_STEP) / 1000, 0);
    assert_true(json_is_array(json_object_get(job, "training")));
    assert_int_equal(json_array_size(json_object_get(job, "training")), 0); /* nothing is fitted beside it */
    json_decref(data);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_and_readiness_are_those_of_the_process),
        cmocka_unit_test(the_page_tells_what_is_wrong_and_what_to_look_at),
        cmocka_unit_test(a_reload_over_http_must_be_allowed_and_tells_what_is_wrong),
        cmocka_unit_test(the_config_is_shown_without_its_secrets),
        cmocka_unit_test(jobs_tell_how_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
