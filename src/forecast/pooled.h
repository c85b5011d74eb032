/* pooled.h: one ridge regression on lags for all series of an expression.
 *
 * Rows are those of lag_row.h: relative to the series' last value, in units of its local scale, so that what
 * one series has taught serves another of any level, and one that is a few steps old. Each refit of a series
 * adds some of the moments whose targets have come since its last one, each once, to the normal equations of
 * each lead; what is older than a few fine windows of every series fades; then they are solved. So the work
 * is spread as the refits are, and depends on their order alone. Targets are winsorised and weighted as in
 * robust.h.
 *
 * The solution equals numpy's on the same rows (tests/golden/pooled). Owner: the thread of the forecasters.
 */
#ifndef AX_FORECAST_POOLED_H
#define AX_FORECAST_POOLED_H

#include "forecast/lag_row.h"

struct ax_pooled;

/* One that has learnt nothing, for leads_n leads; NULL when out of memory. */
struct ax_pooled *ax_pooled_new(uint32_t leads_n);

/* Free; NULL is fine. */
void ax_pooled_free(struct ax_pooled *p);

/* Learn from a past the moments whose targets are among its newest `steps` (at most 512). series is how many
 * share this. params as of the forecaster; AX_NOMEM only. */
AX_MUST_USE enum ax_err ax_pooled_learn(struct ax_pooled *p, const struct ax_model_params *params,
                                        const struct ax_past *past, uint32_t steps, uint32_t series,
                                        struct ax_arena *scratch);

/* Add one row x[AX_LAG_WIDTH], its target y and its weight to the equations of the k-th lead. */
void ax_pooled_add(struct ax_pooled *p, uint32_t k, const double *x, double y, double weight);

/* Solve the equations of the k-th lead, which is so many steps: the penalty grows with how its targets
 * overlap. Leaves the solution that there is as long as there are few rows. */
void ax_pooled_solve(struct ax_pooled *p, uint32_t k, uint32_t lead);

/* Coefficients of the k-th lead; NULL as long as there are none. */
const float *ax_pooled_weights(const struct ax_pooled *p, uint32_t k);

/* Append all of it. */
void ax_pooled_save(const struct ax_pooled *p, struct ax_buf *out);

/* Read that back into one that has learnt nothing; what cannot be is a failure of in. */
void ax_pooled_load(struct ax_pooled *p, struct ax_bytes *in);

#endif
