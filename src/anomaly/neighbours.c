/* neighbours.c: distances in blocks that a compiler can vectorise, then the few smallest of them. */
#include "anomaly/neighbours.h"

#include "base/assert.h"

#include <math.h>
#include <string.h>

#define LAGS AX_NEIGHBOURS_LAGS
#define BLOCK 16
#define WORDS (AX_NEIGHBOURS_PAST / 64 + 1)

void ax_marks_shift(struct ax_marks *m, uint64_t steps)
{
    if (steps >= (uint64_t)64 * WORDS) {
        memset(m, 0, sizeof *m);
        return;
    }
    uint32_t words = (uint32_t)steps / 64, bits = (uint32_t)steps % 64;
    for (uint32_t i = WORDS; i-- > 0;) {
        uint64_t high = i >= words ? m->words[i - words] : 0, low = i > words ? m->words[i - words - 1] : 0;
        m->words[i] = bits ? high << bits | low >> (64 - bits) : high;
    }
}

void ax_marks_set(struct ax_marks *m)
{
    m->words[0] |= 1;
}

void ax_marks_forget(struct ax_marks *m, uint32_t age)
{
    for (uint32_t i = 0; i < WORDS; i++) {
        if (age <= i * 64)
            m->words[i] = 0;
        else if (age < (i + 1) * 64)
            m->words[i] &= (1ULL << (age - i * 64)) - 1;
    }
}

/* The squared distances of BLOCK successive points to `now`; lag j of a point is before it. scale keeps
 * squares within a float. */
static void block_distances(const float *v, const float *now, float scale, float *out)
{
    for (uint32_t i = 0; i < BLOCK; i++)
        out[i] = 0;
    for (int j = 0; j < LAGS; j++) {
        if (isnan(now[j]))
            continue;
        for (int i = 0; i < BLOCK; i++) {
            float d = (v[i - j] - now[j]) * scale;
            out[i] += d * d;
        }
    }
}

/* The newest point, and what keeps differences to it near 1. */
static float read_newest(const float *v, uint32_t n, float *now)
{
    float largest = 0;
    for (uint32_t j = 0; j < LAGS; j++) {
        now[j] = v[n - 1 - j];
        largest = fmaxf(largest, fabsf(now[j]));
    }
    for (uint32_t i = 0; i < n; i += 7)
        largest = fmaxf(largest, fabsf(v[i])); /* fmaxf() passes over NaN */
    return 1 / fmaxf(largest, 1e-30f);
}

/* Put a squared distance among the k smallest. */
static void keep(float *best, uint32_t k, float d)
{
    uint32_t i = k - 1;
    for (; i > 0 && best[i - 1] > d; i--)
        best[i] = best[i - 1];
    best[i] = d;
}

double ax_neighbours_distance(const float *v, uint32_t n, const struct ax_marks *marks, uint32_t k)
{
    float now[LAGS], best[8], d[BLOCK];
    AX_ASSERT(k > 0 && k <= 8);
    if (n > AX_NEIGHBOURS_PAST) {
        v += n - AX_NEIGHBOURS_PAST;
        n = AX_NEIGHBOURS_PAST;
    }
    if (n < LAGS + k)
        return (double)NAN;
    float scale = read_newest(v, n, now);
    for (uint32_t i = 0; i < k; i++)
        best[i] = INFINITY;
    /* From the newest back, so that a block that would begin before the past begins at it. */
    for (uint32_t end = n - 1; end > LAGS - 1;) {
        uint32_t room = end - (LAGS - 1), count = room < BLOCK ? room : BLOCK, from = end - count;
        if (count == BLOCK) {
            block_distances(v + from, now, scale, d);
        } else {
            float padded[BLOCK + LAGS - 1] = {0};
            memcpy(padded, v + from - (LAGS - 1), (count + LAGS - 1) * sizeof *v);
            block_distances(padded + LAGS - 1, now, scale, d);
        }
        for (uint32_t i = 0; i < count; i++)
            if (d[i] < best[k - 1] && !ax_marks_has(marks, n - 1 - (from + i)))
                keep(best, k, d[i]);
        end = from;
    }
    return isinf(best[k - 1]) ? (double)NAN : sqrt((double)best[k - 1]) / (double)scale;
}
