/* hold.c: the life of one abnormality. */
#include "anomaly/hold.h"

#include <math.h>

#define CALM_STEPS 8
#define RETURNS_MIN 2
#define KNOWN_PART 12

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

static void age(struct ax_hold *h, uint32_t steps_max)
{
    h->age++;
    if (h->calm >= CALM_STEPS || h->age > steps_max)
        h->age = 0;
}

double ax_hold_step(struct ax_hold *h, const struct ax_hold_value *v, bool *outside)
{
    double score = 0;
    if (v->value > h->high)
        score = (v->value - h->high) / (h->above * v->growth);
    else if (v->value < h->low)
        score = (h->low - v->value) / (h->below * v->growth);
    *outside = score > 1;
    h->recent = (uint8_t)(h->recent << 1 | (*outside ? 1 : 0));
    if (*outside) {
        h->calm = 0;
        h->score = score;
        h->direction = v->value > h->high ? 1 : -1;
    } else {
        h->calm++;
        bool flickers = bits_of((uint8_t)(h->recent & ~(h->recent >> 1))) >= RETURNS_MIN;
        score = flickers ? h->score : fmin(score, v->now);
    }
    age(h, *outside && v->known ? v->steps_max / KNOWN_PART : v->steps_max);
    return score;
}

void ax_hold_gap(struct ax_hold *h, uint32_t steps_max)
{
    if (h->age)
        age(h, steps_max);
}
