/* missed.h: how many of the newest 2,000 outcomes of a lead were outside their interval, by spans of 40. */
#ifndef AX_FORECAST_MISSED_H
#define AX_FORECAST_MISSED_H

#include "base/bytes.h"

#define AX_MISSED_SPANS 50
#define AX_MISSED_SPAN 40

/* Zero-initialise. */
struct ax_missed {
    uint8_t newest, spans, heard;     /* which span is the newest, how many there are, outcomes in that one */
    uint8_t by_span[AX_MISSED_SPANS]; /* a ring */
};

/* Take in an outcome. O(1). */
void ax_missed_add(struct ax_missed *m, bool missed);

/* By how many misses the intervals to come should be behind the share that is allowed, so that every run of
 * 2,000 outcomes that begins in what was heard and ends in what comes is as near to it as can be: the middle
 * between the most and the least misses beyond it over any of the newest stretches that will still be in such
 * a run when, `lead` outcomes from now, the forecast that is made now comes due. Those that are on their way
 * till then are expected to have `coming` misses beyond it. So what is about to fall out of the 2,000 is not
 * repaid, nor is a burst repaid so far that its end leaves too few. O(spans). */
double ax_missed_owed(const struct ax_missed *m, uint32_t lead, double allowed, double coming);

/* Append all of it. */
void ax_missed_save(const struct ax_missed *m, struct ax_buf *out);

/* Read that back; what cannot be is a failure of in. */
void ax_missed_load(struct ax_missed *m, struct ax_bytes *in);

#endif
