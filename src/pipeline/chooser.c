/* chooser.c: selectors of people against the labels of series. */
#include "pipeline/chooser.h"

#define SELECTOR_RANGE_MS 1 /* a selector has no range; the parser wants to know how long it may be */

enum ax_err ax_chooser_init(struct ax_chooser *c, struct ax_str selector, struct ax_diag *diag)
{
    uint64_t memory = AX_CHOOSER_MEMORY;
    return ax_chooser_init_within(c, selector, &memory, diag);
}

enum ax_err ax_chooser_init_within(struct ax_chooser *c, struct ax_str selector, uint64_t *memory,
                                   struct ax_diag *diag)
{
    *c = (struct ax_chooser){0};
    if (selector.n == 0)
        return AX_OK;
    enum ax_err err = ax_expr_parse_within(selector, SELECTOR_RANGE_MS, memory, &c->expr, diag);
    if (err != AX_OK)
        return err;
    c->matchers = ax_expr_as_selector(c->expr, &c->n);
    if (c->matchers)
        return AX_OK;
    ax_chooser_done(c);
    return ax_fail(diag, AX_INVALID, "a series or a selector is wanted, as in name{label=\"value\"}");
}

void ax_chooser_done(struct ax_chooser *c)
{
    ax_expr_free(c->expr);
    *c = (struct ax_chooser){0};
}

static bool speaks_of_output(const struct ax_chooser *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (ax_str_eq(ax_matcher_name(c->matchers[i]), ax_str("for")))
            return true;
    return false;
}

/* The value that an output series has for a label beside those of its input; n 0 for none. */
static struct ax_str added(const struct ax_chooser_job *job, const struct ax_labels *labels,
                           struct ax_str name)
{
    if (ax_str_eq(name, ax_str("for")))
        return job->name;
    if (ax_str_eq(name, ax_str("source")))
        return ax_labels_get(labels, ax_str(AX_METRIC_NAME));
    return ax_labels_get(labels, name).n ? (struct ax_str){NULL, 0} : ax_labels_get(&job->external, name);
}

static bool is_pattern(const struct ax_matcher *m)
{
    const enum ax_match_op op = ax_matcher_op(m);
    return op == AX_MATCH_RE || op == AX_MATCH_NRE;
}

static bool takes(const struct ax_chooser *c, const struct ax_chooser_job *job,
                  const struct ax_labels *labels, bool patterns)
{
    bool output = speaks_of_output(c), named = ax_labels_get(labels, ax_str(AX_METRIC_NAME)).n > 0;
    for (uint32_t i = 0; i < c->n; i++) {
        const struct ax_matcher *m = c->matchers[i];
        struct ax_str name = ax_matcher_name(m);
        if ((ax_str_eq(name, ax_str(AX_METRIC_NAME)) && (output || !named)) || (!patterns && is_pattern(m)))
            continue;
        const struct ax_label own = {name, output ? added(job, labels, name) : (struct ax_str){NULL, 0}};
        const struct ax_labels alone = {1, &own};
        const struct ax_labels *subject = own.value.n ? &alone : labels;
        if (c->goes_on && is_pattern(m) && !c->goes_on(c->ctx, ax_matcher_steps(m, subject)))
            return false;
        if (!ax_matcher_match(m, subject))
            return false;
    }
    return true;
}

bool ax_chooser_takes(const struct ax_chooser *c, const struct ax_chooser_job *job,
                      const struct ax_labels *labels)
{
    return takes(c, job, labels, true);
}

bool ax_chooser_may_take(const struct ax_chooser *c, const struct ax_chooser_job *job,
                         const struct ax_labels *labels)
{
    return takes(c, job, labels, false);
}

bool ax_chooser_is_quick(const struct ax_chooser *c)
{
    bool quick = true;
    for (uint32_t i = 0; i < c->n && quick; i++)
        quick = !is_pattern(c->matchers[i]);
    return quick;
}

bool ax_chooser_job_copy(struct ax_arena *arena, const struct ax_chooser_job *job, struct ax_chooser_job *out)
{
    out->name = ax_arena_str(arena, job->name);
    return out->name.p && ax_labels_copy(arena, &job->external, &out->external);
}
