/* rehearsal.c: what a rehearsal does otherwise than a job in service, and the hand-over. */
#include "pipeline/rehearsal.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metrics.h"
#include "pipeline/job_priv.h"

#include <math.h>
#include <stdlib.h>

#define TARGET_BYTES_MAX (16u << 20) /* of one series, saved */

void ax_job_observe(struct ax_job *job, bool windows_only)
{
    AX_ASSERT(ax_job_rehearses(job));
    job->observing = windows_only;
}

enum ax_err ax_job_copy_samples(struct ax_job *job, int64_t after_ms, int64_t until_ms, struct ax_db *to)
{
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; i < job->channels_n && err == AX_OK; i++)
        err = ax_bound_copy(job->channels[i].bound, after_ms, until_ms, to);
    return err;
}

static uint32_t count_values(struct ax_view v)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < v.n; i++)
        n += isnan(v.v[i]) ? 0 : 1;
    return n;
}

static uint32_t values_of(const struct ax_target *t)
{
    return count_values(ax_window_fine(t->window)) + count_values(ax_window_coarse(t->window));
}

/* Take a target out of the sample for drift in which it never had a place. */
static void leave_no_place(struct ax_target *t)
{
    uint32_t nobody = 0;
    ax_target_leave_sample(t, &(struct ax_target_kind){.sample_left = &nobody});
}

/* A target like `from`, which belongs to the rehearsal, in the place of `old`, whose outlets it gets. */
static struct ax_target *make_heir(struct ax_channel *c, const struct ax_target *old,
                                   const struct ax_target *from)
{
    struct ax_target_kind kind = c->kind;
    uint32_t left = from->was_sampled ? 1 : 0;
    kind.sample_left = &left;
    struct ax_target *t = ax_target_new(&kind, c->job->config, old->id, old->labels, old->made_ms);
    if (t && !from->sampled)
        leave_no_place(t);
    return t;
}

/* Of one month the longer bill counts: service may know more of it than history. */
static void keep_bill(struct ax_target *t, struct ax_target *old)
{
    struct ax_billing *mine = old->billing;
    if (!mine || mine->from_ms != t->billing->from_ms || mine->slots_n <= t->billing->slots_n)
        return;
    old->billing = t->billing;
    t->billing = mine;
}

/* Everything of a target that belongs to its place, not to what it has learnt. */
static void move_in(struct ax_channel *c, struct ax_target *t, struct ax_target *old)
{
    struct ax_outlet *outlets = t->forecast_outlets;
    t->forecast_outlets = old->forecast_outlets;
    old->forecast_outlets = outlets;
    for (uint32_t i = 0; i < AX_SERIES_ANOMALY_OUTPUTS; i++) {
        t->anomaly_outlets[i] = old->anomaly_outlets[i];
        old->anomaly_outlets[i] = (struct ax_outlet){0};
    }
    t->challenged = old->challenged;
    old->challenged = (struct ax_challenged){NULL, 0};
    struct ax_outlook *outlook = t->outlook;
    t->outlook = old->outlook;
    old->outlook = outlook;
    for (uint32_t i = 0; i < AX_SERIES_BILLING_OUTPUTS; i++) {
        t->billing_outlets[i] = old->billing_outlets[i];
        old->billing_outlets[i] = (struct ax_outlet){0};
    }
    keep_bill(t, old);
    t->path = old->path;
    old->path = NULL;
    t->serial = old->serial;
    t->next = old->next;
    t->given = old->given;
    t->given_value = old->given_value;
    t->given_ended = old->given_ended;
    t->made_ms = old->made_ms;
    if (t->hindsight && old->hindsight) { /* what people said of it stays */
        t->hindsight->taught = old->hindsight->taught;
        old->hindsight->taught = NULL;
    }
    /* Of those that stand for the job in drift tests there are only so many: the old one's place is free now.
     */
    ax_target_leave_sample(old, &c->kind);
    if (t->sampled && c->sample_left > 0)
        c->sample_left--;
    else
        leave_no_place(t);
}

/* What people took out of what is learnt is taken out of what history brings; the newest ones count of more
 * than a window takes, and the others are counted. AX_NOMEM. */
