/* schema.c: the rows of the table. Names and defaults are Prometheus's where it has the key. */
#include "config/schema.h"

#include "config/relabel.h"

#define MS_MAX 31536000000.0 /* a year */
#define DAY 86400000.0
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NO_PLACE SIZE_MAX

#define GLOBAL(field) .offset = offsetof(struct ax_config, field)
#define TRANSPORT(field) .offset = offsetof(struct ax_http_transport, field)
#define OAUTH2(field) .offset = offsetof(struct ax_http_oauth2, field)
#define HTTP(field) .offset = offsetof(struct ax_http_client_options, field)
#define WRITE(field) .offset = offsetof(struct ax_remote_write, field)
#define READ(field) .offset = offsetof(struct ax_remote_read, field)
#define RELABEL(field) .offset = offsetof(struct ax_relabel_spec, field)
#define CALENDAR(field) .offset = offsetof(struct ax_calendar_config, field)
#define JOB(field) .offset = offsetof(struct ax_job_config, field)

static const char *const tls_versions[] = {"TLS10", "TLS11", "TLS12", "TLS13", NULL};
static const char *const protocols[] = {"prometheus.WriteRequest", "io.prometheus.write.v2.Request", NULL};
static const char *const actions[] = {"replace",   "keep",      "drop",      "hashmod",
                                      "labelmap",  "labeldrop", "labelkeep", "lowercase",
                                      "uppercase", "keepequal", "dropequal", NULL};
static const char *const models[] = {"default", "ensemble", "latency", "features", NULL};
static const char *const streams[] = {"none", "adwin", "page_hinkley", "kswin", NULL};
static const char *const drift_pers[] = {"job", "entity", NULL};
static const char *const presets[] = {"datacenter", "internet", "dwcp", NULL};
static const char *const promotions[] = {"shadow", "canary", "immediate", NULL};
static const char *const directions[] = {"both", "above_expected", "below_expected", NULL};

static const struct ax_key ha_keys[] = {
    {"enabled", AX_KEY_BOOL, GLOBAL(ha.enabled), .fallback = "true",
     .doc = "Tell replicas apart. Series without both labels are taken as they are."},
    {"cluster_label", AX_KEY_STRING, GLOBAL(ha.cluster_label), .fallback = "cluster",
     .doc = "Label that the replicas of a cluster have in common."},
    {"replica_label", AX_KEY_STRING, GLOBAL(ha.replica_label), .fallback = "__replica__",
     .doc = "Label that tells them apart; removed from what is taken."},
    {"failover_timeout", AX_KEY_DURATION, GLOBAL(ha.failover_ms), .fallback = "30s", .min = 1000,
     .max = 3600000, .doc = "Another replica takes the place of one that was not heard for so long."},
    {"max_clusters", AX_KEY_COUNT, GLOBAL(ha.clusters_max), .fallback = "100", .min = 1, .max = 1e6,
     .doc = "Clusters at a time; series of more are refused. One silent for 30 min gives way."},
};
static const struct ax_section ha_tracker = {
    "ha_tracker",
    "Replicas of one Prometheus that send the same series: the first "
    "that is heard of a cluster is taken, the samples of the others "
    "are dropped, and counted. As in Cortex and Mimir.",
    ha_keys,
    COUNT_OF(ha_keys),
    0,
    NO_PLACE};

static const struct ax_key global_keys[] = {
    {"step", AX_KEY_DURATION, GLOBAL(step_ms), .fallback = "15s", .min = 100, .max = DAY,
     .doc = "How often jobs are evaluated, at multiples of it since the epoch."},
    {"evaluation_delay", AX_KEY_DURATION, GLOBAL(evaluation_delay_ms), .fallback = "10s", .max = DAY,
     .doc = "How long a step waits for its samples to arrive."},
    {"time_zone", AX_KEY_STRING, GLOBAL(time_zone), .fallback = "UTC",
     .doc = "Time zone of months and days: a name of the IANA database, such as `Europe/Berlin`."},
    {"external_labels", AX_KEY_LABELS, GLOBAL(external_labels), .fallback = "{}", .max = 64,
     .doc = "Labels added to every output series that does not have them."},
    {"drop_labels", AX_KEY_STRINGS, GLOBAL(drop_labels),
     .n_offset = offsetof(struct ax_config, drop_labels_n), .fallback = "[__replica__]", .max = 64,
     .doc = "Labels removed from every incoming series, so that replicas of one sender become one series."},
    {"ha_tracker", AX_KEY_SECTION, .section = &ha_tracker},
};
static const struct ax_section global = {
    "global", "What all jobs share.", global_keys, COUNT_OF(global_keys), 0, NO_PLACE};

static const struct ax_key basic_auth_keys[] = {
    {"username", AX_KEY_STRING, HTTP(who.basic_user), .doc = "User name; or use `username_file`."},
    {"username_file", AX_KEY_STRING, HTTP(who.basic_user_file), .doc = "File to read the user name from."},
    {"password", AX_KEY_SECRET, HTTP(who.basic_password), .doc = "Password; or use `password_file`."},
    {"password_file", AX_KEY_STRING, HTTP(who.basic_password_file), .doc = "File to read the password from."},
};
static const struct ax_section basic_auth = {
    "basic_auth", "HTTP basic authentication.", basic_auth_keys, COUNT_OF(basic_auth_keys), 0, NO_PLACE};

static const struct ax_key authorization_keys[] = {
    {"type", AX_KEY_STRING, HTTP(who.auth_type), .fallback = "Bearer",
     .doc = "Scheme of the Authorization header."},
    {"credentials", AX_KEY_SECRET, HTTP(who.auth_credentials), .doc = "Token; or use `credentials_file`."},
    {"credentials_file", AX_KEY_STRING, HTTP(who.auth_credentials_file),
     .doc = "File to read the token from."},
};
static const struct ax_section authorization = {
    "authorization", "The Authorization header.", authorization_keys, COUNT_OF(authorization_keys), 0,
    NO_PLACE};

