/* feed.h: what one sender reads: the samples of its lanes in the outgoing log, under the labels of its
 * endpoint.
 *
 * Reads record by record and gives samples one by one, relabelled; nothing is held but the record it stands
 * in and the keys of the series that its segment has defined so far. A sample has a position of its own: that
 * of its record plus its place in it. Samples that lie before their lane's position were sent in an earlier
 * life and are passed over. Owned by one thread. */
#ifndef AX_EMIT_FEED_H
#define AX_EMIT_FEED_H

#include "base/map.h"
#include "base/metrics.h"
#include "config/relabel.h"
#include "emit/positions.h"
#include "emit/unit.h"
#include "store/seglog.h"

/* One series as the endpoint sees it; lives until the feed enters the next segment. */
struct ax_feed_series {
    struct ax_feed_series *twin; /* another one of the same hash */
    int64_t last_ms;             /* the user's: newest sample taken; INT64_MIN at first */
    uint64_t batch;              /* the user's: the last batch that has a sample of it; 0 at first */
    uint32_t lane;
    uint32_t key_n;
    char key[]; /* prom/labels.h */
};

/* One sample. */
struct ax_feed_sample {
    struct ax_feed_series *series;
    int64_t t_ms;
    double value;
    uint64_t at;    /* its position */
    uint64_t count; /* samples in the log before it */
};

/* What comes next. */
enum ax_feed_state {
    AX_FEED_SAMPLE,
    AX_FEED_SEGMENT, /* a segment begins: the series given so far go with the next ax_feed_peek() */
    AX_FEED_END,     /* of the log, for now */
    AX_FEED_FAILED   /* the log cannot be read now; see the diag */
};

/* What a feed is made of; log and rules outlive it. */
struct ax_feed_options {
    struct ax_seglog *log;
    const struct ax_relabel *rules;
    uint32_t rules_n;
    uint32_t first_lane, lanes_n;
    const uint64_t *from; /* position of each of these lanes */
    uint64_t seed;
    const char *url;                      /* for the log of the process */
    struct ax_cell *relabelled, *damaged; /* samples that the rules drop, or that damage took; NULL: not this
                                             feed's to count */
};

/* Private but for `at` and `count`: the position of what comes next, and how many samples lie before it in
 * the log (as far as it has been read). */
struct ax_feed {
    struct ax_feed_options o;
    uint64_t skip[AX_LANES], start; /* start: the least of them */
    struct ax_seglog_reader *reader;
    uint64_t at, count;
    struct ax_seglog_record record;
    struct ax_unit unit;
    enum { AX_FEED_READ, AX_FEED_ENTER, AX_FEED_DEFINE, AX_FEED_GIVE } stage;
    bool has_sample, has_read;
    uint32_t index; /* of the next sample in its record */
    struct ax_feed_sample sample;
    struct ax_feed_series **series; /* by number */
    uint32_t series_n, series_cap;
    struct ax_map by_hash;
    struct ax_arena keys, scratch;
    struct ax_buf key;
};

/* Make a feed. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_feed_init(struct ax_feed *f, const struct ax_feed_options *options);

/* Free what it holds; zeros are fine. */
void ax_feed_done(struct ax_feed *f);

/* Look at what comes next. *out is valid until ax_feed_take(). Damage is logged and passed over. */
enum ax_feed_state ax_feed_peek(struct ax_feed *f, const struct ax_feed_sample **out, struct ax_diag *diag);

/* Go past the sample that was just seen. */
void ax_feed_take(struct ax_feed *f);

/* The lane of a key at the endpoint. */
uint32_t ax_feed_lane(struct ax_str key);

#endif
