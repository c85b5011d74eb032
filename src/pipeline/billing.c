/* billing.c: the highest averages of a month, in order. */
#include "pipeline/billing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000LL
#define WEEK_DAYS 7
#define MONTH_DAYS_MAX 32 /* a month of 31 days, and what a change of clocks or zone may add */
#define ROUNDING 1e-9     /* of percentile times count */

/* How many of n values lie above the one that is billed. */
static uint32_t above(const struct ax_billing_spec *spec, uint32_t n)
{
    double rank = ceil(spec->percentile / 100 * n - ROUNDING);
    uint32_t at = rank < 1 ? 1 : (uint32_t)rank;
    return at > n ? 0 : n - at;
}

uint32_t ax_billing_kept(const struct ax_billing_spec *spec)
{
    return above(spec, (uint32_t)(MONTH_DAYS_MAX * DAY_MS / spec->interval_ms)) + 1;
}

uint64_t ax_billing_bytes(const struct ax_billing_spec *spec)
{
    return sizeof(struct ax_billing) + ax_billing_kept(spec) * sizeof(float);
}

struct ax_billing *ax_billing_new(const struct ax_billing_spec *spec)
{
    struct ax_billing *b = calloc(1, ax_billing_bytes(spec));
    if (b)
        b->projected = (float)NAN;
    return b;
}

void ax_billing_month(const struct ax_billing_spec *spec, int64_t t_ms, int64_t *from_ms, int64_t *to_ms)
{
    int64_t t_s = (t_ms - 1) / 1000; /* an interval that ends at midnight belongs to the day before */
    struct ax_civil now = ax_zone_civil(spec->zone, t_s);
    struct ax_civil c = {.year = now.year, .month = now.month, .day = spec->day};
    if (ax_zone_instant(spec->zone, &c) > t_s)
        c.month--;
    *from_ms = ax_zone_instant(spec->zone, &c) * 1000;
    c.month++;
    *to_ms = ax_zone_instant(spec->zone, &c) * 1000;
}

/* Count a value; of the highest it finds its place. */
static void count(struct ax_billing *b, uint32_t kept_max, float v)
{
    uint32_t from = 0, to = b->kept_n;
    b->slots_n++;
    if (b->kept_n == kept_max && v <= b->kept[kept_max - 1])
        return;
    while (from < to) { /* behind those that are as high */
        uint32_t mid = from + (to - from) / 2;
        if (b->kept[mid] >= v)
            from = mid + 1;
        else
            to = mid;
    }
    uint32_t moved = (b->kept_n < kept_max ? b->kept_n : kept_max - 1) - from;
    memmove(&b->kept[from + 1], &b->kept[from], moved * sizeof *b->kept);
    b->kept[from] = v;
    b->kept_n += b->kept_n < kept_max;
}

/* End the interval that is being averaged. */
static bool end_slot(struct ax_billing *b, const struct ax_billing_spec *spec)
{
    bool counts = b->count > 0 && b->slot_ms > b->from_ms && b->slot_ms <= b->to_ms;
    if (counts)
        count(b, ax_billing_kept(spec), (float)(b->sum / b->count));
    b->sum = 0;
    b->count = 0;
    return counts;
}

bool ax_billing_add(struct ax_billing *b, const struct ax_billing_spec *spec, int64_t t_ms, double value)
{
    int64_t slot_ms = (t_ms + spec->interval_ms - 1) / spec->interval_ms * spec->interval_ms;
    bool ended = false;
    if (slot_ms != b->slot_ms) {
        ended = end_slot(b, spec);
        b->slot_ms = slot_ms;
        if (slot_ms <= b->from_ms || slot_ms > b->to_ms) {
            ax_billing_month(spec, slot_ms, &b->from_ms, &b->to_ms);
            b->slots_n = b->kept_n = 0;
            b->projected = (float)NAN;
            ended = false;
        }
    }
    if (isfinite(value)) {
        b->sum += value;
        b->count++;
    }
    return ended;
}

double ax_billing_value(const struct ax_billing *b, const struct ax_billing_spec *spec)
{
    return b->slots_n ? (double)b->kept[above(spec, b->slots_n)] : (double)NAN;
}

