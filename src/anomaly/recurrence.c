/* recurrence.c: entries by the time of the day. */
#include "anomaly/recurrence.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define DAY_MS 86400000
#define KNOWN_DAYS 3
#define FORGOTTEN_MS (9LL * DAY_MS)
#define NEAR_MS 300000 /* onsets so near are at the same time; two steps when that is more */
#define MARGIN 0.5     /* of what was seen, that it may go further */
#define DAYS_MAX 1000000

void ax_recurrences_init(struct ax_recurrences *r)
{
    memset(r, 0, sizeof *r);
    r->last_ms = INT64_MIN;
    for (uint32_t i = 0; i < AX_RECURRENCES; i++)
        r->v[i].began_ms = INT64_MIN;
}

static int64_t near_ms(int64_t step_ms)
{
    return 2 * step_ms > NEAR_MS ? 2 * step_ms : NEAR_MS;
}

/* How far two onsets, the later one first, are from a whole number of days apart. */
static int64_t off_by(int64_t later_ms, int64_t earlier_ms)
{
    int64_t d = (later_ms - earlier_ms) % DAY_MS;
    return d < DAY_MS - d ? d : DAY_MS - d;
}

static bool fresh(const struct ax_recurrence *e, int64_t t_ms)
{
    return e->began_ms != INT64_MIN && t_ms >= e->began_ms && t_ms - e->began_ms <= FORGOTTEN_MS;
}

/* Of the entries that are not of its time, the one that an onset may take: what is stale, else of the fewest
 * days, else the oldest. */
static struct ax_recurrence *spare(struct ax_recurrences *r, int64_t t_ms)
{
    struct ax_recurrence *best = &r->v[0];
    for (uint32_t i = 1; i < AX_RECURRENCES; i++) {
        struct ax_recurrence *e = &r->v[i];
        bool gone = !fresh(e, t_ms), best_gone = !fresh(best, t_ms);
        bool fewer = e->days < best->days || (e->days == best->days && e->began_ms < best->began_ms);
        if (gone != best_gone ? gone : fewer)
            best = e;
    }
    return best;
}

/* What lasted becomes what was seen. */
static void settle(struct ax_recurrence *e)
{
    e->low = fminf(e->low, e->now_low);
    e->high = fmaxf(e->high, e->now_high);
    if (e->lasts_s > e->longest_s)
        e->longest_s = e->lasts_s;
    e->lasts_s = 0;
}

/* An onset: of an entry of its time, or of a new one. */
static void begin(struct ax_recurrences *r, int64_t t_ms, int64_t step_ms, float value)
{
    struct ax_recurrence *e = NULL;
    for (uint32_t i = 0; i < AX_RECURRENCES && !e; i++)
        if (fresh(&r->v[i], t_ms) && off_by(t_ms, r->v[i].began_ms) <= near_ms(step_ms))
            e = &r->v[i];
    if (e) {
        settle(e);
        e->days += t_ms - e->began_ms > DAY_MS / 2 && e->days < DAYS_MAX;
    } else {
        e = spare(r, t_ms);
        *e = (struct ax_recurrence){.low = value, .high = value, .days = 1};
    }
    e->now_low = e->now_high = value;
    e->began_ms = t_ms;
    r->active = (uint32_t)(e - r->v) + 1;
}

bool ax_recurrences_take(struct ax_recurrences *r, int64_t t_ms, int64_t step_ms, double value, double usual)
{
    if (r->active == 0 || t_ms < r->last_ms || t_ms - r->last_ms > near_ms(step_ms))
        begin(r, t_ms, step_ms, (float)value);
    r->last_ms = t_ms;
    struct ax_recurrence *e = &r->v[r->active - 1];
    int64_t lasts_ms = t_ms - e->began_ms;
    e->lasts_s = lasts_ms / 1000 < UINT32_MAX ? (uint32_t)(lasts_ms / 1000) : UINT32_MAX;
    e->now_low = fminf(e->now_low, (float)value);
    e->now_high = fmaxf(e->now_high, (float)value);
    double above = fmax((double)e->high - usual, 0) * (1 + MARGIN),
           below = fmax(usual - (double)e->low, 0) * (1 + MARGIN);
    return e->days > KNOWN_DAYS && value <= usual + above && value >= usual - below &&
           lasts_ms <= 1500LL * e->longest_s + near_ms(step_ms);
}

void ax_recurrences_save(const struct ax_recurrences *r, struct ax_buf *out)
{
    for (uint32_t i = 0; i < AX_RECURRENCES; i++) {
        const struct ax_recurrence *e = &r->v[i];
        ax_put_i64(out, e->began_ms);
        if (e->began_ms == INT64_MIN)
            continue;
        const float numbers[] = {e->low, e->high, e->now_low, e->now_high};
        for (unsigned k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
            ax_put_f32(out, numbers[k]);
        ax_put_varint(out, e->longest_s);
        ax_put_varint(out, e->lasts_s);
        ax_put_varint(out, e->days);
    }
    ax_put_i64(out, r->last_ms);
    ax_put_varint(out, r->active);
}

void ax_recurrences_load(struct ax_recurrences *r, struct ax_bytes *in)
{
    for (uint32_t i = 0; i < AX_RECURRENCES; i++) {
        struct ax_recurrence *e = &r->v[i];
        e->began_ms = ax_get_ms(in);
        if (e->began_ms == INT64_MIN)
            continue;
        float *const numbers[] = {&e->low, &e->high, &e->now_low, &e->now_high};
        for (unsigned k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
            *numbers[k] = ax_get_f32_in(in, -FLT_MAX, FLT_MAX);
        e->longest_s = ax_get_count(in, UINT32_MAX);
        e->lasts_s = ax_get_count(in, UINT32_MAX);
        e->days = ax_get_count(in, DAYS_MAX);
    }
    r->last_ms = ax_get_ms(in);
    r->active = ax_get_count(in, AX_RECURRENCES);
    if (r->active && r->v[r->active - 1].began_ms == INT64_MIN)
        (void)ax_bytes_fail(in);
}
