/* explain.c: gathers what is known of the scores of series and entities. */
#include "pipeline/explain.h"

#include "pipeline/chooser.h"
#include "pipeline/job_priv.h"
#include "pipeline/pipeline_priv.h"

#include <math.h>

/* One question. */
struct asking {
    const struct ax_explain_query *query;
    struct ax_chooser chooser;
    const struct ax_job *job;
    ax_explain_visit *visit;
    void *ctx;
    uint32_t matched, told;
};

/* Put an episode among the similar ones, when it is near enough. */
static void compare(struct ax_explained *x, const struct ax_labels *labels, const struct ax_episode *e,
                    int64_t step_ms)
{
    double distance = ax_episode_distance(x->episode, e, step_ms);
    uint32_t at = x->similar_n < AX_SIMILAR ? x->similar_n++ : AX_SIMILAR;
    for (; at > 0 && x->similar[at - 1].distance > distance; at--)
        if (at < AX_SIMILAR)
            x->similar[at] = x->similar[at - 1];
    if (at < AX_SIMILAR) {
        x->similar[at].labels = labels;
        x->similar[at].episode = e;
        x->similar[at].distance = distance;
    }
}

static void compare_all(struct ax_explained *x, const struct ax_labels *labels, const struct ax_hindsight *h,
                        int64_t step_ms)
{
    for (uint32_t i = 0; h && i < h->episodes.n; i++)
        if (&h->episodes.v[i] != x->episode)
            compare(x, labels, &h->episodes.v[i], step_ms);
}

static void find_similar(const struct asking *a, struct ax_explained *x)
{
    int64_t step_ms = a->job->config->step_ms;
    for (uint32_t i = 0; i < a->job->channels_n; i++)
        for (const struct ax_target *t = a->job->channels[i].first; t; t = t->next)
            compare_all(x, t->labels, t->hindsight, step_ms);
    for (const struct ax_entity *e = a->job->first; e; e = e->next)
        compare_all(x, e->labels, e->hindsight, step_ms);
}

/* The features that made the score of an entity, as its episode has them. */
static void find_parts(const struct asking *a, struct ax_explained *x, const struct ax_entity *e, bool newest)
{
    for (uint32_t k = 0; k < x->episode->parts_n; k++) {
        const struct ax_channel *c = &a->job->channels[x->episode->part[k]];
        const struct ax_target *t = ax_map_get(&c->targets, e->id);
        bool known = newest && t && t->verdict.ready && t->seen_ms == x->t_ms;
        x->parts[x->parts_n++] =
            (struct ax_explained_part){.feature = c->feature,
                                       .share = x->episode->share[k] / 100.0,
                                       .value = known ? t->value : (double)NAN,
                                       .expected = known ? t->verdict.expected : (double)NAN,
                                       .lower = known ? t->verdict.lower : (double)NAN,
                                       .upper = known ? t->verdict.upper : (double)NAN};
    }
}

/* Numbers of the worst step of an episode. */
static void take_episode(struct ax_explained *x)
{
    const struct ax_episode *e = x->episode;
    x->t_ms = e->peak_ms;
    x->score = (double)e->score;
    x->direction = e->direction;
    x->value = (double)e->value;
    x->expected = (double)e->expected;
    x->lower = (double)e->lower;
    x->upper = (double)e->upper;
}

/* One series or (entity not NULL) entity, whose newest step with a value was at seen_ms. */
static void explain(struct asking *a, const struct ax_labels *labels, const struct ax_hindsight *h,
                    int64_t seen_ms, double value, const struct ax_verdict *v, const struct ax_entity *entity)
{
    int64_t t_ms = a->query->t_ms, step_ms = a->job->config->step_ms;
    bool newest = t_ms == INT64_MIN || (t_ms >= seen_ms && t_ms < seen_ms + step_ms);
    struct ax_explained x = {.job = a->job->config, .labels = labels, .t_ms = newest ? seen_ms : t_ms};
    double low, high;
    if (!h || seen_ms == INT64_MIN || a->told >= a->query->limit ||
        !ax_chooser_takes(&a->chooser, a->job->root, a->job->config->name, labels))
        return;
    a->matched++;
    x.threshold = ax_hindsight_threshold(h);
    x.ready = v->ready;
    x.score = x.score_most = x.value = x.expected = x.lower = x.upper = (double)NAN;
    x.episode = ax_episodes_at(&h->episodes, x.t_ms);
    if (newest && v->ready) {
        x.score = v->score;
        x.direction = v->direction;
        x.value = value;
        x.expected = v->expected;
        x.lower = v->lower;
        x.upper = v->upper;
    } else if (!newest && x.episode) {
        take_episode(&x);
    } else if (!newest && ax_peaks_read(&h->peaks, x.t_ms, x.t_ms, step_ms, &low, &high)) {
        x.score_most = high / x.threshold;
    } else if (!newest) {
        return;
    }
    if (x.episode && entity)
        find_parts(a, &x, entity, newest);
    if (x.episode)
        find_similar(a, &x);
    a->told++;
    a->visit(a->ctx, &x);
}

static void explain_job(struct asking *a)
{
    for (uint32_t i = 0; i < a->job->channels_n; i++)
        for (const struct ax_target *t = a->job->channels[i].first; t; t = t->next)
            explain(a, t->labels, t->hindsight, t->seen_ms, t->value, &t->verdict, NULL);
    for (const struct ax_entity *e = a->job->first; e; e = e->next)
        explain(a, e->labels, e->hindsight, e->seen_ms, (double)NAN, &e->verdict, e);
}

enum ax_err ax_pipeline_explain(struct ax_pipeline *p, const struct ax_explain_query *query,
                                ax_explain_visit *visit, void *ctx, struct ax_diag *diag)
{
    struct asking a = {.query = query, .visit = visit, .ctx = ctx};
    enum ax_err err = ax_chooser_init(&a.chooser, query->selector, diag);
    if (err != AX_OK)
        return err;
    (void)pthread_mutex_lock(&p->run);
    for (uint32_t i = 0; i < p->jobs_n; i++) {
        a.job = p->jobs[i];
        if (query->job.n == 0 || ax_str_eq(query->job, a.job->config->name))
            explain_job(&a);
    }
    (void)pthread_mutex_unlock(&p->run);
    ax_chooser_done(&a.chooser);
    if (a.told)
        return AX_OK;
    return ax_fail(
        diag, AX_NOTFOUND, "%s",
        a.matched ? "of that time nothing is known any more, or not yet: scores are remembered for 4,096 "
                    "steps, and the newest 4 abnormal episodes of a series"
                  : "no series that is scored matches");
}
