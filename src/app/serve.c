/* serve.c: `auspex serve`: start in order, wait for signals, stop in reverse.
 *
 * Start: log, BLAS, storage lock, config, snapshot and log of what came in, training, senders, database,
 * pipeline with its jobs, what lasts into both, HTTP server, then the pipeline's thread, which first takes
 * the steps that the log has; then the process is ready. Stop: not ready, finish requests, last steps and a
 * snapshot, flush what waits to be sent. */
#include "app/serve.h"

#include "api/api.h"
#include "api/erase.h"
#include "api/explain.h"
#include "api/features.h"
#include "api/feedback.h"
#include "api/models.h"
#include "app/check.h"
#include "app/commands.h"
#include "app/confine.h"
#include "app/durable.h"
#include "app/signals.h"
#include "app/web.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/steady.h"
#include "emit/emit.h"
#include "expr/expr.h"
#include "ingest/backfill.h"
#include "ingest/receiver.h"
#include "math/blas.h"
#include "pipeline/schedule.h"
#include "store/folder.h"
#include "store/lock.h"
#include "train/registered.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#define MODEL_SEED 42
#define ROUTES (AX_API_ROUTES + 4 + AX_FEEDBACK_ROUTES + AX_FEATURES_ROUTES + AX_ERASE_ROUTES)
#define FILES_BESIDE_CONNECTIONS 256 /* those above the ceiling, senders, log segments */
#define TICK_NS 100000000            /* between two looks at memory */
#define TICKS_BETWEEN_DOORS 10       /* looks at memory between two looks at the doors */
#define HINT_NS 60000000000          /* after which somebody should have sent something */
#define REQUESTS_DEADLINE_MS 5000
#define HISTOGRAM_BYTES_MOST ((uint64_t)1 << 30) /* of one series */
#define RETENTION_SLACK_MS 60000 /* raw samples kept beyond lookback, delay and what a job may be behind */
#define SNAPSHOT_LOG_BYTES (256u << 20) /* a log longer than this is not left to a replay */
#define SNAPSHOT_INTERVAL_MIN_MS 1000

struct server {
    struct ax_serve_flags flags;
    int lock_fd;
    struct ax_steady steady; /* what can be the newest time of a sample, and what is too old */
    struct ax_durable *durable;
    struct ax_db *db;
    struct ax_emit *emit;
    struct ax_pipeline *pipeline;
    struct ax_paths *paths;
    struct ax_training *training;
    char *models_dir;                     /* folder of the registry, where searches are saved as well */
    struct ax_backfill *_Atomic backfill; /* the HTTP server runs before it */
    struct ax_receiver *receiver;
    struct ax_read_service read;
    struct ax_predict_service predict;
    struct ax_feedback feedback;
    atomic_bool teach; /* the jobs may not know what is in force of it */
    struct ax_registry *registry;
    struct ax_models_service models;
    struct ax_erase_service erase;
    struct ax_http_server *http;
    struct ax_web web;
    bool tls; /* the listener speaks it */
    struct ax_http_route routes[ROUTES + AX_MODELS_ROUTES];
    struct ax_api api;
    pthread_mutex_t reload_lock; /* a signal and a request may ask for a reload at once */
};

static bool is_own_output(const void *ctx, const struct ax_labels *ls)
{
    const struct server *s = ctx;
    return s->pipeline && ax_pipeline_is_own(s->pipeline, ls);
}

static const char *config_name(const struct server *s)
{
    return *s->flags.config_file ? s->flags.config_file : "the built-in configuration";
}

/* Load and check a config; problems are logged, the first error is the text. */
static enum ax_err load_config(const struct server *s, struct ax_config **out, struct ax_diag *diag)
{
    struct ax_problems *problems = calloc(1, sizeof *problems);
    if (!problems)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    enum ax_err err = ax_check_load(s->flags.config_file, s->flags.max_range_ms, true, out, problems);
    ax_problems_log(problems, config_name(s), "config_error", "config_warning", err, diag);
    free(problems);
    return err;
}

