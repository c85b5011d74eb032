/* histogram.h: is a native histogram of a remote-write request one that a Prometheus receiver takes?
 *
 * The message is the Histogram of remote-write 1.0 and 2.0, which number its fields alike. It is read once,
 * in place: spans, buckets and bounds are added up as they pass, in any order, packed or not, and nothing is
 * allocated or kept. A good one is kept as it came, and read into a value (prom/float_histogram.h) when an
 * expression needs it. What is checked:
 *
 *   - schema: -4 to 8; 9 to 52, which a receiver takes at the resolution of 8; or -53, custom buckets;
 *   - spans: only the first offset may be negative; their lengths add up to the number of buckets;
 *   - buckets: no count is negative, after the deltas of an integer histogram are added up;
 *   - count of an integer histogram: the observations in all buckets and the zero bucket; it may be more
 *     when the sum is NaN, because such observations fall into no bucket. The count of a float histogram
 *     is not compared: rounding would make good ones bad;
 *   - the threshold of the zero bucket: 0 or more;
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

#include "base/buf.h"
#include "prom/sample.h"

/* Bytes of the text of a fault, its end included. */
#define AX_HISTOGRAM_FAULT_MAX 112

/* A native histogram on its way to its series. */
struct ax_histogram_sample {
    int64_t t_ms;
    int64_t start_ms;      /* when its counter began; 0: not known */
    struct ax_str message; /* borrowed */
    bool ended;            /* its sum is the stale marker: it ends the series */
};

/* What is known of a histogram after reading it. */
struct ax_histogram {
    struct ax_histogram_sample sample;
    char fault[AX_HISTOGRAM_FAULT_MAX]; /* empty when it is good, else what is wrong, for the sender */
};

/* Read one message. False when it is malformed (*out is then undefined); a histogram that is well-formed and
 * wrong is true with a fault. Cost: one pass over the bytes. */
bool ax_histogram_read(struct ax_str bytes, struct ax_histogram *out);

/* Append a histogram of nothing with the buckets of a good one, at another time: what its counter was when it
 * began. It says of itself that the counter was reset. At most twice the bytes of the good one and 32 more.
 */
void ax_histogram_zero(struct ax_str message, int64_t t_ms, struct ax_buf *out);

#endif
