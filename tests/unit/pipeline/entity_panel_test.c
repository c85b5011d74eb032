/* A job with entities learns an ensemble beside it: what no feature shows alone is an anomaly of its entity
 * and of no other, with the feature named; and a job that was saved and read goes on with it as if nothing
 * had been. */
#include "ax_test.h"
#include "base/rng.h"
#include "math/blas.h"
#include "memory_sink.h"
#include "pipeline/job.h"
#include "pipeline/learner.h"
#include "prom/sample.h"
#include "rig.h"
#include "scratch.h"
#include "store/records.h"
#include "train/queue.h"

#include <math.h>
#include <stdio.h>

#define STEP 300000LL
#define START (5666666LL * STEP)
#define STEPS 330
#define BROKEN 300 /* from here on one feature of "a" stays where it is */

static const char yaml[] =
    "global: {step: 5m, evaluation_delay: 0s}\n"
    "jobs:\n"
    "  - name: node\n"
    "    by: [instance]\n"
    "    features: {cpu: cpu, net: net, disk: disk, queue: queue}\n"
    "    anomaly: {model: ensemble, ensemble: {members: [forest, covariance, pca, kmeans]}}\n"
    "    window: {fine: 200, coarse: 300}\n";

/* A database, the job over it, and where its models go. */
struct world {
    struct ax_config *config;
    struct memory_sink sink;
    struct ax_db *db;
    struct ax_job *job;
    struct ax_training *training;
    struct ax_artifacts artifacts;
    struct ax_buf record;
    uint32_t swaps;
};

static void open_job(struct world *w, uint64_t seed)
{
    w->db = ax_db_new(&(struct ax_db_options){.seed = seed,
                                              .series_max = 1000,
                                              .ring_samples_max = 65536,
                                              .negative_max = 1024,
                                              .retention_ms = 3600000});
    assert_non_null(w->db);
    const struct ax_job_env env = {.db = w->db,
                                   .sink = memory_sink(&w->sink),
                                   .training = w->training,
                                   .artifacts = &w->artifacts,
                                   .max_range_ms = 3600000,
                                   .zero_delay = true,
                                   .seed = 42,
                                   .generation = seed};
    assert_int_equal(ax_job_new(&env, w->config, &w->config->jobs[0], &w->job, NULL), AX_OK);
}

static void close_job(struct world *w)
{
    ax_job_free(w->job, INT64_MIN);
    ax_db_free(w->db);
}

static void world_init(struct world *w, const char *dir)
{
    *w = (struct world){.config = rig_config(yaml), .artifacts = ax_artifact_files(dir)};
    const struct ax_training_options options = {
        .artifacts = w->artifacts, .cpu_share = 1, .bytes_max = 64u << 20, .synchronous = true};
    assert_int_equal(ax_training_start(&options, &w->training, NULL), AX_OK);
    ax_buf_init(&w->record, 1u << 20);
    open_job(w, 1);
}

static void world_done(struct world *w)
{
    close_job(w);
    ax_training_stop(w->training);
    ax_config_free(w->config);
    memory_sink_done(&w->sink);
    ax_buf_done(&w->record);
}

static void append(struct world *w, const char *feature, const char *instance, int64_t t_ms, double value)
{
    const struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str(feature)},
                                 {ax_str("instance"), ax_str(instance)}};
    const struct ax_labels labels = {2, v};
    const struct ax_sample sample = {t_ms, value};
    struct ax_buf key;
    ax_buf_init(&key, 1024);
    ax_labels_key_write(&labels, &key);
    assert_int_equal(ax_db_append(w->db, ax_str(""), ax_buf_view(&key), &sample, 1, NULL, NULL),
                     AX_FATE_WANTED);
    ax_buf_done(&key);
}

/* All features follow the load of the entity; that of "a" loses its queue. */
static void feed(struct world *w, uint32_t i)
{
    static const char *const features[] = {"cpu", "net", "disk", "queue"};
    for (uint32_t e = 0; e < 3; e++) {
        const char instance[] = {(char)('a' + e), 0};
        struct ax_rng rng;
        ax_rng_seed(&rng, i * 3 + e);
        double load = 50 * (e + 1) + 10 * (e + 1) * sin(i * 0.11 + e) + 3 * ax_rng_normal(&rng);
        for (uint32_t f = 0; f < 4; f++) {
            double value = load * (1 + f) + 0.3 * ax_rng_normal(&rng);
            if (e == 0 && f == 3 && i >= BROKEN)
                value = 4 * 44 + 0.3 * ax_rng_normal(&rng); /* where it often is, but not at such a load */
            append(w, features[f], instance, START + i * STEP, value);
        }
    }
}

static void step(struct world *w, uint32_t i)
{
    int64_t now_ms = START + i * STEP, t_ms;
    uint64_t skipped;
    const struct ax_tick tick = {.now_ms = now_ms, .latest_ms = now_ms, .mono_ms = now_ms};
    while (ax_job_due(w->job, &tick, &t_ms, &skipped)) {
        assert_int_equal(ax_job_evaluate(w->job, t_ms, &w->record), AX_OK);
        assert_int_equal(ax_job_take(w->job, ax_buf_view(&w->record)), AX_OK);
        ax_job_train(w->job);
        struct ax_learner *l = ax_job_trained(w->job);
        if (l) {
            ax_learner_swap(l);
            w->swaps++;
        }
    }
}

