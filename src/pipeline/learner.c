/* learner.c: when a fit is due, and what becomes of one that is over. */
#include "base/log.h"
#include "base/metrics.h"
#include "pipeline/learner_priv.h"

#include <string.h>

void ax_learner_init(struct ax_learner *l, const struct ax_learner_spec *spec)
{
    *l = (struct ax_learner){.spec = *spec,
                             .fits = AX_FITS_NONE,
                             .put_off_ms = INT64_MIN,
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

/* Up to when the newest fit learnt, in this process or before: it may be newer than what serves, for a
 * rollback may have returned to that. */
static int64_t newest_ms(const struct ax_learner *l)
{
    return l->live && l->live->scores.until_ms > l->newest_ms ? l->live->scores.until_ms : l->newest_ms;
}

/* The one that had begun is over. */
static void end_fit(struct ax_learner *l, int64_t t_ms, bool failed)
{
    l->settles = l->settles || l->fits.begun == AX_FIT_MANUAL;
    ax_fits_end(&l->fits, t_ms, failed);
    l->fits_changed = true;
}

/* A fit that was on its way when the process ended is over if the store has what came of it. */
static void end_interrupted(struct ax_learner *l, int64_t t_ms)
{
    int64_t newest = newest_ms(l);
    if (l->shadow && l->shadow->scores.until_ms > newest)
        newest = l->shadow->scores.until_ms;
    if (l->fits.begun != AX_FIT_NOT && newest >= l->fits.begun_ms)
        end_fit(l, t_ms, false);
}

/* Why a fit is to begin now, if it is. */
static enum ax_fit_reason reason_now(struct ax_learner *l, int64_t t_ms, enum ax_fit_reason trigger)
{
    if (!l->spec.training || l->fit || l->fresh || l->next.any)
        return AX_FIT_NOT;
    (void)ax_learner_look(l);
    end_interrupted(l, t_ms);
    if (t_ms < l->put_off_ms)
        return AX_FIT_NOT;
    const struct ax_fits_now now = {.t_ms = t_ms,
                                    .newest_ms = newest_ms(l),
                                    .learnt_ms = l->live ? l->live->scores.until_ms - l->live->scores.from_ms
                                                         : INT64_MAX,
                                    .serves = l->live != NULL,
                                    .tried = l->roles.phase != AX_PHASE_NONE,
                                    .asked = l->asked,
                                    .trigger = trigger};
    return ax_fits_due(&l->fits, &l->spec.fits, &now);
}

void ax_learner_age(struct ax_learner *l, bool drifts, bool rings)
{
    l->age += l->age < UINT32_MAX;
    if (!drifts)
        l->fits.drift_fits = 0;
    if (rings && l->roles.phase == AX_PHASE_NONE)
        l->fits.rung = true;
}

/* To the next look. */
static void put_off(struct ax_learner *l, int64_t t_ms)
{
    l->put_off_ms = t_ms + AX_FITS_LOOK * l->spec.fits.step_ms;
}

/* There is too little to learn from: who asks is told so once. */
static void wait_for_past(struct ax_learner *l, int64_t t_ms, enum ax_fit_reason reason)
{
    if (reason == AX_FIT_MANUAL && l->short_of_past != AX_FIT_MANUAL)
        ax_log(AX_LOG_INFO, "training_waits",
               "job %s: the fit of %s%s%s that was asked for begins when there is enough to learn from",
               l->spec.job, l->spec.kind->name, *l->spec.feature ? ":" : "", l->spec.feature);
    l->short_of_past = reason;
    put_off(l, t_ms); /* not to count it at every step */
}

/* None is worth while now: what a cron line or a restart has left to be done is done. */
static void pass_over(struct ax_learner *l, int64_t t_ms)
{
    if (l->fits.begun != AX_FIT_NOT) {
        end_fit(l, t_ms, false);
        put_off(l, t_ms);
    }
    l->fits_changed = l->fits_changed || l->fits.rung;
    l->fits.rung = false;
}

/* How samples came since the fit before; *all: since the process began. */
static struct ax_validation told_since(const struct ax_learner *l, struct ax_validation *all)
{
    struct ax_validation since = {0};
    *all = since;
    if (l->spec.told)
        l->spec.told(l->spec.job_ctx, all);
    ax_validation_order(&since, all->samples - l->told.samples, all->twice - l->told.twice,
                        all->disorder - l->told.disorder);
    return since;
}

/* Hand a copy of the past over. */
static enum ax_err begin_fit(struct ax_learner *l, const struct ax_past_copy *past, enum ax_fit_reason reason,
                             struct ax_diag *diag)
{
    const struct ax_learner_spec *s = &l->spec;
    struct ax_validation all;
    const struct ax_fit_task task = {.kind = s->kind,
                                     .about = {.job = s->job,
                                               .kind = s->kind->name,
                                               .feature = s->feature,
                                               .tried = s->rule.shadows && l->live, /* nobody else serves */
                                               .config = s->config},
                                     .data = past->data,
                                     .bytes = past->bytes,
                                     .reason = ax_fit_reason_name(reason),
                                     .seed = s->seed,
                                     .search = s->search,
                                     .told = told_since(l, &all)};
    const enum ax_err err = ax_training_offer(s->training, &task, &l->fit, diag);
    if (err == AX_OK)
        l->told = all;
    return err;
}

void ax_learner_offer(struct ax_learner *l, int64_t t_ms, enum ax_fit_reason trigger)
{
    const struct ax_learner_spec *s = &l->spec;
    struct ax_past_copy past = {0};
    struct ax_diag diag = {{0}};
    const enum ax_fit_reason reason = reason_now(l, t_ms, trigger);
    if (reason == AX_FIT_NOT)
        return;
    enum ax_err err = s->copy(s->ctx, t_ms, reason, ax_training_bytes_max(s->training), &past);
    if (err == AX_NOTREADY)
        wait_for_past(l, t_ms, reason);
    if (err == AX_OK && !past.data)
        pass_over(l, t_ms);
    if (err == AX_OK)
        l->short_of_past = AX_FIT_NOT;
    if (err != AX_OK || !past.data)
        return;
    err = begin_fit(l, &past, reason, &diag);
    if (err == AX_OK) {
        ax_fits_begin(&l->fits, reason, t_ms);
        l->fits_changed = true;
        l->asked = false;
        ax_metric_count(AX_M_TRAINING_STARTED, s->job, ax_fit_reason_name(reason));
        return;
    }
    s->kind->free_data(past.data); /* the queue is full: later, for the copy was dear */
    put_off(l, t_ms);
    if (err != AX_BUSY)
        ax_log_about(AX_LOG_WARN, "training_failed", ax_str(s->job), "job %s: %s is not fitted now: %s",
                     s->job, s->kind->name, diag.text);
}

void ax_learner_ask(struct ax_learner *l)
{
    l->asked = true;
    l->fits.look_ms = l->put_off_ms = INT64_MIN;
}

bool ax_learner_cancel(struct ax_learner *l, int64_t t_ms)
{
    const bool any = l->fit ? ax_fit_cancel(l->fit) : l->asked || l->fits.begun != AX_FIT_NOT || l->fits.rung;
    if (!any)
        return false;
    ax_fit_drop(l->fit);
    l->fit = NULL;
    l->asked = false;
    l->settles = true; /* before the store is looked at again, which may still say that it is asked for */
    l->short_of_past = AX_FIT_NOT;
    ax_fits_cancel(&l->fits, t_ms);
    l->fits_changed = true;
    return true;
}

const char *ax_fit_stage_name(enum ax_fit_stage stage)
{
    static const char *const names[] = {"idle", "wanted", "too_little_data", "queued", "running"};
    return names[stage];
}

void ax_learner_view(const struct ax_learner *l, struct ax_fit_view *out)
{
    const struct ax_artifact_about about = {
        .job = l->spec.job, .kind = l->spec.kind->name, .feature = l->spec.feature};
    struct ax_fit_standing standing;
    *out = (struct ax_fit_view){.stage = AX_FITS_IDLE};
    (void)ax_artifact_name(&about, out->model);
    if (l->fit) {
        out->reason = l->fits.begun;
        out->stage = AX_FITS_RUNNING; /* until it is looked at, also when it is over */
        if (!ax_training_find(l->spec.training, out->model, &standing))
            return;
        out->stage = standing.state == AX_FIT_WAITS ? AX_FITS_QUEUED : AX_FITS_RUNNING;
        out->place = standing.place;
        out->share = standing.share;
    } else if (l->short_of_past != AX_FIT_NOT) {
        out->reason = l->short_of_past;
        out->stage = AX_FITS_TOO_LITTLE_DATA;
    } else if (l->asked || l->fits.begun != AX_FIT_NOT || l->fits.rung) {
        out->reason = l->asked ? AX_FIT_MANUAL : l->fits.begun != AX_FIT_NOT ? l->fits.begun : AX_FIT_CRON;
        out->stage = AX_FITS_WANTED;
    }
}

/* Of a fit that is over: the generation that it gave. */
static void finish_fit(struct ax_learner *l, int64_t t_ms)
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
    if (err == AX_OK)
        l->newest_ms = l->fits.begun_ms;
    end_fit(l, t_ms, err != AX_OK);
}

bool ax_learner_ready(struct ax_learner *l, int64_t t_ms)
{
    if (l->next.any)
        return true;
    if (l->fit)
        finish_fit(l, t_ms);
    return ax_learner_decide(l);
}
