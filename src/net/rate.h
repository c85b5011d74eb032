/* rate.h: a token bucket without a lock: at most one request in each interval, and a burst of them at once.
 *
 * Kept as one number, the time at which the bucket is full again (GCRA, the generic cell rate algorithm of
 * ITU-T I.371: the same verdicts as counting tokens). Any thread. */
#ifndef AX_NET_RATE_H
#define AX_NET_RATE_H

#include <stdatomic.h>
#include <stdint.h>

/* A bucket. */
struct ax_rate {
    int64_t interval_ns; /* 0: any number */
    int64_t burst_ns;    /* time that it takes to fill the bucket */
    atomic_int_fast64_t full_ns;
};

/* A full bucket; burst is at least 1 where there is an interval. */
void ax_rate_init(struct ax_rate *r, int64_t interval_ns, uint32_t burst);

/* Take one token: 0, or (and none is taken) after how many ns there will be one. */
int64_t ax_rate_take(struct ax_rate *r, int64_t now_ns);

/* Begin as empty as another is now, but at most empty: after a change to a faster rate nobody waits by the
 * old one. */
void ax_rate_inherit(struct ax_rate *r, const struct ax_rate *before, int64_t now_ns);

#endif
