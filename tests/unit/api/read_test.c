/* Remote-read of a running pipeline: what comes back, at which times, under which names; and every ceiling.
 */
#include "api/read.h"
#include "ax_test.h"
#include "base/metrics.h"
#include "net/compress.h"
#include "prom/read_response.h"
#include "rig.h"
#include "runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS 60
#define YAML                                                                                                 \
    "global: {evaluation_delay: 0s, external_labels: {site: x}}\n"                                           \
    "jobs:\n"                                                                                                \
    "- {name: load, expr: demand, forecast: {output: predicted_load, horizons: [1m, 2h]}}\n"                 \
    "- {name: cell, by: [instance], features: {cpu: 'sum by (instance) (demand)'}, anomaly: {}}\n"

struct world {
    struct rig rig;
    struct ax_read_service service;
    struct ax_http_route route;
    struct ax_http_response response;
    struct runs runs;
    struct ax_diag diag;
    int64_t last_ms;
};

static struct world w;

static double value_at(int i, const char *instance)
{
    return 100 + 10 * sin(i / 5.0) + instance[0];
}

static int start(void **state)
{
    (void)state;
    w = (struct world){0};
    rig_init(&w.rig, YAML);
    for (int i = 0; i < STEPS; i++) {
        int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        assert_int_equal(rig_append(&w.rig, "demand{instance=\"a\"}", t_ms, value_at(i, "a")),
                         AX_FATE_WANTED);
        assert_int_equal(rig_append(&w.rig, "demand{instance=\"b\"}", t_ms, value_at(i, "b")),
                         AX_FATE_WANTED);
        rig_run_to(&w.rig, t_ms);
        w.last_ms = t_ms;
    }
    w.service.paths = w.rig.paths;
    w.service.pipeline = w.rig.pipeline;
    w.service.ceilings = (struct ax_read_ceilings){.body_max = 1 << 20,
                                                   .queries_max = 10,
                                                   .matchers_max = 10,
                                                   .series_max = 1000,
                                                   .samples_max = 100000,
                                                   .concurrent_max = 2,
                                                   .duration_ms = 20000};
    w.route = ax_read_route(&w.service);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    runs_done(&w.runs);
    ax_buf_done(&w.response.body);
    rig_done(&w.rig);
    return 0;
}

/* Give the route a body; the answer is in w.response. */
static int post(struct ax_str body)
{
    const struct ax_http_request request = {.path = ax_str("/api/v1/read"), .body = body};
    ax_buf_done(&w.response.body);
    w.response = (struct ax_http_response){.status = 200};
    ax_buf_init(&w.response.body, 64 << 20);
    w.route.handle(w.route.ctx, &request, &w.response);
    return w.response.status;
}

static int ask(const struct ax_read_query *queries, uint32_t n, enum ax_read_form form)
{
    struct ax_buf message, body;
    ax_buf_init(&message, 1 << 20);
    ax_buf_init(&body, 1 << 20);
    ax_read_request_write(queries, n, &message);
    if (form == AX_READ_SAMPLES)
        message.bytes[message.n - 2] = AX_READ_SAMPLES; /* the form that is preferred */
    assert_int_equal(ax_snappy_compress(ax_buf_view(&message), &body), AX_OK);
    int status = post(ax_buf_view(&body));
    ax_buf_done(&message);
    ax_buf_done(&body);
    return status;
}

