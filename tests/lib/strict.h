/* strict.h: a remote-write receiver with the rules of Prometheus 2.42's: the whole request is refused with
 * 400 for one sample that is older than its series' newest, or equal in time and not in all bits; one that
 * equals it is taken.
 *
 * It keeps all that it took, by series, and may be told to be away, or to fail in ways that leave the sender
 * in doubt. */
#ifndef AX_TEST_STRICT_H
#define AX_TEST_STRICT_H

#include "prom/sample.h"

#include <stdint.h>

struct strict;

/* How it answers. */
enum strict_mood {
    STRICT_WELL,
    STRICT_AWAY,    /* 503 */
    STRICT_DOUBTFUL /* one of four requests is taken and answered 500, one is not and answered 503, by a fixed
                       seed */
};

/* One series as it was received; text is that of its labels. */
struct strict_series {
    char *text;
    struct ax_sample *v;
    uint32_t n, cap;
};

/* Listen on loopback at port (0: any free one). */
struct strict *strict_start(uint16_t port);

/* Stop and free. */
void strict_stop(struct strict *s);

/* http://127.0.0.1:<port>/write. */
const char *strict_url(const struct strict *s);

/* From now on. */
void strict_be(struct strict *s, enum strict_mood mood);

/* Also refuse every request that has this series (exposition text, NULL: none), as one refuses a label. It
 * outlives the receiver. */
void strict_refuse(struct strict *s, const char *text);

/* What was counted so far: requests in all, those that broke a rule (of a sender that is still there), those
 * with two samples of one series, samples taken that were not there yet. */
struct strict_counts {
    uint32_t requests, broken, doubled;
    uint64_t samples;
};
struct strict_counts strict_counts(struct strict *s);

/* Wait until so many samples were taken; fails the test after a minute. */
void strict_await(struct strict *s, uint64_t samples);

/* A series by its text, or NULL. Not while requests come. */
const struct strict_series *strict_find(struct strict *s, const char *text);

#endif
