/* train_source.h: where a training gets its past from: a recording, or the storage of an auspex that does not
 * run.
 *
 * Of a recording models learn from the first part of the time and are judged by the rest, as they would have
 * served then: the jobs run on with them. Of a storage they learn from the windows as they were when the
 * process stopped; what the jobs' scorecards say of their last 24 h is what there is to judge by. Nothing of
 * a storage changes but its registry. One thread. */
#ifndef AX_APP_TRAIN_SOURCE_H
#define AX_APP_TRAIN_SOURCE_H

#include "app/backtest_watch.h"
#include "app/csv_sink.h"
#include "app/durable.h"
#include "app/recording.h"
#include "app/train_fit.h"

#include <jansson.h>

/* Zero-initialise, and fill the first part; lock_fd is -1. */
struct ax_train_source {
    const char *config_file, *storage_path, *label;
    struct ax_flag_list inputs; /* none: the storage itself */
    double holdout;             /* share of a recording's time */
    int64_t max_range_ms;

    int lock_fd;
    struct ax_registry *registry; /* of the storage; NULL without */
    struct ax_config *config;     /* the pipeline's, once it is loaded */
    bool loaded;
    struct ax_pipeline *pipeline;
    struct ax_csv_sink *sink;
    struct ax_recording recording;
    struct ax_backtest_watch *watch;
    struct ax_observer observer;
    struct ax_durable *durable;
    struct ax_db *db;
    int64_t now_ms; /* of a storage: none, so that no step is due */
    int64_t split_ms;
    uint64_t labelled, abnormal;
};

/* Open it, and run to the moment from which models are fitted. With a text. */
AX_MUST_USE enum ax_err ax_train_source_open(struct ax_train_source *s, struct ax_diag *diag);

/* Let the models that were fitted serve, and see how they do; scores of each job by its name, as
 * ax_train_targets_json() reads them. */
AX_MUST_USE enum ax_err ax_train_source_judge(struct ax_train_source *s, struct ax_train_task *tasks,
                                              uint32_t n, json_t **out, struct ax_diag *diag);

/* Close it; the tasks must be done with. */
void ax_train_source_close(struct ax_train_source *s);

#endif
