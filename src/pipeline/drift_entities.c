/* drift_entities.c: drift of each entity of a job (`drift.per: entity`), beside that of the job as a whole.
 *
 * An entity is what has the same `by` labels. Each of its features, and their errors and forecasts where they
 * are sampled, are tested against its own past (drift/pool.h): what a model learnt from is a pool of many
 * entities, and one of them may always have been another one than their mean. Verdicts allow for the
 * features of an entity, not for the number of entities. Results hold until the next tests, of which a step
 * makes only so many: the list is a queue, in which who was tested goes behind the others. */
#include "base/log.h"
#include "pipeline/chooser.h"
#include "pipeline/job_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KINDS AX_DRIFT_ACCURACY /* those before it: a streaming detector watches the job as a whole */

/* Tests of features in a step, at about 0.3 ms; what is left is tested in the next ones. */
#define TESTS_MAX 200

struct ax_drift_entity {
    uint64_t id;
    struct ax_drift_entity *next;
    struct ax_labels *labels;
    int64_t alive_ms; /* newest step at which one of its series was there, or not absent for long */
    uint32_t turn;    /* at which step of an interval it is tested, once there is something to say */
    int64_t due_ms;   /* no test before; AX_NEVER at first */
    uint32_t own_n;   /* of the step: series of the job's expression that stand for it, */
    struct own {
        uint64_t hash; /* which rise */
        struct ax_target *t;
    } own[AX_DRIFT_ENTITY_SERIES];
    uint32_t ready[AX_DRIFT_SOURCES], drifted[AX_DRIFT_SOURCES];
    struct ax_drift_result (*results)[AX_DRIFT_SOURCES];          /* [channels_n] */
    struct ax_outlet (*scores)[AX_DRIFT_SOURCES][AX_DRIFT_TESTS]; /* [channels_n] */
    struct ax_outlet detected[KINDS], features, share;
};

/* ---- names ---- */

/* That of the job, of an entity. */
static struct ax_outlet_name of(const struct ax_drift_entity *e, struct ax_outlet_name name)
{
    name.input = e->labels;
    name.added[name.added_n++] = (struct ax_label){ax_str("per"), ax_str("entity")};
    return name;
}

static struct ax_outlet_name features_name(const struct ax_drift_entity *e)
{
    return of(e, (struct ax_outlet_name){.id = AX_OUTPUT_DRIFTED_FEATURES});
}

static struct ax_outlet_name share_name(const struct ax_drift_entity *e)
{
    return of(e, (struct ax_outlet_name){.id = AX_OUTPUT_DATA_DRIFT_SCORE});
}

static void outlets(struct ax_job *job, struct ax_drift_entity *e, const struct ax_outlet_deed *deed)
{
    const struct ax_outlet_name features = features_name(e), share = share_name(e);
    for (enum ax_drift_kind kind = 0; kind < KINDS; kind++) {
        const struct ax_outlet_name name = of(e, ax_drift_detected_name(kind));
        ax_outlet_do(&job->outlets, &e->detected[kind], &name, deed);
    }
    ax_outlet_do(&job->outlets, &e->features, &features, deed);
    ax_outlet_do(&job->outlets, &e->share, &share, deed);
    for (uint32_t i = 0; i < job->channels_n; i++)
        for (unsigned k = 0; k < AX_DRIFT_SOURCES * AX_DRIFT_TESTS; k++) {
            const unsigned source = k / AX_DRIFT_TESTS, test = k % AX_DRIFT_TESTS;
            const struct ax_outlet_name name = of(e, ax_drift_score_name(&job->channels[i], source, test));
            ax_outlet_do(&job->outlets, &e->scores[i][source][test], &name, deed);
        }
}

/* ---- the list ---- */

void ax_drift_entities_init(struct ax_job *job)
{
    job->drift_entities.end = &job->drift_entities.first;
    job->drift_entities.untested = ax_job_cell(job, AX_M_DRIFT_UNTESTED);
}

static void entity_free(struct ax_job *job, struct ax_drift_entity *e, int64_t end_ms)
{
    if (!e)
        return;
    if (e->labels && e->scores)
        outlets(job, e, &(struct ax_outlet_deed){.verb = AX_OUTLET_END, .t_ms = end_ms});
    free(e->results);
    free(e->scores);
    free(e->labels);
    free(e);
}

