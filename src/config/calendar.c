/* calendar.c: expands the events of a calendar around the times that it is asked of.
 *
 * Recurrences run over local times, without a zone, as RFC 5545 wants it, and each occurrence is then taken
 * to the instant at which the clocks of its zone say so. */
#include "config/calendar.h"

#include "base/zone.h"
#include "config/calendar_priv.h"

#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX (4u << 20)
#define EVENTS_MAX 10000u
#define OCCURRENCES_MAX 100000u
#define DAY_MS INT64_C(86400000)
#define LONGEST_S (INT64_C(366) * 86400) /* of one event */
#define EXPAND_BEFORE_MS (DAY_MS / 2)
#define EXPAND_MS (2 * DAY_MS)

/* One VEVENT. */
struct event {
    icalcomponent *component;
    struct icaltimetype start;
    const struct ax_zone *zone; /* of start; NULL: `own` counts, or UTC */
    icaltimezone *own;          /* the file's VTIMEZONE, when the database has none of that name */
    int64_t duration_s;
    uint32_t moved_from, moved_n; /* instants that other events stand for: in moved */
    uint32_t out_from, out_n;     /* those that are left out: in skipped */
};

/* An instant of the events of a UID that another event (its RECURRENCE-ID) stands for. */
struct moved {
    const char *uid; /* the component's */
    int64_t t_s;
};

/* A zone that events name. */
struct named_zone {
    char *name;
    struct ax_zone *zone;
};

struct ax_calendar {
    icalcomponent *root;
    struct ax_zone *zone; /* time_zone; NULL: UTC */
    struct named_zone *zones;
    uint32_t zones_n;
    const char *unknown_zone; /* the first that is named and not known; root's */
    struct event *events;
    uint32_t events_n;
    struct moved *moved; /* by uid, then time */
    uint32_t moved_n;
    int64_t *skipped; /* seconds; of one event rising */
    uint32_t skipped_n, skipped_cap;
    struct ax_span *spans;
    uint32_t spans_n, spans_cap;
    int64_t from_ms, to_ms; /* what spans are known of; from >= to: nothing */
    enum ax_err known;      /* of that time: AX_OK, or AX_LIMIT */
};

static int64_t instant_in(const struct ax_zone *zone, const icaltimezone *own, struct icaltimetype t)
{
    if (t.is_date)
        t.hour = t.minute = t.second = 0;
    if (own)
        return (int64_t)icaltime_as_timet_with_zone(t, own);
    const struct ax_civil c = {.year = t.year,
                               .month = t.month,
                               .day = t.day,
                               .hour = t.hour,
                               .minute = t.minute,
                               .second = t.second};
    return ax_zone_instant(zone, &c);
}

/* The zone of a name, loaded once; NULL when the database has none. */
static const struct ax_zone *zone_of(struct ax_calendar *c, const char *tzid)
{
    struct ax_zone *zone = NULL;
    const char *name = tzid;
    if (*name == '/') /* /vendor/Area/City: what is known are the last two parts */
        for (unsigned slashes = 0; *name && slashes < 2; slashes++)
            name = strchr(name + 1, '/') ? strchr(name + 1, '/') : name + strlen(name);
    name += *name == '/';
    for (uint32_t i = 0; i < c->zones_n; i++)
        if (strcmp(c->zones[i].name, name) == 0)
            return c->zones[i].zone;
    if (ax_zone_load(ax_str(name), &zone, NULL) != AX_OK)
        return NULL;
    struct named_zone *more = realloc(c->zones, (c->zones_n + 1) * sizeof *more);
    c->zones = more ? more : c->zones;
    char *copy = more ? strdup(name) : NULL;
    if (!copy) {
        ax_zone_free(zone);
        return NULL;
    }
    c->zones[c->zones_n++] = (struct named_zone){copy, zone};
    return zone;
}

/* In which zone does the time of a property stand? */
static void find_zone(struct ax_calendar *c, icalproperty *p, struct icaltimetype t,
                      const struct ax_zone **zone, icaltimezone **own)
{
    icalparameter *parameter = icalproperty_get_first_parameter(p, ICAL_TZID_PARAMETER);
    const char *tzid = parameter ? icalparameter_get_tzid(parameter) : NULL;
    *zone = icaltime_is_utc(t) ? NULL : c->zone;
    *own = NULL;
    if (!tzid || icaltime_is_utc(t))
        return;
    const struct ax_zone *named = zone_of(c, tzid);
    if (named)
        *zone = named;
    else
        *own = icalcomponent_get_timezone(c->root, tzid);
    if (!named && !*own && !c->unknown_zone)
        c->unknown_zone = tzid;
}

