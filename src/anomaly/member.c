/* member.c: scores and their rare level. */
#include "anomaly/member.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define LEVEL_MIN 0.25
#define TAIL_MIN 4 /* points in the tail, however few are asked for */

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

bool ax_member_ready(const struct ax_member *m, uint32_t points)
{
    return m->tail.n >= TAIL_MIN && m->tail.n >= points;
}

void ax_member_learn(struct ax_member *m, double score, const struct ax_learning *l)
{
    double weight = l->weight;
    if (!ax_member_ready(m, l->points)) {
        if (m->tail.n >= WARMUP_CLIP_FROM)
            score = fmin(score, fmax(WARMUP_CLIP * ax_tail_median(&m->tail), LEVEL_MIN));
    } else if (score > (double)m->level) {
        double memory = 1 / ((double)m->tail.growth - 1);
        if (m->run <= l->patience)
            weight /= 1 + (double)m->run;
        m->flagged += (float)weight;
        score = fmin(score, (double)m->level * fmax(1, (double)m->flagged / (l->rate * memory)));
        m->run = (uint16_t)(m->run + (m->run < UINT16_MAX));
    } else if (!l->lasts) {
        m->run = 0;
    }
    m->flagged /= m->tail.growth;
    ax_tail_add(&m->tail, score, weight);
    if (m->tail.n < LEVEL_ALWAYS_UNTIL || m->tail.n % LEVEL_EVERY == 0)
        m->level = (float)fmax(ax_tail_level(&m->tail, l->rate), LEVEL_MIN);
}

void ax_member_save(const struct ax_member *m, struct ax_buf *out)
{
    ax_tail_save(&m->tail, out);
    ax_put_f32(out, m->level);
    ax_put_f32(out, m->flagged);
    ax_put_varint(out, m->run);
}

void ax_member_load(struct ax_member *m, struct ax_bytes *in)
{
    ax_tail_load(&m->tail, in);
    m->level = ax_get_f32_in(in, (float)LEVEL_MIN, INFINITY);
    m->flagged = ax_get_f32_in(in, 0, FLT_MAX);
    m->run = (uint16_t)ax_get_count(in, UINT16_MAX);
}