static enum ax_err exclude(const struct ax_job *job, struct ax_target *t, uint32_t *left)
{
    const struct ax_chooser_job of = ax_job_asked(job);
    for (const struct ax_exclusion *e = job->exclusions; e && ax_target_excludes(t); e = e->next) {
        if (!ax_chooser_takes(&e->chooser, &of, t->labels))
            continue;
        const enum ax_err err = ax_target_exclude(t, &e->range);
        *left += err == AX_LIMIT;
        if (err == AX_NOMEM)
            return err;
    }
    return AX_OK;
}

/* Replace *at by what the rehearsal knows of the series. */
static enum ax_err replace(struct ax_channel *c, struct ax_target **at, struct ax_channel *from_channel,
                           struct ax_target *from, struct ax_buf *scratch, uint32_t *left)
{
    struct ax_target *old = *at, *t = make_heir(c, old, from);
    if (!t)
        return AX_NOMEM;
    ax_buf_reset(scratch);
    ax_target_save(from, &from_channel->kind, scratch);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(scratch));
    enum ax_err err = scratch->err;
    if (err == AX_OK)
        err = ax_target_load(t, &c->kind, &in);
    if (err == AX_OK)
        err = exclude(c->job, t, left);
    if (err == AX_OK) {
        (void)ax_map_remove(&c->targets, old->id);
        err = ax_map_put(&c->targets, old->id, t); /* in the room that has just become free */
        AX_ASSERT(err == AX_OK);
        move_in(c, t, old);
        *at = t;
        if (!t->next)
            c->end = &t->next;
        ax_target_free(old, &c->kind, INT64_MIN);
        return AX_OK;
    }
    leave_no_place(t);
    ax_target_free(t, &c->kind, INT64_MIN);
    return AX_NOMEM;
}

/* What became of one series at a hand-over; settled points at it. */
enum fate { WAITING, LEFT, TAKEN };

static const enum fate fates[] = {WAITING, LEFT, TAKEN};

/* Features of an entity share its id: each channel has its own. */
static uint64_t settled_id(const struct ax_channel *c, uint64_t id)
{
    return id + (uint64_t)(c - c->job->channels);
}

/* Worth it? A series that came up with the job knows as good as all there is. */
static bool much_more(uint32_t values, uint32_t own)
{
    return values > own + own / 4 + 8;
}

static enum ax_err hand_over(struct ax_channel *c, struct ax_target **at, struct ax_channel *from_channel,
                             struct ax_buf *scratch, enum fate *fate, uint32_t *left)
{
    struct ax_target *t = *at, *from = ax_map_get(&from_channel->targets, t->id);
    *fate = WAITING;
    if (t->seen_ms != c->job->schedule.last_ms)
        return AX_OK;
    const struct ax_map *only = from_channel->job->env.only;
    if (only && !ax_map_get(only, t->id)) /* it has come since, and is not rehearsed */
        return AX_OK;
    *fate = LEFT;
    if (!from || from->seen_ms == INT64_MIN || !ax_labels_eq(from->labels, t->labels) ||
        from->stepped_ms != t->stepped_ms || !much_more(values_of(from), values_of(t)))
        return AX_OK;
    *fate = TAKEN;
    return replace(c, at, from_channel, from, scratch, left);
}

/* Ids whose series were taken over go into taken. */
static enum ax_err hand_over_channel(struct ax_channel *c, struct ax_channel *from_channel,
                                     struct ax_map *settled, struct ax_map *taken, struct ax_buf *scratch,
                                     struct ax_handover *out)
{
    uint32_t unheard = 0;
    for (struct ax_target **at = &c->first; *at; at = &(*at)->next) {
        uint64_t id = settled_id(c, (*at)->id);
        enum fate fate = WAITING;
        if (ax_map_get(settled, id))
            continue;
        enum ax_err err = hand_over(c, at, from_channel, scratch, &fate, &unheard);
        if (err != AX_OK)
            return err;
        out->taken += fate == TAKEN; /* whatever comes now */
        out->left += fate == LEFT;
        out->waiting += fate == WAITING;
        if ((fate != WAITING && ax_map_put(settled, id, (void *)(uintptr_t)&fates[fate]) != AX_OK) ||
            (fate == TAKEN && ax_map_put(taken, (*at)->id, *at) != AX_OK))
            return AX_NOMEM;
    }
    if (unheard) {
        ax_metric_add(ax_metric(AX_M_EXCLUSIONS_DROPPED, c->job->name, "series"), unheard);
        ax_log(AX_LOG_WARN, "exclusions_left",
               "job %s: %u older exclusions do not hold for what history brought: a series takes %d at once",
               c->job->name, unheard, AX_WINDOW_EXCLUDED_MAX);
    }
    return AX_OK;
}

