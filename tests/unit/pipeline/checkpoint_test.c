/* When a snapshot is taken: when a start would have too much to do without it, and not so often that the disk
 * does nothing else. */
#include "ax_test.h"
#include "lasting.h"
#include "pipeline/job_priv.h"
#include "pipeline/lesson.h"
#include "pipeline/pipeline_priv.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/uio.h>

#define MS 1000000

static struct lasting_feed feed;

static int make_feed(void **state)
{
    (void)state;
    lasting_feed_init(&feed, 11, true);
    return 0;
}

static int free_feed(void **state)
{
    (void)state;
    lasting_feed_done(&feed);
    return 0;
}

static const struct ax_snapshots *of(const struct lasting *l)
{
    return &l->pipeline->snapshot;
}

/* Take requests until a start would need more than a millisecond. */
static void live_until_it_owes(struct lasting *l)
{
    do
        lasting_live_to(l, l->taken + 1);
    while (of(l)->owed_ns < 2 * MS && l->taken + 1 < feed.n);
    assert_true(of(l)->owed_ns >= 2 * MS);
}

/* How often a snapshot's file was made or written while jobs could be asked, and while they could not. */
static struct {
    struct ax_pipeline *pipeline; /* NULL: nobody looks */
    uint32_t free, held;
    void (*then)(struct ax_pipeline *p); /* at the first of them */
    atomic_bool dead, asked;             /* nothing of a snapshot can be made now; somebody waits for it */
    bool full;                           /* nothing can be made at all */
} disk;

static void look(void)
{
    struct ax_pipeline *p = disk.pipeline;
    if (!p)
        return;
    if (pthread_mutex_trylock(&p->run) != 0) {
        disk.held++;
        return;
    }
    (void)pthread_mutex_unlock(&p->run);
    disk.free++;
    if (disk.then)
        disk.then(p);
    disk.then = NULL;
}

/* In place of the C library's. */
int make_file(int dir, const char *name, int flags, ...) __asm__("openat");
ssize_t write_file(int fd, const struct iovec *v, int n, off_t at) __asm__("pwritev");

int make_file(int dir, const char *name, int flags, ...)
{
    static int (*real)(int, const char *, int, ...);
    va_list args;
    va_start(args, flags);
    const unsigned mode = flags & O_CREAT ? va_arg(args, unsigned) : 0;
    va_end(args);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "openat");
    if (strstr(name, ".snap.tmp"))
        look();
    while (strstr(name, ".snap.tmp") && atomic_load(&disk.dead)) {
        atomic_store(&disk.asked, true);
        ax_sleep_ns(MS);
    }
    if (strstr(name, ".snap.tmp") && disk.full) {
        errno = ENOSPC;
        return -1;
    }
    return real(dir, name, flags, mode);
}

ssize_t write_file(int fd, const struct iovec *v, int n, off_t at)
{
    static ssize_t (*real)(int, const struct iovec *, int, off_t);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pwritev");
    look();
    return real(fd, v, n, at);
}

static void nobody_who_asks_a_job_waits_for_the_disk(void **state)
{
    (void)state;
    struct lasting l;
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    disk.pipeline = l.pipeline;
    assert_true(ax_pipeline_snapshot(l.pipeline));
    disk.pipeline = NULL;
    assert_true(disk.free > 1);
    assert_int_equal(disk.held, 0);
    lasting_done(&l);
}

static int64_t step_ms_of(struct ax_pipeline *p, uint32_t job)
{
    struct ax_job_status status;
    char name[64];
    assert_true(ax_pipeline_job_status(p, job, name, sizeof name, &status));
    return status.last_step_ms;
}

static int64_t last_step_ms(struct ax_pipeline *p)
{
    return step_ms_of(p, 0);
}

