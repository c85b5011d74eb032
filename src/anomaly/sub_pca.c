/* sub_pca.c: an autocorrelation for the period, a covariance of rows for the components. */
#include "anomaly/sub_pca.h"

#include "math/eigen.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define POINTS AX_SUB_PCA_POINTS
#define ROWS_MAX 128
#define ROWS_MIN (2 * POINTS)
#define PEAK 0.3
#define EXPLAINED 0.9
#define HIGHER 1.1      /* times the first peak: a later one is the period */
#define FILL_ROUNDS 5   /* that a missing value is what the others make of it */
#define FIRST_STEPS 192 /* before a fit */
#define EVERY_STEPS 192
#define APART 96 /* fits of series that began together are spread over so many steps */

/* Rows as they are read: centred by one of their values, so that squares of large levels do not cancel. */
struct rows {
    uint32_t n;
    double centre, scale;
    double sum[POINTS], square[POINTS * POINTS]; /* its lower triangle */
};

/* v[k] of n; NaN when it is not to be used. */
static float at(const float *v, uint32_t n, const struct ax_marks *marks, uint32_t k)
{
    return ax_marks_has(marks, n - 1 - k) ? NAN : v[k];
}

static void add_row(struct rows *r, const double *x)
{
    for (uint32_t i = 0; i < POINTS; i++) {
        r->sum[i] += x[i];
        for (uint32_t k = 0; k <= i; k++)
            r->square[i * POINTS + k] += x[i] * x[k];
    }
    r->n++;
}

/* Sum up the rows, ROWS_MAX of them at most, evenly spread. */
static void gather(const float *v, uint32_t n, uint32_t spacing, struct rows *r)
{
    const uint32_t first = (POINTS - 1) * spacing, apart = (n - 1 - first + ROWS_MAX) / ROWS_MAX;
    for (uint32_t end = n - 1; end >= first && end < n; end -= apart) {
        double x[POINTS];
        bool whole = true;
        for (uint32_t i = 0; i < POINTS && whole; i++) {
            const double value = (double)v[end - (POINTS - 1 - i) * spacing];
            x[i] = (value - r->centre) * r->scale;
            whole = !isnan(value);
        }
        if (whole)
            add_row(r, x);
    }
}

/* Middle and width of the values. */
static bool range_of(const float *v, uint32_t n, double *centre, double *scale)
{
    float low = INFINITY, high = -INFINITY;
    for (uint32_t i = 0; i < n; i++) {
        low = fminf(low, v[i]); /* these pass over NaN */
        high = fmaxf(high, v[i]);
    }
    *centre = 0.5 * ((double)low + (double)high);
    *scale = 1 / ((double)high - (double)low);
    return high > low && isfinite(*scale);
}

static uint32_t enough(const double *values)
{
    double all = 0, sum = 0;
    uint32_t k = 0;
    for (uint32_t i = 0; i < POINTS; i++)
        all += fmax(values[i], 0);
    while (k < AX_SUB_PCA_COMPONENTS && sum < EXPLAINED * all)
        sum += fmax(values[k++], 0);
    return k;
}

static bool fit(struct ax_sub_pca *s, const float *v, uint32_t n, uint32_t spacing)
{
    double values[POINTS], vectors[POINTS * POINTS];
    struct rows r = {.n = 0};
    if (n <= (POINTS - 1) * spacing || !range_of(v, n, &r.centre, &r.scale))
        return false;
    gather(v, n, spacing, &r);
    if (r.n < ROWS_MIN)
        return false;
    for (uint32_t i = 0; i < POINTS; i++)
        r.sum[i] /= r.n;
    for (uint32_t i = 0; i < POINTS; i++)
        for (uint32_t k = 0; k <= i; k++)
            r.square[i * POINTS + k] = r.square[i * POINTS + k] / r.n - r.sum[i] * r.sum[k];
    if (ax_eigen(POINTS, r.square, values, vectors) != AX_OK || !(values[0] > 0))
        return false;
    s->spacing = spacing;
    s->components = enough(values);
    for (uint32_t i = 0; i < POINTS; i++)
        s->mean[i] = (float)(r.centre + r.sum[i] / r.scale);
    memset(s->directions, 0, sizeof s->directions);
    for (uint32_t c = 0; c < s->components; c++)
        for (uint32_t i = 0; i < POINTS; i++)
            s->directions[c][i] = (float)vectors[c * POINTS + i];
    return true;
}

bool ax_sub_pca_fit(struct ax_sub_pca *s, const float *v, uint32_t n, const struct ax_marks *marks,
                    uint32_t spacing)
{
    float x[AX_NEIGHBOURS_PAST];
    for (uint32_t i = 0; i < n; i++)
        x[i] = at(v, n, marks, i);
    return fit(s, x, n, spacing);
}

