/* pending.h: the forecasts of one lead that wait for their actual, compactly.
 *
 * A step's slot holds the combination's mean as it is, the distances to its bounds in 16 bits (rounded
 * outwards by less than 0.4 %), the local scale in 16 bits, and what each member said in 8 bits: its distance
 * from the mean in local scales, within 3.2 %, up to 90 of them. At leads above AX_WORDS_MAX what the members
 * said is kept at every few steps only, because forecasts that overlap so much tell the same; above
 * AX_PENDING_NEAR all is, together with the last value, which the fine window may have forgotten by then. */
#ifndef AX_FORECAST_PENDING_H
#define AX_FORECAST_PENDING_H

#include "forecast/portfolio.h"

#define AX_WORDS_MAX 24
#define AX_PENDING_NEAR 512
#define AX_PENDING_FAR_SLOTS 256

/* One block of memory, owned: ax_pending_done() frees it. */
struct ax_pending {
    uint16_t slots;                   /* forecasts that wait, */
    uint16_t words_every, word_slots; /* and members' words at every so many of these: */
    uint16_t words_n;                 /* one of each, and one of all together */
    uint32_t members;                 /* whose words wait, by bit */
    uint32_t stride; /* between the steps whose forecasts wait; above 1 when the lead is far */
    float *mean;     /* [slots], and behind them, as pending.c says, all else that waits */
};

/* A forecast that waits, or has waited. */
struct ax_waiting {
    double mean, lower, upper;
    double scale;   /* of errors at this lead, when it was made */
    double last;    /* the last value then; NaN when it was not kept */
    uint32_t heard; /* steps between forecasts whose members' words are kept, when this one's were; else 0 */
    double pred[AX_MEMBERS]; /* NaN: said nothing; infinite: not finite */
    double together; /* the weighted mean of them, heard as they are; mean may lean to the last value */
};

/* Room for the forecasts at a lead, by these members (a bit each); false when out of memory. */
bool ax_pending_init(struct ax_pending *p, uint32_t lead, uint32_t members);

/* Free it; fine also when it was never made. */
void ax_pending_done(struct ax_pending *p);

/* Bytes of its block. */
size_t ax_pending_bytes(const struct ax_pending *p);

/* Let the forecast made at step number `step` wait; a step that is not among those kept is passed over. */
void ax_pending_put(struct ax_pending *p, int64_t step, const struct ax_waiting *w);

/* Take the forecast made at that step; false when there is none. It waits no more. */
bool ax_pending_take(struct ax_pending *p, int64_t step, struct ax_waiting *out);

/* The mean and the bounds of what waits there; false when there is nothing. */
bool ax_pending_peek(const struct ax_pending *p, int64_t step, struct ax_waiting *out);

/* Forget what waits in that step's place. */
void ax_pending_forget(struct ax_pending *p, int64_t step);

/* Append all that waits. */
void ax_pending_save(const struct ax_pending *p, struct ax_buf *out);

/* Read that back; what cannot be is a failure of in. */
void ax_pending_load(struct ax_pending *p, struct ax_bytes *in);

#endif
