/* precision.c: ranks and places once, and then each draw is one pass over what differs among them. */
#include "train/precision.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL 0.95
#define AS_GOOD 1e-12 /* a difference that rounding may have made */

/* The score of a point. */
struct scored {
    double score;
    uint32_t point;
};

static int rising(const void *pa, const void *pb)
{
    const struct scored *a = pa, *b = pb;
    return (a->score > b->score) - (a->score < b->score);
}

/* The place of each point among those that count (others NULL: all; else those of label 0): twice those below
 * it, and once its ties, from 0 to 2n. */
static bool place(const double *scores, const uint8_t *others, uint32_t n, struct ax_arena *scratch,
                  uint32_t *places)
{
    struct scored *v = ax_arena_array(scratch, n, sizeof *v);
    uint32_t below = 0;
    if (!v)
        return false;
    for (uint32_t i = 0; i < n; i++)
        v[i] = (struct scored){scores[i], i};
    qsort(v, n, sizeof *v, rising);
    for (uint32_t i = 0, end; i < n; i = end) {
        uint32_t ties = 0;
        for (end = i; end < n && v[end].score <= v[i].score; end++)
            ties += !others || !others[v[end].point];
        for (uint32_t k = i; k < end; k++)
            places[v[k].point] = 2 * below + ties;
        below += ties;
    }
    return true;
}

/* Points of a rank: all of them in the low half, anomalies in the high one. */
typedef uint64_t at_rank;

static at_rank points_of(uint32_t times, bool anomaly)
{
    return times | (at_rank)(anomaly ? times : 0) << 32;
}

/* Points of one unit that have the same label and the same thresholds beside them. */
struct cell {
    uint32_t unit, bin[2]; /* of champion and challenger */
    uint32_t points;
    bool anomaly;
};

/* Points by their ranks or places. Only where anomalies stand does precision count, so what lies between two
 * of them, on either side, is one bin, and what is below them all counts for nothing: so much is the same
 * that a draw costs what anomalies and alarms there are, and not what points. */
struct layout {
    struct cell *cells;
    uint32_t n, bins;
};

/* A comparison under way. */
struct pair {
    const struct ax_scored_points *p;
    struct layout ranks, places; /* among all points, and among the normal ones */
    at_rank *at;                 /* of the bins of either */
    uint8_t *swapped;            /* units whose scores are exchanged, [units_n] */
    uint32_t *times;             /* how often each unit counts, [units_n] */
};

/* How many ranks n points may have. */
static size_t ranks_of(uint32_t n)
{
    return 2 * (size_t)n + 1;
}

/* Average precision by ranks. */
static double area_of(const at_rank *at, size_t ranks_n)
{
    uint64_t found = 0, taken = 0;
    double area = 0;
    for (size_t r = ranks_n; r-- > 0;) {
        const uint64_t hits = at[r] >> 32;
        taken += at[r] & UINT32_MAX;
        if (hits == 0)
            continue;
        found += hits;
        area += (double)hits * (double)found / (double)taken;
    }
    return found ? area / (double)found : (double)NAN;
}

/* That of a side of a layout. */
static double area(const struct pair *c, const struct layout *by, uint32_t side)
{
    memset(c->at, 0, by->bins * sizeof *c->at);
    for (uint32_t i = 0; i < by->n; i++) {
        const struct cell *cell = &by->cells[i];
        c->at[cell->bin[side ^ c->swapped[cell->unit]]] +=
            points_of(c->times[cell->unit] * cell->points, cell->anomaly);
    }
    return area_of(c->at, by->bins);
}

/* From ranks to bins: bin_of[r] is how many of the ranks up to r an anomaly has on either side. */
static uint32_t number_bins(const struct ax_scored_points *p, uint32_t *const ranks[2], uint32_t *bin_of)
{
    uint32_t n = 0;
    memset(bin_of, 0, ranks_of(p->n) * sizeof *bin_of);
    for (uint32_t i = 0; i < p->n; i++)
        if (p->labels[i])
            bin_of[ranks[0][i]] = bin_of[ranks[1][i]] = 1;
    for (size_t r = 0; r < ranks_of(p->n); r++)
        bin_of[r] = n += bin_of[r];
    return n + 1;
}

