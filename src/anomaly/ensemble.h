/* ensemble.h: the detectors of entities with several features, as one generation that serves.
 *
 * All entities of a job share the models; each has its own middle and spread of every feature, and its own
 * level of every member: what that member's distance exceeds at the false-alarm rate on data like the past. A
 * row is the last points of an entity, each the mean of its features over a point's time. There are two
 * shapes of rows: 8 points of 5 minutes, for incidents are in levels over minutes (what one step does on its
 * own is the business of the features' own detectors), and 20 points of one step, for latencies.
 *
 * Immutable once made; any thread. Cost: one row of 40 features about 0.1 ms with all members. */
#ifndef AX_ANOMALY_ENSEMBLE_H
#define AX_ANOMALY_ENSEMBLE_H

#include "base/bytes.h"

#define AX_ENSEMBLE_POINTS 8      /* of a row, when the spec does not say */
#define AX_ENSEMBLE_POINTS_MAX 20 /* of latencies */
#define AX_ENSEMBLE_ALIGN 64      /* bytes: of scratch */
#define AX_ENSEMBLE_FEATURES_MAX 64
#define AX_ENSEMBLE_ENTITIES_MAX 100000
#define AX_ENSEMBLE_BYTES_MAX ((size_t)256 << 20) /* of what is saved */

/* Isolation forest, robust covariance, principal components, k-means over sub-windows, autoencoder,
 * variational autoencoder with attention, LSTM autoencoder. */
enum ax_ensemble_member {
    AX_ENSEMBLE_FOREST,
    AX_ENSEMBLE_COVARIANCE,
    AX_ENSEMBLE_PCA,
    AX_ENSEMBLE_KMEANS,
    AX_ENSEMBLE_AUTOENCODER,
    AX_ENSEMBLE_VARIATIONAL,
    AX_ENSEMBLE_SEQUENCE,
    AX_ENSEMBLE_MEMBERS
};

/* Those of an ensemble that names none: all but the last. */
#define AX_ENSEMBLE_USUAL ((1u << AX_ENSEMBLE_SEQUENCE) - 1)

/* "forest", "covariance", "pca", "kmeans", "autoencoder", "variational", "sequence". */
const char *ax_ensemble_member_name(enum ax_ensemble_member m);

/* What a job asks. */
struct ax_ensemble_spec {
    uint32_t features;
    uint64_t features_hash;  /* of what they are: a generation that learnt others is refused */
    uint32_t members;        /* a bit each; 0: AX_ENSEMBLE_USUAL */
    uint32_t points;         /* of a row, at most AX_ENSEMBLE_POINTS_MAX; 0: AX_ENSEMBLE_POINTS */
    bool extended;           /* the forest's cuts go through two features */
    int64_t point_ms;        /* how long a point lasts; a generation of other points is refused, */
    double false_alarm_rate; /* and one with levels for another rate */
};

/* Points of one entity that follow each other, oldest first: [n][features], NaN where there is no value. */
struct ax_ensemble_segment {
    uint32_t entity; /* index of it; segments of one entity follow each other */
    uint32_t first, n;
    int64_t end_ms, step_ms; /* of its points; 0, 0: not known */
    bool newest;             /* they are the newest of an entity that is there */
};

/* What is known of a point. One that scored above 1 itself teaches no model, unless a quarter of all did:
 * then it is how things are. What people said goes before that: an incident, and what was excluded, never
 * teach; what was normal does. Incidents, once there are 5 of them, teach how much each member counts. */
enum ax_ensemble_mark {
    AX_POINT_USUAL,
    AX_POINT_FLAGGED,
    AX_POINT_EXCLUDED,
    AX_POINT_INCIDENT,
    AX_POINT_NORMAL
};

/* What is learnt from. Of a row of which the last point teaches, those before it that do not are taken to
 * have been as the next one that does. */
struct ax_ensemble_data {
    uint32_t entities_n, segments_n, points_n;
    uint32_t incidents;        /* of which people have told, within these points */
    const struct ax_str *keys; /* [entities_n], of the entities */
    const struct ax_ensemble_segment *segments;
    const float *points;          /* [points_n][features] */
    const uint8_t *marks;         /* [points_n], enum ax_ensemble_mark */
    bool (*cancelled)(void *ctx); /* looked at every few milliseconds; may be NULL */
    void *ctx;
};

