/* received.h: the samples in the remote-write requests that a receiver kept. */
#ifndef AX_TEST_RECEIVED_H
#define AX_TEST_RECEIVED_H

#include "prom/sample.h"
#include "receiver.h"

/* One sample; series is in exposition text. */
struct received_sample {
    char series[200];
    struct ax_sample sample;
};

/* All samples of one request, in its order; free with received_done(). */
struct received {
    struct received_sample *v;
    uint32_t n;
};

/* Decompress and decode a request, in the version that its headers say (checked too); fails the test when
 * it is not well-formed. */
struct received received_read(const struct got *request);

/* Free. */
void received_done(struct received *r);

#endif
