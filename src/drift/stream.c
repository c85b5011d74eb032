/* stream.c: one switch for each thing that can be done. */
#include "drift/stream.h"

#include <math.h>

/* Page-Hinkley: more than a sixth of a level above the mean adds to a sum, which 32 levels end. */
#define RISE_SUM 8.0
#define RISE_MIN 0.04

void ax_drift_stream_init(struct ax_drift_stream *s, enum ax_drift_stream_kind kind, uint64_t seed)
{
    *s = (struct ax_drift_stream){.kind = kind};
    ax_rng_seed(&s->rng, seed);
    if (kind == AX_STREAM_ADWIN)
        ax_adwin_init(&s->adwin, AX_ADWIN_DELTA);
    else if (kind == AX_STREAM_PAGE_HINKLEY)
        ax_page_hinkley_init(&s->page_hinkley, RISE_SUM, RISE_MIN);
    else if (kind == AX_STREAM_KSWIN)
        s->kswin = (struct ax_kswin){.alpha = AX_KSWIN_ALPHA};
}

static uint32_t below(void *rng, uint32_t n)
{
    return (uint32_t)ax_rng_below(rng, n);
}

static int update(struct ax_drift_stream *s, double x)
{
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

int ax_drift_stream_update(struct ax_drift_stream *s, double error)
{
    if (!isfinite(error))
        return 0;
    if (s->level_n < AX_STREAM_LEVEL_N) {
        s->level += (error - s->level) / ++s->level_n;
        return 0;
    }
    const double most = AX_STREAM_LEVELS_MAX * s->level; /* 0: there were no errors, and any is many */
    const int way = update(s, error < most ? error / most : error > 0);
    if (way) {
        s->level_n = 0;
        s->level = 0;
    }
    return way;
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
    ax_put_varint(out, s->level_n);
    ax_put_f64(out, s->level);
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
    s->level_n = ax_get_count(in, AX_STREAM_LEVEL_N);
    s->level = ax_get_f64(in);
    if (!(s->level >= 0) || isinf(s->level))
        (void)ax_bytes_fail(in);
}
