/* panel.c: the voices together, and what they exceed at the false-alarm rate. */
#include "anomaly/panel.h"

#include "anomaly/spec.h"
#include "anomaly/tail.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define SCORE_MAX 100.0
#define FEATURES_MAX 10.0 /* of the features' voice beside others */
#define TOGETHER_MAX 1e6
#define MEMORY_POINTS 4032 /* two weeks of 5 minutes */
#define TAIL_MIN 4
#define EVIDENCE 24.0 /* points heard that count as much as what was known before */
#define PER_POINT                                                                                            \
    2.0 /* the rate of points over that of steps: a step raises its point and part of the next */
#define YOUNG_STEPS 120.0  /* of an entity, at which a score counts half */
#define WARMUP_STEPS 30.0  /* that features take before they speak */
#define GROWN_POINTS 864   /* three days to learn from: then what stays beyond the level is no ignorance */
#define RISE_MAX 1.5       /* of the level of such a generation, */
#define LASTS_POINTS 576   /* unless in two days */
#define LASTS_SHARE 0.25   /* so much of the time was above it: that is a new level, */
#define SETTLED_POINTS 144 /* of which half a day is worth learning from */
#define OF_OTHERS 0.5f     /* so much counts what was heard of the generation before */
#define BELIEF_STEPS 240   /* of an entity, before which only what lasts for three of them is believed */
#define PATIENCE_SHARE 8   /* of what a younger one learnt from; what lasts longer is usual */
#define PATIENCE_MIN 2
#define PATIENCE_MAX 48
#define MISSED_POINTS 12 /* after which an ensemble that says nothing is gone */
#define STATE_VERSION 6

struct ax_panel {
    struct ax_detector_spec spec;
    uint32_t point_steps;
    struct ax_tail tail; /* of the points heard of a generation, in units of the level given */
    double before;       /* the level before these */
    double level;        /* that is exceeded at the rate, in the same units; at least 1 */
    double doubt_before; /* of `before`, and of the level, what is there because nobody had heard the first */
    double doubt;        /* generation: at least 1, and no more than those */
    double peak;         /* of the point that goes on, */
    double apart;        /* how far over its level that was, the highest of it, */
    uint32_t steps;      /* and its steps so far */
    double lasting;      /* share of the newest points that were above the level */
    double accepted;     /* level up to which a grown generation's was let rise by what lasted; at least 1 */
    uint32_t since;      /* points since something lasted so long; 0: nothing did, or it has settled */
    bool settled;        /* it has at the newest step */
    double was[2];   /* scores of the two steps before, as an entity's first ones are not believed alone */
    uint32_t run;    /* points above the level in succession */
    uint32_t heard;  /* steps of the entity, saturating */
    uint32_t missed; /* steps in succession at which the generation said nothing */
    int64_t generation;
};

struct ax_panel *ax_panel_new(const struct ax_detector_spec *spec, uint32_t point_steps)
{
    struct ax_panel *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->spec = ax_detector_spec_complete(spec);
    p->point_steps = point_steps ? point_steps : 1;
    p->before = p->level = p->doubt_before = p->doubt = p->accepted = 1;
    ax_tail_init(&p->tail, MEMORY_POINTS);
    return p;
}

void ax_panel_free(struct ax_panel *p)
{
    free(p);
}

static double vote_of(const struct ax_panel_voices *v, double level, double doubt)
{
    uint32_t voices = v->features->ready, above = v->features->ready && v->features->score > level;
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        if (v->members & 1u << m) {
            voices++;
            above += !v->unasked && v->ratios->v[m] > level * doubt;
        }
    return voices ? (double)above / voices : 0;
}

/* Another generation speaks, or (0) the features alone: of these what was heard says little. Generations have
 * the entity in common, and what it does every day. */
