/* entity_points.c: from the windows of an entity's features to points.
 *
 * Of the fine window points are made at every fifth of a point's time; before it begins the coarse window has
 * them ready. */
#include "pipeline/entity_points.h"

#include "anomaly/daily.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MIN 3             /* whole rows that an entity has had, to learn from it */
#define LATENCY_POINTS_MIN 400 /* of all entities */
#define PHASES 5
#define NEAR_STEPS                                                                                           \
    3 /* of latencies: those next to a flagged one are of the same incident, which comes and goes */
#define SEGMENTS_MAX (PHASES + 1)
#define SHARE_OF_BYTES 0.9
#define DAY_MS INT64_C(86400000)

static bool of_latencies(const struct ax_job *job)
{
    return job->ensemble.points == AX_LATENCY_STEPS;
}

/* Are points of the coarse window points of the ensemble? A mean of 5 minutes is none of latencies. */
static bool holds_coarse(const struct ax_job *job)
{
    return !of_latencies(job) || job->config->step_ms >= AX_WINDOW_COARSE_MS;
}

uint32_t ax_point_steps(const struct ax_job *job)
{
    if (of_latencies(job))
        return 1;
    int64_t steps = AX_WINDOW_COARSE_MS / job->config->step_ms;
    return steps > 1 ? (uint32_t)steps : 1;
}

/* Mean of the steps of a point that ends `back` steps before the newest; NaN without a value. */
static float mean_back(const struct ax_view *v, uint32_t back, uint32_t steps)
{
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t i = back; i < back + steps && i < v->n; i++) {
        float x = v->v[v->n - 1 - i];
        if (!isnan(x)) {
            sum += (double)x;
            n++;
        }
    }
    return n ? (float)(sum / n) : NAN;
}

/* The coarse point that ends nearest to a time. */
static float coarse_near(const struct ax_view *v, int64_t t_ms)
{
    int64_t ago = v->end_ms - t_ms + v->step_ms / 2;
    uint64_t k = ago > 0 ? (uint64_t)(ago / v->step_ms) : 0;
    return k < v->n ? v->v[v->n - 1 - k] : NAN;
}

static struct ax_target *target_of(struct ax_job *job, const struct ax_entity *e, uint32_t channel)
{
    return ax_map_get(&job->channels[channel].targets, e->id);
}

void ax_entity_points(struct ax_job *job, const struct ax_entity *e, int64_t t_ms, float *x)
{
    const uint32_t p = job->channels_n, steps = ax_point_steps(job), points = job->ensemble.points;
    for (uint32_t i = 0; i < p; i++) {
        const struct ax_target *t = target_of(job, e, i);
        struct ax_view fine = {0}, coarse = {0};
        if (t) {
            fine = ax_window_fine(t->window);
            coarse = ax_window_coarse(t->window);
        }
        float newer = NAN;
        for (uint32_t ago = 0; ago < points; ago++) {
            uint32_t back = ago * steps;
            float v = NAN;
            if (fine.n && fine.end_ms == t_ms)
                v = ago == 0 || back + steps <= fine.n || coarse.n == 0
                        ? mean_back(&fine, back, steps)
                        : coarse_near(&coarse, t_ms - back * job->config->step_ms);
            newer = isnan(v) ? newer : v;
            x[(size_t)(points - 1 - ago) * p + i] = newer;
        }
    }
}

/* What an entity has: how many steps of fine past, and how many coarse points before that. */
struct reach {
    uint32_t fine, coarse;
};

static struct reach reach_of(struct ax_job *job, const struct ax_entity *e, int64_t t_ms)
{
    struct reach r = {0, 0};
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const struct ax_target *t = target_of(job, e, i);
        if (!t)
            continue;
        struct ax_view fine = ax_window_fine(t->window);
        if (fine.end_ms == t_ms && fine.n > r.fine)
            r.fine = fine.n;
    }
    if (!holds_coarse(job))
        return r;
    for (uint32_t i = 0; i < job->channels_n && r.fine; i++) {
        const struct ax_target *t = target_of(job, e, i);
        if (!t)
            continue;
        struct ax_view coarse = ax_window_coarse(t->window);
        int64_t begin_ms = t_ms - r.fine * job->config->step_ms, over_ms = coarse.end_ms - begin_ms;
        if (coarse.n == 0)
            continue;
        uint64_t skipped = over_ms > 0 ? (uint64_t)((over_ms + coarse.step_ms - 1) / coarse.step_ms) : 0;
        if (skipped < coarse.n && coarse.n - skipped > r.coarse)
            r.coarse = (uint32_t)(coarse.n - skipped);
    }
    return r;
}

