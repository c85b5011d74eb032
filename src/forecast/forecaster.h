/* forecaster.h: the inside of one ax_forecaster, shared by the files that make it up. */
#ifndef AX_FORECAST_FORECASTER_H
#define AX_FORECAST_FORECASTER_H

#include "forecast/errdist.h"
#include "forecast/forecast.h"
#include "forecast/missed.h"
#include "forecast/pending.h"
#include "forecast/season.h"
#include "forecast/shared.h"

#define AX_SEEN_MAX (UINT32_MAX / 2)
#define AX_WIDTH_MAX 2.0 /* bound on |log| of the adaptation of widths */
#define AX_APART_MAX 1e9
#define AX_WAKE_REFITS 3 /* after so many, every member is asked again for one round */

/* How the members and their combination do at one lead. */
struct ax_lead_record {
    float member_error[AX_MEMBERS];   /* exponentially weighted |error| in mean |differences|; NaN: unknown */
    float together_error, last_error; /* of their weighted mean and of the last value, over a longer time */
    float together_ever, last_ever;   /* the same over the longest */
    float width_below, width_above;   /* log of the factor by which the interval's sides were adapted */
    float claimed, overclaimed;       /* confidence, uncorrected, of the newest forecast; mean excess of it */
    float apart;                      /* how far members are from each other usually, in local scales */
    uint8_t heard[AX_MEMBERS];        /* forecasts of each member whose actual came, up to UINT8_MAX */
    uint32_t settled;                 /* forecasts whose actual came, as far as it matters */
    struct ax_errdist errors;         /* of the combination, in local scales */
    struct ax_missed missed;          /* of late */
};

/* One lead whose forecasts are kept until their actual arrives: lead 1 and every horizon. */
struct ax_lead_track {
    uint32_t path_index, lead;
    int32_t horizon; /* index into spec->horizons, or -1 */
    struct ax_pending pending;
    struct ax_lead_record record;
};

/* The forecaster of one series: what it learnt of itself, and the forecasts whose actual is still to come. */
struct ax_forecaster {
    const struct ax_forecast_spec *spec;
    struct ax_season season;
    uint32_t seen;       /* values that were no gaps, saturating */
    uint32_t next_refit; /* in seen */
    uint32_t validated;  /* in seen: when members were last held against the past; 0: to be done again */
    double growth;       /* errors grow with lead^growth where nothing else is known; a random walk has 0.5 */
    uint32_t asleep;     /* members, by bit, that are not asked until the next refit */
    uint32_t refits;     /* so far, modulo AX_WAKE_REFITS */
    uint32_t jitter;     /* spreads the refits of many series over time */
    float low,
        high; /* all values of the windows as of the newest refit, and since, lie between; NaN at first */
    bool negative_seen; /* a value was below 0 */
    bool review;        /* weights are to be refreshed at the next refit */
    int64_t fitted_ms;  /* step of the newest fit; INT64_MIN before the first */
    int64_t last_ms;    /* step last taken; INT64_MIN at first */
    void *states;       /* of all members */
    uint64_t bytes;
    uint32_t tracks_n;
    struct ax_lead_track tracks[]; /* by lead */
};

/* What the members of f are built for; leads has room for AX_PATH_MAX and lives as long as the result. */
struct ax_model_params ax_forecaster_params(const struct ax_forecaster *f, const struct ax_past *p,
                                            uint32_t *leads);

/* Members, by bit, that may be asked: those of the job that do not rest there. */
uint32_t ax_forecaster_members(const struct ax_forecaster *f);

/* Whether the season says more than the last value at some lead, by its mean: then it says what is between
 * the leads, too, and is asked whatever its weight. */
bool ax_forecaster_seasonal(const struct ax_forecaster *f);

/* How lively a past is: its mean |difference| over three reaches, and a floor that keeps scales above 0. And
 * its mean, 0 when some values are negative. */
struct ax_local {
    double least, all, slow, fast, level;
};

/* Measure a past. O(fine window). */
struct ax_local ax_local_of(const struct ax_past *p);

/* What errors of the combination at this lead are measured in, when it says mean; > 0. */
double ax_local_scale(const struct ax_local *l, uint32_t lead, double mean);

/* How far members are from their combination, in local scales: their mean distance, the better ones counting
 * more (by 1 / error^2); 0 where there is one alone. */
double ax_record_apart(const struct ax_lead_record *r, const double *pred, double together,
                       double local_scale);

/* What errors are measured in when members are so far apart: the local scale, and more of it where they
 * differ more than usually, for then they are wrong by more (spread and skill of an ensemble: Whitaker and
 * Loughe, Monthly Weather Review 126, 1998). */
double ax_record_scale(const struct ax_lead_record *r, double local_scale, double apart);

/* Learn how far apart they are usually from one look in so many steps. */
void ax_record_note_apart(struct ax_lead_record *r, uint32_t every, double apart);

/* A record that knows nothing. */
void ax_record_init(struct ax_lead_record *r);

/* Weights of the members from their errors; members whose forecast is not finite get none. They sum to 1, or
 * are all 0 when no member speaks. */
