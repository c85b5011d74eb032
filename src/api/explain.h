/* explain.h: GET /api/v1/explain?series=SELECTOR[&job=NAME][&time=T][&limit=N]: why does it score so?
 *
 *   data: {"explanations": [{"metric", "job", "timestamp", "sentence", "score", "severity", "direction",
 *          "threshold", "actual", "typical": {"expected", "lower", "upper"}, "since", "until",
 *          "contributions": [{"feature", "share", "actual", "typical"}],
 *          "similar": [{"metric", "from", "to", "score", "distance"}]}]}
 *
 * Without a time the newest step is explained; of a past time the episode that it lies in, at its worst step.
 * What is not known is null. Handlers run on the server's threads. */
#ifndef AX_API_EXPLAIN_H
#define AX_API_EXPLAIN_H

#include "net/http_server.h"
#include "pipeline/pipeline.h"

/* The route; the pipeline outlives the server. */
struct ax_http_route ax_explain_route(struct ax_pipeline *p);

#endif