/* A past that is being filled. */
struct filling {
    struct ax_job *job;
    struct ax_ensemble_past *past;
    struct ax_ensemble_segment *segments;
    float *points;
    uint8_t *marks;
    struct ax_daily daily; /* what was flagged of the entity */
    int64_t t_ms;
    uint32_t entity, most; /* points of an entity */
};

/* Note which times of an entity were flagged: first the coarse ones, then those that are finer. */
static void note_flags(struct filling *f, const struct ax_entity *e)
{
    const struct ax_view fine = ax_window_fine(e->flags), coarse = ax_window_coarse(e->flags);
    const int64_t begin_ms = fine.n ? fine.end_ms - (fine.n - 1) * fine.step_ms : INT64_MAX;
    f->daily = (struct ax_daily){.runs = false};
    for (uint32_t i = 0; i < coarse.n; i++) {
        const int64_t t_ms = coarse.end_ms - (int64_t)(coarse.n - 1 - i) * coarse.step_ms;
        if (t_ms < begin_ms)
            ax_daily_note(&f->daily, t_ms, coarse.v[i] > 0);
    }
    for (uint32_t i = 0; i < fine.n; i++)
        ax_daily_note(&f->daily, begin_ms + i * fine.step_ms, fine.v[i] > 0);
    ax_daily_end(&f->daily);
}

/* What is known of a point that ends at a time and lasts so long. */
static uint8_t mark_of(const struct filling *f, const struct ax_entity *e, bool flagged, int64_t end_ms,
                       int64_t lasts_ms)
{
    switch (ax_said_of(e->said, end_ms - lasts_ms + 1, end_ms)) {
    case AX_LESSON_NORMAL:
        return AX_POINT_NORMAL;
    case AX_LESSON_MISSED:
        return AX_POINT_INCIDENT;
    case AX_LESSON_EXCLUDED:
        return AX_POINT_EXCLUDED;
    default:
        return flagged && !ax_daily_recurs(&f->daily, end_ms) ? AX_POINT_FLAGGED : AX_POINT_USUAL;
    }
}

/* Was a point flagged that ends at a time and lasts so many steps, or one of so many next to it? */
static bool flagged_fine(const struct ax_view *flags, int64_t t_ms, uint32_t steps, uint32_t near)
{
    if (flags->n == 0 || flags->end_ms < t_ms)
        return false;
    const uint32_t back = (uint32_t)((flags->end_ms - t_ms) / flags->step_ms),
                   from = back > near ? back - near : 0;
    return mean_back(flags, from, back + steps + near - from) > 0;
}

/* Begin a segment of the entity's. */
static struct ax_ensemble_segment *begin(struct filling *f, uint32_t n)
{
    struct ax_ensemble_segment *s = &f->segments[f->past->data.segments_n++];
    *s = (struct ax_ensemble_segment){.entity = f->entity, .first = f->past->data.points_n, .n = n};
    f->past->data.points_n += n;
    return s;
}

static void from_ms(struct filling *f, int64_t t_ms)
{
    if (t_ms < f->past->from_ms)
        f->past->from_ms = t_ms;
}

/* Points of the fine window that end `phase` steps before the newest one, and each a point's time before the
 * last. */
static void put_fine(struct filling *f, const struct ax_entity *e, uint32_t phase, uint32_t n)
{
    const uint32_t p = f->job->channels_n, steps = ax_point_steps(f->job),
                   near = of_latencies(f->job) ? NEAR_STEPS : 0;
    const int64_t step_ms = f->job->config->step_ms;
    struct ax_ensemble_segment *s = begin(f, n);
    const struct ax_view flags = ax_window_fine(e->flags);
    s->end_ms = f->t_ms - phase * step_ms;
    s->step_ms = steps * step_ms;
    s->newest = phase == 0 && e->seen_ms == f->t_ms;
    for (uint32_t i = 0; i < p; i++) {
        const struct ax_target *t = target_of(f->job, e, i);
        struct ax_view fine = {0};
        if (t)
            fine = ax_window_fine(t->window);
        bool known = fine.n && fine.end_ms == f->t_ms;
        for (uint32_t k = 0; k < n; k++)
            f->points[((size_t)s->first + n - 1 - k) * p + i] =
                known ? mean_back(&fine, phase + k * steps, steps) : NAN;
    }
    for (uint32_t k = 0; k < n; k++) {
        const int64_t end_ms = f->t_ms - (phase + (int64_t)k * steps) * step_ms;
        f->marks[s->first + n - 1 - k] =
            mark_of(f, e, flagged_fine(&flags, end_ms, steps, near), end_ms, steps * step_ms);
    }
    from_ms(f, f->t_ms - (phase + (int64_t)n * steps) * step_ms);
}

