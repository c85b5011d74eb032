/* schedule.c: due steps as integer arithmetic. */
#include "pipeline/schedule.h"

/* A job behind by more than this (and 3 steps) skips: raw samples are kept a little longer than that. */
#define BEHIND_MAX_MS 300000

int64_t ax_schedule_floor(int64_t t_ms, int64_t step_ms)
{
    int64_t r = t_ms % step_ms;
    return t_ms - (r < 0 ? r + step_ms : r);
}

bool ax_schedule_due(const struct ax_schedule *s, int64_t newest_sample_ms, int64_t now_ms, int64_t *out_t_ms,
                     uint64_t *out_skipped)
{
    *out_skipped = 0;
    if (newest_sample_ms == AX_NEVER)
        return false;
    int64_t newest = newest_sample_ms < now_ms ? newest_sample_ms : now_ms;
    int64_t patience = s->delay_ms > AX_STEP_PATIENCE_MS ? s->delay_ms : AX_STEP_PATIENCE_MS;
    int64_t reached = now_ms - patience;
    /* A sample that the clock has left behind decides nothing; its time may be anything. */
    if (newest > reached && newest - s->delay_ms > reached)
        reached = newest - s->delay_ms;
    int64_t due = ax_schedule_floor(reached, s->step_ms);
    if (s->last_ms == AX_NEVER) {
        *out_t_ms = due;
        return true;
    }
    if (due <= s->last_ms)
        return false;
    int64_t behind_max = 3 * s->step_ms > BEHIND_MAX_MS ? 3 * s->step_ms : BEHIND_MAX_MS;
    int64_t next = s->last_ms + s->step_ms;
    if (due - next > behind_max) {
        int64_t resumed = ax_schedule_floor(due - behind_max, s->step_ms);
        *out_skipped = (uint64_t)((resumed - next) / s->step_ms);
        next = resumed;
    }
    *out_t_ms = next;
    return true;
}
