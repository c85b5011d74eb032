/* stream.c: one switch for each thing that can be done. */
#include "drift/stream.h"

#include <math.h>

void ax_drift_stream_init(struct ax_drift_stream *s, enum ax_drift_stream_kind kind, uint64_t seed)
{
    *s = (struct ax_drift_stream){.kind = kind};
    ax_rng_seed(&s->rng, seed);
    if (kind == AX_STREAM_ADWIN)
        ax_adwin_init(&s->adwin, AX_ADWIN_DELTA);
    else if (kind == AX_STREAM_PAGE_HINKLEY)
        ax_page_hinkley_init(&s->page_hinkley, AX_PAGE_HINKLEY_THRESHOLD);
    else if (kind == AX_STREAM_KSWIN)
        s->kswin = (struct ax_kswin){.alpha = AX_KSWIN_ALPHA};
}

static uint32_t below(void *rng, uint32_t n)
{
    return (uint32_t)ax_rng_below(rng, n);
}

int ax_drift_stream_update(struct ax_drift_stream *s, double x)
{
    if (!isfinite(x))
        return 0;
    switch (s->kind) {
    case AX_STREAM_ADWIN:
        return ax_adwin_update(&s->adwin, x);
    case AX_STREAM_PAGE_HINKLEY:
        return ax_page_hinkley_update(&s->page_hinkley, x);
    case AX_STREAM_KSWIN:
        return ax_kswin_update(&s->kswin, x, below, &s->rng);
    default:
        return 0;
    }
}

void ax_drift_stream_save(const struct ax_drift_stream *s, struct ax_buf *out)
{
    if (s->kind == AX_STREAM_ADWIN)
        ax_adwin_save(&s->adwin, out);
    else if (s->kind == AX_STREAM_PAGE_HINKLEY)
        ax_page_hinkley_save(&s->page_hinkley, out);
    else if (s->kind == AX_STREAM_KSWIN)
        ax_kswin_save(&s->kswin, out);
    for (int i = 0; i < 4; i++)
        ax_put_u64(out, s->rng.s[i]);
}

void ax_drift_stream_load(struct ax_drift_stream *s, struct ax_bytes *in)
{
    if (s->kind == AX_STREAM_ADWIN)
        ax_adwin_load(&s->adwin, in);
    else if (s->kind == AX_STREAM_PAGE_HINKLEY)
        ax_page_hinkley_load(&s->page_hinkley, in);
    else if (s->kind == AX_STREAM_KSWIN)
        ax_kswin_load(&s->kswin, in);
    for (int i = 0; i < 4; i++)
        s->rng.s[i] = ax_get_u64(in);
}
