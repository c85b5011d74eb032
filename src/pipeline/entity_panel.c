/* entity_panel.c: the ensemble of a job's entities: asked about all of them at once, heard by each. */
#include "base/hash.h"
#include "pipeline/entity_points.h"

#include <math.h>
#include <string.h>

#define EVERY_POINTS 24LL /* between two looks whether to train again */

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
    const struct ax_learner_spec spec = {.kind = latency ? &ax_latency_kind : &ax_ensemble_kind,
                                         .feature = "",
                                         .build = &job->ensemble,
                                         .every_ms = EVERY_POINTS * ax_point_steps(job) * config->step_ms,
                                         .copy = ax_entities_copy,
                                         .ctx = job};
    ax_job_learn(job, &job->ensemble_learner, &spec);
}

/* Find the entity in the live generation, once. */
static void look_up(struct ax_entity *e, const struct ax_generation *live, struct ax_buf *key)
{
    if (e->known_by == live)
        return;
    ax_buf_reset(key);
    ax_labels_key_write(e->labels, key);
    if (key->err != AX_OK)
        return;
    e->known_by = live;
    e->index = ax_ensemble_find(live->model, ax_buf_view(key));
}

/* Room for all entities and their rows; false when there is none. */
static bool make_room(struct ax_job *job, const struct ax_ensemble *ensemble, struct ax_asked *out,
                      float **points, uint32_t **index)
{
    const uint32_t n = job->entities.n;
    const size_t width = (size_t)job->ensemble.points * job->channels_n;
    struct ax_arena *a = &job->scratch;
    ax_arena_reset(a);
    out->entities = ax_arena_array(a, n, sizeof(struct ax_entity *));
    out->ratios = ax_arena_array(a, n, sizeof *out->ratios);
    *points = ax_arena_array(a, n * width, sizeof **points);
    *index = ax_arena_array(a, n, sizeof **index);
    char *scratch = ax_arena_alloc(a, ax_ensemble_scratch(ensemble, n) + AX_ENSEMBLE_ALIGN);
    if (!out->entities || !out->ratios || !*points || !*index || !scratch)
        return false;
    out->points = *points;
    out->scratch = scratch + AX_ENSEMBLE_ALIGN - (uintptr_t)scratch % AX_ENSEMBLE_ALIGN;
    return true;
}

void ax_entities_ask(struct ax_job *job, int64_t t_ms, struct ax_asked *out)
{
    const struct ax_generation *live = job->ensemble_learner.live;
    const size_t width = (size_t)job->ensemble.points * job->channels_n;
    float *points;
    uint32_t *index;
    *out = (struct ax_asked){0};
    if (job->ensemble.features == 0 || !live || job->entities.n == 0)
        return;
    if (!make_room(job, live->model, out, &points, &index)) {
        ax_job_error(job, "memory");
        return;
    }
    struct ax_buf key;
    ax_buf_init(&key, 1u << 20);
    for (struct ax_entity *e = job->first; e; e = e->next) {
        look_up(e, live, &key);
        if (e->seen_ms != t_ms || e->known_by != live || e->index == UINT32_MAX)
            continue;
        ax_entity_points(job, e, t_ms, points + out->n * width);
        out->entities[out->n] = e;
        index[out->n++] = e->index;
    }
    ax_buf_done(&key);
    ax_ensemble_score(live->model, out->n, index, points, out->scratch, out->ratios);
}

/* Mix what each feature has to do with both kinds of voices, by how far these are beyond their levels. */
static void explain(struct ax_job *job, struct ax_entity *e, const struct ax_asked *asked, uint32_t at,
                    double features_score)
{
    const struct ax_ensemble_ratios *ratios = &asked->ratios[at];
    double share[AX_CHANNELS_MAX], members = 0, features = fmax(features_score - 1, 0);
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        members += fmax(ratios->v[m] - 1, 0);
    double part = members + features > 0 ? members / (members + features) : 0.5;
    ax_ensemble_explain(job->ensemble_learner.live->model, e->index,
                        asked->points + (size_t)at * job->ensemble.points * job->channels_n, ratios,
                        asked->scratch, share);
    double sum = 0;
    for (uint32_t i = 0; i < job->channels_n; i++)
        sum += e->contributions[i] = part * share[i] + (1 - part) * e->contributions[i];
    for (uint32_t i = 0; i < job->channels_n && sum > 0; i++)
        e->contributions[i] = fmin(e->contributions[i] / sum, 1);
}

bool ax_entity_hear(struct ax_job *job, struct ax_entity *e, const struct ax_asked *asked, uint32_t at)
{
    const struct ax_verdict features = e->verdict;
    struct ax_panel_voices voices = {.features = &features,
                                     .judge_only = (job->skip & AX_SKIP_LEARNING) != 0};
    if (at != UINT32_MAX) {
        const struct ax_ensemble *ensemble = job->ensemble_learner.live->model;
        voices.members = ax_ensemble_members_of(ensemble);
        voices.ratios = &asked->ratios[at];
        voices.level = ax_ensemble_level(ensemble, e->index);
    }
    bool apart = ax_panel_step(e->panel, &voices, &e->verdict, &e->vote);
    if (at != UINT32_MAX && e->verdict.score > 1)
        explain(job, e, asked, at, features.score);
    return apart;
}
