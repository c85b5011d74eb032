/* Feedback is taken, listed, revoked and, should a job have begun anew, taught again: over a real socket. */
#include "api/feedback.h"
#include "ax_test.h"
#include "pipeline/lesson.h"
#include "rig.h"
#include "scratch.h"

#include <curl/curl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#define MOST 8 /* events in force */
#define JOBS(name) "global: {evaluation_delay: 0s}\njobs: [{name: " name ", expr: node_load1, anomaly: {}}]\n"

struct world {
    struct rig rig;
    char path[SCRATCH_PATH];
    struct ax_feedback feedback;
    struct ax_http_route routes[AX_FEEDBACK_ROUTES];
    struct ax_http_server *server;
};

static void run(struct world *w, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        double value = 10 + sin(i * 2.399) + (i % 400 >= 300 && i % 400 < 305 ? 12 : 0);
        (void)rig_append(&w->rig, "node_load1{instance=\"a\"}", RIG_START + (int64_t)i * RIG_STEP, value);
        rig_run_to(&w->rig, RIG_START + (int64_t)i * RIG_STEP);
    }
}

static void world_init(struct world *w)
{
    *w = (struct world){0};
    rig_init(&w->rig, JOBS("load"));
    run(w, 0, 350);
    scratch_make(w->path, "events.db");
    assert_int_equal(ax_events_open(w->path, MOST, &w->feedback.events, NULL), AX_OK);
    w->feedback.pipeline = w->rig.pipeline;
    w->feedback.clock = ax_clock_wall();
    ax_feedback_init(&w->feedback);
    ax_feedback_routes(&w->feedback, w->routes);
    const struct ax_http_options options = {.listen_address = "127.0.0.1:0"};
    assert_int_equal(ax_http_server_start(&options, w->routes, AX_FEEDBACK_ROUTES, &w->server, NULL), AX_OK);
}

static void world_done(struct world *w)
{
    char folder[SCRATCH_PATH];
    ax_http_server_stop(w->server, 1000);
    ax_feedback_done(&w->feedback);
    ax_events_close(w->feedback.events);
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(w->path, '/') - w->path), w->path);
    scratch_empty(folder);
    scratch_remove(w->path);
    rig_done(&w->rig);
}

static size_t take(char *p, size_t size, size_t n, void *ctx)
{
    ax_buf_put(ctx, p, size * n);
    return size * n;
}

/* Ask; the answer as JSON, which the caller releases. */
static json_t *ask(struct world *w, const char *method, const char *query, const char *body, long status)
{
    char url[256];
    struct ax_buf answer;
    long code = 0;
    CURL *curl = curl_easy_init();
    assert_non_null(curl);
    ax_buf_init(&answer, 1 << 20);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/api/v1/feedback%s", ax_http_server_port(w->server),
                   query);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (body)
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_cleanup(curl);
    json_t *root = json_loadb((const char *)answer.bytes, answer.n, 0, NULL);
    if (code != status || !root)
        fail_msg("%s %s %s: %ld, not %ld: %.*s", method, query, body ? body : "", code, status, (int)answer.n,
                 (const char *)answer.bytes);
    ax_buf_done(&answer);
    return root;
}

/* Something within an answer, by names and indices with a dot before each. */
static const json_t *within(const json_t *root, const char *path)
{
    char part[64];
    int n;
    while (sscanf(path, ".%63[^.]%n", part, &n) == 1) {
        path += n;
        root = json_is_array(root) ? json_array_get(root, (size_t)strtoul(part, NULL, 10))
                                   : json_object_get(root, part);
    }
    return root;
}

static json_int_t number(const json_t *root, const char *path)
{
    return json_integer_value(within(root, path));
}

static json_t *post_bump(struct world *w, const char *verdict, long status)
{
    char body[512];
    (void)snprintf(body, sizeof body,
                   "{\"verdict\": \"%s\", \"series\": \"{instance=\\\"a\\\"}\", \"from\": %lld, \"to\": %lld,"
                   " \"author\": \"jo\", \"comment\": \"backup\"}",
                   verdict, (RIG_START + 300LL * RIG_STEP) / 1000, (RIG_START + 306LL * RIG_STEP) / 1000);
    return ask(w, "POST", "", body, status);
}

