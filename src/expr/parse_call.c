/* parse_call.c: calls of functions and aggregations, their arguments and types. */
#include "expr/parser.h"

#define ARGS_MAX 4u

/* The arguments of a call while they are read. */
struct args {
    struct ax_node *v[ARGS_MAX];
    size_t at[ARGS_MAX];
    uint32_t n;
};

static enum ax_err parse_args(struct ax_parser *p, const struct ax_token *name, struct args *args)
{
    enum ax_err err = ax_parser_expect(p, AX_TOKEN_LEFT_PAREN, "(");
    while (err == AX_OK && p->next.kind != AX_TOKEN_RIGHT_PAREN) {
        if (args->n == ARGS_MAX)
            return ax_lexer_fail(&p->lx, p->next.at, p->diag, "too many arguments for " AX_STR_FMT,
                                 AX_STR_ARG(name->text));
        args->at[args->n] = p->next.at;
        err = ax_parse_expression(p, &args->v[args->n]);
        args->n++;
        if (err != AX_OK || p->next.kind != AX_TOKEN_COMMA)
            break;
        err = ax_parser_advance(p);
        if (err == AX_OK && p->next.kind == AX_TOKEN_RIGHT_PAREN)
            err = ax_parser_unexpected(p, "an argument");
    }
    return err == AX_OK ? ax_parser_expect(p, AX_TOKEN_RIGHT_PAREN, ", or )") : err;
}

/* Check count and types: numbers, one vector of the given type, numbers; put them into the node. */
static enum ax_err place_args(struct ax_parser *p, const struct ax_token *name, const struct args *args,
                              uint32_t before, uint32_t after, enum ax_type type, struct ax_node *node)
{
    static const char *const types[] = {"a number", "an instant vector", "a range vector such as x[5m]"};
    uint32_t want = before + 1 + after, scalars = 0;
    if (args->n != want)
        return ax_lexer_fail(&p->lx, name->at, p->diag, AX_STR_FMT " takes %u argument%s, not %u",
                             AX_STR_ARG(name->text), want, want == 1 ? "" : "s", args->n);
    for (uint32_t i = 0; i < want; i++) {
        enum ax_type expected = i == before ? type : AX_TYPE_SCALAR;
        if (args->v[i]->type != expected)
            return ax_lexer_fail(&p->lx, args->at[i], p->diag,
                                 "argument %u of " AX_STR_FMT " is %s, expected %s", i + 1,
                                 AX_STR_ARG(name->text), types[args->v[i]->type], types[expected]);
        if (i == before)
            node->left = args->v[i];
        else
            node->scalar[scalars++] = args->v[i];
    }
    return ax_parser_depth(p, node, name->at);
}

static enum ax_err parse_function(struct ax_parser *p, const struct ax_token *name, struct ax_node **out)
{
    const struct ax_function_info *info = NULL;
    uint32_t f = 0;
    for (; f < AX_FN_N && !info; f++) {
        if (ax_str_eq(name->text, ax_str(ax_function_info((enum ax_function)f)->name)))
            info = ax_function_info((enum ax_function)f);
    }
    if (!info)
        return ax_parser_unknown_function(p, name);
    struct args args = {.n = 0};
    enum ax_err err = parse_args(p, name, &args);
    if (err != AX_OK)
        return err;
    struct ax_node *node = ax_parser_node(p, AX_NODE_CALL, AX_TYPE_VECTOR);
    if (!node)
        return AX_NOMEM;
    node->function = (enum ax_function)(f - 1);
    node->keeps_name = node->function == AX_FN_LAST_OVER_TIME;
    *out = node;
    enum ax_type type = info->kind == AX_FN_KIND_RANGE ? AX_TYPE_RANGE : AX_TYPE_VECTOR;
    return place_args(p, name, &args, info->before, info->after, type, node);
}

/* by (...) or without (...), if it stands here. */
static enum ax_err parse_grouping(struct ax_parser *p, struct ax_names *names, bool *there)
{
    bool by = ax_parser_at_word(p, "by");
    *there = by || ax_parser_at_word(p, "without");
    if (!*there)
        return AX_OK;
    enum ax_err err = ax_parser_advance(p);
    return err == AX_OK ? ax_parse_names(p, by, names) : err;
}

static enum ax_err parse_aggregation(struct ax_parser *p, const struct ax_token *name,
                                     enum ax_aggregation agg, struct ax_node **out)
{
    struct ax_names names = {.keep = true}; /* without a grouping everything is one group: by () */
    struct args args = {.n = 0};
    bool before = false, after = false;
    enum ax_err err = parse_grouping(p, &names, &before);
    if (err == AX_OK)
        err = parse_args(p, name, &args);
    if (err == AX_OK && !before)
        err = parse_grouping(p, &names, &after);
    if (err != AX_OK)
        return err;
    struct ax_node *node = ax_parser_node(p, AX_NODE_AGGREGATE, AX_TYPE_VECTOR);
    if (!node)
        return AX_NOMEM;
    node->aggregation = agg;
    node->names = names;
    *out = node;
    err = place_args(p, name, &args, agg == AX_AGG_QUANTILE, 0, AX_TYPE_VECTOR, node);
    for (uint32_t i = 0; err == AX_OK && names.keep && i < names.n; i++) {
        if (ax_str_eq(names.v[i], ax_str(AX_METRIC_NAME)))
            node->keeps_name = node->left->keeps_name;
    }
    return err;
}

enum ax_err ax_parse_call(struct ax_parser *p, const struct ax_token *name, struct ax_node **out)
{
    enum ax_aggregation agg;
    if (ax_aggregation_of(name->text, &agg))
        return parse_aggregation(p, name, agg, out);
    return parse_function(p, name, out);
}
