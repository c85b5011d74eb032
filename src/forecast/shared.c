/* shared.c: what forecasters share, as bytes. */
#include "forecast/shared.h"

#define STATE_VERSION 2

void ax_forecast_shared_attach(struct ax_forecast_shared *s, struct ax_past *p, uint32_t ahead)
{
    const int64_t fine_ms = p->fine.n * p->fine.step_ms, coarse_ms = p->coarse.n * p->coarse.step_ms,
                  from_ms = p->t_ms - (fine_ms > coarse_ms ? fine_ms : coarse_ms),
                  until_ms = p->t_ms + ahead * p->fine.step_ms + 1;
    ax_local_time_cover(&s->clocks, from_ms, until_ms);
    if (s->holidays)
        ax_holidays_cover(s->holidays, from_ms, until_ms);
    p->clocks = &s->clocks;
    p->holidays = s->holidays;
}

void ax_forecast_shared_save(const struct ax_forecast_shared *s, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    ax_roster_save(&s->roster, out);
    if (s->pooled)
        ax_pooled_save(s->pooled, out);
}

enum ax_err ax_forecast_shared_load(struct ax_forecast_shared *s, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    ax_roster_load(&s->roster, in);
    if (s->pooled)
        ax_pooled_load(s->pooled, in);
    return in->err;
}
