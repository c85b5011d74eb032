/* entity_panel.c: the ensemble of a job's entities: asked about all of them at once, heard by each. */
#include "anomaly/spec.h"
#include "base/hash.h"
#include "pipeline/entity_points.h"

#include <math.h>
#include <string.h>

#define EVERY_POINTS 24LL /* between two looks whether to train again */
#define FIRST_LOOK 10     /* by so much fewer points than models.min_samples decide on a shadow */
#define LAGS 7
#define KEY_BYTES_MAX (1u << 20) /* of the labels of an entity */
#define MUCH_MORE 1.5            /* time to learn from */
#define ASKED_MIN 0.5            /* of what an ensemble finds, for it to count */
/* How far a first generation may be off: two hours of points of several members, of all voices together; 400
 * steps of the model of latencies, of what it says alone. */
#define UNHEARD 3.0
#define UNHEARD_LATENCY 4.0
#define ALONE_LATENCY                                                                                        \
    0.85 /* of features beside it: either voice may alarm, so each has to be a little louder */

/* What the features are, in their order. */
static uint64_t features_hash(const struct ax_job_config *config)
{
    uint64_t h = 0;
    for (uint32_t i = 0; i < config->features_n; i++) {
        const struct ax_feature_config *f = &config->features[i];
        h = ax_hash64(f->name.p, f->name.n, h);
        h = ax_hash64(f->expr.text.p, f->expr.text.n, h);
    }
    return h;
}

/* The members that a job names, a bit each. */
static uint32_t members_of(const struct ax_ensemble_config *config)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < config->members_n; i++)
        for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
            if (ax_str_eq(config->members[i], ax_str(ax_ensemble_member_name(m))))
                bits |= 1u << m;
    return bits;
}

/* A pair is a point, or as many of them as make a row of eight pairs: rows have points in common. Two hours
 * of them are enough to count alarms. */
static struct ax_trial_rule rule_of(const struct ax_job *job)
{
    const uint32_t first = job->config->models.min_samples / FIRST_LOOK, overlap = job->ensemble.points - 1,
                   points = (overlap + LAGS - 1) / LAGS;
    return (struct ax_trial_rule){.alarms = true,
                                  .compare = {.samples_min = first ? first : 1},
                                  .block = points * ax_point_steps(job),
                                  .lags = (overlap + points - 1) / points,
                                  .alarms_max = job->config->anomaly.false_alarm_rate};
}

/* Find the entity in a generation, once. */
static uint32_t look_up(const struct ax_entity *e, struct ax_entity_place *at, const struct ax_generation *g,
                        struct ax_buf *key)
{
    if (at->of == g->serial)
        return at->index;
    ax_buf_reset(key);
    ax_labels_key_write(e->labels, key);
    if (key->err != AX_OK)
        return UINT32_MAX;
    at->of = g->serial;
    at->index = ax_ensemble_find(g->model, ax_buf_view(key));
    return at->index;
}

/* Where new levels of entities have settled between two generations, is there none left to compare them by?
 * Who is away, or not known to both, is none. */
static bool has_no_measure(const struct ax_job *job, const struct ax_fit_scores *live,
                           const struct ax_fit_scores *newer)
{
    const struct ax_learner *l = &job->ensemble_learner;
    struct ax_buf key;
    bool any = false, none = true;
    ax_buf_init(&key, KEY_BYTES_MAX);
    for (struct ax_entity *e = job->first; e && none; e = e->next) {
        if (job->schedule.last_ms - e->seen_ms > ax_job_absence_ms(job))
            continue;
        if (look_up(e, &e->known[0], l->live, &key) == UINT32_MAX ||
            look_up(e, &e->known[1], l->shadow, &key) == UINT32_MAX)
            continue;
        none = ax_entity_is_void(e, live, newer);
        any = true;
    }
    ax_buf_done(&key);
    return any && none;
}

/* What learnt from much less time, or before people said what to learn from, is no measure of a newer one:
 * few alarms may mean that it knows nothing. Nor is what learnt before new levels of all entities had
 * settled; where some of them are as they were, these are what a trial is by. */
static bool supersedes(void *ctx, const struct ax_fit_scores *live, const struct ax_fit_scores *newer)
{
    const struct ax_job *job = ctx;
    const double had = (double)(live->until_ms - live->from_ms),
                 has = (double)(newer->until_ms - newer->from_ms);
    return has >= MUCH_MORE * had ||
           (live->until_ms <= job->relearn_ms && newer->until_ms > job->relearn_ms) ||
           has_no_measure(job, live, newer);
}

