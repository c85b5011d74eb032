/* holidays.h: days that are unlike others and known in advance: the events of calendars over a span of time,
 * as columns of a regression. */
#ifndef AX_FORECAST_HOLIDAYS_H
#define AX_FORECAST_HOLIDAYS_H

#include "config/calendar.h"

/* Calendars that are looked at: the first ones. */
#define AX_HOLIDAYS_MAX 4

/* Of one owner. Zero-initialise and set the calendars, which outlive it or its next ax_holidays_reset(). */
struct ax_holidays {
    uint32_t n;
    struct ax_calendar *calendars[AX_HOLIDAYS_MAX];
    int64_t from_ms, until_ms; /* what is known; from >= until: nothing yet */
    struct ax_span *spans[AX_HOLIDAYS_MAX];
    uint32_t spans_n[AX_HOLIDAYS_MAX];
};

/* Know the events of [from, until), with a wide margin, so that the next many calls are cheap. A calendar
 * that cannot say (AX_NOMEM, AX_LIMIT) has none. */
void ax_holidays_cover(struct ax_holidays *h, int64_t from_ms, int64_t until_ms);

/* Is there an event of the i-th calendar at t_ms, which is covered? false for NULL and beyond. O(log events).
 */
bool ax_holidays_at(const struct ax_holidays *h, uint32_t i, int64_t t_ms);

/* Forget all, the calendars too, and free what it holds. */
void ax_holidays_reset(struct ax_holidays *h);

#endif