/* Say what is in force; done: what became of it, or "". */
static void log_loaded(const struct server *s, const char *done, uint32_t jobs, uint32_t endpoints)
{
    ax_log(AX_LOG_INFO, "config_loaded",
           "%s%s: %" PRIu32 " job%s, results to %" PRIu32 " endpoint%s of remote_write", config_name(s), done,
           jobs, jobs == 1 ? "" : "s", endpoints, endpoints == 1 ? "" : "s");
}

static void mark_reload(enum ax_err err)
{
    struct ax_clock wall = ax_clock_wall();
    ax_metric_set(ax_metric(AX_M_CONFIG_RELOAD_OK, NULL, NULL), err == AX_OK);
    if (err == AX_OK)
        ax_metric_set(ax_metric(AX_M_CONFIG_RELOAD_TIME, NULL, NULL), (double)ax_clock_now(&wall) / 1000);
}

static bool same_drop_labels(const struct ax_config *a, const struct ax_config *b)
{
    bool same = a->drop_labels_n == b->drop_labels_n;
    for (uint32_t i = 0; same && i < a->drop_labels_n; i++)
        same = ax_str_eq(a->drop_labels[i], b->drop_labels[i]);
    return same;
}

static bool same_ha(const struct ax_ha_config *a, const struct ax_ha_config *b)
{
    return a->enabled == b->enabled && ax_str_eq(a->cluster_label, b->cluster_label) &&
           ax_str_eq(a->replica_label, b->replica_label) && a->failover_ms == b->failover_ms &&
           a->clusters_max == b->clusters_max;
}

/* What cannot change while the process runs must be the same. */
static enum ax_err check_fixed(const struct ax_config *now, const struct ax_config *next,
                               struct ax_diag *diag)
{
    const char *key = !same_drop_labels(now, next)    ? "drop_labels"
                      : !same_ha(&now->ha, &next->ha) ? "ha_tracker"
                                                      : NULL;
    return key ? ax_fail(diag, AX_INVALID, "global.%s cannot change while running: restart to apply it", key)
               : AX_OK;
}

static enum ax_err set_limits(struct server *s, const struct ax_models_config *models, struct ax_diag *diag)
{
    return ax_registry_limits(s->registry, models->approvals, models->keep, diag);
}

/* What a reload puts in force besides the jobs. The endpoints come last: what waits for those that leave
 * could not be given back to them. */
static enum ax_err enact(void *ctx, const struct ax_config *now, const struct ax_config *next,
                         struct ax_diag *diag)
{
    struct server *s = ctx;
    struct ax_diag more = {{0}};
    AX_ASSERT(now);
    enum ax_err err = check_fixed(now, next, diag);
    if (err == AX_OK)
        err = set_limits(s, &next->models, diag);
    if (err != AX_OK)
        return err;
    err = ax_emit_reload(s->emit, next->remote_write, next->remote_write_n, diag);
    if (err != AX_OK && set_limits(s, &now->models, &more) != AX_OK)
        ax_log(AX_LOG_ERROR, "restore_failed", "the keys of models of before cannot be restored: %s",
               more.text);
    return err;
}

static enum ax_err reload(void *ctx, struct ax_diag *diag)
{
    struct server *s = ctx;
    struct ax_config *next = NULL;
    if (!ax_pipeline_is_current(s->pipeline))
        return ax_fail(diag, AX_BUSY, "what the jobs had learnt is still being restored: see /-/ready");
    (void)pthread_mutex_lock(&s->reload_lock);
    enum ax_err err = load_config(s, &next, diag);
    uint32_t jobs = next ? next->jobs_n : 0, endpoints = next ? next->remote_write_n : 0;
    if (err == AX_OK) {
        err = ax_pipeline_load_with(s->pipeline, next, enact, s, diag);
        if (err != AX_OK)
            ax_config_free(next);
    }
    mark_reload(err);
    if (err == AX_OK && atomic_load(&s->backfill))
        ax_backfill_reload(atomic_load(&s->backfill));
    if (err == AX_OK)
        atomic_store(&s->teach, true);
    if (err == AX_OK)
        log_loaded(s, " reloaded", jobs, endpoints);
    else
        ax_log(AX_LOG_ERROR, "config_reload_failed", "the configuration of before stays in force: %s",
               diag->text);
    (void)pthread_mutex_unlock(&s->reload_lock);
    return err;
}

static uint64_t secret_seed(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint64_t)ax_mono_ns();
    return seed;
}

