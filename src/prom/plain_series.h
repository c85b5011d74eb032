/* plain_series.h: a TimeSeries as senders write most of them: labels, then one sample, and in 2.0 perhaps
 * metadata. Its labels are bytes that nobody has read: right when they are known as the labels of a series,
 * for then the message can be read in no other way. */
#ifndef AX_PROM_PLAIN_SERIES_H
#define AX_PROM_PLAIN_SERIES_H

#include "prom/sample.h"

#include <stdbool.h>

/* Plain series that go together at most: a set of them has room in a uint32_t. */
#define AX_PLAIN_RUN 32u

/* One of them; points into its request. */
struct ax_plain_series {
    struct ax_sample sample;
    const uint8_t *labels; /* 1.0: the key (prom/labels.h), perhaps; 2.0: labels_refs, packed, perhaps. At
                              least AX_PLAIN_BEHIND more bytes may be read behind them */
    uint32_t labels_n;
    uint16_t rest_n;   /* bytes of the message behind the labels */
    bool has_metadata; /* 2.0: a non-empty Metadata message */
};

#define AX_PLAIN_BEHIND 18u

#endif