void ax_entities_learn(struct ax_job *job)
{
    const struct ax_job_config *config = job->config;
    const bool latency = ax_str_eq(config->anomaly.model, ax_str("latency"));
    if (!job->scores_entities || ax_str_eq(config->anomaly.model, ax_str("features")) ||
        (job->channels_n < 2 && !latency))
        return;
    job->ensemble = (struct ax_ensemble_spec){.features = job->channels_n,
                                              .features_hash = features_hash(config),
                                              .members = latency ? 1u << AX_ENSEMBLE_SEQUENCE
                                                                 : members_of(&config->anomaly.ensemble),
                                              .points = latency ? AX_LATENCY_STEPS : AX_ENSEMBLE_POINTS,
                                              .extended = config->anomaly.ensemble.extended,
                                              .false_alarm_rate = config->anomaly.false_alarm_rate};
    /* The rows that were asked for say what a point is. */
    job->ensemble.point_ms = ax_point_steps(job) * config->step_ms;
    const struct ax_learner_spec spec = {.kind = latency ? &ax_latency_kind : &ax_ensemble_kind,
                                         .feature = "",
                                         .build = &job->ensemble,
                                         .fits.every_ms =
                                             EVERY_POINTS * ax_point_steps(job) * config->step_ms,
                                         .rule = rule_of(job),
                                         .copy = ax_entities_copy,
                                         .supersedes = supersedes,
                                         .ctx = job};
    ax_job_learn(job, &job->ensemble_learner, &spec);
    ax_challenger_init(&job->challenger, &job->outlets, ax_job_cell(job, AX_M_CHALLENGER_UNSENT));
}

/* What is asked of one generation. */
struct question {
    const struct ax_generation *g; /* NULL: nothing */
    uint32_t *index;
    struct ax_ensemble_ratios *ratios;
};

static bool make_question(struct ax_arena *a, const struct ax_generation *g, uint32_t n, struct question *out)
{
    *out = (struct question){.g = g};
    if (!g)
        return true;
    out->index = ax_arena_array(a, n, sizeof *out->index);
    out->ratios = ax_arena_array(a, n, sizeof *out->ratios);
    return out->index && out->ratios;
}

/* Room for all entities and their rows; false when there is none. */
static bool make_room(struct ax_job *job, struct ax_asked *out, float **points, struct question q[2])
{
    const struct ax_learner *l = &job->ensemble_learner;
    const uint32_t n = job->entities.n;
    const size_t width = (size_t)job->ensemble.points * job->channels_n;
    struct ax_arena *a = &job->scratch;
    ax_arena_reset(a);
    size_t bytes = ax_ensemble_scratch(l->live->model, n);
    if (l->shadow && ax_ensemble_scratch(l->shadow->model, n) > bytes)
        bytes = ax_ensemble_scratch(l->shadow->model, n);
    out->entities = ax_arena_array(a, n, sizeof(struct ax_entity *));
    out->answers = ax_arena_array(a, n, sizeof *out->answers);
    *points = ax_arena_array(a, n * width, sizeof **points);
    char *scratch = ax_arena_alloc(a, bytes + AX_ENSEMBLE_ALIGN);
    if (!out->entities || !out->answers || !*points || !scratch || !make_question(a, l->live, n, &q[0]) ||
        !make_question(a, l->shadow, n, &q[1]))
        return false;
    out->points = *points;
    out->scratch = scratch + AX_ENSEMBLE_ALIGN - (uintptr_t)scratch % AX_ENSEMBLE_ALIGN;
    return true;
}

/* The score that a generation alone gives the i-th entity; below 0 when it does not know it. */
static double score_of(const struct question *q, uint32_t i)
{
    if (!q->index || q->index[i] == UINT32_MAX)
        return -1;
    const double level = ax_ensemble_level(q->g->model, q->index[i]);
    return ax_ensemble_combine(ax_ensemble_members_of(q->g->model), ax_ensemble_weights(q->g->model),
                               &q->ratios[i], NULL, 0) /
           level;
}

