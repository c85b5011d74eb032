/* sketch.c: groups of neighbouring values, and back. */
#include "drift/sketch.h"

#include <math.h>

/* How many values from i on are equal to that of i. */
static uint32_t run_of(const double *sorted, uint32_t n, uint32_t i)
{
    uint32_t k = i;
    while (k < n && sorted[k] <= sorted[i])
        k++;
    return k - i;
}

/* Values that a group from the i-th on may have. */
static uint32_t most_at(uint32_t i, uint32_t n)
{
    const uint32_t end = (i < n - i ? i : n - i) / AX_DRIFT_TAIL, middle = n / AX_DRIFT_GRID;
    const uint32_t most = end < middle ? end : middle;
    return most > 1 ? most : 1;
}

void ax_drift_sketch_make(const double *sorted, uint32_t n, struct ax_drift_sketch *out)
{
    out->n = n;
    out->groups = 0;
    for (uint32_t i = 0; i < n;) {
        const uint32_t most = most_at(i, n);
        uint32_t count = run_of(sorted, n, i), next = 0;
        bool spread = false;
        /* The least value stays alone: the first group has none before it to spread from. */
        while (i > 0 && i + count < n && count + (next = run_of(sorted, n, i + count)) <= most) {
            count += next;
            spread = true;
        }
        i += count;
        out->v[out->groups] = sorted[i - 1];
        out->count[out->groups] = count;
        out->spread[out->groups++] = spread;
    }
}

void ax_drift_sketch_expand(const struct ax_drift_sketch *s, double *out)
{
    for (uint32_t g = 0; g < s->groups; g++) {
        const double from = s->spread[g] ? s->v[g - 1] : s->v[g], step = (s->v[g] - from) / s->count[g];
        for (uint32_t k = 1; k < s->count[g]; k++)
            *out++ = fmin(from + step * k, s->v[g]);
        *out++ = s->v[g];
    }
}

void ax_drift_sketch_save(const struct ax_drift_sketch *s, struct ax_buf *out)
{
    ax_put_varint(out, s->n);
    for (uint32_t g = 0; g < s->groups; g++) {
        ax_put_f64(out, s->v[g]);
        ax_put_varint(out, (uint64_t)s->count[g] << 1 | s->spread[g]);
    }
}

void ax_drift_sketch_load(struct ax_drift_sketch *s, uint32_t n_max, struct ax_bytes *in)
{
    uint32_t left = ax_get_count(in, n_max);
    s->n = left;
    s->groups = 0;
    while (left && in->err == AX_OK) {
        const uint32_t g = s->groups;
        if (g == AX_DRIFT_GROUPS_MAX) {
            (void)ax_bytes_fail(in);
            return;
        }
        s->v[g] = ax_get_f64_in(in, -AX_DRIFT_SKETCH_VALUE_MAX, AX_DRIFT_SKETCH_VALUE_MAX);
        const uint64_t packed = ax_get_varint(in);
        s->spread[g] = packed & 1;
        s->count[g] = packed >> 1 <= left ? (uint32_t)(packed >> 1) : 0;
        if (s->count[g] == 0 || (g == 0 ? s->spread[g] : !(s->v[g] > s->v[g - 1])))
            (void)ax_bytes_fail(in);
        left -= s->count[g];
        s->groups++;
    }
    if (in->err != AX_OK)
        *s = (struct ax_drift_sketch){.n = 0};
}
