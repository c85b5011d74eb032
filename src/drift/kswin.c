/* kswin.c: a window of 100, of which the newest 30 are tested against 30 drawn from the others. */
#include "drift/kswin.h"

#include "drift/sorted.h"

#include <math.h>
#include <string.h>

#define OLDER (AX_KSWIN_WINDOW - AX_KSWIN_NEWEST)
#define DISTANCE_MIN 0.1

double ax_ks_exact_p(double d, uint32_t n)
{
    const uint32_t step = (uint32_t)llround(d * n);
    double sum = 0, sign = 1;
    if (step == 0)
        return 1;
    for (uint32_t k = step; k <= n; k += step) {
        /* C(2n, n - k) / C(2n, n), as a product of factors below 1 */
        double ratio = 1;
        for (uint32_t i = 0; i < k; i++)
            ratio *= (double)(n - i) / (double)(n + k - i);
        sum += sign * ratio;
        sign = -sign;
    }
    return fmin(fmax(2 * sum, 0), 1);
}

/* Draw without putting back: each value taken gives its place to the last of those that are left. */
static void draw(const double *from, double out[AX_KSWIN_NEWEST], ax_kswin_below *below, void *ctx)
{
    uint32_t left[OLDER];
    for (uint32_t i = 0; i < OLDER; i++)
        left[i] = i;
    for (uint32_t i = 0; i < AX_KSWIN_NEWEST; i++) {
        const uint32_t at = below(ctx, OLDER - i);
        out[i] = from[left[at]];
        left[at] = left[OLDER - i - 1];
    }
}

int ax_kswin_update(struct ax_kswin *k, double x, ax_kswin_below *below, void *ctx)
{
    double older[AX_KSWIN_NEWEST], newest[AX_KSWIN_NEWEST], apart = 0;
    if (k->detected) /* the window is what was newest at the detection; river forgets that, too */
        *k = (struct ax_kswin){.alpha = k->alpha};
    if (k->n == AX_KSWIN_WINDOW) {
        memmove(k->v, k->v + 1, (AX_KSWIN_WINDOW - 1) * sizeof *k->v);
        k->n--;
    }
    k->v[k->n++] = x;
    if (k->n < AX_KSWIN_WINDOW)
        return 0;
    draw(k->v, older, below, ctx);
    memcpy(newest, k->v + OLDER, sizeof newest);
    for (uint32_t i = 0; i < AX_KSWIN_NEWEST; i++)
        apart += newest[i] - older[i];
    ax_drift_sort(older, AX_KSWIN_NEWEST, NULL);
    ax_drift_sort(newest, AX_KSWIN_NEWEST, NULL);
    const double d = ax_drift_ks_sorted(older, AX_KSWIN_NEWEST, newest, AX_KSWIN_NEWEST);
    k->detected = d > DISTANCE_MIN && ax_ks_exact_p(d, AX_KSWIN_NEWEST) <= k->alpha;
    return !k->detected ? 0 : apart > 0 ? 1 : -1;
}

void ax_kswin_save(const struct ax_kswin *k, struct ax_buf *out)
{
    ax_put_u8(out, k->detected);
    ax_put_varint(out, k->n);
    for (uint32_t i = 0; i < k->n; i++)
        ax_put_f64(out, k->v[i]);
}

void ax_kswin_load(struct ax_kswin *k, struct ax_bytes *in)
{
    k->detected = ax_get_bool(in);
    k->n = ax_get_count(in, AX_KSWIN_WINDOW);
    for (uint32_t i = 0; i < k->n; i++) {
        k->v[i] = ax_get_f64(in);
        if (!isfinite(k->v[i]))
            (void)ax_bytes_fail(in);
    }
}
