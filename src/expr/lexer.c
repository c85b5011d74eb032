/* lexer.c: tokens of PromQL; the escapes of strings are in expr/unquote.c. */
#include "expr/lexer.h"

#include "base/parse.h"
#include "expr/unquote.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum ax_err ax_lexer_fail(const struct ax_lexer *lx, size_t at, struct ax_diag *diag, const char *fmt, ...)
{
    size_t column = 1;
    for (size_t i = 0; i < at && i < lx->text.n; i++)
        column += ((unsigned char)lx->text.p[i] & 0xc0) != 0x80;
    char detail[sizeof diag->text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    return ax_fail(diag, AX_INVALID, "column %zu: %s", column, detail);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The character at i, 0 at the end. */
static char peek(const struct ax_lexer *lx, size_t i)
{
    return i < lx->text.n ? lx->text.p[i] : '\0';
}

static void skip_blank(struct ax_lexer *lx)
{
    for (;;) {
        char c = peek(lx, lx->at);
        if (c == '#') {
            while (lx->at < lx->text.n && peek(lx, lx->at) != '\n')
                lx->at++;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            lx->at++;
        } else {
            return;
        }
    }
}

/* Where the number that begins at i ends: decimal with fraction and exponent, or hexadecimal. */
static size_t number_end(const struct ax_lexer *lx, size_t i)
{
    if (peek(lx, i) == '0' && (peek(lx, i + 1) == 'x' || peek(lx, i + 1) == 'X') && is_hex(peek(lx, i + 2))) {
        i += 2;
        while (is_hex(peek(lx, i)))
            i++;
        return i;
    }
    while (is_digit(peek(lx, i)))
        i++;
    if (peek(lx, i) == '.') {
        i++;
        while (is_digit(peek(lx, i)))
            i++;
    }
    if (peek(lx, i) == 'e' || peek(lx, i) == 'E') {
        size_t k = i + 1;
        k += peek(lx, k) == '+' || peek(lx, k) == '-';
        if (is_digit(peek(lx, k))) {
            while (is_digit(peek(lx, k)))
                k++;
            i = k;
        }
    }
    return i;
}

/* Go's rule for integers, which PromQL keeps: a leading zero makes them octal where that is possible. */
static bool octal(struct ax_str s, double *out)
{
    if (s.n < 2 || s.p[0] != '0')
        return false;
    double v = 0;
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '7')
            return false;
        v = v * 8 + (s.p[i] - '0');
    }
    *out = v;
    return true;
}

/* A number or a duration, which in Prometheus 3 are spellings of one thing. */
static enum ax_err number(struct ax_lexer *lx, struct ax_token *t, struct ax_diag *diag)
{
    size_t end = number_end(lx, lx->at), word = end;
    while (is_alpha(peek(lx, word)) || is_digit(peek(lx, word)) || peek(lx, word) == '.')
        word++;
    t->kind = AX_TOKEN_NUMBER;
    t->text = (struct ax_str){lx->text.p + lx->at, word - lx->at};
    lx->at = word;
    int64_t ms;
    if (word == end) {
        if (octal(t->text, &t->value) || ax_parse_double(t->text, &t->value) == AX_OK)
            return AX_OK;
    } else if (ax_parse_duration(t->text, &ms) == AX_OK) {
        t->value = (double)ms / 1000;
        return AX_OK;
    }
    return ax_lexer_fail(lx, t->at, diag,
                         "'" AX_STR_FMT "' is neither a number nor a duration such as 5m or 1h30m",
                         AX_STR_ARG(t->text));
}

static enum ax_err string(struct ax_lexer *lx, struct ax_token *t, struct ax_diag *diag)
{
    char quote = peek(lx, lx->at++);
    size_t begin = lx->at;
    while (lx->at < lx->text.n && peek(lx, lx->at) != quote) {
        if (quote != '`' && peek(lx, lx->at) == '\n')
            break;
        lx->at += quote != '`' && peek(lx, lx->at) == '\\' && lx->at + 1 < lx->text.n ? 2 : 1;
    }
    if (peek(lx, lx->at) != quote || lx->at >= lx->text.n)
        return ax_lexer_fail(lx, t->at, diag, "this string has no closing %c", quote);
    struct ax_str raw = {lx->text.p + begin, lx->at - begin};
    lx->at++;
    t->kind = AX_TOKEN_STRING;
    if (quote == '`') {
        t->text = raw;
        return AX_OK;
    }
    size_t bad = 0;
    enum ax_err err = ax_unquote(raw, quote, lx->arena, &t->text, &bad);
    if (err == AX_INVALID)
        return ax_lexer_fail(lx, begin + bad, diag,
                             "unknown escape in a string (write \\\\ for a backslash)");
    return err == AX_OK ? AX_OK : ax_fail(diag, err, "out of memory");
}

