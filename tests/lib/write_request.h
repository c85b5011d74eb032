/* write_request.h: remote-write requests made with protobuf-c, piece by piece; labels are put in random
 * order. */
#ifndef AX_TEST_WRITE_REQUEST_H
#define AX_TEST_WRITE_REQUEST_H

#include "base/arena.h"
#include "base/rng.h"
#include "proto/remote_write_v2.pb-c.h"

#include <stdbool.h>

/* Buckets on one side of a histogram; buckets are deltas, or absolute counts in a float histogram. */
struct histogram_side {
    uint32_t spans_n, buckets_n;
    struct {
        int32_t offset;
        uint32_t length;
    } spans[3];
    int64_t buckets[6];
};

/* A native histogram in short. */
struct histogram_spec {
    bool is_float;
    int32_t schema;
    uint64_t count, zero_count;
    double zero_threshold, sum;
    struct histogram_side positive, negative;
    uint32_t bounds_n;
    double bounds[6];
    int64_t t_ms, start_ms;
};

/* The message of a spec, in the arena. */
Io__Prometheus__Write__V2__Histogram *histogram_message(const struct histogram_spec *spec,
                                                        struct ax_arena *arena);

/* A request on its way. The functions below add to the last series; texts are borrowed until it is packed. */
struct write_request {
    struct ax_arena arena;
    struct ax_rng rng;
    Io__Prometheus__Write__V2__Request message;
};

/* An empty request; the seed chooses the order of labels. Free with write_done(). */
void write_begin(struct write_request *r, uint64_t seed);

/* Free. */
void write_done(struct write_request *r);

/* Begin a series; pairs are name, value, ..., NULL. */
void write_series(struct write_request *r, const char *const *pairs);

/* Add a sample. */
void write_sample(struct write_request *r, double value, int64_t t_ms);

/* Add a histogram. */
void write_histogram(struct write_request *r, const struct histogram_spec *spec);

/* Add an exemplar; pairs as for write_series(). */
void write_exemplar(struct write_request *r, double value, int64_t t_ms, const char *const *pairs);

/* Say what the series is; NULL is none. */
void write_metadata(struct write_request *r, uint32_t type, const char *help, const char *unit);

/* Add created_timestamp as early drafts of 2.0 had it: field 6 of the series. */
void write_created(struct write_request *r, int64_t t_ms);

/* The bytes of the message in the arena, as 2.0, or the same series as 1.0. *n is their number. */
uint8_t *write_pack_v2(struct write_request *r, size_t *n);
uint8_t *write_pack_v1(struct write_request *r, size_t *n);

#endif
