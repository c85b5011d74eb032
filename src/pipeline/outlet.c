/* outlet.c: label sets of outputs, made once for each series when it is opened. */
#include "pipeline/outlet.h"

#include "base/log.h"

#include <math.h>
#include <stdio.h>

#define ADDED_MAX (AX_OUTLET_ADDED + 2)
#define LABEL_BYTES_MAX (1u << 20)

void ax_outlets_init(struct ax_outlets *os, const struct ax_sink *sink, const struct ax_config *config,
                     const struct ax_job_config *job)
{
    *os = (struct ax_outlets){.sink = sink, .config = config, .job = job};
    for (enum ax_output o = 0; o < AX_OUTPUT_N; o++)
        os->enabled[o] = sink->open && job->emit == NULL;
    os->open_cell = os->refused_cell = ax_metric_void();
    ax_arena_init(&os->arena, LABEL_BYTES_MAX);
    if (!sink->open)
        return;
    for (uint32_t i = 0; i < job->emit_n; i++) {
        enum ax_output o = ax_output_find(job->emit[i], job->forecast.output);
        if (o != AX_OUTPUT_N)
            os->enabled[o] = true;
    }
    char name[AX_JOB_NAME_MAX + 1];
    (void)snprintf(name, sizeof name, AX_STR_FMT, AX_STR_ARG(job->name));
    os->open_cell = ax_metric(AX_M_JOB_OUTPUT_SERIES, name, NULL);
    os->refused_cell = ax_metric(AX_M_JOB_OUTPUT_REFUSED, name, NULL);
    ax_metric_set(os->open_cell, 0);
}

void ax_outlets_done(struct ax_outlets *os)
{
    ax_arena_done(&os->arena);
}

/* "exported_" + name, in the arena; empty when out of memory. */
static struct ax_str exported(struct ax_outlets *os, struct ax_str name)
{
    static const char prefix[] = "exported_";
    char *p = ax_arena_alloc(&os->arena, sizeof prefix - 1 + name.n);
    if (!p)
        return (struct ax_str){NULL, 0};
    memcpy(p, prefix, sizeof prefix - 1);
    memcpy(p + sizeof prefix - 1, name.p, name.n);
    return (struct ax_str){p, sizeof prefix - 1 + name.n};
}

static bool has_name(const struct ax_label *v, uint32_t n, struct ax_str name)
{
    for (uint32_t i = 0; i < n; i++)
        if (ax_str_eq(v[i].name, name))
            return true;
    return false;
}

/* The complete label set of an output. */
static enum ax_err make_labels(struct ax_outlets *os, const struct ax_outlet_name *of, struct ax_labels *out)
{
    static const struct ax_labels none = {0, NULL};
    const struct ax_labels *input = of->input ? of->input : &none;
    uint32_t external_n = os->config->external_labels.n, n = 0;
    struct ax_label *set = ax_arena_array(&os->arena, 2 * ADDED_MAX + 1 + external_n, sizeof *set);
    struct ax_buf name;
    ax_buf_init(&name, 4096);
    ax_output_name(of->id, os->job->forecast.output, &name);
    struct ax_str metric = ax_arena_str(&os->arena, ax_buf_view(&name));
    ax_buf_done(&name);
    if (!set || metric.n == 0) /* there is no output without a name */
        return AX_NOMEM;

    struct ax_label more[ADDED_MAX];
    uint32_t more_n = 0;
    more[more_n++] = (struct ax_label){ax_str("for"), os->job->name};
    struct ax_str source = ax_labels_get(input, ax_str(AX_METRIC_NAME));
    if (source.n)
        more[more_n++] = (struct ax_label){ax_str("source"), source};
    for (uint32_t i = 0; i < of->added_n; i++)
        more[more_n++] = of->added[i];
    for (uint32_t i = 0; i < more_n; i++) {
        struct ax_str taken = ax_labels_get(input, more[i].name);
        if (taken.n) {
            struct ax_str other = exported(os, more[i].name);
            if (!other.n)
                return AX_NOMEM;
            set[n++] = (struct ax_label){other, taken};
        }
        set[n++] = more[i];
    }
    for (uint32_t i = 0; i < external_n; i++) {
        const struct ax_label *e = &os->config->external_labels.v[i];
        if (ax_labels_get(input, e->name).n == 0 && !has_name(more, more_n, e->name))
            set[n++] = *e;
    }
    set[n++] = (struct ax_label){ax_str(AX_METRIC_NAME), metric};
    return ax_labels_with(input, NULL, 0, set, n, &os->arena, out);
}

