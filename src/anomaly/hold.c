/* hold.c: the life of one abnormality. */
#include "anomaly/hold.h"

#include <math.h>

#define CALM_STEPS 8
#define RETURNS_MIN 2

void ax_hold_start(struct ax_hold *h, double expected, double usual, double below, double above, double value,
                   double score)
{
    *h = (struct ax_hold){
        .low = fmin(expected, usual),
        .high = fmax(expected, usual),
        .below = below,
        .above = above,
        .score = score,
        .age = 1,
        .recent = 1,
        .direction = value > expected ? 1 : -1,
    };
}

static unsigned bits_of(uint8_t v)
{
    unsigned n = 0;
    for (; v; v = (uint8_t)(v & (v - 1)))
        n++;
    return n;
}

static void age(struct ax_hold *h)
{
    h->age++;
    if (h->calm >= CALM_STEPS || h->age > AX_HOLD_STEPS_MAX)
        h->age = 0;
}

double ax_hold_step(struct ax_hold *h, double value, double growth, double now, bool *outside)
{
    double score = 0;
    if (value > h->high)
        score = (value - h->high) / (h->above * growth);
    else if (value < h->low)
        score = (h->low - value) / (h->below * growth);
    *outside = score > 1;
    h->recent = (uint8_t)(h->recent << 1 | (*outside ? 1 : 0));
    if (*outside) {
        h->calm = 0;
        h->score = score;
        h->direction = value > h->high ? 1 : -1;
    } else {
        h->calm++;
        bool flickers = bits_of((uint8_t)(h->recent & ~(h->recent >> 1))) >= RETURNS_MIN;
        score = flickers ? h->score : fmin(score, now);
    }
    age(h);
    return score;
}

void ax_hold_gap(struct ax_hold *h)
{
    if (h->age)
        age(h);
}
