/* tuning.c: trial after trial, on the rows of the search. */
#include "train/tuning.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/parse.h"
#include "train/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool ax_tuning_stands(struct ax_tuning *t, double loss)
{
    t->pruned = t->searching && ax_search_report(t->search, loss);
    return !t->pruned;
}

uint64_t ax_tuning_seed(const struct ax_train_kind *kind, const void *data, uint64_t seed)
{
    struct ax_validation v = {0};
    if (kind->each && ax_train_count(kind, data, &v) != AX_OK)
        return seed;
    const uint64_t known[] = {v.series, v.points, v.values, (uint64_t)v.from_ms, (uint64_t)v.to_ms};
    return ax_hash64(known, sizeof known, seed);
}

static bool wanted(const struct ax_tuning *t)
{
    return !t->owner.wanted || t->owner.wanted(t->owner.ctx);
}

/* Take an artifact in the place of the one that was best. */
static void take(struct ax_tuning *t, struct ax_buf *artifact, const struct ax_fit_scores *scores,
                 const double *x)
{
    if (t->chosen) {
        ax_buf_done(&t->artifact);
    } else {
        t->usual = t->artifact;
        t->usual_scores = t->scores;
    }
    t->artifact = *artifact;
    t->scores = *scores;
    t->best_loss = scores->loss;
    t->chosen = true;
    memcpy(t->x, x, t->kind->params_n * sizeof *x);
}

/* Parameters as somebody would write them into a configuration, so that they can be: of four digits. */
static void set_written(const struct ax_tuning *t, double *x)
{
    char text[32];
    for (uint32_t i = 0; i < t->kind->params_n; i++) {
        (void)snprintf(text, sizeof text, "%.4g", x[i]);
        if (ax_parse_double(ax_str(text), &x[i]) != AX_OK)
            continue; /* which it was written as: it stays as it is */
    }
    t->kind->set(t->data, x);
}

static enum ax_err fit(const struct ax_tuning *t, struct ax_buf *artifact, struct ax_fit_scores *scores,
                       struct ax_diag *diag)
{
    ax_buf_init(artifact, AX_ARTIFACT_MAX);
    return t->owner.fit(t->owner.ctx, artifact, scores, diag);
}

/* Fit with parameters; the artifact stays when it is better than what was best. */
static enum ax_err fit_with(struct ax_tuning *t, double *x, double *loss)
{
    struct ax_buf artifact;
    struct ax_fit_scores scores;
    struct ax_diag ignored;
    set_written(t, x);
    const enum ax_err err = fit(t, &artifact, &scores, &ignored);
    if (err != AX_OK)
        return err;
    *loss = scores.loss;
    if (scores.loss < t->best_loss)
        take(t, &artifact, &scores, x);
    else
        ax_buf_done(&artifact);
    return AX_OK;
}

/* One trial. One that is called off has not ended. */
static enum ax_err try(struct ax_tuning *t)
{
    double x[AX_SEARCH_PARAMS_MAX], loss = (double)NAN;
    enum ax_err err = ax_search_ask(t->search, x);
    if (err != AX_OK)
        return err;
    t->pruned = false;
    err = fit_with(t, x, &loss);
    if (!wanted(t))
        return AX_BUSY;
    ax_search_tell(t->search,
                   err == AX_OK ? AX_SEARCH_DONE
                   : t->pruned  ? AX_SEARCH_PRUNED
                                : AX_SEARCH_FAILED,
                   loss);
    if (t->owner.save)
        t->owner.save(t->owner.ctx, t->search);
    return AX_OK;
}

/* The best trial is one of before an interruption: fit it again, which gives the same bytes of the same data.
 */
static void fit_best_again(struct ax_tuning *t)
{
    double x[AX_SEARCH_PARAMS_MAX], value;
    uint32_t trial;
    if (ax_search_best(t->search, &trial, x, &value) != AX_OK || !(value < t->best_loss))
        return;
    t->searching = false;
    (void)fit_with(t, x, &value);
}

/* What trials are compared with: the usual parameters on the rows of the search. Where they cannot be fitted
 * on these, any trial is better: their loss on other rows is no measure. */
static void begin_rows(struct ax_tuning *t)
{
    struct ax_buf artifact;
    struct ax_fit_scores scores;
    struct ax_diag ignored;
    if (!t->kind->begin_search)
        return;
    t->kind->begin_search(t->data, t->rule.bytes_max);
    t->usual_loss = t->best_loss = (double)INFINITY;
    if (fit(t, &artifact, &scores, &ignored) != AX_OK)
        return;
    t->usual_loss = t->best_loss = scores.loss;
    ax_buf_done(&artifact);
}

/* The best parameters on all rows that they allow, as the configuration with them will be fitted. */
static enum ax_err end_rows(struct ax_tuning *t, struct ax_diag *diag)
{
    struct ax_buf artifact;
    struct ax_fit_scores scores;
    t->searching = false;
    if (t->kind->end_search)
        t->kind->end_search(t->data);
    if (!t->kind->end_search || !t->chosen)
        return AX_OK;
    set_written(t, t->x);
    const enum ax_err err = fit(t, &artifact, &scores, diag);
    if (err != AX_OK)
        return err;
    ax_buf_done(&t->artifact);
    t->artifact = artifact;
    t->scores = scores;
    return AX_OK;
}

/* What is usual, again. */
static void give_up(struct ax_tuning *t)
{
    if (!t->chosen)
        return;
    ax_buf_done(&t->artifact);
    t->artifact = t->usual;
    t->scores = t->usual_scores;
    t->chosen = false;
}

/* All trials; AX_LIMIT is their end too. */
static enum ax_err run(struct ax_tuning *t, struct ax_diag *diag)
{
    int64_t end_ns = ax_mono_ns() + t->rule.time_ms * 1000000;
    enum ax_err err = AX_OK;
    begin_rows(t);
    t->searching = true;
    while (err == AX_OK && wanted(t) && ax_search_trials(t->search) < t->rule.trials &&
           (t->rule.time_ms == 0 || ax_mono_ns() < end_ns)) {
        err = try(t);
        if (t->owner.pause)
            end_ns += t->owner.pause(t->owner.ctx);
    }
    if (wanted(t))
        fit_best_again(t);
    if (!wanted(t))
        return ax_fail(diag, AX_BUSY, "called off");
    if (err != AX_LIMIT && err != AX_OK)
        return ax_fail(diag, err, "%s", ax_err_text(err));
    return end_rows(t, diag);
}

enum ax_err ax_tune(struct ax_tuning *t, struct ax_diag *diag)
{
    const struct ax_search_spec spec = {
        .params = t->kind->params, .params_n = t->kind->params_n, .random = t->rule.random, .seed = t->seed};
    enum ax_err err = ax_search_new(&spec, &t->search, diag);
    if (err != AX_OK)
        return err;
    t->usual_loss = t->best_loss = t->scores.loss;
    if (t->owner.load)
        t->owner.load(t->owner.ctx, t->search);
    err = run(t, diag);
    if (err != AX_OK)
        give_up(t);
    else if (t->chosen)
        ax_buf_done(&t->usual);
    return err;
}
