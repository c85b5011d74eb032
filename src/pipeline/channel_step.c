/* channel_step.c: one step of an expression: from its vector to a record, and from the record to its targets.
 *
 * Each result finds its target by the hash of its labels (of the `by` labels for a feature), a new one makes
 * one, and a target without a result has a gap. The order in which targets are stepped and made is that
 * of serials and labels, so that it does not hang on the order in which an expression gives its results. */
#include "base/log.h"
#include "pipeline/job_priv.h"
#include "pipeline/step_record.h"

#include <math.h>
#include <stdlib.h>

#define SCRAPE_JITTER 10           /* a tenth of a step */
#define RECORD_NEW_MAX (64u << 20) /* a record so long takes no new targets: they wait for the next step */

/* A result without a target. */
struct newcomer {
    const struct ax_labels *labels;
    double value;
};

/* Those of a step, in the scratch arena; refused: how many there is no room for. */
struct newcomers {
    struct newcomer *v;
    uint32_t n, refused;
};

uint64_t ax_entity_id(const struct ax_job *job, const struct ax_labels *labels)
{
    struct ax_label room[AX_JOIN_LABELS_MAX];
    const struct ax_join join = {job->config->by, job->config->by_n};
    const struct ax_labels own = ax_join_labels(&join, labels, room);
    return ax_job_id(job, &own);
}

uint64_t ax_channel_entity(const struct ax_channel *c, struct ax_target *t)
{
    if (!t->entity)
        t->entity = c->feature.n ? t->id : ax_entity_id(c->job, t->labels);
    return t->entity;
}

static void refuse_duplicate(const struct ax_channel *c)
{
    if (ax_job_rehearses(c->job))
        return;
    ax_job_error(c->job, "duplicate");
    ax_log_about(
        AX_LOG_WARN, "duplicate_feature", ax_str(c->job->name),
        "job %s: %s gives several series for one entity; aggregate it by the labels that join (`by`, `on`)",
        c->job->name, c->drift_name[0]);
}

/* Note a result at its target. A value goes before an end; of two values the first counts. */
static void give(struct ax_channel *c, struct ax_target *t, const struct ax_labels *labels,
                 const struct ax_result *r)
{
    bool given = t->given == c->job->evaluation;
    if (!ax_labels_eq(t->labels, labels) || (given && !t->given_ended && !r->ended)) {
        refuse_duplicate(c);
        return;
    }
    if (given && r->ended)
        return;
    t->given = c->job->evaluation;
    t->given_ended = r->ended;
    t->given_value = r->value;
}

/* A copy of the pairs in the scratch arena; their bytes stay where they are, with the series. */
static const struct ax_labels *keep_labels(struct ax_job *job, const struct ax_labels *labels)
{
    struct ax_labels *copy = ax_arena_alloc(&job->scratch, sizeof *copy);
    struct ax_label *v = ax_arena_array(&job->scratch, labels->n, sizeof *v);
    if (!copy || !v)
        return NULL;
    if (labels->n)
        memcpy(v, labels->v, labels->n * sizeof *v);
    *copy = (struct ax_labels){labels->n, v};
    return copy;
}

/* Note a result that may make a target; at most so many come in this step. A job that has all the targets
 * that it may have notes none, however many there are, and what there is no memory for has to wait: neither
 * may keep the others from their step. */
static bool note(struct ax_channel *c, struct newcomers *new, uint32_t most, const struct ax_labels *labels,
                 double value)
{
    struct ax_job *job = c->job;
    if (c->targets.n >= job->config->max_series)
        return false;
    if (!new->v)
        new->v = ax_arena_array(&job->scratch, most, sizeof *new->v);
    if (new->v && c->joins) /* those are in the caller's room */
        labels = keep_labels(job, labels);
    if (!new->v || !labels)
        return false;
    new->v[new->n++] = (struct newcomer){labels, value};
    return true;
}

/* Give the results to their targets; those that have none are newcomers. */
static void give_all(struct ax_channel *c, const struct ax_vector *v, struct newcomers *new)
{
    const struct ax_job *job = c->job;
    struct ax_label room[AX_JOIN_LABELS_MAX];
    for (uint32_t i = 0; i < v->n; i++) {
        const struct ax_result *r = &v->v[i];
        struct ax_labels labels = c->joins ? ax_join_labels(&c->join, r->labels, room) : *r->labels;
        uint64_t id = c->joins ? ax_job_id(job, &labels) : r->id;
        struct ax_target *t = ax_map_get(&c->targets, id);
        if (t)
            give(c, t, &labels, r);
        if (t || r->ended || (job->env.only && !ax_map_get(job->env.only, id)))
            continue;
        if (!note(c, new, v->n - i, c->joins ? &labels : r->labels, r->value))
            new->refused++;
    }
}

