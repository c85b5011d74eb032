/* depth.c: logarithms of values, beside their mean. */
#include "anomaly/depth.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define LEAST 0.05                   /* of the mean */
#define FELL 0.5                     /* of what was of late */
#define LEVEL_MIN 0.6931471805599453 /* ln 2: half of what is usual */
#define LEVEL_EVERY 8
#define LEVEL_ALWAYS_UNTIL 256
#define BLIP 3           /* values; what was over so soon is noise of this series */
#define POINTS 240       /* before which nobody knows how deep is rare */
#define YOUNG 60.0       /* values, before which one counts for less */
#define NEARLY 0.9       /* of the depth of zero: no level is deeper, */
#define AS_DEEP 0.75     /* until falls of so much of it */
#define VISITS 2.0       /* came so often */
#define MEAN_MAX 1.01e38 /* of values up to 1e38 */

void ax_depth_init(struct ax_depth *d, uint32_t memory_steps)
{
    memset(d, 0, sizeof *d);
    ax_short_tail_init(&d->tail, memory_steps);
    d->level = (float)LEVEL_MIN;
}

static double memory_of(const struct ax_depth *d)
{
    return 1 / ((double)d->tail.of.growth - 1);
}

static double least_of(const struct ax_depth *d)
{
    return fmax(LEAST * d->mean, DBL_MIN);
}

static double log_of(const struct ax_depth *d, double value)
{
    return log(fmax(value, 0) + least_of(d));
}

/* The depth of zero: no value has a greater one. */
static double bottom_of(const struct ax_depth *d)
{
    return fmax(d->log - log_of(d, 0), 0);
}

/* Depths that a value or an abnormality had. */
static void visit(struct ax_depth *d, double deepest, double teaches, double weight)
{
    if (deepest > 0 && deepest >= AS_DEEP * bottom_of(d))
        d->bottom += (float)weight;
    ax_short_tail_add(&d->tail, teaches, weight);
}

/* The depth that is rare. What the tail draws beyond that of zero says only that no such depth is known. */
static double level_of(const struct ax_depth *d, double rate)
{
    const double usual = fmax(VISITS, rate * fmin((double)d->tail.of.n, memory_of(d))),
                 level = ax_short_tail_level(&d->tail, rate);
    return fmax((double)d->bottom < usual ? fmin(level, NEARLY * bottom_of(d)) : level, LEVEL_MIN);
}

double ax_depth_edge(const struct ax_depth *d, double recent)
{
    if (d->tail.of.n < POINTS || (d->negative && (double)d->since < memory_of(d)))
        return -INFINITY;
    const double rare = exp(d->log - (double)d->level) - least_of(d);
    return isnan(recent) ? 0 : fmax(fmin(FELL * recent, rare), 0);
}

double ax_depth_score(const struct ax_depth *d, double value, double edge)
{
    return value < edge ? fmax((d->log - log_of(d, value)) / (double)d->level, 1) : 0;
}

/* An abnormality is over. */
static void end(struct ax_depth *d)
{
    const double deepest = (double)d->deepest;
    if (d->lasts > 0)
        visit(d, deepest, d->lasts <= BLIP ? deepest : fmin(deepest, (double)d->level), 1);
    d->lasts = 0;
    d->deepest = 0;
}

void ax_depth_learn(struct ax_depth *d, double value, bool abnormal, double rate, uint32_t turn)
{
    d->negative = d->negative || value < 0;
    d->since = value < 0 ? 0 : d->since + (d->since < UINT32_MAX);
    if (!(d->mean > 0) && (abnormal || !(value > 0)))
        return; /* zeros that a series begins with say nothing of what is usual */
    if (abnormal) {
        d->deepest = fmaxf(d->deepest, (float)fmax(d->log - log_of(d, value), 0));
        d->lasts = (uint8_t)(d->lasts + (d->lasts <= BLIP));
        return;
    }
    end(d);
    const double share = 1 / fmin((double)d->tail.of.n + 1, memory_of(d));
    d->mean += (fmax(value, 0) - d->mean) * share;
    const double at = log_of(d, value);
    d->log += (at - d->log) * share;
    const double age = fmin((double)(d->tail.of.n + 1) / YOUNG, 1), depth = fmax(d->log - at, 0);
    d->bottom /= d->tail.of.growth;
    visit(d, depth, depth, age * age);
    if (d->tail.of.n < LEVEL_ALWAYS_UNTIL || (d->tail.of.n + turn) % LEVEL_EVERY == 0)
        d->level = (float)level_of(d, rate);
}

void ax_depth_save(const struct ax_depth *d, struct ax_buf *out)
{
    ax_short_tail_save(&d->tail, out);
    ax_put_f64(out, d->log);
    ax_put_f64(out, d->mean);
    ax_put_varint(out, d->since);
    ax_put_u8(out, d->negative);
    ax_put_f32(out, d->level);
    ax_put_f32(out, d->deepest);
    ax_put_varint(out, d->lasts);
    ax_put_f32(out, d->bottom);
}

void ax_depth_load(struct ax_depth *d, struct ax_bytes *in)
{
    ax_short_tail_load(&d->tail, in);
    d->log = ax_get_f64_in(in, -DBL_MAX_EXP, DBL_MAX_EXP);
    d->mean = ax_get_f64_in(in, 0, MEAN_MAX);
    d->since = ax_get_count(in, UINT32_MAX);
    d->negative = ax_get_bool(in);
    d->level = ax_get_f32_in(in, (float)LEVEL_MIN, FLT_MAX);
    d->deepest = ax_get_f32_in(in, 0, FLT_MAX);
    d->lasts = (uint8_t)ax_get_count(in, BLIP + 1);
    d->bottom = ax_get_f32_in(in, 0, FLT_MAX);
}
