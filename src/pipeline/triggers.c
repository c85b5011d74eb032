/* triggers.c: since when something has lasted. */
#include "pipeline/triggers.h"

#define EVENT_STEPS 32 /* fits are begun at every sixteenth step */
#define EVENT_MS 60000

int64_t ax_triggers_event_ms(int64_t step_ms)
{
    return EVENT_STEPS * step_ms > EVENT_MS ? EVENT_STEPS * step_ms : EVENT_MS;
}

enum ax_err ax_triggers_init(struct ax_triggers *t, const struct ax_job_models_config *config,
                             struct ax_str time_zone, int64_t step_ms, struct ax_diag *diag)
{
    *t = (struct ax_triggers){.config = config, .drifted_ms = INT64_MIN, .fell_ms = INT64_MIN};
    if (config->fit_at.n == 0)
        return AX_OK;
    const struct ax_calendar_config calendar = {.name = ax_str("models.fit_at"),
                                                .cron = config->fit_at,
                                                .time_zone = time_zone,
                                                .duration_ms = ax_triggers_event_ms(step_ms)};
    return ax_calendar_new(&calendar, &t->at, diag);
}

void ax_triggers_done(struct ax_triggers *t)
{
    ax_calendar_free(t->at);
    t->at = NULL;
}

/* Has something lasted so long? */
static bool has_lasted(bool is, int64_t *since_ms, int64_t t_ms, int64_t for_ms)
{
    if (!is)
        *since_ms = INT64_MIN;
    else if (*since_ms == INT64_MIN)
        *since_ms = t_ms;
    return is && t_ms - *since_ms >= for_ms;
}

enum ax_fit_reason ax_triggers_step(struct ax_triggers *t, int64_t t_ms, double drifted, double accuracy)
{
    const struct ax_job_models_config *c = t->config;
    bool on = false;
    const bool drift = has_lasted(drifted > c->drift_above, &t->drifted_ms, t_ms, c->drift_for_ms),
               fell = has_lasted(accuracy < c->accuracy_below, &t->fell_ms, t_ms, c->accuracy_for_ms);
    if (fell)
        return AX_FIT_ACCURACY;
    if (drift)
        return AX_FIT_DRIFT;
    return t->at && ax_calendar_at(t->at, t_ms, &on) == AX_OK && on ? AX_FIT_CRON : AX_FIT_NOT;
}
