/* train_fit.c: tasks, taken by threads in their order. */
#include "app/train_fit.h"

#include "base/clock.h"
#include "store/whole_file.h"
#include "train/generation.h"
#include "train/search_file.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAP_NS 20000000
#define THREADS_MAX 64

/* All tasks, and the next to be taken. */
struct crew {
    struct ax_train_task *tasks;
    uint32_t n;
    const struct ax_train_how *how;
    _Atomic uint32_t next;
};

/* A task on its way. */
struct work {
    struct ax_train_task *task;
    const struct ax_train_how *how;
    int64_t start_ns, cpu_ns; /* of the thread, as it began */
    struct ax_tuning tuning;
};

/* Rest where more of the processor was used than may be. */
static bool goes_on(void *ctx, double share)
{
    const struct work *w = ctx;
    (void)share;
    while (w->how->cpu_share < 1) {
        const double used = (double)(ax_thread_cpu_ns() - w->cpu_ns),
                     passed = (double)(ax_mono_ns() - w->start_ns), owed = used / w->how->cpu_share - passed;
        if (owed <= 0)
            break;
        ax_sleep_ns(owed < NAP_NS ? (int64_t)owed + 1 : NAP_NS);
    }
    return true;
}

static bool stands(void *ctx, double loss)
{
    struct work *w = ctx;
    return ax_tuning_stands(&w->tuning, loss);
}

/* One fit, and what is to be known of it. */
static enum ax_err fit(struct work *w, struct ax_buf *artifact, struct ax_fit_scores *scores,
                       struct ax_diag *diag)
{
    const struct ax_learner_spec *spec = w->task->spec;
    const struct ax_fit_progress progress = {goes_on, stands, w};
    void *model = NULL;
    ax_buf_init(artifact, AX_ARTIFACT_MAX);
    enum ax_err err = spec->kind->fit(w->task->data, spec->seed, &progress, artifact, diag);
    if (err == AX_OK && artifact->err != AX_OK)
        err = ax_fail(diag, artifact->err, "%s", ax_err_text(artifact->err));
    if (err == AX_OK)
        err = spec->kind->build(spec->build, ax_buf_view(artifact), &model, scores, diag);
    if (err == AX_OK)
        spec->kind->free_model(model);
    else
        ax_buf_done(artifact);
    return err;
}

/* ---- search ---- */

/* Where a search is saved: <states>/<name>. */
static void state_name(const struct ax_train_task *t, char out[AX_WHOLE_FILE_NAME])
{
    const struct ax_learner_spec *s = t->spec;
    (void)snprintf(out, AX_WHOLE_FILE_NAME, "%.64s-%.16s%s%.24s.search", s->job, s->kind->name,
                   *s->feature ? "-" : "", s->feature);
    for (char *p = out; *p; p++)
        if (*p == '/' || *p == ' ')
            *p = '_';
}

static void load_search(void *ctx, struct ax_search *search)
{
    const struct work *w = ctx;
    struct ax_diag diag;
    char name[AX_WHOLE_FILE_NAME];
    state_name(w->task, name);
    const enum ax_err err = ax_search_file_read(w->how->states, name, search, &diag);
    if (err != AX_OK && err != AX_NOTFOUND)
        (void)fprintf(stderr, "auspex train: %s/%s: %s: the search begins anew\n", w->how->states, name,
                      diag.text);
}

static void save_search(void *ctx, const struct ax_search *search)
{
    const struct work *w = ctx;
    struct ax_diag diag = {{0}};
    char name[AX_WHOLE_FILE_NAME];
    state_name(w->task, name);
    if (ax_search_file_write(w->how->states, name, search, &diag) != AX_OK)
        (void)fprintf(stderr, "auspex train: the search cannot be saved: %s\n", diag.text);
}

static enum ax_err fit_of(void *ctx, struct ax_buf *artifact, struct ax_fit_scores *scores,
                          struct ax_diag *diag)
{
    return fit(ctx, artifact, scores, diag);
}