static int64_t instant_of(struct ax_calendar *c, icalproperty *p, struct icaltimetype t)
{
    const struct ax_zone *zone;
    icaltimezone *own;
    find_zone(c, p, t, &zone, &own);
    return instant_in(zone, own, t);
}

static enum ax_err skip(struct ax_calendar *c, int64_t t_s)
{
    if (c->skipped_n == c->skipped_cap) {
        uint32_t cap = c->skipped_cap ? 2 * c->skipped_cap : 16;
        int64_t *more = realloc(c->skipped, cap * sizeof *more);
        if (!more)
            return AX_NOMEM;
        c->skipped = more;
        c->skipped_cap = cap;
    }
    c->skipped[c->skipped_n++] = t_s;
    return AX_OK;
}

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_uid(const void *a, const void *b)
{
    const struct moved *x = a, *y = b;
    const int order = strcmp(x->uid, y->uid);
    return order ? order : by_time(&x->t_s, &y->t_s);
}

/* All instants for which an event stands that is there, or was cancelled. */
static enum ax_err gather_moved(struct ax_calendar *c, uint32_t events)
{
    c->moved = calloc(events, sizeof *c->moved);
    if (!c->moved)
        return AX_NOMEM;
    icalcompiter i = icalcomponent_begin_component(c->root, ICAL_VEVENT_COMPONENT);
    for (icalcomponent *e; c->moved_n < events && (e = icalcompiter_deref(&i)); icalcompiter_next(&i)) {
        icalproperty *p = icalcomponent_get_first_property(e, ICAL_RECURRENCEID_PROPERTY);
        const char *uid = icalcomponent_get_uid(e);
        if (p && uid)
            c->moved[c->moved_n++] = (struct moved){uid, instant_of(c, p, icalproperty_get_recurrenceid(p))};
    }
    qsort(c->moved, c->moved_n, sizeof *c->moved, by_uid);
    return AX_OK;
}

