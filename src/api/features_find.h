/* features_find.h: the pasts of the series that a request about features means, copied between two steps; for
 * features.c.
 *
 * Copies, so that no step waits while vectors are made of them. One thread. */
#ifndef AX_API_FEATURES_FIND_H
#define AX_API_FEATURES_FIND_H

#include "net/http_server.h"
#include "pipeline/chooser.h"
#include "pipeline/pipeline.h"

#define AX_FEATURES_SELECTORS_MAX 16

/* Which series, and how much of their pasts. */
struct ax_features_query {
    struct ax_str job;                              /* empty: all of them */
    struct ax_str match[AX_FEATURES_SELECTORS_MAX]; /* any of these (pipeline/chooser.h); none: all series */
    uint32_t match_n;
    uint32_t series_max;
    uint64_t bytes_max; /* of all copies */
};

/* One series of a job, or one feature of an entity: what its models see of it. All of it is in the arena. */
struct ax_feature_series {
    struct ax_labels labels;
    struct ax_str job, feature; /* feature is empty for the job's expression */
    struct ax_view past;        /* ends with the newest step */
    uint32_t first;             /* of its steps, that has all the past that its vector was made of then */
};

/* What was found, in the order of jobs, their features, and when the series came up. */
struct ax_features_found {
    struct ax_feature_series *v;
    uint32_t n;
    bool more; /* there were more than series_max */
    struct ax_arena arena;
};

/* Search, for the one who asks. AX_INVALID: a selector; AX_NOTFOUND: no such job; AX_LIMIT: too many bytes;
 * AX_BUSY: a step has not ended within 5 s, or the selectors take longer than 1 s; AX_CANCELLED: who asks has
 * gone; AX_NOMEM; with a text. Steps wait while labels and pasts are copied, and not while selectors are
 * matched. To be ended by ax_features_found_done() in any case. */
AX_MUST_USE enum ax_err ax_features_find(struct ax_pipeline *p, const struct ax_features_query *q,
                                         const struct ax_http_request *from, struct ax_features_found *out,
                                         struct ax_diag *diag);

/* Free. */
void ax_features_found_done(struct ax_features_found *f);

#endif
