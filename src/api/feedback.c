/* feedback.c: from requests to the table of events and to the jobs. */
#include "api/answer.h"
#include "api/caller.h"
#include "api/feedback_priv.h"
#include "base/parse.h"
#include "base/timed_lock.h"
#include "pipeline/lesson.h"

#include <stdio.h>

#define BODY_MAX 65536
#define SELECTOR_BYTES_MAX 4096
#define TEXT_MAX 1024 /* bytes of a comment */
#define LIST_LIMIT 100
#define LIST_LIMIT_MAX 10000
#define SHOWN_MAX 20 /* series of which an answer tells the thresholds */
#define RANGE_MAX_MS (INT64_C(366) * 86400000)
#define PATIENCE_MS 5000 /* for changes that are under way */

void ax_feedback_init(struct ax_feedback *f)
{
    (void)pthread_mutex_init(&f->lock, NULL);
    (void)sem_init(&f->asked, 0, 0);
    atomic_init(&f->wanted, false);
    atomic_init(&f->ending, false);
    f->started = false;
}

void ax_feedback_done(struct ax_feedback *f)
{
    (void)sem_destroy(&f->asked);
    (void)pthread_mutex_destroy(&f->lock);
}

/* A string of the body; absent is empty. AX_INVALID with a text. */
static enum ax_err text_of(const json_t *body, const char *key, size_t max, struct ax_str *out,
                           struct ax_diag *diag)
{
    const json_t *v = json_object_get(body, key);
    *out = (struct ax_str){"", 0};
    if (!v || json_is_null(v))
        return AX_OK;
    if (!json_is_string(v))
        return ax_fail(diag, AX_INVALID, "%s must be a string", key);
    *out = (struct ax_str){json_string_value(v), json_string_length(v)};
    return out->n <= max ? AX_OK : ax_fail(diag, AX_INVALID, "%s is longer than %zu bytes", key, max);
}

static enum ax_err time_of(const json_t *body, const char *key, int64_t otherwise, int64_t *out,
                           struct ax_diag *diag)
{
    const json_t *v = json_object_get(body, key);
    char number[320]; /* any double, written out */
    struct ax_str text = {number, 0};
    *out = otherwise;
    if (!v || json_is_null(v))
        return otherwise != INT64_MIN ? AX_OK : ax_fail(diag, AX_INVALID, "%s is missing: a time", key);
    if (json_is_string(v))
        text = (struct ax_str){json_string_value(v), json_string_length(v)};
    else if (json_is_number(v))
        text.n = (size_t)snprintf(number, sizeof number, "%.3f", json_number_value(v));
    return ax_parse_time(text, out) == AX_OK
               ? AX_OK
               : ax_fail(diag, AX_INVALID, "%s must be Unix seconds, or a time like 2026-01-02T03:04:05Z",
                         key);
}

static enum ax_err check_keys(const json_t *body, struct ax_diag *diag)
{
    static const char *const known[] = {"verdict", "job", "series", "from", "to", "author", "comment"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)body, key, value)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            found = found || strcmp(key, known[i]) == 0;
        if (found)
            continue;
        const char *nearest = ax_str_nearest(ax_str(key), known, sizeof known / sizeof known[0]);
        return ax_fail(diag, AX_INVALID, "unknown key %.64s%s%s", key, nearest ? ": did you mean " : "",
                       nearest ? nearest : "");
    }
    return AX_OK;
}

