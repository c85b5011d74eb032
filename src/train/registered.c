/* registered.c: from the pairs of a model file to a version, and back by its SHA-256. */
#include "train/registered.h"

#include "base/parse.h"
#include "nn/model_file.h"
#include "registry/digest.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ax_registry_by trained = {{"auspex", 6}, {"it was fitted", 13}};

static enum ax_err name_of(const struct ax_artifact_about *about, char out[AX_MODEL_NAME],
                           struct ax_diag *diag)
{
    return ax_artifact_name(about, out)
               ? AX_OK
               : ax_fail(diag, AX_LIMIT, "a model's name, <job>/<kind>, has at most %d bytes",
                         AX_REGISTRY_NAME_MAX);
}

/* A whole number up to a space or the end; what is behind it stays in s. */
static int64_t take_number(struct ax_str *s)
{
    int64_t value = 0;
    size_t n = 0;
    if (s->n == 0)
        return 0;
    while (n < s->n && s->p[n] != ' ')
        n++;
    if (ax_parse_i64((struct ax_str){s->p, n}, &value) != AX_OK)
        value = 0;
    n += n < s->n;
    *s = (struct ax_str){s->p + n, s->n - n};
    return value;
}

/* Keep the scores that are numbers. */
static void keep_scores(struct ax_str text, json_t *kept)
{
    const char *key;
    json_t *value, *all = json_loadb(text.n ? text.p : "", text.n, 0, NULL);
    json_object_foreach(all, key, value) if (json_is_number(value))(void) json_object_set(kept, key, value);
    json_decref(all);
}

/* Those of a fit and more of them, as JSON text to be freed; NULL when there is no memory. */
static char *scores_of(struct ax_str text, const struct ax_artifact_about *about)
{
    json_t *kept = json_object();
    keep_scores(text, kept);
    keep_scores(ax_str(about->scores ? about->scores : ""), kept);
    keep_scores(ax_str(about->found ? about->found : ""), kept);
    char *out = json_dumps(kept, JSON_COMPACT);
    json_decref(kept);
    return out;
}

/* What a model file says of its network, if it is one, and of what it was fitted with: an object of its own
 * (AX_NN_KEY_HYPER). */
static json_t *hyper_of(const struct ax_nn_file *f)
{
    const struct ax_str network = ax_nn_file_value(f, AX_NN_KEY_NETWORK);
    const struct ax_str text = ax_nn_file_value(f, AX_NN_KEY_HYPER);
    json_t *o = json_loadb(text.p ? text.p : "", text.n, 0, NULL);
    if (!json_is_object(o)) {
        json_decref(o);
        o = json_object();
    }
    if (o && network.n)
        (void)json_object_set_new(o, "network", json_stringn(network.p, network.n));
    return o;
}

/* What a model file says of itself; texts are views into it, but for what is to be freed. */
static void read_lineage(const struct ax_nn_file *f, struct ax_model_draft *d, char **hyper)
{
    struct ax_str window = ax_nn_file_value(f, AX_NN_KEY_DATA_WINDOW);
    struct ax_str samples = ax_nn_file_value(f, "samples");
    json_t *o = hyper_of(f);
    *hyper = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    d->data_from_ms = take_number(&window);
    d->data_to_ms = take_number(&window);
    if (ax_parse_u64(ax_nn_file_value(f, AX_NN_KEY_SEED), &d->seed) != AX_OK)
        d->seed = 0;
    d->samples = (uint64_t)take_number(&samples);
    d->features_hash = ax_nn_file_value(f, AX_NN_KEY_FEATURES_HASH);
    d->hyper_parameters = *hyper ? ax_str(*hyper) : ax_str("");
    d->scores = ax_nn_file_value(f, AX_NN_KEY_SCORES);
}

#define HASH_TEXT 17

static void hash_text(uint64_t hash, char out[HASH_TEXT])
{
    (void)snprintf(out, HASH_TEXT, "%016" PRIx64, hash);
}

/* What its maker says of an artifact that says nothing itself; features has room for its hash. */
static void take_lineage(const struct ax_artifact_lineage *l, struct ax_model_draft *d,
                         char features[HASH_TEXT])
{
    hash_text(l->features, features);
    d->data_from_ms = l->from_ms;
    d->data_to_ms = l->until_ms;
    d->samples = l->samples;
    d->seed = l->seed;
    d->features_hash = ax_str(features);
    d->hyper_parameters = ax_str(l->hyper);
    d->scores = ax_str(l->scores);
}

