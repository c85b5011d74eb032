/* rw_series.h: the part of the remote-write decoder that reads one TimeSeries; for rw_decode.c alone. */
#ifndef AX_PROM_RW_SERIES_H
#define AX_PROM_RW_SERIES_H

#include "prom/rw_decode.h"

/* One request on its way. */
struct ax_rw_walk {
    struct ax_rw_decoder *d;
    const struct ax_rw_limits *limits;
    struct ax_rw_stats *stats;
    int version;
    uint64_t number; /* of the series in the request, from 1, for a text; 0: the next of the stats */
};

/* Read the bytes of one TimeSeries, add it to the stats and hand it to the visitor, whose error is
 * returned. AX_INVALID when it is malformed (not visited then), AX_NOMEM. */
AX_MUST_USE enum ax_err ax_rw_walk_series(struct ax_rw_walk *w, struct ax_str bytes, ax_rw_visit *visit,
                                          void *ctx, struct ax_diag *diag);

#endif
