/* train_report.c: scores against targets, and both ways to write them. */
#include "app/train_report.h"

#include "base/parse.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* A target: the field of the config, the score it is about, and which way is better. */
static const struct {
    const char *score;
    size_t offset;
    bool least, forecast; /* least: it is a lower bound */
} table[] = {
#define TARGET(name, least, forecast)                                                                        \
    {                                                                                                        \
#name, offsetof(struct ax_targets_config, name), least, forecast                                     \
    }
    TARGET(wape, false, true),
    TARGET(mape, false, true),
    TARGET(coverage, true, true),
    TARGET(skill, true, true),
    TARGET(correlation, true, true),
    TARGET(alarms_per_week, false, false),
    TARGET(false_positive_rate, false, false),
    TARGET(precision, true, false),
    TARGET(recall, true, false),
    TARGET(f1, true, false),
    TARGET(pr_auc, true, false),
#undef TARGET
};
#define ALARMS_USUAL 10.0 /* times the false-alarm rate that is configured */
#define TARGETS_N (sizeof table / sizeof table[0])

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *time_json(int64_t t_ms)
{
    return json_real((double)t_ms / 1000);
}

/* ---- models ---- */

static json_t *findings_json(const struct ax_train_task *t)
{
    json_t *list = json_array();
    for (enum ax_validation_check c = 0; c < AX_VALIDATION_CHECKS; c++) {
        const struct ax_validation_finding *f = &t->findings[c];
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:o, s:o, s:s}", "check", ax_validation_name(c), "status",
                            !f->known    ? "unknown"
                            : f->refused ? "refused"
                                         : "passed",
                            "value", number(f->known ? f->value : (double)NAN), "limit",
                            number(f->known ? f->limit : (double)NAN), "text", f->text));
    }
    return list;
}

/* What was chosen as a part of the job's block, to be pasted; "" when nothing was. */
static void put_block(const struct ax_train_task *t, char *out, size_t cap)
{
    const struct ax_train_kind *kind = t->spec->kind;
    char keys[512];
    size_t n = 0;
    const char *at = kind->block ? strstr(kind->block, "%s") : NULL;
    *out = '\0';
    if (!t->chosen || !at)
        return;
    for (uint32_t i = 0; i < kind->params_n && n < sizeof keys; i++)
        n += (size_t)snprintf(keys + n, sizeof keys - n, "%s%s: %.9g", i ? ", " : "", kind->params[i].name,
                              kind->params[i].scale == AX_SEARCH_WHOLE ? round(t->x[i]) : t->x[i]);
    (void)snprintf(out, cap, "%.*s%s%s", (int)(at - kind->block), kind->block, keys, at + 2);
}

static json_t *search_json(const struct ax_train_task *t)
{
    char block[640];
    json_t *chosen = json_object();
    for (uint32_t i = 0; t->chosen && i < t->spec->kind->params_n; i++)
        (void)json_object_set_new(chosen, t->spec->kind->params[i].name, json_real(t->x[i]));
    put_block(t, block, sizeof block);
    return json_pack("{s:i, s:i, s:i, s:o, s:o, s:o, s:s}", "trials", (int)ax_search_trials(t->search),
                     "pruned", (int)ax_search_count(t->search, AX_SEARCH_PRUNED), "failed",
                     (int)ax_search_count(t->search, AX_SEARCH_FAILED), "usual_loss", number(t->usual_loss),
                     "loss", number(t->best_loss), "chosen", chosen, "config", block);
}

json_t *ax_train_model_json(const struct ax_train_task *t, const char *version)
{
    char name[512];
    (void)snprintf(name, sizeof name, "%s/%s%s%s", t->spec->job, t->spec->kind->name,
                   *t->spec->feature ? ":" : "", t->spec->feature);
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:f}", "model", name, "status",
                          t->err == AX_OK        ? "trained"
                          : t->err == AX_INVALID ? "refused"
                                                 : "failed",
                          "reason", t->err == AX_OK ? "" : t->diag.text, "version", version, "cpu_seconds",
                          t->seconds);
    if (t->validated)
        (void)json_object_set_new(o, "validation", findings_json(t));
    if (t->err != AX_OK)
        return o;
    (void)json_object_set_new(o, "from", time_json(t->scores.from_ms));
    (void)json_object_set_new(o, "to", time_json(t->scores.until_ms));
    (void)json_object_set_new(o, "samples", number(t->scores.samples));
    (void)json_object_set_new(o, "loss", number(t->scores.loss));
    (void)json_object_set_new(o, "skill", number(t->scores.skill));
    (void)json_object_set_new(o, "bytes", json_integer((json_int_t)t->artifact.n));
    if (t->search)
        (void)json_object_set_new(o, "search", search_json(t));
    return o;
}

