/* taught.h: what people said of a series' scores, and what that makes of its threshold.
 *
 * Two things belong to each scored series or entity. ax_peaks remembers the highest score of every
 * AX_PEAK_STEPS steps, for 4,096 steps back, so that somebody can say of a past range what it was. ax_taught
 * holds what was said: "not an anomaly" moves the threshold up to the highest score of the range,
 * "missed" down to just below it. Scores are divided by the threshold that comes of all that is in force;
 * what is revoked leaves no trace. What a verdict has by itself, and what its guards do not ask for, no
 * threshold moves; and whatever is above 1 in the end is so from its min_steps-th step in succession on. A
 * lesson moves the threshold at most tenfold up, and to a quarter down: what was a hundred times the usual is
 * no measure of it, and what hardly moved the score would make alarms of noise. For the same reason "missed"
 * moves it so far down at most that of the other blocks of AX_PEAK_STEPS steps that are known, and were below
 * 1, a fiftieth is above: what scores like an incident all day is not found by a threshold. Pure; owner: the
 * pipeline's thread. */
#ifndef AX_ANOMALY_TAUGHT_H
#define AX_ANOMALY_TAUGHT_H

#include "anomaly/episodes.h"

#define AX_PEAKS 256
#define AX_PEAK_STEPS 16
#define AX_LESSONS_MAX 16 /* in force of one series; another one is refused */
#define AX_TAUGHT_MOST 10.0
#define AX_TAUGHT_LEAST 0.25

/* Highest scores; zero-initialise. Fields are private. */
struct ax_peaks {
    int64_t newest;          /* number of the newest block: steps since the epoch / AX_PEAK_STEPS */
    uint8_t level[AX_PEAKS]; /* ring by block number; a bin of the score's logarithm (3.5 % wide), 0: none */
};

/* Note a score (>= 0, not yet divided by the threshold) at a step; 0 is one too. Steps rise; O(1) amortised.
 */
void ax_peaks_add(struct ax_peaks *p, int64_t t_ms, int64_t step_ms, double score);

/* The highest score from from_ms to to_ms: between *low and *high, the edges of its bin (0 and 1/64
 * are the lowest). False when nothing is known of that time: it is too long ago, still to come, or had no
 * score. */
bool ax_peaks_read(const struct ax_peaks *p, int64_t from_ms, int64_t to_ms, int64_t step_ms, double *low,
                   double *high);

/* What was said. */
enum ax_lesson_verdict {
    AX_LESSON_NORMAL = 1,
    AX_LESSON_MISSED = 2,
    AX_LESSON_EXCLUDED = 3 /* no example of anything: of no threshold either (anomaly/said.h) */
};

/* All that was said of one series. Zero-initialise. Fields are private but for threshold. */
struct ax_taught {
    double threshold; /* 0 stands for 1 */
    uint32_t n;
    struct {
        uint64_t id;
        uint8_t verdict;
        double score; /* what it says of the threshold: at least, or at most this */
    } lessons[AX_LESSONS_MAX];
};

/* Take a lesson with the highest score of its range (ax_peaks_read()); ids rise. AX_LIMIT: there are
 * AX_LESSONS_MAX. */
AX_MUST_USE enum ax_err ax_taught_add(struct ax_taught *t, uint64_t id, enum ax_lesson_verdict verdict,
                                      double low, double high);

/* Forget the lesson of that id; false when there was none. */
bool ax_taught_remove(struct ax_taught *t, uint64_t id);

/* The threshold in force; 1 when nothing was taught. */
double ax_taught_threshold(const struct ax_taught *t);

/* Judge a verdict on a value (NaN: none in particular) by the threshold: score, severity, direction, band. A
 * score that is verdict.least stays, none falls below that, and an unasked one stays at most 1. */
void ax_taught_apply(const struct ax_taught *t, double value, struct ax_verdict *v);

/* Nobody wants to hear of it: a score of at most 1, and what goes with that. */
void ax_verdict_calm(struct ax_verdict *v);

/* All that is remembered of the scores of one series or entity; 550 bytes, and 400 more once something was
 * taught. */
struct ax_hindsight {
    struct ax_peaks peaks;
    struct ax_episodes episodes; /* noted by the owner */
    struct ax_taught *taught;    /* NULL: nothing was */
    uint32_t min_steps;          /* for which an abnormality must have lasted, */
    uint32_t lasts;              /* and how long this one has */
};

/* One that knows nothing; an abnormality scores at most 1 for its first min_steps - 1 steps. NULL when out of
 * memory. */
struct ax_hindsight *ax_hindsight_new(uint32_t min_steps);

/* Free; NULL is fine. */
void ax_hindsight_free(struct ax_hindsight *h);

/* Note the score of a step that has a value (NaN when it is an entity's) or is absent, and judge by what was
 * taught and by how long it has lasted. Not of a gap: the verdict before stands. O(1). */
void ax_hindsight_judge(struct ax_hindsight *h, int64_t t_ms, int64_t step_ms, double value,
                        struct ax_verdict *v);

/* What a lesson says of a past range. */
struct ax_lesson_range {
    uint64_t id;
    enum ax_lesson_verdict verdict;
    int64_t from_ms, to_ms;
};

/* Learn it. AX_NOTFOUND: no score of that range is known; AX_LIMIT, AX_NOMEM: nothing has changed. */
AX_MUST_USE enum ax_err ax_hindsight_teach(struct ax_hindsight *h, const struct ax_lesson_range *lesson,
                                           int64_t step_ms);

/* Forget a lesson; false when it was never learnt. */
bool ax_hindsight_forget(struct ax_hindsight *h, uint64_t id);

/* The threshold in force; 1 when nothing was taught. */
double ax_hindsight_threshold(const struct ax_hindsight *h);

/* Bytes that it occupies. */
uint64_t ax_hindsight_bytes(const struct ax_hindsight *h);

/* Append all that is known. */
void ax_hindsight_save(const struct ax_hindsight *h, struct ax_buf *out);

/* Read that back into one that knows nothing. AX_CORRUPT for bytes that it cannot have written, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_hindsight_load(struct ax_hindsight *h, struct ax_bytes *in);

#endif