/* Note what both generations say of the entities, and send what a challenger does. */
static void note_scores(struct ax_job *job, int64_t t_ms, struct ax_asked *asked, const struct question q[2])
{
    double *live = ax_arena_array(&job->scratch, asked->n, sizeof *live),
           *shadow = ax_arena_array(&job->scratch, asked->n, sizeof *shadow);
    if (!live || !shadow) {
        ax_job_error(job, "memory");
        return;
    }
    for (uint32_t i = 0; i < asked->n; i++) {
        live[i] = score_of(&q[0], i);
        shadow[i] = score_of(&q[1], i);
    }
    asked->live = live;
    asked->shadow = shadow;
    for (uint32_t i = 0; i < asked->n && ax_learner_tries(&job->ensemble_learner); i++)
        if (isfinite(shadow[i]) && shadow[i] >= 0)
            ax_entity_challenge(job, asked->entities[i], t_ms, shadow[i]);
}

/* There is no challenger any more: its series end. */
static void fall_silent(struct ax_job *job, int64_t t_ms)
{
    for (struct ax_entity *e = job->first; e; e = e->next)
        ax_challenged_leave(&job->challenger, &e->challenged, t_ms);
}

/* Which generation an entity hears: of a canary's share the challenger, when it knows the entity. */
static struct ax_answer answer_of(const struct ax_job *job, const struct ax_entity *e,
                                  const struct question q[2], uint32_t i)
{
    const struct ax_roles *roles = &job->ensemble_learner.roles;
    const bool other = q[1].g && roles->phase == AX_PHASE_CANARY && q[1].index[i] != UINT32_MAX &&
                       ax_labels_hash(e->labels, 0) % 100 < roles->share;
    const struct question *from = &q[other];
    if (!from->index || from->index[i] == UINT32_MAX)
        return (struct ax_answer){.ensemble = NULL};
    const struct ax_fit_scores *scores = &from->g->scores;
    return (struct ax_answer){from->g->model, from->index[i], scores->from_ms, scores->until_ms,
                              from->ratios[i]};
}

/* Ask one generation about all of them; who is not known is asked about as the first one, and not heard. */
static void ask(const struct question *q, const struct ax_asked *asked)
{
    uint32_t at = 0;
    if (!q->index)
        return;
    for (uint32_t i = 0; i < asked->n; i = at) {
        for (at = i; at < asked->n && q->index[at] != UINT32_MAX; at++)
            ;
        if (at > i)
            ax_ensemble_score(q->g->model, at - i, q->index + i, asked->points + (size_t)i * asked->width,
                              asked->scratch, q->ratios + i);
        at += at < asked->n;
    }
}

void ax_entities_ask(struct ax_job *job, int64_t t_ms, struct ax_asked *out)
{
    const struct ax_learner *l = &job->ensemble_learner;
    struct question q[2];
    float *points;
    *out = (struct ax_asked){.width = (size_t)job->ensemble.points * job->channels_n};
    if (ax_challenger_is_heard(&job->challenger) && !ax_learner_tries(l))
        fall_silent(job, t_ms);
    if (!l->shadow)
        ax_entity_trial_end(&job->scores);
    if (job->ensemble.features == 0 || !l->live || job->entities.n == 0)
        return;
    if (!make_room(job, out, &points, q)) {
        ax_job_error(job, "memory");
        return;
    }
    struct ax_buf key;
    ax_buf_init(&key, KEY_BYTES_MAX);
    for (struct ax_entity *e = job->first; e; e = e->next) {
        const uint32_t live = look_up(e, &e->known[0], l->live, &key),
                       shadow = l->shadow ? look_up(e, &e->known[1], l->shadow, &key) : UINT32_MAX;
        if (e->seen_ms != t_ms || (live == UINT32_MAX && shadow == UINT32_MAX))
            continue;
        ax_entity_points(job, e, t_ms, points + out->n * out->width);
        out->entities[out->n] = e;
        q[0].index[out->n] = live;
        if (l->shadow)
            q[1].index[out->n] = shadow;
        out->n++;
    }
    ax_buf_done(&key);
    ask(&q[0], out);
    ask(&q[1], out);
    if (l->shadow)
        note_scores(job, t_ms, out, q);
    for (uint32_t i = 0; i < out->n; i++)
        out->answers[i] = answer_of(job, out->entities[i], q, i);
}

/* What is in the score of the members, by feature. */
struct told {
    bool known, unasked;           /* most of it is in deviations that the job's guards do not ask for */
    double share[AX_CHANNELS_MAX]; /* of those that they ask for; sums to 1, or is all 0 */
    int direction;                 /* of the largest share */
};

