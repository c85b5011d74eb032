/* errdist.c: the forgetting histogram of normalised errors. */
#include "forecast/errdist.h"

#include <float.h>
#include <math.h>

#define LOW_EXPONENT (-4.0) /* log2 of the first bin's upper edge */
#define PER_OCTAVE 2.0      /* as edge() has them */
#define ZERO 1e-9           /* magnitudes below are rounding */

/* Bin b covers (edge(b - 1), edge(b)], bin 0 (0, edge(0)], the last one everything above. */
static double edge(int b)
{
#define OCTAVE(e) (1.0 * (1 << (e)) / 16), (1.4142135623730951 * (1 << (e)) / 16)
    static const double edges[1 + AX_ERRDIST_SIDE] = {0,         OCTAVE(0),  OCTAVE(1),  OCTAVE(2), OCTAVE(3),
                                                      OCTAVE(4), OCTAVE(5),  OCTAVE(6),  OCTAVE(7), OCTAVE(8),
                                                      OCTAVE(9), OCTAVE(10), OCTAVE(11), OCTAVE(12)};
#undef OCTAVE
    return edges[b + 1];
}

static int bin_of(double magnitude)
{
    int b = (int)ceil((log2(magnitude) - LOW_EXPONENT) * PER_OCTAVE);
    return b < 0 ? 0 : b >= AX_ERRDIST_SIDE ? AX_ERRDIST_SIDE - 1 : b;
}

void ax_errdist_add(struct ax_errdist *d, double error, double keep)
{
    float k = (float)keep;
    d->zero *= k;
    d->total = d->total * k + 1;
    for (int b = 0; b < AX_ERRDIST_SIDE; b++) {
        d->below[b] *= k;
        d->above[b] *= k;
    }
    double magnitude = fabs(error);
    if (magnitude < ZERO)
        d->zero += 1;
    else if (error < 0)
        d->below[bin_of(magnitude)] += 1;
    else
        d->above[bin_of(magnitude)] += 1;
}

/* Magnitude at which `beyond` of the weight of one side lies further out. */
static double side_quantile(const float *side, double beyond)
{
    double tail = 0;
    for (int b = AX_ERRDIST_SIDE - 1; b >= 0; b--) {
        double w = (double)side[b];
        if (w > 0 && tail + w >= beyond)
            return edge(b - 1) + (edge(b) - edge(b - 1)) * (1 - (beyond - tail) / w);
        tail += w;
    }
    return 0;
}

double ax_errdist_quantile(const struct ax_errdist *d, double q)
{
    double below = 0, above = 0;
    for (int b = 0; b < AX_ERRDIST_SIDE; b++) {
        below += (double)d->below[b];
        above += (double)d->above[b];
    }
    double total = below + above + (double)d->zero;
    if (total <= 0)
        return 0;
    if (q * total < below)
        return -side_quantile(d->below, q * total);
    if ((1 - q) * total < above)
        return side_quantile(d->above, (1 - q) * total);
    return 0;
}

/* Weight of the errors on one side whose magnitude is at most bound. */
static double side_within(const float *side, double bound)
{
    double inside = 0;
    for (int b = 0; b < AX_ERRDIST_SIDE && edge(b - 1) < bound; b++) {
        double share = edge(b) <= bound ? 1 : (bound - edge(b - 1)) / (edge(b) - edge(b - 1));
        inside += share * (double)side[b];
    }
    return inside;
}

double ax_errdist_within(const struct ax_errdist *d, double below, double above)
{
    if (d->total <= 0)
        return 0;
    double inside = (double)d->zero + side_within(d->below, below) + side_within(d->above, above),
           p = inside / (double)d->total;
    return p < 0 ? 0 : p > 1 ? 1 : p;
}

void ax_errdist_save(const struct ax_errdist *d, struct ax_buf *out)
{
    ax_put_f32(out, d->total);
    ax_put_f32(out, d->zero);
    ax_put_f32s(out, d->below, AX_ERRDIST_SIDE);
    ax_put_f32s(out, d->above, AX_ERRDIST_SIDE);
}

void ax_errdist_load(struct ax_errdist *d, struct ax_bytes *in)
{
    d->total = ax_get_f32_in(in, 0, FLT_MAX);
    d->zero = ax_get_f32_in(in, 0, FLT_MAX);
    ax_get_f32s_in(in, d->below, AX_ERRDIST_SIDE, 0, FLT_MAX, false);
    ax_get_f32s_in(in, d->above, AX_ERRDIST_SIDE, 0, FLT_MAX, false);
}
