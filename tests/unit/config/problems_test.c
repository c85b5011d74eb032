/* Every fault of a config is reported with its line, its column and what to do. */
#include "ax_test.h"
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>

#define JOB "jobs: [{name: a, expr: up, anomaly: {}}]\n"
#define CALENDAR(list) "calendars: [" list "]\n" JOB
#define WRITE(more) "remote_write:\n- url: http://h/w\n  " more "\n" JOB

static const struct {
    const char *yaml;
    uint32_t line, column;
    const char *text;
} cases[] = {
    {"jobs: [\n", 2, 1, "not YAML"},
    {"jobs:\n  - name: \xC3\xA4\n\t  expr: x\n", 3, 1, "there is a tab: YAML is indented with spaces"},
    {"jobs:\n  - name: a\n   expr: x\n", 3, 4, "indented as its neighbours are?"},
    {"a: b: c\n", 1, 5, "not YAML"},
    {"a\xFF", 1, 1, "not UTF-8"},
    {JOB "---\n" JOB, 3, 1, "second document"},
    {"- 1\n", 1, 1, "the file must be a mapping, not a list"},
    {"job: []\n", 1, 1, "unknown key \"job\" in the file; did you mean \"jobs\"?"},
    {"zzzzzz: []\n", 1, 1, "unknown key \"zzzzzz\" in the file; it has: global, "},
    {"? [a]\n: b\n", 1, 3, "a key must be a single value"},
    {"global: {step: 15s, step: 1s}\n", 1, 21, "\"step\" stands here a second time"},
    {"global: 5\n", 1, 9, "global must be a mapping, not a single value"},
    {"global: {step: }\n", 1, 16, "step must be a single value, not nothing"},
    {"global: {step: !!int 15s}\n", 1, 16, "tags are not supported"},
    {"global: {step: 15}\n", 1, 16, "\"15\" is no duration"},
    {"global: {step: 1ms}\n", 1, 16, "step must be from 100ms to 1d"},
    {"global: {external_labels: {a-b: x}}\n", 1, 28, "is no label name"},
    {"global: {external_labels: {__a: x}}\n", 1, 28, "is no label name"},
    {"global: {external_labels: {for: x}}\n", 1, 28, "Auspex adds"},
    {"global: {external_labels: {a: x, a: y}}\n", 1, 34, "a second time"},
    {"global: {external_labels: {a: [x]}}\n", 1, 31, "external_labels must be a single value, not a list"},
    {"global: {drop_labels: [x, '']}\n", 1, 27, "drop_labels"},
    {"global: {drop_labels: x}\n", 1, 23, "drop_labels must be a list, not a single value"},
    {"global: {ha_tracker: {replica_label: ''}}\n", 1, 38, "replica_label: a label's name is needed"},
    {"global: {ha_tracker: {cluster_label: __name__}}\n", 1, 38, "cluster_label: a label's name is needed"},
    {"global: {ha_tracker: {cluster_label: x, replica_label: x}}\n", 1, 56, "must be two labels"},
    {"remote_write: [{name: x}]\n" JOB, 1, 16, "remote_write needs the key \"url\""},
    {"remote_write: [{url: ftp://x}]\n" JOB, 1, 22, "must begin with http:// or https://"},
    {"remote_write: [{url: 'http://'}]\n" JOB, 1, 22, "has no host"},
    {"remote_write: [{url: 'http://a b'}]\n" JOB, 1, 22, "space"},
    {"remote_write: [{url: http://h/w}, {url: http://h/w}, {url: http://h/w}]\n" JOB, 1, 54,
     "another endpoint"},
    {"remote_write: [{url: http://h/w, name: n}, {url: http://g/w, name: n}]\n" JOB, 1, 68,
     "another endpoint"},
    {CALENDAR("{name: c}"), 1, 20, "a calendar needs cron or ical_file, and not both"},
    {CALENDAR("{name: c, cron: '* * * * *', ical_file: x}"), 1, 20, "and not both"},
    {CALENDAR("{cron: '* * * * *'}"), 1, 13, "calendars needs the key \"name\""},
    {CALENDAR("{name: c, cron: '61 * * * *'}"), 1, 13, "calendar c: minute: '61' is not from 0 to 59"},
    {CALENDAR("{name: c, cron: '0 2 * * *', time_zone: Mars/Base}"), 1, 13, "calendar c: "},
    {CALENDAR("{name: c, cron: '0 2 * * *', skip: [work]}"), 1, 48, "neither alerts nor learning"},
    {CALENDAR("{name: c, cron: '0 2 * * *', skip: [alarms]}"), 1, 48, "\"alarms\" is neither"},
    {CALENDAR("{name: c, ical_file: /nowhere/x.ics}"), 1, 13, "calendar c: /nowhere/x.ics cannot be read"},
    {CALENDAR("{name: c, ical_file: x, duration: 1h}"), 1, 47, "have their own"},
    {CALENDAR("{name: c, cron: '0 2 * * *'}, {name: c, cron: '0 2 * * *'}"), 1, 50, "another calendar"},
    {"jobs: [{name: a, expr: up, anomaly: {}, calendars: [x]}]\n", 1, 53, "there is no calendar \"x\""},
    {"jobs: [{name: a, expr: up, forecast: {lstm: {sequence: 100}}, window: {fine: 60}}]\n", 1, 56,
     "a sequence of 100 steps needs a fine window of 132"},
    {"jobs: [{name: a, expr: up, forecast: {lstm: {categorical: [x, a-b]}}}]\n", 1, 63,
     "\"a-b\" is no label name"},
    {"jobs: [{name: a, expr: up, by: [x], features: {rtt: y}, forecast: {lstm: {preset: dwcp}}}]\n", 1, 53,
     "of none of its groups; begin its name with one of topology, latency"},
#ifdef AX_HAVE_XGBOOST
    {"jobs: [{name: a, expr: up, forecast: {horizons: [1m, 5m, 15m], trees: {rounds: 500, depth: 8}}}]\n", 1,
     71,
     "500 rounds of a depth of 8 for 3 horizons may not fit into a model file, 10 MiB: at most 256 rounds"},
#endif
    {WRITE("protobuf_message: x"), 3, 21, "protobuf_message must be one of prometheus.WriteRequest, io.pro"},
    {WRITE("follow_redirects: yes"), 3, 21, "follow_redirects must be true or false; not \"yes\""},
    {WRITE("oauth2: {}"), 3, 11, "oauth2 needs the key \"client_id\""},
    {WRITE("oauth2: {client_id: c, token_url: 'ftp://x'}"), 3, 37, "token_url must begin with http"},
    {WRITE("oauth2: {client_id: c, token_url: 'http://x', client_secret: a, client_secret_file: b}"), 3, 11,
     "not both"},
    {WRITE("oauth2: {client_id: c, token_url: 'http://x', tls_config: {key: a}}"), 3, 61, "needed together"},
    {WRITE("oauth2: {client_id: c, token_url: 'http://x', no_proxies: a}"), 3, 49,
     "did you mean \"no_proxy\"?"},
    {WRITE("oauth2: {client_id: c, token_url: 'http://x'}\n  basic_auth: {username: u}"), 3, 11,
     "give one of basic_auth and oauth2"},
    {WRITE("sigv4: {}"), 3, 10, "sigv4 is not supported"},
    {WRITE("headers: {Host: x}"), 3, 13, "\"Host\" is set by Auspex itself"},
    {WRITE("headers: {a b: x}"), 3, 13, "is no header name"},
    {WRITE("headers: {a: \"x\\r\\ny: z\"}"), 3, 13, "control character"},
    {WRITE("basic_auth: {password: x}"), 3, 15, "basic_auth needs username or username_file"},
    {WRITE("basic_auth: {username: u, password: x, password_file: y}"), 3, 15, "not both"},
    {WRITE("authorization: {credentials: x, credentials_file: y}"), 3, 18, "not both"},
    {WRITE("authorization: {type: basic, credentials: x}"), 3, 18, "basic_auth"},
    {WRITE("authorization: {type: Bearer}"), 3, 18, "needs credentials"},
    {WRITE("authorization: {credentials: x}\n  basic_auth: {username: u}"), 3, 18, "not both"},
    {WRITE("tls_config: {cert_file: x}"), 3, 15, "needed together"},
    {WRITE("tls_config: {min_version: TLS9}"), 3, 29, "must be one of TLS10"},
    {WRITE("tls_config: {ca: x, ca_file: y}"), 3, 15, "give one of ca and ca_file"},
    {WRITE("tls_config: {cert: x}"), 3, 15, "needed together"},
    {WRITE("proxy_from_environment: true\n  proxy_url: 'http://p'"), 3, 27, "remove proxy_url"},
    {WRITE("proxy_connect_header: {a: b}"), 3, 25, "no effect without proxy_url"},
    {WRITE("proxy_url: 'http://p'\n  proxy_connect_header: {a b: [c]}"), 4, 25, "\"a b\" is no header name"},
    {WRITE("proxy_url: 'http://p'\n  proxy_connect_header: {a: [{}]}"), 4, 30, "must be a single value"},
    {WRITE("bearer_token: x"), 3, 17, "use authorization"},
    {WRITE("basic_auth: {username: u, username_file: x}"), 3, 15, "username and username_file, not both"},
    {WRITE("queue_config: {max_shards: 0}"), 3, 30, "max_shards must be from 1 to 64"},
    {WRITE("queue_config: {max_shards: many}"), 3, 30, "\"many\" is no whole number"},
    {WRITE("queue_config: {min_backoff: 10s}"), 3, 31, "min_backoff is above max_backoff"},
    {WRITE("queue_config: {sample_age_limit: 0s}"), 3, 36, "sample_age_limit must be from 1s"},
    {WRITE("write_relabel_configs: [{action: drop, regex: '('}]"), 3, 27, "write_relabel_configs: "},
    {WRITE("write_relabel_configs: [{action: hashmod}]"), 3, 27, "write_relabel_configs: "},
    {WRITE("write_relabel_configs: [{action: dorp}]"), 3, 36, "action must be one of replace, keep"},
    {"remote_read: [{}]\n" JOB, 1, 15, "remote_read needs the key \"url\""},
    {"remote_read: [{url: http://a, name: x}, {url: http://b, name: x}]\n" JOB, 1, 63,
     "has the name \"x\" too"},
    {"jobs: [{expr: up, anomaly: {}}]\n", 1, 8, "jobs needs the key \"name\""},
    {"jobs: [{name: '', expr: up, anomaly: {}}]\n", 1, 15, "1 to 128 bytes"},
    {"jobs: [{name: \"a\\tb\", expr: up, anomaly: {}}]\n", 1, 15, "control characters"},
    {"jobs:\n- {name: a, expr: up, anomaly: {}}\n- {name: a, expr: up, anomaly: {}}\n", 3, 10,
     "another job has the name \"a\" too (line 2)"},
    {"jobs: [{name: a, anomaly: {}}]\n", 1, 15, "a job needs expr"},
    {"jobs: [{name: a, expr: '', anomaly: {}}]\n", 1, 24, "expr is empty"},
    {"jobs: [{name: a, expr: up}]\n", 1, 15, "the job does nothing"},
    {"jobs: [{name: a, features: {f: up}, anomaly: {}}]\n", 1, 28, "features need by"},
    {"jobs: [{name: a, features: {}, by: [i], anomaly: {}}]\n", 1, 28, "features is empty"},
    {"jobs: [{name: a, features: {f: ''}, by: [i], anomaly: {}}]\n", 1, 32, "is empty"},
    {"jobs: [{name: a, features: {f: up, f: up}, by: [i], anomaly: {}}]\n", 1, 36, "a second time"},
    {"jobs: [{name: a, expr: up, by: [i], anomaly: {}}]\n", 1, 32, "by has no effect without features"},
    {"jobs: [{name: a, features: {f: up}, by: [a-b], anomaly: {}}]\n", 1, 42, "is no label name"},
    {"jobs: [{name: a, features: {f: up}, by: [i, i], anomaly: {}}]\n", 1, 45, "twice"},
    {"jobs: [{name: a, features: {f: up}, by: [i], forecast: {}}]\n", 1, 56, "forecast needs targets"},
    {"jobs: [{name: a, features: {cpu: up}, by: [i], forecast: {targets: [cpi]}}]\n", 1, 69,
     "did you mean \"cpu\"?"},
    {"jobs: [{name: a, features: {cpu: up}, by: [i], forecast: {targets: [cpu, cpu]}}]\n", 1, 74, "twice"},
    {"jobs: [{name: a, expr: up, forecast: {targets: [x]}}]\n", 1, 48, "targets are for a job without expr"},
    {"jobs: [{name: a, expr: up, forecast: {horizons: [20s]}}]\n", 1, 50,
     "20s is no multiple of the step, 15s"},
    {"jobs: [{name: a, expr: up, anomaly: {data_range: [5, 1]}}]\n", 1, 50, "the lower one first"},
    {"jobs: [{name: a, expr: up, anomaly: {data_range: [5]}}]\n", 1, 50, "two numbers"},
    {"jobs: [{name: a, expr: up, anomaly: {data_range: [a, b]}}]\n", 1, 50, "two numbers"},
    {"jobs: [{name: a, expr: up, anomaly: {members: [level, pca]}}]\n", 1, 55, "no \"pca\""},
    {"jobs: [{name: a, expr: up, anomaly: {members: [level, level]}}]\n", 1, 55, "twice"},
    {"jobs: [{name: a, expr: up, anomaly: {members: []}}]\n", 1, 47, "members is empty"},
    {"jobs: [{name: a, expr: up, anomaly: {model: latency}}]\n", 1, 45, "the job needs by and features"},
    {"jobs: [{name: a, by: [i], features: {x: x}, anomaly: {model: latency, ensemble: {members: [pca]}}}]\n",
     1, 81, "model: latency has one member"},
    {"jobs: [{name: a, expr: up, forecast: {horizons: [0]}}]\n", 1, 50, "not above 0"},
    {"jobs: [{name: a, expr: up, forecast: {horizons: [8d]}}]\n", 1, 50, "at most 7d"},
    {"jobs: [{name: a, expr: up, forecast: {horizons: [1m, 60s]}}]\n", 1, 54, "twice"},
    {"jobs: [{name: a, expr: up, forecast: {horizons: []}}]\n", 1, 49, "horizons is empty"},
    {"jobs: [{name: a, expr: up, forecast: {horizons: [x]}}]\n", 1, 50, "\"x\" is no duration"},
    {"jobs: [{name: a, expr: up, forecast: {output: 1x}}]\n", 1, 47, "is no metric name"},
    {"jobs: [{name: a, expr: up, forecast: {output: anomaly_score}}]\n", 1, 47, "name of another output"},
    {"jobs:\n- {name: a, expr: up, forecast: {output: x}}\n- {name: b, expr: up, forecast: {output: "
     "x_upper}}\n",
     3, 42, "clashes with an output of the job in line 2"},
    {"jobs: [{name: a, expr: up, forecast: {level: 1}}]\n", 1, 46, "level must be above 0.5 and below 1"},
    {"jobs: [{name: a, expr: up, forecast: {nonnegative: on}}]\n", 1, 52, "must be true, false or auto"},
    {"jobs: [{name: a, expr: up, anomaly: {model: best}}]\n", 1, 45,
     "model must be one of default, ensemble, latency, features; not \"best\""},
    {"jobs: [{name: a, expr: up, anomaly: {false_alarm_rate: 0.5}}]\n", 1, 56,
     "false_alarm_rate must be above 0 and below 0.5"},
    {"jobs: [{name: a, expr: up, anomaly: {false_alarm_rate: nan}}]\n", 1, 56, "above 0"},
    {"jobs: [{name: a, expr: up, anomaly: {min_dev_from_expected: -1}}]\n", 1, 61,
     "min_dev_from_expected must be from 0"},
    {"global: {time_zone: Europe/Atlantis}\n", 1, 21, "there is no /usr/share/zoneinfo/Europe/Atlantis"},
    {"global: {time_zone: ../x}\n", 1, 21, "no name of a time zone"},
    {"jobs: [{name: a, expr: up, billing: {time_zone: Mars}}]\n", 1, 49, "time_zone \"Mars\": there is no"},
    {"jobs: [{name: a, expr: up, billing: {percentile: 50}}]\n", 1, 50, "percentile must be from 90 to 100"},
    {"jobs: [{name: a, expr: up, billing: {day: 31}}]\n", 1, 43, "day must be from 1 to 28"},
    {"jobs: [{name: a, expr: up, step: 2m, billing: {interval: 5m}}]\n", 1, 58,
     "interval is no multiple of the step"},
    {"jobs: [{name: a, features: {f: up}, by: [i], anomaly: {}, billing: {}}]\n", 1, 68,
     "billing needs expr"},
    {"jobs: [{name: a, expr: up, forecast: {classes: {good: 5, bad: 5}}}]\n", 1, 63,
     "good and bad are equal"},
    {"jobs: [{name: a, expr: up, forecast: {time_zone: Mars}}]\n", 1, 50, "time_zone \"Mars\": there is no"},
    {"jobs: [{name: a, expr: up, forecast: {members: []}}]\n", 1, 48, "members is empty"},
    {"jobs: [{name: a, expr: up, forecast: {members: [ets, arx]}}]\n", 1, 54,
     "there is no member \"arx\"; did you mean \"ar\"?"},
    {"jobs: [{name: a, expr: up, forecast: {classes: {good: 5}}}]\n", 1, 48, "classes needs the key \"bad\""},
    {"jobs: [{name: a, expr: up, anomaly: {}, capacity: {value: 5}}]\n", 1, 51, "needs expr and forecast"},
    {"jobs: [{name: a, features: {f: up}, by: [i], forecast: {targets: [f]}, capacity: {value: 5}}]\n", 1, 82,
     "needs expr and forecast"},
    {"jobs: [{name: a, expr: up, forecast: {}, capacity: {}}]\n", 1, 52, "needs expr, or a value above 0"},
    {"jobs: [{name: a, expr: up, forecast: {}, capacity: {value: 5, share: 0}}]\n", 1, 70,
     "share is above 0 and at most 1"},
    {"jobs: [{name: a, expr: up, forecast: {}, capacity: {value: 5, share: 1.5}}]\n", 1, 70,
     "share must be from 0 to 1"},
    {"jobs: [{name: a, expr: up, forecast: {}, capacity: {expr: up, on: [a-b]}}]\n", 1, 68,
     "on: \"a-b\" is no label name"},
    {"jobs: [{name: a, expr: up, forecast: {}, emit: [predicted_headroom_ratio]}]\n", 1, 49,
     "needs the job's block capacity"},
    {"jobs: [{name: a, expr: up, drift: {current: 5}}]\n", 1, 45, "current must be from 30 to 100000"},
    {"jobs: [{name: a, expr: up, anomaly: {}, emit: [anomaly_scroe]}]\n", 1, 48,
     "did you mean \"anomaly_score\"?"},
    {"jobs: [{name: a, expr: up, anomaly: {}, emit: [xyz]}]\n", 1, 48, "there is no output \"xyz\""},
    {"jobs: [{name: a, expr: up, anomaly: {}, emit: [drift_score]}]\n", 1, 48,
     "\"drift_score\" needs the job's block drift"},
    {"jobs: [{name: a, expr: up, anomaly: {}, emit: []}]\n", 1, 47, "emit is empty"},
    {"x: &a {<<: *a}\njobs:\n- {name: a, expr: up, anomaly: {<<: 1}}\n", 3, 33, "merge keys"},
};

