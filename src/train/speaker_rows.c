/* speaker_rows.c: what is known of a series at a step, as inputs of a model. */
#include "train/speaker_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TIMES 4  /* sine and cosine of the day and of the week */
#define LEVELS 4 /* the last value against the means of three pasts, and how lively the newest steps are */
#define SHORT_SPAN 16
#define MIDDLE_SPAN 60
#define BLOCK 32 /* steps of one level */
#define BLOCKS (AX_SPEAKER_SPAN / BLOCK)
#define CLIP 8.0f
#define DAY_MS 86400000
#define WEEK_MS (7 * (int64_t)DAY_MS)
#define LEAST_SCALE 1e-4 /* of the level: below, a series stands still */

static float clipped(double x)
{
    if (!(x > -(double)CLIP)) /* NaN too: nothing is known */
        return isnan(x) ? 0 : -CLIP;
    return x < (double)CLIP ? (float)x : CLIP;
}

/* A week and a day are told apart only where a lead of the seasons is shorter than them. */
static uint32_t seasons_of(const struct ax_speaker_spec *spec)
{
    return 2 * spec->leads_n;
}

uint32_t ax_speaker_width(const struct ax_speaker_spec *spec, const struct ax_speaker_vocabulary *v)
{
    uint32_t n = 1 + spec->features_n + TIMES + LEVELS + seasons_of(spec);
    for (uint32_t i = 0; i < spec->categories_n; i++)
        n += v->n[i];
    return n;
}

/* Mean of the newest `span` values of a view, gaps left out; NaN without. */
static double mean_of(const struct ax_view *v, uint32_t span)
{
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t i = v->n > span ? v->n - span : 0; i < v->n; i++)
        if (!isnan(v->v[i])) {
            sum += (double)v->v[i];
            n++;
        }
    return n ? sum / n : (double)NAN;
}

/* Mean |difference from the mean| of the newest `span` values; 0 without. */
static double deviation_of(const struct ax_view *v, uint32_t span, double mean)
{
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t i = v->n > span ? v->n - span : 0; i < v->n; i++)
        if (!isnan(v->v[i])) {
            sum += fabs((double)v->v[i] - mean);
            n++;
        }
    return n ? sum / n : 0;
}

/* Mean |difference from the mean| of a block of which at least half is there; NaN without. */
static double deviation_of_block(const struct ax_view *block)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < block->n; i++)
        n += isnan(block->v[i]) ? 0 : 1;
    return n >= BLOCK / 2 ? deviation_of(block, BLOCK, mean_of(block, BLOCK)) : (double)NAN;
}

/* A series' own measure: the middle one of the deviations of its newest blocks, each from its own level, so
 * that a change of level between two blocks, or within one, is no part of it. Of a series that stands still
 * in most of them, and of a young one, the deviation of all. */
