/* tail.c: fading log histogram and the level extrapolated from it. */
#include "anomaly/tail.h"

#include "base/assert.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define PER_OCTAVE 5
#define LN2 0.6931471805599453
#define LOWEST_EXP (-6)
#define LOWEST 0x1p-6 /* 2 to the power of that */
#define INCREMENT_MAX 1e6f
#define POINTS_WANTED 30.0
#define SHARE_MIN 0.01
#define SHARE_MAX 0.30
#define SHAPE_MAX 0.5
#define SHAPE_PRIOR 0.15
#define PRIOR_POINTS 20.0
#define SEEN_POINTS 2.0

/* The bins of a tail of either kind. */
struct bins {
    float *v;
    uint32_t n;
};

/* As above, to be read. */
struct seen {
    const struct ax_tail_sums *of;
    const float *v;
    uint32_t n;
};

/* Up to the highest bin that anything is in: nearly always that is far below the last. */
static struct seen seen_of(const struct ax_tail_sums *of, const float *bins, uint32_t n)
{
    while (n > 0 && !(bins[n - 1] > 0))
        n--;
    return (struct seen){of, bins, n};
}

static void init(struct ax_tail_sums *t, uint32_t memory_steps)
{
    AX_ASSERT(memory_steps > 0);
    *t = (struct ax_tail_sums){.increment = 1, .growth = 1 + 1 / (float)memory_steps};
}

void ax_tail_init(struct ax_tail *t, uint32_t memory_steps)
{
    memset(t->bins, 0, sizeof t->bins);
    init(&t->of, memory_steps);
}

void ax_short_tail_init(struct ax_short_tail *t, uint32_t memory_steps)
{
    memset(t->bins, 0, sizeof t->bins);
    init(&t->of, memory_steps);
}

static uint32_t bin_of(double score, uint32_t bins_n)
{
    double at = (log2(fmax(score, 1e-30)) - LOWEST_EXP) * PER_OCTAVE;
    return at < 0 ? 0 : at >= bins_n - 1 ? bins_n - 1 : (uint32_t)at;
}

/* 2 to the power of so many tenths of an octave above the lowest bin's edge. */
static double tenths(uint32_t n)
{
    static const double power[2 * PER_OCTAVE] = {
        1,
        1.0717734625362931,
        1.1486983549970351,
        1.2311444133449163,
        1.3195079107728942,
        1.4142135623730951,
        1.5157165665103982,
        1.624504792712471,
        1.7411011265922482,
        1.8660659830736148,
    };
    return power[n % (2 * PER_OCTAVE)] * (double)(UINT32_C(1) << (n / (2 * PER_OCTAVE))) * LOWEST;
}

/* Lower edge of a bin. */
static double edge_of(uint32_t bin)
{
    return bin == 0 ? 0 : tenths(2 * bin);
}

/* The middle of a bin. */
static double middle_of(uint32_t bin)
{
    return tenths(2 * bin + 1);
}

static void renormalise(struct ax_tail_sums *t, struct bins bins)
{
    t->total = 0;
    for (uint32_t i = 0; i < bins.n; i++) {
        bins.v[i] /= t->increment;
        t->total += bins.v[i];
    }
    t->increment = 1;
}

static void put(struct ax_tail_sums *t, struct bins bins, double score, double weight)
{
    float w = t->increment * (float)weight;
    bins.v[bin_of(score, bins.n)] += w;
    t->total += w;
}

static void add(struct ax_tail_sums *t, struct bins bins, double score, double weight)
{
    t->increment *= t->growth;
    if (t->increment > INCREMENT_MAX)
        renormalise(t, bins);
    put(t, bins, score, weight);
    t->n += t->n < UINT32_MAX;
}

void ax_tail_put(struct ax_tail *t, double score, double weight)
{
    put(&t->of, (struct bins){t->bins, AX_TAIL_BINS}, score, weight);
}

void ax_tail_add(struct ax_tail *t, double score, double weight)
{
    add(&t->of, (struct bins){t->bins, AX_TAIL_BINS}, score, weight);
}

void ax_short_tail_add(struct ax_short_tail *t, double score, double weight)
{
    add(&t->of, (struct bins){t->bins, AX_SHORT_TAIL_BINS}, score, weight);
}

