/* job_state.c: a job as sections of a snapshot: what it learnt as a whole, its targets, its entities.
 *
 * AX_SECTION_JOB: version, name, generation, identity and times; drift, why it is not ready, scorecards,
 * which models that were fitted beside it serve, outlets. AX_SECTION_TARGETS: version, index of the channel
 * (that of the capacity is the last); each target after a 1: serial, labels, its part in the sample for
 * drift, then what target_state.c says; a 0, and the least serial that the next target may have.
 * AX_SECTION_ENTITIES and AX_SECTION_DRIFT: version; each entity after a 1, its labels first; a 0. Ids are
 * not saved: they are hashes of labels by a seed that is another one after a restart. */
#include "base/hash.h"
#include "pipeline/job_priv.h"
#include "store/records.h"

#define STATE_VERSION 25
#define SECTION_BYTES (1u << 20) /* a section is put when it has become so long, */
#define SECTION_ITEMS 8          /* or has so many: then the same are together the next time */
#define LABELS_MAX 65536         /* of one target; more than any request may bring */

/* Has a target to do with the sample for drift? One that has been in it keeps its long window. */
enum { NEVER_SAMPLED, WAS_SAMPLED, IS_SAMPLED };

static void head_save(const struct ax_job *job, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    ax_put_str(out, job->config->name);
    ax_put_u64(out, job->generation);
    ax_put_u64(out, job->identity);
    ax_put_i64(out, job->schedule.last_ms);
    ax_put_i64(out, job->repeated_ms);
}

static void head_load(struct ax_job_saved *head, int64_t *repeated_ms, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    head->name = ax_get_str(in);
    head->generation = ax_get_u64(in);
    head->identity = ax_get_u64(in);
    head->last_ms = ax_get_ms(in);
    *repeated_ms = ax_get_ms(in);
    head->newest_ms = *repeated_ms > head->last_ms ? *repeated_ms : head->last_ms;
}

enum ax_err ax_job_peek(struct ax_str body, struct ax_job_saved *out)
{
    struct ax_bytes in = ax_bytes_of(body), of_any = in;
    int64_t repeated_ms;
    head_load(out, &repeated_ms, &in);
    (void)ax_get_u8(&of_any);
    out->name = ax_get_str(&of_any);
    if (of_any.err != AX_OK || out->name.n > AX_JOB_NAME_MAX)
        out->name = (struct ax_str){"", 0};
    return in.err;
}

static void job_save(struct ax_job *job, struct ax_buf *out)
{
    head_save(job, out);
    ax_put_i64(out, job->drift_due_ms);
    ax_put_i64(out, job->accuracy_fell_ms);
    ax_put_i64(out, job->relearn_ms);
    ax_put_i64(out, job->settled_ms);
    for (unsigned what = 0; what < AX_DRIFT_SOURCES; what++) {
        ax_put_varint(out, job->drift_ready[what]);
        ax_put_varint(out, job->drift_drifted[what]);
    }
    ax_put_u8(out, (uint8_t)job->reason);
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const struct ax_channel *c = &job->channels[i];
        for (unsigned what = 0; what < AX_DRIFT_SOURCES; what++)
            ax_drift_result_save(&c->drift_result[what], out);
        if (c->stream)
            ax_drift_stream_save(c->stream, out);
        if (c->kind.scorecard)
            ax_scorecard_save(c->kind.scorecard, out);
        if (c->kind.forecast)
            ax_forecast_shared_save(&c->shared, out);
    }
    ax_job_labels_save(job, out);
    ax_triggers_save(&job->triggers, out);
    for (const struct ax_learner *l = job->learners; l; l = l->after)
        ax_learner_save(l, out);
    for (uint32_t i = 0; i < job->channels_n; i++)
        for (uint32_t k = 0; k < AX_GIVEN_N; k++)
            if (job->channels[i].given[k])
                ax_channel_given_save(job->channels[i].given[k], out);
    ax_entity_trial_save(&job->scores, out);
    if (job->parity)
        ax_parity_card_save(job->parity->card, out);
    ax_job_outlets(job, &(struct ax_outlet_deed){.verb = AX_OUTLET_SAVE, .out = out});
    ax_job_lessons_save(job, out);
    ax_alarms_save(&job->alarms, out);
}

