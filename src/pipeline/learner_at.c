/* learner_at.c: to and from bytes. */
#include "pipeline/learner_at.h"

void ax_learner_at_put(struct ax_buf *out, const struct ax_learner_at *at)
{
    ax_put_str(out, at->job);
    ax_put_u64(out, at->generation);
    ax_put_u64(out, at->identity);
    ax_put_i64(out, at->last_ms);
    ax_put_str(out, at->kind);
    ax_put_str(out, at->feature);
}

void ax_learner_at_get(struct ax_bytes *in, struct ax_learner_at *out)
{
    out->job = ax_get_str(in);
    out->generation = ax_get_u64(in);
    out->identity = ax_get_u64(in);
    out->last_ms = ax_get_ms(in);
    out->kind = ax_get_str(in);
    out->feature = ax_get_str(in);
}