static enum ax_err search(struct work *w)
{
    struct ax_train_task *t = w->task;
    const struct ax_train_how *how = w->how;
    struct ax_tuning *u = &w->tuning;
    *u = (struct ax_tuning){.kind = t->spec->kind,
                            .data = t->data,
                            .rule = {how->trials, how->search_ms, how->random, how->bytes_max},
                            .owner = {.fit = fit_of,
                                      .load = how->states ? load_search : NULL,
                                      .save = how->states ? save_search : NULL,
                                      .ctx = w},
                            .seed = ax_tuning_seed(t->spec->kind, t->data, t->spec->seed),
                            .artifact = t->artifact,
                            .scores = t->scores};
    const enum ax_err err = ax_tune(u, &t->diag);
    t->artifact = u->artifact;
    t->scores = u->scores;
    t->usual_loss = u->usual_loss;
    t->best_loss = u->best_loss;
    t->search = u->search;
    t->chosen = u->chosen;
    memcpy(t->x, u->x, sizeof t->x);
    return err;
}

/* ---- tasks ---- */

static enum ax_err validate(struct work *w)
{
    struct ax_train_task *t = w->task;
    struct ax_validation v = w->how->told;
    t->validated = t->spec->kind->each != NULL;
    if (!t->validated)
        return AX_OK;
    if (ax_train_count(t->spec->kind, t->data, &v) != AX_OK)
        return ax_fail(&t->diag, AX_NOMEM, "out of memory");
    return ax_validation_judge(&v, &w->how->validation, t->findings, &t->diag);
}

static void train(struct work *w)
{
    struct ax_train_task *t = w->task;
    const struct ax_train_kind *kind = t->spec->kind;
    t->err = t->copied;
    if (t->err != AX_OK) {
        (void)ax_fail(&t->diag, t->err,
                      t->err == AX_NOTREADY ? "there is too little past to learn from" : "%s",
                      ax_err_text(t->err));
        return;
    }
    t->err = validate(w);
    if (t->err != AX_OK)
        return;
    t->err = fit(w, &t->artifact, &t->scores, &t->diag);
    if (t->err != AX_OK)
        return;
    t->usual_loss = t->best_loss = t->scores.loss;
    t->lineage = (struct ax_artifact_lineage){.seed = t->spec->seed};
    if (kind->lineage)
        kind->lineage(t->data, &t->lineage);
    if (w->how->trials && kind->params_n)
        t->err = search(w);
}

static void *work(void *arg)
{
    struct crew *c = arg;
    uint32_t i;
    while ((i = atomic_fetch_add(&c->next, 1)) < c->n) {
        struct work w = {&c->tasks[i], c->how, ax_mono_ns(), ax_thread_cpu_ns(), {0}};
        train(&w);
        w.task->seconds = (double)(ax_thread_cpu_ns() - w.cpu_ns) * 1e-9;
    }
    return NULL;
}

void ax_train_all(struct ax_train_task *tasks, uint32_t n, const struct ax_train_how *how)
{
    struct crew crew = {.tasks = tasks, .n = n, .how = how};
    pthread_t threads[THREADS_MAX];
    uint32_t started = 0;
    for (uint32_t i = 0; i < n; i++) {
        tasks[i].usual_loss = tasks[i].best_loss = (double)NAN;
        ax_buf_init(&tasks[i].artifact, AX_ARTIFACT_MAX);
    }
    while (started + 1 < how->threads && started + 1 < n && started < THREADS_MAX &&
           pthread_create(&threads[started], NULL, work, &crew) == 0)
        started++;
    (void)work(&crew);
    for (uint32_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
}

void ax_train_task_done(struct ax_train_task *t)
{
    ax_buf_done(&t->artifact);
    ax_search_free(t->search);
    if (t->data)
        t->spec->kind->free_data(t->data);
    t->data = NULL;
}
