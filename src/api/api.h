/* api.h: the HTTP routes that show Auspex's state: metrics, health, status, the page.
 *
 *   GET  /                          the page
 *   GET  /metrics                   self-metrics, text format 0.0.4
 *   GET  /-/healthy, /-/ready       200, or 503 while starting or stopping
 *   POST /-/reload                  with --web.enable-lifecycle
 *   GET  /api/v1/status/buildinfo, /api/v1/status/config, /api/v1/status/jobs (with `training`: of each model
 *        of a job the state of its fits (pipeline/learner.h), their reason, share done and place in the
 * queue)
 *
 * JSON answers have Prometheus's envelope: {"status":"success","data":...}. Handlers run on the server's
 * threads. */
#ifndef AX_API_API_H
#define AX_API_API_H

#include "emit/emit.h"
#include "net/http_server.h"
#include "pipeline/pipeline.h"

#include <stdatomic.h>

#define AX_API_ROUTES 8

/* What the routes show; outlives the server. */
struct ax_api {
    struct ax_pipeline *pipeline;
    struct ax_db *db;
    struct ax_emit *emit; /* NULL: the page says nothing of where results go */
    atomic_bool ready;
    bool lifecycle; /* POST /-/reload is allowed */
    enum ax_err (*reload)(void *ctx, struct ax_diag *diag);
    void *reload_ctx;
    /* How far the history of a job has been read, and a text about it; false when none is. */
    bool (*history)(void *ctx, const char *job, double *share, char *text, size_t text_cap);
    void *history_ctx;
};

/* Fill AX_API_ROUTES routes. */
void ax_api_routes(struct ax_api *api, struct ax_http_route *out);

#endif