static int by_cell(const void *pa, const void *pb)
{
    const struct cell *a = pa, *b = pb;
    if (a->unit != b->unit)
        return a->unit < b->unit ? -1 : 1;
    if (a->bin[0] != b->bin[0])
        return a->bin[0] < b->bin[0] ? -1 : 1;
    if (a->bin[1] != b->bin[1])
        return a->bin[1] < b->bin[1] ? -1 : 1;
    return a->anomaly - b->anomaly;
}

/* Lay points out by where both have them, among all points (others NULL) or those of label 0. */
static bool lay_out(const struct ax_scored_points *p, const uint8_t *others, struct ax_arena *scratch,
                    struct layout *out)
{
    uint32_t *ranks[2] = {ax_arena_array(scratch, p->n, sizeof(uint32_t)),
                          ax_arena_array(scratch, p->n, sizeof(uint32_t))};
    uint32_t *bin_of = ax_arena_array(scratch, ranks_of(p->n), sizeof *bin_of), n = 0;
    struct cell *cells = ax_arena_array(scratch, p->n, sizeof *cells);
    if (!ranks[0] || !ranks[1] || !bin_of || !cells || !place(p->champion, others, p->n, scratch, ranks[0]) ||
        !place(p->challenger, others, p->n, scratch, ranks[1]))
        return false;
    out->bins = number_bins(p, ranks, bin_of);
    for (uint32_t i = 0; i < p->n; i++) {
        const struct cell one = {
            p->units[i], {bin_of[ranks[0][i]], bin_of[ranks[1][i]]}, 1, p->labels[i] != 0};
        if (one.bin[0] || one.bin[1])
            cells[n++] = one;
    }
    qsort(cells, n, sizeof *cells, by_cell);
    *out = (struct layout){cells, 0, out->bins};
    for (uint32_t i = 0; i < n; i++) {
        if (out->n && by_cell(&cells[out->n - 1], &cells[i]) == 0)
            cells[out->n - 1].points++;
        else
            cells[out->n++] = cells[i];
    }
    return true;
}

double ax_average_precision(const double *scores, const uint8_t *labels, uint32_t n, struct ax_arena *scratch)
{
    uint32_t *ranks = ax_arena_array(scratch, n, sizeof *ranks);
    at_rank *at = ax_arena_array(scratch, ranks_of(n), sizeof *at);
    if (!ranks || !at || !place(scores, NULL, n, scratch, ranks))
        return (double)NAN;
    memset(at, 0, ranks_of(n) * sizeof *at);
    for (uint32_t i = 0; i < n; i++)
        at[ranks[i]] += points_of(1, labels[i]);
    return area_of(at, ranks_of(n));
}

/* Units with an anomaly first, then the others; *incidents is how many have one. */
static void sort_units(const struct ax_scored_points *p, uint8_t *has, uint32_t *order, uint32_t *incidents)
{
    uint32_t n = 0;
    memset(has, 0, p->units_n);
    for (uint32_t i = 0; i < p->n; i++)
        has[p->units[i]] |= p->labels[i] != 0;
    for (uint32_t u = 0; u < p->units_n; u++)
        if (has[u])
            order[n++] = u;
    *incidents = n;
    for (uint32_t u = 0; u < p->units_n; u++)
        if (!has[u])
            order[n++] = u;
}

static void count_all_once(struct pair *c)
{
    memset(c->swapped, 0, c->p->units_n);
    for (uint32_t u = 0; u < c->p->units_n; u++)
        c->times[u] = 1;
}

/* The probabilities that the challenger is so much better, or so much worse, by chance: what is as good as it
 * counts for both. */