static void what_is_said_is_taught_listed_and_revoked(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_t *a = post_bump(&w, "not_anomaly", 200);
    assert_int_equal(number(a, ".data.id"), 1);
    assert_int_equal(number(a, ".data.jobs.0.taught"), 1);
    assert_int_equal(number(a, ".data.jobs.0.moved"), 1);
    assert_true(json_real_value(within(a, ".data.jobs.0.thresholds.0.after")) > 1.5);
    assert_null(within(a, ".warnings"));
    json_decref(a);

    a = ask(&w, "GET", "", NULL, 200);
    assert_int_equal(json_array_size(within(a, ".data.feedback")), 1);
    assert_string_equal(json_string_value(within(a, ".data.feedback.0.verdict")), "not_anomaly");
    assert_string_equal(json_string_value(within(a, ".data.feedback.0.author")), "jo");
    json_decref(a);

    a = ask(&w, "DELETE", "?id=1&author=bo", NULL, 200);
    ax_assert_close(json_real_value(within(a, ".data.jobs.0.thresholds.0.after")), 1, 0);
    json_decref(a);
    json_decref(ask(&w, "DELETE", "?id=1", NULL, 409));
    json_decref(ask(&w, "DELETE", "?id=2", NULL, 404));
    a = ask(&w, "GET", "", NULL, 200);
    assert_int_equal(json_array_size(within(a, ".data.feedback")), 0);
    json_decref(a);
    a = ask(&w, "GET", "?revoked=true", NULL, 200);
    assert_string_equal(json_string_value(within(a, ".data.feedback.0.revokedBy")), "bo");
    json_decref(a);
    world_done(&w);
}

static void what_comes_to_nothing_is_answered_with_a_warning(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_t *a = ask(&w, "POST", "", "{\"verdict\": \"missed\", \"from\": 1}", 200);
    assert_int_equal(number(a, ".data.jobs.0.unknown"), 1);
    assert_non_null(strstr(json_string_value(within(a, ".warnings.0")), "that time"));
    json_decref(a);
    a = ask(&w, "POST", "", "{\"verdict\": \"missed\", \"series\": \"{instance='z'}\", \"from\": 1}", 200);
    assert_non_null(strstr(json_string_value(within(a, ".warnings.0")), "no series"));
    json_decref(a);
    a = ask(&w, "POST", "", "{\"verdict\": \"exclusion\", \"from\": 1}", 200);
    assert_non_null(strstr(json_string_value(within(a, ".warnings.0")), "no value of that time"));
    json_decref(a);
    a = ask(&w, "POST", "", "{\"verdict\": \"missed\", \"job\": \"none\", \"from\": 1}", 200);
    assert_non_null(strstr(json_string_value(within(a, ".warnings.0")), "there is no job none"));
    json_decref(a);
    a = post_bump(&w, "missed", 200); /* which was seen */
    assert_int_equal(number(a, ".data.jobs.0.taught"), 1);
    assert_int_equal(number(a, ".data.jobs.0.moved"), 0);
    assert_non_null(strstr(json_string_value(within(a, ".warnings.0")), "no threshold went down"));
    json_decref(a);
    world_done(&w);
}

/* Steps before the first one. */
static json_t *exclude_before(struct world *w, int64_t steps)
{
    char body[256];
    const int64_t t_s = (RIG_START - steps * RIG_STEP) / 1000;
    (void)snprintf(body, sizeof body, "{\"verdict\": \"exclusion\", \"from\": %lld}", (long long)t_s);
    return ask(w, "POST", "", body, 200);
}

