/* job_priv.h: the inside of a job, shared by the files that implement pipeline/job.h. */
#ifndef AX_PIPELINE_JOB_PRIV_H
#define AX_PIPELINE_JOB_PRIV_H

#include "anomaly/panel.h"
#include "anomaly/said.h"
#include "anomaly/taught.h"
#include "base/map.h"
#include "drift/pool.h"
#include "drift/reference.h"
#include "drift/stream.h"
#include "expr/expr.h"
#include "forecast/scorecard.h"
#include "forecast/shared.h"
#include "pipeline/alarms.h"
#include "pipeline/channel_given.h"
#include "pipeline/choice.h"
#include "pipeline/entity_trial.h"
#include "pipeline/exclusions.h"
#include "pipeline/job.h"
#include "pipeline/job_parity.h"
#include "pipeline/learner.h"
#include "pipeline/schedule.h"
#include "pipeline/target.h"
#include "pipeline/triggers.h"

#define AX_SCORES 6             /* series of the scorecard for one horizon */
#define AX_HORIZON_NAME 16      /* bytes of a horizon's label value */
#define AX_TARGET_NAME "target" /* feature label of the job's own expression in drift series */
#define AX_RESIDUAL_SUFFIX "residual"
#define AX_PREDICTION_SUFFIX "prediction"
#define AX_CHANNELS_MAX 65       /* the expression and 64 features */
#define AX_JOB_LABELS_MAX 8      /* of which drift is tested */
#define AX_DRIFT_ENTITY_SERIES 8 /* of one channel that stand for an entity in its drift tests */
#define AX_ENTITY_OUTPUTS 5      /* beside contributions: score, severity, direction, vote, absent */

/* What is tested for drift: a channel's values, the errors of their one-step forecasts, these forecasts. What
 * stands here is saved by its number. */
enum ax_drift_source { AX_DRIFT_INPUTS, AX_DRIFT_RESIDUALS, AX_DRIFT_PREDICTIONS, AX_DRIFT_SOURCES };

/* What is said to have drifted: inputs, errors, what is forecast, the forecasts; or errors have risen. */
enum ax_drift_kind {
    AX_DRIFT_DATA,
    AX_DRIFT_CONCEPT,
    AX_DRIFT_TARGET,
    AX_DRIFT_PREDICTION,
    AX_DRIFT_ACCURACY,
    AX_DRIFT_KINDS
};

/* Is a job's model ready, and if not, why? What stands here is saved by its number. */
enum ax_job_reason { AX_JOB_READY, AX_JOB_NO_DATA, AX_JOB_WARMING_UP, AX_JOB_REASONS };

/* One expression of a job with the series that it gives: the job's `expr`, or one of its `features`. */
struct ax_channel {
    struct ax_job *job;
    struct ax_str feature; /* n 0 for the job's own expression */
    bool joins;            /* targets are what `join` makes of the results' labels, not all of them */
    struct ax_join join;
    struct ax_outlook_spec outlook;
    struct ax_capacities capacities;
    struct ax_expr *expr;
    struct ax_bound *bound;
    struct ax_target_kind kind;
    struct ax_forecast_spec forecast;
    struct ax_forecast_shared shared; /* of its forecasters */
    char (*horizon_text)[AX_HORIZON_NAME];
    const char **horizon_names;
    struct ax_map targets;          /* by id of labels, or of the entity */
    struct ax_target *first, **end; /* the same in the order in which they were made */
    uint32_t next_serial;
    struct ax_outlet *scores; /* [horizons_n][AX_SCORES] */
    struct ax_outlet drift[AX_DRIFT_SOURCES][AX_DRIFT_TESTS];
    struct ax_drift_result drift_result[AX_DRIFT_SOURCES]; /* of the newest tests */
    char drift_name[AX_DRIFT_SOURCES][AX_DRIFT_NAME];
    struct ax_outlet *distribution;             /* [2][AX_DRIFT_LE + 1]; NULL unless it is sent */
    struct ax_drift_stream *stream;             /* of its errors; NULL without one */
    struct ax_cell *reviews;                    /* counts them; NULL without forecasts */
    struct ax_channel_given *given[AX_GIVEN_N]; /* each NULL without */
    uint32_t sample_left;                       /* targets that may still join the sample for drift */
};

