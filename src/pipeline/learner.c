/* learner.c: when a fit is due, and from a finished one to what serves. */
#include "pipeline/learner.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metrics.h"

#include <string.h>

#define LOOK_STEPS                                                                                           \
    16 /* fits begin at steps of which the number is a multiple of it, and so after a restart too */
#define RETRY_MS 600000   /* after a fit that failed; doubles each time, */
#define RETRY_DOUBLINGS 8 /* so often at most */

void ax_learner_init(struct ax_learner *l, const struct ax_learner_spec *spec)
{
    *l = (struct ax_learner){
        .spec = *spec, .asked_ms = INT64_MIN, .look_ms = INT64_MIN, .newest_ms = INT64_MIN};
}

void ax_learner_done(struct ax_learner *l)
{
    ax_fit_drop(l->fit);
    ax_generation_free(l->next);
    ax_generation_free(l->live);
    l->fit = NULL;
    l->next = l->live = NULL;
}

static void failed(struct ax_learner *l, int64_t t_ms)
{
    l->look_ms = t_ms + ((int64_t)RETRY_MS << l->failures);
    if (l->failures < RETRY_DOUBLINGS)
        l->failures++;
}

/* When the next fit is due: so long after that of the newest one was begun, in this process or before, which
 * may be newer than the live one, for a rollback may have returned to that; sooner when the live one had
 * learnt from less time. */
static int64_t due_ms(const struct ax_learner *l)
{
    int64_t newest_ms = l->newest_ms, wait_ms = l->spec.every_ms;
    if (l->live && l->live->scores.until_ms > newest_ms)
        newest_ms = l->live->scores.until_ms;
    if (l->live && l->live->scores.until_ms - l->live->scores.from_ms < wait_ms)
        wait_ms = l->live->scores.until_ms - l->live->scores.from_ms;
    return newest_ms == INT64_MIN ? INT64_MIN : newest_ms + wait_ms;
}

void ax_learner_offer(struct ax_learner *l, int64_t t_ms)
{
    const struct ax_learner_spec *s = &l->spec;
    struct ax_past_copy past = {0};
    struct ax_diag diag = {{0}};
    if (!s->training || l->fit || l->next || t_ms / s->step_ms % LOOK_STEPS != 0 || t_ms < l->look_ms ||
        t_ms < due_ms(l))
        return;
    enum ax_err err = s->copy(s->ctx, t_ms, ax_training_bytes_max(s->training), &past);
    if (err != AX_OK)
        return;
    const struct ax_fit_task task = {.kind = s->kind,
                                     .about = {s->job, s->kind->name, s->feature},
                                     .data = past.data,
                                     .bytes = past.bytes,
                                     .seed = s->seed};
    err = ax_training_offer(s->training, &task, &l->fit, &diag);
    if (err == AX_OK) {
        l->asked_ms = t_ms;
        return;
    }
    s->kind->free_data(past.data); /* the queue is full: later */
    if (err != AX_BUSY)
        ax_log(AX_LOG_WARN, "training_failed", "job %s: %s is not fitted now: %s", s->job, s->kind->name,
               diag.text);
}

/* Count and log what could not be made to serve. */
static void refuse(const struct ax_learner *l, enum ax_err err, const char *text)
{
    const char *reason = err == AX_NOTFOUND   ? "missing"
                         : err == AX_CONFLICT ? "other_features"
                         : err == AX_NOMEM    ? "memory"
                                              : "damaged";
    ax_metric_count(AX_M_TRAINING_FAILURES, l->spec.job, reason);
    ax_log(AX_LOG_ERROR, "model_refused", "job %s: %s serves without this model until the next fit: %s",
           l->spec.job, l->spec.kind->name, text);
}

/* Which artifact the store wants to serve; false when it has no say, or nothing is to serve. */
static bool champion_of(struct ax_learner *l, struct ax_artifact_champion *out)
{
    const struct ax_artifacts *store = l->spec.artifacts;
    const struct ax_artifact_about about = {l->spec.job, l->spec.kind->name, l->spec.feature};
    struct ax_diag diag = {{0}};
    *out = (struct ax_artifact_champion){.newest_ms = 0};
    l->changes = store->changes(store->ctx);
    l->looked = true;
    const enum ax_err err = store->champion(store->ctx, &about, out, &diag);
    if (err != AX_OK && err != AX_NOTFOUND)
        ax_log(AX_LOG_ERROR, "champion_unknown", "job %s: %s: %s", l->spec.job, l->spec.kind->name,
               diag.text);
    if (out->newest_ms > 0)
        l->newest_ms = out->newest_ms;
    return err == AX_OK;
}

/* Has the store a champion at all? */
static bool has_champion(const struct ax_learner *l)
{
    return l->spec.training && l->spec.artifacts && l->spec.artifacts->champion;
}

/* A finished generation serves when it is the champion: not while it waits for approvals. */
static void keep_if_champion(struct ax_learner *l)
{
    struct ax_artifact_champion champion;
    if (!has_champion(l) || (champion_of(l, &champion) && strcmp(champion.sha256, l->next->sha256) == 0))
        return;
    ax_log(AX_LOG_INFO, "model_waits",
           "job %s: a new %s is registered and waits to be promoted: auspex models list", l->spec.job,
           l->spec.kind->name);
    ax_generation_free(l->next);
    l->next = NULL;
}

