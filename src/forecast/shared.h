/* shared.h: what the forecasters of one expression of a job share: the time zone of their days,
 * the holidays, and which
 * members are asked at all.
 *
 * A spec points to it. Owner: the thread of the forecasters, which are stepped one after the other; so what
 * one leaves here the next one finds, in the same order always. */
#ifndef AX_FORECAST_SHARED_H
#define AX_FORECAST_SHARED_H

#include "forecast/holidays.h"
#include "forecast/pooled.h"
#include "forecast/roster.h"

/* Zero-initialise but for the zone; no resources of its own. */
struct ax_forecast_shared {
    struct ax_local_time clocks;  /* its zone outlives it; NULL is UTC */
    struct ax_holidays *holidays; /* outlive it; NULL: none */
    struct ax_roster roster;
    struct ax_pooled *pooled; /* NULL: none; the owner makes and frees it */
};

/* Give a past, and what comes within `ahead` steps of it, its clocks and its holidays. Cheap when that time
 * is known. */
void ax_forecast_shared_attach(struct ax_forecast_shared *s, struct ax_past *p, uint32_t ahead);

/* Append what was learnt. */
void ax_forecast_shared_save(const struct ax_forecast_shared *s, struct ax_buf *out);

/* Read that back; AX_CORRUPT for bytes that it cannot have written. */
AX_MUST_USE enum ax_err ax_forecast_shared_load(struct ax_forecast_shared *s, struct ax_bytes *in);

#endif
