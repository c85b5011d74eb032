/* swap_record.c: a swap to and from bytes. */
#include "pipeline/swap_record.h"

#define VERSION 4

void ax_swap_put(struct ax_buf *out, const struct ax_swap *swap)
{
    ax_put_u8(out, VERSION);
    ax_learner_at_put(out, &swap->at);
    ax_roles_put(out, &swap->roles);
}

enum ax_err ax_swap_get(struct ax_str record, struct ax_swap *out)
{
    struct ax_bytes in = ax_bytes_of(record);
    ax_get_version(&in, VERSION);
    ax_learner_at_get(&in, &out->at);
    ax_roles_get(&in, &out->roles);
    return ax_bytes_end(&in);
}
