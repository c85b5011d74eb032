/* erase.c: out of the database, the jobs and the log. */
#include "pipeline/erase.h"

#include "base/log.h"
#include "pipeline/chooser.h"
#include "pipeline/job_priv.h"
#include "pipeline/pipeline_priv.h"
#include "store/records.h"

#define RECORD_VERSION 1
#define OWED_VERSION 1
#define SNAPSHOTS 2 /* as many are kept, and what the log has for the older one */

/* A record, read; views into it. One without a selector erases nothing: it is there for its position. */
struct record {
    struct ax_str job, selector;
    uint64_t generation, identity;
    int64_t last_ms;
};

static void put(struct ax_buf *out, const struct record *r)
{
    ax_buf_reset(out);
    ax_put_u8(out, RECORD_VERSION);
    ax_put_str(out, r->job);
    ax_put_u64(out, r->generation);
    ax_put_u64(out, r->identity);
    ax_put_i64(out, r->last_ms);
    ax_put_str(out, r->selector);
}

static bool get(struct ax_str body, struct record *r)
{
    struct ax_bytes in = ax_bytes_of(body);
    ax_get_version(&in, RECORD_VERSION);
    r->job = ax_get_str(&in);
    r->generation = ax_get_u64(&in);
    r->identity = ax_get_u64(&in);
    r->last_ms = ax_get_ms(&in);
    r->selector = ax_get_str(&in);
    return ax_bytes_end(&in) == AX_OK && (r->selector.n > 0 || r->job.n == 0);
}

static enum ax_err append(struct ax_pipeline *p, const struct record *r, struct ax_diag *diag)
{
    if (!p->options.log)
        return AX_OK;
    put(&p->record, r);
    if (p->record.err != AX_OK)
        return ax_fail(diag, p->record.err, "%s", ax_err_text(p->record.err));
    return ax_seglog_append(p->options.log, AX_WAL_ERASE, ax_buf_view(&p->record), NULL, diag);
}

/* ---- samples ---- */

static bool is_meant(void *ctx, const struct ax_labels *labels)
{
    const struct ax_chooser *c = ctx;
    bool meant = true;
    for (uint32_t i = 0; i < c->n && meant; i++)
        meant = ax_matcher_match(c->matchers[i], labels);
    return meant;
}

enum ax_err ax_erase_replay_samples(struct ax_db *db, struct ax_str record)
{
    struct record r;
    struct ax_chooser c;
    struct ax_diag diag;
    if (!get(record, &r))
        return AX_CORRUPT;
    if (r.job.n || r.selector.n == 0)
        return AX_OK;
    const enum ax_err err = ax_chooser_init(&c, r.selector, &diag);
    if (err != AX_OK)
        return err == AX_NOMEM ? err : AX_CORRUPT;
    (void)ax_db_clear(db, NULL, is_meant, &c);
    ax_chooser_done(&c);
    return AX_OK;
}

/* ---- jobs ---- */

static uint32_t erase_targets(struct ax_job *job, struct ax_channel *c, const struct ax_choice *choice)
{
    uint32_t n = 0;
    struct ax_target **at = &c->first;
    for (struct ax_target *t; (t = *at);) {
        if (!ax_choice_takes(choice, job, t->labels)) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        (void)ax_map_remove(&c->targets, t->id);
        ax_target_leave_sample(t, &c->kind);
        ax_target_free(t, &c->kind, INT64_MIN); /* the newest step of its outputs is committed already */
        n++;
    }
    c->end = at;
    return n;
}

static void erase_of_job(struct ax_job *job, const struct ax_choice *choice, struct ax_erased *out)
{
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const uint32_t n = erase_targets(job, &job->channels[i], choice);
        for (uint32_t k = 0; n && k < AX_GIVEN_N; k++)
            if (job->channels[i].given[k])
                ax_channel_given_forget(job->channels[i].given[k]);
        out->series += n;
    }
    if (job->capacity)
        (void)erase_targets(job, job->capacity, choice);
    out->entities += ax_entities_erase(job, choice);
    ax_drift_entities_erase(job, choice);
    ax_job_parity_erased(job);
    for (struct ax_learner *l = job->learners; l; l = l->after) {
        out->fits += l->fit != NULL; /* it learns from a copy of what is to go: another one is begun later */
        ax_fit_drop(l->fit);
        l->fit = NULL;
    }
}