static enum ax_err job_load(struct ax_job *job, struct ax_bytes *in)
{
    job->drift_due_ms = ax_get_ms(in);
    job->accuracy_fell_ms = ax_get_ms(in);
    job->relearn_ms = ax_get_ms(in);
    job->settled_ms = ax_get_ms(in);
    for (unsigned what = 0; what < AX_DRIFT_SOURCES; what++) {
        job->drift_ready[what] = ax_get_count(in, job->channels_n + job->labels_n);
        job->drift_drifted[what] = ax_get_count(in, job->drift_ready[what]);
    }
    job->reason = (enum ax_job_reason)ax_get_count(in, AX_JOB_REASONS - 1);
    for (uint32_t i = 0; i < job->channels_n && in->err == AX_OK; i++) {
        struct ax_channel *c = &job->channels[i];
        for (unsigned what = 0; what < AX_DRIFT_SOURCES; what++)
            ax_drift_result_load(&c->drift_result[what], in);
        if (c->stream)
            ax_drift_stream_load(c->stream, in);
        if (c->kind.scorecard && ax_scorecard_load(c->kind.scorecard, in) != AX_OK)
            break;
        if (c->kind.forecast && ax_forecast_shared_load(&c->shared, in) != AX_OK)
            break;
    }
    ax_job_labels_load(job, in);
    ax_triggers_load(&job->triggers, in);
    for (struct ax_learner *l = job->learners; l && in->err == AX_OK; l = l->after)
        if (ax_learner_load(l, in) == AX_NOMEM)
            return AX_NOMEM;
    for (uint32_t i = 0; i < job->channels_n; i++)
        for (uint32_t k = 0; k < AX_GIVEN_N; k++)
            if (job->channels[i].given[k] && ax_channel_given_load(job->channels[i].given[k], in) == AX_NOMEM)
                return AX_NOMEM;
    if (in->err == AX_OK && ax_entity_trial_load(&job->scores, in) == AX_NOMEM)
        return AX_NOMEM;
    if (in->err == AX_OK && job->parity && ax_parity_card_load(job->parity->card, in) == AX_NOMEM)
        return AX_NOMEM;
    ax_job_outlets(job, &(struct ax_outlet_deed){.verb = AX_OUTLET_LOAD, .in = in});
    enum ax_err err = in->err == AX_OK ? ax_job_lessons_load(job, in) : in->err;
    if (err != AX_OK)
        return err;
    ax_alarms_load(&job->alarms, in);
    return in->err;
}

/* Labels of a target or an entity. */
static void labels_save(const struct ax_labels *labels, struct ax_buf *out)
{
    ax_put_varint(out, labels->n);
    for (uint32_t i = 0; i < labels->n; i++) {
        ax_put_str(out, labels->v[i].name);
        ax_put_str(out, labels->v[i].value);
    }
}

/* Those of one that is to be made, in the job's scratch. */
static enum ax_err labels_load(struct ax_job *job, struct ax_labels *labels, struct ax_bytes *in)
{
    uint32_t n = ax_get_count(in, LABELS_MAX);
    if (n > ax_bytes_left(in) / 2) /* two lengths each */
        return ax_bytes_fail(in);
    ax_arena_reset(&job->scratch);
    struct ax_label *v = ax_arena_array(&job->scratch, n, sizeof *v);
    if (!v)
        return AX_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        v[i] = (struct ax_label){ax_get_str(in), ax_get_str(in)};
    if (in->err != AX_OK || ax_labels_canonical(v, &n, NULL) != AX_OK)
        return ax_bytes_fail(in);
    *labels = (struct ax_labels){n, v};
    return AX_OK;
}

/* Where sections go, and the one that is being made. */
struct saving {
    struct ax_buf *out;
    struct ax_snapshot_writer *w;
    uint64_t job; /* hash of its name */
};

static void begin(struct saving *s)
{
    ax_buf_reset(s->out);
    ax_put_u8(s->out, STATE_VERSION);
}

