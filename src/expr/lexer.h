/* lexer.h: PromQL's words. One token at a time, on demand; the text stays the caller's. */
#ifndef AX_EXPR_LEXER_H
#define AX_EXPR_LEXER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

/* Kinds of token. Blanks and comments make none. */
enum ax_token_kind {
    AX_TOKEN_END,
    AX_TOKEN_IDENT,  /* metric, label, function or keyword: the parser decides by where it stands */
    AX_TOKEN_NUMBER, /* a number or a duration: value is in seconds */
    AX_TOKEN_STRING, /* text is unescaped, in the lexer's arena */
    AX_TOKEN_LEFT_PAREN,
    AX_TOKEN_RIGHT_PAREN,
    AX_TOKEN_LEFT_BRACE,
    AX_TOKEN_RIGHT_BRACE,
    AX_TOKEN_LEFT_BRACKET,
    AX_TOKEN_RIGHT_BRACKET,
    AX_TOKEN_COMMA,
    AX_TOKEN_COLON,
    AX_TOKEN_AT,
    AX_TOKEN_ADD,
    AX_TOKEN_SUB,
    AX_TOKEN_MUL,
    AX_TOKEN_DIV,
    AX_TOKEN_MOD,
    AX_TOKEN_POW,
    AX_TOKEN_ASSIGN,    /* = */
    AX_TOKEN_NOT_EQUAL, /* != */
    AX_TOKEN_MATCH,     /* =~ */
    AX_TOKEN_NOT_MATCH, /* !~ */
    AX_TOKEN_COMPARE,   /* == > >= < <=: PromQL has them, this subset has not */
};

/* One token. at is the byte where it begins. */
struct ax_token {
    enum ax_token_kind kind;
    size_t at;
    struct ax_str text; /* as written; a string's content */
    double value;       /* of a number */
};

/* Where the reading stands. */
struct ax_lexer {
    struct ax_str text;
    size_t at;
    struct ax_arena *arena; /* for the content of strings */
};

/* Read the next token. AX_INVALID with "column N: ...", AX_NOMEM. */
AX_MUST_USE enum ax_err ax_lexer_next(struct ax_lexer *lx, struct ax_token *out, struct ax_diag *diag);

/* Fail at a byte of the text: AX_INVALID with "column N: " (in characters, from 1) before the detail. */
enum ax_err ax_lexer_fail(const struct ax_lexer *lx, size_t at, struct ax_diag *diag, const char *fmt, ...)
    AX_PRINTF(4, 5);

#endif
