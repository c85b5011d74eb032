/* mcd.c: concentration steps from random starts on a part of the rows, the best of them on all rows. */
#include "anomaly/mcd.h"

#include "base/rng.h"
#include "math/blas.h"
#include "math/chi2.h"
#include "math/eigen.h"
#include "math/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRIALS 60
#define TRIAL_STEPS 2
#define TRIAL_ROWS 1000 /* of the part on which starts compete */
#define FINALISTS 6
#define STEPS_MAX 60
#define KEPT_SHARE 0.975

/* A subset of rows that are close together: where and how. */
struct place {
    double log_determinant;
    double *location, *covariance;
};

/* What is worked on: the rows, and scratch. */
struct fit {
    uint32_t n, p, support;
    double ridge;
    const float *x;
    const uint32_t *rows; /* which of x */
    double *distances, *sorted, *inverse, *factor, *centred;
};

static uint32_t support_of(uint32_t n, uint32_t p)
{
    uint32_t h = (n + p + 2) / 2;
    return h < n ? h : n;
}

static const float *row_of(const struct fit *f, uint32_t i)
{
    return f->x + (size_t)(f->rows ? f->rows[i] : i) * f->p;
}

/* Mean and covariance of the rows whose distance is below a limit, or of all when limit is NaN. */
static uint32_t moments(const struct fit *f, double limit, uint32_t most, struct place *to)
{
    uint32_t p = f->p, n = 0;
    memset(to->location, 0, p * sizeof *to->location);
    for (uint32_t r = 0; r < f->n && n < most; r++) {
        if (f->distances[r] > limit)
            continue;
        for (uint32_t i = 0; i < p; i++)
            f->centred[(size_t)n * p + i] = (double)row_of(f, r)[i];
        for (uint32_t i = 0; i < p; i++)
            to->location[i] += f->centred[(size_t)n * p + i];
        n++;
    }
    for (uint32_t i = 0; i < p; i++)
        to->location[i] /= n;
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t i = 0; i < p; i++)
            f->centred[(size_t)r * p + i] -= to->location[i];
    ax_blas_gram(n, p, f->centred, to->covariance);
    for (uint32_t i = 0; i < p; i++)
        for (uint32_t j = 0; j <= i; j++)
            to->covariance[(size_t)j * p + i] = to->covariance[(size_t)i * p + j] /= n;
    return n;
}

/* Squared distances of all rows from a place, whose determinant is noted. */
static enum ax_err measure(const struct fit *f, struct place *at)
{
    uint32_t p = f->p;
    memcpy(f->factor, at->covariance, (size_t)p * p * sizeof *f->factor);
    memset(f->inverse, 0, (size_t)p * p * sizeof *f->inverse);
    for (uint32_t i = 0; i < p; i++) {
        f->factor[(size_t)i * p + i] += f->ridge;
        f->inverse[(size_t)i * p + i] = 1;
    }
    if (ax_blas_cholesky_solve(p, p, f->factor, f->inverse) != AX_OK)
        return AX_NUMERIC;
    at->log_determinant = 0;
    for (uint32_t i = 0; i < p; i++)
        at->log_determinant += 2 * log(f->factor[(size_t)i * p + i]);
    for (uint32_t r = 0; r < f->n; r++) {
        const float *x = row_of(f, r);
        double d = 0;
        for (uint32_t i = 0; i < p; i++) {
            const double *inverse = f->inverse + (size_t)i * p;
            double sum = 0;
            for (uint32_t j = 0; j < p; j++)
                sum += inverse[j] * ((double)x[j] - at->location[j]);
            d += sum * ((double)x[i] - at->location[i]);
        }
        f->distances[r] = d;
    }
    return isfinite(at->log_determinant) ? AX_OK : AX_NUMERIC;
}

static int by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* The distance that `support` rows are within. */
static double limit_of(const struct fit *f)
{
    memcpy(f->sorted, f->distances, f->n * sizeof *f->sorted);
    qsort(f->sorted, f->n, sizeof *f->sorted, by_value);
    return f->sorted[f->support - 1];
}

