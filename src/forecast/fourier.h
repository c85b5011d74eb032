/* fourier.h: a series as a trend, waves of the day and of the week, and holidays: the regression behind the
 * member "fourier".
 *
 * The decomposition is Prophet's (Taylor and Letham, "Forecasting at scale", The American Statistician 72,
 * 2018): a piecewise linear trend with change points over the first four fifths of the past, Fourier series
 * of the day (order 6) and of the week (order 3) by the clocks of a time zone, an indicator for each calendar
 * of holidays; the priors are Gaussian, so that it is a ridge regression (math/ridge.h). Rows and solution
 * are checked against numpy, zoneinfo and scikit-learn's Ridge (tests/golden/fourier). Pure. */
#ifndef AX_FORECAST_FOURIER_H
#define AX_FORECAST_FOURIER_H

#include "forecast/holidays.h"
#include "forecast/member.h"

#define AX_FOURIER_HINGES 5
#define AX_FOURIER_DAY 6
#define AX_FOURIER_WEEK 3

/* Columns: the trend, its changes, sines and cosines of the day and of the week, holidays. */
enum {
    AX_FOURIER_TREND,
    AX_FOURIER_DAYS = 1 + AX_FOURIER_HINGES,
    AX_FOURIER_WEEKS = AX_FOURIER_DAYS + 2 * AX_FOURIER_DAY,
    AX_FOURIER_HOLIDAYS = AX_FOURIER_WEEKS + 2 * AX_FOURIER_WEEK,
    AX_FOURIER_COLUMNS = AX_FOURIER_HOLIDAYS + AX_HOLIDAYS_MAX
};

/* Penalty for each row, and how much larger that of a change of the trend is (as the square of this). */
#define AX_FOURIER_PENALTY 0.002
#define AX_FOURIER_HINGE 0.3

/* What columns are of: the past from end_ms - span_ms to end_ms. Waves that turn faster than twice in a
 * point, and those that the past does not hold, are columns of zeros. */
struct ax_fourier_frame {
    int64_t end_ms, span_ms, point_ms;
    const struct ax_local_time *clocks; /* NULL: UTC */
    const struct ax_holidays *holidays; /* NULL: none */
};

/* Fill x[AX_FOURIER_COLUMNS] for a moment, of the past or to come. */
void ax_fourier_row(const struct ax_fourier_frame *f, int64_t t_ms, double *x);

#endif
