/* scale.h: the unit of a stream of distances: near their mean over the whole memory, which no outlier moves
 * much. It stays as it is until it is off by more than twofold and then moves by whole octaves, by which a
 * histogram of scores can be moved along (ax_tail_shift() of anomaly/tail.h): levels that were learnt in the
 * old unit are as high in the new one. Owner: one thread. */
#ifndef AX_ANOMALY_SCALE_H
#define AX_ANOMALY_SCALE_H

#include "base/bytes.h"

#define AX_SCALE_FIRST 8

/* Zero-initialised: nothing was seen. Fields are private. */
struct ax_scale {
    float mean;
    float unit;                  /* 0 while all distances were */
    float first[AX_SCALE_FIRST]; /* the first distances set the mean together, by their median */
    uint32_t seen;               /* distances, saturating */
};

/* Take in a distance (>= 0, finite). Returns by how many octaves the unit has grown. */
int ax_scale_learn(struct ax_scale *s, double distance, uint32_t memory_steps);

/* Is there a mean? */
bool ax_scale_ready(const struct ax_scale *s);

/* The unit, and `least` at least. */
double ax_scale_unit(const struct ax_scale *s, double least);

/* The mean, and `least` at least. */
double ax_scale_mean(const struct ax_scale *s, double least);

/* Append all that it knows. */
void ax_scale_save(const struct ax_scale *s, struct ax_buf *out);

/* Read that back into one that has seen nothing; what cannot be is a failure of in. */
void ax_scale_load(struct ax_scale *s, struct ax_bytes *in);

#endif
