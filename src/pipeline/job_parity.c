/* job_parity.c: from the scores and errors of a job's series to how its groups compare. */
#include "pipeline/job_parity.h"

#include "pipeline/job_priv.h"

#include <math.h>
#include <stdlib.h>

#define HOUR_MS 3600000
#define WHY_MAX 512

static const char *const measure_names[AX_PARITY_MEASURES] = {
    "statistical_parity", "disparate_impact", "equal_opportunity", "equalized_odds", "error_ratio"};

enum ax_err ax_job_parity_init(struct ax_job *job)
{
    const struct ax_targets_config *t = &job->config->targets;
    struct ax_job_parity *p;
    if (t->parity.n == 0 || ax_job_rehearses(job))
        return AX_OK;
    job->parity = p = calloc(1, sizeof *p);
    if (!p)
        return AX_NOMEM;
    p->groups = calloc(t->parity_groups, sizeof *p->groups);
    p->card = ax_parity_card_new(t->parity, t->parity_groups, ax_job_cell(job, AX_M_PARITY_DROPPED));
    return p->groups && p->card ? AX_OK : AX_NOMEM;
}

void ax_job_parity_done(struct ax_job *job)
{
    struct ax_job_parity *p = job->parity;
    if (!p)
        return;
    ax_parity_card_free(p->card);
    free(p->groups);
    free(p);
    job->parity = NULL;
}

/* ---- units ---- */

static int64_t unit_ms(const struct ax_job *job)
{
    const int64_t blocks_ms = AX_PEAK_STEPS * job->config->step_ms;
    return blocks_ms > HOUR_MS ? blocks_ms : HOUR_MS;
}

static int64_t floor_to(int64_t t_ms, int64_t unit)
{
    const int64_t rest = t_ms % unit;
    return t_ms - (rest < 0 ? rest + unit : rest);
}

/* Was any score of a range above the threshold? */
static bool was_alarm(const struct ax_hindsight *h, int64_t from_ms, int64_t to_ms, int64_t step_ms,
                      double threshold)
{
    double low, high;
    return ax_peaks_read(&h->peaks, from_ms, to_ms, step_ms, &low, &high) && sqrt(low * high) > threshold;
}

static void count_unit(struct ax_job *job, const struct ax_labels *labels, const struct ax_hindsight *h,
                       int64_t seen_ms, int64_t from_ms)
{
    if (!h || seen_ms < from_ms)
        return;
    ax_parity_card_unit(
        job->parity->card, from_ms, ax_parity_card_group(job->parity->card, labels),
        was_alarm(h, from_ms, from_ms + unit_ms(job) - 1, job->config->step_ms, ax_hindsight_threshold(h)));
}

static void count_units(struct ax_job *job, int64_t from_ms)
{
    for (uint32_t i = 0; i < job->channels_n; i++)
        for (const struct ax_target *t = job->channels[i].first; t; t = t->next)
            count_unit(job, t->labels, t->hindsight, t->seen_ms, from_ms);
    for (const struct ax_entity *e = job->first; e; e = e->next)
        count_unit(job, e->labels, e->hindsight, e->seen_ms, from_ms);
}

void ax_job_parity_missed(struct ax_job *job, const struct ax_labels *labels, const struct ax_hindsight *h,
                          const struct ax_lesson_range *range, double threshold)
{
    const int64_t unit = unit_ms(job), step_ms = job->config->step_ms, last_ms = job->schedule.last_ms;
    double low, high;
    if (!job->parity || last_ms == AX_NEVER)
        return;
    const uint16_t group = ax_parity_card_group(job->parity->card, labels);
    const int64_t known_ms = last_ms - (int64_t)AX_PEAKS * AX_PEAK_STEPS * step_ms;
    for (int64_t from = floor_to(range->from_ms > known_ms ? range->from_ms : known_ms, unit);
         from <= range->to_ms && from + unit <= last_ms; from += unit) {
        const int64_t a = from > range->from_ms ? from : range->from_ms,
                      b = from + unit - 1 < range->to_ms ? from + unit - 1 : range->to_ms;
        if (ax_peaks_read(&h->peaks, a, b, step_ms, &low, &high))
            ax_parity_card_abnormal(job->parity->card, from, group, sqrt(low * high) > threshold);
    }
}

void ax_job_parity_erased(struct ax_job *job)
{
    bool keep[AX_PARITY_GROUPS_MAX] = {false};
    struct ax_job_parity *p = job->parity;
    if (!p)
        return;
    for (uint32_t i = 0; i < job->channels_n; i++)
        for (const struct ax_target *t = job->channels[i].first; t; t = t->next) {
            const uint16_t g = ax_parity_card_group(p->card, t->labels);
            if (g != AX_PARITY_NO_GROUP)
                keep[g] = true;
        }
    /* They are opened again, under other numbers, at the next step. */
    ax_job_parity_outlets(job, &(struct ax_outlet_deed){.verb = AX_OUTLET_END, .t_ms = INT64_MIN});
    ax_parity_card_forget(p->card, keep);
}