/* The largest evaluation delay: raw samples must outlive it. */
static int64_t longest_delay(const struct ax_config *config)
{
    int64_t delay_ms = 0;
    for (uint32_t i = 0; i < config->jobs_n; i++)
        if (config->jobs[i].evaluation_delay_ms > delay_ms)
            delay_ms = config->jobs[i].evaluation_delay_ms;
    return delay_ms;
}

static bool fsync_always(const struct ax_serve_flags *f)
{
    return strcmp(f->fsync, "always") == 0;
}

static enum ax_err start_emit(struct server *s, const struct ax_config *config, struct ax_diag *diag)
{
    char *dir = NULL;
    if (asprintf(&dir, "%s/outgoing", s->flags.storage_path) < 0)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    const struct ax_emit_options emit = {.endpoints = config->remote_write,
                                         .endpoints_n = config->remote_write_n,
                                         .dir = dir,
                                         .max_bytes = s->flags.queue_max,
                                         .fsync_always = fsync_always(&s->flags),
                                         .clock = ax_steady_early_clock(&s->steady),
                                         .seed = secret_seed(),
                                         .hurry = ax_signals_hurry()};
    enum ax_err err = ax_emit_start(&emit, &s->emit, diag);
    free(dir);
    return err;
}

static enum ax_err sync_emit(void *ctx, struct ax_diag *diag)
{
    const struct server *s = ctx;
    return ax_emit_sync(s->emit, diag);
}

/* The log of what came in, and the newest snapshot. */
static enum ax_err open_durable(struct server *s, struct ax_diag *diag)
{
    const struct ax_durable_options options = {.path = s->flags.storage_path,
                                               .segment_bytes = s->flags.wal_segment_bytes,
                                               .fsync_always = fsync_always(&s->flags)};
    return ax_durable_open(&options, &s->durable, diag);
}

/* What people have said. */
static enum ax_err open_events(struct server *s, struct ax_diag *diag)
{
    char *path = NULL;
    if (asprintf(&path, "%s/events.db", s->flags.storage_path) < 0)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    enum ax_err err = ax_events_open(path, s->flags.events_max, &s->feedback.events, diag);
    free(path);
    return err;
}

static enum ax_err open_registry(struct server *s, const struct ax_models_config *models,
                                 struct ax_diag *diag)
{
    if (asprintf(&s->models_dir, "%s/models", s->flags.storage_path) < 0) {
        s->models_dir = NULL;
        return ax_fail(diag, AX_NOMEM, "out of memory");
    }
    const struct ax_registry_options options = {
        .dir = s->models_dir, .clock = ax_clock_wall(), .approvals = models->approvals, .keep = models->keep};
    return ax_registry_open(&options, &s->registry, diag);
}

/* The thread that fits models beside the jobs, and puts them into the registry. */
static enum ax_err start_training(struct server *s, struct ax_diag *diag)
{
    if (s->flags.training_cpu < 1 || s->flags.training_cpu > 100)
        return ax_fail(diag, AX_INVALID, "--training.max-cpu: %u is no percentage of a core from 1 to 100",
                       s->flags.training_cpu);
    if (s->flags.completeness < 1 || s->flags.completeness > 100 || s->flags.outliers < 1 ||
        s->flags.outliers > 100)
        return ax_fail(
            diag, AX_INVALID,
            "--training.min-completeness and --training.max-outliers are percentages from 1 to 100");
    const struct ax_training_options options = {
        .artifacts = ax_artifact_registry(s->registry),
        .cpu_share = s->flags.training_cpu / 100.0,
        .bytes_max = s->flags.training_bytes_max,
        .validation = {.completeness_min = s->flags.completeness / 100.0,
                       .outliers_max = s->flags.outliers / 100.0},
        .states = s->models_dir};
    return ax_training_start(&options, &s->training, diag);
}

