/* learner.h: a model that a job shares among its series or entities, and that is fitted beside it
 * (src/train).
 *
 * It knows when a fit is due, hands a copy of the past over, and gives the generations of the model their
 * roles (train/trial.h): `live` serves, `shadow` is compared with it. Roles change between two steps alone.
 * Where the store of artifacts knows of roles (the registry) it is moved first and followed then: whatever it
 * says, by a decision of the learner, by hand, or before a restart, becomes the roles at the next step. So a
 * crash between the two leaves nothing to repair. The first generation of a model serves at once.
 *
 * Inputs are tested for drift against what `live` has learnt from, or `baseline`: where they have changed,
 * and a challenger that has learnt from them as they are now was no better in its whole trial, the champion
 * is right for them too, and what that challenger has learnt from is what they are measured by from then on.
 * While nothing has drifted the baseline stays, so that it does not follow what drifts slowly.
 *
 * Roles, what was gathered of a trial, and what is known of the fits (pipeline/fits.h) belong to the state
 * that lasts; a fit on its way is begun anew after a restart. That somebody asks for one is kept by the
 * store, until that fit is over. Who serves by it reads `live`, and adds the losses of both to `trial`.
 * Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_LEARNER_H
#define AX_PIPELINE_LEARNER_H

#include "pipeline/fits.h"
#include "pipeline/outlet.h"
#include "train/generation.h"
#include "train/queue.h"
#include "train/trial.h"

/* Outputs of one of the two roles, and of both together. */
enum {
    AX_LEARNER_TIME,
    AX_LEARNER_SAMPLES,
    AX_LEARNER_LOSS,
    AX_LEARNER_SKILL,
    AX_LEARNER_INFO,
    AX_LEARNER_TRIAL_LOSS,
    AX_LEARNER_TRIAL_PRECISION,
    AX_LEARNER_ROLE_OUTPUTS
};
enum {
    AX_LEARNER_PAIRS,
    AX_LEARNER_EFFECT,
    AX_LEARNER_EFFECT_LOWER,
    AX_LEARNER_EFFECT_UPPER,
    AX_LEARNER_P_VALUE,
    AX_LEARNER_ROLLED_BACK,
    AX_LEARNER_BASELINE,
    AX_LEARNER_BOTH_OUTPUTS
};

/* What a fit is to learn from. */
struct ax_past_copy {
    void *data;     /* for ax_train_kind.fit(); NULL: none is worth while now */
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
    struct ax_fits_rule fits;
    uint64_t seed;
    uint64_t config; /* hash of the job's block */
    struct ax_tuning_rule search;
    struct ax_trial_rule rule;

    /* Copy what a fit is to learn from, as of step t_ms, into at most bytes_max. AX_NOTREADY while there is
     * too little, which must be cheap to find out; AX_NOMEM. reason is why it is begun. */
    enum ax_err (*copy)(void *ctx, int64_t t_ms, enum ax_fit_reason reason, uint64_t bytes_max,
                        struct ax_past_copy *out);

    /* Does a newer generation take the place of the one that serves without a trial, because that is no
     * measure of it? NULL: never. */
    bool (*supersedes)(void *ctx, const struct ax_fit_scores *live, const struct ax_fit_scores *newer);
    void *ctx;

    /* How samples came since the process began (ax_validation_order()). NULL: not known. */
    void (*told)(void *job, struct ax_validation *out);

    /* Are the inputs as they are now nearer to what `newer` has learnt from than to `older`? NULL: never. */
    bool (*explains)(void *job, const struct ax_generation *older, const struct ax_generation *newer);
    void *job_ctx;
};

/* Roles that are to be, with their generations. */
struct ax_learner_next {
    bool any;
    struct ax_roles roles;
    struct ax_generation *live, *shadow, *baseline;
};

/* Under which labels the outputs of a role were fed. */
struct ax_learner_shown {
    char version[AX_VERSION_TEXT];
    uint8_t role; /* index of its name; 0: none */
};

/* See above. */
struct ax_learner {
    struct ax_learner_spec spec;
    struct ax_roles roles;
    /* NULL where the role is empty, or its artifact cannot be had. */
    struct ax_generation *live, *shadow, *baseline;
    struct ax_trial trial;
    int64_t rolled_back_ms;      /* step after which that was done; INT64_MIN: never */
    uint32_t age;                /* steps that the job has taken since the roles were given */
    struct ax_fit *fit;          /* on its way, or NULL */
    struct ax_validation told;   /* how samples had come when the newest fit began */
    struct ax_generation *fresh; /* finished, and without a role yet */
    struct ax_learner_next next;
    struct ax_fits fits;
    bool fits_changed; /* since they were recorded */
    bool asked;        /* somebody asks for a fit, and that has not begun */
    enum ax_fit_reason
        short_of_past;  /* of the last one that was to begin, if there was too little to learn from */
    int64_t put_off_ms; /* none begins before this step: there is no room, or too little to learn from */
    bool settles;       /* a fit that was asked for is over, which the store is yet to be told */
    int64_t newest_ms;  /* up to when the newest fit learnt, whether it serves or not; INT64_MIN: not known */
    struct ax_artifact_standing standing; /* as last looked at */
    uint64_t changes;                     /* of the store, then */
    bool looked, answered;                /* at the store; and whether it knew the model */
    bool tells;                           /* the store has changed since a move was refused */
    char refused[AX_SHA256_TEXT];         /* cannot be built: not tried again before the store changes */
    char flagged[AX_SHA256_TEXT]; /* the one of which the card says that it does not serve all groups alike */
    struct ax_learner_shown shown[2]; /* by live and shadow, as of the newest step */
    struct ax_outlet outlets[2][AX_LEARNER_ROLE_OUTPUTS], both[AX_LEARNER_BOTH_OUTPUTS], phases[AX_PHASES];
    struct ax_learner *after; /* of its job, in the order in which they were added */
};

