/* A config reads as it is written, with its defaults; every fault is found, at its line and column. */
#include "ax_test.h"
#include "config/builtin.h"
#include "config/config.h"
#include "config/relabel.h"

#include <stdio.h>

static struct ax_config *good(const char *yaml)
{
    static struct ax_problems problems;
    struct ax_config *c = NULL;
    enum ax_err err = ax_config_parse(ax_str(yaml), &c, &problems);
    if (err != AX_OK)
        fail_msg("line %u column %u: %s", problems.v[0].place.line, problems.v[0].place.column,
                 problems.v[0].text);
    return c;
}

#define EQ(view, text) assert_true(ax_str_eq(view, ax_str(text)))

static void the_example_of_the_design_reads(void **state)
{
    (void)state;
    struct ax_config *c =
        good("global: { step: 15s, external_labels: {} }\n"
             "remote_write: [ { url: http://127.0.0.1:9090/api/v1/write } ]      # a comment\n"
             "remote_read:  [ { url: http://127.0.0.1:9090/api/v1/read, backfill: 14d } ]\n"
             "jobs:\n"
             "  - name: bandwidth\n"
             "    expr: rate(node_network_receive_bytes_total{device!~\"lo|veth.*\"}[1m])\n"
             "    forecast: { output: predicted_bandwidth, horizons: [1m, 5m, 15m, 1h] }\n"
             "    anomaly: {}\n"
             "    drift: {}\n"
             "  - name: node\n"
             "    by: [instance]\n"
             "    features:\n"
             "      cpu: 1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[1m]))\n"
             "      memory: 1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes\n"
             "      network: sum by (instance) (rate(node_network_receive_bytes_total[1m]))\n"
             "    anomaly: { model: ensemble }\n"
             "    drift: {}\n");
    assert_int_equal(c->jobs_n, 2);
    EQ(c->jobs[0].forecast.output, "predicted_bandwidth");
    assert_int_equal(c->jobs[0].forecast.horizons_n, 4);
    assert_int_equal(c->jobs[0].forecast.horizons_ms[3], 3600000);
    EQ(c->jobs[0].expr.text, "rate(node_network_receive_bytes_total{device!~\"lo|veth.*\"}[1m])");
    assert_int_equal(c->jobs[0].expr.place.line, 6);
    assert_int_equal(c->jobs[0].expr.place.column, 11);
    assert_true(c->jobs[1].anomaly.enabled && c->jobs[1].drift.enabled && !c->jobs[1].forecast.enabled);
    EQ(c->jobs[1].anomaly.model, "ensemble");
    assert_int_equal(c->jobs[1].features_n, 3);
    EQ(c->jobs[1].features[1].name, "memory");
    assert_int_equal(c->remote_read[0].backfill_ms, 14 * 86400000);
    ax_config_free(c);
}

