/* spread.c: mean squared differences at dyadic lags (a structure function). */
#include "anomaly/spread.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define MEMORY 512
#define CLIP 25.0f /* of the square */
#define SEEN_MIN 8
#define MEDIAN_OF 7
#define RANDOM_WALK 1.4142135623730951

void ax_spread_init(struct ax_spread *s)
{
    memset(s, 0, sizeof *s);
    for (uint32_t i = 0; i < AX_SPREAD_RING; i++)
        s->ring[i] = NAN;
}

void ax_spread_add(struct ax_spread *s, double value)
{
    float v = (float)value;
    for (uint32_t j = 0; j < AX_SPREAD_LAGS; j++) {
        float moved = v - s->ring[(s->at - (1u << j)) & (AX_SPREAD_RING - 1)];
        moved *= moved;
        if (!isfinite(moved))
            continue;
        if (s->seen[j] >= SEEN_MIN && s->mean[j] > 0)
            moved = fminf(moved, CLIP * s->mean[j]);
        s->seen[j] = (uint16_t)(s->seen[j] + (s->seen[j] < MEMORY));
        s->mean[j] += (moved - s->mean[j]) / (float)s->seen[j];
    }
    s->ring[s->at & (AX_SPREAD_RING - 1)] = v;
    s->at++;
}

double ax_spread_growth(const struct ax_spread *s, uint32_t k)
{
    double growth = 1, octave = 1, octaves = log2((double)(k ? k : 1));

    if (s->seen[0] < SEEN_MIN || !(s->mean[0] > 0))
        return 1;
    for (uint32_t j = 1; (double)j < octaves + 1; j++) {

        if (j < AX_SPREAD_LAGS && s->seen[j] >= SEEN_MIN)
            octave = fmax(sqrt((double)s->mean[j] / (double)s->mean[0]) / growth, 1);
        else
            octave = fmin(octave, RANDOM_WALK);
        growth *= octaves >= (double)j ? octave : pow(octave, octaves - (double)(j - 1));
    }
    return growth;
}

double ax_spread_median(const struct ax_spread *s)
{
    float sorted[MEDIAN_OF];
    uint32_t n = 0;
    for (uint32_t back = 1; back <= AX_SPREAD_RING && n < MEDIAN_OF; back++) {
        float v = s->ring[(s->at - back) & (AX_SPREAD_RING - 1)];
        if (isnan(v))
            continue;
        uint32_t i = n++;
        for (; i > 0 && sorted[i - 1] > v; i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = v;
    }
    return n ? (double)sorted[n / 2] : (double)NAN;
}

void ax_spread_save(const struct ax_spread *s, struct ax_buf *out)
{
    ax_put_f32s(out, s->ring, AX_SPREAD_RING);
    ax_put_f32s(out, s->mean, AX_SPREAD_LAGS);
    for (uint32_t j = 0; j < AX_SPREAD_LAGS; j++)
        ax_put_varint(out, s->seen[j]);
    ax_put_varint(out, s->at);
}

void ax_spread_load(struct ax_spread *s, struct ax_bytes *in)
{
    ax_get_f32s_in(in, s->ring, AX_SPREAD_RING, -FLT_MAX, FLT_MAX, true);
    ax_get_f32s_in(in, s->mean, AX_SPREAD_LAGS, 0, FLT_MAX, false);
    for (uint32_t j = 0; j < AX_SPREAD_LAGS; j++)
        s->seen[j] = (uint16_t)ax_get_count(in, MEMORY);
    s->at = ax_get_count(in, UINT32_MAX);
}