static void every_fault_has_its_line_and_column(void **state)
{
    (void)state;
    static struct ax_problems p;
    bool failed = false;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_config *c = NULL;
        if (ax_config_parse(ax_str(cases[i].yaml), &c, &p) != AX_INVALID)
            fail_msg("case %zu is not refused: %s", i, cases[i].yaml);
        assert_null(c);
        bool found = false;
        for (uint32_t k = 0; k < p.n && !found; k++)
            found = !p.v[k].warning && p.v[k].place.line == cases[i].line &&
                    p.v[k].place.column == cases[i].column && strstr(p.v[k].text, cases[i].text) != NULL;
        for (uint32_t k = 0; k < p.n && !found; k++)
            print_error("case %zu, want %u:%u \"%s\": %u:%u: %s\n", i, cases[i].line, cases[i].column,
                        cases[i].text, p.v[k].place.line, p.v[k].place.column, p.v[k].text);
        failed |= !found;
    }
    assert_false(failed);
}

static void all_faults_are_gathered_in_the_order_of_the_file(void **state)
{
    (void)state;
    static struct ax_problems p;
    struct ax_config *c = NULL;
    const char yaml[] = "global: {stp: 1s}\n"
                        "remote_write: [{url: x, queue_config: {max_shards: 0}}]\n"
                        "jobs: [{name: a, anomaly: {modle: x}}]\n";
    assert_int_equal(ax_config_parse(ax_str(yaml), &c, &p), AX_INVALID);
    assert_int_equal(p.errors_n, 5);
    for (uint32_t i = 1; i < p.n; i++)
        assert_true(p.v[i - 1].place.line <= p.v[i].place.line);
}