static void an_exclusion_of_a_time_that_a_backfill_may_bring_is_noted(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_t *a = exclude_before(&w, 100);
    assert_int_equal(number(a, ".data.jobs.0.noted"), 1);
    assert_int_equal(number(a, ".data.jobs.0.unknown"), 0);
    assert_non_null(strstr(json_string_value(within(a, ".warnings.0")), "what a backfill brings"));
    json_decref(a);
    a = exclude_before(&w, 10000000); /* no window is as long */
    assert_int_equal(number(a, ".data.jobs.0.noted"), 0);
    assert_int_equal(number(a, ".data.jobs.0.unknown"), 1);
    json_decref(a);
    a = exclude_before(&w, -100000); /* is still to come */
    assert_int_equal(number(a, ".data.jobs.0.unknown"), 1);
    json_decref(a);
    world_done(&w);
}

static void what_cannot_be_read_is_refused_and_kept_nowhere(void **state)
{
    (void)state;
    static const char *const bodies[][2] = {
        {"", "no JSON"},
        {"[]", "object"},
        {"{\"verdict\": \"missed\"}", "from is missing"},
        {"{\"verdict\": \"fine\", \"from\": 1}", "not_anomaly, missed or exclusion"},
        {"{\"verdict\": \"promotion\", \"from\": 1}", "not_anomaly, missed or exclusion"},
        {"{\"verdict\": \"missed\", \"from\": \"soon\"}", "Unix seconds"},
        {"{\"verdict\": \"missed\", \"from\": true}", "Unix seconds"},
        {"{\"verdict\": \"missed\", \"from\": 1e30}", "Unix seconds"},
        {"{\"verdict\": \"missed\", \"from\": -1.7e308}", "Unix seconds"},
        {"{\"verdict\": \"missed\", \"from\": 2, \"to\": 1}", "before from"},
        {"{\"verdict\": \"missed\", \"from\": 1, \"seris\": \"x\"}", "did you mean series"},
        {"{\"verdict\": \"missed\", \"from\": 1, \"series\": \"rate(x[1m])\"}", ""},
        /* What is quoted of it ends within a character. */
        {"{\"verdict\": \"missed\", \"from\": 1, \"xéééééééééééééééééééééééééééééééééééééééé\": 1}",
         "unknown key x"},
        {"{\"verdict\": \"missed\", \"from\": 1, \"author\": 7}", "author must be a string"},
        {"{\"verdict\": \"missed\", \"verdict\": \"missed\", \"from\": 1}", "no JSON"},
    };
    struct world w;
    world_init(&w);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        json_t *a = ask(&w, "POST", "", bodies[i][0], 400);
        if (!strstr(json_string_value(within(a, ".error")), bodies[i][1]))
            fail_msg("%s: %s", bodies[i][0], json_string_value(within(a, ".error")));
        json_decref(a);
    }
    json_decref(ask(&w, "GET", "?limit=0", NULL, 400));
    json_decref(ask(&w, "DELETE", "", NULL, 400));
    json_decref(ask(&w, "DELETE", "?id=x", NULL, 400));
    json_t *a = ask(&w, "GET", "?revoked=true", NULL, 200);
    assert_int_equal(json_array_size(within(a, ".data.feedback")), 0);
    json_decref(a);
    world_done(&w);
}

static uint32_t lessons_of(struct world *w, const char *job)
{
    static uint64_t ids[AX_JOB_LESSONS_MAX];
    uint32_t n = 0;
    assert_int_equal(ax_pipeline_lessons(w->rig.pipeline, ax_str(job), ids, &n), AX_OK);
    return n;
}

static struct ax_str ann(void *ctx, bool query, const char *name, uint32_t at)
{
    (void)ctx;
    return !query && strcmp(name, "Authorization") == 0 && at == 0
               ? ax_str("Basic YW5uOnNlY3JldA==") /* ann:secret */
           : query && strcmp(name, "id") == 0 ? ax_str("1")
                                              : (struct ax_str){NULL, 0};
}