static const struct ax_key tls_keys[] = {
    {"ca_file", AX_KEY_STRING, TRANSPORT(ca_file), .doc = "CA certificates; default the system's."},
    {"cert_file", AX_KEY_STRING, TRANSPORT(cert_file), .doc = "Client certificate; needs `key_file`."},
    {"key_file", AX_KEY_STRING, TRANSPORT(key_file), .doc = "Key of the client certificate."},
    {"server_name", AX_KEY_STRING, TRANSPORT(server_name),
     .doc = "Name to check the server's certificate against. A redirect to another host is checked against "
            "that host's own."},
    {"min_version", AX_KEY_CHOICE, TRANSPORT(min_version), .choices = tls_versions, .fallback = "TLS12",
     .doc = "Lowest TLS version."},
    {"max_version", AX_KEY_CHOICE, TRANSPORT(max_version), .choices = tls_versions,
     .doc = "Highest TLS version; default the highest that there is."},
    {"ca", AX_KEY_STRING, TRANSPORT(ca), .doc = "The same as `ca_file`, as text."},
    {"cert", AX_KEY_STRING, TRANSPORT(cert), .doc = "The same as `cert_file`, as text."},
    {"key", AX_KEY_SECRET, TRANSPORT(key), .doc = "The same as `key_file`, as text."},
    {"insecure_skip_verify", AX_KEY_BOOL, TRANSPORT(insecure_skip_verify), .fallback = "false",
     .doc = "Do not verify the server's certificate."},
};
static const struct ax_section tls = {"tls_config", "TLS of the client.", tls_keys, COUNT_OF(tls_keys), 0,
                                      NO_PLACE};

static const struct ax_key proxy_keys[] = {
    {"proxy_url", AX_KEY_URL, TRANSPORT(proxy_url), .doc = "HTTP proxy."},
    {"no_proxy", AX_KEY_STRING, TRANSPORT(no_proxy),
     .doc = "Hosts, domains and networks that are reached without the proxy, with commas between them."},
    {"proxy_from_environment", AX_KEY_BOOL, TRANSPORT(proxy_from_environment), .fallback = "false",
     .doc = "Take the proxy from HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as they are at the start."},
    {"proxy_connect_header", AX_KEY_HEADERS, TRANSPORT(proxy_headers),
     .n_offset = offsetof(struct ax_http_transport, proxy_headers_n), .max = 64,
     .doc = "HTTP headers for the proxy alone, by name; each a value or a list of them."},
};
static const struct ax_section proxy = {"proxy", "Proxies.", proxy_keys, COUNT_OF(proxy_keys), 0, NO_PLACE};

static const struct ax_key oauth2_keys[] = {
    {"client_id", AX_KEY_STRING, OAUTH2(client_id), .required = true, .doc = "Name of the client."},
    {"client_secret", AX_KEY_SECRET, OAUTH2(client_secret),
     .doc = "Its secret; or use `client_secret_file`."},
    {"client_secret_file", AX_KEY_STRING, OAUTH2(client_secret_file),
     .doc = "File to read the secret from, for each token."},
    {"token_url", AX_KEY_URL, OAUTH2(token_url), .required = true, .doc = "Where tokens are asked for."},
    {"scopes", AX_KEY_STRINGS, OAUTH2(scopes), .n_offset = offsetof(struct ax_http_oauth2, scopes_n),
     .max = 64, .doc = "What the token is for."},
    {"endpoint_params", AX_KEY_HEADERS, OAUTH2(params), .n_offset = offsetof(struct ax_http_oauth2, params_n),
     .max = 64, .doc = "More parameters of that request, by name."},
    {"tls_config", AX_KEY_SECTION, OAUTH2(transport), .section = &tls},
    {"", AX_KEY_INLINE, OAUTH2(transport), .section = &proxy},
};
static const struct ax_section oauth2 = {"oauth2",    "Tokens by the client-credentials grant of OAuth 2.0.",
                                         oauth2_keys, COUNT_OF(oauth2_keys),
                                         0,           NO_PLACE};

static const struct ax_key http_keys[] = {
    {"headers", AX_KEY_HEADERS, HTTP(headers), .n_offset = offsetof(struct ax_http_client_options, headers_n),
     .max = 64, .doc = "HTTP headers to send, by name. Those that Auspex itself sets are refused."},
    {"basic_auth", AX_KEY_SECTION, .section = &basic_auth},
    {"authorization", AX_KEY_SECTION, .section = &authorization},
    {"tls_config", AX_KEY_SECTION, HTTP(transport), .section = &tls},
    {"oauth2", AX_KEY_SECTION, HTTP(who.oauth2),
     .n_offset = offsetof(struct ax_http_client_options, who.oauth2.given), .section = &oauth2},
    {"", AX_KEY_INLINE, HTTP(transport), .section = &proxy},
    {"follow_redirects", AX_KEY_BOOL, HTTP(follow_redirects), .fallback = "true",
     .doc = "Follow HTTP redirects."},
    {"enable_http2", AX_KEY_INERT, .doc = "requests are HTTP/1.1"},
    {"http_headers", AX_KEY_REFUSED, .doc = "use headers"},
    {"bearer_token", AX_KEY_REFUSED, .doc = "use authorization: { credentials: ... }"},
    {"bearer_token_file", AX_KEY_REFUSED, .doc = "use authorization: { credentials_file: ... }"},
};
static const struct ax_section http = {"http", "HTTP client.", http_keys, COUNT_OF(http_keys), 0, NO_PLACE};

static const struct ax_key queue_keys[] = {
    {"capacity", AX_KEY_INERT, .doc = "the queue is on the disk; --storage.queue.max-size is its limit"},
    {"max_shards", AX_KEY_COUNT, WRITE(max_shards), .fallback = "1", .min = 1, .max = 64,
     .doc = "Senders in parallel; a series always goes through the same one, so that its order is kept."},
    {"min_shards", AX_KEY_INERT, .doc = "there are always max_shards senders"},
    {"max_samples_per_send", AX_KEY_COUNT, WRITE(max_samples_per_send), .fallback = "2000", .min = 1,
     .max = 100000, .doc = "Samples in one request."},
    {"batch_send_deadline", AX_KEY_DURATION, WRITE(batch_send_deadline_ms), .fallback = "5s", .min = 1,
     .max = 3600000, .doc = "How long a sample waits for a request to fill up."},
    {"min_backoff", AX_KEY_DURATION, WRITE(min_backoff_ms), .fallback = "30ms", .min = 1, .max = 3600000,
     .doc = "First wait before a request is sent again; doubles each time."},
    {"max_backoff", AX_KEY_DURATION, WRITE(max_backoff_ms), .fallback = "5s", .min = 1, .max = 3600000,
     .doc = "Longest wait before a request is sent again."},
    {"retry_on_http_429", AX_KEY_BOOL, WRITE(retry_on_http_429), .fallback = "true",
     .doc = "Send again after 429 Too Many Requests."},
    {"sample_age_limit", AX_KEY_DURATION, WRITE(sample_age_limit_ms), .fallback = "50m", .min = 1000,
     .max = MS_MAX,
     .doc = "Older samples are dropped, and counted: a Prometheus refuses what is older than its head."},
};
static const struct ax_section queue = {
    "queue_config", "Queue and retries of one endpoint.", queue_keys, COUNT_OF(queue_keys), 0, NO_PLACE};

