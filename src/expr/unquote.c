/* unquote.c: one pass over the text; a result is never longer than its escapes. */
#include "expr/unquote.h"

#include <stdint.h>

/* The code point as UTF-8 at p; returns its length, 0 when there is no such character. */
static size_t put_utf8(char *p, uint32_t c)
{
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    if (c < 0x80) {
        p[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--) {
        p[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    p[0] = (char)(lead[n] | c);
    return n;
}

/* n digits of a base at *at; false when they are not there. */
static bool digits(struct ax_str s, size_t *at, size_t n, uint32_t base, uint32_t *out)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++, ++*at) {
        char c = *at < s.n ? s.p[*at] : '\0';
        uint32_t d = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : 99;
        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            d = (uint32_t)((c | 0x20) - 'a' + 10);
        if (d >= base)
            return false;
        v = v * base + d;
    }
    *out = v;
    return true;
}

/* The escape whose letter is at *at; appends to p and returns how many bytes, 0 when it is none. */
static size_t escape(struct ax_str s, size_t *at, char quote, char *p)
{
    static const char letters[] = "abfnrtv\\", bytes[] = "\a\b\f\n\r\t\v\\";
    char c = s.p[*at];
    const char *letter = c ? strchr(letters, c) : NULL;
    uint32_t v = 0;
    if (letter || c == quote) {
        ++*at;
        p[0] = letter ? bytes[letter - letters] : quote;
        return 1;
    }
    if (c >= '0' && c <= '7') {
        if (!digits(s, at, 3, 8, &v) || v > 255)
            return 0;
        p[0] = (char)v;
        return 1;
    }
    ++*at;
    if (c == 'x') {
        if (!digits(s, at, 2, 16, &v))
            return 0;
        p[0] = (char)v;
        return 1;
    }
    if ((c == 'u' && digits(s, at, 4, 16, &v)) || (c == 'U' && digits(s, at, 8, 16, &v)))
        return put_utf8(p, v);
    return 0;
}

enum ax_err ax_unquote(struct ax_str raw, char quote, struct ax_arena *arena, struct ax_str *out,
                       size_t *bad_at)
{
    char *p = ax_arena_alloc(arena, raw.n + 4);
    if (!p)
        return AX_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < raw.n;) {
        if (raw.p[i] != '\\') {
            p[n++] = raw.p[i++];
            continue;
        }
        *bad_at = i++;
        size_t put = i < raw.n ? escape(raw, &i, quote, p + n) : 0;
        if (put == 0)
            return AX_INVALID;
        n += put;
    }
    *out = (struct ax_str){p, n};
    return AX_OK;
}
