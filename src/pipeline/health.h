/* health.h: one number for how a job's models are: 100 is well, 0 is useless.
 *
 *     100 - 20 for each of: not ready; drift of concept; errors that have risen (drift.stream); forecasts
 * worse than the last value (skill below 0 at the shortest horizon)
 *         -  5 for each of: more than 0.3 of the features have drifted; drift of the target; drift of the
 * forecasts
 *         - 20 * (0.8 - accuracy) / 0.8 while the accuracy at the shortest horizon is below 0.8
 *         - 20 * (latency - 0.5) / 0.5, 20 at most, while latency is above 0.5
 *
 * and never below 0. Latency is the time that the job's steps took lately (a mean over about the last eight)
 * as a share of the time from one to the next: from 1 on it falls behind. It is measured, so it is taken from
 * the record of the step, which a replay reads again; a backtest has none. Pure. */
#ifndef AX_PIPELINE_HEALTH_H
#define AX_PIPELINE_HEALTH_H

#include "pipeline/job_priv.h"

/* What is known of a job; accuracy and skill are NaN while they are not. */
struct ax_health {
    bool ready, drifted[AX_DRIFT_KINDS];
    double data_share, accuracy, skill;
    double latency;
};

/* The number. */
double ax_health_score(const struct ax_health *h);

#endif
