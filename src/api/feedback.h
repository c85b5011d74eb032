/* feedback.h: what people say of scores: POST, GET and DELETE /api/v1/feedback.
 *
 *   POST   {"verdict": "not_anomaly" | "missed", "series": SELECTOR, "job": NAME, "from": T, "to": T,
 *           "author": TEXT, "comment": TEXT}
 *          -> data: {"id", "jobs": [{"job", "series", "taught", "unknown", "refused", "thresholds": [...]}]}
 *   GET    ?job=NAME&after=ID&limit=N&revoked=true   -> data: {"feedback": [{"id", "verdict", ...}]}
 *   DELETE ?id=N&author=TEXT                         -> data as that of POST
 *
 * verdict and from are needed; `to` is `from` when it is not given, times are Unix seconds or RFC 3339,
 * `series` is a series or a selector (labels of the output series, `for` included, will do), and without
 * `job` every job is asked. The jobs are asked whether they can take what is said (409 when none can, or when
 * the table is full), then it is put into the table of events (registry/events.h), and then taught
 * (pipeline/lesson.h); a job that has begun anew since is taught by ax_feedback_reconcile(). Handlers run on
 * the server's threads; who waits for changes of others for 5 s reads 503. */
#ifndef AX_API_FEEDBACK_H
#define AX_API_FEEDBACK_H

#include "net/http_server.h"
#include "pipeline/pipeline.h"
#include "registry/events.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define AX_FEEDBACK_ROUTES 3

/* What the routes work on; all of it outlives the server. The first three fields are set by the owner. */
struct ax_feedback {
    struct ax_pipeline *pipeline;
    struct ax_events *events;
    struct ax_clock clock;
    pthread_mutex_t lock; /* one change at a time, so that jobs learn in the order of the table */
    pthread_t thread;     /* that reconciles */
    bool started;
    sem_t asked;
    atomic_bool wanted, ending;
};

/* Make what the routes need, without a thread. */
void ax_feedback_init(struct ax_feedback *f);

/* End it; the thread has stopped. */
void ax_feedback_done(struct ax_feedback *f);

/* Fill AX_FEEDBACK_ROUTES routes. */
void ax_feedback_routes(struct ax_feedback *f, struct ax_http_route *out);

/* Let every job know exactly what is in force: at the start, once the pipeline is current, and after a
 * reload. What cannot be taught is logged. Takes as long as the jobs need: for each lesson between two steps.
 * Thread-safe. */
void ax_feedback_reconcile(struct ax_feedback *f);

/* Begin the thread that does so when it is asked. AX_IO with a text. */
AX_MUST_USE enum ax_err ax_feedback_start(struct ax_feedback *f, struct ax_diag *diag);

/* Ask it, and do not wait. Thread-safe. */
void ax_feedback_ask(struct ax_feedback *f);

/* Let it end, after the lesson that is being taught: the pipeline outlives it. What it was asked for and has
 * not done is done by the next start. */
void ax_feedback_stop(struct ax_feedback *f);

#endif
