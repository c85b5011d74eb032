/* episodes.c: the newest abnormal episodes of a series. */
#include "anomaly/episodes.h"

#include <math.h>
#include <string.h>

/* The largest shares, largest first, the earlier feature first among equals. */
static void note_parts(struct ax_episode *e, const struct ax_episode_features *features)
{
    const double *shares = features->share;
    const uint32_t n = features->n;
    e->parts_n = e->parts_absent = 0;
    while (e->parts_n < AX_EPISODE_PARTS) {
        uint32_t best = n;
        for (uint32_t i = 0; i < n && i < UINT8_MAX; i++) {
            bool taken = false;
            for (uint32_t k = 0; k < e->parts_n; k++)
                taken = taken || e->part[k] == i;
            if (!taken && shares[i] > 0 && (best == n || shares[i] > shares[best]))
                best = i;
        }
        if (best == n)
            return;
        if (features->absent[best])
            e->parts_absent |= (uint8_t)(1u << e->parts_n);
        e->part[e->parts_n] = (uint8_t)best;
        e->share[e->parts_n++] = (uint8_t)lround(100 * fmin(shares[best], 1));
    }
}

static struct ax_episode *begin(struct ax_episodes *e, int64_t t_ms, bool absent, int64_t absent_ms)
{
    if (e->n == AX_EPISODES)
        memmove(&e->v[0], &e->v[1], --e->n * sizeof e->v[0]);
    struct ax_episode *now = &e->v[e->n++];
    *now = (struct ax_episode){.begin_ms = t_ms, .absent_ms = absent_ms, .absent = absent};
    return now;
}

void ax_episodes_note(struct ax_episodes *e, int64_t t_ms, int64_t step_ms, int64_t seen_ms, double value,
                      const struct ax_verdict *v, const struct ax_episode_features *features)
{
    if (!v->ready || !(v->score > 1))
        return;
    struct ax_episode *now = e->n ? &e->v[e->n - 1] : NULL;
    if (!now || now->absent != v->absent || t_ms - now->end_ms > (AX_EPISODE_CALM + 1) * step_ms)
        now = begin(e, t_ms, v->absent, v->absent ? seen_ms + step_ms : t_ms);
    now->end_ms = t_ms;
    if (!((float)v->score > now->score))
        return;
    now->peak_ms = t_ms;
    now->score = (float)v->score;
    now->value = (float)value;
    now->expected = (float)v->expected;
    now->lower = (float)v->lower;
    now->upper = (float)v->upper;
    now->direction = (int8_t)v->direction;
    if (features)
        note_parts(now, features);
}

const struct ax_episode *ax_episodes_at(const struct ax_episodes *e, int64_t t_ms)
{
    for (uint32_t i = e->n; i-- > 0;)
        if (t_ms >= e->v[i].begin_ms && t_ms <= e->v[i].end_ms)
            return &e->v[i];
    return NULL;
}

/* Share that two have in common of what made them, in percent. */
static double common(const struct ax_episode *a, const struct ax_episode *b)
{
    double sum = 0;
    for (uint32_t i = 0; i < a->parts_n; i++)
        for (uint32_t k = 0; k < b->parts_n; k++)
            if (a->part[i] == b->part[k])
                sum += a->share[i] < b->share[k] ? a->share[i] : b->share[k];
    return sum;
}

double ax_episode_distance(const struct ax_episode *a, const struct ax_episode *b, int64_t step_ms)
{
    double lasted_a = (double)(a->end_ms - a->begin_ms) + (double)step_ms;
    double lasted_b = (double)(b->end_ms - b->begin_ms) + (double)step_ms;
    double distance = fabs(log((double)a->score / (double)b->score)) + 0.5 * fabs(log(lasted_a / lasted_b));
    if (a->direction != b->direction || a->absent != b->absent)
        distance += 1;
    if (a->parts_n || b->parts_n)
        distance += 2 * (1 - common(a, b) / 100);
    return distance;
}

void ax_episodes_save(const struct ax_episodes *e, struct ax_buf *out)
{
    ax_put_varint(out, e->n);
    for (uint32_t i = 0; i < e->n; i++) {
        const struct ax_episode *p = &e->v[i];
        ax_put_i64(out, p->begin_ms);
        ax_put_i64(out, p->end_ms);
        ax_put_i64(out, p->peak_ms);
        ax_put_i64(out, p->absent_ms);
        const float numbers[] = {p->score, p->value, p->expected, p->lower, p->upper};
        for (unsigned k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
            ax_put_f32(out, numbers[k]);
        ax_put_u8(out, (uint8_t)(p->direction + 1));
        ax_put_u8(out, p->absent);
        ax_put_u8(out, p->parts_n);
        ax_put_u8(out, p->parts_absent);
        for (uint32_t k = 0; k < p->parts_n; k++) {
            ax_put_u8(out, p->part[k]);
            ax_put_u8(out, p->share[k]);
        }
    }
}

void ax_episodes_load(struct ax_episodes *e, struct ax_bytes *in)
{
    e->n = ax_get_count(in, AX_EPISODES);
    for (uint32_t i = 0; i < e->n; i++) {
        struct ax_episode *p = &e->v[i];
        p->begin_ms = ax_get_ms(in);
        p->end_ms = ax_get_ms(in);
        p->peak_ms = ax_get_ms(in);
        p->absent_ms = ax_get_ms(in);
        p->score = ax_get_f32_in(in, 1, 1e6f);
        float *const numbers[] = {&p->value, &p->expected, &p->lower, &p->upper};
        for (unsigned k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
            *numbers[k] = ax_get_f32(in);
        p->direction = (int8_t)((int)ax_get_count(in, 2) - 1);
        p->absent = ax_get_bool(in);
        p->parts_n = (uint8_t)ax_get_count(in, AX_EPISODE_PARTS);
        p->parts_absent = ax_get_u8(in);
        for (uint32_t k = 0; k < p->parts_n; k++) {
            p->part[k] = ax_get_u8(in);
            p->share[k] = (uint8_t)ax_get_count(in, 100);
        }
        if (p->absent_ms == INT64_MIN || p->absent_ms > p->begin_ms || p->begin_ms > p->peak_ms ||
            p->peak_ms > p->end_ms)
            (void)ax_bytes_fail(in);
    }
}
