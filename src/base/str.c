/* str.c: UTF-8 validation (RFC 3629) and edit distance. */
#include "base/str.h"

#include <stdint.h>

/* Bytes that follow a lead byte, and the range that its first follower must be in (RFC 3629, 4). */
static size_t utf8_tail(unsigned char lead, unsigned char *lo, unsigned char *hi)
{
    *lo = 0x80;
    *hi = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 1;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (lead == 0xE0)
            *lo = 0xA0;
        if (lead == 0xED)
            *hi = 0x9F;
        return 2;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (lead == 0xF0)
            *lo = 0x90;
        if (lead == 0xF4)
            *hi = 0x8F;
        return 3;
    }
    return 0;
}

size_t ax_str_utf8_first(struct ax_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    unsigned char lo, hi;
    if (s.n == 0 || p[0] < 0x80)
        return s.n > 0;
    size_t tail = utf8_tail(p[0], &lo, &hi);
    if (tail == 0 || s.n - 1 < tail || p[1] < lo || p[1] > hi)
        return 0;
    for (size_t k = 2; k <= tail; k++)
        if ((p[k] & 0xC0) != 0x80)
            return 0;
    return tail + 1;
}

bool ax_str_utf8(struct ax_str s)
{
    while (s.n) {
        size_t n = ax_str_utf8_first(s);
        if (n == 0)
            return false;
        s = (struct ax_str){s.p + n, s.n - n};
    }
    return true;
}

#define WORD_MAX 64

/* Levenshtein distance of two words of at most WORD_MAX bytes. */
static size_t distance(struct ax_str a, struct ax_str b)
{
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t up = row[j];
            size_t best = diagonal + (a.p[i - 1] != b.p[j - 1]);
            if (up + 1 < best)
                best = up + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = up;
        }
    }
    return row[b.n];
}

const char *ax_str_nearest(struct ax_str word, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    size_t best_distance = word.n / 3 < 1 ? 2 : word.n / 3 + 1;
    for (size_t i = 0; i < n; i++) {
        struct ax_str c = ax_str(candidates[i]);
        if (c.n > WORD_MAX || word.n > WORD_MAX)
            continue;
        size_t d = distance(word, c);
        if (d < best_distance) {
            best_distance = d;
            best = candidates[i];
        }
    }
    return best;
}
