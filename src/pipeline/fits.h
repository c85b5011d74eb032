/* fits.h: when a model is fitted again, and why: what is known of its fits so far, which lasts.
 *
 * It changes when a fit begins, is over or is called off, each of which is a record of the log
 * (pipeline/fits_record.h), and by steps. So a fit that was on its way when a process ended begins again in
 * the next one, and what rests goes on to rest. Pure. */
#ifndef AX_PIPELINE_FITS_H
#define AX_PIPELINE_FITS_H

#include "base/bytes.h"

/* Why a fit is begun. What stands here is saved by its number. */
enum ax_fit_reason {
    AX_FIT_NOT,
    AX_FIT_SCHEDULE, /* it is time */
    AX_FIT_CRON,     /* by `fit_at` */
    AX_FIT_DRIFT,    /* the data have drifted */
    AX_FIT_ACCURACY, /* forecasts have become worse */
    AX_FIT_MANUAL,   /* somebody asks for it */
    AX_FIT_REASONS
};

/* As the label `reason`: "schedule", ...; "" for none. */
const char *ax_fit_reason_name(enum ax_fit_reason reason);

/* The fits of one model; begin with AX_FITS_NONE. Times are those of steps, INT64_MIN: never. */
struct ax_fits {
    enum ax_fit_reason begun; /* of the one on its way, also when a restart has interrupted it */
    int64_t begun_ms;         /* when the newest one began */
    int64_t cancelled_ms;     /* when somebody last called one off */
    int64_t look_ms;          /* none is begun before this step, because one failed */
    uint32_t failures;        /* in a row */
    uint32_t drift_fits;      /* begun because of the drift that goes on */
    bool rung;                /* the time of a cron line has come, and none has begun since */
};

#define AX_FITS_NONE                                                                                         \
    ((struct ax_fits){.begun_ms = INT64_MIN, .cancelled_ms = INT64_MIN, .look_ms = INT64_MIN})

/* How often a model is to be fitted. */
struct ax_fits_rule {
    int64_t step_ms, every_ms; /* of its job; between two fits */
    int64_t cooldown_ms;       /* from a fit to one that is begun because of drift or accuracy, at least */
};

/* What else counts at a step. */
struct ax_fits_now {
    int64_t t_ms;
    int64_t newest_ms; /* up to when the newest model learnt, whether it serves or not; INT64_MIN: none did */
    int64_t learnt_ms; /* how much time the one that serves learnt from; INT64_MAX: none serves */
    bool serves, tried;         /* one serves; another one is compared with it */
    bool asked;                 /* somebody asks for one */
    enum ax_fit_reason trigger; /* AX_FIT_DRIFT, AX_FIT_ACCURACY or AX_FIT_NOT */
};

/* Why one is to begin now, if it is; one that is on its way already, and was interrupted, counts. Those that
 * are not asked for begin at every sixteenth step; on schedule and by cron lines none begins while another
 * one is tried. */
enum ax_fit_reason ax_fits_due(const struct ax_fits *f, const struct ax_fits_rule *rule,
                               const struct ax_fits_now *now);

/* One has begun. */
void ax_fits_begin(struct ax_fits *f, enum ax_fit_reason reason, int64_t t_ms);

/* It is over, as step t_ms finds. After one that failed there is a rest of 10 minutes from then on, doubled
 * for each one in a row. */
void ax_fits_end(struct ax_fits *f, int64_t t_ms, bool failed);

/* Steps between two looks. */
#define AX_FITS_LOOK 16

/* What is on its way, and what a cron line asked for, is called off: on schedule the next one comes when it
 * would come after one that had begun now. */
void ax_fits_cancel(struct ax_fits *f, int64_t t_ms);

/* Append it. */
void ax_fits_put(struct ax_buf *out, const struct ax_fits *f);

/* Read it back; what cannot be is a failure of in. */
void ax_fits_get(struct ax_bytes *in, struct ax_fits *out);

#endif