/* The newest n coarse points before the fine window. */
static void put_coarse(struct filling *f, const struct ax_entity *e, const struct reach *r, uint32_t n)
{
    const uint32_t p = f->job->channels_n;
    struct ax_ensemble_segment *s = begin(f, n);
    const struct ax_view flags = ax_window_coarse(e->flags);
    const int64_t begin_ms = f->t_ms - r->fine * f->job->config->step_ms;
    int64_t newest_ms = begin_ms, coarse_ms = AX_WINDOW_COARSE_MS;
    for (uint32_t i = 0; i < p; i++) {
        const struct ax_target *t = target_of(f->job, e, i);
        struct ax_view coarse = {0};
        if (t)
            coarse = ax_window_coarse(t->window);
        if (coarse.n) {
            coarse_ms = coarse.step_ms;
            newest_ms = coarse.end_ms;
            while (newest_ms > begin_ms)
                newest_ms -= coarse_ms;
        }
        for (uint32_t k = 0; k < n; k++)
            f->points[((size_t)s->first + n - 1 - k) * p + i] =
                coarse.n ? coarse_near(&coarse, newest_ms - k * coarse_ms) : NAN;
    }
    for (uint32_t k = 0; k < n; k++) {
        const int64_t end_ms = newest_ms - k * coarse_ms;
        f->marks[s->first + n - 1 - k] =
            mark_of(f, e, flags.n && coarse_near(&flags, end_ms) > 0, end_ms, coarse_ms);
    }
    s->end_ms = newest_ms;
    s->step_ms = coarse_ms;
    from_ms(f, newest_ms - n * coarse_ms);
}

