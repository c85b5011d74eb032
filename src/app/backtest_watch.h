/* backtest_watch.h: what a backtest keeps of a run: it observes the pipeline and feeds the report.
 *
 * At every step it also makes the baseline that users have today, PromQL's predict_linear over the last hour
 * (at least 10 steps), from the same past, and lets it and the forecast's confidence wait for the actual. */
#ifndef AX_APP_BACKTEST_WATCH_H
#define AX_APP_BACKTEST_WATCH_H

#include "app/report.h"
#include "pipeline/observer.h"

struct ax_backtest_watch;

/* A watch over the jobs of config (which outlives it) that reports on what comes after from_ms (INT64_MIN:
 * everything). NULL when out of memory. */
struct ax_backtest_watch *ax_backtest_watch_new(const struct ax_config *config, struct ax_str title,
                                                int64_t from_ms);

/* Free; NULL is fine. */
void ax_backtest_watch_free(struct ax_backtest_watch *w);

/* The observer for the pipeline; valid as long as the watch. */
struct ax_observer ax_backtest_watch_observer(struct ax_backtest_watch *w);

/* The truth of a row: label 1 abnormal, 0 normal, -1 unknown. It holds for every series with the same
 * `instance` label, until the next row of that instance. */
void ax_backtest_watch_truth(struct ax_backtest_watch *w, const struct ax_labels *labels, int64_t t_ms,
                             int label);

/* What was found. */
struct ax_report *ax_backtest_watch_report(struct ax_backtest_watch *w);

#endif
