/* parser.c: operators, precedence and types; the entry points of parsing. */
#include "expr/parser.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

enum ax_err ax_parser_advance(struct ax_parser *p)
{
    return ax_lexer_next(&p->lx, &p->next, p->diag);
}

enum ax_err ax_parser_unexpected(const struct ax_parser *p, const char *expected)
{
    if (p->next.kind == AX_TOKEN_END)
        return ax_lexer_fail(&p->lx, p->next.at, p->diag, "the expression ends here, expected %s", expected);
    struct ax_str found = p->next.kind == AX_TOKEN_STRING ? ax_str("a string") : p->next.text;
    return ax_lexer_fail(&p->lx, p->next.at, p->diag, "unexpected %.*s, expected %s",
                         (int)(found.n < 64 ? found.n : 64), found.p, expected);
}

enum ax_err ax_parser_expect(struct ax_parser *p, enum ax_token_kind kind, const char *what)
{
    return p->next.kind == kind ? ax_parser_advance(p) : ax_parser_unexpected(p, what);
}

struct ax_node *ax_parser_node(struct ax_parser *p, enum ax_node_kind kind, enum ax_type type)
{
    struct ax_node *node = ax_arena_alloc(&p->expr->arena, sizeof *node);
    if (!node) {
        ax_fail(p->diag, AX_NOMEM, "out of memory, or the expression is too long");
        return NULL;
    }
    *node = (struct ax_node){.kind = kind, .type = type, .id = p->expr->nodes_n++, .depth = 1};
    return node;
}

enum ax_err ax_parser_depth(const struct ax_parser *p, struct ax_node *node, size_t at)
{
    const struct ax_node *children[] = {node->left, node->right, node->scalar[0], node->scalar[1]};
    for (size_t i = 0; i < sizeof children / sizeof children[0]; i++) {
        if (children[i] && children[i]->depth >= node->depth)
            node->depth = children[i]->depth + 1;
    }
    if (node->depth > AX_EXPR_DEPTH_MAX)
        return ax_lexer_fail(&p->lx, at, p->diag, "the expression is nested deeper than %u levels",
                             AX_EXPR_DEPTH_MAX);
    return AX_OK;
}

/* Precedence of operators; unary minus binds as * does: -2^2 is -4. */
enum { PREC_ADD = 1, PREC_MUL, PREC_POW };

static int operator_of(enum ax_token_kind kind, enum ax_operator *op)
{
    switch (kind) {
    case AX_TOKEN_ADD:
        *op = AX_OP_ADD;
        return PREC_ADD;
    case AX_TOKEN_SUB:
        *op = AX_OP_SUB;
        return PREC_ADD;
    case AX_TOKEN_MUL:
        *op = AX_OP_MUL;
        return PREC_MUL;
    case AX_TOKEN_DIV:
        *op = AX_OP_DIV;
        return PREC_MUL;
    case AX_TOKEN_MOD:
        *op = AX_OP_MOD;
        return PREC_MUL;
    case AX_TOKEN_POW:
        *op = AX_OP_POW;
        return PREC_POW;
    default:
        return 0;
    }
}

/* Operators of PromQL that the subset has not. */
static enum ax_err refuse_operators(const struct ax_parser *p)
{
    static const char *const words[] = {"and", "or", "unless", "atan2"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char what[64];
        snprintf(what, sizeof what, "the operator %s", words[i]);
        if (ax_parser_at_word(p, words[i]))
            return ax_parser_outside(p, p->next.at, what);
    }
    if (p->next.kind == AX_TOKEN_COMPARE || p->next.kind == AX_TOKEN_NOT_EQUAL)
        return ax_parser_outside(p, p->next.at, "a comparison");
    return AX_OK;
}

/* What may follow an operator: bool, on, ignoring, group_left, group_right. */
static enum ax_err parse_matching(struct ax_parser *p, struct ax_names *names, bool *explicit_names)
{
    if (ax_parser_at_word(p, "bool"))
        return ax_lexer_fail(&p->lx, p->next.at, p->diag, "bool goes with comparisons only");
    *explicit_names = false;
    for (int on = 0; on < 2; on++) {
        if (!ax_parser_at_word(p, on ? "on" : "ignoring"))
            continue;
        enum ax_err err = ax_parser_advance(p);
        if (err == AX_OK)
            err = ax_parse_names(p, on, names);
        if (err != AX_OK)
            return err;
        *explicit_names = true;
        break;
    }
    if (ax_parser_at_word(p, "group_left") || ax_parser_at_word(p, "group_right"))
        return ax_parser_outside(p, p->next.at, "matching one element to many");
    return AX_OK;
}

static enum ax_err parse_binary(struct ax_parser *p, int least, struct ax_node **out);

