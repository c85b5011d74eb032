/* trace.c: bins that merge in pairs. */
#include "app/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ax_trace_init(struct ax_trace *t, uint32_t channels, uint32_t maxima)
{
    *t = (struct ax_trace){.channels = channels, .maxima = maxima, .width = 1};
    t->t_ms = malloc(AX_TRACE_BINS * sizeof *t->t_ms);
    t->v = malloc((size_t)AX_TRACE_BINS * channels * sizeof *t->v);
    if (t->t_ms && t->v)
        return true;
    ax_trace_done(t);
    return false;
}

/* Fold values into a bin. */
static void fold(const struct ax_trace *t, double *bin, const double *values)
{
    for (uint32_t c = 0; c < t->channels; c++)
        bin[c] = (t->maxima >> c) & 1 ? fmax(bin[c], values[c]) : fmin(bin[c], values[c]);
}

static void merge_pairs(struct ax_trace *t)
{
    for (uint32_t i = 0; i < t->n / 2; i++) {
        double *to = t->v + (size_t)i * t->channels, *from = t->v + (size_t)2 * i * t->channels;
        t->t_ms[i] = t->t_ms[2 * (size_t)i];
        fold(t, from, from + t->channels);
        memmove(to, from, t->channels * sizeof *to);
    }
    t->n /= 2;
    t->width *= 2;
}

/* Keep the newer half as it is. */
static void drop_half(struct ax_trace *t)
{
    uint32_t kept = t->n / 2, from = t->n - kept;
    memmove(t->t_ms, t->t_ms + from, kept * sizeof *t->t_ms);
    memmove(t->v, t->v + (size_t)from * t->channels, (size_t)kept * t->channels * sizeof *t->v);
    t->n = kept;
}

struct ax_trace ax_trace_tail(const struct ax_trace *t, uint32_t n)
{
    struct ax_trace tail = *t;
    uint32_t skip = t->n > n ? t->n - n : 0;
    if (skip == 0)
        return tail;
    tail.n -= skip;
    tail.t_ms += skip;
    tail.v += (size_t)skip * t->channels;
    return tail;
}

void ax_trace_add(struct ax_trace *t, int64_t t_ms, const double *values)
{
    if (t->n > 0 && t->filled < t->width) {
        fold(t, t->v + (size_t)(t->n - 1) * t->channels, values);
        t->filled++;
        return;
    }
    if (t->n == AX_TRACE_BINS && t->recent)
        drop_half(t);
    else if (t->n == AX_TRACE_BINS)
        merge_pairs(t);
    t->t_ms[t->n] = t_ms;
    memcpy(t->v + (size_t)t->n * t->channels, values, t->channels * sizeof *values);
    t->n++;
    t->filled = 1;
}

void ax_trace_done(struct ax_trace *t)
{
    free(t->t_ms);
    free(t->v);
    t->t_ms = NULL;
    t->v = NULL;
    t->n = 0;
}
