/* rw_plain.h: the short way through a TimeSeries that is as senders write most of them: labels, then one
 * sample, and in 2.0 perhaps metadata. What is anything else, or may have a fault, goes the long way
 * (prom/rw_series.h), and comes out the same where both can be gone. For rw_decode.c alone. */
#ifndef AX_PROM_RW_PLAIN_H
#define AX_PROM_RW_PLAIN_H

#include "prom/rw_series.h"

/* Does a 1.0 series end in a sample, with labels below their ceiling before it? Then *out has it unread
 * (ax_rw_read_series()). */
bool ax_rw_plain_v1(const struct ax_rw_walk *w, struct ax_str bytes, struct ax_sample *sample,
                    struct ax_rw_series *out);

/* Is a 2.0 series plain, and without a fault? Then *out has it, read. */
bool ax_rw_plain_v2(struct ax_rw_walk *w, struct ax_str bytes, struct ax_sample *sample,
                    struct ax_rw_series *out);

#endif
