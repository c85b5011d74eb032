/* backfill_plan.h: which steps of the past a job is rehearsed at, and in what portions history is read
 * (pure).
 *
 * Far history only fills the coarse windows: it is looked at several times within each of their points, as
 * often as a budget allows. Then come as many steps as the fine window has, all of them, into the windows
 * alone; and at last the steps from which models learn, with whole windows before them. */
#ifndef AX_INGEST_BACKFILL_PLAN_H
#define AX_INGEST_BACKFILL_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* What a plan is made for. */
struct ax_backfill_need {
    int64_t end_ms; /* newest step of the history */
    int64_t step_ms, coarse_ms;
    uint32_t fine_n, coarse_n;
    int64_t backfill_ms;  /* how much there may be */
    uint32_t series;      /* that are modelled, about */
    double samples_per_s; /* of all series that are read, about */
};

/* Steps are taken after begin_ms: every stride_ms to dense_ms, then all; models learn after learn_ms. */
struct ax_backfill_plan {
    int64_t step_ms, begin_ms, dense_ms, learn_ms, stride_ms;
    int64_t portion_ms; /* of history, read at once */
};

/* Make a plan. */
struct ax_backfill_plan ax_backfill_plan_make(const struct ax_backfill_need *need);

/* The step after t_ms, itself a step or the beginning. */
int64_t ax_backfill_next(const struct ax_backfill_plan *p, int64_t t_ms);

/* Share of the work that is done when all steps to t_ms are taken, of those to end_ms: 0 to 1. */
double ax_backfill_share(const struct ax_backfill_plan *p, int64_t t_ms, int64_t end_ms);

#endif