static void p_values(struct pair *c, uint32_t draws, struct ax_rng *rng, struct ax_comparison *out)
{
    uint32_t as_good = 0, as_bad = 0;
    count_all_once(c);
    const double better = area(c, &c->places, 1) - area(c, &c->places, 0);
    for (uint32_t i = 0; i < draws; i++) {
        for (uint32_t u = 0; u < c->p->units_n; u++)
            c->swapped[u] = (uint8_t)(ax_rng_u64(rng) >> 63);
        const double drawn = area(c, &c->places, 1) - area(c, &c->places, 0);
        as_good += drawn >= better - AS_GOOD;
        as_bad += drawn <= better + AS_GOOD;
    }
    out->p_value = (as_good + 1.0) / (draws + 1.0);
    out->p_worse = (as_bad + 1.0) / (draws + 1.0);
}

static int ascending(const void *pa, const void *pb)
{
    double a, b;
    memcpy(&a, pa, sizeof a);
    memcpy(&b, pb, sizeof b);
    return (a > b) - (a < b);
}

static void draw_units(struct pair *c, const uint32_t *order, uint32_t n, struct ax_rng *rng)
{
    for (uint32_t i = 0; i < n; i++)
        c->times[order[ax_rng_below(rng, n)]]++;
}

/* The effects between which it lies; effects has room for all draws. */
static void interval(struct pair *c, const uint32_t *order, uint32_t incidents, uint32_t draws,
                     struct ax_rng *rng, double *effects, struct ax_comparison *out)
{
    const uint32_t units_n = c->p->units_n;
    count_all_once(c);
    for (uint32_t i = 0; i < draws; i++) {
        memset(c->times, 0, units_n * sizeof *c->times);
        draw_units(c, order, incidents, rng);
        draw_units(c, order + incidents, units_n - incidents, rng);
        effects[i] = area(c, &c->ranks, 1) / area(c, &c->ranks, 0) - 1;
    }
    qsort(effects, draws, sizeof *effects, ascending);
    out->low = effects[(uint32_t)((1 - INTERVAL) / 2 * (draws - 1))];
    out->high = effects[(uint32_t)((1 + INTERVAL) / 2 * (draws - 1))];
}

/* Memory of a comparison, and where its points are. */
static bool prepare(struct pair *c, struct ax_arena *scratch)
{
    const struct ax_scored_points *p = c->p;
    if (!lay_out(p, NULL, scratch, &c->ranks) || !lay_out(p, p->labels, scratch, &c->places))
        return false;
    const uint32_t bins = c->ranks.bins > c->places.bins ? c->ranks.bins : c->places.bins;
    c->at = ax_arena_array(scratch, bins, sizeof(at_rank));
    c->swapped = ax_arena_alloc(scratch, p->units_n);
    c->times = ax_arena_array(scratch, p->units_n, sizeof(uint32_t));
    return c->at && c->swapped && c->times;
}

enum ax_err ax_compare_detectors(const struct ax_scored_points *points, uint32_t draws, uint64_t seed,
                                 struct ax_arena *scratch, struct ax_comparison *out)
{
    const uint32_t n = points->n, units_n = points->units_n;
    struct ax_rng rng;
    uint32_t incidents;
    *out = (struct ax_comparison){.n = n};
    for (uint32_t i = 0; i < n; i++)
        if (points->units[i] >= units_n)
            return AX_INVALID;
    if (draws == 0)
        return AX_INVALID;
    struct pair c = {.p = points};
    uint32_t *order = ax_arena_array(scratch, units_n, sizeof *order);
    double *effects = ax_arena_array(scratch, draws, sizeof *effects);
    if (!order || !effects || !prepare(&c, scratch))
        return AX_NOMEM;
    sort_units(points, c.swapped, order, &incidents);
    if (incidents < AX_PRECISION_INCIDENTS || units_n - incidents < AX_PRECISION_INCIDENTS)
        return AX_NOTREADY;
    count_all_once(&c);
    out->champion = area(&c, &c.ranks, 0);
    out->challenger = area(&c, &c.ranks, 1);
    out->effect = out->challenger / out->champion - 1;
    ax_rng_seed(&rng, seed);
    p_values(&c, draws, &rng, out);
    interval(&c, order, incidents, draws, &rng, effects, out);
    return AX_OK;
}
