/* receiver.h: POST /api/v1/write: remote-write 1.0 and 2.0 into the database of series.
 *
 * The answers are those of the specification: 204 when everything was taken (what no job wants, what comes
 * twice, a value of the second of several senders of a series, and our own output coming back count as
 * taken), 400 with a text when some series were refused, or samples that come too late or have another value
 * than the one that is there for their time (the others are kept) or the message is broken, 415 for another
 * type or encoding, 503 with Retry-After when memory is out or the log cannot be written: the same request
 * again heals it. With a log, what was answered 2xx is in it, a record for a request, with one write(); what
 * takes more than 16 MiB there makes several, of which the first ones last when a later one cannot be
 * written. A 2.0 request is answered with the numbers written, in every case. Native histograms are checked
 * (prom/histogram.h): a wrong one refuses its series. Nothing is allocated per sample. */
#ifndef AX_INGEST_RECEIVER_H
#define AX_INGEST_RECEIVER_H

#include "base/clock.h"
#include "ingest/negotiate.h"
#include "net/http_server.h"
#include "prom/rw_decode.h"
#include "series/db.h"
#include "store/seglog.h"

struct ax_receiver;

/* Ceilings; a field that is zero takes the default named. */
struct ax_receiver_options {
    struct ax_seglog *log; /* what is wanted is written to it before the answer; NULL: nowhere */
    struct ax_clock clock; /* for the future guard; now_ms NULL: the wall clock */
    uint64_t body_max;     /* 32 MiB: compressed; above it 413 */
    uint64_t plain_max;    /* 32 MiB: decompressed; above it 400 before memory is taken */
    int64_t future_max_ms; /* 10 min: samples further ahead of the clock are refused; < 0: never */
    uint32_t refused_max;  /* 10,000: series refused in one request; above it the rest is not looked at */
    struct ax_rw_limits limits; /* 128 labels, 4 KiB a name or value, 64 KiB all labels of a series,
                                   1,000,000 symbols, 100,000 samples of a series, 8 times plain_max
                                   for the labels of all series of a 2.0 request, spelled */
};

/* A receiver into db, which outlives it. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_receiver_new(struct ax_db *db, const struct ax_receiver_options *options,
                                        struct ax_receiver **out, struct ax_diag *diag);

/* Free it; no server may use its route any more. NULL is fine. */
void ax_receiver_free(struct ax_receiver *r);

/* Take a body of remote-write 1 or 2 and fill the answer (which starts as the server makes it): what the
 * route does once the headers are read. Thread-safe. */
void ax_receiver_take(struct ax_receiver *r, int version, enum ax_rw_encoding encoding, struct ax_str body,
                      struct ax_http_response *res);

/* Its route; valid as long as the receiver. The handler is thread-safe. */
struct ax_http_route ax_receiver_route(struct ax_receiver *r);

#endif
