/* ensemble_member.h: the table of functions that each detector of an ensemble fills.
 *
 * Rows are normalised: 0 is the middle of a feature, 1 its usual spread. A model is immutable once fitted. */
#ifndef AX_ANOMALY_ENSEMBLE_MEMBER_H
#define AX_ANOMALY_ENSEMBLE_MEMBER_H

#include "anomaly/ensemble.h"

/* Rows as members see them: context[n][AX_ENSEMBLE_POINTS][p], oldest point first, and its last points,
 * last[n][p]. */
struct ax_ensemble_view {
    uint32_t n, p;
    const float *context, *last;
};

/* How to fit. */
struct ax_ensemble_fit_env {
    uint64_t seed;
    bool extended;
    bool (*cancelled)(void *ctx); /* may be NULL */
    void *ctx;
};

/* The table of a member. A score is a distance, larger is stranger; parts[p] are not below 0, what each
 * feature has to do with it. scratch is aligned to AX_ENSEMBLE_ALIGN. */
struct ax_ensemble_member_ops {
    const char *name;
    enum ax_err (*fit)(const struct ax_ensemble_view *v, const struct ax_ensemble_fit_env *env, void **model,
                       struct ax_diag *diag);
    void (*free)(void *model);
    size_t (*scratch)(const void *model, uint32_t p, uint32_t n);
    void (*score)(const void *model, const struct ax_ensemble_view *v, void *scratch, double *score);
    void (*explain)(const void *model, const struct ax_ensemble_view *one, void *scratch, double *parts);
    void (*save)(const void *model, struct ax_buf *out);
    enum ax_err (*load)(struct ax_bytes *in, uint32_t p, void **model);
};

/* The tables, in the order of enum ax_ensemble_member. */
extern const struct ax_ensemble_member_ops ax_ensemble_members[AX_ENSEMBLE_MEMBERS];

#endif
