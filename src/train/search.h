/* search.h: which hyper-parameters are best: trials that are asked for, run by the caller, and told.
 *
 * Random search, and the tree-structured Parzen estimator of J. Bergstra, R. Bardenet, Y. Bengio and B. Kegl,
 * "Algorithms for Hyper-Parameter Optimization", NIPS 2011: of the trials so far the best are one density and
 * the others another, of each parameter alone; of 24 draws from the first the one is tried whose ratio of
 * both is the largest. With the constants of Optuna 4.1 (TPESampler at its defaults: 10 random trials first,
 * the best min(ceil(0.1 n), 25) trials, its bandwidths, its weights of old trials), beside which it is
 * tested.
 *
 * A trial that tells how it stands may be pruned: its best so far is worse than the median of what the
 * trials before had at the same step (D. Golovin et al., "Google Vizier", KDD 2017; Optuna's MedianPruner).
 *
 * Which trial is asked for depends on the seed, its number and what was told of those before it alone: so a
 * search that was saved and loaded goes on as if it had not been interrupted. Less is better. One owner. */
#ifndef AX_TRAIN_SEARCH_H
#define AX_TRAIN_SEARCH_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define AX_SEARCH_PARAMS_MAX 16
#define AX_SEARCH_STEPS_MAX 64 /* of a trial, that are told */
#define AX_SEARCH_TRIALS_MAX 10000

/* How a parameter is drawn. */
enum ax_search_scale {
    AX_SEARCH_LINEAR, /* a number from low to high */
    AX_SEARCH_LOG,    /* the same, evenly over its logarithm */
    AX_SEARCH_WHOLE,  /* a whole number from low to high */
    AX_SEARCH_CHOICE, /* 0 to high - 1, in no order */
};

/* One parameter; the name is a word of at most 32 bytes that outlives the search. */
struct ax_search_param {
    const char *name;
    enum ax_search_scale scale;
    double low, high;
};

/* How to search; zero-initialised fields take the defaults named. */
struct ax_search_spec {
    const struct ax_search_param *params; /* copied */
    uint32_t params_n;                    /* 1 to AX_SEARCH_PARAMS_MAX */
    bool random;                          /* no estimator */
    uint64_t seed;
    uint32_t random_first; /* 10: trials before the estimator is used */
    uint32_t prune_after;  /* 5: trials that ended before one is pruned */
    uint32_t prune_steps;  /* steps of a trial before it is pruned; 0 */
};

struct ax_search;

/* A search without trials. AX_INVALID with a text for parameters that cannot be; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_search_new(const struct ax_search_spec *spec, struct ax_search **out,
                                      struct ax_diag *diag);

/* Free; NULL is fine. */
void ax_search_free(struct ax_search *s);

/* Begin the next trial: x[params_n]. One at a time. AX_LIMIT after AX_SEARCH_TRIALS_MAX, AX_NOMEM. O(trials).
 */
AX_MUST_USE enum ax_err ax_search_ask(struct ax_search *s, double *x);

/* How the trial stands after one more step of it (an epoch); a value that is not finite is the worst. True:
 * it is not worth going on, and ax_search_tell() ends it. */
bool ax_search_report(struct ax_search *s, double value);

/* How a trial ended. */
enum ax_search_end {
    AX_SEARCH_DONE,   /* with a value */
    AX_SEARCH_PRUNED, /* with that of its last step, of which the estimator learns too */
    AX_SEARCH_FAILED, /* with nothing: it counts as one of the bad ones */
};

/* End the trial. */
void ax_search_tell(struct ax_search *s, enum ax_search_end end, double value);

/* Trials that ended in any way. */
uint32_t ax_search_trials(const struct ax_search *s);

/* Those that ended in one. */
uint32_t ax_search_count(const struct ax_search *s, enum ax_search_end end);

/* The best trial that was done: its number, parameters and value. AX_NOTFOUND: none was. */
AX_MUST_USE enum ax_err ax_search_best(const struct ax_search *s, uint32_t *trial, double *x, double *value);

/* One trial that ended, for a report; values are NaN where it failed. */
void ax_search_trial(const struct ax_search *s, uint32_t i, double *x, enum ax_search_end *end,
                     double *value);

/* Append the trials that ended. */
void ax_search_save(const struct ax_search *s, struct ax_buf *out);

/* Read them back into a search without trials. AX_CONFLICT with a text when they are of other parameters or
 * of another seed; AX_CORRUPT, AX_NOMEM; then it has none. */
AX_MUST_USE enum ax_err ax_search_load(struct ax_search *s, struct ax_str bytes, struct ax_diag *diag);

#endif
