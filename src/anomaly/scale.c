/* scale.c: a running mean of clipped distances. */
#include "anomaly/scale.h"

#include <float.h>
#include <math.h>

#define CLIP_SHARE 0.3 /* one distance raises the mean by this share at most */
#define CLIP_MIN 3.0   /* means; for the first distances, medians */
#define SMALLEST 1e-30f
#define OFF 2.0f /* times the mean, or a part of it, at which the unit moves */

/* The mean of the first distances, each clipped at CLIP_MIN times their median. */
static float first_mean(const float *first)
{
    float sorted[AX_SCALE_FIRST], sum = 0;
    for (uint32_t n = 0; n < AX_SCALE_FIRST; n++) {
        uint32_t i = n;
        for (; i > 0 && sorted[i - 1] > first[n]; i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = first[n];
    }
    float median = sorted[AX_SCALE_FIRST / 2], clip = median > 0 ? (float)CLIP_MIN * median : FLT_MAX;
    for (uint32_t i = 0; i < AX_SCALE_FIRST; i++)
        sum += fminf(first[i], clip) / AX_SCALE_FIRST;
    return sum;
}

/* Keep the unit near the mean. */
static int move_unit(struct ax_scale *s)
{
    int octaves = 0;
    if (!(s->unit > 0) || !(s->mean > 0))
        s->unit = s->mean;
    else if (s->mean >= OFF * s->unit || s->unit >= OFF * s->mean)
        octaves = (int)lrintf(log2f(s->mean / s->unit));
    s->unit = ldexpf(s->unit, octaves);
    return octaves;
}

int ax_scale_learn(struct ax_scale *s, double distance, uint32_t memory_steps)
{
    if (s->seen < AX_SCALE_FIRST) {
        s->first[s->seen++] = (float)distance;
        if (s->seen == AX_SCALE_FIRST)
            s->unit = s->mean = first_mean(s->first);
        return 0;
    }
    double seen = fmin((double)s->seen, (double)memory_steps), clip = fmax(CLIP_SHARE * seen, CLIP_MIN);
    double clipped = s->mean > 0 ? fmin(distance, clip * (double)s->mean) : distance;
    s->mean += (float)((clipped - (double)s->mean) / (seen + 1));
    if (s->mean < SMALLEST)
        s->mean = 0;
    s->seen += s->seen < UINT32_MAX;
    return move_unit(s);
}

bool ax_scale_ready(const struct ax_scale *s)
{
    return s->seen >= AX_SCALE_FIRST;
}

double ax_scale_unit(const struct ax_scale *s, double least)
{
    return fmax((double)s->unit, least);
}

double ax_scale_mean(const struct ax_scale *s, double least)
{
    return fmax((double)s->mean, least);
}

void ax_scale_save(const struct ax_scale *s, struct ax_buf *out)
{
    ax_put_f32(out, s->mean);
    ax_put_f32(out, s->unit);
    ax_put_f32s(out, s->first, AX_SCALE_FIRST);
    ax_put_varint(out, s->seen);
}

void ax_scale_load(struct ax_scale *s, struct ax_bytes *in)
{
    s->mean = ax_get_f32_in(in, 0, FLT_MAX);
    s->unit = ax_get_f32_in(in, 0, FLT_MAX);
    ax_get_f32s_in(in, s->first, AX_SCALE_FIRST, 0, FLT_MAX, false);
    s->seen = ax_get_count(in, UINT32_MAX);
}
