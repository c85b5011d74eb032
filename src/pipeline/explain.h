/* explain.h: why a series or entity scores as it does: what was expected, what made the score, and what was
 * like it.
 */
#ifndef AX_PIPELINE_EXPLAIN_H
#define AX_PIPELINE_EXPLAIN_H

#include "anomaly/episodes.h"
#include "pipeline/pipeline.h"

#define AX_SIMILAR 3

/* A feature that made an entity's score: its value at the step that is told of (of an older one than steps
 * are kept for the mean of 5 minutes), and what is typical: what was forecast for the newest step, else the
 * median and the middle nine tenths of up to 240 values before the episode. NaN for what is not known (any
 * more). */
struct ax_explained_part {
    struct ax_str feature;
    bool absent;
    double share, value, expected, lower, upper;
};

/* What is known of one series at a time; views, valid while the visitor runs. */
struct ax_explained {
    struct ax_str job;
    int64_t step_ms; /* of it */
    const struct ax_labels *labels;
    int64_t t_ms;       /* of the step that the numbers are of */
    const char *reason; /* there was no score at that time, and nothing else counts: "warming_up", or
                           "no_data" when it has been absent for too long; NULL: there was one */
    bool absent;        /* its absence is what is abnormal, or it is still absent without a score */
    int64_t absent_ms;  /* of one that is absent: since when */
    double score;       /* NaN: nothing is kept of that time but that it was at most score_most */
    double score_most;
    double threshold; /* what people taught (anomaly/taught.h); 1 otherwise */
    int direction;
    double value, expected, lower, upper; /* value NaN: an entity's, or absent */
    const struct ax_episode *episode;     /* that the time lies in; NULL: it is not abnormal */
    uint32_t parts_n;
    struct ax_explained_part parts[AX_EPISODE_PARTS];
    uint32_t similar_n; /* episodes of this and other series of the job that were over before it, the nearest
                           first: what siblings do in the same incident is no precedent */
    struct {
        const struct ax_labels *labels;
        const struct ax_episode *episode;
        double distance;
    } similar[AX_SIMILAR];
};

/* Sees one; must not call back. False: no more is wanted. */
typedef bool ax_explain_visit(void *ctx, const struct ax_explained *e);

/* Which, and when. */
struct ax_explain_query {
    struct ax_str job, selector; /* either may be empty (pipeline/chooser.h) */
    int64_t t_ms;                /* INT64_MIN: the newest step */
    uint32_t limit;              /* series */
};

/* Explain the series that are meant, in the order of jobs and series. AX_NOTFOUND: there is none that is
 * scored, or of that time nothing is known; AX_LIMIT: what is known of them takes more than 256 MiB;
 * AX_INVALID, AX_NOMEM, AX_CANCELLED (by the visitor); with a text. Waits for a step that is running; steps
 * wait while what is known is copied, O(series of the jobs), and not while the selector is matched, nor while
 * episodes are compared, O(series told of * episodes), nor for the visitor. Thread-safe. */
AX_MUST_USE enum ax_err ax_pipeline_explain(struct ax_pipeline *p, const struct ax_explain_query *query,
                                            ax_explain_visit *visit, void *ctx, struct ax_diag *diag);

#endif
