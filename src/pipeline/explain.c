/* explain.c: gathers what is known of the scores of series and entities. */
#include "pipeline/explain.h"

#include "base/arena.h"
#include "math/stats.h"
#include "pipeline/chooser.h"
#include "pipeline/job_priv.h"
#include "pipeline/pipeline_priv.h"

#include <math.h>
#include <string.h>

#define BYTES_MAX ((size_t)256 << 20)
#define USUAL_STEPS 240 /* before an episode, of what is typical */
#define USUAL_MIN 8

/* An episode of some series of a job, copied. */
struct kept {
    struct ax_episode episode;
    const struct ax_labels *labels;
    struct kept *next;
};

/* Those of one job, and what a selector may ask of it. */
struct job_kept {
    struct kept *first, **end;
    struct ax_chooser_job job;
};

/* What may be told of one series. */
struct story {
    struct ax_explained x;
    const struct job_kept *job;
    bool known; /* anything is, of that time */
    struct story *next;
};

/* One question. Everything that is told is in the arena: jobs go on, and may be gone, meanwhile. */
struct asking {
    const struct ax_explain_query *query;
    struct ax_chooser chooser;
    const struct ax_job *job;
    struct ax_arena arena;
    struct job_kept *kept;
    struct story *first, **end;
    bool episodic; /* something that the job's series tell has an episode, which others may resemble */
    bool full;     /* the arena is */
};

static const struct ax_labels *copy_labels(struct asking *a, const struct ax_labels *labels)
{
    struct ax_labels *to = ax_arena_alloc(&a->arena, sizeof *to);
    return to && ax_labels_copy(&a->arena, labels, to) ? to : NULL;
}

/* Keep the episodes of a series; *own is the one that a time lies in, NULL without. False: no room. */
static bool keep(struct asking *a, const struct ax_labels *labels, const struct ax_hindsight *h,
                 const struct ax_episode *at, const struct ax_episode **own)
{
    for (uint32_t i = 0; i < h->episodes.n; i++) {
        struct kept *k = ax_arena_alloc(&a->arena, sizeof *k);
        if (!k)
            return false;
        *k = (struct kept){h->episodes.v[i], labels, NULL};
        *a->kept->end = k;
        a->kept->end = &k->next;
        if (at == &h->episodes.v[i])
            *own = &k->episode;
    }
    return true;
}

/* Put an episode among the similar ones, when it is near enough. */
static void compare(struct ax_explained *x, const struct kept *k)
{
    double distance = ax_episode_distance(x->episode, &k->episode, x->step_ms);
    uint32_t at = x->similar_n < AX_SIMILAR ? x->similar_n++ : AX_SIMILAR;
    for (; at > 0 && x->similar[at - 1].distance > distance; at--)
        if (at < AX_SIMILAR)
            x->similar[at] = x->similar[at - 1];
    if (at < AX_SIMILAR) {
        x->similar[at].labels = k->labels;
        x->similar[at].episode = &k->episode;
        x->similar[at].distance = distance;
    }
}

/* The value at a time; NaN when the view does not reach it. */
static double value_at(const struct ax_view *v, int64_t t_ms)
{
    const int64_t back = v->n && t_ms <= v->end_ms ? (v->end_ms - t_ms) / v->step_ms : INT64_MAX;
    return back < v->n ? (double)v->v[v->n - 1 - back] : (double)NAN;
}

/* Copy up to USUAL_STEPS of the newest values from before a time; how many there are. */
static uint32_t values_before(const struct ax_view *v, int64_t t_ms, double *to)
{
    uint32_t n = 0;
    for (uint32_t i = v->n; i-- > 0 && n < USUAL_STEPS;) {
        const int64_t at_ms = v->end_ms - (int64_t)(v->n - 1 - i) * v->step_ms;
        if (at_ms < t_ms && !isnan(v->v[i]))
            to[n++] = (double)v->v[i];
    }
    return n;
}

