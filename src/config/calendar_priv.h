/* calendar_priv.h: cron lines become rules of RFC 5545. */
#ifndef AX_CONFIG_CALENDAR_PRIV_H
#define AX_CONFIG_CALENDAR_PRIV_H

#include "base/buf.h"
#include "base/err.h"

/* Append an iCalendar file with the events of a cron line that last duration_ms each. AX_INVALID with a text.
 */
AX_MUST_USE enum ax_err ax_cron_write(struct ax_str line, int64_t duration_ms, struct ax_buf *out,
                                      struct ax_diag *diag);

#endif
