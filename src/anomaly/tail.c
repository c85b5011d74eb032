/* tail.c: fading log histogram and the level extrapolated from it. */
#include "anomaly/tail.h"

#include "base/assert.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define PER_OCTAVE 5
#define LOWEST_EXP (-6)
#define INCREMENT_MAX 1e6f
#define POINTS_WANTED 30.0
#define SHARE_MIN 0.01
#define SHARE_MAX 0.30
#define SHAPE_MAX 0.5
#define SHAPE_PRIOR 0.15
#define PRIOR_POINTS 20.0
#define SEEN_POINTS 2.0

void ax_tail_init(struct ax_tail *t, uint32_t memory_steps)
{
    AX_ASSERT(memory_steps > 0);
    memset(t, 0, sizeof *t);
    t->increment = 1;
    t->growth = 1 + 1 / (float)memory_steps;
}

static uint32_t bin_of(double score)
{
    double at = (log2(fmax(score, 1e-30)) - LOWEST_EXP) * PER_OCTAVE;
    return at < 0 ? 0 : at >= AX_TAIL_BINS - 1 ? AX_TAIL_BINS - 1 : (uint32_t)at;
}

/* Lower edge of a bin, or a point within it when `in` is a fraction. */
static double value_of(uint32_t bin, double in)
{
    return bin == 0 && !(in > 0) ? 0 : exp2(((double)bin + in) / PER_OCTAVE + LOWEST_EXP);
}

static void renormalise(struct ax_tail *t)
{
    t->total = 0;
    for (uint32_t i = 0; i < AX_TAIL_BINS; i++) {
        t->bins[i] /= t->increment;
        t->total += t->bins[i];
    }
    t->increment = 1;
}

void ax_tail_put(struct ax_tail *t, double score, double weight)
{
    float w = t->increment * (float)weight;
    t->bins[bin_of(score)] += w;
    t->total += w;
}

void ax_tail_add(struct ax_tail *t, double score, double weight)
{
    t->increment *= t->growth;
    if (t->increment > INCREMENT_MAX)
        renormalise(t);
    ax_tail_put(t, score, weight);
    t->n += t->n < UINT32_MAX;
}

void ax_tail_fade(struct ax_tail *t, float share)
{
    renormalise(t);
    for (uint32_t i = 0; i < AX_TAIL_BINS; i++)
        t->bins[i] *= share;
    t->total *= share;
    t->n = (uint32_t)((double)t->n * (double)share);
}

void ax_tail_shift(struct ax_tail *t, int octaves)
{
    float moved[AX_TAIL_BINS] = {0};
    for (int i = 0; i < AX_TAIL_BINS; i++) {
        const int to = i - octaves * PER_OCTAVE;
        moved[i == 0 || to < 0 ? 0 : to >= AX_TAIL_BINS ? AX_TAIL_BINS - 1 : to] += t->bins[i];
    }
    memcpy(t->bins, moved, sizeof moved);
}

/* The tail above the lower edge of a bin, in numbers. */
struct excess {
    uint32_t bin;       /* the threshold is its lower edge */
    double share;       /* of all points, that are above it */
    double points;      /* how many that is */
    double mean;        /* of score - threshold */
    double log1, log2_; /* mean and mean square of ln(score / threshold) */
};

static struct excess excess_of(const struct ax_tail *t)
{
    double points = (double)t->total / (double)t->increment;
    double wanted = fmin(fmax(POINTS_WANTED / points, SHARE_MIN), SHARE_MAX) * (double)t->total, above = 0;
    struct excess e = {.bin = AX_TAIL_BINS};
    while (e.bin > 0 && above < wanted)
        above += (double)t->bins[--e.bin];
    double threshold = value_of(e.bin, 0), weight = 0;
    for (uint32_t i = e.bin; i < AX_TAIL_BINS; i++) {
        double w = (double)t->bins[i];
        if (!(w > 0))
            continue;
        double ratio = ((double)(i - e.bin) + 0.5) * (log(2) / PER_OCTAVE);
        e.mean += w * (value_of(i, 0.5) - threshold);
        e.log1 += w * ratio;
        e.log2_ += w * ratio * ratio;
        weight += w;
    }
    e.share = above / (double)t->total;
    e.points = above / (double)t->increment;
    e.mean /= weight;
    e.log1 /= weight;
    e.log2_ /= weight;
    return e;
}

static double shape_of(const struct excess *e)
{
    double spread = 1 - e->log1 * e->log1 / e->log2_;
    if (e->bin == 0 || !(spread > 1e-9))
        return 0;
    double shape = e->log1 + 1 - 0.5 / spread;
    shape = (shape * e->points + SHAPE_PRIOR * PRIOR_POINTS) / (e->points + PRIOR_POINTS);
    return fmin(fmax(shape, 0), SHAPE_MAX);
}

/* The edge of a bin that the share `rate` of what was seen is not below; 0 when that is less than a few
 * points.
 */
static double seen_level(const struct ax_tail *t, double rate)
{
    double wanted = rate * (double)t->total, above = 0;
    if (wanted < SEEN_POINTS * (double)t->increment)
        return 0;
    for (uint32_t i = AX_TAIL_BINS; i-- > 0;) {
        above += (double)t->bins[i];
        if (above > wanted)
            return value_of(i + 1, 0);
    }
    return 0;
}

double ax_tail_level(const struct ax_tail *t, double rate)
{
    if (!(t->total > 0))
        return 0;
    struct excess e = excess_of(t);
    double threshold = value_of(e.bin, 0), further = fmax(log(e.share / rate), 0), shape = shape_of(&e);
    double beyond = shape < 1e-6 ? further : (1 - shape) * expm1(shape * further) / shape;
    return fmax(threshold + e.mean * beyond, seen_level(t, rate));
}

double ax_tail_median(const struct ax_tail *t)
{
    double below = 0;
    for (uint32_t i = 0; i < AX_TAIL_BINS; i++) {
        below += (double)t->bins[i];
        if (2 * below >= (double)t->total && below > 0)
            return value_of(i, 0.5);
    }
    return 0;
}

void ax_tail_save(const struct ax_tail *t, struct ax_buf *out)
{
    ax_put_f32s(out, t->bins, AX_TAIL_BINS);
    ax_put_f32(out, t->total);
    ax_put_f32(out, t->increment);
    ax_put_varint(out, t->n);
}

void ax_tail_load(struct ax_tail *t, struct ax_bytes *in)
{
    ax_get_f32s_in(in, t->bins, AX_TAIL_BINS, 0, FLT_MAX, false);
    t->total = ax_get_f32_in(in, 0, FLT_MAX);
    t->increment = ax_get_f32_in(in, 1, INCREMENT_MAX);
    t->n = ax_get_count(in, UINT32_MAX);
}
