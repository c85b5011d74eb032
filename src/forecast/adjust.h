/* adjust.h: a series without its season: what the newest values were beside the mean of the same time in the
 * cycles before each of them, so that nothing in it knows the future. */
#ifndef AX_FORECAST_ADJUST_H
#define AX_FORECAST_ADJUST_H

#include "forecast/member.h"

/* How the season is taken out: not at all, subtracted, or divided by. */
enum ax_adjust_mode { AX_ADJUST_NONE, AX_ADJUST_DIFFERENCE, AX_ADJUST_RATIO, AX_ADJUST_MODES };

/* The newest n values of the fine window, adjusted, oldest first; NaN for a gap, and where the season is not
 * known. */
void ax_adjust(const struct ax_past *p, enum ax_adjust_mode mode, uint32_t season_steps, uint32_t n,
               double *z);

/* The same by difference, or of the series as it is for no season, gaps bridged by the value before. Returns
 * how many values there are, at the end of z; fewer than n when the oldest are gaps. */
uint32_t ax_adjust_bridged(const struct ax_past *p, uint32_t season_steps, uint32_t n, double *z);

/* Let no value be further from the one before than so many times the usual |change| (its median, or its mean
 * where that is 0): a spike becomes a small one. work has room for n. */
void ax_adjust_hold(double *z, uint32_t n, double times, double *work);

/* What an adjusted forecast at a lead is in the input's unit; NaN when the season is not known. */
double ax_adjust_back(const struct ax_past *p, enum ax_adjust_mode mode, uint32_t season_steps, uint32_t lead,
                      double z);

#endif
