/* histogram.h: is a native histogram of a remote-write request one that a Prometheus receiver takes?
 *
 * The message is the Histogram of remote-write 1.0 and 2.0, which number its fields alike. It is read once,
 * in place: spans, buckets and bounds are added up as they pass, in any order, packed or not, and nothing is
 * allocated or kept. What is checked:
 *
 *   - schema: -4 to 8; 9 to 52, which a receiver takes at the resolution of 8; or -53, custom buckets;
 *   - spans: only the first offset may be negative; their lengths add up to the number of buckets;
 *   - buckets: no count is negative, after the deltas of an integer histogram are added up;
 *   - count of an integer histogram: the observations in all buckets and the zero bucket; it may be more
 *     when the sum is NaN, because such observations fall into no bucket. The count of a float histogram
 *     is not compared: rounding would make good ones bad;
 *   - custom buckets: no zero bucket, no negative side, no negative offset, bounds finite and strictly
 *     increasing, and enough of them (the bucket behind the last bound reaches to +Inf); no bounds
 *     elsewhere.
 *
 * count_float makes a float histogram, and then only the lists of absolute counts are looked at; otherwise
 * only the deltas. Sources: types.proto and io.prometheus.write.v2 in proto/; Histogram.Validate(),
 * FloatHistogram.Validate() and the write handler of Prometheus 3; Prometheus, "Native Histograms". Pure; any
 * thread. */
#ifndef AX_PROM_HISTOGRAM_H
#define AX_PROM_HISTOGRAM_H

#include "base/str.h"
#include "prom/sample.h"

/* Bytes of the text of a fault, its end included. */
#define AX_HISTOGRAM_FAULT_MAX 112

/* What is known of a histogram after reading it. */
struct ax_histogram {
    struct ax_sample sample;            /* its time, and its sum: the stale marker there ends the series */
    char fault[AX_HISTOGRAM_FAULT_MAX]; /* empty when it is good, else what is wrong, for the sender */
};

/* Read one message. False when it is malformed (*out is then undefined); a histogram that is well-formed and
 * wrong is true with a fault. Cost: one pass over the bytes. */
bool ax_histogram_read(struct ax_str bytes, struct ax_histogram *out);

#endif
