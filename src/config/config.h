/* config.h: auspex.yml: global, remote_write, remote_read, jobs; keys as in Prometheus where it has them.
 *
 * A loaded config is an immutable value. Expressions stay text with their place; app validates them with
 * expr. Every error has line and column; an unknown key names the nearest known one. */
#ifndef AX_CONFIG_CONFIG_H
#define AX_CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "net/http_options.h"
#include "prom/labels.h"

#include <stdatomic.h>

/* Where a value stands in the file; line 0: a built-in default. */
struct ax_place {
    uint32_t line, column;
};

/* An expression: its text, where it begins, and where each of its bytes stands (text.n of them), because
 * quotes, escapes and folded lines make the two drift apart. */
struct ax_text {
    struct ax_str text;
    struct ax_place place;
    const struct ax_place *at;
};

/* Place of the expression's column (1-based, as in "column N" of its parser); past the end, of the end. */
struct ax_place ax_text_place(const struct ax_text *t, size_t column);

/* Version of remote-write that an endpoint is spoken to in. */
enum ax_emit_protocol { AX_RW_1, AX_RW_2 };

/* One write_relabel_configs rule, and as it stands in the file (config/relabel.h). */
struct ax_relabel;
struct ax_relabel_spec;

/* One endpoint that results are sent to. */
struct ax_remote_write {
    struct ax_str url, name;
    struct ax_place place;
    int64_t remote_timeout_ms;          /* 30s */
    enum ax_emit_protocol protocol;     /* protobuf_message */
    struct ax_http_client_options http; /* without url and timeout_ms, which stand here */
    /* queue_config */
    uint32_t max_shards;                    /* 1 */
    uint32_t max_samples_per_send;          /* 2000 */
    int64_t batch_send_deadline_ms;         /* 5s */
    int64_t min_backoff_ms, max_backoff_ms; /* 30ms, 5s */
    bool retry_on_http_429;                 /* true */
    int64_t sample_age_limit_ms;            /* 50m */
    const struct ax_relabel *relabel;
    const struct ax_relabel_spec *relabel_spec; /* the same rules as written */
    uint32_t relabel_n;
};

/* One endpoint that history is read from. */
struct ax_remote_read {
    struct ax_str url, name;
    struct ax_place place;
    int64_t backfill_ms, remote_timeout_ms; /* 14d, 1m */
    struct ax_labels required_matchers;     /* a selector must ask for all of them by = */
    uint32_t chunked_read_limit;            /* bytes of one frame; 50,000,000 */
    struct ax_http_client_options http;     /* without url and timeout_ms, which stand here */
};

#define AX_JOB_NAME_MAX 128      /* bytes of a job's or a feature's name; an array of it has one more */
#define AX_LSTM_WINDOW_BEYOND 32 /* steps that the fine window has beyond the LSTM's sequence, at least */

/* `lstm` of `forecast`. */
struct ax_lstm_config {
    bool enabled;
    struct ax_str preset; /* datacenter, internet, dwcp */
    uint32_t sequence, epochs, patience, rows_max;
    double rate, l2, dropout, units;  /* dropout below 0: that of the preset */
    const struct ax_str *categorical; /* labels */
    uint32_t categorical_n;
    int64_t fit_every_ms; /* the span of the fine window */
};

/* `trees` of `forecast`. */
#define AX_TREES_ROUNDS_MAX 500 /* of one forest, which is of one horizon */
struct ax_trees_config {
    bool enabled;
    uint32_t rounds, depth, patience, rows_max;
    int64_t fit_every_ms; /* the span of the fine window */
};

/* `forecast` of a job. */
struct ax_forecast_config {
    bool enabled;
    struct ax_str output;       /* metric's name; predicted_<...> must be a classic metric name */
    const int64_t *horizons_ms; /* ascending, multiples of step */
    uint32_t horizons_n;
    const struct ax_str *targets; /* features to forecast, for a job without expr */
    uint32_t targets_n;
    double level;                 /* 0.90 */
    int nonnegative;              /* 1, 0, or -1: as long as the series has not been below 0 */
    int64_t refit_ms;             /* 1h */
    const struct ax_str *members; /* names; none: the default set */
    uint32_t members_n;
    struct ax_str time_zone; /* that of `global` */
    struct ax_lstm_config lstm;
    struct ax_trees_config trees;
    bool peak; /* <output>_peak too */
    struct {
        bool enabled;
        double good, bad;
    } classes; /* thresholds of predicted_class_probability */
};

