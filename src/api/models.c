/* models.c: the routes of the registry: arguments in, JSON out. */
#include "api/models.h"

#include "api/answer.h"
#include "api/caller.h"
#include "base/log.h"
#include "base/parse.h"
#include "pipeline/ensemble_kind.h"
#include "pipeline/trials.h"
#include "registry/shown.h"
#include "train/lstm.h"
#include "train/trees.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX (128u << 20) /* of an import: an artifact in base64, and what is said of it */
#define LIST_LIMIT 1000       /* versions of an answer, unless more are asked for */
#define LIST_LIMIT_MAX 10000
#define AUDIT_LIMIT 1000 /* entries of an answer, unless more are asked for */
#define AUDIT_LIMIT_MAX 10000

/* One request on its way. */
struct asking {
    struct ax_models_service *service;
    const struct ax_http_request *req;
    struct ax_http_response *res;
    struct ax_diag diag;
    struct ax_str name, version;
    struct ax_registry_by by;
    char user[AX_CALLER_WHO];
};

static struct ax_str query(const struct asking *a, const char *name, const char *fallback)
{
    const struct ax_str s = ax_http_query(a->req, name);
    return s.n || !fallback ? s : ax_str(fallback);
}

static void answer(struct asking *a, enum ax_err err, json_t *data)
{
    if (err == AX_OK) {
        ax_answer_json(a->res, data);
        return;
    }
    json_decref(data);
    ax_answer_err(a->res, err, &a->diag);
}

/* Read the arguments that most have; false when the answer is given already. */
static bool begin(struct asking *a, const char *fallback_version)
{
    a->name = query(a, "name", NULL);
    a->version = query(a, "version", fallback_version);
    if (a->name.n == 0)
        ax_answer_error(a->res, 400, "bad_data",
                        "the parameter name is missing: a model's, <job>/<kind>; /api/v1/models lists them");
    else if (a->version.n == 0)
        ax_answer_error(a->res, 400, "bad_data",
                        "the parameter version is missing: a number, champion, challenger or latest");
    return a->name.n && a->version.n;
}

/* May anything be changed? */
static bool may_change(void *ctx, struct ax_http_response *res)
{
    const struct ax_models_service *s = ctx;
    if (!s->admin)
        ax_answer_error(res, 403, "forbidden",
                        "changes of models are not enabled: start with --web.enable-admin-api");
    return s->admin;
}

/* May the caller change anything, and in whose name? */
static bool begin_change(struct asking *a)
{
    if (!may_change(a->service, a->res))
        return false;
    const enum ax_err err = ax_caller(a->req, a->user, &a->by, &a->diag);
    if (err != AX_OK)
        ax_answer_err(a->res, err, &a->diag);
    return err == AX_OK;
}

/* A whole number among the arguments. */
static bool number_of(const struct asking *a, const char *name, int64_t otherwise, int64_t least,
                      int64_t most, int64_t *out)
{
    const struct ax_str text = query(a, name, NULL);
    *out = otherwise;
    return text.n == 0 || (ax_parse_i64(text, out) == AX_OK && *out >= least && *out <= most);
}

/* Versions of one answer. */
struct versions {
    json_t *list, *warnings;
    bool all; /* of every stage */
    enum ax_stage stage;
    size_t limit;
};

static bool gather(void *ctx, const struct ax_model_version *v)
{
    struct versions *l = ctx;
    if (!l->all && v->ref.stage != l->stage)
        return true;
    if (json_array_size(l->list) == l->limit) {
        (void)json_array_append_new(
            l->warnings, json_sprintf("there are more than %zu: ask for those of a model (name), for "
                                      "a stage, or for more (limit, up to %d)",
                                      l->limit, LIST_LIMIT_MAX));
        return false;
    }
    return json_array_append_new(l->list, ax_model_json(v)) == 0;
}