/* Steps to the closest rows of the place before, until the determinant stays. */
static enum ax_err concentrate(const struct fit *f, uint32_t steps, struct place *at)
{
    enum ax_err err = measure(f, at);
    double before = INFINITY;
    for (uint32_t i = 0; i < steps && err == AX_OK && at->log_determinant < before; i++) {
        before = at->log_determinant;
        moments(f, limit_of(f), f->support, at);
        err = measure(f, at);
    }
    return err;
}

/* Begin from p + 1 random rows. */
static void begin(const struct fit *f, struct ax_rng *rng, struct place *at)
{
    for (uint32_t r = 0; r < f->n; r++)
        f->distances[r] = 1;
    for (uint32_t i = 0; i <= f->p;) {
        uint32_t r = (uint32_t)ax_rng_below(rng, f->n);
        if (f->distances[r] > 0) {
            f->distances[r] = 0;
            i++;
        }
    }
    moments(f, 0, f->n, at);
}

static size_t place_doubles(uint32_t p)
{
    return p + (size_t)p * p;
}

static void copy_place(uint32_t p, struct place *to, const struct place *from)
{
    to->log_determinant = from->log_determinant;
    memcpy(to->location, from->location, place_doubles(p) * sizeof *to->location);
}

/* Random starts on a part of the rows; the best few are kept, best first. */
static uint32_t compete(const struct fit *f, struct ax_rng *rng, struct place *best)
{
    uint32_t p = f->p, kept = 0;
    struct place *trial = &best[FINALISTS];
    for (uint32_t i = 0; i < TRIALS; i++) {
        begin(f, rng, trial);
        if (concentrate(f, TRIAL_STEPS, trial) != AX_OK)
            continue;
        if (kept == FINALISTS && best[kept - 1].log_determinant <= trial->log_determinant)
            continue;
        uint32_t at = kept < FINALISTS ? kept++ : kept - 1;
        copy_place(p, &best[at], trial);
        for (; at > 0 && best[at - 1].log_determinant > best[at].log_determinant; at--) {
            struct place other = best[at];
            best[at] = best[at - 1];
            best[at - 1] = other;
        }
    }
    return kept;
}

/* The best finalist, concentrated until nothing changes, first on the part and then on all rows. */
static enum ax_err finish(const struct fit *f, const struct fit *all, struct place *best, uint32_t kept)
{
    uint32_t winner = kept;
    for (uint32_t i = 0; i < kept; i++)
        if (concentrate(f, STEPS_MAX, &best[i]) == AX_OK &&
            (winner == kept || best[i].log_determinant < best[winner].log_determinant))
            winner = i;
    if (winner == kept)
        return AX_NUMERIC;
    copy_place(f->p, &best[FINALISTS], &best[winner]);
    return concentrate(all, STEPS_MAX, &best[FINALISTS]);
}

/* Stretch the raw covariance by what half of normal rows lack, and estimate again from all rows that are not
 * far off. */
static enum ax_err reweight(const struct fit *f, const struct place *raw, struct ax_mcd *out)
{
    double df = f->p;
    memcpy(out->raw_location, raw->location, f->p * sizeof *raw->location);
    memcpy(f->sorted, f->distances, f->n * sizeof *f->sorted);
    double correction = ax_median(f->sorted, f->n) / ax_chi2_quantile(df, 0.5);
    if (!(correction > 0) || !isfinite(correction))
        return AX_NUMERIC;
    struct place to = {0, out->location, out->covariance};
    double limit = ax_chi2_quantile(df, KEPT_SHARE) * correction;
    return moments(f, nextafter(limit, 0), f->n, &to) > 0 ? AX_OK : AX_NUMERIC;
}

/* Scratch of one fit, in one block. */
static double *fit_memory(struct fit *f)
{
    size_t n = f->n, p = f->p;
    double *block = malloc((2 * n + 2 * p * p + n * p) * sizeof *block);
    f->distances = block;
    f->sorted = block + n;
    f->inverse = f->sorted + n;
    f->factor = f->inverse + p * p;
    f->centred = f->factor + p * p;
    return block;
}