/* `capacity` of a job: what its series share, and how much of it they may take. */
struct ax_capacity_config {
    bool enabled;
    struct ax_text expr; /* n 0 when absent */
    const struct ax_str
        *on; /* labels that join its results with the series; NULL: all but the metric's name */
    uint32_t on_n;
    double value; /* where expr says nothing above 0; 0: unknown */
    double share; /* from which on it counts as saturated; 0.8 */
};

/* `billing` of a job: the percentile of a month by which traffic is paid for. */
struct ax_billing_config {
    bool enabled;
    double percentile;       /* 95 */
    int64_t interval_ms;     /* the larger of 5 min and the step */
    uint32_t day;            /* of the month on which one begins: 1 */
    struct ax_str time_zone; /* that of `global` */
};

/* `ensemble` of `anomaly`: detectors that look at all features of an entity. */
struct ax_ensemble_config {
    const struct ax_str *members; /* n 0: all */
    uint32_t members_n;
    bool extended;      /* the forest's cuts go through two features */
    int64_t retrain_ms; /* 30d */
};

/* `anomaly` of a job. */
struct ax_anomaly_config {
    bool enabled;
    struct ax_str model; /* "default", "features", "ensemble" or "latency" */
    struct ax_ensemble_config ensemble;
    double false_alarm_rate;           /* 0.001 */
    struct ax_str detection_direction; /* both, above_expected, below_expected */
    double min_dev_from_expected, min_rel_dev_from_expected;
    const struct ax_str *data_range; /* none, or two numbers as text: */
    uint32_t data_range_n;
    double range_min, range_max; /* those numbers; both 0 for none */
    int64_t min_duration_ms;     /* 0 */
    uint32_t contributions;      /* 3 */
    bool score_absence;
    const struct ax_str *members; /* names; none: the default set */
    uint32_t members_n;
};

/* Drift is tested of a job as a whole, or also of each of its entities. */
enum ax_drift_per { AX_DRIFT_PER_JOB, AX_DRIFT_PER_ENTITY };

/* `drift` of a job. */
struct ax_drift_config {
    bool enabled;
    uint32_t reference, current; /* steps: 960, 240 */
    int64_t interval_ms;         /* how often tests run; the larger of 10 steps and 1 min by default */
    int stream;                  /* enum ax_drift_stream_kind; none */
    bool distribution;           /* feature_distribution is sent; false */
    int per;                     /* enum ax_drift_per; the job */
    uint32_t max_entities;       /* that are tested; 64 */
};

/* `ha_tracker` of `global`. */
struct ax_ha_config {
    bool enabled;
    struct ax_str cluster_label, replica_label;
    int64_t failover_ms;   /* failover_timeout; 30s */
    uint32_t clusters_max; /* max_clusters; 100 */
};

/* One of `calendars`: exactly one of cron and ical_file is given. */
struct ax_calendar_config {
    struct ax_str name;
    struct ax_place place;
    struct ax_str cron, ical_file;
    struct ax_str time_zone;   /* "UTC" */
    int64_t duration_ms;       /* of the events of cron; 1h */
    const struct ax_str *skip; /* "alerts", "learning" */
    uint32_t skip_n;
    bool skip_alerts, skip_learning; /* the same */
};

/* `models`. */
struct ax_models_config {
    uint32_t approvals, keep; /* 0, 20 */
};

/* `models` of a job: how those that are fitted beside it are replaced. */
struct ax_job_models_config {
    struct ax_str promotion; /* "shadow", "canary", "immediate" */
    uint32_t min_samples, canary_samples, watch_samples, max_shadow_series;
    double min_effect, significance;
    struct ax_str fit_at; /* a cron line; n 0: none */
    double drift_above, accuracy_below;
    int64_t drift_for_ms, accuracy_for_ms, cooldown_ms;
    uint32_t search_trials; /* of each fit; 0: none */
    int64_t search_ms;      /* search_max_time: no trial begins after so long; 1h */
};

