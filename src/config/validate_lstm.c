/* validate_lstm.c: rules of `forecast.lstm` and `forecast.trees`, and the groups of features that its preset
 * `dwcp` knows. */
#include "config/lstm_groups.h"
#include "config/validate.h"

#include <stdio.h>

const char *const ax_lstm_groups[] = {"topology",    "latency", "throughput",   "loss",      "mode",
                                      "compression", "streams", "error_budget", "consensus", NULL};

/* Does a name belong to a group: is it the group's, or does it begin with it and a line below? */
static bool in_group(struct ax_str name, const char *group)
{
    const struct ax_str g = ax_str(group);
    return name.n >= g.n && memcmp(name.p, g.p, g.n) == 0 && (name.n == g.n || name.p[g.n] == '_');
}

static bool has_group(const struct ax_job_config *job, const char *group)
{
    for (uint32_t i = 0; i < job->features_n; i++)
        if (in_group(job->features[i].name, group))
            return true;
    for (uint32_t i = 0; i < job->forecast.lstm.categorical_n; i++)
        if (in_group(job->forecast.lstm.categorical[i], group))
            return true;
    return false;
}

/* Names of the groups, or of those that the job has nothing of. */
static void list_groups(const struct ax_job_config *job, bool missing, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = 0;
    for (size_t g = 0; ax_lstm_groups[g] && n < cap; g++)
        if (!missing || !has_group(job, ax_lstm_groups[g]))
            n += (size_t)snprintf(out + n, cap - n, "%s%s", n ? ", " : "", ax_lstm_groups[g]);
}

static void check_groups(struct ax_reader *r, const struct ax_job_config *job, struct ax_place at)
{
    char names[160], shown[72];
    list_groups(job, false, names, sizeof names);
    for (uint32_t i = 0; i < job->features_n; i++) {
        bool known = false;
        for (size_t g = 0; ax_lstm_groups[g] && !known; g++)
            known = in_group(job->features[i].name, ax_lstm_groups[g]);
        if (!known)
            ax_problem_add(r->problems, job->features[i].expr.place, false,
                           "lstm: preset dwcp: the feature \"%s\" is of none of its groups; begin its name "
                           "with one of %s",
                           ax_shown(job->features[i].name, shown), names);
    }
    list_groups(job, true, names, sizeof names);
    if (names[0])
        ax_problem_add(r->problems, at, true, "lstm: preset dwcp: no feature or label tells of %s", names);
}

void ax_config_validate_lstm(struct ax_reader *r, yaml_node_t *forecast, struct ax_job_config *job)
{
    struct ax_lstm_config *l = &job->forecast.lstm;
    yaml_node_t *node = ax_yaml_get(r, forecast, "lstm");
    const struct ax_place at = ax_yaml_place(node, job->place);
    char shown[72];
    const int64_t span_ms = (int64_t)job->window_fine * job->step_ms;
    if (l->fit_every_ms < 0)
        l->fit_every_ms = span_ms > 60000 ? span_ms : 60000;
    if (!l->enabled)
        return;
    if (job->features_n > 64)
        ax_problem_add(r->problems, at, false, "lstm: %u features: at most 64", job->features_n);
    if (l->sequence + AX_LSTM_WINDOW_BEYOND > job->window_fine)
        ax_problem_add(r->problems, ax_yaml_place(ax_yaml_get(r, node, "sequence"), at), false,
                       "lstm: a sequence of %u steps needs a fine window of %u at least", l->sequence,
                       l->sequence + AX_LSTM_WINDOW_BEYOND);
    for (uint32_t i = 0; i < l->categorical_n; i++)
        if (!ax_name_is_label(l->categorical[i]) || ax_str_eq(l->categorical[i], ax_str(AX_METRIC_NAME)))
            ax_problem_add(r->problems,
                           ax_yaml_place(ax_yaml_item(r, ax_yaml_get(r, node, "categorical"), i), at), false,
                           "categorical: \"%s\" is no label name", ax_shown(l->categorical[i], shown));
    if (ax_str_eq(l->preset, ax_str("dwcp")))
        check_groups(r, job, ax_yaml_place(ax_yaml_get(r, node, "preset"), at));
}

#ifdef AX_HAVE_XGBOOST
#define HAS_XGBOOST true
#else
#define HAS_XGBOOST false
#endif

#define MODEL_FILE_MAX (10u << 20) /* bytes; that of nn/model_file.h */
#define TREES_WINDOW_MIN 256       /* steps: twice those of a vector (features/features.h) */
#define TREE_NODE_BYTES 20u        /* of a node of a forest in it */

/* Would the largest forests of all leads, one more than there are horizons, fit into a model file? */
static void check_size(struct ax_reader *r, struct ax_place at, const struct ax_job_config *job)
{
    const struct ax_trees_config *t = &job->forecast.trees;
    const uint64_t nodes = (UINT64_C(2) << t->depth) - 1, leads = (uint64_t)job->forecast.horizons_n + 1;
    const uint64_t each = nodes * TREE_NODE_BYTES * leads; /* bytes, for every round */
    if (t->rounds * each > MODEL_FILE_MAX)
        ax_problem_add(
            r->problems, at, false,
            "trees: %u rounds of a depth of %u for %u horizons may not fit into a model file, 10 MiB: "
            "at most %u rounds, or less depth",
            t->rounds, t->depth, job->forecast.horizons_n, (uint32_t)(MODEL_FILE_MAX / each));
}

void ax_config_validate_trees(struct ax_reader *r, yaml_node_t *forecast, struct ax_job_config *job)
{
    struct ax_trees_config *t = &job->forecast.trees;
    const struct ax_place at = ax_yaml_place(ax_yaml_get(r, forecast, "trees"), job->place);
    const int64_t span_ms = (int64_t)job->window_fine * job->step_ms;
    if (t->fit_every_ms < 0)
        t->fit_every_ms = span_ms > 60000 ? span_ms : 60000;
    if (!t->enabled)
        return;
    if (!HAS_XGBOOST)
        ax_problem_add(
            r->problems, at, false,
            "trees: this build has no XGBoost: install libxgboost-dev and build again, or leave the "
            "section out");
    check_size(r, at, job);
    if (job->features_n > 64)
        ax_problem_add(r->problems, at, false, "trees: %u features: at most 64", job->features_n);
    if (job->window_fine < TREES_WINDOW_MIN)
        ax_problem_add(r->problems, at, false, "trees: a fine window of %u steps; %d are needed at least",
                       job->window_fine, TREES_WINDOW_MIN);
}
