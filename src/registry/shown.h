/* shown.h: versions as people and programs see them: JSON, a model card, a comparison, a file to take along.
 *
 * Times are Unix seconds. JSON is a new reference for the caller. Errors are those of registry.h. */
#ifndef AX_REGISTRY_SHOWN_H
#define AX_REGISTRY_SHOWN_H

#include "registry/registry.h"

#include <jansson.h>

#define AX_BUNDLE_FORMAT "auspex-model-1"

/* {name, version, stage, alias, ...}: all of a version. NULL when out of memory. */
json_t *ax_model_json(const struct ax_model_version *v);

/* {"seq", "timestamp", "who", "action", "model", "version", "detail", "previous", "hash"}. */
json_t *ax_audit_json(const struct ax_audit_entry *e);

/* The card of a version: what ax_model_json() has, and "history", its entries of the audit log. */
AX_MUST_USE enum ax_err ax_model_card(struct ax_registry *r, struct ax_str name, struct ax_str which,
                                      json_t **out, struct ax_diag *diag);

/* The same as Markdown, from that JSON. */
void ax_model_card_markdown(const json_t *card, struct ax_buf *out);

/* Two versions side by side: {"model", "a", "b", "scores": [{"score", "a", "b", "change"}], "differences":
 * [{"what", "a", "b"}]}. change is b / a - 1; null where there is none. */
AX_MUST_USE enum ax_err ax_model_compare(struct ax_registry *r, struct ax_str name, struct ax_str a,
                                         struct ax_str b, json_t **out, struct ax_diag *diag);

/* A version with its artifact in base64: {"format", "model", "artifact"}. */
AX_MUST_USE enum ax_err ax_model_export(struct ax_registry *r, struct ax_str name, struct ax_str which,
                                        json_t **out, struct ax_diag *diag);

/* Looks at what is to be imported: a model's name and its artifact. An error, with a text, refuses it. */
typedef enum ax_err ax_import_check(void *ctx, struct ax_str name, struct ax_str artifact,
                                    struct ax_diag *diag);

/* Register what ax_model_export() made, in development, under its name and a number of this registry;
 * the name is written too. AX_INVALID when it is none, AX_CORRUPT when the artifact is not the one that it
 * says, AX_UNSUPPORTED, and what check says (NULL: anything will do). */
AX_MUST_USE enum ax_err ax_model_import(struct ax_registry *r, struct ax_str json,
                                        const struct ax_registry_by *by, ax_import_check *check, void *ctx,
                                        char name[AX_REGISTRY_NAME_MAX + 1], struct ax_model_ref *out,
                                        struct ax_diag *diag);

#endif