static void hear_another(struct ax_panel *p, const struct ax_panel_voices *v, int64_t generation)
{
    const bool alike = p->generation != 0 && generation != 0;
    if (generation != 0 && !alike) {
        p->doubt = v->alone > 0 ? v->unheard : 1;
        p->level = fmax(p->level, v->unheard);
    } else if (generation == 0) {
        p->doubt = p->level = 1;
    }
    p->before = p->level;
    p->doubt_before = p->doubt;
    p->accepted = 1;
    p->generation = generation;
    p->run = 0;
    if (alike)
        ax_tail_fade(&p->tail, OF_OTHERS);
    else
        ax_tail_init(&p->tail, MEMORY_POINTS);
}

static bool is_grown(const struct ax_panel_voices *v)
{
    return v->members && v->learnt_points >= GROWN_POINTS;
}

/* Points above the level in succession after which they count as what is usual. */
static uint32_t patience_of(const struct ax_panel_voices *v)
{
    const uint32_t share = v->learnt_points / PATIENCE_SHARE;
    if (v->members == 0)
        return PATIENCE_MAX;
    return share < PATIENCE_MIN ? PATIENCE_MIN : share > PATIENCE_MAX ? PATIENCE_MAX : share;
}

/* Was so much of the newest time above the level that it is a new one? */
static bool note_lasting(struct ax_panel *p, bool above)
{
    p->lasting += (above - p->lasting) / LASTS_POINTS;
    const bool lasts = p->lasting > LASTS_SHARE;
    p->since = lasts ? 1 : p->since ? p->since + 1 : 0;
    p->settled = p->since == SETTLED_POINTS;
    if (p->settled)
        p->since = 0;
    return lasts;
}

/* Above the level the first point counts, as if it were at the level; what follows it does when it cannot be
 * an incident. */
static void hear_point(struct ax_panel *p, double x, const struct ax_panel_voices *v)
{
    const bool above = p->apart > 1, lasts = note_lasting(p, above), grown = is_grown(v),
               small = grown && x <= RISE_MAX * p->accepted;
    p->run = above ? p->run + (p->run < UINT32_MAX) : 0;
    if (p->run <= 1 || small || lasts || (!grown && p->run > patience_of(v)))
        ax_tail_add(&p->tail, small || lasts ? x : fmin(x, p->level / p->doubt), 1);
    if (p->tail.of.n < TAIL_MIN)
        return;
    const double share = p->tail.of.n / (p->tail.of.n + EVIDENCE),
                 most = grown && !lasts ? RISE_MAX * p->accepted : (double)INFINITY,
                 own = ax_tail_level(&p->tail, PER_POINT * p->spec.false_alarm_rate);
    p->level = pow(fmin(fmax(own, 1), most), share) * pow(p->before, 1 - share);
    p->doubt = pow(p->doubt_before, 1 - share);
    p->accepted = lasts ? fmax(p->accepted, p->level) : fmin(p->accepted, fmax(p->level, 1));
}

static void learn(struct ax_panel *p, const struct ax_panel_voices *v, double together, double apart)
{
    p->heard += p->heard < UINT32_MAX;
    p->peak = fmax(p->peak, together);
    p->apart = fmax(p->apart, apart);
    if (++p->steps < p->point_steps)
        return;
    hear_point(p, p->peak, v);
    p->peak = p->apart = 0;
    p->steps = 0;
}

/* All voices together, in units of the level given; the members' as far as they are believed. */
static double together_of(const struct ax_panel_voices *v, double doubt)
{
    const double features = fmin(v->features->score, FEATURES_MAX);
    struct ax_ensemble_ratios ratios;
    if (v->members == 0)
        return fmin(v->features->score, TOGETHER_MAX);
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        ratios.v[m] = v->ratios->v[m] / doubt;
    const double all =
        ax_ensemble_combine(v->members, v->weights, &ratios, &features, v->features->ready) / v->level;
    return fmin(fmax(all, v->alone * v->features->score), TOGETHER_MAX);
}