static enum ax_err start_stages(struct server *s, struct ax_config *config, struct ax_diag *diag)
{
    AX_ASSERT(config);
    enum ax_err err = start_training(s, diag);
    if (err == AX_OK)
        err = start_emit(s, config, diag);
    if (err != AX_OK) {
        ax_config_free(config);
        return err;
    }
    const struct ax_ha_options ha = {.cluster_label = config->ha.cluster_label,
                                     .replica_label = config->ha.replica_label,
                                     .failover_ms = config->ha.failover_ms,
                                     .clusters_max = config->ha.clusters_max};
    const struct ax_db_options db = {
        .seed = secret_seed(),
        .series_max = s->flags.series_max,
        .ring_samples_max = s->flags.ring_samples_max,
        .negative_max = s->flags.negative_max,
        .histogram_bytes_max =
            (uint32_t)(s->flags.histogram_bytes_max < HISTOGRAM_BYTES_MOST ? s->flags.histogram_bytes_max
                                                                           : HISTOGRAM_BYTES_MOST),
        .histogram_bytes_all = s->flags.histogram_bytes_all,
        .out_of_order_ms = s->flags.out_of_order_ms ? s->flags.out_of_order_ms : -1,
        .retention_ms = AX_LOOKBACK_MS + longest_delay(config) + AX_STEP_BEHIND_MS + RETENTION_SLACK_MS,
        .catch_up_ms = AX_STEP_CATCH_UP_MS,
        .drop_labels = config->drop_labels,
        .drop_labels_n = config->drop_labels_n,
        .ha = config->ha.enabled ? &ha : NULL,
        .own_output = is_own_output,
        .own_output_ctx = s};
    s->db = ax_db_new(&db);
    s->paths = ax_paths_new();
    const struct ax_pipeline_options pipeline = {.db = s->db,
                                                 .sink = ax_emit_sink(s->emit),
                                                 .clock = ax_clock_wall(),
                                                 .paths = s->paths,
                                                 .training = s->training,
                                                 .artifacts = ax_artifact_registry(s->registry),
                                                 .max_range_ms = s->flags.max_range_ms,
                                                 .catch_up_ms = AX_STEP_CATCH_UP_MS,
                                                 .seed = MODEL_SEED,
                                                 .log = ax_durable_log(s->durable),
                                                 .snapshots = ax_durable_snapshots(s->durable),
                                                 .snapshot_interval_ms = s->flags.snapshot_interval_ms,
                                                 .snapshot_log_bytes = SNAPSHOT_LOG_BYTES,
                                                 .replay_max_ms = s->flags.replay_max_ms,
                                                 .snapshot_rate_max = s->flags.snapshot_rate_max,
                                                 .sync = sync_emit,
                                                 .sync_ctx = s};
    s->pipeline = s->db && s->paths ? ax_pipeline_new(&pipeline) : NULL;
    err =
        s->pipeline ? ax_pipeline_load(s->pipeline, config, diag) : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err != AX_OK)
        ax_config_free(config);
    return err;
}

/* How the history of a job stands, for the API. */
static bool history_of(void *ctx, const char *job, double *share, char *text, size_t text_cap)
{
    struct server *s = ctx;
    struct ax_backfill *b = atomic_load(&s->backfill);
    struct ax_backfill_status status;
    if (!b || !ax_backfill_job(b, job, &status))
        return false;
    *share = status.share;
    (void)snprintf(text, text_cap, "%s", status.text);
    return true;
}

