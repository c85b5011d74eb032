/* aggregate.c: sum, avg, min, max, count, stddev and quantile over groups of a vector. */
#include "expr/bound.h"

#include <math.h>

/* Learn the groups of new input slots. */
static enum ax_err learn(struct ax_bound *b, const struct ax_node *node, struct ax_state *s,
                         const struct ax_state *in)
{
    enum ax_err err = AX_OK;
    while (err == AX_OK && s->left.n < in->slots.n) {
        struct ax_labels labels;
        uint32_t group = 0;
        err = ax_filter(b, in->slots.v[s->left.n].labels, &node->names, !node->names.keep, &labels);
        if (err == AX_OK)
            err = ax_slot_intern(b, &s->slots, &labels, &group);
        if (err == AX_OK)
            err = ax_map_append(&s->left, group);
    }
    if (err == AX_OK)
        err = ax_room(&s->groups, &s->groups_cap, s->slots.n, sizeof *s->groups);
    return err;
}

static void add(struct ax_group *g, enum ax_aggregation agg, double v)
{
    switch (agg) {
    case AX_AGG_SUM:
        ax_kahan_add(&g->mean.k, v);
        break;
    case AX_AGG_AVG:
        ax_mean_add(&g->mean, v);
        break;
    case AX_AGG_MIN:
        if (g->n == 1 || v < g->value || isnan(g->value))
            g->value = v;
        break;
    case AX_AGG_MAX:
        if (g->n == 1 || v > g->value || isnan(g->value))
            g->value = v;
        break;
    case AX_AGG_STDDEV: { /* Welford, Technometrics 4 (1962) */
        double delta = v - g->value;
        g->value += delta / g->n;
        g->m2 += delta * (v - g->value);
        break;
    }
    case AX_AGG_COUNT:
    case AX_AGG_QUANTILE:
        break;
    }
}

static double result(const struct ax_group *g, enum ax_aggregation agg)
{
    switch (agg) {
    case AX_AGG_SUM:
        return ax_kahan_sum(&g->mean.k);
    case AX_AGG_AVG:
        return ax_mean_value(&g->mean);
    case AX_AGG_MIN:
    case AX_AGG_MAX:
        return g->value;
    case AX_AGG_COUNT:
        return g->n;
    case AX_AGG_STDDEV:
        return sqrt(g->m2 / g->n);
    case AX_AGG_QUANTILE:
        break;
    }
    return NAN;
}

/* Put the values of the vector into s->gathered, group by group; g->at is the end of each afterwards. */
static enum ax_err gather(struct ax_bound *b, struct ax_state *s, const struct ax_state *in)
{
    enum ax_err err = ax_room(&s->gathered, &s->gathered_cap, in->out_n, sizeof(double));
    if (err != AX_OK)
        return err;
    uint32_t at = 0;
    for (uint32_t i = 0; i < s->slots.n; i++) {
        if (s->groups[i].tick != b->tick)
            continue;
        s->groups[i].at = at;
        at += s->groups[i].n;
    }
    double *values = s->gathered;
    for (uint32_t i = 0; i < in->out_n; i++) {
        if (!in->out[i].ended && !in->out[i].is_histogram)
            values[s->groups[s->left.v[in->out[i].slot]].at++] = in->out[i].value;
    }
    return AX_OK;
}

/* Add a histogram to its group: to the sum or the mean; the others but count leave it out. */
static enum ax_err add_histogram(struct ax_bound *b, struct ax_group *g, enum ax_aggregation agg,
                                 const struct ax_float_histogram *h)
{
    enum ax_err err = AX_OK;
    if (agg == AX_AGG_COUNT || g->incompatible)
        return AX_OK;
    if (g->histograms_n++ == 0) {
        g->histogram = ax_arena_alloc(&b->values, sizeof *g->histogram);
        return g->histogram ? ax_native_copy(h, &b->values, g->histogram) : AX_NOMEM;
    }
    if (agg == AX_AGG_SUM)
        err = ax_native_add(g->histogram, h, 1, &b->values);
    else
        err = ax_native_move_mean(g->histogram, h, g->histograms_n, &b->values);
    g->incompatible = err == AX_CONFLICT;
    return err == AX_CONFLICT ? AX_OK : err;
}

/* Put the members of the vector into their groups. */
static enum ax_err add_all(struct ax_bound *b, const struct ax_node *node, struct ax_state *s,
                           const struct ax_state *in)
{
    enum ax_aggregation agg = node->aggregation;
    bool histograms = agg == AX_AGG_SUM || agg == AX_AGG_AVG || agg == AX_AGG_COUNT;
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; err == AX_OK && i < in->out_n; i++) {
        const struct ax_element *e = &in->out[i];
        struct ax_group *g = &s->groups[s->left.v[e->slot]];
        b->dropped += e->is_histogram && !histograms;
        if (e->ended || (e->is_histogram && !histograms))
            continue;
        if (g->tick != b->tick)
            *g = (struct ax_group){.tick = b->tick};
        g->n++;
        if (e->is_histogram)
            err = add_histogram(b, g, agg, e->histogram);
        else
            add(g, agg, e->value);
    }
    return err;
}

/* A sum or mean with histograms: there is none of histograms and numbers together. */
static void put_histogram(struct ax_bound *b, struct ax_state *s, uint32_t slot, struct ax_group *g)
{
    if (g->incompatible || g->histograms_n < g->n) {
        b->dropped += g->histograms_n;
        return;
    }
    ax_native_compact(g->histogram);
    ax_out_put_histogram(s, slot, g->histogram);
}

enum ax_err ax_eval_aggregate(struct ax_bound *b, const struct ax_node *node)
{
    const struct ax_state *in = ax_state_of(b, node->left);
    struct ax_state *s = ax_state_of(b, node);
    bool quantile = node->aggregation == AX_AGG_QUANTILE;
    enum ax_err err = learn(b, node, s, in);
    if (err == AX_OK)
        err = add_all(b, node, s, in);
    if (err == AX_OK && quantile)
        err = gather(b, s, in);
    if (err == AX_OK)
        err = ax_out_room(s, s->slots.n);
    for (uint32_t i = 0; err == AX_OK && i < s->slots.n; i++) {
        struct ax_group *g = &s->groups[i];
        if (g->tick != b->tick)
            continue;
        if (g->histograms_n)
            put_histogram(b, s, i, g);
        else
            ax_out_put(s, i,
                       quantile ? ax_promql_quantile(ax_scalar(node->scalar[0]),
                                                     (double *)s->gathered + g->at - g->n, g->n)
                                : result(g, node->aggregation),
                       false);
    }
    return err;
}