/* As much of a step's score as is believed: of an entity's first ones what the two before it said too. */
static double believed(struct ax_panel *p, double score, bool judge_only)
{
    const double lasts = fmin(p->was[0], p->was[1]);
    const bool young = p->heard < BELIEF_STEPS;
    if (!judge_only) {
        p->was[0] = p->was[1];
        p->was[1] = score;
    }
    return young ? fmin(score, fmax(lasts, 1)) : score;
}

bool ax_panel_step(struct ax_panel *p, const struct ax_panel_voices *v, struct ax_verdict *out, double *vote)
{
    *out = *v->features;
    *vote = 0;
    p->settled = false;
    if (v->members == 0 && !v->features->ready)
        return false;
    const int64_t generation = v->members ? v->generation : 0;
    p->missed = generation || !p->generation ? 0 : p->missed + 1;
    if (p->missed > MISSED_POINTS * p->point_steps)
        p->missed = 0;
    const bool away = p->missed > 0;
    if (generation != p->generation && !away)
        hear_another(p, v, generation);
    const double level = away ? 1 : p->level / p->doubt;
    const double together = together_of(v, 1),
                 apart = (p->doubt > 1 ? together_of(v, p->doubt) : together) / level,
                 young = YOUNG_STEPS / (p->heard + WARMUP_STEPS),
                 asked = v->unasked ? fmin(apart, fmax(v->features->score, 1)) : apart;
    const double score = believed(p, fmin(asked / (1 + young * young), SCORE_MAX), v->judge_only);
    *vote = vote_of(v, level, p->doubt);
    *out =
        (struct ax_verdict){.ready = true, .score = score, .upper = 1, .unasked = v->unasked && score <= 1};
    out->severity = ax_severity_of(score);
    out->direction = score > 1;
    if (!v->judge_only && away)
        p->heard += p->heard < UINT32_MAX;
    else if (!v->judge_only)
        learn(p, v, together, apart);
    return apart > 1;
}

bool ax_panel_settled(const struct ax_panel *p)
{
    return p->settled;
}

void ax_panel_save(const struct ax_panel *p, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    ax_put_i64(out, p->generation);
    ax_tail_save(&p->tail, out);
    ax_put_f64(out, p->before);
    ax_put_f64(out, p->level);
    ax_put_f64(out, p->doubt_before);
    ax_put_f64(out, p->doubt);
    ax_put_f64(out, p->peak);
    ax_put_f64(out, p->apart);
    ax_put_f64(out, p->lasting);
    ax_put_f64(out, p->accepted);
    ax_put_f64(out, p->was[0]);
    ax_put_f64(out, p->was[1]);
    ax_put_varint(out, p->since);
    ax_put_varint(out, p->steps);
    ax_put_varint(out, p->run);
    ax_put_varint(out, p->heard);
    ax_put_varint(out, p->missed);
}

enum ax_err ax_panel_load(struct ax_panel *p, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    p->generation = ax_get_i64(in);
    ax_tail_load(&p->tail, in);
    p->before = ax_get_f64_in(in, 1, DBL_MAX);
    p->level = ax_get_f64_in(in, 1, DBL_MAX);
    p->doubt_before = ax_get_f64_in(in, 1, DBL_MAX);
    p->doubt = ax_get_f64_in(in, 1, DBL_MAX);
    p->peak = ax_get_f64_in(in, 0, DBL_MAX);
    p->apart = ax_get_f64_in(in, 0, DBL_MAX);
    p->lasting = ax_get_f64_in(in, 0, 1);
    p->accepted = ax_get_f64_in(in, 1, DBL_MAX);
    p->was[0] = ax_get_f64_in(in, 0, SCORE_MAX);
    p->was[1] = ax_get_f64_in(in, 0, SCORE_MAX);
    p->since = ax_get_count(in, SETTLED_POINTS - 1);
    p->steps = ax_get_count(in, p->point_steps - 1);
    p->run = ax_get_count(in, UINT32_MAX);
    p->heard = ax_get_count(in, UINT32_MAX);
    p->missed = ax_get_count(in, MISSED_POINTS * p->point_steps);
    return in->err;
}