/* Where an entity is in a generation of an ensemble. */
struct ax_entity_place {
    uint64_t of;    /* serial of the generation; 0: not looked yet */
    uint32_t index; /* UINT32_MAX: it was not learnt from */
};

/* One value of the `by` labels, for jobs that score entities. */
struct ax_entity {
    uint64_t id;
    struct ax_entity *next; /* of the job, in the order in which they were made */
    struct ax_labels *labels;
    struct ax_combiner *combiner; /* of its features' scores */
    struct ax_panel *panel;       /* these and the ensemble */
    struct ax_hindsight *hindsight;
    struct ax_said *said; /* of times that the ensemble learns from; NULL: nothing */
    struct ax_verdict
        verdict; /* of the newest step with a value of some feature, or at which it was absent */
    double vote;
    double *contributions;           /* [channels_n] */
    struct ax_window *flags;         /* 1 at steps that are not to be learnt from, else 0 */
    struct ax_entity_place known[2]; /* in the ensemble that serves, and in the one beside it */
    struct ax_outlet outlets[AX_ENTITY_OUTPUTS];
    struct ax_challenged challenged; /* its score */
    struct ax_outlet *contribution;  /* [channels_n] */
    int64_t seen_ms;
    int64_t settled_ms; /* newest step at which a new level of it had settled; AX_NEVER */
    int64_t loud_ms;    /* the same at which its features' own voice was above 1 */
};

/* One entity as far as its drift goes (drift_entities.c). */
struct ax_drift_entity;

/* Those of a job. */
struct ax_drift_entities {
    struct ax_map by_id;
    struct ax_drift_entity *first, **end; /* those that were tested longest ago first, new ones last */
    struct ax_cell *untested;
};