/* Identifiers; Inf and NaN are numbers. */
static void word(struct ax_lexer *lx, struct ax_token *t)
{
    size_t end = lx->at;
    while (is_alpha(peek(lx, end)) || is_digit(peek(lx, end)) || peek(lx, end) == ':')
        end++;
    t->kind = AX_TOKEN_IDENT;
    t->text = (struct ax_str){lx->text.p + lx->at, end - lx->at};
    lx->at = end;
    char low[4] = {0};
    for (size_t i = 0; t->text.n == 3 && i < 3; i++)
        low[i] = (char)(t->text.p[i] | 0x20);
    if ((strcmp(low, "inf") == 0 || strcmp(low, "nan") == 0) && ax_parse_double(t->text, &t->value) == AX_OK)
        t->kind = AX_TOKEN_NUMBER;
}

/* Operators and punctuation of one or two characters. */
static bool symbol(struct ax_lexer *lx, struct ax_token *t)
{
    static const struct {
        char text[3];
        enum ax_token_kind kind;
    } table[] = {
        {"==", AX_TOKEN_COMPARE},    {"=~", AX_TOKEN_MATCH},       {"!=", AX_TOKEN_NOT_EQUAL},
        {"!~", AX_TOKEN_NOT_MATCH},  {">=", AX_TOKEN_COMPARE},     {"<=", AX_TOKEN_COMPARE},
        {">", AX_TOKEN_COMPARE},     {"<", AX_TOKEN_COMPARE},      {"=", AX_TOKEN_ASSIGN},
        {"(", AX_TOKEN_LEFT_PAREN},  {")", AX_TOKEN_RIGHT_PAREN},  {"{", AX_TOKEN_LEFT_BRACE},
        {"}", AX_TOKEN_RIGHT_BRACE}, {"[", AX_TOKEN_LEFT_BRACKET}, {"]", AX_TOKEN_RIGHT_BRACKET},
        {",", AX_TOKEN_COMMA},       {":", AX_TOKEN_COLON},        {"@", AX_TOKEN_AT},
        {"+", AX_TOKEN_ADD},         {"-", AX_TOKEN_SUB},          {"*", AX_TOKEN_MUL},
        {"/", AX_TOKEN_DIV},         {"%", AX_TOKEN_MOD},          {"^", AX_TOKEN_POW},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        size_t n = table[i].text[1] ? 2 : 1;
        if (lx->text.n - lx->at >= n && memcmp(lx->text.p + lx->at, table[i].text, n) == 0) {
            t->kind = table[i].kind;
            t->text = (struct ax_str){lx->text.p + lx->at, n};
            lx->at += n;
            return true;
        }
    }
    return false;
}

enum ax_err ax_lexer_next(struct ax_lexer *lx, struct ax_token *out, struct ax_diag *diag)
{
    skip_blank(lx);
    *out = (struct ax_token){.kind = AX_TOKEN_END, .at = lx->at};
    if (lx->at >= lx->text.n)
        return AX_OK;
    char c = peek(lx, lx->at);
    if (is_digit(c) || (c == '.' && is_digit(peek(lx, lx->at + 1))))
        return number(lx, out, diag);
    if (c == '"' || c == '\'' || c == '`')
        return string(lx, out, diag);
    if (is_alpha(c) || (c == ':' && is_alpha(peek(lx, lx->at + 1)))) {
        word(lx, out);
        return AX_OK;
    }
    if (symbol(lx, out))
        return AX_OK;
    if (c >= 0x20 && c < 0x7f)
        return ax_lexer_fail(lx, lx->at, diag, "unexpected character '%c'", c);
    return ax_lexer_fail(lx, lx->at, diag,
                         "unexpected character; names outside [a-zA-Z_:] are written {\"in quotes\"}");
}
