/* triggers.c: since when something has lasted. */
#include "pipeline/triggers.h"

#define LONGEST_MS                                                                                           \
    (INT64_C(366) * 86400000) /* of a time without steps in which a cron line is looked for                  \
                               */

enum ax_err ax_triggers_init(struct ax_triggers *t, const struct ax_job_models_config *config,
                             struct ax_str time_zone, int64_t step_ms, struct ax_diag *diag)
{
    *t = (struct ax_triggers){.config = config,
                              .step_ms = step_ms,
                              .drifted_ms = INT64_MIN,
                              .fell_ms = INT64_MIN,
                              .seen_ms = INT64_MIN};
    if (config->fit_at.n == 0)
        return AX_OK;
    /* As long as a step, so that each is on at one. */
    const struct ax_calendar_config calendar = {.name = ax_str("models.fit_at"),
                                                .cron = config->fit_at,
                                                .time_zone = time_zone,
                                                .duration_ms = step_ms};
    return ax_calendar_new(&calendar, &t->at, diag);
}

void ax_triggers_done(struct ax_triggers *t)
{
    ax_calendar_free(t->at);
    t->at = NULL;
}

/* Since when something is so. */
static void last(bool is, int64_t *since_ms, int64_t t_ms)
{
    if (!is)
        *since_ms = INT64_MIN;
    else if (*since_ms == INT64_MIN)
        *since_ms = t_ms;
}

/* Does the cron line name a time after step `seen`, up to t_ms? Too many are some. */
static bool rings(struct ax_triggers *t, int64_t seen_ms, int64_t t_ms)
{
    const struct ax_span *spans;
    uint32_t n = 0;
    bool on = false;
    if (seen_ms == INT64_MIN || t_ms - seen_ms <= t->step_ms)
        return ax_calendar_at(t->at, t_ms, &on) == AX_OK && on;
    const int64_t from_ms = t_ms - seen_ms > LONGEST_MS ? t_ms - LONGEST_MS : seen_ms + t->step_ms;
    const enum ax_err err = ax_calendar_expand(t->at, from_ms, t_ms + 1, &spans, &n);
    return err == AX_LIMIT || (err == AX_OK && n > 0);
}

bool ax_triggers_step(struct ax_triggers *t, int64_t t_ms, double drifted, double accuracy)
{
    const struct ax_job_models_config *c = t->config;
    const int64_t seen_ms = t->seen_ms;
    last(drifted > c->drift_above, &t->drifted_ms, t_ms);
    last(accuracy < c->accuracy_below, &t->fell_ms, t_ms);
    t->seen_ms = t_ms;
    return t->at && rings(t, seen_ms, t_ms);
}

enum ax_fit_reason ax_triggers_reason(const struct ax_triggers *t, int64_t t_ms)
{
    if (t->fell_ms != INT64_MIN && t_ms - t->fell_ms >= t->config->accuracy_for_ms)
        return AX_FIT_ACCURACY;
    return t->drifted_ms != INT64_MIN && t_ms - t->drifted_ms >= t->config->drift_for_ms ? AX_FIT_DRIFT
                                                                                         : AX_FIT_NOT;
}

void ax_triggers_save(const struct ax_triggers *t, struct ax_buf *out)
{
    ax_put_i64(out, t->drifted_ms);
    ax_put_i64(out, t->fell_ms);
    ax_put_i64(out, t->seen_ms);
}

void ax_triggers_load(struct ax_triggers *t, struct ax_bytes *in)
{
    t->drifted_ms = ax_get_ms(in);
    t->fell_ms = ax_get_ms(in);
    t->seen_ms = ax_get_ms(in);
    if (t->drifted_ms > t->seen_ms || t->fell_ms > t->seen_ms)
        (void)ax_bytes_fail(in);
}
