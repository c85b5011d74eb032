/* What a pipeline says does not hang on how often it was killed: killed at any moment, with snapshots or
 * without, with a log that was cut off or refuses writes, all its incarnations together say what one says
 * that was left alone. */
#include "ax_test.h"
#include "base/rng.h"
#include "lasting.h"
#include "pipeline/job_priv.h"
#include "pipeline/pipeline_priv.h"
#include "rig.h"
#include "scratch.h"
#include "series_world.h"
#include "store/records.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A feed with samples that come late, and one without: what is sent again after long is not late any more. */
static struct lasting_feed feed, prompt;
static struct ledger whole, prompt_whole; /* what is said when nothing happens */

/* Send everything; `happen` is called between all that is done. */
static void live(struct lasting *l, void (*happen)(struct lasting *l, void *ctx), void *ctx)
{
    while (l->taken < l->feed->n) {
        lasting_pass(l, l->feed->v[l->taken].at_ms);
        if (happen)
            happen(l, ctx);
        (void)lasting_send(l, l->taken);
        if (happen)
            happen(l, ctx);
        lasting_pass(l, l->now_ms);
        if (happen)
            happen(l, ctx);
    }
    lasting_pass(l, l->now_ms + 205000);
}

static struct ledger live_on(const struct lasting_feed *f)
{
    struct lasting l;
    lasting_init(&l, f);
    live(&l, NULL, NULL);
    struct ledger ledger = l.ledger;
    l.ledger = (struct ledger){0};
    lasting_done(&l);
    return ledger;
}

static int live_whole(void **state)
{
    (void)state;
    lasting_feed_init(&feed, 11, true);
    lasting_feed_init(&prompt, 11, false);
    whole = live_on(&feed);
    prompt_whole = live_on(&prompt);
    return 0;
}

static int forget_whole(void **state)
{
    (void)state;
    ledger_done(&whole);
    ledger_done(&prompt_whole);
    lasting_feed_done(&feed);
    lasting_feed_done(&prompt);
    return 0;
}

/* The feed has what the tests below are about. */
static void the_recording_is_worth_comparing(void **state)
{
    (void)state;
    static const char *const parts[] = {"predicted_kbps{",
                                        "anomaly_score{for=\"kbps\"",
                                        "anomaly_score{for=\"rate\"",
                                        "predicted_ratio{",
                                        "anomaly_score{for=\"routers\"",
                                        "drift_score{",
                                        "prediction_accuracy{",
                                        "model_training_skill{for=\"shared\"",
                                        "for=\"slow\"",
                                        "model_ready{for=\"kbps\"}",
                                        "anomaly_score{for=\"few\""};
    uint32_t stale = 0;
    uint64_t samples = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (memory_count(&whole.taken, parts[i]) == 0)
            fail_msg("nothing says %s", parts[i]);
    assert_int_equal(memory_count(&whole.taken, "anomaly_score{for=\"few\""),
                     2); /* of three: there is room for 7 outputs */
    for (uint32_t i = 0; i < whole.taken.n; i++)
        for (uint32_t k = 0; k < whole.taken.v[i].n; k++, samples++)
            stale += ax_is_stale(whole.taken.v[i].v[k].value);
    assert_true(samples > 20000);
    assert_true(stale > 50);
}

/* What happens at random, each with the chance of one in so many. */
struct fate {
    struct ax_rng rng;
    uint32_t kill, snapshot, refuse;
    uint32_t kills, snapshots;
};

#define JOBS_MAX 16

/* What is known of the fits of each job, and since when something has lasted; as of its step. */
struct known {
    int64_t t_ms[JOBS_MAX];
    struct ax_buf fits[JOBS_MAX];
    uint32_t learners;
};

