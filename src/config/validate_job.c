/* validate_job.c: rules and computed defaults of one job. */
#include "base/parse.h"
#include "config/calendar_priv.h"
#include "config/outputs.h"
#include "config/validate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_MAX_BYTES AX_JOB_NAME_MAX
#define HORIZON_MAX_MS 604800000
#define BILLING_MS 300000

/* One job under validation. */
struct check {
    struct ax_reader *r;
    yaml_node_t *node, *forecast; /* may be NULL */
    struct ax_job_config *job;
};

/* Add an error at a key of the mapping, or where the job stands. */
#define AT(c, map, key, ...)                                                                                 \
    ax_problem_add((c)->r->problems, ax_yaml_place(ax_yaml_get((c)->r, map, key), (c)->job->place), false,   \
                   __VA_ARGS__)

static void check_name(struct check *c, const struct ax_config *config, uint32_t i)
{
    char shown[72];
    struct ax_str name = c->job->name;
    if (ax_yaml_get(c->r, c->node, "name") && (name.n == 0 || name.n > NAME_MAX_BYTES))
        AT(c, c->node, "name", "a job's name has 1 to %d bytes", NAME_MAX_BYTES);
    for (size_t k = 0; k < name.n; k++)
        if ((unsigned char)name.p[k] < 0x20 || name.p[k] == 0x7f) {
            AT(c, c->node, "name", "a job's name has no control characters");
            break;
        }
    for (uint32_t k = 0; k < i && name.n; k++)
        if (ax_str_eq(config->jobs[k].name, name))
            AT(c, c->node, "name", "another job has the name \"%s\" too (line %u)", ax_shown(name, shown),
               config->jobs[k].place.line);
}

static void check_inputs(struct check *c)
{
    struct ax_job_config *job = c->job;
    bool has_expr = ax_yaml_get(c->r, c->node, "expr") != NULL,
         has_features = ax_yaml_get(c->r, c->node, "features") != NULL;
    yaml_node_t *by = ax_yaml_get(c->r, c->node, "by"), *features = ax_yaml_get(c->r, c->node, "features");
    char shown[72];
    if (!has_expr && !has_features)
        AT(c, c->node, "name", "a job needs expr (one output per series), features (one per entity) or both");
    if (has_features && job->features_n == 0 && features->type == YAML_MAPPING_NODE)
        AT(c, c->node, "features", "features is empty: give each a name and an expression, or leave it out");
    if (has_features && job->by_n == 0 && (!by || by->type == YAML_SEQUENCE_NODE))
        AT(c, c->node, by ? "by" : "features",
           "features need by: the labels that name an entity, e.g. by: [instance]");
    if (!has_features && by)
        AT(c, c->node, "by", "by has no effect without features");
    for (uint32_t i = 0; i < job->by_n; i++) {
        if (!ax_name_is_label(job->by[i]) || ax_str_eq(job->by[i], ax_str(AX_METRIC_NAME)))
            ax_problem_add(c->r->problems, ax_yaml_place(ax_yaml_item(c->r, by, i), job->place), false,
                           "by: \"%s\" is no label name", ax_shown(job->by[i], shown));
        for (uint32_t k = 0; k < i; k++)
            if (ax_str_eq(job->by[i], job->by[k]))
                ax_problem_add(c->r->problems, ax_yaml_place(ax_yaml_item(c->r, by, i), job->place), false,
                               "by names \"%s\" twice", ax_shown(job->by[i], shown));
    }
    if (has_expr && job->expr.text.n == 0)
        AT(c, c->node, "expr", "expr is empty");
    for (uint32_t i = 0; i < job->features_n; i++) {
        if (job->features[i].expr.text.n == 0)
            ax_problem_add(c->r->problems, job->features[i].expr.place, false,
                           "features: the expression of \"%s\" is empty",
                           ax_shown(job->features[i].name, shown));
        if (job->features[i].name.n == 0 || job->features[i].name.n > NAME_MAX_BYTES)
            ax_problem_add(c->r->problems, job->features[i].expr.place, false,
                           "a feature's name has 1 to %d bytes", NAME_MAX_BYTES);
    }
}

