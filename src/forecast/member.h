/* member.h: the members of the portfolio: forecasters of one series each, as tables of functions.
 *
 * All of them read the tensors "fine" and "coarse" of a batch of one or more entities, see nothing later
 * than its t_ms, and answer in the input's unit; NaN where they have nothing to say. A gap at t_ms is
 * bridged by the value before it. */
#ifndef AX_FORECAST_MEMBER_H
#define AX_FORECAST_MEMBER_H

#include "model/model.h"
#include "series/window.h"

#include <math.h>

/* Cycles in the mean of the same time that members have in common. */
#define AX_PAST_CYCLES 3

#define AX_NOTED_SEASONS 2
#define AX_NOTED_SPAN 128 /* newest steps */
#define AX_NOTED_LEADS 8

/* What several members ask of one past, looked up once: the means over AX_PAST_CYCLES cycles, of two seasons.
 * Zero-initialise; it is of that past alone. Fields are private. */
struct ax_season_notes {
    struct ax_season_note {
        uint32_t season_steps; /* 0: free */
        uint32_t leads_n, span_n;
        uint32_t leads[AX_NOTED_LEADS];
        double at[AX_NOTED_LEADS];  /* those leads */
        double span[AX_NOTED_SPAN]; /* the newest steps: the last span_n are known */
    } v[AX_NOTED_SEASONS];
};

/* What one series was, up to t_ms, as the members see it. */
struct ax_past {
    struct ax_view fine, coarse;
    int64_t t_ms;
    const struct ax_holidays *holidays; /* NULL: none */
    const struct ax_local_time *clocks; /* of which days and weeks are; NULL: UTC */
    struct ax_season_notes *notes;      /* NULL: everything is looked up where it is asked for */
};

/* The past of entity e of a batch. The coarse view ends with the last complete span before t_ms. */
struct ax_past ax_past_of(const struct ax_batch *b, uint32_t e);

/* The past as it was `steps` steps before. */
struct ax_past ax_past_before(const struct ax_past *p, uint32_t steps);

/* Newest value that is no gap, at most max_age steps old; NaN without. */
double ax_past_last(const struct ax_past *p, uint32_t max_age);

/* Mean |difference| between values and the ones before them, gaps skipped, over the newest `steps` steps, but
 * for the two largest (ax_mean_but_two()), which are what a spike leaves; NaN without a pair. */
double ax_past_volatility(const struct ax_past *p, uint32_t steps);

/* Mean of n magnitudes from their sum, without the two largest of them where there are enough and it leaves
 * something; NaN for none. */
double ax_mean_but_two(double sum, double first, double second, uint32_t n);

/* The middle one of three; b when a or c is NaN. Without a branch: which one it is cannot be foreseen. */
static inline double ax_median_of_3(double a, double b, double c)
{
    const double low = a < c ? a : c, high = a < c ? c : a, held = b < low ? low : b,
                 middle = held > high ? high : held;
    return isnan(a) || isnan(c) ? b : middle;
}

/* Batch of one entity over a past; tensors has room for two and lives as long as the batch. */
struct ax_batch ax_past_batch(const struct ax_past *p, struct ax_tensor *tensors);

/* The value one and more seasons before t_ms + lead steps: mean over up to `cycles` past cycles, from the
 * fine window where it reaches, else interpolated in the coarse one. NaN without. A season of whole days is
 * one of the clocks: the same time of day, also when they were put forward or back in between. */
double ax_past_season(const struct ax_past *p, uint32_t season_steps, uint32_t lead, uint32_t cycles);

/* The same for a moment `ago` steps before t_ms, as it was known then. */
double ax_past_season_ago(const struct ax_past *p, uint32_t season_steps, uint32_t ago, uint32_t cycles);

/* The same for the newest n steps (at most AX_PAST_SPAN), oldest first, into out[n]: the same numbers,
 * sooner. */
void ax_past_season_span(const struct ax_past *p, uint32_t season_steps, uint32_t n, uint32_t cycles,
                         double *out);

#define AX_PAST_SPAN 1024

