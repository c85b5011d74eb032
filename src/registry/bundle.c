/* bundle.c: a version with its artifact as one JSON text, out and in. */
#include "base/parse.h"
#include "registry/digest.h"
#include "registry/shown.h"

#include <gnutls/gnutls.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Base64 of the bytes as a JSON string; NULL when out of memory. */
static json_t *base64_json(struct ax_str bytes)
{
    const gnutls_datum_t in = {(unsigned char *)(uintptr_t)bytes.p, (unsigned)bytes.n};
    gnutls_datum_t out = {NULL, 0};
    if (gnutls_base64_encode2(&in, &out) < 0)
        return NULL;
    json_t *text = json_stringn((const char *)out.data, out.size);
    gnutls_free(out.data);
    return text;
}

enum ax_err ax_model_export(struct ax_registry *r, struct ax_str name, struct ax_str which, json_t **out,
                            struct ax_diag *diag)
{
    json_t *card = NULL;
    struct ax_buf bytes;
    *out = NULL;
    enum ax_err err = ax_model_card(r, name, which, &card, diag);
    if (err != AX_OK)
        return err;
    ax_buf_init(&bytes, AX_REGISTRY_ARTIFACT_MAX);
    err = ax_registry_artifact(r, json_string_value(json_object_get(card, "sha256")), &bytes, diag);
    if (err == AX_OK) {
        *out = json_pack("{s:s, s:O, s:o}", "format", AX_BUNDLE_FORMAT, "model", card, "artifact",
                         base64_json(ax_buf_view(&bytes)));
        if (!*out)
            err = ax_fail(diag, AX_NOMEM, "out of memory");
    }
    ax_buf_done(&bytes);
    json_decref(card);
    return err;
}

/* A text of an object; empty when it is none. */
static struct ax_str text_of(const json_t *o, const char *key)
{
    const json_t *s = json_object_get(o, key);
    return (struct ax_str){json_string_value(s), json_string_length(s)};
}

/* A time in ms, within what a clock can say. */
static int64_t ms_of(const json_t *o, const char *key)
{
    const double s = json_number_value(json_object_get(o, key));
    return fabs(s) < 1e12 ? (int64_t)llround(s * 1000) : 0;
}

/* What a file says of its version, and memory of its own for that. */
struct imported {
    struct ax_model_draft draft;
    char *hyper_parameters, *scores;
    char change[160];
};

static enum ax_err read_model(const json_t *model, struct imported *m, struct ax_diag *diag)
{
    const json_t *lineage = json_object_get(model, "lineage");
    const json_t *hyper = json_object_get(model, "hyperParameters"),
                 *scores = json_object_get(model, "scores");
    if (!json_is_object(model) || !json_is_object(lineage) || !json_is_object(hyper) ||
        !json_is_object(scores))
        return ax_fail(diag, AX_INVALID, "the file lacks the model's lineage, hyperParameters or scores");
    uint64_t seed = 0;
    if (ax_parse_u64(text_of(lineage, "seed"), &seed) != AX_OK)
        return ax_fail(diag, AX_INVALID, "the file's lineage has no seed");
    m->hyper_parameters = json_dumps(hyper, JSON_COMPACT);
    m->scores = json_dumps(scores, JSON_COMPACT);
    if (!m->hyper_parameters || !m->scores)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    const struct ax_str version = text_of(model, "version"), build = text_of(lineage, "build");
    (void)snprintf(m->change, sizeof m->change, "imported: version %.*s, built by auspex %.*s",
                   (int)(version.n < 36 ? version.n : 36), version.p ? version.p : "",
                   (int)(build.n < 36 ? build.n : 36), build.p ? build.p : "");
    m->draft =
        (struct ax_model_draft){.name = text_of(model, "model"),
                                .data_from_ms = ms_of(lineage, "dataFromTimestampSeconds"),
                                .data_to_ms = ms_of(lineage, "dataToTimestampSeconds"),
                                .samples = (uint64_t)json_integer_value(json_object_get(lineage, "samples")),
                                .features_hash = text_of(lineage, "featuresHash"),
                                .config_hash = text_of(lineage, "configHash"),
                                .seed = seed,
                                .hyper_parameters = ax_str(m->hyper_parameters),
                                .scores = ax_str(m->scores),
                                .change = ax_str(m->change)};
    return AX_OK;
}

/* Decode the artifact, and check that it is the one that the file says. */
static enum ax_err read_artifact(const json_t *root, gnutls_datum_t *out, struct ax_diag *diag)
{
    const json_t *text = json_object_get(root, "artifact");
    const gnutls_datum_t in = {(unsigned char *)(uintptr_t)json_string_value(text),
                               (unsigned)json_string_length(text)};
    char found[AX_SHA256_TEXT];
    if (!in.data || gnutls_base64_decode2(&in, out) < 0)
        return ax_fail(diag, AX_INVALID, "the file's artifact is no base64");
    ax_sha256_text((struct ax_str){(const char *)out->data, out->size}, found);
    if (!ax_str_eq(text_of(json_object_get(root, "model"), "sha256"), ax_str(found)))
        return ax_fail(diag, AX_CORRUPT,
                       "the file is damaged: its artifact has another SHA-256 than it says");
    return AX_OK;
}

enum ax_err ax_model_import(struct ax_registry *r, struct ax_str json, const struct ax_registry_by *by,
                            ax_import_check *check, void *ctx, char name[AX_REGISTRY_NAME_MAX + 1],
                            struct ax_model_ref *out, struct ax_diag *diag)
{
    json_error_t error;
    struct imported m = {.hyper_parameters = NULL};
    gnutls_datum_t artifact = {NULL, 0};
    json_t *root = json_loadb(json.p ? json.p : "", json.n, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(root) || !text_of(root, "format").n) {
        json_decref(root);
        return ax_fail(diag, AX_INVALID, "is no file of `auspex models export`");
    }
    enum ax_err err = ax_str_eq(text_of(root, "format"), ax_str(AX_BUNDLE_FORMAT))
                          ? AX_OK
                          : ax_fail(diag, AX_UNSUPPORTED, "is of another format than " AX_BUNDLE_FORMAT);
    if (err == AX_OK)
        err = read_model(json_object_get(root, "model"), &m, diag);
    if (err == AX_OK)
        err = read_artifact(root, &artifact, diag);
    const struct ax_str bytes = {(const char *)artifact.data, artifact.size};
    if (err == AX_OK && check)
        err = check(ctx, m.draft.name, bytes, diag);
    if (err == AX_OK)
        err = ax_registry_add(r, &m.draft, bytes, by, out, diag);
    if (err == AX_OK)
        (void)snprintf(name, AX_REGISTRY_NAME_MAX + 1, AX_STR_FMT, AX_STR_ARG(m.draft.name));
    gnutls_free(artifact.data);
    free(m.hyper_parameters);
    free(m.scores);
    json_decref(root);
    return err;
}
