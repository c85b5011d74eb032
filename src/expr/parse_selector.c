/* parse_selector.c: name{label op "value", ...}, {"quoted name", ...}, and lists of label names. */
#include "expr/parser.h"

/* More matchers than anybody writes. */
#define MATCHERS_MAX 64u
#define NAMES_MAX 64u

/* The matchers of one selector while they are read. */
struct selector {
    struct ax_matcher *v[MATCHERS_MAX];
    uint32_t n;
    bool named; /* by a word or a quoted name */
};

static enum ax_err add_matcher(struct ax_parser *p, struct selector *s, enum ax_match_op op,
                               struct ax_str name, struct ax_str value, size_t at)
{
    if (s->n == MATCHERS_MAX)
        return ax_lexer_fail(&p->lx, at, p->diag, "more than %u matchers in one selector", MATCHERS_MAX);
    struct ax_selector_list *item = ax_arena_alloc(&p->expr->arena, sizeof *item);
    if (!item)
        return ax_fail(p->diag, AX_NOMEM, "out of memory, or the expression is too long");
    struct ax_diag why = {{0}};
    struct ax_matcher *m = NULL;
    enum ax_err err = ax_matcher_new_within(op, name, value, p->memory, &m, &why);
    if (err == AX_NOMEM)
        return ax_fail(p->diag, AX_NOMEM, "out of memory");
    if (err != AX_OK)
        return ax_lexer_fail(&p->lx, at, p->diag, "%s", why.text);
    *item = (struct ax_selector_list){p->expr->matchers, m};
    p->expr->matchers = item;
    s->v[s->n++] = m;
    return AX_OK;
}

static enum ax_err add_name(struct ax_parser *p, struct selector *s, const struct ax_token *name)
{
    if (s->named)
        return ax_lexer_fail(&p->lx, name->at, p->diag, "the metric name is set twice");
    if (name->text.n == 0)
        return ax_lexer_fail(&p->lx, name->at, p->diag, "the metric name is empty");
    s->named = true;
    return add_matcher(p, s, AX_MATCH_EQ, ax_str(AX_METRIC_NAME), name->text, name->at);
}

static bool match_op(enum ax_token_kind kind, enum ax_match_op *op)
{
    switch (kind) {
    case AX_TOKEN_ASSIGN:
        *op = AX_MATCH_EQ;
        return true;
    case AX_TOKEN_NOT_EQUAL:
        *op = AX_MATCH_NE;
        return true;
    case AX_TOKEN_MATCH:
        *op = AX_MATCH_RE;
        return true;
    case AX_TOKEN_NOT_MATCH:
        *op = AX_MATCH_NRE;
        return true;
    default:
        return false;
    }
}

/* One item of the braces: label op "value", "label" op "value", or "metric name". */
static enum ax_err parse_item(struct ax_parser *p, struct selector *s)
{
    struct ax_token name = p->next;
    bool quoted = name.kind == AX_TOKEN_STRING;
    /* Inf and NaN are words here. */
    bool is_word =
        name.kind == AX_TOKEN_IDENT || (name.kind == AX_TOKEN_NUMBER && ax_name_is_label(name.text));
    if (!quoted && !is_word)
        return ax_parser_unexpected(p, "a label name or }");
    if (is_word && !ax_name_is_label(name.text))
        return ax_lexer_fail(&p->lx, name.at, p->diag, "'" AX_STR_FMT "' is no label name; quote it: \"...\"",
                             AX_STR_ARG(name.text));
    enum ax_err err = ax_parser_advance(p);
    if (err != AX_OK)
        return err;
    enum ax_match_op op = AX_MATCH_EQ;
    if (!match_op(p->next.kind, &op)) {
        if (quoted)
            return add_name(p, s, &name);
        return ax_parser_unexpected(p, "one of = != =~ !~");
    }
    if (name.text.n == 0)
        return ax_lexer_fail(&p->lx, name.at, p->diag, "the label name is empty");
    err = ax_parser_advance(p);
    struct ax_token value = p->next;
    if (err == AX_OK)
        err = ax_parser_expect(p, AX_TOKEN_STRING, "a value in quotes");
    if (err != AX_OK)
        return err;
    if (s->named && ax_str_eq(name.text, ax_str(AX_METRIC_NAME)))
        return ax_lexer_fail(&p->lx, name.at, p->diag, "the metric name is set twice");
    return add_matcher(p, s, op, name.text, value.text, value.at);
}