static void steps_are_taken_while_a_snapshot_waits_for_its_disk(void **state)
{
    (void)state;
    struct lasting l;
    pthread_t keeper;
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    const int64_t before_ms = last_step_ms(l.pipeline);
    atomic_store(&disk.dead, true);
    assert_int_equal(pthread_create(&keeper, NULL, ax_pipeline_keep, l.pipeline), 0);
    for (int i = 0; !atomic_load(&disk.asked) && i < 30000; i++) /* one is due: the jobs were loaded */
        ax_sleep_ns(MS);
    assert_true(atomic_load(&disk.asked));
    lasting_live_to(&l, feed.n / 2 + 20);
    assert_true(last_step_ms(l.pipeline) > before_ms);
    assert_true(of(&l)->position == 0); /* and none was written meanwhile */
    const int64_t owed_ns = of(&l)->owed_ns;
    atomic_store(&l.pipeline->stop, true);
    atomic_store(&disk.dead, false);
    assert_int_equal(pthread_join(keeper, NULL), 0);
    atomic_store(&l.pipeline->stop, false);
    assert_true(of(&l)->position > 0);
    assert_true(of(&l)->owed_ns > 0 && of(&l)->owed_ns < owed_ns); /* for the steps behind its position */
    lasting_done(&l);
}

static void say_something(struct ax_pipeline *p)
{
    const struct ax_lesson lesson = {.range = {.id = 7, .verdict = AX_LESSON_MISSED}};
    assert_int_equal(
        ax_pipeline_teach(p, ax_job_config(p->jobs[p->jobs_n - 1])->name, &lesson, NULL, NULL, NULL), AX_OK);
}

static void what_changes_a_job_meanwhile_is_before_the_position_and_told_once(void **state)
{
    (void)state;
    struct lasting l;
    static uint64_t ids[AX_JOB_LESSONS_MAX];
    uint32_t n;
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    disk.pipeline = l.pipeline;
    disk.then = say_something; /* the position is taken, and no job saved */
    assert_true(ax_pipeline_snapshot(l.pipeline));
    disk.pipeline = NULL;
    assert_null(disk.then);
    assert_true(of(&l)->position == ax_seglog_end(l.pipeline->options.log));
    lasting_kill(&l);
    lasting_start(&l, lasting_jobs);
    (void)ax_pipeline_run_due(l.pipeline);
    const struct ax_str job = ax_job_config(l.pipeline->jobs[l.pipeline->jobs_n - 1])->name;
    assert_int_equal(ax_pipeline_lessons(l.pipeline, job, ids, &n), AX_OK);
    assert_int_equal(n, 1);
    lasting_done(&l);
}

/* As a hand-over of history does: what the models of a job learn from becomes another, and no record says so.
 */
static bool learn_otherwise(void *ctx, struct ax_job *job)
{
    const int64_t t_ms = ax_job_stepped_ms(job);
    const struct ax_lesson_range range = {.id = 9 + ax_job_untold(job),
                                          .verdict = AX_LESSON_EXCLUDED,
                                          .from_ms = t_ms - 60 * (int64_t)LASTING_STEP,
                                          .to_ms = t_ms};
    uint32_t *n = ctx;
    for (struct ax_target *t = job->channels[0].first; t; t = t->next)
        *n += ax_target_excludes(t) && ax_target_exclude(t, &range) == AX_OK;
    return true;
}

static void hand_over(struct lasting *l)
{
    uint32_t n = 0;
    assert_true(ax_pipeline_with_job(l->pipeline, ax_str("kbps"), learn_otherwise, &n));
    assert_true(n > 2);
}

/* A run in which nothing happens but this, up to three quarters. */
static void hand_over_in_peace(struct lasting *l)
{
    lasting_init(l, &feed);
    lasting_live_to(l, feed.n / 2);
    hand_over(l);
    lasting_live_to(l, feed.n * 3 / 4);
}

static void a_step_after_a_hand_over_is_the_same_in_a_replay(void **state)
{
    (void)state;
    struct lasting l, quiet;
    hand_over_in_peace(&quiet);
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    hand_over(&l);
    lasting_live_to(&l, feed.n / 2 + 5);
    lasting_kill(&l); /* before anything asks whether a snapshot is due */
    lasting_start(&l, lasting_jobs);
    lasting_live_to(&l, feed.n * 3 / 4);
    assert_true(ledger_require_equal(&quiet.ledger, &l.ledger) > 1000);
    lasting_done(&l);
    lasting_done(&quiet);
}

