/* fits_record.h: what is known of the fits of a model has changed (one has begun, is over, or was called
 * off), as a record of the log (AX_WAL_FITS).
 *
 * It holds all of it, so that taking it twice is taking it once.
 *
 * Body: version (u8, 1), what pipeline/learner_at.h and pipeline/fits.h append. Pure. */
#ifndef AX_PIPELINE_FITS_RECORD_H
#define AX_PIPELINE_FITS_RECORD_H

#include "pipeline/fits.h"
#include "pipeline/learner_at.h"

/* Of which model of which job. */
struct ax_fits_record {
    struct ax_learner_at at;
    struct ax_fits fits;
};

/* Append it. */
void ax_fits_record_put(struct ax_buf *out, const struct ax_fits_record *record);

/* Read it; texts point into the record. AX_CORRUPT when it is none. */
AX_MUST_USE enum ax_err ax_fits_record_get(struct ax_str record, struct ax_fits_record *out);

#endif
