/* scorecard.c: sums over buckets of time, and co-moments that merge (Chan, Golub and LeVeque 1979), so that
 * a window of 24 h is read without keeping what is in it. */
#include "forecast/scorecard.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET_MS 900000
#define EMPTY INT64_MIN
#define STATE_VERSION 1
#define INDEX_MAX ((INT64_C(1) << 53) / BUCKET_MS)

struct bucket {
    uint64_t n, within, inside, nonzero;
    double ape;                            /* sum of |error / actual| where actual is not 0 */
    double error, error_last, magnitude;   /* sums of |error|, |error of the last value|, |actual| */
    double squared;                        /* sum of squared errors */
    double mean_a, mean_f, m2_a, m2_f, co; /* of actual and forecast */
};

struct ax_scorecard {
    uint32_t horizons_n, buckets_n;
    double tolerance;
    int64_t *index;         /* [buckets_n]: which bucket of time it holds now, for all horizons */
    struct bucket *buckets; /* [buckets_n x horizons_n] */
};

struct ax_scorecard *ax_scorecard_new(uint32_t horizons_n, int64_t window_ms, double tolerance)
{
    AX_ASSERT(horizons_n > 0 && window_ms > 0);
    struct ax_scorecard *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->horizons_n = horizons_n;
    s->buckets_n = (uint32_t)((window_ms + BUCKET_MS - 1) / BUCKET_MS);
    s->tolerance = tolerance;
    s->index = calloc(s->buckets_n, sizeof *s->index);
    s->buckets = calloc((size_t)s->buckets_n * horizons_n, sizeof *s->buckets);
    if (!s->index || !s->buckets) {
        ax_scorecard_free(s);
        return NULL;
    }
    for (uint32_t i = 0; i < s->buckets_n; i++)
        s->index[i] = EMPTY;
    return s;
}

void ax_scorecard_free(struct ax_scorecard *s)
{
    if (!s)
        return;
    free(s->index);
    free(s->buckets);
    free(s);
}

/* Which bucket of time; floored, also before the epoch. */
static int64_t bucket_index(int64_t t_ms)
{
    return t_ms / BUCKET_MS - (t_ms % BUCKET_MS < 0);
}

static uint32_t place_of(const struct ax_scorecard *s, int64_t index)
{
    int64_t m = index % s->buckets_n;
    return (uint32_t)(m < 0 ? m + s->buckets_n : m);
}

void ax_scorecard_add(struct ax_scorecard *s, int64_t t_ms, const struct ax_outcome *o)
{
    AX_ASSERT(o->horizon < s->horizons_n);
    int64_t index = bucket_index(t_ms);
    uint32_t place = place_of(s, index);
    struct bucket *row = s->buckets + (size_t)place * s->horizons_n;
    if (s->index[place] != index) {
        memset(row, 0, s->horizons_n * sizeof *row);
        s->index[place] = index;
    }
    struct bucket *b = row + o->horizon;
    double error = fabs(o->mean - o->actual), magnitude = fabs(o->actual);
    b->n++;
    b->within += error <= s->tolerance * magnitude;
    b->inside += o->actual >= o->lower && o->actual <= o->upper;
    if (magnitude > 0) {
        b->ape += error / magnitude;
        b->nonzero++;
    }
    b->error += error;
    b->error_last += fabs(o->last_value - o->actual);
    b->magnitude += magnitude;
    b->squared += error * error;
    double da = o->actual - b->mean_a, df = o->mean - b->mean_f, n = (double)b->n;
    b->mean_a += da / n;
    b->mean_f += df / n;
    b->m2_a += da * (o->actual - b->mean_a);
    b->m2_f += df * (o->mean - b->mean_f);
    b->co += da * (o->mean - b->mean_f);
}

static void merge(struct bucket *to, const struct bucket *b)
{
    if (b->n == 0)
        return;
    double n = (double)to->n, k = (double)b->n, sum = n + k;
    double da = b->mean_a - to->mean_a, df = b->mean_f - to->mean_f;
    to->m2_a += b->m2_a + da * da * n * k / sum;
    to->m2_f += b->m2_f + df * df * n * k / sum;
    to->co += b->co + da * df * n * k / sum;
    to->mean_a += da * k / sum;
    to->mean_f += df * k / sum;
    to->n += b->n;
    to->within += b->within;
    to->inside += b->inside;
    to->nonzero += b->nonzero;
    to->ape += b->ape;
    to->error += b->error;
    to->error_last += b->error_last;
    to->magnitude += b->magnitude;
    to->squared += b->squared;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : (double)NAN;
}

