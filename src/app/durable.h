/* durable.h: what lasts of what came in: the log (wal/), the snapshots (snapshots/), and the way back from
 * both.
 *
 * At the start: ax_durable_open(); a database and a pipeline on its log, with their jobs;
 * ax_durable_recover(). Then samples may be received, and the pipeline takes the recorded steps before it
 * goes on. */
#ifndef AX_APP_DURABLE_H
#define AX_APP_DURABLE_H

#include "pipeline/pipeline.h"

struct ax_durable;

/* Where, and how surely. */
struct ax_durable_options {
    const char *path;       /* the storage folder, which exists */
    uint64_t segment_bytes; /* of the log; 0: the default of store/seglog.h */
    bool fsync_always;      /* each append reaches the disk before it counts; else once a second all do */
};

/* Find the newest sound snapshot, and open the log or make it. What was lost of either is logged and counted;
 * it is no failure. AX_IO with a text (a read-only disk among others), AX_NOMEM, AX_UNSUPPORTED: of another
 * version. */
AX_MUST_USE enum ax_err ax_durable_open(const struct ax_durable_options *options, struct ax_durable **out,
                                        struct ax_diag *diag);

/* The log; lives until ax_durable_close(). */
struct ax_seglog *ax_durable_log(struct ax_durable *d);

/* The folder for snapshots. */
const char *ax_durable_snapshots(const struct ax_durable *d);

/* Bring back the series, and what the jobs have learnt up to the snapshot, and leave the recorded steps
 * behind it to the pipeline. Once, before any sample is received or step taken. AX_NOMEM or AX_IO with a
 * text. */
AX_MUST_USE enum ax_err ax_durable_recover(struct ax_durable *d, struct ax_db *db,
                                           struct ax_pipeline *pipeline, struct ax_diag *diag);

/* Start the thread that once a second brings the log to the disk, and what `sync` (may be NULL) knows of.
 * AX_IO. */
AX_MUST_USE enum ax_err ax_durable_keep(struct ax_durable *d,
                                        enum ax_err (*sync)(void *ctx, struct ax_diag *diag), void *ctx,
                                        struct ax_diag *diag);

/* End that thread; what `sync` knows of may go then. */
void ax_durable_let_go(struct ax_durable *d);

/* Bring the log to the disk, close it and free; NULL is fine. Nobody may use it any more. */
void ax_durable_close(struct ax_durable *d);

#endif
