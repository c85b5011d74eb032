/* robust.h: a ridge regression that is nearly one of absolute errors, so that a few wild targets do not bend
 * it.
 *
 * Targets are winsorised, and a second solution weights rows by 1 over the first one's errors, which makes
 * squares nearly absolute (Schlossmacher, "An iterative technique for absolute deviations curve fitting",
 * JASA 68, 1973). Pure. */
#ifndef AX_FORECAST_ROBUST_H
#define AX_FORECAST_ROBUST_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Rows, and a solution. */
struct ax_robust {
    uint32_t width, rows; /* rows is the caller's to set, up to those that there is room for */
    double *x, *y;        /* [rows x width], [rows] */
    double *w;            /* [width]: the newest solution */
    double *xw, *yw, *r, *gram;
};

/* How far solutions are kept from large coefficients: the penalty of each is `own` times the energy of its
 * column and `all` times the mean energy of all columns. */
struct ax_robust_penalty {
    double own, all;
};

/* Room in an arena; false without. */
bool ax_robust_alloc(struct ax_robust *d, uint32_t rows_max, uint32_t width, struct ax_arena *scratch);

/* Bring targets to within the quantile q of their magnitudes; returns that, 0 when most of them are 0. */
double ax_robust_winsorise(struct ax_robust *d, double q);

/* Solve for the first n rows; again: with weights by the errors of the solution before. False when it cannot
 * be; w is undefined then. */
bool ax_robust_solve(struct ax_robust *d, uint32_t n, struct ax_robust_penalty penalty, bool again);

/* What the solution says of a row of `width`. */
double ax_robust_answer(const struct ax_robust *d, const double *x);

/* What coefficients that were kept say of a row, held within -clip .. clip. */
double ax_robust_held(const float *w, const double *x, uint32_t width, double clip);

/* The weight of a row whose error is r where the mean |error| is `mean`: at most about 3.3. */
double ax_robust_weight(double r, double mean);

#endif
