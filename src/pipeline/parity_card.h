/* parity_card.h: how the groups of a job (the values of a label) were served over the last 7 days: sums for
 * train/parity.h, in 28 buckets of 6 h that fall out of the window, so that memory and cost are constant.
 *
 * Of forecasts: sums of |error| and |actual|. Of alarms: units, each an hour (or 16 steps, if that is more)
 * of one series or entity, since steps are not independent of each other; a unit is an alarm when any score
 * in it was above 1, and abnormal when people say that it was (a `missed` lesson). What nobody said anything
 * of counts as normal. Groups are those that come first, up to a ceiling. Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_PARITY_CARD_H
#define AX_PIPELINE_PARITY_CARD_H

#include "base/bytes.h"
#include "base/metrics.h"
#include "prom/labels.h"
#include "train/parity.h"

#define AX_PARITY_GROUPS_MAX 256
#define AX_PARITY_NO_GROUP UINT16_MAX
#define AX_PARITY_BUCKET_MS 21600000
#define AX_PARITY_BUCKETS 28
#define AX_PARITY_SETTLED 4 /* buckets with errors before the errors of a group are compared */

/* Fields are private. */
struct ax_parity_card;

/* One without groups, which are the values of a label (a view that outlives it), at most so many; dropped
 * counts what is of others. NULL when out of memory. About 1.4 KiB a group. */
struct ax_parity_card *ax_parity_card_new(struct ax_str label, uint32_t groups_max, struct ax_cell *dropped);

/* Free; NULL is fine. */
void ax_parity_card_free(struct ax_parity_card *c);

/* The number of the group of a series, which is made when it is new; AX_PARITY_NO_GROUP, of which nothing is
 * added, without the label, and when there is no room, which is counted. Good until a group is forgotten.
 * O(groups). */
uint16_t ax_parity_card_group(struct ax_parity_card *c, const struct ax_labels *labels);

/* Forget the groups of which keep[] is false. */
void ax_parity_card_forget(struct ax_parity_card *c, const bool *keep);

/* Add the error of a forecast whose actual came at t_ms. O(1). */
void ax_parity_card_error(struct ax_parity_card *c, int64_t t_ms, uint16_t group, double error,
                          double actual);

/* Add a unit that began at t_ms. O(1). */
void ax_parity_card_unit(struct ax_parity_card *c, int64_t t_ms, uint16_t group, bool alarm);

/* A unit that was added is known to have been abnormal; was it an alarm? Of what is older than the window
 * nothing is noted. O(1). */
void ax_parity_card_abnormal(struct ax_parity_card *c, int64_t t_ms, uint16_t group, bool found);

/* Groups so far. */
uint32_t ax_parity_card_n(const struct ax_parity_card *c);

/* The sums of all groups over the window that ends at t_ms, into out[ax_parity_card_n()]; names live as long
 * as the card. O(groups). */
void ax_parity_card_read(const struct ax_parity_card *c, int64_t t_ms, struct ax_parity_group *out);

/* Append all that it holds. */
void ax_parity_card_save(const struct ax_parity_card *c, struct ax_buf *out);

/* Read that back into one without groups. AX_CORRUPT for bytes that it cannot have written, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_parity_card_load(struct ax_parity_card *c, struct ax_bytes *in);

#endif