/* Which members rest on the job: what the rehearsal has found, as long as service has found nothing. */
static void hand_over_roster(struct ax_channel *c, const struct ax_channel *from)
{
    const uint32_t series = c->shared.roster.series;
    if (c->shared.roster.refits || c->shared.roster.resting)
        return;
    c->shared.roster = from->shared.roster;
    c->shared.roster.series = series;
}

/* How the forecasts of the last day did: the longer record stays. */
static void hand_over_scores(struct ax_channel *c, struct ax_channel *from)
{
    int64_t t_ms = c->job->schedule.last_ms;
    struct ax_scorecard *own = c->kind.scorecard, *other = from->kind.scorecard;
    if (!own || ax_scorecard_read(other, t_ms, 0).n <= ax_scorecard_read(own, t_ms, 0).n)
        return;
    c->kind.scorecard = other;
    from->kind.scorecard = own;
}

/* What is known of its errors, which the windows that were taken over are full of: a drift that began in
 * history does not begin once more at the next test, nor does a level of errors that a stream found there. A
 * rehearsal of some series does not stand for all of them. */
static void hand_over_drift(struct ax_channel *c, struct ax_channel *from)
{
    const bool whole = !from->job->env.only;
    struct ax_drift_result *own = &c->drift_result[AX_DRIFT_RESIDUALS];
    if (from->drift_result[AX_DRIFT_RESIDUALS].ready && (whole || !own->ready))
        *own = from->drift_result[AX_DRIFT_RESIDUALS];
    if (!whole)
        return;
    struct ax_drift_stream *stream = c->stream;
    c->stream = from->stream;
    from->stream = stream;
    if (from->job->accuracy_fell_ms > c->job->accuracy_fell_ms)
        c->job->accuracy_fell_ms = from->job->accuracy_fell_ms;
}

/* What was excluded before the entity had a past is left out of it, by what learns from it, too: what was
 * said of it since is there already. */
static enum ax_err exclude_of_entity(const struct ax_job *job, struct ax_entity *e)
{
    const struct ax_chooser_job of = ax_job_asked(job);
    for (const struct ax_exclusion *x = job->ensemble.features ? job->exclusions : NULL; x; x = x->next) {
        if (ax_said_has(e->said, x->range.id) || !ax_chooser_takes(&x->chooser, &of, e->labels))
            continue;
        const enum ax_err err = ax_said_add(&e->said, &x->range);
        if (err == AX_NOMEM)
            return err;
        if (err == AX_LIMIT)
            ax_metric_count(AX_M_EXCLUSIONS_DROPPED, job->name, "entity");
    }
    return AX_OK;
}

/* Copy what an entity has learnt. */
static enum ax_err copy_entity(const struct ax_job *job, struct ax_entity *e, const struct ax_entity *from,
                               struct ax_buf *scratch)
{
    struct ax_combiner *combiner = ax_combiner_new(&job->detector, job->channels_n);
    struct ax_panel *panel = ax_panel_new(&job->detector, ax_entity_point_steps(job));
    struct ax_window *flags =
        ax_window_new(job->config->step_ms, job->config->window_fine, job->config->window_coarse);
    ax_buf_reset(scratch);
    ax_combiner_save(from->combiner, scratch);
    ax_panel_save(from->panel, scratch);
    ax_window_save(from->flags, scratch);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(scratch));
    if (!combiner || !panel || !flags || scratch->err != AX_OK || ax_combiner_load(combiner, &in) != AX_OK ||
        ax_panel_load(panel, &in) != AX_OK || ax_window_load(flags, &in) != AX_OK) {
        ax_combiner_free(combiner);
        ax_panel_free(panel);
        ax_window_free(flags);
        return AX_NOMEM;
    }
    ax_combiner_free(e->combiner);
    ax_panel_free(e->panel);
    ax_window_free(e->flags);
    e->combiner = combiner;
    e->panel = panel;
    e->settled_ms = from->settled_ms;
    e->loud_ms = from->loud_ms;
    e->flags = flags;
    e->verdict = from->verdict;
    return AX_OK;
}

