/* fits_record.c: to and from bytes. */
#include "pipeline/fits_record.h"

#define VERSION 1

void ax_fits_record_put(struct ax_buf *out, const struct ax_fits_record *record)
{
    ax_put_u8(out, VERSION);
    ax_put_str(out, record->job);
    ax_put_u64(out, record->generation);
    ax_put_u64(out, record->identity);
    ax_put_i64(out, record->last_ms);
    ax_put_str(out, record->kind);
    ax_put_str(out, record->feature);
    ax_fits_put(out, &record->fits);
}

enum ax_err ax_fits_record_get(struct ax_str record, struct ax_fits_record *out)
{
    struct ax_bytes in = ax_bytes_of(record);
    ax_get_version(&in, VERSION);
    out->job = ax_get_str(&in);
    out->generation = ax_get_u64(&in);
    out->identity = ax_get_u64(&in);
    out->last_ms = ax_get_ms(&in);
    out->kind = ax_get_str(&in);
    out->feature = ax_get_str(&in);
    ax_fits_get(&in, &out->fits);
    return ax_bytes_end(&in);
}
