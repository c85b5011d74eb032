/* channel_trial.h: what two generations of a speaker (train/speaker.h) forecast of the same series at the
 * same steps, until it has come true: their losses, step by step.
 *
 * The loss of a step is the mean over leads of the mean over series of |forecast - actual| / scale, where the
 * scale is the series' own measure when the forecast was made (train/speaker_data.h). Series are a sample of
 * at most AX_TRIAL_SERIES of those that there are when it begins; leads are those of at most a quarter of the
 * pairs of the first look, so that a look does not take days; the first always is one. A step has a loss when
 * each of these leads has come true for some series. Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_CHANNEL_TRIAL_H
#define AX_PIPELINE_CHANNEL_TRIAL_H

#include "train/speaker_data.h"
#include "train/trial.h"

#define AX_TRIAL_SERIES 512
#define AX_TRIAL_LEAD_MAX 120 /* steps */

struct ax_channel_trial;

/* One of nothing, for the leads of a spec. NULL when out of memory. */
struct ax_channel_trial *ax_channel_trial_new(const struct ax_speaker_spec *spec, uint32_t samples_min);

/* Free it; NULL is fine. */
void ax_channel_trial_free(struct ax_channel_trial *t);

/* The block of a pair and the pairs over which differences are correlated, for the leads that it compares. */
void ax_channel_trial_rule(const struct ax_channel_trial *t, uint32_t samples_min,
                           struct ax_trial_rule *rule);

/* All series of a step, by their serials, rising. */
struct ax_rivals {
    uint32_t n;
    const uint32_t *serials;
    const double *values;        /* NaN: none, or not to be learnt from */
    const double *scales;        /* 0: nothing was said of it */
    const double *live, *shadow; /* [n][leads of the spec] */
};

/* Take step number `step` of this pair of artifacts; another pair begins anew. False when it has no loss.
 * Allocates only where another pair begins; AX_NOMEM is told as no loss, and it is tried again. */
bool ax_channel_trial_step(struct ax_channel_trial *t, const char *live, const char *shadow, int64_t step,
                           const struct ax_rivals *r, double loss[2]);

/* Forget all, and give back what it took. */
void ax_channel_trial_end(struct ax_channel_trial *t);

/* Append what waits. */
void ax_channel_trial_save(const struct ax_channel_trial *t, struct ax_buf *out);

/* Read that back. AX_NOMEM; what cannot be is a failure of in. */
AX_MUST_USE enum ax_err ax_channel_trial_load(struct ax_channel_trial *t, struct ax_bytes *in);

#endif