/* Register the artifact, unless the newest version has these very bytes. */
static enum ax_err add(struct ax_registry *r, const struct ax_artifact_about *about, const char *name,
                       struct ax_str bytes, struct ax_model_ref *ref, struct ax_diag *diag)
{
    char sha256[AX_SHA256_TEXT], config[HASH_TEXT], features[HASH_TEXT], *hyper = NULL, *scores = NULL;
    struct ax_model_draft draft = {.name = ax_str(name)};
    struct ax_nn_file *file = NULL;
    struct ax_diag ignored;
    ax_sha256_text(bytes, sha256);
    if (ax_registry_find(r, draft.name, ax_str("latest"), ref, &ignored) == AX_OK &&
        strcmp(ref->sha256, sha256) == 0)
        return AX_OK;
    hash_text(about->config, config);
    if (about->config)
        draft.config_hash = ax_str(config);
    if (about->lineage)
        take_lineage(about->lineage, &draft, features);
    else if (ax_nn_file_parse(bytes, &file, &ignored) == AX_OK)
        read_lineage(file, &draft, &hyper);
    scores = scores_of(draft.scores, about);
    draft.scores = ax_str(scores ? scores : "");
    const enum ax_err err = ax_registry_add(r, &draft, bytes, &trained, ref, diag);
    ax_nn_file_free(file);
    free(hyper);
    free(scores);
    return err;
}

/* Bring a version that was fitted to where it belongs: to production, or beside the champion, to be tried, as
 * it is always where the champion is held (ax_registry_held()). A challenger that was retired, and came out
 * of another fit just as it was, stays where it is. */
static enum ax_err place(struct ax_registry *r, const struct ax_artifact_about *about, const char *name,
                         const struct ax_registry_by *by, struct ax_model_ref *ref, struct ax_diag *diag)
{
    struct ax_model_ref champion;
    struct ax_diag ignored;
    bool tried = about->tried;
    enum ax_err err = tried ? AX_OK : ax_registry_held(r, ax_str(name), &tried, diag);
    if (err != AX_OK)
        return err;
    tried = tried && ax_registry_find(r, ax_str(name), ax_str("champion"), &champion, &ignored) == AX_OK;
    if (ref->stage == AX_STAGE_PRODUCTION || (tried && ref->stage != AX_STAGE_DEVELOPMENT))
        return AX_OK;
    err = ax_registry_move(r, ax_str(name), ax_str(ref->version),
                           tried ? AX_STAGE_STAGING : AX_STAGE_PRODUCTION, by, ref, diag);
    return err == AX_CONFLICT ? AX_OK : err; /* it waits for approvals */
}

static enum ax_err put(void *ctx, const struct ax_artifact_about *about, struct ax_str bytes,
                       struct ax_diag *diag)
{
    char name[AX_MODEL_NAME];
    struct ax_model_ref ref;
    if (bytes.n > AX_ARTIFACT_MAX)
        return ax_fail(diag, AX_LIMIT, "a model of %zu bytes: at most %zu are kept", bytes.n,
                       AX_ARTIFACT_MAX);
    enum ax_err err = name_of(about, name, diag);
    if (err == AX_OK)
        err = add(ctx, about, name, bytes, &ref, diag);
    return err == AX_OK ? place(ctx, about, name, &trained, &ref, diag) : err;
}

static enum ax_err get(void *ctx, const char *sha256, struct ax_buf *out, struct ax_diag *diag)
{
    return ax_registry_artifact(ctx, sha256, out, diag);
}

/* What is wanted of one version: how new its data are, whom it replaced, and its baseline. */
struct seen {
    int64_t newest_ms;
    char replaced[AX_VERSION_TEXT], baseline[AX_VERSION_TEXT];
};

static bool see(void *ctx, const struct ax_model_version *v)
{
    struct seen *s = ctx;
    s->newest_ms = v->draft.data_to_ms;
    (void)snprintf(s->replaced, sizeof s->replaced, AX_STR_FMT, AX_STR_ARG(v->replaced));
    (void)snprintf(s->baseline, sizeof s->baseline, AX_STR_FMT, AX_STR_ARG(v->baseline));
    return false;
}

/* Who has a role; nobody is no error. */
static enum ax_err find_role(struct ax_registry *r, const char *name, const char *which, struct ax_role *out,
                             struct ax_diag *diag)
{
    struct ax_model_ref ref;
    const enum ax_err err = ax_registry_find(r, ax_str(name), ax_str(which), &ref, diag);
    if (err == AX_NOTFOUND)
        return AX_OK;
    if (err == AX_OK) {
        memcpy(out->sha256, ref.sha256, sizeof out->sha256);
        memcpy(out->version, ref.version, sizeof out->version);
    }
    return err;
}

static enum ax_err standing(void *ctx, const struct ax_artifact_about *about,
                            struct ax_artifact_standing *out, struct ax_diag *diag)
{
    char name[AX_MODEL_NAME];
    struct seen newest, champion = {0};
    *out = (struct ax_artifact_standing){.newest_ms = 0};
    enum ax_err err = name_of(about, name, diag);
    if (err == AX_OK)
        err = ax_registry_asked(ctx, ax_str(name), &out->asked, diag);
    if (err == AX_OK)
        err = ax_registry_see(ctx, ax_str(name), ax_str("latest"), see, &newest, diag);
    if (err != AX_OK)
        return err;
    out->newest_ms = newest.newest_ms;
    err = find_role(ctx, name, "champion", &out->champion, diag);
    if (err == AX_OK)
        err = find_role(ctx, name, "challenger", &out->challenger, diag);
    if (err != AX_OK || !*out->champion.sha256)
        return err;
    err = ax_registry_held(ctx, ax_str(name), &out->held, diag);
    if (err == AX_OK)
        err = ax_registry_see(ctx, ax_str(name), ax_str(out->champion.version), see, &champion, diag);
    if (err == AX_OK && *champion.replaced)
        err = find_role(ctx, name, champion.replaced, &out->replaced, diag);
    if (err == AX_OK && *champion.baseline)
        err = find_role(ctx, name, champion.baseline, &out->baseline, diag);
    return err;
}