/* Milliseconds to add to a moment that is a season (of so many ms) before `then`, so that clocks say the same
 * at both; 0 when the season is not one of days. */
int64_t ax_past_clock_shift(const struct ax_local_time *clocks, int64_t then_ms, int64_t season_ms);

/* Points of a season from which the middle one of three neighbours is still its shape: 96; infinite where a
 * day, of which the shape of a longer season is made, has fewer. */
double ax_season_dense(int64_t point_ms);

/* What a member says of one series: path[params->leads_n], NaN for nothing. */
typedef void ax_member_say(const struct ax_model_params *params, const void *state, const struct ax_past *p,
                           double *path);

/* Let a member speak of every series of a batch. AX_NOTREADY when it says nothing of any. */
enum ax_err ax_member_run(ax_member_say *say, const struct ax_model_params *params, void *const *states,
                          const struct ax_batch *now, const struct ax_model_out *out);

/* run() of the table of a member that says so. */
#define AX_MEMBER_RUN(say)                                                                                   \
    static enum ax_err run(const struct ax_model_params *params, void *const *states,                        \
                           const struct ax_batch *now, struct ax_arena *scratch,                             \
                           const struct ax_model_out *out)                                                   \
    {                                                                                                        \
        (void)scratch;                                                                                       \
        return ax_member_run(say, params, states, now, out);                                                 \
    }

/* Longest gap that a member bridges, in steps. */
#define AX_BRIDGE_MAX 256

/* The last value, at every lead. */
extern const struct ax_model_ops ax_model_last_value;

/* The value one season before. AX_NOTREADY without a season. */
extern const struct ax_model_ops ax_model_seasonal_naive;

/* The last value, moved as the mean of the last three seasons moved. AX_NOTREADY without a season. */
extern const struct ax_model_ops ax_model_seasonal_level;

/* The value one long season before. AX_NOTREADY without. */
extern const struct ax_model_ops ax_model_weekly_naive;

/* Ridge regression over the coarse window on the season, the long season, their levels now, and the newest
 * points; one solution a lead, the leads of fit() and run() being the same. NaN at leads shorter than a
 * coarse point. AX_NOTREADY with too few rows. */
extern const struct ax_model_ops ax_model_ridge_season;

/* Exponential smoothing with a damped trend (Gardner and McKenzie 1985; ETS(A,Ad,N) of Hyndman et al. 2008),
 * its parameters chosen for each lead by the errors in the fine window; the leads of fit() and run() are the
 * same. AX_NOTREADY with too few values. */
extern const struct ax_model_ops ax_model_ets;

/* The same of what is left of the series when its season is taken out, by difference or by ratio. AX_NOTREADY
 * without a season. */
extern const struct ax_model_ops ax_model_ets_season;
/* As above, of the long season. */
extern const struct ax_model_ops ax_model_ets_week;

/* An autoregression, which ends in the mean at long leads; of the series as it is, and without its long
 * season (without its season, when there is no longer one). AX_NOTREADY without one, or with too few values.
 */
extern const struct ax_model_ops ax_model_ar;
/* As above. */
extern const struct ax_model_ops ax_model_ar_season;

/* The dynamic optimised theta model of the series without its season (forecast/theta.h); the leads of fit()
 * and run() are the same. AX_NOTREADY with too few values. */
extern const struct ax_model_ops ax_model_theta;

/* ARIMA of low order of the series without its season (forecast/arima.h). AX_NOTREADY with too few values. */
extern const struct ax_model_ops ax_model_arima;

/* Trend, waves of the day and the week, and holidays by ridge (forecast/fourier.h); the leads of fit() and
 * run() are the same. AX_NOTREADY with less than two days. */
extern const struct ax_model_ops ax_model_fourier;

/* The same regression as ridge_lags', of all series of an expression at once (forecast/pooled.h):
 * params->pooled. AX_NOTREADY without. */
extern const struct ax_model_ops ax_model_ridge_pooled;

/* Ridge regression on lags, local means and the season, relative to the last value; one solution a lead, the
 * leads of fit() and run() being the same. AX_NOTREADY with too few rows. */
extern const struct ax_model_ops ax_model_ridge_lags;

#endif
