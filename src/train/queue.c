/* queue.c: the thread, and its tasks in their order. */
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "train/queue_priv.h"
#include "train/search_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE 19
#define DAY_MS INT64_C(86400000)

static void free_fit(struct ax_fit *f)
{
    ax_buf_done(&f->artifact);
    free(f);
}

/* The queue's part of a fit ends; lock held. */
static void release(struct ax_fit *f)
{
    struct ax_training *t = f->t;
    t->bytes -= f->task.bytes;
    if (t->running == f)
        t->running = f->interrupted;
    f->queued = false;
    if (!f->owned)
        free_fit(f);
}

/* Take one that waits out of the line; lock held. */
static bool leave(struct ax_training *t, struct ax_fit *f)
{
    struct ax_fit **at = &t->first;
    while (*at && *at != f)
        at = &(*at)->next;
    if (!*at)
        return false;
    *at = f->next;
    if (!*at)
        t->end = at;
    ax_metric_set(ax_metric(AX_M_TRAINING_QUEUE, NULL, NULL), --t->waiting);
    return true;
}

/* Let one that waits run; lock held. */
static void take(struct ax_training *t, struct ax_fit *f)
{
    (void)leave(t, f);
    f->interrupted = t->running;
    t->running = f;
    atomic_store(&f->state, AX_FIT_RUNS);
}

/* Run one that waits, from lock to lock. */
static void run(struct ax_training *t, struct ax_fit *f)
{
    take(t, f);
    (void)pthread_mutex_unlock(&t->lock);
    ax_fit_run(f);
    (void)pthread_mutex_lock(&t->lock);
    release(f);
}

void ax_training_let_in(struct ax_training *t)
{
    (void)pthread_mutex_lock(&t->lock);
    /* Who comes meanwhile waits for the end of the next trial. */
    for (uint32_t n = t->waiting; n && !t->stop; n--) {
        struct ax_fit *f = t->first;
        while (f && ax_fit_searches(f))
            f = f->next;
        if (!f)
            break;
        run(t, f);
    }
    (void)pthread_mutex_unlock(&t->lock);
}

static void *work(void *arg)
{
    struct ax_training *t = arg;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* on Linux: of this thread */
    (void)pthread_mutex_lock(&t->lock);
    while (!t->stop) {
        if (!t->first) {
            (void)pthread_cond_wait(&t->more, &t->lock);
            continue;
        }
        run(t, t->first);
    }
    (void)pthread_mutex_unlock(&t->lock);
    return NULL;
}

enum ax_err ax_training_start(const struct ax_training_options *options, struct ax_training **out,
                              struct ax_diag *diag)
{
    struct ax_training *t = calloc(1, sizeof *t);
    *out = NULL;
    if (!t)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    t->options = *options;
    t->end = &t->first;
    (void)pthread_mutex_init(&t->lock, NULL);
    (void)pthread_cond_init(&t->more, NULL);
    if (options->states && !options->synchronous) { /* of other days, or of jobs that are gone */
        const struct ax_clock wall = ax_clock_wall();
        ax_search_files_sweep(options->states, ax_clock_now(&wall) - DAY_MS);
    }
    if (!options->synchronous)
        t->started = pthread_create(&t->thread, NULL, work, t) == 0;
    if (!options->synchronous && !t->started) {
        ax_training_stop(t);
        return ax_fail(diag, AX_IO, "no thread for the training of models");
    }
    *out = t;
    return AX_OK;
}

void ax_training_stop(struct ax_training *t)
{
    if (!t)
        return;
    (void)pthread_mutex_lock(&t->lock);
    t->stop = true;
    (void)pthread_cond_signal(&t->more);
    (void)pthread_mutex_unlock(&t->lock);
    if (t->started)
        (void)pthread_join(t->thread, NULL);
    while (t->first) {
        struct ax_fit *f = t->first;
        take(t, f);
        f->task.kind->free_data(f->task.data);
        release(f);
    }
    (void)pthread_cond_destroy(&t->more);
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}

uint64_t ax_training_bytes_max(const struct ax_training *t)
{
    return t->options.bytes_max;
}