enum ax_err ax_erase_replay(struct ax_pipeline *p, struct ax_str record, struct ax_diag *diag)
{
    struct record r;
    struct ax_choice choice = {0};
    struct ax_erased ignored = {0};
    if (!get(record, &r))
        return AX_OK;
    if (p->options.snapshots) /* what was owed to it when the process ended */
        atomic_store(&p->snapshot.scrub, SNAPSHOTS);
    const uint32_t i = r.job.n ? ax_pipeline_find_job(p, r.job) : UINT32_MAX;
    if (i == UINT32_MAX)
        return AX_OK;
    struct ax_job *job = p->jobs[i];
    if (r.generation != job->generation || r.identity != job->identity || r.last_ms != job->schedule.last_ms)
        return AX_OK; /* of a job that has begun anew since, or that has forgotten it already */
    const enum ax_err err = ax_chooser_init(&choice.chooser, r.selector, diag);
    if (err == AX_OK)
        erase_of_job(job, &choice, &ignored);
    ax_choice_done(&choice);
    return err == AX_NOMEM ? err : AX_OK;
}

/* What waits to be sent goes first: should the process end before the rest, nothing has been promised yet. */
static enum ax_err erase_outputs(struct ax_pipeline *p, struct ax_str selector, struct ax_erased *out,
                                 struct ax_diag *diag)
{
    const struct ax_sink *sink = &p->options.sink;
    if (!ax_pipeline_settle(p))
        return ax_fail(diag, AX_IO, "what job %s says cannot be queued now: see the log, and try again",
                       p->unit);
    return sink->erase ? sink->erase(sink->ctx, selector, &out->queued, diag) : AX_OK;
}

static enum ax_err erase(struct ax_pipeline *p, struct ax_str selector, struct ax_choice *choice,
                         const struct ax_db_asked *inputs, struct ax_erased *out, struct ax_diag *diag)
{
    struct record r = {.selector = selector, .last_ms = INT64_MIN};
    (void)atomic_fetch_add(&p->erasures, 1); /* also of one that fails half-way */
    enum ax_err err = erase_outputs(p, selector, out, diag);
    if (err == AX_OK)
        err = append(p, &r, diag);
    if (err == AX_OK)
        out->inputs = ax_db_clear(p->options.db, inputs, is_meant, &choice->chooser);
    for (uint32_t i = 0; i < p->jobs_n && err == AX_OK; i++) {
        const struct ax_job *job = p->jobs[i];
        r = (struct record){job->config->name, selector, job->generation, job->identity,
                            job->schedule.last_ms};
        err = append(p, &r, diag);
        if (err == AX_OK)
            erase_of_job(p->jobs[i], choice, out);
    }
    (void)ax_db_evict(p->options.db, INT64_MIN + 1); /* the labels of what is empty now */
    if (err == AX_OK && p->options.log)
        err = ax_seglog_sync(p->options.log, diag);
    return err;
}

/* Models do not know the name of a metric: of entities, and behind most functions, nothing has one. */
static bool asks_for_name(const struct ax_chooser *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (ax_str_eq(ax_matcher_name(c->matchers[i]), ax_str(AX_METRIC_NAME)))
            return true;
    return false;
}

