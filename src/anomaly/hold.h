/* hold.h: keeps a score up while an abnormality lasts, although the forecast has long followed it.
 *
 * At the onset the expected value and the band around it are frozen. From then on a value is judged by
 * them; the band grows with time as far as the series is known to wander by itself (spread.h), so that a
 * random walk is not held at a level that it left for good. It ends when values are back for 8 steps, or
 * after steps_max: a level that stays so long is accepted as normal. A score that comes and goes (variance
 * has grown) stays up between values outside when it has come twice within 8 steps. Owner: one thread. */
#ifndef AX_ANOMALY_HOLD_H
#define AX_ANOMALY_HOLD_H

#include "base/bytes.h"

/* Zero-initialised: nothing is held. Fields are private but for age (0: nothing is held). */
struct ax_hold {
    double low, high;    /* frozen at the onset: what was normal before, */
    double below, above; /* and how far outside of that a value had to be */
    double score;        /* the last one above 1 */
    uint32_t age;        /* steps since the onset, from 1 */
    uint8_t calm;        /* values in succession that were inside */
    uint8_t recent;      /* a bit for each of the last 8 values: was it outside? */
    int direction;       /* of the last value outside */
};

/* Start: score > 1; below, above > 0. expected may come from a forecast that an outlier misled, so normal
 * is all between it and `usual`, a robust level of the values before. */
void ax_hold_start(struct ax_hold *h, double expected, double usual, double below, double above, double value,
                   double score);
/* A value at a step of a hold. */
struct ax_hold_value {
    double value;
    double growth; /* >= 1: how far the frozen band has grown */
    double now;    /* the score against this step's forecast; a value inside either band is normal */
    double depth;  /* above 1: it has fallen as values rarely do: outside, however far the band reaches */
    bool familiar; /* it and those before it are like the past: inside, wherever the band is */
    uint32_t steps_max;
};

/* One step further. May end the hold (age 0). Returns the score; *outside tells whether this value itself
 * is outside of the frozen band. */
double ax_hold_step(struct ax_hold *h, const struct ax_hold_value *v, bool *outside);

/* A step without a value: time passes. */
void ax_hold_gap(struct ax_hold *h, uint32_t steps_max);

/* Append what is held. */
void ax_hold_save(const struct ax_hold *h, struct ax_buf *out);

/* Read that back into one that holds nothing; what cannot be is a failure of in. */
void ax_hold_load(struct ax_hold *h, uint32_t steps_max, struct ax_bytes *in);

#endif
