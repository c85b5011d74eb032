/* backfill_run.c: one job's history, from the first question to the hand-over. */
#include "ingest/backfill_run.h"

#include "base/hash.h"
#include "base/memory.h"
#include "expr/expr.h"
#include "ingest/backfill_plan.h"
#include "ingest/backfill_wants.h"
#include "pipeline/erase.h"
#include "pipeline/rehearsal.h"
#include "pipeline/schedule.h"

#include <stdio.h>
#include <stdlib.h>

#define MONTH_MS (31 * 86400000LL)
#define HISTOGRAM_BYTES_MAX (256u << 20)
#define ASK_MS 600000        /* of the newest history, to see what there is */
#define OVERLAP_MS 60000     /* samples that came late where history was read before */
#define NEAR_MS 120000       /* history has been read when its end is so near */
#define MEET_STEPS 4         /* taken at most while the job in service waits */
#define SETTLE_MS 120000     /* see settle_ms */
#define PATIENCE_MS 600000   /* for the first step of the job in service, and 2 steps */
#define LOOK_MS 500          /* how often the job in service is looked at */
#define ATTEMPTS 5           /* of one portion */
#define PORTION_FACTOR 4     /* a portion that has so many times what was planned is too large */
#define PORTION_LEAST 100000 /* samples that always fit */
#define RECORD_BYTES_MAX (256u << 20)

struct ax_backfill_run {
    const struct ax_backfill_env *env;
    const struct ax_config *config;
    const struct ax_job_config *block;
    const struct ax_map *only;
    struct ax_map *settled;
    struct ax_backfill_wants wants;
    struct ax_backfill_plan plan;
    struct ax_db *db; /* of its own */
    struct ax_job *rehearsal;
    struct ax_buf record;
    int64_t end_ms;            /* to which history is read */
    int64_t read_ms, taken_ms; /* samples and steps up to these are there */
    int64_t newest_ms;         /* sample */
    uint64_t portion_n, portion_max;
    uint32_t attempts;
    int64_t began_ms, met_ms; /* monotonic: of following, and of the first step in service; -1 before */
    int64_t live_ms;          /* newest step in service */
    bool foreign;             /* the job in service is another one now */
    uint64_t erasures;        /* when it began: what was erased since may be in what it has read */
    enum ax_err meet_err;
    struct ax_backfill_standing s;
    struct ax_cell *samples_cell, *taken_cell;
};

enum ax_err ax_backfill_run_new(const struct ax_backfill_env *env, const struct ax_config *config,
                                const struct ax_job_config *block, const struct ax_map *only,
                                struct ax_map *settled, struct ax_backfill_run **out, struct ax_diag *diag)
{
    char name[AX_JOB_NAME_MAX + 1];
    struct ax_backfill_run *run = calloc(1, sizeof *run);
    if (!run)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    (void)snprintf(name, sizeof name, AX_STR_FMT, AX_STR_ARG(block->name));
    run->env = env;
    run->config = config;
    run->block = block;
    run->only = only;
    run->settled = settled;
    run->met_ms = run->began_ms = -1;
    run->erasures = ax_pipeline_erasures(env->pipeline);
    run->newest_ms = INT64_MIN;
    run->samples_cell = ax_metric(AX_M_BACKFILL_SAMPLES, name, NULL);
    run->taken_cell = ax_metric(AX_M_BACKFILL_SERIES, name, NULL);
    ax_buf_init(&run->record, RECORD_BYTES_MAX);
    enum ax_err err = ax_backfill_wants_init(&run->wants, block, env->max_range_ms, diag);
    if (err != AX_OK) {
        ax_backfill_run_free(run);
        return err;
    }
    *out = run;
    return AX_OK;
}

void ax_backfill_run_free(struct ax_backfill_run *run)
{
    if (!run)
        return;
    ax_job_free(run->rehearsal, INT64_MIN);
    ax_db_free(run->db);
    ax_backfill_wants_done(&run->wants);
    ax_buf_done(&run->record);
    free(run);
}

uint64_t ax_backfill_run_erasures(const struct ax_backfill_run *run)
{
    return run->erasures;
}

