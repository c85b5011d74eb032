/* pool.c: one feature over many series, against their own past. */
#include "drift/gathered.h"
#include "drift/score.h"
#include "drift/sorted.h"

#include <math.h>

void ax_drift_pool_offer(struct ax_drift_pool *pool, const struct ax_drift_member *member)
{
    uint32_t i = pool->n;
    if (i == AX_DRIFT_POOL_MAX) {
        if (member->id >= pool->members[i - 1].id)
            return;
        i--;
    } else {
        pool->n++;
    }
    for (; i > 0 && pool->members[i - 1].id > member->id; i--)
        pool->members[i] = pool->members[i - 1];
    pool->members[i] = *member;
}

uint32_t ax_drift_pool_longest(const struct ax_drift_pool *pool)
{
    uint32_t longest = 0;
    for (uint32_t i = 0; i < pool->n; i++)
        longest = pool->members[i].n > longest ? pool->members[i].n : longest;
    return longest;
}

static bool has_current(const struct ax_gathered *p, const struct ax_drift_member *m)
{
    for (uint32_t back = 0; back < p->current; back++)
        if (!isnan(ax_gathered_value(m, back)))
            return true;
    return false;
}

/* Add a member to both windows. True: it has values in both, and they are all the same. */
static bool add_member(struct ax_gathered *p, const struct ax_drift_member *m, bool errors)
{
    if (!has_current(p, m))
        return false;
    struct ax_gathered_measure by = ax_gathered_measure(p, m);
    if (by.n == 0)
        return false;
    if (errors)
        by.median = 0;
    if (ax_gathered_constant(m, p->current + p->reference))
        return true;
    ax_gathered_add_reference(p, m, &by);
    (void)ax_gathered_add_current(p, m, by.median, by.scale);
    return false;
}

static double mean_size(const double *v, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += fabs(v[i]);
    return n ? sum / n : 0;
}

/* Median of the absolute values of what is sorted; of an even number the upper one. O(n). */
static double median_size(const double *v, uint32_t n)
{
    uint32_t up = ax_drift_below(v, n, 0),
             down = up; /* the next one from 0 on; and from there down, after it */
    double size = 0;
    for (uint32_t k = 0; n && k <= n / 2; k++)
        size = up == n || (down > 0 && -v[down - 1] < v[up]) ? -v[--down] : v[up++];
    return size;
}

/* Did errors, which are sorted, not grow? An incident in the reference makes their mean large, and growth at
 * less than half of the steps leaves their median alone: so neither may have grown. */
static bool did_not_grow(const struct ax_gathered *p)
{
    return mean_size(p->cur, p->cur_n) <= mean_size(p->ref, p->ref_n) &&
           median_size(p->cur, p->cur_n) <= median_size(p->ref, p->ref_n);
}

enum ax_err ax_drift_pool_test(const struct ax_drift_spec *spec, const struct ax_drift_pool *pool,
                               struct ax_arena *scratch, struct ax_drift_result *out)
{
    *out = (struct ax_drift_result){.p_value = 1};
    struct ax_drift_spec s = ax_drift_spec_complete(spec);
    uint32_t longest = ax_drift_pool_longest(pool);
    if (longest < AX_DRIFT_POINTS_MIN)
        return AX_OK;
    const uint32_t current = ax_drift_current_share(&s, longest);
    struct ax_gathered p;
    bool still = false;
    if (!ax_gathered_new(&p, pool->n, longest - current < s.reference_n ? longest - current : s.reference_n,
                         current, scratch))
        return AX_NOMEM;
    for (uint32_t i = 0; i < pool->n; i++)
        still |= add_member(&p, &pool->members[i], pool->errors);
    if (p.ref_n == 0) {
        out->ready = still;
        return AX_OK;
    }
    ax_drift_sort(p.ref, p.ref_n, p.room);
    ax_drift_sort(p.cur, p.cur_n, p.room);
    out->smaller = pool->errors && did_not_grow(&p);
    ax_drift_score_sorted(p.ref, p.ref_n, p.cur, p.cur_n, ax_gathered_effective(&p), out);
    ax_gathered_shares(p.ref, p.ref_n, p.cur, p.cur_n, out);
    return AX_OK;
}
