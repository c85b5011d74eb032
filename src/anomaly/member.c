/* member.c: distances, their scale and their rare level. */
#include "anomaly/member.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define LEVEL_MIN 0.25
#define TAIL_MIN 8 /* points in the tail, however short a warm-up is asked for */
#define DISTANCE_MAX 1e30
#define NEAR_STEPS 64
#define CLIP_TYPICAL_SHARE 0.3 /* one step raises the typical distance by this share at most */
#define CLIP_MIN 3.0

#define WARMUP_CLIP 8.0 /* medians */
#define WARMUP_CLIP_FROM 5
#define LEVEL_EVERY 8
#define LEVEL_ALWAYS_UNTIL 256

void ax_member_init(struct ax_member *m, uint32_t memory_steps)
{
    memset(m, 0, sizeof *m);
    ax_tail_init(&m->tail, memory_steps);
    m->level = (float)LEVEL_MIN;
}

bool ax_member_ready(const struct ax_member *m, uint32_t warmup_steps)
{
    /* The first step has nothing to be compared with. */
    return m->tail.n >= TAIL_MIN && m->seen + 1 >= warmup_steps;
}

double ax_frame_distance(const struct ax_frame *f, double value)
{
    return value > f->high ? value - f->high : value < f->low ? f->low - value : 0;
}

double ax_frame_score(const struct ax_frame *f, double value)
{
    return ax_frame_distance(f, value) / (value > f->high ? f->unit_high : f->unit_low);
}

/* Running mean of distances over about `steps`, each clipped at `clip` times the mean so far. */
static void average(float *mean, double distance, uint32_t seen, double steps, double clip)
{
    double clipped = *mean > 0 ? fmin(distance, clip * (double)*mean) : distance;
    *mean += (float)((clipped - (double)*mean) / fmin((double)seen + 1, steps));
    if (*mean < 1e-30f)
        *mean = 0;
}

/* The mean of the first distances, each clipped at CLIP_MIN times their median. */
static float first_mean(const float *first)
{
    float sorted[AX_MEMBER_FIRST], sum = 0;
    for (uint32_t n = 0; n < AX_MEMBER_FIRST; n++) {
        uint32_t i = n;
        for (; i > 0 && sorted[i - 1] > first[n]; i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = first[n];
    }
    float median = sorted[AX_MEMBER_FIRST / 2], clip = median > 0 ? (float)CLIP_MIN * median : FLT_MAX;
    for (uint32_t i = 0; i < AX_MEMBER_FIRST; i++)
        sum += fminf(first[i], clip) / AX_MEMBER_FIRST;
    return sum;
}

/* Both means of distances; false while they are not settled yet. */
static bool learn_scale(struct ax_member *m, double distance)
{
    double memory = 1 / ((double)m->tail.growth - 1), seen = fmin((double)m->seen, memory);
    if (m->seen < AX_MEMBER_FIRST) {
        m->first[m->seen++] = (float)distance;
        if (m->seen == AX_MEMBER_FIRST)
            m->near = m->typical = first_mean(m->first);
        return false;
    }
    average(&m->typical, distance, m->seen, memory, fmax(CLIP_TYPICAL_SHARE * seen, CLIP_MIN));
    average(&m->near, distance, m->seen, NEAR_STEPS, CLIP_MIN);
    m->seen += m->seen < UINT32_MAX;
    return true;
}

void ax_member_learn(struct ax_member *m, const struct ax_frame *f, double value, double rate,
                     uint32_t warmup_steps)
{
    double score = ax_frame_score(f, value), weight = 1;
    bool ready = ax_member_ready(m, warmup_steps);
    if (!learn_scale(m, fmin(ax_frame_distance(f, value), DISTANCE_MAX)))
        return;
    if (!ready) {
        if (m->tail.n >= WARMUP_CLIP_FROM)
            score = fmin(score, fmax(WARMUP_CLIP * ax_tail_median(&m->tail), LEVEL_MIN));
    } else if (score > (double)m->level) {
        double memory = 1 / ((double)m->tail.growth - 1);
        weight = 1 / (1 + (double)m->run);
        m->flagged += (float)weight;
        score = fmin(score, (double)m->level * fmax(1, (double)m->flagged / (rate * memory)));
        m->run = (uint16_t)(m->run + (m->run < UINT16_MAX));
    } else {
        m->run = 0;
    }
    m->flagged /= m->tail.growth;
    ax_tail_add(&m->tail, score, weight);
    if (m->tail.n < LEVEL_ALWAYS_UNTIL || m->tail.n % LEVEL_EVERY == 0)
        m->level = (float)fmax(ax_tail_level(&m->tail, rate), LEVEL_MIN);
}

void ax_member_save(const struct ax_member *m, struct ax_buf *out)
{
    ax_tail_save(&m->tail, out);
    ax_put_f32(out, m->level);
    ax_put_f32(out, m->typical);
    ax_put_f32(out, m->near);
    ax_put_f32s(out, m->first, AX_MEMBER_FIRST);
    ax_put_varint(out, m->seen);
    ax_put_f32(out, m->flagged);
    ax_put_varint(out, m->run);
}

void ax_member_load(struct ax_member *m, struct ax_bytes *in)
{
    ax_tail_load(&m->tail, in);
    m->level = ax_get_f32_in(in, (float)LEVEL_MIN, INFINITY);
    m->typical = ax_get_f32_in(in, 0, FLT_MAX);
    m->near = ax_get_f32_in(in, 0, FLT_MAX);
    ax_get_f32s_in(in, m->first, AX_MEMBER_FIRST, 0, FLT_MAX, false);
    m->seen = ax_get_count(in, UINT32_MAX);
    m->flagged = ax_get_f32_in(in, 0, FLT_MAX);
    m->run = (uint16_t)ax_get_count(in, UINT16_MAX);
}
