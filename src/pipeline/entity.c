/* entity.c: the anomaly score of entities: the scores of their features, combined and explained. */
#include "anomaly/spec.h"
#include "pipeline/job_priv.h"

#include <math.h>
#include <stdlib.h>

/* What an output of an entity is called. */
static struct ax_outlet_name entity_name(const struct ax_entity *e, uint32_t i)
{
    static const enum ax_output ids[AX_ENTITY_OUTPUTS] = {
        AX_OUTPUT_SCORE, AX_OUTPUT_SEVERITY, AX_OUTPUT_DIRECTION, AX_OUTPUT_VOTE, AX_OUTPUT_ABSENT};
    return (struct ax_outlet_name){.id = ids[i], .input = e->labels};
}

/* What the score of the challenger is called. */
static struct ax_outlet_name challenger_name(const struct ax_entity *e)
{
    return ax_challenger_name(entity_name(e, 0), AX_OUTPUT_SCORE_CHALLENGER);
}

/* What the contribution of a feature is called. */
static struct ax_outlet_name contribution_name(const struct ax_job *job, const struct ax_entity *e,
                                               uint32_t channel)
{
    return (struct ax_outlet_name){.id = AX_OUTPUT_CONTRIBUTION,
                                   .input = e->labels,
                                   .added = {{ax_str("feature"), job->channels[channel].feature}},
                                   .added_n = 1};
}

void ax_entity_challenge(struct ax_job *job, struct ax_entity *e, int64_t t_ms, double score)
{
    const struct ax_outlet_name name = challenger_name(e);
    if (ax_challenged_join(&job->challenger, &e->challenged, 1))
        ax_outlet_put(&job->outlets, e->challenged.v, &name, t_ms, score);
}

void ax_entity_outlets(struct ax_job *job, struct ax_entity *e, const struct ax_outlet_deed *deed)
{
    for (uint32_t i = 0; i < AX_ENTITY_OUTPUTS; i++) {
        const struct ax_outlet_name name = entity_name(e, i);
        ax_outlet_do(&job->outlets, &e->outlets[i], &name, deed);
    }
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const struct ax_outlet_name name = contribution_name(job, e, i);
        ax_outlet_do(&job->outlets, &e->contribution[i], &name, deed);
    }
    if (e->challenged.v) {
        const struct ax_outlet_name name = challenger_name(e);
        ax_outlet_do(&job->outlets, e->challenged.v, &name, deed);
    }
}

static void entity_end(struct ax_job *job, struct ax_entity *e, int64_t t_ms)
{
    ax_entity_outlets(job, e, &(struct ax_outlet_deed){.verb = AX_OUTLET_END, .t_ms = t_ms});
    ax_challenged_leave(&job->challenger, &e->challenged, t_ms);
}

static void entity_free(struct ax_job *job, struct ax_entity *e, int64_t end_ms)
{
    if (!e)
        return;
    if (e->contribution)
        entity_end(job, e, end_ms);
    ax_combiner_free(e->combiner);
    ax_hindsight_free(e->hindsight);
    ax_said_free(e->said);
    ax_panel_free(e->panel);
    ax_window_free(e->flags);
    free(e->contributions);
    free(e->contribution);
    free(e->labels);
    free(e);
}

uint32_t ax_entity_point_steps(const struct ax_job *job)
{
    const int64_t steps = AX_WINDOW_COARSE_MS / job->config->step_ms;
    return steps > 1 ? (uint32_t)steps : 1;
}

struct ax_entity *ax_entity_new(struct ax_job *job, uint64_t id, const struct ax_labels *labels)
{
    struct ax_entity *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->id = id;
    e->settled_ms = e->loud_ms = AX_NEVER;
    e->labels = ax_labels_dup(labels);
    e->combiner = ax_combiner_new(&job->detector, job->channels_n);
    e->panel = ax_panel_new(&job->detector, ax_entity_point_steps(job));
    e->hindsight = ax_hindsight_new(job->min_steps);
    e->flags = ax_window_new(job->config->step_ms, job->config->window_fine, job->config->window_coarse);
    e->contributions = calloc(job->channels_n, sizeof *e->contributions);
    e->contribution = calloc(job->channels_n, sizeof *e->contribution);
    if (e->labels && e->combiner && e->panel && e->hindsight && e->flags && e->contributions &&
        e->contribution && ax_map_put(&job->entities, e->id, e) == AX_OK) {
        *job->end = e;
        job->end = &e->next;
        return e;
    }
    entity_free(job, e, INT64_MIN);
    return NULL;
}

