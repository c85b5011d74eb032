/* calendar.h: when a calendar of the config is "on": events that recur, from a cron line or an iCalendar
 * file.
 *
 * A cron line (minute hour day-of-month month day-of-week, as in crontab(5)) begins an event of `duration` at
 * every time that it names. Of an iCalendar file (RFC 5545) every VEVENT counts that is not cancelled:
 * DTSTART with DTEND or DURATION, RRULE, RDATE, EXDATE, and RECURRENCE-ID that moves one occurrence; all of
 * it is expanded. Times are those of `time_zone` (base/zone.h) when the event names none: daylight saving
 * time is kept. A TZID is looked up in the time zone database, and else in the file's own VTIMEZONE; one that
 * neither has counts as none. Events
 * are half open: [begin, end). Recurrences are those of libical; expansions are checked against
 * python3-dateutil (tests/golden/calendar). One owner; not thread-safe. */
#ifndef AX_CONFIG_CALENDAR_H
#define AX_CONFIG_CALENDAR_H

#include "config/config.h"

struct ax_calendar;

/* Make one from its block of the config; reads the file that it names. AX_INVALID, AX_NOTFOUND, AX_IO,
 * AX_LIMIT (a file over 4 MiB, or with over 10,000 events), AX_NOMEM; with a text. */
AX_MUST_USE enum ax_err ax_calendar_new(const struct ax_calendar_config *config, struct ax_calendar **out,
                                        struct ax_diag *diag);

/* The same from the text of an iCalendar file. */
AX_MUST_USE enum ax_err ax_calendar_parse(struct ax_str text, struct ax_str time_zone,
                                          struct ax_calendar **out, struct ax_diag *diag);

/* Free; NULL is fine. */
void ax_calendar_free(struct ax_calendar *c);

/* Is an event on at t_ms? Expands two days around a time that it was not asked of; else a search in what was
 * expanded. AX_NOMEM when there is none to expand with, AX_LIMIT when an event recurs too often: over 100,000
 * times in two days, or, when its rule has a COUNT, since it began; this is known then for the two days. */
AX_MUST_USE enum ax_err ax_calendar_at(struct ax_calendar *c, int64_t t_ms, bool *on);

/* Can it be told, as far as may be seen beforehand: each event in the two days after its begin, and all of
 * them in those after the last one's. AX_LIMIT when one recurs too often, AX_NOMEM. O(events). */
AX_MUST_USE enum ax_err ax_calendar_try(struct ax_calendar *c);

/* The first time zone that an event names and that nothing knows, so that its times are those of the
 * calendar; NULL: there is none. Valid as long as c. */
const char *ax_calendar_unknown_zone(const struct ax_calendar *c);

/* One event as it was expanded, [begin, end). */
struct ax_span {
    int64_t begin_ms, end_ms;
};

/* The events that overlap [from, to), by their begin, joined where they overlap or touch; valid until the
 * next call. Errors as above. */
AX_MUST_USE enum ax_err ax_calendar_expand(struct ax_calendar *c, int64_t from_ms, int64_t to_ms,
                                           const struct ax_span **out, uint32_t *n);

#endif
