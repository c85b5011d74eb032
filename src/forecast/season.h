/* season.h: does this series repeat itself, and after how many steps? */
#ifndef AX_FORECAST_SEASON_H
#define AX_FORECAST_SEASON_H

#include "forecast/member.h"

/* Periods in steps; 0 for none. */
struct ax_season {
    uint32_t steps, long_steps; /* the longer one is a week around a day */
};

/* Detect the periods of a past; none when it has none, or too little is known.
 *
 * The periodogram's strongest frequencies propose, the autocorrelation disposes: a period is a hill of it
 * (Vlachos, Yu, Castelli: "On periodicity detection and structural similarity", SDM 2005), on the fine
 * window for short periods and the coarse one for long ones. Needs three cycles in the fine window, two in
 * the coarse. A day brings its week along, and a week its day, once the past is longer than a week: which of
 * the two is to be believed is for the members to show. O(n log n); scratch is taken from the arena; none
 * when that is exhausted. */
struct ax_season ax_season_detect(const struct ax_past *p, struct ax_arena *scratch);

#endif