static const struct ax_key relabel_keys[] = {
    {"source_labels", AX_KEY_STRINGS, RELABEL(source_labels),
     .n_offset = offsetof(struct ax_relabel_spec, source_labels_n), .max = 64,
     .doc = "Labels whose values are joined and matched."},
    {"separator", AX_KEY_STRING, RELABEL(separator), .doc = "Between the joined values; `;` when not given."},
    {"regex", AX_KEY_STRING, RELABEL(regex), .doc = "Anchored expression; `(.*)` when not given."},
    {"modulus", AX_KEY_COUNT64, RELABEL(modulus), .min = 1, .max = 9e15,
     .doc = "Of the hash, for `hashmod`."},
    {"target_label", AX_KEY_STRING, RELABEL(target_label), .doc = "Label that is written."},
    {"replacement", AX_KEY_STRING, RELABEL(replacement), .doc = "What is written; `$1` when not given."},
    {"action", AX_KEY_ENUM, RELABEL(action), .choices = actions, .fallback = "replace",
     .doc = "What the rule does."},
};
static const struct ax_section relabel = {"write_relabel_configs",
                                          "Prometheus's relabelling, on output series.",
                                          relabel_keys,
                                          COUNT_OF(relabel_keys),
                                          sizeof(struct ax_relabel_spec),
                                          NO_PLACE};

static const struct ax_key write_keys[] = {
    {"url", AX_KEY_URL, WRITE(url), .required = true,
     .doc = "Where to send, e.g. `http://127.0.0.1:9090/api/v1/write`."},
    {"name", AX_KEY_STRING, WRITE(name), .fallback = "(the URL's host)",
     .doc = "Name in logs and self-metrics; must be unique."},
    {"remote_timeout", AX_KEY_DURATION, WRITE(remote_timeout_ms), .fallback = "30s", .min = 1, .max = 3600000,
     .doc = "Timeout of one request; with `oauth2` also of each for a token."},
    {"protobuf_message", AX_KEY_ENUM, WRITE(protocol), .choices = protocols,
     .fallback = "prometheus.WriteRequest",
     .doc = "Remote-write 1.0 or 2.0; 2.0 falls back where the receiver does not speak it."},
    {"", AX_KEY_INLINE, WRITE(http), .section = &http},
    {"queue_config", AX_KEY_SECTION, .section = &queue},
    {"write_relabel_configs", AX_KEY_SECTIONS, WRITE(relabel_spec),
     .n_offset = offsetof(struct ax_remote_write, relabel_n), .max = 1000, .section = &relabel},
    {"send_exemplars", AX_KEY_INERT, .doc = "outputs have no exemplars"},
    {"send_native_histograms", AX_KEY_INERT, .doc = "outputs are no histograms"},
    {"metadata_config", AX_KEY_INERT, .doc = "metadata is not sent"},
    {"sigv4", AX_KEY_REFUSED, .doc = "put a signing proxy in front and name it as url"},
    {"azuread", AX_KEY_REFUSED, .doc = "put a signing proxy in front and name it as url"},
    {"google_iam", AX_KEY_REFUSED, .doc = "put a signing proxy in front and name it as url"},
};
static const struct ax_section remote_write = {
    "remote_write",
    "Where results are sent: a list of endpoints, each with its own queue.",
    write_keys,
    COUNT_OF(write_keys),
    sizeof(struct ax_remote_write),
    offsetof(struct ax_remote_write, place)};

static const struct ax_key read_keys[] = {
    {"url", AX_KEY_URL, READ(url), .required = true,
     .doc = "Where to read, e.g. `http://127.0.0.1:9090/api/v1/read`."},
    {"name", AX_KEY_STRING, READ(name), .fallback = "(the URL's host)",
     .doc = "Name in logs and self-metrics; must be unique."},
    {"backfill", AX_KEY_DURATION, READ(backfill_ms), .fallback = "14d", .max = MS_MAX,
     .doc = "How much history to fetch for series that lack it: at start, and when new ones are wanted; "
            "0s: none."},
    {"required_matchers", AX_KEY_LABELS, READ(required_matchers), .fallback = "{}", .max = 64,
     .doc = "Only selectors that ask for all of these labels by `=` are read from here."},
    {"chunked_read_limit", AX_KEY_COUNT, READ(chunked_read_limit), .fallback = "50000000", .min = 1024,
     .max = 1e9, .doc = "Most bytes of one frame of a streamed answer."},
    {"remote_timeout", AX_KEY_DURATION, READ(remote_timeout_ms), .fallback = "1m", .min = 1, .max = 3600000,
     .doc = "Timeout of one request; with `oauth2` also of each for a token."},
    {"", AX_KEY_INLINE, READ(http), .section = &http},
    {"read_recent", AX_KEY_INERT, .doc = "recent times are read too"},
    {"filter_external_labels", AX_KEY_INERT, .doc = "selectors are asked as the jobs have them"},
};
static const struct ax_section remote_read = {"remote_read",
                                              "Where history is read from: a list of endpoints.",
                                              read_keys,
                                              COUNT_OF(read_keys),
                                              sizeof(struct ax_remote_read),
                                              offsetof(struct ax_remote_read, place)};

static const struct ax_key calendar_keys[] = {
    {"name", AX_KEY_STRING, CALENDAR(name), .required = true, .doc = "Unique; jobs name it in `calendars`."},
    {"cron", AX_KEY_STRING, CALENDAR(cron),
     .doc = "When events begin: minute, hour, day of month, month, day of week, as in crontab(5); "
            "`0 2 * * 1-5` is 02:00 from Monday to Friday. Or use `ical_file`."},
    {"duration", AX_KEY_DURATION, CALENDAR(duration_ms), .fallback = "1h", .min = 1000, .max = 31 * DAY,
     .doc = "How long an event of `cron` lasts."},
    {"ical_file", AX_KEY_STRING, CALENDAR(ical_file),
     .doc = "iCalendar file (RFC 5545); recurring events are expanded. Read again at a reload."},
    {"time_zone", AX_KEY_STRING, CALENDAR(time_zone), .fallback = "UTC",
     .doc = "Zone of the time zone database, e.g. `Europe/Berlin`, of times that name none."},
    {"skip", AX_KEY_STRINGS, CALENDAR(skip), .n_offset = offsetof(struct ax_calendar_config, skip_n),
     .fallback = "([alerts, learning])", .max = 2,
     .doc = "What does not happen during an event. `alerts`: scores stay at most 1. `learning`: models see a "
            "gap. Without `learning` (`[]`: holidays) the forecast learns what is different at these times."},
};
static const struct ax_section calendars = {"calendars",
                                            "Events that are no anomalies, or from which nothing is to be "
                                            "learnt: a list. Jobs name those that count for "
                                            "them.",
                                            calendar_keys,
                                            COUNT_OF(calendar_keys),
                                            sizeof(struct ax_calendar_config),
                                            offsetof(struct ax_calendar_config, place)};

