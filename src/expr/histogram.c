/* histogram.c: histogram_quantile: over classic buckets, a group for each set of labels without le; over a
 * native histogram by itself. Where a series has both under one name and labels, neither counts. */
#include "base/parse.h"
#include "expr/bound.h"

#include <math.h>

static const struct ax_str le = {"le", 2};
static const struct ax_names without_le = {&le, 1, false};
static const struct ax_names no_names = {0};

/* Learn the histograms and bounds of new input slots. A slot whose le is no number belongs to none. */
static enum ax_err learn(struct ax_bound *b, struct ax_state *s, const struct ax_state *in)
{
    enum ax_err err = ax_room(&s->upper, &s->upper_cap, in->slots.n, sizeof *s->upper);
    while (err == AX_OK && s->left.n < in->slots.n) {
        const struct ax_labels *from = in->slots.v[s->left.n].labels;
        struct ax_labels labels;
        uint32_t group = 0, known = s->keys.n;
        double upper = NAN;
        if (ax_parse_double(ax_labels_get(from, le), &upper) != AX_OK)
            upper = NAN;
        s->upper[s->left.n] = upper;
        /* The name tells histograms apart, but is not part of a result. */
        err = ax_filter(b, from, &without_le, false, &labels);
        if (err == AX_OK)
            err = ax_slot_intern(b, &s->keys, &labels, &group);
        if (err == AX_OK && s->keys.n > known) {
            err = ax_filter(b, from, &without_le, true, &labels);
            if (err == AX_OK)
                err = ax_slot_append(b, &s->slots, &labels);
        }
        if (err == AX_OK)
            err = ax_map_append(&s->left, group);
    }
    if (err == AX_OK)
        err = ax_room(&s->groups, &s->groups_cap, s->slots.n, sizeof *s->groups);
    return err;
}

/* Put the buckets into s->gathered, histogram by histogram; g->at is the end of each afterwards. */
static enum ax_err gather(struct ax_bound *b, struct ax_state *s, const struct ax_state *in)
{
    enum ax_err err = ax_room(&s->gathered, &s->gathered_cap, in->out_n, sizeof(struct ax_bucket));
    if (err != AX_OK)
        return err;
    for (uint32_t i = 0; i < in->out_n; i++) {
        const struct ax_element *e = &in->out[i];
        struct ax_group *g = &s->groups[s->left.v[e->slot]];
        if (e->ended || e->is_histogram || isnan(s->upper[e->slot]))
            continue;
        if (g->tick != b->tick)
            *g = (struct ax_group){.tick = b->tick};
        g->n++;
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < s->slots.n; i++) {
        if (s->groups[i].tick != b->tick)
            continue;
        s->groups[i].at = at;
        at += s->groups[i].n;
    }
    struct ax_bucket *buckets = s->gathered;
    for (uint32_t i = 0; i < in->out_n; i++) {
        const struct ax_element *e = &in->out[i];
        if (!e->ended && !e->is_histogram && !isnan(s->upper[e->slot]))
            buckets[s->groups[s->left.v[e->slot]].at++] = (struct ax_bucket){s->upper[e->slot], e->value};
    }
    return AX_OK;
}

/* The group of a native histogram: that of its labels, le among them if it has one. */
static enum ax_err native_group(struct ax_bound *b, struct ax_state *s, const struct ax_state *in,
                                uint32_t slot, uint32_t *out)
{
    const struct ax_labels *from = in->slots.v[slot].labels;
    uint32_t known = s->keys.n;
    *out = s->left.v[slot];
    if (ax_labels_get(from, le).n == 0)
        return AX_OK;
    enum ax_err err = ax_slot_intern(b, &s->keys, from, out);
    if (err == AX_OK && s->keys.n > known) {
        struct ax_labels labels;
        err = ax_filter(b, from, &no_names, true, &labels);
        if (err == AX_OK)
            err = ax_slot_append(b, &s->slots, &labels);
        if (err == AX_OK)
            err = ax_room(&s->groups, &s->groups_cap, s->slots.n, sizeof *s->groups);
    }
    return err;
}

/* Put the native histograms among the groups of classic ones. */
static enum ax_err gather_native(struct ax_bound *b, struct ax_state *s, const struct ax_state *in)
{
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; err == AX_OK && i < in->out_n; i++) {
        uint32_t group;
        if (!in->out[i].is_histogram)
            continue;
        err = native_group(b, s, in, in->out[i].slot, &group);
        if (err != AX_OK)
            break;
        struct ax_group *g = &s->groups[group];
        if (g->tick != b->tick)
            *g = (struct ax_group){.tick = b->tick};
        b->dropped += g->n > 0;
        g->native = in->out[i].histogram;
    }
    return err;
}

static void put_quantile(struct ax_bound *b, struct ax_state *s, uint32_t slot, double q)
{
    const struct ax_group *g = &s->groups[slot];
    if (g->tick != b->tick || (g->native && g->n))
        return;
    double v = g->native ? ax_native_quantile(q, g->native)
                         : ax_bucket_quantile(q, (struct ax_bucket *)s->gathered + g->at - g->n, g->n);
    ax_out_put(s, slot, v, false);
}

enum ax_err ax_eval_histogram(struct ax_bound *b, const struct ax_node *node)
{
    const struct ax_state *in = ax_state_of(b, node->left);
    struct ax_state *s = ax_state_of(b, node);
    double q = ax_scalar(node->scalar[0]);
    enum ax_err err = learn(b, s, in);
    if (err == AX_OK)
        err = gather(b, s, in);
    if (err == AX_OK)
        err = gather_native(b, s, in);
    if (err == AX_OK)
        err = ax_out_room(s, s->slots.n + in->out_n);
    if (err != AX_OK)
        return err;
    for (uint32_t i = 0; i < s->slots.n; i++)
        put_quantile(b, s, i, q);
    /* A histogram has ended when nothing of it is left but ends; one element says so. */
    for (uint32_t i = 0; i < in->out_n; i++) {
        struct ax_group *g = &s->groups[s->left.v[in->out[i].slot]];
        if (!in->out[i].ended || g->tick == b->tick)
            continue;
        g->tick = b->tick;
        ax_out_put(s, s->left.v[in->out[i].slot], NAN, true);
    }
    return ax_finish(b, s);
}