static const struct memory_series *series(const struct world *w, const char *text)
{
    const struct memory_series *s = memory_find(&w->sink, text);
    if (!s)
        fail_msg("there is no %s", text);
    return s;
}

/* The largest value from a step on. */
static double largest(const struct world *w, const char *text, uint32_t from, uint32_t to)
{
    const struct memory_series *s = series(w, text);
    double most = -INFINITY;
    for (uint32_t k = 0; k < s->n; k++)
        if (s->v[k].t_ms >= START + from * STEP && s->v[k].t_ms < START + to * STEP && !isnan(s->v[k].value))
            most = fmax(most, s->v[k].value);
    return most;
}

static void save(struct world *w, const char *dir)
{
    struct ax_snapshot_writer *writer;
    struct ax_buf scratch;
    ax_buf_init(&scratch, 64u << 20);
    assert_int_equal(ax_snapshot_begin(dir, 1, &writer, NULL), AX_OK);
    assert_int_equal(ax_job_save(w->job, &scratch, writer), AX_OK);
    assert_int_equal(ax_snapshot_commit(writer, NULL), AX_OK);
    ax_buf_done(&scratch);
}

static void load(struct world *w, const char *dir)
{
    struct ax_snapshot *s;
    struct ax_diag diag = {{0}};
    struct ax_str body;
    uint8_t type;
    assert_int_equal(ax_snapshot_open(dir, &s, NULL, &diag), AX_OK);
    while (ax_snapshot_next(s, &type, &body))
        if (ax_job_load(w->job, type, body, &diag) != AX_OK)
            fail_msg("%s", diag.text);
    ax_snapshot_close(s);
}

static void what_no_feature_shows_alone_is_found_in_its_entity_and_explained(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct world w;
    scratch_make(dir, NULL);
    world_init(&w, dir);
    for (uint32_t i = 0; i < STEPS; i++) {
        feed(&w, i);
        step(&w, i);
    }
    assert_true(w.swaps >= 2); /* again when the past has doubled */
    assert_true(largest(&w, "model_training_samples{for=\"node\",model=\"ensemble\"}", 0, STEPS) > 100);
    assert_true(largest(&w, "anomaly_score{for=\"node\",instance=\"a\"}", BROKEN, STEPS) > 1.5);
    assert_true(largest(&w, "anomaly_vote{for=\"node\",instance=\"a\"}", BROKEN, STEPS) > 0.15);
    assert_true(largest(&w, "anomaly_score{for=\"node\",instance=\"b\"}", BROKEN, STEPS) < 1.5);
    assert_true(largest(&w, "anomaly_contribution{feature=\"queue\",for=\"node\",instance=\"a\"}", BROKEN,
                        STEPS) > 0.5);
    world_done(&w);
    scratch_remove(dir);
}

static void a_job_that_was_saved_and_read_goes_on_with_its_ensemble(void **state)
{
    (void)state;
    char dir[2][SCRATCH_PATH], snapshots[SCRATCH_PATH];
    struct world a, b;
    scratch_make(dir[0], NULL);
    scratch_make(dir[1], NULL);
    scratch_make(snapshots, "snapshots");
    world_init(&a, dir[0]);
    world_init(&b, dir[1]);
    for (uint32_t i = 0; i < STEPS; i++) {
        if (i == 200 || i == 285) {
            save(&b, snapshots);
            close_job(&b);
            open_job(&b, i);
            load(&b, snapshots);
        }
        feed(&a, i);
        feed(&b, i);
        step(&a, i);
        step(&b, i);
    }
    assert_int_equal(a.swaps, b.swaps);
    for (uint32_t i = 0; i < a.sink.n; i++) {
        const struct memory_series *x = &a.sink.v[i], *y = memory_find(&b.sink, x->text);
        if (!y || x->n != y->n)
            fail_msg("%s: %u samples, and %u", x->text, x->n, y ? y->n : 0);
        for (uint32_t k = 0; k < x->n; k++)
            if (x->v[k].t_ms != y->v[k].t_ms ||
                ax_double_bits(x->v[k].value) != ax_double_bits(y->v[k].value))
                fail_msg("%s: %.17g, and %.17g at step %lld", x->text, x->v[k].value, y->v[k].value,
                         (long long)((x->v[k].t_ms - START) / STEP));
    }
    world_done(&a);
    world_done(&b);
    scratch_remove(dir[0]);
    scratch_remove(dir[1]);
    scratch_remove(snapshots);
}

static int begin(void **state)
{
    (void)state;
    return ax_blas_setup(NULL) != AX_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_feature_shows_alone_is_found_in_its_entity_and_explained),
        cmocka_unit_test(a_job_that_was_saved_and_read_goes_on_with_its_ensemble),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