struct ax_score ax_scorecard_read(const struct ax_scorecard *s, int64_t t_ms, uint32_t horizon)
{
    AX_ASSERT(horizon < s->horizons_n);
    struct bucket all = {0};
    int64_t newest = bucket_index(t_ms), oldest = newest - s->buckets_n + 1;
    for (int64_t index = oldest; index <= newest; index++) { /* in order of time: the same bits always */
        uint32_t place = place_of(s, index);
        if (s->index[place] == index)
            merge(&all, &s->buckets[(size_t)place * s->horizons_n + horizon]);
    }
    double n = (double)all.n;
    return (struct ax_score){.n = all.n,
                             .accuracy = ratio((double)all.within, n),
                             .mape = ratio(all.ape, (double)all.nonzero),
                             .wape = ratio(all.error, all.magnitude),
                             .mae = ratio(all.error, n),
                             .rmse = sqrt(ratio(all.squared, n)),
                             .correlation = ratio(all.co, sqrt(all.m2_a) * sqrt(all.m2_f)),
                             .coverage = ratio((double)all.inside, n),
                             .skill = all.error_last > 0 ? 1 - all.error / all.error_last : (double)NAN};
}

static void bucket_save(const struct bucket *b, struct ax_buf *out)
{
    const uint64_t counts[] = {b->n, b->within, b->inside, b->nonzero};
    const double sums[] = {b->ape,    b->error,  b->error_last, b->magnitude, b->squared,
                           b->mean_a, b->mean_f, b->m2_a,       b->m2_f,      b->co};
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++)
        ax_put_varint(out, counts[i]);
    for (unsigned i = 0; i < sizeof sums / sizeof sums[0] && b->n; i++)
        ax_put_f64(out, sums[i]);
}

static void bucket_load(struct bucket *b, struct ax_bytes *in)
{
    uint64_t *const counts[] = {&b->n, &b->within, &b->inside, &b->nonzero};
    double *const sums[] = {&b->ape,    &b->error,  &b->error_last, &b->magnitude, &b->squared,
                            &b->mean_a, &b->mean_f, &b->m2_a,       &b->m2_f,      &b->co};
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        *counts[i] = ax_get_varint(in);
        if (*counts[i] > b->n)
            (void)ax_bytes_fail(in);
    }
    for (unsigned i = 0; i < sizeof sums / sizeof sums[0] && b->n; i++)
        *sums[i] = ax_get_f64(in);
}

void ax_scorecard_save(const struct ax_scorecard *s, struct ax_buf *out)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < s->buckets_n; i++)
        used += s->index[i] != EMPTY;
    ax_put_u8(out, STATE_VERSION);
    ax_put_varint(out, s->horizons_n);
    ax_put_varint(out, s->buckets_n);
    ax_put_varint(out, used);
    for (uint32_t i = 0; i < s->buckets_n; i++) {
        if (s->index[i] == EMPTY)
            continue;
        ax_put_svarint(out, s->index[i]);
        for (uint32_t h = 0; h < s->horizons_n; h++)
            bucket_save(&s->buckets[(size_t)i * s->horizons_n + h], out);
    }
}

enum ax_err ax_scorecard_load(struct ax_scorecard *s, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    if (ax_get_varint(in) != s->horizons_n || ax_get_varint(in) != s->buckets_n)
        return ax_bytes_fail(in);
    uint32_t used = ax_get_count(in, s->buckets_n);
    for (uint32_t i = 0; i < used && in->err == AX_OK; i++) {
        int64_t index = ax_get_svarint(in);
        if (index < -INDEX_MAX || index > INDEX_MAX)
            return ax_bytes_fail(in);
        uint32_t place = place_of(s, index);
        if (s->index[place] != EMPTY)
            return ax_bytes_fail(in);
        s->index[place] = index;
        for (uint32_t h = 0; h < s->horizons_n; h++)
            bucket_load(&s->buckets[(size_t)place * s->horizons_n + h], in);
    }
    return in->err;
}
