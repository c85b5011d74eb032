/* outlet.h: the output series of one job: their labels, their number, their end.
 *
 * An outlet is one output series; it is opened in the sink when it is first fed and holds nothing before.
 * Labels: those of the input, plus `for` and what the output adds; an input label that collides with an
 * added one becomes exported_<name>; `source` is the metric's name where the input keeps one; external
 * labels where absent. Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_OUTLET_H
#define AX_PIPELINE_OUTLET_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/metrics.h"
#include "config/config.h"
#include "config/outputs.h"
#include "emit/sink.h"

#define AX_OUTLET_ADDED 4 /* labels that an output adds beside `for` and `source` */

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
    double last; /* last value fed, for the repetition of slow jobs; NaN while closed: it was counted against
                    max_output_series already */
};

/* What an output series is called: which output, of which input, and what it adds beside `for`. Views. */
struct ax_outlet_name {
    enum ax_output id;
    const struct ax_labels *input; /* NULL for an output of the whole job */
    struct ax_label added[AX_OUTLET_ADDED];
    uint32_t added_n;
};

/* What can be done to every outlet of a target, an entity or a job: the owner walks them, always in the same
 * order, and says what each is called. */
enum ax_outlet_verb {
    AX_OUTLET_REPEAT, /* feed the last value again at t_ms, if it is open */
    AX_OUTLET_END,    /* as ax_outlet_end() */
    AX_OUTLET_SAVE,   /* append whether it is open, and its last value */
    AX_OUTLET_LOAD,   /* read that back: an outlet that was open is open again, as far as max_output_series
                         allows; what cannot be is a failure of in, and so is AX_NOMEM */
};

/* One of them, with what it needs. */
struct ax_outlet_deed {
    enum ax_outlet_verb verb;
    int64_t t_ms;
    struct ax_buf *out;
    struct ax_bytes *in;
};

/* Prepare the shared part; `emit` of the job chooses the outputs. A sink without open() is fed nothing. */
void ax_outlets_init(struct ax_outlets *os, const struct ax_sink *sink, const struct ax_config *config,
                     const struct ax_job_config *job);

/* Free the shared part. Outlets must be closed. */
void ax_outlets_done(struct ax_outlets *os);

/* The labels of an output, in the arena of os until its next use. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_outlet_labels(struct ax_outlets *os, const struct ax_outlet_name *name,
                                         struct ax_labels *out);

/* Feed an output series, opening it under its name when needed. A value that is NaN, or an output that `emit`
 * leaves out, is not sent. No allocation once open. */
void ax_outlet_put(struct ax_outlets *os, struct ax_outlet *o, const struct ax_outlet_name *name,
                   int64_t t_ms, double value);

/* End the series with a stale marker at t_ms (INT64_MIN: without one). A closed outlet is left alone. */
void ax_outlet_end(struct ax_outlets *os, struct ax_outlet *o, int64_t t_ms);

/* Do that to an outlet of this name. */
void ax_outlet_do(struct ax_outlets *os, struct ax_outlet *o, const struct ax_outlet_name *name,
                  const struct ax_outlet_deed *deed);

/* Is a label set an output of this job? (`for` names it and the metric is one of its outputs.) */
bool ax_outlet_is_ours(const struct ax_job_config *job, const struct ax_labels *ls);

#endif
