/* report_json.c: the summary as JSON, for programs. */
#include "app/report_data.h"
#include "base/parse.h"

#include <jansson.h>
#include <math.h>

/* A number; null when undefined. */
static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *text(struct ax_str s)
{
    return json_stringn(s.n ? s.p : "", s.n);
}

static json_t *metrics_object(const struct ax_forecast_metrics *m)
{
    json_t *o = json_object();
    (void)json_object_set_new(o, "mae", number(m->mae));
    (void)json_object_set_new(o, "rmse", number(m->rmse));
    (void)json_object_set_new(o, "r2", number(m->r2));
    (void)json_object_set_new(o, "mape", number(m->mape));
    (void)json_object_set_new(o, "wape", number(m->wape));
    (void)json_object_set_new(o, "correlation", number(m->correlation));
    (void)json_object_set_new(o, "coverage", number(m->coverage));
    (void)json_object_set_new(o, "winkler", number(m->winkler));
    (void)json_object_set_new(o, "skill_last_value", number(m->skill_last));
    (void)json_object_set_new(o, "skill_predict_linear", number(m->skill_linear));
    return o;
}

static json_t *horizon_name(const struct ax_job_report *job, uint32_t h)
{
    char name[40];
    ax_format_duration(job->spec.horizons_ms[h], name, sizeof name);
    return json_string(name);
}

/* How often a prediction_confidence of about so much came true. */
static json_t *reliability_array(const struct ax_job_report *job)
{
    json_t *list = json_array();
    for (int i = 0; i < AX_REPORT_BINS; i++) {
        double n = (double)job->confidence_n[i];
        if (n <= 0)
            continue;
        json_t *one = json_object();
        (void)json_object_set_new(one, "confidence", number(job->confidence_sum[i] / n));
        (void)json_object_set_new(one, "within", number((double)job->within_n[i] / n));
        (void)json_object_set_new(one, "n", json_integer((json_int_t)job->confidence_n[i]));
        (void)json_array_append_new(list, one);
    }
    return list;
}

static json_t *forecast_object(struct ax_report *r, const struct ax_job_report *job)
{
    json_t *o = json_object(), *horizons = json_array();
    (void)json_object_set_new(o, "output", text(job->spec.output));
    (void)json_object_set_new(o, "level", number(job->spec.level));
    for (uint32_t h = 0; h < job->spec.horizons_n; h++) {
        struct ax_horizon_summary s = ax_report_horizon(r, job, h);
        json_t *one = json_object();
        (void)json_object_set_new(one, "horizon", horizon_name(job, h));
        (void)json_object_set_new(one, "series", json_integer(s.series_n));
        (void)json_object_set_new(one, "n", json_integer((json_int_t)s.median.n));
        (void)json_object_set_new(one, "median", metrics_object(&s.median));
        (void)json_object_set_new(one, "pooled_wape", number(s.pooled_wape));
        (void)json_array_append_new(horizons, one);
    }
    (void)json_object_set_new(o, "horizons", horizons);
    (void)json_object_set_new(o, "reliability", reliability_array(job));
    return o;
}

static json_t *anomaly_object(const struct ax_alarm_summary *a)
{
    json_t *o = json_object();
    (void)json_object_set_new(o, "n", json_integer((json_int_t)a->n));
    (void)json_object_set_new(o, "above", json_integer((json_int_t)a->above));
    (void)json_object_set_new(o, "episodes", json_integer((json_int_t)a->episodes));
    (void)json_object_set_new(o, "alarms_per_week", number(a->per_week));
    if (a->labelled) {
        const struct ax_detection_metrics *d = &a->detection;
        (void)json_object_set_new(o, "labelled", json_integer((json_int_t)d->n));
        (void)json_object_set_new(o, "abnormal", json_integer((json_int_t)d->abnormal_n));
        (void)json_object_set_new(o, "precision", number(d->precision));
        (void)json_object_set_new(o, "recall", number(d->recall));
        (void)json_object_set_new(o, "f1", number(d->f1));
        (void)json_object_set_new(o, "pr_auc", number(d->pr_auc));
        (void)json_object_set_new(o, "false_positive_rate", number(d->false_positive_rate));
    }
    return o;
}

