/* episodes.h: the newest abnormal episodes of a series: when, how bad, what was expected instead.
 *
 * An episode begins with a score above 1 and ends with the last one that is followed by AX_EPISODE_CALM steps
 * of at most 1. Of each the step with the highest score is kept. AX_EPISODES of them; the oldest gives way.
 * Pure; owner: the pipeline's thread. */
#ifndef AX_ANOMALY_EPISODES_H
#define AX_ANOMALY_EPISODES_H

#include "anomaly/detector.h"

#define AX_EPISODES 4
#define AX_EPISODE_CALM 4
#define AX_EPISODE_PARTS 3

/* One; numbers are those of its worst step. */
struct ax_episode {
    int64_t begin_ms, end_ms, peak_ms;          /* first, last and worst step above 1 */
    float score, value, expected, lower, upper; /* value NaN: an entity's */
    int16_t direction;
    uint8_t parts_n; /* of an entity: the features that made the score, and their shares in percent */
    uint8_t part[AX_EPISODE_PARTS], share[AX_EPISODE_PARTS];
};

/* The newest ones, oldest first; zero-initialise. */
struct ax_episodes {
    uint32_t n;
    struct ax_episode v[AX_EPISODES];
};

/* Note the verdict of a step on a value. shares[shares_n] are those of an entity's features; NULL without.
 * O(1), O(shares_n) at a new worst step. */
void ax_episodes_note(struct ax_episodes *e, int64_t t_ms, int64_t step_ms, double value,
                      const struct ax_verdict *v, const double *shares, uint32_t shares_n);

/* The episode that a time lies in; NULL without. */
const struct ax_episode *ax_episodes_at(const struct ax_episodes *e, int64_t t_ms);

/* How unlike two are: by the logarithms of their scores and lengths, direction, and the features that made
 * them. 0: alike. */
double ax_episode_distance(const struct ax_episode *a, const struct ax_episode *b, int64_t step_ms);

/* Append all. */
void ax_episodes_save(const struct ax_episodes *e, struct ax_buf *out);

/* Read them back; what cannot be is a failure of in. */
void ax_episodes_load(struct ax_episodes *e, struct ax_bytes *in);

#endif