/* Steps from one test to the next. */
static uint32_t interval_steps(const struct ax_job *job)
{
    const int64_t steps = job->config->drift.interval_ms / job->config->step_ms;
    return steps > 1 ? (uint32_t)steps : 1;
}

/* Which step of an interval t_ms is: each entity has its own, so that no step has to test all of them. */
static uint32_t turn_of(const struct ax_job *job, int64_t t_ms)
{
    return (uint32_t)((uint64_t)(t_ms / job->config->step_ms) % interval_steps(job));
}

struct ax_drift_entity *ax_drift_entity_new(struct ax_job *job, uint64_t id, const struct ax_labels *labels)
{
    struct ax_drift_entities *all = &job->drift_entities;
    struct ax_drift_entity *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->id = id;
    e->turn = (uint32_t)(ax_labels_hash(labels, 0) % interval_steps(job));
    e->due_ms = AX_NEVER;
    e->labels = ax_labels_dup(labels);
    e->results = calloc(job->channels_n, sizeof *e->results);
    e->scores = calloc(job->channels_n, sizeof *e->scores);
    if (e->labels && e->results && e->scores && ax_map_put(&all->by_id, id, e) == AX_OK) {
        *all->end = e;
        all->end = &e->next;
        return e;
    }
    entity_free(job, e, INT64_MIN);
    return NULL;
}

struct ax_drift_entity *ax_drift_entity_next(const struct ax_job *job, const struct ax_drift_entity *e)
{
    return e ? e->next : job->drift_entities.first;
}

const struct ax_labels *ax_drift_entity_labels(const struct ax_drift_entity *e)
{
    return e->labels;
}

/* Take the one at *at out of the list and free it. */
static void drop(struct ax_job *job, struct ax_drift_entity **at, int64_t end_ms)
{
    struct ax_drift_entity *e = *at;
    *at = e->next;
    (void)ax_map_remove(&job->drift_entities.by_id, e->id);
    entity_free(job, e, end_ms);
}

void ax_drift_entities_done(struct ax_job *job, int64_t end_ms)
{
    while (job->drift_entities.first)
        drop(job, &job->drift_entities.first, end_ms);
    ax_map_done(&job->drift_entities.by_id);
}

void ax_drift_entities_erase(struct ax_job *job, const struct ax_choice *choice)
{
    struct ax_drift_entity **at = &job->drift_entities.first;
    while (*at) {
        if (ax_choice_takes(choice, job, (*at)->labels))
            drop(job, at, INT64_MIN);
        else
            at = &(*at)->next;
    }
    job->drift_entities.end = at;
}

void ax_drift_entities_repeat(struct ax_job *job, int64_t t_ms)
{
    for (struct ax_drift_entity *e = job->drift_entities.first; e; e = e->next)
        outlets(job, e, &(struct ax_outlet_deed){.verb = AX_OUTLET_REPEAT, .t_ms = t_ms});
}

/* That of a target; it is made as long as there is room. NULL: there is none. */
static struct ax_drift_entity *entity_of(struct ax_channel *c, struct ax_target *t)
{
    struct ax_job *job = c->job;
    const uint64_t id = ax_channel_entity(c, t);
    struct ax_drift_entity *e = ax_map_get(&job->drift_entities.by_id, id);
    if (e || job->drift_entities.by_id.n >= job->config->drift.max_entities)
        return e;
    struct ax_label room[AX_JOIN_LABELS_MAX];
    const struct ax_join join = {job->config->by, job->config->by_n};
    const struct ax_labels labels = ax_join_labels(&join, t->labels, room);
    e = ax_drift_entity_new(job, id, &labels);
    if (!e)
        ax_job_error(job, "memory");
    return e;
}

/* One of the expression's series: those with the smallest hashes stand for the entity. */
static void gather(struct ax_drift_entity *e, struct ax_target *t)
{
    const uint64_t hash = ax_labels_hash(t->labels, 0);
    uint32_t at = e->own_n;
    while (at > 0 && e->own[at - 1].hash > hash)
        at--;
    if (at == AX_DRIFT_ENTITY_SERIES)
        return;
    if (e->own_n < AX_DRIFT_ENTITY_SERIES)
        e->own_n++;
    memmove(&e->own[at + 1], &e->own[at], (e->own_n - 1 - at) * sizeof *e->own);
    e->own[at] = (struct own){hash, t};
}

