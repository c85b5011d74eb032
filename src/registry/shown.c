/* shown.c: versions and entries as JSON, and two versions side by side. */
#include "registry/shown.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static json_t *text_json(struct ax_str s)
{
    return json_stringn(s.p ? s.p : "", s.n);
}

static json_t *seconds_json(int64_t ms)
{
    return ms ? json_real((double)ms / 1000) : json_null();
}

/* JSON that was checked when it was registered. */
static json_t *object_json(struct ax_str s)
{
    json_t *o = json_loadb(s.p, s.n, 0, NULL);
    return o ? o : json_object();
}

/* As text: a number of 64 bits is not what every reader of JSON keeps. */
static json_t *seed_json(uint64_t seed)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, seed);
    return json_string(text);
}

static const char *alias_of(enum ax_stage stage)
{
    return stage == AX_STAGE_PRODUCTION ? "champion" : stage == AX_STAGE_STAGING ? "challenger" : "";
}

json_t *ax_model_json(const struct ax_model_version *v)
{
    const struct ax_model_draft *d = &v->draft;
    json_t *o =
        json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:I, s:b}", "model", text_json(d->name),
                  "version", v->ref.version, "stage", ax_stage_name(v->ref.stage), "alias",
                  alias_of(v->ref.stage), "parent", text_json(v->parent), "replaced", text_json(v->replaced),
                  "baseline", text_json(v->baseline), "reviewers", text_json(v->reviewers),
                  "createdTimestampSeconds", seconds_json(v->created_ms), "sha256", v->ref.sha256, "bytes",
                  (json_int_t)v->bytes, "artifactKept", v->artifact);
    json_t *lineage = json_pack(
        "{s:o, s:o, s:I, s:o, s:o, s:o, s:o}", "dataFromTimestampSeconds", seconds_json(d->data_from_ms),
        "dataToTimestampSeconds", seconds_json(d->data_to_ms), "samples", (json_int_t)d->samples,
        "featuresHash", text_json(d->features_hash), "configHash", text_json(d->config_hash), "build",
        text_json(v->build), "seed", seed_json(d->seed));
    if (o && json_object_set_new(o, "lineage", lineage) == 0 &&
        json_object_set_new(o, "hyperParameters", object_json(d->hyper_parameters)) == 0 &&
        json_object_set_new(o, "scores", object_json(d->scores)) == 0 &&
        json_object_set_new(o, "change", text_json(d->change)) == 0)
        return o;
    json_decref(o);
    return NULL;
}

json_t *ax_audit_json(const struct ax_audit_entry *e)
{
    return json_pack("{s:I, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "seq", (json_int_t)e->seq, "timestamp",
                     (double)e->at_ms / 1000, "who", text_json(e->who), "action", text_json(e->action),
                     "model", text_json(e->model), "version", text_json(e->version), "detail",
                     text_json(e->detail), "previous", text_json(e->previous), "hash", text_json(e->hash));
}

static bool keep_json(void *ctx, const struct ax_model_version *v)
{
    *(json_t **)ctx = ax_model_json(v);
    return false;
}

/* One version as JSON. */
static enum ax_err one(struct ax_registry *r, struct ax_str name, struct ax_str which, json_t **out,
                       struct ax_diag *diag)
{
    *out = NULL;
    const enum ax_err err = ax_registry_see(r, name, which, keep_json, out, diag);
    return err == AX_OK && !*out ? ax_fail(diag, AX_NOMEM, "out of memory") : err;
}

static bool keep_entry(void *ctx, const struct ax_audit_entry *e)
{
    (void)json_array_append_new(ctx, ax_audit_json(e));
    return true;
}

enum ax_err ax_model_card(struct ax_registry *r, struct ax_str name, struct ax_str which, json_t **out,
                          struct ax_diag *diag)
{
    enum ax_err err = one(r, name, which, out, diag);
    if (err != AX_OK)
        return err;
    const char *version = json_string_value(json_object_get(*out, "version"));
    const struct ax_audit_query its = {.name = name, .version = ax_str(version)};
    json_t *history = json_array();
    err = ax_registry_audit(r, &its, keep_entry, history, diag);
    if (json_object_set_new(*out, "history", history) != 0 && err == AX_OK)
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    if (err != AX_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return err;
}

/* Scores of both, and how they moved from a to b. */
static json_t *scores_json(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value, *list = json_array();
    json_t *all = json_object(), *of_a = json_object_get(a, "scores"), *of_b = json_object_get(b, "scores");
    (void)json_object_update(all, of_a);
    (void)json_object_update(all, of_b);
    json_object_foreach(all, key, value)
    {
        json_t *x = json_object_get(of_a, key), *y = json_object_get(of_b, key);
        const bool both = x && y && json_number_value(x) > 0;
        (void)json_array_append_new(
            list, json_pack("{s:s, s:O?, s:O?, s:o}", "score", key, "a", x, "b", y, "change",
                            both ? json_real(json_number_value(y) / json_number_value(x) - 1) : json_null()));
    }
    json_decref(all);
    return list;
}

static void differ(json_t *list, const char *what, json_t *a, json_t *b)
{
    if (!json_equal(a, b))
        (void)json_array_append_new(list, json_pack("{s:s, s:O?, s:O?}", "what", what, "a", a, "b", b));
}

static json_t *differences_json(const json_t *a, const json_t *b)
{
    static const char *const sections[] = {"lineage", "hyperParameters"};
    json_t *list = json_array();
    differ(list, "sha256", json_object_get(a, "sha256"), json_object_get(b, "sha256"));
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        const char *key;
        json_t *value, *all = json_object();
        json_t *x = json_object_get(a, sections[i]), *y = json_object_get(b, sections[i]);
        (void)json_object_update(all, x);
        (void)json_object_update(all, y);
        json_object_foreach(all, key, value)
            differ(list, key, json_object_get(x, key), json_object_get(y, key));
        json_decref(all);
    }
    return list;
}

enum ax_err ax_model_compare(struct ax_registry *r, struct ax_str name, struct ax_str a, struct ax_str b,
                             json_t **out, struct ax_diag *diag)
{
    json_t *x = NULL, *y = NULL;
    *out = NULL;
    enum ax_err err = one(r, name, a, &x, diag);
    if (err == AX_OK)
        err = one(r, name, b, &y, diag);
    if (err == AX_OK) {
        *out = json_pack("{s:o, s:O, s:O, s:o, s:o}", "model", text_json(name), "a", x, "b", y, "scores",
                         scores_json(x, y), "differences", differences_json(x, y));
        if (!*out)
            err = ax_fail(diag, AX_NOMEM, "out of memory");
    }
    json_decref(x);
    json_decref(y);
    return err;
}
