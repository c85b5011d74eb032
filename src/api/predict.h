/* predict.h: `POST /api/v1/predict`: forecasts of many series on request, from the paths as they stand.
 *
 *   {"selectors": ["{instance=\"a\"}", ...], "job": "bandwidth", "horizons": ["5m", "10m"]}
 *
 * answers, in Prometheus's envelope, for each series that a selector selects its metric, whether it is ready
 * or why not, and a value with its interval, confidence and (with `classes` of the job) class for each
 * horizon; horizons between the points of a path are interpolated. Never waits for a step. Every ceiling is
 * told in a text and counted. docs/predict.md is for its users. */
#ifndef AX_API_PREDICT_H
#define AX_API_PREDICT_H

#include "net/http_server.h"
#include "pipeline/paths.h"
#include "pipeline/pipeline.h"

#include <stdatomic.h>

/* Ceilings; each has a flag. */
struct ax_predict_ceilings {
    uint64_t body_max;
    uint32_t selectors_max, horizons_max, series_max, concurrent_max;
    int64_t duration_ms; /* of finding what is asked for */
};

/* What the route works on; outlives the server. */
struct ax_predict_service {
    struct ax_paths *paths;
    struct ax_pipeline *pipeline; /* whose jobs there are */
    struct ax_predict_ceilings ceilings;
    _Atomic uint32_t running;
};

/* The route. */
struct ax_http_route ax_predict_route(struct ax_predict_service *s);

#endif
