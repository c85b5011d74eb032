/* taught.c: highest scores of the past, and thresholds that people have moved. */
#include "anomaly/taught.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PER_OCTAVE 20
#define LOWEST_EXP (-6)
#define SCORE_MAX 100.0
#define NEWEST_MOST (INT64_C(1) << 59)
#define JUST_BELOW 0.99 /* of a missed score: it is to be above the threshold */
#define NEW_SHARE 0.02  /* of the blocks known may be above it beside, that were not before */

/* Bin 0 stands for no score, 1 for all that are lower than can be told apart. */
static uint8_t level_of(double score)
{
    double at = (log2(fmax(score, 1e-30)) - LOWEST_EXP) * PER_OCTAVE;
    return at < 0 ? 1 : at >= 253 ? 255 : (uint8_t)(2 + (int)at);
}

/* Lower edge of a bin that is not 0. */
static double edge_of(unsigned level)
{
    return level < 2 ? 0 : exp2((double)(level - 2) / PER_OCTAVE + LOWEST_EXP);
}

static int64_t block_of(int64_t t_ms, int64_t step_ms)
{
    int64_t step = t_ms / step_ms;
    return step >= 0 ? step / AX_PEAK_STEPS : -((AX_PEAK_STEPS - 1 - step) / AX_PEAK_STEPS);
}

static uint8_t *at(struct ax_peaks *p, int64_t block)
{
    return &p->level[(uint64_t)block % AX_PEAKS];
}

void ax_peaks_add(struct ax_peaks *p, int64_t t_ms, int64_t step_ms, double score)
{
    int64_t block = block_of(t_ms, step_ms);
    if (block > p->newest) {
        int64_t first = block - p->newest > AX_PEAKS ? block - AX_PEAKS + 1 : p->newest + 1;
        for (int64_t b = first; b <= block; b++)
            *at(p, b) = 0;
        p->newest = block;
    }
    uint8_t level = level_of(score), *now = at(p, block);
    if (block == p->newest && level > *now)
        *now = level;
}

bool ax_peaks_read(const struct ax_peaks *p, int64_t from_ms, int64_t to_ms, int64_t step_ms, double *low,
                   double *high)
{
    int64_t from = block_of(from_ms, step_ms), to = block_of(to_ms, step_ms);
    uint8_t most = 0;
    if (from < p->newest - (AX_PEAKS - 1))
        from = p->newest - (AX_PEAKS - 1);
    if (to > p->newest)
        to = p->newest;
    for (int64_t b = from; b <= to; b++) {
        uint8_t level = p->level[(uint64_t)b % AX_PEAKS];
        if (level > most)
            most = level;
    }
    if (most == 0)
        return false;
    *low = edge_of(most);
    *high = most == 255 ? SCORE_MAX : edge_of(most + 1u);
    return true;
}

/* The least threshold by which at most NEW_SHARE of what was below 1 outside of a range would be above; the
 * blocks next to it are the incident's too. */
static double least_for(const struct ax_peaks *p, int64_t from_ms, int64_t to_ms, int64_t step_ms)
{
    const int64_t from = block_of(from_ms, step_ms) - 1, to = block_of(to_ms, step_ms) + 1;
    const unsigned one = level_of(1);
    uint32_t of_level[256] = {0}, n = 0, above = 0;
    for (int64_t b = p->newest - (AX_PEAKS - 1); b <= p->newest; b++) {
        const unsigned level = p->level[(uint64_t)b % AX_PEAKS];
        if (level == 0 || level >= one || (b >= from && b <= to))
            continue;
        of_level[level]++;
        n++;
    }
    const double most = fmax(NEW_SHARE * n, 1);
    unsigned level = one;
    while (level > 1 && above + of_level[level - 1] <= most)
        above += of_level[--level];
    return edge_of(level);
}

/* The threshold that comes of all lessons, the later ones having the last word. */
static void recompute(struct ax_taught *t)
{
    double threshold = 1;
    for (uint32_t i = 0; i < t->n; i++) {
        double score = t->lessons[i].score;
        threshold =
            t->lessons[i].verdict == AX_LESSON_NORMAL ? fmax(threshold, score) : fmin(threshold, score);
    }
    t->threshold = threshold;
}

enum ax_err ax_taught_add(struct ax_taught *t, uint64_t id, enum ax_lesson_verdict verdict, double low,
                          double high)
{
    if (t->n == AX_LESSONS_MAX)
        return AX_LIMIT;
    double score = verdict == AX_LESSON_NORMAL ? high : JUST_BELOW * low;
    t->lessons[t->n].id = id;
    t->lessons[t->n].verdict = (uint8_t)verdict;
    t->lessons[t->n++].score = fmin(fmax(score, AX_TAUGHT_LEAST), AX_TAUGHT_MOST);
    recompute(t);
    return AX_OK;
}

bool ax_taught_remove(struct ax_taught *t, uint64_t id)
{
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->lessons[i].id != id)
            continue;
        memmove(&t->lessons[i], &t->lessons[i + 1], (t->n - i - 1) * sizeof t->lessons[0]);
        t->n--;
        recompute(t);
        return true;
    }
    return false;
}

double ax_taught_threshold(const struct ax_taught *t)
{
    return t->threshold > 0 ? t->threshold : 1;
}

