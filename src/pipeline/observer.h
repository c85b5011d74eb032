/* observer.h: what a backtest wants to see of the pipeline beside what is emitted. All may be NULL. */
#ifndef AX_PIPELINE_OBSERVER_H
#define AX_PIPELINE_OBSERVER_H

#include "anomaly/detector.h"
#include "config/config.h"
#include "forecast/forecast.h"

/* Called by the pipeline's thread as things happen; any of them may be NULL. */
struct ax_observer {
    void *ctx;
    /* A step of a series that is forecast, after the forecast was made; NULL when there is none yet. feature
     * is empty for the job's own expression. */
    void (*step)(void *ctx, const struct ax_job_config *job, struct ax_str feature,
                 const struct ax_labels *labels, int64_t t_ms, const struct ax_window *window,
                 const struct ax_forecast_spec *spec, const struct ax_forecast *forecast);
    /* A forecast whose actual arrived at t_ms; comes before that step's own call. */
    void (*outcome)(void *ctx, const struct ax_job_config *job, struct ax_str feature,
                    const struct ax_labels *labels, int64_t t_ms, const struct ax_outcome *outcome);
    /* A score of a series or entity; not of the features of an entity. */
    void (*verdict)(void *ctx, const struct ax_job_config *job, const struct ax_labels *labels, int64_t t_ms,
                    double value, const struct ax_verdict *verdict);
    /* A drift score of a feature of a job. */
    void (*drift)(void *ctx, const struct ax_job_config *job, const char *feature, const char *test,
                  int64_t t_ms, double score, bool drifted);
};

#endif
