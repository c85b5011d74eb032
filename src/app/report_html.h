/* report_html.h: parts of the HTML page. Private to app/report_html.c and app/report_charts.c. */
#ifndef AX_APP_REPORT_HTML_H
#define AX_APP_REPORT_HTML_H

#include "app/chart.h"
#include "app/report_data.h"

/* A table cell with a number; a dash when undefined. */
void ax_html_number(struct ax_buf *out, double v);

/* The same for a ratio, as a percentage. */
void ax_html_percent(struct ax_buf *out, double v);

/* A series' labels as exposition text, escaped. */
void ax_html_series(struct ax_buf *out, const struct ax_series_report *s);

/* The charts of a job: forecasts, scores, reliability, drift. */
void ax_report_charts(const struct ax_job_report *job, struct ax_buf *out);

#endif