static void ask_why(const struct ax_job *job, const struct ax_asked *asked, uint32_t at, struct told *out)
{
    const struct ax_answer *answer = &asked->answers[at];
    const float *row = asked->points + at * asked->width;
    double all = 0, sum = 0, largest = 0, usual;
    *out = (struct told){.known = true};
    ax_ensemble_explain(answer->ensemble, answer->index, row, &answer->ratios, asked->scratch, out->share);
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const double deviation = ax_ensemble_deviation(answer->ensemble, answer->index, row, i, &usual);
        all += out->share[i];
        if (!ax_detector_spec_asks(&job->detector, usual, deviation))
            out->share[i] = 0;
        sum += out->share[i];
        if (out->share[i] > largest) {
            largest = out->share[i];
            out->direction = (deviation > 0) - (deviation < 0);
        }
    }
    out->unasked = sum < ASKED_MIN * all;
    for (uint32_t i = 0; i < job->channels_n && sum > 0; i++)
        out->share[i] = fmin(out->share[i] / sum, 1);
}

bool ax_entity_hears_latencies(const struct ax_job *job)
{
    return job->ensemble.points == AX_LATENCY_STEPS;
}

bool ax_entity_is_found(const struct ax_job *job, const struct ax_asked *asked, uint32_t at)
{
    const struct ax_answer *a = &asked->answers[at];
    return !ax_detector_spec_guards(&job->detector) &&
           ax_ensemble_combine(ax_ensemble_members_of(a->ensemble), ax_ensemble_weights(a->ensemble),
                               &a->ratios, NULL, 0) > ax_ensemble_level(a->ensemble, a->index);
}

/* Is any member, or are all together, above what is usual? */
static bool speak_up(const struct ax_panel_voices *v)
{
    bool up = ax_ensemble_combine(v->members, v->weights, v->ratios, NULL, 0) > v->level;
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        up = up || ((v->members & 1u << m) && v->ratios->v[m] > 1);
    return up;
}

/* Mix what each feature has to do with both kinds of voices, by how far these are beyond their levels. */
static void explain(struct ax_job *job, struct ax_entity *e, const struct ax_ensemble_ratios *ratios,
                    const struct told *told, const struct ax_verdict *features)
{
    double members = 0, beyond = fmax(features->score - 1, 0), sum = 0;
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        members += fmax(ratios->v[m] - 1, 0);
    double part = members + beyond > 0 ? members / (members + beyond) : 0.5;
    if (told->unasked)
        part = 0;
    for (uint32_t i = 0; i < job->channels_n; i++)
        sum += e->contributions[i] = part * told->share[i] + (1 - part) * e->contributions[i];
    for (uint32_t i = 0; i < job->channels_n && sum > 0; i++)
        e->contributions[i] = fmin(e->contributions[i] / sum, 1);
    e->verdict.direction = features->direction && part <= 0.5 ? features->direction : told->direction;
}

bool ax_entity_hear(struct ax_job *job, struct ax_entity *e, const struct ax_asked *asked, uint32_t at)
{
    const struct ax_verdict features = e->verdict;
    const struct ax_answer *answer =
        at != UINT32_MAX && asked->answers[at].ensemble ? &asked->answers[at] : NULL;
    struct told told = {.known = false};
    struct ax_panel_voices voices = {.features = &features,
                                     .judge_only = (job->skip & AX_SKIP_LEARNING) != 0};
    if (answer) {
        voices.members = ax_ensemble_members_of(answer->ensemble);
        voices.ratios = &answer->ratios;
        voices.weights = ax_ensemble_weights(answer->ensemble);
        voices.generation = answer->learnt_ms;
        voices.learnt_points = (uint32_t)((answer->learnt_ms - answer->from_ms) / job->config->step_ms /
                                          ax_entity_point_steps(job));
        voices.level = ax_ensemble_level(answer->ensemble, answer->index);
        voices.unheard = ax_entity_hears_latencies(job) ? UNHEARD_LATENCY : UNHEARD;
        voices.alone = ax_entity_hears_latencies(job) ? ALONE_LATENCY : 0;
    }
    if (answer && ax_detector_spec_guards(&job->detector) && speak_up(&voices))
        ask_why(job, asked, at, &told);
    voices.unasked = told.unasked;
    bool apart = ax_panel_step(e->panel, &voices, &e->verdict, &e->vote);
    if (ax_panel_settled(e->panel))
        job->settled_ms = e->settled_ms = e->seen_ms;
    e->verdict.direction = features.direction;
    if (answer && e->verdict.score > 1) {
        if (!told.known)
            ask_why(job, asked, at, &told);
        explain(job, e, &answer->ratios, &told, &features);
    }
    return apart || (ax_entity_hears_latencies(job) && features.score > 1);
}
