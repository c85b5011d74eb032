/* zone.h: time zones: what the clocks of a place say at an instant, and the instant at which they say it.
 *
 * Reads the compiled files of the IANA time zone database (TZif, RFC 9636, versions 1 to 4) itself, because
 * the C library has one time zone for the whole process. Times after a file's last transition follow the
 * rule in its footer (POSIX TZ with the extensions of RFC 9636). Dates are Gregorian, also before there was
 * that calendar. Seconds since the epoch are POSIX's: without leap seconds. A zone is immutable: thread-safe.
 * Checked against Python's zoneinfo (tests/golden/zone). */
#ifndef AX_BASE_ZONE_H
#define AX_BASE_ZONE_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

/* Where the files of the time zone database are. */
#define AX_ZONE_FOLDER "/usr/share/zoneinfo"

struct ax_zone;

/* What clocks and calendars say. */
struct ax_civil {
    int64_t year;
    int month, day;           /* 1 to 12, 1 to 31 */
    int hour, minute, second; /* 0 to 23, 0 to 59, 0 to 59 */
    int weekday;              /* 0 Sunday to 6 Saturday */
    int yearday;              /* 0 to 365 */
};

/* The zone of that name ("Europe/Berlin") from AX_ZONE_FOLDER; "UTC" needs no file. AX_INVALID for what
 * cannot be a name, AX_NOTFOUND when there is no such file, AX_CORRUPT when it is no TZif file, AX_NOMEM;
 * with a text. Free with ax_zone_free(). */
AX_MUST_USE enum ax_err ax_zone_load(struct ax_str name, struct ax_zone **out, struct ax_diag *diag);

/* A zone from the bytes of a TZif file, which need not outlive it. AX_CORRUPT, AX_UNSUPPORTED (leap
 * seconds), AX_NOMEM; with a text. */
AX_MUST_USE enum ax_err ax_zone_read(struct ax_str bytes, struct ax_zone **out, struct ax_diag *diag);

/* Free; NULL is fine. */
void ax_zone_free(struct ax_zone *z);

/* Seconds by which clocks are ahead of UTC at t_s, seconds since the epoch: east is positive. NULL is UTC.
 * Before the first transition the file's first type counts. O(log transitions). */
int32_t ax_zone_offset(const struct ax_zone *z, int64_t t_s);

/* What the clocks say at t_s (|t_s| below 10^15). */
struct ax_civil ax_zone_civil(const struct ax_zone *z, int64_t t_s);

/* The instant at which the clocks say c. Fields may be out of their range (month 13, day 0), and are carried;
 * weekday and yearday are not looked at. Of a time that comes twice the first one; one that is left out is
 * read as if the clocks had not been put forward (as Python's fold=0), so that midnight of a day that begins
 * at 01:00 is the day's first instant. |year| below 10^7. */
int64_t ax_zone_instant(const struct ax_zone *z, const struct ax_civil *c);

#endif
