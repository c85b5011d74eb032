/* billing.h: the percentile by which traffic is billed, of the month so far and projected to its end. Pure.
 *
 * As providers have it: a month is cut into intervals of 5 minutes; the average of each counts; the highest 5
 * % are left out and the highest of the rest is billed. That is the 95th percentile by nearest rank: the
 * value at rank ceil(0.95 n) of n in ascending order. It is exact: the highest values of a month are kept, as
 * many as its rank can ever need (461 floats at the defaults, 1.8 KB), and the others only counted. A month
 * begins at midnight of a day of a time zone, whatever daylight saving does. An interval without a value is
 * not counted. */
#ifndef AX_PIPELINE_BILLING_H
#define AX_PIPELINE_BILLING_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/zone.h"
#include "series/window.h"

/* What the bills of a job share; outlives them. */
struct ax_billing_spec {
    double percentile;   /* 90 to 100 */
    int64_t interval_ms; /* a multiple of step_ms, or step_ms where that is longer */
    int64_t step_ms;
    int day;                    /* of the month on which one begins: 1 to 28 */
    const struct ax_zone *zone; /* NULL: UTC */
};

/* The bill of one series. */
struct ax_billing {
    int64_t from_ms, to_ms; /* the month: intervals that end in (from, to]; 0 both before the first value */
    int64_t slot_ms;        /* end of the interval that is being averaged */
    double sum;             /* of its values */
    uint32_t count;
    uint32_t slots_n; /* intervals that count */
    uint32_t kept_n;  /* the highest of them, descending */
    float projected;  /* NaN: not known */
    float kept[];     /* [ax_billing_kept()] */
};

/* How many values are kept. */
uint32_t ax_billing_kept(const struct ax_billing_spec *spec);

/* Bytes of a bill. */
uint64_t ax_billing_bytes(const struct ax_billing_spec *spec);

/* One of a series that has seen nothing; NULL when out of memory. Ended by free(). */
struct ax_billing *ax_billing_new(const struct ax_billing_spec *spec);

/* The month that holds the interval which ends at t_ms: (*from_ms, *to_ms]. */
void ax_billing_month(const struct ax_billing_spec *spec, int64_t t_ms, int64_t *from_ms, int64_t *to_ms);

/* Take the value of a step (NaN: none); steps rise. True when that ended an interval that counts. */
bool ax_billing_add(struct ax_billing *b, const struct ax_billing_spec *spec, int64_t t_ms, double value);

/* The percentile of the intervals that have ended; NaN when there is none. O(1). */
double ax_billing_value(const struct ax_billing *b, const struct ax_billing_spec *spec);

/* Share of the month's intervals that have ended by t_ms of which there is a value: 0 to 1. */
double ax_billing_observed(const struct ax_billing *b, const struct ax_billing_spec *spec, int64_t t_ms);

/* Project it to the month's end: the intervals to come are as they were a week before (as many whole days
 * before as the window has, when that is less than a week; without a whole day it is not known). Into
 * b->projected. AX_NOMEM of scratch. O(intervals of the month). */
AX_MUST_USE enum ax_err ax_billing_project(struct ax_billing *b, const struct ax_billing_spec *spec,
                                           const struct ax_window *w, struct ax_arena *scratch);

/* Append all of it. */
void ax_billing_save(const struct ax_billing *b, struct ax_buf *out);

/* Read that back into one that has seen nothing, of the same spec; what cannot be is a failure of in. */
void ax_billing_load(struct ax_billing *b, const struct ax_billing_spec *spec, struct ax_bytes *in);

#endif