/* What the answer holds, one line for each sample. */
static const char *read_back(const struct ax_read_query *queries, uint32_t n, enum ax_read_form form)
{
    struct ax_read_reader r;
    struct ax_buf plain;
    assert_int_equal(ask(queries, n, form), 200);
    runs_done(&w.runs);
    ax_buf_init(&plain, 64 << 20);
    ax_read_reader_init(&r, 2 << 20, runs_visit, &w.runs);
    ax_read_begin(&r, queries, n);
    enum ax_err err;
    if (form == AX_READ_SAMPLES) {
        assert_string_equal(w.response.content_type, "application/x-protobuf");
        assert_string_equal(w.response.headers[0].name, "Content-Encoding");
        assert_string_equal(w.response.headers[0].value, "snappy");
        assert_int_equal(ax_snappy_decompress(ax_buf_view(&w.response.body), &plain, NULL), AX_OK);
        err = ax_read_samples(&r, ax_buf_view(&plain), &w.diag);
    } else {
        assert_string_equal(w.response.content_type,
                            "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
        err = ax_read_frames(&r, ax_buf_view(&w.response.body), &w.diag);
        if (err == AX_OK)
            err = ax_read_frames_end(&r, &w.diag);
    }
    if (err != AX_OK)
        fail_msg("%s", w.diag.text);
    ax_read_reader_done(&r);
    ax_buf_done(&plain);
    return runs_text(&w.runs);
}

/* The value of a line that begins with this; NaN when there is none. */
static double value_of(const char *text, const char *line)
{
    const char *at = strstr(text, line);
    if (!at)
        return (double)NAN;
    uint64_t bits = strtoull(at + strlen(line), NULL, 16);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint32_t lines_with(const char *text, const char *part)
{
    uint32_t n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

#define MATCH(op, name, value)                                                                               \
    {                                                                                                        \
        AX_MATCH_##op, {name, sizeof name - 1},                                                              \
        {                                                                                                    \
            value, sizeof value - 1                                                                          \
        }                                                                                                    \
    }
#define QUERY(matchers, from, to)                                                                            \
    {                                                                                                        \
        from, to, matchers, sizeof matchers / sizeof matchers[0]                                             \
    }
#define FUTURE(suffix, instance)                                                                             \
    "predicted_load_future" suffix "{for=\"load\",instance=\"" instance "\",site=\"x\",source=\"demand\"}"

static void the_path_stands_at_the_times_that_it_is_for(void **state)
{
    (void)state;
    const struct ax_read_matcher m[] = {MATCH(EQ, "__name__", "predicted_load_future"),
                                        MATCH(EQ, "instance", "b")};
    const struct ax_read_query q[] = {QUERY(m, 0, INT64_MAX)};
    char *samples = strdup(read_back(q, 1, AX_READ_SAMPLES));
    assert_non_null(samples);
    assert_string_equal(read_back(q, 1, AX_READ_STREAMED), samples);
    assert_int_equal(w.runs.visits, 1);
    /* What was sent at the last step as horizon 1m and 2h. */
    static const struct {
        const char *horizon;
        int64_t ms;
    } horizons[] = {{"1m", 60000}, {"2h", 7200000}};
    for (int i = 0; i < 2; i++) {
        char name[256], line[256];
        (void)snprintf(
            name, sizeof name,
            "predicted_load{for=\"load\",horizon=\"%s\",instance=\"b\",site=\"x\",source=\"demand\"}",
            horizons[i].horizon);
        const struct memory_series *sent = memory_find(&w.rig.sink, name);
        assert_non_null(sent);
        assert_int_equal(sent->v[sent->n - 1].t_ms, w.last_ms);
        (void)snprintf(line, sizeof line, "0 %s %lld ", FUTURE("", "b"),
                       (long long)(w.last_ms + horizons[i].ms));
        ax_assert_close(value_of(samples, line), sent->v[sent->n - 1].value, 1e-6);
    }
    free(samples);
}

static void points_of_a_path_are_near_enough_for_promql(void **state)
{
    (void)state;
    const struct ax_read_matcher m[] = {MATCH(RE, "__name__", "predicted_.*_future"),
                                        MATCH(EQ, "instance", "a")};
    const struct ax_read_query q[] = {QUERY(m, 0, INT64_MAX)};
    const char *text = read_back(q, 1, AX_READ_SAMPLES);
    int64_t before = w.last_ms;
    uint32_t n = 0;
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        int64_t t = strtoll(strstr(line, "} ") + 2, NULL, 10);
        assert_true(t > before && t - before <= 240000);
        before = t;
        n++;
    }
    assert_int_equal(before, w.last_ms + 7200000);
    assert_true(n >= 50);
}

static void bounds_lie_around_it(void **state)
{
    (void)state;
    const struct ax_read_matcher m[] = {MATCH(RE, "__name__", "predicted_load_future(|_lower|_upper)")};
    const struct ax_read_query q[] = {QUERY(m, w.last_ms + 60000, w.last_ms + 60000)};
    const char *text = read_back(q, 1, AX_READ_STREAMED);
    char line[256];
    double v[3];
    static const char *const names[] = {FUTURE("_lower", "a"), FUTURE("", "a"), FUTURE("_upper", "a")};
    for (int i = 0; i < 3; i++) {
        (void)snprintf(line, sizeof line, "0 %s %lld ", names[i], (long long)w.last_ms + 60000);
        v[i] = value_of(text, line);
    }
    assert_true(v[0] < v[1] && v[1] < v[2]);
    assert_int_equal(w.runs.visits, 6);
}

static void matchers_of_any_kind_choose(void **state)
{
    (void)state;
    const struct ax_read_matcher m0[] = {MATCH(EQ, "for", "load"), MATCH(NE, "instance", "a"),
                                         MATCH(NRE, "__name__", ".*_(lower|upper)|model_.*")};
    const struct ax_read_matcher m1[] = {MATCH(EQ, "for", "load"), MATCH(EQ, "nobody", "")};
    const struct ax_read_matcher m2[] = {MATCH(EQ, "for", "nobody")};
    const struct ax_read_query q[] = {QUERY(m0, w.last_ms + 15000, w.last_ms + 15000),
                                      QUERY(m1, w.last_ms + 15000, w.last_ms + 15000),
                                      QUERY(m2, 0, INT64_MAX)};
    const char *text = read_back(q, 3, AX_READ_SAMPLES);
    assert_int_equal(lines_with(text, "0 predicted_load_future{for=\"load\",instance=\"b\""), 1);
    assert_int_equal(lines_with(text, "\n1 "), 6); /* two instances, three curves */
    assert_int_equal(lines_with(text, "\n"), 7);
}

static void what_models_see_can_be_read(void **state)
{
    (void)state;
    const struct ax_read_matcher m[] = {MATCH(EQ, "__name__", "model_input"), MATCH(EQ, "window", "fine")};
    const struct ax_read_query q[] = {QUERY(m, w.last_ms - 150000, w.last_ms - 15000 + 1)};
    const char *text = read_back(q, 1, AX_READ_STREAMED);
    char line[256];
    assert_int_equal(lines_with(text, "\n"), 4 * 10); /* two series of each job */
    for (int i = STEPS - 11; i < STEPS - 1; i++) {
        int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        (void)snprintf(
            line, sizeof line,
            "0 model_input{for=\"load\",instance=\"a\",site=\"x\",source=\"demand\",window=\"fine\"} %lld ",
            (long long)t_ms);
        ax_assert_close(value_of(text, line), value_at(i, "a"), 1e-6);
        (void)snprintf(
            line, sizeof line,
            "0 model_input{feature=\"cpu\",for=\"cell\",instance=\"b\",site=\"x\",window=\"fine\"} %lld ",
            (long long)t_ms);
        ax_assert_close(value_of(text, line), value_at(i, "b"), 1e-6);
    }
    const struct ax_read_matcher c[] = {MATCH(EQ, "__name__", "model_input"), MATCH(EQ, "window", "coarse"),
                                        MATCH(EQ, "instance", "a"), MATCH(EQ, "for", "load")};
    const struct ax_read_query all[] = {QUERY(c, 0, INT64_MAX)};
    text = read_back(all, 1, AX_READ_SAMPLES);
    double mean = 0;
    int64_t end_ms = (RIG_START / 300000 + 2) * 300000;
    for (int64_t t_ms = end_ms - 300000 + RIG_STEP; t_ms <= end_ms; t_ms += RIG_STEP)
        mean += value_at((int)((t_ms - RIG_START) / RIG_STEP), "a") / 20;
    (void)snprintf(line, sizeof line, "%lld ", (long long)end_ms);
    ax_assert_close(value_of(text, line), mean, 1e-6);
}

static void a_series_that_ends_is_served_no_longer(void **state)
{
    (void)state;
    const struct ax_read_matcher m[] = {MATCH(EQ, "__name__", "predicted_load_future")};
    const struct ax_read_query q[] = {QUERY(m, 0, INT64_MAX)};
    (void)read_back(q, 1, AX_READ_SAMPLES);
    assert_int_equal(w.runs.visits, 2);
    assert_int_equal(rig_append(&w.rig, "demand{instance=\"a\"}", w.last_ms + RIG_STEP, ax_stale()),
                     AX_FATE_WANTED);
    assert_int_equal(rig_append(&w.rig, "demand{instance=\"b\"}", w.last_ms + RIG_STEP, 5), AX_FATE_WANTED);
    rig_run_to(&w.rig, w.last_ms + RIG_STEP);
    const char *text = read_back(q, 1, AX_READ_SAMPLES);
    assert_int_equal(w.runs.visits, 1);
    assert_null(strstr(text, "instance=\"a\""));
}

static double refused(const char *reason)
{
    return ax_metric_get(ax_metric(AX_M_READ_REFUSED, reason, NULL));
}

static void assert_answer(int status, const char *text, const char *reason, double before)
{
    assert_int_equal(w.response.status, status);
    ax_buf_byte(&w.response.body, 0);
    if (!strstr((const char *)w.response.body.bytes, text))
        fail_msg("\"%s\" does not say \"%s\"", (const char *)w.response.body.bytes, text);
    assert_true(refused(reason) == before + 1);
}

static void every_ceiling_is_told_and_counted(void **state)
{
    (void)state;
    const struct ax_read_matcher m[] = {MATCH(EQ, "for", "load")};
    const struct ax_read_query one[] = {QUERY(m, 0, INT64_MAX)};
    struct ax_read_query many[11];
    struct ax_read_matcher long_one[11];
    for (int i = 0; i < 11; i++) {
        many[i] = one[0];
        long_one[i] = m[0];
    }
    const struct ax_read_query matchers[] = {{0, 1, long_one, 11}};
    double before = refused("queries");
    (void)ask(many, 11, AX_READ_SAMPLES);
    assert_answer(400, "at most 10", "queries", before);
    (void)ask(matchers, 1, AX_READ_SAMPLES);
    assert_answer(400, "matchers", "queries", before + 1);
    w.service.ceilings.series_max = 3;
    before = refused("series");
    (void)ask(one, 1, AX_READ_SAMPLES);
    assert_answer(400, "exceeded series limit (3)", "series", before);
    w.service.ceilings.series_max = 1000;
    w.service.ceilings.samples_max = 100;
    before = refused("samples");
    (void)ask(one, 1, AX_READ_SAMPLES);
    assert_answer(400, "exceeded sample limit (100)", "samples", before);
    w.service.ceilings.samples_max = 100000;
    atomic_store(&w.service.running, 2);
    before = refused("concurrent");
    (void)ask(one, 1, AX_READ_SAMPLES);
    assert_answer(503, "at once", "concurrent", before);
    assert_string_equal(w.response.headers[0].name, "Retry-After");
    atomic_store(&w.service.running, 0);
    w.service.ceilings.duration_ms = -1;
    before = refused("time");
    (void)ask(one, 1, AX_READ_SAMPLES);
    assert_answer(503, "--remote-read.max-duration", "time", before);
    w.service.ceilings.duration_ms = 20000;
    assert_int_equal(ask(one, 1, AX_READ_SAMPLES), 200);
    assert_int_equal(atomic_load(&w.service.running), 0);
}

static void nonsense_is_the_senders_fault(void **state)
{
    (void)state;
    double before = refused("request");
    (void)post(ax_str("nonsense"));
    assert_answer(400, "snappy", "request", before);
    (void)post((struct ax_str){"\x97\xea\xb4\x89\x0a\x17", 6}); /* some bytes that claim 2.5 GB */
    assert_answer(400, "at most", "request", before + 1);
    (void)post((struct ax_str){"\x03\x08\x0a\x7f\x00", 5}); /* a query longer than the message */
    assert_answer(400, "malformed", "request", before + 2);
    const struct ax_read_matcher m[] = {MATCH(RE, "for", "(")};
    const struct ax_read_query q[] = {QUERY(m, 0, INT64_MAX)};
    before = refused("matcher");
    (void)ask(q, 1, AX_READ_STREAMED);
    assert_answer(400, "regular expression", "matcher", before);
    assert_int_equal(post((struct ax_str){"\x00", 1}), 200); /* no query is fine, and has no answer */
    assert_int_equal(w.response.body.n, 1);
}

/* Within a visit the pipeline's lock is held, as it is during a step. */
static bool during_a_step(void *ctx, const struct ax_modelled *series)
{
    int *statuses = ctx;
    const struct ax_read_matcher future[] = {MATCH(EQ, "__name__", "predicted_load_future")};
    const struct ax_read_matcher past[] = {MATCH(EQ, "__name__", "model_input")};
    const struct ax_read_query q[] = {QUERY(future, 0, INT64_MAX), QUERY(past, 0, INT64_MAX)};
    (void)series;
    statuses[0] = ask(q, 1, AX_READ_SAMPLES);
    w.service.ceilings.duration_ms = 50;
    statuses[1] = ask(q + 1, 1, AX_READ_SAMPLES);
    return false;
}

static void paths_wait_for_no_step_and_windows_not_for_long(void **state)
{
    (void)state;
    int statuses[2] = {0};
    double before = refused("time");
    assert_int_equal(ax_pipeline_all_series(w.rig.pipeline, 0, during_a_step, statuses), AX_OK);
    assert_int_equal(statuses[0], 200);
    assert_int_equal(statuses[1], 503);
    assert_true(refused("time") == before + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(the_path_stands_at_the_times_that_it_is_for),
        TEST(points_of_a_path_are_near_enough_for_promql),
        TEST(bounds_lie_around_it),
        TEST(matchers_of_any_kind_choose),
        TEST(what_models_see_can_be_read),
        TEST(a_series_that_ends_is_served_no_longer),
        TEST(every_ceiling_is_told_and_counted),
        TEST(nonsense_is_the_senders_fault),
        TEST(paths_wait_for_no_step_and_windows_not_for_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
