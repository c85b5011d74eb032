/* validate_calendar.c: rules of calendars, and of the names by which jobs call them. */
#include "config/calendar.h"
#include "config/validate.h"

/* Add an error at a key of a calendar's mapping, or where the calendar stands. */
#define AT(key, ...)                                                                                         \
    ax_problem_add(r->problems, ax_yaml_place(ax_yaml_get(r, node, key), c->place), false, __VA_ARGS__)

static void check_skip(struct ax_reader *r, yaml_node_t *node, struct ax_calendar_config *c)
{
    static const struct ax_str both[] = {{"alerts", 6}, {"learning", 8}};
    char shown[72];
    if (!ax_yaml_get(r, node, "skip")) {
        c->skip = both;
        c->skip_n = 2;
    }
    for (uint32_t i = 0; i < c->skip_n; i++) {
        if (ax_str_eq(c->skip[i], ax_str("alerts")))
            c->skip_alerts = true;
        else if (ax_str_eq(c->skip[i], ax_str("learning")))
            c->skip_learning = true;
        else
            AT("skip", "skip: \"%s\" is neither alerts nor learning", ax_shown(c->skip[i], shown));
    }
}

/* Can it be read and expanded? Without a mistake in its keys it is made once to see. */
static void try_calendar(struct ax_reader *r, const struct ax_calendar_config *c)
{
    struct ax_calendar *calendar = NULL;
    struct ax_diag diag = {{0}};
    enum ax_err err = ax_calendar_new(c, &calendar, &diag);
    const char *zone = err == AX_OK ? ax_calendar_unknown_zone(calendar) : NULL;
    if (zone)
        ax_problem_add(r->problems, c->place, true,
                       "calendar " AX_STR_FMT ": nobody knows the time zone \"%.100s\" that its events name: "
                       "their times are taken as those of time_zone",
                       AX_STR_ARG(c->name), zone);
    if (err == AX_OK && (err = ax_calendar_try(calendar)) == AX_LIMIT)
        (void)ax_fail(&diag, err,
                      "calendar " AX_STR_FMT
                      ": its events recur too often: more than 100,000 times within two "
                      "days, or in all by a COUNT",
                      AX_STR_ARG(c->name));
    ax_calendar_free(calendar);
    if (err != AX_OK)
        ax_problem_add(r->problems, c->place, false, "%s", diag.text[0] ? diag.text : ax_err_text(err));
}

static void check_calendar(struct ax_reader *r, yaml_node_t *node, const struct ax_config *config, uint32_t i)
{
    struct ax_calendar_config *c = (struct ax_calendar_config *)ax_fresh(config->calendars) + i;
    uint32_t errors = r->problems->errors_n;
    char shown[72];
    for (uint32_t k = 0; k < i; k++)
        if (ax_str_eq(config->calendars[k].name, c->name))
            AT("name", "another calendar has the name \"%s\" too (line %u)", ax_shown(c->name, shown),
               config->calendars[k].place.line);
    if ((c->cron.n > 0) == (c->ical_file.n > 0))
        AT("name", "a calendar needs cron or ical_file, and not both");
    if (c->ical_file.n && ax_yaml_get(r, node, "duration"))
        AT("duration", "duration is that of the events of cron: those of a file have their own");
    check_skip(r, node, c);
    if (r->problems->errors_n == errors && c->name.n)
        try_calendar(r, c);
}

static bool known(const struct ax_config *c, struct ax_str name)
{
    for (uint32_t i = 0; i < c->calendars_n; i++)
        if (ax_str_eq(c->calendars[i].name, name))
            return true;
    return false;
}

void ax_config_validate_calendars(struct ax_reader *r, yaml_node_t *root, struct ax_config *c)
{
    yaml_node_t *list = ax_yaml_get(r, root, "calendars"), *jobs = ax_yaml_get(r, root, "jobs");
    char shown[72];
    for (uint32_t i = 0; i < c->calendars_n; i++)
        check_calendar(r, ax_yaml_item(r, list, i), c, i);
    for (uint32_t i = 0; i < c->jobs_n; i++) {
        const struct ax_job_config *job = &c->jobs[i];
        yaml_node_t *names = ax_yaml_get(r, ax_yaml_item(r, jobs, i), "calendars");
        for (uint32_t k = 0; k < job->calendars_n; k++)
            if (!known(c, job->calendars[k]))
                ax_problem_add(r->problems, ax_yaml_place(ax_yaml_item(r, names, k), job->place), false,
                               "there is no calendar \"%s\"", ax_shown(job->calendars[k], shown));
    }
}
