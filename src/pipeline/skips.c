/* skips.c: the calendars of one job. */
#include "pipeline/skips.h"

#include <stdlib.h>

struct ax_skips {
    uint32_t n;
    struct {
        struct ax_calendar *calendar;
        struct ax_calendar
            *wide; /* the same for the forecasts, which ask it of weeks at once; NULL: learning is skipped */
        uint8_t bits;
    } v[];
};

static const struct ax_calendar_config *find(const struct ax_config *config, struct ax_str name)
{
    for (uint32_t i = 0; i < config->calendars_n; i++)
        if (ax_str_eq(config->calendars[i].name, name))
            return &config->calendars[i];
    return NULL; /* validation has refused such a config */
}

enum ax_err ax_skips_new(const struct ax_config *config, const struct ax_job_config *job,
                         struct ax_skips **out, struct ax_diag *diag)
{
    *out = NULL;
    if (job->calendars_n == 0)
        return AX_OK;
    struct ax_skips *s = calloc(1, sizeof *s + job->calendars_n * sizeof s->v[0]);
    enum ax_err err = s ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    for (uint32_t i = 0; i < job->calendars_n && err == AX_OK; i++) {
        const struct ax_calendar_config *c = find(config, job->calendars[i]);
        if (!c)
            continue;
        err = ax_calendar_new(c, &s->v[s->n].calendar, diag);
        if (err != AX_OK)
            continue;
        s->v[s->n].bits =
            (uint8_t)((c->skip_alerts ? AX_SKIP_ALERTS : 0) | (c->skip_learning ? AX_SKIP_LEARNING : 0));
        if (!c->skip_learning)
            err = ax_calendar_new(c, &s->v[s->n].wide, diag);
        s->n++;
    }
    if (err != AX_OK) {
        ax_skips_free(s);
        return err;
    }
    *out = s;
    return AX_OK;
}

void ax_skips_free(struct ax_skips *s)
{
    for (uint32_t i = 0; s && i < s->n; i++) {
        ax_calendar_free(s->v[i].calendar);
        ax_calendar_free(s->v[i].wide);
    }
    free(s);
}

void ax_skips_holidays(const struct ax_skips *s, struct ax_holidays *out)
{
    ax_holidays_reset(out);
    for (uint32_t i = 0; s && i < s->n; i++)
        if (s->v[i].wide && out->n < AX_HOLIDAYS_MAX)
            out->calendars[out->n++] = s->v[i].wide;
}

uint8_t ax_skips_at(struct ax_skips *s, int64_t t_ms, enum ax_err *err)
{
    unsigned bits = 0;
    *err = AX_OK;
    for (uint32_t i = 0; s && i < s->n; i++) {
        bool on;
        enum ax_err failed = ax_calendar_at(s->v[i].calendar, t_ms, &on);
        if (failed != AX_OK)
            *err = failed;
        else if (on)
            bits |= s->v[i].bits;
    }
    return (uint8_t)bits;
}
