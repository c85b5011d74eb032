/* trials.h: what people ask of the models of running jobs: how a trial stands, and that one is fitted.
 *
 * A model is named as in the registry: <job>/<kind>, with :<feature> behind it for that of a feature.
 * Thread-safe; calls wait for a step that is running. */
#ifndef AX_PIPELINE_TRIALS_H
#define AX_PIPELINE_TRIALS_H

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

/* Let a fit begin after the job's next step, whatever the schedule says. AX_NOTFOUND, AX_NOTREADY. */
AX_MUST_USE enum ax_err ax_pipeline_retrain(struct ax_pipeline *p, struct ax_str model, struct ax_diag *diag);

#endif
