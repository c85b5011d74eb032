/* retry.h: what the answer to a remote-write request means, and how long to wait before the next try.
 *
 * Pure: time and randomness are handed in. Source: remote-write 1.0 and 2.0 specifications (retries,
 * fall-back, written headers) and Prometheus's queue_config for the pauses. */
#ifndef AX_EMIT_RETRY_H
#define AX_EMIT_RETRY_H

#include "base/rng.h"

#include <stdbool.h>
#include <stdint.h>

/* Retry-After is believed up to this. */
#define AX_RETRY_AFTER_MAX_MS (INT64_C(5) * 60 * 1000)

/* What to do with the batch. */
enum ax_verdict {
    AX_SEND_ACCEPTED,  /* done */
    AX_SEND_RETRY,     /* the same bytes again, later */
    AX_SEND_DROP,      /* refused for good: count and go on */
    AX_SEND_FALL_BACK, /* the receiver does not know 2.0: the same samples as 1.0, and 1.0 from now on */
};

/* One request and its answer. */
struct ax_answer {
    int status;              /* HTTP status; 0: no answer (refused, reset, timed out, TLS, DNS) */
    int version;             /* of the request: 1 or 2 */
    bool version2_confirmed; /* an earlier 2.0 request to this endpoint was accepted */
    int64_t samples_written; /* X-Prometheus-Remote-Write-Samples-Written; -1 when absent or no number */
    uint32_t samples_sent;
    bool retry_on_429;
};

/* Judge an answer. 2xx is accepted, except that a 2.0 request whose samples were not counted as written
 * (an older receiver answers 2xx and stores nothing) falls back, as 415 does at any time and 400 before
 * 2.0 was confirmed. No answer, 5xx, 408 and (if so configured) 429 are tried again; all else is dropped. */
enum ax_verdict ax_send_judge(const struct ax_answer *answer);

/* Pauses between tries. */
struct ax_backoff {
    int64_t min_ms, max_ms;
};

/* Milliseconds before try number attempt (1 is the first repetition): min_ms doubled each time up to
 * max_ms, spread by 10 % so that senders do not march in step, never above max_ms. A Retry-After
 * (retry_after_ms >= 0; -1 when there was none) takes its place when it is longer than min_ms, up to
 * AX_RETRY_AFTER_MAX_MS. */
int64_t ax_backoff_ms(const struct ax_backoff *b, uint32_t attempt, int64_t retry_after_ms,
                      struct ax_rng *rng);

#endif