/* A job: what it was built from, its schedule, its channels (expression first, then features). */
struct ax_job {
    struct ax_job_env env;
    uint64_t generation; /* tells it from one of the same name before or after it */
    uint64_t identity;   /* of what it was built from: equal ones can read what the other has learnt */
    uint64_t evaluation; /* counted up; see ax_target.given */
    uint64_t untold;     /* see ax_job_untold() */
    bool learnt;         /* it has taken a step, or what was saved of one */
    bool observing;      /* a rehearsal whose steps go into the windows alone */
    const struct ax_config *root;
    const struct ax_job_config *config;
    struct ax_watch watch;
    struct ax_schedule schedule;
    struct ax_arrivals arrivals;
    struct ax_outlets outlets;
    struct ax_detector_spec detector;
    uint32_t min_steps; /* that an abnormality must have lasted */
    struct ax_drift_spec drift;
    struct ax_billing_spec billing;
    struct ax_zone *zone;        /* of billing; NULL without it */
    struct ax_holidays holidays; /* of forecasts; of the calendars of skips */
    struct ax_zone *days;        /* of forecasts */
    struct ax_channel *channels; /* the expression first, then the features */
    uint32_t channels_n;
    struct ax_channel *capacity;    /* NULL: none. Evaluated and taken before them, and first in a record */
    struct ax_map entities;         /* by id; empty for a job with `expr` */
    struct ax_entity *first, **end; /* the same in the order in which they were made */
    bool scores_entities;
    struct ax_combiner *spare; /* as that of ax_target_kind; NULL unless entities are scored */
    struct ax_skips *skips;    /* what its calendars say; NULL without */
    uint8_t skip;              /* of the step that is taken */
    uint64_t *lessons;         /* ids of those in force, rising (pipeline/lesson.h) */
    uint32_t lessons_n;
    struct ax_exclusion *exclusions; /* those among them, for what a rehearsal will know */
    struct ax_alarms alarms;         /* what these say of its alarms */
    struct ax_outlet alarm_precision, alarm_recall;
    struct ax_ensemble_spec ensemble;   /* of entities, or of latencies; 0 features: there is none */
    struct ax_learner ensemble_learner; /* one of the following */
    struct ax_challenger challenger;    /* of the ensemble */
    struct ax_entity_trial scores;      /* of it and the one that serves, during a trial */
    int64_t relearn_ms; /* newest step when people last said something of what it learnt from; AX_NEVER */
    int64_t settled_ms; /* the newest one of its entities */
    struct ax_learner *learners; /* models that are fitted beside it */
    struct ax_triggers triggers; /* why these are fitted again */
    struct ax_arena scratch;
    int64_t drift_due_ms, repeated_ms;
    /* Features tested, and found to have drifted. */
    uint32_t drift_ready[AX_DRIFT_SOURCES], drift_drifted[AX_DRIFT_SOURCES];
    int64_t accuracy_fell_ms;    /* when a streaming detector last said so; AX_NEVER */
    struct ax_job_label *labels; /* that are tested (job_labels.c) */
    uint32_t labels_n;
    struct ax_outlet drift_detected[AX_DRIFT_KINDS], drifted_features, data_drift_score;
    struct ax_drift_entities drift_entities; /* of `drift.per: entity` */
    struct ax_outlet model_ready, model_info, model_trained, model_health;
    struct ax_job_parity *parity; /* NULL without `targets.parity` */
    enum ax_job_reason reason;
    double step_seconds, mean_seconds; /* of the newest step, and of the last ones */
    double busy; /* share of the time between steps that they took, as the newest step's record says */
    struct ax_cell *targets_cell, *refused, *steps, *skipped, *last_step, *seconds;
    char name[AX_JOB_NAME_MAX + 1];
};

/* Is it a rehearsal: does it feed nothing? */
static inline bool ax_job_rehearses(const struct ax_job *job)
{
    return job->env.sink.open == NULL;
}

/* It, as far as selectors ask of it. */
static inline struct ax_chooser_job ax_job_asked(const struct ax_job *job)
{
    return (struct ax_chooser_job){job->config->name, job->root->external_labels};
}

/* A self-metric of the job; of a rehearsal it is shown nowhere. */
struct ax_cell *ax_job_cell(const struct ax_job *job, enum ax_metric id);

/* Count an error of the job, unless it is a rehearsal. */
void ax_job_error(const struct ax_job *job, const char *stage);

/* Channels that a step's record of the job has. */
static inline uint32_t ax_job_parts(const struct ax_job *job)
{
    return job->channels_n + (job->capacity ? 1 : 0);
}

/* channel.c: build one channel of the job. config_i is -1 for the expression, else a feature's index. */
AX_MUST_USE enum ax_err ax_channel_init(struct ax_channel *c, struct ax_job *job, int config_i,
                                        struct ax_diag *diag);

/* The same for the expression of its capacity. */
AX_MUST_USE enum ax_err ax_channel_init_capacity(struct ax_channel *c, struct ax_job *job,
                                                 struct ax_diag *diag);

/* Free a channel; its series end at end_ms. */
void ax_channel_done(struct ax_channel *c, int64_t end_ms);

/* channel_step.c: evaluate the channel's expression at t_ms and append its results to the record; no target
 * changes. AX_NOMEM, AX_LIMIT. */
AX_MUST_USE enum ax_err ax_channel_evaluate(struct ax_channel *c, int64_t t_ms, struct ax_buf *record);

/* Let all targets of the channel, those that are new among them, have their values of a step from its part of
 * a checked record (step_record.h). */
void ax_channel_observe(struct ax_channel *c, int64_t t_ms, struct ax_bytes *record);

/* Let their models take that step, once all channels have observed it; what is over ends. */
void ax_channel_step(struct ax_channel *c, int64_t t_ms);

