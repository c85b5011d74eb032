/* panel.h: what the detectors of an entity say together: one calibrated score, and a vote.
 *
 * Voices are the features' own detectors (the combiner of anomaly/detector.h) and the members of an ensemble,
 * each in units of the level that it exceeds at the false-alarm rate. They are put together as exp(mean of
 * ln(1 + voice))
 * - 1: one that is far beyond counts, but cannot decide alone what a majority denies. That is divided by the
 * level that it exceeds at the false-alarm rate on what the ensemble did not learn from. When it is exceeded
 * more often the level rises, by a half at most: what is beyond is left to the next training, so that an
 * incident, however long, does not become what is usual by lasting; what was learnt of one generation says
 * nothing of the next. Without an ensemble the features' voice
 * is the score.
 *
 * One ax_panel per entity. Deterministic; owner: the pipeline's thread. */
#ifndef AX_ANOMALY_PANEL_H
#define AX_ANOMALY_PANEL_H

#include "anomaly/detector.h"
#include "anomaly/ensemble.h"

struct ax_panel;

/* One that has heard nothing; NULL when out of memory. */
struct ax_panel *ax_panel_new(const struct ax_detector_spec *spec);

/* Free; NULL is fine. */
void ax_panel_free(struct ax_panel *p);

/* What is said of a step. */
struct ax_panel_voices {
    const struct ax_verdict *features;       /* not ready: that voice is silent */
    uint32_t members;                        /* which members speak, a bit each; 0: there is no ensemble */
    const struct ax_ensemble_ratios *ratios; /* of these */
    const double *weights;                   /* of these; NULL: 1 each */
    int64_t generation;                      /* tells the ensemble that speaks from others */
    bool judge_only;                         /* learn nothing */
    double level; /* of the generation, for the entity: what is known before the past is */
};

/* Score the step, then learn from it. *vote is the share of voices above their level, 0 to 1. Returns whether
 * an ensemble should not learn from this step. Constant cost; no allocation. */
bool ax_panel_step(struct ax_panel *p, const struct ax_panel_voices *voices, struct ax_verdict *out,
                   double *vote);

/* Append all that it has learnt. */
void ax_panel_save(const struct ax_panel *p, struct ax_buf *out);

/* Read that back into one that has heard nothing, of the same spec. AX_CORRUPT. */
AX_MUST_USE enum ax_err ax_panel_load(struct ax_panel *p, struct ax_bytes *in);

#endif
