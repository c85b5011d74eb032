/* endpoint.h: a remote-write receiver over a real server on loopback, on a virtual clock, that wants every
 * series; and requests sent to it. There is one for each test program. */
#ifndef AX_TEST_ENDPOINT_H
#define AX_TEST_ENDPOINT_H

#include "ingest/receiver.h"
#include "write_client.h"
#include "write_request.h"

#define V1_TYPE "Content-Type: application/x-protobuf"
#define V2_TYPE "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request"
#define SNAPPY "Content-Encoding: snappy"
#define V2_VERSION "X-Prometheus-Remote-Write-Version: 2.0.0"
#define NOW_MS 1700000000000
#define MINUTE_MS 60000
#define HOUR_MS 3600000
#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_PAIRS ((const char *const[]){NULL})

/* What the tests of a program work on. */
struct endpoint {
    struct ax_seglog *log; /* of what comes in; NULL: there is none. The test's, set before the start */
    struct ax_db *db;
    struct ax_receiver *receiver;
    int selector;             /* of all series */
    int64_t now_ms;           /* what the clock says; NOW_MS at first */
    struct write_request req; /* the next request */
    char url[64];
    char body[1u << 18];
};

extern struct endpoint endpoint;

/* Start it over a database made with these options (a clock is the virtual one). 0 as cmocka's set-up. */
int endpoint_start(const struct ax_db_options *options);

/* Stop and free everything. 0. */
int endpoint_stop(void);

/* The request so far as a body of one version, snappy; the next request is empty again. */
struct ax_str endpoint_compress(int version);

/* Send the request so far. */
struct write_answer endpoint_send(int version);

/* Send as 2.0; fail unless status and written headers are these. */
void expect_v2(long status, int samples, int histograms, int exemplars);

/* Send as 1.0, which never has written headers; fail unless the status is this. */
void expect_v1(long status);

/* A name that no other series of the tests has; valid until the next call. */
const char *fresh(void);

/* Samples kept of the one series with this name, oldest first, at most 8. */
uint32_t kept(const char *name, struct ax_sample out[8]);

#endif
