/* bind.c: an expression tied to a database: its selectors, its memory, and what the evaluators share. */
#include "expr/bound.h"

#include <stdlib.h>

struct ax_state *ax_state_of(const struct ax_bound *b, const struct ax_node *node)
{
    return &b->states[node->id];
}

enum ax_err ax_room(void *v, uint32_t *cap, uint32_t n, size_t size)
{
    if (n <= *cap)
        return AX_OK;
    uint32_t more = *cap ? *cap : 16;
    while (more < n)
        more *= 2;
    void *old;
    memcpy(&old, v, sizeof old);
    char *grown = realloc(old, more * size);
    if (!grown)
        return AX_NOMEM;
    memset(grown + *cap * size, 0, (more - *cap) * size);
    memcpy(v, &grown, sizeof grown);
    *cap = more;
    return AX_OK;
}

enum ax_err ax_out_room(struct ax_state *s, uint32_t n)
{
    s->out_n = 0;
    return ax_room(&s->out, &s->out_cap, n, sizeof *s->out);
}

void ax_out_put(struct ax_state *s, uint32_t slot, double value, bool ended)
{
    s->out[s->out_n++] = (struct ax_element){.value = value, .slot = slot, .ended = ended};
}

static bool listed(const struct ax_names *names, struct ax_str name)
{
    for (uint32_t i = 0; i < names->n; i++) {
        if (ax_str_eq(names->v[i], name))
            return true;
    }
    return false;
}

enum ax_err ax_filter(struct ax_bound *b, const struct ax_labels *ls, const struct ax_names *names,
                      bool drop_name, struct ax_labels *out)
{
    if (ax_room(&b->filtered, &b->filtered_cap, ls->n, sizeof *b->filtered) != AX_OK)
        return AX_NOMEM;
    uint32_t n = 0;
    for (uint32_t i = 0; i < ls->n; i++) {
        if (listed(names, ls->v[i].name) != names->keep)
            continue;
        if (drop_name && ax_str_eq(ls->v[i].name, ax_str(AX_METRIC_NAME)))
            continue;
        b->filtered[n++] = ls->v[i];
    }
    *out = (struct ax_labels){n, b->filtered};
    return AX_OK;
}

/* A copy of the pairs; their bytes stay where they are, with the series. */
static enum ax_err add_copy(struct ax_bound *b, struct ax_slots *slots, const struct ax_labels *labels,
                            uint64_t id)
{
    struct ax_labels *copy = ax_arena_alloc(&b->labels, sizeof *copy);
    struct ax_label *v = ax_arena_array(&b->labels, labels->n, sizeof *v);
    if (!copy || !v)
        return AX_NOMEM;
    if (labels->n)
        memcpy(v, labels->v, labels->n * sizeof *v);
    *copy = (struct ax_labels){labels->n, v};
    return ax_slots_add(slots, copy, id);
}

enum ax_err ax_slot_intern(struct ax_bound *b, struct ax_slots *slots, const struct ax_labels *labels,
                           uint32_t *out)
{
    uint64_t id = ax_labels_hash(labels, b->seed);
    *out = ax_slots_find(slots, labels, id);
    if (*out != AX_NO_SLOT)
        return AX_OK;
    *out = slots->n;
    return add_copy(b, slots, labels, id);
}

enum ax_err ax_slot_append(struct ax_bound *b, struct ax_slots *slots, const struct ax_labels *labels)
{
    return add_copy(b, slots, labels, ax_labels_hash(labels, b->seed));
}

enum ax_err ax_map_append(struct ax_slot_map *map, uint32_t to)
{
    if (ax_room(&map->v, &map->cap, map->n + 1, sizeof *map->v) != AX_OK)
        return AX_NOMEM;
    map->v[map->n++] = to;
    return AX_OK;
}

/* Forget what was learnt of all nodes' inputs. Groups need nothing: their ticks are past. */
static void forget(struct ax_bound *b)
{
    for (uint32_t i = 0; i < b->expr->nodes_n; i++) {
        struct ax_state *s = &b->states[i];
        ax_slots_reset(&s->slots);
        ax_slots_reset(&s->keys);
        s->left.n = s->right.n = s->out_n = 0;
    }
    ax_arena_reset(&b->labels);
}

/* Fetch the members of every selector; forget everything when some were evicted. */
static void fetch_members(struct ax_bound *b)
{
    bool evicted = false;
    for (uint32_t i = 0; i < b->expr->nodes_n; i++) {
        struct ax_state *s = &b->states[i];
        uint64_t epoch = s->epoch;
        if (s->selector < 0)
            continue;
        s->members = ax_db_members(b->db, s->selector, &s->members_n, &s->epoch);
        evicted = evicted || epoch != s->epoch;
    }
    if (evicted)
        forget(b);
}