static void more_than_a_hundred_faults_are_counted(void **state)
{
    (void)state;
    static struct ax_problems p;
    static char yaml[1000 * 12];
    struct ax_config *c = NULL;
    for (int i = 0; i < 500; i++)
        (void)snprintf(yaml + strlen(yaml), sizeof yaml - strlen(yaml), "k%d: 1\n", i);
    assert_int_equal(ax_config_parse(ax_str(yaml), &c, &p), AX_INVALID);
    assert_int_equal(p.n, 100);
    assert_int_equal(p.errors_n, 500);
    assert_int_equal(p.v[99].place.line, 100);
}

static void what_has_no_effect_is_a_warning(void **state)
{
    (void)state;
    static struct ax_problems p;
    struct ax_config *c = NULL;
    const char yaml[] =
        "remote_write: [{url: http://h, send_exemplars: true, queue_config: {min_shards: 1}}]\n"
        "remote_read: [{url: http://h, backfill: 1d}]\n";
    assert_int_equal(ax_config_parse(ax_str(yaml), &c, &p), AX_OK);
    assert_int_equal(p.errors_n, 0);
    assert_int_equal(p.n, 3); /* and that there are no jobs */
    assert_true(p.v[0].warning);
    ax_config_free(c);
    assert_int_equal(ax_config_parse(ax_str(""), &c, &p), AX_OK);
    assert_int_equal(p.n, 2);
    ax_config_free(c);
}

