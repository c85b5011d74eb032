/* levels.c: every so many steps a value is kept. */
#include "anomaly/levels.h"

#include <float.h>
#include <string.h>

/* A tenth of the memory: more than an abnormality that is held to its end leaves behind. */
#define KNOWN_MIN 13

void ax_levels_init(struct ax_levels *l, uint32_t memory_steps)
{
    memset(l, 0, sizeof *l);
    l->every = 1 + (memory_steps - 1) / AX_LEVELS_SAMPLES;
}

void ax_levels_add(struct ax_levels *l, double value)
{
    if (++l->since < l->every)
        return;
    l->since = 0;
    l->samples[l->at] = (float)value;
    l->at = (l->at + 1) % AX_LEVELS_SAMPLES;
    l->n += l->n < AX_LEVELS_SAMPLES;
}

bool ax_levels_known(const struct ax_levels *l, double value, bool up)
{
    uint32_t beyond = 0;
    for (uint32_t i = 0; i < l->n; i++)
        beyond += up ? (double)l->samples[i] >= value : (double)l->samples[i] <= value;
    return beyond >= KNOWN_MIN;
}

void ax_levels_save(const struct ax_levels *l, struct ax_buf *out)
{
    ax_put_varint(out, l->n);
    ax_put_f32s(out, l->samples, l->n);
    ax_put_varint(out, l->at);
    ax_put_varint(out, l->since);
}

void ax_levels_load(struct ax_levels *l, struct ax_bytes *in)
{
    l->n = ax_get_count(in, AX_LEVELS_SAMPLES);
    ax_get_f32s_in(in, l->samples, l->n, -FLT_MAX, FLT_MAX, false);
    l->at = ax_get_count(in, AX_LEVELS_SAMPLES - 1);
    l->since = ax_get_count(in, l->every - 1);
}
