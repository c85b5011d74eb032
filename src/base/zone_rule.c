/* zone_rule.c: civil dates by the arithmetic of 400-year cycles; a rule's changes of three years, in order.
 */
#include "base/zone_rule.h"

#define CYCLE_DAYS 146097 /* days of 400 years */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days from 0000-03-01, so that the leap day is the last of a year. */
int64_t ax_days_from_civil(int64_t year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t cycle = floor_div(y, 400), of_cycle = y - cycle * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t days = of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year;
    return cycle * CYCLE_DAYS + days - 719468;
}

void ax_civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t z = days + 719468, cycle = floor_div(z, CYCLE_DAYS), d = z - cycle * CYCLE_DAYS;
    int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
    int64_t of_year = d - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = cycle * 400 + y + (*month <= 2);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* What is left of the text. */
struct reader {
    const char *p, *end;
    bool bad;
};

static bool take(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static int number(struct reader *r, int most)
{
    int v = 0;
    const char *from = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9' && v <= most)
        v = v * 10 + (*r->p++ - '0');
    r->bad |= r->p == from || v > most;
    return v;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static int32_t time_of(struct reader *r, int hours_max)
{
    int sign = take(r, '-') ? -1 : 1;
    if (sign > 0)
        (void)take(r, '+');
    int32_t s = number(r, hours_max) * 3600;
    if (take(r, ':')) {
        s += number(r, 59) * 60;
        if (take(r, ':'))
            s += number(r, 59);
    }
    return sign * s;
}

/* The name of an abbreviation, which nobody asks for here. */
static void name(struct reader *r)
{
    const char *from = r->p;
    if (take(r, '<')) {
        while (r->p < r->end && *r->p != '>')
            r->p++;
        r->bad |= !take(r, '>');
        return;
    }
    while (r->p < r->end && ((*r->p >= 'A' && *r->p <= 'Z') || (*r->p >= 'a' && *r->p <= 'z')))
        r->p++;
    r->bad |= r->p - from < 3;
}

static struct ax_zone_date date(struct reader *r)
{
    struct ax_zone_date d = {.kind = AX_DATE_DAY, .time_s = 7200};
    r->bad |= !take(r, ',');
    if (take(r, 'M')) {
        d.kind = AX_DATE_WEEKDAY;
        d.month = number(r, 12);
        r->bad |= !take(r, '.');
        d.week = number(r, 5);
        r->bad |= !take(r, '.');
        d.day = number(r, 6);
        r->bad |= d.month < 1 || d.week < 1;
    } else if (take(r, 'J')) {
        d.kind = AX_DATE_JULIAN;
        d.day = number(r, 365);
        r->bad |= d.day < 1;
    } else {
        d.day = number(r, 365);
    }
    if (take(r, '/'))
        d.time_s = time_of(r, 167);
    return d;
}

bool ax_zone_rule_read(struct ax_str text, struct ax_zone_rule *out)
{
    struct reader r = {text.p, text.p + text.n, false};
    *out = (struct ax_zone_rule){0};
    name(&r);
    out->standard_s = -time_of(&r, 24);
    if (!r.bad && r.p < r.end) {
        out->has_summer = true;
        name(&r);
        out->summer_s = r.p < r.end && *r.p != ',' ? -time_of(&r, 24) : out->standard_s + 3600;
        out->begin = date(&r);
        out->end = date(&r);
    }
    return !r.bad && r.p == r.end;
}

/* Seconds from the epoch to the date in that year, as if clocks showed UTC. */
static int64_t date_in(const struct ax_zone_date *d, int64_t year)
{
    int64_t days = ax_days_from_civil(year, 1, 1);
    if (d->kind == AX_DATE_DAY) {
        days += d->day;
    } else if (d->kind == AX_DATE_JULIAN) {
        days += d->day - 1 + (is_leap(year) && d->day > 59);
    } else {
        int64_t first = ax_days_from_civil(year, d->month, 1);
        int64_t next =
            d->month == 12 ? ax_days_from_civil(year + 1, 1, 1) : ax_days_from_civil(year, d->month + 1, 1);
        int weekday = (int)((first % 7 + 11) % 7); /* 1970-01-01 was a Thursday, 4 */
        days = first + (d->day - weekday + 7) % 7 + 7 * (int64_t)(d->week - 1);
        if (days >= next)
            days -= 7; /* the fifth is the last */
    }
    return days * AX_DAY_S + d->time_s;
}

int32_t ax_zone_rule_offset(const struct ax_zone_rule *rule, int64_t t_s)
{
    if (!rule->has_summer)
        return rule->standard_s;
    int64_t year;
    int month, day;
    ax_civil_from_days(floor_div(t_s + rule->standard_s, AX_DAY_S), &year, &month, &day);
    /* The newest change up to t_s decides. Where summer time ends at the instant at which the next one
     * begins, it goes on. */
    int64_t newest = INT64_MIN;
    int32_t offset = rule->standard_s;
    for (int64_t y = year - 1; y <= year + 1; y++) {
        int64_t end = date_in(&rule->end, y) - rule->summer_s;
        int64_t begin = date_in(&rule->begin, y) - rule->standard_s;
        if (end <= t_s && end > newest) {
            newest = end;
            offset = rule->standard_s;
        }
        if (begin <= t_s && begin >= newest) {
            newest = begin;
            offset = rule->summer_s;
        }
    }
    return offset;
}
