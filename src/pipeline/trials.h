/* trials.h: what people ask of the models of running jobs: how a trial and a fit stand, and that one is
 * called off.
 *
 * A model is named as in the registry: <job>/<kind>, with :<feature> behind it for that of a feature.
 * Thread-safe; calls wait for a step that is running. */
#ifndef AX_PIPELINE_TRIALS_H
#define AX_PIPELINE_TRIALS_H

#include "pipeline/learner.h"
#include "pipeline/pipeline.h"
#include "train/trial.h"

/* How it stands. */
struct ax_trial_view {
    struct ax_roles roles;
    struct ax_comparison result; /* of the newer one with the older one; n 0 before the first pair */
    const char *measure;         /* what is compared: "loss", "alarms", "average_precision" */
    uint32_t samples;
};

/* Look at a model's trial. AX_NOTFOUND: no running job has such a model; AX_NOTREADY: it is still being
 * restored; with a text. */
AX_MUST_USE enum ax_err ax_pipeline_trial(struct ax_pipeline *p, struct ax_str model,
                                          struct ax_trial_view *out, struct ax_diag *diag);

/* How the fits of a model stand. AX_NOTFOUND, AX_NOTREADY, as above. */
AX_MUST_USE enum ax_err ax_pipeline_fit(struct ax_pipeline *p, struct ax_str model, struct ax_fit_view *out,
                                        struct ax_diag *diag);

/* How those of a model of a job stand, both by their places in the config and in the job: as of the end of
 * the job's newest step, place and share as of now. False when there is no such one. Never waits for a step.
 */
bool ax_pipeline_job_fit(struct ax_pipeline *p, uint32_t job, uint32_t model, struct ax_fit_view *out);

/* Would the running job of a model be able to serve by that artifact? AX_NOTFOUND: there is no such model;
 * AX_NOTREADY; else what building it says: AX_CORRUPT, AX_CONFLICT (other features), AX_NOMEM; with a text.
 */
AX_MUST_USE enum ax_err ax_pipeline_try(struct ax_pipeline *p, struct ax_str model, struct ax_str artifact,
                                        struct ax_diag *diag);

/* Call a fit off: one that is asked for, waits or runs, which is what it was just before. Who keeps that it
 * was asked for (ax_registry_cancel()) is to be told. AX_CONFLICT: there is none, or what it gave is being
 * kept already. AX_NOTFOUND, AX_NOTREADY. */
AX_MUST_USE enum ax_err ax_pipeline_cancel(struct ax_pipeline *p, struct ax_str model,
                                           struct ax_fit_view *out, struct ax_diag *diag);

#endif