/* Entities are found by their features' targets: any feature that has a value makes one. */
static void find_entities(struct ax_job *job, int64_t t_ms)
{
    for (uint32_t i = 0; i < job->channels_n; i++) {
        for (struct ax_target *t = job->channels[i].first; t; t = t->next) {
            if (t->seen_ms != t_ms)
                continue;
            struct ax_entity *e = ax_map_get(&job->entities, t->id);
            if (!e)
                e = ax_entity_new(job, t->id, t->labels);
            if (e)
                e->seen_ms = t_ms;
            else
                ax_job_error(job, "memory");
        }
    }
}

/* Only the top few are named: what they have to do with the score is shared among them. */
static void keep_top(const struct ax_job *job, struct ax_entity *e)
{
    bool named[AX_CHANNELS_MAX] = {false};
    double sum = 0;
    for (uint32_t k = 0; k < job->config->anomaly.contributions; k++) {
        uint32_t best = UINT32_MAX;
        for (uint32_t i = 0; i < job->channels_n; i++)
            if (!named[i] && e->contributions[i] > 0 &&
                (best == UINT32_MAX || e->contributions[i] > e->contributions[best]))
                best = i;
        if (best == UINT32_MAX)
            break;
        named[best] = true;
        sum += e->contributions[best];
    }
    for (uint32_t i = 0; i < job->channels_n; i++)
        e->contributions[i] = named[i] ? fmin(e->contributions[i] / sum, 1) : 0;
}

static void emit_contributions(struct ax_job *job, struct ax_entity *e, int64_t t_ms)
{
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const struct ax_outlet_name name = contribution_name(job, e, i);
        if (e->verdict.score > 1 && e->contributions[i] > 0)
            ax_outlet_put(&job->outlets, &e->contribution[i], &name, t_ms, e->contributions[i]);
        else
            ax_outlet_end(&job->outlets, &e->contribution[i], t_ms);
    }
}

/* What an entity's features say at a step. */
struct heard {
    const struct ax_verdict *verdicts[AX_CHANNELS_MAX]; /* NULL: it says nothing */
    uint32_t speak, absent;                             /* how many say something; that they are not there */
    double least;                                       /* score of what is abnormal by itself */
};

static void hear_features(const struct ax_job *job, const struct ax_entity *e, int64_t t_ms, struct heard *h)
{
    *h = (struct heard){.speak = 0};
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const struct ax_target *t = ax_map_get(&job->channels[i].targets, e->id);
        if (!t || !t->verdict.ready || (t->seen_ms != t_ms && !t->verdict.absent))
            continue;
        h->verdicts[i] = &t->verdict;
        h->speak++;
        h->absent += t->verdict.absent;
        h->least = fmax(h->least, t->verdict.least);
    }
    if (h->absent)
        h->least *= 1 + (double)h->absent / h->speak; /* the whole entity is worse than a metric of it */
}

/* Is a feature's move away from where it rests, which comes too often to say something by itself, beside
 * something else that is abnormal: another feature, or what the model of latencies finds in all of them? That
 * is as rare as either is calibrated to be, so no more alarms come of it; what it adds is how far they go.
 * An ensemble looks at minutes, not at the same step: beside it such moves brought the steps of pods into a
 * worse order. */
static bool is_beside(const struct ax_job *job, const struct heard *h, const struct ax_asked *asked,
                      uint32_t at)
{
    const bool model = at != UINT32_MAX && asked->answers[at].ensemble;
    if (model && !ax_entity_hears_latencies(job))
        return false;
    bool abnormal = model && ax_entity_is_found(job, asked, at);
    for (uint32_t i = 0; i < job->channels_n && !abnormal; i++) {
        const struct ax_verdict *v = h->verdicts[i];
        abnormal = v && !v->absent && v->score > 1;
    }
    return abnormal;
}

