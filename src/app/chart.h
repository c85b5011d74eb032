/* chart.h: one chart as inline SVG: a frame with axes, and curves of a trace in it.
 *
 * Colours are CSS classes of the page, so that light and dark follow the reader's setting. What lies outside
 * the value range is clipped at the frame. One chart at a time; not thread-safe. */
#ifndef AX_APP_CHART_H
#define AX_APP_CHART_H

#include "app/trace.h"
#include "base/buf.h"

/* A chart under way: ranges of its axes, and its size in the SVG's units. */
struct ax_chart {
    struct ax_buf *out;
    double t0, t1, lo, hi;
    double width, height;
};

/* Append text with what HTML reserves escaped. */
void ax_html_text(struct ax_buf *out, struct ax_str text);

/* Append a value as a person reads it: 1.5k, 32M, 0.004. */
void ax_html_value(struct ax_buf *out, double v);

/* Begin a chart over a span of time (Unix ms) and values; a span without width is widened. about: what it
 * shows, for screen readers. compact: lower, for charts beneath another. */
void ax_chart_begin(struct ax_chart *c, struct ax_buf *out, int64_t t0_ms, int64_t t1_ms, double lo,
                    double hi, bool compact, const char *about);

/* Draw a curve through its bins from minimum to maximum; a bin without values is a gap. */
void ax_chart_line(const struct ax_chart *c, const struct ax_trace *t, uint32_t lo, uint32_t hi,
                   const char *cls);

/* Fill between two channels. */
void ax_chart_band(const struct ax_chart *c, const struct ax_trace *t, uint32_t lo, uint32_t hi,
                   const char *cls);

/* Shade the spans of time where a channel is above a threshold, over the full height. */
void ax_chart_spans(const struct ax_chart *c, const struct ax_trace *t, uint32_t channel, double above,
                    const char *cls);

/* Mark bins where channel when is above a threshold by a dot at channel at. */
void ax_chart_dots(const struct ax_chart *c, const struct ax_trace *t, uint32_t at, uint32_t when,
                   double above, const char *cls);

/* A horizontal line at a value. */
void ax_chart_rule(const struct ax_chart *c, double value, const char *cls);

/* End the chart. */
void ax_chart_end(const struct ax_chart *c);

/* Smallest and largest finite value of two channels; false when there is none. */
bool ax_trace_range(const struct ax_trace *t, uint32_t lo, uint32_t hi, double *out_lo, double *out_hi);

#endif
