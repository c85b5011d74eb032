/* outlook.c: from a path to what is sent beside it. */
#include "pipeline/outlook.h"

#include <math.h>
#include <stdlib.h>

static const char *const reasons[AX_OUTLOOK_REASONS] = {NULL, "warming_up", "no_data", "no_capacity",
                                                        "link_down"};

static uint32_t peaks_of(const struct ax_outlook_spec *spec)
{
    return spec->peak ? spec->forecast->horizons_n : 0;
}

static uint32_t classes_of(const struct ax_outlook_spec *spec)
{
    return spec->classes.enabled ? spec->forecast->horizons_n * AX_CLASSES : 0;
}

uint64_t ax_outlook_bytes(const struct ax_outlook_spec *spec)
{
    return sizeof(struct ax_outlook) + (peaks_of(spec) + classes_of(spec)) * sizeof(struct ax_outlet);
}

struct ax_outlook *ax_outlook_new(const struct ax_outlook_spec *spec)
{
    return calloc(1, ax_outlook_bytes(spec));
}

/* What an output is called; labels of its own are added, as far as they have a name. */
static struct ax_outlet_name name_of(const struct ax_outlook_spec *spec, const struct ax_labels *labels,
                                     enum ax_output id, struct ax_label added, struct ax_label another)
{
    struct ax_outlet_name name = {.id = id, .input = labels};
    if (added.name.n)
        name.added[name.added_n++] = added;
    if (another.name.n)
        name.added[name.added_n++] = another;
    if (spec->feature.n)
        name.added[name.added_n++] = (struct ax_label){ax_str("feature"), spec->feature};
    return name;
}

static const struct ax_label nothing = {{NULL, 0}, {NULL, 0}};

static struct ax_outlet_name ready_name(const struct ax_outlook *o, const struct ax_outlook_spec *spec,
                                        const struct ax_labels *labels)
{
    if (o->reason == AX_OUTLOOK_READY) /* closed, whatever it is called */
        return name_of(spec, labels, AX_OUTPUT_READY, nothing, nothing);
    return name_of(spec, labels, AX_OUTPUT_READY,
                   (struct ax_label){ax_str("reason"), ax_str(reasons[o->reason])}, nothing);
}

static struct ax_label horizon_label(const struct ax_outlook_spec *spec, uint32_t horizon)
{
    return (struct ax_label){ax_str("horizon"), ax_str(spec->horizon_names[horizon])};
}

/* Name of outlet i of o->more. */
static struct ax_outlet_name more_name(const struct ax_outlook_spec *spec, const struct ax_labels *labels,
                                       uint32_t i)
{
    uint32_t peaks = peaks_of(spec);
    if (i < peaks)
        return name_of(spec, labels, AX_OUTPUT_PEAK, horizon_label(spec, i), nothing);
    const struct ax_label class = {ax_str("class"), ax_str(ax_class_name((i - peaks) % AX_CLASSES))};
    return name_of(spec, labels, AX_OUTPUT_CLASS, horizon_label(spec, (i - peaks) / AX_CLASSES), class);
}

void ax_outlook_outlets(struct ax_outlook *o, const struct ax_outlook_spec *spec,
                        const struct ax_labels *labels, const struct ax_outlet_deed *deed)
{
    if (deed->verb == AX_OUTLET_SAVE)
        ax_put_u8(deed->out, (uint8_t)o->reason);
    else if (deed->verb == AX_OUTLET_LOAD)
        o->reason = (enum ax_outlook_reason)ax_get_count(deed->in, AX_OUTLOOK_REASONS - 1);
    const struct ax_outlet_name ready = ready_name(o, spec, labels);
    ax_outlet_do(spec->outlets, &o->ready, &ready, deed);
    if (spec->has_capacity) {
        const struct ax_outlet_name headroom = name_of(spec, labels, AX_OUTPUT_HEADROOM, nothing, nothing);
        const struct ax_outlet_name saturation =
            name_of(spec, labels, AX_OUTPUT_SATURATION, nothing, nothing);
        ax_outlet_do(spec->outlets, &o->headroom, &headroom, deed);
        ax_outlet_do(spec->outlets, &o->saturation, &saturation, deed);
    }
    for (uint32_t i = 0; i < peaks_of(spec) + classes_of(spec); i++) {
        const struct ax_outlet_name more = more_name(spec, labels, i);
        ax_outlet_do(spec->outlets, &o->more[i], &more, deed);
    }
}

