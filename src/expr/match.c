/* match.c: operations between two vectors, one element to one, by on, ignoring or all labels. */
#include "expr/bound.h"
#include "expr/number.h"

#include <math.h>

static const struct ax_names no_names = {0};

/* Learn the match groups of new slots of one operand. */
static enum ax_err learn(struct ax_bound *b, const struct ax_node *node, struct ax_state *s,
                         struct ax_slot_map *map, const struct ax_state *in)
{
    enum ax_err err = AX_OK;
    while (err == AX_OK && map->n < in->slots.n) {
        struct ax_labels labels, result;
        uint32_t group = 0, known = s->keys.n;
        err = ax_filter(b, in->slots.v[map->n].labels, &node->names, !node->names.keep, &labels);
        if (err == AX_OK)
            err = ax_slot_intern(b, &s->keys, &labels, &group);
        if (err == AX_OK && s->keys.n > known) {
            err = ax_filter(b, s->keys.v[group].labels, &no_names, true, &result);
            if (err == AX_OK)
                err = ax_slot_append(b, &s->slots, &result);
        }
        if (err == AX_OK)
            err = ax_map_append(map, group);
    }
    return err;
}

static uint32_t live_n(const struct ax_state *in)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < in->out_n; i++)
        n += !in->out[i].ended;
    return n;
}

static enum ax_err conflict(struct ax_bound *b, const struct ax_state *s, uint32_t group, const char *side)
{
    struct ax_buf text;
    ax_buf_init(&text, 300);
    ax_labels_write(s->keys.v[group].labels, &text);
    ax_fail(b->diag, AX_CONFLICT,
            "several elements on the %s side match in " AX_STR_FMT
            "; only one-to-one matching is possible: aggregate first, or match on more labels",
            side, AX_STR_ARG(ax_buf_view(&text)));
    ax_buf_done(&text);
    return AX_CONFLICT;
}

/* Note the right side's values by match group. As in Prometheus two of one group are an error, even when the
 * left side has none of it, unless the left side has nothing at all. */
static enum ax_err take_right(struct ax_bound *b, struct ax_state *s, const struct ax_state *in, bool strict)
{
    for (uint32_t i = 0; i < in->out_n; i++) {
        uint32_t group = s->right.v[in->out[i].slot];
        struct ax_match_group *m = &s->matches[group];
        if (in->out[i].ended)
            continue;
        if (m->right_tick == b->tick && strict)
            return conflict(b, s, group, "right");
        m->right_tick = b->tick;
        m->right = in->out[i];
    }
    return AX_OK;
}

static enum ax_err put_pair(struct ax_bound *b, enum ax_operator op, struct ax_state *s, uint32_t group,
                            const struct ax_element *left, const struct ax_element *right)
{
    if (left->is_histogram || right->is_histogram)
        return ax_put_operated(b, op, s, group, left, right);
    ax_out_put(s, group, ax_operate(op, left->value, right->value), false);
    return AX_OK;
}

/* Values of the groups that both sides have. */
static enum ax_err pair_up(struct ax_bound *b, const struct ax_node *node, struct ax_state *s,
                           const struct ax_state *in)
{
    for (uint32_t i = 0; i < in->out_n; i++) {
        uint32_t group = s->left.v[in->out[i].slot];
        struct ax_match_group *m = &s->matches[group];
        if (in->out[i].ended || m->right_tick != b->tick)
            continue;
        if (m->matched_tick == b->tick)
            return conflict(b, s, group, "left");
        m->matched_tick = b->tick;
        enum ax_err err = put_pair(b, node->op, s, group, &in->out[i], &m->right);
        if (err != AX_OK)
            return err;
    }
    return AX_OK;
}

/* Groups without a value in which one side has ended. */
static void pass_ends(struct ax_bound *b, struct ax_state *s, const struct ax_slot_map *map,
                      const struct ax_state *in)
{
    for (uint32_t i = 0; i < in->out_n; i++) {
        uint32_t group = map->v[in->out[i].slot];
        struct ax_match_group *m = &s->matches[group];
        if (!in->out[i].ended || m->matched_tick == b->tick || m->ended_tick == b->tick)
            continue;
        m->ended_tick = b->tick;
        ax_out_put(s, group, NAN, true);
    }
}

enum ax_err ax_eval_match(struct ax_bound *b, const struct ax_node *node)
{
    const struct ax_state *left = ax_state_of(b, node->left), *right = ax_state_of(b, node->right);
    struct ax_state *s = ax_state_of(b, node);
    enum ax_err err = learn(b, node, s, &s->left, left);
    if (err == AX_OK)
        err = learn(b, node, s, &s->right, right);
    if (err == AX_OK)
        err = ax_room(&s->matches, &s->matches_cap, s->slots.n, sizeof *s->matches);
    if (err == AX_OK)
        err = ax_out_room(s, s->slots.n);
    if (err == AX_OK)
        err = take_right(b, s, right, live_n(left) > 0);
    if (err == AX_OK)
        err = pair_up(b, node, s, left);
    if (err != AX_OK)
        return err;
    pass_ends(b, s, &s->left, left);
    pass_ends(b, s, &s->right, right);
    return ax_finish(b, s);
}
