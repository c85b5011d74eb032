/* lasting.h: a pipeline with all that lasts, fed with recordings, that can be killed and started again.
 *
 * The feed is the same for the same seed: recorded series (tests/data/promql) as requests, with series that
 * begin late, end and come back, samples that come late, and a silence. What the pipelines say goes to a
 * ledger, which outlives them. */
#ifndef AX_TEST_LASTING_H
#define AX_TEST_LASTING_H

#include "app/durable.h"
#include "ledger.h"
#include "scratch.h"
#include "series/journal.h"

#define LASTING_STEP 10000
#define LASTING_START INT64_C(1700000040000) /* a multiple of two minutes */

struct lasting_sample {
    uint32_t series;
    struct ax_sample sample;
};

/* What one request brings, and when. */
struct lasting_request {
    int64_t at_ms;
    struct lasting_sample *v;
    uint32_t n;
};

/* All of it. */
struct lasting_feed {
    struct lasting_request *v;
    uint32_t n;
    struct ax_buf *keys; /* of the series */
    uint32_t series_n;
};

void lasting_feed_init(struct lasting_feed *f, uint64_t seed, bool late);
void lasting_feed_done(struct lasting_feed *f);

/* One process, as long as d is not NULL. */
struct lasting {
    const struct lasting_feed *feed;
    char folder[SCRATCH_PATH];
    struct ledger ledger;
    int64_t now_ms;
    uint64_t starts;
    uint32_t taken;      /* requests answered 2xx */
    uint64_t *taken_end; /* where the log ended then */
    struct ax_durable *d;
    struct ax_db *db;
    struct ax_training *training;   /* synchronous, with a store in the folder */
    char models[SCRATCH_PATH + 64]; /* folder of artifacts */
    struct ax_pipeline *pipeline;
    struct ax_journal journal;
};

/* The jobs that it runs. */
extern const char lasting_jobs[];

/* A first process on an empty folder. */
void lasting_init(struct lasting *l, const struct lasting_feed *feed);

/* Start a process on what is there; jobs as YAML. */
void lasting_start(struct lasting *l, const char *jobs);

/* The process is gone; nothing is saved, nothing that was put and not committed is queued. */
void lasting_kill(struct lasting *l);

/* Take a request; false when the log refuses it. */
bool lasting_send(struct lasting *l, uint32_t i);

/* Let time pass in seconds until t_ms, stepping. */
void lasting_pass(struct lasting *l, int64_t t_ms);

/* Take the requests of the feed, each at its time, until so many are taken. */
void lasting_live_to(struct lasting *l, uint32_t requests);

/* How many series its models know whose label `port` is 1. */
uint32_t lasting_modelled(struct lasting *l);

/* Free everything. */
void lasting_done(struct lasting *l);

#endif