static void know(struct known *k, const struct ax_pipeline *p)
{
    assert_true(p->jobs_n <= JOBS_MAX);
    k->learners = 0;
    for (uint32_t i = 0; i < p->jobs_n; i++) {
        ax_buf_init(&k->fits[i], 10000);
        k->t_ms[i] = ax_job_stepped_ms(p->jobs[i]);
        ax_triggers_save(&p->jobs[i]->triggers, &k->fits[i]);
        for (const struct ax_learner *l = p->jobs[i]->learners; l; l = l->after, k->learners++)
            ax_fits_put(&k->fits[i], &l->fits);
    }
}

static void kill_and_compare_what_is_known_of_fits(struct lasting *l, void *ctx)
{
    struct fate *f = ctx;
    struct known before, after;
    if (f->snapshot && ax_rng_below(&f->rng, f->snapshot) == 0)
        f->snapshots += ax_pipeline_snapshot(l->pipeline);
    if (ax_rng_below(&f->rng, f->kill) != 0)
        return;
    know(&before, l->pipeline);
    lasting_kill(l);
    lasting_start(l, lasting_jobs);
    (void)ax_pipeline_run_due(l->pipeline);
    know(&after, l->pipeline);
    assert_true(before.learners > 0 && before.learners == after.learners);
    for (uint32_t i = 0; i < l->pipeline->jobs_n; i++) {
        if (before.t_ms[i] == after.t_ms[i]) {
            f->kills++;
            assert_true(ax_str_eq(ax_buf_view(&before.fits[i]), ax_buf_view(&after.fits[i])));
        }
        ax_buf_done(&before.fits[i]);
        ax_buf_done(&after.fits[i]);
    }
}

static void what_is_known_of_fits_is_what_it_was_before_a_kill(void **state)
{
    (void)state;
    struct lasting l;
    struct fate f = {.kill = 40, .snapshot = 60};
    ax_rng_seed(&f.rng, 5);
    lasting_init(&l, &feed);
    live(&l, kill_and_compare_what_is_known_of_fits, &f);
    assert_true(f.kills > 20 && f.snapshots > 3);
    lasting_done(&l);
}

static void happen_at_random(struct lasting *l, void *ctx)
{
    struct fate *f = ctx;
    if (f->snapshot && ax_rng_below(&f->rng, f->snapshot) == 0)
        f->snapshots += ax_pipeline_snapshot(l->pipeline);
    if (f->refuse && ax_rng_below(&f->rng, f->refuse) == 0)
        l->ledger.refuse = 1 + (uint32_t)ax_rng_below(&f->rng, 3);
    if (f->kill && ax_rng_below(&f->rng, f->kill) == 0) {
        f->kills++;
        l->ledger.refuse = 0;
        lasting_kill(l);
        lasting_start(l, lasting_jobs);
        if (ax_rng_below(&f->rng, 4) == 0) { /* again, in the midst of the replay */
            lasting_kill(l);
            lasting_start(l, lasting_jobs);
        }
        (void)ax_pipeline_run_due(l->pipeline);
    }
}

static void require_whole(struct fate f, uint64_t seed)
{
    struct lasting l;
    ax_rng_seed(&f.rng, seed);
    lasting_init(&l, &feed);
    live(&l, happen_at_random, &f);
    assert_true(f.kill == 0 || f.kills > 5);
    assert_true(f.snapshot == 0 || f.snapshots > 5);
    assert_true(ledger_require_equal(&whole, &l.ledger) > 20000);
    lasting_done(&l);
}

static void a_snapshot_changes_nothing(void **state)
{
    (void)state;
    require_whole((struct fate){.snapshot = 20}, 1);
}

static void a_process_that_is_killed_again_and_again_says_the_same(void **state)
{
    (void)state;
    require_whole((struct fate){.kill = 25}, 2);
}

static void the_same_with_snapshots_in_between(void **state)
{
    (void)state;
    for (uint64_t seed = 3; seed < 3 + ax_test_rounds(3); seed++)
        require_whole((struct fate){.kill = 12, .snapshot = 15}, seed);
}

static void a_queue_that_refuses_units_loses_and_doubles_none(void **state)
{
    (void)state;
    require_whole((struct fate){.refuse = 10}, 7);
    require_whole((struct fate){.refuse = 10, .kill = 25, .snapshot = 40}, 8);
}