static void a_step_after_a_hand_over_waits_until_that_is_saved(void **state)
{
    (void)state;
    struct lasting l, quiet;
    hand_over_in_peace(&quiet);
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    assert_true(ax_pipeline_snapshot(l.pipeline));
    const int64_t before_ms = step_ms_of(l.pipeline, 0);
    struct ax_pipeline *p = l.pipeline;
    atomic_store(&disk.asked, false);
    atomic_store(&disk.dead, true);
    p->keeps = true;
    assert_int_equal(pthread_create(&p->keeper, NULL, ax_pipeline_keep, p), 0);
    hand_over(&l);
    for (int i = 0; !atomic_load(&disk.asked) && i < 30000; i++)
        ax_sleep_ns(MS);
    assert_true(atomic_load(&disk.asked));
    lasting_live_to(&l, feed.n / 2 + 1);
    assert_true(step_ms_of(p, 0) == before_ms);
    assert_true(step_ms_of(p, 1) > before_ms); /* of a job that nothing has happened to */
    atomic_store(&disk.dead, false);
    for (int i = 0; !ax_pipeline_is_told(p, 1) && i < 30000; i++)
        ax_sleep_ns(MS);
    assert_true(ax_pipeline_is_told(p, 1));
    assert_int_equal(ax_pipeline_run_due(p), 1);
    assert_true(step_ms_of(p, 0) == step_ms_of(p, 1));
    lasting_kill(&l);
    lasting_start(&l, lasting_jobs);
    lasting_live_to(&l, feed.n * 3 / 4);
    assert_true(ledger_require_equal(&quiet.ledger, &l.ledger) > 1000);
    lasting_done(&l);
    lasting_done(&quiet);
}

static void no_step_waits_for_a_disk_that_has_failed(void **state)
{
    (void)state;
    struct lasting l;
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    const int64_t before_ms = last_step_ms(l.pipeline);
    disk.full = true;
    hand_over(&l);
    lasting_live_to(&l, feed.n / 2 + 3);
    assert_true(last_step_ms(l.pipeline) > before_ms);
    assert_true(of(&l)->wanted && of(&l)->off);
    hand_over(&l);
    lasting_live_to(&l, feed.n / 2 + 4);
    disk.full = false;
    assert_true(ax_pipeline_snapshot(l.pipeline));
    assert_false(of(&l)->off);
    assert_true(ax_pipeline_is_told(l.pipeline, 2));
    lasting_done(&l);
}

static struct lasting *refused; /* its sink takes nothing from the moment a snapshot has begun */

static void go_on_unheard(struct ax_pipeline *p)
{
    assert_ptr_equal(p, refused->pipeline);
    refused->ledger.refuse = UINT32_MAX;
    lasting_live_to(refused, refused->taken + 2);
    assert_true(p->uncommitted);
}

static void no_job_is_saved_before_what_it_has_said_is_committed(void **state)
{
    (void)state;
    struct lasting l, quiet;
    lasting_init(&quiet, &feed);
    lasting_live_to(&quiet, feed.n * 3 / 4);
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    refused = &l;
    disk.pipeline = l.pipeline;
    disk.then = go_on_unheard;
    assert_false(ax_pipeline_snapshot(l.pipeline));
    disk.pipeline = NULL;
    assert_null(disk.then);
    lasting_kill(&l);
    l.ledger.refuse = 0;
    lasting_start(&l, lasting_jobs);
    lasting_live_to(&l, feed.n * 3 / 4);
    assert_true(ledger_require_equal(&quiet.ledger, &l.ledger) > 1000);
    lasting_done(&l);
    lasting_done(&quiet);
}

