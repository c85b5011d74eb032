/* roster.c: members that earn nothing on a job rest. */
#include "forecast/roster.h"

#include <string.h>

#define ROUND_REFITS 4 /* of each series */
#define ROUND_MIN 16
#define USE_LEAST 0.02 /* of the refits */
#define REST_ROUNDS 8

static uint32_t round_length(const struct ax_roster *r)
{
    uint32_t n = r->series < UINT32_MAX / ROUND_REFITS ? ROUND_REFITS * r->series : UINT32_MAX;
    return n > ROUND_MIN ? n : ROUND_MIN;
}

static void end_round(struct ax_roster *r)
{
    for (uint32_t m = AX_MEMBER_LAST_VALUE + 1; m < AX_MEMBERS; m++) {
        uint32_t bit = 1U << m;
        if (!(AX_MEMBERS_ALL & bit))
            continue;
        if (r->rests[m] > 0)
            r->rests[m]--;
        else if (r->of_use[m] < USE_LEAST * r->refits)
            r->rests[m] = REST_ROUNDS;
        r->resting = r->rests[m] ? r->resting | bit : r->resting & ~bit;
    }
    r->refits = 0;
    memset(r->of_use, 0, sizeof r->of_use);
}

void ax_roster_note(struct ax_roster *r, uint32_t of_use)
{
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        r->of_use[m] += of_use >> m & 1;
    if (++r->refits >= round_length(r))
        end_round(r);
}

void ax_roster_save(const struct ax_roster *r, struct ax_buf *out)
{
    ax_put_varint(out, r->refits);
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        ax_put_varint(out, r->of_use[m]);
        ax_put_u8(out, r->rests[m]);
    }
}

void ax_roster_load(struct ax_roster *r, struct ax_bytes *in)
{
    r->refits = ax_get_count(in, UINT32_MAX - 1);
    r->resting = 0;
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        r->of_use[m] = ax_get_count(in, r->refits);
        r->rests[m] = ax_get_u8(in);
        if (r->rests[m] > (AX_MEMBERS_ALL >> m & 1 && m != AX_MEMBER_LAST_VALUE ? REST_ROUNDS : 0))
            (void)ax_bytes_fail(in);
        r->resting |= r->rests[m] ? 1U << m : 0;
    }
}