/* Put the section, unless it could not be made. Part and number say which of its type it is. */
static enum ax_err end(struct saving *s, enum ax_snapshot_section type, uint32_t of, uint32_t number)
{
    const uint64_t which[] = {s->job, (uint64_t)type << 32 | of, number};
    if (s->out->err == AX_OK)
        ax_snapshot_put_keyed(s->w, (uint8_t)type, ax_hash64(which, sizeof which, 0), ax_buf_view(s->out));
    return s->out->err;
}

/* Channel i, that of the capacity behind the others. */
static struct ax_channel *part(struct ax_job *job, uint32_t i)
{
    return i < job->channels_n ? &job->channels[i] : job->capacity;
}

static enum ax_err targets_save(struct ax_job *job, uint32_t channel, struct saving *s)
{
    struct ax_channel *c = part(job, channel);
    enum ax_err err = AX_OK;
    struct ax_target *t = c->first;
    do {
        const uint32_t block = t ? t->serial / SECTION_ITEMS : 0;
        begin(s);
        ax_put_varint(s->out, channel);
        for (; t && t->serial / SECTION_ITEMS == block && s->out->n < SECTION_BYTES && s->out->err == AX_OK;
             t = t->next) {
            ax_put_u8(s->out, 1);
            ax_put_varint(s->out, t->serial);
            labels_save(t->labels, s->out);
            ax_put_u8(s->out, t->sampled ? IS_SAMPLED : t->was_sampled ? WAS_SAMPLED : NEVER_SAMPLED);
            ax_target_save(t, &c->kind, s->out);
        }
        ax_put_u8(s->out, 0);
        ax_put_varint(s->out, t ? t->serial : c->next_serial);
        err = end(s, AX_SECTION_TARGETS, channel, block);
    } while (t && err == AX_OK);
    return err;
}

/* Make a target whose windows are as long as those of the one that was saved. */
static struct ax_target *make_target(struct ax_channel *c, uint64_t id, const struct ax_labels *labels,
                                     uint32_t sampled)
{
    struct ax_target_kind kind = c->kind;
    uint32_t left = sampled == NEVER_SAMPLED ? 0 : 1;
    kind.sample_left = &left;
    struct ax_target *t = ax_target_new(&kind, c->job->config, id, labels, 0);
    if (t && sampled == WAS_SAMPLED)
        ax_target_leave_sample(t, &kind);
    if (t && t->sampled)
        c->sample_left--;
    if (t && ax_map_put(&c->targets, id, t) == AX_OK)
        return t;
    ax_target_free(t, &c->kind, INT64_MIN);
    return NULL;
}

static enum ax_err target_load(struct ax_channel *c, struct ax_bytes *in)
{
    struct ax_job *job = c->job;
    struct ax_labels labels;
    uint32_t serial = ax_get_count(in, UINT32_MAX);
    enum ax_err err = labels_load(job, &labels, in);
    uint32_t sampled = ax_get_count(in, IS_SAMPLED);
    if (err != AX_OK)
        return err;
    uint64_t id = ax_job_id(job, &labels);
    if (in->err != AX_OK || serial < c->next_serial || serial == UINT32_MAX ||
        (sampled != NEVER_SAMPLED && c->kind.drift_n == 0) ||
        (sampled == IS_SAMPLED && c->sample_left == 0) || c->targets.n >= job->config->max_series ||
        ax_map_get(&c->targets, id))
        return ax_bytes_fail(in);
    struct ax_target *t = make_target(c, id, &labels, sampled);
    if (!t)
        return AX_NOMEM;
    t->serial = serial;
    c->next_serial = serial + 1;
    *c->end = t;
    c->end = &t->next;
    err = ax_target_load(t, &c->kind, in);
    return err == AX_OK && t->stepped_ms > job->schedule.last_ms ? ax_bytes_fail(in) : err;
}

static enum ax_err targets_load(struct ax_job *job, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    struct ax_channel *c = part(job, ax_get_count(in, ax_job_parts(job) - 1));
    while (in->err == AX_OK && ax_get_bool(in)) {
        enum ax_err err = target_load(c, in);
        if (err != AX_OK)
            return err;
    }
    uint32_t next_serial = ax_get_count(in, UINT32_MAX);
    if (next_serial < c->next_serial)
        return ax_bytes_fail(in);
    c->next_serial = next_serial;
    return in->err;
}

