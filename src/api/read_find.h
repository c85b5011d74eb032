/* read_find.h: the series that a remote-read asks for; for read.c.
 *
 * First the labels of what there may be are compared with the matchers, then the values of what is left are
 * copied, so that no matcher, however slow, holds up the pipeline. One thread. */
#ifndef AX_API_READ_FIND_H
#define AX_API_READ_FIND_H

#include "api/read.h"
#include "prom/read_request.h"

/* A series that was found, with the points that the query's times hold or touch; all in the arena. Point i is
 * at start_ms + leads[i] * step_ms, or + i * step_ms when leads is NULL. NaN and what is not finite is a gap.
 */
struct ax_found {
    uint32_t query;
    struct ax_labels labels;
    const float *v;
    const uint32_t *leads;
    uint32_t n;
    int64_t start_ms, step_ms;
};

/* One request on its way; zero-initialise all but service, from, request, arena and deadline_ns. */
struct ax_read_find {
    struct ax_read_service *service;
    const struct ax_http_request *from;
    const struct ax_read_request *request;
    struct ax_arena *arena;
    int64_t deadline_ns;           /* monotonic */
    struct ax_matcher ***matchers; /* [query][matcher] */
    struct ax_found *v;            /* malloc'ed; by query and labels when it is done */
    uint32_t n, cap;
    uint64_t samples; /* that the answer has */
    uint32_t looked;
    uint64_t steps; /* of matching since the last look */
    enum ax_err err;
    const char *reason; /* of the failure, for a counter */
    struct ax_diag *diag;
};

/* Find everything. AX_INVALID (a matcher), AX_LIMIT (series, samples), AX_BUSY (time), AX_NOMEM,
 * AX_CANCELLED; each with a text and a reason. */
AX_MUST_USE enum ax_err ax_read_find(struct ax_read_find *f);

/* Free what it holds beside the arena. */
void ax_read_find_done(struct ax_read_find *f);

/* The samples of a found series within its query's times, oldest first, into out (NULL: just count them).
 * Between points of a path that are far apart more are put on the straight line, because PromQL looks back
 * for 5 min only. */
uint32_t ax_found_samples(const struct ax_found *s, const struct ax_read_query *q, struct ax_sample *out);

#endif