void ax_taught_apply(const struct ax_taught *t, double value, struct ax_verdict *v)
{
    double threshold = ax_taught_threshold(t);
    if (!v->ready || threshold == 1)
        return;
    const bool by_itself = v->least > 0 && !(v->score > v->least);
    if (!by_itself)
        v->score = fmax(fmin(v->score / threshold, v->unasked ? 1 : SCORE_MAX), v->least);
    v->unrested /= threshold;
    v->severity = ax_severity_of(v->score);
    if (v->score <= 1)
        v->direction = 0;
    else if (v->direction == 0) /* the detector itself saw nothing in it */
        v->direction = (value > v->expected) - (value < v->expected);
    v->lower = v->expected - (v->expected - v->lower) * threshold;
    v->upper = v->expected + (v->upper - v->expected) * threshold;
}

void ax_verdict_calm(struct ax_verdict *v)
{
    v->score = fmin(v->score, 1);
    v->least = 0;
    v->severity = ax_severity_of(v->score);
    v->direction = 0;
}

static void peaks_save(const struct ax_peaks *p, struct ax_buf *out)
{
    ax_put_i64(out, p->newest);
    for (uint32_t i = 0; i < AX_PEAKS; i++)
        ax_put_u8(out, p->level[i]);
}

static void peaks_load(struct ax_peaks *p, struct ax_bytes *in)
{
    p->newest = ax_get_i64(in);
    for (uint32_t i = 0; i < AX_PEAKS; i++)
        p->level[i] = ax_get_u8(in);
    if (p->newest < -NEWEST_MOST || p->newest > NEWEST_MOST)
        (void)ax_bytes_fail(in);
}

static void taught_save(const struct ax_taught *t, struct ax_buf *out)
{
    ax_put_varint(out, t->n);
    for (uint32_t i = 0; i < t->n; i++) {
        ax_put_u64(out, t->lessons[i].id);
        ax_put_u8(out, t->lessons[i].verdict);
        ax_put_f64(out, t->lessons[i].score);
    }
}

static void taught_load(struct ax_taught *t, struct ax_bytes *in)
{
    t->n = ax_get_count(in, AX_LESSONS_MAX);
    for (uint32_t i = 0; i < t->n; i++) {
        t->lessons[i].id = ax_get_u64(in);
        t->lessons[i].verdict = ax_get_u8(in);
        t->lessons[i].score = ax_get_f64_in(in, AX_TAUGHT_LEAST, AX_TAUGHT_MOST);
        if (t->lessons[i].verdict != AX_LESSON_NORMAL && t->lessons[i].verdict != AX_LESSON_MISSED)
            (void)ax_bytes_fail(in);
    }
    if (in->err == AX_OK)
        recompute(t);
}

struct ax_hindsight *ax_hindsight_new(uint32_t min_steps)
{
    struct ax_hindsight *h = calloc(1, sizeof *h);
    if (h)
        h->min_steps = min_steps;
    return h;
}

void ax_hindsight_free(struct ax_hindsight *h)
{
    if (!h)
        return;
    free(h->taught);
    free(h);
}

void ax_hindsight_judge(struct ax_hindsight *h, int64_t t_ms, int64_t step_ms, double value,
                        struct ax_verdict *v)
{
    if (v->ready)
        ax_peaks_add(&h->peaks, t_ms, step_ms, v->score);
    if (h->taught)
        ax_taught_apply(h->taught, value, v);
    h->lasts = v->score > 1 ? h->lasts + (h->lasts < UINT32_MAX) : 0;
    if (h->lasts < h->min_steps)
        ax_verdict_calm(v);
}

enum ax_err ax_hindsight_teach(struct ax_hindsight *h, const struct ax_lesson_range *lesson, int64_t step_ms)
{
    double low, high;
    if (!ax_peaks_read(&h->peaks, lesson->from_ms, lesson->to_ms, step_ms, &low, &high))
        return AX_NOTFOUND;
    if (lesson->verdict == AX_LESSON_MISSED)
        low = fmax(low, least_for(&h->peaks, lesson->from_ms, lesson->to_ms, step_ms) / JUST_BELOW);
    if (!h->taught && !(h->taught = calloc(1, sizeof *h->taught)))
        return AX_NOMEM;
    return ax_taught_add(h->taught, lesson->id, lesson->verdict, low, high);
}

bool ax_hindsight_forget(struct ax_hindsight *h, uint64_t id)
{
    if (!h->taught || !ax_taught_remove(h->taught, id))
        return false;
    if (h->taught->n == 0) {
        free(h->taught);
        h->taught = NULL;
    }
    return true;
}

double ax_hindsight_threshold(const struct ax_hindsight *h)
{
    return h->taught ? ax_taught_threshold(h->taught) : 1;
}

uint64_t ax_hindsight_bytes(const struct ax_hindsight *h)
{
    return sizeof *h + (h->taught ? sizeof *h->taught : 0);
}

void ax_hindsight_save(const struct ax_hindsight *h, struct ax_buf *out)
{
    peaks_save(&h->peaks, out);
    ax_episodes_save(&h->episodes, out);
    ax_put_varint(out, h->lasts);
    ax_put_u8(out, h->taught != NULL);
    if (h->taught)
        taught_save(h->taught, out);
}

enum ax_err ax_hindsight_load(struct ax_hindsight *h, struct ax_bytes *in)
{
    peaks_load(&h->peaks, in);
    ax_episodes_load(&h->episodes, in);
    h->lasts = ax_get_count(in, UINT32_MAX);
    if (ax_get_bool(in)) {
        if (!(h->taught = calloc(1, sizeof *h->taught)))
            return AX_NOMEM;
        taught_load(h->taught, in);
    }
    return in->err;
}
