/* rate.c: the time at which the bucket is full again moves by an interval with each token. */
#include "net/rate.h"

void ax_rate_init(struct ax_rate *r, int64_t interval_ns, uint32_t burst)
{
    r->interval_ns = interval_ns;
    r->burst_ns = interval_ns * (int64_t)burst;
    atomic_init(&r->full_ns, INT64_MIN);
}

int64_t ax_rate_take(struct ax_rate *r, int64_t now_ns)
{
    if (r->interval_ns == 0)
        return 0;
    int_fast64_t full_ns = atomic_load(&r->full_ns);
    for (;;) {
        int64_t next_ns = (full_ns > now_ns ? (int64_t)full_ns : now_ns) + r->interval_ns;
        if (next_ns - now_ns > r->burst_ns)
            return next_ns - now_ns - r->burst_ns;
        if (atomic_compare_exchange_weak(&r->full_ns, &full_ns, next_ns))
            return 0;
    }
}

void ax_rate_inherit(struct ax_rate *r, const struct ax_rate *before, int64_t now_ns)
{
    int_fast64_t full_ns = atomic_load(&before->full_ns);
    atomic_store(&r->full_ns, full_ns < now_ns + r->burst_ns ? full_ns : now_ns + r->burst_ns);
}
