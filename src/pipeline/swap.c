/* swap.c: models get other roles, and are fitted: between two steps, and in a replay at the same place. */
#include "base/log.h"
#include "pipeline/fits_record.h"
#include "pipeline/learner.h"
#include "pipeline/pipeline_priv.h"
#include "pipeline/swap_record.h"
#include "store/records.h"

/* Put the record that was made into the log. */
static enum ax_err append(struct ax_pipeline *p, uint8_t kind, struct ax_diag *diag)
{
    return p->record.err == AX_OK
               ? ax_seglog_append(p->options.log, kind, ax_buf_view(&p->record), NULL, diag)
               : ax_fail(diag, p->record.err, "out of memory");
}

/* Write down which roles are about to be. */
static enum ax_err record_swap(struct ax_pipeline *p, const struct ax_job *job, const struct ax_learner *l,
                               struct ax_diag *diag)
{
    if (!p->options.log)
        return AX_OK;
    const struct ax_swap swap = ax_job_swap_of(job, l);
    ax_buf_reset(&p->record);
    ax_swap_put(&p->record, &swap);
    return append(p, AX_WAL_SWAP, diag);
}

bool ax_pipeline_swap(struct ax_pipeline *p, struct ax_job *job)
{
    struct ax_diag diag = {{0}};
    for (struct ax_learner *l; (l = ax_job_trained(job));) {
        if (record_swap(p, job, l, &diag) != AX_OK) {
            ax_metric_count(AX_M_WAL_FAILURES, NULL, NULL);
            ax_log_about(AX_LOG_WARN, "swap_not_recorded", ax_job_config(job)->name,
                         "job " AX_STR_FMT ": a change of models cannot be recorded, and is tried again: %s",
                         AX_STR_ARG(ax_job_config(job)->name), diag.text);
            ax_pipeline_hold_off(p);
            return false;
        }
        ax_learner_swap(l, ax_job_stepped_ms(job));
    }
    return true;
}

enum ax_err ax_pipeline_swap_again(struct ax_pipeline *p, struct ax_str record, struct ax_diag *diag)
{
    struct ax_swap swap;
    if (ax_swap_get(record, &swap) != AX_OK)
        return AX_CORRUPT;
    uint32_t i = ax_pipeline_find_job(p, swap.at.job);
    if (i == UINT32_MAX)
        return AX_OK;
    enum ax_err err = ax_pipeline_reach_generation(p, i, swap.at.generation, diag);
    if (err == AX_OK)
        err = ax_job_swap(p->jobs[i], &swap);
    return err == AX_NOMEM ? ax_fail(diag, err, "no memory for a model") : err;
}

static enum ax_err record_fits(struct ax_pipeline *p, const struct ax_job *job, const struct ax_learner *l,
                               struct ax_diag *diag)
{
    const struct ax_fits_record record = ax_job_fits_of(job, l);
    if (!p->options.log)
        return AX_OK;
    ax_buf_reset(&p->record);
    ax_fits_record_put(&p->record, &record);
    return append(p, AX_WAL_FITS, diag);
}

void ax_pipeline_record_fits(struct ax_pipeline *p, struct ax_job *job)
{
    struct ax_diag diag = {{0}};
    for (struct ax_learner *l = ax_job_learners(job); l; l = l->after) {
        if (!l->fits_changed)
            continue;
        p->changes++;
        l->fits_changed = record_fits(p, job, l, &diag) != AX_OK;
        if (!l->fits_changed)
            continue;
        ax_metric_count(AX_M_WAL_FAILURES, NULL, NULL);
        ax_log_about(AX_LOG_WARN, "fit_not_recorded", ax_job_config(job)->name, "job " AX_STR_FMT ": %s",
                     AX_STR_ARG(ax_job_config(job)->name), diag.text);
    }
}

enum ax_err ax_pipeline_fits_again(struct ax_pipeline *p, struct ax_str bytes, struct ax_diag *diag)
{
    struct ax_fits_record record;
    if (ax_fits_record_get(bytes, &record) != AX_OK)
        return AX_CORRUPT;
    uint32_t i = ax_pipeline_find_job(p, record.at.job);
    if (i == UINT32_MAX)
        return AX_OK;
    const enum ax_err err = ax_pipeline_reach_generation(p, i, record.at.generation, diag);
    if (err == AX_OK)
        ax_job_restore_fits(p->jobs[i], &record);
    return err;
}