static void list(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct asking a = {.service = ctx, .req = req, .res = res};
    const struct ax_str stage = query(&a, "stage", NULL);
    struct versions l = {.all = stage.n == 0};
    int64_t limit;
    if (!number_of(&a, "limit", LIST_LIMIT, 1, LIST_LIMIT_MAX, &limit) ||
        (stage.n && ax_stage_parse(stage, &l.stage) != AX_OK)) {
        ax_answer_error(res, 400, "bad_data",
                        "limit must be from 1 to 10000, stage development, staging, production or archived");
        return;
    }
    l.limit = (size_t)limit;
    l.list = json_array();
    l.warnings = json_array();
    const enum ax_err err =
        ax_registry_each(a.service->registry, query(&a, "name", NULL), gather, &l, &a.diag);
    if (err == AX_OK) {
        ax_answer_warned(res, json_pack("{s:o}", "versions", l.list), l.warnings);
        return;
    }
    json_decref(l.list);
    json_decref(l.warnings);
    ax_answer_err(res, err, &a.diag);
}

static void show(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct asking a = {.service = ctx, .req = req, .res = res};
    json_t *card = NULL;
    if (!begin(&a, "champion"))
        return;
    const enum ax_err err = ax_model_card(a.service->registry, a.name, a.version, &card, &a.diag);
    if (err != AX_OK || !ax_str_eq(query(&a, "format", NULL), ax_str("markdown"))) {
        answer(&a, err, card);
        return;
    }
    res->content_type = "text/markdown; charset=utf-8";
    ax_model_card_markdown(card, &res->body);
    json_decref(card);
}

