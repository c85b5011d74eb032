/* detector.c: the life of a detector, and its step. */
#include "anomaly/detector.h"

#include "anomaly/detector_priv.h"
#include "anomaly/spec.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define ABSENT_SCORE 3.0
#define ABSENT_STEPS 3
#define ABSENT_TIMES 2
#define ENDED_STEPS 2 /* one scrape that fails is no absence */

static const char *const member_names[AX_MEMBER_IDS] = {"forecast",   "neighbours", "level",
                                                        "difference", "polynomial", "sub_pca"};

const char *ax_member_name(enum ax_member_id id)
{
    AX_ASSERT(id < AX_MEMBER_IDS);
    return member_names[id];
}

struct ax_detector *ax_detector_new(const struct ax_detector_spec *spec)
{
    const struct ax_detector_spec whole = ax_detector_spec_complete(spec);
    uint32_t n = 0;
    for (unsigned id = 0; id < AX_MEMBER_IDS; id++)
        n += whole.members >> id & 1;
    struct ax_detector *d = calloc(1, sizeof *d + n * sizeof d->views[0] +
                                          (ax_detector_has_sub_pca(&whole) ? sizeof(struct ax_sub_pca) : 0));
    if (!d)
        return NULL;
    d->spec = whole;
    for (unsigned id = 0; id < AX_MEMBER_IDS; id++) {
        if (!(whole.members >> id & 1))
            continue;
        struct ax_detector_view *v = &d->views[d->views_n++];
        v->id = (enum ax_member_id)id;
        v->now = (double)NAN;
        ax_member_init(&v->member, whole.memory_steps);
    }
    ax_member_init(&d->combined, whole.memory_steps);
    ax_spread_init(&d->spread);
    ax_depth_init(&d->depth, whole.memory_steps);
    ax_recurrences_init(&d->recurrences);
    d->before = (double)NAN;
    d->t_ms = INT64_MIN;
    d->last = ax_verdict_not_ready("no_data");
    return d;
}

void ax_detector_free(struct ax_detector *d)
{
    free(d);
}

void ax_detector_copy(struct ax_detector *to, const struct ax_detector *from)
{
    memcpy(to, from, ax_detector_bytes(from));
}

uint64_t ax_detector_bytes(const struct ax_detector *d)
{
    return sizeof *d + d->views_n * sizeof d->views[0] +
           (ax_detector_has_sub_pca(&d->spec) ? sizeof(struct ax_sub_pca) : 0);
}

void ax_detector_members(const struct ax_detector *d, double *scores)
{
    for (unsigned id = 0; id < AX_MEMBER_IDS; id++)
        scores[id] = (double)NAN;
    for (uint32_t i = 0; i < d->views_n; i++)
        scores[d->views[i].id] = d->views[i].now;
}

void ax_detector_drop(struct ax_detector *d)
{
    ax_member_drop(&d->combined);
}

/* Move to the step of this observation. */
static void pass_time(struct ax_detector *d, const struct ax_observation *o)
{
    int64_t t_ms = o->past.n ? o->past.end_ms : INT64_MIN;
    if (t_ms != INT64_MIN && d->t_ms != INT64_MIN && t_ms > d->t_ms)
        ax_marks_shift(&d->marks, (uint64_t)(t_ms - d->t_ms) / (uint64_t)o->past.step_ms);
    d->t_ms = t_ms;
    ax_marks_forget(&d->marks, ax_detector_hold_steps(d));
}

/* A step without a value that can be learnt. */
static void pass_over(struct ax_detector *d)
{
    d->before = (double)NAN;
    ax_spread_add(&d->spread, (double)NAN);
    ax_hold_gap(&d->hold, ax_detector_hold_steps(d));
}

/* A value that is not usable, and cannot be: it is abnormal by that alone, once there are verdicts. */
static void judge_unusable(struct ax_detector *d, int beyond)
{
    if (!d->last.ready || d->last.absent)
        return;
    d->last.score = d->last.least = AX_DETECTOR_RANGE_SCORE;
    d->last.unasked = false;
    d->last.direction = beyond;
    d->last.severity = ax_severity_of(d->last.score);
}

/* A step without a value: the last verdict stands, unless the absence is one by itself. */
static void gap(struct ax_detector *d, const struct ax_observation *o)
{
    if (o->past.n && !isnan(o->past.v[o->past.n - 1]))
        return; /* it has one, which is not to be learnt */
    d->gap += d->gap < UINT32_MAX;
    if (!d->spec.absence || d->seen < d->spec.warmup_steps)
        return;
    bool late = d->gap > ABSENT_STEPS && d->gap / ABSENT_TIMES > d->gap_max;
    bool gone = d->gap > o->spared && (late || (o->ended && d->gap >= ENDED_STEPS));
    bool was = d->last.absent, over = d->gap > d->spec.hold_steps;
    if (over) {
        d->last = ax_verdict_not_ready("no_data");
    } else if (was || gone) {
        d->last.score = d->last.least = ABSENT_SCORE;
        d->last.unasked = false;
        d->last.ready = true;
        d->last.reason = NULL;
        d->last.absent = true;
        d->last.direction = -1;
        d->last.severity = ax_severity_of(d->last.score);
    }
}

static void end_gap(struct ax_detector *d)
{
    if (d->gap > d->gap_max)
        d->gap_max = d->gap;
    d->gap = 0;
}

void ax_detector_step(struct ax_detector *d, const struct ax_observation *o, struct ax_verdict *out)
{
    pass_time(d, o);
    d->last.unrested = 0;
    if (!ax_detector_usable(o->value)) {
        const int beyond = ax_detector_spec_beyond(&d->spec, o->value);
        pass_over(d);
        if (beyond) {
            end_gap(d);
            judge_unusable(d, beyond);
        } else {
            gap(d, o);
        }
        *out = d->last;
        return;
    }
    end_gap(d);
    struct ax_look l = ax_detector_look(d, o);
    double combined = ax_detector_combine(d);
    bool ready = d->seen >= d->spec.warmup_steps &&
                 ax_member_ready(&d->combined, AX_DETECTOR_COMBINED_POINTS) && !isnan(combined) &&
                 ax_detector_usable(l.expected);
    if (ready) {
        ax_detector_judge(d, o, &l, combined, &d->last);
    } else {
        if (!d->last.ready || d->last.absent)
            d->last = ax_verdict_not_ready("warming_up");
        ax_spread_add(&d->spread, o->value);
    }
    ax_detector_learn(d, &l, combined);
    d->before = o->value;
    d->seen += d->seen < UINT32_MAX;
    *out = d->last;
}
