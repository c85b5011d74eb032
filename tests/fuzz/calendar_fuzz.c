/* Calendars from any bytes, a cron line when the first is a c, else an iCalendar file: whatever is taken
 * tells of all times, its spans do not overlap, and it says of their begins that something is on. */
#include "base/assert.h"
#include "config/calendar.h"
#include "config/calendar_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct ax_calendar *c, int64_t from_ms)
{
    const struct ax_span *spans;
    uint32_t n;
    bool on;
    if (ax_calendar_expand(c, from_ms, from_ms + 7 * 86400000, &spans, &n) != AX_OK)
        return;
    for (uint32_t i = 0; i < n; i++) {
        AX_ASSERT(spans[i].begin_ms < spans[i].end_ms);
        AX_ASSERT(i == 0 || spans[i - 1].end_ms < spans[i].begin_ms);
    }
    int64_t begin_ms = n ? spans[0].begin_ms : from_ms;
    bool any = n > 0 && begin_ms >= from_ms;
    enum ax_err err = ax_calendar_at(c, begin_ms, &on);
    AX_ASSERT(err != AX_OK || !any || on);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ax_calendar *c = NULL;
    struct ax_buf text;
    struct ax_diag diag;
    ax_buf_init(&text, 1u << 20);
    enum ax_err err = AX_OK;
    if (size && data[0] == 'c')
        err = ax_cron_write((struct ax_str){(const char *)data + 1, size - 1}, 3600000, &text, &diag);
    else
        ax_buf_put(&text, data, size);
    if (err == AX_OK)
        err = ax_calendar_parse(ax_buf_view(&text), ax_str(""), &c, &diag);
    if (err == AX_OK) {
        look(c, 0);
        look(c, INT64_C(1740700800000));
        look(c, INT64_C(-5000000000000));
    }
    ax_calendar_free(c);
    ax_buf_done(&text);
    return 0;
}
