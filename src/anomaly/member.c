/* member.c: scores and their rare level. */
#include "anomaly/member.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define LEVEL_MIN 0.25
#define SCORE_MAX 1e30f /* what is further is as good as that; in a unit that shrinks, too */
#define TAIL_MIN 4      /* points in the tail, however few are asked for */

#define WARMUP_CLIP 8.0 /* medians */
#define WARMUP_CLIP_FROM 5
#define AT_LEVEL 0.87  /* so much of the level is just below it in the tail's bins: it raises no level */
#define KEPT_MIN 1e-3f /* less is nothing */
#define KEPT_FALL 0.75
#define RELEASES 2.0       /* a memory, of what was kept on average */
#define ACCEPTED 1.5       /* times the points that the rate allows, */
#define ACCEPTED_TIMES 1.3 /* as high as what was accepted, which has a spread */
#define BLIP_POINTS 3
#define BLIPS_MIN 2.0 /* before there is any excess of them */
#define LEVEL_EVERY 8
#define LEVEL_ALWAYS_UNTIL 256

void ax_member_init(struct ax_member *m, uint32_t memory_steps)
{
    memset(m, 0, sizeof *m);
    ax_tail_init(&m->tail, memory_steps);
    m->level = (float)LEVEL_MIN;
}

bool ax_member_ready(const struct ax_member *m, uint32_t points)
{
    return m->tail.of.n >= TAIL_MIN && m->tail.of.n >= points;
}

static double memory_of(const struct ax_member *m)
{
    return 1 / ((double)m->tail.of.growth - 1);
}

/* As what does more points above the level count than the rate allows? */
static double as_excess(const struct ax_member *m, double rate, double score)
{
    const double excess = fmax(AT_LEVEL, (double)m->flagged / (rate * memory_of(m)));
    return fmin(score, (double)m->level * excess);
}

/* As much of a point as the rate allows counts now, all of it later. */
static void keep(struct ax_member *m, double score, double weight, double rate)
{
    double room = rate * fmin((double)m->tail.of.n, memory_of(m)) - (double)m->flagged;
    double now = fmin(fmax(room, 0), weight);
    if (now > 0) {
        ax_tail_add(&m->tail, AT_LEVEL * (double)m->level, now);
        m->flagged += (float)now;
    }
    m->kept += (float)weight;
    m->kept_log += (float)(weight * log(score));
}

/* A step's part of what was kept counts. */
static void release(struct ax_member *m, const struct ax_learning *l)
{
    if (m->kept < KEPT_MIN)
        return;
    double weight = fmin(RELEASES * (double)m->kept / memory_of(m), 1);
    double mean_log = (double)m->kept_log / (double)m->kept;
    m->flagged += (float)weight;
    ax_tail_put(&m->tail, as_excess(m, l->rate, exp(mean_log)), weight);
    m->kept -= (float)weight;
    m->kept_log -= (float)(weight * mean_log);
}

/* A point above the level that lasts, or (run 0 to 1) has turned out to. */
static void learn_lasting(struct ax_member *m, double score, uint32_t run, const struct ax_learning *l)
{
    if (l->late && run <= l->patience) {
        keep(m, score, l->weight / pow(1 + (double)run, KEPT_FALL), l->rate);
        return;
    }
    const double weight = run <= l->patience ? l->weight / (1 + (double)run) : l->weight;
    m->flagged += (float)weight;
    ax_tail_add(&m->tail, as_excess(m, l->rate, score), weight);
}

static void learn_blip(struct ax_member *m, double score, const struct ax_learning *l)
{
    m->blips += (float)l->weight;
    double allowed = fmax(l->rate * fmin((double)m->tail.of.n, memory_of(m)), BLIPS_MIN);
    double excess = (double)m->blips / allowed, most = AT_LEVEL * (double)m->level;
    if (excess > 1)
        most = fmax(most * excess, (double)fminf(m->last[0], m->last[1]));
    m->last[0] = m->last[1];
    m->last[1] = (float)score;
    ax_tail_add(&m->tail, fmin(score, most), l->weight);
}

