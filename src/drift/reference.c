/* reference.c: a reference made of a pool, and a pool tested against it. */
#include "drift/reference.h"

#include "drift/effective.h"
#include "drift/gathered.h"
#include "drift/score.h"
#include "drift/sorted.h"
#include "math/special.h"

#include <math.h>
#include <string.h>

#define LEVEL_SPAN 2     /* windows that the past must be as long as, to say more than the window does, */
#define LEVEL_DF_MIN 3.0 /* and independent stretches for a test of the mean */

/* ---- how the level went ---- */

/* Stretches of the past, the newest first: sums over members and points. */
struct stretches {
    uint32_t n, points; /* points of each */
    double *value, *place;
    uint32_t *count;
};

static bool stretches_new(struct stretches *s, const struct ax_drift_pool *pool, uint32_t points,
                          struct ax_arena *scratch)
{
    uint32_t longest = 0;
    for (uint32_t i = 0; i < pool->n; i++)
        longest = pool->members[i].coarse_n > longest ? pool->members[i].coarse_n : longest;
    *s = (struct stretches){.n = longest / points, .points = points};
    s->value = ax_arena_array(scratch, s->n, sizeof *s->value);
    s->place = ax_arena_array(scratch, s->n, sizeof *s->place);
    s->count = ax_arena_array(scratch, s->n, sizeof *s->count);
    if (!s->value || !s->place || !s->count)
        return false;
    for (uint32_t k = 0; k < s->n; k++) {
        s->value[k] = s->place[k] = 0;
        s->count[k] = 0;
    }
    return true;
}

/* Add a member, which was measured last. */
static void stretches_add(struct stretches *s, const struct ax_gathered *p, const struct ax_drift_member *m,
                          const struct ax_gathered_measure *by)
{
    for (uint32_t back = 0; back < m->coarse_n && back / s->points < s->n; back++) {
        const double v = (double)m->coarse[m->coarse_n - 1 - back];
        if (!isfinite(v))
            continue;
        s->value[back / s->points] += (v - by->median) / by->scale;
        s->place[back / s->points] += by->place * ax_drift_place(p->sorted, by->n, v);
        s->count[back / s->points]++;
    }
}

/* What they say of the level, and the effective size that they leave to the window. Sums become means. */
static double level_of(struct stretches *s, const struct ax_drift_reference *r, struct ax_drift_level *out)
{
    double sum = 0, squares = 0, places = 0;
    uint32_t n = 0;
    for (uint32_t k = 0; k < s->n; k++) {
        if (s->count[k] == 0) {
            s->value[k] = NAN;
            continue;
        }
        s->value[k] /= s->count[k];
        s->place[k] /= s->count[k];
        sum += s->value[k];
        places += s->place[k] * s->place[k];
        n++;
    }
    if (n < 2)
        return HUGE_VAL;
    for (uint32_t k = 0; k < s->n; k++)
        squares += isnan(s->value[k]) ? 0 : (s->value[k] - sum / n) * (s->value[k] - sum / n);
    const double df = n / ax_drift_correlation_time(s->value, s->n) - 1;
    if (df >= LEVEL_DF_MIN && squares > 0)
        *out = (struct ax_drift_level){
            .mean = sum / n, .sd = sqrt(squares / (n - 1) * (1 + 1 / (df + 1))), .df = df};
    return places > 0 ? n / places * r->steps / r->current : HUGE_VAL;
}

/* ---- making ---- */

enum ax_err ax_drift_reference_make(const struct ax_drift_spec *spec, const struct ax_drift_pool *pool,
                                    uint32_t coarse_steps, struct ax_arena *scratch,
                                    struct ax_drift_reference *out)
{
    const struct ax_drift_spec s = ax_drift_spec_complete(spec);
    const uint32_t longest = ax_drift_pool_longest(pool);
    const uint32_t points = coarse_steps && s.current_n > coarse_steps ? s.current_n / coarse_steps : 1;
    struct ax_gathered p;
    struct stretches past;
    uint32_t told = 0;
    memset(out, 0, sizeof *out);
    out->steps = longest < s.reference_n ? longest : s.reference_n;
    out->current = s.current_n;
    if (out->steps < AX_DRIFT_POINTS_MIN)
        return AX_NOTREADY;
    if (!ax_gathered_new(&p, pool->n, out->steps, 0, scratch) || !stretches_new(&past, pool, points, scratch))
        return AX_NOMEM;
    for (uint32_t i = 0; i < pool->n; i++) {
        const struct ax_drift_member *m = &pool->members[i];
        const struct ax_gathered_measure by = ax_gathered_measure(&p, m);
        if (by.n == 0)
            continue;
        const bool still = !(by.place > 0);
        out->seen[out->seen_n++] = (struct ax_drift_seen){m->id, by.n, by.median, still ? 0 : by.scale};
        if (still)
            continue;
        ax_gathered_add_reference(&p, m, &by);
        if (coarse_steps && told++ < AX_DRIFT_LEVEL_MEMBERS)
            stretches_add(&past, &p, m, &by);
    }
    if (out->seen_n == 0)
        return AX_NOTREADY;
    if (p.ref_n == 0)
        return AX_OK;
    out->effective = ax_gathered_effective(&p);
    if (told && (uint64_t)past.n * points * coarse_steps >= (uint64_t)LEVEL_SPAN * out->steps)
        out->effective = fmin(out->effective, level_of(&past, out, &out->level));
    ax_drift_sort(p.ref, p.ref_n, p.room);
    ax_drift_sketch_make(p.ref, p.ref_n, &out->sketch);
    return AX_OK;
}