struct ax_backfill_standing ax_backfill_run_standing(const struct ax_backfill_run *run)
{
    return run->s;
}

static bool is_outdated(const struct ax_backfill_run *run)
{
    return ax_pipeline_erasures(run->env->pipeline) != run->erasures;
}

static bool cancelled(const struct ax_backfill_run *run)
{
    return atomic_load(run->env->cancel) || is_outdated(run);
}

static int64_t fail(struct ax_backfill_run *run, const char *reason)
{
    run->s.phase = AX_BACKFILL_FAILED;
    run->s.reason = reason;
    return 0;
}

/* By an error of a call. */
static int64_t fail_by(struct ax_backfill_run *run, enum ax_err err, struct ax_diag *diag)
{
    if (cancelled(run))
        return fail(run, "cancelled");
    if (err != AX_NOMEM)
        return fail(run, "endpoint");
    if (!diag->text[0]) /* who has no memory may have no text either */
        (void)ax_fail(diag, AX_NOMEM, "out of memory");
    return fail(run, "memory");
}

/* The same, where steps are evaluated and taken. */
static int64_t fail_steps(struct ax_backfill_run *run, enum ax_err err, struct ax_diag *diag)
{
    (void)ax_fail(diag, err, "the steps of history cannot be taken: %s", ax_err_text(err));
    return fail(run, cancelled(run) ? "cancelled" : "memory");
}

/* The newest step that is due now. */
static int64_t newest_step(const struct ax_backfill_run *run)
{
    return ax_schedule_floor(ax_clock_now(&run->env->clock) - run->block->evaluation_delay_ms,
                             run->block->step_ms);
}

static int64_t longest_backfill(const struct ax_backfill_run *run)
{
    int64_t most = 0;
    for (uint32_t i = 0; i < run->env->histories_n; i++) {
        int64_t one = ax_history_config(run->env->histories[i])->backfill_ms;
        most = one > most ? one : most;
    }
    return most;
}

/* ---- reading ---- */

/* Ask every endpoint for what the job selects, from < t <= to. */
static enum ax_err ask(struct ax_backfill_run *run, int64_t from_ms, int64_t to_ms, ax_read_visit *visit,
                       struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    run->portion_n = 0;
    for (uint32_t i = 0; i < run->env->histories_n && err == AX_OK; i++) {
        struct ax_history *h = run->env->histories[i];
        int64_t first_ms = run->end_ms - ax_history_config(h)->backfill_ms - run->wants.reach_ms;
        uint32_t n =
            ax_backfill_wants_queries(&run->wants, h, from_ms < first_ms ? first_ms : from_ms, to_ms);
        if (n)
            err = ax_history_read(h, run->wants.queries, n, visit, run, diag);
    }
    return err;
}

/* What a run takes, in samples: a histogram is as many as fit into its bytes. */
static uint64_t weight_of(const struct ax_read_run *r)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < r->histograms_n; i++)
        bytes += r->histograms[i].message.n;
    return r->samples_n + r->histograms_n + bytes / sizeof(struct ax_sample);
}

static enum ax_err count_run(void *ctx, uint32_t query, const struct ax_read_run *r)
{
    struct ax_backfill_run *run = ctx;
    (void)query;
    uint64_t hash = ax_hash64(r->key.p, r->key.n, 0); /* runs of one series come one after the other */
    run->s.series += run->s.series == 0 || hash != run->wants.newest_key;
    run->wants.newest_key = hash;
    run->portion_n += weight_of(r);
    return cancelled(run) ? AX_BUSY : AX_OK;
}

