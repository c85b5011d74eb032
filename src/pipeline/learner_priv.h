/* learner_priv.h: what the files of a learner share: what it asks of its store and tells (learner_store.c),
 * what the roles are to be (learner_roles.c), and how they become generations (learner_change.c). */
#ifndef AX_PIPELINE_LEARNER_PRIV_H
#define AX_PIPELINE_LEARNER_PRIV_H

#include "pipeline/learner.h"

#define AX_LEARNER_WHY 192 /* bytes of a reason */

/* learner_store.c: has the store roles of its own? */
bool ax_learner_has_standing(const struct ax_learner *l);

/* What the learner's model is, for the store. */
struct ax_artifact_about ax_learner_about(const struct ax_learner *l);

/* Move the store; where it has no roles there is nothing to move. */
enum ax_err ax_learner_move(struct ax_learner *l, enum ax_artifact_move how, const char *sha256,
                            const char *why, struct ax_diag *diag);

/* Count and log what was decided; that it could not be done. */
void ax_learner_tell(const struct ax_learner *l, const char *outcome, const struct ax_role *of,
                     const char *why);
/* As above. */
void ax_learner_tell_failure(const struct ax_learner *l, const struct ax_diag *diag);

/* Count and log what could not be made to serve. */
void ax_learner_refuse(const struct ax_learner *l, enum ax_err err, const char *text);

/* learner_roles.c: what the roles are to be, as ax_learner_ready(), once what was fitted is there. */
bool ax_learner_decide(struct ax_learner *l);

/* learner_change.c: build what the roles need, to be taken by ax_learner_swap(); false when that is nothing
 * new, or cannot be done now. */
bool ax_learner_prepare(struct ax_learner *l, struct ax_roles *want);

#endif
