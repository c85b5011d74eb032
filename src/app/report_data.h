/* report_data.h: what a report holds, for its writers. Private to app/report*.c. */
#ifndef AX_APP_REPORT_DATA_H
#define AX_APP_REPORT_DATA_H

#include "app/report.h"
#include "app/trace.h"

#define AX_REPORT_DRIFTS 256
#define AX_REPORT_BINS 10

/* Channels of a forecast's trace and of a score's. */
enum {
    FT_ACTUAL_LO,
    FT_ACTUAL_HI,
    FT_MEAN_LO,
    FT_MEAN_HI,
    FT_LOWER,
    FT_UPPER,
    FT_ERROR_LO,
    FT_ERROR_HI,
    FT_N
};
enum { ST_VALUE_LO, ST_VALUE_HI, ST_LOWER, ST_UPPER, ST_SCORE, ST_LABEL, ST_N };

/* Scores of one series. */
struct ax_report_alarms {
    uint64_t n, above; /* points, and those whose score is above 1 */
    uint64_t episodes; /* runs of such points */
    uint64_t labelled, abnormal, true_positive,
        false_positive; /* of the points of which the truth is known */
    int64_t first_ms, last_ms;
    bool on;
};

/* One series of a job. */
struct ax_series_report {
    struct ax_labels *labels;
    struct ax_forecast_sums *sums; /* of each horizon */
    struct ax_trace *forecasts; /* of each horizon, and of each again what is recent; NULL when not traced */
    struct ax_trace *scores;    /* NULL likewise */
    struct ax_report_alarms alarms;
};

/* One feature of a job under one test. */
struct ax_drift_report {
    struct ax_str feature, test;
    struct ax_trace trace; /* minimum, maximum */
    double last, max;
};

/* One job: its series, and what is kept over all of them. */
struct ax_job_report {
    struct ax_report_job spec;
    struct ax_series_report *series;
    uint32_t series_n, series_cap;
    uint32_t *slots; /* open addressing: number of a series + 1 */
    uint32_t slots_n;
    struct ax_scored *scored; /* labelled points of all series */
    uint64_t scored_n, scored_cap;
    uint64_t confidence_n[AX_REPORT_BINS], within_n[AX_REPORT_BINS];
    double confidence_sum[AX_REPORT_BINS];
    struct ax_drift_report *drifts;
    uint32_t drifts_n;
};

/* The report. */
struct ax_report {
    struct ax_arena arena; /* texts of the jobs and drifts */
    struct ax_str title;
    struct ax_job_report *jobs;
    uint32_t jobs_n;
    bool nomem;
};

/* One horizon over all series of a job. */
struct ax_horizon_summary {
    uint32_t series_n;                 /* that have outcomes */
    struct ax_forecast_metrics median; /* n: total; every other field: median over the series */
    double pooled_wape;
};

/* The scores of a job over all its series. */
struct ax_alarm_summary {
    uint64_t n, above, episodes;
    double per_week; /* episodes a week, mean over the series */
    bool labelled;
    struct ax_detection_metrics detection; /* over all labelled points of all series */
};

/* Summaries; both reorder scratch data but change nothing. */
struct ax_horizon_summary ax_report_horizon(struct ax_report *r, const struct ax_job_report *job,
                                            uint32_t horizon);

/* Scores of a job over all its series; reorders its labelled points. */
struct ax_alarm_summary ax_report_alarm_summary(struct ax_job_report *job);

/* Episodes a week of one series; NaN for a span of no length. */
double ax_report_per_week(const struct ax_report_alarms *a);

#endif
