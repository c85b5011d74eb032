/* rest.h: the value at which a series rests most of the time, and its moves away from it: a count of errors
 * that is 0 nearly always, a state that hardly ever changes.
 *
 * Such a series has no spread by which the size of a move could be judged: what is known is how often it
 * moves so far, and for how long. Of the first move in 300 steps nobody can say that it is one in a thousand;
 * of the first in 3,000 it may be said (the rule of succession: k before in n steps are (k + 1) / n). One
 * that lasts much longer than any before is no such move; but when the series has rested for less than 240
 * steps that may be how it is: a night that ends. Owner: one thread. */
#ifndef AX_ANOMALY_REST_H
#define AX_ANOMALY_REST_H

#include "base/bytes.h"

#define AX_REST_SIZES 24 /* octaves of distances */
#define AX_REST_LENGTH 8 /* steps of a move that is not long, whatever was before */

/* What a step is. */
enum ax_resting {
    AX_REST_NONE,    /* nothing is known: the series does not rest most of the time, it has been at rest for
                        longer, or it has moved so often that moves have a spread of their own */
    AX_REST_RETURNS, /* at rest again, since a few steps */
    AX_REST_COMMON,  /* a move as may come at more than the rate, for all that is known */
    AX_REST_YOUNG,   /* one that lasts longer than any before, of which nobody can say that it is rare */
    AX_REST_RARE     /* one that is rarer, longer or further */
};

/* Fields are private; zero-initialise. */
struct ax_rest {
    double value;               /* at which it rests */
    uint32_t steps;             /* seen, up to the memory */
    float seen, rested;         /* fading counts of steps, and of those at it */
    float moves[AX_REST_SIZES]; /* fading counts of moves that ended, by the octave of their furthest point */
    float longest;              /* steps of those, fading */
    float far;                  /* furthest point of the move that lasts */
    uint32_t lasts;             /* its steps; 0: it is at rest, */
    uint32_t back;              /* for so many steps since a move; 0: for longer */
    int32_t octave;             /* of the middle of moves */
};

/* Take in a step's value (at most 1e38): what is it, when moves are rare that come in `rate` of the steps?
 * The memory fades over memory_steps. O(AX_REST_SIZES). */
enum ax_resting ax_rest_step(struct ax_rest *r, double value, double rate, uint32_t memory_steps);

/* Append all that it knows. */
void ax_rest_save(const struct ax_rest *r, struct ax_buf *out);

/* Read that back into one that knows nothing; what cannot be is a failure of in. */
void ax_rest_load(struct ax_rest *r, struct ax_bytes *in);

#endif
