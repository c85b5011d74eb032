/* detector.h: the anomaly score of one series.
 *
 * Two members look at every step: the residual against the forecast interval, and the move beyond both the
 * last value and the expected one, in units of the local scale. Each is divided by the level that it
 * exceeds at half the false-alarm rate (anomaly/tail.h); the larger one counts. After an onset values are
 * judged by what was normal before it, until they are back, or have stayed for hold_steps (a twelfth of it
 * at a level that the series has often been at): then the new level is normal, and its end is an onset again
 * (anomaly/hold.h).
 *
 * One ax_detector per modelled series. A score of 1 is calibrated on the series' own past: at most
 * false_alarm_rate of points like the past exceed it. The score stays up while the abnormality lasts and
 * comes down when it ends; a past spike does not hide the next. 0 while warming up.
 * Deterministic; owner: the pipeline's thread. */
#ifndef AX_ANOMALY_DETECTOR_H
#define AX_ANOMALY_DETECTOR_H

#include "base/bytes.h"

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
};

/* What is known at step T: the value, and the forecast that was made for T one step before. */
struct ax_observation {
    double value;                  /* NaN or beyond 1e38: a gap, nothing is learnt, the last verdict stands */
    double expected, lower, upper; /* one step ahead; NaN without a forecast: the last value is expected */
};

/* How abnormal; the value of anomaly_severity. */
enum ax_severity { AX_NORMAL, AX_LOW, AX_MEDIUM, AX_HIGH, AX_CRITICAL };

/* What is emitted for a step. */
struct ax_verdict {
    bool ready;
    const char *reason; /* when not ready: "warming_up", "no_data" */
    double score;       /* 0 to 100; above 1 is abnormal; 0 when not ready */
    enum ax_severity severity;
    int direction;                 /* -1, 0, 1: below, as, above expected; 0 when score <= 1 */
    double expected, lower, upper; /* finite when ready, NaN when not: the band in which the score is
                                      at most 1 (in both directions, whichever is asked for) */
};

struct ax_detector;

/* A detector that has seen nothing; NULL when out of memory. */
struct ax_detector *ax_detector_new(const struct ax_detector_spec *spec);

/* Free; NULL is fine. */
void ax_detector_free(struct ax_detector *d);

/* Score step T, then learn from it. Constant cost (about 0.3 us); no allocation. */
void ax_detector_step(struct ax_detector *d, const struct ax_observation *o, struct ax_verdict *out);

/* Let one be what another is, of the same spec: it says the same from then on. O(its bytes), no allocation.
 */
void ax_detector_copy(struct ax_detector *to, const struct ax_detector *from);

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
 * features and are not applied again. */
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