static enum ax_err append_run(void *ctx, uint32_t query, const struct ax_read_run *r)
{
    struct ax_backfill_run *run = ctx;
    struct ax_append a = {.key = r->key,
                          .samples = r->samples,
                          .n = r->samples_n,
                          .histograms = r->histograms,
                          .histograms_n = r->histograms_n};
    (void)query;
    run->portion_n += weight_of(r);
    run->s.samples += r->samples_n + r->histograms_n;
    if (r->samples_n && r->samples[r->samples_n - 1].t_ms > run->newest_ms)
        run->newest_ms = r->samples[r->samples_n - 1].t_ms;
    if (r->histograms_n && r->histograms[r->histograms_n - 1].t_ms > run->newest_ms)
        run->newest_ms = r->histograms[r->histograms_n - 1].t_ms;
    ax_metric_add(run->samples_cell, r->samples_n + r->histograms_n);
    if (run->portion_n > run->portion_max)
        return AX_LIMIT;
    ax_db_append_one(run->db, ax_str(""), &a, NULL, NULL);
    if (a.fate == AX_FATE_NOMEM || a.result.nomem || a.histogram_result.nomem ||
        ax_memory_state() == AX_MEMORY_FULL)
        return AX_NOMEM;
    /* A ring that is full lets its oldest go, which no step may have seen yet: it does not come to that. */
    if (a.histogram_result.full || ax_db_histogram_bytes(run->db) > HISTOGRAM_BYTES_MAX / 2)
        return AX_LIMIT;
    return cancelled(run) ? AX_BUSY : AX_OK;
}

static enum ax_err make_rehearsal(struct ax_backfill_run *run, struct ax_diag *diag)
{
    const struct ax_db_options db = {.seed = run->env->db_seed,
                                     .retention_ms = AX_LOOKBACK_MS + OVERLAP_MS + 2 * run->plan.portion_ms,
                                     .ring_samples_max = 1u << 20,
                                     .histogram_bytes_max = HISTOGRAM_BYTES_MAX,
                                     .histogram_bytes_all = HISTOGRAM_BYTES_MAX,
                                     .negative_max = 65536,
                                     .drop_labels = run->config->drop_labels,
                                     .drop_labels_n = run->config->drop_labels_n,
                                     .own_output = ax_pipeline_is_own,
                                     .own_output_ctx = run->env->pipeline};
    run->db = ax_db_new(&db);
    if (!run->db)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    const struct ax_job_env env = {.db = run->db,
                                   .only = run->only,
                                   .max_range_ms = run->env->max_range_ms,
                                   .zero_delay = true,
                                   .seed = run->env->model_seed};
    return ax_job_new(&env, run->config, run->block, &run->rehearsal, diag);
}

/* Points of far history: the coarse window's, and for a bill a whole month. */
static uint32_t points_wanted(const struct ax_job_config *b)
{
    int64_t point_ms = b->step_ms > AX_WINDOW_COARSE_MS ? b->step_ms : AX_WINDOW_COARSE_MS;
    uint32_t month = (uint32_t)(MONTH_MS / point_ms);
    return b->billing.enabled && month > b->window_coarse ? month : b->window_coarse;
}

/* How much is there of the newest history? From that the plan is made. */
static int64_t advance_asking(struct ax_backfill_run *run, struct ax_diag *diag)
{
    const struct ax_job_config *b = run->block;
    run->end_ms = newest_step(run);
    int64_t span_ms = run->wants.reach_ms > 2 * b->step_ms ? run->wants.reach_ms : 2 * b->step_ms;
    span_ms = span_ms > ASK_MS ? span_ms : ASK_MS;
    run->s.series = 0;
    enum ax_err err = ask(run, run->end_ms - span_ms, run->end_ms, count_run, diag);
    if (err != AX_OK)
        return fail_by(run, err, diag);
    if (run->s.series == 0) {
        (void)ax_fail(diag, AX_NOTFOUND, "no endpoint has anything of the last %d minutes",
                      (int)(span_ms / 60000));
        return fail(run, "no_data");
    }
    uint32_t modelled = run->only ? run->only->n : run->s.series;
    const struct ax_backfill_need need = {.end_ms = run->end_ms,
                                          .step_ms = b->step_ms,
                                          .coarse_ms = b->step_ms > AX_WINDOW_COARSE_MS ? b->step_ms
                                                                                        : AX_WINDOW_COARSE_MS,
                                          .fine_n = b->window_fine,
                                          .coarse_n = points_wanted(b),
                                          .backfill_ms = longest_backfill(run),
                                          .series = modelled < b->max_series ? modelled : b->max_series,
                                          .samples_per_s = (double)run->portion_n / ((double)span_ms / 1000)};
    run->plan = ax_backfill_plan_make(&need);
    run->portion_max =
        (uint64_t)(need.samples_per_s * (double)run->plan.portion_ms / 1000) * PORTION_FACTOR + PORTION_LEAST;
    run->read_ms = run->taken_ms = run->plan.begin_ms;
    if (make_rehearsal(run, diag) != AX_OK)
        return fail(run, "memory");
    run->s.phase = AX_BACKFILL_READING;
    return 0;
}

