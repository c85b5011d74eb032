/* entity_rig.c: a job with entities between memory and memory. */
#include "entity_rig.h"

#include "ax_test.h"
#include "pipeline/learner.h"
#include "prom/sample.h"
#include "rig.h"
#include "store/records.h"

#include <math.h>

static void open_job(struct entity_rig *r, uint64_t seed)
{
    r->db = ax_db_new(&(struct ax_db_options){.seed = seed,
                                              .series_max = 1000,
                                              .ring_samples_max = 65536,
                                              .negative_max = 1024,
                                              .retention_ms = 3600000});
    assert_non_null(r->db);
    const struct ax_job_env env = {.db = r->db,
                                   .sink = memory_sink(&r->sink),
                                   .training = r->training,
                                   .artifacts = &r->artifacts,
                                   .max_range_ms = 3600000,
                                   .zero_delay = true,
                                   .seed = 42,
                                   .generation = seed};
    assert_int_equal(ax_job_new(&env, r->config, &r->config->jobs[0], &r->job, NULL), AX_OK);
}

static void close_job(struct entity_rig *r)
{
    ax_job_free(r->job, INT64_MIN);
    ax_db_free(r->db);
}

void entity_rig_init(struct entity_rig *r, const char *yaml, const char *dir)
{
    *r = (struct entity_rig){.config = rig_config(yaml), .artifacts = ax_artifact_files(dir)};
    r->step_ms = r->config->jobs[0].step_ms;
    const struct ax_training_options options = {
        .artifacts = r->artifacts, .cpu_share = 1, .bytes_max = 64u << 20, .synchronous = true};
    assert_int_equal(ax_training_start(&options, &r->training, NULL), AX_OK);
    ax_buf_init(&r->record, 1u << 20);
    open_job(r, 1);
}

void entity_rig_done(struct entity_rig *r)
{
    close_job(r);
    ax_training_stop(r->training);
    ax_config_free(r->config);
    memory_sink_done(&r->sink);
    ax_buf_done(&r->record);
}

void entity_rig_append(struct entity_rig *r, const char *feature, const char *instance, int64_t t_ms,
                       double value)
{
    const struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str(feature)},
                                 {ax_str("instance"), ax_str(instance)}};
    const struct ax_labels labels = {2, v};
    const struct ax_sample sample = {t_ms, value};
    struct ax_buf key;
    ax_buf_init(&key, 1024);
    ax_labels_key_write(&labels, &key);
    assert_int_equal(ax_db_append(r->db, ax_str(""), ax_buf_view(&key), &sample, 1, NULL, NULL),
                     AX_FATE_WANTED);
    ax_buf_done(&key);
}

void entity_rig_step(struct entity_rig *r, int64_t now_ms)
{
    int64_t t_ms;
    uint64_t skipped;
    const struct ax_tick tick = {.now_ms = now_ms, .latest_ms = now_ms, .mono_ms = now_ms};
    while (ax_job_due(r->job, &tick, &t_ms, &skipped)) {
        assert_int_equal(ax_job_evaluate(r->job, t_ms, &r->record), AX_OK);
        assert_int_equal(ax_job_take(r->job, ax_buf_view(&r->record)), AX_OK);
        ax_job_train(r->job);
        struct ax_learner *l = ax_job_trained(r->job);
        if (l) {
            ax_learner_swap(l, ax_job_stepped_ms(r->job));
            r->swaps++;
        }
    }
}

static void save(struct entity_rig *r, const char *dir)
{
    struct ax_snapshot_writer *writer;
    struct ax_buf scratch;
    ax_buf_init(&scratch, 64u << 20);
    assert_int_equal(ax_snapshot_begin(dir, 1, &writer, NULL), AX_OK);
    assert_int_equal(ax_job_save(r->job, &scratch, writer), AX_OK);
    assert_int_equal(ax_snapshot_commit(writer, NULL), AX_OK);
    ax_buf_done(&scratch);
}

static void load(struct entity_rig *r, const char *dir)
{
    struct ax_snapshot *s;
    struct ax_diag diag = {{0}};
    struct ax_str body;
    uint8_t type;
    assert_int_equal(ax_snapshot_open(dir, &s, NULL, &diag), AX_OK);
    while (ax_snapshot_next(s, &type, &body))
        if (ax_job_load(r->job, type, body, &diag) != AX_OK)
            fail_msg("%s", diag.text);
    ax_snapshot_close(s);
}

void entity_rig_restart(struct entity_rig *r, const char *snapshots, uint64_t seed)
{
    save(r, snapshots);
    close_job(r);
    open_job(r, seed);
    load(r, snapshots);
}

double entity_rig_largest(const struct entity_rig *r, const char *text, int64_t from_ms, int64_t to_ms)
{
    const struct memory_series *s = memory_find(&r->sink, text);
    double most = -INFINITY;
    if (!s)
        fail_msg("there is no %s", text);
    for (uint32_t k = 0; k < s->n; k++)
        if (s->v[k].t_ms >= from_ms && s->v[k].t_ms < to_ms && !isnan(s->v[k].value))
            most = fmax(most, s->v[k].value);
    return most;
}

/* Did both send the same samples to the bit? */
static void require_equal(const struct entity_rig *a, const struct entity_rig *b)
{
    assert_int_equal(a->swaps, b->swaps);
    for (uint32_t i = 0; i < a->sink.n; i++) {
        const struct memory_series *x = &a->sink.v[i], *y = memory_find(&b->sink, x->text);
        if (!y || x->n != y->n)
            fail_msg("%s: %u samples, and %u", x->text, x->n, y ? y->n : 0);
        for (uint32_t k = 0; k < x->n; k++)
            if (x->v[k].t_ms != y->v[k].t_ms ||
                ax_double_bits(x->v[k].value) != ax_double_bits(y->v[k].value))
                fail_msg("%s: %.17g, and %.17g at %lld", x->text, x->v[k].value, y->v[k].value,
                         (long long)x->v[k].t_ms);
    }
}

void entity_twins_init(struct entity_twins *t, const char *yaml)
{
    for (int i = 0; i < 2; i++)
        scratch_make(t->dirs[i], NULL);
    scratch_make(t->snapshots, "snapshots");
    entity_rig_init(&t->a, yaml, t->dirs[0]);
    entity_rig_init(&t->b, yaml, t->dirs[1]);
}

void entity_twins_restart(struct entity_twins *t, uint64_t seed)
{
    entity_rig_restart(&t->b, t->snapshots, seed);
}

void entity_twins_done(struct entity_twins *t)
{
    require_equal(&t->a, &t->b);
    entity_rig_done(&t->a);
    entity_rig_done(&t->b);
    for (int i = 0; i < 2; i++)
        scratch_remove(t->dirs[i]);
    scratch_remove(t->snapshots);
}
