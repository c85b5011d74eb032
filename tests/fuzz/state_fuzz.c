/* state_fuzz.c: sections of a saved job with anything wrong in them: refused with a text, or loaded into a
 * job that goes on without a crash.
 *
 * The job that is saved is made here, so that inputs stay good when the format changes. The first byte of an
 * input says how the rest is used. Even: edits of four bytes each, a place (two), what is done there, and
 * with what. Odd: the body of one of the sections as it is. */
#include "folder.h"
#include "pipeline/job_priv.h"
#include "store/records.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP 15000
#define START 1700000010000
#define STEPS 80
#define SECTIONS 5
#define BODY_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char yaml[] =
    "jobs: [{name: j, by: [i], features: {v: m, w: m * m}, anomaly: {score_absence: true}, forecast: "
    "{targets: [v], horizons: "
    "[15s, 1m]}, drift: {reference: 30, current: 30, per: entity, stream: adwin}, window: {fine: 60, coarse: "
    "60}, "
    "series_retention: "
    "10m}]";

/* What all inputs share. */
static struct world {
    struct ax_config *config;
    struct ax_job_env env;
    struct ax_snapshot *snapshot;
    struct ax_str sections[SECTIONS];
    uint8_t types[SECTIONS];
} world;

static struct ax_out *sink_open(void *ctx, const struct ax_labels *labels)
{
    (void)ctx;
    AX_ASSERT(labels->n > 0);
    return malloc(1);
}

static void sink_put(void *ctx, struct ax_out *out, int64_t t_ms, double value)
{
    (void)ctx;
    AX_ASSERT(out && t_ms > 0 && !isnan(value));
}

static void sink_close(void *ctx, struct ax_out *out, int64_t t_ms)
{
    (void)ctx;
    (void)t_ms;
    free(out);
}

static void receive(uint32_t step)
{
    static const char *const names[] = {"a", "b", "c"};
    for (uint32_t i = 0; i < 3; i++) {
        if ((step + i) % 17 == 3 || (i == 2 && step > 70))
            continue;
        const struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str("m")}, {ax_str("i"), ax_str(names[i])}};
        const struct ax_sample sample = {START + (int64_t)step * STEP,
                                         step == 75 ? 900 : 100 + step * 7 % 13};
        struct ax_buf key;
        ax_buf_init(&key, 256);
        ax_labels_key_write(&(struct ax_labels){2, v}, &key);
        AX_ASSERT(ax_db_append(world.env.db, ax_str(""), ax_buf_view(&key), &sample, 1, NULL, NULL) ==
                  AX_FATE_WANTED);
        ax_buf_done(&key);
    }
}

static void run_step(struct ax_job *job, uint32_t step)
{
    struct ax_buf record;
    ax_buf_init(&record, BODY_MAX);
    AX_ASSERT(ax_job_evaluate(job, START + (int64_t)step * STEP, &record) == AX_OK);
    enum ax_err err = ax_job_take(job, ax_buf_view(&record));
    AX_ASSERT(err == AX_OK || err == AX_CORRUPT); /* its newest step may be wrong, and later */
    ax_buf_done(&record);
}

static struct ax_job *new_job(void)
{
    struct ax_job *job;
    AX_ASSERT(ax_job_new(&world.env, world.config, &world.config->jobs[0], &job, NULL) == AX_OK);
    return job;
}

