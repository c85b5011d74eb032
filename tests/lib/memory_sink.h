/* memory_sink.h: an ax_sink that remembers everything, for looking at what a pipeline emitted. */
#ifndef AX_TEST_MEMORY_SINK_H
#define AX_TEST_MEMORY_SINK_H

#include "emit/sink.h"

struct memory_sample {
    int64_t t_ms;
    double value;
};

/* One output series: its exposition text and all its samples, stale markers included. */
struct memory_series {
    char *text;
    struct memory_sample *v;
    uint32_t n, cap;
    uint32_t open_n; /* handles open now */
};

/* Zero-initialise. */
struct memory_sink {
    struct memory_series *v;
    uint32_t n;
};

/* The sink. */
struct ax_sink memory_sink(struct memory_sink *m);

/* The series of that exact text, or NULL. */
const struct memory_series *memory_find(const struct memory_sink *m, const char *text);

/* How many series have this text within theirs. */
uint32_t memory_count(const struct memory_sink *m, const char *part);

/* Free everything. */
void memory_sink_done(struct memory_sink *m);

#endif
