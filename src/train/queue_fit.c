/* queue_fit.c: one fit as it runs: its data looked at, fitted, searched for, put into the store, and told of.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/whole_file.h"
#include "train/check.h"
#include "train/queue_priv.h"
#include "train/search_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)
#define SEARCH_TEXT 160
#define SEARCH_FITS                                                                                          \
    3 /* beside the trials: what is usual on all rows and on those of the search, the best again */
#define NAP_NS 20000000 /* of a wait for the processor's share: called off within this */

/* A fit that runs. */
struct running {
    struct ax_fit *f;
    struct ax_cell *shown;
    int64_t start_ns, cpu_ns;
    uint32_t done, parts; /* fits of it, with those of a search */
    struct ax_tuning tuning;
};

static struct ax_cell *cell(const struct ax_fit *f, enum ax_metric id)
{
    return ax_metric(id, f->names.job, f->task.kind->name);
}

/* Rest until the processor time so far is within the share. */
static void rest(const struct running *p)
{
    const double share = p->f->t->options.cpu_share;
    while (share < 1 && !p->f->t->options.synchronous && !atomic_load(&p->f->unwanted)) {
        const double used = (double)(ax_thread_cpu_ns() - p->cpu_ns),
                     passed = (double)(ax_mono_ns() - p->start_ns), owed = used / share - passed;
        if (owed <= 0)
            return;
        ax_sleep_ns(owed < NAP_NS ? (int64_t)owed + 1 : NAP_NS);
    }
}

static bool goes_on(void *ctx, double share)
{
    const struct running *p = ctx;
    const double whole = p->done < p->parts ? (p->done + share) / p->parts : 1;
    if (whole > 0) { /* who cannot tell says 0 */
        ax_metric_set(p->shown, whole);
        atomic_store(&p->f->share, whole);
    }
    rest(p);
    return !atomic_load(&p->f->unwanted);
}

static bool stands(void *ctx, double loss)
{
    struct running *p = ctx;
    return ax_tuning_stands(&p->tuning, loss);
}

/* Why a fit failed, as the label `reason`. */
static const char *reason_of(enum ax_err err)
{
    switch (err) {
    case AX_NOTREADY:
        return "too_little_data";
    case AX_NUMERIC:
        return "not_finite";
    case AX_BUSY:
        return "cancelled";
    case AX_NOMEM:
        return "memory";
    case AX_IO:
        return "storage";
    case AX_INVALID:
        return "invalid_data";
    default:
        return "other";
    }
}

static void tell(const struct ax_fit *f, double seconds, const struct ax_diag *diag)
{
    ax_metric_add(cell(f, AX_M_TRAINING_SECONDS), seconds);
    if (f->err == AX_OK) {
        ax_metric_add(cell(f, AX_M_TRAINING_RUNS), 1);
        if (!f->t->options.synchronous)
            ax_log(AX_LOG_INFO, "model_trained", "model %s is fitted, in %.1f s of the processor",
                   f->names.model, seconds);
        return;
    }
    ax_metric_count(AX_M_TRAINING_FAILURES, f->names.job, reason_of(f->err));
    if (f->err != AX_BUSY)
        ax_log(f->err == AX_NOTREADY ? AX_LOG_INFO : AX_LOG_WARN, "training_failed",
               "model %s is not fitted, what served goes on: %s", f->names.model, diag->text);
}

/* What came out may go into the store, unless it was called off; from then on it cannot be. */
static enum ax_err claim(struct ax_fit *f)
{
    (void)pthread_mutex_lock(&f->t->lock);
    const bool wanted = !atomic_load(&f->unwanted);
    if (wanted)
        atomic_store(&f->state, AX_FIT_STORES);
    (void)pthread_mutex_unlock(&f->t->lock);
    return wanted ? AX_OK : AX_BUSY;
}

/* Are the data worth it? What was found goes into the log, and with the version. */
static enum ax_err validate(const struct ax_fit *f, char found[AX_FINDINGS_TEXT], struct ax_diag *diag)
{
    const struct ax_fit_task *task = &f->task;
    struct ax_validation_finding findings[AX_VALIDATION_CHECKS];
    struct ax_validation_rule rule = f->t->options.validation;
    char words[640];
    rule.disorder_max = 1;
    const enum ax_err err = ax_train_check(task->kind, task->data, &rule, &task->told, findings, diag);
    ax_findings_scores(findings, found);
    ax_findings_words(findings, words, sizeof words);
    if (*words && !f->t->options.synchronous)
        ax_log(AX_LOG_INFO, "training_data", "what model %s learns from: %s", f->names.model, words);
    return err;
}

