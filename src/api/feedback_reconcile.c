/* feedback_reconcile.c: the table of events and the lessons of each job, both in the order of their ids,
 * walked side by side; and the thread that does so. */
#include "api/feedback_priv.h"
#include "base/log.h"
#include "pipeline/lesson.h"

#include <stdlib.h>

#define PAGE 16 /* events that are taught while the table is held */

/* What one job knows, while the table is read; what is in force is struck off. */
struct reconciling {
    struct ax_feedback *f;
    struct ax_str job;
    uint64_t *known;
    uint32_t known_n, at;
    int64_t after; /* the id of the last event that was read */
    uint32_t read; /* events of a page */
    json_t *jobs, *warnings;
};

static void forget(struct reconciling *r, uint64_t id)
{
    const struct ax_event e = {.id = (int64_t)id};
    ax_feedback_teach(r->f, r->job, &e, true, r->jobs, r->warnings);
}

static bool reconcile_one(void *ctx, const struct ax_event *e)
{
    struct reconciling *r = ctx;
    r->after = e->id;
    r->read++;
    while (r->at < r->known_n && r->known[r->at] < (uint64_t)e->id)
        forget(r, r->known[r->at++]);
    if (r->at < r->known_n && r->known[r->at] == (uint64_t)e->id)
        r->at++;
    else
        ax_feedback_teach(r->f, r->job, e, false, r->jobs, r->warnings);
    return !atomic_load(&r->f->ending);
}

static void reconcile_job(struct reconciling *r)
{
    struct ax_diag diag = {{0}};
    struct ax_event_query q = {.job = r->job, .limit = PAGE, .in_force = true, .feedback = true};
    r->at = 0;
    if (ax_pipeline_lessons(r->f->pipeline, r->job, r->known, &r->known_n) != AX_OK)
        return;
    do {
        r->read = 0;
        if (ax_events_each(r->f->events, &q, reconcile_one, r, &diag) != AX_OK) {
            ax_log(AX_LOG_ERROR, "feedback_failed", "%s", diag.text);
            return;
        }
        q.after = r->after;
    } while (r->read == PAGE && !atomic_load(&r->f->ending));
    while (r->at < r->known_n && !atomic_load(&r->f->ending))
        forget(r, r->known[r->at++]);
}

void ax_feedback_reconcile(struct ax_feedback *f)
{
    struct ax_job_status status;
    char name[256];
    struct reconciling r = {.f = f, .jobs = json_array(), .warnings = json_array()};
    r.known = malloc(AX_JOB_LESSONS_MAX * sizeof *r.known);
    (void)pthread_mutex_lock(&f->lock);
    for (uint32_t i = 0; r.known && ax_pipeline_job_status(f->pipeline, i, name, sizeof name, &status); i++) {
        r.job = ax_str(name);
        reconcile_job(&r);
    }
    (void)pthread_mutex_unlock(&f->lock);
    size_t i;
    json_t *text;
    json_array_foreach(r.warnings, i, text)
    {
        ax_log(AX_LOG_WARN, "feedback_failed", "%s", json_string_value(text));
    }
    json_decref(r.jobs);
    json_decref(r.warnings);
    free(r.known);
}

static void *reconcile(void *feedback)
{
    struct ax_feedback *f = feedback;
    while (sem_wait(&f->asked) != 0 || !atomic_load(&f->ending))
        if (atomic_exchange(&f->wanted, false))
            ax_feedback_reconcile(f);
    return NULL;
}

enum ax_err ax_feedback_start(struct ax_feedback *f, struct ax_diag *diag)
{
    if (pthread_create(&f->thread, NULL, reconcile, f) != 0)
        return ax_fail(diag, AX_IO, "no thread to teach jobs: too many threads run already");
    f->started = true;
    return AX_OK;
}

void ax_feedback_ask(struct ax_feedback *f)
{
    if (!atomic_exchange(&f->wanted, true))
        (void)sem_post(&f->asked);
}

void ax_feedback_stop(struct ax_feedback *f)
{
    atomic_store(&f->ending, true);
    (void)sem_post(&f->asked);
    if (f->started)
        (void)pthread_join(f->thread, NULL);
    f->started = false;
}