static void say_reason(struct ax_outlook *o, const struct ax_outlook_spec *spec,
                       const struct ax_outlook_input *in, enum ax_outlook_reason reason)
{
    if (reason != o->reason)
        ax_outlet_end(spec->outlets, &o->ready, in->t_ms); /* another reason is another series */
    o->reason = reason;
    if (reason == AX_OUTLOOK_READY)
        return;
    const struct ax_outlet_name name = ready_name(o, spec, in->labels);
    ax_outlet_put(spec->outlets, &o->ready, &name, in->t_ms, 0);
}

/* Feed what a capacity is needed for; without one both series end at once, for nothing is known any more. */
static enum ax_outlook_reason step_capacity(struct ax_outlook *o, const struct ax_outlook_spec *spec,
                                            const struct ax_outlook_input *in, double peak)
{
    double capacity = 0;
    enum ax_capacity_state state = ax_capacity_judge(in->capacity, spec->capacity_value, &capacity);
    if (state != AX_CAPACITY_KNOWN) {
        ax_outlet_end(spec->outlets, &o->headroom, in->t_ms);
        ax_outlet_end(spec->outlets, &o->saturation, in->t_ms);
        return state == AX_CAPACITY_DOWN ? AX_OUTLOOK_LINK_DOWN : AX_OUTLOOK_NO_CAPACITY;
    }
    const struct ax_outlet_name headroom = name_of(spec, in->labels, AX_OUTPUT_HEADROOM, nothing, nothing);
    const struct ax_outlet_name saturation =
        name_of(spec, in->labels, AX_OUTPUT_SATURATION, nothing, nothing);
    ax_outlet_put(spec->outlets, &o->headroom, &headroom, in->t_ms, ax_capacity_headroom(peak, capacity));
    ax_outlet_put(spec->outlets, &o->saturation, &saturation, in->t_ms,
                  ax_capacity_saturation_s(spec->forecast, in->value, in->forecast->upper,
                                           capacity * spec->capacity_share));
    return AX_OUTLOOK_READY;
}

static void say_more(struct ax_outlook *o, const struct ax_outlook_spec *spec,
                     const struct ax_outlook_input *in, uint32_t i, double value)
{
    const struct ax_outlet_name name = more_name(spec, in->labels, i);
    ax_outlet_put(spec->outlets, &o->more[i], &name, in->t_ms, value);
}

void ax_outlook_step(struct ax_outlook *o, const struct ax_outlook_spec *spec,
                     const struct ax_outlook_input *in)
{
    const struct ax_forecast *f = in->forecast;
    if (!f->ready) {
        bool no_data = f->reason && ax_str_eq(ax_str(f->reason), ax_str(reasons[AX_OUTLOOK_NO_DATA]));
        say_reason(o, spec, in, no_data ? AX_OUTLOOK_NO_DATA : AX_OUTLOOK_WARMING_UP);
        return;
    }
    double peak[AX_PATH_MAX];
    ax_capacity_peak(f->upper, spec->forecast->leads_n, peak);
    for (uint32_t i = 0; i < peaks_of(spec); i++)
        say_more(o, spec, in, i, peak[spec->forecast->horizons[i]]);
    for (uint32_t h = 0; spec->classes.enabled && h < spec->forecast->horizons_n; h++) {
        uint32_t lead = spec->forecast->horizons[h];
        double shares[AX_CLASSES];
        ax_class_shares(&spec->classes, spec->forecast->level, f->mean[lead], f->lower[lead], f->upper[lead],
                        shares);
        for (uint32_t c = 0; c < AX_CLASSES; c++)
            say_more(o, spec, in, peaks_of(spec) + h * AX_CLASSES + c, shares[c]);
    }
    enum ax_outlook_reason reason = AX_OUTLOOK_READY;
    if (spec->has_capacity)
        reason = step_capacity(o, spec, in, peak[spec->forecast->leads_n - 1]);
    say_reason(o, spec, in, reason);
}
