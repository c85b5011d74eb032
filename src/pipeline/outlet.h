/* outlet.h: the output series of one job: their labels, their number, their end.
 *
 * An outlet is one output series; it is opened in the sink when it is first fed and holds nothing before.
 * Labels: those of the input, plus `for` and what the output adds; an input label that collides with an
 * added one becomes exported_<name>; `source` is the metric's name where the input keeps one; external
 * labels where absent. Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_OUTLET_H
#define AX_PIPELINE_OUTLET_H

#include "base/arena.h"
#include "base/metrics.h"
#include "config/config.h"
#include "config/outputs.h"
#include "emit/sink.h"

/* What all outlets of a job share. */
struct ax_outlets {
    const struct ax_sink *sink;
    const struct ax_config *config;
    const struct ax_job_config *job;
    bool enabled[AX_OUTPUT_N];
    uint32_t open_n;
    struct ax_cell *open_cell, *refused_cell;
    struct ax_arena arena; /* for label sets while they are built */
};

/* One output series; zero-initialise. */
struct ax_outlet {
    struct ax_out *out; /* NULL while closed */
    double last;        /* last value fed, for the repetition of slow jobs */
    bool refused;       /* counted against max_output_series already */
};

/* Prepare the shared part; `emit` of the job chooses the outputs. */
void ax_outlets_init(struct ax_outlets *os, const struct ax_sink *sink, const struct ax_config *config,
                     const struct ax_job_config *job);

/* Free the shared part. Outlets must be closed. */
void ax_outlets_done(struct ax_outlets *os);

/* Feed an output series (opening it when needed). input may be NULL for an output of the whole job;
 * added has the labels that this output adds beside `for`. A value that is NaN, or an output that `emit`
 * leaves out, is not sent. No allocation once open. */
void ax_outlet_put(struct ax_outlets *os, struct ax_outlet *o, enum ax_output id,
                   const struct ax_labels *input, const struct ax_label *added, uint32_t added_n,
                   int64_t t_ms, double value);

/* Feed the last value again at t_ms, if the outlet is open. */
void ax_outlet_repeat(struct ax_outlets *os, struct ax_outlet *o, int64_t t_ms);

/* End the series with a stale marker at t_ms (INT64_MIN: without one). A closed outlet is left alone. */
void ax_outlet_end(struct ax_outlets *os, struct ax_outlet *o, int64_t t_ms);

/* Is a label set an output of this job? (`for` names it and the metric is one of its outputs.) */
bool ax_outlet_is_ours(const struct ax_job_config *job, const struct ax_labels *ls);

#endif