static enum ax_err settle(void *ctx, const struct ax_artifact_about *about, struct ax_diag *diag)
{
    char name[AX_MODEL_NAME];
    const enum ax_err err = name_of(about, name, diag);
    return err == AX_OK ? ax_registry_fitted(ctx, ax_str(name), diag) : err;
}

/* The version that has a role, which must be that of the SHA-256. */
static enum ax_err find_holder(struct ax_registry *r, const struct ax_artifact_about *about, const char *role,
                               const char *sha256, char name[AX_MODEL_NAME], struct ax_model_ref *ref,
                               struct ax_diag *diag)
{
    enum ax_err err = name_of(about, name, diag);
    if (err == AX_OK)
        err = ax_registry_find(r, ax_str(name), ax_str(role), ref, diag);
    if (err == AX_NOTFOUND || (err == AX_OK && strcmp(ref->sha256, sha256) != 0))
        return ax_fail(diag, AX_CONFLICT, "it is not the %s of %s any more", role, name);
    return err;
}

static enum ax_err may_serve(void *ctx, const struct ax_artifact_about *about, const char *sha256,
                             struct ax_diag *diag)
{
    char name[AX_MODEL_NAME];
    struct ax_model_ref ref;
    const enum ax_err err = find_holder(ctx, about, "challenger", sha256, name, &ref, diag);
    return err == AX_OK ? ax_registry_approved(ctx, ax_str(name), ax_str(ref.version), diag) : err;
}

static enum ax_err move(void *ctx, const struct ax_artifact_about *about, enum ax_artifact_move how,
                        const char *sha256, const char *why, struct ax_diag *diag)
{
    char name[AX_MODEL_NAME];
    struct ax_model_ref ref;
    const struct ax_registry_by by = {ax_str("auspex"), ax_str(why)};
    const enum ax_err err = find_holder(ctx, about, how == AX_ARTIFACT_ROLL_BACK ? "champion" : "challenger",
                                        sha256, name, &ref, diag);
    if (err != AX_OK)
        return err;
    if (how == AX_ARTIFACT_BASELINE)
        return ax_registry_set_baseline(ctx, ax_str(name), ax_str(ref.version), &by, &ref, diag);
    return ax_registry_decide(ctx, ax_str(name), ax_str(ref.version),
                              how == AX_ARTIFACT_PROMOTE  ? AX_DECIDE_PROMOTE
                              : how == AX_ARTIFACT_RETIRE ? AX_DECIDE_RETIRE
                                                          : AX_DECIDE_ROLL_BACK,
                              by.why, &ref, diag);
}

static enum ax_err note(void *ctx, const struct ax_artifact_about *about, const char *sha256,
                        const char *action, const char *why, struct ax_diag *diag)
{
    char name[AX_MODEL_NAME];
    struct ax_model_ref ref;
    const struct ax_registry_by by = {ax_str("auspex"), ax_str(why)};
    const enum ax_err err = find_holder(ctx, about, "champion", sha256, name, &ref, diag);
    return err == AX_OK ? ax_registry_note(ctx, ax_str(name), ax_str(ref.version), ax_str(action), &by, diag)
                        : err;
}

static uint64_t changes(void *ctx)
{
    return ax_registry_changes(ctx);
}

struct ax_artifacts ax_artifact_registry(struct ax_registry *r)
{
    return (struct ax_artifacts){.put = put,
                                 .get = get,
                                 .standing = standing,
                                 .settle = settle,
                                 .move = move,
                                 .note = note,
                                 .may_serve = may_serve,
                                 .changes = changes,
                                 .ctx = r};
}

enum ax_err ax_artifact_register(struct ax_registry *r, const struct ax_artifact_about *about,
                                 struct ax_str bytes, struct ax_model_ref *out, struct ax_diag *diag)
{
    char name[AX_MODEL_NAME];
    const enum ax_err err = name_of(about, name, diag);
    return err == AX_OK ? add(r, about, name, bytes, out, diag) : err;
}

enum ax_err ax_artifact_enter(struct ax_registry *r, const struct ax_artifact_about *about,
                              const struct ax_registry_by *by, struct ax_model_ref *ref, struct ax_diag *diag)
{
    char name[AX_MODEL_NAME];
    const enum ax_err err = name_of(about, name, diag);
    return err == AX_OK && ref->stage == AX_STAGE_DEVELOPMENT ? place(r, about, name, by, ref, diag) : err;
}
