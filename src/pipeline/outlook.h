/* outlook.h: what the forecast of a series means: how high it may get, what it leaves of a capacity and for
 * how long, and whether there is one at all.
 *
 * prediction_ready is sent only while something is not given: 0 with its reason. What it says is not stored
 * but made anew at every step; only which outlets are open lasts. Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_OUTLOOK_H
#define AX_PIPELINE_OUTLOOK_H

#include "forecast/forecast.h"
#include "pipeline/capacity.h"
#include "pipeline/classes.h"
#include "pipeline/outlet.h"

/* What the outlooks of one channel share; outlives them. */
struct ax_outlook_spec {
    struct ax_outlets *outlets;
    const struct ax_forecast_spec *forecast;
    const char *const *horizon_names;
    struct ax_str feature; /* added as a label; n 0 for none */
    bool peak;             /* for each horizon */
    struct ax_classes classes;
    bool has_capacity;
    double capacity_share, capacity_value; /* of the job's block `capacity` */
};

/* Why something is not given, by the numbers that are saved. */
enum ax_outlook_reason {
    AX_OUTLOOK_READY,
    AX_OUTLOOK_WARMING_UP,
    AX_OUTLOOK_NO_DATA,
    AX_OUTLOOK_NO_CAPACITY,
    AX_OUTLOOK_LINK_DOWN,
    AX_OUTLOOK_REASONS
};

/* The outlook of one series. */
struct ax_outlook {
    enum ax_outlook_reason reason;
    struct ax_outlet ready, headroom, saturation;
    struct ax_outlet
        more[]; /* [horizons_n] of the peak if it is wanted, then [horizons_n][AX_CLASSES] likewise */
};

/* One that has said nothing; NULL when out of memory. Ended by free(), when its outlets are closed. */
struct ax_outlook *ax_outlook_new(const struct ax_outlook_spec *spec);

/* What is said of a series at a step. */
struct ax_outlook_input {
    const struct ax_labels *labels;
    int64_t t_ms;
    double value;    /* no NaN */
    double capacity; /* what the job's expression says of it; NaN for nothing */
    const struct ax_forecast *forecast;
};

/* Feed the outputs of a step with a value. */
void ax_outlook_step(struct ax_outlook *o, const struct ax_outlook_spec *spec,
                     const struct ax_outlook_input *in);

/* Do something to all its outlets; labels are those of the series. */
void ax_outlook_outlets(struct ax_outlook *o, const struct ax_outlook_spec *spec,
                        const struct ax_labels *labels, const struct ax_outlet_deed *deed);

/* Bytes that it occupies. */
uint64_t ax_outlook_bytes(const struct ax_outlook_spec *spec);

#endif
