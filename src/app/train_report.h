/* train_report.h: what a training found, as JSON and as Markdown: each job's data, models and scores, what
 * they are measured against, and whether the job is fit to serve. */
#ifndef AX_APP_TRAIN_REPORT_H
#define AX_APP_TRAIN_REPORT_H

#include "app/train_fit.h"

#include <jansson.h>

/* A model as JSON: {"model", "status", "reason", ...}. version is that of the registry, or "". */
json_t *ax_train_model_json(const struct ax_train_task *t, const char *version);

/* The targets of a job against scores {"horizons": [{"horizon_ms", "wape", ...}], "anomaly": {...}}, as a
 * list of
 * {"score", "value", "target", "met", "default"}; what could not be measured is not met. A job that asks for
 * nothing is asked for what is usual ("default"): forecasts that are no worse than the last value, and alarms
 * of at most ten times the false-alarm rate that is configured ("met" is null where there are no scores to be
 * counted). */
json_t *ax_train_targets_json(const struct ax_job_config *job, const json_t *scores);

/* The same scores, whatever the targets, as a JSON object of numbers, {"holdout_wape": 0.1, ...}: what a job
 * did with the models that were fitted, over time that they have not seen. To be freed; NULL: no memory. */
char *ax_train_holdout(const struct ax_job_config *job, const json_t *scores);

/* Is it fit: does each model serve that should, and is each target met? What speaks against that is appended
 * to one list, and what for it to another, in words. */
bool ax_train_verdict(const json_t *models, const json_t *targets, json_t *reasons, json_t *grounds);

/* The whole report as Markdown, from its JSON. */
void ax_train_markdown(const json_t *report, struct ax_buf *out);

#endif
