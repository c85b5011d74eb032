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

static void age(struct ax_hold *h, uint32_t steps_max)
{
    h->age++;
    if (h->calm >= CALM_STEPS || h->age > steps_max)
        h->age = 0;
}

double ax_hold_step(struct ax_hold *h, const struct ax_hold_value *v, bool *outside)
{
    double score = 0;
    if (v->familiar)
        score = 0;
    else if (v->value > h->high)
        score = (v->value - h->high) / (h->above * v->growth);
    else if (v->value < h->low)
        score = (h->low - v->value) / (h->below * v->growth);
    score = fmax(score, v->depth);
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
    age(h, v->steps_max);
    return score;
}

void ax_hold_gap(struct ax_hold *h, uint32_t steps_max)
{
    if (h->age)
        age(h, steps_max);
}

void ax_hold_save(const struct ax_hold *h, struct ax_buf *out)
{
    ax_put_varint(out, h->age);
    if (h->age == 0)
        return;
    const double numbers[] = {h->low, h->high, h->below, h->above, h->score};
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        ax_put_f64(out, numbers[i]);
    ax_put_u8(out, h->calm);
    ax_put_u8(out, h->recent);
    ax_put_u8(out, h->direction > 0);
}

void ax_hold_load(struct ax_hold *h, uint32_t steps_max, struct ax_bytes *in)
{
    h->age = ax_get_count(in, steps_max);
    if (h->age == 0)
        return;
    h->low = ax_get_f64_in(in, -INFINITY, INFINITY);
    h->high = ax_get_f64_in(in, h->low, INFINITY);
    h->below = ax_get_f64_in(in, 0, INFINITY);
    h->above = ax_get_f64_in(in, 0, INFINITY);
    h->score = ax_get_f64_in(in, 0, INFINITY);
    h->calm = ax_get_u8(in);
    h->recent = ax_get_u8(in);
    h->direction = ax_get_bool(in) ? 1 : -1;
}