enum ax_err ax_outlet_labels(struct ax_outlets *os, const struct ax_outlet_name *name, struct ax_labels *out)
{
    ax_arena_reset(&os->arena);
    return make_labels(os, name, out);
}

static void open_outlet(struct ax_outlets *os, struct ax_outlet *o, const struct ax_outlet_name *name)
{
    if (os->open_n >= os->job->max_output_series) {
        if (!isnan(o->last)) {
            ax_metric_add(os->refused_cell, 1);
            ax_log_about(AX_LOG_WARN, "output_series_refused", os->job->name,
                         "job " AX_STR_FMT
                         " has reached max_output_series (%u): raise it, or choose fewer outputs with `emit`",
                         AX_STR_ARG(os->job->name), os->job->max_output_series);
        }
        o->last = (double)NAN;
        return;
    }
    struct ax_labels labels;
    if (ax_outlet_labels(os, name, &labels) == AX_OK)
        o->out = os->sink->open(os->sink->ctx, &labels);
    if (o->out) {
        os->open_n++;
        ax_metric_set(os->open_cell, os->open_n);
    }
}

void ax_outlet_put(struct ax_outlets *os, struct ax_outlet *o, const struct ax_outlet_name *name,
                   int64_t t_ms, double value)
{
    if (!os->enabled[name->id] || isnan(value))
        return;
    if (!o->out)
        open_outlet(os, o, name);
    if (!o->out)
        return;
    o->last = value;
    os->sink->put(os->sink->ctx, o->out, t_ms, value);
}

void ax_outlet_end(struct ax_outlets *os, struct ax_outlet *o, int64_t t_ms)
{
    if (!o->out)
        return;
    os->sink->close(os->sink->ctx, o->out, t_ms);
    o->out = NULL;
    os->open_n--;
    ax_metric_set(os->open_cell, os->open_n);
}

enum { CLOSED, REFUSED, OPEN }; /* of an outlet as bytes */

static void save(const struct ax_outlet *o, struct ax_buf *out)
{
    const bool refused = isnan(o->last);
    ax_put_u8(out, o->out ? OPEN : refused ? REFUSED : CLOSED);
    if (o->out)
        ax_put_f64(out, o->last);
}

static void load(struct ax_outlets *os, struct ax_outlet *o, const struct ax_outlet_name *name,
                 struct ax_bytes *in)
{
    uint32_t was = ax_get_count(in, OPEN);
    if (was == REFUSED)
        o->last = (double)NAN;
    if (was != OPEN)
        return;
    o->last = ax_get_f64(in);
    if (isnan(o->last) || !os->enabled[name->id] || o->out)
        (void)ax_bytes_fail(in);
    if (in->err == AX_OK)
        open_outlet(os, o, name);
    if (in->err == AX_OK && !o->out && !isnan(o->last))
        in->err = AX_NOMEM;
}

void ax_outlet_do(struct ax_outlets *os, struct ax_outlet *o, const struct ax_outlet_name *name,
                  const struct ax_outlet_deed *deed)
{
    switch (deed->verb) {
    case AX_OUTLET_REPEAT:
        if (o->out)
            os->sink->put(os->sink->ctx, o->out, deed->t_ms, o->last);
        break;
    case AX_OUTLET_END:
        ax_outlet_end(os, o, deed->t_ms);
        break;
    case AX_OUTLET_SAVE:
        save(o, deed->out);
        break;
    case AX_OUTLET_LOAD:
        load(os, o, name, deed->in);
        break;
    }
}

bool ax_outlet_is_ours(const struct ax_job_config *job, const struct ax_labels *ls)
{
    struct ax_str name = ax_labels_get(ls, ax_str(AX_METRIC_NAME));
    return ax_str_eq(ax_labels_get(ls, ax_str("for")), job->name) &&
           ax_output_find(name, job->forecast.output) != AX_OUTPUT_N;
}
