/* channel_lstm.h: the LSTM that the series of a channel share: what it learns from, and what it says at a
 * step.
 *
 * Once the windows of all channels have the step, the network runs over the series in batches; what it says
 * is one more member of each one's portfolio. Where the portfolios have come to give it no weight it is not
 * run until the next generation. While two generations are compared (pipeline/learner.h) both speak, and one
 * is heard. Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_CHANNEL_LSTM_H
#define AX_PIPELINE_CHANNEL_LSTM_H

#include "base/bytes.h"
#include "pipeline/learner.h"
#include "train/lstm.h"

struct ax_channel;
struct ax_channel_lstm;

/* Make that of a channel whose forecast spec is there, and register it with the job. The config asks for it.
 * AX_NOMEM, AX_INVALID, with a text. */
AX_MUST_USE enum ax_err ax_channel_lstm_new(struct ax_channel *c, struct ax_channel_lstm **out,
                                            struct ax_diag *diag);

/* Free it; its learner ends with the job's. NULL is fine. */
void ax_channel_lstm_free(struct ax_channel_lstm *m);

/* What it says at t_ms of all targets of its channel, [targets][tracked leads] in the order of the list, NaN
 * where it has nothing to say; NULL when it does not speak. Valid until the next call. Allocates only when
 * there are more targets than ever. */
const double *ax_channel_lstm_run(struct ax_channel_lstm *m, int64_t t_ms);

/* Tracked leads. */
uint32_t ax_channel_lstm_leads(const struct ax_channel_lstm *m);

/* After all targets have taken the step: does it earn its keep? */
void ax_channel_lstm_weigh(struct ax_channel_lstm *m, int64_t t_ms);

/* Forget what waits to be compared: it is of series that are erased. */
void ax_channel_lstm_forget(struct ax_channel_lstm *m);

/* Append whether it is run, since when, and what waits to be compared. */
void ax_channel_lstm_save(const struct ax_channel_lstm *m, struct ax_buf *out);

/* Read that back. AX_NOMEM; what cannot be is a failure of in. */
AX_MUST_USE enum ax_err ax_channel_lstm_load(struct ax_channel_lstm *m, struct ax_bytes *in);

#endif
