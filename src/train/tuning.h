/* tuning.h: the search for hyper-parameters of one fit: trials on the same rows as what is usual, and the
 * best of all.
 *
 * For whoever fits beside the service (train/queue.h) and by command. Which trials there are, and what comes
 * out, depends on the data and the seed alone, but for a limit of time; one that was saved and loaded goes
 * on. One owner. */
#ifndef AX_TRAIN_TUNING_H
#define AX_TRAIN_TUNING_H

#include "train/kind.h"

/* How long to search. */
struct ax_tuning_rule {
    uint32_t trials;    /* beside what is usual; 0: there is no search */
    int64_t time_ms;    /* no trial begins after so long; 0: no limit */
    bool random;        /* no estimator */
    uint64_t bytes_max; /* of the data, and what a fit takes */
};

/* Who fits. */
struct ax_tuning_owner {
    /* One fit of the data as they are set, into an empty buffer, which is empty when it fails; its watcher
     * asks ax_tuning_stands(). AX_BUSY when it was called off or given up, and as ax_train_kind.fit(). */
    enum ax_err (*fit)(void *ctx, struct ax_buf *artifact, struct ax_fit_scores *scores,
                       struct ax_diag *diag);
    /* Does anybody want it still? NULL: yes. */
    bool (*wanted)(void *ctx);
    /* Read trials of before back, if there are any; save those that ended, after each. NULL: they are not. */
    void (*load)(void *ctx, struct ax_search *s);
    void (*save)(void *ctx, const struct ax_search *s);
    /* A trial has ended: others may have their turn. How long that took, in ns, which is no part of the time
     * of the search. NULL: there is nobody. */
    int64_t (*pause)(void *ctx);
    void *ctx;
};

/* Zero-initialise; fill kind, data, rule, owner and seed (of the search), and artifact and scores with the
 * fit that is usual. */
struct ax_tuning {
    const struct ax_train_kind *kind;
    void *data;
    struct ax_tuning_rule rule;
    struct ax_tuning_owner owner;
    uint64_t seed;
    struct ax_buf artifact;      /* of the best */
    struct ax_fit_scores scores; /* its own */
    struct ax_buf usual;         /* what is usual, while a trial is best; private */
    struct ax_fit_scores usual_scores;
    double usual_loss, best_loss; /* on the rows of the search; infinite while nothing was fitted on them */
    struct ax_search *search;     /* its trials; to be freed */
    bool chosen;                  /* the artifact is that of a trial: */
    double x[AX_SEARCH_PARAMS_MAX];
    bool searching, pruned; /* a trial is on; it was given up */
};

/* Search. The artifact is the best one when it returns AX_OK, else that of what is usual.
 * AX_BUSY: nobody wants it any more. As ax_search_new() and ax_train_kind.fit(). */
AX_MUST_USE enum ax_err ax_tune(struct ax_tuning *t, struct ax_diag *diag);

/* How the fit that is on stands; false: it is not worth going on (ax_fit_progress.stands()). */
bool ax_tuning_stands(struct ax_tuning *t, double loss);

/* A seed for a search of these data: trials of others say nothing of them. */
uint64_t ax_tuning_seed(const struct ax_train_kind *kind, const void *data, uint64_t seed);

#endif