/* What is typical of a feature: the middle, and nine tenths, of what it was before the episode. False when
 * too little is kept of that. */
static bool recall(const struct ax_target *t, int64_t begin_ms, struct ax_explained_part *p)
{
    double v[USUAL_STEPS];
    const struct ax_view fine = ax_window_fine(t->window), coarse = ax_window_coarse(t->window);
    uint32_t n = values_before(&fine, begin_ms, v);
    if (n < USUAL_MIN)
        n = values_before(&coarse, begin_ms, v);
    if (n < USUAL_MIN)
        return false;
    p->expected = ax_median(v, n);
    p->lower = ax_quantile(v, n, 0.05);
    p->upper = ax_quantile(v, n, 0.95);
    return true;
}

/* Actual and typical values of a feature. Of the newest step its detector knows what was expected, when that
 * is forecast; else that is the value before, which soon follows what is abnormal. */
static void fill_part(const struct ax_target *t, const struct ax_explained *x, bool newest,
                      struct ax_explained_part *p)
{
    const struct ax_verdict *v = &t->verdict;
    const bool now = newest && v->ready && t->seen_ms == x->t_ms;
    if (t->window && !p->absent) {
        const struct ax_view fine = ax_window_fine(t->window), coarse = ax_window_coarse(t->window);
        p->value = now ? t->value : value_at(&fine, x->t_ms);
        if (isnan(p->value))
            p->value =
                value_at(&coarse, x->t_ms + (-x->t_ms % coarse.step_ms + coarse.step_ms) % coarse.step_ms);
    }
    if (t->window && !(now && t->forecaster) && recall(t, x->episode->begin_ms, p))
        return;
    p->expected = now ? v->expected : (double)NAN;
    p->lower = now ? v->lower : (double)NAN;
    p->upper = now ? v->upper : (double)NAN;
}

/* The features that made the score of an entity, as its episode has them. */
static void find_parts(struct asking *a, struct ax_explained *x, const struct ax_entity *e, bool newest)
{
    for (uint32_t k = 0; k < x->episode->parts_n; k++) {
        const struct ax_channel *c = &a->job->channels[x->episode->part[k]];
        const struct ax_target *t = ax_map_get(&c->targets, e->id);
        struct ax_explained_part *p = &x->parts[x->parts_n++];
        *p = (struct ax_explained_part){.feature = ax_arena_str(&a->arena, c->feature),
                                        .absent = x->episode->parts_absent >> k & 1,
                                        .share = x->episode->share[k] / 100.0,
                                        .value = (double)NAN,
                                        .expected = (double)NAN,
                                        .lower = (double)NAN,
                                        .upper = (double)NAN};
        if (t)
            fill_part(t, x, newest, p);
    }
}

/* What is asked about: one series, or entity. */
struct subject {
    const struct ax_labels *labels;
    const struct ax_hindsight *hindsight;
    const struct ax_verdict
        *verdict; /* of the step at_ms, which is the newest with a value or while it is absent */
    const struct ax_entity *entity; /* NULL: a series */
    double value;                   /* at that step */
    int64_t seen_ms, at_ms;
};

/* The newest step; there is always something to say of it. */
static void take_newest(const struct subject *s, struct ax_explained *x)
{
    const struct ax_verdict *v = s->verdict;
    x->reason = v->ready ? NULL : v->reason;
    x->absent = s->at_ms > s->seen_ms;
    x->absent_ms = s->seen_ms + x->step_ms;
    if (!v->ready)
        return;
    x->score = v->score;
    x->direction = v->direction;
    x->value = x->absent ? (double)NAN : s->value;
    x->expected = v->expected;
    x->lower = v->lower;
    x->upper = v->upper;
}

