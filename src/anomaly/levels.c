/* levels.c: every so many steps a value is kept. */
#include "anomaly/levels.h"

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
