/* ledger.h: a sink of units as emit/sink.h wants it, that outlives the pipelines which feed it: what it has
 * taken stays taken, and what was put and not committed is lost with a crash. */
#ifndef AX_TEST_LEDGER_H
#define AX_TEST_LEDGER_H

#include "memory_sink.h"

struct ledger_entry;
struct ledger_unit;

/* Zero-initialise. */
struct ledger {
    struct memory_sink taken;
    struct ledger_entry *put; /* since the last commit */
    uint32_t put_n, put_cap;
    struct ledger_unit *units;
    uint32_t units_n;
    uint32_t refuse;            /* so many commits fail */
    bool refused;               /* the newest did */
    uint32_t commits, replayed; /* taken, and dropped because they had been taken before */
};

/* The sink. */
struct ax_sink ledger_sink(struct ledger *l);

/* What was put and not committed is gone. */
void ledger_crash(struct ledger *l);

/* Fails the test unless both have taken the same series with the same bits at the same times. Returns how
 * many samples. */
uint64_t ledger_require_equal(const struct ledger *a, const struct ledger *b);

/* Free everything. */
void ledger_done(struct ledger *l);

#endif