/* Numbers of the worst step of an episode. */
static void take_episode(struct ax_explained *x)
{
    const struct ax_episode *e = x->episode;
    x->t_ms = e->peak_ms;
    x->score = (double)e->score;
    x->direction = (e->direction > 0) - (e->direction < 0);
    x->value = (double)e->value;
    x->expected = (double)e->expected;
    x->lower = (double)e->lower;
    x->upper = (double)e->upper;
    x->absent = e->absent;
    x->absent_ms = e->absent_ms;
}

/* What is known of a series at the time; false: nothing. x->episode is the one that the time lies in. */
static bool fill(const struct asking *a, const struct subject *s, bool newest, struct ax_explained *x)
{
    double low, high;
    x->threshold = ax_hindsight_threshold(s->hindsight);
    x->score = x->score_most = x->value = x->expected = x->lower = x->upper = (double)NAN;
    if (newest)
        take_newest(s, x);
    else if (x->episode)
        take_episode(x);
    else if (ax_peaks_read(&s->hindsight->peaks, x->t_ms, x->t_ms, a->job->config->step_ms, &low, &high))
        x->score_most = high / x->threshold;
    else
        return false;
    return true;
}

/* May it be meant? Without regular expressions, which take their time. */
static bool is_asked_for(const struct asking *a, const struct ax_labels *labels)
{
    return ax_chooser_may_take(&a->chooser, &a->kept->job, labels);
}

/* Keep the episodes of one that is not asked for. */
static void keep_other(struct asking *a, const struct ax_labels *labels, const struct ax_hindsight *h,
                       int64_t seen_ms)
{
    const struct ax_episode *none = NULL;
    if (!h || h->episodes.n == 0 || seen_ms == INT64_MIN || a->full || is_asked_for(a, labels))
        return;
    const struct ax_labels *copy = copy_labels(a, labels);
    a->full = !copy || !keep(a, copy, h, NULL, &none);
}

static void explain(struct asking *a, const struct subject *s)
{
    const int64_t t_ms = a->query->t_ms, step_ms = a->job->config->step_ms;
    const bool newest = t_ms == INT64_MIN || (t_ms >= s->at_ms && t_ms < s->at_ms + step_ms);
    if (!s->hindsight || s->seen_ms == INT64_MIN || a->full || !is_asked_for(a, s->labels))
        return;
    struct ax_explained x = {.job = a->kept->job.name, .step_ms = step_ms, .t_ms = newest ? s->at_ms : t_ms};
    const struct ax_episode *at = ax_episodes_at(&s->hindsight->episodes, x.t_ms), *own = NULL;
    struct story *story = ax_arena_alloc(&a->arena, sizeof *story);
    x.labels = copy_labels(a, s->labels);
    a->full = !story || !x.labels || !keep(a, x.labels, s->hindsight, at, &own);
    if (a->full)
        return;
    x.episode = own;
    a->episodic = a->episodic || own;
    const bool known = fill(a, s, newest, &x);
    if (known && x.episode && s->entity)
        find_parts(a, &x, s->entity, newest);
    *story = (struct story){x, a->kept, known, NULL};
    *a->end = story;
    a->end = &story->next;
}

/* Is it absent, or has it been for so long that it is not scored any more? Else the verdict is of the newest
 * value. */
static bool is_away(const struct ax_verdict *v)
{
    return v->absent || (!v->ready && v->reason && strcmp(v->reason, "no_data") == 0);
}

static void explain_target(struct asking *a, const struct ax_target *t)
{
    explain(a, &(struct subject){.labels = t->labels,
                                 .hindsight = t->hindsight,
                                 .verdict = &t->verdict,
                                 .value = t->value,
                                 .seen_ms = t->seen_ms,
                                 .at_ms = is_away(&t->verdict) ? t->stepped_ms : t->seen_ms});
}

static void explain_entity(struct asking *a, const struct ax_entity *e)
{
    explain(a, &(struct subject){.labels = e->labels,
                                 .hindsight = e->hindsight,
                                 .verdict = &e->verdict,
                                 .entity = e,
                                 .value = (double)NAN,
                                 .seen_ms = e->seen_ms,
                                 .at_ms = is_away(&e->verdict) ? ax_job_stepped_ms(a->job) : e->seen_ms});
}

