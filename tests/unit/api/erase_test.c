/* Erasing has to be allowed, says what went and what remains, and is in the audit log before anything goes.
 */
#include "api/erase.h"
#include "ax_test.h"
#include "rig.h"
#include "scratch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char yaml[] = "global: {evaluation_delay: 0s}\n"
                           "jobs: [{name: load, expr: node_load1, forecast: {horizons: [15s]}}]\n";

struct world {
    struct rig rig;
    char dir[SCRATCH_PATH];
    struct ax_registry *registry;
    struct ax_erase_service service;
    struct ax_http_route routes[AX_ERASE_ROUTES];
    const char *match[4], *by, *tenant;
    json_t *answer;
};

static void begin(struct world *w)
{
    *w = (struct world){0};
    rig_init(&w->rig, yaml);
    for (uint32_t i = 0; i < 40; i++) {
        const int64_t t_ms = RIG_START + i * RIG_STEP;
        (void)rig_append(&w->rig, "node_load1{instance=\"a\"}", t_ms, i % 7);
        (void)rig_append(&w->rig, "node_load1{instance=\"b\"}", t_ms, i % 5);
        rig_run_to(&w->rig, t_ms);
    }
    scratch_make(w->dir, NULL);
    const struct ax_registry_options options = {.dir = w->dir, .clock = ax_clock_wall()};
    assert_int_equal(ax_registry_open(&options, &w->registry, NULL), AX_OK);
    w->service = (struct ax_erase_service){w->rig.pipeline, w->registry, true};
    ax_erase_routes(&w->service, w->routes);
}

static void end(struct world *w)
{
    json_decref(w->answer);
    ax_registry_close(w->registry);
    scratch_remove(w->dir);
    rig_done(&w->rig);
}

static struct ax_str find(void *ctx, bool query, const char *name, uint32_t at)
{
    const struct world *w = ctx;
    const char *v = NULL;
    if (query && strcmp(name, "match[]") == 0 && at < 4)
        v = w->match[at];
    else if (query && strcmp(name, "by") == 0)
        v = w->by;
    else if (query && strcmp(name, "tenant") == 0)
        v = w->tenant;
    return v ? ax_str(v) : (struct ax_str){NULL, 0};
}

static int ask(struct world *w)
{
    struct ax_http_response res;
    const struct ax_http_request req = {.path = ax_str(w->routes[0].path), .find = find, .ctx = w};
    ax_http_response_init(&res);
    w->routes[0].handle(w->routes[0].ctx, &req, &res);
    json_decref(w->answer);
    w->answer = json_loadb((const char *)res.body.bytes, res.body.n, 0, NULL);
    const int status = res.status;
    ax_buf_done(&res.body);
    return status;
}

static json_int_t number(const struct world *w, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(w->answer, "data"), key));
}

static void it_has_to_be_allowed_and_to_say_what(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    w.match[0] = "{instance=\"a\"}";
    w.service.admin = false;
    assert_int_equal(ask(&w), 403);
    w.service.admin = true;
    w.match[0] = NULL;
    assert_int_equal(ask(&w), 400);
    w.match[0] = "{instance=";
    assert_int_equal(ask(&w), 400);
    w.match[0] = "{instance=\"a\"}";
    w.by = "\xff";
    assert_int_equal(ask(&w), 400);
    w.by = NULL;
    w.tenant = "t";
    assert_int_equal(ask(&w), 415);
    w.tenant = NULL;
    assert_int_equal(ask(&w), 200); /* nothing has gone until now */
    assert_int_equal(number(&w, "series"), 1);
    end(&w);
}

struct noted {
    char who[32], action[32], detail[128];
    uint32_t n;
};

static bool take(void *ctx, const struct ax_audit_entry *e)
{
    struct noted *n = ctx;
    n->n++;
    (void)snprintf(n->who, sizeof n->who, AX_STR_FMT, AX_STR_ARG(e->who));
    (void)snprintf(n->action, sizeof n->action, AX_STR_FMT, AX_STR_ARG(e->action));
    (void)snprintf(n->detail, sizeof n->detail, AX_STR_FMT, AX_STR_ARG(e->detail));
    return true;
}

static void what_went_and_what_remains_is_said_and_noted(void **state)
{
    (void)state;
    struct world w;
    struct noted n = {.n = 0};
    struct ax_registry_report report;
    begin(&w);
    w.match[0] = "{instance=\"a\"}";
    w.match[1] = "{instance=\"b\"}";
    w.by = "ann";
    assert_int_equal(ask(&w), 200);
    assert_int_equal(number(&w, "inputs"), 2);
    assert_int_equal(number(&w, "series"), 2);
    const json_t *data = json_object_get(w.answer, "data");
    assert_true(json_is_false(json_object_get(data, "pending"))); /* there is no log here */
    assert_true(json_array_size(json_object_get(data, "remains")) >= 3);
    assert_int_equal(ax_registry_audit(w.registry, &(struct ax_audit_query){.after = 0}, take, &n, NULL),
                     AX_OK);
    assert_int_equal(n.n, 2);
    assert_string_equal(n.who, "ann");
    assert_string_equal(n.action, "erase");
    assert_string_equal(n.detail, "{instance=\"b\"}");
    assert_int_equal(ax_registry_verify(w.registry, &report, NULL), AX_OK);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_to_be_allowed_and_to_say_what),
        cmocka_unit_test(what_went_and_what_remains_is_said_and_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
