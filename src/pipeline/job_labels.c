/* job_labels.c: drift of the labels that a job's models learn from: of the values that each has among its
 * series.
 *
 * They are tested against what the live model learnt from, or its baseline: a job without one says nothing of
 * them. */
#include "base/log.h"
#include "drift/labels.h"
#include "pipeline/job_priv.h"

#include <stdio.h>
#include <stdlib.h>

struct ax_job_label {
    struct ax_str name; /* of the config */
    char feature[128];  /* "label:<name>" */
    struct ax_drift_result result;
    struct ax_outlet outlet;
};

/* The channel whose series have them; NULL: none. */
static const struct ax_channel *channel_of(const struct ax_job *job)
{
    for (uint32_t i = 0; i < job->channels_n; i++)
        if (job->channels[i].given[AX_GIVEN_LSTM])
            return &job->channels[i];
    return NULL;
}

enum ax_err ax_job_labels_init(struct ax_job *job)
{
    const struct ax_lstm_config *lstm = &job->config->forecast.lstm;
    if (!job->config->drift.enabled || lstm->categorical_n == 0 || !channel_of(job))
        return AX_OK;
    job->labels = calloc(lstm->categorical_n, sizeof *job->labels);
    if (!job->labels)
        return AX_NOMEM;
    for (uint32_t i = 0; i < lstm->categorical_n; i++) {
        struct ax_job_label *l = &job->labels[job->labels_n];
        l->name = lstm->categorical[i];
        if (snprintf(l->feature, sizeof l->feature, "label:" AX_STR_FMT, AX_STR_ARG(l->name)) <
            (int)sizeof l->feature)
            job->labels_n++;
        else
            ax_log(AX_LOG_WARN, "label_not_tested",
                   "job %s: drift of the label " AX_STR_FMT
                   " is not tested: its name is longer than %zu bytes",
                   job->name, AX_STR_ARG(l->name), sizeof l->feature - sizeof "label:");
    }
    return AX_OK;
}

void ax_job_labels_done(struct ax_job *job)
{
    free(job->labels);
}

/* The codes of a label's values, of the series that have a value at a step; NULL when out of memory. */
static double *codes_of(struct ax_job *job, const struct ax_job_label *l, int64_t t_ms, uint32_t *out_n)
{
    const struct ax_channel *c = channel_of(job);
    double *codes = ax_arena_array(&job->scratch, (c ? c->targets.n : 0) + (size_t)1, sizeof *codes);
    *out_n = 0;
    for (const struct ax_target *t = c ? c->first : NULL; t && codes; t = t->next)
        if (t->seen_ms == t_ms)
            codes[(*out_n)++] = ax_drift_label_code(ax_labels_get(t->labels, l->name));
    return codes;
}

uint32_t ax_job_labels_refer(struct ax_job *job, struct ax_drift_pasts *pasts, uint64_t bytes_max)
{
    uint32_t left_out = 0;
    for (uint32_t i = 0; i < job->labels_n; i++) {
        uint32_t n;
        ax_arena_reset(&job->scratch);
        const double *codes = codes_of(job, &job->labels[i], job->schedule.last_ms, &n);
        left_out += !codes || ax_drift_pasts_add_codes(pasts, ax_str(job->labels[i].feature), codes, n,
                                                       bytes_max) != AX_OK;
    }
    return left_out;
}

static const struct ax_drift_reference *reference_of(const struct ax_job *job, const struct ax_job_label *l)
{
    for (const struct ax_learner *k = job->learners; k; k = k->after) {
        const struct ax_generation *g = ax_learner_baseline(k);
        const struct ax_drift_reference *r =
            g ? ax_drift_references_find(g->references, ax_str(l->feature)) : NULL;
        if (r)
            return r;
    }
    return NULL;
}

/* Test one against a reference; false when that says nothing. */
static bool test(struct ax_job *job, const struct ax_job_label *l, const struct ax_drift_reference *r,
                 int64_t t_ms, struct ax_drift_result *out)
{
    uint32_t n;
    out->ready = false;
    if (!r)
        return false;
    ax_arena_reset(&job->scratch);
    double *codes = codes_of(job, l, t_ms, &n);
    if (!codes || ax_drift_labels_test(r, codes, n, &job->scratch, out) != AX_OK)
        ax_job_error(job, "drift");
    return out->ready;
}

uint32_t ax_job_labels_test(struct ax_job *job, int64_t t_ms, struct ax_drift_result *out, uint32_t *labels)
{
    uint32_t ready = 0;
    for (uint32_t i = 0; i < job->labels_n; i++) {
        struct ax_job_label *l = &job->labels[i];
        l->result.ready = false;
        if (test(job, l, reference_of(job, l), t_ms, &out[ready]))
            labels[ready++] = i;
    }
    return ready;
}

uint32_t ax_job_labels_test_of(struct ax_job *job, const struct ax_generation *of,
                               const struct ax_generation *other, struct ax_drift_result *out)
{
    uint32_t ready = 0;
    for (uint32_t i = 0; i < job->labels_n; i++) {
        const struct ax_job_label *l = &job->labels[i];
        const struct ax_str name = ax_str(l->feature);
        ready +=
            ax_drift_references_find(other->references, name) &&
            test(job, l, ax_drift_references_find(of->references, name), job->schedule.last_ms, &out[ready]);
    }
    return ready;
}

void ax_job_labels_take(struct ax_job *job, uint32_t label, const struct ax_drift_result *r)
{
    job->labels[label].result = *r;
}

static struct ax_outlet_name name_of(const struct ax_job_label *l)
{
    return (struct ax_outlet_name){
        .id = AX_OUTPUT_DRIFT_SCORE,
        .added = {{ax_str("feature"), ax_str(l->feature)},
                  {ax_str("test"), ax_str(ax_drift_test_name(AX_DRIFT_CHI_SQUARE))}},
        .added_n = 2};
}

void ax_job_labels_emit(struct ax_job *job, int64_t t_ms)
{
    const struct ax_observer *o = job->env.observer;
    for (uint32_t i = 0; i < job->labels_n; i++) {
        struct ax_job_label *l = &job->labels[i];
        const double v = l->result.score[AX_DRIFT_CHI_SQUARE];
        const struct ax_outlet_name name = name_of(l);
        if (!l->result.ready)
            continue;
        ax_outlet_put(&job->outlets, &l->outlet, &name, t_ms, v);
        if (o && o->drift)
            o->drift(o->ctx, job->config, l->feature, ax_drift_test_name(AX_DRIFT_CHI_SQUARE), t_ms, v,
                     l->result.drifted);
    }
}

void ax_job_labels_outlets(struct ax_job *job, const struct ax_outlet_deed *deed)
{
    for (uint32_t i = 0; i < job->labels_n; i++) {
        const struct ax_outlet_name name = name_of(&job->labels[i]);
        ax_outlet_do(&job->outlets, &job->labels[i].outlet, &name, deed);
    }
}

void ax_job_labels_save(const struct ax_job *job, struct ax_buf *out)
{
    for (uint32_t i = 0; i < job->labels_n; i++)
        ax_drift_result_save(&job->labels[i].result, out);
}

void ax_job_labels_load(struct ax_job *job, struct ax_bytes *in)
{
    for (uint32_t i = 0; i < job->labels_n; i++)
        ax_drift_result_load(&job->labels[i].result, in);
}
