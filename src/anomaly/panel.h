/* panel.h: what the detectors of an entity say together: one calibrated score, and a vote.
 *
 * Voices are the features' own detectors (the combiner of anomaly/detector.h) and the members of an ensemble,
 * each in units of the level that it exceeds at the false-alarm rate. They are put together as exp(mean of
 * ln(1 + voice)) - 1: one that is far beyond counts, but cannot decide alone what a majority denies; over
 * what that exceeds at the same rate, as a generation found it on rows that it had held out. Without an
 * ensemble the features' voice is taken.
 *
 * What is held out is not what comes. So the score is that over the panel's own level, never below 1: what a
 * share of points of all that was heard of the generation, and half as much of those before it, exceeds (a
 * point is the largest of its steps), by the tail of anomaly/tail.h. As points are few at first, the level
 * is, on a logarithmic scale, between that and what was known before: 1 for features, what the voices say of
 * the first generation, the level of the one before for the next. Where members look at the same steps as
 * features do, what is in a level because nobody had heard the first generation divides what members say and
 * not what features say, who are known, and these count by themselves, too. An abnormality counts by its
 * first point, as if that were at the level: an incident hides none after it. What lasts is usual when an
 * eighth of what was learnt from has passed, 4 hours at most; not so once three days were learnt from: then
 * what is up to one and a half times the level given counts in full, the level is at most that, and the rest
 * is left to the next training.
 *
 * Except for what lasts longer than incidents do: when a quarter of the last two days was above the level
 * (exponentially weighted: 14 hours without a break after quiet days) it begins a new level, and counts in
 * full; from then on the level may rise to half as much again. Half a day later it has settled, and is worth
 * learning from.
 *
 * What an ensemble finds in features whose deviations are not asked for (the guards of a job) is learnt from
 * as all is, but makes no score above that of the features' voice, and no vote.
 *
 * At steps at which the generation says nothing the features' voice is taken as it is, and nothing is learnt
 * or forgotten; after 12 points of them the generation counts as gone.
 *
 * An entity's first steps cannot tell what is rare: its scores are divided by 1 + (120 / steps)^2, and of the
 * first 240 one above 1 is believed only as far as the two before it said so too.
 *
 * One ax_panel per entity. Deterministic; owner: the pipeline's thread. */
#ifndef AX_ANOMALY_PANEL_H
#define AX_ANOMALY_PANEL_H

#include "anomaly/detector.h"
#include "anomaly/ensemble.h"

struct ax_panel;

/* One that has heard nothing; so many steps are a point (at least 1). NULL when out of memory. */
struct ax_panel *ax_panel_new(const struct ax_detector_spec *spec, uint32_t point_steps);

/* Free; NULL is fine. */
void ax_panel_free(struct ax_panel *p);

/* What is said of a step. */
struct ax_panel_voices {
    const struct ax_verdict *features;       /* not ready: that voice is silent */
    uint32_t members;                        /* which members speak, a bit each; 0: there is no ensemble */
    const struct ax_ensemble_ratios *ratios; /* of these */
    const double *weights;                   /* of these; NULL: 1 each */
    int64_t generation;                      /* tells the ensemble that speaks from others, not 0 */
    uint32_t learnt_points;                  /* that the ensemble's past lasted */
    bool unasked;                            /* what members say is of deviations that nobody asks for */
    bool judge_only;                         /* learn nothing */
    double level;   /* of the generation, for the entity: what is known before the past is */
    double unheard; /* of the first one the level is so many times that, before it was heard; at least 1 */
    double alone; /* members look at the same steps as features do: so much of what these say counts, whatever
                     members say, and only of members the level is higher before; 0: they do not */
};

/* Score the step, then learn from it. *vote is the share of voices above
 * their level, 0 to 1. Returns whether an ensemble should not learn from this step. Constant cost; no
 * allocation. */
bool ax_panel_step(struct ax_panel *p, const struct ax_panel_voices *voices, struct ax_verdict *out,
                   double *vote);

/* Has a new level settled at the newest step: is what an ensemble learnt before it no longer how things are?
 */
bool ax_panel_settled(const struct ax_panel *p);

/* Append all that it has learnt. */
void ax_panel_save(const struct ax_panel *p, struct ax_buf *out);

/* Read that back into one that has heard nothing, of the same spec and steps. AX_CORRUPT. */
AX_MUST_USE enum ax_err ax_panel_load(struct ax_panel *p, struct ax_bytes *in);

#endif
