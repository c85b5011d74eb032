/* parse.c: bounded, whole-text readers; strtod runs in the C locale, which this program never leaves. */
#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NUMBER_MAX 128

#define FIRST_TIME_S (-62135596800) /* of the year 1 */
#define LAST_TIME_S 253402300799

enum ax_err ax_parse_double(struct ax_str s, double *out)
{
    char text[NUMBER_MAX], *end;
    if (s.n == 0 || s.n >= sizeof text || isspace((unsigned char)s.p[0]))
        return AX_INVALID;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (strpbrk(text, "(pP"))
        return AX_INVALID;
    double v = strtod(text, &end);
    if (end != text + s.n)
        return AX_INVALID;
    *out = v;
    return AX_OK;
}

enum ax_err ax_parse_i64(struct ax_str s, int64_t *out)
{
    char text[24], *end;
    if (s.n == 0 || s.n >= sizeof text || isspace((unsigned char)s.p[0]))
        return AX_INVALID;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end != text + s.n || errno)
        return AX_INVALID;
    *out = v;
    return AX_OK;
}

enum ax_err ax_parse_u64(struct ax_str s, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        const unsigned digit = (unsigned)(s.p[i] - '0');
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return AX_INVALID;
        v = v * 10 + digit;
    }
    if (s.n == 0)
        return AX_INVALID;
    *out = v;
    return AX_OK;
}

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"y", 31536000000}, {"w", 604800000}, {"d", 86400000}, {"h", 3600000},
             {"m", 60000},       {"s", 1000},      {"ms", 1}};
#define UNITS_N (sizeof units / sizeof units[0])

/* Index of the unit written at p (n bytes long), or UNITS_N. */
static size_t unit_of(const char *p, size_t n)
{
    for (size_t i = 0; i < UNITS_N; i++)
        if (strlen(units[i].name) == n && memcmp(units[i].name, p, n) == 0)
            return i;
    return UNITS_N;
}

enum ax_err ax_parse_duration(struct ax_str s, int64_t *out_ms)
{
    int64_t total = 0;
    size_t i = 0, least_unit = 0;
    if (s.n == 1 && s.p[0] == '0') {
        *out_ms = 0;
        return AX_OK;
    }
    if (s.n == 0)
        return AX_INVALID;
    while (i < s.n) {
        size_t digits = i, word;
        int64_t value, part;
        while (i < s.n && isdigit((unsigned char)s.p[i]))
            i++;
        if (ax_parse_i64((struct ax_str){s.p + digits, i - digits}, &value) != AX_OK)
            return AX_INVALID;
        word = i;
        while (i < s.n && isalpha((unsigned char)s.p[i]))
            i++;
        size_t unit = unit_of(s.p + word, i - word);
        if (unit == UNITS_N || unit < least_unit || __builtin_mul_overflow(value, units[unit].ms, &part) ||
            __builtin_add_overflow(total, part, &total))
            return AX_INVALID;
        least_unit = unit + 1;
    }
    *out_ms = total;
    return AX_OK;
}

/* "Z" or "+hh:mm", in minutes. */
static bool parse_zone(const char *z, int *minutes)
{
    int64_t hours, rest;
    *minutes = 0;
    if (strcmp(z, "Z") == 0 || strcmp(z, "z") == 0)
        return true;
    if (strlen(z) != 6 || (z[0] != '+' && z[0] != '-') || z[3] != ':' || !isdigit((unsigned char)z[1]) ||
        !isdigit((unsigned char)z[4]) || ax_parse_i64((struct ax_str){z + 1, 2}, &hours) != AX_OK ||
        ax_parse_i64((struct ax_str){z + 4, 2}, &rest) != AX_OK || hours > 23 || rest > 59)
        return false;
    *minutes = (z[0] == '-' ? -1 : 1) * (int)(hours * 60 + rest);
    return true;
}

