/* draft.c: what is asked of a version before it is registered, and what is new about it. */
#include "registry/registry_priv.h"

#include <jansson.h>

/* A JSON object of at most AX_REGISTRY_TEXT_MAX bytes, or nothing; NULL with a text. */
static json_t *object_of(struct ax_str text, const char *what, struct ax_diag *diag)
{
    json_error_t error;
    json_t *o = text.n ? json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error) : json_object();
    if (json_is_object(o))
        return o;
    (void)ax_fail(diag, AX_INVALID, "the %s must be a JSON object%s%s", what, o || !text.n ? "" : ": ",
                  o || !text.n ? "" : error.text);
    json_decref(o);
    return NULL;
}

static enum ax_err check_scores(struct ax_str text, struct ax_diag *diag)
{
    const char *key;
    json_t *value, *scores = object_of(text, "scores", diag);
    enum ax_err err = scores ? AX_OK : AX_INVALID;
    json_object_foreach(scores, key, value) if (!json_is_number(value)) err =
        ax_fail(diag, AX_INVALID, "score '%.64s' must be a number", key);
    json_decref(scores);
    return err;
}

static bool name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':' || (unsigned char)c >= 0x80;
}

/* <job>/<kind>; a job's name may hold anything that is printed, the kind is a word. */
static enum ax_err check_name(struct ax_str name, struct ax_diag *diag)
{
    size_t slash = name.n;
    while (slash > 0 && name.p[slash - 1] != '/')
        slash--;
    bool good = slash > 1 && slash < name.n && name.n <= AX_REGISTRY_NAME_MAX && ax_str_utf8(name);
    for (size_t i = slash; good && i < name.n; i++)
        good = name_byte(name.p[i]);
    for (size_t i = 0; good && i < name.n; i++)
        good = (unsigned char)name.p[i] >= 0x20 && name.p[i] != 0x7f;
    return good ? AX_OK
                : ax_fail(diag, AX_INVALID,
                          "'%.*s' is no name of a model: it is <job>/<kind>, in UTF-8, of at most %d bytes",
                          (int)(name.n < 100 ? name.n : 100), name.p, AX_REGISTRY_NAME_MAX);
}

enum ax_err ax_draft_check(const struct ax_model_draft *d, struct ax_str artifact, struct ax_diag *diag)
{
    const struct ax_str texts[] = {d->features_hash, d->config_hash, d->hyper_parameters, d->scores,
                                   d->change};
    enum ax_err err = check_name(d->name, diag);
    for (size_t i = 0; err == AX_OK && i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].n > AX_REGISTRY_TEXT_MAX)
            err = ax_fail(diag, AX_LIMIT, "a text of a version has at most %d bytes", AX_REGISTRY_TEXT_MAX);
        else if (!ax_str_utf8(texts[i]))
            err = ax_fail(diag, AX_INVALID, "the texts of a version must be UTF-8");
    }
    if (err == AX_OK && artifact.n == 0)
        err = ax_fail(diag, AX_INVALID, "a version without an artifact cannot be registered");
    if (err == AX_OK && artifact.n > AX_REGISTRY_ARTIFACT_MAX)
        err = ax_fail(diag, AX_LIMIT, "an artifact has at most %u MiB", AX_REGISTRY_ARTIFACT_MAX >> 20);
    if (err == AX_OK) {
        json_t *hyper = object_of(d->hyper_parameters, "hyper-parameters", diag);
        err = hyper ? check_scores(d->scores, diag) : AX_INVALID;
        json_decref(hyper);
    }
    return err;
}

/* The same JSON, however it is spaced and ordered. */
static bool same_json(struct ax_str a, struct ax_str b)
{
    json_t *x = object_of(a, "", NULL), *y = object_of(b, "", NULL);
    const bool same = x && y && json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return same;
}

enum ax_difference ax_draft_difference(const struct ax_model_draft *d, const struct ax_model_draft *parent)
{
    if (!parent)
        return AX_DIFFERS_ALL;
    if (!ax_str_eq(d->features_hash, parent->features_hash))
        return AX_DIFFERS_FEATURES;
    if (!ax_str_eq(d->config_hash, parent->config_hash) ||
        !same_json(d->hyper_parameters, parent->hyper_parameters))
        return AX_DIFFERS_SETTINGS;
    return AX_DIFFERS_DATA;
}

/* "; wape 0.12 (was 0.13)" for each score; what was found of the data, and in a search, is on the card alone.
 */
static void put_scores(struct ax_str now, struct ax_str before, struct ax_buf *out)
{
    const char *key;
    json_t *value, *a = object_of(now, "", NULL), *b = object_of(before, "", NULL);
    json_object_foreach(a, key, value)
    {
        const json_t *was = json_object_get(b, key);
        if (strncmp(key, "data_", 5) == 0 || strncmp(key, "search_", 7) == 0)
            continue;
        ax_buf_printf(out, "; %s %.4g", key, json_number_value(value));
        if (json_is_number(was))
            ax_buf_printf(out, " (was %.4g)", json_number_value(was));
    }
    json_decref(a);
    json_decref(b);
}

void ax_draft_change(const struct ax_model_draft *d, const struct ax_model_draft *parent, struct ax_buf *out)
{
    static const char *const texts[] = {"trained on newer data", "other hyper-parameters or configuration",
                                        "other features", "first version"};
    if (d->change.n) {
        ax_buf_str(out, d->change);
        return;
    }
    ax_buf_str(out, ax_str(texts[ax_draft_difference(d, parent)]));
    put_scores(d->scores, parent ? parent->scores : ax_str(""), out);
}