static void explain_job(struct asking *a)
{
    const struct ax_chooser_job of = ax_job_asked(a->job);
    a->kept = ax_arena_alloc(&a->arena, sizeof *a->kept);
    a->full = a->full || !a->kept || !ax_chooser_job_copy(&a->arena, &of, &a->kept->job);
    if (a->full)
        return;
    a->episodic = false;
    a->kept->first = NULL;
    a->kept->end = &a->kept->first;
    for (uint32_t i = 0; i < a->job->channels_n; i++)
        for (const struct ax_target *t = a->job->channels[i].first; t; t = t->next)
            explain_target(a, t);
    for (const struct ax_entity *e = a->job->first; e; e = e->next)
        explain_entity(a, e);
    for (uint32_t i = 0; a->episodic && i < a->job->channels_n; i++)
        for (const struct ax_target *t = a->job->channels[i].first; t; t = t->next)
            keep_other(a, t->labels, t->hindsight, t->seen_ms);
    for (const struct ax_entity *e = a->episodic ? a->job->first : NULL; e; e = e->next)
        keep_other(a, e->labels, e->hindsight, e->seen_ms);
}

/* Copy what is known of the series that may be meant, and episodes of the others that may be similar: whoever
 * asks may ask by regular expressions, which take their time. */
static void gather(struct ax_pipeline *p, struct asking *a)
{
    (void)pthread_mutex_lock(&p->run);
    for (uint32_t i = 0; i < p->jobs_n; i++) {
        a->job = p->jobs[i];
        if (a->query->job.n == 0 || ax_str_eq(a->query->job, a->job->config->name))
            explain_job(a);
    }
    (void)pthread_mutex_unlock(&p->run);
}

/* Find what is meant, and similar to it, and tell. Returns of how many; *matched: without regard to the time.
 * *whole: the visitor has wanted all. */
static uint32_t tell(const struct asking *a, ax_explain_visit *visit, void *ctx, uint32_t *matched,
                     bool *whole)
{
    uint32_t told = 0;
    *matched = 0;
    *whole = true;
    for (struct story *s = a->first; s && *whole && told < a->query->limit; s = s->next) {
        if (!ax_chooser_takes(&a->chooser, &s->job->job, s->x.labels))
            continue;
        ++*matched;
        if (!s->known)
            continue;
        for (const struct kept *k = s->x.episode ? s->job->first : NULL; k; k = k->next)
            if (k->episode.end_ms < s->x.episode->begin_ms)
                compare(&s->x, k);
        *whole = visit(ctx, &s->x);
        told++;
    }
    return told;
}

enum ax_err ax_pipeline_explain(struct ax_pipeline *p, const struct ax_explain_query *query,
                                ax_explain_visit *visit, void *ctx, struct ax_diag *diag)
{
    struct asking a = {.query = query};
    enum ax_err err = ax_chooser_init(&a.chooser, query->selector, diag);
    if (err != AX_OK)
        return err;
    ax_arena_init(&a.arena, BYTES_MAX);
    a.end = &a.first;
    uint32_t matched = 0;
    bool whole = true;
    gather(p, &a);
    if (a.full)
        err = ax_fail(diag, AX_LIMIT, "what is known of these series takes too much memory: name a job");
    else if (tell(&a, visit, ctx, &matched, &whole) == 0)
        err = ax_fail(
            diag, AX_NOTFOUND, "%s",
            matched ? "of that time nothing is known any more, or not yet: scores are remembered for 4,096 "
                      "steps, and the newest 4 abnormal episodes of a series"
                    : "no series that is scored matches");
    else if (!whole)
        err = ax_fail(diag, AX_CANCELLED, "%s", ax_err_text(AX_CANCELLED));
    ax_chooser_done(&a.chooser);
    ax_arena_done(&a.arena);
    return err;
}
