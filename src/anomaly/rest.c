/* rest.c: a majority, and counts of what is not of it. */
#include "anomaly/rest.h"

#include <float.h>
#include <math.h>

#define SHARE 0.8f     /* of steps at rest, for a series that rests */
#define SHARE_MIN 0.5f /* below it another value may be the one */
#define SAME 1e-5      /* of a magnitude: no move */
#define SEEN_MIN 16.0f /* steps before that is known: half of a warm-up */
#define BACK_STEPS 8
#define LENGTH_MIN ((float)AX_REST_LENGTH)
#define YOUNG 240u       /* steps at which it must have rested before a move is rare for its length */
#define LONGER 2.0f      /* than any before: another kind of move */
#define MOVES_MIN 3.0    /* before one that goes much further than all others is known as such */
#define FURTHER 2        /* octaves */
#define MOVES_KNOWN 30.0 /* from so many on moves have a spread of their own */
#define OCTAVE_MAX 200

static int octave_of(float far)
{
    int e;
    (void)frexpf(far, &e);
    return e;
}

static uint32_t bin_of(const struct ax_rest *r, float far)
{
    int bin = octave_of(far) - r->octave + AX_REST_SIZES / 2;
    return bin < 0 ? 0 : bin >= AX_REST_SIZES ? AX_REST_SIZES - 1 : (uint32_t)bin;
}

static double moves_from(const struct ax_rest *r, uint32_t bin)
{
    double sum = 0;
    for (uint32_t i = bin; i < AX_REST_SIZES; i++)
        sum += (double)r->moves[i];
    return sum;
}

static void end_move(struct ax_rest *r)
{
    if (r->lasts == 0)
        return;
    if (!(moves_from(r, 0) > 0))
        r->octave = octave_of(r->far);
    r->moves[bin_of(r, r->far)]++;
    r->longest = fmaxf(r->longest, (float)r->lasts);
    r->lasts = 0;
    r->far = 0;
    r->back = BACK_STEPS + 1;
}

static void fade(struct ax_rest *r, bool rests, float keep, uint32_t memory_steps)
{
    r->seen = r->seen * keep + 1;
    r->rested = r->rested * keep + (rests ? 1 : 0);
    r->longest *= keep;
    r->steps += r->steps < memory_steps;
    for (uint32_t i = 0; i < AX_REST_SIZES; i++)
        r->moves[i] *= keep;
}

/* A move goes on: what is it? */
static enum ax_resting kind_of(const struct ax_rest *r, double rate)
{
    uint32_t bin = bin_of(r, r->far), from = bin > 0 ? bin - 1 : 0;
    double as_far = moves_from(r, from), all = moves_from(r, 0);
    if (as_far + 1 <= rate * (double)r->steps ||
        (all >= MOVES_MIN && bin >= FURTHER && !(moves_from(r, bin - FURTHER) > 0)))
        return AX_REST_RARE;
    if ((float)r->lasts <= fmaxf(LONGER * r->longest, LENGTH_MIN))
        return AX_REST_COMMON;
    return r->steps - r->lasts < YOUNG ? AX_REST_YOUNG : AX_REST_RARE;
}

/* Does it rest, for all that was before the move that lasts? */
static bool is_known(const struct ax_rest *r)
{
    const float before = r->seen - (float)r->lasts;
    return before >= SEEN_MIN && r->rested >= SHARE * before;
}

enum ax_resting ax_rest_step(struct ax_rest *r, double value, double rate, uint32_t memory_steps)
{
    bool rests = r->rested > 0 && fabs(value - r->value) <= SAME * fmax(fabs(value), fabs(r->value));
    fade(r, rests, 1 - 1 / (float)memory_steps, memory_steps);
    if (rests) {
        end_move(r);
        r->back -= r->back > 0;
        return is_known(r) && r->back ? AX_REST_RETURNS : AX_REST_NONE;
    }
    if (r->rested < SHARE_MIN * r->seen) {
        *r = (struct ax_rest){.value = value, .steps = 1, .seen = 1, .rested = 1};
        return AX_REST_NONE;
    }
    r->lasts += r->lasts < UINT32_MAX;
    r->far = fmaxf(r->far, (float)fmin(fabs(value - r->value), (double)FLT_MAX));
    if (!is_known(r) || moves_from(r, 0) >= MOVES_KNOWN)
        return AX_REST_NONE;
    return kind_of(r, rate);
}

void ax_rest_save(const struct ax_rest *r, struct ax_buf *out)
{
    ax_put_f32(out, r->seen);
    if (!(r->seen > 0))
        return;
    const float numbers[] = {r->rested, r->longest, r->far};
    ax_put_f64(out, r->value);
    ax_put_f32s(out, numbers, sizeof numbers / sizeof numbers[0]);
    ax_put_f32s(out, r->moves, AX_REST_SIZES);
    ax_put_varint(out, r->steps);
    ax_put_varint(out, r->lasts);
    ax_put_varint(out, r->back);
    ax_put_varint(out, (uint32_t)(r->octave + OCTAVE_MAX));
}

void ax_rest_load(struct ax_rest *r, struct ax_bytes *in)
{
    float numbers[3];
    r->seen = ax_get_f32_in(in, 0, FLT_MAX);
    if (!(r->seen > 0))
        return;
    r->value = ax_get_f64_in(in, -DBL_MAX, DBL_MAX);
    ax_get_f32s_in(in, numbers, 3, 0, FLT_MAX, false);
    ax_get_f32s_in(in, r->moves, AX_REST_SIZES, 0, FLT_MAX, false);
    r->steps = ax_get_count(in, UINT32_MAX);
    r->lasts = ax_get_count(in, UINT32_MAX);
    r->back = ax_get_count(in, BACK_STEPS + 1);
    r->octave = (int32_t)ax_get_count(in, 2 * OCTAVE_MAX) - OCTAVE_MAX;
    r->rested = numbers[0];
    r->longest = numbers[1];
    r->far = numbers[2];
}
