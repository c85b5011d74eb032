/* emitting.h: outgoing series on their way: an ax_emit in a folder of its own, and what its metrics say. */
#ifndef AX_TEST_EMITTING_H
#define AX_TEST_EMITTING_H

#include "emit/emit.h"
#include "scratch.h"

#define SOON_MS 30000 /* a deadline that no passing test waits for */

/* A running sender. */
struct emitting {
    struct ax_emit *emit;
    struct ax_sink sink;
    char dir[SCRATCH_PATH];
    int64_t unit_ms; /* of the last commit */
};

/* An endpoint with pauses short enough for a test, without limit of age. */
struct ax_remote_write emitting_endpoint(const char *url);

/* Start in a new folder, on the wall clock and with a queue of 1 GiB, unless options (may be NULL; endpoints
 * and dir of it are not looked at) says otherwise. */
struct emitting emitting_start(const struct ax_remote_write *endpoints, uint32_t n,
                               const struct ax_emit_options *options);

/* Stop; the folder stays. */
void emitting_halt(struct emitting *e, int64_t deadline_ms);

/* Start again in the same folder; emitting_open() what is needed. */
void emitting_resume(struct emitting *e, const struct ax_remote_write *endpoints, uint32_t n,
                     const struct ax_emit_options *options);

/* Stop and start again. */
void emitting_restart(struct emitting *e, int64_t deadline_ms, const struct ax_remote_write *endpoints,
                      uint32_t n, const struct ax_emit_options *options);

/* Stop and remove the folder. */
void emitting_stop(struct emitting *e, int64_t deadline_ms);

/* Open a series of this text. */
struct ax_out *emitting_open(const struct emitting *e, const char *text);

/* Put a sample; end a series. */
void emitting_put(const struct emitting *e, struct ax_out *out, int64_t t_ms, double value);
void emitting_end(const struct emitting *e, struct ax_out *out, int64_t t_ms);

/* Commit what was put, as the next time of a unit. */
void emitting_commit(struct emitting *e);

/* Counters of an endpoint. */
double emitting_sent(const char *url);
double emitting_dropped(const char *url, const char *reason);
double emitting_failed(const char *url, const char *status);

/* Wait until this counter or gauge is at least so much; fails the test after a minute. */
struct ax_cell;
void emitting_await(struct ax_cell *cell, double least);

/* Wait until nothing waits. */
void emitting_drain(const struct emitting *e);

#endif
