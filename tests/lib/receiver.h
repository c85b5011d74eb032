/* receiver.h: an HTTP receiver that plays a script of answers and keeps what it was sent. */
#ifndef AX_TEST_RECEIVER_H
#define AX_TEST_RECEIVER_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* One answer. The last of a script is given again for every further request. */
struct answer {
    unsigned status;
    const char *header, *value; /* one header, or NULL */
    const char *body;           /* or NULL */
    bool cut;                   /* the connection ends before the body, or after a part of it */
    bool hang;                  /* no answer until receiver_release(); 503 when the receiver stops first */
};

/* A request as it came; texts are empty when a header was absent. */
struct got {
    char method[8], path[128], content_type[128], content_encoding[32], version[16], retry_attempt[16],
        authorization[128];
    char user_agent[64], expect[32], custom[64]; /* custom: X-Custom */
    struct ax_buf body;
};

struct receiver;

/* Listen on loopback at port (0: any free one) and play the script, which outlives the receiver. */
struct receiver *receiver_start(uint16_t port, const struct answer *script, uint32_t n);

/* The same over TLS, with a certificate for the name receiver.test alone (tests/data/tls); the URL still
 * says 127.0.0.1. */
struct receiver *receiver_start_tls(const struct answer *script, uint32_t n);

/* Stop listening and free, answering what hangs with 503. */
void receiver_stop(struct receiver *r);

/* Let what hangs now, or the next that would, be answered. */
void receiver_release(struct receiver *r);

/* http://127.0.0.1:<port>/write, and the port. */
const char *receiver_url(const struct receiver *r);
uint16_t receiver_port(const struct receiver *r);

/* Wait until n requests have come (up to a minute; fails the test then) and return the i-th of them. */
const struct got *receiver_wait(struct receiver *r, uint32_t n, uint32_t i);

/* How many requests have come. */
uint32_t receiver_count(struct receiver *r);

#endif
