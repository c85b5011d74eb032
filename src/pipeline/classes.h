/* classes.h: how likely a forecast is to turn out good, degraded or bad. Pure.
 *
 * Two thresholds make three classes. Which is which follows from their order: with good below bad, values up
 * to good are good and values from bad on are bad (latency, traffic on a link); with good above bad it is the
 * other way round (throughput, free space). Between them is degraded.
 *
 * Probabilities are those of a two-piece normal distribution (Wallis, "The two-piece normal, binormal, or
 * double Gaussian distribution", Statistical Science 29, 2014, there with equal mass on both sides) about the
 * forecast whose quantiles are the interval's bounds: so they are as calibrated as the interval is. */
#ifndef AX_PIPELINE_CLASSES_H
#define AX_PIPELINE_CLASSES_H

#include <stdbool.h>

/* The classes, best first. */
enum ax_class { AX_CLASS_GOOD, AX_CLASS_DEGRADED, AX_CLASS_BAD, AX_CLASSES };

/* The thresholds of a job. */
struct ax_classes {
    bool enabled;
    double good, bad; /* not equal */
};

/* "good", "degraded", "bad". */
const char *ax_class_name(enum ax_class c);

/* The class of a value. */
enum ax_class ax_class_of(const struct ax_classes *classes, double value);

/* Probability of each class, which sum to 1, for an actual that lies within [lower, upper] with probability
 * level; lower <= mean <= upper, all finite. */
void ax_class_shares(const struct ax_classes *classes, double level, double mean, double lower, double upper,
                     double out[AX_CLASSES]);

#endif