/* Take the steps up to a time. */
static enum ax_err rehearse(struct ax_backfill_run *run, int64_t to_ms)
{
    for (int64_t t; (t = ax_backfill_next(&run->plan, run->taken_ms)) <= to_ms; run->taken_ms = t) {
        if (cancelled(run))
            return AX_BUSY;
        ax_job_observe(run->rehearsal, t <= run->plan.learn_ms);
        enum ax_err err = ax_job_evaluate(run->rehearsal, t, &run->record);
        if (err == AX_OK)
            err = ax_job_take(run->rehearsal, ax_buf_view(&run->record));
        if (err != AX_OK)
            return err;
    }
    return AX_OK;
}

/* A portion could not be had: ask for less at once, or later again. */
static int64_t try_again(struct ax_backfill_run *run, enum ax_err err, struct ax_diag *diag)
{
    if (cancelled(run) || err == AX_NOMEM)
        return fail_by(run, err, diag);
    int64_t half_ms = run->plan.portion_ms / 2;
    bool smaller = (err == AX_LIMIT || err == AX_TIMEOUT) && half_ms >= AX_WINDOW_COARSE_MS;
    if (smaller)
        run->plan.portion_ms = half_ms;
    if (smaller && err == AX_LIMIT)
        return 0;
    if (err == AX_LIMIT || err == AX_UNSUPPORTED || ++run->attempts == ATTEMPTS)
        return fail(run, "endpoint");
    return 1000LL << run->attempts;
}

/* From where on samples are still to be read: all that is newer than the newest, for an endpoint may lag
 * behind, and what is late of the last minute. */
static int64_t unread_ms(const struct ax_backfill_run *run)
{
    if (run->read_ms == run->plan.begin_ms)
        return run->read_ms - run->wants.reach_ms;
    int64_t from_ms = run->read_ms - OVERLAP_MS;
    return run->newest_ms != INT64_MIN && run->newest_ms < from_ms ? run->newest_ms : from_ms;
}

static int64_t advance_reading(struct ax_backfill_run *run, struct ax_diag *diag)
{
    if (ax_memory_state() != AX_MEMORY_FREE) {
        (void)ax_fail(diag, AX_BUSY, "memory is tight");
        return fail(run, "memory");
    }
    int64_t to_ms = run->read_ms + run->plan.portion_ms;
    to_ms = to_ms < run->end_ms ? to_ms : run->end_ms;
    enum ax_err err = ask(run, unread_ms(run), to_ms, append_run, diag);
    if (err != AX_OK)
        return try_again(run, err, diag);
    run->attempts = 0;
    run->read_ms = to_ms;
    if (run->newest_ms == INT64_MIN && to_ms < run->end_ms) {
        if (cancelled(run))
            return fail(run, "cancelled");
        run->taken_ms = to_ms; /* a history shorter than asked for: its steps begin with its samples */
        run->s.share = ax_backfill_share(&run->plan, run->taken_ms, run->end_ms);
        return 0;
    }
    /* The newest steps only when their samples have come: an endpoint may lag behind. */
    int64_t ripe_ms = run->newest_ms == INT64_MIN ? to_ms : run->newest_ms - run->block->evaluation_delay_ms;
    err = rehearse(run, to_ms == run->end_ms && ripe_ms < to_ms ? ripe_ms : to_ms);
    if (err != AX_OK)
        return fail_steps(run, err, diag);
    if (to_ms == run->end_ms) {
        run->end_ms = newest_step(run);
        if (run->end_ms - to_ms <= NEAR_MS || run->end_ms - to_ms <= 2 * run->block->step_ms) {
            run->s.phase = AX_BACKFILL_FOLLOWING;
            run->began_ms = ax_clock_mono(&run->env->clock);
        }
    }
    run->s.share =
        run->s.phase == AX_BACKFILL_FOLLOWING ? 1 : ax_backfill_share(&run->plan, run->taken_ms, run->end_ms);
    return 0;
}