/* ---- targets ---- */

/* The scores of the first horizon that is at least `from_ms`, or of the last one. */
static const json_t *horizon_of(const json_t *scores, int64_t from_ms)
{
    const json_t *list = json_object_get(scores, "horizons"), *found = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        found = json_array_get(list, i);
        if (json_integer_value(json_object_get(found, "horizon_ms")) >= from_ms)
            break;
    }
    return found;
}

/* 0 is none, but for skill, of which it is the usual one. */
static bool is_wanted(const char *score, double target)
{
    return strcmp(score, "skill") == 0 ? target > -1e9 : target > 0;
}

char *ax_train_holdout(const struct ax_job_config *job, const json_t *scores)
{
    json_t *held = json_object();
    const json_t *forecast = horizon_of(scores, job->targets.horizon_ms),
                 *anomaly = json_object_get(scores, "anomaly");
    for (size_t i = 0; i < TARGETS_N; i++) {
        char key[64];
        const json_t *v = json_object_get(table[i].forecast ? forecast : anomaly, table[i].score);
        (void)snprintf(key, sizeof key, "holdout_%s", table[i].score);
        if (json_is_number(v))
            (void)json_object_set(held, key, (json_t *)(uintptr_t)v);
    }
    char *text = json_dumps(held, JSON_COMPACT);
    json_decref(held);
    return text;
}

/* A score against a target; usual: the configuration asks for nothing, and this is what is asked for then. */
struct wanted {
    const char *score;
    double value, target; /* value NaN: not measured */
    bool least, usual;
};

static json_t *target_json(const struct wanted *w)
{
    const bool met = w->least ? w->value >= w->target : w->value <= w->target;
    return json_pack("{s:s, s:o, s:s, s:f, s:b, s:b}", "score", w->score, "value", number(w->value), "bound",
                     w->least ? "at least" : "at most", "target", w->target, "met", met, "default", w->usual);
}

static double value_of(const json_t *scores, const char *score)
{
    const json_t *v = json_object_get(scores, score);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

/* Where nothing is asked of scores they are not to alarm much more often than they are configured to: of the
 * normal points where labels tell which these are, else of all. */
static json_t *usual_alarms(const struct ax_job_config *job, const json_t *anomaly)
{
    const double normal = value_of(anomaly, "false_positive_rate");
    const bool labelled = !isnan(normal);
    json_t *row = target_json(
        &(struct wanted){.score = labelled ? "false_positive_rate" : "alarm_ratio",
                         .value = labelled ? normal : value_of(anomaly, "above") / value_of(anomaly, "n"),
                         .target = fmin(ALARMS_USUAL * job->anomaly.false_alarm_rate, 1),
                         .usual = true});
    if (!json_is_number(json_object_get(row, "value"))) /* of a storage there is no time that was held out */
        (void)json_object_set_new(row, "met", json_null());
    return row;
}

json_t *ax_train_targets_json(const struct ax_job_config *job, const json_t *scores)
{
    json_t *list = json_array();
    const json_t *forecast = horizon_of(scores, job->targets.horizon_ms),
                 *anomaly = json_object_get(scores, "anomaly");
    bool asked = false;
    for (size_t i = 0; i < TARGETS_N; i++) {
        double target;
        memcpy(&target, (const char *)&job->targets + table[i].offset, sizeof target);
        if (!is_wanted(table[i].score, target) || (table[i].forecast && !job->forecast.enabled) ||
            (!table[i].forecast && !job->anomaly.enabled))
            continue;
        asked = asked || !table[i].forecast;
        json_t *row = target_json(
            &(struct wanted){.score = table[i].score,
                             .value = value_of(table[i].forecast ? forecast : anomaly, table[i].score),
                             .target = target,
                             .least = table[i].least,
                             .usual = !(target > 0 || target < 0)});
        if (table[i].forecast && forecast)
            (void)json_object_set(row, "horizon", json_object_get(forecast, "horizon"));
        (void)json_array_append_new(list, row);
    }
    if (job->anomaly.enabled && !asked)
        (void)json_array_append_new(list, usual_alarms(job, anomaly));
    return list;
}

static void add_reason(json_t *reasons, const char *fmt, ...) AX_PRINTF(2, 3);

static void add_reason(json_t *reasons, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)json_array_append_new(reasons, json_string(text));
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* A target that was not met, or was, in words. */
static void add_target(json_t *list, const json_t *t)
{
    const bool met = json_is_true(json_object_get(t, "met")),
               usual = json_is_true(json_object_get(t, "default"));
    const json_t *value = json_object_get(t, "value");
    const char *why = usual ? " (the default: no target is set)" : "";
    const double target = json_number_value(json_object_get(t, "target"));
    if (json_is_number(value))
        add_reason(list, "%s is %.4g%s %s %.4g%s", text_of(t, "score"), json_number_value(value),
                   met ? "," : ", and has to be", text_of(t, "bound"), target, why);
    else
        add_reason(list, "%s could not be measured, and %s %s %.4g%s", text_of(t, "score"),
                   json_is_null(json_object_get(t, "met")) ? "is left out; it would have to be" : "has to be",
                   text_of(t, "bound"), target, why);
}

bool ax_train_verdict(const json_t *models, const json_t *targets, json_t *reasons, json_t *grounds)
{
    for (size_t i = 0; i < json_array_size(models); i++) {
        const json_t *m = json_array_get(models, i), *skill = json_object_get(m, "skill");
        if (strcmp(text_of(m, "status"), "trained") != 0)
            add_reason(reasons, "%s is not there: %s", text_of(m, "model"), text_of(m, "reason"));
        else if (json_is_number(skill) && json_number_value(skill) < 0)
            add_reason(reasons,
                       "%s is worse than the last value on data that it did not learn from (skill %.3g)",
                       text_of(m, "model"), json_number_value(skill));
    }
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const json_t *t = json_array_get(targets, i);
        add_target(json_is_false(json_object_get(t, "met")) ? reasons : grounds, t);
    }
    if (json_array_size(models) + json_array_size(targets) == 0)
        add_reason(grounds, "it has no forecasts, no scores and no models: there is nothing to be judged");
    return json_array_size(reasons) == 0;
}