/* ---- a search ---- */

static bool is_wanted(void *ctx)
{
    const struct running *p = ctx;
    return !atomic_load(&p->f->unwanted);
}

static enum ax_err fit_once(void *ctx, struct ax_buf *artifact, struct ax_fit_scores *scores,
                            struct ax_diag *diag)
{
    struct running *p = ctx;
    const struct ax_fit_task *task = &p->f->task;
    const struct ax_fit_progress progress = {goes_on, stands, p};
    enum ax_err err = task->kind->fit(task->data, task->seed, &progress, artifact, diag);
    p->done++;
    if (err == AX_OK && artifact->err != AX_OK)
        err = ax_fail(diag, artifact->err, "%s", ax_err_text(artifact->err));
    if (err == AX_OK && task->kind->scores)
        err = task->kind->scores(ax_buf_view(artifact), scores, diag);
    if (err != AX_OK)
        ax_buf_done(artifact);
    return err;
}

static void state_name(const struct ax_fit *f, char out[AX_WHOLE_FILE_NAME])
{
    (void)snprintf(out, AX_WHOLE_FILE_NAME, "%016llx.search",
                   (unsigned long long)ax_hash64(f->names.model, strlen(f->names.model), 0));
}

static void load_search(void *ctx, struct ax_search *search)
{
    const struct ax_fit *f = ((const struct running *)ctx)->f;
    struct ax_diag ignored;
    char name[AX_WHOLE_FILE_NAME];
    state_name(f, name);
    if (ax_search_file_read(f->t->options.states, name, search, &ignored) == AX_OK)
        ax_log(AX_LOG_INFO, "search_goes_on", "model %s: its search goes on behind trial %u", f->names.model,
               ax_search_trials(search));
}

static void save_search(void *ctx, const struct ax_search *search)
{
    const struct ax_fit *f = ((const struct running *)ctx)->f;
    struct ax_diag diag = {{0}};
    char name[AX_WHOLE_FILE_NAME];
    state_name(f, name);
    if (ax_search_file_write(f->t->options.states, name, search, &diag) != AX_OK)
        ax_log(AX_LOG_WARN, "search_not_saved", "model %s: its search begins anew after a restart: %s",
               f->names.model, diag.text);
}

/* Trials of the same configuration and day say something of these data. */
static uint64_t search_seed(const struct ax_fit_task *task)
{
    struct ax_validation v = {0};
    if (task->kind->each && ax_train_count(task->kind, task->data, &v) != AX_OK)
        v.to_ms = 0;
    const uint64_t known[] = {task->about.config, (uint64_t)(v.to_ms / DAY_MS)};
    return ax_hash64(known, sizeof known, task->seed);
}

static void tell_search(const struct ax_fit *f, const struct ax_tuning *u)
{
    char words[256] = "what is usual is best";
    size_t n = 0;
    for (uint32_t i = 0; u->chosen && i < u->kind->params_n && n < sizeof words; i++)
        n += (size_t)snprintf(words + n, sizeof words - n, "%s%s %.4g", i ? ", " : "",
                              u->kind->params[i].name, u->x[i]);
    if (!f->t->options.synchronous)
        ax_log(AX_LOG_INFO, "search_done", "model %s: %u trials, loss %.4g (usual %.4g): %s", f->names.model,
               ax_search_trials(u->search), u->best_loss, u->usual_loss, words);
}

/* As scores of the version; what is no number is left out. */
static void put_found(const struct ax_tuning *u, char said[SEARCH_TEXT])
{
    size_t n = (size_t)snprintf(said, SEARCH_TEXT, "{\"search_trials\": %u", ax_search_trials(u->search));
    if (isfinite(u->best_loss))
        n += (size_t)snprintf(said + n, SEARCH_TEXT - n, ", \"search_loss\": %.9g", u->best_loss);
    if (isfinite(u->usual_loss))
        n += (size_t)snprintf(said + n, SEARCH_TEXT - n, ", \"search_usual_loss\": %.9g", u->usual_loss);
    (void)snprintf(said + n, SEARCH_TEXT - n, "}");
}

/* Between two trials those that wait have their turn: what they take is no part of this fit. */
static int64_t let_others_in(void *ctx)
{
    struct running *p = ctx;
    const int64_t begin_ns = ax_mono_ns(), begin_cpu_ns = ax_thread_cpu_ns();
    ax_training_let_in(p->f->t);
    const int64_t took_ns = ax_mono_ns() - begin_ns;
    p->start_ns += took_ns;
    p->cpu_ns += ax_thread_cpu_ns() - begin_cpu_ns;
    return took_ns;
}