/* Ask a route as one whom the doors have let in by a password; the status. */
static int ask_as_ann(const struct world *w, size_t route, const char *body)
{
    const struct ax_http_request req = {.find = ann, .authenticated = true, .body = ax_str(body)};
    struct ax_http_response res;
    ax_http_response_init(&res);
    w->routes[route].handle(w->routes[route].ctx, &req, &res);
    ax_buf_done(&res.body);
    return res.status;
}

static void who_came_in_by_a_password_is_the_author_whatever_the_body_says(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    assert_int_equal(ask_as_ann(&w, 0, "{\"verdict\": \"exclusion\", \"from\": 1, \"author\": \"jo\"}"), 200);
    assert_int_equal(ask_as_ann(&w, 2, ""), 200);
    json_t *a = ask(&w, "GET", "?revoked=true", NULL, 200);
    assert_string_equal(json_string_value(within(a, ".data.feedback.0.author")), "ann");
    assert_string_equal(json_string_value(within(a, ".data.feedback.0.revokedBy")), "ann");
    json_decref(a);
    json_decref(ask(&w, "DELETE", "?id=1&author=auspex", NULL, 400));
    world_done(&w);
}

static void a_job_that_begins_anew_is_taught_what_is_in_force(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_decref(post_bump(&w, "not_anomaly", 200));
    json_decref(post_bump(&w, "missed", 200));
    json_decref(ask(&w, "DELETE", "?id=1", NULL, 200));
    rig_load(&w.rig, JOBS("other"));
    run(&w, 350, 360);
    assert_int_equal(lessons_of(&w, "other"), 0);
    ax_feedback_reconcile(&w.feedback);
    assert_int_equal(lessons_of(&w, "other"), 1);
    assert_int_equal(ax_events_revoke(w.feedback.events, 2, 1, ax_str("jo"), NULL), AX_OK);
    ax_feedback_reconcile(&w.feedback);
    assert_int_equal(lessons_of(&w, "other"), 0);
    world_done(&w);
}

static void what_no_job_can_learn_is_not_kept(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    for (uint64_t i = 1; i <= AX_JOB_LESSONS_MAX; i++) {
        const struct ax_lesson lesson = {.range = {.id = 1000 + i, .verdict = AX_LESSON_MISSED}};
        assert_int_equal(ax_pipeline_teach(w.rig.pipeline, ax_str("load"), &lesson, NULL, NULL, NULL), AX_OK);
    }
    json_t *a = ask(&w, "POST", "", "{\"verdict\": \"missed\", \"from\": 1}", 409);
    assert_non_null(strstr(json_string_value(within(a, ".error")), "4096 lessons in force: revoke old ones"));
    json_decref(a);
    json_decref(ask(&w, "POST", "", "{\"verdict\": \"missed\", \"from\": 1, \"job\": \"load\"}", 409));
    a = ask(&w, "GET", "?revoked=true", NULL, 200);
    assert_int_equal(json_array_size(within(a, ".data.feedback")), 0);
    json_decref(a);
    world_done(&w);
}

static void as_much_is_taken_as_there_is_room_for_until_some_is_revoked(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    for (int i = 0; i < MOST; i++)
        json_decref(ask(&w, "POST", "", "{\"verdict\": \"missed\", \"from\": 1}", 200));
    json_t *a = ask(&w, "POST", "", "{\"verdict\": \"missed\", \"from\": 1}", 409);
    assert_non_null(strstr(json_string_value(within(a, ".error")), "--feedback.max-events"));
    json_decref(a);
    json_decref(ask(&w, "DELETE", "?id=2", NULL, 200));
    json_decref(ask(&w, "POST", "", "{\"verdict\": \"missed\", \"from\": 1}", 200));
    world_done(&w);
}

static void a_selector_has_its_ceiling(void **state)
{
    (void)state;
    struct world w;
    char *body = NULL;
    world_init(&w);
    assert_true(asprintf(&body, "{\"verdict\": \"missed\", \"from\": 1, \"series\": \"{a='%04090d'}\"}", 0) >
                0);
    json_decref(ask(&w, "POST", "", body, 200)); /* of 4096 bytes */
    free(body);
    assert_true(asprintf(&body, "{\"verdict\": \"missed\", \"from\": 1, \"series\": \"{a='%04091d'}\"}", 0) >
                0);
    json_t *a = ask(&w, "POST", "", body, 400);
    assert_non_null(strstr(json_string_value(within(a, ".error")), "longer than 4096 bytes"));
    json_decref(a);
    free(body);
    world_done(&w);
}

