/* spec.h: what the detector of a series and the combiner of an entity share. */
#ifndef AX_ANOMALY_SPEC_H
#define AX_ANOMALY_SPEC_H

#include "anomaly/detector.h"

/* The spec with its defaults in place of zeros. */
struct ax_detector_spec ax_detector_spec_complete(const struct ax_detector_spec *spec);

/* How far from what is expected a value has to be, for the spec's guards. */
double ax_detector_spec_width(const struct ax_detector_spec *spec, double expected);

/* Do direction and least deviation of the spec ask for this one? */
bool ax_detector_spec_asks(const struct ax_detector_spec *spec, double expected, double deviation);

/* Below (-1), in or above (1) the values that can be (data_range)? 0 for NaN, and when all can. */
int ax_detector_spec_beyond(const struct ax_detector_spec *spec, double value);

/* Does it ask for less than every deviation? */
bool ax_detector_spec_guards(const struct ax_detector_spec *spec);

/* A verdict that is not ready: score 0, no band. */
struct ax_verdict ax_verdict_not_ready(const char *reason);

#endif