static const struct ax_key classes_keys[] = {
    {"good", AX_KEY_NUMBER, JOB(forecast.classes.good), .required = true, .min = -1e300, .max = 1e300,
     .doc = "Up to it a value is good; from it on where `bad` is the lower one."},
    {"bad", AX_KEY_NUMBER, JOB(forecast.classes.bad), .required = true, .min = -1e300, .max = 1e300,
     .doc = "From it on a value is bad; up to it where it is the lower one. Between them it is degraded."},
};
static const struct ax_section classes = {
    "classes",
    "Thresholds, in the unit of the input: makes `predicted_class_probability`, the probabilities that a "
    "forecast turns out `good`, `degraded` or `bad`.",
    classes_keys,
    COUNT_OF(classes_keys),
    0,
    NO_PLACE};

static const struct ax_key lstm_keys[] = {
    {"preset", AX_KEY_CHOICE, JOB(forecast.lstm.preset), .choices = presets, .fallback = "datacenter",
     .doc =
         "`datacenter`: LSTM 128 and 64, dense 32 and 16. `internet`: LSTM 64 and 32 with dropout 0.2, dense "
         "16. "
         "`dwcp`: as `internet`, for a network fabric, whose features begin with what they tell of: "
         "topology, latency, throughput, loss, mode, compression, streams, error_budget or consensus "
         "(`latency_p99`); "
         "time is an input of its own."},
    {"sequence", AX_KEY_COUNT, JOB(forecast.lstm.sequence), .fallback = "10", .min = 2, .max = 256,
     .doc = "Steps that it sees one by one."},
    {"categorical", AX_KEY_STRINGS, JOB(forecast.lstm.categorical),
     .n_offset = offsetof(struct ax_job_config, forecast.lstm.categorical_n), .max = 8,
     .doc = "Labels of the series whose values are inputs, e.g. `[link_type, tier]`; of each at most 32 "
            "values."},
    {"fit_every", AX_KEY_DURATION, JOB(forecast.lstm.fit_every_ms),
     .fallback = "(the span of the fine window)", .min = 60000, .max = 30 * DAY,
     .doc = "Time between fits; sooner while there is less history than that."},
    {"epochs", AX_KEY_COUNT, JOB(forecast.lstm.epochs), .fallback = "12", .min = 1, .max = 1000,
     .doc = "Most passes over what it learns from, in each of two rolling folds."},
    {"patience", AX_KEY_COUNT, JOB(forecast.lstm.patience), .fallback = "3", .min = 1, .max = 1000,
     .doc = "Passes without progress on data that it does not learn from, after which a fold ends."},
    {"learning_rate", AX_KEY_NUMBER, JOB(forecast.lstm.rate), .fallback = "0.002", .min = 1e-6, .max = 1,
     .doc = "Of Adam, at the beginning of a fold; it falls to a twentieth. A search "
            "(`models.search_trials`, `auspex train --search.trials=N`) looks for this, `l2`, `dropout`, "
            "`units` and "
            "`sequence`."},
    {"l2", AX_KEY_NUMBER, JOB(forecast.lstm.l2), .fallback = "0.00001", .max = 1,
     .doc = "Weight of the squared weights in the loss."},
    {"dropout", AX_KEY_NUMBER, JOB(forecast.lstm.dropout), .fallback = "(that of the preset)", .max = 0.9,
     .doc = "Share of the last LSTM's outputs that are left out in training."},
    {"units", AX_KEY_NUMBER, JOB(forecast.lstm.units), .fallback = "1", .min = 0.05, .max = 1,
     .doc = "Share of the units of each of the preset's layers that the network has."},
    {"max_rows", AX_KEY_COUNT, JOB(forecast.lstm.rows_max), .fallback = "20000", .min = 256, .max = 1e6,
     .doc = "Moments of all series that it learns from, chosen evenly."},
};
static const struct ax_section lstm = {"lstm",
                                       "A neural network over all series of the job, one more member of "
                                       "their portfolios: given, even as `{}`, it is fitted "
                                       "beside the service as soon as a quarter of the fine window is "
                                       "filled, and then on schedule. With `features` it sees "
                                       "those of the series' entity too.",
                                       lstm_keys,
                                       COUNT_OF(lstm_keys),
                                       0,
                                       NO_PLACE};

static const struct ax_key trees_keys[] = {
    {"fit_every", AX_KEY_DURATION, JOB(forecast.trees.fit_every_ms),
     .fallback = "(the span of the fine window)", .min = 60000, .max = 30 * DAY,
     .doc = "Time between fits; sooner while there is less history than that."},
    {"rounds", AX_KEY_COUNT, JOB(forecast.trees.rounds), .fallback = "100", .min = 1,
     .max = AX_TREES_ROUNDS_MAX,
     .doc = "Most trees for each horizon; with `depth` they must fit into a model file, which has 10 MiB."},
    {"depth", AX_KEY_COUNT, JOB(forecast.trees.depth), .fallback = "4", .min = 1, .max = 8,
     .doc = "Questions that a tree asks at most, one after another."},
    {"patience", AX_KEY_COUNT, JOB(forecast.trees.patience), .fallback = "10", .min = 1, .max = 500,
     .doc = "Rounds without progress on data that it does not learn from, after which it stops."},
    {"max_rows", AX_KEY_COUNT, JOB(forecast.trees.rows_max), .fallback = "20000", .min = 256, .max = 1e6,
     .doc = "Moments of all series that it learns from, chosen evenly."},
};
static const struct ax_section trees = {
    "trees",
    "Gradient-boosted trees (XGBoost) over all series of the job, on the "
    "vector of [features](features.md) of each: one more member of their "
    "portfolios, fitted as `lstm` is. With `features` they see those of "
    "the series' entity too. A search looks for `rounds`, `depth` and `patience`. Needs "
    "`window.fine` of 256 at least, and a build with libxgboost.",
    trees_keys,
    COUNT_OF(trees_keys),
    0,
    NO_PLACE};