/* ---- Markdown ---- */

static void put_value(struct ax_buf *out, const json_t *v)
{
    if (json_is_number(v))
        ax_buf_printf(out, "%.4g", json_number_value(v));
    else
        ax_buf_str(out, ax_str(json_is_string(v) ? json_string_value(v) : "-"));
}

/* A table of the rows' values by key. */
static void put_table(struct ax_buf *out, const json_t *rows, const char *const *keys, size_t keys_n)
{
    for (size_t k = 0; k < keys_n; k++)
        ax_buf_printf(out, "| %s ", keys[k]);
    ax_buf_str(out, ax_str("|\n"));
    for (size_t k = 0; k < keys_n; k++)
        ax_buf_str(out, ax_str("|---"));
    ax_buf_str(out, ax_str("|\n"));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        for (size_t k = 0; k < keys_n; k++) {
            ax_buf_str(out, ax_str("| "));
            const json_t *v = json_object_get(row, keys[k]);
            if (json_is_boolean(v))
                ax_buf_str(out, ax_str(json_is_true(v) ? "yes" : strcmp(keys[k], "met") == 0 ? "NO" : "no"));
            else
                put_value(out, v);
            ax_buf_byte(out, ' ');
        }
        ax_buf_str(out, ax_str("|\n"));
    }
    ax_buf_byte(out, '\n');
}

static void put_model(struct ax_buf *out, const json_t *m)
{
    static const char *const checks[] = {"check", "status", "text"};
    const json_t *validation = json_object_get(m, "validation"), *search = json_object_get(m, "search");
    ax_buf_printf(out, "### %s: %s\n\n", text_of(m, "model"), text_of(m, "status"));
    if (*text_of(m, "reason"))
        ax_buf_printf(out, "%s\n\n", text_of(m, "reason"));
    if (json_object_get(m, "loss"))
        ax_buf_printf(out,
                      "%.0f samples; on data that were held out: loss %.4g, skill %.4g; %.1f s of the "
                      "processor%s%s%s%s\n\n",
                      json_number_value(json_object_get(m, "samples")),
                      json_number_value(json_object_get(m, "loss")),
                      json_number_value(json_object_get(m, "skill")),
                      json_number_value(json_object_get(m, "cpu_seconds")),
                      *text_of(m, "version") ? "; registered as " : "", text_of(m, "version"),
                      *text_of(m, "stage") ? ", in " : "", text_of(m, "stage"));
    if (search) {
        ax_buf_printf(out, "Search: %d trials, %d of them pruned; loss %.4g, which was %.4g;",
                      (int)json_integer_value(json_object_get(search, "trials")),
                      (int)json_integer_value(json_object_get(search, "pruned")),
                      json_number_value(json_object_get(search, "loss")),
                      json_number_value(json_object_get(search, "usual_loss")));
        if (*text_of(search, "config"))
            ax_buf_printf(out, " in the job's block:\n\n```yaml\n%s\n```\n\n", text_of(search, "config"));
        else
            ax_buf_str(out, ax_str(" nothing better\n\n"));
    }
    if (validation)
        put_table(out, validation, checks, 3);
}

