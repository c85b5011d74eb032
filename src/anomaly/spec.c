/* spec.c: defaults, severities, the verdict before there is one. */
#include "anomaly/spec.h"

#include "base/assert.h"

#include <math.h>

#define HOLD_STEPS_MAX 1000000

struct ax_detector_spec ax_detector_spec_complete(const struct ax_detector_spec *spec)
{
    struct ax_detector_spec s = *spec;
    if (!(s.false_alarm_rate > 0))
        s.false_alarm_rate = 0.001;
    if (s.warmup_steps == 0)
        s.warmup_steps = 30;
    if (s.memory_steps == 0)
        s.memory_steps = 2880;
    if (s.hold_steps == 0)
        s.hold_steps = 240;
    if (s.hold_steps > HOLD_STEPS_MAX)
        s.hold_steps = HOLD_STEPS_MAX;
    return s;
}

struct ax_verdict ax_verdict_not_ready(const char *reason)
{
    return (struct ax_verdict){.reason = reason, .expected = NAN, .lower = NAN, .upper = NAN};
}

enum ax_severity ax_severity_of(double score)
{
    if (!(score > 1))
        return AX_NORMAL;
    return score <= 1.5 ? AX_LOW : score <= 2.5 ? AX_MEDIUM : score <= 4 ? AX_HIGH : AX_CRITICAL;
}

const char *ax_severity_name(enum ax_severity severity)
{
    static const char *const names[] = {"normal", "low", "medium", "high", "critical"};
    AX_ASSERT(severity <= AX_CRITICAL);
    return names[severity];
}
