/* backfill_plan.c: budgets in series times steps, so that a plan does not hang on the speed of a machine. */
#include "ingest/backfill_plan.h"

#include "pipeline/schedule.h"

#define EVALUATIONS 5e6 /* far history: about 10 s of a core */
#define LESSONS 2e5     /* steps of series from which models learn: about 15 s of a core, */
#define LESSONS_PART 2  /* but never fewer steps than the fine window has divided by this */
#define PORTION_SAMPLES 1e6
#define PORTION_MAX_MS (24 * 3600000LL)
#define LESSON_COST 20.0 /* of a step from which models learn, in steps that are only looked at */

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How often far history is looked at within one coarse point. */
static int64_t looks(const struct ax_backfill_need *n, int64_t points, double series)
{
    int64_t most = max64(n->coarse_ms / n->step_ms, 1);
    double many = EVALUATIONS / (series * (double)max64(points, 1));
    return many < 1 ? 1 : many > (double)most ? most : (int64_t)many;
}

struct ax_backfill_plan ax_backfill_plan_make(const struct ax_backfill_need *n)
{
    double series = n->series ? n->series : 1;
    int64_t fine_ms = (int64_t)n->fine_n * n->step_ms, coarse_ms = (int64_t)n->coarse_n * n->coarse_ms;
    int64_t span_ms = min64(n->backfill_ms, max64(coarse_ms, 2 * fine_ms));
    double lessons = LESSONS / series, least = (double)n->fine_n / LESSONS_PART;
    double learn_ms = (lessons > least ? lessons : least) * (double)n->step_ms;
    struct ax_backfill_plan p = {.step_ms = n->step_ms};
    /* Coarse points begin whole. */
    p.begin_ms = ax_schedule_floor(n->end_ms - span_ms, n->coarse_ms);
    p.learn_ms = learn_ms < (double)(n->end_ms - p.begin_ms)
                     ? ax_schedule_floor(n->end_ms - (int64_t)learn_ms, n->step_ms)
                     : p.begin_ms;
    p.dense_ms = max64(p.learn_ms - fine_ms, p.begin_ms);
    p.stride_ms = n->coarse_ms / looks(n, (p.dense_ms - p.begin_ms) / n->coarse_ms, series);
    double portion_ms = n->samples_per_s > 0 ? PORTION_SAMPLES / n->samples_per_s * 1000 : PORTION_MAX_MS;
    p.portion_ms = portion_ms < PORTION_MAX_MS ? (int64_t)portion_ms : PORTION_MAX_MS;
    p.portion_ms = max64(ax_schedule_floor(p.portion_ms, n->coarse_ms), n->coarse_ms);
    return p;
}

int64_t ax_backfill_next(const struct ax_backfill_plan *p, int64_t t_ms)
{
    int64_t next = ax_schedule_floor(t_ms, p->step_ms) + p->step_ms;
    int64_t dense = ax_schedule_floor(p->dense_ms, p->step_ms) + p->step_ms;
    /* The last step that is not after the end of the stride, so that it falls into the same coarse point. */
    int64_t far = ax_schedule_floor(ax_schedule_floor(next - 1, p->stride_ms) + p->stride_ms, p->step_ms);
    if (far > dense)
        far = dense;
    return far < next ? next : far;
}

double ax_backfill_share(const struct ax_backfill_plan *p, int64_t t_ms, int64_t end_ms)
{
    const struct {
        int64_t from, to;
        double cost;
    } parts[] = {{p->begin_ms, p->dense_ms, (double)p->step_ms / (double)p->stride_ms},
                 {p->dense_ms, p->learn_ms, 1},
                 {p->learn_ms, end_ms, LESSON_COST}};
    double done = 0, all = 0;
    for (int i = 0; i < 3; i++) {
        if (parts[i].to <= parts[i].from)
            continue;
        int64_t reached = min64(max64(t_ms, parts[i].from), parts[i].to);
        all += (double)(parts[i].to - parts[i].from) * parts[i].cost;
        done += (double)(reached - parts[i].from) * parts[i].cost;
    }
    return all > 0 ? done / all : 1;
}
