/* parser.h: the parser's state, shared by the files that parse. Recursive descent, one token ahead. */
#ifndef AX_EXPR_PARSER_H
#define AX_EXPR_PARSER_H

#include "expr/ast.h"
#include "expr/lexer.h"

/* Deepest nesting of an expression. */
#define AX_EXPR_DEPTH_MAX 100u

/* One parse. next is the token that stands before the parser. */
struct ax_parser {
    struct ax_lexer lx;
    struct ax_token next;
    struct ax_expr *expr;
    int64_t max_range_ms;
    uint64_t *memory; /* that is left for regular expressions */
    uint32_t depth;
    struct ax_diag *diag;
};

/* Take the next token: the one after it becomes next. */
AX_MUST_USE enum ax_err ax_parser_advance(struct ax_parser *p);

/* Take a token of this kind, or fail with what was expected. */
AX_MUST_USE enum ax_err ax_parser_expect(struct ax_parser *p, enum ax_token_kind kind, const char *what);

/* Is next this word, in any case? */
bool ax_parser_at_word(const struct ax_parser *p, const char *word);

/* Fail because next is not what was expected. */
enum ax_err ax_parser_unexpected(const struct ax_parser *p, const char *expected);

/* Fail because something is PromQL and not in the subset; names a recording rule as the way out. */
enum ax_err ax_parser_outside(const struct ax_parser *p, size_t at, const char *what);

/* What an identifier is in PromQL beyond this subset: "function", "aggregation", or NULL. */
const char *ax_promql_word(struct ax_str word);

/* Why a name that is called is not there, with the nearest name that is. */
enum ax_err ax_parser_unknown_function(const struct ax_parser *p, const struct ax_token *name);

/* A node of the expression's arena, numbered; NULL when out of memory (the error is in diag). */
struct ax_node *ax_parser_node(struct ax_parser *p, enum ax_node_kind kind, enum ax_type type);

/* Set a node's depth from its children; fails when it is over AX_EXPR_DEPTH_MAX. */
AX_MUST_USE enum ax_err ax_parser_depth(const struct ax_parser *p, struct ax_node *node, size_t at);

/* An expression of any type, up to what ends it. */
AX_MUST_USE enum ax_err ax_parse_expression(struct ax_parser *p, struct ax_node **out);

/* A selector: name, braces or both; next is its first token. Without a range. */
AX_MUST_USE enum ax_err ax_parse_selector(struct ax_parser *p, struct ax_node **out);

/* The call of a function or an aggregation; next is the token after its name. */
AX_MUST_USE enum ax_err ax_parse_call(struct ax_parser *p, const struct ax_token *name, struct ax_node **out);

/* The aggregation of a name, in any case; false when it is none. */
bool ax_aggregation_of(struct ax_str name, enum ax_aggregation *out);

/* The list of label names in parentheses after by, without, on or ignoring. */
AX_MUST_USE enum ax_err ax_parse_names(struct ax_parser *p, bool keep, struct ax_names *out);

/* Name, kind and numbers before and after of a function. */
struct ax_function_info {
    const char *name;
    enum ax_function_kind kind;
    uint8_t before, after;
};

/* The row of a function. */
const struct ax_function_info *ax_function_info(enum ax_function f);

#endif
