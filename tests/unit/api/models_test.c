/* The registry's routes: what they answer, what they refuse, and that what was exported comes in again. */
#include "api/models.h"
#include "ax_test.h"
#include "base/bytes.h"
#include "nn/model_file.h"
#include "scratch.h"
#include "train/forest.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A service on a folder, and the arguments of the next request. */
struct world {
    char dir[SCRATCH_PATH];
    struct ax_models_service service;
    struct ax_http_route routes[AX_MODELS_ROUTES];
    const char *arguments[12]; /* name, value, ..., NULL */
    const char *authorization;
    bool authenticated; /* by the doors */
    struct ax_buf answer;
};

static void begin(struct world *w)
{
    struct ax_diag diag = {{0}};
    *w = (struct world){.service = {.admin = true}};
    scratch_make(w->dir, NULL);
    const struct ax_registry_options options = {.dir = w->dir, .clock = ax_clock_wall()};
    if (ax_registry_open(&options, &w->service.registry, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    ax_models_routes(&w->service, w->routes);
    ax_buf_init(&w->answer, 1u << 24);
}

static void end(struct world *w)
{
    ax_registry_close(w->service.registry);
    ax_buf_done(&w->answer);
    scratch_remove(w->dir);
}

static struct ax_str find(void *ctx, bool query, const char *name, uint32_t at)
{
    const struct world *w = ctx;
    if (!query)
        return w->authorization ? ax_str(w->authorization) : (struct ax_str){NULL, 0};
    for (size_t i = 0; w->arguments[i]; i += 2)
        if (strcmp(w->arguments[i], name) == 0 && at-- == 0)
            return ax_str(w->arguments[i + 1]);
    return (struct ax_str){NULL, 0};
}

/* Ask a route with arguments (name, value, ..., NULL); the status. */
static int ask(struct world *w, const char *path, const char *const *arguments, struct ax_str body)
{
    struct ax_http_response res;
    const struct ax_http_request req = {
        .path = ax_str(path), .body = body, .find = find, .ctx = w, .authenticated = w->authenticated};
    size_t n = 0;
    for (; arguments && arguments[n]; n++)
        w->arguments[n] = arguments[n];
    w->arguments[n] = NULL;
    ax_http_response_init(&res);
    for (uint32_t i = 0; i < AX_MODELS_ROUTES; i++)
        if (strcmp(w->routes[i].path, path) == 0)
            w->routes[i].handle(w->routes[i].ctx, &req, &res);
    ax_buf_reset(&w->answer);
    ax_buf_str(&w->answer, ax_buf_view(&res.body));
    ax_buf_byte(&w->answer, '\0');
    ax_buf_done(&res.body);
    return res.status;
}

#define ASK(w, path, ...)                                                                                    \
    ask(w, "/api/v1/models" path, (const char *const[]){__VA_ARGS__, NULL}, (struct ax_str){NULL, 0})

static bool answered(const struct world *w, const char *part)
{
    return strstr((const char *)w->answer.bytes, part) != NULL;
}

static void add_bytes(struct world *w, struct ax_str artifact, const char *scores)
{
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    const struct ax_registry_by by = {{NULL, 0}, {NULL, 0}};
    const struct ax_model_draft d = {.name = ax_str("node/ensemble"),
                                     .data_from_ms = 1,
                                     .seed = 7,
                                     .hyper_parameters = ax_str("{\"trees\":100}"),
                                     .scores = ax_str(scores)};
    if (ax_registry_add(w->service.registry, &d, artifact, &by, &ref, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static void add(struct world *w, const char *artifact, const char *scores)
{
    add_bytes(w, ax_str(artifact), scores);
}

/* What the artifact of an ensemble begins with, of the first format, and weights. */
static void add_ensemble(struct world *w, const char *weights, const char *scores)
{
    struct ax_buf b;
    ax_buf_init(&b, 1000);
    ax_put_u8(&b, 1);
    ax_put_i64(&b, 15000);
    ax_put_i64(&b, 30000);
    ax_put_str(&b, ax_str(weights));
    add_bytes(w, ax_buf_view(&b), scores);
    ax_buf_done(&b);
}

static void a_list_has_as_many_as_are_asked_for_and_says_so(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    add(&w, "one", "");
    add(&w, "two", "");
    assert_int_equal(ASK(&w, "/promote", "name", "node/ensemble", "version", "1.0.0"), 200);
    assert_int_equal(ASK(&w, "", "limit", "2"), 200);
    assert_false(answered(&w, "warnings"));
    assert_int_equal(ASK(&w, "", "limit", "1"), 200);
    assert_true(answered(&w, "\"version\":\"1.0.1\"") && !answered(&w, "\"version\":\"1.0.0\"") &&
                answered(&w, "there are more than 1"));
    assert_int_equal(ASK(&w, "", "stage", "production", "limit", "1"), 200);
    assert_true(answered(&w, "\"version\":\"1.0.0\"") && !answered(&w, "warnings"));
    assert_int_equal(ASK(&w, "", "stage", "live"), 400);
    assert_int_equal(ASK(&w, "", "limit", "0"), 400);
    end(&w);
}

static void versions_are_listed_shown_and_compared(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    assert_int_equal(ASK(&w, "", NULL), 200);
    assert_true(answered(&w, "{\"versions\":[]}"));
    add(&w, "one", "{\"prauc\":0.5}");
    add(&w, "two", "{\"prauc\":0.75}");
    assert_int_equal(ASK(&w, "/show", "name", "node/ensemble"), 404);
    assert_int_equal(ASK(&w, "/promote", "name", "node/ensemble", "version", "1.0.0"), 200);
    assert_int_equal(ASK(&w, "/show", "name", "node/ensemble"), 200);
    assert_true(answered(&w, "\"version\":\"1.0.0\"") && answered(&w, "\"alias\":\"champion\""));
    assert_int_equal(ASK(&w, "/show", "name", "node/ensemble", "format", "markdown"), 200);
    assert_true(answered(&w, "# node/ensemble 1.0.0") && answered(&w, "| trees | 100 |"));
    assert_int_equal(ASK(&w, "/compare", "name", "node/ensemble", "b", "latest"), 200);
    assert_true(answered(&w, "\"score\":\"prauc\",\"a\":0.5,\"b\":0.75,\"change\":0.5"));
    end(&w);
}

static void what_is_missing_or_wrong_is_said(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    add(&w, "one", "");
    assert_int_equal(ASK(&w, "/show", NULL), 400);
    assert_true(answered(&w, "name is missing"));
    assert_int_equal(ASK(&w, "/promote", "name", "node/ensemble"), 400);
    assert_true(answered(&w, "version is missing"));
    assert_int_equal(ASK(&w, "/promote", "name", "node/ensemble", "version", "1.0.0", "stage", "live"), 400);
    assert_int_equal(ASK(&w, "/promote", "name", "node/ensemble", "version", "1.0.0", "by", "\xff"), 400);
    assert_int_equal(ASK(&w, "/audit", "after", "x"), 400);
    assert_int_equal(ASK(&w, "/rollback", "name", "node/ensemble"), 404);
    assert_int_equal(ask(&w, "/api/v1/models/import", NULL, ax_str("{\"format\":\"other\"}")), 415);
    assert_int_equal(ask(&w, "/api/v1/models/import", NULL, ax_str("[1]")), 400);
    assert_int_equal(ask(&w, "/api/v1/models/import", NULL, (struct ax_str){NULL, 0}), 400);
    w.service.admin = false;
    assert_int_equal(ASK(&w, "/promote", "name", "node/ensemble", "version", "1.0.0"), 403);
    assert_true(answered(&w, "--web.enable-admin-api"));
    end(&w);
}

/* Who the newest entry names, after somebody has moved a version. */
static bool is_named(struct world *w, const char *by, const char *name)
{
    char wanted[100];
    static bool production;
    production = !production;
    if (ASK(w, "/promote", "name", "node/ensemble", "version", "latest", "stage",
            production ? "production" : "archived", "by", by) != 200)
        return false;
    assert_int_equal(ASK(w, "/audit", "name", "node/ensemble"), 200);
    (void)snprintf(wanted, sizeof wanted, "\"who\":\"%s\"", name);
    const char *last = (const char *)w->answer.bytes;
    for (const char *p; (p = strstr(last + 1, "\"who\"")) != NULL;)
        last = p;
    return strncmp(last, wanted, strlen(wanted)) == 0;
}

static void who_came_in_by_a_password_is_named_by_it_and_who_only_says_so_is_not(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    add(&w, "one", "");
    w.authorization = "Basic YW5uOnNlY3JldA==";                  /* ann:secret */
    assert_true(is_named(&w, "somebody else", "somebody else")); /* nobody has checked it */
    w.authenticated = true;
    assert_true(is_named(&w, "somebody else", "ann"));
    w.authorization = "Basic YXVzcGV4OnNlY3JldA=="; /* auspex:secret */
    assert_true(is_named(&w, "", "user auspex"));
    w.authorization = "Bearer t";
    assert_true(is_named(&w, "bob", "bob"));
    assert_true(is_named(&w, "", "anonymous"));
    end(&w);
}

static void nobody_is_taken_for_the_process_or_reviews_without_a_name(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    add(&w, "one", "");
    assert_int_equal(ASK(&w, "/promote", "name", "node/ensemble", "version", "latest", "by", "auspex"), 400);
    assert_true(answered(&w, "--by=NAME"));
    assert_int_equal(ASK(&w, "/approve", "name", "node/ensemble", "version", "latest", "by", "Auspex train"),
                     400);
    assert_int_equal(ASK(&w, "/approve", "name", "node/ensemble", "version", "latest"), 400);
    assert_int_equal(ASK(&w, "/approve", "name", "node/ensemble", "version", "latest", "by", "anonymous"),
                     400);
    assert_int_equal(ASK(&w, "/approve", "name", "node/ensemble", "version", "latest", "by", "auspexfan"),
                     200);
    end(&w);
}

static void the_audit_log_comes_in_pages_and_as_lines(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    for (int i = 0; i < 3; i++)
        add(&w, i == 0 ? "one" : i == 1 ? "two" : "three", "");
    assert_int_equal(ASK(&w, "/audit", "limit", "2"), 200);
    assert_true(answered(&w, "\"seq\":2") && !answered(&w, "\"seq\":3") && answered(&w, "\"next\":2"));
    assert_int_equal(ASK(&w, "/audit", "limit", "2", "after", "2"), 200);
    assert_true(answered(&w, "\"seq\":3") && answered(&w, "\"next\":null"));
    assert_int_equal(ASK(&w, "/audit", "format", "jsonl"), 200);
    assert_true(answered(&w, "\"previous\":\"\"") && answered(&w, "}\n{\"seq\":2") &&
                !answered(&w, "\"entries\""));
    assert_int_equal(ASK(&w, "/audit", "limit", "0"), 400);
    assert_int_equal(ASK(&w, "/audit", "format", "xml"), 400);
    end(&w);
}

static void weights_leave_only_where_changes_are_allowed(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    add(&w, "one", "");
    w.service.admin = false;
    assert_int_equal(ASK(&w, "/export", "name", "node/ensemble", "version", "latest"), 403);
    assert_true(answered(&w, "--web.enable-admin-api"));
    assert_int_equal(ASK(&w, "/show", "name", "node/ensemble", "version", "latest"), 200);
    assert_int_equal(ASK(&w, "/audit", NULL), 200);
    end(&w);
}

static void what_was_exported_comes_in_elsewhere(void **state)
{
    struct world from, to;
    (void)state;
    begin(&from);
    begin(&to);
    add_ensemble(&from, "weights", "{\"prauc\":0.25}");
    assert_int_equal(ASK(&from, "/export", "name", "node/ensemble", "version", "latest"), 200);
    json_t *root = json_loads((const char *)from.answer.bytes, 0, NULL);
    char *bundle = json_dumps(json_object_get(root, "data"), JSON_COMPACT);
    assert_int_equal(ask(&to, "/api/v1/models/import", NULL, ax_str(bundle)), 200);
    assert_true(answered(&to, "\"version\":\"1.0.0\",\"stage\":\"development\""));
    assert_int_equal(ASK(&to, "/show", "name", "node/ensemble", "version", "1.0.0"), 200);
    assert_true(answered(&to, "\"seed\":\"7\"") && answered(&to, "\"prauc\":0.25") &&
                answered(&to, "imported: version 1.0.0"));
    assert_false(answered(&to, "warnings"));
    json_t *model = json_object_get(json_object_get(root, "data"), "model");
    json_object_set_new(model, "model", json_string("node/other"));
    free(bundle);
    bundle = json_dumps(json_object_get(root, "data"), JSON_COMPACT);
    assert_int_equal(ask(&to, "/api/v1/models/import", NULL, ax_str(bundle)), 400);
    assert_true(answered(&to, "of a kind that there is not"));
    assert_true(answered(&to, "lstm, trees, ensemble, latency"));
    json_object_set_new(model, "model", json_string("node/trees"));
    free(bundle);
    bundle = json_dumps(json_object_get(root, "data"), JSON_COMPACT);
    assert_int_equal(ask(&to, "/api/v1/models/import", NULL, ax_str(bundle)), 500);
    assert_true(answered(&to, "no model of its kind, trees")); /* so it is read as one */
    json_object_set_new(model, "model", json_string("node/lstm:cpu"));
    free(bundle);
    bundle = json_dumps(json_object_get(root, "data"), JSON_COMPACT);
    assert_int_equal(ask(&to, "/api/v1/models/import", NULL, ax_str(bundle)), 500);
    assert_true(answered(&to, "no model of its kind, lstm"));
    json_object_set_new(model, "model", json_string("node/ensemble"));
    json_object_set_new(model, "sha256", json_string("0"));
    free(bundle);
    bundle = json_dumps(json_object_get(root, "data"), JSON_COMPACT);
    assert_int_equal(ask(&to, "/api/v1/models/import", NULL, ax_str(bundle)), 500);
    assert_true(answered(&to, "is damaged"));
    free(bundle);
    json_decref(root);
    end(&from);
    end(&to);
}

static void trees_come_in_as_networks_do(void **state)
{
    struct world from, to;
    struct ax_buf b;
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    const struct ax_registry_by by = {{NULL, 0}, {NULL, 0}};
    (void)state;
    begin(&from);
    begin(&to);
    float root = 0, leaf[AX_FOREST_NODE] = {0.5f, 0, 0, 0, -1};
    const struct ax_nn_tensor tensors[] = {{ax_str("0.nodes"), 1, AX_FOREST_NODE, leaf},
                                           {ax_str("0.roots"), 1, 1, &root}};
    const struct ax_nn_pair pairs[] = {{ax_str(AX_NN_KEY_FEATURES), ax_str("a")}};
    ax_buf_init(&b, AX_NN_FILE_MAX);
    if (ax_nn_file_encode(tensors, 2, pairs, 1, &b, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    const struct ax_model_draft d = {.name = ax_str("node/trees"), .data_from_ms = 1};
    assert_int_equal(ax_registry_add(from.service.registry, &d, ax_buf_view(&b), &by, &ref, &diag), AX_OK);
    assert_int_equal(ASK(&from, "/export", "name", "node/trees", "version", "latest"), 200);
    json_t *all = json_loads((const char *)from.answer.bytes, 0, NULL);
    char *bundle = json_dumps(json_object_get(all, "data"), JSON_COMPACT);
    assert_int_equal(ask(&to, "/api/v1/models/import", NULL, ax_str(bundle)), 200);
    assert_true(answered(&to, "\"model\":\"node/trees\",\"version\":\"1.0.0\""));
    free(bundle);
    json_decref(all);
    ax_buf_done(&b);
    end(&from);
    end(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_has_as_many_as_are_asked_for_and_says_so),
        cmocka_unit_test(versions_are_listed_shown_and_compared),
        cmocka_unit_test(what_is_missing_or_wrong_is_said),
        cmocka_unit_test(who_came_in_by_a_password_is_named_by_it_and_who_only_says_so_is_not),
        cmocka_unit_test(nobody_is_taken_for_the_process_or_reviews_without_a_name),
        cmocka_unit_test(the_audit_log_comes_in_pages_and_as_lines),
        cmocka_unit_test(weights_leave_only_where_changes_are_allowed),
        cmocka_unit_test(what_was_exported_comes_in_elsewhere),
        cmocka_unit_test(trees_come_in_as_networks_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
