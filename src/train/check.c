/* check.c: from the series of a kind's data to a verdict. */
#include "train/check.h"

/* Two visits: first when the newest series ends, then each beside that. */
struct checking {
    struct ax_validation *v;
    int64_t newest_ms;
};

static enum ax_err see_end(void *ctx, const struct ax_validation_series *s)
{
    struct checking *c = ctx;
    if (s->step_ms > 0 && s->end_ms > c->newest_ms)
        c->newest_ms = s->end_ms;
    return AX_OK;
}

static enum ax_err see(void *ctx, const struct ax_validation_series *s)
{
    const struct checking *c = ctx;
    return ax_validation_add(c->v, s, c->newest_ms);
}

enum ax_err ax_train_count(const struct ax_train_kind *kind, const void *data, struct ax_validation *v)
{
    struct checking c = {v, INT64_MIN};
    enum ax_err err = kind->each(data, see_end, &c);
    return err == AX_OK ? kind->each(data, see, &c) : err;
}

enum ax_err ax_train_check(const struct ax_train_kind *kind, const void *data,
                           const struct ax_validation_rule *rule, struct ax_validation_finding *out,
                           struct ax_diag *diag)
{
    struct ax_validation v = {0};
    struct ax_validation_finding findings[AX_VALIDATION_CHECKS];
    if (!kind->each)
        return AX_OK;
    const enum ax_err err = ax_train_count(kind, data, &v);
    if (err != AX_OK)
        return ax_fail(diag, err, "out of memory");
    return ax_validation_judge(&v, rule, out ? out : findings, diag);
}