void ax_record_weights(const struct ax_lead_record *r, uint32_t lead, const double *pred, double *weights);

/* How far the members' weighted mean may be believed against the last value, 0 to 1: not at all unless it was
 * better by more than so few forecasts may be by luck, lately and over the longest time, or would have been
 * with the weights that it has now: a mean is wrong by no more than the mean of the errors in it. */
double ax_record_belief(const struct ax_lead_record *r, uint32_t lead, const double *weights);

/* Take in what the members, if they were heard, and their combination said about an actual. Errors of members
 * are measured in unit, the mean |difference| of late, and not in the local scale, so that they are believed
 * by the errors that weigh most. */
void ax_record_settle(struct ax_lead_record *r, uint32_t lead, const struct ax_waiting *w, double actual,
                      double unit);

/* Learn from an actual how wide the interval is to be: the error goes
 * into the distribution, each side grows by a little when it was missed and shrinks by less when it was not
 * (adaptive conformal inference: Gibbs and Candes, NeurIPS 2021; on the width, as Angelopoulos et al.,
 * "Conformal PID", NeurIPS 2023), and what was missed is counted (their error integration). */
void ax_record_adapt(struct ax_lead_record *r, uint32_t lead, double level, const struct ax_waiting *w,
                     double actual);

/* Learn from whether the forecast was close enough to the actual how far the confidence is to be corrected;
 * before ax_record_settle(). */
void ax_record_claim(struct ax_lead_record *r, uint32_t lead, bool came_true);

/* Confidence, corrected by half of what it was too high lately: the errors that it comes from are borrowed at
 * long leads, and older than the series is now. */
double ax_record_confidence(const struct ax_lead_record *r, double claimed);

/* What an error in the distribution still counts after another one. */
double ax_record_keep(uint32_t lead);

/* Factor of the interval's width with which so many misses are repaid soon; 1 when none are owed. */
double ax_record_factor(const struct ax_lead_record *r, uint32_t lead, double level, double owed);

/* Offsets of the interval from the mean in local scales: below <= 0 <= above. */
void ax_record_interval(const struct ax_lead_record *r, double level, double *below, double *above);

/* Between what any forecast is kept, in the input's unit. */
struct ax_plausible {
    double low, high;
};

/* That of a lead: within what the windows have seen, and as far again on either side; as many times as far as
 * the lead is longer than all that was seen. Units of quiet hours, in which members and intervals measure
 * what follows, may be a thousand times too small for the next morning. Of a series that never moved both are
 * its value; NaN before the first. O(1). */
struct ax_plausible ax_forecaster_plausible(const struct ax_forecaster *f, uint32_t lead);

/* Take a value into what was seen. */
void ax_forecaster_see(struct ax_forecaster *f, double value);

/* Append all of a record. */
void ax_record_save(const struct ax_lead_record *r, struct ax_buf *out);

/* Read that back; what cannot be is a failure of in. */
void ax_record_load(struct ax_lead_record *r, struct ax_bytes *in);

/* 0 to 1: how far a record may be believed, by the forecasts in it that do not overlap. */
double ax_record_trust(const struct ax_lead_record *r, uint32_t lead);

/* Detect the season and the growth of errors, fit the members, and seed the records of leads with little
 * experience by forecasting the past from rolling origins, with what was fitted before them. */
enum ax_err ax_forecaster_refit(struct ax_forecaster *f, const struct ax_past *p, struct ax_arena *scratch);

/* What was said at the tracked leads. */
struct ax_said {
    double *at;                   /* by each member, [AX_MEMBERS][tracks_n] */
    double together[AX_PATH_MAX]; /* their weighted mean */
    double scale[AX_PATH_MAX];    /* what errors are measured in */
    double apart[AX_PATH_MAX];    /* how far members were from each other, in local scales */
    double claimed[AX_PATH_MAX];  /* confidence before it is corrected */
};

/* Write the path from a past, as lively as local, into out, all of it finite; given is as of
 * ax_forecaster_step(). */
enum ax_err ax_forecaster_path(const struct ax_forecaster *f, const struct ax_past *p,
                               const struct ax_local *local, const double *const *given,
                               struct ax_arena *scratch, struct ax_forecast *out, struct ax_said *said);

/* What the forecasts of a lead that wait say of what is forecast now. */
struct ax_waits {
    double owed;         /* misses: ax_missed_owed() */
    double below, above; /* offsets up to which the interval is to reach on their account */
};

/* Ask some of those that wait at a tracked lead, by what is known by now: a path of leads_n points with the
 * offsets of its bounds. How many of them will be missed: what is on its way is not asked for again, as a
 * controller of a process with dead time has to (Smith, "Closer control of loops with dead time", 1957). And
 * how far they are from what is said now of the same time (a lagged average forecast: Hoffman and Kalnay,
 * Tellus 35A, 1983): for as long as the lead after a shift of the level they still say the level before, to
 * which it may return. */
struct ax_waits ax_forecaster_waits(const struct ax_forecaster *f, uint32_t track, int64_t step,
                                    const double *mean, const double *below, const double *above);

#endif
