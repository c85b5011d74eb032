/* conns.h: the connections of one listener: how many there are, of which addresses, and which take too long.
 *
 * A request has a total time to arrive in, from its first byte to the last of its body, however often a byte
 * comes; a TLS handshake counts as the beginning of the first request. An answer has a total time to be made
 * and taken in. A connection that is past its time is shut down, after 408 with a text where there is no TLS.
 * Time without a request is not judged here. A few connections above the ceilings are let in, so that they
 * can be told why they are not served; those above that are not accepted.
 *
 * A thread of its own looks at all connections, a few times in each read_ms and at least once a second. Any
 * thread may call; each call takes one lock and costs O(1), but opening costs O(connections). */
#ifndef AX_NET_CONNS_H
#define AX_NET_CONNS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Connections that are let in above the ceilings: in all, and of one address. */
#define AX_CONNS_SPARE 64
#define AX_CONNS_SPARE_PER_ADDRESS 8

/* Ceilings, all above 0. */
struct ax_conns_options {
    uint32_t max, per_address_max; /* an address of IPv6 is its first 64 bits */
    int64_t read_ms;               /* for a request to arrive; above the ceilings at most 5 s */
    int64_t answer_ms;             /* for its answer to be made and taken */
    bool tls;                      /* nothing can be said in plain */
};

/* All connections, and one of them. */
struct ax_conns;
struct ax_conn;

/* Which ceiling a connection is above. */
enum ax_conn_fit { AX_CONN_FITS, AX_CONN_TOO_MANY, AX_CONN_TOO_MANY_PER_ADDRESS };

/* An empty table and its thread. AX_NOMEM; AX_IO when there is no thread to be had. */
AX_MUST_USE enum ax_err ax_conns_new(const struct ax_conns_options *options, struct ax_conns **out,
                                     struct ax_diag *diag);

/* End the thread and free; no connection is open. NULL is fine. */
void ax_conns_free(struct ax_conns *t);

/* May one more of this address be accepted at all? Counts it as rejected when not. */
bool ax_conns_accept(struct ax_conns *t, const struct sockaddr *address);

/* A connection begins; fd stays open until ax_conn_close(). NULL when out of memory. */
struct ax_conn *ax_conn_open(struct ax_conns *t, int fd, const struct sockaddr *address);

/* It is about to be closed; NULL is fine. */
void ax_conn_close(struct ax_conn *c);

/* Is it above a ceiling? The same for as long as it lives. */
enum ax_conn_fit ax_conn_fit(const struct ax_conn *c);

/* Its address as a number: equal for what counts as one address. */
uint64_t ax_conn_address(const struct ax_conn *c);

/* What came so far belongs to no request (the handshake is done). */
void ax_conn_settle(struct ax_conn *c);

/* The headers of a request are there; its time runs on. False when it was cut off. */
bool ax_conn_begin(struct ax_conn *c);

/* The request is whole: the time for its answer begins. False when it was cut off. */
bool ax_conn_whole(struct ax_conn *c);

/* Can the one who asks be sent an interim answer (HTTP/1.1) at any time before the answer? */
void ax_conn_can_probe(struct ax_conn *c, bool can);

/* Has the client closed the connection, or was it cut off, while its answer is awaited? Then nobody reads
 * that. One who has only closed its own end still waits: to tell, it is sent 100 Continue once (which takes
 * 50 ms), that a client of HTTP/1.1 passes over and a closed socket resets; where that cannot be sent, a
 * client of TLS that closes its end is taken to have gone, and any other to wait. One thread at a time, while
 * the connection lives. */
bool ax_conn_gone(struct ax_conn *c);

/* The answer is gone: the time of the next request begins with its first byte. */
void ax_conn_end(struct ax_conn *c);

#endif
