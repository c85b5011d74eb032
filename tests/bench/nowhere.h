/* nowhere.h: a sink that takes everything and keeps nothing, for benchmarks of what comes before it. */
#ifndef AX_BENCH_NOWHERE_H
#define AX_BENCH_NOWHERE_H

#include "emit/sink.h"

static inline struct ax_out *nowhere_open(void *ctx, const struct ax_labels *labels)
{
    (void)labels;
    return ctx;
}

static inline void nowhere_put(void *ctx, struct ax_out *out, int64_t t_ms, double value)
{
    (void)ctx, (void)out, (void)t_ms, (void)value;
}

static inline void nowhere_close(void *ctx, struct ax_out *out, int64_t t_ms)
{
    (void)ctx, (void)out, (void)t_ms;
}

/* The sink; there is no end to it. */
static inline struct ax_sink nowhere(void)
{
    static char out; /* what all handles point to */
    return (struct ax_sink){.ctx = &out, .open = nowhere_open, .put = nowhere_put, .close = nowhere_close};
}

#endif