static void one_guard_for_features_of_many_units_is_a_warning(void **state)
{
    (void)state;
    static struct ax_problems p;
    struct ax_config *c = NULL;
    static const struct {
        const char *job;
        uint32_t n;
    } jobs[] = {
        {"by: [i], features: {a: x, b: y}, anomaly: {min_dev_from_expected: 3, data_range: [0, 1]}", 2},
        {"by: [i], features: {a: x, b: y}, anomaly: {min_rel_dev_from_expected: 3}", 0},
        {"by: [i], features: {a: x}, anomaly: {min_dev_from_expected: 3}", 0},
        {"expr: x, anomaly: {min_dev_from_expected: 3, data_range: [0, 1]}", 0},
    };
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        char yaml[512];
        (void)snprintf(yaml, sizeof yaml, "remote_write: [{url: http://h}]\njobs: [{name: j, %s}]\n",
                       jobs[i].job);
        assert_int_equal(ax_config_parse(ax_str(yaml), &c, &p), AX_OK);
        assert_int_equal(p.errors_n, 0);
        assert_int_equal(p.n, jobs[i].n);
        for (uint32_t k = 0; k < p.n; k++)
            assert_non_null(strstr(p.v[k].text, "each of the 2 features of job j"));
        ax_config_free(c);
    }
}

