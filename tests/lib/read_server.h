/* read_server.h: an endpoint that has the past of some series, and answers remote-read with it: for tests of
 * who reads. */
#ifndef AX_TEST_READ_SERVER_H
#define AX_TEST_READ_SERVER_H

#include "prom/sample.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct read_server;

/* How it answers; may be changed at any time. */
struct read_server_manner {
    atomic_bool samples;         /* not streamed, whatever is asked for */
    atomic_bool nonsense;        /* 200 with bytes that are none */
    atomic_bool hang;            /* not at all, until read_server_stop() or it is taken back */
    atomic_int status;           /* this instead of an answer; 0: none */
    _Atomic int64_t span_max_ms; /* 400 above; 0: any */
};

/* Listen on loopback, with no series. */
struct read_server *read_server_start(void);

/* Stop and free. */
void read_server_stop(struct read_server *s);

/* http://127.0.0.1:<port>/api/v1/read */
const char *read_server_url(const struct read_server *s);

/* Its manner. */
struct read_server_manner *read_server_manner(struct read_server *s);

/* Add a sample of a series in exposition text; those of a series in time order. */
void read_server_add(struct read_server *s, const char *series, int64_t t_ms, double value);

/* Requests so far, and the longest span of a query among them. */
uint32_t read_server_requests(struct read_server *s);
int64_t read_server_longest_ms(struct read_server *s);

#endif
