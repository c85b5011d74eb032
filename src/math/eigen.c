/* eigen.c: Jacobi rotations until nothing is left beside the diagonal. */
#include "math/eigen.h"

#include <math.h>
#include <stddef.h>

#define SWEEPS_MAX 60

/* Turn rows (or columns) i and j of m, whose elements are `step` apart, by an angle. */
static void turn(uint32_t p, double *a, double *b, size_t step, double c, double s)
{
    for (uint32_t k = 0; k < p; k++, a += step, b += step) {
        double x = *a, y = *b;
        *a = c * x - s * y;
        *b = s * x + c * y;
    }
}

/* Make a[i][j] zero. */
static void rotate(uint32_t p, double *a, double *vectors, uint32_t i, uint32_t j)
{
    double off = a[(size_t)i * p + j];
    double theta = (a[(size_t)j * p + j] - a[(size_t)i * p + i]) / (2 * off);
    double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    turn(p, a + (size_t)i * p, a + (size_t)j * p, 1, c, s);
    turn(p, a + i, a + j, p, c, s);
    turn(p, vectors + (size_t)i * p, vectors + (size_t)j * p, 1, c, s);
    a[(size_t)i * p + j] = a[(size_t)j * p + i] = 0;
}

/* One sweep over all pairs; false when there was nothing to do. */
static int sweep(uint32_t p, double *a, double *vectors)
{
    int rotated = 0;
    for (uint32_t i = 0; i < p; i++)
        for (uint32_t j = i + 1; j < p; j++) {
            double off = fabs(a[(size_t)i * p + j]);
            double about = sqrt(fabs(a[(size_t)i * p + i])) * sqrt(fabs(a[(size_t)j * p + j]));
            if (off <= 1e-16 * about || off < 1e-300)
                continue;
            rotate(p, a, vectors, i, j);
            rotated = 1;
        }
    return rotated;
}

static void swap_rows(uint32_t p, double *a, double *b)
{
    for (uint32_t k = 0; k < p; k++) {
        double x = a[k];
        a[k] = b[k];
        b[k] = x;
    }
}

/* Falling values, each vector with its largest component above zero. */
static void arrange(uint32_t p, double *values, double *vectors)
{
    for (uint32_t i = 0; i < p; i++) {
        uint32_t best = i;
        for (uint32_t j = i + 1; j < p; j++)
            best = values[j] > values[best] ? j : best;
        double value = values[i];
        values[i] = values[best];
        values[best] = value;
        double *v = vectors + (size_t)i * p;
        if (best != i)
            swap_rows(p, v, vectors + (size_t)best * p);
        uint32_t largest = 0;
        for (uint32_t k = 1; k < p; k++)
            largest = fabs(v[k]) > fabs(v[largest]) ? k : largest;
        for (uint32_t k = 0; k < p && v[largest] < 0; k++)
            v[k] = k == largest ? v[k] : -v[k];
        v[largest] = fabs(v[largest]);
    }
}

enum ax_err ax_eigen(uint32_t p, double *a, double *values, double *vectors)
{
    for (uint32_t i = 0; i < p; i++)
        for (uint32_t j = 0; j < p; j++) {
            if (j > i)
                a[(size_t)i * p + j] = a[(size_t)j * p + i];
            if (!isfinite(a[(size_t)i * p + j]))
                return AX_NUMERIC;
            vectors[(size_t)i * p + j] = i == j;
        }
    for (int i = 0; i < SWEEPS_MAX && sweep(p, a, vectors); i++)
        ;
    for (uint32_t i = 0; i < p; i++)
        values[i] = a[(size_t)i * p + i];
    arrange(p, values, vectors);
    return AX_OK;
}
