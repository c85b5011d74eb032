/* forecaster_state.c: a forecaster as bytes: what it learnt of itself, lead by lead, and what is pending. */
#include "forecast/forecaster.h"

#include <math.h>

#define STATE_VERSION 12
#define SEASON_MAX (UINT32_MAX / 2) /* steps; twice of it, and a lead, can be counted */

static void track_save(const struct ax_lead_track *t, struct ax_buf *out)
{
    ax_put_varint(out, t->lead);
    ax_pending_save(&t->pending, out);
    ax_record_save(&t->record, out);
}

static void track_load(struct ax_lead_track *t, struct ax_bytes *in)
{
    if (ax_get_varint(in) != t->lead)
        (void)ax_bytes_fail(in);
    ax_pending_load(&t->pending, in);
    ax_record_load(&t->record, in);
}

void ax_forecaster_save(const struct ax_forecaster *f, struct ax_buf *out)
{
    uint32_t leads[AX_PATH_MAX];
    const struct ax_model_params params = ax_forecaster_params(f, NULL, leads);
    ax_put_u8(out, STATE_VERSION);
    ax_put_varint(out, f->season.steps);
    ax_put_varint(out, f->season.long_steps);
    ax_put_varint(out, f->seen);
    ax_put_varint(out, f->next_refit);
    ax_put_varint(out, f->validated);
    ax_put_u32(out, f->asleep);
    ax_put_u8(out, (uint8_t)f->refits);
    ax_put_f64(out, f->growth);
    ax_put_u32(out, f->jitter);
    ax_put_f32(out, f->low);
    ax_put_f32(out, f->high);
    ax_put_u8(out, f->negative_seen);
    ax_put_u8(out, f->review);
    ax_put_i64(out, f->fitted_ms);
    ax_put_i64(out, f->last_ms);
    ax_put_varint(out, f->tracks_n);
    for (uint32_t k = 0; k < f->tracks_n; k++)
        track_save(&f->tracks[k], out);
    ax_portfolio_save(&params, f->states, out);
}

enum ax_err ax_forecaster_load(struct ax_forecaster *f, struct ax_bytes *in)
{
    uint32_t leads[AX_PATH_MAX];
    const struct ax_model_params params = ax_forecaster_params(f, NULL, leads);
    ax_get_version(in, STATE_VERSION);
    f->season.steps = ax_get_count(in, SEASON_MAX);
    f->season.long_steps = ax_get_count(in, SEASON_MAX);
    f->seen = ax_get_count(in, AX_SEEN_MAX);
    f->next_refit = ax_get_count(in, UINT32_MAX);
    f->validated = ax_get_count(in, AX_SEEN_MAX);
    f->asleep = ax_get_u32(in);
    f->refits = ax_get_u8(in) % AX_WAKE_REFITS;
    if (f->asleep & ~(AX_MEMBERS_ALL & ~(1U << AX_MEMBER_LAST_VALUE)))
        return ax_bytes_fail(in);
    f->growth = ax_get_f64_in(in, 0, 1);
    f->jitter = ax_get_u32(in);
    f->low = ax_get_f32(in);
    f->high = ax_get_f32(in);
    if (f->low > f->high || isinf(f->low) || isinf(f->high))
        return ax_bytes_fail(in);
    f->negative_seen = ax_get_bool(in);
    f->review = ax_get_bool(in);
    f->fitted_ms = ax_get_ms(in);
    f->last_ms = ax_get_ms(in);
    if (ax_get_varint(in) != f->tracks_n)
        return ax_bytes_fail(in);
    for (uint32_t k = 0; k < f->tracks_n; k++)
        track_load(&f->tracks[k], in);
    ax_portfolio_load(&params, f->states, in);
    return in->err;
}