/* One without a generation. */
void ax_learner_init(struct ax_learner *l, const struct ax_learner_spec *spec);

/* Call off what runs and let go of what serves. */
void ax_learner_done(struct ax_learner *l);

/* A step is taken, in service or in a replay: a trial grows older by it, and not while the process is down.
 * Do the data drift, and has the time of a cron line come? */
void ax_learner_age(struct ax_learner *l, bool drifts, bool rings);

/* After step t_ms: begin a fit if one is due, or if something triggers it (AX_FIT_DRIFT, AX_FIT_ACCURACY;
 * AX_FIT_NOT: none). On schedule none is begun during a trial; because of one drift each waits twice as long
 * as the one before. */
void ax_learner_offer(struct ax_learner *l, int64_t t_ms, enum ax_fit_reason trigger);

/* Let a fit begin after the next step, where no store keeps that somebody asks for it. */
void ax_learner_ask(struct ax_learner *l);

/* What becomes of the fits of a model, for people. */
enum ax_fit_stage {
    AX_FITS_IDLE,            /* none is wanted */
    AX_FITS_WANTED,          /* one begins soon */
    AX_FITS_TOO_LITTLE_DATA, /* one begins when there is enough to learn from */
    AX_FITS_QUEUED,
    AX_FITS_RUNNING
};

/* "idle", "wanted", "too_little_data", "queued", "running". */
const char *ax_fit_stage_name(enum ax_fit_stage stage);

/* How they stand. */
struct ax_fit_view {
    char model[AX_MODEL_NAME];
    enum ax_fit_stage stage;
    enum ax_fit_reason reason; /* AX_FIT_NOT when idle */
    uint32_t place;            /* when queued: 1 is the next one */
    double share;              /* of it that is done; 0 also while that is not known */
};

/* Look. */
void ax_learner_view(const struct ax_learner *l, struct ax_fit_view *out);

/* Call off, after step t_ms, the fit that waits, runs or is asked for; false when there is none, or what it
 * gave is being kept already. The store is told to forget that it was asked for at the next look. */
bool ax_learner_cancel(struct ax_learner *l, int64_t t_ms);

/* Are roles to change after step t_ms? Because a fit has finished, the trial has its verdict (the store is
 * moved by this call), or the store says something else. The generations are built by this call. */
bool ax_learner_ready(struct ax_learner *l, int64_t t_ms);

/* Change the roles, after step t_ms; ax_learner_ready() has said that they are to. */
void ax_learner_swap(struct ax_learner *l, int64_t t_ms);

/* Let these be the roles after step t_ms, as a record of the log says: an artifact that cannot be had is
 * counted and logged, and its role is empty until the store says another. AX_NOMEM alone: nothing has
 * changed. */
AX_MUST_USE enum ax_err ax_learner_restore(struct ax_learner *l, const struct ax_roles *roles, int64_t t_ms);

/* Add what both said at a step: their losses (or shares of alarms). */
void ax_learner_compare(struct ax_learner *l, double live, double shadow);

/* Say on the card of what serves, once, that its groups are not served alike (src/pipeline/job_parity.h). */
void ax_learner_flag(struct ax_learner *l, const char *why);

/* How the store stands, looked at again if it has changed; false when it has no roles. */
bool ax_learner_look(struct ax_learner *l);

/* Against the data of which generation inputs are tested for drift; NULL: nobody serves. */
const struct ax_generation *ax_learner_baseline(const struct ax_learner *l);

/* Is a challenger tried, which speaks beside the champion? */
bool ax_learner_tries(const struct ax_learner *l);

/* Feed what is said of the generations at t_ms. */
void ax_learner_emit(struct ax_learner *l, struct ax_outlets *outlets, int64_t t_ms);

/* Do something to its outlets. */
void ax_learner_outlets(struct ax_learner *l, struct ax_outlets *outlets, const struct ax_outlet_deed *deed);

/* Append roles and trial. */
void ax_learner_save(const struct ax_learner *l, struct ax_buf *out);

/* Read that back, as ax_learner_restore(). AX_NOMEM, or what is wrong with in. */
AX_MUST_USE enum ax_err ax_learner_load(struct ax_learner *l, struct ax_bytes *in);

/* learner_outputs.c: append under which labels its outputs were fed. */
void ax_learner_shown_save(const struct ax_learner *l, struct ax_buf *out);

/* Read that back; what cannot be is a failure of in. */
void ax_learner_shown_load(struct ax_learner *l, struct ax_bytes *in);

#endif