static bool take_decision(void *ctx, const struct ax_audit_entry *e)
{
    (void)json_object_set_new(ctx, "decision", ax_audit_json(e));
    return false;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* How the two do on live data: the trial that is on, and what the last one has led to. */
static void add_trial(struct asking *a, json_t *data)
{
    struct ax_trial_view v;
    struct ax_diag ignored;
    const struct ax_audit_query decisions = {.name = a->name, .action = ax_str("decision"), .newest = true};
    if (a->service->pipeline && ax_pipeline_trial(a->service->pipeline, a->name, &v, &ignored) == AX_OK &&
        v.roles.phase != AX_PHASE_NONE) {
        const bool watch = v.roles.phase == AX_PHASE_WATCH;
        const struct ax_comparison *c = &v.result;
        const double none = (double)NAN;
        const bool precision = strcmp(v.measure, "average_precision") == 0;
        (void)json_object_set_new(
            data, "trial",
            json_pack(
                "{s:s, s:i, s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "phase",
                ax_phase_name(v.roles.phase), "share", (int)v.roles.share, "samples", (json_int_t)v.samples,
                "measure", v.measure, "newer", watch ? v.roles.live.version : v.roles.shadow.version, "older",
                watch ? v.roles.shadow.version : v.roles.live.version, "effect",
                number(c->n ? c->effect : none), "effectLower", number(c->n ? c->low : none), "effectUpper",
                number(c->n ? c->high : none), "pValue", number(c->n ? c->p_value : none),
                precision ? "newerPrecision" : "newerLoss", number(c->n ? c->challenger : none),
                precision ? "olderPrecision" : "olderLoss", number(c->n ? c->champion : none)));
    }
    if (ax_registry_audit(a->service->registry, &decisions, take_decision, data, &ignored) != AX_OK)
        ax_log(AX_LOG_WARN, "audit_unread", "%s", ignored.text);
}

static bool take_replaced(void *ctx, const struct ax_model_version *v)
{
    (void)snprintf(ctx, AX_VERSION_TEXT, AX_STR_FMT, AX_STR_ARG(v->replaced));
    return false;
}

/* Whom the champion is compared with when nobody is named: its challenger, else the one that it replaced. */
static struct ax_str opponent(struct asking *a, char replaced[AX_VERSION_TEXT])
{
    struct ax_model_ref ref;
    struct ax_diag ignored;
    struct ax_registry *r = a->service->registry;
    *replaced = '\0';
    if (ax_registry_find(r, a->name, ax_str("challenger"), &ref, &ignored) != AX_OK &&
        ax_registry_see(r, a->name, ax_str("champion"), take_replaced, replaced, &ignored) == AX_OK &&
        *replaced)
        return ax_str(replaced);
    return ax_str("challenger");
}

static void compare(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct asking a = {.service = ctx, .req = req, .res = res};
    json_t *data = NULL;
    if (!begin(&a, "champion"))
        return;
    char replaced[AX_VERSION_TEXT];
    const struct ax_str b = query(&a, "b", NULL);
    const enum ax_err err = ax_model_compare(a.service->registry, a.name, query(&a, "a", "champion"),
                                             b.n ? b : opponent(&a, replaced), &data, &a.diag);
    if (err == AX_OK)
        add_trial(&a, data);
    answer(&a, err, data);
}

/* Entries of one answer. */
struct entries {
    json_t *list; /* NULL: lines go to `lines` */
    struct ax_buf *lines;
    uint32_t n, limit;
    int64_t last; /* number of the newest that was put */
    bool more;
};

static bool gather_entry(void *ctx, const struct ax_audit_entry *entry)
{
    struct entries *e = ctx;
    e->more = e->n == e->limit;
    if (e->more)
        return false;
    json_t *o = ax_audit_json(entry);
    e->n++;
    e->last = entry->seq;
    if (e->list)
        return json_array_append_new(e->list, o) == 0;
    char *line = json_dumps(o, JSON_COMPACT);
    ax_buf_str(e->lines, ax_str(line ? line : ""));
    ax_buf_byte(e->lines, '\n');
    json_decref(o);
    free(line);
    return line && e->lines->err == AX_OK;
}

static void audit(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct asking a = {.service = ctx, .req = req, .res = res};
    const struct ax_str format = query(&a, "format", "json");
    const bool lines = ax_str_eq(format, ax_str("jsonl"));
    int64_t after, limit;
    if (!number_of(&a, "after", 0, 0, INT64_MAX, &after) ||
        !number_of(&a, "limit", AUDIT_LIMIT, 1, AUDIT_LIMIT_MAX, &limit) ||
        (!lines && !ax_str_eq(format, ax_str("json")))) {
        ax_answer_error(res, 400, "bad_data",
                        "after must be the number of an entry, limit from 1 to 10000, format json or jsonl");
        return;
    }
    const struct ax_audit_query q = {.name = query(&a, "name", NULL), .after = after};
    struct entries e = {.list = lines ? NULL : json_array(), .lines = &res->body, .limit = (uint32_t)limit};
    const enum ax_err err = ax_registry_audit(a.service->registry, &q, gather_entry, &e, &a.diag);
    if (lines && err == AX_OK) {
        res->content_type = "application/x-ndjson";
        if (e.more)
            ax_http_add_header(res, "Auspex-Next", "%lld", (long long)e.last);
    } else {
        ax_buf_reset(&res->body);
        answer(&a, err,
               json_pack("{s:o*, s:o}", "entries", e.list, "next",
                         e.more ? json_integer((json_int_t)e.last) : json_null()));
    }
}

static void verify(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct asking a = {.service = ctx, .req = req, .res = res};
    struct ax_registry_report r;
    const enum ax_err err = ax_registry_verify(a.service->registry, &r, &a.diag);
    answer(&a, err,
           json_pack("{s:I, s:i, s:i, s:s}", "entries", (json_int_t)r.entries, "versions", (int)r.versions,
                     "artifacts", (int)r.artifacts, "head", r.head));
}

static void export_one(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct asking a = {.service = ctx, .req = req, .res = res};
    json_t *data = NULL;
    if (!a.service->admin) {
        ax_answer_error(res, 403, "forbidden",
                        "exports of models are not enabled: start with --web.enable-admin-api");
        return;
    }
    if (!begin(&a, "champion"))
        return;
    const enum ax_err err = ax_model_export(a.service->registry, a.name, a.version, &data, &a.diag);
    answer(&a, err, data);
}

/* What a change has led to. */
static json_t *ref_json(const struct asking *a, const struct ax_model_ref *ref)
{
    return json_pack("{s:o, s:s, s:s, s:s}", "model", json_stringn(a->name.p, a->name.n), "version",
                     ref->version, "stage", ax_stage_name(ref->stage), "sha256", ref->sha256);
}

static void answer_ref(struct asking *a, enum ax_err err, const struct ax_model_ref *ref)
{
    answer(a, err, err == AX_OK ? ref_json(a, ref) : NULL);
}

static void promote(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct asking a = {.service = ctx, .req = req, .res = res};
    struct ax_model_ref ref;
    enum ax_stage stage;
    if (!begin_change(&a) || !begin(&a, NULL))
        return;
    if (ax_stage_parse(query(&a, "stage", "production"), &stage) != AX_OK) {
        ax_answer_error(res, 400, "bad_data", "stage must be development, staging, production or archived");
        return;
    }
    const enum ax_err err =
        ax_registry_move(a.service->registry, a.name, a.version, stage, &a.by, &ref, &a.diag);
    answer_ref(&a, err, &ref);
}

static void rollback(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct asking a = {.service = ctx, .req = req, .res = res};
    struct ax_model_ref ref;
    if (!begin_change(&a) || !begin(&a, "champion"))
        return;
    const enum ax_err err = ax_registry_rollback(a.service->registry, a.name, &a.by, &ref, &a.diag);
    answer_ref(&a, err, &ref);
}

static void baseline(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct asking a = {.service = ctx, .req = req, .res = res};
    struct ax_model_ref ref;
    if (!begin_change(&a) || !begin(&a, NULL))
        return;
    const enum ax_err err =
        ax_registry_set_baseline(a.service->registry, a.name, a.version, &a.by, &ref, &a.diag);
    answer_ref(&a, err, &ref);
}

static void approve(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct asking a = {.service = ctx, .req = req, .res = res};
    struct ax_model_ref ref;
    if (!begin_change(&a) || !begin(&a, NULL))
        return;
    if (ax_str_eq(a.by.who, ax_str(AX_CALLER_UNKNOWN))) /* who says nothing is no reviewer */
        a.by.who = ax_str("");
    enum ax_err err = ax_registry_approve(a.service->registry, a.name, a.version, &a.by, &a.diag);
    if (err == AX_OK)
        err = ax_registry_find(a.service->registry, a.name, a.version, &ref, &a.diag);
    answer_ref(&a, err, &ref);
}

/* All that there are. */
static const struct ax_train_kind *const kinds[] = {&ax_lstm_kind, &ax_trees_kind, &ax_ensemble_kind,
                                                    &ax_latency_kind};
#define KINDS (sizeof kinds / sizeof *kinds)

/* The kind of a model by its name, "job/kind[:feature]"; NULL: there is no such one. */
static const struct ax_train_kind *kind_of(struct ax_str name)
{
    size_t from = name.n, n = 0;
    while (from > 0 && name.p[from - 1] != '/')
        from--;
    while (from + n < name.n && name.p[from + n] != ':')
        n++;
    for (size_t i = 0; i < KINDS; i++)
        if (ax_str_eq((struct ax_str){name.p + from, n}, ax_str(kinds[i]->name)))
            return kinds[i];
    return NULL;
}

static enum ax_err no_such_kind(struct ax_str name, struct ax_diag *diag)
{
    char known[128] = "";
    size_t n = 0;
    for (size_t i = 0; i < KINDS; i++)
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", kinds[i]->name);
    return ax_fail(diag, AX_INVALID, "'" AX_STR_FMT "' is of a kind that there is not; those are: %s",
                   AX_STR_ARG(name), known);
}

/* An import on its way: what is odd about it, and no reason to refuse it. */
struct importing {
    struct ax_pipeline *pipeline;
    json_t *warnings;
};

static void warn(struct importing *i, struct ax_str name, const char *text)
{
    (void)json_array_append_new(i->warnings, json_string(text));
    ax_log(AX_LOG_WARN, "import_odd", "model " AX_STR_FMT " was imported, but %s", AX_STR_ARG(name), text);
}

/* What no job could ever serve by is refused; what the jobs of now cannot serve by is told. */
static enum ax_err check_import(void *ctx, struct ax_str name, struct ax_str artifact, struct ax_diag *diag)
{
    struct importing *i = ctx;
    struct ax_drift_references *references = NULL;
    struct ax_diag why = {{0}};
    char text[sizeof why.text + 64];
    const struct ax_train_kind *kind = kind_of(name);
    if (!kind)
        return no_such_kind(name, diag);
    enum ax_err err = kind->references(artifact, &references, &why);
    ax_drift_references_free(references);
    if (err != AX_OK && err != AX_NOMEM)
        return ax_fail(diag, AX_CORRUPT, "the artifact is no model of its kind, %s: %s", kind->name,
                       why.text);
    if (!i->pipeline)
        return AX_OK;
    err = ax_pipeline_try(i->pipeline, name, artifact, &why);
    if (err == AX_OK)
        return AX_OK;
    (void)snprintf(text, sizeof text, err == AX_NOTFOUND ? "%s" : "its job cannot serve by it: %s", why.text);
    warn(i, name, text);
    return AX_OK;
}

static void import_one(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct asking a = {.service = ctx, .req = req, .res = res};
    struct ax_model_ref ref;
    char name[AX_REGISTRY_NAME_MAX + 1] = "";
    if (!begin_change(&a))
        return;
    struct importing i = {a.service->pipeline, json_array()};
    const enum ax_err err =
        ax_model_import(a.service->registry, req->body, &a.by, check_import, &i, name, &ref, &a.diag);
    a.name = ax_str(name);
    if (err == AX_OK) {
        ax_answer_warned(res, ref_json(&a, &ref), i.warnings);
        return;
    }
    json_decref(i.warnings);
    ax_answer_err(res, err, &a.diag);
}

/* Where fits are, in a process whose jobs run. */
static enum ax_err need_jobs(struct asking *a)
{
    return a->service->pipeline ? AX_OK
                                : ax_fail(&a->diag, AX_CONFLICT, "no job runs: ask a running auspex (--url)");
}

static json_t *fit_json(const struct asking *a, const struct ax_fit_view *v)
{
    return json_pack("{s:o, s:s, s:s}", "model", json_stringn(a->name.p, a->name.n), "reason",
                     ax_fit_reason_name(v->reason), "state", ax_fit_stage_name(v->stage));
}

static void retrain(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct asking a = {.service = ctx, .req = req, .res = res};
    struct ax_fit_view v;
    if (!begin_change(&a) || !begin(&a, "champion"))
        return;
    enum ax_err err = need_jobs(&a);
    if (err == AX_OK)
        err = ax_pipeline_fit(a.service->pipeline, a.name, &v, &a.diag);
    if (err == AX_OK)
        err = ax_registry_ask(a.service->registry, a.name, &a.by, &a.diag);
    if (err == AX_OK) /* it is kept: how it stands now */
        err = ax_pipeline_fit(a.service->pipeline, a.name, &v, &a.diag);
    answer(&a, err, err == AX_OK ? fit_json(&a, &v) : NULL);
}

static void cancel(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct asking a = {.service = ctx, .req = req, .res = res};
    struct ax_fit_view v;
    struct ax_diag noted = {{0}};
    if (!begin_change(&a) || !begin(&a, "champion"))
        return;
    enum ax_err err = need_jobs(&a);
    if (err == AX_OK)
        err = ax_pipeline_cancel(a.service->pipeline, a.name, &v, &a.diag);
    if (err == AX_OK && (err = ax_registry_cancel(a.service->registry, a.name, &a.by, &noted)) != AX_OK)
        (void)ax_fail(&a.diag, err,
                      "it is called off, but that could not be noted, and it may begin again: %s",
                      noted.text);
    answer(&a, err, err == AX_OK ? fit_json(&a, &v) : NULL);
}

void ax_models_routes(struct ax_models_service *s, struct ax_http_route *out)
{
    const struct ax_http_route routes[AX_MODELS_ROUTES] = {
        {"GET", "/api/v1/models", "models", list, s, 0, NULL, true, NULL},
        {"GET", "/api/v1/models/show", "models_show", show, s, 0, NULL, true, NULL},
        {"GET", "/api/v1/models/compare", "models_compare", compare, s, 0, NULL, true, NULL},
        {"GET", "/api/v1/models/audit", "models_audit", audit, s, 0, NULL, true, NULL},
        {"GET", "/api/v1/models/verify", "models_verify", verify, s, 0, NULL, true, NULL},
        {"GET", "/api/v1/models/export", "models_export", export_one, s, 0, NULL, true, NULL},
        {"POST", "/api/v1/models/promote", "models_promote", promote, s, 0, NULL, true, NULL},
        {"POST", "/api/v1/models/rollback", "models_rollback", rollback, s, 0, NULL, true, NULL},
        {"POST", "/api/v1/models/approve", "models_approve", approve, s, 0, NULL, true, NULL},
        {"POST", "/api/v1/models/baseline", "models_baseline", baseline, s, 0, NULL, true, NULL},
        {"POST", "/api/v1/models/retrain", "models_retrain", retrain, s, 0, NULL, true, NULL},
        {"POST", "/api/v1/models/cancel", "models_cancel", cancel, s, 0, NULL, true, NULL},
        {"POST", "/api/v1/models/import", "models_import", import_one, s, BODY_MAX, NULL, true, may_change},
    };
    memcpy(out, routes, sizeof routes);
}
