/* learner.c: when a fit is due, and what becomes of one that is over. */
#include "pipeline/learner.h"

#include "base/log.h"
#include "base/metrics.h"

#include <string.h>

#define LOOK_STEPS                                                                                           \
    16 /* fits begin at steps of which the number is a multiple of it, and so after a restart too */
#define RETRY_MS 600000   /* after a fit that failed; doubles each time, */
#define RETRY_DOUBLINGS 8 /* so often at most */

void ax_learner_init(struct ax_learner *l, const struct ax_learner_spec *spec)
{
    *l = (struct ax_learner){.spec = *spec,
                             .asked_ms = INT64_MIN,
                             .look_ms = INT64_MIN,
                             .newest_ms = INT64_MIN,
                             .rolled_back_ms = INT64_MIN};
}

void ax_learner_done(struct ax_learner *l)
{
    ax_fit_drop(l->fit);
    ax_generation_free(l->fresh);
    ax_generation_free(l->next.live);
    ax_generation_free(l->next.shadow);
    ax_generation_free(l->next.baseline);
    ax_generation_free(l->live);
    ax_generation_free(l->shadow);
    ax_generation_free(l->baseline);
    ax_trial_done(&l->trial);
    l->fit = NULL;
    l->fresh = l->live = l->shadow = l->baseline = NULL;
    l->next = (struct ax_learner_next){.any = false};
}

static void failed(struct ax_learner *l, int64_t t_ms)
{
    l->look_ms = t_ms + ((int64_t)RETRY_MS << l->failures);
    if (l->failures < RETRY_DOUBLINGS)
        l->failures++;
}

/* Up to when the newest fit learnt, in this process or before: it may be newer than what serves, for a
 * rollback may have returned to that. */
static int64_t newest_ms(const struct ax_learner *l)
{
    return l->live && l->live->scores.until_ms > l->newest_ms ? l->live->scores.until_ms : l->newest_ms;
}

/* When the next fit is due: so long after the newest one; sooner when what serves had learnt from less time.
 */
static int64_t due_ms(const struct ax_learner *l)
{
    const int64_t newest = newest_ms(l);
    int64_t wait_ms = l->spec.every_ms;
    if (l->live && l->live->scores.until_ms - l->live->scores.from_ms < wait_ms)
        wait_ms = l->live->scores.until_ms - l->live->scores.from_ms;
    return newest == INT64_MIN ? INT64_MIN : newest + wait_ms;
}

/* Has it rested so long since the newest fit, whatever became of that? */
static bool has_rested(const struct ax_learner *l, int64_t t_ms, int64_t for_ms)
{
    const int64_t newest = newest_ms(l) > l->asked_ms ? newest_ms(l) : l->asked_ms;
    return newest == INT64_MIN || t_ms - newest >= for_ms;
}

/* From a fit to one because of drift: twice as long for each that was begun since this drift began, for what
 * they learnt was tried and did not end it, up to the time of the schedule. */
static int64_t drift_rest_ms(const struct ax_learner *l)
{
    int64_t wait_ms = l->spec.cooldown_ms;
    for (uint32_t i = 0; i < l->drift_fits && wait_ms < l->spec.every_ms; i++)
        wait_ms = 2 * wait_ms < l->spec.every_ms ? 2 * wait_ms : l->spec.every_ms;
    return wait_ms;
}

/* Why a fit is to begin now, if it is. */
static enum ax_fit_reason reason_now(const struct ax_learner *l, int64_t t_ms, enum ax_fit_reason reason)
{
    const bool trial = l->roles.phase != AX_PHASE_NONE;
    if (!l->spec.training || l->fit || l->fresh || l->next.any)
        return AX_FIT_NOT;
    if (t_ms < l->look_ms)
        return AX_FIT_NOT;
    if (l->asked != AX_FIT_NOT)
        return l->asked;
    if (t_ms / l->spec.step_ms % LOOK_STEPS != 0)
        return AX_FIT_NOT;
    if (!trial && t_ms >= due_ms(l))
        return AX_FIT_SCHEDULE;
    if ((reason == AX_FIT_DRIFT || reason == AX_FIT_ACCURACY) && l->live &&
        has_rested(l, t_ms, reason == AX_FIT_DRIFT ? drift_rest_ms(l) : l->spec.cooldown_ms))
        return reason;
    return reason == AX_FIT_CRON && !trial && has_rested(l, t_ms, l->spec.event_ms) ? reason : AX_FIT_NOT;
}