enum ax_err ax_pipeline_erase(struct ax_pipeline *p, struct ax_str selector, struct ax_erased *out,
                              struct ax_diag *diag)
{
    struct ax_choice choice = {0};
    *out = (struct ax_erased){0};
    if (selector.n == 0)
        return ax_fail(diag, AX_INVALID, "a selector is wanted: what is to be erased");
    uint64_t memory = AX_CHOOSER_SAID_MEMORY;
    enum ax_err err = ax_chooser_init_within(&choice.chooser, selector, &memory, diag);
    if (err != AX_OK)
        return err;
    if (asks_for_name(&choice.chooser)) {
        ax_choice_done(&choice);
        return ax_fail(
            diag, AX_INVALID,
            "a metric's name says nothing of whose data it is, and models do not know it: say by labels "
            "what is to be erased, as in {instance=\"a\"}");
    }
    if (!ax_pipeline_is_current(p)) {
        ax_choice_done(&choice);
        return ax_fail(diag, AX_NOTREADY, "what the jobs had learnt is still being restored: see /-/ready");
    }
    struct ax_db_asked *inputs = ax_db_ask(p->options.db, is_meant, &choice.chooser);
    (void)pthread_mutex_lock(&p->run);
    ax_choice_make(&choice, p, (struct ax_str){"", 0});
    p->changes++;
    err = erase(p, selector, &choice, inputs, out, diag);
    if (err == AX_OK && p->options.log && p->options.snapshots)
        atomic_store(&p->snapshot.scrub, SNAPSHOTS);
    (void)pthread_mutex_unlock(&p->run);
    ax_db_asked_free(inputs);
    ax_choice_done(&choice);
    return err;
}

uint64_t ax_pipeline_erasures(struct ax_pipeline *p)
{
    return atomic_load(&p->erasures);
}

bool ax_pipeline_erasing(struct ax_pipeline *p)
{
    return atomic_load(&p->snapshot.scrub) > 0;
}

/* ---- log ---- */

void ax_pipeline_scrub(struct ax_pipeline *p)
{
    const struct record nothing = {.last_ms =
                                       INT64_MIN}; /* so that each snapshot has a position of its own */
    struct ax_diag diag = {{0}};
    if (atomic_load(&p->snapshot.scrub) == 0 || ax_clock_mono(&p->options.clock) < p->snapshot.retry_ms)
        return;
    (void)pthread_mutex_lock(&p->run);
    ax_seglog_roll(p->options.log);
    const enum ax_err err = append(p, &nothing, &diag);
    p->snapshot.rolled = atomic_load(&p->erasures);
    (void)pthread_mutex_unlock(&p->run);
    if (err != AX_OK) {
        ax_pipeline_put_off(p);
        ax_log(AX_LOG_WARN, "erasing_waits",
               "what was erased stays in the log for now; it is tried again: %s", diag.text);
        return;
    }
    p->snapshot.scrubs = true;
    const bool taken = ax_pipeline_snapshot(p), tidy = taken && p->snapshot.tidy;
    p->snapshot.scrubs = false;
    if (taken && !tidy)
        ax_pipeline_put_off(p);
    (void)pthread_mutex_lock(&p->run);
    if (tidy && p->snapshot.rolled == atomic_load(&p->erasures)) /* else it may hold what was erased since */
        (void)atomic_fetch_sub(&p->snapshot.scrub, 1);
    (void)pthread_mutex_unlock(&p->run);
}

/* How many snapshots are owed once the one that is written now is there. It cannot say that none is: what it
 * makes needless goes after it, and a process may end between the two. */
static uint8_t owed_after(const struct ax_pipeline *p)
{
    const int owed = atomic_load(&p->snapshot.scrub);
    const bool pays = p->snapshot.scrubs && p->snapshot.rolled == atomic_load(&p->erasures);
    return (uint8_t)(owed - (owed > 1 && pays));
}

void ax_pipeline_owe(struct ax_pipeline *p, struct ax_str section)
{
    struct ax_bytes in = ax_bytes_of(section);
    ax_get_version(&in, OWED_VERSION);
    const uint32_t owed = ax_get_count(&in, SNAPSHOTS);
    if (ax_bytes_end(&in) == AX_OK && p->options.snapshots)
        atomic_store(&p->snapshot.scrub, (int)owed);
}

void ax_pipeline_put_owed(const struct ax_pipeline *p, struct ax_buf *out)
{
    ax_buf_reset(out);
    ax_put_u8(out, OWED_VERSION);
    ax_put_varint(out, owed_after(p));
}