/* Which entities there are at a step: a series of theirs is there, or has not been absent for long. Those
 * that are due have their series of the expression gathered. Returns how many series have none. */
static uint32_t find(struct ax_job *job, int64_t t_ms)
{
    uint32_t without = 0;
    for (struct ax_drift_entity *e = job->drift_entities.first; e; e = e->next)
        e->own_n = 0;
    for (uint32_t i = 0; i < job->channels_n; i++)
        for (struct ax_target *t = job->channels[i].first; t; t = t->next) {
            if (ax_target_absent_ms(t, t_ms) > ax_job_absence_ms(job))
                continue;
            struct ax_drift_entity *e = entity_of(&job->channels[i], t);
            without += !e;
            if (e)
                e->alive_ms = t_ms;
            if (e && e->due_ms <= t_ms && job->channels[i].feature.n == 0)
                gather(e, t);
        }
    return without;
}

/* ---- tests ---- */

/* The series of a channel that stand for an entity: of a feature there is one. */
static bool pool_of(const struct ax_channel *c, const struct ax_drift_entity *e, enum ax_drift_source source,
                    struct ax_drift_pool *out)
{
    *out = (struct ax_drift_pool){.errors = source == AX_DRIFT_RESIDUALS};
    if (c->feature.n) {
        const struct ax_target *t = ax_map_get(&c->targets, e->id);
        return !t || ax_channel_pool_offer(c, t, source, out);
    }
    for (uint32_t i = 0; i < e->own_n; i++)
        if (!ax_channel_pool_offer(c, e->own[i].t, source, out))
            return false;
    return true;
}

static void test_source(struct ax_job *job, struct ax_drift_entity *e, enum ax_drift_source source)
{
    struct ax_drift_result results[AX_CHANNELS_MAX];
    uint32_t channels[AX_CHANNELS_MAX], n = 0;
    struct ax_drift_pool pool;
    for (uint32_t i = 0; i < job->channels_n; i++) {
        e->results[i][source].ready = false;
        ax_arena_reset(&job->scratch);
        if (!pool_of(&job->channels[i], e, source, &pool) ||
            ax_drift_pool_test(&job->drift, &pool, &job->scratch, &results[n]) != AX_OK)
            ax_job_error(job, "drift");
        else if (results[n].ready)
            channels[n++] = i;
    }
    e->drifted[source] = ax_drift_verdict(&job->drift, results, n);
    e->ready[source] = n;
    for (uint32_t i = 0; i < n; i++)
        e->results[channels[i]][source] = results[i];
}

/* Until there is something to say it is asked at every step. */
static void test(struct ax_job *job, struct ax_drift_entity *e, int64_t t_ms)
{
    const uint32_t interval = interval_steps(job), turn = turn_of(job, t_ms);
    for (enum ax_drift_source source = 0; source < AX_DRIFT_SOURCES; source++)
        if (source != AX_DRIFT_PREDICTIONS || job->config->forecast.enabled)
            test_source(job, e, source);
    const uint32_t steps = e->ready[AX_DRIFT_INPUTS] ? interval - (turn + interval - e->turn) % interval : 1;
    e->due_ms = t_ms + steps * job->config->step_ms;
}

/* How many entities are tested in a step at most. */
static uint32_t tested_max(const struct ax_job *job)
{
    const uint32_t sources = job->config->forecast.enabled ? AX_DRIFT_SOURCES : AX_DRIFT_SOURCES - 1;
    const uint32_t n = TESTS_MAX / (job->channels_n * sources);
    return n > 1 ? n : 1;
}

/* ---- output ---- */

/* 1 or 0; NaN: nothing is known of it. */
static double verdict(const struct ax_job *job, const struct ax_drift_entity *e, enum ax_drift_kind kind)
{
    static const enum ax_drift_source sources[KINDS] = {AX_DRIFT_INPUTS, AX_DRIFT_RESIDUALS, AX_DRIFT_INPUTS,
                                                        AX_DRIFT_PREDICTIONS};
    const enum ax_drift_source source = sources[kind];
    if (e->ready[source] == 0 || (kind == AX_DRIFT_TARGET && !job->config->forecast.enabled))
        return (double)NAN;
    if (kind != AX_DRIFT_TARGET)
        return e->drifted[source] > 0;
    for (uint32_t i = 0; i < job->channels_n; i++)
        if (job->channels[i].kind.emit_forecast && e->results[i][source].ready &&
            e->results[i][source].drifted)
            return 1;
    return 0;
}

