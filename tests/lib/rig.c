/* rig.c: the rig; aborts the test when out of memory. */
#include "rig.h"

#include "ax_test.h"

static const struct rig *own_rig; /* for the loop guard */

static bool is_own(const void *ctx, const struct ax_labels *ls)
{
    (void)ctx;
    return own_rig->pipeline && ax_pipeline_is_own(own_rig->pipeline, ls);
}

struct ax_config *rig_config(const char *yaml)
{
    struct ax_config *config = NULL;
    static struct ax_problems problems;
    problems = (struct ax_problems){.n = 0};
    if (ax_config_parse(ax_str(yaml), &config, &problems) != AX_OK)
        fail_msg("config: line %u: %s", problems.v[0].place.line, problems.v[0].text);
    return config;
}

void rig_load(struct rig *r, const char *yaml)
{
    struct ax_diag diag = {{0}};
    if (ax_pipeline_load(r->pipeline, rig_config(yaml), &diag) != AX_OK)
        fail_msg("load: %s", diag.text);
}

void rig_init(struct rig *r, const char *yaml)
{
    *r = (struct rig){.now_ms = RIG_START};
    own_rig = r;
    r->db = ax_db_new(&(struct ax_db_options){.seed = 7,
                                              .series_max = 100000,
                                              .ring_samples_max = 65536,
                                              .negative_max = 1024,
                                              .retention_ms = 360000,
                                              .own_output = is_own});
    assert_non_null(r->db);
    r->paths = ax_paths_new();
    assert_non_null(r->paths);
    const struct ax_training_options training = {.cpu_share = 1, .bytes_max = 64u << 20, .synchronous = true};
    assert_int_equal(ax_training_start(&training, &r->training, NULL), AX_OK);
    r->pipeline = ax_pipeline_new(&(struct ax_pipeline_options){.db = r->db,
                                                                .sink = memory_sink(&r->sink),
                                                                .paths = r->paths,
                                                                .training = r->training,
                                                                .clock = ax_clock_virtual(&r->now_ms),
                                                                .max_range_ms = 3600000,
                                                                .seed = 42});
    assert_non_null(r->pipeline);
    rig_load(r, yaml);
}

void rig_done(struct rig *r)
{
    ax_pipeline_free(r->pipeline);
    ax_training_stop(r->training);
    ax_paths_free(r->paths);
    ax_db_free(r->db);
    memory_sink_done(&r->sink);
}

enum ax_fate rig_append(struct rig *r, const char *series, int64_t t_ms, double value)
{
    struct ax_arena arena;
    struct ax_labels ls;
    struct ax_buf key;
    ax_arena_init(&arena, 1 << 20);
    ax_buf_init(&key, 1 << 20);
    assert_int_equal(ax_labels_parse(ax_str(series), &arena, &ls, NULL), AX_OK);
    ax_labels_key_write(&ls, &key);
    const struct ax_sample sample = {t_ms, value};
    enum ax_fate fate = ax_db_append(r->db, ax_str(""), ax_buf_view(&key), &sample, 1, NULL, NULL);
    ax_buf_done(&key);
    ax_arena_done(&arena);
    return fate;
}

void rig_run_to(struct rig *r, int64_t t_ms)
{
    r->now_ms = t_ms;
    (void)ax_pipeline_run_due(r->pipeline);
}