static enum ax_err start_http(struct server *s, struct ax_diag *diag)
{
    const struct ax_receiver_options receiver = {.log = ax_durable_log(s->durable),
                                                 .clock = ax_steady_clock(&s->steady),
                                                 .body_max = s->flags.body_max,
                                                 .plain_max = s->flags.decoded_max,
                                                 .future_max_ms = s->flags.future_ms,
                                                 .limits = {.labels_max = s->flags.labels_max,
                                                            .label_bytes_max = s->flags.label_bytes_max,
                                                            .key_bytes_max = s->flags.key_bytes_max,
                                                            .samples_max = s->flags.samples_max,
                                                            .symbols_max = s->flags.symbols_max},
                                                 .refused_max = s->flags.refused_max};
    enum ax_err err = ax_receiver_new(s->db, &receiver, &s->receiver, diag);
    if (err != AX_OK)
        return err;
    s->api.pipeline = s->pipeline;
    s->api.db = s->db;
    s->api.emit = s->emit;
    s->api.lifecycle = s->flags.lifecycle;
    s->api.reload = reload;
    s->api.reload_ctx = s;
    s->api.history = history_of;
    s->api.history_ctx = s;
    ax_api_routes(&s->api, s->routes);
    s->models = (struct ax_models_service){s->registry, s->pipeline, s->flags.admin};
    ax_models_routes(&s->models, &s->routes[ROUTES]); /* behind all others */
    s->read.paths = s->paths;
    s->read.pipeline = s->pipeline;
    s->read.ceilings = s->flags.read;
    s->routes[AX_API_ROUTES] = ax_receiver_route(s->receiver);
    s->routes[AX_API_ROUTES + 1] = ax_read_route(&s->read);
    s->predict.paths = s->paths;
    s->predict.pipeline = s->pipeline;
    s->predict.ceilings = s->flags.predict;
    s->routes[AX_API_ROUTES + 2] = ax_predict_route(&s->predict);
    s->routes[AX_API_ROUTES + 3] = ax_explain_route(s->pipeline);
    s->feedback.pipeline = s->pipeline;
    s->feedback.clock = ax_clock_wall();
    ax_feedback_routes(&s->feedback, &s->routes[AX_API_ROUTES + 4]);
    ax_features_routes(s->pipeline, &s->routes[AX_API_ROUTES + 4 + AX_FEEDBACK_ROUTES]);
    s->erase = (struct ax_erase_service){s->pipeline, s->registry, s->flags.admin};
    ax_erase_routes(&s->erase, &s->routes[AX_API_ROUTES + 4 + AX_FEEDBACK_ROUTES + AX_FEATURES_ROUTES]);
    struct ax_doors *doors = NULL;
    err = ax_web_open(&s->web, s->flags.web_config_file, &doors, diag);
    if (err != AX_OK)
        return err;
    const struct ax_http_options http = {.listen_address = s->flags.listen_address,
                                         .threads = s->flags.threads,
                                         .connections_max = s->flags.connections_max,
                                         .connections_per_ip_max = s->flags.connections_per_ip_max,
                                         .requests_max = s->flags.requests_max,
                                         .queries_max = s->flags.queries_max,
                                         .read_timeout_ms = s->flags.read_timeout_ms,
                                         .idle_timeout_ms = s->flags.idle_timeout_ms,
                                         .bodies_max = s->flags.bodies_max,
                                         .doors = doors};
    err = ax_http_server_start(&http, s->routes, ROUTES + AX_MODELS_ROUTES, &s->http, diag);
    s->tls = ax_doors_tls(doors);
    ax_doors_release(doors);
    return err;
}

static enum ax_err start_backfill(struct server *s, struct ax_diag *diag)
{
    const struct ax_backfill_options options = {.pipeline = s->pipeline,
                                                .db = s->db,
                                                .model_seed = MODEL_SEED,
                                                .max_range_ms = s->flags.max_range_ms,
                                                .clock = ax_clock_wall()};
    struct ax_backfill *b = NULL;
    enum ax_err err = ax_backfill_start(&options, &b, diag);
    atomic_store(&s->backfill, b);
    return err;
}

static enum ax_err start(struct server *s, struct ax_diag *diag)
{
    struct ax_config *config = NULL;
    enum ax_err err = ax_blas_setup(diag);
    if (err == AX_OK)
        err = ax_storage_lock(s->flags.storage_path, &s->lock_fd, diag);
    if (err == AX_OK)
        err = load_config(s, &config, diag);
    mark_reload(err);
    if (err == AX_OK) {
        log_loaded(s, "", config->jobs_n, config->remote_write_n);
        err = open_durable(s, diag);
        if (err == AX_OK)
            err = open_registry(s, &config->models, diag);
        if (err != AX_OK)
            ax_config_free(config);
    }
    if (err == AX_OK) {
        err = open_events(s, diag);
        if (err != AX_OK)
            ax_config_free(config);
    }
    if (err == AX_OK)
        err = start_stages(s, config, diag);
    if (err == AX_OK)
        err = ax_durable_recover(s->durable, s->db, s->pipeline, diag);
    if (err == AX_OK)
        err = ax_durable_keep(s->durable, sync_emit, s, diag);
    if (err == AX_OK)
        err = start_http(s, diag);
    if (err == AX_OK && ax_pipeline_start(s->pipeline) != AX_OK)
        err = ax_fail(diag, AX_IO, "no thread for the pipeline");
    if (err == AX_OK)
        err = ax_feedback_start(&s->feedback, diag);
    if (err == AX_OK)
        err = start_backfill(s, diag);
    return err;
}