static uint32_t least_of(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* All points of an entity, at most so many: the newest first, then older ones, then those between. Returns
 * how many; without f nothing is written. */
static uint32_t put_entity(const struct ax_job *job, struct filling *f, const struct ax_entity *e,
                           const struct reach *r, uint32_t most)
{
    const uint32_t steps = ax_point_steps(job);
    uint32_t phases = steps < PHASES ? steps : PHASES, n = least_of(r->fine / steps, most);
    if (n < ROWS_MIN * job->ensemble.points)
        return 0;
    if (f)
        put_fine(f, e, 0, n);
    uint32_t coarse = least_of(r->coarse, most - n);
    if (coarse && f)
        put_coarse(f, e, r, coarse);
    n += coarse;
    for (uint32_t i = 1; i < phases; i++) {
        uint32_t phase = i * steps / phases, more = least_of((r->fine - phase) / steps, most - n);
        if (more && f)
            put_fine(f, e, phase, more);
        n += more;
    }
    return n;
}

/* As much past as the windows of an entity can hold for a fit. */
static int64_t span_ms(const struct ax_job *job)
{
    const struct ax_job_config *c = job->config;
    const int64_t coarse_ms = c->step_ms > AX_WINDOW_COARSE_MS ? c->step_ms : AX_WINDOW_COARSE_MS;
    return c->window_fine * c->step_ms + (holds_coarse(job) ? c->window_coarse * coarse_ms : 0);
}

/* Is there so much more past than the live generation learnt from that learning again pays? The past has
 * doubled, or the time between two trainings has gone by, or people have said something since the newest, or,
 * once a day, an entity has a new level. Of latencies, which have a short past, all of it is new. */
static bool is_worth_it(const struct ax_job *job, int64_t t_ms, enum ax_fit_reason reason)
{
    const struct ax_learner *l = &job->ensemble_learner;
    if (!l->live || reason == AX_FIT_DRIFT || reason == AX_FIT_ACCURACY || reason == AX_FIT_MANUAL)
        return true;
    const struct ax_fit_scores *live = &l->live->scores;
    const int64_t newest_ms = l->newest_ms > live->until_ms ? l->newest_ms : live->until_ms;
    const int64_t learnt_ms = live->until_ms - live->from_ms, since_ms = t_ms - newest_ms;
    if (newest_ms < job->settled_ms && since_ms >= DAY_MS)
        return true;
    if (newest_ms <= job->relearn_ms && t_ms > job->relearn_ms)
        return true; /* not at the step after which they said it, which is offered again after a restart */
    if (since_ms >= job->config->anomaly.ensemble.retrain_ms)
        return true;
    return since_ms >= learnt_ms && (of_latencies(job) || 2 * learnt_ms <= span_ms(job));
}

/* How many entities can be learnt from, how many points they have, and how long their keys are. */
struct measure {
    uint32_t entities, points;
    size_t keys;
};

static enum ax_err key_of(const struct ax_entity *e, struct ax_buf *key)
{
    ax_buf_reset(key);
    ax_labels_key_write(e->labels, key);
    return key->err;
}

static enum ax_err measure(struct ax_job *job, int64_t t_ms, uint32_t most, struct ax_buf *key,
                           struct measure *m)
{
    *m = (struct measure){0};
    for (const struct ax_entity *e = job->first; e; e = e->next) {
        const struct reach r = reach_of(job, e, t_ms);
        uint32_t n = put_entity(job, NULL, e, &r, most);
        if (n == 0 || m->entities == AX_ENSEMBLE_ENTITIES_MAX)
            continue;
        enum ax_err err = key_of(e, key);
        if (err != AX_OK)
            return err;
        m->entities++;
        m->points += n;
        m->keys += key->n;
    }
    /* a part of them is held out, another flagged */
    uint32_t wanted = 2 * (job->channels_n < 30 ? 60 : 2 * job->channels_n);
    if (of_latencies(job))
        wanted = LATENCY_POINTS_MIN;
    return m->entities && m->points >= wanted ? AX_OK : AX_NOTREADY;
}

/* Take the memory of a past. */
static enum ax_err take(struct filling *f, const struct measure *m)
{
    struct ax_ensemble_past *past = f->past;
    const size_t p = f->job->channels_n, keys = m->entities * sizeof(struct ax_str);
    const size_t segments = (size_t)m->entities * SEGMENTS_MAX * sizeof *f->segments;
    past->keys_block = malloc(keys + segments + m->keys);
    past->points_block = malloc(m->points * (p * sizeof *f->points + sizeof *f->marks));
    if (!past->keys_block || !past->points_block)
        return AX_NOMEM;
    f->segments = (struct ax_ensemble_segment *)(void *)((char *)past->keys_block + keys);
    f->points = past->points_block;
    f->marks = (uint8_t *)(f->points + m->points * p);
    past->data = (struct ax_ensemble_data){
        .keys = past->keys_block, .segments = f->segments, .points = f->points, .marks = f->marks};
    return AX_OK;
}

static enum ax_err fill(struct filling *f, const struct measure *m, struct ax_buf *key)
{
    struct ax_str *keys = f->past->keys_block;
    char *to = (char *)(f->segments + (size_t)m->entities * SEGMENTS_MAX);
    for (const struct ax_entity *e = f->job->first; e && f->entity < m->entities; e = e->next) {
        const struct reach r = reach_of(f->job, e, f->t_ms);
        note_flags(f, e);
        if (put_entity(f->job, f, e, &r, f->most) == 0)
            continue;
        enum ax_err err = key_of(e, key);
        if (err != AX_OK)
            return err;
        memcpy(to, key->bytes, key->n);
        keys[f->entity++] = (struct ax_str){to, key->n};
        to += key->n;
    }
    f->past->data.entities_n = f->entity;
    for (const struct ax_entity *e = f->job->first; e; e = e->next)
        f->past->data.incidents += ax_said_count(e->said, AX_LESSON_MISSED, f->past->from_ms, f->t_ms);
    return AX_OK;
}

enum ax_err ax_entities_copy(void *ctx, int64_t t_ms, enum ax_fit_reason reason, uint64_t bytes_max,
                             struct ax_past_copy *out)
{
    struct ax_job *job = ctx;
    const uint64_t row = job->channels_n * sizeof(float) + 1;
    *out = (struct ax_past_copy){.data = NULL};
    if (job->entities.n == 0)
        return AX_NOTREADY;
    if (!is_worth_it(job, t_ms, reason))
        return AX_OK;
    uint64_t most = (uint64_t)(SHARE_OF_BYTES * (double)bytes_max) / row / job->entities.n;
    struct filling f = {.job = job, .t_ms = t_ms, .most = most < UINT32_MAX ? (uint32_t)most : UINT32_MAX};
    struct ax_buf key;
    struct measure m;
    ax_buf_init(&key, 1u << 20);
    enum ax_err err = measure(job, t_ms, f.most, &key, &m);
    if (err == AX_OK && !(f.past = calloc(1, sizeof *f.past)))
        err = AX_NOMEM;
    if (err == AX_OK) {
        f.past->spec = job->ensemble;
        f.past->from_ms = f.past->until_ms = t_ms;
        err = take(&f, &m);
    }
    if (err == AX_OK)
        err = fill(&f, &m, &key);
    ax_buf_done(&key);
    if (err != AX_OK) {
        ax_ensemble_kind.free_data(f.past);
        return err;
    }
    const uint64_t bytes = m.points * row + m.keys;
    f.past->pasts = ax_job_pasts(job, bytes < bytes_max ? bytes_max - bytes : 0);
    *out = (struct ax_past_copy){f.past, bytes + (f.past->pasts ? ax_drift_pasts_bytes(f.past->pasts) : 0)};
    return AX_OK;
}
