/* roles.c: who has which role, as a value and as bytes. */
#include "train/roles.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

const char *ax_phase_name(enum ax_phase phase)
{
    static const char *const names[AX_PHASES] = {"none", "shadow", "canary", "approval", "watch"};
    AX_ASSERT(phase < AX_PHASES);
    return names[phase];
}

bool ax_role_same(const struct ax_role *a, const struct ax_role *b)
{
    return strcmp(a->sha256, b->sha256) == 0;
}

bool ax_role_is_empty(const struct ax_role *r)
{
    return *r->sha256 == '\0';
}

bool ax_roles_go_on(const struct ax_roles *a, const struct ax_roles *b)
{
    return a->phase == b->phase && a->share == b->share && ax_role_same(&a->live, &b->live) &&
           ax_role_same(&a->shadow, &b->shadow);
}

void ax_roles_try(const struct ax_role *challenger, struct ax_roles *roles)
{
    roles->shadow = *challenger;
    roles->phase = ax_role_is_empty(challenger) ? AX_PHASE_NONE : AX_PHASE_SHADOW;
    roles->share = 0;
}

static void get_text(struct ax_bytes *in, char *out, size_t out_n)
{
    const struct ax_str s = ax_get_str(in);
    if (s.n >= out_n)
        (void)ax_bytes_fail(in);
    else
        (void)snprintf(out, out_n, AX_STR_FMT, AX_STR_ARG(s));
}

static void get_role(struct ax_bytes *in, struct ax_role *out)
{
    get_text(in, out->sha256, sizeof out->sha256);
    get_text(in, out->version, sizeof out->version);
    const size_t n = strlen(out->sha256);
    if (n != 0 && n != AX_SHA256_TEXT - 1)
        (void)ax_bytes_fail(in);
}

static void put_role(struct ax_buf *out, const struct ax_role *role)
{
    ax_put_str(out, ax_str(role->sha256));
    ax_put_str(out, ax_str(role->version));
}

void ax_roles_put(struct ax_buf *out, const struct ax_roles *roles)
{
    put_role(out, &roles->live);
    put_role(out, &roles->shadow);
    put_role(out, &roles->baseline);
    ax_put_u8(out, roles->held);
    ax_put_u8(out, (uint8_t)roles->phase);
    ax_put_u8(out, roles->share);
    ax_put_u8(out, roles->rolled_back);
}

void ax_roles_get(struct ax_bytes *in, struct ax_roles *out)
{
    get_role(in, &out->live);
    get_role(in, &out->shadow);
    get_role(in, &out->baseline);
    out->held = ax_get_bool(in);
    out->phase = (enum ax_phase)ax_get_count(in, AX_PHASES - 1);
    out->share = (uint8_t)ax_get_count(in, 100);
    out->rolled_back = ax_get_bool(in);
    if ((out->phase == AX_PHASE_NONE) != (out->shadow.sha256[0] == '\0') ||
        (out->phase == AX_PHASE_CANARY) != (out->share != 0))
        (void)ax_bytes_fail(in);
}
