/* zone_rule.h: dates as numbers, and the rule of a POSIX TZ string, by which a zone goes on for ever. Pure.
 */
#ifndef AX_BASE_ZONE_RULE_H
#define AX_BASE_ZONE_RULE_H

#include "base/str.h"

#include <stdint.h>

#define AX_ZONE_OFFSET_MAX 93599 /* seconds: RFC 9636 has at most 25:59:59 east of UTC */
#define AX_DAY_S 86400

/* Days from 1970-01-01 to the first of a month (1 to 12) of the Gregorian calendar. */
int64_t ax_days_from_civil(int64_t year, int month, int day);

/* And back. */
void ax_civil_from_days(int64_t days, int64_t *year, int *month, int *day);

/* When in a year clocks are changed. */
struct ax_zone_date {
    enum { AX_DATE_JULIAN, AX_DATE_DAY, AX_DATE_WEEKDAY } kind; /* Jn, n, Mm.w.d */
    int month, week, day;
    int32_t time_s; /* since that day's midnight; may be negative, or above a day */
};

/* What a POSIX TZ string says. */
struct ax_zone_rule {
    int32_t standard_s, summer_s; /* east of UTC */
    bool has_summer;
    struct ax_zone_date begin, end; /* of summer time, by the clocks that count then */
};

/* Read "CET-1CEST,M3.5.0,M10.5.0/3" whole; false when it is not one. Summer time without dates is refused:
 * POSIX leaves open what they are. */
bool ax_zone_rule_read(struct ax_str text, struct ax_zone_rule *out);

/* Offset at t_s by the rule, in seconds east of UTC. */
int32_t ax_zone_rule_offset(const struct ax_zone_rule *rule, int64_t t_s);

#endif