/* Records with right checksums and nonsense within, of each type, between those of the feed. */
static void write_nonsense(struct lasting *l, void *ctx)
{
    uint32_t *n = ctx;
    struct ax_diag diag = {{0}};
    static const char *const bodies[] = {"", "\xff", "\1\xff\xff\xff\xff\xff\xff\xff\xff", "\2nonsense"};
    if (l->taken == 0 || l->taken % 40 || *n / 24 >= l->taken / 40)
        return;
    for (uint8_t type = AX_WAL_SAMPLES; type <= AX_WAL_ERASE; type++)
        for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++, ++*n)
            assert_int_equal(ax_seglog_append(ax_durable_log(l->d), type, ax_str(bodies[i]), NULL, &diag),
                             AX_OK);
    lasting_kill(l);
    lasting_start(l, lasting_jobs);
    (void)ax_pipeline_run_due(l->pipeline);
}

static void whole_records_that_make_no_sense_are_passed_over_and_counted(void **state)
{
    (void)state;
    static const char *const types[] = {"samples", "step", "swap", "lesson", "elections", "erase"};
    struct lasting l;
    uint32_t n = 0;
    double before[6];
    for (int i = 0; i < 6; i++)
        before[i] = ax_metric_get(ax_metric(AX_M_REPLAY_SKIPPED, types[i], NULL));
    lasting_init(&l, &feed);
    live(&l, write_nonsense, &n);
    assert_true(n >= 3 * 24);
    for (int i = 0; i < 6; i++) { /* the first ones at each start after them */
        double counted = ax_metric_get(ax_metric(AX_M_REPLAY_SKIPPED, types[i], NULL)) - before[i];
        if (strcmp(types[i], "elections") != 0 && counted < n / 6)
            fail_msg("of %u records of type %s %g were counted", n / 6, types[i], counted);
    }
    assert_true(ledger_require_equal(&whole, &l.ledger) > 20000);
    lasting_done(&l);
}

/* Cut the log off at a record's end, as a power loss may do; what was sent since is sent again. */
static void cut_log(struct lasting *l, struct ax_rng *rng)
{
    struct ax_seglog *log = ax_durable_log(l->d);
    struct ax_seglog_reader *reader;
    struct ax_seglog_record record;
    struct ax_diag diag = {{0}};
    struct stat st;
    char wal[SCRATCH_PATH + 64], name[SCRATCH_PATH], path[SCRATCH_PATH];
    uint64_t ends[4096], end = ax_seglog_end(log);
    uint32_t n = 0;
    assert_int_equal(ax_seglog_reader_new(log, ax_seglog_segment(log, end), &reader), AX_OK);
    while (ax_seglog_read(reader, &record, &diag) == AX_OK && n < 4096)
        ends[n++] = record.end;
    ax_seglog_reader_free(reader);
    lasting_kill(l);
    uint64_t cut = n < 40 ? end : ends[n - 1 - ax_rng_below(rng, 40)];
    (void)snprintf(wal, sizeof wal, "%s/wal", l->folder);
    scratch_name(name, wal, ".log", scratch_count(wal, ".log") - 1);
    scratch_in(path, wal, name);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - (off_t)(end - cut)), 0);
    lasting_start(l, lasting_jobs);
    end = ax_seglog_end(ax_durable_log(l->d)); /* not less than the snapshot knows */
    while (l->taken && l->taken_end[l->taken - 1] > end)
        l->taken--;
}

static void cut_at_random(struct lasting *l, void *ctx)
{
    struct fate *f = ctx;
    if (ax_rng_below(&f->rng, 40) == 0)
        f->snapshots += ax_pipeline_snapshot(l->pipeline);
    if (ax_rng_below(&f->rng, 25) != 0)
        return;
    f->kills++;
    cut_log(l, &f->rng);
    (void)ax_pipeline_run_due(l->pipeline);
}

