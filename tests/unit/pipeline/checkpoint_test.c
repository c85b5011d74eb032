/* When a snapshot is taken: when a start would have too much to do without it, and not so often that the disk
 * does nothing else. */
#include "ax_test.h"
#include "lasting.h"
#include "pipeline/pipeline_priv.h"

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
    live_until_it_owes(&l);
    assert_true(ax_pipeline_snapshot_due(l.pipeline)); /* the first of all */
    assert_true(ax_pipeline_snapshot(l.pipeline));
    live_until_it_owes(&l);
    const int64_t taken_ms = of(&l)->taken_ms;
    const uint64_t bytes = of(&l)->bytes;
    assert_true(bytes > 1000);
    assert_false(ax_pipeline_snapshot_due(l.pipeline)); /* it would take that many seconds */
    o->snapshot_rate_max = 100;
    l.now_ms = taken_ms + (int64_t)(bytes * 10) - 10;
    o->snapshot_interval_ms = INT64_MAX;
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
        cmocka_unit_test(a_snapshot_is_due_when_a_start_would_owe_too_much),
        cmocka_unit_test(such_snapshots_write_no_more_than_they_may),
        cmocka_unit_test(what_a_start_took_again_is_owed_by_the_next),
    };
    return cmocka_run_group_tests(tests, make_feed, free_feed);
}
