/* fits_record.h: what is known of the fits of a model has changed (one has begun, is over, or was called
 * off), as a record of the log (AX_WAL_FITS).
 *
 * It holds all of it, so that taking it twice is taking it once.
 *
 * Body: version (u8, 1), job's name (str), generation and identity of the job (u64 each), its newest step
 * (i64), kind of the model (str), feature (str, empty for the job's own expression and for entities), and
 * what pipeline/fits.h appends. Pure. */
#ifndef AX_PIPELINE_FITS_RECORD_H
#define AX_PIPELINE_FITS_RECORD_H

#include "pipeline/fits.h"

/* Of which model of which job. */
struct ax_fits_record {
    struct ax_str job;
    uint64_t generation, identity; /* of the job */
    int64_t last_ms;               /* its newest step; INT64_MIN before the first */
    struct ax_str kind, feature;
    struct ax_fits fits;
};

/* Append it. */
void ax_fits_record_put(struct ax_buf *out, const struct ax_fits_record *record);

/* Read it; texts point into the record. AX_CORRUPT when it is none. */
AX_MUST_USE enum ax_err ax_fits_record_get(struct ax_str record, struct ax_fits_record *out);

#endif