static void defaults_are_those_of_the_design(void **state)
{
    (void)state;
    struct ax_config *c = good("remote_write: [{url: 'https://h:1/w'}]\n"
                               "jobs: [{name: a b, expr: up, forecast: {}, anomaly: , drift: {}}]\n");
    const struct ax_job_config *j = &c->jobs[0];
    assert_int_equal(c->step_ms, 15000);
    assert_int_equal(j->step_ms, 15000);
    assert_int_equal(j->evaluation_delay_ms, 10000);
    assert_int_equal(c->drop_labels_n, 1);
    EQ(c->drop_labels[0], "__replica__");
    assert_true(c->ha.enabled);
    EQ(c->ha.cluster_label, "cluster");
    EQ(c->ha.replica_label, "__replica__");
    assert_int_equal(c->ha.failover_ms, 30000);
    assert_int_equal(c->ha.clusters_max, 100);
    EQ(j->forecast.output, "predicted_a_b");
    assert_int_equal(j->forecast.horizons_n, 4);
    assert_int_equal(j->forecast.horizons_ms[0], 60000);
    ax_assert_close(j->forecast.level, 0.9, 0);
    assert_int_equal(j->forecast.nonnegative, -1);
    assert_int_equal(j->forecast.refit_ms, 3600000);
    assert_true(j->anomaly.enabled);
    EQ(j->anomaly.model, "default");
    ax_assert_close(j->anomaly.false_alarm_rate, 0.001, 0);
    EQ(j->anomaly.detection_direction, "both");
    assert_int_equal(j->drift.reference, 960);
    assert_int_equal(j->drift.current, 240);
    assert_int_equal(j->drift.interval_ms, 150000);
    assert_null(j->emit);
    assert_int_equal(j->max_series, 10000);
    assert_int_equal(j->max_output_series, 250000);
    assert_int_equal(j->window_fine, 960);
    assert_int_equal(j->window_coarse, 4032);
    assert_int_equal(j->series_retention_ms, 86400000);
    const struct ax_remote_write *w = &c->remote_write[0];
    EQ(w->name, "h:1");
    assert_int_equal(w->remote_timeout_ms, 30000);
    assert_int_equal(w->protocol, AX_RW_1);
    assert_int_equal(w->max_shards, 1);
    assert_int_equal(w->max_samples_per_send, 2000);
    assert_int_equal(w->batch_send_deadline_ms, 5000);
    assert_int_equal(w->min_backoff_ms, 30);
    assert_int_equal(w->max_backoff_ms, 5000);
    assert_true(w->retry_on_http_429 && w->http.follow_redirects);
    assert_int_equal(w->sample_age_limit_ms, 3000000);
    assert_int_equal(w->http.who.auth_type.n, 0);
    ax_config_free(c);
}

static void horizons_by_default_are_whole_steps(void **state)
{
    (void)state;
    struct ax_config *c = good("jobs:\n"
                               "- {name: a, step: 7s, expr: up, forecast: {}}\n"
                               "- {name: b, step: 1h, expr: up, forecast: {}}\n"
                               "- {name: c, step: 1d, expr: up, forecast: {}}\n");
    assert_int_equal(c->jobs[0].forecast.horizons_ms[0], 63000);
    assert_int_equal(c->jobs[0].forecast.horizons_ms[3], 3605000);
    assert_int_equal(c->jobs[1].forecast.horizons_ms[0], 3600000);
    assert_int_equal(c->jobs[1].forecast.horizons_ms[3], 60 * 3600000);
    assert_int_equal(c->jobs[1].drift.interval_ms, 36000000);
    assert_int_equal(c->jobs[2].forecast.horizons_n, 2); /* none beyond 7 days */
    ax_config_free(c);
}

static const char all_keys[] =
    "global:\n  step: 1s\n  evaluation_delay: 0\n  external_labels: {z: 1, dc: eu}\n  drop_labels: [a, "
    "b]\n"
    "  ha_tracker: {enabled: false, cluster_label: c, replica_label: r, failover_timeout: 1m, max_clusters: "
    "7}\n"
    "remote_write:\n"
    "- url: http://u:p@h/w\n  name: one\n  remote_timeout: 10s\n"
    "  protobuf_message: io.prometheus.write.v2.Request\n"
    "  headers: {X-Scope-OrgID: t}\n"
    "  basic_auth: {username: me, password: s3cret}\n"
    "  tls_config: {ca_file: /ca, cert_file: /c, key_file: /k, server_name: s, min_version: TLS13, "
    "max_version: TLS13, "
    "insecure_skip_verify: true}\n"
    "  proxy_url: http://proxy:3128\n  no_proxy: 'localhost,10.0.0.0/8'\n  follow_redirects: false\n"
    "  queue_config: {max_shards: 4, max_samples_per_send: 500, batch_send_deadline: "
    "1s,\n"
    "    min_backoff: 1s, max_backoff: 2s, retry_on_http_429: false, sample_age_limit: 2h}\n"
    "  write_relabel_configs:\n"
    "  - {source_labels: [__name__, x], separator: '', regex: 'a;b', target_label: y, replacement: z}\n"
    "  - {source_labels: [y], modulus: 8, target_label: s, action: hashmod}\n"
    "- url: http://h/2\n  authorization: {type: Token, credentials_file: /t}\n"
    "- url: http://h/3\n  oauth2: {client_id: c, client_secret: s, token_url: 'https://t/x', scopes: [a, "
    "b],\n"
    "    endpoint_params: {audience: d}, tls_config: {ca: pem}, proxy_url: 'http://p'}\n"
    "  tls_config: {ca: one, cert: two, key: three}\n  proxy_from_environment: true\n"
    "  proxy_connect_header: {X-One: [a, b], X-Two: c}\n"
    "- url: http://h/4\n  basic_auth: {username_file: /u, password: p}\n"
    "remote_read:\n- {url: http://h/r, remote_timeout: 5s, basic_auth: {username: u, password_file: "
    "/p}}\n"
    "- {url: http://h/r, name: second, backfill: 1d, required_matchers: {job: x, a: b}, chunked_read_limit: "
    "2000,\n   read_recent: true, filter_external_labels: false}\n- {url: http://h/other}\n"
    "jobs:\n"
    "- name: j\n  expr: up\n  by: [instance, job]\n  features: {f: up, g: 'up'}\n  step: 5s\n  "
    "evaluation_delay: 2s\n"
    "  forecast: {output: p, horizons: [15s, 5s], level: 0.8, nonnegative: true, refit: 10m}\n"
    "  anomaly: {model: ensemble, false_alarm_rate: 0.01, detection_direction: above_expected,\n"
    "    min_dev_from_expected: 2.5, min_rel_dev_from_expected: 0.1}\n"
    "  drift: {reference: 100, current: 50, interval: 1h}\n"
    "  emit: [p, p_lower, anomaly_score, model_ready]\n  max_series: 5\n  max_output_series: 6\n"
    "  window: {fine: 100, coarse: 200}\n  series_retention: 2d\n"
    "- name: k\n  by: [instance]\n  features: {f: up}\n  forecast: {targets: [f]}\n";