static void wait_for_lessons(struct world *w, const char *job, uint32_t n)
{
    const int64_t until_ns = ax_mono_ns() + INT64_C(60000000000);
    while (lessons_of(w, job) != n && ax_mono_ns() < until_ns)
        ax_sleep_ns(1000000);
    assert_int_equal(lessons_of(w, job), n);
}

static void whoever_asks_for_it_does_not_wait_until_the_jobs_are_taught(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    for (int i = 0; i < MOST; i++)
        json_decref(ask(&w, "POST", "", "{\"verdict\": \"missed\", \"from\": 1}", 200));
    rig_load(&w.rig, JOBS("other"));
    run(&w, 350, 360);
    (void)pthread_mutex_lock(&w.feedback.lock); /* a change is under way */
    assert_int_equal(ax_feedback_start(&w.feedback, NULL), AX_OK);
    ax_feedback_ask(&w.feedback);
    ax_feedback_ask(&w.feedback);
    assert_int_equal(lessons_of(&w, "other"), 0);
    (void)pthread_mutex_unlock(&w.feedback.lock);
    wait_for_lessons(&w, "other", MOST);
    json_decref(ask(&w, "DELETE", "?id=1", NULL, 200));
    rig_load(&w.rig, JOBS("third"));
    run(&w, 360, 370);
    ax_feedback_ask(&w.feedback);
    wait_for_lessons(&w, "third", MOST - 1);
    ax_feedback_stop(&w.feedback);
    world_done(&w);
}

static void more_than_a_page_is_taught_and_struck_off(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    ax_events_close(w.feedback.events);
    assert_int_equal(ax_events_open(w.path, 100, &w.feedback.events, NULL), AX_OK);
    const struct ax_event e = {.kind = AX_EVENT_MISSED};
    int64_t id;
    for (uint64_t i = 1; i <= 80; i++) {
        assert_int_equal(ax_events_add(w.feedback.events, &e, &id, NULL), AX_OK);
        const struct ax_lesson lesson = {.range = {.id = i * 3, .verdict = AX_LESSON_MISSED}};
        assert_int_equal(ax_pipeline_teach(w.rig.pipeline, ax_str("load"), &lesson, NULL, NULL, NULL), AX_OK);
    }
    ax_feedback_reconcile(&w.feedback); /* 1 to 80 are in force, and it knew 3, 6 to 240 */
    static uint64_t ids[AX_JOB_LESSONS_MAX];
    uint32_t n;
    assert_int_equal(ax_pipeline_lessons(w.rig.pipeline, ax_str("load"), ids, &n), AX_OK);
    assert_int_equal(n, 80);
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[79], 80);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_is_taught_listed_and_revoked),
        cmocka_unit_test(what_comes_to_nothing_is_answered_with_a_warning),
        cmocka_unit_test(an_exclusion_of_a_time_that_a_backfill_may_bring_is_noted),
        cmocka_unit_test(what_cannot_be_read_is_refused_and_kept_nowhere),
        cmocka_unit_test(who_came_in_by_a_password_is_the_author_whatever_the_body_says),
        cmocka_unit_test(a_job_that_begins_anew_is_taught_what_is_in_force),
        cmocka_unit_test(what_no_job_can_learn_is_not_kept),
        cmocka_unit_test(as_much_is_taken_as_there_is_room_for_until_some_is_revoked),
        cmocka_unit_test(a_selector_has_its_ceiling),
        cmocka_unit_test(whoever_asks_for_it_does_not_wait_until_the_jobs_are_taught),
        cmocka_unit_test(more_than_a_page_is_taught_and_struck_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
