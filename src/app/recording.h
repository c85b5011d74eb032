/* recording.h: CSV files as the world of a pipeline: rows in the order of time, on a virtual clock.
 *
 * When all samples of an instant are in, the clock moves there and the due steps run. So a model never sees a
 * sample later than the moment it predicts from. Silence passes as it does in service. One thread. */
#ifndef AX_APP_RECORDING_H
#define AX_APP_RECORDING_H

#include "app/flags.h"
#include "ingest/csv.h"
#include "pipeline/pipeline.h"

struct ax_problems;

/* A recording with the jobs that run over it. Zero-initialise. */
struct ax_recording {
    struct ax_csv *csv;
    struct ax_buf *keys; /* of each series */
    struct ax_db *db;
    struct ax_pipeline *pipeline;
    int64_t now_ms;
    int64_t stride_ms, silence_ms; /* see pass_silence() */
    uint64_t samples, duplicates, steps;
    int64_t shown_ns;
    struct ax_csv_value ahead; /* read, and not yet taken */
    bool begun, any, end;      /* ahead was read once; a row was taken; there are no more */
    /* The truth of a row: label 1, 0, or -1 unknown. May be NULL. */
    void (*truth)(void *ctx, const struct ax_labels *labels, int64_t t_ms, int label);
    void *ctx;
};

/* Read a configuration; problems go to standard error. AX_INVALID, AX_NOMEM with a text. */
AX_MUST_USE enum ax_err ax_recording_config(const char *path, int64_t max_range_ms, struct ax_config **out,
                                            struct ax_diag *diag);

/* Open the files and build the jobs of a config, which the pipeline owns from then on (on an error the caller
 * keeps it). What options leaves out, all but sink, observer and training, is filled in. */
AX_MUST_USE enum ax_err ax_recording_open(struct ax_recording *r, const struct ax_flag_list *inputs,
                                          struct ax_str label, struct ax_config *config,
                                          const struct ax_pipeline_options *options, struct ax_diag *diag);

/* Run until the rows of until_ms are taken, or all; r->end says so. AX_INVALID: a file has no samples, or
 * cannot be read. */
AX_MUST_USE enum ax_err ax_recording_run(struct ax_recording *r, int64_t until_ms, struct ax_diag *diag);

/* The times of the first and the last row, without running anything. */
AX_MUST_USE enum ax_err ax_recording_span(const struct ax_flag_list *inputs, struct ax_str label,
                                          int64_t *from_ms, int64_t *to_ms, struct ax_diag *diag);

/* Free all of it, the pipeline first. */
void ax_recording_close(struct ax_recording *r);

#endif
