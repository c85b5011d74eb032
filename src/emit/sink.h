/* sink.h: where output series go: remote-write endpoints in service, a table in a backtest.
 *
 * An output series is opened once, with its complete labels, and then fed in time order. What belongs to one
 * step is put first and committed together, so that after a crash it is there as a whole or not at all. */
#ifndef AX_EMIT_SINK_H
#define AX_EMIT_SINK_H

#include "prom/labels.h"

struct ax_out; /* an open output series; belongs to the sink */

/* Where they go; a value to be copied, valid as long as what made it says. */
struct ax_sink {
    void *ctx;
    /* Open an output series (labels are copied). Opening the same labels twice gives two handles of one
     * series. NULL when out of memory. */
    struct ax_out *(*open)(void *ctx, const struct ax_labels *labels);
    /* Send one sample. One that is not newer than its series' last one is dropped and counted. Never blocks
     * on a receiver. */
    void (*put)(void *ctx, struct ax_out *out, int64_t t_ms, double value);
    /* End the series: a stale marker at t_ms unless t_ms is INT64_MIN (a stop without an end: nothing is
     * sent). The handle is gone. */
    void (*close)(void *ctx, struct ax_out *out, int64_t t_ms);
    /* What was put and closed since the last commit becomes one unit of the queue: unit names whose it is (a
     * job), t_ms the time for which it is. A time at or before the newest one that the queue has of this unit
     * is a replay: its samples are dropped, for they were queued before. On AX_IO with a text (a full disk)
     * nothing is queued and what was put is kept: commit again before anything else is put. NULL: the sink
     * takes samples one by one. */
    enum ax_err (*commit)(void *ctx, struct ax_str unit, int64_t t_ms, struct ax_diag *diag);
    /* What is queued, or put, of the series that a selector means (as {instance="a"}, checked by the caller)
     * is erased, from memory and files; *samples is how many there were. AX_IO with a text, AX_NOMEM: some of
     * it may be; the same again goes on, and so does a start after a kill. NULL: nothing is queued. */
    enum ax_err (*erase)(void *ctx, struct ax_str selector, uint64_t *samples, struct ax_diag *diag);
};

#endif
