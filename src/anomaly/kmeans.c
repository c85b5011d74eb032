/* kmeans.c: Lloyd's rounds: each row to its nearest centre, each centre to the mean of its rows. */
#include "anomaly/kmeans.h"

#include "base/rng.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STATE_VERSION 1
#define LANES 16 /* sums at once, which the compiler may keep in vectors */

struct ax_kmeans {
    uint32_t k, width;
    float centres[];
};

static struct ax_kmeans *make(uint32_t k, uint32_t width)
{
    struct ax_kmeans *m = calloc(1, sizeof *m + (size_t)k * width * sizeof m->centres[0]);
    if (m) {
        m->k = k;
        m->width = width;
    }
    return m;
}

void ax_kmeans_free(struct ax_kmeans *m)
{
    free(m);
}

const float *ax_kmeans_centres(const struct ax_kmeans *m)
{
    return m->centres;
}

static double squared(uint32_t width, const float *a, const float *b)
{
    float lanes[LANES] = {0};
    uint32_t i = 0;
    for (; i + LANES <= width; i += LANES)
        for (uint32_t l = 0; l < LANES; l++) {
            float d = a[i + l] - b[i + l];
            lanes[l] += d * d;
        }
    double sum = 0;
    for (; i < width; i++) {
        double d = (double)a[i] - (double)b[i];
        sum += d * d;
    }
    for (uint32_t l = 0; l < LANES; l++)
        sum += (double)lanes[l];
    return sum;
}

static uint32_t nearest_of(const struct ax_kmeans *m, const float *x, double *distance)
{
    uint32_t best = 0;
    *distance = INFINITY;
    for (uint32_t c = 0; c < m->k; c++) {
        double d = squared(m->width, x, m->centres + (size_t)c * m->width);
        if (d < *distance) {
            *distance = d;
            best = c;
        }
    }
    return best;
}

double ax_kmeans_distance(const struct ax_kmeans *m, const float *x, const float **nearest)
{
    double d;
    uint32_t at = nearest_of(m, x, &d);
    if (nearest)
        *nearest = m->centres + (size_t)at * m->width;
    return d;
}

/* Each next centre is a row, the likelier the farther it is from those before it. */
static void draw(struct ax_kmeans *m, uint32_t n, const float *x, uint64_t seed, double *distances)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, seed);
    uint32_t row = (uint32_t)ax_rng_below(&rng, n);
    for (uint32_t i = 0; i < n; i++)
        distances[i] = INFINITY;
    for (uint32_t c = 0; c < m->k; c++) {
        float *centre = m->centres + (size_t)c * m->width;
        double sum = 0;
        memcpy(centre, x + (size_t)row * m->width, m->width * sizeof *centre);
        for (uint32_t i = 0; i < n; i++) {
            distances[i] = fmin(distances[i], squared(m->width, x + (size_t)i * m->width, centre));
            sum += distances[i];
        }
        double at = ax_rng_double(&rng) * sum;
        for (row = 0; row + 1 < n && (at -= distances[row]) >= 0;)
            row++;
    }
}

/* One round; false when no row changed its centre. */
static bool round_of(struct ax_kmeans *m, uint32_t n, const float *x, uint32_t *of, double *sums,
                     double *inertia)
{
    uint32_t counts[AX_KMEANS_K_MAX] = {0}, farthest = 0;
    double farthest_d = -1;
    bool changed = false;
    memset(sums, 0, (size_t)m->k * m->width * sizeof *sums);
    *inertia = 0;
    for (uint32_t i = 0; i < n; i++) {
        double d;
        uint32_t at = nearest_of(m, x + (size_t)i * m->width, &d);
        changed = changed || of[i] != at;
        of[i] = at;
        counts[at]++;
        *inertia += d;
        if (d > farthest_d) {
            farthest_d = d;
            farthest = i;
        }
        for (uint32_t j = 0; j < m->width; j++)
            sums[(size_t)at * m->width + j] += (double)x[(size_t)i * m->width + j];
    }
    for (uint32_t c = 0; c < m->k && changed; c++)
        for (uint32_t j = 0; j < m->width; j++)
            m->centres[(size_t)c * m->width + j] = counts[c]
                                                       ? (float)(sums[(size_t)c * m->width + j] / counts[c])
                                                       : x[(size_t)farthest * m->width + j];
    return changed;
}

enum ax_err ax_kmeans_fit(const struct ax_kmeans_spec *spec, uint32_t n, uint32_t width, const float *x,
                          struct ax_kmeans **out, double *inertia)
{
    uint32_t k = spec->k;
    *out = NULL;
    if (k == 0 || k > AX_KMEANS_K_MAX || n < k || width == 0 || width > AX_KMEANS_WIDTH_MAX)
        return AX_INVALID;
    struct ax_kmeans *m = make(k, width);
    uint32_t *of = malloc(n * sizeof *of);
    double *sums = malloc((size_t)k * width * sizeof *sums), *distances = malloc(n * sizeof *distances),
           left = 0;
    bool whole = m && of && sums && distances;
    if (whole) {
        memset(of, 0xff, n * sizeof *of);
        if (spec->start)
            memcpy(m->centres, spec->start, (size_t)k * width * sizeof *m->centres);
        else
            draw(m, n, x, spec->seed, distances);
        for (uint32_t i = 0; i < spec->rounds_max && round_of(m, n, x, of, sums, &left); i++)
            ;
        *out = m;
    }
    if (inertia)
        *inertia = left;
    free(of);
    free(sums);
    free(distances);
    if (whole)
        return AX_OK;
    free(m);
    return AX_NOMEM;
}

void ax_kmeans_save(const struct ax_kmeans *m, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    ax_put_varint(out, m->k);
    ax_put_varint(out, m->width);
    ax_put_f32s(out, m->centres, m->k * m->width);
}

enum ax_err ax_kmeans_load(struct ax_bytes *in, uint32_t width, struct ax_kmeans **out)
{
    *out = NULL;
    ax_get_version(in, STATE_VERSION);
    uint32_t k = ax_get_count(in, AX_KMEANS_K_MAX);
    if (ax_get_count(in, AX_KMEANS_WIDTH_MAX) != width || in->err != AX_OK || k == 0)
        return ax_bytes_fail(in);
    struct ax_kmeans *m = make(k, width);
    if (!m)
        return AX_NOMEM;
    ax_get_f32s_in(in, m->centres, k * width, -FLT_MAX, FLT_MAX, false);
    if (in->err != AX_OK) {
        free(m);
        return in->err;
    }
    *out = m;
    return AX_OK;
}
