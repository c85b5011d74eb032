/* gathered.c: one member after the other, in its own measure. */
#include "drift/gathered.h"

#include "drift/effective.h"
#include "drift/score.h"
#include "drift/sorted.h"

#include <math.h>
#include <string.h>

/* Fewer values than this in the reference place nothing. */
#define MEMBER_REFERENCE_MIN 8

/* Above so many values sorting does without room of its own: 32 MiB are enough. */
#define ROOM_VALUES_MAX ((size_t)1 << 20)

bool ax_gathered_new(struct ax_gathered *p, uint32_t n, uint32_t reference, uint32_t current,
                     struct ax_arena *scratch)
{
    const size_t most = (size_t)n * (reference > current ? reference : current);
    *p = (struct ax_gathered){.reference = reference, .current = current};
    p->ref = ax_arena_array(scratch, (size_t)n * reference, sizeof *p->ref);
    p->cur = ax_arena_array(scratch, (size_t)n * current, sizeof *p->cur);
    p->places = ax_arena_array(scratch, reference, sizeof *p->places);
    p->places_n = ax_arena_array(scratch, reference, sizeof *p->places_n);
    p->sorted = ax_arena_array(scratch, reference, sizeof *p->sorted);
    p->room = most <= ROOM_VALUES_MAX ? ax_arena_array(scratch, most, AX_DRIFT_SORT_ROOM) : NULL;
    if (!p->ref || !p->cur || !p->places || !p->places_n || !p->sorted)
        return false;
    memset(p->places, 0, reference * sizeof *p->places);
    memset(p->places_n, 0, reference * sizeof *p->places_n);
    return true;
}

double ax_gathered_value(const struct ax_drift_member *m, uint32_t back)
{
    if (back >= m->n)
        return NAN;
    double v = (double)m->v[m->n - 1 - back];
    return isfinite(v) ? v : (double)NAN;
}

bool ax_gathered_constant(const struct ax_drift_member *m, uint32_t steps)
{
    double first = NAN;
    for (uint32_t back = 0; back < steps; back++) {
        double v = ax_gathered_value(m, back);
        if (isnan(first))
            first = v;
        else if (v < first || v > first)
            return false;
    }
    return true;
}

bool ax_gathered_moves(const struct ax_drift_member *m, uint32_t steps)
{
    double first = NAN;
    uint32_t n = 0;
    bool moves = false;
    for (uint32_t back = 0; back < steps && (n < MEMBER_REFERENCE_MIN || !moves); back++) {
        const double v = ax_gathered_value(m, back);
        n += isnan(v) ? 0 : 1;
        if (isnan(first))
            first = v;
        else if (v < first || v > first)
            moves = true;
    }
    return n >= MEMBER_REFERENCE_MIN && moves;
}

/* By which the places of the n sorted values have unit variance. */
static double place_scale(const double *sorted, uint32_t n)
{
    double squares = 0;
    for (uint32_t i = 0, k = 0; i < n; i = k) {
        while (k < n && sorted[k] <= sorted[i])
            k++;
        const double place = ((double)i + (double)k) / (double)n - 1;
        squares += (k - i) * place * place;
    }
    return squares > 0 ? 1 / sqrt(squares / (double)n) : 0;
}

struct ax_gathered_measure ax_gathered_measure(struct ax_gathered *p, const struct ax_drift_member *m)
{
    struct ax_gathered_measure by = {.scale = 1};
    for (uint32_t back = p->current; back < p->current + p->reference; back++) {
        double v = ax_gathered_value(m, back);
        if (!isnan(v))
            p->sorted[by.n++] = v;
    }
    if (by.n < MEMBER_REFERENCE_MIN)
        return (struct ax_gathered_measure){.n = 0};
    ax_drift_sort(p->sorted, by.n, p->room);
    by.median = ax_drift_quantile(p->sorted, by.n, 0.5);
    double scale = ax_drift_quantile(p->sorted, by.n, 0.75) - ax_drift_quantile(p->sorted, by.n, 0.25);
    if (!(scale > 0))
        scale = ax_drift_std(p->sorted, by.n);
    if (scale > 0)
        by.scale = scale;
    by.place = place_scale(p->sorted, by.n);
    return by;
}

/* Add its places in its own reference to the steps of the reference. */
static void add_places(struct ax_gathered *p, const struct ax_drift_member *m,
                       const struct ax_gathered_measure *by)
{
    if (!(by->place > 0))
        return;
    for (uint32_t i = 0; i < p->reference; i++) {
        double v = ax_gathered_value(m, p->current + p->reference - 1 - i);
        if (isnan(v))
            continue;
        p->places[i] += by->place * ax_drift_place(p->sorted, by->n, v);
        p->places_n[i]++;
    }
}

void ax_gathered_add_reference(struct ax_gathered *p, const struct ax_drift_member *m,
                               const struct ax_gathered_measure *by)
{
    for (uint32_t i = 0; i < by->n; i++)
        p->ref[p->ref_n++] = (p->sorted[i] - by->median) / by->scale;
    add_places(p, m, by);
}

uint32_t ax_gathered_add_current(struct ax_gathered *p, const struct ax_drift_member *m, double median,
                                 double scale)
{
    const uint32_t before = p->cur_n;
    for (uint32_t back = 0; back < p->current; back++) {
        double v = ax_gathered_value(m, back);
        if (!isnan(v))
            p->cur[p->cur_n++] = (v - median) / scale;
    }
    return p->cur_n - before;
}

double ax_gathered_effective(struct ax_gathered *p)
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

void ax_gathered_shares(const double *ref, uint32_t n, const double *cur, uint32_t m,
                        struct ax_drift_result *out)
{
    for (uint32_t i = 0; i < AX_DRIFT_LE; i++) {
        out->share[0][i] = (float)ax_drift_upto(ref, n, ax_drift_le(i)) / (float)n;
        out->share[1][i] = (float)ax_drift_upto(cur, m, ax_drift_le(i)) / (float)m;
    }
}
