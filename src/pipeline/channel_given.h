/* channel_given.h: a model that the series of a channel share (train/speaker.h), the LSTM or boosted trees:
 * what it learns from, and what it says at a step.
 *
 * Once the windows of all channels have the step, it runs over the series in batches; what it says
 * is one more member of each one's portfolio. Where the portfolios have come to give it no weight it is not
 * run until the next generation. While two generations are compared (pipeline/learner.h) both speak, and one
 * is heard. Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_CHANNEL_GIVEN_H
#define AX_PIPELINE_CHANNEL_GIVEN_H

#include "base/bytes.h"
#include "pipeline/learner.h"
#include "train/speaker.h"

struct ax_channel;
struct ax_channel_given;

/* Make that of a channel whose forecast spec is there, and register it with the job. The config asks for it.
 * Challengers of the first one of a channel are told. AX_NOMEM, AX_INVALID, with a text. */
AX_MUST_USE enum ax_err ax_channel_given_new(struct ax_channel *c, const struct ax_speaker_kind *kind,
                                             struct ax_channel_given **out, struct ax_diag *diag);

/* Free it; its learner ends with the job's. NULL is fine. */
void ax_channel_given_free(struct ax_channel_given *m);

/* What it says at t_ms of all targets of its channel, [targets][tracked leads] in the order of the list, NaN
 * where it has nothing to say; NULL when it does not speak. Valid until the next call. Allocates only when
 * there are more targets than ever. */
const double *ax_channel_given_run(struct ax_channel_given *m, int64_t t_ms);

/* Tracked leads. */
uint32_t ax_channel_given_leads(const struct ax_channel_given *m);

/* After all targets have taken the step: does it earn its keep? */
void ax_channel_given_weigh(struct ax_channel_given *m, int64_t t_ms);

/* Forget what waits to be compared: it is of series that are erased. */
void ax_channel_given_forget(struct ax_channel_given *m);

/* Append whether it is run, since when, and what waits to be compared. */
void ax_channel_given_save(const struct ax_channel_given *m, struct ax_buf *out);

/* Read that back. AX_NOMEM; what cannot be is a failure of in. */
AX_MUST_USE enum ax_err ax_channel_given_load(struct ax_channel_given *m, struct ax_bytes *in);

#endif
