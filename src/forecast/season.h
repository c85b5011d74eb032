/* season.h: does this series repeat itself, and after how many steps? */
#ifndef AX_FORECAST_SEASON_H
#define AX_FORECAST_SEASON_H

#include "forecast/member.h"

/* Detect the period of a past in steps; 0 when it has none, or too little is known.
 *
 * The periodogram's strongest frequencies propose, the autocorrelation disposes: a period is a hill of it
 * (Vlachos, Yu, Castelli: "On periodicity detection and structural similarity", SDM 2005), on the fine
 * window for short periods and the coarse one for long ones. Needs three cycles in the fine window, two in
 * the coarse. O(n log n); scratch is taken from the arena; 0 when that is exhausted. */
uint32_t ax_season_detect(const struct ax_past *p, struct ax_arena *scratch);

#endif
