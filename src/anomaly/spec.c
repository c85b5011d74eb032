/* spec.c: defaults, severities, the verdict before there is one, and one as bytes. */
#include "anomaly/spec.h"

#include "base/assert.h"

#include <math.h>

#define HOLD_STEPS_MAX 1000000
#define SCORE_MAX 100.0

/* Of a verdict; its place is what is saved. */
static const char *const reasons[] = {NULL, "warming_up", "no_data"};
#define REASONS (sizeof reasons / sizeof reasons[0])

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
    if (s.members == 0)
        s.members = AX_MEMBERS_DEFAULT;
    if (s.hold_steps > HOLD_STEPS_MAX)
        s.hold_steps = HOLD_STEPS_MAX;
    return s;
}

double ax_detector_spec_width(const struct ax_detector_spec *spec, double expected)
{
    return fmax(spec->min_dev_from_expected, spec->min_rel_dev_from_expected * fabs(expected));
}

bool ax_detector_spec_asks(const struct ax_detector_spec *spec, double expected, double deviation)
{
    if ((spec->direction == AX_ABOVE && deviation < 0) || (spec->direction == AX_BELOW && deviation > 0))
        return false;
    return fabs(deviation) >= ax_detector_spec_width(spec, expected);
}

int ax_detector_spec_beyond(const struct ax_detector_spec *spec, double value)
{
    if (!(spec->range_min < spec->range_max))
        return 0;
    return value < spec->range_min ? -1 : value > spec->range_max;
}

bool ax_detector_spec_guards(const struct ax_detector_spec *spec)
{
    return spec->direction != AX_BOTH || spec->min_dev_from_expected > 0 ||
           spec->min_rel_dev_from_expected > 0;
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

void ax_verdict_save(const struct ax_verdict *v, struct ax_buf *out)
{
    uint8_t reason = 0;
    for (uint8_t i = 1; i < REASONS && v->reason; i++)
        if (strcmp(v->reason, reasons[i]) == 0)
            reason = i;
    ax_put_u8(out, v->ready);
    ax_put_u8(out, reason);
    ax_put_f64(out, v->score);
    ax_put_u8(out, (uint8_t)v->severity);
    ax_put_f64(out, v->least);
    ax_put_u8(out, v->unasked);
    ax_put_u8(out, v->absent);
    ax_put_u8(out, (uint8_t)(v->direction + 1));
    ax_put_f64(out, v->expected);
    ax_put_f64(out, v->lower);
    ax_put_f64(out, v->upper);
}

void ax_verdict_load(struct ax_verdict *v, struct ax_bytes *in)
{
    v->ready = ax_get_bool(in);
    v->reason = reasons[ax_get_count(in, REASONS - 1)];
    if (v->ready && v->reason)
        (void)ax_bytes_fail(in);
    v->score = ax_get_f64_in(in, 0, SCORE_MAX);
    v->severity = (enum ax_severity)ax_get_count(in, AX_CRITICAL);
    v->least = ax_get_f64_in(in, 0, SCORE_MAX);
    v->unasked = ax_get_bool(in);
    v->absent = ax_get_bool(in);
    v->direction = (int)ax_get_count(in, 2) - 1;
    v->expected = ax_get_f64(in);
    v->lower = ax_get_f64(in);
    v->upper = ax_get_f64(in);
}
