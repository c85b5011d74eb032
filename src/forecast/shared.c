/* shared.c: what forecasters share, as bytes. */
#include "forecast/shared.h"

#define STATE_VERSION 2

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