static int by_labels(const void *a, const void *b)
{
    const struct newcomer *x = a, *y = b;
    return ax_labels_cmp(x->labels, y->labels);
}

static void refuse(const struct ax_job *job, uint32_t n)
{
    if (ax_job_rehearses(job))
        return;
    ax_metric_add(job->refused, n);
    ax_log_about(
        AX_LOG_WARN, "targets_refused", ax_str(job->name),
        "job %s takes no more new series in this step, and max_series (%u) in all: raise it, or narrow the "
        "expression",
        job->name, job->config->max_series);
}

/* A feature's results without a label of `by` are all one entity, which nobody means. */
static void look_at_join(const struct ax_channel *c, const struct ax_labels *labels)
{
    if (!c->joins || labels->n >= c->join.by_n || ax_job_rehearses(c->job))
        return;
    uint32_t i = 0;
    while (i + 1 < c->join.by_n && ax_labels_get(labels, c->join.by[i]).n)
        i++;
    ax_log_about(AX_LOG_WARN, "by_missing", ax_str(c->job->name),
                 "job %s: what %s gives has no label " AX_STR_FMT
                 ", which `by` names: whatever has the same other "
                 "labels is one entity",
                 c->job->name, c->drift_name[0], AX_STR_ARG(c->join.by[i]));
}

/* Append the results that make targets, as many as there is room for. */
static void put_new(struct ax_channel *c, const struct newcomers *new, struct ax_buf *record, int64_t *serial)
{
    struct ax_buf key;
    struct newcomer *v = new->v;
    uint32_t made = 0, n = new->n, refused = new->refused;
    if (n)
        qsort(v, n, sizeof *v, by_labels);
    ax_buf_init(&key, RECORD_NEW_MAX);
    for (uint32_t i = 0; i < n; i++) {
        if (i && ax_labels_eq(v[i].labels, v[i - 1].labels)) {
            refuse_duplicate(c);
            continue;
        }
        if (c->targets.n + made >= c->job->config->max_series || record->n > RECORD_NEW_MAX) {
            refused += n - i;
            break;
        }
        look_at_join(c, v[i].labels);
        ax_buf_reset(&key);
        ax_labels_key_write(v[i].labels, &key);
        if (key.err != AX_OK)
            record->err = key.err;
        const struct ax_step_result r = {.is_new = true, .key = ax_buf_view(&key), .value = v[i].value};
        ax_step_put(record, &r, serial);
        made++;
    }
    if (refused)
        refuse(c->job, refused);
    ax_buf_done(&key);
}

/* How many steps go by without a value when one scrape of these that far apart fails. */
static uint32_t spared_steps(const struct ax_job *job, int64_t interval_ms)
{
    const int64_t step_ms = job->config->step_ms, early_ms = step_ms / SCRAPE_JITTER;
    return (uint32_t)((interval_ms - early_ms + step_ms - 1) / step_ms);
}

enum ax_err ax_channel_evaluate(struct ax_channel *c, int64_t t_ms, struct ax_buf *record)
{
    struct ax_vector v = {0};
    struct ax_diag diag = {{0}};
    struct newcomers new = {NULL, 0, 0};
    int64_t serial;
    if (ax_bound_eval(c->bound, t_ms, &v, &diag) != AX_OK) {
        ax_job_error(c->job, "expr");
        if (!ax_job_rehearses(c->job))
            ax_log_about(AX_LOG_WARN, "expression_failed", ax_str(c->job->name), "job %s, %s: %s",
                         c->job->name, c->drift_name[0], diag.text);
        v.n = 0;
    }
    if (v.dropped) {
        ax_metric_add(ax_metric(AX_M_JOB_HISTOGRAMS, c->job->name, NULL), v.dropped);
        ax_log_about(
            AX_LOG_WARN, "histograms_dropped", ax_str(c->job->name),
            "job %s, %s: %u native histogram(s) are no numbers: use histogram_quantile, histogram_count, "
            "histogram_sum or histogram_avg, and do not mix them with numbers",
            c->job->name, c->drift_name[0], v.dropped);
    }
    ax_arena_reset(&c->job->scratch);
    give_all(c, &v, &new);
    const struct ax_step_channel head = {c->next_serial, spared_steps(c->job, v.interval_ms)};
    ax_step_put_channel(record, &head, &serial);
    for (const struct ax_target *t = c->first; t; t = t->next) {
        if (t->given != c->job->evaluation)
            continue;
        const struct ax_step_result r = {
            .serial = t->serial, .ended = t->given_ended, .value = t->given_value};
        ax_step_put(record, &r, &serial);
    }
    put_new(c, &new, record, &serial);
    ax_step_put_end(record);
    return record->err;
}