static const struct ax_key forecast_keys[] = {
    {"output", AX_KEY_STRING, JOB(forecast.output), .fallback = "(predicted_<name of the job>)",
     .doc = "Name of the output metric; `_lower` and `_upper` are its interval."},
    {"horizons", AX_KEY_DURATIONS, JOB(forecast.horizons_ms),
     .n_offset = offsetof(struct ax_job_config, forecast.horizons_n),
     .fallback = "([1m, 5m, 15m, 1h]; with a step above 1m: 1, 5, 15 and 60 steps)", .min = 1, .max = 16,
     .doc = "How far ahead: multiples of the step, at most 7d."},
    {"targets", AX_KEY_STRINGS, JOB(forecast.targets),
     .n_offset = offsetof(struct ax_job_config, forecast.targets_n), .max = 64,
     .doc = "Features to forecast; for a job without `expr`. Adds the label `feature`."},
    {"level", AX_KEY_NUMBER, JOB(forecast.level), .fallback = "0.9", .min = 0.5, .max = 1, .open = true,
     .doc = "Share of actuals that the interval is to hold."},
    {"nonnegative", AX_KEY_AUTO, JOB(forecast.nonnegative), .fallback = "auto",
     .doc = "Forecasts never below 0; `auto`: as long as the series has not been."},
    {"refit", AX_KEY_DURATION, JOB(forecast.refit_ms), .fallback = "1h", .min = 1000, .max = 30 * DAY,
     .doc = "Time between refits of the models of a series; at least 48 steps."},
    {"members", AX_KEY_STRINGS, JOB(forecast.members),
     .n_offset = offsetof(struct ax_job_config, forecast.members_n),
     .fallback = "(those that earn their cost: docs/forecasting.md)", .max = 32,
     .doc = "What a forecast is combined from, beside the last value: names of docs/forecasting.md. Those "
            "that earn no "
            "weight on a job are asked rarely, so there is seldom need to name them."},
    {"time_zone", AX_KEY_STRING, JOB(forecast.time_zone), .fallback = "(global.time_zone)",
     .doc = "As `global.time_zone`: seasons of a day and of a week follow its clocks, also over a change to "
            "or from "
            "daylight saving time."},
    {"peak", AX_KEY_BOOL, JOB(forecast.peak), .fallback = "false",
     .doc =
         "Also `<output>_peak`: the highest that the upper bound gets on the way to each horizon. It never "
         "falls with the horizon; for autoscalers."},
    {"classes", AX_KEY_SECTION, .n_offset = offsetof(struct ax_job_config, forecast.classes.enabled),
     .section = &classes},
    {"lstm", AX_KEY_SECTION, .n_offset = offsetof(struct ax_job_config, forecast.lstm.enabled),
     .section = &lstm},
    {"trees", AX_KEY_SECTION, .n_offset = offsetof(struct ax_job_config, forecast.trees.enabled),
     .section = &trees},
};
static const struct ax_section forecast = {
    "forecast", "Forecasts, with an interval.", forecast_keys, COUNT_OF(forecast_keys), 0, NO_PLACE};

static const struct ax_key capacity_keys[] = {
    {"expr", AX_KEY_EXPR, JOB(capacity.expr),
     .doc =
         "PromQL: the capacity of each series, in its unit. 0: it is down; below 0: unknown. Needed unless "
         "there is `value`."},
    {"on", AX_KEY_STRINGS, JOB(capacity.on), .n_offset = offsetof(struct ax_job_config, capacity.on_n),
     .fallback = "(all labels but the metric's name)", .max = 32,
     .doc = "Labels by which results of `expr` find their series."},
    {"value", AX_KEY_NUMBER, JOB(capacity.value), .fallback = "0", .max = 1e300,
     .doc = "Capacity of series for which `expr` says nothing, or that it is unknown; 0: none."},
    {"share", AX_KEY_NUMBER, JOB(capacity.share), .fallback = "0.8", .min = 0, .max = 1,
     .doc = "Share of the capacity from which on a series counts as saturated; above 0."},
};
static const struct ax_section capacity = {
    "capacity",
    "What a forecast is compared with, for example the speed of a link: makes `predicted_headroom_ratio` and "
    "`predicted_saturation_seconds`. Needs `expr` and `forecast` of the job.",
    capacity_keys,
    COUNT_OF(capacity_keys),
    0,
    NO_PLACE};

static const struct ax_key billing_keys[] = {
    {"percentile", AX_KEY_NUMBER, JOB(billing.percentile), .fallback = "95", .min = 90, .max = 100,
     .doc = "The share of intervals, in percent, that are not above what is billed; by nearest rank."},
    {"interval", AX_KEY_DURATION, JOB(billing.interval_ms), .fallback = "(the larger of 5m and the step)",
     .min = 60000, .max = DAY,
     .doc = "Values are averaged over it before they count. A multiple of the step."},
    {"day", AX_KEY_COUNT, JOB(billing.day), .fallback = "1", .min = 1, .max = 28,
     .doc = "Day of the month, at midnight of which a billing month begins."},
    {"time_zone", AX_KEY_STRING, JOB(billing.time_zone), .fallback = "(global.time_zone)",
     .doc = "As `global.time_zone`, for the months of this job."},
};
static const struct ax_section billing = {
    "billing",
    "The percentile of this month by which traffic is paid for: makes `billing_percentile`, "
    "`predicted_billing_percentile` and `billing_observed_ratio`. Needs `expr`.",
    billing_keys,
    COUNT_OF(billing_keys),
    0,
    NO_PLACE};

static const struct ax_key ensemble_keys[] = {
    {"members", AX_KEY_STRINGS, JOB(anomaly.ensemble.members),
     .n_offset = offsetof(struct ax_job_config, anomaly.ensemble.members_n),
     .fallback = "([forest, covariance, pca, kmeans, autoencoder, variational])", .max = 7,
     .doc = "Detectors of the ensemble; there is also `sequence`."},
    {"extended", AX_KEY_BOOL, JOB(anomaly.ensemble.extended), .fallback = "false",
     .doc = "The forest cuts obliquely, through two features at once."},
    {"retrain", AX_KEY_DURATION, JOB(anomaly.ensemble.retrain_ms), .fallback = "30d", .min = 60000,
     .max = 365 * DAY,
     .doc = "Longest time between trainings of the ensemble; before that each time the past has doubled."},
};
static const struct ax_section ensemble = {"ensemble",
                                           "Detectors that look at all features of an entity together.",
                                           ensemble_keys,
                                           COUNT_OF(ensemble_keys),
                                           0,
                                           NO_PLACE};

