/* challenger.c: a few more outlets for the first series, as long as a trial goes on. */
#include "pipeline/challenger.h"

#include "base/assert.h"

#include <stdlib.h>

void ax_challenger_init(struct ax_challenger *c, struct ax_outlets *outlets, struct ax_cell *unsent)
{
    const uint32_t most = outlets->job->models.max_shadow_series;
    *c = (struct ax_challenger){outlets, most, most, unsent};
}

bool ax_challenger_is_heard(const struct ax_challenger *c)
{
    return c->left < c->most;
}

struct ax_outlet_name ax_challenger_name(struct ax_outlet_name champion, enum ax_output id)
{
    AX_ASSERT(champion.added_n < AX_OUTLET_ADDED);
    champion.id = id;
    champion.added[champion.added_n++] = (struct ax_label){ax_str("role"), ax_str("challenger")};
    return champion;
}

/* Take a place; there is one. */
static bool take_place(struct ax_challenger *c, struct ax_challenged *s, uint32_t n)
{
    s->v = calloc(n, sizeof *s->v);
    if (!s->v)
        return false;
    s->n = n;
    c->left--;
    return true;
}

bool ax_challenged_join(struct ax_challenger *c, struct ax_challenged *s, uint32_t n)
{
    if (s->v || (c->left > 0 && take_place(c, s, n)))
        return true;
    if (c->most > 0)
        ax_metric_add(c->unsent, n);
    return false;
}

void ax_challenged_leave(struct ax_challenger *c, struct ax_challenged *s, int64_t t_ms)
{
    if (!s->v)
        return;
    for (uint32_t i = 0; i < s->n; i++)
        ax_outlet_end(c->outlets, &s->v[i], t_ms);
    free(s->v);
    *s = (struct ax_challenged){NULL, 0};
    c->left++;
}

void ax_challenged_save(const struct ax_challenged *s, struct ax_buf *out)
{
    ax_put_u8(out, s->v != NULL);
}

enum ax_err ax_challenged_load(struct ax_challenger *c, struct ax_challenged *s, uint32_t n,
                               struct ax_bytes *in)
{
    if (!ax_get_bool(in) || in->err != AX_OK)
        return in->err;
    if (!c || c->left == 0 || s->v)
        return ax_bytes_fail(in);
    return take_place(c, s, n) ? AX_OK : AX_NOMEM;
}