static double measure_of(const struct ax_view *v, double mean)
{
    double sorted[BLOCKS];
    uint32_t n = 0;
    for (uint32_t i = 1; i <= BLOCKS && i * BLOCK <= v->n; i++) {
        const double x = deviation_of_block(&(struct ax_view){.v = v->v + (v->n - i * BLOCK), .n = BLOCK});
        if (isnan(x))
            continue;
        uint32_t at = n++;
        for (; at && sorted[at - 1] > x; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = x;
    }
    const double middle = n ? sorted[n / 2] : 0;
    return middle > 0 ? middle : deviation_of(v, AX_SPEAKER_SPAN, mean);
}

static double at_least(double scale, double level)
{
    const double least = LEAST_SCALE * fabs(level) + 1e-12;
    return scale > least ? scale : least;
}

/* One column of a row from the newest steps of a view: (value - from) / scale. */
static void put_column(const struct ax_view *v, uint32_t sequence, uint32_t width, double from, double scale,
                       float *column)
{
    double before = NAN;
    for (uint32_t i = 0; i < sequence; i++) {
        const uint32_t ago = sequence - 1 - i;
        const double x = ago < v->n ? (double)v->v[v->n - 1 - ago] : (double)NAN;
        if (!isnan(x))
            before = x; /* a gap is bridged by the value before it */
        column[(size_t)i * width] = clipped((before - from) / scale);
    }
}

/* The same number at each step. */
static void put_constant(uint32_t sequence, uint32_t width, double x, float *column)
{
    const float f = clipped(x);
    for (uint32_t i = 0; i < sequence; i++)
        column[(size_t)i * width] = f;
}

/* By the clocks of the series, as its seasons. */
static void put_times(const struct ax_speaker_spec *spec, const struct ax_past *p, uint32_t width,
                      float *column)
{
    for (uint32_t i = 0; i < spec->sequence; i++, column += width) {
        const int64_t then = p->t_ms - (int64_t)(spec->sequence - 1 - i) * spec->step_ms,
                      at = then + ax_local_offset_ms(p->clocks, then);
        const double day = 2 * M_PI * (double)(at % DAY_MS) / DAY_MS,
                     week = 2 * M_PI * (double)(at % WEEK_MS) / (double)WEEK_MS;
        column[0] = (float)sin(day);
        column[1] = (float)cos(day);
        column[2] = (float)sin(week);
        column[3] = (float)cos(week);
    }
}

/* What the series did over each lead one season ago. */
static float *put_season(const struct ax_speaker_spec *spec, const struct ax_past *p, int64_t season_ms,
                         uint32_t width, double scale, float *column)
{
    const uint32_t season = season_ms % spec->step_ms == 0 ? (uint32_t)(season_ms / spec->step_ms) : 0;
    const double then = ax_past_season(p, season, 0, 1);
    for (uint32_t k = 0; k < spec->leads_n; k++) {
        /* A longer lead than the season looks further back, and so does its beginning. */
        const bool within = spec->leads[k] <= season;
        const double moved = within ? ax_past_season(p, season, spec->leads[k], 1) - then : (double)NAN;
        put_constant(spec->sequence, width, moved / scale, column++);
    }
    return column;
}

static float *put_categories(const struct ax_speaker_spec *spec, const struct ax_speaker_vocabulary *v,
                             const uint8_t *codes, uint32_t width, float *column)
{
    for (uint32_t i = 0; i < spec->categories_n; i++)
        for (uint32_t k = 0; k < v->n[i]; k++)
            put_constant(spec->sequence, width, codes[i] == k + 1 ? 1 : 0, column++);
    return column;
}

bool ax_speaker_row_of(const struct ax_speaker_spec *spec, const struct ax_speaker_vocabulary *v,
                       const struct ax_speaker_past *p, const uint8_t *codes, float *row,
                       struct ax_speaker_frame *frame)
{
    const struct ax_view *fine = &p->target.fine;
    const uint32_t width = ax_speaker_width(spec, v), sequence = spec->sequence;
    const double last = ax_past_last(&p->target, AX_BRIDGE_MAX), mean = mean_of(fine, AX_SPEAKER_SPAN);
    if (isnan(last) || isnan(mean))
        return false;
    const double scale = at_least(measure_of(fine, mean), mean);
    const double near = mean_of(fine, SHORT_SPAN);
    float *column = row;
    put_column(fine, sequence, width, last, scale, column++);
    for (uint32_t i = 0; i < spec->features_n; i++) {
        const struct ax_view *f = &p->features[i];
        const double level = mean_of(f, AX_SPEAKER_SPAN);
        put_column(f, sequence, width, level, at_least(deviation_of(f, AX_SPEAKER_SPAN, level), level),
                   column++);
    }
    put_times(spec, &p->target, width, column);
    column += TIMES;
    put_constant(sequence, width, (near - last) / scale, column++);
    put_constant(sequence, width, (mean_of(fine, MIDDLE_SPAN) - last) / scale, column++);
    put_constant(sequence, width, (mean - last) / scale, column++);
    put_constant(sequence, width, deviation_of(fine, SHORT_SPAN, near) / scale, column++);
    column = put_season(spec, &p->target, DAY_MS, width, scale, column);
    column = put_season(spec, &p->target, WEEK_MS, width, scale, column);
    (void)put_categories(spec, v, codes, width, column);
    *frame = (struct ax_speaker_frame){last, scale};
    return true;
}

struct ax_str ax_speaker_label(const struct ax_speaker_past *p, struct ax_str name)
{
    for (uint32_t i = 0; i < p->labels_n; i++)
        if (ax_str_eq(p->labels[i].name, name))
            return p->labels[i].value;
    return (struct ax_str){"", 0};
}

void ax_speaker_codes(const struct ax_speaker_spec *spec, const struct ax_speaker_vocabulary *v,
                      const struct ax_speaker_past *p, uint8_t *codes)
{
    for (uint32_t i = 0; i < spec->categories_n; i++) {
        const struct ax_str value = ax_speaker_label(p, spec->categories[i]);
        codes[i] = 0;
        for (uint32_t k = 0; k < v->n[i] && !codes[i]; k++)
            if (ax_str_eq(value, ax_str(v->values[i][k])))
                codes[i] = (uint8_t)(k + 1);
    }
}

bool ax_speaker_row(const struct ax_speaker_spec *spec, const struct ax_speaker_vocabulary *v,
                    const struct ax_speaker_past *p, float *row, struct ax_speaker_frame *frame)
{
    uint8_t codes[AX_SPEAKER_CATEGORIES_MAX];
    ax_speaker_codes(spec, v, p, codes);
    return ax_speaker_row_of(spec, v, p, codes, row, frame);
}

enum ax_err ax_speaker_vocabulary_add(struct ax_speaker_vocabulary *v, uint32_t category, struct ax_str value)
{
    /* A line break would end it in the model file. */
    if (v->n[category] == AX_SPEAKER_VALUES_MAX || value.n == 0 || memchr(value.p, '\n', value.n))
        return AX_OK;
    for (uint32_t k = 0; k < v->n[category]; k++)
        if (ax_str_eq(value, ax_str(v->values[category][k])))
            return AX_OK;
    char *copy = malloc(value.n + 1);
    if (!copy)
        return AX_NOMEM;
    memcpy(copy, value.p, value.n);
    copy[value.n] = 0;
    v->values[category][v->n[category]++] = copy;
    return AX_OK;
}

void ax_speaker_vocabulary_done(struct ax_speaker_vocabulary *v)
{
    for (uint32_t i = 0; i < AX_SPEAKER_CATEGORIES_MAX; i++)
        for (uint32_t k = 0; k < v->n[i]; k++)
            free(v->values[i][k]);
}
