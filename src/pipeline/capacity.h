/* capacity.h: what a forecast leaves of a capacity, and when it will be too much. Pure. */
#ifndef AX_PIPELINE_CAPACITY_H
#define AX_PIPELINE_CAPACITY_H

#include "forecast/forecast.h"

/* What of a capacity is known at a step. */
enum ax_capacity_state {
    AX_CAPACITY_KNOWN,
    AX_CAPACITY_UNKNOWN, /* nothing is said of it, or a number below 0 (the kernel's -1 for "no idea") */
    AX_CAPACITY_DOWN,    /* 0: nothing can pass at all */
};

/* Judge what an expression says; value (0: none) stands in for what is unknown. *capacity is above 0 when it
 * is known. */
enum ax_capacity_state ax_capacity_judge(double said, double value, double *capacity);

/* The highest that the upper bound gets on the path up to point i, for each of n points: it never falls. */
void ax_capacity_peak(const double *upper, uint32_t n, double *peak);

/* Share of the capacity that is left when the series gets as high as peak: 0 to 1. */
double ax_capacity_headroom(double peak, double capacity);

/* Seconds from now until the upper bound reaches a threshold, along straight lines from the value of now
 * through the points of the path. 0 when the value is there already, +Inf when the path never gets there. */
double ax_capacity_saturation_s(const struct ax_forecast_spec *spec, double value, const double *upper,
                                double threshold);

#endif