double ax_billing_observed(const struct ax_billing *b, const struct ax_billing_spec *spec, int64_t t_ms)
{
    int64_t over = (t_ms - b->from_ms) / spec->interval_ms;
    if (over <= 0)
        return b->slots_n ? 1 : 0;
    double share = (double)b->slots_n / (double)over;
    return share < 1 ? share : 1;
}

/* Mean of the points of a view in (t - interval, t]; the one that covers t where points are further apart.
 * NaN without. */
static double mean_before(const struct ax_view *v, int64_t t_ms, int64_t interval_ms)
{
    int64_t back = v->end_ms - t_ms; /* of the last point that counts, from the end */
    int64_t last = (int64_t)v->n - 1 - (back > 0 ? (back + v->step_ms - 1) / v->step_ms : 0);
    int64_t points = interval_ms / v->step_ms;
    double sum = 0;
    uint32_t n = 0;
    if (points < 1) {
        last = (int64_t)v->n - 1 - back / v->step_ms;
        points = 1;
    }
    for (int64_t i = last; i > last - points && i >= 0; i--) {
        if (isnan(v->v[i]))
            continue;
        sum += (double)v->v[i];
        n++;
    }
    return n ? sum / n : (double)NAN;
}

enum ax_err ax_billing_project(struct ax_billing *b, const struct ax_billing_spec *spec,
                               const struct ax_window *w, struct ax_arena *scratch)
{
    const struct ax_view past = ax_window_coarse(w);
    int64_t days = past.n ? (int64_t)past.n * past.step_ms / DAY_MS : 0;
    int64_t back_ms = (days < WEEK_DAYS ? days : WEEK_DAYS) * DAY_MS;
    b->projected = (float)NAN;
    if (back_ms == 0 || b->slots_n == 0)
        return AX_OK;
    uint32_t kept_max = ax_billing_kept(spec);
    struct ax_billing *end = ax_arena_alloc(scratch, ax_billing_bytes(spec));
    if (!end)
        return AX_NOMEM;
    memcpy(end, b, sizeof *b + b->kept_n * sizeof *b->kept);
    for (int64_t t_ms = b->slot_ms; t_ms <= b->to_ms; t_ms += spec->interval_ms) {
        int64_t before = t_ms > past.end_ms ? (t_ms - past.end_ms + back_ms - 1) / back_ms * back_ms : 0;
        double v = mean_before(&past, t_ms - before, spec->interval_ms);
        if (!isnan(v))
            count(end, kept_max, (float)v);
    }
    b->projected = (float)ax_billing_value(end, spec);
    return AX_OK;
}

void ax_billing_save(const struct ax_billing *b, struct ax_buf *out)
{
    ax_put_i64(out, b->from_ms);
    ax_put_i64(out, b->to_ms);
    ax_put_i64(out, b->slot_ms);
    ax_put_f64(out, b->sum);
    ax_put_varint(out, b->count);
    ax_put_varint(out, b->slots_n);
    ax_put_f32(out, b->projected);
    ax_put_f32s(out, b->kept, b->kept_n);
}

void ax_billing_load(struct ax_billing *b, const struct ax_billing_spec *spec, struct ax_bytes *in)
{
    uint32_t kept_max = ax_billing_kept(spec);
    b->from_ms = ax_get_ms(in);
    b->to_ms = ax_get_ms(in);
    b->slot_ms = ax_get_ms(in);
    b->sum = ax_get_f64(in);
    b->count = ax_get_count(in, UINT32_MAX);
    b->slots_n = ax_get_count(in, (uint32_t)(MONTH_DAYS_MAX * DAY_MS / spec->interval_ms));
    b->projected = ax_get_f32(in);
    b->kept_n = ax_get_f32s(in, b->kept, kept_max);
    bool whole = b->kept_n == (b->slots_n < kept_max ? b->slots_n : kept_max) && b->from_ms <= b->to_ms &&
                 isfinite(b->sum) && b->slot_ms % spec->interval_ms == 0;
    for (uint32_t i = 0; i < b->kept_n; i++)
        whole = whole && !isnan(b->kept[i]) && (i == 0 || b->kept[i] <= b->kept[i - 1]);
    if (!whole)
        (void)ax_bytes_fail(in);
}