/* The scores of an entity are combined by what was learnt of all its features together; what was flagged is
 * not learnt from. */
static enum ax_err hand_over_entities(struct ax_job *job, const struct ax_job *from,
                                      const struct ax_map *taken, struct ax_buf *scratch)
{
    for (struct ax_entity *e = job->first; e; e = e->next) {
        const struct ax_entity *other = ax_map_get(&from->entities, e->id);
        if (!other || !ax_labels_eq(other->labels, e->labels) || !ax_map_get(taken, e->id))
            continue;
        enum ax_err err = copy_entity(job, e, other, scratch);
        if (err == AX_OK)
            err = exclude_of_entity(job, e);
        if (err != AX_OK)
            return err;
    }
    return AX_OK;
}

enum ax_err ax_job_take_over(struct ax_job *job, struct ax_job *rehearsal, struct ax_map *settled,
                             struct ax_handover *out)
{
    *out = (struct ax_handover){0};
    if (job->identity != rehearsal->identity || job->schedule.last_ms == AX_NEVER ||
        job->schedule.last_ms != rehearsal->schedule.last_ms)
        return AX_CONFLICT;
    struct ax_buf scratch;
    struct ax_map taken = {0};
    enum ax_err err = AX_OK;
    ax_buf_init(&scratch, TARGET_BYTES_MAX);
    for (uint32_t i = 0; i < job->channels_n && err == AX_OK; i++) {
        const uint32_t before = out->taken;
        err = hand_over_channel(&job->channels[i], &rehearsal->channels[i], settled, &taken, &scratch, out);
        if (err != AX_OK || out->taken == before)
            continue;
        hand_over_roster(&job->channels[i], &rehearsal->channels[i]);
        hand_over_scores(&job->channels[i], &rehearsal->channels[i]);
        hand_over_drift(&job->channels[i], &rehearsal->channels[i]);
    }
    if (out->taken)
        job->drift_due_ms = AX_NEVER; /* what the windows say now is tested at the next step */
    if (err == AX_OK)
        err = hand_over_entities(job, rehearsal, &taken, &scratch);
    ax_map_done(&taken);
    ax_buf_done(&scratch);
    return err;
}

uint64_t ax_job_arrivals(const struct ax_job *job)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < job->channels_n; i++)
        n += job->channels[i].next_serial;
    return n;
}

void ax_job_forget_gone(const struct ax_job *job, struct ax_map *settled)
{
    struct ax_map kept = {0};
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; settled->n && i < job->channels_n; i++) {
        const struct ax_channel *c = &job->channels[i];
        for (const struct ax_target *t = c->first; t && err == AX_OK; t = t->next) {
            void *fate = ax_map_get(settled, settled_id(c, t->id));
            if (fate)
                err = ax_map_put(&kept, settled_id(c, t->id), fate);
        }
    }
    ax_map_done(err == AX_OK ? settled : &kept);
    if (err == AX_OK)
        *settled = kept;
}

uint32_t ax_job_lacking(const struct ax_job *job, int64_t history_ms, const struct ax_map *settled,
                        struct ax_map *ids)
{
    static char any;
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const struct ax_channel *c = &job->channels[i];
        for (const struct ax_target *t = c->first; t; t = t->next) {
            bool there = t->seen_ms != INT64_MIN && t->seen_ms == job->schedule.last_ms;
            if (!there || ax_map_get(settled, settled_id(c, t->id)))
                continue;
            bool young = t->first_ms > t->seen_ms - history_ms;
            if (!young && count_values(ax_window_fine(t->window)) >= job->config->window_fine / 2)
                continue;
            if (ax_map_put(ids, t->id, &any) != AX_OK)
                return ids->n;
        }
    }
    return ids->n;
}