static void a_snapshot_is_due_when_a_start_would_owe_too_much(void **state)
{
    (void)state;
    struct lasting l;
    lasting_init(&l, &feed);
    struct ax_pipeline_options *o = &l.pipeline->options;
    o->snapshot_interval_ms = INT64_MAX;
    lasting_live_to(&l, 1);
    assert_true(ax_pipeline_snapshot(l.pipeline)); /* the one that is due after a job was loaded */
    live_until_it_owes(&l);
    assert_false(ax_pipeline_snapshot_due(l.pipeline)); /* 0: no limit */
    o->replay_max_ms = 3600000;
    assert_false(ax_pipeline_snapshot_due(l.pipeline));
    o->replay_max_ms = 1;
    assert_true(ax_pipeline_snapshot_due(l.pipeline));
    assert_true(ax_pipeline_snapshot(l.pipeline));
    assert_int_equal(of(&l)->owed_ns, 0);
    assert_false(ax_pipeline_snapshot_due(l.pipeline));
    live_until_it_owes(&l);
    assert_true(ax_pipeline_snapshot_due(l.pipeline));
    lasting_done(&l);
}

static void such_snapshots_write_no_more_than_they_may(void **state)
{
    (void)state;
    struct lasting l;
    lasting_init(&l, &feed);
    struct ax_pipeline_options *o = &l.pipeline->options;
    o->replay_max_ms = 1;
    o->snapshot_rate_max = 1;
    o->snapshot_interval_ms = INT64_MAX;
    live_until_it_owes(&l);
    assert_true(ax_pipeline_snapshot_due(l.pipeline)); /* the first of all */
    assert_true(ax_pipeline_snapshot(l.pipeline));
    live_until_it_owes(&l);
    assert_true(ax_pipeline_snapshot(l.pipeline)); /* it tells changes */
    live_until_it_owes(&l);
    const struct ax_snapshot_plan plan = of(&l)->plan;
    assert_true(plan.n == 2 && plan.changes_bytes > 1000);
    assert_false(ax_pipeline_snapshot_due(l.pipeline)); /* it would take that many seconds, twice */
    o->snapshot_rate_max = 100;
    l.now_ms = plan.taken_ms + (int64_t)(plan.changes_bytes * 20) - 10;
    assert_false(ax_pipeline_snapshot_due(l.pipeline));
    l.now_ms += 10;
    assert_true(ax_pipeline_snapshot_due(l.pipeline));
    o->snapshot_rate_max = 1;
    o->snapshot_interval_ms = 1000; /* one that is due anyway does not wait */
    assert_true(ax_pipeline_snapshot_due(l.pipeline));
    lasting_done(&l);
}

static void what_a_start_took_again_is_owed_by_the_next(void **state)
{
    (void)state;
    struct lasting l;
    lasting_init(&l, &feed);
    live_until_it_owes(&l);
    lasting_kill(&l);
    lasting_start(&l, lasting_jobs);
    l.pipeline->options.replay_max_ms = 1;
    assert_int_equal(of(&l)->owed_ns, 0);
    assert_false(ax_pipeline_snapshot_due(l.pipeline)); /* not before it is current */
    (void)ax_pipeline_run_due(l.pipeline);
    assert_true(of(&l)->owed_ns > 0);
    assert_true(ax_pipeline_snapshot_due(l.pipeline));
    assert_true(ax_pipeline_snapshot(l.pipeline));
    lasting_kill(&l);
    lasting_start(&l, lasting_jobs);
    (void)ax_pipeline_run_due(l.pipeline);
    assert_int_equal(of(&l)->owed_ns, 0);
    lasting_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_who_asks_a_job_waits_for_the_disk),
        cmocka_unit_test(steps_are_taken_while_a_snapshot_waits_for_its_disk),
        cmocka_unit_test(what_changes_a_job_meanwhile_is_before_the_position_and_told_once),
        cmocka_unit_test(a_step_after_a_hand_over_is_the_same_in_a_replay),
        cmocka_unit_test(a_step_after_a_hand_over_waits_until_that_is_saved),
        cmocka_unit_test(no_step_waits_for_a_disk_that_has_failed),
        cmocka_unit_test(no_job_is_saved_before_what_it_has_said_is_committed),
        cmocka_unit_test(a_snapshot_is_due_when_a_start_would_owe_too_much),
        cmocka_unit_test(such_snapshots_write_no_more_than_they_may),
        cmocka_unit_test(what_a_start_took_again_is_owed_by_the_next),
    };
    return cmocka_run_group_tests(tests, make_feed, free_feed);
}