/* As the label `reason`. */
static const char *reason_text(enum ax_fit_reason reason)
{
    static const char *const texts[AX_FIT_REASONS] = {"", "schedule", "cron", "drift", "accuracy", "manual"};
    return texts[reason];
}

void ax_learner_age(struct ax_learner *l)
{
    l->age += l->age < UINT32_MAX;
}

void ax_learner_offer(struct ax_learner *l, int64_t t_ms, enum ax_fit_reason reason)
{
    const struct ax_learner_spec *s = &l->spec;
    struct ax_past_copy past = {0};
    struct ax_diag diag = {{0}};
    l->reason = reason_now(l, t_ms, reason);
    if (l->reason == AX_FIT_NOT)
        return;
    enum ax_err err = s->copy(s->ctx, t_ms, ax_training_bytes_max(s->training), &past);
    if (err != AX_OK)
        return;
    const struct ax_fit_task task = {.kind = s->kind,
                                     .about = {.job = s->job,
                                               .kind = s->kind->name,
                                               .feature = s->feature,
                                               .tried = s->rule.shadows && l->live, /* nobody else serves */
                                               .config = s->config},
                                     .data = past.data,
                                     .bytes = past.bytes,
                                     .seed = s->seed};
    err = ax_training_offer(s->training, &task, &l->fit, &diag);
    if (err == AX_OK) {
        l->asked_ms = t_ms;
        l->asked = AX_FIT_NOT;
        l->drift_fits += l->reason == AX_FIT_DRIFT && l->drift_fits < UINT32_MAX;
        ax_metric_count(AX_M_TRAINING_STARTED, s->job, reason_text(l->reason));
        if (l->reason != AX_FIT_SCHEDULE)
            ax_log(AX_LOG_INFO, "training_started", "job %s: a fit of %s is begun, reason: %s", s->job,
                   s->kind->name, reason_text(l->reason));
        return;
    }
    s->kind->free_data(past.data); /* the queue is full: later, for the copy was dear */
    l->look_ms = t_ms + LOOK_STEPS * s->step_ms;
    if (err != AX_BUSY)
        ax_log(AX_LOG_WARN, "training_failed", "job %s: %s is not fitted now: %s", s->job, s->kind->name,
               diag.text);
}

void ax_learner_ask(struct ax_learner *l)
{
    l->asked = AX_FIT_MANUAL;
    l->look_ms = INT64_MIN;
}

/* Of a fit that is over: the generation that it gave. */
static void finish_fit(struct ax_learner *l)
{
    struct ax_diag diag = {{0}};
    enum ax_fit_state state = ax_fit_look(l->fit);
    if (state != AX_FIT_DONE && state != AX_FIT_FAILED)
        return;
    enum ax_err err = AX_NOTREADY; /* which the queue has told of */
    if (state == AX_FIT_DONE) {
        err = ax_generation_new(l->spec.kind, l->spec.build, ax_fit_artifact(l->fit), &l->fresh, &diag);
        if (err != AX_OK)
            ax_learner_refuse(l, err, diag.text);
    }
    ax_fit_drop(l->fit);
    l->fit = NULL;
    if (err == AX_OK) {
        l->failures = 0;
        l->newest_ms = l->asked_ms;
    } else {
        failed(l, l->asked_ms);
    }
}

bool ax_learner_ready(struct ax_learner *l)
{
    if (l->next.any)
        return true;
    if (l->fit)
        finish_fit(l);
    return ax_learner_decide(l);
}
