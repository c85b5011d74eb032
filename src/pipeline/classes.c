/* classes.c: a two-piece normal distribution against two thresholds. */
#include "pipeline/classes.h"

#include <math.h>

#define SQRT1_2 0.70710678118654752440

const char *ax_class_name(enum ax_class c)
{
    static const char *const names[AX_CLASSES] = {"good", "degraded", "bad"};
    return names[c];
}

enum ax_class ax_class_of(const struct ax_classes *classes, double value)
{
    double sign = classes->good < classes->bad ? 1 : -1;
    if (sign * value <= sign * classes->good)
        return AX_CLASS_GOOD;
    return sign * value >= sign * classes->bad ? AX_CLASS_BAD : AX_CLASS_DEGRADED;
}

/* Share of the standard normal distribution below x. */
static double below_normal(double x)
{
    return 0.5 * erfc(-x * SQRT1_2);
}

/* The x with that share below it, for shares from 0.5: Newton's steps from a start that they converge from.
 */
static double normal_quantile(double share)
{
    double x = 1;
    for (int i = 0; i < 50; i++) {
        double density = exp(-x * x / 2) * SQRT1_2 / sqrt(acos(-1.0));
        double step = (below_normal(x) - share) / density;
        if (step > 1)
            step = 1;
        else if (step < -1)
            step = -1;
        x -= step;
        if (fabs(step) < 1e-12)
            break;
    }
    return x;
}

/* Share of the distribution below a value. */
static double share_below(double x, double z, double mean, double lower, double upper)
{
    double sd = (x < mean ? mean - lower : upper - mean) / z;
    if (sd > 0)
        return below_normal((x - mean) / sd);
    return x < mean ? 0 : x > mean ? 1 : 0.5;
}

void ax_class_shares(const struct ax_classes *classes, double level, double mean, double lower, double upper,
                     double out[AX_CLASSES])
{
    double z = normal_quantile((1 + level) / 2);
    bool high_is_bad = classes->good < classes->bad;
    if (lower == mean && upper == mean) {
        for (int i = 0; i < AX_CLASSES; i++)
            out[i] = 0;
        out[ax_class_of(classes, mean)] = 1;
        return;
    }
    double good = share_below(classes->good, z, mean, lower, upper);
    double bad = share_below(classes->bad, z, mean, lower, upper);
    out[AX_CLASS_GOOD] = high_is_bad ? good : 1 - good;
    out[AX_CLASS_BAD] = high_is_bad ? 1 - bad : bad;
    double rest = 1 - out[AX_CLASS_GOOD] - out[AX_CLASS_BAD];
    out[AX_CLASS_DEGRADED] = rest > 0 ? rest : 0;
}
