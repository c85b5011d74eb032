/* target.h: one modelled series of a job: its windows, its models, its output series.
 *
 * A target is a series of the job's expression, or one feature of one entity. Steps come in order; a step
 * without a value is a gap. Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_TARGET_H
#define AX_PIPELINE_TARGET_H

#include "anomaly/taught.h"
#include "base/map.h"
#include "pipeline/billing.h"
#include "pipeline/challenger.h"
#include "pipeline/join.h"
#include "pipeline/observer.h"
#include "pipeline/outlet.h"
#include "pipeline/outlook.h"
#include "pipeline/parity_card.h"
#include "pipeline/paths.h"
#include "pipeline/skips.h"

#define AX_SERIES_FORECAST_OUTPUTS 4
#define AX_SERIES_ANOMALY_OUTPUTS 7
#define AX_SERIES_BILLING_OUTPUTS 3

/* Where the capacity of a target is found: the targets of another expression, by the hash of joined labels.
 */
struct ax_capacities {
    const struct ax_map *targets;
    struct ax_join join;
    uint64_t seed;
};

/* What the targets of one channel (the expression, or one feature) share. */
struct ax_target_kind {
    struct ax_outlets *outlets;
    const struct ax_observer *observer;      /* may be NULL */
    struct ax_paths *paths;                  /* may be NULL */
    const struct ax_forecast_spec *forecast; /* NULL: windows only */
    const struct ax_detector_spec *anomaly;  /* NULL: no score */
    struct ax_scorecard *scorecard;          /* NULL: forecasts are not scored */
    struct ax_parity_card *parity;           /* NULL: errors of groups are not compared */
    bool emit_forecast, emit_anomaly;
    bool values_only;                       /* no window: the newest value is all that is wanted */
    const struct ax_outlook_spec *outlook;  /* NULL: forecasts are not sent */
    const struct ax_capacities *capacities; /* NULL: none */
    const struct ax_classes *classes;       /* NULL: none */
    struct ax_challenger *challenger;       /* of the model that they share; NULL without one */
    const struct ax_billing_spec *billing;  /* NULL: none */
    const char *const *horizon_names;       /* label values, spec->horizons_n */
    struct ax_str feature;                  /* added as a label; n 0 for none */
    struct ax_cell *nonfinite;
    uint32_t drift_n;   /* steps that drift looks back, of the targets that it samples; 0 for none */
    uint8_t skip;       /* of the step that is taken: bits of enum ax_skip */
    uint32_t min_steps; /* that an abnormality must have lasted */
    uint32_t spared;    /* of the step that is taken: see struct ax_step_channel */
    struct ax_detector
        *spare;            /* judges by what another has learnt, and learns nothing; NULL without anomaly */
    uint32_t *sample_left; /* how many targets may still join that sample */
};

/* One modelled series; see above for what a step does to it. */
struct ax_target {
    uint64_t id;     /* of the labels */
    uint64_t entity; /* the id of its `by` labels; 0: not asked yet (ax_channel_entity()) */
    uint32_t serial; /* its number in its channel, counted up as targets are made: never used twice */
    int infinite;    /* when the newest value was a gap because it was -Inf (-1) or +Inf (1); not saved */
    struct ax_target *next;      /* of the channel, in the order of serials */
    struct ax_labels *labels;    /* of the input: owned */
    struct ax_window *window;    /* NULL where values are all that is wanted */
    struct ax_window *residuals; /* its forecast errors; NULL unless it is sampled and forecast */
    struct ax_forecaster *forecaster;
    struct ax_detector *detector;
    struct ax_hindsight *hindsight;     /* of its scores, when they are shown; NULL when not */
    struct ax_outlet *forecast_outlets; /* [horizons_n][AX_SERIES_FORECAST_OUTPUTS] */
    struct ax_outlet anomaly_outlets[AX_SERIES_ANOMALY_OUTPUTS];
    struct ax_challenged challenged; /* of the forecast, for each horizon */
    struct ax_outlook *outlook;
    struct ax_billing *billing;
    struct ax_outlet billing_outlets[AX_SERIES_BILLING_OUTPUTS];
    struct ax_path *path;          /* its newest one, for readers; NULL while there is none */
    int64_t made_ms;               /* step that made it */
    int64_t first_ms, seen_ms;     /* first and newest step with a value; INT64_MIN before one */
    int64_t stepped_ms;            /* newest step taken */
    int64_t ended_ms;              /* newest step at which a stale marker ended the input */
    double value;                  /* of that step; NaN for a gap */
    double expected, lower, upper; /* forecast made at that step for the next one; NaN without */
    double residual;               /* value less what was expected of it; NaN without */
    struct ax_verdict verdict;     /* of that step */
    bool forecast_ready;
    bool sampled;       /* one of those that stand for the job in drift tests */
    bool was_sampled;   /* so it was made, and has a window long enough for them */
    bool given_ended;   /* in the evaluation `given` it had none, for its input has ended */
    uint64_t given;     /* the job's evaluation that gave it a result, */
    double given_value; /* and which */
};

