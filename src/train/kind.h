/* kind.h: what is fitted beside the pipeline: one table of functions for each kind of model.
 *
 * The way of a model: the pipeline copies what is to be learnt from (the data); fit() makes of that the bytes
 * of a model file (nn/model_file.h), the artifact, in a thread of low priority; build() makes of the artifact
 * what serves, at once, after a restart, and in a replay. So what serves depends on the artifact's bytes
 * alone. */
#ifndef AX_TRAIN_KIND_H
#define AX_TRAIN_KIND_H

#include "base/buf.h"
#include "drift/reference.h"
#include "train/artifacts.h"
#include "train/search.h"
#include "train/validate.h"

#define AX_TRAIN_NAME_MAX 32 /* bytes of a kind's name, with its 0 */

/* Who watches a fit. */
struct ax_fit_progress {
    bool (*goes_on)(void *ctx, double share);
    bool (*stands)(void *ctx, double loss); /* NULL: it does not matter */
    void *ctx;
};

/* To be called every few milliseconds of a fit with the share that is done, 0 to 1. Waits where the fit has
 * used more of the processor than it may. False: nobody wants the model any more, and fit() returns AX_BUSY.
 * NULL is a fit that nobody watches. */
AX_MUST_USE static inline bool ax_fit_goes_on(const struct ax_fit_progress *p, double share)
{
    return !p || p->goes_on(p->ctx, share);
}

/* To be called by kinds that are searched for hyper-parameters, with the loss on held-out data each time that
 * it is known. False as above. */
AX_MUST_USE static inline bool ax_fit_stands(const struct ax_fit_progress *p, double loss)
{
    return !p || !p->stands || p->stands(p->ctx, loss);
}

/* Takes one series of the data. AX_NOMEM, which ends the visit. */
typedef enum ax_err ax_train_see(void *ctx, const struct ax_validation_series *s);

/* What a fit has to say of itself; all from the artifact. NaN where a kind has nothing to say. */
struct ax_fit_scores {
    int64_t from_ms, until_ms; /* times of the first and the last sample that it learnt from */
    double samples;            /* rows that it learnt from */
    double loss;               /* on later data than it learnt from; what else they decided says the kind */
    double skill;              /* 1 - error / error of the naive model, on those data */
};

/* The table of a kind; a constant. */
struct ax_train_kind {
    const char *name; /* as in "<job>/<name>" and the label `model`; a word */

    /* Learn from data; the artifact is appended to an empty buffer. The same data and seed give the same
     * bytes. AX_NOTREADY: too little of it, or nothing can be learnt. AX_NUMERIC, AX_LIMIT, AX_NOMEM,
     * AX_BUSY; all with a text. Any thread; touches nothing but data, which only it uses meanwhile. */
    enum ax_err (*fit)(void *data, uint64_t seed, const struct ax_fit_progress *progress,
                       struct ax_buf *artifact, struct ax_diag *diag);

    /* Give the data back. Any thread. */
    void (*free_data)(void *data);

    /* Build what serves. spec is what the job wants: AX_CONFLICT, with the reason, for an artifact that
     * learnt something else (other features); AX_CORRUPT, AX_UNSUPPORTED, AX_NOMEM, with a text. */
    enum ax_err (*build)(const void *spec, struct ax_str artifact, void **model, struct ax_fit_scores *scores,
                         struct ax_diag *diag);

    /* Give a model back. */
    void (*free_model)(void *model);

    /* What an artifact learnt from, for tests of drift; *out is NULL when it does not say it. AX_CORRUPT,
     * AX_NOMEM, with a text. NULL: none of the kind says it. */
    enum ax_err (*references)(struct ax_str artifact, struct ax_drift_references **out, struct ax_diag *diag);

    /* What a model was made of, from the data that fit() has learnt from, and what it scored; where its
     * artifact is no model file. The seed is filled in. NULL: it is one. */
    void (*lineage)(const void *data, struct ax_artifact_lineage *out);

    /* Show every series of the data, to be validated before a fit (train/check.h). NULL: they are not. */
    enum ax_err (*each)(const void *data, ax_train_see *see, void *ctx);

    /* What people have said of the data, to be told of before they are shown (ax_validation_labels()). NULL:
     * nothing. */
    void (*told)(const void *data, struct ax_validation *v);

    /* What a fit says of itself, from its artifact. AX_CORRUPT, AX_NOMEM, with a text. Of kinds that can be
     * searched for. */
    enum ax_err (*scores)(struct ax_str artifact, struct ax_fit_scores *out, struct ax_diag *diag);

    /* What can be searched for, and how a fit of these data is to have it; none: NULL and 0. */
    const struct ax_search_param *params;
    uint32_t params_n;
    void (*set)(void *data, const double *x);

    /* From the one to the other all fits are of the same rows, whatever set() says, so that their losses can
     * be compared, and within so many bytes; one that cannot be is AX_NOTREADY. NULL: that is so without. */
    void (*begin_search)(void *data, uint64_t bytes_max);
    void (*end_search)(void *data);

    /* The block of a job that has keys of these names, with %s in the place of them; NULL: none. */
    const char *block;
};

#endif