static void entity_save(struct ax_job *job, struct ax_entity *e, struct ax_buf *out)
{
    labels_save(e->labels, out);
    ax_put_i64(out, e->seen_ms);
    ax_put_i64(out, e->settled_ms);
    ax_put_i64(out, e->loud_ms);
    ax_combiner_save(e->combiner, out);
    ax_hindsight_save(e->hindsight, out);
    ax_said_save(e->said, out);
    ax_panel_save(e->panel, out);
    ax_verdict_save(&e->verdict, out);
    ax_put_f64(out, e->vote);
    ax_window_save(e->flags, out);
    for (uint32_t i = 0; i < job->channels_n; i++)
        ax_put_f64(out, e->contributions[i]);
    ax_challenged_save(&e->challenged, out);
    ax_entity_outlets(job, e, &(struct ax_outlet_deed){.verb = AX_OUTLET_SAVE, .out = out});
}

static enum ax_err entities_save(struct ax_job *job, struct saving *s)
{
    enum ax_err err = AX_OK;
    struct ax_entity *e = job->first;
    for (uint32_t block = 0; e && err == AX_OK; block++) {
        begin(s);
        for (uint32_t n = 0; e && n < SECTION_ITEMS && s->out->err == AX_OK; n++, e = e->next) {
            ax_put_u8(s->out, 1);
            entity_save(job, e, s->out);
        }
        ax_put_u8(s->out, 0);
        err = end(s, AX_SECTION_ENTITIES, 0, block);
    }
    return err;
}

/* Are the features that its episodes name ones of the job? */
static bool names_features(const struct ax_job *job, const struct ax_episodes *e)
{
    for (uint32_t i = 0; i < e->n; i++)
        for (uint32_t k = 0; k < e->v[i].parts_n; k++)
            if (e->v[i].part[k] >= job->channels_n)
                return false;
    return true;
}

static enum ax_err entity_load(struct ax_job *job, struct ax_bytes *in)
{
    struct ax_labels labels;
    enum ax_err err = labels_load(job, &labels, in);
    if (err != AX_OK)
        return err;
    uint64_t id = ax_job_id(job, &labels);
    if (job->entities.n / job->channels_n >= job->config->max_series || ax_map_get(&job->entities, id))
        return ax_bytes_fail(in);
    struct ax_entity *e = ax_entity_new(job, id, &labels);
    if (!e)
        return AX_NOMEM;
    e->seen_ms = ax_get_ms(in);
    e->settled_ms = ax_get_ms(in);
    e->loud_ms = ax_get_ms(in);
    err = ax_combiner_load(e->combiner, in);
    if (err == AX_OK)
        err = ax_hindsight_load(e->hindsight, in);
    if (err == AX_OK)
        err = ax_said_load(&e->said, in);
    if (err == AX_OK)
        err = ax_panel_load(e->panel, in);
    if (err != AX_OK)
        return err;
    ax_verdict_load(&e->verdict, in);
    e->vote = ax_get_f64_in(in, 0, 1);
    err = ax_window_load(e->flags, in);
    if (err != AX_OK)
        return err;
    for (uint32_t i = 0; i < job->channels_n; i++)
        e->contributions[i] = ax_get_f64_in(in, 0, 1);
    if (e->seen_ms == INT64_MIN || e->seen_ms > job->schedule.last_ms ||
        !names_features(job, &e->hindsight->episodes))
        return ax_bytes_fail(in);
    err = ax_challenged_load(&job->challenger, &e->challenged, 1, in);
    if (err != AX_OK)
        return err;
    ax_entity_outlets(job, e, &(struct ax_outlet_deed){.verb = AX_OUTLET_LOAD, .in = in});
    return in->err;
}

static enum ax_err entities_load(struct ax_job *job, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    while (in->err == AX_OK && ax_get_bool(in)) {
        enum ax_err err = job->scores_entities ? entity_load(job, in) : ax_bytes_fail(in);
        if (err != AX_OK)
            return err;
    }
    return in->err;
}

