/* fill.c: a storage folder as a process leaves it that has forecast many series for two weeks.
 *
 * usage: fill CONFIG STORAGE SERIES WANTED LAST
 * The first job of the config takes 81,600 steps until LAST (Unix seconds) of a few series, each another one:
 * then both windows are full at a step of 15 s. The wanted series of the load of rwgen are copies of them in
 * turn, and the job goes into the snapshot of an empty log.
 */
#include "base/clock.h"
#include "fleet.h"
#include "math/blas.h"
#include "nowhere.h"
#include "pipeline/job_priv.h"

#include <math.h>
#include <stdlib.h>

#define STEPS 81600
#define TRAINED 16 /* series that stand together in a section are not copies of each other */
#define SCRATCH_MAX (64u << 20)

struct fleet {
    struct ax_job *job;
    uint32_t series_n, wanted_n;
    int64_t last_ms;
};

static void check(enum ax_err err, const struct ax_diag *diag)
{
    if (err == AX_OK)
        return;
    fprintf(stderr, "fill: %s: %s\n", ax_err_text(err), diag->text);
    exit(1);
}

/* The next wanted series from i on, and its key. */
static uint32_t next_wanted(const struct fleet *f, uint32_t i, struct ax_buf *key)
{
    while (i < f->series_n && !fleet_wants(i, f->series_n, f->wanted_n))
        i++;
    ax_buf_reset(key);
    fleet_key(i, "node", "", key);
    return i;
}

/* A day's wave, a faster one, and noise from the two numbers alone. */
static double value_of(uint32_t series, uint32_t step)
{
    uint64_t x = ((uint64_t)series << 32 | step) * 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 29) * 0xBF58476D1CE4E5B9u;
    return 1000 + 300 * sin(step * 0.0011 + series) + 50 * sin(step * 0.1 + series) +
           40 * (double)(x >> 11) * 0x1p-53;
}

/* Step the job through the time until the last step, with few series. Returns where the others begin. */
static uint32_t train(const struct fleet *f)
{
    struct ax_buf keys[TRAINED], record;
    uint32_t i = 0;
    ax_buf_init(&record, SCRATCH_MAX);
    for (uint32_t k = 0; k < TRAINED; k++) {
        ax_buf_init(&keys[k], SCRATCH_MAX);
        i = next_wanted(f, i, &keys[k]) + 1;
    }
    f->job->channels[0].sample_left = 0; /* one in many stands for drift */
    for (uint32_t n = 0; n < STEPS; n++) {
        const int64_t t_ms = f->last_ms - (int64_t)(STEPS - 1 - n) * f->job->config->step_ms;
        for (uint32_t k = 0; k < TRAINED; k++) {
            const struct ax_sample s = {t_ms, value_of(k, n)};
            (void)ax_db_append(f->job->env.db, ax_str(""), ax_buf_view(&keys[k]), &s, 1, NULL, NULL);
        }
        if (ax_job_evaluate(f->job, t_ms, &record) != AX_OK ||
            ax_job_take(f->job, ax_buf_view(&record)) != AX_OK)
            abort();
    }
    for (uint32_t k = 0; k < TRAINED; k++)
        ax_buf_done(&keys[k]);
    ax_buf_done(&record);
    return i;
}

/* The others, as copies of those in turn. */
static void copy(const struct fleet *f, uint32_t i)
{
    struct ax_channel *c = &f->job->channels[0];
    struct ax_buf states[TRAINED], key;
    struct ax_target *t = c->first;
    ax_buf_init(&key, SCRATCH_MAX);
    for (uint32_t k = 0; k < TRAINED; k++, t = t->next) {
        ax_buf_init(&states[k], SCRATCH_MAX);
        ax_target_save(t, &c->kind, &states[k]);
    }
    for (uint32_t k = 0; (i = next_wanted(f, i, &key)) < f->series_n; i++, k = (k + 1) % TRAINED) {
        struct ax_arena arena;
        struct ax_labels labels;
        ax_arena_init(&arena, SCRATCH_MAX);
        if (ax_labels_key_parse(ax_buf_view(&key), &arena, &labels, NULL) != AX_OK)
            abort();
        t = ax_target_new(&c->kind, f->job->config, ax_job_id(f->job, &labels), &labels, f->last_ms);
        struct ax_bytes in = ax_bytes_of(ax_buf_view(&states[k]));
        if (!t || ax_target_load(t, &c->kind, &in) != AX_OK || ax_map_put(&c->targets, t->id, t) != AX_OK)
            abort();
        t->serial = c->next_serial++;
        *c->end = t;
        c->end = &t->next;
        ax_arena_done(&arena);
    }
}

static void save(struct ax_job *job, const char *storage)
{
    struct ax_diag diag = {{0}};
    struct ax_snapshot_writer *w;
    struct ax_buf scratch;
    char path[4096];
    ax_buf_init(&scratch, SCRATCH_MAX);
    (void)snprintf(path, sizeof path, "%s/snapshots", storage);
    check(ax_snapshot_begin(path, 1, &w, &diag), &diag);
    check(ax_job_save(job, &scratch, w), &diag);
    check(ax_snapshot_commit(w, &diag), &diag);
    ax_buf_done(&scratch);
}

int main(int argc, char **argv)
{
    static struct ax_problems problems;
    static char text[1 << 16];
    struct ax_diag diag = {{0}};
    struct ax_config *config;
    if (argc != 6)
        return 2;
    FILE *in = fopen(argv[1], "r");
    const size_t n = in ? fread(text, 1, sizeof text, in) : 0;
    check(ax_blas_setup(&diag), &diag);
    check(ax_config_parse((struct ax_str){text, n}, &config, &problems), &diag);
    const struct ax_job_env env = {.db = ax_db_new(&(struct ax_db_options){.seed = 7}),
                                   .sink = nowhere(),
                                   .max_range_ms = 3600000,
                                   .seed = 42};
    struct fleet f = {.series_n = (uint32_t)strtoul(argv[3], NULL, 10),
                      .wanted_n = (uint32_t)strtoul(argv[4], NULL, 10),
                      .last_ms = strtoll(argv[5], NULL, 10) * 1000};
    check(ax_job_new(&env, config, &config->jobs[0], &f.job, &diag), &diag);
    copy(&f, train(&f));
    save(f.job, argv[2]);
    return 0;
}