enum ax_err ax_parse_time(struct ax_str s, int64_t *out_ms)
{
    double seconds, fraction = 0;
    char text[64];
    struct tm tm = {0};
    int minutes;
    if (ax_parse_double(s, &seconds) == AX_OK) {
        if (!(seconds >= FIRST_TIME_S && seconds <= LAST_TIME_S))
            return AX_INVALID;
        *out_ms = (int64_t)floor(seconds * 1000 + 0.5);
        return AX_OK;
    }
    if (s.n >= sizeof text || memchr(s.p, 0, s.n) != NULL)
        return AX_INVALID;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest && *rest == '.' && isdigit((unsigned char)rest[1])) {
        size_t digits = strspn(rest + 1, "0123456789");
        if (ax_parse_double((struct ax_str){rest, digits + 1}, &fraction) != AX_OK)
            return AX_INVALID;
        rest += digits + 1;
    }
    if (!rest || !parse_zone(rest, &minutes))
        return AX_INVALID;
    int64_t t_s = (int64_t)timegm(&tm) - (int64_t)minutes * 60;
    if (t_s < FIRST_TIME_S || t_s > LAST_TIME_S)
        return AX_INVALID;
    *out_ms = t_s * 1000 + (int64_t)floor(fraction * 1000);
    return AX_OK;
}

enum ax_err ax_parse_bytes(struct ax_str s, uint64_t *out_bytes)
{
    static const char prefixes[] = "KMGTPE";
    size_t digits = 0;
    while (digits < s.n && isdigit((unsigned char)s.p[digits]))
        digits++;
    int64_t value;
    if (ax_parse_i64((struct ax_str){s.p, digits}, &value) != AX_OK)
        return AX_INVALID;
    uint64_t bytes = (uint64_t)value;
    struct ax_str unit = {s.p + digits, s.n - digits};
    if (unit.n && unit.p[unit.n - 1] == 'B') {
        unit.n--;
        if (unit.n == 2 && unit.p[1] == 'i')
            unit.n--;
    }
    if (unit.n > 1)
        return AX_INVALID;
    if (unit.n == 1) {
        const char *prefix = unit.p[0] ? strchr(prefixes, unit.p[0]) : NULL;
        if (!prefix)
            return AX_INVALID;
        for (const char *p = prefixes; p <= prefix; p++)
            if (__builtin_mul_overflow(bytes, 1024, &bytes))
                return AX_INVALID;
    }
    *out_bytes = bytes;
    return AX_OK;
}

void ax_format_duration(int64_t ms, char *out, size_t cap)
{
    size_t n = 0;
    if (ms <= 0) {
        (void)snprintf(out, cap, "0s");
        return;
    }
    /* Weeks and years only where they say it all, as Prometheus does. */
    for (size_t i = 0; i < UNITS_N && ms > 0 && n < cap; i++) {
        int64_t count = ms / units[i].ms;
        if (count == 0 || (i < 2 && ms % units[i].ms != 0))
            continue;
        n += (size_t)snprintf(out + n, cap - n, "%" PRId64 "%s", count, units[i].name);
        ms %= units[i].ms;
    }
}

void ax_format_time(int64_t ms, char *out, size_t cap)
{
    const int64_t rest = ((ms % 1000) + 1000) % 1000;
    const time_t seconds = (time_t)((ms - rest) / 1000);
    struct tm tm;
    out[0] = '\0';
    if (!gmtime_r(&seconds, &tm) || tm.tm_year < -900 || tm.tm_year > 8099)
        return;
    size_t n = strftime(out, cap, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest)
        n += (size_t)snprintf(out + n, cap - n, ".%03d", (int)rest);
    (void)snprintf(out + n, cap - n, "Z");
}

void ax_format_double(double v, char *out, size_t cap)
{
    if (isnan(v)) {
        (void)snprintf(out, cap, "NaN");
        return;
    }
    if (isinf(v)) {
        (void)snprintf(out, cap, v > 0 ? "+Inf" : "-Inf");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(out, cap, "%.*g", digits, v);
        if (strtod(out, NULL) == v)
            return;
    }
}
