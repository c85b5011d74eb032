/* cron.c: the five fields of a cron line into rules of RFC 5545.
 *
 * Days are as in crontab(5): when both day of month and day of week are restricted (do not begin with *),
 * either makes a day count: two events then, which may overlap. */
#include "base/parse.h"
#include "config/calendar_priv.h"

#include <stdio.h>
#include <strings.h>

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

static const struct field {
    const char *name;
    int64_t min, max;
    const char *const *words; /* of the values from min on; NULL for none */
} fields[FIELDS] = {
    [MINUTE] = {"minute", 0, 59, NULL},
    [HOUR] = {"hour", 0, 23, NULL},
    [DAY] = {"day of month", 1, 31, NULL},
    [MONTH] = {"month", 1, 12,
               (const char *const[]){"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct",
                                     "nov", "dec", NULL}},
    [WEEKDAY] = {"day of week", 0, 7,
                 (const char *const[]){"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL}},
};

/* What was read of a field: a bit for each value, and whether it restricts. */
struct values {
    uint64_t bits;
    bool star;
};

static enum ax_err read_number(const struct field *f, struct ax_str s, int64_t *out, struct ax_diag *diag)
{
    for (int64_t i = 0; f->words && f->words[i]; i++) {
        if (s.n == 3 && strncasecmp(s.p, f->words[i], 3) == 0) {
            *out = f->min + i;
            return AX_OK;
        }
    }
    if (ax_parse_i64(s, out) == AX_OK && *out >= f->min && *out <= f->max)
        return AX_OK;
    return ax_fail(diag, AX_INVALID, "%s: '" AX_STR_FMT "' is not from %d to %d", f->name, AX_STR_ARG(s),
                   (int)f->min, (int)f->max);
}

/* Cut s at the first c; *rest gets what follows, n 0 and p NULL without one. */
static struct ax_str cut(struct ax_str s, char c, struct ax_str *rest)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    *rest = (struct ax_str){NULL, 0};
    if (!at)
        return s;
    *rest = (struct ax_str){at + 1, s.n - (size_t)(at - s.p) - 1};
    return (struct ax_str){s.p, (size_t)(at - s.p)};
}

/* "*", "a", "a-b", each with or without "/step". */
static enum ax_err read_part(const struct field *f, struct ax_str part, struct values *out,
                             struct ax_diag *diag)
{
    struct ax_str step_text, last_text, range = cut(part, '/', &step_text),
                                        first = cut(range, '-', &last_text);
    int64_t from = f->min, to = f->max, step = 1;
    enum ax_err err = AX_OK;
    if (!ax_str_eq(range, ax_str("*"))) {
        err = read_number(f, first, &from, diag);
        to = step_text.p ? f->max : from;
        if (err == AX_OK && last_text.p)
            err = read_number(f, last_text, &to, diag);
    }
    if (err == AX_OK && step_text.p && (ax_parse_i64(step_text, &step) != AX_OK || step < 1 || step > f->max))
        err = ax_fail(diag, AX_INVALID, "%s: the step '" AX_STR_FMT "' is none", f->name,
                      AX_STR_ARG(step_text));
    if (err == AX_OK && from > to)
        err = ax_fail(diag, AX_INVALID, "%s: '" AX_STR_FMT "' ends before it begins", f->name,
                      AX_STR_ARG(range));
    for (int64_t i = from; err == AX_OK && i <= to; i += step)
        out->bits |= UINT64_C(1) << i;
    return err;
}

static enum ax_err read_field(const struct field *f, struct ax_str text, struct values *out,
                              struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    struct ax_str rest = text;
    out->star = text.n && text.p[0] == '*';
    do {
        struct ax_str part = cut(rest, ',', &rest);
        err = read_part(f, part, out, diag);
    } while (err == AX_OK && rest.p);
    return err;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static enum ax_err read_line(struct ax_str line, struct values v[FIELDS], struct ax_diag *diag)
{
    size_t at = 0;
    for (unsigned i = 0; i < FIELDS; i++) {
        while (at < line.n && is_blank(line.p[at]))
            at++;
        size_t begin = at;
        while (at < line.n && !is_blank(line.p[at]))
            at++;
        if (begin == at)
            return ax_fail(diag, AX_INVALID,
                           "a cron line has five fields: minute hour day-of-month month day-of-week");
        enum ax_err err = read_field(&fields[i], (struct ax_str){line.p + begin, at - begin}, &v[i], diag);
        if (err != AX_OK)
            return err;
    }
    while (at < line.n && is_blank(line.p[at]))
        at++;
    if (at < line.n)
        return ax_fail(diag, AX_INVALID, "a cron line has five fields, and no more");
    if (v[WEEKDAY].bits & 0x80) /* Sunday, too */
        v[WEEKDAY].bits = (v[WEEKDAY].bits | 1) & 0x7f;
    return AX_OK;
}

/* ";NAME=1,2,3". */
static void put_list(struct ax_buf *out, const char *name, uint64_t bits)
{
    static const char *const days[] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};
    char text[16];
    const char *before = "=";
    ax_buf_str(out, ax_str(";"));
    ax_buf_str(out, ax_str(name));
    for (int i = 0; i < 64; i++) {
        if (!(bits >> i & 1))
            continue;
        if (strcmp(name, "BYDAY") == 0)
            (void)snprintf(text, sizeof text, "%s%s", before, days[i]);
        else
            (void)snprintf(text, sizeof text, "%s%d", before, i);
        ax_buf_str(out, ax_str(text));
        before = ",";
    }
}

static void put_event(struct ax_buf *out, const struct values v[FIELDS], bool by_day, bool by_weekday,
                      int64_t duration_ms)
{
    char text[64];
    ax_buf_str(out, ax_str("BEGIN:VEVENT\r\nDTSTART:19700101T000000\r\nRRULE:FREQ=DAILY"));
    if (v[MONTH].bits != 0x1ffe)
        put_list(out, "BYMONTH", v[MONTH].bits);
    if (by_day)
        put_list(out, "BYMONTHDAY", v[DAY].bits);
    if (by_weekday)
        put_list(out, "BYDAY", v[WEEKDAY].bits);
    put_list(out, "BYHOUR", v[HOUR].bits);
    put_list(out, "BYMINUTE", v[MINUTE].bits);
    (void)snprintf(text, sizeof text, "\r\nDURATION:PT%lldS\r\nEND:VEVENT\r\n",
                   (long long)(duration_ms / 1000));
    ax_buf_str(out, ax_str(text));
}

enum ax_err ax_cron_write(struct ax_str line, int64_t duration_ms, struct ax_buf *out, struct ax_diag *diag)
{
    struct values v[FIELDS] = {{0}};
    enum ax_err err = read_line(line, v, diag);
    if (err != AX_OK)
        return err;
    ax_buf_str(out, ax_str("BEGIN:VCALENDAR\r\n"));
    if (v[DAY].star || v[WEEKDAY].star) { /* both must fit, as cron has it */
        put_event(out, v, v[DAY].bits != 0xfffffffe, v[WEEKDAY].bits != 0x7f, duration_ms);
    } else {
        put_event(out, v, true, false, duration_ms);
        put_event(out, v, false, true, duration_ms);
    }
    ax_buf_str(out, ax_str("END:VCALENDAR\r\n"));
    return out->err == AX_OK ? AX_OK : ax_fail(diag, out->err, "%s", ax_err_text(out->err));
}