static const struct ax_key anomaly_keys[] = {
    {"model", AX_KEY_CHOICE, JOB(anomaly.model), .choices = models, .fallback = "default",
     .doc = "Which detectors. Of entities `default` and `ensemble` are the same: each feature's own and, "
            "once they have learnt, the ensemble; `latency`: each feature's own and an LSTM autoencoder over "
            "the last 20 steps of all; `features`: the former alone. A series has its own in any case."},
    {"ensemble", AX_KEY_SECTION, .section = &ensemble},
    {"false_alarm_rate", AX_KEY_NUMBER, JOB(anomaly.false_alarm_rate), .fallback = "0.001", .min = 0,
     .max = 0.5, .open = true, .doc = "Share of normal points whose score may exceed 1."},
    {"detection_direction", AX_KEY_CHOICE, JOB(anomaly.detection_direction), .choices = directions,
     .fallback = "both", .doc = "Which deviations count."},
    {"min_dev_from_expected", AX_KEY_NUMBER, JOB(anomaly.min_dev_from_expected), .fallback = "0",
     .max = 1e300, .doc = "Smaller deviations are never anomalies; in the unit of the input."},
    {"min_rel_dev_from_expected", AX_KEY_NUMBER, JOB(anomaly.min_rel_dev_from_expected), .fallback = "0",
     .max = 1e6, .doc = "The same as a ratio of the expected value."},
    {"data_range", AX_KEY_STRINGS, JOB(anomaly.data_range),
     .n_offset = offsetof(struct ax_job_config, anomaly.data_range_n), .max = 2,
     .doc = "`[lowest, highest]` value that can be, -Inf and +Inf for none; one outside is an anomaly by "
            "itself."},
    {"min_duration", AX_KEY_DURATION, JOB(anomaly.min_duration_ms), .fallback = "0s", .max = 7 * DAY,
     .doc = "Scores stay at 1 at most until an abnormality has lasted so long."},
    {"score_absence", AX_KEY_BOOL, JOB(anomaly.score_absence), .fallback = "false",
     .doc = "A series that stops, or is absent for twice as long as ever, scores as an anomaly (3), from its "
            "second step on and once more is missing than one scrape that fails makes, for 240 "
            "steps, an hour at least and four at most (24 steps at least); an entity does when a feature of "
            "it is absent, the more the more "
            "of them are, up to 6. `anomaly_absent` tells."},
    {"contributions", AX_KEY_COUNT, JOB(anomaly.contributions), .fallback = "3", .min = 1, .max = 8,
     .doc = "Features of an entity that `anomaly_contribution` names at most."},
    {"members", AX_KEY_STRINGS, JOB(anomaly.members),
     .n_offset = offsetof(struct ax_job_config, anomaly.members_n),
     .fallback = "(forecast, neighbours, level)", .max = 8,
     .doc =
         "What a score is made of: `forecast` (its residual), `neighbours` (of the last 4 values), `level`, "
         "`difference` (to the value before), `polynomial` (a smooth curve), `sub_pca` (the shape of the "
         "last period)."},
};
static const struct ax_section anomaly = {"anomaly", "Anomaly scores.", anomaly_keys, COUNT_OF(anomaly_keys),
                                          0,         NO_PLACE};

static const struct ax_key drift_keys[] = {
    {"reference", AX_KEY_COUNT, JOB(drift.reference), .fallback = "960", .min = 30, .max = 100000,
     .doc = "Steps of the reference window."},
    {"current", AX_KEY_COUNT, JOB(drift.current), .fallback = "240", .min = 30, .max = 100000,
     .doc = "Steps of the current window, which follows it."},
    {"interval", AX_KEY_DURATION, JOB(drift.interval_ms), .fallback = "(the larger of 10 steps and 1m)",
     .min = 100, .max = 30 * DAY, .doc = "Time between tests."},
    {"stream", AX_KEY_ENUM, JOB(drift.stream), .choices = streams, .fallback = "none",
     .doc =
         "Streaming detector on the mean error of the forecasts at each step, in multiples of that of "
         "the first 240; `drift_detected{kind=\"accuracy\"}` is 1 for `current` steps after that has risen."},
    {"distribution", AX_KEY_BOOL, JOB(drift.distribution), .fallback = "false",
     .doc = "Send `feature_distribution`: 20 series a feature."},
    {"per", AX_KEY_ENUM, JOB(drift.per), .choices = drift_pers, .fallback = "job",
     .doc = "`entity`: beside the job as a whole each entity (the `by` labels; without `by` each series) is "
            "tested, against its own past. Its series have its labels and `per=\"entity\"`."},
    {"max_entities", AX_KEY_COUNT, JOB(drift.max_entities), .fallback = "64", .min = 1, .max = 1000,
     .doc = "Entities that `per: entity` tests at most, each once in an `interval`, spread over its steps. A "
            "test takes about 0.3 ms of each feature; a step has at most 200, and what is left is tested in "
            "the next ones."},
};
static const struct ax_section drift = {
    "drift", "Drift tests between two windows.", drift_keys, COUNT_OF(drift_keys), 0, NO_PLACE};

static const struct ax_key job_model_keys[] = {
    {"promotion", AX_KEY_CHOICE, JOB(models.promotion), .choices = promotions, .fallback = "shadow",
     .doc =
         "How a newer version comes into service. `shadow`: it runs beside the champion, and says what it "
         "says as "
         "`*_challenger`, until it has proved better. `canary`: then it serves 5, 25, 50 and 100 % of the "
         "series first. "
         "`immediate`: at once, unless somebody has decided what serves. The first version always serves at "
         "once."},
    {"min_samples", AX_KEY_COUNT, JOB(models.min_samples), .fallback = "240", .min = 20, .max = 10000,
     .doc = "Pairs of losses before the first verdict; there are others at 2, 4, 8 and 16 times as many, and "
            "then it is retired."},
    {"min_effect", AX_KEY_NUMBER, JOB(models.min_effect), .fallback = "0.02", .min = 0, .max = 1,
     .open = true, .doc = "Share by which its mean loss must be lower, or its average precision higher."},
    {"significance", AX_KEY_NUMBER, JOB(models.significance), .fallback = "0.05", .min = 0, .max = 0.5,
     .open = true,
     .doc = "Most probability that an equal one is promoted or retired early, over all verdicts."},
    {"canary_samples", AX_KEY_COUNT, JOB(models.canary_samples), .fallback = "240", .min = 16, .max = 100000,
     .doc = "Pairs of each share of a canary."},
    {"watch_samples", AX_KEY_COUNT, JOB(models.watch_samples), .fallback = "240", .max = 100000,
     .doc = "Pairs after a promotion, whoever made it, during which the version that was replaced goes on "
            "beside the new one, which is rolled back when it is worse; 0: none."},
    {"fit_at", AX_KEY_STRING, JOB(models.fit_at), .fallback = "0 2 * * 0",
     .doc = "When a fit is begun whatever the schedule says: a cron line, in `global.time_zone`; empty: "
            "never."},
    {"drift_above", AX_KEY_NUMBER, JOB(models.drift_above), .fallback = "0.3", .max = 1,
     .doc = "A fit is begun when more than this share of the features has drifted, 1: never,"},
    {"drift_for", AX_KEY_DURATION, JOB(models.drift_for_ms), .fallback = "30m", .max = 30 * DAY,
     .doc = "for so long."},
    {"accuracy_below", AX_KEY_NUMBER, JOB(models.accuracy_below), .fallback = "0", .max = 1,
     .doc = "A fit is begun when `prediction_accuracy` at the shortest horizon, or the F1 of the alarms of "
            "which "
            "people have spoken since the newest model learnt, is below this, 0: never,"},
    {"accuracy_for", AX_KEY_DURATION, JOB(models.accuracy_for_ms), .fallback = "1h", .max = 30 * DAY,
     .doc = "for so long."},
    {"cooldown", AX_KEY_DURATION, JOB(models.cooldown_ms), .fallback = "6h", .max = 30 * DAY,
     .doc = "Least time between a fit and another one because of drift or accuracy."},
    {"search_trials", AX_KEY_COUNT, JOB(models.search_trials), .fallback = "0", .max = 1000,
     .doc = "Sets of hyper-parameters that each fit tries beside those of the configuration, where the model "
            "can be searched for; the best one is taken. 0: none."},
    {"search_max_time", AX_KEY_DURATION, JOB(models.search_ms), .fallback = "1h", .max = 7 * DAY,
     .doc = "No trial begins when its search has taken so long; 0: any time."},
    {"max_shadow_series", AX_KEY_COUNT, JOB(models.max_shadow_series), .fallback = "1000", .max = 1e6,
     .doc = "Series or entities of which it is sent, with `role=\"challenger\"`, what a version says that is "
            "tried; more are counted and left out. 0: none."},
};
static const struct ax_section job_models = {"models",
                                             "How the models that are fitted beside the job are replaced.",
                                             job_model_keys,
                                             COUNT_OF(job_model_keys),
                                             0,
                                             NO_PLACE};