static void learn_above(struct ax_member *m, double score, const struct ax_learning *l)
{
    uint32_t run = m->run;
    m->run = (uint16_t)(m->run + (m->run < UINT16_MAX));
    if (run < BLIP_POINTS) {
        m->waiting = m->waiting_n ? fmaxf(m->waiting, (float)score) : (float)score;
        m->waiting_n++;
        return;
    }
    for (uint32_t i = 0; i < m->waiting_n; i++)
        learn_lasting(m, (double)m->waiting, i, l);
    m->waiting_n = 0;
    learn_lasting(m, score, run, l);
}

static void learn_below(struct ax_member *m, double score, const struct ax_learning *l)
{
    for (; m->waiting_n > 0; m->waiting_n--)
        learn_blip(m, (double)m->waiting, l);
    if (!l->lasts)
        m->run = 0;
    ax_tail_add(&m->tail, score, l->weight);
}

void ax_member_learn(struct ax_member *m, double score, const struct ax_learning *l)
{
    score = fmin(score, (double)SCORE_MAX);
    if (!ax_member_ready(m, l->points)) {
        if (m->tail.of.n >= WARMUP_CLIP_FROM)
            score = fmin(score, fmax(WARMUP_CLIP * ax_tail_median(&m->tail), LEVEL_MIN));
        ax_tail_add(&m->tail, score, l->weight);
    } else if (score > (double)m->level) {
        learn_above(m, score, l);
    } else {
        learn_below(m, score, l);
    }
    release(m, l);
    m->flagged /= m->tail.of.growth;
    m->blips /= m->tail.of.growth;
    if (m->tail.of.n < LEVEL_ALWAYS_UNTIL || (m->tail.of.n + l->turn) % LEVEL_EVERY == 0)
        m->level = (float)fmax(ax_tail_level(&m->tail, l->rate), LEVEL_MIN);
}

static float moved(float score, int octaves)
{
    return fminf(ldexpf(score, -octaves), SCORE_MAX);
}

void ax_member_shift(struct ax_member *m, int octaves)
{
    if (octaves == 0)
        return;
    ax_tail_shift(&m->tail, octaves);
    m->level = fmaxf(moved(m->level, octaves), (float)LEVEL_MIN);
    m->waiting = moved(m->waiting, octaves);
    m->last[0] = moved(m->last[0], octaves);
    m->last[1] = moved(m->last[1], octaves);
    m->kept_log -= m->kept * (float)(log(2) * octaves);
}

void ax_member_accept(struct ax_member *m, double score, double rate)
{
    ax_tail_put(&m->tail, ACCEPTED_TIMES * score, ACCEPTED * rate * fmin((double)m->tail.of.n, memory_of(m)));
    m->level = (float)fmax(ax_tail_level(&m->tail, rate), LEVEL_MIN);
}

void ax_member_drop(struct ax_member *m)
{
    m->kept = m->kept_log = 0;
}

void ax_member_save(const struct ax_member *m, struct ax_buf *out)
{
    ax_tail_save(&m->tail, out);
    ax_put_f32(out, m->level);
    ax_put_f32(out, m->flagged);
    ax_put_f32(out, m->kept);
    ax_put_f32(out, m->kept_log);
    ax_put_f32(out, m->blips);
    ax_put_f32s(out, m->last, 2);
    ax_put_f32(out, m->waiting);
    ax_put_u8(out, m->waiting_n);
    ax_put_varint(out, m->run);
}

void ax_member_load(struct ax_member *m, struct ax_bytes *in)
{
    ax_tail_load(&m->tail, in);
    m->level = ax_get_f32_in(in, (float)LEVEL_MIN, INFINITY);
    m->flagged = ax_get_f32_in(in, 0, FLT_MAX);
    m->kept = ax_get_f32_in(in, 0, FLT_MAX);
    m->kept_log = ax_get_f32_in(in, -FLT_MAX, FLT_MAX);
    m->blips = ax_get_f32_in(in, 0, FLT_MAX);
    ax_get_f32s_in(in, m->last, 2, 0, FLT_MAX, false);
    m->waiting = ax_get_f32_in(in, 0, FLT_MAX);
    m->waiting_n = (uint8_t)ax_get_count(in, BLIP_POINTS);
    m->run = (uint16_t)ax_get_count(in, UINT16_MAX);
}
