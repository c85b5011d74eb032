/* panel.c: the voices together, and their level. */
#include "anomaly/panel.h"

#include "anomaly/member.h"
#include "anomaly/spec.h"

#include <math.h>
#include <stdlib.h>

#define SCORE_MAX 100.0
#define RISE_MAX 1.5
#define STATE_VERSION 2

struct ax_panel {
    struct ax_detector_spec spec;
    struct ax_member member;
    int64_t generation; /* of which the member learnt */
};

struct ax_panel *ax_panel_new(const struct ax_detector_spec *spec)
{
    struct ax_panel *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->spec = ax_detector_spec_complete(spec);
    ax_member_init(&p->member, p->spec.memory_steps);
    return p;
}

void ax_panel_free(struct ax_panel *p)
{
    free(p);
}

/* The generation's level, and higher when the own past says so. */
static double level_of(const struct ax_panel *p, double given)
{
    double own = ax_member_ready(&p->member, p->spec.warmup_steps) ? (double)p->member.level : given;
    return fmin(fmax(own, given), RISE_MAX * given);
}

static double vote_of(const struct ax_panel_voices *v)
{
    uint32_t voices = v->features->ready, above = v->features->ready && v->features->score > 1;
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        if (v->members & 1u << m) {
            voices++;
            above += v->ratios->v[m] > 1;
        }
    return voices ? (double)above / voices : 0;
}

bool ax_panel_step(struct ax_panel *p, const struct ax_panel_voices *v, struct ax_verdict *out, double *vote)
{
    *out = *v->features;
    *vote = vote_of(v);
    if (v->members == 0)
        return out->score > 1;
    if (v->generation != p->generation) {
        ax_member_init(&p->member, p->spec.memory_steps);
        p->generation = v->generation;
    }
    double together =
        ax_ensemble_combine(v->members, v->weights, v->ratios, &v->features->score, v->features->ready);
    double score = fmin(together / level_of(p, v->level), SCORE_MAX);
    *out = (struct ax_verdict){.ready = true, .score = score, .upper = 1};
    out->severity = ax_severity_of(score);
    out->direction = score > 1;
    const struct ax_learning learning = {.rate = p->spec.false_alarm_rate,
                                         .weight = 1,
                                         .points = p->spec.warmup_steps,
                                         .patience = UINT32_MAX};
    if (!v->judge_only && together <= RISE_MAX * v->level)
        ax_member_learn(&p->member, together, &learning);
    return together > v->level;
}

void ax_panel_save(const struct ax_panel *p, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    ax_put_i64(out, p->generation);
    ax_member_save(&p->member, out);
}

enum ax_err ax_panel_load(struct ax_panel *p, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    p->generation = ax_get_i64(in);
    ax_member_load(&p->member, in);
    return in->err;
}
