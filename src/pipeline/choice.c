/* choice.c: labels are copied with the lock, matched without it. */
#include "pipeline/choice.h"

#include "pipeline/job_priv.h"
#include "pipeline/pipeline_priv.h"

#define ROUNDS_MAX 64
#define ROUND_MAX 16384                /* label sets that are copied at once: some milliseconds */
#define ROUND_BYTES ((size_t)64 << 20) /* of them */

/* Labels that nobody has asked about yet. */
struct question {
    uint64_t key;
    const struct ax_chooser_job *job;
    struct ax_labels labels;
    struct question *next;
};

/* The questions of one round; copies, in the arena. */
struct round {
    struct ax_choice *choice;
    struct ax_arena arena;
    struct question *first;
    uint32_t n;
    bool full;
};

static bool yes = true, no = false; /* what the map of answers points to */

/* A generation stands for one job; by such a hash the job itself tells its series apart. */
static uint64_t key_of(const struct ax_job *job, const struct ax_labels *labels)
{
    return ax_job_id(job, labels) ^ (job->generation * UINT64_C(0x9e3779b97f4a7c15));
}

bool ax_choice_takes(const struct ax_choice *c, const struct ax_job *job, const struct ax_labels *labels)
{
    const bool *answer = ax_map_get(&c->answers, key_of(job, labels));
    const struct ax_chooser_job of = ax_job_asked(job);
    return answer ? *answer : ax_chooser_takes(&c->chooser, &of, labels);
}

/* Keep an answer; false when there is no memory. */
static bool answer(struct ax_choice *c, uint64_t key, bool takes)
{
    return ax_map_put(&c->answers, key, takes ? &yes : &no) == AX_OK;
}

/* Copy what is to be asked about one of the job, if it is to be asked. */
static void ask(struct round *r, const struct ax_job *job, const struct ax_chooser_job *of,
                const struct ax_labels *labels)
{
    const uint64_t key = key_of(job, labels);
    if (r->full || ax_map_get(&r->choice->answers, key))
        return;
    if (!ax_chooser_may_take(&r->choice->chooser, of, labels)) {
        r->full = !answer(r->choice, key, false);
        return;
    }
    struct question *q = ax_arena_alloc(&r->arena, sizeof *q);
    r->full = r->n == ROUND_MAX || !q || !ax_labels_copy(&r->arena, labels, &q->labels);
    if (r->full)
        return;
    q->key = key;
    q->job = of;
    q->next = r->first;
    r->first = q;
    r->n++;
}

static void ask_job(struct round *r, const struct ax_job *job)
{
    const struct ax_chooser_job own = ax_job_asked(job);
    struct ax_chooser_job *of = ax_arena_alloc(&r->arena, sizeof *of);
    r->full = r->full || !of || !ax_chooser_job_copy(&r->arena, &own, of);
    for (uint32_t i = 0; i < job->channels_n; i++)
        for (const struct ax_target *t = job->channels[i].first; t && !r->full; t = t->next)
            ask(r, job, of, t->labels);
    for (const struct ax_target *t = job->capacity ? job->capacity->first : NULL; t && !r->full; t = t->next)
        ask(r, job, of, t->labels);
    for (const struct ax_entity *e = job->first; e && !r->full; e = e->next)
        ask(r, job, of, e->labels);
    for (const struct ax_drift_entity *e = ax_drift_entity_next(job, NULL); e && !r->full;
         e = ax_drift_entity_next(job, e))
        ask(r, job, of, ax_drift_entity_labels(e));
}

/* Match what was copied; false when there is no memory for the answers. */
static bool match(struct round *r)
{
    bool kept = true;
    for (const struct question *q = r->first; q && kept; q = q->next)
        kept = answer(r->choice, q->key, ax_chooser_takes(&r->choice->chooser, q->job, &q->labels));
    return kept;
}

/* One round; false when there is nobody to ask about, or no use in asking. */
static bool go_round(struct ax_choice *c, struct ax_pipeline *p, struct ax_str job)
{
    struct round r = {.choice = c};
    ax_arena_init(&r.arena, ROUND_BYTES);
    for (uint32_t i = 0; i < p->jobs_n; i++)
        if (job.n == 0 || ax_str_eq(job, p->jobs[i]->config->name))
            ask_job(&r, p->jobs[i]);
    bool more = r.n > 0;
    if (more) {
        (void)pthread_mutex_unlock(&p->run);
        more = match(&r);
        (void)pthread_mutex_lock(&p->run);
    }
    ax_arena_done(&r.arena);
    return more;
}

void ax_choice_make(struct ax_choice *c, struct ax_pipeline *p, struct ax_str job)
{
    const bool quick = ax_chooser_is_quick(&c->chooser);
    for (uint32_t i = 0; !quick && i < ROUNDS_MAX && go_round(c, p, job);)
        i++;
}

void ax_choice_done(struct ax_choice *c)
{
    ax_chooser_done(&c->chooser);
    ax_map_done(&c->answers);
}
