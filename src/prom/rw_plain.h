/* rw_plain.h: the short way through the TimeSeries that are plain (prom/plain_series.h). What is anything
 * else, or is not known by the bytes of its labels, goes the long way (prom/rw_series.h), and comes out the
 * same where both can be gone. For rw_decode.c alone. */
#ifndef AX_PROM_RW_PLAIN_H
#define AX_PROM_RW_PLAIN_H

#include "prom/plain_series.h"
#include "prom/rw_series.h"
#include "prom/wire.h"

/* Read series of a 1.0 request one behind another while they are plain, at most AX_PLAIN_RUN: fields of the
 * outermost message. c then stands behind the last. Returns how many. */
uint32_t ax_rw_plain_v1(const struct ax_rw_walk *w, struct ax_wire *c, struct ax_plain_series *out);

/* The same for 2.0. References of metadata are symbols. */
uint32_t ax_rw_plain_v2(const struct ax_rw_walk *w, struct ax_wire *c, struct ax_plain_series *out);

/* The message that a plain series was read from. */
struct ax_str ax_rw_plain_message(int version, const struct ax_plain_series *s);

#endif