/* `targets` of a job: what a training has to reach. 0 is none; of skill -1e9. */
struct ax_targets_config {
    int64_t horizon_ms; /* at the first horizon from here on; -1: the shortest */
    double wape, mape, coverage, skill, correlation;
    double alarms_per_week, false_positive_rate, precision, recall, f1, pr_auc;
    struct ax_str parity;   /* a label; n 0: none */
    uint32_t parity_groups; /* values of it */
};

/* One of a job's `features`. */
struct ax_feature_config {
    struct ax_str name;
    struct ax_text expr;
};

/* One of `jobs`. */
struct ax_job_config {
    struct ax_str name;
    struct ax_place place;
    struct ax_text expr; /* n 0 when absent */
    const struct ax_str *by;
    uint32_t by_n;
    const struct ax_feature_config *features;
    uint32_t features_n;
    int64_t step_ms, evaluation_delay_ms;
    struct ax_forecast_config forecast;
    struct ax_capacity_config capacity;
    struct ax_billing_config billing;
    struct ax_anomaly_config anomaly;
    struct ax_drift_config drift;
    struct ax_job_models_config models;
    const struct ax_str *emit; /* names of outputs; NULL: the default set */
    uint32_t emit_n;
    uint32_t max_series;                 /* modelled series or entities; 10,000 */
    uint32_t max_output_series;          /* 250,000 */
    uint32_t window_fine, window_coarse; /* 960, 4032 */
    int64_t series_retention_ms;         /* a modelled series gone for so long is forgotten; 24h */
    const struct ax_str *calendars;      /* names; not in the hash */
    uint32_t calendars_n;
    struct ax_targets_config targets; /* not in the hash */
    uint64_t
        hash; /* of everything above but calendars and targets: equal hash, same job, state kept on reload */
};

/* The whole file; `global` is spread out in it. */
struct ax_config {
    int64_t step_ms, evaluation_delay_ms; /* global */
    struct ax_str time_zone;              /* UTC */
    struct ax_labels external_labels;
    const struct ax_str *drop_labels;
    uint32_t drop_labels_n;
    struct ax_ha_config ha;
    struct ax_models_config models;
    const struct ax_remote_write *remote_write;
    uint32_t remote_write_n;
    const struct ax_remote_read *remote_read;
    uint32_t remote_read_n;
    const struct ax_calendar_config *calendars;
    uint32_t calendars_n;
    const struct ax_job_config *jobs;
    uint32_t jobs_n;
    struct ax_arena arena;    /* owns all of the above */
    _Atomic uint32_t keepers; /* beside the first; for ax_config_keep() */
};

/* Each problem found: where and what. */
struct ax_problem {
    struct ax_place place;
    bool warning;
    char text[384];
};

/* Problems of one load, in the order of the file; at most 100 are kept. */
struct ax_problems {
    struct ax_problem v[100];
    uint32_t n, errors_n;
};

/* Parse YAML text. All problems are gathered, not just the first. AX_INVALID when there is an error among
 * them; *out then is NULL. Free with ax_config_free(). */
AX_MUST_USE enum ax_err ax_config_parse(struct ax_str yaml, struct ax_config **out,
                                        struct ax_problems *problems);

/* What a later stage says of a config that was read, which may have errors and then lacks what they are
 * about: adds problems of its own. AX_NOMEM, or AX_OK. */
struct ax_config_check {
    enum ax_err (*run)(const void *ctx, const struct ax_config *c, struct ax_problems *problems);
    const void *ctx;
};

/* Read a file and parse it; "" reads the built-in config that serves a node_exporter fleet. What check (may
 * be NULL) finds counts as what is found here. */
AX_MUST_USE enum ax_err ax_config_load(const char *path, const struct ax_config_check *check,
                                       struct ax_config **out, struct ax_problems *problems);

/* Add a problem (a later stage's: an expression that does not parse). */
void ax_problem_add(struct ax_problems *p, struct ax_place place, bool warning, const char *fmt, ...)
    AX_PRINTF(4, 5);

/* Let it live until one more ax_config_free(). Thread-safe. */
void ax_config_keep(const struct ax_config *c);

/* Free, unless somebody else keeps it; NULL is fine. Thread-safe. */
void ax_config_free(struct ax_config *c);

#endif
