/* roster.h: which members the forecasters of one job ask at all.
 *
 * Each refit of a series says which members had a share of weight there. Over a round of 4 refits of every
 * series, a member that had one at fewer than 2 % of them is told to rest: it costs nothing for 8 rounds,
 * then it is heard for one. Members that a series alone has no use for are its own affair (forecaster.h).
 * Owner: the thread of the forecasters. */
#ifndef AX_FORECAST_ROSTER_H
#define AX_FORECAST_ROSTER_H

#include "forecast/portfolio.h"

/* Zero-initialise. */
struct ax_roster {
    uint32_t series;             /* forecasters that share it */
    uint32_t resting;            /* members, by bit */
    uint32_t refits;             /* of this round, of series that know what their members are worth */
    uint32_t of_use[AX_MEMBERS]; /* of these, those where a member had weight */
    uint8_t rests[AX_MEMBERS];   /* rounds that it rests yet */
};

/* A refit of one series: the members, by bit, with a share of weight at some lead. */
void ax_roster_note(struct ax_roster *r, uint32_t of_use);

/* Append all but how many share it. */
void ax_roster_save(const struct ax_roster *r, struct ax_buf *out);

/* Read that back; what cannot be is a failure of in. */
void ax_roster_load(struct ax_roster *r, struct ax_bytes *in);

#endif