/* ---- following ---- */

/* Between two steps of the job in service: come to where it stands, and hand over. */
static bool meet(void *ctx, struct ax_job *job)
{
    struct ax_backfill_run *run = ctx;
    struct ax_handover h = {0};
    run->foreign = ax_job_identity(job) != ax_job_identity(run->rehearsal);
    run->live_ms = ax_job_stepped_ms(job);
    if (run->foreign || run->live_ms < run->taken_ms || is_outdated(run))
        return false;
    if (run->live_ms > run->taken_ms)
        run->meet_err = ax_job_copy_samples(job, run->taken_ms - run->wants.reach_ms, run->live_ms, run->db);
    if (run->meet_err != AX_OK || run->live_ms - run->taken_ms > MEET_STEPS * run->block->step_ms)
        return false;
    run->meet_err = rehearse(run, run->live_ms);
    if (run->meet_err == AX_OK)
        run->meet_err = ax_job_take_over(job, run->rehearsal, run->settled, &h);
    run->s.taken += h.taken;
    ax_metric_add(run->taken_cell, h.taken);
    return h.taken > 0;
}

/* The job in service has gone on meanwhile: read what it has seen, all but the last step. */
static int64_t catch_up(struct ax_backfill_run *run, struct ax_diag *diag)
{
    int64_t now_ms = ax_clock_now(&run->env->clock);
    enum ax_err err = ask(run, unread_ms(run), now_ms, append_run, diag);
    if (err != AX_OK)
        return try_again(run, err, diag);
    run->attempts = 0;
    run->read_ms = now_ms;
    err = rehearse(run, run->live_ms - run->block->step_ms);
    return err == AX_OK ? 0 : fail_steps(run, err, diag);
}

static int64_t advance_following(struct ax_backfill_run *run, struct ax_diag *diag)
{
    int64_t mono_ms = ax_clock_mono(&run->env->clock), step_ms = run->block->step_ms;
    int64_t settle_ms = run->env->settle_ms ? run->env->settle_ms : SETTLE_MS;
    run->meet_err = AX_OK;
    run->live_ms = INT64_MIN;
    if (!ax_pipeline_with_job(run->env->pipeline, run->block->name, meet, run) || run->foreign)
        return fail(run, "cancelled"); /* a reload: another run is for the job that is there now */
    if (run->meet_err != AX_OK)
        return fail_steps(run, run->meet_err, diag);
    if (run->met_ms < 0 && run->live_ms == INT64_MIN) {
        if (mono_ms - run->began_ms < PATIENCE_MS + 2 * step_ms)
            return LOOK_MS;
        (void)ax_fail(diag, AX_NOTFOUND, "nothing arrives of what the job selects");
        return fail(run, "no_data");
    }
    if (run->met_ms < 0) {
        /* What came between the newest portion and the first sample that arrived by itself. */
        run->met_ms = mono_ms;
        return catch_up(run, diag);
    }
    if (run->live_ms > run->taken_ms)
        return catch_up(run, diag);
    if (mono_ms - run->met_ms >= settle_ms + 4 * step_ms)
        run->s.phase = AX_BACKFILL_DONE;
    return LOOK_MS;
}

int64_t ax_backfill_advance(struct ax_backfill_run *run, struct ax_diag *diag)
{
    if (is_outdated(run) && run->s.phase < AX_BACKFILL_DONE)
        return fail(run, "erased");
    switch (run->s.phase) {
    case AX_BACKFILL_ASKING:
        return advance_asking(run, diag);
    case AX_BACKFILL_READING:
        return advance_reading(run, diag);
    case AX_BACKFILL_FOLLOWING:
        return advance_following(run, diag);
    case AX_BACKFILL_DONE:
    case AX_BACKFILL_FAILED:
        break;
    }
    return 0;
}
