/* A score is explained: what was expected, what made it, what was like it; over a real socket. */
#include "api/explain.h"
#include "ax_test.h"
#include "rig.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char yaml[] =
    "global: {evaluation_delay: 0s, external_labels: {site: x}}\n"
    "jobs: [{name: load, expr: node_load1, anomaly: {}},\n"
    "       {name: node, by: [instance], features: {calm: node_load5, wild: node_load1}, anomaly: {}}]\n";

/* Whose absence is scored. */
static const char absence[] =
    "global: {evaluation_delay: 0s}\n"
    "jobs: [{name: load, expr: node_load1, anomaly: {score_absence: true}},\n"
    "       {name: node, by: [instance], features: {calm: node_load5, wild: node_load1},\n"
    "        anomaly: {score_absence: true}}]\n";
#define LIVED 200

#define STEPS 403 /* the newest steps are abnormal */

struct world {
    struct rig rig;
    struct ax_http_route route;
    struct ax_http_server *server;
};

static void world_init(struct world *w)
{
    *w = (struct world){0};
    rig_init(&w->rig, yaml);
    for (uint32_t i = 0; i < STEPS; i++) {
        int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        double usual = 10 + (double)(i * i * 7919 % 101) / 50;
        (void)rig_append(&w->rig, "node_load1{instance=\"a\"}", t_ms,
                         usual + ((i >= 300 && i < 304) || i >= 400 ? 12 : 0));
        (void)rig_append(&w->rig, "node_load5{instance=\"a\"}", t_ms, usual);
        rig_run_to(&w->rig, t_ms);
    }
    w->route = ax_explain_route(w->rig.pipeline);
    const struct ax_http_options options = {.listen_address = "127.0.0.1:0"};
    assert_int_equal(ax_http_server_start(&options, &w->route, 1, &w->server, NULL), AX_OK);
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

/* The answer as JSON, which the caller releases. */
static json_t *ask(struct world *w, const char *series, const char *more, long status)
{
    struct ax_buf url, answer;
    long code = 0;
    CURL *curl = curl_easy_init();
    assert_non_null(curl);
    char *escaped = curl_easy_escape(curl, series, 0), head[64];
    ax_buf_init(&url, 4096);
    ax_buf_init(&answer, 1 << 20);
    (void)snprintf(head, sizeof head,
                   "http://127.0.0.1:%u/api/v1/explain?series=", ax_http_server_port(w->server));
    ax_buf_str(&url, ax_str(head));
    ax_buf_str(&url, ax_str(escaped));
    ax_buf_str(&url, ax_str(more));
    ax_buf_byte(&url, '\0');
    (void)curl_easy_setopt(curl, CURLOPT_URL, url.bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_free(escaped);
    curl_easy_cleanup(curl);
    json_t *root = json_loadb((const char *)answer.bytes, answer.n, 0, NULL);
    if (code != status || !root)
        fail_msg("%s%s: %ld, not %ld: %.*s", series, more, code, status, (int)answer.n,
                 (const char *)answer.bytes);
    ax_buf_done(&url);
    ax_buf_done(&answer);
    return root;
}

static const json_t *first(const json_t *root, const char *key)
{
    const json_t *list = json_object_get(json_object_get(root, "data"), "explanations");
    return json_object_get(json_array_get(list, 0), key);
}

static void expect_sentence(const json_t *root, const char *part)
{
    const char *sentence = json_string_value(first(root, "sentence"));
    if (!strstr(sentence, part))
        fail_msg("no '%s' in: %s", part, sentence);
}

static void a_series_is_explained_with_what_was_expected_and_what_was_like_it(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_t *a =
        ask(&w, "anomaly_score{for=\"load\",instance=\"a\",source=\"node_load1\",site=\"x\",}", "", 200);
    double actual = json_real_value(first(a, "actual"));
    double expected = json_real_value(json_object_get(first(a, "typical"), "expected"));
    assert_true(actual > 20 && expected < 15);
    assert_true(json_real_value(first(a, "score")) > 1);
    assert_int_equal(json_integer_value(first(a, "direction")), 1);
    ax_assert_close(json_real_value(first(a, "since")), (RIG_START + 400LL * RIG_STEP) / 1000.0, 0);
    const json_t *like = json_array_get(first(a, "similar"), 0);
    ax_assert_close(json_real_value(json_object_get(like, "from")), (RIG_START + 300LL * RIG_STEP) / 1000.0,
                    0);
    expect_sentence(a, "node_load1{instance=\"a\"} scores ");
    expect_sentence(a, "is expected (");
    expect_sentence(a, "It has been abnormal for 45s");
    expect_sentence(a, "did 25m before");
    json_decref(a);
    world_done(&w);
}

/* What comes later, or goes on beside it, is no precedent. */
static void what_was_like_it_was_over_before_it_began(void **state)
{
    (void)state;
    struct world w;
    char time[64];
    world_init(&w);
    (void)snprintf(time, sizeof time, "&time=%lld", (RIG_START + 302LL * RIG_STEP) / 1000);
    json_t *a = ask(&w, "node_load1", time, 200);
    assert_true(json_real_value(first(a, "score")) > 1);
    assert_int_equal(json_array_size(first(a, "similar")), 0);
    json_decref(a);
    world_done(&w);
}

static void an_entity_is_explained_by_its_features(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_t *a = ask(&w, "{instance=\"a\"}", "&job=node", 200);
    const json_t *part = json_array_get(first(a, "contributions"), 0);
    assert_string_equal(json_string_value(json_object_get(part, "feature")), "wild");
    assert_true(json_real_value(json_object_get(part, "share")) > 0.5);
    assert_true(json_real_value(json_object_get(part, "actual")) > 20);
    assert_true(json_is_null(first(a, "actual")));
    expect_sentence(a, " of it is wild (");
    const double expected = json_real_value(json_object_get(json_object_get(part, "typical"), "expected"));
    assert_true(expected > 10 && expected < 12.1);
    json_decref(a);
    char time[64];
    (void)snprintf(time, sizeof time, "&job=node&time=%lld", (RIG_START + 302LL * RIG_STEP) / 1000);
    a = ask(&w, "{instance=\"a\"}", time, 200); /* and so is what was abnormal before */
    part = json_array_get(first(a, "contributions"), 0);
    assert_string_equal(json_string_value(json_object_get(part, "feature")), "wild");
    const json_t *typical = json_object_get(part, "typical");
    assert_true(json_real_value(json_object_get(part, "actual")) > 20);
    assert_true(json_real_value(json_object_get(typical, "lower")) >= 10);
    assert_true(json_real_value(json_object_get(typical, "upper")) <= 12.1);
    json_decref(a);
    world_done(&w);
}

static void a_past_time_is_explained_by_what_was_kept_of_it(void **state)
{
    (void)state;
    struct world w;
    char time[64];
    world_init(&w);
    (void)snprintf(time, sizeof time, "&time=%lld", (RIG_START + 302LL * RIG_STEP) / 1000);
    json_t *a = ask(&w, "node_load1", time, 200);
    assert_true(json_real_value(first(a, "score")) > 1);
    assert_true(json_real_value(first(a, "actual")) > 20);
    json_decref(a);
    (void)snprintf(time, sizeof time, "&time=%lld", (RIG_START + 200LL * RIG_STEP) / 1000);
    a = ask(&w, "node_load1", time, 200);
    assert_true(json_is_null(first(a, "score")));
    assert_true(json_real_value(first(a, "scoreAtMost")) < 1.5);
    expect_sentence(a, "nothing else is kept");
    json_decref(a);
    json_decref(ask(&w, "node_load1", "&time=1000", 404));
    world_done(&w);
}

/* Both series live for LIVED steps, and "other" on; then load1 ends, at `all` load5 too. */
static void live_and_end(struct world *w, uint32_t steps, bool all)
{
    *w = (struct world){0};
    rig_init(&w->rig, absence);
    for (uint32_t i = 0; i < steps; i++) {
        int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        double usual = 10 + (double)(i * i * 7919 % 101) / 50;
        if (i <= LIVED)
            (void)rig_append(&w->rig, "node_load1{instance=\"a\"}", t_ms, i == LIVED ? ax_stale() : usual);
        if (i <= LIVED || !all)
            (void)rig_append(&w->rig, "node_load5{instance=\"a\"}", t_ms,
                             i == LIVED && all ? ax_stale() : usual);
        (void)rig_append(&w->rig, "node_load1{instance=\"other\"}", t_ms, usual);
        rig_run_to(&w->rig, t_ms);
    }
    w->route = ax_explain_route(w->rig.pipeline);
    const struct ax_http_options options = {.listen_address = "127.0.0.1:0"};
    assert_int_equal(ax_http_server_start(&options, &w->route, 1, &w->server, NULL), AX_OK);
}

#define GONE_SINCE "has been absent since 2023-11-14T23:03:30Z" /* RIG_START and LIVED steps */

static void an_absence_is_explained_by_how_long_it_has_been_gone(void **state)
{
    (void)state;
    struct world w;
    live_and_end(&w, LIVED + 20, true);
    json_t *a = ask(&w, "node_load1{instance=\"a\"}", "&job=load", 200);
    expect_sentence(a, "scores 3.00, high where at most 1 is normal: it " GONE_SINCE);
    expect_sentence(a, "abnormal for 4m45s"); /* one step that is missing is no absence */
    assert_true(json_is_null(first(a, "actual")) && json_is_true(first(a, "absent")));
    ax_assert_close(json_real_value(first(a, "timestamp")), (RIG_START + (LIVED + 19LL) * RIG_STEP) / 1000.0,
                    0);
    ax_assert_close(json_real_value(first(a, "since")), (RIG_START + (LIVED + 1LL) * RIG_STEP) / 1000.0, 0);
    json_decref(a);
    a = ask(&w, "{instance=\"a\"}", "&job=node", 200);
    expect_sentence(a, "scores 6.00, critical where at most 1 is normal: it " GONE_SINCE);
    json_decref(a);
    world_done(&w);
}

static void an_absence_that_is_over_began_when_it_did(void **state)
{
    (void)state;
    struct world w;
    char time[64];
    live_and_end(&w, LIVED + 20, true);
    const int64_t t_ms = RIG_START + (LIVED + 20LL) * RIG_STEP;
    (void)rig_append(&w.rig, "node_load1{instance=\"a\"}", t_ms, 10);
    rig_run_to(&w.rig, t_ms);
    (void)snprintf(time, sizeof time, "&job=load&time=%lld", (RIG_START + (LIVED + 9LL) * RIG_STEP) / 1000);
    json_t *a = ask(&w, "node_load1{instance=\"a\"}", time, 200);
    expect_sentence(a, "scores 3.00, high where at most 1 is normal: it " GONE_SINCE);
    json_decref(a);
    world_done(&w);
}

static void a_feature_that_is_absent_is_said_to_be(void **state)
{
    (void)state;
    struct world w;
    live_and_end(&w, LIVED + 20, false);
    json_t *a = ask(&w, "{instance=\"a\"}", "&job=node", 200);
    expect_sentence(a, "% of it is wild (absent)");
    assert_true(json_is_true(json_object_get(json_array_get(first(a, "contributions"), 0), "absent")));
    assert_true(json_is_false(first(a, "absent")));
    json_decref(a);
    world_done(&w);
}

static void an_absence_that_ran_out_is_none_of_a_warm_up_and_the_time_before_is_known(void **state)
{
    (void)state;
    struct world w;
    char time[64];
    live_and_end(&w, LIVED + 300, true);
    json_t *a = ask(&w, "node_load1{instance=\"a\"}", "&job=load", 200);
    expect_sentence(a, GONE_SINCE ": it is not scored any more");
    assert_true(json_is_null(first(a, "score")));
    json_decref(a);
    (void)snprintf(time, sizeof time, "&job=load&time=%lld", (RIG_START + (LIVED + 9LL) * RIG_STEP) / 1000);
    a = ask(&w, "node_load1{instance=\"a\"}", time, 200);
    expect_sentence(a, "scores 3.00, high where at most 1 is normal: it " GONE_SINCE);
    json_decref(a);
    (void)snprintf(time, sizeof time, "&job=load&time=%lld", (RIG_START + 150LL * RIG_STEP) / 1000);
    a = ask(&w, "node_load1{instance=\"a\"}", time, 200);
    expect_sentence(a, "scored at most");
    json_decref(a);
    world_done(&w);
}

static void questions_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_decref(ask(&w, "", "", 400));
    json_decref(ask(&w, "node_load1[5m]", "", 400));
    json_decref(ask(&w, "node_load1", "&time=soon", 400));
    json_decref(ask(&w, "node_load1", "&limit=0", 400));
    json_decref(ask(&w, "node_load1{instance=\"z\"}", "", 404));
    json_decref(ask(&w, "node_load1", "&job=none", 404));
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_is_explained_with_what_was_expected_and_what_was_like_it),
        cmocka_unit_test(what_was_like_it_was_over_before_it_began),
        cmocka_unit_test(an_entity_is_explained_by_its_features),
        cmocka_unit_test(a_past_time_is_explained_by_what_was_kept_of_it),
        cmocka_unit_test(an_absence_is_explained_by_how_long_it_has_been_gone),
        cmocka_unit_test(an_absence_that_is_over_began_when_it_did),
        cmocka_unit_test(a_feature_that_is_absent_is_said_to_be),
        cmocka_unit_test(an_absence_that_ran_out_is_none_of_a_warm_up_and_the_time_before_is_known),
        cmocka_unit_test(questions_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
