/* retry.c: the table of answers, and exponential pauses. */
#include "emit/retry.h"

static bool may_pass(const struct ax_answer *a)
{
    if (a->status == 0 || a->status == 408 || (a->status >= 500 && a->status <= 599))
        return true;
    return a->status == 429 && a->retry_on_429;
}

enum ax_verdict ax_send_judge(const struct ax_answer *answer)
{
    bool ok = answer->status >= 200 && answer->status <= 299;
    if (answer->version == 2) {
        bool unwritten = ok && answer->samples_sent && answer->samples_written <= 0;
        bool refused = answer->status == 415 || (answer->status == 400 && !answer->version2_confirmed);
        if (unwritten || refused)
            return AX_SEND_FALL_BACK;
    }
    if (ok)
        return AX_SEND_ACCEPTED;
    return may_pass(answer) ? AX_SEND_RETRY : AX_SEND_DROP;
}

int64_t ax_backoff_ms(const struct ax_backoff *b, uint32_t attempt, int64_t retry_after_ms,
                      struct ax_rng *rng)
{
    if (retry_after_ms > b->min_ms)
        return retry_after_ms < AX_RETRY_AFTER_MAX_MS ? retry_after_ms : AX_RETRY_AFTER_MAX_MS;
    int64_t ms = b->min_ms > 0 ? b->min_ms : 1;
    for (uint32_t i = 1; i < attempt && ms < b->max_ms; i++)
        ms = ms > b->max_ms / 2 ? b->max_ms : ms * 2;
    ms = (int64_t)((double)ms * (0.9 + 0.2 * ax_rng_double(rng)) + 0.5);
    return ms < b->max_ms ? ms : b->max_ms;
}
