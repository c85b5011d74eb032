/* predict_request.h: the body of a request for predictions.
 *
 * A JSON object: `selectors` (strings, each a PromQL series selector), `job` (a string), of which one is
 * needed; `horizons` (strings, durations). An unknown key is an error that names the nearest. */
#ifndef AX_API_PREDICT_REQUEST_H
#define AX_API_PREDICT_REQUEST_H

#include "base/arena.h"
#include "expr/expr.h"

/* Ceilings on what a request may ask for. */
struct ax_predict_limits {
    uint32_t selectors_max, horizons_max;
};

/* One selector; the text is in the request's arena. */
struct ax_predict_selector {
    struct ax_str text;
    struct ax_expr *expr;
    struct ax_matcher *const *matchers;
    uint32_t matchers_n;
};

/* What is asked for. */
struct ax_predict_request {
    struct ax_arena arena;
    struct ax_str job; /* n 0: any */
    struct ax_predict_selector *selectors;
    uint32_t selectors_n;       /* 0: all series of the job */
    const int64_t *horizons_ms; /* in the order of the request */
    uint32_t horizons_n;        /* 0: those of each job */
};

/* Read a body. AX_INVALID, AX_LIMIT or AX_NOMEM with a text. To be ended by ax_predict_request_done() in any
 * case. */
AX_MUST_USE enum ax_err ax_predict_request_read(struct ax_str body, const struct ax_predict_limits *limits,
                                                struct ax_predict_request *out, struct ax_diag *diag);

/* Free. */
void ax_predict_request_done(struct ax_predict_request *r);

#endif
