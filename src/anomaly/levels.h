/* levels.h: has a series been at such a level before? A thin sample of its past tells a new level from one
 * that it often visits (a daily peak, a batch job). Owner: one thread. */
#ifndef AX_ANOMALY_LEVELS_H
#define AX_ANOMALY_LEVELS_H

#include "base/bytes.h"

#define AX_LEVELS_SAMPLES 128

/* Fields are private. */
struct ax_levels {
    float samples[AX_LEVELS_SAMPLES]; /* a ring */
    uint32_t every, since;            /* one sample in so many steps; steps since the last */
    uint32_t n, at;
};

/* One that has seen nothing and will remember about memory_steps (> 0). */
void ax_levels_init(struct ax_levels *l, uint32_t memory_steps);

/* Take in the next step's value. O(1). */
void ax_levels_add(struct ax_levels *l, double value);

/* Did the past have a tenth of the memory at least as high (up), or as low, as this value? O(samples). */
bool ax_levels_known(const struct ax_levels *l, double value, bool up);

/* Append all that it knows. */
void ax_levels_save(const struct ax_levels *l, struct ax_buf *out);

/* Read that back into one that has seen nothing, of the same memory; what cannot be is a failure of in. */
void ax_levels_load(struct ax_levels *l, struct ax_bytes *in);

#endif