/* Under which the maps of features have the entity that a series belongs to by its `by` labels. */
uint64_t ax_entity_id(const struct ax_job *job, const struct ax_labels *labels);

/* The same of a target, which remembers it. */
uint64_t ax_channel_entity(const struct ax_channel *c, struct ax_target *t);

/* entity.c: score every entity from its features' scores at t_ms, and emit. */
void ax_entities_step(struct ax_job *job, int64_t t_ms);

/* entity_panel.c: what an ensemble says of one entity; NULL: it does not know it. */
struct ax_answer {
    const struct ax_ensemble *ensemble;
    uint32_t index;
    int64_t from_ms, learnt_ms; /* since and up to when it learnt */
    struct ax_ensemble_ratios ratios;
};

/* What is made of all entities of a step; in the job's scratch. */
struct ax_asked {
    uint32_t n;                  /* entities that were asked about */
    struct ax_entity **entities; /* in the order of the job's list */
    const float *points;         /* [n][width], width being ensemble.points * channels_n */
    size_t width;
    struct ax_answer *answers; /* [n] */
    void *scratch;
    double *live, *shadow; /* [n], scores by each generation alone, below 0: it does not know the entity;
                              NULL: one of the two is not there */
};

/* Ask it at t_ms; nothing is asked while none is live, or when there is no memory (counted). */
void ax_entities_ask(struct ax_job *job, int64_t t_ms, struct ax_asked *out);

/* entity_compare.c: compare what both generations have said at t_ms of the entities that were asked about.
 * Both are there. Entities of which a new level has settled between the two are left out; and of alarms of
 * latencies those at which the features' own detectors found something within the same row: they are no false
 * ones. */
void ax_entities_compare(struct ax_job *job, int64_t t_ms, const struct ax_asked *asked);

/* Is the job's model that of latencies? */
bool ax_entity_hears_latencies(const struct ax_job *job);

/* Is what the at-th answer's model finds by itself abnormal for the entity? Not so when the job has guards:
 * how much of it they ask for is known later. */
bool ax_entity_is_found(const struct ax_job *job, const struct ax_asked *asked, uint32_t at);

/* The entity's score from that of its features and from what was asked, the `at`-th (UINT32_MAX: nothing):
 * verdict (its direction that of the strongest feature), vote and contributions of e are those of the
 * features before. What the ensemble finds counts as far as most of it is in features whose deviations the
 * job's guards ask for. Returns whether the ensemble should not learn from this step: it is above 1,
 * or, of latencies, the features by themselves are. What they say does not depend on what was learnt before,
 * so that an incident that was learnt once is not learnt again and again. */
bool ax_entity_hear(struct ax_job *job, struct ax_entity *e, const struct ax_asked *asked, uint32_t at);

/* entity.c: steps of the points by which an entity's score is calibrated: 5 minutes, or a step. */
uint32_t ax_entity_point_steps(const struct ax_job *job);

/* Let a job with entities have an ensemble, when it wants one. */
void ax_entities_learn(struct ax_job *job);

/* Forget the entities that are meant; returns how many. Their series are left as they are. */
uint32_t ax_entities_erase(struct ax_job *job, const struct ax_choice *choice);

/* Free all entities; their series end at end_ms. */
void ax_entities_done(struct ax_job *job, int64_t end_ms);

/* Repeat the entities' last outputs at t_ms. */
void ax_entities_repeat(struct ax_job *job, int64_t t_ms);

/* An entity that has seen nothing, in the job's list and map; labels are copied. NULL when out of memory. */
struct ax_entity *ax_entity_new(struct ax_job *job, uint64_t id, const struct ax_labels *labels);

/* Say how the challenger scores an entity at t_ms. */
void ax_entity_challenge(struct ax_job *job, struct ax_entity *e, int64_t t_ms, double score);