/* Take what the components explain of x out of it, into known. */
static void explain(const struct ax_sub_pca *s, const double *x, double *known)
{
    memset(known, 0, POINTS * sizeof *known);
    for (uint32_t c = 0; c < s->components; c++) {
        double dot = 0;
        for (uint32_t i = 0; i < POINTS; i++)
            dot += x[i] * (double)s->directions[c][i];
        for (uint32_t i = 0; i < POINTS; i++)
            known[i] += dot * (double)s->directions[c][i];
    }
}

double ax_sub_pca_distance(const struct ax_sub_pca *s, const float *v, uint32_t n,
                           const struct ax_marks *marks)
{
    double x[POINTS], known[POINTS], all = 0;
    bool missing[POINTS], whole = true;
    if (s->spacing == 0 || n <= (POINTS - 1) * s->spacing || isnan(v[n - 1]))
        return (double)NAN;
    for (uint32_t i = 0; i < POINTS; i++) {
        const uint32_t k = n - 1 - (POINTS - 1 - i) * s->spacing;
        const double value = (double)at(v, n, marks, k);
        missing[i] = isnan(value) && i < POINTS - 1;
        x[i] = missing[i] ? 0 : (double)v[k] - (double)s->mean[i];
        whole = whole && !missing[i];
    }
    explain(s, x, known);
    for (int round = 0; round < FILL_ROUNDS && !whole; round++) {
        for (uint32_t i = 0; i < POINTS; i++)
            x[i] = missing[i] ? known[i] : x[i];
        explain(s, x, known);
    }
    for (uint32_t i = 0; i < POINTS; i++)
        all += missing[i] ? 0 : (x[i] - known[i]) * (x[i] - known[i]);
    return sqrt(all);
}

uint32_t ax_sub_pca_period(const float *v, uint32_t n)
{
    float x[AX_NEIGHBOURS_PAST];
    double sum = 0, seen = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!isnan(v[i])) {
            sum += (double)v[i];
            seen++;
        }
    float mean = (float)(sum / seen), square = 0;
    for (uint32_t i = 0; i < n; i++) {
        x[i] = isnan(v[i]) ? 0 : v[i] - mean;
        square += x[i] * x[i];
    }
    uint32_t best = 0;
    double highest = PEAK, before = INFINITY, now = INFINITY;
    for (uint32_t lag = POINTS; lag <= n / 3 + 1; lag++) {
        float with = 0;
        for (uint32_t i = lag; i < n; i++)
            with += x[i] * x[i - lag];
        const double next = (double)with / (double)square * n / (n - lag);
        if (now > before && now >= next && now > highest) {
            highest = HIGHER * now;
            best = lag - 1;
        }
        before = now;
        now = next;
    }
    return best;
}

/* To what is before the newest value, of which nobody has said yet what it is, and was not flagged: one that
 * is far away would hide the period, and make all others alike. */
static void fit_anew(struct ax_sub_pca *s, const float *v, uint32_t n, const struct ax_marks *marks)
{
    float x[AX_NEIGHBOURS_PAST];
    double centre, scale;
    for (uint32_t i = 0; i < n - 1; i++)
        x[i] = at(v, n, marks, i);
    if (!range_of(x, n - 1, &centre, &scale))
        return;
    const uint32_t period = ax_sub_pca_period(x, n - 1), length = period ? period : AX_SUB_PCA_PLAIN;
    (void)fit(s, x, n - 1, (length + POINTS / 2) / POINTS);
}

double ax_sub_pca_step(struct ax_sub_pca *s, const float *v, uint32_t n, const struct ax_marks *marks,
                       uint32_t turn)
{
    if (n > AX_NEIGHBOURS_PAST) {
        v += n - AX_NEIGHBOURS_PAST;
        n = AX_NEIGHBOURS_PAST;
    }
    if (n == 0 || isnan(v[n - 1]))
        return (double)NAN;
    const double distance = ax_sub_pca_distance(s, v, n, marks);
    s->wait -= s->wait > 0;
    if (s->wait == 0 && n >= FIRST_STEPS + turn % APART) {
        fit_anew(s, v, n, marks);
        s->wait = EVERY_STEPS + turn % APART;
    }
    return distance;
}

void ax_sub_pca_save(const struct ax_sub_pca *s, struct ax_buf *out)
{
    ax_put_varint(out, s->spacing);
    ax_put_varint(out, s->components);
    ax_put_varint(out, s->wait);
    ax_put_f32s(out, s->mean, POINTS);
    for (uint32_t c = 0; c < s->components; c++)
        ax_put_f32s(out, s->directions[c], POINTS);
}

void ax_sub_pca_load(struct ax_sub_pca *s, struct ax_bytes *in)
{
    s->spacing = ax_get_count(in, AX_NEIGHBOURS_PAST / POINTS);
    s->components = ax_get_count(in, AX_SUB_PCA_COMPONENTS);
    s->wait = ax_get_count(in, EVERY_STEPS + APART);
    ax_get_f32s_in(in, s->mean, POINTS, -FLT_MAX, FLT_MAX, false);
    for (uint32_t c = 0; c < s->components; c++)
        ax_get_f32s_in(in, s->directions[c], POINTS, -2, 2, false);
}