static void observe(struct ax_channel *c, struct ax_target *t, int64_t t_ms, double value)
{
    if (ax_target_observe(t, &c->kind, t_ms, value) != AX_OK)
        ax_job_error(c->job, "memory");
}

/* Make the target of a new result and let it have the step. The serial is used up in any case, so that later
 * ones have the same in a replay: without memory for the target, and when it is there because the records in
 * which it went were lost. */
static void observe_new(struct ax_channel *c, const struct ax_step_result *r, int64_t t_ms)
{
    struct ax_job *job = c->job;
    struct ax_labels labels;
    uint32_t serial = c->next_serial++;
    ax_arena_reset(&job->scratch);
    if (ax_labels_key_parse(r->key, &job->scratch, &labels, NULL) == AX_OK) {
        uint64_t id = ax_job_id(job, &labels);
        if (ax_map_get(&c->targets, id))
            return;
        struct ax_target *t = ax_target_new(&c->kind, job->config, id, &labels, t_ms);
        if (t && ax_map_put(&c->targets, id, t) == AX_OK) {
            t->serial = serial;
            *c->end = t;
            c->end = &t->next;
            observe(c, t, t_ms, r->value);
            return;
        }
        ax_target_free(t, &c->kind, INT64_MIN);
    }
    ax_job_error(job, "memory");
}

void ax_channel_observe(struct ax_channel *c, int64_t t_ms, struct ax_bytes *record)
{
    struct ax_step_channel head;
    int64_t serial;
    struct ax_step_result r;
    ax_step_get_channel(record, &head, &serial);
    c->kind.spared = head.spared;
    if (head.next_serial > c->next_serial)
        c->next_serial = head.next_serial; /* the records that made those between were lost */
    bool more = ax_step_get(record, &r, &serial);
    for (struct ax_target *t = c->first; t; t = t->next) {
        while (more && !r.is_new && r.serial < t->serial)
            more = ax_step_get(record, &r, &serial);
        bool has = more && !r.is_new && r.serial == t->serial, ended = has && r.ended;
        observe(c, t, t_ms, has && !ended ? r.value : (double)NAN);
        if (ended)
            t->ended_ms = t_ms;
        if (has)
            more = ax_step_get(record, &r, &serial);
    }
    for (; more; more = ax_step_get(record, &r, &serial))
        if (r.is_new)
            observe_new(c, &r, t_ms);
}

/* Let the models of a target take the step that it has observed, and end what is over. */
static void step_target(struct ax_channel *c, struct ax_target *t, int64_t t_ms, const double *const *given)
{
    if (!c->job->observing && t->stepped_ms == t_ms &&
        ax_target_step(t, &c->kind, t_ms, given, &c->job->scratch) != AX_OK)
        ax_job_error(c->job, "memory");
    if (t->ended_ms == t_ms)
        ax_target_end(t, &c->kind, t_ms);
    if (ax_target_absent_ms(t, t_ms) > ax_job_absence_ms(c->job)) {
        ax_target_end(t, &c->kind, t_ms);
        ax_target_leave_sample(t, &c->kind);
    }
}

void ax_channel_step(struct ax_channel *c, int64_t t_ms)
{
    const double *given[AX_GIVEN_N] = {NULL};
    for (uint32_t i = 0; i < AX_GIVEN_N; i++)
        if (c->given[i] && !c->job->observing)
            given[i] = ax_channel_given_run(c->given[i], t_ms);
    struct ax_target **at = &c->first;
    for (struct ax_target *t; (t = *at);) {
        step_target(c, t, t_ms, given);
        for (uint32_t i = 0; i < AX_GIVEN_N; i++)
            given[i] = given[i] ? given[i] + ax_channel_given_leads(c->given[i]) : NULL;
        if (ax_target_absent_ms(t, t_ms) <= c->job->config->series_retention_ms) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        (void)ax_map_remove(&c->targets, t->id);
        ax_target_free(t, &c->kind, t_ms);
    }
    c->end = at;
    for (uint32_t i = 0; i < AX_GIVEN_N; i++)
        if (given[i])
            ax_channel_given_weigh(c->given[i], t_ms);
}
