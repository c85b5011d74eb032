/* detector.h: the anomaly score of one series.
 *
 * Several members look at every step, each for a distance in the unit of the input: the residual against the
 * forecast, the distance to the nearest like the last 4 values in the past (anomaly/neighbours.h), that to
 * the series' usual level, and, when a job asks for them, that to the value before, to a smooth curve
 * (anomaly/polynomial.h), and to the shapes of past periods (anomaly/sub_pca.h). Each is divided by the level
 * that only 1 % of its own past exceeds (anomaly/tail.h). Combined, by the root of the largest one times the
 * mean of all on a logarithmic scale, they are divided by what only the false-alarm rate exceeds. What was
 * flagged is kept out of the past until it has lasted for hold_steps, so the score stays up while values are
 * like none before, and one spike does not hide the next. After a clear onset values are also judged by what
 * was expected before it, until they are back there or near any of the past (by the neighbours), or have
 * stayed for hold_steps (anomaly/hold.h). Beyond that what lasted teaches the level of the combination late,
 * after half of the memory on average, so that many faults in a short time do not become what is usual. A
 * move of a series that rests at one value nearly always scores above 1 only when it is rare, longer or
 * further than others (anomaly/rest.h); one that turns out so late is judged by where the series rested, and
 * its steps until then teach nothing. When it has rested for less than 240 steps a move that lasts scores at
 * most 1, and a young series warms up again by its first one (the verdict before stands for some 16 steps). A
 * series that is never negative scores above 1 also when it falls deeper, as a ratio, than it rarely does
 * (anomaly/depth.h): a fifth of the false-alarm rate may come of that. What comes at the same time of the day
 * for the fourth time is known (anomaly/recurrence.h).
 *
 * One ax_detector per modelled series. A score of 1 is calibrated on the series' own past, so that
 * false_alarm_rate of points like it exceed that; on recordings up to twice as many do (docs/detection.md).
 * The score stays up while the abnormality lasts and comes down when it ends; a past spike does not hide the
 * next. 0 while warming up.
 * Deterministic; owner: the pipeline's thread. */
#ifndef AX_ANOMALY_DETECTOR_H
#define AX_ANOMALY_DETECTOR_H

#include "series/window.h"

/* What looks at a step; a bit each in a spec. */
enum ax_member_id {
    AX_MEMBER_FORECAST,
    AX_MEMBER_NEIGHBOURS,
    AX_MEMBER_LEVEL,
    AX_MEMBER_DIFFERENCE,
    AX_MEMBER_POLYNOMIAL,
    AX_MEMBER_SUB_PCA,
    AX_MEMBER_IDS
};
#define AX_MEMBERS_DEFAULT (1u << AX_MEMBER_FORECAST | 1u << AX_MEMBER_NEIGHBOURS | 1u << AX_MEMBER_LEVEL)

/* Which deviations a job asks for. */
enum ax_direction { AX_BOTH, AX_ABOVE, AX_BELOW };

/* What a job asks; copied. Zeros take the defaults. */
struct ax_detector_spec {
    double false_alarm_rate;          /* default 0.001 */
    uint32_t warmup_steps;            /* default 30 */
    uint32_t memory_steps;            /* how long the past that calibrates reaches; default 2,880 */
    uint32_t hold_steps;              /* how long a new level is abnormal before it is normal; default 240 */
    enum ax_direction direction;      /* detection_direction; the other one scores at most 1 */
    double min_dev_from_expected;     /* smaller deviations score at most 1; in the input's unit, 0: none */
    double min_rel_dev_from_expected; /* the same as a ratio of the expected value; 0: none */
    double range_min, range_max;      /* data_range: values outside are abnormal by themselves; equal: none */
    bool absence;                     /* a series that stops is abnormal; see ax_verdict.absent */
    uint32_t members;                 /* bits by enum ax_member_id; 0: AX_MEMBERS_DEFAULT */
};

/* What is known at step T: the value, and the forecast that was made for T one step before. */
struct ax_observation {
    double value;                  /* NaN or beyond 1e38: a gap, nothing is learnt, the last verdict stands
                                      unless the spec asks for absence, or the value (infinite, too) is
                                      outside of data_range */
    double expected, lower, upper; /* one step ahead; NaN without a forecast: the last value is expected */
    uint32_t turn;       /* a number of the series: series of other ones are fitted at other steps */
    struct ax_view past; /* the fine window, its newest point is this step; n 0: none is at hand */
    bool ended;          /* of a gap: the series was said to end here or before (a stale marker); */
    uint32_t spared;     /* and so many steps are missing when one scrape has failed */
};

/* How abnormal; the value of anomaly_severity. */
enum ax_severity { AX_NORMAL, AX_LOW, AX_MEDIUM, AX_HIGH, AX_CRITICAL };