static struct ax_fit *make_fit(struct ax_training *t, const struct ax_fit_task *task)
{
    struct ax_fit *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->t = t;
    f->task = *task;
    (void)snprintf(f->names.job, sizeof f->names.job, "%s", task->about.job);
    (void)snprintf(f->names.feature, sizeof f->names.feature, "%s", task->about.feature);
    f->task.about.job = f->names.job;
    f->task.about.kind = task->kind->name;
    f->task.about.feature = f->names.feature;
    (void)ax_artifact_name(&f->task.about, f->names.model); /* for people: its beginning will do */
    ax_buf_init(&f->artifact, AX_ARTIFACT_MAX);
    atomic_init(&f->state, AX_FIT_WAITS);
    f->owned = f->queued = true;
    return f;
}

enum ax_err ax_training_offer(struct ax_training *t, const struct ax_fit_task *task, struct ax_fit **out,
                              struct ax_diag *diag)
{
    *out = NULL;
    (void)pthread_mutex_lock(&t->lock);
    bool room = task->bytes <= t->options.bytes_max - t->bytes;
    struct ax_fit *f = room ? make_fit(t, task) : NULL;
    if (f) {
        t->bytes += task->bytes;
        *t->end = f;
        t->end = &f->next;
        ax_metric_set(ax_metric(AX_M_TRAINING_QUEUE, NULL, NULL), ++t->waiting);
        if (t->options.synchronous)
            run(t, f);
        (void)pthread_cond_signal(&t->more);
    }
    (void)pthread_mutex_unlock(&t->lock);
    if (!f)
        return room ? ax_fail(diag, AX_NOMEM, "out of memory")
                    : ax_fail(diag, AX_BUSY, "%llu bytes to learn from do not fit beside those that wait",
                              (unsigned long long)task->bytes);
    *out = f;
    return AX_OK;
}

enum ax_fit_state ax_fit_look(const struct ax_fit *f)
{
    return (enum ax_fit_state)atomic_load_explicit(&f->state, memory_order_acquire);
}

struct ax_str ax_fit_artifact(const struct ax_fit *f)
{
    return ax_buf_view(&f->artifact);
}

enum ax_err ax_fit_error(const struct ax_fit *f)
{
    return f->err;
}

bool ax_fit_cancel(struct ax_fit *f)
{
    (void)pthread_mutex_lock(&f->t->lock);
    const enum ax_fit_state state = ax_fit_look(f);
    const bool may = state == AX_FIT_WAITS || state == AX_FIT_RUNS;
    if (may)
        atomic_store(&f->unwanted, true);
    (void)pthread_mutex_unlock(&f->t->lock);
    return may;
}

void ax_fit_drop(struct ax_fit *f)
{
    if (!f)
        return;
    struct ax_training *t = f->t;
    atomic_store(&f->unwanted, true);
    (void)pthread_mutex_lock(&t->lock);
    f->owned = false;
    if (f->queued && leave(t, f)) {
        f->task.kind->free_data(f->task.data);
        release(f);
    } else if (!f->queued) {
        free_fit(f);
    }
    (void)pthread_mutex_unlock(&t->lock);
}

/* One that is over stays the one that runs until its thread has come back to the queue. */
static bool is_of(const struct ax_fit *f, const char *model, enum ax_fit_state *state)
{
    *state = ax_fit_look(f); /* once: it may be over at the next look */
    return strcmp(f->names.model, model) == 0 && !atomic_load(&f->unwanted) && *state < AX_FIT_DONE;
}

bool ax_training_find(struct ax_training *t, const char *model, struct ax_fit_standing *out)
{
    const struct ax_fit *found = NULL;
    *out = (struct ax_fit_standing){.place = 0};
    (void)pthread_mutex_lock(&t->lock);
    for (const struct ax_fit *f = t->running; f && !found; f = f->interrupted)
        found = is_of(f, model, &out->state) ? f : NULL;
    for (const struct ax_fit *f = t->first; f && !found; f = f->next) {
        out->place++;
        found = is_of(f, model, &out->state) ? f : NULL;
    }
    if (found)
        out->share = atomic_load(&found->share);
    (void)pthread_mutex_unlock(&t->lock);
    return found != NULL;
}
