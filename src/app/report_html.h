/* report_html.h: parts of the HTML page. Private to app/report_html.c and app/report_charts.c. */
#ifndef AX_APP_REPORT_HTML_H
#define AX_APP_REPORT_HTML_H

#include "app/chart.h"
#include "app/report_data.h"

/* A series' labels as exposition text, escaped. */
void ax_html_series(struct ax_buf *out, const struct ax_series_report *s);

/* The charts of a job: forecasts, scores, reliability, drift. */
void ax_report_charts(const struct ax_job_report *job, struct ax_buf *out);

#endif