/* What a feature says. What is not asked for says nothing, and what is not there has its own say. */
static double said_by(const struct ax_verdict *v, bool beside)
{
    if (!v || v->absent)
        return (double)NAN;
    if (v->unasked)
        return 0;
    return beside ? fmax(v->score, v->unrested) : v->score;
}

/* The features' voice: its direction is that of the strongest. */
static void combine(struct ax_job *job, struct ax_entity *e, const struct heard *h, bool beside)
{
    double scores[AX_CHANNELS_MAX], strongest = 0;
    int direction = 0;
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const struct ax_verdict *v = h->verdicts[i];
        scores[i] = said_by(v, beside);
        if (v && v->direction && scores[i] > strongest) {
            strongest = scores[i];
            direction = v->direction;
        }
    }
    struct ax_combiner *judge = e->combiner;
    if (job->skip & AX_SKIP_LEARNING) {
        judge = job->spare;
        ax_combiner_copy(judge, e->combiner);
    }
    ax_combiner_step(judge, scores, &e->verdict, e->contributions);
    e->verdict.direction = direction;
}

/* What is abnormal by itself is so whatever the others say, and is named beside them. */
static void raise_to_least(const struct ax_job *job, struct ax_entity *e, const struct heard *h)
{
    struct ax_verdict *v = &e->verdict;
    const double others = v->ready ? fmax(v->score - 1, 0) : 0;
    double sum = 0, strongest = 0;
    if (!(h->least > 0))
        return;
    if (!v->ready)
        *v = (struct ax_verdict){.ready = true, .upper = 1};
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const struct ax_verdict *of = h->verdicts[i];
        const double own = of ? fmax(of->least - 1, 0) : 0;
        sum += e->contributions[i] = e->contributions[i] * others + own;
        if (of && own > strongest && !(v->score > h->least)) {
            strongest = own;
            v->direction = of->direction;
        }
    }
    for (uint32_t i = 0; i < job->channels_n && sum > 0; i++)
        e->contributions[i] = fmin(e->contributions[i] / sum, 1);
    v->least = h->least;
    v->score = fmax(v->score, v->least);
    v->unasked = false;
    v->severity = ax_severity_of(v->score);
}

/* The verdict on an entity of which no feature has a value, as all are absent. */
static void miss(const struct ax_job *job, struct ax_entity *e)
{
    e->verdict = (struct ax_verdict){.ready = true, .absent = true, .direction = -1, .upper = 1};
    e->vote = 1;
    for (uint32_t i = 0; i < job->channels_n; i++)
        e->contributions[i] = 0;
}

static void emit(struct ax_job *job, struct ax_entity *e, int64_t t_ms, double absent)
{
    const double values[AX_ENTITY_OUTPUTS] = {e->verdict.score, e->verdict.severity, e->verdict.direction,
                                              e->vote, absent};
    for (uint32_t i = 0; i < AX_ENTITY_OUTPUTS; i++) {
        const struct ax_outlet_name name = entity_name(e, i);
        ax_outlet_put(&job->outlets, &e->outlets[i], &name, t_ms, values[i]);
    }
    emit_contributions(job, e, t_ms);
    const struct ax_observer *o = job->env.observer;
    if (o && o->verdict)
        o->verdict(o->ctx, job->config, e->labels, t_ms, (double)NAN, &e->verdict);
}

