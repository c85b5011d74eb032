/* pending.c: forecasts that wait, as short codes. */
#include "forecast/pending.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORD_SAME_BITS (-5.0) /* log2 of the distance, in scales, below which a member said the same */
#define WORD_OCTAVE 11.0
#define WORD_NOTHING 0
#define WORD_NOT_FINITE INT8_MIN

/* A magnitude in 16 bits: those of the float behind the sign, rounded up. */
static uint16_t magnitude_code(double x)
{
    float f = x > 0 ? (float)x : 0;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return (uint16_t)((bits + 0x7fffU) >> 15);
}

static double magnitude_of(uint16_t code)
{
    uint32_t bits = (uint32_t)code << 15;
    float f;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

/* A signed distance in scales, by the logarithm of its magnitude. */
static int8_t word_code(double q)
{
    if (isnan(q))
        return WORD_NOTHING;
    if (isinf(q))
        return WORD_NOT_FINITE;
    double at = (log2(fabs(q)) - WORD_SAME_BITS) * WORD_OCTAVE;
    int code = at < 0 || q == 0 ? 1 : at > INT8_MAX - 2 ? INT8_MAX : 2 + (int)at;
    return (int8_t)(q < 0 ? -code : code);
}

static double word_of(int8_t code)
{
    if (code == WORD_NOTHING)
        return NAN;
    if (code == WORD_NOT_FINITE)
        return INFINITY;
    int magnitude = abs(code);
    double q = magnitude == 1 ? 0 : exp2((magnitude - 1.5) / WORD_OCTAVE + WORD_SAME_BITS);
    return code < 0 ? -q : q;
}

/* Are last values kept, too? */
static bool far(const struct ax_pending *p)
{
    return p->stride > 1;
}

/* The last value at each slot; only when far. */
static float *lasts(const struct ax_pending *p)
{
    return p->mean + p->slots;
}

/* The magnitudes of each slot: to its bounds, and of its scale. */
enum magnitude { BELOW, ABOVE, SCALE, MAGNITUDES };

static size_t floats_of(const struct ax_pending *p)
{
    return (size_t)p->slots * (far(p) ? 2 : 1);
}

static uint16_t *magnitudes(const struct ax_pending *p, enum magnitude which)
{
    return (uint16_t *)(void *)(p->mean + floats_of(p)) + (size_t)which * p->slots;
}

/* [word_slots][words_n] */
static int8_t *words_of(const struct ax_pending *p)
{
    return (int8_t *)magnitudes(p, MAGNITUDES);
}

size_t ax_pending_bytes(const struct ax_pending *p)
{
    return floats_of(p) * sizeof(float) + (size_t)p->slots * MAGNITUDES * sizeof(uint16_t) +
           (size_t)p->word_slots * p->words_n;
}

bool ax_pending_init(struct ax_pending *p, uint32_t lead, uint32_t members)
{
    p->members = members;
    p->words_n = 1;
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        p->words_n = (uint16_t)(p->words_n + (members >> m & 1));
    p->stride = lead > AX_PENDING_NEAR ? (lead + AX_PENDING_FAR_SLOTS - 1) / AX_PENDING_FAR_SLOTS : 1;
    p->slots = (uint16_t)((lead + p->stride - 1) / p->stride);
    p->words_every = (uint16_t)((p->slots + AX_WORDS_MAX - 1) / AX_WORDS_MAX);
    p->word_slots = (uint16_t)((p->slots + p->words_every - 1) / p->words_every);
    p->mean = calloc(1, ax_pending_bytes(p));
    if (!p->mean)
        return false;
    for (uint32_t i = 0; i < p->slots; i++)
        p->mean[i] = NAN;
    return true;
}

void ax_pending_done(struct ax_pending *p)
{
    free(p->mean);
    p->mean = NULL;
}

/* The place of a step among the slots; false when its forecasts are not kept. */
static bool place_of(const struct ax_pending *p, int64_t step, uint32_t *slot, int8_t **words)
{
    if (step < 0 || step % p->stride != 0)
        return false;
    int64_t index = step / p->stride;
    *slot = (uint32_t)(index % p->slots);
    *words =
        index % p->words_every ? NULL : words_of(p) + index / p->words_every % p->word_slots * p->words_n;
    return true;
}

void ax_pending_put(struct ax_pending *p, int64_t step, const struct ax_waiting *w)
{
    uint32_t i;
    int8_t *words;
    if (!place_of(p, step, &i, &words))
        return;
    p->mean[i] = fabs(w->mean) <= (double)FLT_MAX ? (float)w->mean : NAN;
    magnitudes(p, BELOW)[i] = magnitude_code((double)p->mean[i] - w->lower);
    magnitudes(p, ABOVE)[i] = magnitude_code(w->upper - (double)p->mean[i]);
    magnitudes(p, SCALE)[i] = magnitude_code(w->scale);
    if (far(p))
        lasts(p)[i] = (float)w->last;
    if (!words)
        return;
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        if (p->members >> m & 1)
            *words++ = word_code((w->pred[m] - w->mean) / w->scale);
    *words = word_code((w->together - w->mean) / w->scale);
}

bool ax_pending_peek(const struct ax_pending *p, int64_t step, struct ax_waiting *out)
{
    uint32_t i;
    int8_t *words;
    if (!place_of(p, step, &i, &words) || isnan(p->mean[i]))
        return false;
    out->mean = (double)p->mean[i];
    out->lower = out->mean - magnitude_of(magnitudes(p, BELOW)[i]);
    out->upper = out->mean + magnitude_of(magnitudes(p, ABOVE)[i]);
    return true;
}

bool ax_pending_take(struct ax_pending *p, int64_t step, struct ax_waiting *out)
{
    uint32_t i;
    int8_t *words;
    if (!ax_pending_peek(p, step, out) || !place_of(p, step, &i, &words))
        return false;
    p->mean[i] = NAN;
    out->scale = magnitude_of(magnitudes(p, SCALE)[i]);
    if (!isfinite(out->scale) || out->scale <= 0)
        return false;
    out->last = far(p) ? (double)lasts(p)[i] : (double)NAN;
    out->heard = words ? p->words_every * p->stride : 0;
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        out->pred[m] =
            words && p->members >> m & 1 ? out->mean + word_of(*words++) * out->scale : (double)NAN;
    out->together = words ? out->mean + word_of(*words) * out->scale : (double)NAN;
    return true;
}

void ax_pending_forget(struct ax_pending *p, int64_t step)
{
    uint32_t i;
    int8_t *words;
    if (place_of(p, step, &i, &words))
        p->mean[i] = NAN;
}

static void put_codes(struct ax_buf *out, const uint16_t *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        ax_put_u8(out, (uint8_t)v[i]);
        ax_put_u8(out, (uint8_t)(v[i] >> 8));
    }
}

