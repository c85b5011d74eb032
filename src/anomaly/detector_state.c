/* detector_state.c: a detector as bytes. */
#include "anomaly/detector_priv.h"
#include "anomaly/spec.h"

#define STATE_VERSION 10

void ax_detector_save(const struct ax_detector *d, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    ax_put_u8(out, (uint8_t)d->spec.members);
    for (uint32_t i = 0; i < d->views_n; i++) {
        ax_scale_save(&d->views[i].scale, out);
        ax_member_save(&d->views[i].member, out);
        ax_put_f64(out, d->views[i].now);
    }
    if (ax_detector_has_sub_pca(&d->spec))
        ax_sub_pca_save((const struct ax_sub_pca *)&d->views[d->views_n], out);
    ax_member_save(&d->combined, out);
    ax_spread_save(&d->spread, out);
    ax_hold_save(&d->hold, out);
    ax_recurrences_save(&d->recurrences, out);
    ax_rest_save(&d->rest, out);
    ax_depth_save(&d->depth, out);
    for (uint32_t i = 0; i < sizeof d->marks.words / sizeof d->marks.words[0]; i++)
        ax_put_u64(out, d->marks.words[i]);
    const uint32_t counts[] = {d->mean_n, d->seen, d->run, d->gap, d->gap_max};
    for (uint32_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        ax_put_varint(out, counts[i]);
    ax_put_u8(out, d->clear);
    ax_put_f64(out, d->mean);
    ax_put_f32(out, d->rare);
    ax_put_f64(out, d->before);
    ax_put_i64(out, d->t_ms);
    ax_verdict_save(&d->last, out);
}

enum ax_err ax_detector_load(struct ax_detector *d, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    if (ax_get_u8(in) != d->spec.members)
        return ax_bytes_fail(in);
    for (uint32_t i = 0; i < d->views_n; i++) {
        ax_scale_load(&d->views[i].scale, in);
        ax_member_load(&d->views[i].member, in);
        d->views[i].now = ax_get_f64(in);
    }
    if (ax_detector_has_sub_pca(&d->spec))
        ax_sub_pca_load(ax_detector_sub_pca(d), in);
    ax_member_load(&d->combined, in);
    ax_spread_load(&d->spread, in);
    ax_hold_load(&d->hold, d->spec.hold_steps, in);
    ax_recurrences_load(&d->recurrences, in);
    ax_rest_load(&d->rest, in);
    ax_depth_load(&d->depth, in);
    for (uint32_t i = 0; i < sizeof d->marks.words / sizeof d->marks.words[0]; i++)
        d->marks.words[i] = ax_get_u64(in);
    uint32_t *const counts[] = {&d->mean_n, &d->seen, &d->run, &d->gap, &d->gap_max};
    for (uint32_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        *counts[i] = ax_get_count(in, UINT32_MAX);
    d->clear = ax_get_bool(in);
    d->mean = ax_get_f64_in(in, -AX_DETECTOR_MEAN_MAX, AX_DETECTOR_MEAN_MAX);
    d->rare = ax_get_f32_in(in, 0, INFINITY);
    d->before = ax_get_f64(in);
    d->t_ms = ax_get_ms(in);
    ax_verdict_load(&d->last, in);
    return in->err;
}