static void stop(struct server *s)
{
    atomic_store(&s->api.ready, false);
    ax_signals_end();
    if (s->http)
        ax_http_server_stop(s->http, REQUESTS_DEADLINE_MS);
    ax_feedback_stop(&s->feedback);
    ax_backfill_stop(atomic_load(&s->backfill));
    ax_pipeline_stop(s->pipeline);
    ax_pipeline_free(s->pipeline);
    ax_training_stop(s->training);
    free(s->models_dir);
    ax_durable_let_go(s->durable);
    if (s->emit)
        ax_emit_stop(s->emit, s->flags.flush_deadline_ms);
    ax_web_close(&s->web);
    ax_receiver_free(s->receiver);
    ax_paths_free(s->paths);
    ax_events_close(s->feedback.events);
    ax_db_free(s->db);
    ax_durable_close(s->durable);
    ax_registry_close(s->registry);
    if (s->lock_fd >= 0)
        ax_storage_unlock(s->lock_fd);
}

/* Near the ceiling no new series; at it, the HTTP server takes no bodies. */
static void look_after_memory(struct server *s)
{
    enum ax_memory_state before = ax_memory_state(), state = ax_memory_look();
    static const char *const words[] = {"far from --storage.max-memory again: all is taken",
                                        "near --storage.max-memory: no new series are taken",
                                        "at --storage.max-memory: requests are answered 503"};
    if (state != before)
        ax_log(state > before ? AX_LOG_WARN : AX_LOG_INFO, "memory", "memory is %s (%llu bytes)",
               words[state], (unsigned long long)s->flags.memory_max);
    ax_db_refuse_new(s->db, state != AX_MEMORY_FREE);
}

/* What a first set-up most often lacks, once it has run for a while. */
static void hint(const struct server *s)
{
    if (ax_metric_get(ax_metric(AX_M_LAST_RECEIVED, NULL, NULL)) == 0)
        ax_log(AX_LOG_WARN, "nothing_received",
               "no samples have come for a minute: a Prometheus sends them with remote_write: [{url: "
               "http%s://%s/api/v1/write}]",
               s->tls ? "s" : "", s->flags.listen_address);
    else if (ax_metric_get(ax_metric(AX_M_REJECTED_SERIES, "future", NULL)) > 0)
        ax_log(AX_LOG_WARN, "clocks_differ",
               "samples are refused because they are more than --remote-write.max-future ahead of the clock "
               "here: "
               "set this machine's, or the sender's");
    else if (ax_metric_get(ax_metric(AX_M_INGESTED_SAMPLES, NULL, NULL)) == 0)
        ax_log(AX_LOG_WARN, "nothing_wanted",
               "samples come, but none of a series that a job wants: compare the expressions of the jobs "
               "with what is sent");
}

/* Wait for signals: SIGHUP reloads, SIGTERM and SIGINT end it. Meanwhile look after memory, which a flood of
 * new series fills within a second, and after the doors. */
static void wait_for_end(struct server *s)
{
    bool asked = false, again; /* for a reload, which waits until the state is restored */
    const int64_t hint_ns = ax_mono_ns() + HINT_NS;
    bool hinted = false;
    for (unsigned i = 0;; i++) {
        int sig = ax_signals_wait(TICK_NS, &again);
        if (sig) {
            ax_log(AX_LOG_INFO, "stopping",
                   "received %s: finishing requests, and sending what waits for %.0f s at most "
                   "(--storage.remote.flush-deadline); a second one leaves that in the queue",
                   strsignal(sig), (double)s->flags.flush_deadline_ms / 1000);
            return;
        }
        struct ax_diag diag = {{0}};
        asked |= again;
        if (asked && ax_pipeline_is_current(s->pipeline)) {
            asked = false;
            (void)reload(s, &diag);
        }
        if (ax_pipeline_is_current(s->pipeline) && atomic_exchange(&s->teach, false))
            ax_feedback_ask(&s->feedback);
        if (i % TICKS_BETWEEN_DOORS == 0)
            ax_web_poll(&s->web, s->http);
        look_after_memory(s);
        if (!hinted && ax_mono_ns() >= hint_ns) {
            hint(s);
            hinted = true;
        }
    }
}

