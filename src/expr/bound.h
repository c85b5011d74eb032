/* bound.h: the evaluator's state, shared by the files that evaluate.
 *
 * Every node keeps what it has learnt about its inputs: which slot of its own (a result, a group, a match
 * group) an input's slot leads to. A tick then walks arrays. When series are evicted all of it is forgotten
 * at once and learnt again. */
#ifndef AX_EXPR_BOUND_H
#define AX_EXPR_BOUND_H

#include "expr/ast.h"
#include "expr/kahan.h"
#include "expr/native.h"
#include "expr/quantile.h"
#include "expr/range.h"
#include "expr/slots.h"

/* One element of a node's result at this tick: a number, or a native histogram of b->values. */
struct ax_element {
    union {
        double value;
        const struct ax_float_histogram *histogram;
    };
    uint32_t slot;
    bool ended, is_histogram;
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
    struct ax_float_histogram *histogram;    /* sum or mean of the members that are histograms */
    const struct ax_float_histogram *native; /* histogram_quantile: the one of these labels; NULL: none */
    uint32_t histograms_n;
    bool incompatible; /* they have nothing in common */
};

/* What a vector operation knows of a match group; each tick says when it was so. */
struct ax_match_group {
    uint64_t right_tick, matched_tick, ended_tick;
    struct ax_element right;
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
    struct ax_histograms messages;     /* one range of native histograms, */
    struct ax_histogram_point *points; /* and their values */
    uint32_t points_cap;
    struct ax_arena values, range_values; /* of this tick, of one range */
    uint32_t dropped;                     /* native histograms without a use at this tick */
    int64_t interval_ms;                  /* of what has ended at this tick: see ax_vector */
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

/* The same with a histogram, which lives until the next tick. */
void ax_out_put_histogram(struct ax_state *s, uint32_t slot, const struct ax_float_histogram *h);

/* Read a native histogram of a series into the arena: the newest within the lookback. *out is NULL when there
 * is none. */
AX_MUST_USE enum ax_err ax_newest_histogram(struct ax_bound *b, const struct ax_series *series,
                                            int64_t *out_t_ms, const struct ax_float_histogram **out);

/* Read the native histograms of a range into r; they live until the next call. */
AX_MUST_USE enum ax_err ax_range_histograms(struct ax_bound *b, const struct ax_series *series,
                                            struct ax_range *r);

/* Append what an operation makes of two elements of which at least one is a histogram; nothing when PromQL
 * has no result for them. */
AX_MUST_USE enum ax_err ax_put_operated(struct ax_bound *b, enum ax_operator op, struct ax_state *s,
                                        uint32_t slot, const struct ax_element *left,
                                        const struct ax_element *right);

/* What a function of native histograms (kind NATIVE) makes of a vector that is evaluated already. */
AX_MUST_USE enum ax_err ax_eval_native(struct ax_bound *b, const struct ax_node *node);

/* The labels with or without names; without: __name__ goes too, if drop_name. Valid until the next call. */
AX_MUST_USE enum ax_err ax_filter(struct ax_bound *b, const struct ax_labels *ls,
                                  const struct ax_names *names, bool drop_name, struct ax_labels *out);

/* The slot of these labels, added with a copy if it is not there. */
AX_MUST_USE enum ax_err ax_slot_intern(struct ax_bound *b, struct ax_slots *slots,
                                       const struct ax_labels *labels, uint32_t *out);

/* Add a slot with a copy of these labels, whether or not they are there. */
AX_MUST_USE enum ax_err ax_slot_append(struct ax_bound *b, struct ax_slots *slots,
                                       const struct ax_labels *labels);

/* Room for a result, and slots for the labels of a vector without the name, slot for slot. */
AX_MUST_USE enum ax_err ax_follow_vector(struct ax_bound *b, struct ax_state *s, const struct ax_state *in);

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
