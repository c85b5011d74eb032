/* trace.h: a curve for a chart, in bounded memory however long it gets.
 *
 * Points go into bins; when all AX_TRACE_BINS are full, neighbours are merged and bins become twice as wide.
 * A trace of what is recent drops its older half instead, and stays at full resolution.
 * A channel keeps the minimum or the maximum of its bin, so that no spike is lost. One owner. */
#ifndef AX_APP_TRACE_H
#define AX_APP_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#define AX_TRACE_BINS 1024
#define AX_TRACE_CHANNELS 8

/* Bin i began at t_ms[i]; its channel c is v[i * channels + c], NaN when it had no value. */
struct ax_trace {
    uint32_t channels;
    bool recent;     /* full: drop the older half, do not merge */
    uint32_t maxima; /* bit c: channel c keeps maxima, else minima */
    uint32_t n;      /* bins in use; the last may be filling up */
    uint32_t width;  /* points in a full bin */
    uint32_t filled; /* points in the last bin */
    int64_t *t_ms;
    double *v;
};

/* An empty trace; false when out of memory. */
bool ax_trace_init(struct ax_trace *t, uint32_t channels, uint32_t maxima);

/* Add a point, in time order: one value for each channel, NaN for none. O(channels) amortised. */
void ax_trace_add(struct ax_trace *t, int64_t t_ms, const double *values);

/* The newest n points (or all) of a recent trace, as a view into it: not to be freed nor added to. */
struct ax_trace ax_trace_tail(const struct ax_trace *t, uint32_t n);

/* Free the memory. */
void ax_trace_done(struct ax_trace *t);

#endif