static const struct ax_key target_keys[] = {
    {"horizon", AX_KEY_DURATION, JOB(targets.horizon_ms), .fallback = "(the shortest)", .min = 100,
     .max = 7 * DAY, .doc = "Forecasts are judged at the first horizon that is at least this."},
    {"wape", AX_KEY_NUMBER, JOB(targets.wape), .fallback = "0", .max = 1e6,
     .doc = "Most error of the forecasts as a ratio of the actuals, median over the series; 0: any."},
    {"mape", AX_KEY_NUMBER, JOB(targets.mape), .fallback = "0", .max = 1e6,
     .doc = "Most mean of the ratios of error and actual; 0: any."},
    {"coverage", AX_KEY_NUMBER, JOB(targets.coverage), .fallback = "0", .max = 1,
     .doc = "Least share of actuals inside the interval."},
    {"skill", AX_KEY_NUMBER, JOB(targets.skill), .fallback = "0", .min = -1e9, .max = 1,
     .doc = "Least skill: 1 - error / error of the last value. 0: no worse than that."},
    {"correlation", AX_KEY_NUMBER, JOB(targets.correlation), .fallback = "0", .max = 1,
     .doc = "Least correlation of forecasts and actuals; 0: any."},
    {"alarms_per_week", AX_KEY_NUMBER, JOB(targets.alarms_per_week), .fallback = "0", .max = 1e9,
     .doc = "Most runs of scores above 1 of a series in a week; 0: any."},
    {"false_positive_rate", AX_KEY_NUMBER, JOB(targets.false_positive_rate), .fallback = "0", .max = 1,
     .doc = "Most share of normal points that score above 1; 0: any. This and the following need labels."},
    {"precision", AX_KEY_NUMBER, JOB(targets.precision), .fallback = "0", .max = 1,
     .doc = "Least share of the points above 1 that are abnormal."},
    {"recall", AX_KEY_NUMBER, JOB(targets.recall), .fallback = "0", .max = 1,
     .doc = "Least share of the abnormal points that score above 1."},
    {"f1", AX_KEY_NUMBER, JOB(targets.f1), .fallback = "0", .max = 1, .doc = "Least harmonic mean of both."},
    {"pr_auc", AX_KEY_NUMBER, JOB(targets.pr_auc), .fallback = "0", .max = 1,
     .doc = "Least area under the curve of precision and recall."},
    {"parity", AX_KEY_STRING, JOB(targets.parity), .fallback = "",
     .doc = "A label, such as `region`: alarms and errors are compared over its values, as the job runs "
            "(`model_parity`) and by "
            "`auspex train`, and the model is flagged where they are not served alike."},
    {"parity_groups", AX_KEY_COUNT, JOB(targets.parity_groups), .fallback = "32", .min = 2, .max = 256,
     .doc = "Values of it that are told apart as the job runs, those that come first; others are counted by "
            "`auspex_parity_dropped_total`."},
};
static const struct ax_section targets = {
    "targets",   "What `auspex train` wants of the job before it calls it fit to serve.",
    target_keys, COUNT_OF(target_keys),
    0,           NO_PLACE};

static const struct ax_key window_keys[] = {
    {"fine", AX_KEY_COUNT, JOB(window_fine), .fallback = "960", .min = 60, .max = 100000,
     .doc = "Steps that models see."},
    {"coarse", AX_KEY_COUNT, JOB(window_coarse), .fallback = "4032", .min = 60, .max = 100000,
     .doc = "Points of the larger of 5 min and the step that models see beside them."},
};
static const struct ax_section window = {
    "window", "How much of the past is kept for a series.", window_keys, COUNT_OF(window_keys), 0, NO_PLACE};

