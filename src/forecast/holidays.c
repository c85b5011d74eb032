/* holidays.c: copies of what calendars say of a span. */
#include "forecast/holidays.h"

#include <stdlib.h>
#include <string.h>

#define MARGIN_MS (30 * 86400000LL)

static void take(struct ax_holidays *h, uint32_t i)
{
    const struct ax_span *spans;
    uint32_t n;
    free(h->spans[i]);
    h->spans[i] = NULL;
    h->spans_n[i] = 0;
    if (ax_calendar_expand(h->calendars[i], h->from_ms, h->until_ms, &spans, &n) != AX_OK || n == 0)
        return;
    h->spans[i] = malloc(n * sizeof *spans);
    if (!h->spans[i])
        return;
    memcpy(h->spans[i], spans, n * sizeof *spans);
    h->spans_n[i] = n;
}

void ax_holidays_cover(struct ax_holidays *h, int64_t from_ms, int64_t until_ms)
{
    if (h->from_ms < h->until_ms && from_ms >= h->from_ms && until_ms <= h->until_ms)
        return;
    h->from_ms = from_ms - (until_ms - from_ms) - MARGIN_MS;
    h->until_ms = until_ms + MARGIN_MS;
    for (uint32_t i = 0; i < h->n; i++)
        take(h, i);
}

bool ax_holidays_at(const struct ax_holidays *h, uint32_t i, int64_t t_ms)
{
    if (!h || i >= h->n)
        return false;
    uint32_t low = 0, high = h->spans_n[i]; /* the first that ends after t is among these */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (h->spans[i][middle].end_ms <= t_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low < h->spans_n[i] && h->spans[i][low].begin_ms <= t_ms;
}

void ax_holidays_reset(struct ax_holidays *h)
{
    for (uint32_t i = 0; i < AX_HOLIDAYS_MAX; i++)
        free(h->spans[i]);
    memset(h, 0, sizeof *h);
}