void ax_tail_fade(struct ax_tail *t, float share)
{
    renormalise(&t->of, (struct bins){t->bins, AX_TAIL_BINS});
    for (uint32_t i = 0; i < AX_TAIL_BINS; i++)
        t->bins[i] *= share;
    t->of.total *= share;
    t->of.n = (uint32_t)((double)t->of.n * (double)share);
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

static struct excess excess_of(const struct seen *s)
{
    const double total = (double)s->of->total, increment = (double)s->of->increment,
                 points = total / increment;
    double wanted = fmin(fmax(POINTS_WANTED / points, SHARE_MIN), SHARE_MAX) * total, above = 0;
    struct excess e = {.bin = s->n};
    while (e.bin > 0 && above < wanted)
        above += (double)s->v[--e.bin];
    double threshold = edge_of(e.bin), weight = 0;
    for (uint32_t i = e.bin; i < s->n; i++) {
        double w = (double)s->v[i];
        if (!(w > 0))
            continue;
        double ratio = ((double)(i - e.bin) + 0.5) * (LN2 / PER_OCTAVE);
        e.mean += w * (middle_of(i) - threshold);
        e.log1 += w * ratio;
        e.log2_ += w * ratio * ratio;
        weight += w;
    }
    e.share = above / total;
    e.points = above / increment;
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
static double seen_level(const struct seen *s, double rate)
{
    double wanted = rate * (double)s->of->total, above = 0;
    if (wanted < SEEN_POINTS * (double)s->of->increment)
        return 0;
    for (uint32_t i = s->n; i-- > 0;) {
        above += (double)s->v[i];
        if (above > wanted)
            return edge_of(i + 1);
    }
    return 0;
}

static double level_of(const struct seen *s, double rate)
{
    if (!(s->of->total > 0))
        return 0;
    struct excess e = excess_of(s);
    double threshold = edge_of(e.bin), further = fmax(log(e.share / rate), 0), shape = shape_of(&e);
    double beyond = shape < 1e-6 ? further : (1 - shape) * expm1(shape * further) / shape;
    return fmax(threshold + e.mean * beyond, seen_level(s, rate));
}

double ax_tail_level(const struct ax_tail *t, double rate)
{
    const struct seen s = seen_of(&t->of, t->bins, AX_TAIL_BINS);
    return level_of(&s, rate);
}

double ax_short_tail_level(const struct ax_short_tail *t, double rate)
{
    const struct seen s = seen_of(&t->of, t->bins, AX_SHORT_TAIL_BINS);
    return level_of(&s, rate);
}

double ax_tail_median(const struct ax_tail *t)
{
    double below = 0;
    for (uint32_t i = 0; i < AX_TAIL_BINS; i++) {
        below += (double)t->bins[i];
        if (2 * below >= (double)t->of.total && below > 0)
            return middle_of(i);
    }
    return 0;
}

static void sums_save(const struct ax_tail_sums *t, struct ax_buf *out)
{
    ax_put_f32(out, t->total);
    ax_put_f32(out, t->increment);
    ax_put_varint(out, t->n);
}

static void sums_load(struct ax_tail_sums *t, struct ax_bytes *in)
{
    t->total = ax_get_f32_in(in, 0, FLT_MAX);
    t->increment = ax_get_f32_in(in, 1, INCREMENT_MAX);
    t->n = ax_get_count(in, UINT32_MAX);
}

void ax_tail_save(const struct ax_tail *t, struct ax_buf *out)
{
    ax_put_f32s(out, t->bins, AX_TAIL_BINS);
    sums_save(&t->of, out);
}

void ax_tail_load(struct ax_tail *t, struct ax_bytes *in)
{
    ax_get_f32s_in(in, t->bins, AX_TAIL_BINS, 0, FLT_MAX, false);
    sums_load(&t->of, in);
}

void ax_short_tail_save(const struct ax_short_tail *t, struct ax_buf *out)
{
    ax_put_f32s(out, t->bins, AX_SHORT_TAIL_BINS);
    sums_save(&t->of, out);
}

void ax_short_tail_load(struct ax_short_tail *t, struct ax_bytes *in)
{
    ax_get_f32s_in(in, t->bins, AX_SHORT_TAIL_BINS, 0, FLT_MAX, false);
    sums_load(&t->of, in);
}
