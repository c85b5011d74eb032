/* learner_store.c: what a learner asks of its store, and what it tells. */
#include "base/log.h"
#include "base/metrics.h"
#include "pipeline/learner_priv.h"

#include <string.h>

/* Has the store roles of its own? */
bool ax_learner_has_standing(const struct ax_learner *l)
{
    const struct ax_artifacts *a = l->spec.artifacts;
    return l->spec.training && a && a->standing && a->settle && a->move && a->may_serve && a->changes;
}

struct ax_artifact_about ax_learner_about(const struct ax_learner *l)
{
    return (struct ax_artifact_about){.job = l->spec.job,
                                      .kind = l->spec.kind->name,
                                      .feature = l->spec.feature,
                                      .tried = l->spec.rule.shadows};
}

void ax_learner_refuse(const struct ax_learner *l, enum ax_err err, const char *text)
{
    const char *reason = err == AX_NOTFOUND   ? "missing"
                         : err == AX_CONFLICT ? "other_features"
                         : err == AX_NOMEM    ? "memory"
                                              : "damaged";
    ax_metric_count(AX_M_TRAINING_FAILURES, l->spec.job, reason);
    ax_log_about(AX_LOG_ERROR, "model_refused", ax_str(l->spec.job),
                 "job %s: a version of %s cannot be used: %s", l->spec.job, l->spec.kind->name, text);
}

/* Tell the store that what was asked for is done; what it does not take now is told again. */
static void settle(struct ax_learner *l, const struct ax_artifact_about *of)
{
    const struct ax_artifacts *store = l->spec.artifacts;
    struct ax_diag diag = {{0}};
    if (!l->settles)
        return;
    const enum ax_err err = store->settle(store->ctx, of, &diag);
    l->settles = err != AX_OK;
    if (err != AX_OK)
        ax_log(AX_LOG_WARN, "training_not_settled", "job %s: %s: %s", l->spec.job, l->spec.kind->name,
               diag.text);
}

bool ax_learner_look(struct ax_learner *l)
{
    const struct ax_artifacts *store = l->spec.artifacts;
    const struct ax_artifact_about of = ax_learner_about(l);
    struct ax_diag diag = {{0}};
    if (!ax_learner_has_standing(l))
        return false;
    settle(l, &of);
    const uint64_t changes = store->changes(store->ctx);
    if (l->looked && changes == l->changes)
        return l->answered;
    const enum ax_err err = store->standing(store->ctx, &of, &l->standing, &diag);
    if (err != AX_OK && err != AX_NOTFOUND)
        ax_log(AX_LOG_ERROR, "champion_unknown", "job %s: %s: %s", l->spec.job, l->spec.kind->name,
               diag.text);
    l->changes = changes;
    l->looked = err == AX_OK || err == AX_NOTFOUND; /* else it is looked at again */
    l->tells = true;
    l->answered = err == AX_OK;
    l->refused[0] = '\0';
    if (l->answered && l->standing.newest_ms > 0)
        l->newest_ms = l->standing.newest_ms;
    if (l->standing.asked && !l->asked && !l->settles && l->fits.begun != AX_FIT_MANUAL)
        ax_learner_ask(l);
    return l->answered;
}

/* Move the store; where it has no roles there is nothing to move. */
enum ax_err ax_learner_move(struct ax_learner *l, enum ax_artifact_move how, const char *sha256,
                            const char *why, struct ax_diag *diag)
{
    const struct ax_artifact_about of = ax_learner_about(l);
    const struct ax_artifacts *store = l->spec.artifacts;
    return ax_learner_has_standing(l) ? store->move(store->ctx, &of, how, sha256, why, diag) : AX_OK;
}

void ax_learner_tell(const struct ax_learner *l, const char *outcome, const struct ax_role *of,
                     const char *why)
{
    ax_metric_count(AX_M_MODEL_DECISIONS, l->spec.job, outcome);
    ax_log(strcmp(outcome, "rolled_back") == 0 ? AX_LOG_WARN : AX_LOG_INFO, "model_decided",
           "job %s: version %s of %s is %s: %s", l->spec.job, of->version, l->spec.kind->name, outcome, why);
}

void ax_learner_tell_failure(const struct ax_learner *l, const struct ax_diag *diag)
{
    ax_log_about(AX_LOG_WARN, "model_not_moved", ax_str(l->spec.job),
                 "job %s: what was decided of %s cannot be done now: %s", l->spec.job, l->spec.kind->name,
                 diag->text);
}

void ax_learner_flag(struct ax_learner *l, const char *why)
{
    const struct ax_artifacts *store = l->spec.artifacts;
    const struct ax_artifact_about of = ax_learner_about(l);
    struct ax_diag diag = {{0}};
    if (!ax_learner_has_standing(l) || !store->note || !l->live || strcmp(l->flagged, l->live->sha256) == 0)
        return;
    const enum ax_err err = store->note(store->ctx, &of, l->live->sha256, "parity", why, &diag);
    if (err != AX_OK && err != AX_CONFLICT)
        ax_learner_tell_failure(l, &diag); /* and tries again at the next step */
    if (err != AX_OK)
        return;
    memcpy(l->flagged, l->live->sha256, sizeof l->flagged);
    ax_log_about(AX_LOG_WARN, "groups_unlike", ax_str(l->spec.job), "job %s: %s", l->spec.job, why);
}