struct ax_ensemble;

/* Learn. The same data, spec and seed give the same bits on the same processor. AX_NOTREADY when there are
 * too few rows, AX_BUSY when it was cancelled, AX_INVALID, AX_NUMERIC, AX_NOMEM; all with a text. */
AX_MUST_USE enum ax_err ax_ensemble_fit(const struct ax_ensemble_spec *spec,
                                        const struct ax_ensemble_data *data, uint64_t seed,
                                        struct ax_ensemble **out, struct ax_diag *diag);

/* Free; NULL is fine. */
void ax_ensemble_free(struct ax_ensemble *e);

/* Members that it has, a bit each; how many rows it learnt from. */
uint32_t ax_ensemble_members_of(const struct ax_ensemble *e);
/* As above. */
uint32_t ax_ensemble_rows(const struct ax_ensemble *e);

/* The entity of that key; UINT32_MAX when it was not learnt from. */
uint32_t ax_ensemble_find(const struct ax_ensemble *e, struct ax_str key);

/* What members say of a row: distance / level of each, 0 for one that is not there. Their combination is
 * exp(mean of ln(1 + ratio)) - 1, which is divided by `level`. */
struct ax_ensemble_ratios {
    double v[AX_ENSEMBLE_MEMBERS];
};

/* Bytes of scratch for n rows; aligned to AX_ENSEMBLE_ALIGN. */
size_t ax_ensemble_scratch(const struct ax_ensemble *e, uint32_t n);

/* Score rows x[n][points][features] as they came (NaN: no value, the middle is taken) of
 * entity[n]. Allocates nothing; a row's numbers do not depend on the others. */
void ax_ensemble_score(const struct ax_ensemble *e, uint32_t n, const uint32_t *entity, const float *x,
                       void *scratch, struct ax_ensemble_ratios *out);

/* What each feature has to do with the ratios of one row: share[features], not below 0, summing to 1 (all 0
 * when no member says anything). Members count by how far they are beyond their level. scratch for one row.
 */
void ax_ensemble_explain(const struct ax_ensemble *e, uint32_t entity, const float *x,
                         const struct ax_ensemble_ratios *ratios, void *scratch, double *share);

/* By how much a feature of a row differs from what is usual for the entity (*usual), at the point where it
 * does most; 0 without a value. */
double ax_ensemble_deviation(const struct ax_ensemble *e, uint32_t entity, const float *x, uint32_t feature,
                             double *usual);

/* exp(mean of ln(1 + ratio)) - 1 over the members of a set, by their weights (NULL: 1 each), and n voices
 * more, of weight 1. */
double ax_ensemble_combine(uint32_t members, const double *weights, const struct ax_ensemble_ratios *ratios,
                           const double *more, uint32_t n);

/* Weights of members, [AX_ENSEMBLE_MEMBERS]: their mean is 1, and each is unless incidents have taught. */
const double *ax_ensemble_weights(const struct ax_ensemble *e);

/* Incidents that taught the weights; 0: none did. */
uint32_t ax_ensemble_incidents(const struct ax_ensemble *e);

/* What the combination of all members exceeds at the false-alarm rate, on rows that they did not learn from.
 */
double ax_ensemble_level(const struct ax_ensemble *e, uint32_t entity);

/* How it did on rows that its members did not learn from, once it had been fitted: such rows, and those of
 * them above their entity's level; and the same of rows of incidents of which people had told. Not saved. */
struct ax_ensemble_check {
    uint32_t held, held_above;
    uint32_t incident, incident_above;
};

/* Of one that was fitted just now; else all 0. */
const struct ax_ensemble_check *ax_ensemble_checked(const struct ax_ensemble *e);

/* Append it. */
void ax_ensemble_save(const struct ax_ensemble *e, struct ax_buf *out);

/* Read one back. AX_CONFLICT with the reason when it learnt other features, other points, for another rate
 * or with other members; AX_CORRUPT,
 * AX_NOMEM. */
AX_MUST_USE enum ax_err ax_ensemble_load(const struct ax_ensemble_spec *spec, struct ax_str bytes,
                                         struct ax_ensemble **out, struct ax_diag *diag);

#endif