static void every_key_of_the_endpoints_is_read(void **state)
{
    (void)state;
    struct ax_config *c = good(all_keys);
    assert_int_equal(c->step_ms, 1000);
    assert_int_equal(c->evaluation_delay_ms, 0);
    EQ(c->external_labels.v[0].name, "dc");
    EQ(c->external_labels.v[1].value, "1");
    assert_int_equal(c->drop_labels_n, 2);
    assert_false(c->ha.enabled);
    EQ(c->ha.cluster_label, "c");
    EQ(c->ha.replica_label, "r");
    assert_int_equal(c->ha.failover_ms, 60000);
    assert_int_equal(c->ha.clusters_max, 7);
    const struct ax_remote_write *w = &c->remote_write[0];
    EQ(w->name, "one");
    assert_int_equal(w->remote_timeout_ms, 10000);
    assert_int_equal(w->protocol, AX_RW_2);
    EQ(w->http.headers[0].name, "X-Scope-OrgID");
    EQ(w->http.who.basic_user, "me");
    EQ(w->http.who.basic_password, "s3cret");
    EQ(w->http.transport.ca_file, "/ca");
    EQ(w->http.transport.cert_file, "/c");
    EQ(w->http.transport.key_file, "/k");
    EQ(w->http.transport.server_name, "s");
    EQ(w->http.transport.min_version, "TLS13");
    EQ(w->http.transport.max_version, "TLS13");
    assert_true(w->http.transport.insecure_skip_verify);
    EQ(w->http.transport.proxy_url, "http://proxy:3128");
    EQ(w->http.transport.no_proxy, "localhost,10.0.0.0/8");
    assert_false(w->http.follow_redirects);
    assert_int_equal(w->max_shards, 4);
    assert_int_equal(w->max_samples_per_send, 500);
    assert_int_equal(w->batch_send_deadline_ms, 1000);
    assert_int_equal(w->min_backoff_ms, 1000);
    assert_int_equal(w->max_backoff_ms, 2000);
    assert_false(w->retry_on_http_429);
    assert_int_equal(w->sample_age_limit_ms, 7200000);
    assert_int_equal(w->relabel_n, 2);
    assert_int_equal(w->relabel[1].action, AX_RELABEL_HASHMOD);
    assert_int_equal(w->relabel[1].modulus, 8);
    assert_int_equal(w->relabel[0].separator.n, 0);
    EQ(c->remote_write[1].http.who.auth_type, "Token");
    EQ(c->remote_write[1].http.who.auth_credentials_file, "/t");
    EQ(c->remote_write[3].http.who.basic_user_file, "/u");
    const struct ax_http_client_options *h = &c->remote_write[2].http;
    EQ(h->who.oauth2.client_id, "c");
    EQ(h->who.oauth2.client_secret, "s");
    EQ(h->who.oauth2.token_url, "https://t/x");
    assert_int_equal(h->who.oauth2.scopes_n, 2);
    EQ(h->who.oauth2.scopes[1], "b");
    assert_int_equal(h->who.oauth2.params_n, 1);
    EQ(h->who.oauth2.params[0].value, "d");
    EQ(h->who.oauth2.transport.ca, "pem");
    EQ(h->who.oauth2.transport.proxy_url, "http://p");
    EQ(h->transport.ca, "one");
    EQ(h->transport.cert, "two");
    EQ(h->transport.key, "three");
    assert_true(h->transport.proxy_from_environment && !h->who.oauth2.transport.proxy_from_environment);
    assert_int_equal(h->transport.proxy_headers_n, 3);
    EQ(h->transport.proxy_headers[1].name, "X-One");
    EQ(h->transport.proxy_headers[1].value, "b");
    EQ(h->transport.proxy_headers[2].value, "c");
    EQ(c->remote_read[0].http.who.basic_password_file, "/p");
    assert_int_equal(c->remote_read[0].remote_timeout_ms, 5000);
    assert_int_equal(c->remote_read[0].backfill_ms, 14 * 86400000);
    assert_int_equal(c->remote_read[0].chunked_read_limit, 50000000);
    EQ(c->remote_read[0].name, "h");
    EQ(c->remote_read[1].name, "second");
    EQ(c->remote_read[2].name, "h/other");
    assert_int_equal(c->remote_read[1].backfill_ms, 86400000);
    assert_int_equal(c->remote_read[1].chunked_read_limit, 2000);
    assert_int_equal(c->remote_read[1].required_matchers.n, 2);
    EQ(c->remote_read[1].required_matchers.v[0].name, "a"); /* sorted */
    ax_config_free(c);
}

