/* report.h: what a backtest found: fed point by point, then written as a table, as JSON and as one HTML page.
 *
 * Metrics (app/evaluation.h) are kept for each job, series and horizon; over series they are given as the
 * median, and the WAPE also pooled. Curves for the page are kept for the first AX_REPORT_TRACED series of a
 * job, in bounded memory. Memory: about 200 bytes a series and horizon, 16 bytes a labelled point, and up to
 * 75 KiB a curve, of which a horizon has two. One owner; not thread-safe. When memory runs out, what is fed
 * is dropped, and every writer says so. */
#ifndef AX_APP_REPORT_H
#define AX_APP_REPORT_H

#include "app/evaluation.h"
#include "base/buf.h"
#include "prom/labels.h"
#include "train/parity.h"

#define AX_REPORT_TRACED 64

struct ax_report;

/* What a job forecasts; copied. horizons_n 0: it has no forecast. */
struct ax_report_job {
    struct ax_str name, output;
    const int64_t *horizons_ms;
    uint32_t horizons_n;
    double level; /* of its interval, 0.90 */
};

/* The score of one series or entity at one step. NaN where there is no value or band. */
struct ax_report_score {
    int64_t t_ms;
    double score;
    double value, expected, lower, upper;
    int label; /* truth: 1 abnormal, 0 normal, -1 unknown */
};

/* An empty report with its title (a config's path, say); NULL when out of memory. */
struct ax_report *ax_report_new(struct ax_str title, const struct ax_report_job *jobs, uint32_t jobs_n);

/* Free; NULL is fine. */
void ax_report_free(struct ax_report *r);

/* The number of a series within a job, new or known; pass it to the functions below. UINT32_MAX when out of
 * memory: passing that on is fine. O(1). */
uint32_t ax_report_series(struct ax_report *r, uint32_t job, const struct ax_labels *labels);

/* Add a forecast whose actual is known; horizon is the index into the job's. In the order of t_actual_ms for
 * each series and horizon. */
void ax_report_outcome(struct ax_report *r, uint32_t job, uint32_t series, uint32_t horizon,
                       const struct ax_forecast_outcome *o);

/* Add a prediction_confidence and whether the actual was within its tolerance. */
void ax_report_confidence(struct ax_report *r, uint32_t job, uint32_t horizon, double confidence,
                          bool within);

/* Add a score, in time order for each series. */
void ax_report_score(struct ax_report *r, uint32_t job, uint32_t series, const struct ax_report_score *point);

/* Add a drift score of a feature by a test ("ks", "psi", ...), in time order for each. */
void ax_report_drift(struct ax_report *r, uint32_t job, struct ax_str feature, struct ax_str test,
                     int64_t t_ms, double value);

/* What is known of each value of a label over the series of a job, into groups[max]; returns how many there
 * are. Series without the label are left out, and so is what goes beyond max. Names live as long as r. */
uint32_t ax_report_groups(const struct ax_report *r, uint32_t job, struct ax_str label,
                          struct ax_parity_group *groups, uint32_t max);

/* Append the summary as aligned text; it says which numbers are medians over series and which are pooled. */
void ax_report_table(struct ax_report *r, struct ax_buf *out);

/* Append it as one JSON object; ratios are 0 to 1, what is undefined is null. Every series is listed. */
void ax_report_json(struct ax_report *r, struct ax_buf *out);

/* Append the HTML page: self-contained, without scripts. */
void ax_report_html(struct ax_report *r, struct ax_buf *out);

#endif
