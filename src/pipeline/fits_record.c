/* fits_record.c: to and from bytes. */
#include "pipeline/fits_record.h"

#define VERSION 1

void ax_fits_record_put(struct ax_buf *out, const struct ax_fits_record *record)
{
    ax_put_u8(out, VERSION);
    ax_learner_at_put(out, &record->at);
    ax_fits_put(out, &record->fits);
}

enum ax_err ax_fits_record_get(struct ax_str record, struct ax_fits_record *out)
{
    struct ax_bytes in = ax_bytes_of(record);
    ax_get_version(&in, VERSION);
    ax_learner_at_get(&in, &out->at);
    ax_fits_get(&in, &out->fits);
    return ax_bytes_end(&in);
}
