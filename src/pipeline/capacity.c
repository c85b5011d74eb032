/* capacity.c: the upper bound of a path against a threshold. */
#include "pipeline/capacity.h"

#include <math.h>

enum ax_capacity_state ax_capacity_judge(double said, double value, double *capacity)
{
    if (said == 0)
        return AX_CAPACITY_DOWN;
    *capacity = said > 0 && isfinite(said) ? said : value;
    return *capacity > 0 ? AX_CAPACITY_KNOWN : AX_CAPACITY_UNKNOWN;
}

void ax_capacity_peak(const double *upper, uint32_t n, double *peak)
{
    for (uint32_t i = 0; i < n; i++)
        peak[i] = i && peak[i - 1] > upper[i] ? peak[i - 1] : upper[i];
}

double ax_capacity_headroom(double peak, double capacity)
{
    double left = 1 - peak / capacity;
    if (left < 0)
        return 0;
    return left > 1 ? 1 : left;
}

double ax_capacity_saturation_s(const struct ax_forecast_spec *spec, double value, const double *upper,
                                double threshold)
{
    double from = value, from_steps = 0;
    if (value >= threshold)
        return 0;
    for (uint32_t i = 0; i < spec->leads_n; i++) {
        double steps = spec->leads[i];
        if (upper[i] >= threshold) {
            double share = (threshold - from) / (upper[i] - from);
            return (from_steps + share * (steps - from_steps)) * (double)spec->step_ms / 1000;
        }
        from = upper[i];
        from_steps = steps;
    }
    return (double)INFINITY;
}
