/* bound.h: the evaluator's state, shared by the files that evaluate.
 *
 * Every node keeps what it has learnt about its inputs: which slot of its own (a result, a group, a match
 * group) an input's slot leads to. A tick then walks arrays. When series are evicted all of it is forgotten
 * at once and learnt again. */
#ifndef AX_EXPR_BOUND_H
#define AX_EXPR_BOUND_H

#include "expr/ast.h"
#include "expr/kahan.h"
#include "expr/quantile.h"
#include "expr/slots.h"

/* One element of a node's result at this tick. */
struct ax_element {
    double value;
    uint32_t slot;
    bool ended;
};

/* From the slots of an input to those of a node; rises with the input. */
struct ax_slot_map {
    uint32_t *v;
    uint32_t n, cap;
};

/* What an aggregation or histogram_quantile gathers for a group; valid when tick is this one. */
struct ax_group {
    uint64_t tick;
    uint32_t n, at; /* members, and where theirs begin in the gathered values */
    struct ax_mean mean;
    double value, m2;
};

/* What a vector operation knows of a match group; each tick says when it was so. */
struct ax_match_group {
    uint64_t right_tick, matched_tick, ended_tick;
    double right;
};

/* State of one node. */
struct ax_state {
    struct ax_element *out;
    uint32_t out_n, out_cap;
    struct ax_slots slots; /* of the results */
    struct ax_slots keys;  /* match groups and histograms by what identifies them; slot for slot */
    struct ax_slot_map left, right;
    uint64_t *seen; /* per class: the tick that saw it */
    uint32_t seen_cap;

    int selector;                     /* SELECTOR; -1 when there is none */
    struct ax_series *const *members; /* SELECTOR, of this tick */
    uint32_t members_n;
    uint64_t epoch;

    struct ax_group *groups; /* per slot */
    struct ax_match_group *matches;
    uint32_t groups_cap, matches_cap;
    double *upper; /* histogram_quantile: bound of an input's slot; NaN is none */
    uint32_t upper_cap;
    void *gathered; /* values or buckets, ordered by group */
    uint32_t gathered_cap;
};

/* A bound expression. */
struct ax_bound {
    const struct ax_expr *expr;
    struct ax_db *db;
    struct ax_state *states; /* by node id */
    struct ax_arena labels;  /* of the slots */
    struct ax_label *filtered;
    uint32_t filtered_cap;
    struct ax_sample *samples; /* one range */
    double *scratch;
    uint32_t samples_cap;
    struct ax_result *results;
    uint32_t results_cap;
    uint64_t seed, tick;
    int64_t t_ms;
    struct ax_diag *diag;
};

/* State of a node. */
struct ax_state *ax_state_of(const struct ax_bound *b, const struct ax_node *node);

/* Room for n elements of size bytes each in *v, doubled as needed; new bytes are zero. */
AX_MUST_USE enum ax_err ax_room(void *v, uint32_t *cap, uint32_t n, size_t size);

/* Room for one element of the result for each slot of the node. */
AX_MUST_USE enum ax_err ax_out_room(struct ax_state *s, uint32_t n);

/* Append to the result; there is room. */
void ax_out_put(struct ax_state *s, uint32_t slot, double value, bool ended);

/* The labels with or without names; without: __name__ goes too, if drop_name. Valid until the next call. */
AX_MUST_USE enum ax_err ax_filter(struct ax_bound *b, const struct ax_labels *ls,
                                  const struct ax_names *names, bool drop_name, struct ax_labels *out);

/* The slot of these labels, added with a copy if it is not there. */
AX_MUST_USE enum ax_err ax_slot_intern(struct ax_bound *b, struct ax_slots *slots,
                                       const struct ax_labels *labels, uint32_t *out);

/* Add a slot with a copy of these labels, whether or not they are there. */
AX_MUST_USE enum ax_err ax_slot_append(struct ax_bound *b, struct ax_slots *slots,
                                       const struct ax_labels *labels);

/* Take note that input slot map->n leads to slot `to`. */
AX_MUST_USE enum ax_err ax_map_append(struct ax_slot_map *map, uint32_t to);

/* Refuse a result with equal label sets, and take out ended elements beside a live one. */
AX_MUST_USE enum ax_err ax_finish(struct ax_bound *b, struct ax_state *s);

/* Value of a SCALAR node. */
double ax_scalar(const struct ax_node *node);

/* Evaluate a VECTOR node into its state. */
AX_MUST_USE enum ax_err ax_eval_vector(struct ax_bound *b, const struct ax_node *node);

/* An aggregation, whose operand is evaluated already. */
AX_MUST_USE enum ax_err ax_eval_aggregate(struct ax_bound *b, const struct ax_node *node);

/* An operation between two vectors, which are evaluated already. */
AX_MUST_USE enum ax_err ax_eval_match(struct ax_bound *b, const struct ax_node *node);

/* histogram_quantile of a vector that is evaluated already. */
AX_MUST_USE enum ax_err ax_eval_histogram(struct ax_bound *b, const struct ax_node *node);

#endif