/* ---- testing ---- */

static const struct ax_drift_seen *seen_of(const struct ax_drift_reference *r, uint64_t id)
{
    uint32_t lo = 0, hi = r->seen_n;
    while (lo < hi) {
        const uint32_t mid = lo + (hi - lo) / 2;
        if (r->seen[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < r->seen_n && r->seen[lo].id == id ? &r->seen[lo] : NULL;
}

/* What a pool has, against what was seen of it. */
struct found {
    struct ax_gathered p;
    uint32_t known, unknown; /* series with values now */
    uint32_t moved;          /* values that were all the same in their series, and are not any more */
};

static void gather(struct found *g, const struct ax_drift_reference *r, const struct ax_drift_member *m)
{
    const struct ax_drift_seen *seen = seen_of(r, m->id);
    const bool still = seen && !(seen->scale > 0);
    const uint32_t before = g->p.cur_n, n = ax_gathered_add_current(&g->p, m, seen ? seen->median : 0,
                                                                    seen && !still ? seen->scale : 1);
    bool moved = false;
    if (!seen)
        g->p.cur_n = before;
    if (n == 0)
        return;
    g->known += seen != NULL;
    g->unknown += seen == NULL;
    for (uint32_t i = before; still && i < g->p.cur_n; i++)
        moved |= g->p.cur[i] < 0 || g->p.cur[i] > 0;
    if (still && !moved)
        g->p.cur_n = before;
    g->moved += moved ? seen->n : 0;
}

/* The window of the sketch, sorted, with so many zeros more. */
static double *expand(const struct ax_drift_sketch *s, uint32_t zeros, struct ax_arena *scratch)
{
    double *v = ax_arena_array(scratch, (size_t)s->n + zeros, sizeof *v);
    if (!v)
        return NULL;
    ax_drift_sketch_expand(s, v + zeros);
    const uint32_t below = s->n ? ax_drift_below(v + zeros, s->n, 0) : 0;
    memmove(v, v + zeros, below * sizeof *v);
    for (uint32_t i = 0; i < zeros; i++)
        v[below + i] = 0;
    return v;
}

/* How probable a mean as far from the usual level is, when nothing has changed; 1 when that is not known. */
static double level_p(const struct ax_drift_spec *s, const struct ax_drift_reference *r, const double *cur,
                      uint32_t m)
{
    double mean = 0;
    if (!(r->level.df > 0) || s->current_n != r->current)
        return 1;
    for (uint32_t i = 0; i < m; i++)
        mean += cur[i] / m;
    return 2 * ax_student_sf(fabs(mean - r->level.mean) / r->level.sd, r->level.df);
}

enum ax_err ax_drift_reference_test(const struct ax_drift_spec *spec, const struct ax_drift_reference *r,
                                    const struct ax_drift_pool *pool, struct ax_arena *scratch,
                                    struct ax_drift_result *out)
{
    const struct ax_drift_spec s = ax_drift_spec_complete(spec);
    struct found g = {.known = 0};
    *out = (struct ax_drift_result){.p_value = 1};
    if (!ax_gathered_new(&g.p, pool->n, 1, s.current_n, scratch))
        return AX_NOMEM;
    for (uint32_t i = 0; i < pool->n; i++)
        gather(&g, r, &pool->members[i]);
    if (g.known == 0 || g.unknown > g.known)
        return AX_NOTFOUND;
    out->ready = ax_drift_pool_longest(pool) >= AX_DRIFT_POINTS_MIN;
    const uint32_t n = r->sketch.n + g.moved;
    if (!out->ready || g.p.cur_n == 0 || n == 0)
        return AX_OK;
    const double *ref = expand(&r->sketch, g.moved, scratch);
    if (!ref)
        return AX_NOMEM;
    ax_drift_sort(g.p.cur, g.p.cur_n, g.p.room);
    ax_drift_score_sorted(ref, n, g.p.cur, g.p.cur_n, r->sketch.n ? r->effective : fmin(r->steps, n), out);
    ax_gathered_shares(ref, n, g.p.cur, g.p.cur_n, out);
    if (r->level.df > 0)
        out->p_value = fmin(1, 2 * fmin(out->p_value, level_p(&s, r, g.p.cur, g.p.cur_n)));
    return AX_OK;
}