/* The rest of `left op`: matching, the right operand, the node. */
static enum ax_err parse_operation(struct ax_parser *p, enum ax_operator op, int prec, size_t at,
                                   struct ax_node **left)
{
    struct ax_names names = {0};
    bool explicit_names = false;
    struct ax_node *right = NULL;
    enum ax_err err = parse_matching(p, &names, &explicit_names);
    if (err == AX_OK)
        err = parse_binary(p, prec == PREC_POW ? prec : prec + 1, &right);
    if (err != AX_OK)
        return err;
    AX_ASSERT(*left && right);
    if ((*left)->type == AX_TYPE_RANGE || right->type == AX_TYPE_RANGE)
        return ax_lexer_fail(
            &p->lx, at, p->diag,
            "an operator takes numbers and instant vectors, not a range vector; put a function such "
            "as rate() around it");
    bool vectors = (*left)->type == AX_TYPE_VECTOR && right->type == AX_TYPE_VECTOR;
    if (explicit_names && !vectors)
        return ax_lexer_fail(&p->lx, at, p->diag, "on and ignoring stand between two instant vectors only");
    bool scalar = (*left)->type == AX_TYPE_SCALAR && right->type == AX_TYPE_SCALAR;
    struct ax_node *node = ax_parser_node(p, AX_NODE_BINARY, scalar ? AX_TYPE_SCALAR : AX_TYPE_VECTOR);
    if (!node)
        return AX_NOMEM;
    node->op = op;
    node->names = names;
    node->left = *left;
    node->right = right;
    *left = node;
    return ax_parser_depth(p, node, at);
}

/* A range or what else may follow an operand. */
static enum ax_err parse_suffix(struct ax_parser *p, struct ax_node *node)
{
    size_t at = p->next.at;
    if (p->next.kind == AX_TOKEN_LEFT_BRACKET) {
        enum ax_err err = ax_parser_advance(p);
        if (err != AX_OK)
            return err;
        struct ax_token range = p->next;
        err = ax_parser_expect(p, AX_TOKEN_NUMBER, "a duration such as 5m");
        if (err != AX_OK)
            return err;
        if (p->next.kind == AX_TOKEN_COLON)
            return ax_parser_outside(p, at, "a subquery");
        err = ax_parser_expect(p, AX_TOKEN_RIGHT_BRACKET, "]");
        if (err != AX_OK)
            return err;
        if (node->kind != AX_NODE_SELECTOR || node->type == AX_TYPE_RANGE)
            return ax_lexer_fail(&p->lx, at, p->diag, "a range stands after a selector only");
        double ms = range.value * 1000;
        if (!(ms >= 1))
            return ax_lexer_fail(&p->lx, range.at, p->diag, "a range must be longer than 0");
        if (ms > (double)p->max_range_ms)
            return ax_lexer_fail(&p->lx, range.at, p->diag,
                                 "the range " AX_STR_FMT
                                 " is over the longest one (%.15gs, --query.max-range); raw "
                                 "samples are kept no longer: let a recording rule compute it",
                                 AX_STR_ARG(range.text), (double)p->max_range_ms / 1000);
        node->range_ms = (int64_t)ms;
        node->type = AX_TYPE_RANGE;
    }
    if (ax_parser_at_word(p, "offset") || p->next.kind == AX_TOKEN_AT)
        return ax_parser_outside(p, p->next.at, "another time than now (offset, @)");
    if (p->next.kind == AX_TOKEN_LEFT_BRACKET)
        return ax_parser_outside(p, p->next.at, "a subquery");
    return AX_OK;
}

/* Is the name before next called, or grouped and called? */
static bool is_call(const struct ax_parser *p, const struct ax_token *name)
{
    enum ax_aggregation agg;
    const char *kind = ax_promql_word(name->text);
    bool aggregation = ax_aggregation_of(name->text, &agg) || (kind && kind[0] == 'a');
    return p->next.kind == AX_TOKEN_LEFT_PAREN ||
           (aggregation && (ax_parser_at_word(p, "by") || ax_parser_at_word(p, "without")));
}

static enum ax_err parse_word(struct ax_parser *p, struct ax_node **out)
{
    struct ax_parser ahead = *p;
    enum ax_err err = ax_parser_advance(&ahead);
    if (err != AX_OK)
        return err;
    if (!is_call(&ahead, &p->next))
        return ax_parse_selector(p, out);
    struct ax_token name = p->next;
    *p = ahead;
    return ax_parse_call(p, &name, out);
}

static enum ax_err parse_parens(struct ax_parser *p, struct ax_node **out)
{
    enum ax_err err = ax_parser_advance(p);
    if (err == AX_OK)
        err = ax_parse_expression(p, out);
    return err == AX_OK ? ax_parser_expect(p, AX_TOKEN_RIGHT_PAREN, ")") : err;
}

static enum ax_err parse_number(struct ax_parser *p, struct ax_node **out)
{
    *out = ax_parser_node(p, AX_NODE_NUMBER, AX_TYPE_SCALAR);
    if (!*out)
        return AX_NOMEM;
    (*out)->number = p->next.value;
    return ax_parser_advance(p);
}