/* Judge a step at which it has values, or is absent, by what people taught, and tell. */
static void judge(struct ax_job *job, struct ax_entity *e, int64_t t_ms, const struct heard *h)
{
    const int64_t step_ms = job->config->step_ms;
    bool absent[AX_CHANNELS_MAX];
    const struct ax_episode_features features = {job->channels_n, e->contributions, absent};
    raise_to_least(job, e, h);
    const int direction = e->verdict.direction;
    for (uint32_t i = 0; i < job->channels_n; i++)
        absent[i] = h->verdicts[i] && h->verdicts[i]->absent;
    ax_hindsight_judge(e->hindsight, t_ms, step_ms, (double)NAN, &e->verdict);
    if (job->skip & AX_SKIP_ALERTS)
        ax_verdict_calm(&e->verdict);
    e->verdict.direction = e->verdict.score > 1 ? direction : 0;
    keep_top(job, e);
    ax_episodes_note(&e->hindsight->episodes, t_ms, step_ms, e->seen_ms, (double)NAN, &e->verdict, &features);
    emit(job, e, t_ms, !job->detector.absence ? (double)NAN : h->speak ? (double)h->absent / h->speak : 0);
}

static void entity_step(struct ax_job *job, struct ax_entity *e, int64_t t_ms, const struct ax_asked *asked,
                        uint32_t at)
{
    struct heard h;
    hear_features(job, e, t_ms, &h);
    const bool present = e->seen_ms == t_ms;
    bool apart = (job->skip & AX_SKIP_LEARNING) != 0;
    if (present) {
        combine(job, e, &h, is_beside(job, &h, asked, at));
        if (e->verdict.score > 1)
            e->loud_ms = t_ms;
        apart = ax_entity_hear(job, e, asked, at) || apart;
    } else if (h.absent) {
        miss(job, e);
    } else if (e->verdict.absent) {
        e->verdict = ax_verdict_not_ready("no_data"); /* it has been away for too long */
    }
    if (ax_window_push(e->flags, t_ms, present ? (double)apart : (double)NAN) != AX_OK)
        ax_job_error(job, "memory");
    if (present || h.absent)
        judge(job, e, t_ms, &h);
}

/* Have stale markers ended all its features? */
static bool has_ended(struct ax_job *job, const struct ax_entity *e)
{
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const struct ax_target *t = ax_map_get(&job->channels[i].targets, e->id);
        if (t && t->ended_ms <= t->seen_ms)
            return false;
    }
    return true;
}

void ax_entities_step(struct ax_job *job, int64_t t_ms)
{
    struct ax_asked asked;
    uint32_t next = 0;
    find_entities(job, t_ms);
    ax_entities_ask(job, t_ms, &asked);
    struct ax_entity **at = &job->first;
    for (struct ax_entity *e; (e = *at);) {
        bool was_asked = next < asked.n && asked.entities[next] == e;
        entity_step(job, e, t_ms, &asked, was_asked ? next++ : UINT32_MAX);
        if (!e->verdict.absent &&
            (t_ms - e->seen_ms > ax_job_absence_ms(job) || (e->seen_ms != t_ms && has_ended(job, e))))
            entity_end(job, e, t_ms);
        if (t_ms - e->seen_ms <= job->config->series_retention_ms) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        (void)ax_map_remove(&job->entities, e->id);
        entity_free(job, e, t_ms);
    }
    job->end = at;
    if (asked.live) /* of who is there now: none of them has gone */
        ax_entities_compare(job, t_ms, &asked);
}

uint32_t ax_entities_erase(struct ax_job *job, const struct ax_choice *choice)
{
    uint32_t n = 0;
    struct ax_entity **at = &job->first;
    for (struct ax_entity *e; (e = *at);) {
        if (!ax_choice_takes(choice, job, e->labels)) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        (void)ax_map_remove(&job->entities, e->id);
        entity_free(job, e, INT64_MIN);
        n++;
    }
    job->end = at;
    if (n)
        ax_entity_trial_end(&job->scores);
    return n;
}

void ax_entities_done(struct ax_job *job, int64_t end_ms)
{
    for (struct ax_entity *e; (e = job->first);) {
        job->first = e->next;
        entity_free(job, e, end_ms);
    }
    ax_map_done(&job->entities);
}

void ax_entities_repeat(struct ax_job *job, int64_t t_ms)
{
    const struct ax_outlet_deed deed = {.verb = AX_OUTLET_REPEAT, .t_ms = t_ms};
    for (struct ax_entity *e = job->first; e; e = e->next)
        ax_entity_outlets(job, e, &deed);
}
