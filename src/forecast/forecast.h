/* forecast.h: the forecast of one series: a portfolio of members, weighted by how each did on that very
 * series, with an interval from its own out-of-fold errors.
 *
 * One ax_forecaster per modelled series. At every step it is first told what the step brought, then
 * asked for the path: it never sees a later value than the step it forecasts from. Deterministic. Forecasts
 * more than 512 steps ahead wait for their actual, and are scored, at every few steps only (256 of them).
 * Owner: the pipeline's thread. */
#ifndef AX_FORECAST_FORECAST_H
#define AX_FORECAST_FORECAST_H

#include "model/model.h"
#include "series/window.h"

#define AX_PATH_MAX 64

/* Fewest steps between refits that pay: one costs as much as a hundred steps. */
#define AX_FORECAST_REFIT_MIN 48

struct ax_forecast_shared;

/* Where a point of the path lies between tracked leads: past the a-th by a share of the way to the b-th,
 * linear in the logarithm of the lead, for errors grow fast at first and slowly later. */
struct ax_path_place {
    uint32_t a, b;
    double share;
};

/* What a job asks of its forecasters; shared by all of them and outlives them. */
struct ax_forecast_spec {
    int64_t step_ms;
    uint32_t leads[AX_PATH_MAX]; /* path points in steps ahead, ascending; the first is 1 */
    uint32_t leads_n;
    uint32_t horizons[AX_PATH_MAX]; /* indices into leads: those that are emitted and scored */
    uint32_t horizons_n;
    struct ax_path_place places[AX_PATH_MAX]; /* of the leads */
    double level;                             /* of the interval; 0.90 */
    double tolerance;                         /* of prediction_confidence; 0.15 */
    int nonnegative;      /* clip at 0: 1 always, 0 never, -1 as long as the series has not been below it */
    uint32_t refit_steps; /* steps between refits of the cheap members */
    uint32_t members;     /* that are asked, by bit: ax_portfolio_members() */
    uint32_t given;       /* and those whose answers may be handed in: all of them, if nobody says less */
    struct ax_forecast_shared *shared; /* forecast/shared.h; outlives all forecasters; NULL: days are those of
                                          UTC, and each forecaster is alone */
    uint64_t seed;
};

/* Fill leads from horizons (ms, any order): every step to the longest, thinned to AX_PATH_MAX points,
 * with 1 and every horizon among them. AX_INVALID when a horizon is no positive multiple of step. */
AX_MUST_USE enum ax_err ax_forecast_spec_init(struct ax_forecast_spec *spec, int64_t step_ms,
                                              const int64_t *horizons_ms, uint32_t horizons_n,
                                              struct ax_diag *diag);

/* The leads whose forecasts are kept and scored: indices into leads of lead 1 and every horizon, ascending,
 * into path_index[AX_PATH_MAX]. Returns how many. */
uint32_t ax_forecast_spec_tracked(const struct ax_forecast_spec *spec, uint32_t *path_index);

/* Path at one step; arrays of leads_n. All finite when ready. */
struct ax_forecast {
    bool ready;
    const char *reason; /* when not ready: "warming_up", "no_data"; else NULL */
    double mean[AX_PATH_MAX], lower[AX_PATH_MAX], upper[AX_PATH_MAX];
    double confidence[AX_PATH_MAX]; /* probability that mean is within tolerance of the actual */
    uint32_t nonfinite;             /* members whose answer was not finite, and was left out */
    const double
        *members; /* what each said, [members x tracked leads], NaN for nothing; of the step's scratch */
};

/* A forecast whose actual has just arrived, for the scorecard: mean as a float keeps it, the bounds up to 0.4
 * % of their distance from it further out than they were said. */
struct ax_outcome {
    uint32_t horizon; /* index into spec->horizons */
    double actual, mean, lower, upper;
    double last_value; /* the naive forecast made at the same moment */
};

struct ax_forecaster;

/* A forecaster that has seen nothing. Those that see values at the same steps are fitted at others, by their
 * turn: any number that tells one series from the next. NULL when out of memory. */
struct ax_forecaster *ax_forecaster_new(const struct ax_forecast_spec *spec, uint32_t turn);

/* Free; NULL is fine. */
void ax_forecaster_free(struct ax_forecaster *f);

/* Members whose answers come from outside, by their places in what is given. */
enum { AX_GIVEN_LSTM, AX_GIVEN_TREES, AX_GIVEN_N };

/* Step T, after its value was pushed to the window: settles what was forecast for T (outcomes, room for
 * spec->horizons_n, *outcomes_n of them), learns, refits when due, and writes the path from T.
 * given[AX_GIVEN_N] is what each model that the job's series share says from T at the tracked leads
 * (ax_forecast_spec_tracked()), NaN for nothing, NULL for none: more members, weighted by their own errors
 * like the others; NULL: none at all. AX_NOMEM only. Cost: at most 60 us without a refit. scratch is reset by
 * the caller. */
AX_MUST_USE enum ax_err ax_forecaster_step(struct ax_forecaster *f, const struct ax_window *w, int64_t t_ms,
                                           const double *const *given, struct ax_arena *scratch,
                                           struct ax_forecast *out, struct ax_outcome *outcomes,
                                           uint32_t *outcomes_n);

/* Steps with a value within which a review is done, spread over the series of a job: each costs as much as a
 * first fit, and 10,000 series may ask for it in one step. */
#define AX_FORECAST_REVIEW_MAX 240

/* The errors of the job's forecasts are not what they were: without waiting for the schedule, every member is
 * held against the newest quarter of the fine window from rolling origins, after a fit to what was before it,
 * and its weights are refreshed by half of what that says; then all are fitted again. Done at a step with a
 * value, the AX_FORECAST_REVIEW_MAX-th from now at the latest; nothing before the first fit. */
void ax_forecaster_review(struct ax_forecaster *f);

/* Step at which its members were last fitted; INT64_MIN before the first time. */
int64_t ax_forecaster_fitted_ms(const struct ax_forecaster *f);

/* Bytes that it occupies. */
uint64_t ax_forecaster_bytes(const struct ax_forecaster *f);

/* Append all that it has learnt, and the forecasts whose actual is still to come. */
void ax_forecaster_save(const struct ax_forecaster *f, struct ax_buf *out);

/* Read that back into a forecaster that has seen nothing, of the same spec: from then on, given the same
 * window, it says the same, bit for bit. AX_CORRUPT for bytes that it cannot have written; then it is only
 * good for freeing. */
AX_MUST_USE enum ax_err ax_forecaster_load(struct ax_forecaster *f, struct ax_bytes *in);

/* Name of the m-th member; NULL behind the last one. The first is "last_value". */
const char *ax_forecaster_member(uint32_t m);

/* Members at most. */
#define AX_FORECAST_MEMBERS_MAX 32

/* The current weights of the members at a path point, in the order of their names; they sum to 1. */
void ax_forecaster_weights(const struct ax_forecaster *f, uint32_t lead_index, double *out);

#endif
