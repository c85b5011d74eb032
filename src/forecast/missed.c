/* missed.c: the ring of spans, and what is owed by it. */
#include "forecast/missed.h"

#include <math.h>

void ax_missed_add(struct ax_missed *m, bool missed)
{
    if (m->spans == 0 || m->heard == AX_MISSED_SPAN) {
        m->newest = (uint8_t)((m->newest + 1) % AX_MISSED_SPANS);
        m->spans = (uint8_t)(m->spans + (m->spans < AX_MISSED_SPANS));
        m->by_span[m->newest] = m->heard = 0;
    }
    m->heard++;
    m->by_span[m->newest] = (uint8_t)(m->by_span[m->newest] + missed);
}

/* Spans that will still be among the newest 2,000 then; half of them at least, for leads of which no run is
 * ever known in time. */
static uint32_t within_reach(const struct ax_missed *m, uint32_t lead)
{
    uint32_t gone = lead / AX_MISSED_SPAN, most = AX_MISSED_SPANS / 2;
    uint32_t reach = AX_MISSED_SPANS - (gone < most ? gone : most);
    return m->spans < reach ? m->spans : reach;
}

double ax_missed_owed(const struct ax_missed *m, uint32_t lead, double allowed, double coming)
{
    double sum = coming, most = fmax(sum, 0), least = fmin(sum, 0);
    for (uint32_t i = 0, n = within_reach(m, lead); i < n; i++) {
        uint32_t span = (m->newest + AX_MISSED_SPANS - i) % AX_MISSED_SPANS;
        sum += m->by_span[span] - allowed * (i ? AX_MISSED_SPAN : m->heard);
        most = fmax(most, sum);
        least = fmin(least, sum);
    }
    return (most + least) / 2;
}

void ax_missed_save(const struct ax_missed *m, struct ax_buf *out)
{
    ax_put_u8(out, m->newest);
    ax_put_u8(out, m->spans);
    ax_put_u8(out, m->heard);
    for (uint32_t i = 0; i < AX_MISSED_SPANS; i++)
        ax_put_u8(out, m->by_span[i]);
}

void ax_missed_load(struct ax_missed *m, struct ax_bytes *in)
{
    m->newest = ax_get_u8(in);
    m->spans = ax_get_u8(in);
    m->heard = ax_get_u8(in);
    bool ok = m->newest < AX_MISSED_SPANS && m->spans <= AX_MISSED_SPANS && m->heard <= AX_MISSED_SPAN;
    for (uint32_t i = 0; i < AX_MISSED_SPANS; i++) {
        m->by_span[i] = ax_get_u8(in);
        ok = ok && m->by_span[i] <= AX_MISSED_SPAN;
    }
    if (!ok || m->by_span[m->newest] > m->heard)
        (void)ax_bytes_fail(in);
}