/* What the body asks for; views into it. */
static enum ax_err read_event(const json_t *body, struct ax_event *e, struct ax_diag *diag)
{
    struct ax_str verdict;
    if (!json_is_object(body))
        return ax_fail(diag, AX_INVALID, "the body must be a JSON object");
    enum ax_err err = check_keys(body, diag);
    if (err == AX_OK)
        err = text_of(body, "verdict", TEXT_MAX, &verdict, diag);
    if (err == AX_OK && (ax_event_kind_parse(verdict, &e->kind) != AX_OK || e->kind > AX_EVENT_EXCLUSION))
        err = ax_fail(diag, AX_INVALID, "verdict must be not_anomaly, missed or exclusion");
    if (err == AX_OK)
        err = text_of(body, "job", TEXT_MAX, &e->job, diag);
    if (err == AX_OK)
        err = text_of(body, "series", SELECTOR_BYTES_MAX, &e->selector, diag);
    if (err == AX_OK)
        err = text_of(body, "author", AX_CALLER_WHO, &e->author, diag);
    if (err == AX_OK)
        err = text_of(body, "comment", TEXT_MAX, &e->comment, diag);
    if (err == AX_OK)
        err = time_of(body, "from", INT64_MIN, &e->from_ms, diag);
    if (err == AX_OK)
        err = time_of(body, "to", e->from_ms, &e->to_ms, diag);
    if (err == AX_OK && (e->to_ms < e->from_ms || e->to_ms - e->from_ms > RANGE_MAX_MS))
        err = ax_fail(diag, AX_INVALID, "to must not be before from, nor a year after it");
    return err == AX_OK ? ax_lesson_check(e->selector, diag) : err;
}

/* What became of a lesson in one job. */
struct outcome {
    uint32_t series, taught, moved, noted, unknown, refused;
    json_t *thresholds;
};

static void note(void *ctx, const struct ax_labels *labels, enum ax_err err, double before, double after)
{
    struct outcome *o = ctx;
    o->series++;
    o->taught += err == AX_OK;
    o->moved += err == AX_OK && before != after;
    o->noted += err == AX_NOTREADY;
    o->unknown += err == AX_NOTFOUND;
    o->refused += err != AX_OK && err != AX_NOTREADY && err != AX_NOTFOUND;
    if (err == AX_OK && json_array_size(o->thresholds) < SHOWN_MAX)
        (void)json_array_append_new(
            o->thresholds,
            json_pack("{s:o, s:f, s:f}", "metric", ax_labels_json(labels), "before", before, "after", after));
}

static struct ax_lesson lesson_of(const struct ax_event *e, bool revoked)
{
    return (struct ax_lesson){.range = {.id = (uint64_t)e->id,
                                        .verdict = revoked                           ? 0
                                                   : e->kind == AX_EVENT_NOT_ANOMALY ? AX_LESSON_NORMAL
                                                   : e->kind == AX_EVENT_MISSED      ? AX_LESSON_MISSED
                                                                                     : AX_LESSON_EXCLUDED,
                                        .from_ms = e->from_ms,
                                        .to_ms = e->to_ms},
                              .selector = e->selector};
}

void ax_feedback_teach(struct ax_feedback *f, struct ax_str job, const struct ax_event *e, bool revoked,
                       json_t *jobs, json_t *warnings)
{
    struct ax_diag diag = {{0}};
    struct outcome o = {.thresholds = json_array()};
    const struct ax_lesson lesson = lesson_of(e, revoked);
    enum ax_err err = ax_pipeline_teach(f->pipeline, job, &lesson, note, &o, &diag);
    if (err != AX_OK && err != AX_CONFLICT) /* it knows it, or never did */
        (void)json_array_append_new(warnings,
                                    json_sprintf("job " AX_STR_FMT ": %s", AX_STR_ARG(job), diag.text));
    (void)json_array_append_new(jobs, json_pack("{s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:o}", "job",
                                                ax_str_json(job), "series", o.series, "taught", o.taught,
                                                "moved", o.moved, "noted", o.noted, "unknown", o.unknown,
                                                "refused", o.refused, "thresholds", o.thresholds));
}

/* Teach the job that an event names, or all. */
static void teach(struct ax_feedback *f, const struct ax_event *e, bool revoked, json_t *jobs,
                  json_t *warnings)
{
    struct ax_job_status status;
    char name[256];
    if (e->job.n) {
        ax_feedback_teach(f, e->job, e, revoked, jobs, warnings);
        return;
    }
    for (uint32_t i = 0; ax_pipeline_job_status(f->pipeline, i, name, sizeof name, &status); i++)
        ax_feedback_teach(f, ax_str(name), e, revoked, jobs, warnings);
}

