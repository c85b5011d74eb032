/* stream.h: one of the streaming detectors, chosen by name, with its state.
 *
 * They react within tens of values where the tests between windows take hours, and are for a stream that
 * should be steady: the error of forecasts. Pure: random numbers of KSWIN come from a generator of its own.
 */
#ifndef AX_DRIFT_STREAM_H
#define AX_DRIFT_STREAM_H

#include "base/rng.h"
#include "drift/adwin.h"
#include "drift/kswin.h"
#include "drift/page_hinkley.h"

/* Which one. */
enum ax_drift_stream_kind {
    AX_STREAM_NONE,
    AX_STREAM_ADWIN,
    AX_STREAM_PAGE_HINKLEY,
    AX_STREAM_KSWIN,
    AX_STREAMS
};

/* A detector; begin with ax_drift_stream_init(). */
struct ax_drift_stream {
    enum ax_drift_stream_kind kind;
    struct ax_rng rng;
    union {
        struct ax_adwin adwin;
        struct ax_page_hinkley page_hinkley;
        struct ax_kswin kswin;
    };
};

/* Nothing seen yet; thresholds are the defaults of each. */
void ax_drift_stream_init(struct ax_drift_stream *s, enum ax_drift_stream_kind kind, uint64_t seed);

/* Take in a value (what is not finite is passed over): 1 when the level has risen, -1 when it has fallen,
 * else 0. */
int ax_drift_stream_update(struct ax_drift_stream *s, double x);

/* Append; read back into one of the same kind, what cannot be is a failure of in. */
void ax_drift_stream_save(const struct ax_drift_stream *s, struct ax_buf *out);
/* As above. */
void ax_drift_stream_load(struct ax_drift_stream *s, struct ax_bytes *in);

#endif
