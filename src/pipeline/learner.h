/* learner.h: a model that a job shares among its series or entities, and that is fitted beside it
 * (src/train).
 *
 * It knows when a fit is due, hands a copy of the past over, and swaps the finished generation in between two
 * steps. Only what the live generation is belongs to the state that lasts; a fit on its way is begun anew
 * after a restart. Who serves by it reads `live`. Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_LEARNER_H
#define AX_PIPELINE_LEARNER_H

#include "pipeline/outlet.h"
#include "train/generation.h"
#include "train/queue.h"

#define AX_LEARNER_OUTPUTS 4 /* model_training_* */

/* What a fit is to learn from; nothing when data is NULL. */
struct ax_past_copy {
    void *data;     /* for ax_train_kind.fit() */
    uint64_t bytes; /* of it */
};

/* What a learner is made with; all of it outlives it. */
struct ax_learner_spec {
    const struct ax_train_kind *kind;
    struct ax_training *training;         /* NULL: nothing is fitted (a rehearsal) */
    const struct ax_artifacts *artifacts; /* NULL, or without get(): none is found again */
    const char *job;                      /* its name */
    const char *feature;                  /* "" for the job's own expression, and for entities */
    const void *build;                    /* the spec of ax_train_kind.build() */
    int64_t step_ms, every_ms;            /* of the job; between two fits */
    uint64_t seed;

    /* Copy what a fit is to learn from, as of step t_ms, into at most bytes_max. AX_NOTREADY while there is
     * too little, which must be cheap to find out; AX_NOMEM. */
    enum ax_err (*copy)(void *ctx, int64_t t_ms, uint64_t bytes_max, struct ax_past_copy *out);
    void *ctx;
};

/* See above. */
struct ax_learner {
    struct ax_learner_spec spec;
    struct ax_generation *live; /* NULL before the first */
    struct ax_fit *fit;         /* on its way, or NULL */
    struct ax_generation *next; /* finished, and not yet live */
    int64_t asked_ms;           /* step at which the newest fit was begun */
    int64_t look_ms;            /* no fit is begun before this step, because one failed */
    int64_t newest_ms; /* up to when the newest fit learnt, whether it serves or not; INT64_MIN: not known */
    uint64_t changes;  /* of the store, when its champion was last looked at */
    bool looked;       /* at the champion */
    uint32_t failures; /* in a row */
    struct ax_outlet outlets[AX_LEARNER_OUTPUTS];
    struct ax_learner *after; /* of its job, in the order in which they were added */
};

/* One without a generation. */
void ax_learner_init(struct ax_learner *l, const struct ax_learner_spec *spec);

/* Call off what runs and let go of what serves. */
void ax_learner_done(struct ax_learner *l);

/* After step t_ms: begin a fit if one is due. */
void ax_learner_offer(struct ax_learner *l, int64_t t_ms);

/* Is there a generation that is to be live and is not: a finished one, or another champion of the store (one
 * that was promoted, or returned to by a rollback)? It is built by this call. */
bool ax_learner_ready(struct ax_learner *l);

/* Let it be live; ax_learner_ready() has said that it is there. */
void ax_learner_swap(struct ax_learner *l);

/* Let the artifact of that SHA-256 be live, as a record of the log or a snapshot says: if it cannot be had it
 * is counted and logged, and the model serves nothing until the next fit. AX_NOMEM alone: nothing has
 * changed. */
AX_MUST_USE enum ax_err ax_learner_restore(struct ax_learner *l, struct ax_str sha256);

/* Feed what is said of the live generation at t_ms. */
void ax_learner_emit(struct ax_learner *l, struct ax_outlets *outlets, int64_t t_ms);

/* Do something to its outlets. */
void ax_learner_outlets(struct ax_learner *l, struct ax_outlets *outlets, const struct ax_outlet_deed *deed);

/* Append what is live. */
void ax_learner_save(const struct ax_learner *l, struct ax_buf *out);

/* Read that back, as ax_learner_restore(). AX_NOMEM, or what is wrong with in. */
AX_MUST_USE enum ax_err ax_learner_load(struct ax_learner *l, struct ax_bytes *in);

#endif