/* ---- what is said ---- */

static struct ax_outlet_name name_of(const struct ax_job *job, enum ax_output id, const char *label,
                                     struct ax_str value)
{
    struct ax_outlet_name name = {
        .id = id, .added = {{ax_str("label"), job->config->targets.parity}}, .added_n = 1};
    if (label)
        name.added[name.added_n++] = (struct ax_label){ax_str(label), value};
    return name;
}

static struct ax_outlet_name group_name(const struct ax_job *job, uint32_t i, struct ax_str group)
{
    static const enum ax_output ids[AX_PARITY_GROUP_OUTPUTS] = {AX_OUTPUT_GROUP_ERROR,
                                                                AX_OUTPUT_GROUP_ALARMS};
    return name_of(job, ids[i], "group", group);
}

void ax_job_parity_outlets(struct ax_job *job, const struct ax_outlet_deed *deed)
{
    struct ax_parity_group groups[AX_PARITY_GROUPS_MAX];
    struct ax_job_parity *p = job->parity;
    if (!p || !p->card || !p->groups) /* it could not be made */
        return;
    ax_parity_card_read(p->card, 0, groups);
    for (uint32_t g = 0; g < ax_parity_card_n(p->card); g++)
        for (uint32_t i = 0; i < AX_PARITY_GROUP_OUTPUTS; i++) {
            const struct ax_outlet_name name = group_name(job, i, groups[g].name);
            ax_outlet_do(&job->outlets, &p->groups[g][i], &name, deed);
        }
    for (uint32_t i = 0; i < AX_PARITY_MEASURES; i++) {
        const struct ax_outlet_name name =
            name_of(job, AX_OUTPUT_PARITY, "measure", ax_str(measure_names[i]));
        ax_outlet_do(&job->outlets, &p->measures[i], &name, deed);
    }
    const struct ax_outlet_name name = name_of(job, AX_OUTPUT_PARITY_FLAGGED, NULL, ax_str(""));
    ax_outlet_do(&job->outlets, &p->flagged, &name, deed);
}

static void put(struct ax_job *job, struct ax_outlet *o, const struct ax_outlet_name *name, int64_t t_ms,
                double value)
{
    if (isnan(value))
        ax_outlet_end(&job->outlets, o, t_ms);
    else
        ax_outlet_put(&job->outlets, o, name, t_ms, value);
}

void ax_job_parity_step(struct ax_job *job, int64_t t_ms)
{
    struct ax_parity_group groups[AX_PARITY_GROUPS_MAX];
    struct ax_job_parity *p = job->parity;
    if (!p)
        return;
    const int64_t last_ms = job->schedule.last_ms, unit = unit_ms(job);
    if (last_ms != AX_NEVER && floor_to(last_ms, unit) != floor_to(t_ms, unit))
        count_units(job, floor_to(last_ms, unit));
    const uint32_t n = ax_parity_card_n(p->card);
    ax_parity_card_read(p->card, t_ms, groups);
    p->newest = ax_parity_of(groups, n);
    for (uint32_t g = 0; g < n; g++) {
        const double values[AX_PARITY_GROUP_OUTPUTS] = {
            ax_parity_error(&groups[g]),
            groups[g].points ? (double)groups[g].alarms / (double)groups[g].points : (double)NAN};
        for (uint32_t i = 0; i < AX_PARITY_GROUP_OUTPUTS; i++) {
            const struct ax_outlet_name name = group_name(job, i, groups[g].name);
            put(job, &p->groups[g][i], &name, t_ms, values[i]);
        }
    }
    const double measures[AX_PARITY_MEASURES] = {p->newest.statistical_parity, p->newest.disparate_impact,
                                                 p->newest.equal_opportunity, p->newest.equalized_odds,
                                                 p->newest.error_ratio};
    for (uint32_t i = 0; i < AX_PARITY_MEASURES; i++) {
        const struct ax_outlet_name name =
            name_of(job, AX_OUTPUT_PARITY, "measure", ax_str(measure_names[i]));
        put(job, &p->measures[i], &name, t_ms, measures[i]);
    }
    const struct ax_outlet_name name = name_of(job, AX_OUTPUT_PARITY_FLAGGED, NULL, ax_str(""));
    ax_outlet_put(&job->outlets, &p->flagged, &name, t_ms, p->newest.flagged);
}

void ax_job_parity_flag(struct ax_job *job)
{
    char why[WHY_MAX];
    if (!job->parity || !job->parity->newest.flagged)
        return;
    ax_parity_describe(&job->parity->newest, job->config->targets.parity, why, sizeof why);
    for (struct ax_learner *l = job->learners; l; l = l->after)
        ax_learner_flag(l, why);
}