/* 1, 5, 15 minutes and an hour, rounded up to whole steps; above a minute as many steps. */
static void default_horizons(struct check *c)
{
    static const int64_t minutes[] = {1, 5, 15, 60};
    int64_t step = c->job->step_ms, *v = ax_arena_array(c->r->arena, 4, sizeof *v);
    uint32_t n = 0;
    if (!v) {
        c->r->nomem = true;
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        int64_t h = step > 60000 ? minutes[i] * step : (minutes[i] * 60000 + step - 1) / step * step;
        if ((n == 0 || h != v[n - 1]) && h <= HORIZON_MAX_MS)
            v[n++] = h;
    }
    c->job->forecast.horizons_ms = v;
    c->job->forecast.horizons_n = n;
}

static int by_value(const void *a, const void *b)
{
    int64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static void check_horizons(struct check *c)
{
    struct ax_forecast_config *f = &c->job->forecast;
    yaml_node_t *list = ax_yaml_get(c->r, c->forecast, "horizons");
    char step[32];
    if (!list) {
        default_horizons(c);
        return;
    }
    if (f->horizons_n == 0 && list->type == YAML_SEQUENCE_NODE &&
        list->data.sequence.items.start == list->data.sequence.items.top)
        AT(c, c->forecast, "horizons", "horizons is empty: leave it out for the default");
    ax_format_duration(c->job->step_ms, step, sizeof step);
    for (uint32_t i = 0; i < f->horizons_n; i++) {
        int64_t h = f->horizons_ms[i];
        struct ax_place at = ax_yaml_place(ax_yaml_item(c->r, list, i), c->job->place);
        char text[32];
        ax_format_duration(h, text, sizeof text);
        if (h <= 0 || h > HORIZON_MAX_MS)
            ax_problem_add(c->r->problems, at, false, "horizons: %s is not above 0 and at most 7d", text);
        else if (c->job->step_ms > 0 && h % c->job->step_ms != 0)
            ax_problem_add(c->r->problems, at, false, "horizons: %s is no multiple of the step, %s", text,
                           step);
        for (uint32_t k = 0; k < i; k++)
            if (f->horizons_ms[k] == h)
                ax_problem_add(c->r->problems, at, false, "horizons has %s twice", text);
    }
    /* Sorted only after their places were looked up by position. */
    if (f->horizons_n)
        qsort(ax_fresh(f->horizons_ms), f->horizons_n, sizeof *f->horizons_ms, by_value);
}

static void check_targets(struct check *c)
{
    const struct ax_job_config *job = c->job;
    yaml_node_t *list = ax_yaml_get(c->r, c->forecast, "targets");
    bool has_expr = ax_yaml_get(c->r, c->node, "expr") != NULL;
    char shown[72];
    if (has_expr && list)
        AT(c, c->forecast, "targets", "targets are for a job without expr: with one, expr is the target");
    if (!has_expr && job->forecast.targets_n == 0 && ax_yaml_get(c->r, c->node, "features"))
        AT(c, c->node, "forecast",
           "forecast needs targets: the features to forecast, as the job has no expr");
    for (uint32_t i = 0; i < job->forecast.targets_n; i++) {
        const char *names[256];
        uint32_t k = 0;
        for (; k < job->features_n && !ax_str_eq(job->features[k].name, job->forecast.targets[i]); k++)
            names[k] = job->features[k].name.p;
        struct ax_place at = ax_yaml_place(ax_yaml_item(c->r, list, i), job->place);
        const char *nearest =
            k == job->features_n ? ax_str_nearest(job->forecast.targets[i], names, k) : NULL;
        if (nearest)
            ax_problem_add(c->r->problems, at, false,
                           "targets: there is no feature \"%s\"; did you mean \"%s\"?",
                           ax_shown(job->forecast.targets[i], shown), nearest);
        else if (k == job->features_n)
            ax_problem_add(c->r->problems, at, false, "targets: there is no feature \"%s\"",
                           ax_shown(job->forecast.targets[i], shown));
        for (k = 0; k < i; k++)
            if (ax_str_eq(job->forecast.targets[i], job->forecast.targets[k]))
                ax_problem_add(c->r->problems, at, false, "targets names \"%s\" twice",
                               ax_shown(job->forecast.targets[i], shown));
    }
}

/* "predicted_" and the job's name with what no metric name may have replaced. */
static void default_output(struct check *c)
{
    char text[NAME_MAX_BYTES + 16];
    int n = snprintf(text, sizeof text, "predicted_%.*s",
                     (int)(c->job->name.n > NAME_MAX_BYTES ? NAME_MAX_BYTES : c->job->name.n),
                     c->job->name.n ? c->job->name.p : "");
    for (int i = 0; i < n; i++)
        if (!ax_name_is_label((struct ax_str){(char[]){'_', text[i]}, 2}))
            text[i] = '_';
    c->job->forecast.output = ax_arena_str(c->r->arena, (struct ax_str){text, (size_t)n});
    c->r->nomem |= !c->job->forecast.output.p;
}

/* Is the forecast of one job called like the interval or the path of another? Two jobs may share a name
 * altogether, for the label `for` tells their series apart; but one name must not mean two things. */
static bool outputs_clash(struct ax_str a, struct ax_str b)
{
    return !ax_str_eq(a, b) && (ax_output_find(a, b) != AX_OUTPUT_N || ax_output_find(b, a) != AX_OUTPUT_N);
}

static void check_output(struct check *c, const struct ax_config *config, uint32_t i)
{
    char shown[72];
    const char *key = ax_yaml_get(c->r, c->forecast, "output") ? "output" : "horizons";
    if (c->job->forecast.output.n == 0)
        default_output(c);
    struct ax_str output = c->job->forecast.output;
    if (!ax_name_is_metric(output) || output.n > NAME_MAX_BYTES + 16)
        AT(c, c->forecast, key, "output: \"%s\" is no metric name (letters, digits, _ and :, at most %d)",
           ax_shown(output, shown), NAME_MAX_BYTES + 16);
    else if (ax_output_find(output, (struct ax_str){NULL, 0}) != AX_OUTPUT_N)
        AT(c, c->forecast, key, "output: \"%s\" is the name of another output", ax_shown(output, shown));
    for (uint32_t k = 0; k < i; k++)
        if (config->jobs[k].forecast.enabled && config->jobs[k].forecast.output.n &&
            outputs_clash(output, config->jobs[k].forecast.output))
            AT(c, c->forecast, key, "output: \"%s\" clashes with an output of the job in line %u",
               ax_shown(output, shown), config->jobs[k].place.line);
}

/* Names of all outputs that this job can make, for suggestions; views into names_buf. */
static size_t output_names(const struct ax_job_config *job, struct ax_buf *buf, const char **names)
{
    size_t starts[AX_OUTPUT_N];
    for (enum ax_output o = 0; o < AX_OUTPUT_N; o++) {
        starts[o] = buf->n;
        ax_output_name(o, job->forecast.output, buf);
        ax_buf_byte(buf, 0);
    }
    for (enum ax_output o = 0; o < AX_OUTPUT_N && buf->err == AX_OK; o++)
        names[o] = (const char *)buf->bytes + starts[o];
    return buf->err == AX_OK ? AX_OUTPUT_N : 0;
}

static void check_emit(struct check *c)
{
    static const char *const blocks[] = {"forecast", "capacity", "billing", "anomaly", "drift"};
    const struct ax_job_config *job = c->job;
    const bool on[] = {job->forecast.enabled, job->capacity.enabled, job->billing.enabled,
                       job->anomaly.enabled, job->drift.enabled};
    yaml_node_t *list = ax_yaml_get(c->r, c->node, "emit");
    const char *names[AX_OUTPUT_N];
    struct ax_buf buf;
    char shown[72];
    ax_buf_init(&buf, 1u << 16);
    size_t names_n = output_names(job, &buf, names);
    for (uint32_t i = 0; i < job->emit_n; i++) {
        enum ax_output o = ax_output_find(job->emit[i], job->forecast.output);
        c->job->forecast.peak |= o == AX_OUTPUT_PEAK; /* who names it wants it made */
        struct ax_place at = ax_yaml_place(ax_yaml_item(c->r, list, i), job->place);
        const char *nearest = o == AX_OUTPUT_N ? ax_str_nearest(job->emit[i], names, names_n) : NULL;
        if (nearest)
            ax_problem_add(c->r->problems, at, false, "emit: there is no output \"%s\"; did you mean \"%s\"?",
                           ax_shown(job->emit[i], shown), nearest);
        else if (o == AX_OUTPUT_N)
            ax_problem_add(c->r->problems, at, false, "emit: there is no output \"%s\"",
                           ax_shown(job->emit[i], shown));
        else if (ax_output_stage(o) == AX_STAGE_READ)
            ax_problem_add(c->r->problems, at, false,
                           "emit: \"%s\" is never sent; it is served by remote-read, in any case",
                           ax_shown(job->emit[i], shown));
        else if (ax_output_stage(o) < AX_STAGE_JOB && !on[ax_output_stage(o)])
            ax_problem_add(c->r->problems, at, false, "emit: \"%s\" needs the job's block %s",
                           ax_shown(job->emit[i], shown), blocks[ax_output_stage(o)]);
    }
    if (list && list->type == YAML_SEQUENCE_NODE && job->emit_n == 0)
        AT(c, c->node, "emit", "emit is empty: leave it out for all outputs");
    c->r->nomem |= buf.err == AX_NOMEM;
    ax_buf_done(&buf);
}

/* Members of a forecast must be ones that there are. */
static void check_members(struct check *c)
{
    static const char *const members[] = {
#define AX_FORECAST_MEMBER(name, asked) #name,
#include "config/forecast_members.def"
#undef AX_FORECAST_MEMBER
    };
    const size_t n = sizeof members / sizeof *members;
    const struct ax_forecast_config *f = &c->job->forecast;
    yaml_node_t *list = ax_yaml_get(c->r, c->forecast, "members");
    if (list && list->type == YAML_SEQUENCE_NODE && f->members_n == 0)
        AT(c, c->forecast, "members", "members is empty: leave it out for the default set");
    for (uint32_t i = 0; i < f->members_n; i++) {
        char shown[72];
        bool known = false;
        for (size_t k = 0; k < n; k++)
            known = known || ax_str_eq(f->members[i], ax_str(members[k]));
        const char *nearest = known ? NULL : ax_str_nearest(f->members[i], members, n);
        if (!known)
            ax_problem_add(c->r->problems, ax_yaml_place(ax_yaml_item(c->r, list, i), c->job->place), false,
                           nearest ? "members: there is no member \"%s\"; did you mean \"%s\"?"
                                   : "members: there is no member \"%s\"%s",
                           ax_shown(f->members[i], shown), nearest ? nearest : "");
    }
}

static void check_zone(struct check *c, const struct ax_config *config)
{
    struct ax_forecast_config *f = &c->job->forecast;
    if (f->time_zone.n == 0)
        f->time_zone = config->time_zone;
    if (ax_yaml_get(c->r, c->forecast, "time_zone"))
        ax_config_check_zone(c->r, c->forecast, c->job->place, f->time_zone);
}

static void check_classes(struct check *c)
{
    const struct ax_forecast_config *f = &c->job->forecast;
    if (f->classes.enabled && f->classes.good == f->classes.bad)
        AT(c, ax_yaml_get(c->r, c->forecast, "classes"), "bad",
           "classes: good and bad are equal: nothing is between them");
}

static void check_billing(struct check *c, const struct ax_config *config)
{
    struct ax_billing_config *billing = &c->job->billing;
    yaml_node_t *node = ax_yaml_get(c->r, c->node, "billing");
    if (billing->interval_ms < 0)
        billing->interval_ms = c->job->step_ms > BILLING_MS ? c->job->step_ms : BILLING_MS;
    if (billing->time_zone.n == 0)
        billing->time_zone = config->time_zone;
    if (!billing->enabled)
        return;
    if (!ax_yaml_get(c->r, c->node, "expr"))
        AT(c, c->node, "billing", "billing needs expr: it is of the series of an expression");
    if (c->job->step_ms > 0 && billing->interval_ms % c->job->step_ms != 0)
        AT(c, node, "interval", "interval is no multiple of the step");
    if (ax_yaml_get(c->r, node, "time_zone"))
        ax_config_check_zone(c->r, node, c->job->place, billing->time_zone);
}

static void check_capacity(struct check *c)
{
    const struct ax_capacity_config *capacity = &c->job->capacity;
    yaml_node_t *node = ax_yaml_get(c->r, c->node, "capacity");
    char shown[72];
    if (!capacity->enabled)
        return;
    if (!c->job->forecast.enabled || !ax_yaml_get(c->r, c->node, "expr"))
        AT(c, c->node, "capacity",
           "capacity needs expr and forecast of the job: it is compared with a forecast");
    if (capacity->expr.text.n == 0 && capacity->value <= 0)
        AT(c, c->node, "capacity", "capacity needs expr, or a value above 0");
    if (capacity->share <= 0)
        AT(c, node, "share", "share is above 0 and at most 1");
    for (uint32_t i = 0; i < capacity->on_n; i++)
        if (!ax_name_is_label(capacity->on[i]) || ax_str_eq(capacity->on[i], ax_str(AX_METRIC_NAME)))
            ax_problem_add(c->r->problems,
                           ax_yaml_place(ax_yaml_item(c->r, ax_yaml_get(c->r, node, "on"), i), c->job->place),
                           false, "on: \"%s\" is no label name", ax_shown(capacity->on[i], shown));
}

/* Members must be ones that there are. Their names are those of anomaly/ensemble.h, which is above this
 * folder. */
static void check_ensemble(struct check *c)
{
    static const char *const members[] = {"forest",      "covariance",  "pca",     "kmeans",
                                          "autoencoder", "variational", "sequence"};
    const size_t n = sizeof members / sizeof *members;
    yaml_node_t *block = ax_yaml_get(c->r, c->node, "anomaly");
    yaml_node_t *ensemble = block ? ax_yaml_get(c->r, block, "ensemble") : NULL;
    yaml_node_t *list = ensemble ? ax_yaml_get(c->r, ensemble, "members") : NULL;
    for (uint32_t i = 0; i < c->job->anomaly.ensemble.members_n; i++) {
        struct ax_str name = c->job->anomaly.ensemble.members[i];
        char shown[72];
        bool known = false;
        for (size_t k = 0; k < n; k++)
            known = known || ax_str_eq(name, ax_str(members[k]));
        const char *nearest = known ? NULL : ax_str_nearest(name, members, n);
        if (!known)
            ax_problem_add(c->r->problems, ax_yaml_place(ax_yaml_item(c->r, list, i), c->job->place), false,
                           nearest ? "members: there is no member \"%s\"; did you mean \"%s\"?"
                                   : "members: there is no member \"%s\"%s",
                           ax_shown(name, shown), nearest ? nearest : "");
    }
}

static void check_models(struct check *c)
{
    struct ax_str line = c->job->models.fit_at;
    yaml_node_t *node = ax_yaml_get(c->r, c->node, "models");
    struct ax_diag diag = {{0}};
    struct ax_buf ignored;
    if (line.n == 0)
        return;
    ax_buf_init(&ignored, 65536);
    enum ax_err err = ax_cron_write(line, 60000, &ignored, &diag);
    if (err == AX_NOMEM)
        c->r->nomem = true;
    else if (err != AX_OK)
        AT(c, node, "fit_at", "fit_at: %s", diag.text);
    ax_buf_done(&ignored);
}

void ax_config_validate_job(struct ax_reader *r, yaml_node_t *node, const struct ax_config *config,
                            uint32_t i)
{
    struct ax_job_config *job = ax_fresh(&config->jobs[i]);
    struct check c = {r, node, ax_yaml_get(r, node, "forecast"), job};
    if (job->step_ms < 0)
        job->step_ms = config->step_ms;
    if (job->evaluation_delay_ms < 0)
        job->evaluation_delay_ms = config->evaluation_delay_ms;
    if (job->drift.interval_ms < 0)
        job->drift.interval_ms = 10 * job->step_ms > 60000 ? 10 * job->step_ms : 60000;
    check_name(&c, config, i);
    check_inputs(&c);
    if (!job->forecast.enabled && !job->billing.enabled && !job->anomaly.enabled && !job->drift.enabled)
        AT(&c, node, "name", "the job does nothing: add forecast: {}, billing: {}, anomaly: {} or drift: {}");
    if (job->forecast.enabled) {
        check_horizons(&c);
        check_targets(&c);
        check_output(&c, config, i);
        check_classes(&c);
        check_members(&c);
    }
    if (job->targets.horizon_ms < 0)
        job->targets.horizon_ms = job->forecast.horizons_n ? job->forecast.horizons_ms[0] : job->step_ms;
    check_zone(&c, config);
    check_capacity(&c);
    check_billing(&c, config);
    ax_config_validate_lstm(r, c.forecast, job);
    ax_config_validate_trees(r, c.forecast, job);
    if (job->anomaly.enabled)
        ax_config_validate_anomaly(r, ax_yaml_get(r, node, "anomaly"), job);
    check_ensemble(&c);
    check_models(&c);
    check_emit(&c);
}
