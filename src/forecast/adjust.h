/* adjust.h: a series without its season: what the newest values were beside the mean of the same time in the
 * cycles before each of them, so that nothing in it knows the future. */
#ifndef AX_FORECAST_ADJUST_H
#define AX_FORECAST_ADJUST_H

#include "forecast/member.h"

/* How the season is taken out: not at all, subtracted, or divided by. */
enum ax_adjust_mode { AX_ADJUST_NONE, AX_ADJUST_DIFFERENCE, AX_ADJUST_RATIO, AX_ADJUST_MODES };

/* Cycles in the mean of the same time. */
#define AX_ADJUST_CYCLES 3

/* The newest n values of the fine window, adjusted, oldest first; NaN for a gap, and where the season is not
 * known. */
void ax_adjust(const struct ax_past *p, enum ax_adjust_mode mode, uint32_t season_steps, uint32_t n,
               double *z);

/* What an adjusted forecast at a lead is in the input's unit; NaN when the season is not known. */
double ax_adjust_back(const struct ax_past *p, enum ax_adjust_mode mode, uint32_t season_steps, uint32_t lead,
                      double z);

#endif
