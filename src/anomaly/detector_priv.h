/* detector_priv.h: the inside of a detector, shared by the files that implement anomaly/detector.h. */
#ifndef AX_ANOMALY_DETECTOR_PRIV_H
#define AX_ANOMALY_DETECTOR_PRIV_H

#include "anomaly/depth.h"
#include "anomaly/detector.h"
#include "anomaly/hold.h"
#include "anomaly/member.h"
#include "anomaly/neighbours.h"
#include "anomaly/recurrence.h"
#include "anomaly/rest.h"
#include "anomaly/scale.h"
#include "anomaly/spread.h"
#include "anomaly/sub_pca.h"

#include <math.h>

#define AX_DETECTOR_VALUE_MAX 1e38
#define AX_DETECTOR_MEAN_MAX 1.01e38  /* a mean of such values is rounded */
#define AX_DETECTOR_RANGE_SCORE 3.0   /* of a value that cannot be, at least */
#define AX_DETECTOR_COMBINED_POINTS 8 /* of the combination, before there is a score */
#define AX_DETECTOR_HOLD_PART 4       /* of the past that judges it is an abnormality held at most */

/* One member: its distances, and the levels of them. */
struct ax_detector_view {
    enum ax_member_id id;
    struct ax_scale scale;
    struct ax_member member;
    double now; /* its score at the newest step; NaN for none */
};

/* See anomaly/detector.h. */
struct ax_detector {
    struct ax_detector_spec spec;
    struct ax_member combined;
    struct ax_spread spread;
    struct ax_hold hold;
    struct ax_recurrences recurrences;
    struct ax_rest rest;
    struct ax_depth depth;
    struct ax_marks marks; /* steps that are no part of the past yet */

    double mean;           /* of the values that were not abnormal */
    uint32_t mean_n;       /* those in it, up to the memory */
    uint32_t seen;         /* values, saturating */
    uint32_t run;          /* abnormal ones in succession */
    bool clear;            /* the onset of the hold was */
    uint32_t gap, gap_max; /* steps without a value up to now; the longest such time before */
    float rare;            /* distance from the forecast, in its unit, that the false-alarm rate exceeds */
    double before;         /* the value of the step before; NaN after a gap */
    int64_t t_ms;          /* newest step of the past; INT64_MIN without */
    struct ax_verdict last;
    uint32_t views_n;
    struct ax_detector_view views[]; /* then, if it is a member, a struct ax_sub_pca */
};

/* A step seen by all members. */
struct ax_look {
    double value, expected;
    double least;  /* unit */
    double edge;   /* values below it have fallen as they rarely do, */
    double depth;  /* and so far; at least 1, else 0 */
    uint32_t turn; /* of the series */
    enum ax_resting resting;
    bool known;                     /* it recurs */
    double distance[AX_MEMBER_IDS]; /* NaN for none */
};

/* Is it a number that sums and ratios cannot overflow with? */
static inline bool ax_detector_usable(double v)
{
    return fabs(v) <= AX_DETECTOR_VALUE_MAX;
}

/* For how many steps an abnormality is held now. */
static inline uint32_t ax_detector_hold_steps(const struct ax_detector *d)
{
    const uint32_t part = d->seen / AX_DETECTOR_HOLD_PART;
    return part < d->spec.hold_steps ? part : d->spec.hold_steps;
}

/* Does a spec ask for the shapes of periods? */
static inline bool ax_detector_has_sub_pca(const struct ax_detector_spec *spec)
{
    return spec->members >> AX_MEMBER_SUB_PCA & 1;
}

/* What that member knows, behind the views of a detector that has it. */
static inline struct ax_sub_pca *ax_detector_sub_pca(struct ax_detector *d)
{
    return (struct ax_sub_pca *)&d->views[d->views_n];
}

/* Ask the members about a step that has a usable value. */
struct ax_look ax_detector_look(struct ax_detector *d, const struct ax_observation *o);

/* The root of the largest member's score times the mean of all on a scale of log(1 + score); NaN without any.
 */
double ax_detector_combine(const struct ax_detector *d);

/* Learn from what was looked at, and from the combination (NaN: none), once it is judged. */
void ax_detector_learn(struct ax_detector *d, const struct ax_look *l, double combined);

/* The verdict of a step, from its combination; l->known is set. For a detector that is ready. */
void ax_detector_judge(struct ax_detector *d, const struct ax_observation *o, struct ax_look *l,
                       double combined, struct ax_verdict *out);

#endif
