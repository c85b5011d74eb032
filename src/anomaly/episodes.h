/* episodes.h: the newest abnormal episodes of a series: when, how bad, what was expected instead.
 *
 * An episode begins with a score above 1 and ends with the last one that is followed by AX_EPISODE_CALM steps
 * of at most 1; an absence is one of its own. Of each the step with the highest score is kept. AX_EPISODES of
 * them; the oldest gives way. Pure; owner: the pipeline's thread. */
#ifndef AX_ANOMALY_EPISODES_H
#define AX_ANOMALY_EPISODES_H

#include "anomaly/detector.h"

#define AX_EPISODES 4
#define AX_EPISODE_CALM 4
#define AX_EPISODE_PARTS 8

/* One; numbers are those of its worst step. */
struct ax_episode {
    int64_t begin_ms, end_ms, peak_ms;          /* first, last and worst step above 1 */
    int64_t absent_ms;                          /* of an absence: the first step without a value */
    float score, value, expected, lower, upper; /* value NaN: an entity's, or absent */
    int8_t direction;
    bool absent;          /* that is what was abnormal */
    uint8_t parts_n;      /* of an entity: the features that made the score, */
    uint8_t parts_absent; /* a bit each: those that were absent, */
    uint8_t part[AX_EPISODE_PARTS], share[AX_EPISODE_PARTS]; /* and their shares in percent */
};

/* The newest ones, oldest first; zero-initialise. */
struct ax_episodes {
    uint32_t n;
    struct ax_episode v[AX_EPISODES];
};

/* An entity's features at a step: their shares of the score, and which are absent. */
struct ax_episode_features {
    uint32_t n;
    const double *share;
    const bool *absent;
};

/* Note the verdict of a step on a value (NaN: absent, or an entity's), the newest one being of seen_ms;
 * features NULL unless it is an entity's. O(1), O(features) at a new worst step. */
void ax_episodes_note(struct ax_episodes *e, int64_t t_ms, int64_t step_ms, int64_t seen_ms, double value,
                      const struct ax_verdict *v, const struct ax_episode_features *features);

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