static void every_key_of_a_job_is_read(void **state)
{
    (void)state;
    struct ax_config *c = good(all_keys);
    const struct ax_job_config *j = &c->jobs[0];
    assert_int_equal(j->by_n, 2);
    assert_int_equal(j->features_n, 2);
    assert_int_equal(j->step_ms, 5000);
    assert_int_equal(j->evaluation_delay_ms, 2000);
    assert_int_equal(j->forecast.horizons_ms[0], 5000);
    ax_assert_close(j->forecast.level, 0.8, 0);
    assert_int_equal(j->forecast.nonnegative, 1);
    assert_int_equal(j->forecast.refit_ms, 600000);
    ax_assert_close(j->anomaly.false_alarm_rate, 0.01, 0);
    EQ(j->anomaly.detection_direction, "above_expected");
    ax_assert_close(j->anomaly.min_dev_from_expected, 2.5, 0);
    ax_assert_close(j->anomaly.min_rel_dev_from_expected, 0.1, 0);
    assert_int_equal(j->drift.reference, 100);
    assert_int_equal(j->drift.interval_ms, 3600000);
    assert_int_equal(j->emit_n, 4);
    assert_int_equal(j->max_series, 5);
    assert_int_equal(j->max_output_series, 6);
    assert_int_equal(j->window_fine, 100);
    assert_int_equal(j->window_coarse, 200);
    assert_int_equal(j->series_retention_ms, 172800000);
    EQ(c->jobs[1].forecast.targets[0], "f");
    ax_config_free(c);
}

static void the_builtin_config_is_clean(void **state)
{
    (void)state;
    static struct ax_problems problems;
    struct ax_config *c = NULL;
    assert_int_equal(ax_config_load("", NULL, &c, &problems), AX_OK);
    assert_int_equal(problems.n, 0);
    assert_int_equal(c->jobs_n, 4);
    ax_config_free(c);
}

static void a_file_that_is_not_there_is_said_so(void **state)
{
    (void)state;
    static struct ax_problems problems;
    struct ax_config *c = NULL;
    assert_int_equal(ax_config_load("/nonexistent/auspex.yml", NULL, &c, &problems), AX_IO);
    assert_int_equal(problems.errors_n, 1);
    assert_non_null(strstr(problems.v[0].text, "No such file"));
    assert_null(c);
}