static void get_codes(struct ax_bytes *in, uint16_t *v, uint32_t n)
{
    const uint16_t largest = 0xff00; /* infinity; beyond are NaNs */
    for (uint32_t i = 0; i < n; i++) {
        uint32_t low = ax_get_u8(in), code = low | (uint32_t)ax_get_u8(in) << 8;
        if (code > largest)
            (void)ax_bytes_fail(in);
        v[i] = (uint16_t)code;
    }
}

void ax_pending_save(const struct ax_pending *p, struct ax_buf *out)
{
    ax_put_f32s(out, p->mean, (uint32_t)floats_of(p));
    put_codes(out, magnitudes(p, BELOW), MAGNITUDES * p->slots);
    const int8_t *word = words_of(p);
    for (uint32_t i = 0; i < p->word_slots; i++) {
        for (uint32_t m = 0; m < AX_MEMBERS; m++)
            ax_put_u8(out, (uint8_t)(p->members >> m & 1 ? *word++ : WORD_NOTHING));
        ax_put_u8(out, (uint8_t)*word++);
    }
}

void ax_pending_load(struct ax_pending *p, struct ax_bytes *in)
{
    ax_get_f32s_in(in, p->mean, (uint32_t)floats_of(p), -FLT_MAX, FLT_MAX, true);
    get_codes(in, magnitudes(p, BELOW), MAGNITUDES * p->slots);
    int8_t *word = words_of(p);
    for (uint32_t i = 0; i < p->word_slots; i++) {
        for (uint32_t m = 0; m < AX_MEMBERS; m++) {
            const int8_t said = (int8_t)ax_get_u8(in);
            if (p->members >> m & 1)
                *word++ = said;
        }
        *word++ = (int8_t)ax_get_u8(in);
    }
}
