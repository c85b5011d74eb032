/* train_fit.h: the models of a training: validated, searched for and fitted, several at a time.
 *
 * Each model is one task, by one thread: its data are checked (train/validate.h); it is fitted as it usually
 * is; then, if that is asked for, hyper-parameters are searched for (train/search.h), and the best fit stays.
 * What comes out depends on the task alone, not on how many run beside it. */
#ifndef AX_APP_TRAIN_FIT_H
#define AX_APP_TRAIN_FIT_H

#include "pipeline/learner.h"
#include "train/check.h"
#include "train/tuning.h"

/* How to train. */
struct ax_train_how {
    struct ax_validation_rule validation;
    struct ax_validation told; /* what is known of all data together: order, labels */
    uint32_t threads;          /* at least 1 */
    double cpu_share;          /* of a core that a thread may use, in (0, 1] */
    uint32_t trials;           /* of a search, beside the usual fit; 0: none */
    int64_t search_ms;         /* no trial begins after so long; 0: no limit */
    bool random;               /* search */
    uint64_t bytes_max;        /* of the data of a model, and what its fits take */
    const char
        *states; /* folder, where a search is saved after each trial and goes on from; NULL: it is not */
};

/* One model; what it is made with lives as long. */
struct ax_train_task {
    const struct ax_learner_spec *spec;
    struct ax_learner *learner;
    void *data;         /* for the kind; given back by ax_train_task_done() */
    enum ax_err copied; /* AX_NOTREADY: there is too little to learn from */

    /* What came of it. */
    enum ax_err err;
    struct ax_diag diag; /* why there is no artifact */
    bool validated;
    struct ax_validation_finding findings[AX_VALIDATION_CHECKS];
    struct ax_buf artifact;
    struct ax_fit_scores scores;
    double usual_loss, best_loss; /* of the usual parameters and of the best, in the search; NaN: none */
    struct ax_search *search;     /* NULL: none */
    bool chosen;                  /* the artifact is that of a trial: */
    double x[AX_SEARCH_PARAMS_MAX];
    double seconds;                     /* of the processor */
    struct ax_artifact_lineage lineage; /* where the kind has it */
};

/* Train all of them. */
void ax_train_all(struct ax_train_task *tasks, uint32_t n, const struct ax_train_how *how);

/* Free what a task holds. */
void ax_train_task_done(struct ax_train_task *t);

#endif