static enum ax_err parse_braces(struct ax_parser *p, struct selector *s)
{
    enum ax_err err = ax_parser_advance(p);
    while (err == AX_OK && p->next.kind != AX_TOKEN_RIGHT_BRACE) {
        err = parse_item(p, s);
        if (err == AX_OK && p->next.kind == AX_TOKEN_COMMA)
            err = ax_parser_advance(p);
        else if (err == AX_OK && p->next.kind != AX_TOKEN_RIGHT_BRACE)
            err = ax_parser_unexpected(p, ", or }");
    }
    return err == AX_OK ? ax_parser_advance(p) : err;
}

/* Would the selector take every series there is? */
static bool takes_all(const struct selector *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (!ax_matcher_matches_empty(s->v[i]))
            return false;
    }
    return true;
}

enum ax_err ax_parse_selector(struct ax_parser *p, struct ax_node **out)
{
    struct selector s = {.n = 0};
    size_t at = p->next.at;
    enum ax_err err = AX_OK;
    if (p->next.kind == AX_TOKEN_IDENT) {
        err = add_name(p, &s, &p->next);
        if (err == AX_OK)
            err = ax_parser_advance(p);
    }
    if (err == AX_OK && p->next.kind == AX_TOKEN_LEFT_BRACE)
        err = parse_braces(p, &s);
    if (err != AX_OK)
        return err;
    if (takes_all(&s))
        return ax_lexer_fail(
            &p->lx, at, p->diag,
            "a selector needs a metric name or a matcher that does not match the empty value");
    struct ax_node *node = ax_parser_node(p, AX_NODE_SELECTOR, AX_TYPE_VECTOR);
    struct ax_matcher **v = ax_arena_array(&p->expr->arena, s.n, sizeof(struct ax_matcher *));
    if (!node || !v)
        return ax_fail(p->diag, AX_NOMEM, "out of memory, or the expression is too long");
    memcpy(v, s.v, s.n * sizeof(struct ax_matcher *));
    node->matchers = v;
    node->matchers_n = s.n;
    node->keeps_name = true;
    *out = node;
    return AX_OK;
}

/* One label name of a list, quoted or not. */
static enum ax_err parse_name(struct ax_parser *p, struct ax_str *out)
{
    bool word = p->next.kind == AX_TOKEN_IDENT || p->next.kind == AX_TOKEN_NUMBER;
    if (!(word && ax_name_is_label(p->next.text)) && !(p->next.kind == AX_TOKEN_STRING && p->next.text.n))
        return ax_parser_unexpected(p, "a label name or )");
    *out = ax_arena_str(&p->expr->arena, p->next.text);
    return out->p ? ax_parser_advance(p)
                  : ax_fail(p->diag, AX_NOMEM, "out of memory, or the expression is too long");
}

enum ax_err ax_parse_names(struct ax_parser *p, bool keep, struct ax_names *out)
{
    struct ax_str v[NAMES_MAX];
    uint32_t n = 0;
    enum ax_err err = ax_parser_expect(p, AX_TOKEN_LEFT_PAREN, "( and a list of label names");
    while (err == AX_OK && p->next.kind != AX_TOKEN_RIGHT_PAREN) {
        if (n == NAMES_MAX)
            return ax_lexer_fail(&p->lx, p->next.at, p->diag, "more than %u label names in one list",
                                 NAMES_MAX);
        err = parse_name(p, &v[n++]);
        if (err == AX_OK && p->next.kind == AX_TOKEN_COMMA)
            err = ax_parser_advance(p);
        else if (err == AX_OK && p->next.kind != AX_TOKEN_RIGHT_PAREN)
            err = ax_parser_unexpected(p, ", or )");
    }
    if (err == AX_OK)
        err = ax_parser_advance(p);
    if (err != AX_OK)
        return err;
    struct ax_str *copy = ax_arena_array(&p->expr->arena, n, sizeof *copy);
    if (!copy)
        return ax_fail(p->diag, AX_NOMEM, "out of memory, or the expression is too long");
    memcpy(copy, v, n * sizeof *copy);
    *out = (struct ax_names){copy, n, keep};
    return AX_OK;
}