static enum ax_err drift_save(struct ax_job *job, struct saving *s)
{
    enum ax_err err = AX_OK;
    struct ax_drift_entity *e = ax_drift_entity_next(job, NULL);
    for (uint32_t block = 0; e && err == AX_OK; block++) {
        begin(s);
        for (uint32_t n = 0; e && n < SECTION_ITEMS && s->out->err == AX_OK;
             n++, e = ax_drift_entity_next(job, e)) {
            ax_put_u8(s->out, 1);
            labels_save(ax_drift_entity_labels(e), s->out);
            ax_drift_entity_save(job, e, s->out);
        }
        ax_put_u8(s->out, 0);
        err = end(s, AX_SECTION_DRIFT, 0, block);
    }
    return err;
}

static enum ax_err drift_load(struct ax_job *job, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    while (in->err == AX_OK && ax_get_bool(in)) {
        struct ax_labels labels;
        enum ax_err err = labels_load(job, &labels, in);
        if (err != AX_OK)
            return err;
        const uint64_t id = ax_job_id(job, &labels);
        if (job->config->drift.per != AX_DRIFT_PER_ENTITY || ax_map_get(&job->drift_entities.by_id, id) ||
            job->drift_entities.by_id.n >= job->config->drift.max_entities)
            return ax_bytes_fail(in);
        struct ax_drift_entity *e = ax_drift_entity_new(job, id, &labels);
        if (!e)
            return AX_NOMEM;
        ax_drift_entity_load(job, e, in);
    }
    return in->err;
}

enum ax_err ax_job_save(struct ax_job *job, struct ax_buf *scratch, struct ax_snapshot_writer *w)
{
    const struct ax_str name = job->config->name;
    struct saving s = {scratch, w, ax_hash64(name.p, name.n, 0)};
    ax_buf_reset(scratch);
    job_save(job, scratch);
    enum ax_err err = end(&s, AX_SECTION_JOB, 0, 0);
    for (uint32_t i = 0; i < ax_job_parts(job) && err == AX_OK; i++)
        err = targets_save(job, i, &s);
    if (err == AX_OK)
        err = entities_save(job, &s);
    return err == AX_OK ? drift_save(job, &s) : err;
}

/* The section that comes first; it says whether the others can be read. */
static enum ax_err first_load(struct ax_job *job, struct ax_bytes *in, struct ax_diag *diag)
{
    struct ax_job_saved head;
    int64_t repeated_ms;
    head_load(&head, &repeated_ms, in);
    if (in->err != AX_OK || !ax_str_eq(head.name, job->config->name))
        return ax_bytes_fail(in);
    if (head.identity != job->identity)
        return ax_fail(diag, AX_CONFLICT,
                       "job %s: what is saved was learnt under another configuration of the job", job->name);
    if (head.last_ms != AX_NEVER && head.last_ms % job->config->step_ms != 0)
        return ax_bytes_fail(in);
    job->learnt = true;
    job->generation = head.generation;
    job->schedule.last_ms = head.last_ms;
    atomic_store_explicit(&job->watch.evaluated_ms, head.last_ms, memory_order_release);
    job->repeated_ms = repeated_ms;
    return job_load(job, in);
}

enum ax_err ax_job_load(struct ax_job *job, uint8_t type, struct ax_str body, struct ax_diag *diag)
{
    struct ax_bytes in = ax_bytes_of(body);
    enum ax_err err = AX_CORRUPT;
    if (type == AX_SECTION_JOB)
        err = first_load(job, &in, diag);
    else if (type == AX_SECTION_TARGETS)
        err = targets_load(job, &in);
    else if (type == AX_SECTION_ENTITIES)
        err = entities_load(job, &in);
    else if (type == AX_SECTION_DRIFT)
        err = drift_load(job, &in);
    if (err == AX_OK)
        err = ax_bytes_end(&in);
    if (err == AX_NOMEM)
        return ax_fail(diag, err, "job %s: no memory for what is saved of it", job->name);
    if (err == AX_CORRUPT)
        return ax_fail(diag, err,
                       "job %s: what is saved of it is damaged at byte %zu of a section of type %u",
                       job->name, (size_t)((const char *)in.p - body.p), type);
    return err;
}
