/* train_fit.c: tasks, taken by threads in their order. */
#include "app/train_fit.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/parse.h"
#include "store/whole_file.h"
#include "train/generation.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_BYTES_MAX (16u << 20)
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
    bool searching, pruned;
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
    w->pruned = w->searching && ax_search_report(w->task->search, loss);
    return !w->pruned;
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

/* A search of these data: trials of others say nothing of them. */
static uint64_t search_seed(const struct ax_train_task *t)
{
    struct ax_validation v = {0};
    if (t->spec->kind->each && ax_train_count(t->spec->kind, t->data, &v) != AX_OK)
        return t->spec->seed;
    const uint64_t known[] = {v.series, v.points, v.values, (uint64_t)v.from_ms, (uint64_t)v.to_ms};
    return ax_hash64(known, sizeof known, t->spec->seed);
}

static enum ax_err begin_search(struct work *w, struct ax_diag *diag)
{
    struct ax_train_task *t = w->task;
    const struct ax_search_spec spec = {.params = t->spec->kind->params,
                                        .params_n = t->spec->kind->params_n,
                                        .random = w->how->random,
                                        .seed = search_seed(t)};
    struct ax_buf saved;
    struct ax_diag ignored;
    char name[AX_WHOLE_FILE_NAME];
    enum ax_err err = ax_search_new(&spec, &t->search, diag);
    if (err != AX_OK || !w->how->states)
        return err;
    state_name(t, name);
    ax_buf_init(&saved, STATE_BYTES_MAX);
    if (ax_whole_file_read(w->how->states, name, STATE_BYTES_MAX, &saved, &ignored) == AX_OK &&
        ax_search_load(t->search, ax_buf_view(&saved), &ignored) != AX_OK)
        (void)fprintf(stderr, "auspex train: %s/%s: %s: the search begins anew\n", w->how->states, name,
                      ignored.text);
    ax_buf_done(&saved);
    return AX_OK;
}

static void save_search(const struct work *w)
{
    struct ax_buf bytes;
    struct ax_diag diag = {{0}};
    char name[AX_WHOLE_FILE_NAME];
    if (!w->how->states)
        return;
    state_name(w->task, name);
    ax_buf_init(&bytes, STATE_BYTES_MAX);
    ax_search_save(w->task->search, &bytes);
    if (bytes.err != AX_OK || ax_whole_file_write(w->how->states, name, ax_buf_view(&bytes), &diag) != AX_OK)
        (void)fprintf(stderr, "auspex train: the search cannot be saved: %s\n", diag.text);
    ax_buf_done(&bytes);
}

/* Take an artifact in the place of the one that was best. */
static void take(struct ax_train_task *t, struct ax_buf *artifact, const struct ax_fit_scores *scores,
                 const double *x)
{
    ax_buf_done(&t->artifact);
    t->artifact = *artifact;
    t->scores = *scores;
    t->best_loss = scores->loss;
    t->chosen = true;
    memcpy(t->x, x, t->spec->kind->params_n * sizeof *x);
}

/* Parameters as somebody would write them into a configuration, so that they can be: of four digits. */
static void set_written(const struct ax_train_kind *kind, void *data, double *x)
{
    char text[32];
    for (uint32_t i = 0; i < kind->params_n; i++) {
        (void)snprintf(text, sizeof text, "%.4g", x[i]);
        if (ax_parse_double(ax_str(text), &x[i]) != AX_OK)
            continue; /* which it was written as: it stays as it is */
    }
    kind->set(data, x);
}

/* One trial. */
static enum ax_err try(struct work *w)
{
    struct ax_train_task *t = w->task;
    double x[AX_SEARCH_PARAMS_MAX];
    struct ax_buf artifact;
    struct ax_fit_scores scores;
    struct ax_diag diag = {{0}};
    enum ax_err err = ax_search_ask(t->search, x);
    if (err != AX_OK)
        return err;
    w->pruned = false;
    set_written(t->spec->kind, t->data, x);
    err = fit(w, &artifact, &scores, &diag);
    ax_search_tell(t->search,
                   err == AX_OK ? AX_SEARCH_DONE
                   : w->pruned  ? AX_SEARCH_PRUNED
                                : AX_SEARCH_FAILED,
                   err == AX_OK ? scores.loss : (double)NAN);
    save_search(w);
    if (err == AX_OK && scores.loss < t->best_loss)
        take(t, &artifact, &scores, x);
    else if (err == AX_OK)
        ax_buf_done(&artifact);
    return AX_OK;
}

/* The best trial is one of before an interruption: fit it again, which gives the same bytes. */
static void fit_best_again(struct work *w)
{
    struct ax_train_task *t = w->task;
    double x[AX_SEARCH_PARAMS_MAX], value;
    uint32_t trial;
    struct ax_buf artifact;
    struct ax_fit_scores scores;
    struct ax_diag diag;
    if (ax_search_best(t->search, &trial, x, &value) != AX_OK || !(value < t->best_loss))
        return;
    w->searching = false;
    set_written(t->spec->kind, t->data, x);
    if (fit(w, &artifact, &scores, &diag) == AX_OK)
        take(t, &artifact, &scores, x);
}

/* What trials are compared with: the usual parameters on the rows of the search. */
static void begin_rows(struct work *w)
{
    struct ax_train_task *t = w->task;
    struct ax_buf artifact;
    struct ax_fit_scores scores;
    struct ax_diag diag;
    if (!t->spec->kind->begin_search)
        return;
    t->spec->kind->begin_search(t->data, w->how->bytes_max);
    if (fit(w, &artifact, &scores, &diag) != AX_OK)
        return;
    t->usual_loss = t->best_loss = scores.loss;
    ax_buf_done(&artifact);
}

/* The best parameters on all rows that they allow, as the configuration with them will be fitted. */
static enum ax_err end_rows(struct work *w)
{
    struct ax_train_task *t = w->task;
    struct ax_buf artifact;
    struct ax_fit_scores scores;
    if (!t->spec->kind->end_search || !t->chosen)
        return AX_OK;
    w->searching = false;
    t->spec->kind->end_search(t->data);
    set_written(t->spec->kind, t->data, t->x);
    const enum ax_err err = fit(w, &artifact, &scores, &t->diag);
    if (err != AX_OK)
        return err;
    ax_buf_done(&t->artifact);
    t->artifact = artifact;
    t->scores = scores;
    return AX_OK;
}

static enum ax_err search(struct work *w)
{
    struct ax_train_task *t = w->task;
    const int64_t end_ns = ax_mono_ns() + w->how->search_ms * 1000000;
    enum ax_err err = begin_search(w, &t->diag);
    if (err != AX_OK)
        return err;
    begin_rows(w);
    w->searching = true;
    while (err == AX_OK && ax_search_trials(t->search) < w->how->trials &&
           (w->how->search_ms == 0 || ax_mono_ns() < end_ns))
        err = try(w);
    fit_best_again(w);
    return err == AX_LIMIT || err == AX_OK ? end_rows(w) : err;
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
        struct work w = {&c->tasks[i], c->how, ax_mono_ns(), ax_thread_cpu_ns(), false, false};
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
