/* pool.c: one feature over many series. */
#include "drift/pool.h"

#include "drift/effective.h"
#include "drift/score.h"
#include "drift/sorted.h"

#include <math.h>
#include <string.h>

/* Fewer values than this in the reference place nothing. */
#define MEMBER_REFERENCE_MIN 8

/* Above so many values sorting does without room of its own: 32 MiB are enough. */
#define ROOM_VALUES_MAX ((size_t)1 << 20)

struct pooled {
    double *ref, *cur;           /* normalised values of all members */
    uint32_t ref_n, cur_n;       /* how many */
    double *places;              /* per step of the reference: sum over members of the place, unit variance */
    uint32_t *places_n;          /* members in that sum */
    double *sorted;              /* room for one member's reference */
    void *room;                  /* for sorting the largest array; NULL for a very large one */
    uint32_t reference, current; /* window lengths in steps */
    bool still;                  /* a member has values in both windows, and they are all the same */
};

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

/* The member's value `back` steps before the newest; NaN beyond its past or when it is not finite. */
static double value_at(const struct ax_drift_member *m, uint32_t back)
{
    if (back >= m->n)
        return NAN;
    double v = (double)m->v[m->n - 1 - back];
    return isfinite(v) ? v : (double)NAN;
}

static bool constant(const struct ax_drift_member *m, uint32_t steps)
{
    double first = NAN;
    for (uint32_t back = 0; back < steps; back++) {
        double v = value_at(m, back);
        if (isnan(first))
            first = v;
        else if (v < first || v > first)
            return false;
    }
    return true;
}

/* Add a member's places in its own reference, scaled to unit variance, to the steps of the reference. */
static void add_places(struct pooled *p, const struct ax_drift_member *m, uint32_t n)
{
    double squares = 0;
    for (uint32_t i = 0; i < n; i++) {
        double place = ax_drift_place(p->sorted, n, p->sorted[i]);
        squares += place * place;
    }
    if (!(squares > 0))
        return;
    double scale = 1 / sqrt(squares / (double)n);
    for (uint32_t i = 0; i < p->reference; i++) {
        double v = value_at(m, p->current + p->reference - 1 - i);
        if (isnan(v))
            continue;
        p->places[i] += scale * ax_drift_place(p->sorted, n, v);
        p->places_n[i]++;
    }
}

static void add_member(struct pooled *p, const struct ax_drift_member *m)
{
    uint32_t n = 0, cur_n = 0;
    for (uint32_t back = 0; back < p->current; back++)
        cur_n += isnan(value_at(m, back)) ? 0 : 1;
    for (uint32_t back = p->current; back < p->current + p->reference; back++) {
        double v = value_at(m, back);
        if (!isnan(v))
            p->sorted[n++] = v;
    }
    if (cur_n == 0 || n < MEMBER_REFERENCE_MIN)
        return;
    if (constant(m, p->current + p->reference)) {
        p->still = true;
        return;
    }
    ax_drift_sort(p->sorted, n, p->room);
    double median = ax_drift_quantile(p->sorted, n, 0.5);
    double scale = ax_drift_quantile(p->sorted, n, 0.75) - ax_drift_quantile(p->sorted, n, 0.25);
    if (!(scale > 0))
        scale = ax_drift_std(p->sorted, n);
    if (!(scale > 0))
        scale = 1;
    for (uint32_t i = 0; i < n; i++)
        p->ref[p->ref_n++] = (p->sorted[i] - median) / scale;
    for (uint32_t back = 0; back < p->current; back++) {
        double v = value_at(m, back);
        if (!isnan(v))
            p->cur[p->cur_n++] = (v - median) / scale;
    }
    add_places(p, m, n);
}

/* Turns the sums of places into their mean, and that into the reference's effective size. */
static double effective_size(struct pooled *p)
{
    double squares = 0;
    uint32_t steps = 0;
    for (uint32_t i = 0; i < p->reference; i++) {
        p->places[i] = p->places_n[i] ? p->places[i] / p->places_n[i] : (double)NAN;
        if (p->places_n[i]) {
            squares += p->places[i] * p->places[i];
            steps++;
        }
    }
    if (!(squares > 0))
        return fmin((double)p->reference, (double)p->ref_n);
    double variance = squares / (double)steps;
    double tau = ax_drift_correlation_time(p->places, p->reference);
    return fmin((double)steps / (tau * variance), (double)p->ref_n);
}

enum ax_err ax_drift_pool_test(const struct ax_drift_spec *spec, const struct ax_drift_pool *pool,
                               struct ax_arena *scratch, struct ax_drift_result *out)
{
    *out = (struct ax_drift_result){.p_value = 1};
    struct ax_drift_spec s = ax_drift_spec_complete(spec);
    uint32_t longest = 0;
    for (uint32_t i = 0; i < pool->n; i++)
        longest = pool->members[i].n > longest ? pool->members[i].n : longest;
    if (longest < AX_DRIFT_POINTS_MIN)
        return AX_OK;
    struct pooled p = {.current = ax_drift_current_share(&s, longest)};
    p.reference = longest - p.current < s.reference_n ? longest - p.current : s.reference_n;
    p.ref = ax_arena_array(scratch, (size_t)pool->n * p.reference, sizeof *p.ref);
    p.cur = ax_arena_array(scratch, (size_t)pool->n * p.current, sizeof *p.cur);
    p.places = ax_arena_array(scratch, p.reference, sizeof *p.places);
    p.places_n = ax_arena_array(scratch, p.reference, sizeof *p.places_n);
    p.sorted = ax_arena_array(scratch, p.reference, sizeof *p.sorted);
    const size_t most = (size_t)pool->n * (p.reference > p.current ? p.reference : p.current);
    p.room = most <= ROOM_VALUES_MAX ? ax_arena_array(scratch, most, AX_DRIFT_SORT_ROOM) : NULL;
    if (!p.ref || !p.cur || !p.places || !p.places_n || !p.sorted)
        return AX_NOMEM;
    memset(p.places, 0, p.reference * sizeof *p.places);
    memset(p.places_n, 0, p.reference * sizeof *p.places_n);
    for (uint32_t i = 0; i < pool->n; i++)
        add_member(&p, &pool->members[i]);
    if (p.ref_n == 0) {
        out->ready = p.still;
        return AX_OK;
    }
    ax_drift_sort(p.ref, p.ref_n, p.room);
    ax_drift_sort(p.cur, p.cur_n, p.room);
    ax_drift_score_sorted(p.ref, p.ref_n, p.cur, p.cur_n, effective_size(&p), out);
    for (uint32_t i = 0; i < AX_DRIFT_LE; i++) {
        out->share[0][i] = (float)ax_drift_upto(p.ref, p.ref_n, ax_drift_le(i)) / (float)p.ref_n;
        out->share[1][i] = (float)ax_drift_upto(p.cur, p.cur_n, ax_drift_le(i)) / (float)p.cur_n;
    }
    return AX_OK;
}
