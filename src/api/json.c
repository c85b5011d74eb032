/* json.c: strings by runs that need no escape, numbers by whole ones of nine digits. */
#include "api/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define DIGITS 9

static void escaped(struct ax_buf *out, unsigned char c)
{
    switch (c) {
    case '"':
        ax_buf_str(out, ax_str("\\\""));
        break;
    case '\\':
        ax_buf_str(out, ax_str("\\\\"));
        break;
    case '\n':
        ax_buf_str(out, ax_str("\\n"));
        break;
    default:
        ax_buf_printf(out, "\\u%04x", c);
        break;
    }
}

void ax_json_str(struct ax_buf *out, struct ax_str s)
{
    size_t from = 0;
    ax_buf_byte(out, '"');
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        size_t n = c < 0x80 ? 1 : ax_str_utf8_first((struct ax_str){s.p + i, s.n - i});
        if (n > 1 || (n == 1 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)) {
            i += n;
            continue;
        }
        ax_buf_put(out, s.p + from, i - from);
        if (n)
            escaped(out, c);
        else
            ax_buf_str(out, ax_str("\\ufffd"));
        from = ++i;
    }
    ax_buf_put(out, s.p + from, s.n - from);
    ax_buf_byte(out, '"');
}

/* Append a whole number of at most DIGITS digits with a point `whole` digits from the left, without the zeros
 * at its end. */
static void put_digits(struct ax_buf *out, uint32_t v, int whole)
{
    char text[2 * DIGITS + 4];
    int n = DIGITS, at = 0;
    char digits[DIGITS];
    for (int i = DIGITS - 1; i >= 0; i--, v /= 10)
        digits[i] = (char)('0' + v % 10);
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (whole <= 0) {
        text[at++] = '0';
        text[at++] = '.';
        for (int i = whole; i < 0; i++)
            text[at++] = '0';
    }
    for (int i = 0; i < n || i < whole; i++) {
        if (i == whole && whole > 0)
            text[at++] = '.';
        text[at++] = i < n ? digits[i] : '0';
    }
    ax_buf_put(out, text, (size_t)at);
}

void ax_json_number(struct ax_buf *out, double v)
{
    static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13};
    double size = fabs(v);
    if (!isfinite(v)) {
        ax_buf_str(out, ax_str("null"));
        return;
    }
    if (v == 0) {
        ax_buf_byte(out, '0');
        return;
    }
    if (!(size >= 1e-4 && size < 1e9)) {
        ax_buf_printf(out, "%.9g", v);
        return;
    }
    int whole = size < 1 ? (size < 1e-3 ? -3 : size < 1e-2 ? -2 : size < 1e-1 ? -1 : 0) : 1;
    while (whole > 0 && size >= tens[whole])
        whole++;
    double scaled = nearbyint(size * tens[DIGITS - whole]);
    if (scaled >= 1e9) { /* it was rounded up to the next power of ten */
        scaled /= 10;
        whole++;
    }
    if (v < 0)
        ax_buf_byte(out, '-');
    put_digits(out, (uint32_t)scaled, whole);
}

void ax_json_time(struct ax_buf *out, int64_t t_ms)
{
    int64_t s = t_ms / 1000, ms = t_ms % 1000;
    if (ms < 0) {
        s--;
        ms += 1000;
    }
    ax_buf_printf(out, "%" PRId64, s);
    if (ms)
        ax_buf_printf(out, ".%03d", (int)ms);
}

void ax_json_labels(struct ax_buf *out, const struct ax_labels *ls, struct ax_str name)
{
    bool first = true;
    ax_buf_byte(out, '{');
    for (uint32_t i = 0; i < ls->n; i++) {
        bool is_name = ax_str_eq(ls->v[i].name, ax_str(AX_METRIC_NAME));
        if (is_name && !name.n)
            continue;
        if (!first)
            ax_buf_byte(out, ',');
        first = false;
        ax_json_str(out, ls->v[i].name);
        ax_buf_byte(out, ':');
        ax_json_str(out, is_name ? name : ls->v[i].value);
    }
    ax_buf_byte(out, '}');
}
