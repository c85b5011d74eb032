/* read_request.h: what a remote-read asks for, to and from the bytes of its (decompressed) message.
 *
 * Source: prompb/remote.proto of Prometheus; proto/remote_read.proto. Pure; any thread. */
#ifndef AX_PROM_READ_REQUEST_H
#define AX_PROM_READ_REQUEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "prom/matcher.h"

/* Forms of an answer, by their numbers on the wire. */
enum ax_read_form { AX_READ_SAMPLES, AX_READ_STREAMED };

/* What the three headers of a request and of each form of answer are, byte for byte. */
#define AX_READ_CONTENT_TYPE "application/x-protobuf"
#define AX_READ_STREAMED_CONTENT_TYPE "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
#define AX_READ_VERSION "0.1.0"

/* One matcher as text; views. */
struct ax_read_matcher {
    enum ax_match_op op;
    struct ax_str name, value;
};

/* Series that all matchers accept, samples with start_ms <= t <= end_ms. */
struct ax_read_query {
    int64_t start_ms, end_ms;
    const struct ax_read_matcher *matchers;
    uint32_t matchers_n;
};

/* A request; accepts holds the first form that Auspex knows. */
struct ax_read_request {
    const struct ax_read_query *queries;
    uint32_t queries_n;
    enum ax_read_form accepts;
};

/* Ceilings on what is taken. */
struct ax_read_limits {
    uint32_t queries_max, matchers_max; /* matchers of one query */
};

/* Append a request that accepts streamed chunks, else samples. */
void ax_read_request_write(const struct ax_read_query *queries, uint32_t n, struct ax_buf *out);

/* Read a request; arrays go into the arena, texts point into body. Hints, which only advise, are passed over.
 * A list of forms that is empty means samples. AX_INVALID with a text when the bytes are no ReadRequest, a
 * matcher's type does not exist, or no form is one that Auspex knows; AX_LIMIT above a ceiling; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_read_request_read(struct ax_str body, const struct ax_read_limits *limits,
                                             struct ax_arena *arena, struct ax_read_request *out,
                                             struct ax_diag *diag);

#endif
