/* entity_trial.c: scores in the order in which they came; labels are looked up when they are wanted. */
#include "pipeline/entity_trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRETCH 12 /* points of one entity that are one unit, when they are normal */
#define DRAWS_MIN 1000
#define DRAWS_MAX 10000
#define DRAWS_A_LEVEL 5   /* 1,000 for that of 0.005 */
#define BYTES_A_SCORE 400 /* of scratch */

void ax_entity_trial_end(struct ax_entity_trial *t)
{
    free(t->v);
    *t = (struct ax_entity_trial){.v = NULL};
}

enum ax_err ax_entity_trial_begin(struct ax_entity_trial *t, const char *live, const char *shadow,
                                  uint32_t entities, uint32_t points)
{
    if (strcmp(t->pair[0], live) == 0 && strcmp(t->pair[1], shadow) == 0)
        return AX_OK;
    const uint64_t all = (uint64_t)entities * points;
    ax_entity_trial_end(t);
    t->v = malloc(AX_ENTITY_TRIAL_SCORES * sizeof *t->v);
    if (!t->v)
        return AX_NOMEM;
    t->stride = 1 + (uint32_t)(all / AX_ENTITY_TRIAL_SCORES);
    (void)snprintf(t->pair[0], sizeof t->pair[0], "%s", live);
    (void)snprintf(t->pair[1], sizeof t->pair[1], "%s", shadow);
    return AX_OK;
}

void ax_entity_trial_add(struct ax_entity_trial *t, const struct ax_entity_score *score)
{
    if (score->entity % t->stride != 0)
        return;
    t->v[t->next] = *score;
    t->next = (t->next + 1) % AX_ENTITY_TRIAL_SCORES;
    t->n += t->n < AX_ENTITY_TRIAL_SCORES;
}

static int by_entity(const void *pa, const void *pb)
{
    const struct ax_entity_score *a = pa, *b = pb;
    if (a->entity != b->entity)
        return a->entity < b->entity ? -1 : 1;
    return (a->t_ms > b->t_ms) - (a->t_ms < b->t_ms);
}

/* Points with labels, while they are gathered. */
struct gathering {
    struct ax_scored_points p;
    double *champion, *challenger;
    uint8_t *labels;
    uint32_t *units;
    uint32_t in_unit; /* points of the newest unit */
};

static bool make_room(struct gathering *g, uint32_t n, struct ax_arena *a)
{
    g->champion = ax_arena_array(a, n, sizeof *g->champion);
    g->challenger = ax_arena_array(a, n, sizeof *g->challenger);
    g->labels = ax_arena_alloc(a, n);
    g->units = ax_arena_array(a, n, sizeof *g->units);
    g->p = (struct ax_scored_points){g->champion, g->challenger, g->labels, g->units, 0, 0};
    return g->champion && g->challenger && g->labels && g->units;
}

/* Put a point; another unit begins where the entity or the label changes, and after a stretch of normal time.
 */
static void put(struct gathering *g, const struct ax_entity_score *s, bool same, bool incident, bool watch)
{
    const uint32_t n = g->p.n;
    const bool goes_on = n > 0 && same && g->labels[n - 1] == incident && (incident || g->in_unit < STRETCH);
    g->in_unit = goes_on ? g->in_unit + 1 : 1;
    g->p.units_n += !goes_on;
    g->champion[n] = (double)(watch ? s->shadow : s->live);
    g->challenger[n] = (double)(watch ? s->live : s->shadow);
    g->labels[n] = incident;
    g->units[n] = g->p.units_n - 1;
    g->p.n++;
}

static void gather(struct gathering *g, const struct ax_entity_score *v, uint32_t n,
                   const struct ax_entity_labels *labels, bool watch)
{
    const struct ax_said *said = NULL;
    bool known = false;
    for (uint32_t i = 0; i < n; i++) {
        const bool same = i > 0 && v[i].entity == v[i - 1].entity;
        if (!same)
            said = labels->said(labels->ctx, v[i].entity, &known);
        const enum ax_lesson_verdict verdict = ax_said_of(said, v[i].t_ms - labels->point_ms + 1, v[i].t_ms);
        if (known && verdict != AX_LESSON_EXCLUDED)
            put(g, &v[i], same, verdict == AX_LESSON_MISSED, watch);
    }
}