static void put_parity(struct ax_buf *out, const json_t *p)
{
    static const char *const groups[] = {"group",         "points",         "alarms", "abnormal",
                                         "true_positive", "false_positive", "wape"};
    static const char *const numbers[] = {"statistical_parity", "disparate_impact", "equal_opportunity",
                                          "equalized_odds",     "error_ratio",      "flagged"};
    if (!p)
        return;
    json_t *one = json_array();
    ax_buf_printf(out, "### Parity over `%s`\n\n", text_of(p, "label"));
    put_table(out, json_object_get(p, "groups"), groups, 7);
    (void)json_array_append(one, (json_t *)(uintptr_t)p);
    put_table(out, one, numbers, 6);
    json_decref(one);
}

static void put_job(struct ax_buf *out, const json_t *job)
{
    static const char *const forecast[] = {"horizon",  "n",     "wape",       "mape",
                                           "coverage", "skill", "correlation"};
    static const char *const anomaly[] = {
        "n", "alarms_per_week", "false_positive_rate", "precision", "recall", "f1", "pr_auc"};
    static const char *const targets[] = {"score", "horizon", "value", "bound", "target", "met", "default"};
    const json_t *scores = json_object_get(job, "scores"), *reasons = json_object_get(job, "reasons"),
                 *grounds = json_object_get(job, "grounds"), *models = json_object_get(job, "models");
    ax_buf_printf(out, "## %s: %s\n\n", text_of(job, "job"),
                  json_is_true(json_object_get(job, "fit_to_serve")) ? "fit to serve" : "NOT fit to serve");
    for (size_t i = 0; i < json_array_size(reasons); i++)
        ax_buf_printf(out, "- %s\n", json_string_value(json_array_get(reasons, i)));
    for (size_t i = 0; i < json_array_size(grounds); i++)
        ax_buf_printf(out, "- %s%s\n", json_array_size(reasons) ? "met: " : "",
                      json_string_value(json_array_get(grounds, i)));
    if (json_array_size(reasons) + json_array_size(grounds))
        ax_buf_byte(out, '\n');
    if (json_array_size(json_object_get(job, "targets")))
        put_table(out, json_object_get(job, "targets"), targets, sizeof targets / sizeof *targets);
    if (json_array_size(json_object_get(scores, "horizons")))
        put_table(out, json_object_get(scores, "horizons"), forecast, 7);
    if (json_object_get(scores, "anomaly")) {
        json_t *one = json_array();
        (void)json_array_append(one, json_object_get(scores, "anomaly"));
        put_table(out, one, anomaly, 7);
        json_decref(one);
    }
    put_parity(out, json_object_get(scores, "parity"));
    for (size_t i = 0; i < json_array_size(models); i++)
        put_model(out, json_array_get(models, i));
}

void ax_train_markdown(const json_t *report, struct ax_buf *out)
{
    const json_t *jobs = json_object_get(report, "jobs");
    ax_buf_printf(out, "# Training\n\nConfiguration: %s. Data: %s. Auspex %s.\n\n", text_of(report, "config"),
                  text_of(report, "source"), text_of(report, "build"));
    size_t fit = 0;
    for (size_t i = 0; i < json_array_size(jobs); i++)
        fit += json_is_true(json_object_get(json_array_get(jobs, i), "fit_to_serve"));
    ax_buf_printf(out, "%zu of %zu jobs %s fit to serve.\n\n", fit, json_array_size(jobs),
                  fit == 1 ? "is" : "are");
    for (size_t i = 0; i < json_array_size(jobs); i++)
        put_job(out, json_array_get(jobs, i));
}
