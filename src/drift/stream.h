/* stream.h: one of the streaming detectors, chosen by name, with its state, over errors of forecasts.
 *
 * They react within tens of values where the tests between windows take hours, and are for what should be
 * steady. ADWIN's bound is that of values from 0 to 1, Page-Hinkley's thresholds are in the unit of the
 * values, and errors are of any size: those of a good forecast may double and still be small. So the
 * first AX_STREAM_LEVEL_N errors are its level, what comes then is counted in levels, AX_STREAM_LEVELS_MAX at
 * most, which is 1; after a detection there is another level to learn. Pure: random numbers of KSWIN come
 * from a generator of its own. */
#ifndef AX_DRIFT_STREAM_H
#define AX_DRIFT_STREAM_H

#include "base/rng.h"
#include "drift/adwin.h"
#include "drift/kswin.h"
#include "drift/page_hinkley.h"

#define AX_STREAM_LEVEL_N 240    /* errors */
#define AX_STREAM_LEVELS_MAX 4.0 /* more tells no more */

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
    uint32_t level_n;
    double level; /* mean of the first level_n errors */
    union {
        struct ax_adwin adwin;
        struct ax_page_hinkley page_hinkley;
        struct ax_kswin kswin;
    };
};

/* Nothing seen yet; ADWIN and KSWIN have the defaults of river, Page-Hinkley what the unit asks for. */
void ax_drift_stream_init(struct ax_drift_stream *s, enum ax_drift_stream_kind kind, uint64_t seed);

/* Take in an error, at least 0 (what is not finite is passed over): 1 when the level has risen, -1 when it
 * has fallen, else 0. */
int ax_drift_stream_update(struct ax_drift_stream *s, double error);

/* Append; read back into one of the same kind, what cannot be is a failure of in. */
void ax_drift_stream_save(const struct ax_drift_stream *s, struct ax_buf *out);
/* As above. */
void ax_drift_stream_load(struct ax_drift_stream *s, struct ax_bytes *in);

#endif
