/* validate_anomaly.c: rules of a job's block `anomaly`. */
#include "base/parse.h"
#include "config/validate.h"

/* Add an error at a key of the block. */
#define AT(r, block, job, key, ...)                                                                          \
    ax_problem_add((r)->problems, ax_yaml_place(ax_yaml_get(r, block, key), (job)->place), false, __VA_ARGS__)

static void check_range(struct ax_reader *r, yaml_node_t *block, struct ax_job_config *job)
{
    struct ax_anomaly_config *a = &job->anomaly;
    if (!ax_yaml_get(r, block, "data_range"))
        return;
    if (a->data_range_n != 2 || ax_parse_double(a->data_range[0], &a->range_min) != AX_OK ||
        ax_parse_double(a->data_range[1], &a->range_max) != AX_OK || !(a->range_min < a->range_max)) {
        a->range_min = a->range_max = 0;
        AT(r, block, job, "data_range",
           "data_range is two numbers, the lower one first: [0, 100], or [0, +Inf]");
    }
}

static void check_members(struct ax_reader *r, yaml_node_t *block, struct ax_job_config *job)
{
    static const char *const names[] = {"forecast",   "neighbours", "level",
                                        "difference", "polynomial", "sub_pca"};
    const size_t names_n = sizeof names / sizeof names[0];
    const struct ax_anomaly_config *a = &job->anomaly;
    yaml_node_t *list = ax_yaml_get(r, block, "members");
    char shown[72];
    if (list && list->type == YAML_SEQUENCE_NODE && a->members_n == 0)
        AT(r, block, job, "members", "members is empty: leave it out for the default set");
    for (uint32_t i = 0; i < a->members_n; i++) {
        struct ax_place at = ax_yaml_place(ax_yaml_item(r, list, i), job->place);
        size_t k = 0;
        while (k < names_n && !ax_str_eq(a->members[i], ax_str(names[k])))
            k++;
        if (k == names_n)
            ax_problem_add(r->problems, at, false,
                           "members: there is no \"%s\": forecast, neighbours, level, difference, polynomial "
                           "and sub_pca "
                           "are known",
                           ax_shown(a->members[i], shown));
        for (uint32_t j = 0; j < i; j++)
            if (ax_str_eq(a->members[i], a->members[j]))
                ax_problem_add(r->problems, at, false, "members names \"%s\" twice",
                               ax_shown(a->members[i], shown));
    }
}

/* Guards in the unit of the input are one number for all features, which may have units of their own. */
static void warn_of_units(struct ax_reader *r, yaml_node_t *block, const struct ax_job_config *job)
{
    static const char *const keys[] = {"min_dev_from_expected", "data_range"};
    const bool given[] = {job->anomaly.min_dev_from_expected > 0, job->anomaly.data_range_n > 0};
    for (unsigned i = 0; i < 2; i++)
        if (given[i] && job->expr.text.n == 0 && job->features_n > 1)
            ax_problem_add(r->problems,
                           ax_yaml_place(ax_yaml_get(r, block, keys[i]), (struct ax_place){1, 1}), true,
                           "%s holds for each of the %u features of job " AX_STR_FMT
                           ": do all have the same unit? min_rel_dev_from_expected is a ratio",
                           keys[i], job->features_n, AX_STR_ARG(job->name));
}

void ax_config_validate_anomaly(struct ax_reader *r, yaml_node_t *block, struct ax_job_config *job)
{
    warn_of_units(r, block, job);
    check_range(r, block, job);
    check_members(r, block, job);
    if (ax_str_eq(job->anomaly.model, ax_str("latency")) && job->by_n == 0)
        AT(r, block, job, "model", "model: latency is of entities: the job needs by and features");
    if (ax_str_eq(job->anomaly.model, ax_str("latency")) && job->anomaly.ensemble.members_n)
        AT(r, block, job, "ensemble",
           "model: latency has one member: ensemble.members is for model: ensemble");
}