static void a_jobs_hash_follows_its_values_alone(void **state)
{
    (void)state;
    struct ax_config *a = good("jobs: [{name: a, expr: up, anomaly: {}}]");
    struct ax_config *b =
        good("# comment\njobs:\n  - anomaly: {model: default}\n    expr: 'up'\n    name: a\n");
    struct ax_config *c = good("jobs: [{name: a, expr: up, anomaly: {model: ensemble}}]");
    struct ax_config *d = good("global: {step: 30s}\njobs: [{name: a, expr: up, anomaly: {}}]");
    assert_true(a->jobs[0].hash == b->jobs[0].hash);
    assert_true(a->jobs[0].hash != c->jobs[0].hash);
    assert_true(a->jobs[0].hash != d->jobs[0].hash);
    ax_config_free(a);
    ax_config_free(b);
    ax_config_free(c);
    ax_config_free(d);
}

static void two_jobs_may_share_a_forecasts_name(void **state)
{
    (void)state;
    struct ax_config *c =
        good("jobs:\n- {name: a-b, expr: up, forecast: {}}\n- {name: a b, expr: up, forecast: {}}\n");
    EQ(c->jobs[0].forecast.output, "predicted_a_b");
    EQ(c->jobs[1].forecast.output, "predicted_a_b");
    ax_config_free(c);
}

static void aliases_are_followed(void **state)
{
    (void)state;
    struct ax_config *c = good("jobs:\n- {name: a, expr: up, anomaly: &x {model: ensemble}}\n"
                               "- {name: b, expr: up, anomaly: *x}\n");
    EQ(c->jobs[1].anomaly.model, "ensemble");
    ax_config_free(c);
}

/* Columns of an expression map to the file whatever way the scalar is written. */
static void columns_of_expressions_map_to_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        size_t column;
        uint32_t line, file_column;
    } cases[] = {
        {"jobs:\n- name: a\n  expr: up + x\n  anomaly: {}\n", 6, 3, 14},
        {"jobs:\n- name: a\n  expr: 'up + x'\n  anomaly: {}\n", 6, 3, 15},
        {"jobs:\n- name: a\n  expr: 'up{a=\"it''s\"} + x'\n  anomaly: {}\n", 16, 3, 26},
        {"jobs:\n- name: a\n  expr: \"up{a=\\\"b\\\"} + x\"\n  anomaly: {}\n", 13, 3, 24},
        {"jobs:\n- name: a\n  expr: |-\n    up +\n      x\n  anomaly: {}\n", 8, 5, 7},
        {"jobs:\n- name: a\n  expr: >2-\n    2 +\n    x\n  anomaly: {}\n", 5, 5, 5},
        {"jobs:\n- name: a\n  expr: up +\n    x\n  anomaly: {}\n", 6, 4, 5},
        {"jobs:\n- name: a\n  expr: up{a=\"\xC3\xA4\"} + x\n  anomaly: {}\n", 13, 3, 20},
        {"jobs:\n- name: a\n  expr: up +\n  anomaly: {}\n", 5, 3, 13},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ax_config *c = good(cases[i].yaml);
        struct ax_place place = ax_text_place(&c->jobs[0].expr, cases[i].column);
        if (place.line != cases[i].line || place.column != cases[i].file_column)
            fail_msg("case %zu: %u:%u", i, place.line, place.column);
        ax_config_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_design_reads),
        cmocka_unit_test(defaults_are_those_of_the_design),
        cmocka_unit_test(horizons_by_default_are_whole_steps),
        cmocka_unit_test(every_key_of_the_endpoints_is_read),
        cmocka_unit_test(every_key_of_a_job_is_read),
        cmocka_unit_test(the_builtin_config_is_clean),
        cmocka_unit_test(a_file_that_is_not_there_is_said_so),
        cmocka_unit_test(a_jobs_hash_follows_its_values_alone),
        cmocka_unit_test(two_jobs_may_share_a_forecasts_name),
        cmocka_unit_test(aliases_are_followed),
        cmocka_unit_test(columns_of_expressions_map_to_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
