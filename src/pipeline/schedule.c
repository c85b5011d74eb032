/* schedule.c: due steps as integer arithmetic. */
#include "pipeline/schedule.h"

int64_t ax_schedule_floor(int64_t t_ms, int64_t step_ms)
{
    int64_t r = t_ms % step_ms;
    return t_ms - (r < 0 ? r + step_ms : r);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Up to which time all is in, or will not come; AX_NEVER while neither can be said. */
static int64_t reached(const struct ax_schedule *s, const struct ax_moment *m)
{
    int64_t patience = s->delay_ms > AX_STEP_PATIENCE_MS ? s->delay_ms : AX_STEP_PATIENCE_MS;
    int64_t newest = earlier(m->newest_ms, m->latest_ms), began = m->now_ms - m->silent_ms;
    /* A sample that the clock has left behind begins nothing; its time may be anything. */
    bool left_behind = newest < began - AX_STEP_LAG_MS;
    int64_t by_sample = AX_NEVER, by_silence = AX_NEVER;
    if (!left_behind || s->last_ms != AX_NEVER)
        by_sample = newest < AX_NEVER + s->delay_ms ? AX_NEVER : newest - s->delay_ms;
    if (m->silent_ms >= patience)
        by_silence = earlier((left_behind ? began : newest) + m->silent_ms, m->now_ms) - patience;
    return by_silence > by_sample ? by_silence : by_sample;
}

/* May a step be taken now, as far as others than the newest samples go? */
static bool settled(const struct ax_schedule *s, const struct ax_moment *m, int64_t t_ms)
{
    return t_ms <= m->settled_ms || m->now_ms - t_ms <= s->delay_ms + AX_STEP_LATE_MS;
}

bool ax_schedule_due(const struct ax_schedule *s, const struct ax_moment *m, int64_t *out_t_ms,
                     uint64_t *out_skipped)
{
    *out_skipped = 0;
    if (m->newest_ms == AX_NEVER)
        return false;
    int64_t reached_ms = reached(s, m);
    if (reached_ms == AX_NEVER)
        return false;
    int64_t due = ax_schedule_floor(reached_ms, s->step_ms);
    if (s->last_ms == AX_NEVER) {
        *out_t_ms = due;
        return settled(s, m, due);
    }
    if (due <= s->last_ms)
        return false;
    int64_t behind_max = later(later(3 * s->step_ms, AX_STEP_BEHIND_MS), m->behind_ms);
    int64_t next = s->last_ms + s->step_ms;
    if (due - next > behind_max) {
        int64_t resumed = ax_schedule_floor(due - behind_max, s->step_ms);
        *out_skipped = (uint64_t)((resumed - next) / s->step_ms);
        next = resumed;
    }
    *out_t_ms = next;
    return settled(s, m, next);
}

void ax_arrivals_init(struct ax_arrivals *a, int64_t look_max_ms, int64_t window_ms)
{
    *a = (struct ax_arrivals){
        .look_max_ms = look_max_ms, .window_ms = window_ms, .oldest_ms = {INT64_MAX, INT64_MAX}};
}

void ax_arrivals_look(struct ax_arrivals *a, int64_t newest_ms, int64_t oldest_ms, int64_t now_ms)
{
    int64_t passed_ms = 0;
    if (a->looked && now_ms > a->looked_ms)
        passed_ms = earlier(now_ms - a->looked_ms, a->look_max_ms);
    a->silent_ms = a->looked && newest_ms == a->newest_ms ? a->silent_ms + passed_ms : 0;
    a->in_window_ms += passed_ms;
    if (a->in_window_ms >= a->window_ms) {
        a->oldest_ms[1] = a->in_window_ms < 2 * a->window_ms ? a->oldest_ms[0] : INT64_MAX;
        a->oldest_ms[0] = INT64_MAX;
        a->in_window_ms = 0;
    }
    a->oldest_ms[0] = earlier(a->oldest_ms[0], oldest_ms);
    a->looked = true;
    a->newest_ms = newest_ms;
    a->looked_ms = now_ms;
}

void ax_arrivals_excuse(struct ax_arrivals *a)
{
    a->looked = false;
}

int64_t ax_arrivals_settled(const struct ax_arrivals *a)
{
    int64_t oldest_ms = earlier(a->oldest_ms[0], a->oldest_ms[1]);
    return a->window_ms == 0 || oldest_ms == INT64_MAX ? INT64_MAX : oldest_ms - 1;
}
