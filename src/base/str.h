/* str.h: a view of bytes that somebody else owns; not terminated. */
#ifndef AX_BASE_STR_H
#define AX_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A view: p may be NULL when n is 0. Valid as long as its owner says. */
struct ax_str {
    const char *p;
    size_t n;
};

#define AX_STR_FMT "%.*s"
#define AX_STR_ARG(s) (int)(s).n, (s).p

/* View of a terminated string; the string must outlive it. */
static inline struct ax_str ax_str(const char *z)
{
    return (struct ax_str){z, strlen(z)};
}

/* Same bytes? */
static inline bool ax_str_eq(struct ax_str a, struct ax_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Byte-wise order (that of Prometheus's labels): <0, 0, >0. */
static inline int ax_str_cmp(struct ax_str a, struct ax_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* Is it a well-formed UTF-8 sequence (no surrogates, no overlong forms, at most U+10FFFF)? O(n). */
bool ax_str_utf8(struct ax_str s);

/* Bytes of the well-formed sequence with which s begins, 1 to 4; 0 when it begins with none, or is empty. */
size_t ax_str_utf8_first(struct ax_str s);

/* The nearest of n candidates by edit distance, or NULL when none is near enough to be meant
 * (distance at most a third of the word, at least 1). For "did you mean". */
const char *ax_str_nearest(struct ax_str word, const char *const *candidates, size_t n);

#endif
