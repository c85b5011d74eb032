/* pasts.h: copies of pools, of which references (drift/reference.h) are made later and elsewhere: to copy is
 * cheap, and is done where the series are, to sort is dear, and is done where a model is fitted.
 *
 * A copy is of what a reference is made of and no more: the window of the reference, and how the first series
 * went before it. The references are those that ax_drift_reference_make() would give at once, bit for bit. */
#ifndef AX_DRIFT_PASTS_H
#define AX_DRIFT_PASTS_H

#include "drift/labels.h"

struct ax_drift_pasts;

/* Copies of nothing yet. NULL when out of memory. */
struct ax_drift_pasts *ax_drift_pasts_new(const struct ax_drift_spec *spec);

/* Free them; NULL is fine. */
void ax_drift_pasts_free(struct ax_drift_pasts *p);

/* Copy the pool of a feature; arguments as ax_drift_reference_make(), the name is copied. AX_LIMIT: there
 * would be more than bytes_max of all; AX_NOMEM; then it is not among them. About 0.1 ms a feature of 64
 * series at the default windows. */
AX_MUST_USE enum ax_err ax_drift_pasts_add(struct ax_drift_pasts *p, struct ax_str name,
                                           const struct ax_drift_pool *pool, uint32_t coarse_steps,
                                           uint64_t bytes_max);

/* Copy the codes of a label's values (drift/labels.h), of n series. As above. */
AX_MUST_USE enum ax_err ax_drift_pasts_add_codes(struct ax_drift_pasts *p, struct ax_str name,
                                                 const double *codes, uint32_t n, uint64_t bytes_max);

/* Bytes that they take. */
uint64_t ax_drift_pasts_bytes(const struct ax_drift_pasts *p);

/* Features. */
uint32_t ax_drift_pasts_n(const struct ax_drift_pasts *p);

/* Make the reference of the i-th and append it to the bytes of those of a model; nothing where there is too
 * little to make one of. AX_NOMEM. About 2 ms. */
AX_MUST_USE enum ax_err ax_drift_pasts_make(const struct ax_drift_pasts *p, uint32_t i,
                                            struct ax_arena *scratch, struct ax_buf *bytes);

#endif