/* Do something to all outlets of an entity. */
void ax_entity_outlets(struct ax_job *job, struct ax_entity *e, const struct ax_outlet_deed *deed);

/* Under which the job's maps have what has these labels: a hash by the database's seed, as in ax_result. */
uint64_t ax_job_id(const struct ax_job *job, const struct ax_labels *labels);

/* lesson.c: append the ids of the lessons in force, and the exclusions. */
void ax_job_lessons_save(const struct ax_job *job, struct ax_buf *out);

/* Read them back into a job that has none. AX_CORRUPT, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_job_lessons_load(struct ax_job *job, struct ax_bytes *in);

/* How long a series may be absent before its outputs end: the larger of 5 min and 3 steps. */
int64_t ax_job_absence_ms(const struct ax_job *job);

/* job_models.c: one more model that is fitted beside the job; it outlives the job's use of it. What its spec
 * leaves out, all but kind, feature, build, fits.every_ms, copy, ctx, and of the rule what is the model's own
 * affair (alarms, block, lags), is filled in. */
void ax_job_learn(struct ax_job *job, struct ax_learner *l, const struct ax_learner_spec *spec);

/* A step t_ms is taken, in service or in a replay: its models and their trials grow older, and what is a
 * reason to fit them again has lasted longer. */
void ax_job_grow_older(struct ax_job *job, int64_t t_ms);

/* job_reference.c: what a model that is fitted now is to be tested against later is made of (train/refer.h):
 * copies of all inputs that are tested, of at most so many bytes, the caller's; NULL when there are none.
 * Those that there is no room for are counted, logged, and missing. Uses the scratch. */
struct ax_drift_pasts *ax_job_pasts(struct ax_job *job, uint64_t bytes_max);

/* What the baseline of the live model that has most to do with a channel learnt of its values: that of its
 * own forecasts, else the first that knows it; NULL: none does. */
const struct ax_drift_reference *ax_channel_reference(const struct ax_channel *c);

/* As ax_learner_spec.explains() of a job: have fewer features drifted from what the newer one has learnt from
 * than from what the older one has, of those that both know? Uses the scratch; two tests of all features. */
bool ax_job_explains(void *job, const struct ax_generation *older, const struct ax_generation *newer);

/* job_labels.c: labels of a job whose drift is tested, once its channels are there. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_job_labels_init(struct ax_job *job);

/* Free them. */
void ax_job_labels_done(struct ax_job *job);

/* Add what the references of a model that is fitted now are made of to the copies; how many there was no room
 * for. Uses the scratch. */
uint32_t ax_job_labels_refer(struct ax_job *job, struct ax_drift_pasts *pasts, uint64_t bytes_max);

/* Test them against what the live models learnt from, or their baselines: results of those of which that says
 * something, at most AX_JOB_LABELS_MAX, and which labels these are; the others have none from now on. Uses
 * the scratch. */
uint32_t ax_job_labels_test(struct ax_job *job, int64_t t_ms, struct ax_drift_result *out, uint32_t *labels);

/* The same against what one generation learnt from, of those that another one knows too; nothing changes. */
uint32_t ax_job_labels_test_of(struct ax_job *job, const struct ax_generation *of,
                               const struct ax_generation *other, struct ax_drift_result *out);

/* Let that be the result of a label. */
void ax_job_labels_take(struct ax_job *job, uint32_t label, const struct ax_drift_result *r);

/* Feed the newest results at t_ms. */
void ax_job_labels_emit(struct ax_job *job, int64_t t_ms);

/* Do something to their outlets. */
void ax_job_labels_outlets(struct ax_job *job, const struct ax_outlet_deed *deed);

/* Append the newest results; read them back, what cannot be is a failure of in. */
void ax_job_labels_save(const struct ax_job *job, struct ax_buf *out);
/* As above. */
void ax_job_labels_load(struct ax_job *job, struct ax_bytes *in);