static const struct ax_key job_keys[] = {
    {"name", AX_KEY_STRING, JOB(name), .required = true, .doc = "Unique; the label `for` of its outputs."},
    {"expr", AX_KEY_EXPR, JOB(expr), .doc = "PromQL: one output for each series of its result."},
    {"by", AX_KEY_STRINGS, JOB(by), .n_offset = offsetof(struct ax_job_config, by_n), .max = 64,
     .doc = "Labels that name an entity; needed with `features`."},
    {"features", AX_KEY_FEATURES, JOB(features), .n_offset = offsetof(struct ax_job_config, features_n),
     .max = 256, .doc = "Name to PromQL: the inputs of an entity."},
    {"step", AX_KEY_DURATION, JOB(step_ms), .fallback = "(global.step)", .min = 100, .max = DAY,
     .doc = "As `global.step`, for this job."},
    {"evaluation_delay", AX_KEY_DURATION, JOB(evaluation_delay_ms), .fallback = "(global.evaluation_delay)",
     .max = DAY, .doc = "As `global.evaluation_delay`, for this job."},
    {"forecast", AX_KEY_SECTION, .n_offset = offsetof(struct ax_job_config, forecast.enabled),
     .section = &forecast},
    {"capacity", AX_KEY_SECTION, .n_offset = offsetof(struct ax_job_config, capacity.enabled),
     .section = &capacity},
    {"billing", AX_KEY_SECTION, .n_offset = offsetof(struct ax_job_config, billing.enabled),
     .section = &billing},
    {"anomaly", AX_KEY_SECTION, .n_offset = offsetof(struct ax_job_config, anomaly.enabled),
     .section = &anomaly},
    {"drift", AX_KEY_SECTION, .n_offset = offsetof(struct ax_job_config, drift.enabled), .section = &drift},
    {"models", AX_KEY_SECTION, .section = &job_models},
    {"emit", AX_KEY_STRINGS, JOB(emit), .n_offset = offsetof(struct ax_job_config, emit_n),
     .fallback = "(all that the job's sections make)", .max = 64, .doc = "Outputs to send; see below."},
    {"max_series", AX_KEY_COUNT, JOB(max_series), .fallback = "10000", .min = 1, .max = 1e7,
     .doc = "Series or entities that the job models; more are counted and left out."},
    {"max_output_series", AX_KEY_COUNT, JOB(max_output_series), .fallback = "250000", .min = 1, .max = 1e9,
     .doc = "Series that the job sends; more are counted and left out."},
    {"calendars", AX_KEY_STRINGS, JOB(calendars), .n_offset = offsetof(struct ax_job_config, calendars_n),
     .max = 64,
     .doc = "Names of the calendars that count for the job. What it has learnt stays when they change."},
    {"targets", AX_KEY_SECTION, .section = &targets},
    {"window", AX_KEY_SECTION, .section = &window},
    {"series_retention", AX_KEY_DURATION, JOB(series_retention_ms), .fallback = "1d", .min = 1000,
     .max = MS_MAX, .doc = "A series gone for so long is forgotten."},
};
const struct ax_section ax_schema_job = {
    "jobs",
    "What is modelled: a list. A job needs `expr`, `features` or both, and at "
    "least one of `forecast`, `billing`, `anomaly` and `drift`.",
    job_keys,
    COUNT_OF(job_keys),
    sizeof(struct ax_job_config),
    offsetof(struct ax_job_config, place)};

static const struct ax_key model_keys[] = {
    {"approvals", AX_KEY_COUNT, GLOBAL(models.approvals), .fallback = "0", .max = 16,
     .doc = "Reviewers that must have approved of a version (`auspex models approve`) before it goes to "
            "production, whoever promotes it, or serves the first series of a canary; 0: none."},
    {"keep", AX_KEY_COUNT, GLOBAL(models.keep), .fallback = "20", .min = 1, .max = 10000,
     .doc = "Artifacts that are kept of a model: of its newest versions, beside champion, challenger and the "
            "one that a rollback returns to. What is known of a version stays."},
};
static const struct ax_section models_section = {
    "models", "The registry of models.", model_keys, COUNT_OF(model_keys), 0, NO_PLACE};

static const struct ax_key file_keys[] = {
    {"global", AX_KEY_SECTION, .section = &global},
    {"remote_write", AX_KEY_SECTIONS, GLOBAL(remote_write),
     .n_offset = offsetof(struct ax_config, remote_write_n), .max = 64, .section = &remote_write},
    {"remote_read", AX_KEY_SECTIONS, GLOBAL(remote_read),
     .n_offset = offsetof(struct ax_config, remote_read_n), .max = 64, .section = &remote_read},
    {"calendars", AX_KEY_SECTIONS, GLOBAL(calendars), .n_offset = offsetof(struct ax_config, calendars_n),
     .max = 1000, .section = &calendars},
    {"models", AX_KEY_SECTION, .section = &models_section},
    {"jobs", AX_KEY_SECTIONS, GLOBAL(jobs), .n_offset = offsetof(struct ax_config, jobs_n), .max = 1000,
     .section = &ax_schema_job},
};
const struct ax_section ax_schema_file = {
    "the file", "", file_keys, COUNT_OF(file_keys), sizeof(struct ax_config), NO_PLACE};

const struct ax_key *ax_schema_find(const struct ax_section *s, struct ax_str name, size_t *base_offset)
{
    for (size_t i = 0; i < s->keys_n; i++) {
        const struct ax_key *key = &s->keys[i];
        if (key->type == AX_KEY_INLINE) {
            const struct ax_key *found = ax_schema_find(key->section, name, base_offset);
            if (found) {
                *base_offset += key->offset;
                return found;
            }
        } else if (ax_str_eq(name, ax_str(key->name))) {
            *base_offset = 0;
            return key;
        }
    }
    return NULL;
}

#define NAMES_MAX 64

/* Gather the names of a section and of those inlined into it. */
static size_t names_of(const struct ax_section *s, const char **names, size_t n)
{
    for (size_t i = 0; i < s->keys_n && n < NAMES_MAX; i++) {
        if (s->keys[i].type == AX_KEY_INLINE)
            n = names_of(s->keys[i].section, names, n);
        else
            names[n++] = s->keys[i].name;
    }
    return n;
}

const char *ax_schema_nearest(const struct ax_section *s, struct ax_str name)
{
    const char *names[NAMES_MAX];
    return ax_str_nearest(name, names, names_of(s, names, 0));
}

const char *ax_key_type_name(enum ax_key_type type)
{
    static const char *const names[] = {
        [AX_KEY_STRING] = "string",
        [AX_KEY_SECRET] = "secret",
        [AX_KEY_URL] = "URL",
        [AX_KEY_EXPR] = "PromQL",
        [AX_KEY_DURATION] = "duration",
        [AX_KEY_COUNT] = "whole number",
        [AX_KEY_COUNT64] = "whole number",
        [AX_KEY_NUMBER] = "number",
        [AX_KEY_BOOL] = "true or false",
        [AX_KEY_AUTO] = "true, false or auto",
        [AX_KEY_CHOICE] = "choice",
        [AX_KEY_ENUM] = "choice",
        [AX_KEY_STRINGS] = "list of strings",
        [AX_KEY_DURATIONS] = "list of durations",
        [AX_KEY_LABELS] = "mapping of labels",
        [AX_KEY_HEADERS] = "mapping of headers",
        [AX_KEY_SECRETS] = "mapping of names to secrets",
        [AX_KEY_FEATURES] = "mapping of names to PromQL",
        [AX_KEY_SECTION] = "mapping",
        [AX_KEY_SECTIONS] = "list of mappings",
        [AX_KEY_INLINE] = "mapping",
        [AX_KEY_INERT] = "anything",
        [AX_KEY_REFUSED] = "nothing",
    };
    return names[type];
}
