/* ast.h: a parsed expression: nodes in an arena, typed when they are made, numbered for the evaluator. */
#ifndef AX_EXPR_AST_H
#define AX_EXPR_AST_H

#include "base/arena.h"
#include "expr/expr.h"

/* What a node's value is. */
enum ax_type { AX_TYPE_SCALAR, AX_TYPE_VECTOR, AX_TYPE_RANGE };

/* What a node is. A plain + in front leaves no node. */
enum ax_node_kind {
    AX_NODE_NUMBER,
    AX_NODE_SELECTOR, /* type VECTOR, or RANGE when it has one */
    AX_NODE_CALL,
    AX_NODE_AGGREGATE,
    AX_NODE_BINARY,
    AX_NODE_NEGATE,
};

/* The functions of expr/functions.def. */
enum ax_function {
#define AX_FUNCTION(id, name, kind, before, after) AX_FN_##id,
#include "expr/functions.def"
#undef AX_FUNCTION
    AX_FN_N
};

/* What the vector argument of a function is, and what becomes of it. */
enum ax_function_kind { AX_FN_KIND_RANGE, AX_FN_KIND_HISTOGRAM, AX_FN_KIND_NATIVE, AX_FN_KIND_MATH };

/* The aggregations, in the order of their names in expr/subset.c. */
enum ax_aggregation {
    AX_AGG_SUM,
    AX_AGG_AVG,
    AX_AGG_MIN,
    AX_AGG_MAX,
    AX_AGG_COUNT,
    AX_AGG_STDDEV,
    AX_AGG_QUANTILE
};

/* The operators between numbers and vectors. */
enum ax_operator { AX_OP_ADD, AX_OP_SUB, AX_OP_MUL, AX_OP_DIV, AX_OP_MOD, AX_OP_POW };

/* Label names of by, without, on or ignoring: those to keep (by, on), or those to drop. */
struct ax_names {
    const struct ax_str *v;
    uint32_t n;
    bool keep;
};

/* One node. Which members count depends on kind. */
struct ax_node {
    enum ax_node_kind kind;
    enum ax_type type;
    uint32_t id;    /* position in post-order: children have smaller ones */
    uint32_t depth; /* of the tree below, from 1 */
    bool keeps_name;

    double number;                /* NUMBER */
    struct ax_matcher **matchers; /* SELECTOR */
    uint32_t matchers_n;
    int64_t range_ms; /* SELECTOR with a range */

    enum ax_function function;       /* CALL */
    enum ax_aggregation aggregation; /* AGGREGATE */
    enum ax_operator op;             /* BINARY */
    struct ax_names names;           /* AGGREGATE, BINARY of two vectors */

    struct ax_node *left, *right; /* operands; the one vector of the others is left */
    struct ax_node *scalar[2];    /* numbers of CALL and AGGREGATE */
};

/* A whole expression. */
struct ax_expr {
    struct ax_arena arena;
    struct ax_node *root;
    uint32_t nodes_n;
    struct ax_selector_list *matchers; /* to free */
};

/* Every compiled matcher, so that freeing does not need a complete tree. */
struct ax_selector_list {
    struct ax_selector_list *next;
    struct ax_matcher *matcher;
};

#endif