/* Say so when nothing has come of it. */
static void warn(const struct ax_event *e, const json_t *jobs, json_t *warnings)
{
    json_int_t series = 0, taught = 0, moved = 0, noted = 0, refused = 0;
    size_t i;
    json_t *job;
    json_array_foreach((json_t *)(uintptr_t)jobs, i, job)
    {
        series += json_integer_value(json_object_get(job, "series"));
        taught += json_integer_value(json_object_get(job, "taught"));
        moved += json_integer_value(json_object_get(job, "moved"));
        noted += json_integer_value(json_object_get(job, "noted"));
        refused += json_integer_value(json_object_get(job, "refused"));
    }
    if (series == 0)
        (void)json_array_append_new(warnings, json_string("no series that is scored now matches"));
    else if (taught == 0 && noted)
        (void)json_array_append_new(
            warnings, json_string("no value of that time is known: it holds for what a backfill brings"));
    else if (taught == 0 && refused)
        (void)json_array_append_new(warnings, json_string("there is no room: 16 are in force of a series at "
                                                          "most, revoke old ones"));
    else if (taught == 0)
        (void)json_array_append_new(
            warnings,
            json_string(e->kind == AX_EVENT_EXCLUSION
                            ? "no value of that time is known any more, or there was none"
                            : "no score of that time is known any more, or nothing was scored then"));
    else if (moved == 0 && e->kind == AX_EVENT_MISSED)
        (void)json_array_append_new(
            warnings,
            json_string("no threshold went down: no score of that time is known any more, or it was above it "
                        "anyway, or such scores come too often at other times for a threshold to tell them "
                        "apart"));
}

static void answer_taught(struct ax_feedback *f, struct ax_http_response *res, const struct ax_event *e,
                          bool revoked)
{
    json_t *jobs = json_array(), *warnings = json_array();
    teach(f, e, revoked, jobs, warnings);
    if (!revoked)
        warn(e, jobs, warnings);
    ax_answer_warned(res, json_pack("{s:I, s:o}", "id", (json_int_t)e->id, "jobs", jobs), warnings);
}

/* Begin a change, if what the jobs had learnt is there, and no other change goes on for too long. AX_OK: the
 * lock is held. */
static enum ax_err begin_change(struct ax_feedback *f, struct ax_diag *diag)
{
    if (!ax_pipeline_is_current(f->pipeline))
        return ax_fail(diag, AX_NOTREADY, "what the jobs had learnt is still being restored: see /-/ready");
    return ax_lock_within(&f->lock, PATIENCE_MS)
               ? AX_OK
               : ax_fail(diag, AX_BUSY, "what was said before is being taught to the jobs: try again");
}

/* Is there a job that takes one more? Nothing is kept that could only be refused later. */
static enum ax_err ask_jobs(struct ax_feedback *f, const struct ax_event *e, struct ax_diag *diag)
{
    struct ax_job_status status;
    char name[256];
    if (e->job.n) {
        const enum ax_err err = ax_pipeline_teachable(f->pipeline, e->job, diag);
        return err == AX_NOTFOUND ? AX_OK : err; /* it may come; till then that is a warning */
    }
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; ax_pipeline_job_status(f->pipeline, i, name, sizeof name, &status); i++) {
        err = ax_pipeline_teachable(f->pipeline, ax_str(name), diag);
        if (err == AX_OK)
            break;
    }
    return err;
}

/* Keep it and teach it; the lock is held. */
static enum ax_err take(struct ax_feedback *f, struct ax_event *e, struct ax_http_response *res,
                        struct ax_diag *diag)
{
    enum ax_err err = ask_jobs(f, e, diag);
    if (err == AX_OK)
        err = ax_events_add(f->events, e, &e->id, diag);
    if (err == AX_OK)
        answer_taught(f, res, e, false);
    return err == AX_LIMIT ? AX_CONFLICT : err; /* 413 speaks of a body */
}

static void post(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_feedback *f = ctx;
    struct ax_diag diag = {{0}};
    struct ax_event e = {.created_ms = ax_clock_now(&f->clock)};
    char user[AX_CALLER_WHO];
    json_error_t where;
    json_t *body = json_loadb(req->body.n ? req->body.p : "", req->body.n, JSON_REJECT_DUPLICATES, &where);
    enum ax_err err = body ? read_event(body, &e, &diag)
                           : ax_fail(&diag, AX_INVALID, "the body is no JSON: line %d, column %d: %s",
                                     where.line, where.column, where.text);
    if (err == AX_OK)
        err = ax_caller_who(req, e.author, user, &e.author, &diag);
    if (err == AX_OK)
        err = begin_change(f, &diag);
    if (err == AX_OK) {
        err = take(f, &e, res, &diag);
        (void)pthread_mutex_unlock(&f->lock);
    }
    if (err != AX_OK)
        ax_answer_err(res, err, &diag);
    json_decref(body);
}