static enum ax_err parse_sign(struct ax_parser *p, struct ax_node **out)
{
    bool minus = p->next.kind == AX_TOKEN_SUB;
    size_t at = p->next.at;
    enum ax_err err = ax_parser_advance(p);
    if (err == AX_OK)
        err = parse_binary(p, PREC_POW, out);
    if (err != AX_OK)
        return err;
    if ((*out)->type == AX_TYPE_RANGE)
        return ax_lexer_fail(&p->lx, at, p->diag, "a sign goes before a number or an instant vector");
    if (!minus)
        return AX_OK;
    struct ax_node *node = ax_parser_node(p, AX_NODE_NEGATE, (*out)->type);
    if (!node)
        return AX_NOMEM;
    node->left = *out;
    *out = node;
    return ax_parser_depth(p, node, at);
}

static enum ax_err parse_operand(struct ax_parser *p, struct ax_node **out)
{
    enum ax_err err;
    switch (p->next.kind) {
    case AX_TOKEN_ADD:
    case AX_TOKEN_SUB:
        return parse_sign(p, out);
    case AX_TOKEN_NUMBER:
        err = parse_number(p, out);
        break;
    case AX_TOKEN_LEFT_PAREN:
        err = parse_parens(p, out);
        break;
    case AX_TOKEN_IDENT:
        err = parse_word(p, out);
        break;
    case AX_TOKEN_LEFT_BRACE:
        err = ax_parse_selector(p, out);
        break;
    case AX_TOKEN_STRING:
        return ax_lexer_fail(&p->lx, p->next.at, p->diag,
                             "a string is no series; a quoted metric name stands in braces: {\"name\"}");
    default:
        return ax_parser_unexpected(p, "a number, a series selector or a function");
    }
    return err == AX_OK ? parse_suffix(p, *out) : err;
}

/* Operands joined by operators that bind at least as `least` does. */
static enum ax_err parse_binary(struct ax_parser *p, int least, struct ax_node **out)
{
    if (++p->depth > AX_EXPR_DEPTH_MAX)
        return ax_lexer_fail(&p->lx, p->next.at, p->diag, "the expression is nested deeper than %u levels",
                             AX_EXPR_DEPTH_MAX);
    enum ax_err err = parse_operand(p, out);
    while (err == AX_OK) {
        enum ax_operator op = AX_OP_ADD;
        size_t at = p->next.at;
        err = refuse_operators(p);
        int prec = operator_of(p->next.kind, &op);
        if (err != AX_OK || prec == 0 || prec < least)
            break;
        err = ax_parser_advance(p);
        if (err == AX_OK)
            err = parse_operation(p, op, prec, at, out);
    }
    p->depth--;
    return err;
}

enum ax_err ax_parse_expression(struct ax_parser *p, struct ax_node **out)
{
    return parse_binary(p, PREC_ADD, out);
}

static enum ax_err parse_all(struct ax_parser *p)
{
    struct ax_node *root = NULL;
    enum ax_err err = ax_parser_advance(p);
    if (err == AX_OK && p->next.kind == AX_TOKEN_END)
        return ax_lexer_fail(&p->lx, p->next.at, p->diag, "the expression is empty");
    if (err == AX_OK)
        err = ax_parse_expression(p, &root);
    if (err != AX_OK)
        return err;
    if (p->next.kind != AX_TOKEN_END)
        return ax_parser_unexpected(p, "an operator or the end");
    if (root->type == AX_TYPE_RANGE)
        return ax_lexer_fail(&p->lx, 0, p->diag,
                             "the result is a range vector; put a function such as rate() around it");
    p->expr->root = root;
    return AX_OK;
}

enum ax_err ax_expr_parse(struct ax_str text, int64_t max_range_ms, struct ax_expr **out,
                          struct ax_diag *diag)
{
    uint64_t memory = AX_EXPR_REGEX_MEMORY;
    return ax_expr_parse_within(text, max_range_ms, &memory, out, diag);
}

enum ax_err ax_expr_parse_within(struct ax_str text, int64_t max_range_ms, uint64_t *memory,
                                 struct ax_expr **out, struct ax_diag *diag)
{
    struct ax_expr *e = calloc(1, sizeof *e);
    if (!e)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    ax_arena_init(&e->arena, text.n * 512 + 65536);
    struct ax_parser p = {.lx = {.text = text, .arena = &e->arena},
                          .expr = e,
                          .max_range_ms = max_range_ms,
                          .memory = memory,
                          .diag = diag};
    enum ax_err err = parse_all(&p);
    if (err != AX_OK) {
        ax_expr_free(e);
        return err;
    }
    *out = e;
    return AX_OK;
}

void ax_expr_free(struct ax_expr *e)
{
    if (!e)
        return;
    for (struct ax_selector_list *m = e->matchers; m; m = m->next)
        ax_matcher_free(m->matcher);
    ax_arena_done(&e->arena);
    free(e);
}

bool ax_expr_keeps_name(const struct ax_expr *e)
{
    return e->root->keeps_name;
}

bool ax_expr_is_scalar(const struct ax_expr *e)
{
    return e->root->type == AX_TYPE_SCALAR;
}

bool ax_expr_is_selector(const struct ax_expr *e)
{
    return e->root->kind == AX_NODE_SELECTOR && e->root->type == AX_TYPE_VECTOR;
}
