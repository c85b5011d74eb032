/* asked.c: questions whose one who asks is a counter of looks. */
#include "asked.h"

#include "ax_test.h"
#include "net/compress.h"

#include <math.h>

#define STEPS 60
#define YAML                                                                                                 \
    "global: {evaluation_delay: 0s}\n"                                                                       \
    "jobs: [{name: load, expr: demand, forecast: {output: predicted_load, horizons: [1m]}, anomaly: {}}]\n"

void asked_rig(struct rig *rig)
{
    rig_init(rig, YAML);
    for (int i = 0; i < STEPS; i++) {
        int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        assert_int_equal(rig_append(rig, "demand{instance=\"a\"}", t_ms, sin(i / 5.0)), AX_FATE_WANTED);
        assert_int_equal(rig_append(rig, "demand{instance=\"b\"}", t_ms, cos(i / 5.0)), AX_FATE_WANTED);
        rig_run_to(rig, t_ms);
    }
}

struct ax_predict_service asked_predict_service(const struct rig *rig)
{
    return (struct ax_predict_service){.paths = rig->paths,
                                       .pipeline = rig->pipeline,
                                       .ceilings = {.body_max = 1 << 20,
                                                    .selectors_max = 10,
                                                    .horizons_max = 8,
                                                    .series_max = 100,
                                                    .concurrent_max = 1,
                                                    .duration_ms = 20000}};
}

struct ax_read_service asked_read_service(const struct rig *rig)
{
    return (struct ax_read_service){.paths = rig->paths,
                                    .pipeline = rig->pipeline,
                                    .ceilings = {.body_max = 1 << 20,
                                                 .queries_max = 10,
                                                 .matchers_max = 10,
                                                 .series_max = 1000,
                                                 .samples_max = 100000,
                                                 .concurrent_max = 1,
                                                 .duration_ms = 20000}};
}

void asked_read_body(const struct ax_read_matcher *m, struct ax_buf *body)
{
    const struct ax_read_query q = {0, INT64_MAX, m, 1};
    struct ax_buf message;
    ax_buf_init(&message, 1 << 20);
    ax_buf_init(body, 1 << 20);
    ax_read_request_write(&q, 1, &message);
    assert_int_equal(ax_snappy_compress(ax_buf_view(&message), body), AX_OK);
    ax_buf_done(&message);
}

/* One who goes, seen at the goes_at-th look; 0: never. */
struct visit {
    const struct asked_argument *arguments;
    uint32_t looks, goes_at;
};

static bool gone(void *ctx)
{
    struct visit *v = ctx;
    v->looks++;
    return v->goes_at && v->looks >= v->goes_at;
}

static struct ax_str find(void *ctx, bool query, const char *name, uint32_t at)
{
    const struct visit *v = ctx;
    for (const struct asked_argument *a = query ? v->arguments : NULL; a && a->name; a++)
        if (strcmp(a->name, name) == 0 && at-- == 0)
            return ax_str(a->value);
    return (struct ax_str){NULL, 0};
}

/* Returns the status. */
static int ask(const struct asked *a, struct visit *v)
{
    struct ax_http_response res;
    const struct ax_http_request request = {
        .path = ax_str(a->route.path), .body = a->body, .find = find, .gone = gone, .ctx = v};
    ax_http_response_init(&res);
    a->route.handle(a->route.ctx, &request, &res);
    ax_buf_done(&res.body);
    return res.status;
}

uint32_t asked_and_gone(const struct asked *a)
{
    struct visit stays = {.arguments = a->arguments};
    assert_int_equal(ask(a, &stays), 200);
    for (uint32_t at = 1; at <= stays.looks; at++) {
        struct visit goes = {.arguments = a->arguments, .goes_at = at};
        assert_int_equal(ask(a, &goes), 499);
        assert_true(goes.looks <= at + 1); /* once more to tell it from another failure */
    }
    return stays.looks;
}