/* A target that has seen nothing; labels are copied. NULL when out of memory. */
struct ax_target *ax_target_new(const struct ax_target_kind *kind, const struct ax_job_config *job,
                                uint64_t id, const struct ax_labels *labels, int64_t t_ms);

/* End its output series (stale markers at end_ms, none for INT64_MIN) and free it. NULL is fine. */
void ax_target_free(struct ax_target *t, const struct ax_target_kind *kind, int64_t end_ms);

/* Take step t_ms with its value (NaN: a gap) into its windows and its bill: no model learns of it yet. When
 * learning is skipped, windows and models have a gap there; it is scored and forecast all the same. AX_NOMEM
 * leaves the target as it was before the step. */
AX_MUST_USE enum ax_err ax_target_observe(struct ax_target *t, const struct ax_target_kind *kind,
                                          int64_t t_ms, double value);

/* Let its models take the step that was observed: score it, learn, forecast, emit. given is what the models
 * that the job's series share say, for ax_forecaster_step(). scratch is reset. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_target_step(struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms,
                                       const double *const *given, struct ax_arena *scratch);

/* Say what the challenger forecasts at t_ms, said[horizons_n]; the champion's is said by ax_target_step(). */
void ax_target_challenge(struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms,
                         const double *said);

/* End its output series and take its path back; the windows and models stay, for when the input comes back.
 * While its absence is scored those of the score go on. */
void ax_target_end(struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms);

/* What its models are fitted to from now on has a gap there, and its detector forgets what it has kept apart;
 * until ax_target_include(). AX_NOTFOUND: its windows know no value of that time; AX_LIMIT: they take no more
 * (AX_WINDOW_EXCLUDED_MAX); AX_NOMEM: then nothing has changed. */
AX_MUST_USE enum ax_err ax_target_exclude(struct ax_target *t, const struct ax_lesson_range *range);

/* The same undone; false when there was nothing to undo. */
bool ax_target_include(struct ax_target *t, uint64_t id);

/* Has it models of its own that exclusions are for? Those of features that are scored are their entity's. */
bool ax_target_excludes(const struct ax_target *t);

/* Leave the sample for drift, so that a series that is still there can take its place. */
void ax_target_leave_sample(struct ax_target *t, const struct ax_target_kind *kind);

/* Do something to all its outlets. */
void ax_target_outlets(struct ax_target *t, const struct ax_target_kind *kind,
                       const struct ax_outlet_deed *deed);

/* How long it has been without a value at t_ms. */
int64_t ax_target_absent_ms(const struct ax_target *t, int64_t t_ms);

/* Append all that it has learnt, but neither serial nor labels; changes nothing. */
void ax_target_save(struct ax_target *t, const struct ax_target_kind *kind, struct ax_buf *out);

/* Read that back into a target that has seen nothing, sampled if that one was; its outlets are open again.
 * AX_CORRUPT for bytes that it cannot have written, AX_NOMEM; then it is only good for freeing. */
AX_MUST_USE enum ax_err ax_target_load(struct ax_target *t, const struct ax_target_kind *kind,
                                       struct ax_bytes *in);

/* Bytes that it occupies, labels and models included. */
uint64_t ax_target_bytes(const struct ax_target *t, const struct ax_target_kind *kind);

#endif