/* Add the selectors of a tree. */
static enum ax_err add_selectors(struct ax_bound *b, const struct ax_node *node, struct ax_str tenant,
                                 struct ax_watch *watch)
{
    if (!node)
        return AX_OK;
    if (node->kind == AX_NODE_SELECTOR) {
        struct ax_state *s = ax_state_of(b, node);
        s->selector =
            ax_db_add_selector(b->db, tenant, node->matchers, node->matchers_n, node->range_ms, watch);
        if (s->selector < 0)
            return AX_NOMEM;
    }
    enum ax_err err = add_selectors(b, node->left, tenant, watch);
    return err == AX_OK ? add_selectors(b, node->right, tenant, watch) : err;
}

enum ax_err ax_expr_bind(const struct ax_expr *e, struct ax_db *db, struct ax_str tenant,
                         struct ax_watch *watch, struct ax_bound **out)
{
    struct ax_bound *b = calloc(1, sizeof *b);
    if (!b)
        return AX_NOMEM;
    b->expr = e;
    b->db = db;
    b->seed = ax_db_seed(db);
    b->samples_cap = ax_db_ring_max(db);
    ax_arena_init(&b->labels, SIZE_MAX);
    ax_arena_init(&b->values, SIZE_MAX);
    ax_arena_init(&b->range_values, SIZE_MAX);
    b->states = calloc(e->nodes_n, sizeof *b->states);
    b->samples = malloc(b->samples_cap * sizeof *b->samples);
    b->scratch = malloc(b->samples_cap * sizeof *b->scratch);
    for (uint32_t i = 0; b->states && i < e->nodes_n; i++)
        b->states[i].selector = -1;
    if (!b->states || !b->samples || !b->scratch || add_selectors(b, e->root, tenant, watch) != AX_OK) {
        ax_bound_free(b);
        return AX_NOMEM;
    }
    *out = b;
    return AX_OK;
}

static void free_state(struct ax_state *s)
{
    free(s->out);
    ax_slots_done(&s->slots);
    ax_slots_done(&s->keys);
    free(s->left.v);
    free(s->right.v);
    free(s->seen);
    free(s->groups);
    free(s->matches);
    free(s->upper);
    free(s->gathered);
}

void ax_bound_free(struct ax_bound *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; b->states && i < b->expr->nodes_n; i++) {
        if (b->states[i].selector >= 0)
            ax_db_remove_selector(b->db, b->states[i].selector);
        free_state(&b->states[i]);
    }
    free(b->states);
    ax_arena_done(&b->labels);
    ax_arena_done(&b->values);
    ax_arena_done(&b->range_values);
    ax_histograms_done(&b->messages);
    free(b->points);
    free(b->filtered);
    free(b->samples);
    free(b->scratch);
    free(b->results);
    free(b);
}

/* The root's elements as the caller sees them. */
static enum ax_err show(struct ax_bound *b, struct ax_vector *out)
{
    static const struct ax_labels none = {0};
    const struct ax_node *root = b->expr->root;
    const struct ax_state *s = ax_state_of(b, root);
    bool scalar = root->type == AX_TYPE_SCALAR;
    uint32_t n = scalar ? 1 : s->out_n;
    if (ax_room(&b->results, &b->results_cap, n, sizeof *b->results) != AX_OK)
        return AX_NOMEM;
    if (scalar)
        b->results[0] = (struct ax_result){&none, ax_labels_hash(&none, b->seed), ax_scalar(root), false};
    uint32_t shown = scalar;
    for (uint32_t i = 0; !scalar && i < n; i++) {
        const struct ax_element *e = &s->out[i];
        const struct ax_slot *slot = &s->slots.v[e->slot];
        if (e->is_histogram)
            b->dropped++;
        else
            b->results[shown++] = (struct ax_result){slot->labels, slot->id, e->value, e->ended};
    }
    *out = (struct ax_vector){shown, b->results, b->dropped, b->interval_ms};
    return AX_OK;
}

enum ax_err ax_bound_eval(struct ax_bound *b, int64_t t_ms, struct ax_vector *out, struct ax_diag *diag)
{
    *out = (struct ax_vector){0};
    ax_arena_reset(&b->values);
    b->dropped = 0;
    b->interval_ms = 0;
    b->t_ms = t_ms;
    b->diag = diag;
    b->tick++;
    fetch_members(b);
    enum ax_err err = AX_OK;
    if (b->expr->root->type == AX_TYPE_VECTOR)
        err = ax_eval_vector(b, b->expr->root);
    if (err == AX_OK)
        err = show(b, out);
    if (err == AX_NOMEM) {
        forget(b);
        ax_fail(diag, err, "out of memory while evaluating an expression");
    }
    return err;
}