/* Every series with its metrics by horizon and its alarms. */
static json_t *series_array(const struct ax_job_report *job)
{
    json_t *list = json_array();
    struct ax_buf name;
    ax_buf_init(&name, 1u << 20);
    for (uint32_t i = 0; i < job->series_n; i++) {
        const struct ax_series_report *s = &job->series[i];
        json_t *one = json_object(), *horizons = json_object();
        ax_buf_reset(&name);
        ax_labels_write(s->labels, &name);
        (void)json_object_set_new(one, "series", text(ax_buf_view(&name)));
        for (uint32_t h = 0; h < job->spec.horizons_n; h++) {
            char key[40];
            struct ax_forecast_metrics m = ax_forecast_sums_read(&s->sums[h]);
            json_t *o = metrics_object(&m);
            ax_format_duration(job->spec.horizons_ms[h], key, sizeof key);
            (void)json_object_set_new(o, "n", json_integer((json_int_t)m.n));
            (void)json_object_set_new(horizons, key, o);
        }
        (void)json_object_set_new(one, "forecast", horizons);
        if (s->alarms.n) {
            (void)json_object_set_new(one, "scores", json_integer((json_int_t)s->alarms.n));
            (void)json_object_set_new(one, "episodes", json_integer((json_int_t)s->alarms.episodes));
            (void)json_object_set_new(one, "alarms_per_week", number(ax_report_per_week(&s->alarms)));
        }
        (void)json_array_append_new(list, one);
    }
    ax_buf_done(&name);
    return list;
}

static json_t *drift_array(const struct ax_job_report *job)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < job->drifts_n; i++) {
        const struct ax_drift_report *d = &job->drifts[i];
        json_t *one = json_object();
        (void)json_object_set_new(one, "feature", text(d->feature));
        (void)json_object_set_new(one, "test", text(d->test));
        (void)json_object_set_new(one, "last", number(d->last));
        (void)json_object_set_new(one, "max", number(d->max));
        (void)json_array_append_new(list, one);
    }
    return list;
}

static json_t *job_object(struct ax_report *r, struct ax_job_report *job)
{
    json_t *o = json_object();
    struct ax_alarm_summary a = ax_report_alarm_summary(job);
    (void)json_object_set_new(o, "job", text(job->spec.name));
    (void)json_object_set_new(o, "series_n", json_integer(job->series_n));
    if (job->spec.horizons_n)
        (void)json_object_set_new(o, "forecast", forecast_object(r, job));
    if (a.n)
        (void)json_object_set_new(o, "anomaly", anomaly_object(&a));
    if (job->drifts_n)
        (void)json_object_set_new(o, "drift", drift_array(job));
    (void)json_object_set_new(o, "series", series_array(job));
    return o;
}

static int append(const char *bytes, size_t n, void *ctx)
{
    struct ax_buf *out = ctx;
    ax_buf_put(out, bytes, n);
    return out->err == AX_OK ? 0 : -1;
}

void ax_report_json(struct ax_report *r, struct ax_buf *out)
{
    json_t *root = json_object(), *jobs = json_array();
    (void)json_object_set_new(root, "title", text(r->title));
    for (uint32_t i = 0; i < r->jobs_n; i++)
        (void)json_array_append_new(jobs, job_object(r, &r->jobs[i]));
    (void)json_object_set_new(root, "jobs", jobs);
    (void)json_object_set_new(root, "complete", json_boolean(!r->nomem));
    if (json_dump_callback(root, append, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) != 0 &&
        out->err == AX_OK)
        out->err = AX_NOMEM;
    ax_buf_byte(out, '\n');
    json_decref(root);
}
