/* outputs.h: the output series of a job by name: one table for config (`emit`), pipeline and loop guard. */
#ifndef AX_CONFIG_OUTPUTS_H
#define AX_CONFIG_OUTPUTS_H

#include "base/buf.h"

/* An output of a job; the table is config/outputs.def. */
enum ax_output {
#define AX_OUTPUT(id, name, stage) AX_OUTPUT_##id,
#include "config/outputs.def"
#undef AX_OUTPUT
    AX_OUTPUT_N
};

/* What makes an output: a block of the job, or the job itself; or who asks for it. */
enum ax_output_stage {
    AX_STAGE_FORECAST,
    AX_STAGE_CAPACITY,
    AX_STAGE_BILLING,
    AX_STAGE_ANOMALY,
    AX_STAGE_DRIFT,
    AX_STAGE_JOB,
    AX_STAGE_READ
};

/* The block of a job that makes the output. */
enum ax_output_stage ax_output_stage(enum ax_output o);

/* Append the metric name of an output, for a job whose forecast is called forecast_output ("" when the
 * job has none). */
void ax_output_name(enum ax_output o, struct ax_str forecast_output, struct ax_buf *out);

/* The output of that metric name, or AX_OUTPUT_N. O(outputs), no allocation. */
enum ax_output ax_output_find(struct ax_str name, struct ax_str forecast_output);

#endif