/* The first of moved that is not before an instant of a UID. */
static uint32_t moved_at(const struct ax_calendar *c, const char *uid, int64_t t_s)
{
    const struct moved wanted = {uid, t_s};
    uint32_t low = 0, high = c->moved_n;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (by_uid(&c->moved[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* EXDATE of an event, and the times that a RECURRENCE-ID of the same UID makes something else; not so of an
 * event that is such a one itself: it stands for one time, and wherever it was moved to. */
static enum ax_err gather_skipped(struct ax_calendar *c, struct event *e)
{
    const char *uid = icalcomponent_get_uid(e->component);
    enum ax_err err = AX_OK;
    e->out_from = c->skipped_n;
    for (icalproperty *p = icalcomponent_get_first_property(e->component, ICAL_EXDATE_PROPERTY);
         p && err == AX_OK; p = icalcomponent_get_next_property(e->component, ICAL_EXDATE_PROPERTY))
        err = skip(c, instant_of(c, p, icalproperty_get_exdate(p)));
    e->out_n = c->skipped_n - e->out_from;
    if (e->out_n)
        qsort(c->skipped + e->out_from, e->out_n, sizeof *c->skipped, by_time);
    if (!uid || icalcomponent_get_first_property(e->component, ICAL_RECURRENCEID_PROPERTY))
        return err;
    e->moved_from = moved_at(c, uid, INT64_MIN);
    e->moved_n = moved_at(c, uid, INT64_MAX) - e->moved_from;
    return err;
}

/* Does another event stand for a time of an event, or is it left out? */
static bool is_skipped(const struct ax_calendar *c, const struct event *e, int64_t t_s)
{
    const struct moved wanted = {e->moved_n ? c->moved[e->moved_from].uid : "", t_s};
    return (e->moved_n && bsearch(&wanted, c->moved + e->moved_from, e->moved_n, sizeof *c->moved, by_uid)) ||
           (e->out_n && bsearch(&t_s, c->skipped + e->out_from, e->out_n, sizeof *c->skipped, by_time));
}

/* How long an event lasts: DTEND, DURATION, or a day when it begins at a date. */
static int64_t duration_of(struct ax_calendar *c, const struct event *e)
{
    icalproperty *end = icalcomponent_get_first_property(e->component, ICAL_DTEND_PROPERTY);
    icalproperty *duration = icalcomponent_get_first_property(e->component, ICAL_DURATION_PROPERTY);
    if (end)
        return instant_of(c, end, icalproperty_get_dtend(end)) - instant_in(e->zone, e->own, e->start);
    if (duration)
        return icaldurationtype_as_int(icalproperty_get_duration(duration));
    return e->start.is_date ? 86400 : 0;
}

/* Can the rules of an event be followed at all? */
static bool rules_work(const struct event *e)
{
    for (icalproperty *p = icalcomponent_get_first_property(e->component, ICAL_RRULE_PROPERTY); p;
         p = icalcomponent_get_next_property(e->component, ICAL_RRULE_PROPERTY)) {
        icalrecur_iterator *it = icalrecur_iterator_new(icalproperty_get_rrule(p), e->start);
        if (!it)
            return false;
        icalrecur_iterator_free(it);
    }
    return true;
}

static enum ax_err take_event(struct ax_calendar *c, icalcomponent *component, struct ax_diag *diag)
{
    struct event *e = &c->events[c->events_n];
    icalproperty *p = icalcomponent_get_first_property(component, ICAL_DTSTART_PROPERTY);
    const char *summary = icalcomponent_get_summary(component);
    if (icalcomponent_get_status(component) == ICAL_STATUS_CANCELLED)
        return AX_OK;
    *e = (struct event){.component = component};
    e->start = p ? icalproperty_get_dtstart(p) : icaltime_null_time();
    if (icaltime_is_null_time(e->start) || !icaltime_is_valid_time(e->start))
        return ax_fail(diag, AX_INVALID, "event '%.100s' has no DTSTART", summary ? summary : "");
    find_zone(c, p, e->start, &e->zone, &e->own);
    e->duration_s = duration_of(c, e);
    if (e->duration_s < 0 || e->duration_s > LONGEST_S)
        return ax_fail(diag, AX_INVALID, "event '%.100s' must last from 0 s to a year",
                       summary ? summary : "");
    if (!rules_work(e))
        return ax_fail(diag, AX_INVALID,
                       "event '%.100s' has an RRULE that cannot be followed: are its parts right?",
                       summary ? summary : "");
    c->events_n++;
    return gather_skipped(c, e) == AX_OK ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
}

static enum ax_err take_events(struct ax_calendar *c, struct ax_diag *diag)
{
    int n = icalcomponent_count_components(c->root, ICAL_VEVENT_COMPONENT);
    if (n < 1)
        return ax_fail(diag, AX_INVALID, "there is no VEVENT in it");
    if ((uint32_t)n > EVENTS_MAX)
        return ax_fail(diag, AX_LIMIT, "it has %d events: at most %u are read", n, EVENTS_MAX);
    c->events = calloc((size_t)n, sizeof *c->events);
    if (!c->events || gather_moved(c, (uint32_t)n) != AX_OK)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    icalcompiter i = icalcomponent_begin_component(c->root, ICAL_VEVENT_COMPONENT);
    enum ax_err err = AX_OK;
    for (icalcomponent *e; err == AX_OK && (e = icalcompiter_deref(&i)); icalcompiter_next(&i))
        err = take_event(c, e, diag);
    return err;
}

enum ax_err ax_calendar_parse(struct ax_str text, struct ax_str time_zone, struct ax_calendar **out,
                              struct ax_diag *diag)
{
    icalerror_set_errors_are_fatal(false); /* the whole process's, and never anything else */
    struct ax_calendar *c = calloc(1, sizeof *c);
    char *copy = c ? strndup(text.n ? text.p : "", text.n) : NULL;
    enum ax_err err = copy ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK && time_zone.n)
        err = ax_zone_load(time_zone, &c->zone, diag);
    if (err == AX_OK) {
        c->root = icalparser_parse_string(copy);
        if (!c->root)
            err = ax_fail(diag, AX_INVALID, "it is no iCalendar file (RFC 5545)");
    }
    if (err == AX_OK)
        err = take_events(c, diag);
    free(copy);
    if (err != AX_OK) {
        ax_calendar_free(c);
        return err;
    }
    *out = c;
    return AX_OK;
}

const char *ax_calendar_unknown_zone(const struct ax_calendar *c)
{
    return c->unknown_zone;
}

static enum ax_err read_file(const char *path, struct ax_buf *out, struct ax_diag *diag)
{
    char part[65536];
    size_t n;
    FILE *f = fopen(path, "re");
    if (!f)
        return ax_fail(diag, AX_NOTFOUND, "%s cannot be read: is it there, and readable?", path);
    while ((n = fread(part, 1, sizeof part, f)) > 0 && out->err == AX_OK)
        ax_buf_put(out, part, n);
    bool whole = !ferror(f);
    (void)fclose(f);
    if (!whole)
        return ax_fail(diag, AX_IO, "%s cannot be read", path);
    if (out->err == AX_NOMEM)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    return out->err == AX_OK ? AX_OK
                             : ax_fail(diag, AX_LIMIT, "%s is longer than %u MiB", path, FILE_MAX >> 20);
}

enum ax_err ax_calendar_new(const struct ax_calendar_config *config, struct ax_calendar **out,
                            struct ax_diag *diag)
{
    struct ax_buf text;
    char path[4096];
    enum ax_err err;
    ax_buf_init(&text, FILE_MAX);
    (void)snprintf(path, sizeof path, AX_STR_FMT, AX_STR_ARG(config->ical_file));
    if (config->cron.n)
        err = ax_cron_write(config->cron, config->duration_ms, &text, diag);
    else
        err = read_file(path, &text, diag);
    if (err == AX_OK)
        err = ax_calendar_parse(ax_buf_view(&text), config->time_zone, out, diag);
    ax_buf_done(&text);
    return err == AX_OK ? err : ax_wrap(diag, err, "calendar " AX_STR_FMT, AX_STR_ARG(config->name));
}

void ax_calendar_free(struct ax_calendar *c)
{
    if (!c)
        return;
    if (c->root)
        icalcomponent_free(c->root);
    for (uint32_t i = 0; i < c->zones_n; i++) {
        free(c->zones[i].name);
        ax_zone_free(c->zones[i].zone);
    }
    free(c->zones);
    ax_zone_free(c->zone);
    free(c->events);
    free(c->moved);
    free(c->skipped);
    free(c->spans);
    free(c);
}

/* Note an occurrence that begins at t_s, when it overlaps [from, to) and nothing stands for it. */
static enum ax_err put(struct ax_calendar *c, const struct event *e, int64_t t_s, int64_t duration_s,
                       int64_t from_ms, int64_t to_ms)
{
    const struct ax_span span = {t_s * 1000, (t_s + duration_s) * 1000};
    if (span.end_ms <= from_ms || span.begin_ms >= to_ms || duration_s <= 0)
        return AX_OK;
    if (is_skipped(c, e, t_s))
        return AX_OK;
    if (c->spans_n == OCCURRENCES_MAX)
        return AX_LIMIT;
    if (c->spans_n == c->spans_cap) {
        uint32_t cap = c->spans_cap ? 2 * c->spans_cap : 64;
        struct ax_span *more = realloc(c->spans, cap * sizeof *more);
        if (!more)
            return AX_NOMEM;
        c->spans = more;
        c->spans_cap = cap;
    }
    c->spans[c->spans_n++] = span;
    return AX_OK;
}

/* Where a rule may be begun instead of at its start, so that not all of the past is counted through: whole
 * intervals later, and long enough before from that nothing that overlaps it is missed. A rule with a COUNT
 * is counted from its begin; months and years differ, and are few. */
static struct icaltimetype later_start(const struct event *e, const struct icalrecurrencetype *rule,
                                       int64_t from_ms)
{
    static const int64_t seconds[] = {[ICAL_SECONDLY_RECURRENCE] = 1,
                                      [ICAL_MINUTELY_RECURRENCE] = 60,
                                      [ICAL_HOURLY_RECURRENCE] = 3600,
                                      [ICAL_DAILY_RECURRENCE] = 86400,
                                      [ICAL_WEEKLY_RECURRENCE] = INT64_C(7) * 86400};
    struct icaltimetype start = e->start;
    start.zone = NULL; /* rules run over local times */
    if (rule->count > 0 || rule->freq > ICAL_WEEKLY_RECURRENCE || rule->interval < 1)
        return start;
    int64_t start_s = (int64_t)icaltime_as_timet(start), interval_s = seconds[rule->freq] * rule->interval;
    int64_t whole = (from_ms / 1000 - e->duration_s - INT64_C(2) * 86400 - start_s) / interval_s;
    if (whole <= 0)
        return start;
    bool is_date = start.is_date;
    start = icaltime_from_timet_with_zone((time_t)(start_s + whole * interval_s), is_date, NULL);
    start.zone = NULL;
    return start;
}

/* Does a rule ask for days that none of its months has? libical would look for one until the year 20582. */
static bool never_comes(const struct icalrecurrencetype *rule)
{
    static const int longest[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const short *month = rule->by_month, *day = rule->by_month_day;
    if (*month == ICAL_RECURRENCE_ARRAY_MAX || *day == ICAL_RECURRENCE_ARRAY_MAX || rule->rscale)
        return false;
    for (; *month != ICAL_RECURRENCE_ARRAY_MAX; month++)
        for (day = rule->by_month_day; *day != ICAL_RECURRENCE_ARRAY_MAX; day++)
            if (*month < 1 || *month > 12 || abs(*day) <= longest[*month - 1])
                return false;
    return true;
}

static enum ax_err expand_rule(struct ax_calendar *c, const struct event *e, icalproperty *p, int64_t from_ms,
                               int64_t to_ms)
{
    struct icalrecurrencetype rule = icalproperty_get_rrule(p);
    if (rule.until.year && icaltime_is_utc(rule.until) && !icaltime_is_utc(e->start) && !rule.until.is_date) {
        int64_t until_s = (int64_t)icaltime_as_timet(rule.until);
        const struct ax_civil local = ax_zone_civil(e->zone, until_s);
        rule.until = icaltime_null_time();
        rule.until.year = (int)local.year;
        rule.until.month = local.month;
        rule.until.day = local.day;
        rule.until.hour = local.hour;
        rule.until.minute = local.minute;
        rule.until.second = local.second;
    }
    if (never_comes(&rule))
        return AX_OK;
    icalrecur_iterator *it = icalrecur_iterator_new(rule, later_start(e, &rule, from_ms));
    enum ax_err err = it ? AX_OK : AX_NOMEM;
    for (uint32_t n = 0; err == AX_OK; n++) {
        struct icaltimetype t = icalrecur_iterator_next(it);
        int64_t t_s = icaltime_is_null_time(t) ? 0 : instant_in(e->zone, e->own, t);
        if (icaltime_is_null_time(t) || t_s * 1000 >= to_ms)
            break;
        err = n == OCCURRENCES_MAX ? AX_LIMIT : put(c, e, t_s, e->duration_s, from_ms, to_ms);
    }
    icalrecur_iterator_free(it);
    return err;
}

static enum ax_err expand_event(struct ax_calendar *c, const struct event *e, int64_t from_ms, int64_t to_ms)
{
    icalproperty *p = icalcomponent_get_first_property(e->component, ICAL_RRULE_PROPERTY);
    enum ax_err err = AX_OK;
    if (!p)
        err = put(c, e, instant_in(e->zone, e->own, e->start), e->duration_s, from_ms, to_ms);
    for (; p && err == AX_OK; p = icalcomponent_get_next_property(e->component, ICAL_RRULE_PROPERTY))
        err = expand_rule(c, e, p, from_ms, to_ms);
    for (p = icalcomponent_get_first_property(e->component, ICAL_RDATE_PROPERTY); p && err == AX_OK;
         p = icalcomponent_get_next_property(e->component, ICAL_RDATE_PROPERTY)) {
        struct icaldatetimeperiodtype at = icalproperty_get_rdate(p);
        struct icaltimetype t = icaltime_is_null_time(at.time) ? at.period.start : at.time;
        int64_t t_s = instant_of(c, p, t), duration_s = e->duration_s;
        if (icaltime_is_null_time(at.time) && !icaltime_is_null_time(at.period.end))
            duration_s = instant_of(c, p, at.period.end) - t_s;
        else if (icaltime_is_null_time(at.time))
            duration_s = icaldurationtype_as_int(at.period.duration);
        err = put(c, e, t_s, duration_s, from_ms, to_ms);
    }
    return err;
}

static int by_begin(const void *a, const void *b)
{
    const struct ax_span *x = a, *y = b;
    return (x->begin_ms > y->begin_ms) - (x->begin_ms < y->begin_ms);
}

/* Sort, and join what overlaps or touches. */
static void join(struct ax_calendar *c)
{
    uint32_t n = 0;
    if (c->spans_n)
        qsort(c->spans, c->spans_n, sizeof *c->spans, by_begin);
    for (uint32_t i = 0; i < c->spans_n; i++) {
        if (n && c->spans[i].begin_ms <= c->spans[n - 1].end_ms) {
            if (c->spans[i].end_ms > c->spans[n - 1].end_ms)
                c->spans[n - 1].end_ms = c->spans[i].end_ms;
        } else {
            c->spans[n++] = c->spans[i];
        }
    }
    c->spans_n = n;
}

enum ax_err ax_calendar_expand(struct ax_calendar *c, int64_t from_ms, int64_t to_ms,
                               const struct ax_span **out, uint32_t *n)
{
    enum ax_err err = AX_OK;
    c->spans_n = 0;
    c->from_ms = c->to_ms = 0;
    c->known = AX_OK;
    for (uint32_t i = 0; i < c->events_n && err == AX_OK; i++)
        err = expand_event(c, &c->events[i], from_ms, to_ms);
    if (err != AX_OK)
        return err;
    join(c);
    c->from_ms = from_ms;
    c->to_ms = to_ms;
    *out = c->spans;
    *n = c->spans_n;
    return AX_OK;
}

/* Two days from where an event begins, of it alone: not all of 10,000 at as many times. */
static enum ax_err try_event(struct ax_calendar *c, const struct event *e, int64_t *begin_ms)
{
    icalproperty *p = icalcomponent_get_first_property(e->component, ICAL_RRULE_PROPERTY);
    *begin_ms = instant_in(e->zone, e->own, e->start) * 1000;
    for (; p; p = icalcomponent_get_next_property(e->component, ICAL_RRULE_PROPERTY))
        if (icalproperty_get_rrule(p).count > (int)OCCURRENCES_MAX)
            return AX_LIMIT;
    c->spans_n = 0;
    return expand_event(c, e, *begin_ms, *begin_ms + EXPAND_MS);
}

enum ax_err ax_calendar_try(struct ax_calendar *c)
{
    const struct ax_span *spans;
    uint32_t n;
    int64_t last_ms = 0;
    for (uint32_t i = 0; i < c->events_n; i++) {
        int64_t begin_ms;
        enum ax_err err = try_event(c, &c->events[i], &begin_ms);
        if (err != AX_OK)
            return err;
        if (i == 0 || begin_ms > last_ms)
            last_ms = begin_ms;
    }
    return ax_calendar_expand(c, last_ms, last_ms + EXPAND_MS, &spans, &n);
}

enum ax_err ax_calendar_at(struct ax_calendar *c, int64_t t_ms, bool *on)
{
    const struct ax_span *spans;
    uint32_t n, low = 0, high;
    *on = false;
    if (t_ms < c->from_ms || t_ms >= c->to_ms) {
        const int64_t from_ms = t_ms - EXPAND_BEFORE_MS, to_ms = from_ms + EXPAND_MS;
        enum ax_err err = ax_calendar_expand(c, from_ms, to_ms, &spans, &n);
        if (err == AX_LIMIT) { /* and so it is at the next step: that is not found out again */
            c->from_ms = from_ms;
            c->to_ms = to_ms;
            c->known = err;
        }
        if (err != AX_OK)
            return err;
    }
    if (c->known != AX_OK)
        return c->known;
    high = c->spans_n;
    while (low < high) { /* the first that begins after t_ms */
        uint32_t middle = low + (high - low) / 2;
        if (c->spans[middle].begin_ms > t_ms)
            high = middle;
        else
            low = middle + 1;
    }
    *on = low > 0 && t_ms < c->spans[low - 1].end_ms;
    return AX_OK;
}