static void a_log_that_lost_its_end_says_the_same_when_it_is_sent_again(void **state)
{
    (void)state;
    for (uint64_t seed = 20; seed < 20 + ax_test_rounds(3); seed++) {
        struct lasting l;
        struct fate f = {.kills = 0};
        ax_rng_seed(&f.rng, seed);
        lasting_init(&l, &prompt);
        live(&l, cut_at_random, &f);
        assert_true(f.kills > 5);
        assert_true(ledger_require_equal(&prompt_whole, &l.ledger) > 20000);
        lasting_done(&l);
    }
}

/* No file may become longer than the log is now, or any length. */
static void let_log_grow(struct lasting *l, bool grow)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    struct stat st;
    char wal[SCRATCH_PATH + 64], name[SCRATCH_PATH], path[SCRATCH_PATH];
    (void)snprintf(wal, sizeof wal, "%s/wal", l->folder);
    if (!grow) {
        scratch_name(name, wal, ".log", scratch_count(wal, ".log") - 1);
        scratch_in(path, wal, name);
        assert_int_equal(stat(path, &st), 0);
        limit.rlim_cur = (rlim_t)st.st_size + 10;
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_log_that_refuses_writes_stops_everything_and_loses_nothing(void **state)
{
    (void)state;
    struct lasting l;
    lasting_init(&l, &prompt);
    (void)signal(SIGXFSZ, SIG_IGN);
    while (l.taken < prompt.n) {
        lasting_pass(&l, prompt.v[l.taken].at_ms);
        if (l.taken % 40 == 20) {
            /* For longer than any patience: the senders are not silent but told to come again. */
            let_log_grow(&l, false);
            uint32_t commits = l.ledger.commits;
            for (int i = 0; i < 15; i++) {
                assert_false(lasting_send(&l, l.taken));
                lasting_pass(&l, l.now_ms + LASTING_STEP);
            }
            assert_int_equal(l.ledger.commits, commits);
            assert_false(ax_pipeline_snapshot(l.pipeline));
            if (l.taken % 80 == 60) { /* and so it is when the process is started then */
                lasting_kill(&l);
                lasting_start(&l, lasting_jobs);
                lasting_pass(&l, l.now_ms + 200000);
                assert_int_equal(l.ledger.commits, commits);
            }
            let_log_grow(&l, true);
        }
        (void)lasting_send(&l, l.taken);
        lasting_pass(&l, l.now_ms +
                             1000 * (l.now_ms > prompt.v[l.taken - 1].at_ms)); /* until it is tried again */
    }
    lasting_pass(&l, l.now_ms + 205000);
    assert_true(ledger_require_equal(&prompt_whole, &l.ledger) > 20000);
    lasting_done(&l);
}

static uint32_t steps_of(const struct lasting *l, const char *job)
{
    char text[SCRATCH_PATH + 64];
    (void)snprintf(text, sizeof text, "model_info{for=\"%s\",role=\"champion\",version=\"" AX_VERSION "\"}",
                   job);
    const struct memory_series *s = memory_find(&l->ledger.taken, text);
    for (uint32_t i = 1; s && i < s->n; i++)
        assert_true(s->v[i].t_ms > s->v[i - 1].t_ms);
    return s ? s->n : 0;
}

#define ONE_JOB                                                                                              \
    "global: {step: 10s}\njobs: [{name: kbps, expr: rx_kbps, anomaly: {}}, {name: other, expr: %s, "         \
    "anomaly: {}}]\n"

static void a_job_whose_block_changed_begins_anew_where_it_stopped(void **state)
{
    (void)state;
    struct lasting l;
    char before[256], after[256];
    struct ax_job_status status;
    char name[SCRATCH_PATH + 64];
    (void)snprintf(before, sizeof before, ONE_JOB, "tx_bytes");
    (void)snprintf(after, sizeof after, ONE_JOB, "rx_bytes");
    lasting_init(&l, &feed);
    lasting_kill(&l);
    lasting_start(&l, before);
    for (uint32_t half = 0; half < 2; half++) { /* told by the snapshot, then by the log alone */
        uint32_t from = l.taken;
        for (; l.taken < from + 30; lasting_pass(&l, l.now_ms)) {
            lasting_pass(&l, feed.v[l.taken].at_ms);
            assert_true(lasting_send(&l, l.taken));
        }
        if (half == 0)
            assert_true(ax_pipeline_snapshot(l.pipeline));
        uint32_t steps = steps_of(&l, "other"), kept = steps_of(&l, "kbps");
        assert_in_range(steps, from + 27, from + 30);
        lasting_kill(&l);
        lasting_start(&l, half == 0 ? after : before);
        (void)ax_pipeline_run_due(l.pipeline);
        assert_int_equal(steps_of(&l, "other"), steps); /* none is taken twice */
        assert_int_equal(steps_of(&l, "kbps"), kept);
        assert_true(ax_pipeline_job_status(l.pipeline, 0, name, sizeof name, &status));
        assert_true(status.targets_n > 0); /* what did not change is there */
        assert_true(ax_pipeline_job_status(l.pipeline, 1, name, sizeof name, &status));
        assert_int_equal(status.targets_n, 0);
        assert_int_equal(status.last_step_ms, LASTING_START + (int64_t)(l.taken - 2) * LASTING_STEP);
    }
    lasting_done(&l);
}

static void load(struct lasting *l, const char *jobs)
{
    struct ax_diag diag = {{0}};
    if (ax_pipeline_load(l->pipeline, rig_config(jobs), &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

/* Rows of the feed with a config, then another, then the first again: its job began anew then. */
static void live_with_reloads(struct lasting *l, bool kill_it)
{
    static const char first[] = "global: {step: 10s}\njobs: [{name: j, expr: rx_kbps, anomaly: {}}]\n";
    static const char second[] = "global: {step: 10s}\njobs: [{name: j, expr: tx_bytes, anomaly: {}}]\n";
    lasting_kill(l);
    lasting_start(l, first);
    for (uint32_t i = 0; i < 80; i++) {
        lasting_pass(l, feed.v[i].at_ms);
        assert_true(lasting_send(l, i));
        lasting_pass(l, l->now_ms);
        if (i == 20 || i == 30)
            load(l, i == 20 ? second : first);
        if (kill_it && i == 10)
            assert_true(ax_pipeline_snapshot(l->pipeline));
        if (kill_it && i == 50) { /* the snapshot of the first, and the steps of three, are there */
            lasting_kill(l);
            lasting_start(l, first);
        }
    }
}

static void what_a_job_of_before_a_reload_knew_is_not_mixed_with_what_came_after(void **state)
{
    (void)state;
    struct lasting a, b;
    lasting_init(&a, &feed);
    lasting_init(&b, &feed);
    live_with_reloads(&a, false);
    live_with_reloads(&b, true);
    assert_true(ledger_require_equal(&a.ledger, &b.ledger) > 1000);
    lasting_done(&a);
    lasting_done(&b);
}

static void no_other_config_is_taken_before_the_replay_is_done(void **state)
{
    (void)state;
    struct lasting l;
    struct ax_diag diag = {{0}};
    lasting_init(&l, &feed);
    for (uint32_t i = 0; i < 20; i++) {
        lasting_pass(&l, feed.v[i].at_ms);
        assert_true(lasting_send(&l, i));
    }
    lasting_kill(&l);
    lasting_start(&l, lasting_jobs);
    assert_false(ax_pipeline_is_current(l.pipeline));
    struct ax_config *config = rig_config(lasting_jobs);
    assert_int_equal(ax_pipeline_load(l.pipeline, config, &diag), AX_BUSY);
    assert_false(ax_pipeline_snapshot(l.pipeline));
    (void)ax_pipeline_run_due(l.pipeline);
    assert_true(ax_pipeline_is_current(l.pipeline));
    assert_int_equal(ax_pipeline_load(l.pipeline, config, &diag), AX_OK);
    lasting_done(&l);
}

/* Take requests and snapshots; returns the folder of these. */
static const char *take_snapshots(struct lasting *l, bool whole_ones)
{
    static char snapshots[SCRATCH_PATH + 64];
    lasting_init(l, &feed);
    l->pipeline->options.snapshot_log_bytes =
        whole_ones; /* any byte behind a whole one makes another one due */
    for (uint32_t i = 0; i < 40; i++) {
        lasting_pass(l, feed.v[i].at_ms);
        assert_true(lasting_send(l, i));
        if (i % 5 == 3)
            assert_true(ax_pipeline_snapshot(l->pipeline));
    }
    (void)snprintf(snapshots, sizeof snapshots, "%s/snapshots", l->folder);
    return snapshots;
}

static void two_whole_snapshots_are_kept_and_the_log_that_the_older_needs(void **state)
{
    (void)state;
    struct lasting l;
    const char *snapshots = take_snapshots(&l, true);
    assert_int_equal(scratch_count(snapshots, ".snap"), 2);
    assert_int_equal(scratch_count(snapshots, ""), 2);
    assert_true(l.pipeline->snapshot.whole_before == l.pipeline->snapshot.previous);
    assert_true(ax_seglog_begin(l.pipeline->options.log) <= l.pipeline->snapshot.whole_before);
    lasting_done(&l);
}

static void of_those_that_tell_changes_two_are_kept_and_what_they_are_told_by(void **state)
{
    (void)state;
    struct lasting l;
    const char *snapshots = take_snapshots(&l, false);
    const struct ax_snapshots *s = &l.pipeline->snapshot;
    assert_in_range(scratch_count(snapshots, ".snap"), 1, 2);
    assert_in_range(scratch_count(snapshots, ".changes"), 1, 2);
    assert_true(s->whole < s->previous && s->previous < s->position);
    assert_true(s->plan.changes_bytes < s->plan.whole_bytes);
    assert_true(ax_seglog_begin(l.pipeline->options.log) <= s->whole_before);
    lasting_done(&l);
}

/* Flip a byte of a file. */
static void damage(const char *folder, const char *suffix, size_t i)
{
    char name[SCRATCH_PATH], path[SCRATCH_PATH];
    size_t n;
    scratch_name(name, folder, suffix, i);
    scratch_in(path, folder, name);
    uint8_t *bytes = scratch_read(path, &n);
    bytes[n / 2] ^= 0x20;
    scratch_write(path, bytes, n);
    free(bytes);
}

static void require_sound(const char *snapshots)
{
    struct ax_snapshot *s;
    struct ax_diag diag = {{0}};
    if (ax_snapshot_open(snapshots, &s, NULL, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    ax_snapshot_close(s);
}

/* The whole feed with a kill before the newest file of a kind is damaged, twice; what is sound is taken, and
 * the same is said. Each snapshot is a whole one, or only the first. */
static void live_with_damage(struct lasting *l, bool whole_ones, const char *suffix, bool is_another)
{
    char snapshots[SCRATCH_PATH + 64];
    lasting_init(l, &feed);
    (void)snprintf(snapshots, sizeof snapshots, "%s/snapshots", l->folder);
    while (l->taken < feed.n) {
        l->pipeline->options.snapshot_log_bytes = whole_ones;
        lasting_pass(l, feed.v[l->taken].at_ms);
        assert_true(lasting_send(l, l->taken));
        lasting_pass(l, l->now_ms);
        if (l->taken == 40 || l->taken == 60 || l->taken == 65 || l->taken == 80 || l->taken == 85)
            assert_true(ax_pipeline_snapshot(l->pipeline));
        if (l->taken != 70 && l->taken != 90)
            continue;
        lasting_kill(l);
        damage(snapshots, suffix, scratch_count(snapshots, suffix) - 1);
        if (is_another)
            require_sound(snapshots); /* also after the second time */
        lasting_start(l, lasting_jobs);
    }
    lasting_pass(l, feed.v[feed.n - 1].at_ms + 205000);
    assert_true(ledger_require_equal(&whole, &l->ledger) > 20000);
}

static void a_damaged_snapshot_gives_way_to_the_one_before(void **state)
{
    (void)state;
    struct lasting l;
    char snapshots[SCRATCH_PATH + 64];
    live_with_damage(&l, true, ".snap", true);
    (void)snprintf(snapshots, sizeof snapshots, "%s/snapshots", l.folder);
    assert_true(ax_pipeline_snapshot(l.pipeline));
    lasting_pass(&l, l.now_ms + 60000);
    assert_true(ax_pipeline_snapshot(l.pipeline));
    assert_int_equal(scratch_count(snapshots, ".snap"), 2); /* damaged ones go in their turn */
    lasting_done(&l);
}

static void one_of_changes_that_is_damaged_gives_way_to_the_one_before(void **state)
{
    (void)state;
    struct lasting l;
    live_with_damage(&l, false, ".changes", true);
    lasting_done(&l);
}

static void when_what_others_are_told_by_is_damaged_the_log_has_it_all(void **state)
{
    (void)state;
    struct lasting l;
    live_with_damage(&l, false, ".snap", false);
    lasting_done(&l);
}

static void a_damaged_log_loses_what_was_there_and_no_more(void **state)
{
    (void)state;
    struct lasting l;
    char wal[SCRATCH_PATH + 64];
    struct ax_cell *corruptions = ax_metric(AX_M_WAL_CORRUPTIONS, NULL, NULL);
    double before = ax_metric_get(corruptions);
    lasting_init(&l, &feed);
    (void)snprintf(wal, sizeof wal, "%s/wal", l.folder);
    while (l.taken < 80) {
        lasting_pass(&l, feed.v[l.taken].at_ms);
        assert_true(lasting_send(&l, l.taken));
        lasting_pass(&l, l.now_ms);
        if (l.taken != 60)
            continue;
        lasting_kill(&l);
        damage(wal, ".log", 0);
        lasting_start(&l, lasting_jobs);
        assert_true(ax_metric_get(corruptions) == before + 1);
    }
    assert_in_range(steps_of(&l, "kbps"), 77, 80); /* each step was said once */
    lasting_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_of_fits_is_what_it_was_before_a_kill),
        cmocka_unit_test(the_recording_is_worth_comparing),
        cmocka_unit_test(a_snapshot_changes_nothing),
        cmocka_unit_test(whole_records_that_make_no_sense_are_passed_over_and_counted),
        cmocka_unit_test(a_process_that_is_killed_again_and_again_says_the_same),
        cmocka_unit_test(the_same_with_snapshots_in_between),
        cmocka_unit_test(a_queue_that_refuses_units_loses_and_doubles_none),
        cmocka_unit_test(a_log_that_lost_its_end_says_the_same_when_it_is_sent_again),
        cmocka_unit_test(a_log_that_refuses_writes_stops_everything_and_loses_nothing),
        cmocka_unit_test(a_job_whose_block_changed_begins_anew_where_it_stopped),
        cmocka_unit_test(what_a_job_of_before_a_reload_knew_is_not_mixed_with_what_came_after),
        cmocka_unit_test(no_other_config_is_taken_before_the_replay_is_done),
        cmocka_unit_test(two_whole_snapshots_are_kept_and_the_log_that_the_older_needs),
        cmocka_unit_test(of_those_that_tell_changes_two_are_kept_and_what_they_are_told_by),
        cmocka_unit_test(a_damaged_snapshot_gives_way_to_the_one_before),
        cmocka_unit_test(one_of_changes_that_is_damaged_gives_way_to_the_one_before),
        cmocka_unit_test(when_what_others_are_told_by_is_damaged_the_log_has_it_all),
        cmocka_unit_test(a_damaged_log_loses_what_was_there_and_no_more),
    };
    return cmocka_run_group_tests(tests, live_whole, forget_whole);
}
