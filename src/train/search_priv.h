/* search_priv.h: the inside of a search, shared by its files. */
#ifndef AX_TRAIN_SEARCH_PRIV_H
#define AX_TRAIN_SEARCH_PRIV_H

#include "base/rng.h"
#include "train/search.h"

#define AX_SEARCH_CHOICES_MAX 64

/* One trial; value is NaN unless it has one. */
struct ax_search_trial {
    double x[AX_SEARCH_PARAMS_MAX];
    double value;
    double steps[AX_SEARCH_STEPS_MAX];
    uint32_t steps_n;
    enum ax_search_end end;
};

/* trials[n] is the one on its way, when there is one. */
struct ax_search {
    struct ax_search_spec spec;
    struct ax_search_param params[AX_SEARCH_PARAMS_MAX];
    struct ax_search_trial *trials;
    uint32_t n, cap;
};

/* search_tpe.c: what the estimator asks for next. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_search_estimate(const struct ax_search *s, struct ax_rng *rng, double *x);

#endif