static json_t *time_json(int64_t t_ms)
{
    return json_real((double)t_ms / 1000);
}

static bool list_one(void *ctx, const struct ax_event *e)
{
    json_t *row =
        json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)e->id, "verdict",
                  ax_event_kind_name(e->kind), "job", ax_str_json(e->job), "series", ax_str_json(e->selector),
                  "from", time_json(e->from_ms), "to", time_json(e->to_ms), "author", ax_str_json(e->author),
                  "comment", ax_str_json(e->comment), "created", time_json(e->created_ms));
    if (row && e->revoked_ms) {
        (void)json_object_set_new(row, "revoked", time_json(e->revoked_ms));
        (void)json_object_set_new(row, "revokedBy", ax_str_json(e->revoked_by));
    }
    return json_array_append_new(ctx, row) == 0;
}

/* A whole number among the arguments; absent is `otherwise`. */
static bool number_of(const struct ax_http_request *req, const char *name, int64_t otherwise, int64_t most,
                      int64_t *out)
{
    struct ax_str text = ax_http_query(req, name);
    *out = otherwise;
    return text.n == 0 || (ax_parse_i64(text, out) == AX_OK && *out >= 0 && *out <= most);
}

static void list(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_feedback *f = ctx;
    struct ax_diag diag = {{0}};
    int64_t limit;
    struct ax_event_query q = {.job = ax_http_query(req, "job"),
                               .in_force = !ax_str_eq(ax_http_query(req, "revoked"), ax_str("true")),
                               .feedback = true};
    if (!number_of(req, "limit", LIST_LIMIT, LIST_LIMIT_MAX, &limit) || limit < 1 ||
        !number_of(req, "after", 0, INT64_MAX, &q.after)) {
        ax_answer_error(res, 400, "bad_data", "limit must be from 1 to 10000, after the id of an event");
        return;
    }
    q.limit = (uint32_t)limit;
    json_t *rows = json_array();
    enum ax_err err = ax_events_each(f->events, &q, list_one, rows, &diag);
    if (err == AX_OK) {
        ax_answer_json(res, json_pack("{s:o}", "feedback", rows));
        return;
    }
    json_decref(rows);
    ax_answer_err(res, err, &diag);
}

static void revoke(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_feedback *f = ctx;
    struct ax_diag diag = {{0}};
    struct ax_event e = {0};
    char user[AX_CALLER_WHO];
    struct ax_str author;
    if (!number_of(req, "id", 0, INT64_MAX, &e.id) || e.id == 0) {
        ax_answer_error(res, 400, "bad_data", "the parameter id is missing: that of what is to be revoked");
        return;
    }
    enum ax_err err = ax_caller_who(req, ax_http_query(req, "author"), user, &author, &diag);
    if (err == AX_OK)
        err = begin_change(f, &diag);
    if (err == AX_OK) {
        err = ax_events_revoke(f->events, e.id, ax_clock_now(&f->clock), author, &diag);
        if (err == AX_OK)
            answer_taught(f, res, &e, true);
        (void)pthread_mutex_unlock(&f->lock);
    }
    if (err != AX_OK)
        ax_answer_err(res, err, &diag);
}

void ax_feedback_routes(struct ax_feedback *f, struct ax_http_route *out)
{
    const struct ax_http_route routes[AX_FEEDBACK_ROUTES] = {
        {"POST", "/api/v1/feedback", "feedback", post, f, BODY_MAX, NULL, true, NULL},
        {"GET", "/api/v1/feedback", "feedback_list", list, f, 0, NULL, true, NULL},
        {"DELETE", "/api/v1/feedback", "feedback_revoke", revoke, f, 0, NULL, true, NULL},
    };
    memcpy(out, routes, sizeof routes);
}