/* job_drift.c: the stable sample of a channel's targets, with what is to be tested of them; in the scratch,
 * which must not depend on the secret seed of ids, so that a replay gives the same values. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_channel_pool(const struct ax_channel *c, enum ax_drift_source source,
                                        struct ax_drift_pool *out);

/* Offer one of its targets to a pool, as far as its past is there; false when out of memory. */
bool ax_channel_pool_offer(const struct ax_channel *c, const struct ax_target *t, enum ax_drift_source source,
                           struct ax_drift_pool *out);

/* What a score and a verdict of drift are called. */
struct ax_outlet_name ax_drift_score_name(const struct ax_channel *c, enum ax_drift_source source,
                                          enum ax_drift_test test);
/* As above. */
struct ax_outlet_name ax_drift_detected_name(enum ax_drift_kind kind);

/* Make room for what a channel's tests need beside its results. */
AX_MUST_USE enum ax_err ax_channel_drift_init(struct ax_channel *c);

/* Give it back. */
void ax_channel_drift_done(struct ax_channel *c);

/* Run the drift tests when they are due, and emit; a rehearsal runs them, since forecasters are asked anew
 * when their errors drift, and says nothing. */
void ax_job_drift(struct ax_job *job, int64_t t_ms);

/* Has this kind drifted, as of the newest tests? False when it is not known. */
bool ax_job_drifted(const struct ax_job *job, enum ax_drift_kind kind, int64_t t_ms);

/* Do something to all outlets of the job's drift. */
void ax_job_drift_outlets(struct ax_job *job, const struct ax_outlet_deed *deed);

/* drift_entities.c: begin with none. */
void ax_drift_entities_init(struct ax_job *job);

/* Free all; their series end at end_ms. */
void ax_drift_entities_done(struct ax_job *job, int64_t end_ms);

/* Let those of a step come and those that are over go, test those that are due, those first that
 * were tested longest ago, and emit. One is due at every step until it has a result, then once in an
 * interval. O(targets) and 200 tests of at most AX_DRIFT_ENTITY_SERIES series, AX_DRIFT_SOURCES a channel of
 * each entity (one entity at least): what is left stays due. */
void ax_drift_entities_step(struct ax_job *job, int64_t t_ms);

/* Repeat their last outputs at t_ms. */
void ax_drift_entities_repeat(struct ax_job *job, int64_t t_ms);

/* Forget those that are meant; their series are left as they are. */
void ax_drift_entities_erase(struct ax_job *job, const struct ax_choice *choice);

/* One that nothing is known of; labels are copied. NULL when out of memory. */
struct ax_drift_entity *ax_drift_entity_new(struct ax_job *job, uint64_t id, const struct ax_labels *labels);

/* The one after e, the first after NULL, and its labels. */
struct ax_drift_entity *ax_drift_entity_next(const struct ax_job *job, const struct ax_drift_entity *e);
/* As above. */
const struct ax_labels *ax_drift_entity_labels(const struct ax_drift_entity *e);

/* Append what is known of one, but not its labels. */
void ax_drift_entity_save(struct ax_job *job, struct ax_drift_entity *e, struct ax_buf *out);

/* Read it back into a new one; what cannot be is a failure of in. */
void ax_drift_entity_load(struct ax_job *job, struct ax_drift_entity *e, struct ax_bytes *in);

/* job_outputs.c: emit the scorecard and the state of the model. */
void ax_job_outputs(struct ax_job *job, int64_t t_ms);

/* The least accuracy at the shortest horizons, or that of its alarms since what serves has learnt
 * (pipeline/alarms.h) where that is less; NaN while there is no score. */
double ax_job_accuracy(const struct ax_job *job, int64_t t_ms);

/* Do something to all outlets of the job as a whole, those of its drift among them. */
void ax_job_outlets(struct ax_job *job, const struct ax_outlet_deed *deed);

/* Why a job is not ready, as its label and the status page have it; NULL for AX_JOB_READY. */
const char *ax_job_reason_text(enum ax_job_reason reason);

#endif
