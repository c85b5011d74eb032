/* read.h: `POST /api/v1/read`: remote-read, so that a Prometheus can draw past now.
 *
 * What is served (docs/remote-read.md): the newest forecast path of each series at the times that it is for,
 * as
 * `<output>_future`, `_lower` and `_upper`; and what models see of the past, as `model_input`. Matchers of
 * any kind, both forms of answer; hints are passed over. Every ceiling is told in a text and counted. Paths
 * are read without waiting for a step, windows wait for one at most as long as an answer may take. */
#ifndef AX_API_READ_H
#define AX_API_READ_H

#include "net/http_server.h"
#include "pipeline/paths.h"
#include "pipeline/pipeline.h"

#include <stdatomic.h>

/* Ceilings; each has a flag. */
struct ax_read_ceilings {
    uint64_t body_max; /* bytes of a request, compressed and not */
    uint32_t queries_max, matchers_max, series_max, samples_max, concurrent_max;
    int64_t duration_ms; /* of finding what is asked for */
};

/* What the route works on; outlives the server. */
struct ax_read_service {
    struct ax_paths *paths;
    struct ax_pipeline *pipeline;
    struct ax_read_ceilings ceilings;
    _Atomic uint32_t running;
};

/* The route. */
struct ax_http_route ax_read_route(struct ax_read_service *s);

#endif
