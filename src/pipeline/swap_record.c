/* swap_record.c: a swap to and from bytes. */
#include "pipeline/swap_record.h"

#define VERSION 3

void ax_swap_put(struct ax_buf *out, const struct ax_swap *swap)
{
    ax_put_u8(out, VERSION);
    ax_put_str(out, swap->job);
    ax_put_u64(out, swap->generation);
    ax_put_u64(out, swap->identity);
    ax_put_i64(out, swap->last_ms);
    ax_put_str(out, swap->kind);
    ax_put_str(out, swap->feature);
    ax_roles_put(out, &swap->roles);
}

enum ax_err ax_swap_get(struct ax_str record, struct ax_swap *out)
{
    struct ax_bytes in = ax_bytes_of(record);
    ax_get_version(&in, VERSION);
    out->job = ax_get_str(&in);
    out->generation = ax_get_u64(&in);
    out->identity = ax_get_u64(&in);
    out->last_ms = ax_get_ms(&in);
    out->kind = ax_get_str(&in);
    out->feature = ax_get_str(&in);
    ax_roles_get(&in, &out->roles);
    return ax_bytes_end(&in);
}