static int run(struct server *s)
{
    struct ax_diag diag = {{0}};
    ax_signals_begin();
    struct ax_clock wall = ax_clock_wall();
    ax_metric_set(ax_metric(AX_M_START_TIME, NULL, NULL), (double)ax_clock_now(&wall) / 1000);
    ax_metric_set(ax_metric(AX_M_BUILD_INFO, AX_VERSION, __VERSION__), 1);
    int status = 0;
    enum ax_err err = start(s, &diag);
    if (err == AX_OK) {
        atomic_store(&s->api.ready, true);
        ax_log(AX_LOG_INFO, "ready", "auspex %s receives at http%s://%s/api/v1/write", AX_VERSION,
               s->tls ? "s" : "", s->flags.listen_address);
        wait_for_end(s);
    } else {
        /* What runs out of memory may have no text. */
        ax_log(AX_LOG_ERROR, "start_failed", "%s", diag.text[0] ? diag.text : ax_err_text(err));
        status = 1;
    }
    stop(s);
    if (status == 0)
        ax_log(AX_LOG_INFO, "stopped", "what is learnt, and what waits to be sent, is in %s",
               s->flags.storage_path);
    return status;
}

int ax_cmd_serve(int argc, char **argv)
{
    struct server s = {.lock_fd = -1};
    struct ax_flag table[AX_SERVE_FLAGS_MAX];
    size_t n = ax_serve_flag_table(&s.flags, table);
    const char **words = calloc((size_t)argc + 1, sizeof *words);
    int words_n = 0;
    enum ax_help help = AX_HELP_NONE;
    struct ax_diag diag = {{0}};
    enum ax_log_level level = AX_LOG_INFO;
    enum ax_log_format format = AX_LOG_LOGFMT;
    enum ax_err err = words ? ax_flags_parse(table, n, argc, argv, words, &words_n, &help, &diag)
                            : ax_fail(&diag, AX_NOMEM, "out of memory");
    if (err == AX_OK && words_n > 0)
        err = ax_fail(&diag, AX_INVALID, "unexpected word '%s'", words[0]);
    if (err == AX_OK && ax_log_parse_level(s.flags.log_level, &level) != AX_OK)
        err = ax_fail(&diag, AX_INVALID, "--log.level: '%s' is not debug, info, warn or error",
                      s.flags.log_level);
    if (err == AX_OK && ax_log_parse_format(s.flags.log_format, &format) != AX_OK)
        err = ax_fail(&diag, AX_INVALID, "--log.format: '%s' is not logfmt or json", s.flags.log_format);
    if (err == AX_OK && !fsync_always(&s.flags) && strcmp(s.flags.fsync, "interval") != 0)
        err = ax_fail(&diag, AX_INVALID, "--storage.fsync: '%s' is not interval or always", s.flags.fsync);
    if (err == AX_OK && s.flags.snapshot_interval_ms < SNAPSHOT_INTERVAL_MIN_MS)
        err = ax_fail(&diag, AX_INVALID, "--storage.snapshot-interval must be at least 1s");
    free(words);
    if (err != AX_OK) {
        (void)fprintf(stderr, "auspex serve: %s\n", diag.text);
        return 2;
    }
    if (help) {
        ax_flags_usage(table, n, "auspex [serve] [--flag=value ...]", help, stdout);
        return 0;
    }
    ax_log_setup(level, format);
    ax_memory_limit(s.flags.memory_max);
    ax_confine(s.flags.core_dumps);
    ax_allow_files((uint64_t)s.flags.connections_max + FILES_BESIDE_CONNECTIONS);
    (void)pthread_mutex_init(&s.reload_lock, NULL);
    ax_steady_init(&s.steady, ax_clock_wall());
    ax_feedback_init(&s.feedback);
    atomic_init(&s.teach, true);
    int status = run(&s);
    ax_feedback_done(&s.feedback);
    ax_steady_done(&s.steady);
    (void)pthread_mutex_destroy(&s.reload_lock);
    return status;
}