static void emit_scores(struct ax_channel *c, struct ax_drift_entity *e, uint32_t i, int64_t t_ms)
{
    for (enum ax_drift_source source = 0; source < AX_DRIFT_SOURCES; source++)
        for (enum ax_drift_test k = 0; e->results[i][source].ready && k < AX_DRIFT_TESTS; k++) {
            const struct ax_outlet_name name = of(e, ax_drift_score_name(c, source, k));
            ax_outlet_put(&c->job->outlets, &e->scores[i][source][k], &name, t_ms,
                          e->results[i][source].score[k]);
        }
}

static void emit(struct ax_job *job, struct ax_drift_entity *e, int64_t t_ms)
{
    const uint32_t n = e->ready[AX_DRIFT_INPUTS], drifted = e->drifted[AX_DRIFT_INPUTS];
    const struct ax_outlet_name features = features_name(e), share = share_name(e);
    for (uint32_t i = 0; i < job->channels_n; i++)
        emit_scores(&job->channels[i], e, i, t_ms);
    for (enum ax_drift_kind kind = 0; kind < KINDS; kind++) {
        const struct ax_outlet_name name = of(e, ax_drift_detected_name(kind));
        ax_outlet_put(&job->outlets, &e->detected[kind], &name, t_ms, verdict(job, e, kind));
    }
    if (n == 0)
        return;
    ax_outlet_put(&job->outlets, &e->features, &features, t_ms, drifted);
    ax_outlet_put(&job->outlets, &e->share, &share, t_ms, (double)drifted / n);
}

static void refuse(struct ax_job *job, uint32_t n)
{
    ax_metric_add(job->drift_entities.untested, n);
    ax_log(
        AX_LOG_WARN, "drift_untested",
        "job %s: %u series are of entities beyond drift.max_entities (%u), whose drift is not tested: raise "
        "it, or aggregate by fewer labels",
        job->name, n, job->config->drift.max_entities);
}

void ax_drift_entities_step(struct ax_job *job, int64_t t_ms)
{
    const uint32_t without = find(job, t_ms);
    struct ax_drift_entity **at = &job->drift_entities.first, *tested = NULL, **tested_end = &tested;
    uint32_t left = tested_max(job);
    if (turn_of(job, t_ms) == 0 && without)
        refuse(job, without);
    for (struct ax_drift_entity *e; (e = *at);) {
        if (e->alive_ms != t_ms) {
            drop(job, at, t_ms);
            continue;
        }
        const bool now = e->due_ms <= t_ms && left > 0;
        if (now)
            test(job, e, t_ms);
        emit(job, e, t_ms);
        if (!now) {
            at = &e->next;
            continue;
        }
        left--;
        *at = e->next;
        *tested_end = e;
        tested_end = &e->next;
    }
    *tested_end = NULL;
    *at = tested;
    job->drift_entities.end = tested ? tested_end : at;
}

/* ---- what lasts ---- */

void ax_drift_entity_save(struct ax_job *job, struct ax_drift_entity *e, struct ax_buf *out)
{
    ax_put_i64(out, e->due_ms);
    for (enum ax_drift_source source = 0; source < AX_DRIFT_SOURCES; source++) {
        ax_put_varint(out, e->ready[source]);
        ax_put_varint(out, e->drifted[source]);
        for (uint32_t i = 0; i < job->channels_n; i++)
            ax_drift_result_save(&e->results[i][source], out);
    }
    outlets(job, e, &(struct ax_outlet_deed){.verb = AX_OUTLET_SAVE, .out = out});
}

void ax_drift_entity_load(struct ax_job *job, struct ax_drift_entity *e, struct ax_bytes *in)
{
    e->due_ms = ax_get_ms(in);
    for (enum ax_drift_source source = 0; source < AX_DRIFT_SOURCES; source++) {
        e->ready[source] = ax_get_count(in, job->channels_n);
        e->drifted[source] = ax_get_count(in, e->ready[source]);
        for (uint32_t i = 0; i < job->channels_n; i++)
            ax_drift_result_load(&e->results[i][source], in);
    }
    outlets(job, e, &(struct ax_outlet_deed){.verb = AX_OUTLET_LOAD, .in = in});
}