/* Rows of the part: all when they are few. */
static uint32_t *part_of(uint32_t n, uint32_t part, struct ax_rng *rng)
{
    uint32_t *rows = malloc(n * sizeof *rows);
    for (uint32_t i = 0; rows && i < n; i++)
        rows[i] = i;
    for (uint32_t i = 0; rows && i < part && part < n; i++) {
        uint32_t at = i + (uint32_t)ax_rng_below(rng, n - i), row = rows[at];
        rows[at] = rows[i];
        rows[i] = row;
    }
    return rows;
}

void ax_mcd_done(struct ax_mcd *m)
{
    free(m->raw_location);
    memset(m, 0, sizeof *m);
}

enum ax_err ax_mcd_fit(uint32_t n, uint32_t p, const float *x, double ridge, uint64_t seed,
                       struct ax_mcd *out)
{
    uint32_t few = n < TRIAL_ROWS ? n : TRIAL_ROWS;
    few = few < 5 * p && 5 * p < n ? 5 * p : few;
    *out = (struct ax_mcd){.p = p};
    if (n <= p)
        return AX_INVALID;
    struct ax_rng rng;
    ax_rng_seed(&rng, seed);
    uint32_t *rows = part_of(n, few, &rng);
    struct fit all = {.n = n, .p = p, .support = support_of(n, p), .ridge = ridge, .x = x};
    struct fit part = {.n = few, .p = p, .support = support_of(few, p), .ridge = ridge, .x = x, .rows = rows};
    double *scratch = fit_memory(&all), *scratch_part = fit_memory(&part);
    double *places = malloc((FINALISTS + 1) * place_doubles(p) * sizeof *places);
    out->raw_location = malloc((2 * (size_t)p + (size_t)p * p) * sizeof *out->raw_location);
    enum ax_err err = rows && scratch && scratch_part && places && out->raw_location ? AX_OK : AX_NOMEM;
    if (err == AX_OK) {
        struct place best[FINALISTS + 1];
        for (uint32_t i = 0; i <= FINALISTS; i++)
            best[i] = (struct place){0, places + i * place_doubles(p), places + i * place_doubles(p) + p};
        out->location = out->raw_location + p;
        out->covariance = out->location + p;
        err = finish(&part, &all, best, compete(&part, &rng, best));
        if (err == AX_OK)
            err = reweight(&all, &best[FINALISTS], out);
    }
    free(rows);
    free(scratch);
    free(scratch_part);
    free(places);
    if (err != AX_OK)
        ax_mcd_done(out);
    return err;
}

enum ax_err ax_mcd_distance(const struct ax_mcd *m, double ridge, struct ax_quadratic **out)
{
    uint32_t p = m->p;
    size_t square = (size_t)p * p;
    double *a = malloc((3 * square + p) * sizeof *a);
    *out = NULL;
    if (!a)
        return AX_NOMEM;
    double *vectors = a + square, *root = vectors + square, *values = root + square;
    memcpy(a, m->covariance, square * sizeof *a);
    for (uint32_t i = 0; i < p; i++)
        a[(size_t)i * p + i] += ridge;
    enum ax_err err = ax_eigen(p, a, values, vectors);
    if (err == AX_OK && !(values[p - 1] > 0))
        err = AX_NUMERIC;
    memset(root, 0, square * sizeof *root);
    for (uint32_t c = 0; c < p && err == AX_OK; c++)
        for (uint32_t i = 0; i < p; i++)
            for (uint32_t j = 0; j < p; j++)
                root[(size_t)i * p + j] +=
                    vectors[(size_t)c * p + i] * vectors[(size_t)c * p + j] / sqrt(values[c]);
    if (err == AX_OK)
        *out = ax_quadratic_new(p, m->location, root);
    if (err == AX_OK && !*out)
        err = AX_NOMEM;
    free(a);
    return err;
}
