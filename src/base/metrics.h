/* metrics.h: Auspex's own counters, gauges and histograms, served on /metrics.
 *
 * Every metric is a row of base/metrics.def. A row with a label has one cell for each value of it;
 * values come from config or from tables of the program, never from series, and at most
 * AX_METRIC_CELLS of them exist for a metric (one more is counted under "other"). The registry is the
 * process's. Updates are lock-free; finding a cell by label takes a lock, so hot paths keep the cell. */
#ifndef AX_BASE_METRICS_H
#define AX_BASE_METRICS_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

/* Prometheus's types, as far as they are used. */
enum ax_metric_type { AX_METRIC_COUNTER, AX_METRIC_GAUGE, AX_METRIC_HISTOGRAM };

/* One id for each row of metrics.def. */
enum ax_metric {
#define AX_METRIC(id, type, name, label1, label2, help) AX_M_##id,
#define AX_METRIC3(id, type, name, label1, label2, label3, help) AX_M_##id,
#include "base/metrics.def"
#undef AX_METRIC3
#undef AX_METRIC
    AX_METRIC_N
};

#define AX_METRIC_CELLS 256
#define AX_METRIC_BUCKETS 14

/* One labelled instance; lives as long as the process. */
struct ax_cell;

/* The cell of a metric with the given label values (NULL for a label that the metric has not).
 * Never NULL. Takes a lock. */
struct ax_cell *ax_metric(enum ax_metric id, const char *value1, const char *value2);

/* The same of a metric with three labels; one without a value is not shown. */
struct ax_cell *ax_metric3(enum ax_metric id, const char *value1, const char *value2, const char *value3);

/* A cell that is shown nowhere, for what is done for a rehearsal. */
struct ax_cell *ax_metric_void(void);

/* Drop the cells of a metric whose first label has this value (a job that is gone). */
void ax_metric_forget(enum ax_metric id, const char *value1);

/* The same for every metric whose first label has this name: all that was said of one job. */
void ax_metrics_forget(const char *label1, const char *value1);

/* Add to a counter or gauge. Lock-free. */
void ax_metric_add(struct ax_cell *cell, double amount);

/* Add 1 to a counter found by labels; for paths that are not hot. */
void ax_metric_count(enum ax_metric id, const char *value1, const char *value2);

/* Set a gauge. Lock-free. */
void ax_metric_set(struct ax_cell *cell, double value);

/* Put a duration in seconds into a histogram (buckets from 0.5 ms to 10 s). Lock-free. */
void ax_metric_observe(struct ax_cell *cell, double seconds);

/* Current value of a counter or gauge. */
double ax_metric_get(const struct ax_cell *cell);

/* Append all metrics in the Prometheus text format 0.0.4. A counter without labels is there from the
 * beginning, as 0: a rate of one that begins with its first event would not see that. */
void ax_metrics_write(struct ax_buf *out);

#endif
