/* loss.c: the losses, in double. */
#include "nn/loss.h"

#include <math.h>
#include <stddef.h>

/* One value, off by d (output - target); *slope is the derivative by the output. */
static double one(const struct ax_nn_loss *l, uint32_t output, double d, double *slope)
{
    const double delta = (double)l->delta;
    switch (l->kind) {
    case AX_NN_HUBER:
        if (fabs(d) > delta) {
            *slope = copysign(delta, d);
            return delta * (fabs(d) - delta / 2);
        }
        *slope = d;
        return d * d / 2;
    case AX_NN_PINBALL: {
        const double q = (double)l->quantiles[output];
        *slope = d > 0 ? 1 - q : d < 0 ? -q : d; /* NaN stays NaN */
        return d * *slope;
    }
    case AX_NN_MSE:
    default:
        *slope = 2 * d;
        return d * d;
    }
}

double ax_nn_loss(const struct ax_nn_loss *loss, uint32_t rows, uint32_t outputs, const float *y,
                  const float *target, float *dy)
{
    const size_t all = (size_t)rows * outputs;
    size_t known = 0;
    double sum = 0, slope;
    for (size_t i = 0; i < all; i++)
        known += isnan(target[i]) ? 0 : 1;
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t j = 0; j < outputs; j++) {
            const size_t i = (size_t)r * outputs + j;
            if (isnan(target[i])) {
                slope = 0;
            } else {
                sum += one(loss, j, (double)y[i] - (double)target[i], &slope);
            }
            if (dy)
                dy[i] = known ? (float)(slope / (double)known) : 0;
        }
    return known ? sum / (double)known : 0;
}