static void no_secret_is_in_any_message(void **state)
{
    (void)state;
    static const char *const yamls[] = {
        WRITE("basic_auth: {username: u, password: hunter2, password_file: f}"),
        WRITE("basic_auth: {username: u, password: [hunter2]}"),
        WRITE("headers: {Host: hunter2}"),
        WRITE("proxy_connect_header: {a b: [hunter2, [hunter2]]}"),
        WRITE("tls_config: {key: hunter2, key_file: x}"),
        WRITE("oauth2: {client_id: c, token_url: 'http://u:hunter2@h', client_secret: hunter2, "
              "client_secret_file: f}"),
        ("remote_write: [{url: 'ftp://u:hunter2@h'}, {url: 'http://u:hunter2@h/w'}, {url: "
         "'http://u:hunter2@h/w'}]\n"),
    };
    static struct ax_problems p;
    for (size_t i = 0; i < sizeof yamls / sizeof yamls[0]; i++) {
        struct ax_config *c = NULL;
        assert_int_equal(ax_config_parse(ax_str(yamls[i]), &c, &p), AX_INVALID);
        for (uint32_t k = 0; k < p.n; k++)
            assert_null(strstr(p.v[k].text, "hunter2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_its_line_and_column),
        cmocka_unit_test(all_faults_are_gathered_in_the_order_of_the_file),
        cmocka_unit_test(more_than_a_hundred_faults_are_counted),
        cmocka_unit_test(what_has_no_effect_is_a_warning),
        cmocka_unit_test(one_guard_for_features_of_many_units_is_a_warning),
        cmocka_unit_test(no_secret_is_in_any_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