/* Draws by which a p well below the level can be told; a very small one is not, for they take their time. */
static uint32_t draws_for(double level)
{
    return level > 0 ? (uint32_t)fmin(fmax(DRAWS_A_LEVEL / level, DRAWS_MIN), DRAWS_MAX) : DRAWS_MIN;
}

static enum ax_err compare(const struct ax_entity_trial *t, const struct ax_entity_labels *labels, bool watch,
                           struct ax_arena *a, struct ax_comparison *out)
{
    struct gathering g = {.in_unit = 0};
    struct ax_entity_score *v = ax_arena_array(a, t->n, sizeof *v);
    if (!v || !make_room(&g, t->n, a))
        return AX_NOMEM;
    memcpy(v, t->v, t->n * sizeof *v);
    qsort(v, t->n, sizeof *v, by_entity);
    gather(&g, v, t->n, labels, watch);
    return g.p.n ? ax_compare_detectors(&g.p, draws_for(labels->level), labels->seed, a, out) : AX_NOTREADY;
}

enum ax_err ax_entity_trial_compare(const struct ax_entity_trial *t, const struct ax_entity_labels *labels,
                                    bool watch, struct ax_comparison *out)
{
    struct ax_arena a;
    if (t->n == 0)
        return AX_NOTREADY;
    ax_arena_init(&a, (size_t)AX_ENTITY_TRIAL_SCORES * BYTES_A_SCORE);
    const enum ax_err err = compare(t, labels, watch, &a, out);
    ax_arena_done(&a);
    return err;
}

/* ---- what lasts ---- */

void ax_entity_trial_save(const struct ax_entity_trial *t, struct ax_buf *out)
{
    ax_put_str(out, ax_str(t->pair[0]));
    ax_put_str(out, ax_str(t->pair[1]));
    ax_put_varint(out, t->stride);
    ax_put_varint(out, t->n);
    for (uint32_t i = 0; i < t->n; i++) { /* oldest first */
        const struct ax_entity_score *s = &t->v[(t->next - t->n + i) % AX_ENTITY_TRIAL_SCORES];
        ax_put_u64(out, s->entity);
        ax_put_i64(out, s->t_ms);
        ax_put_f32(out, s->live);
        ax_put_f32(out, s->shadow);
    }
}

enum ax_err ax_entity_trial_load(struct ax_entity_trial *t, struct ax_bytes *in)
{
    const struct ax_str pair[2] = {ax_get_str(in), ax_get_str(in)};
    const uint32_t stride = ax_get_count(in, UINT32_MAX), n = ax_get_count(in, AX_ENTITY_TRIAL_SCORES);
    char text[2][AX_SHA256_TEXT];
    if (in->err != AX_OK)
        return in->err;
    if (pair[0].n >= sizeof text[0] || pair[1].n >= sizeof text[1] || (pair[0].n == 0) != (stride == 0) ||
        (pair[0].n == 0 && n > 0))
        return ax_bytes_fail(in);
    if (pair[0].n == 0)
        return AX_OK;
    if (pair[0].p[0] == '\0') /* it would be nobody's */
        return ax_bytes_fail(in);
    for (uint32_t i = 0; i < 2; i++)
        (void)snprintf(text[i], sizeof text[i], AX_STR_FMT, AX_STR_ARG(pair[i]));
    if (ax_entity_trial_begin(t, text[0], text[1], 0, 0) != AX_OK)
        return AX_NOMEM;
    t->stride = stride;
    for (uint32_t i = 0; i < n && in->err == AX_OK; i++) {
        struct ax_entity_score *s = &t->v[t->n++];
        t->next = t->n % AX_ENTITY_TRIAL_SCORES;
        s->entity = ax_get_u64(in);
        s->t_ms = ax_get_ms(in);
        s->live = ax_get_f32(in);
        s->shadow = ax_get_f32(in);
        if (!isfinite(s->live) || !isfinite(s->shadow))
            return ax_bytes_fail(in);
    }
    return in->err;
}