/* Build what an artifact holds. */
static enum ax_err build(const struct ax_learner *l, const char *sha256, struct ax_generation **out,
                         struct ax_diag *diag)
{
    const struct ax_artifacts *store = l->spec.artifacts;
    struct ax_buf bytes;
    if (!store || !store->get)
        return ax_fail(diag, AX_NOTFOUND, "there is no store of models");
    ax_buf_init(&bytes, AX_ARTIFACT_MAX);
    enum ax_err err = store->get(store->ctx, sha256, &bytes, diag);
    if (err == AX_OK)
        err = ax_generation_new(l->spec.kind, l->spec.build, ax_buf_view(&bytes), out, diag);
    ax_buf_done(&bytes);
    return err;
}

/* Build another champion than the live one, if there is one. */
static void look_at_champion(struct ax_learner *l)
{
    struct ax_artifact_champion champion;
    struct ax_diag diag = {{0}};
    if (!has_champion(l) || (l->looked && l->spec.artifacts->changes(l->spec.artifacts->ctx) == l->changes))
        return;
    if (!champion_of(l, &champion) || (l->live && strcmp(l->live->sha256, champion.sha256) == 0))
        return;
    const enum ax_err err = build(l, champion.sha256, &l->next, &diag);
    if (err != AX_OK)
        refuse(l, err, diag.text);
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
        err = ax_generation_new(l->spec.kind, l->spec.build, ax_fit_artifact(l->fit), &l->next, &diag);
        if (err != AX_OK)
            refuse(l, err, diag.text);
    }
    ax_fit_drop(l->fit);
    l->fit = NULL;
    if (err == AX_OK) {
        l->failures = 0;
        l->newest_ms = l->asked_ms;
    } else {
        failed(l, l->asked_ms);
    }
    if (l->next)
        keep_if_champion(l);
}

bool ax_learner_ready(struct ax_learner *l)
{
    if (!l->next && l->fit)
        finish_fit(l);
    if (!l->next && !l->fit)
        look_at_champion(l);
    return l->next != NULL;
}

static void go_live(struct ax_learner *l, struct ax_generation *g)
{
    ax_generation_free(l->live);
    l->live = g;
    if (g)
        ax_metric_add(ax_metric(AX_M_TRAINING_SWAPS, l->spec.job, l->spec.kind->name), 1);
}

void ax_learner_swap(struct ax_learner *l)
{
    AX_ASSERT(l->next);
    go_live(l, l->next);
    l->next = NULL;
}

enum ax_err ax_learner_restore(struct ax_learner *l, struct ax_str sha256)
{
    char name[AX_SHA256_TEXT] = {0};
    struct ax_generation *g = NULL;
    struct ax_diag diag = {{0}};
    if (sha256.n == sizeof name - 1)
        memcpy(name, sha256.p, sha256.n);
    if (l->live && strcmp(l->live->sha256, name) == 0)
        return AX_OK;
    enum ax_err err = build(l, name, &g, &diag);
    if (err == AX_NOMEM)
        return err;
    if (err != AX_OK)
        refuse(l, err, diag.text);
    go_live(l, g);
    return AX_OK;
}

/* What a figure of the live generation is called. */
static struct ax_outlet_name output_name(const struct ax_learner *l, uint32_t i)
{
    static const enum ax_output ids[AX_LEARNER_OUTPUTS] = {AX_OUTPUT_TRAINING_TIME,
                                                           AX_OUTPUT_TRAINING_SAMPLES,
                                                           AX_OUTPUT_TRAINING_LOSS, AX_OUTPUT_TRAINING_SKILL};
    return (struct ax_outlet_name){.id = ids[i],
                                   .added = {{ax_str("model"), ax_str(l->spec.kind->name)},
                                             {ax_str("feature"), ax_str(l->spec.feature)}},
                                   .added_n = *l->spec.feature ? 2 : 1};
}

void ax_learner_emit(struct ax_learner *l, struct ax_outlets *outlets, int64_t t_ms)
{
    if (!l->live)
        return;
    const struct ax_fit_scores *s = &l->live->scores;
    const double values[AX_LEARNER_OUTPUTS] = {(double)s->until_ms / 1000, s->samples, s->loss, s->skill};
    for (uint32_t i = 0; i < AX_LEARNER_OUTPUTS; i++) {
        const struct ax_outlet_name name = output_name(l, i);
        ax_outlet_put(outlets, &l->outlets[i], &name, t_ms, values[i]);
    }
}

void ax_learner_outlets(struct ax_learner *l, struct ax_outlets *outlets, const struct ax_outlet_deed *deed)
{
    for (uint32_t i = 0; i < AX_LEARNER_OUTPUTS; i++) {
        const struct ax_outlet_name name = output_name(l, i);
        ax_outlet_do(outlets, &l->outlets[i], &name, deed);
    }
}

void ax_learner_save(const struct ax_learner *l, struct ax_buf *out)
{
    ax_put_str(out, ax_str(l->live ? l->live->sha256 : ""));
}

enum ax_err ax_learner_load(struct ax_learner *l, struct ax_bytes *in)
{
    struct ax_str sha256 = ax_get_str(in);
    if (in->err != AX_OK)
        return in->err;
    if (sha256.n != 0 && sha256.n != AX_SHA256_TEXT - 1)
        return ax_bytes_fail(in);
    return sha256.n ? ax_learner_restore(l, sha256) : AX_OK;
}
