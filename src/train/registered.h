/* registered.h: artifacts in the registry of models: each fit is a version, and the champion is what serves.
 *
 * A model is named <job>/<kind>, with :<feature> behind it for that of a feature. What a model file
 * (nn/model_file.h) says of itself becomes the lineage of its version; of other artifacts the kind alone is
 * known. A new version goes to production at once, unless the registry asks for approvals first (it then
 * waits in development), or, where it is to be tried, to staging beside the champion. So who replaced whom is
 * known and a rollback has where to go. */
#ifndef AX_TRAIN_REGISTERED_H
#define AX_TRAIN_REGISTERED_H

#include "train/artifacts.h"

/* The store; the registry outlives it. */
struct ax_artifacts ax_artifact_registry(struct ax_registry *r);

/* Register an artifact as a version in development, where it stays until somebody promotes it; the same bytes
 * as the newest version's are that version. As ax_registry_add(). */
AX_MUST_USE enum ax_err ax_artifact_register(struct ax_registry *r, const struct ax_artifact_about *about,
                                             struct ax_str bytes, struct ax_model_ref *out,
                                             struct ax_diag *diag);

/* Bring a version that is in development to where a fit of a running process goes: beside the champion to be
 * tried, where there is one and about->tried, else to production; what waits for approvals stays, and one
 * that is elsewhere already. ref is what it is afterwards. As ax_registry_move(). */
AX_MUST_USE enum ax_err ax_artifact_enter(struct ax_registry *r, const struct ax_artifact_about *about,
                                          const struct ax_registry_by *by, struct ax_model_ref *ref,
                                          struct ax_diag *diag);

#endif
