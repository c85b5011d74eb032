/* ensemble_member.h: the table of functions that each detector of an ensemble fills.
 *
 * Rows are normalised: 0 is the middle of a feature, 1 its usual spread. A model is immutable once fitted. */
#ifndef AX_ANOMALY_ENSEMBLE_MEMBER_H
#define AX_ANOMALY_ENSEMBLE_MEMBER_H

#include "anomaly/ensemble.h"

/* Rows as members see them: context[n][points][p], oldest point first, and its last points, last[n][p]. To
 * learn from, with the time at which each ends, in points, when[n]: of all entities, and whatever order they
 * are in. */
struct ax_ensemble_view {
    uint32_t n, p, points;
    const float *context, *last;
    const uint32_t *when;
};

/* Some of the rows of a view, their contexts alone. */
struct ax_ensemble_some {
    uint32_t n;
    float *context;
    uint32_t *when;
};

/* One of so many rows of a view to learn from that they are at most `most` (> 0). AX_NOMEM; then there is
 * nothing to free, else ax_ensemble_some_done() is to be called. */
AX_MUST_USE enum ax_err ax_ensemble_some_of(const struct ax_ensemble_view *v, uint32_t most,
                                            struct ax_ensemble_some *out, struct ax_diag *diag);

/* Free them; what has none is fine. */
void ax_ensemble_some_done(struct ax_ensemble_some *s);

/* How to fit. */
struct ax_ensemble_fit_env {
    uint64_t seed;
    bool extended;
    bool (*cancelled)(void *ctx); /* may be NULL */
    void *ctx;
};

/* What a model of rows is made for. */
struct ax_ensemble_shape {
    uint32_t p, points;
};

/* The table of a member. A score is a distance, larger is stranger; parts[p] are not below 0, what each
 * feature has to do with it; `least` is the lowest level that a distance is compared with. scratch is aligned
 * to AX_ENSEMBLE_ALIGN. */
struct ax_ensemble_member_ops {
    const char *name;
    double least;
    enum ax_err (*fit)(const struct ax_ensemble_view *v, const struct ax_ensemble_fit_env *env, void **model,
                       struct ax_diag *diag);
    void (*free)(void *model);
    size_t (*scratch)(const void *model, uint32_t p, uint32_t n);
    void (*score)(const void *model, const struct ax_ensemble_view *v, void *scratch, double *score);
    void (*explain)(const void *model, const struct ax_ensemble_view *one, void *scratch, double *parts);
    void (*save)(const void *model, struct ax_buf *out);
    enum ax_err (*load)(struct ax_bytes *in, const struct ax_ensemble_shape *shape, void **model);
};

/* ensemble_sequence.c: the LSTM autoencoder. */
extern const struct ax_ensemble_member_ops ax_ensemble_sequence;

/* The tables, in the order of enum ax_ensemble_member. */
extern const struct ax_ensemble_member_ops *const ax_ensemble_members[AX_ENSEMBLE_MEMBERS];

#endif
