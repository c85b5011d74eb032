/* check.c: from the series of a kind's data to a verdict. */
#include "train/check.h"

#include <stdio.h>

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
    if (kind->told && v->labelled == 0)
        kind->told(data, v);
    enum ax_err err = kind->each(data, see_end, &c);
    return err == AX_OK ? kind->each(data, see, &c) : err;
}

enum ax_err ax_train_check(const struct ax_train_kind *kind, const void *data,
                           const struct ax_validation_rule *rule, const struct ax_validation *told,
                           struct ax_validation_finding *out, struct ax_diag *diag)
{
    struct ax_validation v = told ? *told : (struct ax_validation){0};
    struct ax_validation_finding findings[AX_VALIDATION_CHECKS];
    for (uint32_t i = 0; out && i < AX_VALIDATION_CHECKS; i++)
        out[i] = (struct ax_validation_finding){.known = false};
    if (!kind->each)
        return AX_OK;
    const enum ax_err err = ax_train_count(kind, data, &v);
    if (err != AX_OK)
        return ax_fail(diag, err, "out of memory");
    return ax_validation_judge(&v, rule, out ? out : findings, diag);
}

void ax_findings_scores(const struct ax_validation_finding *f, char out[AX_FINDINGS_TEXT])
{
    size_t n = 0;
    *out = '\0';
    for (enum ax_validation_check c = 0; c < AX_VALIDATION_CHECKS; c++)
        if (f[c].known)
            n += (size_t)snprintf(out + n, AX_FINDINGS_TEXT - n, "%s\"data_%s\": %.6g", n ? ", " : "{",
                                  ax_validation_name(c), f[c].value);
    if (n)
        (void)snprintf(out + n, AX_FINDINGS_TEXT - n, "}");
}

void ax_findings_words(const struct ax_validation_finding *f, char *out, size_t n)
{
    size_t at = 0;
    *out = '\0';
    for (enum ax_validation_check c = 0; c < AX_VALIDATION_CHECKS && at < n; c++)
        if (f[c].known)
            at += (size_t)snprintf(out + at, n - at, "%s%s: %s", at ? "; " : "", ax_validation_name(c),
                                   f[c].text);
}