/* Train a job, save it, and read the file. */
static void init(void)
{
    static struct ax_problems problems;
    const char *dir = fuzz_folder();
    struct ax_snapshot_writer *w;
    struct ax_buf scratch;
    world.env = (struct ax_job_env){
        .db = ax_db_new(&(struct ax_db_options){.seed = 7, .negative_max = 16, .ring_samples_max = 4096}),
        .sink = {NULL, sink_open, sink_put, sink_close, NULL, NULL},
        .max_range_ms = 3600000,
        .seed = 42};
    AX_ASSERT(world.env.db && ax_config_parse(ax_str(yaml), &world.config, &problems) == AX_OK);
    struct ax_job *job = new_job();
    for (uint32_t i = 0; i < STEPS; i++) {
        receive(i);
        run_step(job, i);
    }
    for (uint64_t id = 1; id < 4; id++) {
        const struct ax_lesson_range range = {id, AX_LESSON_EXCLUDED, START, START + STEP};
        struct ax_exclusion *e;
        AX_ASSERT(ax_exclusion_new(&range, ax_str(id == 2 ? "m{i=~\"a|b\"}" : ""), &e, NULL) == AX_OK);
        (void)ax_exclusions_add(&job->exclusions, e, START);
    }
    ax_buf_init(&scratch, (size_t)BODY_MAX * 4);
    AX_ASSERT(ax_snapshot_begin(dir, 1, &w, NULL) == AX_OK);
    AX_ASSERT(ax_job_save(job, &scratch, w) == AX_OK && ax_snapshot_commit(w, NULL) == AX_OK);
    AX_ASSERT(ax_snapshot_open(dir, &world.snapshot, NULL, NULL) == AX_OK);
    for (unsigned i = 0; i < SECTIONS; i++)
        AX_ASSERT(ax_snapshot_next(world.snapshot, &world.types[i], &world.sections[i]));
    AX_ASSERT(world.types[SECTIONS - 1] == AX_SECTION_DRIFT);
    fuzz_folder_empty(); /* it stays open */
    ax_buf_done(&scratch);
    ax_job_free(job, INT64_MIN);
}

/* Copies of the sections in memory of their own size. */
struct copy {
    uint8_t *bytes;
    size_t n;
};

static void edit(struct copy *c, size_t at, uint8_t what, uint8_t with)
{
    size_t some = c->n - at < with % 16u + 1 ? c->n - at : with % 16u + 1;
    switch (what % 4) {
    case 0:
        c->bytes[at] ^= with;
        break;
    case 1:
        c->bytes[at] = with;
        break;
    case 2:
        memmove(c->bytes + at, c->bytes + at + some, c->n - at - some);
        c->n -= some;
        break;
    default:
        memmove(c->bytes + at + 1, c->bytes + at, c->n - at - 1);
        c->bytes[at] = with;
    }
}

static void apply(struct copy *copies, const uint8_t *data, size_t n)
{
    if (n && data[0] % 2) {
        struct copy *c = &copies[data[0] / 2 % SECTIONS];
        free(c->bytes);
        c->n = n - 1;
        c->bytes = malloc(n);
        AX_ASSERT(c->bytes);
        memcpy(c->bytes, data + 1, n - 1);
        return;
    }
    for (size_t i = 1; i + 4 <= n; i += 4) {
        struct copy *c = &copies[data[i + 2] / 4 % SECTIONS];
        if (c->n)
            edit(c, (data[i] | (size_t)data[i + 1] << 8) % c->n, data[i + 2], data[i + 3]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct copy copies[SECTIONS];
    struct ax_diag diag = {{0}};
    enum ax_err err = AX_OK;
    if (!world.config)
        init();
    for (unsigned i = 0; i < SECTIONS; i++) {
        copies[i] = (struct copy){malloc(world.sections[i].n), world.sections[i].n};
        AX_ASSERT(copies[i].bytes);
        memcpy(copies[i].bytes, world.sections[i].p, copies[i].n);
    }
    apply(copies, data, n);
    struct ax_job *job = new_job();
    for (unsigned i = 0; i < SECTIONS && err == AX_OK; i++)
        err = ax_job_load(job, world.types[i], (struct ax_str){(const char *)copies[i].bytes, copies[i].n},
                          &diag);
    AX_ASSERT(err == AX_OK || ((err == AX_CORRUPT || err == AX_CONFLICT) && diag.text[0]));
    for (uint32_t i = STEPS; i < STEPS + 4 && err == AX_OK; i++)
        run_step(job, i);
    ax_job_free(job, INT64_MIN);
    for (unsigned i = 0; i < SECTIONS; i++)
        free(copies[i].bytes);
    return 0;
}