/* What is emitted for a step. */
struct ax_verdict {
    const char *reason; /* when not ready: "warming_up", "no_data" */
    double score;       /* 0 to 100; above 1 is abnormal; 0 when not ready */
    double unrested; /* of this step alone, not saved: the score that it had were it not a move, of a series
                        that rests, as may come at more than the rate (it scores at most 1); else 0 */
    double least;    /* of the score, that it has by itself: absent, or outside of data_range, or of an entity
                        one feature of which is; 0 for none. What people teach does not move it */
    double expected, lower, upper; /* finite when ready, NaN when not: what was expected, and the band outside
                                      of which a value is surprising as such; within it the score may be above
                                      1 all the same, when the last values together are like none before */
    enum ax_severity severity;
    int direction; /* -1, 0, 1: below, as, above expected; 0 when score <= 1 */
    bool ready;
    bool unasked; /* the guards do not ask for this deviation, or it is known to recur: the score is at most
                     1, and stays so whatever people teach */
    bool absent;  /* it is the series' absence that is abnormal: after its end, once more is missing than by a
                     scrape that fails, 2 steps at least; or in a gap of more than 3 steps and of twice the
                     longest one before; for hold_steps */
};

struct ax_detector;

/* A detector that has seen nothing; NULL when out of memory. */
struct ax_detector *ax_detector_new(const struct ax_detector_spec *spec);

/* Free; NULL is fine. */
void ax_detector_free(struct ax_detector *d);

/* Score step T, then learn from it. About 6 us with a full window; no allocation. */
void ax_detector_step(struct ax_detector *d, const struct ax_observation *o, struct ax_verdict *out);

/* Let one be what another is, of the same spec: it says the same from then on. O(its bytes), no allocation.
 */
void ax_detector_copy(struct ax_detector *to, const struct ax_detector *from);

/* How surprised each member was by the newest step, divided by its level: NaN for one that does not look, or
 * has not seen enough. scores[AX_MEMBER_IDS]. */
void ax_detector_members(const struct ax_detector *d, double *scores);

/* What it has kept apart, because it was flagged and lasted, never teaches: somebody said that it is no
 * example. */
void ax_detector_drop(struct ax_detector *d);

/* "forecast", "neighbours", ... */
const char *ax_member_name(enum ax_member_id id);

/* Severity of a score: up to 1 normal, then low, medium, high, critical from 1, 1.5, 2.5 and 4. */
enum ax_severity ax_severity_of(double score);

/* "normal", "low", ... */
const char *ax_severity_name(enum ax_severity severity);

/* Bytes that it occupies. */
uint64_t ax_detector_bytes(const struct ax_detector *d);

/* Append all that it has learnt. */
void ax_detector_save(const struct ax_detector *d, struct ax_buf *out);

/* Read that back into a detector that has seen nothing, of the same spec: from then on it says the same,
 * bit for bit. AX_CORRUPT for bytes that it cannot have written; then it is only good for freeing. */
AX_MUST_USE enum ax_err ax_detector_load(struct ax_detector *d, struct ax_bytes *in);

/* Append a verdict. */
void ax_verdict_save(const struct ax_verdict *v, struct ax_buf *out);

/* Read one back; what cannot be is a failure of in. */
void ax_verdict_load(struct ax_verdict *v, struct ax_bytes *in);

/* The score of an entity with several features: each feature's score, combined and calibrated like any
 * other (share of points above 1 stays at the false-alarm rate). */
struct ax_combiner;

/* A combiner that has seen nothing; NULL when out of memory. The spec's guards and direction belong to the
 * features: one whose deviation is not asked for is to be given as 0. */
struct ax_combiner *ax_combiner_new(const struct ax_detector_spec *spec, uint32_t features_n);

/* Free; NULL is fine. */
void ax_combiner_free(struct ax_combiner *c);

/* scores[features_n] (NaN: that feature has none now, or is warming up) to the verdict, which is ready as
 * soon as one feature is; its expected value and band are those of the score (0; 0 to 1).
 * contributions[features_n] sum to 1, or are all 0 when the score is 0; at most 3 are not 0. When all
 * scores are NaN the last verdict stands. */
void ax_combiner_step(struct ax_combiner *c, const double *scores, struct ax_verdict *out,
                      double *contributions);

/* As ax_detector_copy(), for the same number of features. */
void ax_combiner_copy(struct ax_combiner *to, const struct ax_combiner *from);

/* Append all that it has learnt. */
void ax_combiner_save(const struct ax_combiner *c, struct ax_buf *out);

/* As ax_detector_load(), for the same spec and number of features. */
AX_MUST_USE enum ax_err ax_combiner_load(struct ax_combiner *c, struct ax_bytes *in);

#endif