/* Look for better parameters than those of the fit that is there. What cannot be searched for stays. */
static enum ax_err search(struct running *p, const struct ax_fit_scores *scores, char said[SEARCH_TEXT],
                          struct ax_diag *diag)
{
    struct ax_fit *f = p->f;
    const bool saved = f->t->options.states != NULL;
    struct ax_tuning *u = &p->tuning;
    *u = (struct ax_tuning){.kind = f->task.kind,
                            .data = f->task.data,
                            .rule = f->task.search,
                            .owner = {fit_once, is_wanted, saved ? load_search : NULL,
                                      saved ? save_search : NULL, let_others_in, p},
                            .seed = search_seed(&f->task),
                            .artifact = f->artifact,
                            .scores = *scores};
    u->rule.bytes_max = f->t->options.bytes_max;
    if (f->t->options.synchronous)
        u->rule.time_ms = 0; /* the same comes out on any machine */
    enum ax_err err = ax_tune(u, diag);
    f->artifact = u->artifact;
    if (saved && err != AX_BUSY) { /* it is over: what failed would fail again from where it was */
        char name[AX_WHOLE_FILE_NAME];
        state_name(f, name);
        ax_search_file_remove(f->t->options.states, name);
    }
    if (err == AX_OK) {
        tell_search(f, u);
        put_found(u, said);
    } else if (err != AX_BUSY) {
        ax_metric_count(AX_M_TRAINING_FAILURES, f->names.job, "search");
        ax_log(AX_LOG_WARN, "search_failed", "model %s: its search has failed, what is usual is taken: %s",
               f->names.model, diag->text);
        err = AX_OK;
    }
    ax_search_free(u->search);
    return err;
}

bool ax_fit_searches(const struct ax_fit *f)
{
    return f->task.search.trials && f->task.kind->params_n && f->task.kind->scores;
}

/* As the task wants it. */
static enum ax_err fit(struct running *p, char said[SEARCH_TEXT], struct ax_diag *diag)
{
    const struct ax_fit_task *task = &p->f->task;
    const bool searched = ax_fit_searches(p->f);
    struct ax_fit_scores scores;
    p->parts = searched ? task->search.trials + SEARCH_FITS : 1;
    const enum ax_err err = fit_once(p, &p->f->artifact, &scores, diag);
    return err == AX_OK && searched ? search(p, &scores, said, diag) : err;
}

void ax_fit_run(struct ax_fit *f)
{
    const struct ax_fit_task *task = &f->task;
    const struct ax_artifacts *store = &f->t->options.artifacts;
    struct ax_diag diag = {{0}};
    struct running running = {
        .f = f,
        .shown = ax_metric3(AX_M_TRAINING_PROGRESS, f->names.job, task->kind->name, f->names.feature),
        .start_ns = ax_mono_ns(),
        .cpu_ns = ax_thread_cpu_ns()};
    struct ax_artifact_lineage lineage = {.seed = task->seed};
    struct ax_artifact_about about = task->about;
    char found[AX_FINDINGS_TEXT] = "", said[SEARCH_TEXT] = "";
    if (task->reason && !f->t->options.synchronous)
        ax_log(AX_LOG_INFO, "training_started", "a fit of model %s is begun, reason: %s", f->names.model,
               task->reason);
    ax_metric_set(running.shown, 0);
    f->err = atomic_load(&f->unwanted) ? AX_BUSY : validate(f, found, &diag);
    about.found = found;
    if (f->err == AX_OK)
        f->err = fit(&running, said, &diag);
    about.scores = said;
    if (f->err == AX_OK && task->kind->lineage) {
        task->kind->lineage(task->data, &lineage);
        about.lineage = &lineage;
    }
    if (f->err == AX_OK)
        f->err = claim(f);
    if (f->err == AX_OK && store->put)
        f->err = store->put(store->ctx, &about, ax_buf_view(&f->artifact), &diag);
    tell(f, (double)(ax_thread_cpu_ns() - running.cpu_ns) * 1e-9, &diag);
    ax_metric_set(running.shown, f->err == AX_OK ? 1 : 0);
    task->kind->free_data(task->data);
    f->task.data = NULL;
    atomic_store_explicit(&f->state, f->err == AX_OK ? AX_FIT_DONE : AX_FIT_FAILED, memory_order_release);
}
