/* A snapshot comes about though there is no memory for a copy of a job: then is when it is needed most, for
 * the log grows until there is one. */
#include "ax_test.h"
#include "failing.h"
#include "lasting.h"
#include "pipeline/job_priv.h"
#include "pipeline/pipeline_priv.h"
#include "store/records.h"

#include <errno.h>

static void one_allocation_that_fails_costs_no_snapshot(void **state)
{
    struct lasting_feed feed;
    struct lasting l;
    (void)state;
    lasting_feed_init(&feed, 11, true);
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    uint32_t nth = 1;
    for (uint32_t failed = 1; failed; nth++) {
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        const bool taken = ax_pipeline_snapshot(l.pipeline);
        failed = failing_end();
        if (!taken)
            fail_msg("allocation %u failed, and so did the snapshot", nth);
    }
    assert_true(nth > 10);
    lasting_done(&l);
    lasting_feed_done(&feed);
}

/* A section of series, which any version reads, so long. */
static void put_section(struct ax_snapshot_writer *w, const char *bytes, size_t n)
{
    ax_snapshot_put_keyed(w, AX_SECTION_SERIES, 1, (struct ax_str){bytes, n});
}

/* Otherwise series would be gone, and the next snapshot would make that last. */
static void a_start_without_memory_for_a_section_of_changes_fails(void **state)
{
    (void)state;
    static const char bytes[100000] = {1};
    struct lasting_feed feed;
    struct lasting l;
    struct ax_diag diag = {{0}};
    lasting_feed_init(&feed, 11, true);
    lasting_init(&l, &feed);
    struct ax_snapshot_writer *w = NULL;
    struct ax_snapshot_base *base = NULL;
    struct ax_snapshot *s = NULL;
    struct ax_restore *restore = NULL;
    struct ax_restore_report report;
    uint64_t n;
    const char *dir = ax_durable_snapshots(l.d);
    for (uint64_t position = 1; position < 3; position++) {
        struct ax_snapshot_base *made;
        assert_int_equal(ax_snapshot_begin(dir, position, &w, &diag), AX_OK);
        if (base)
            assert_int_equal(ax_snapshot_tell_by(w, base), AX_OK);
        put_section(w, bytes, sizeof bytes - position);
        assert_int_equal(ax_snapshot_commit_base(w, &made, &n, &diag), AX_OK);
        base = base ? base : made;
    }
    ax_snapshot_base_free(base);
    uint32_t failed = 1, refused = 0;
    for (uint32_t nth = 1; failed; nth++) {
        assert_int_equal(ax_snapshot_open(dir, &s, NULL, &diag), AX_OK);
        assert_int_equal(ax_restore_new(l.db, &restore), AX_OK);
        diag.text[0] = '\0';
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        const enum ax_err err = ax_pipeline_restore(l.pipeline, s, restore, &diag);
        failed = failing_end();
        refused += err == AX_NOMEM;
        assert_true(err == AX_OK || (failed && err == AX_NOMEM && strstr(diag.text, "section")));
        ax_restore_end(restore, &report);
        ax_snapshot_close(s);
        ax_snapshot_base_free(l.pipeline->snapshot.base); /* a process restores once */
        l.pipeline->snapshot.base = NULL;
    }
    assert_true(refused > 0);
    lasting_done(&l);
    lasting_feed_done(&feed);
}

/* Change what a job's models learn from, and no record says so. */
static bool learn_otherwise(void *ctx, struct ax_job *job)
{
    const int64_t t_ms = ax_job_stepped_ms(job);
    const struct ax_lesson_range range = {
        .id = *(uint32_t *)ctx, .verdict = AX_LESSON_EXCLUDED, .from_ms = t_ms - LASTING_STEP, .to_ms = t_ms};
    uint32_t n = 0;
    for (struct ax_target *t = job->channels[0].first; t; t = t->next)
        n += ax_target_excludes(t) && ax_target_exclude(t, &range) == AX_OK;
    return n > 0;
}

/* The second one of a position takes the place of the first, and may be told of as failed all the same. */
static void no_snapshot_is_told_by_one_whose_place_another_has_taken(void **state)
{
    (void)state;
    struct lasting_feed feed;
    struct lasting l;
    lasting_feed_init(&feed, 11, true);
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 4);
    uint32_t refused = 0;
    for (uint32_t nth = 1, failed = 1; failed; nth++) {
        struct ax_snapshot *s = NULL;
        struct ax_diag passed, diag;
        l.pipeline->snapshot.plan.whole_ms = INT64_MIN / 2; /* a whole one is due */
        assert_true(ax_pipeline_snapshot(l.pipeline));
        assert_true(ax_pipeline_with_job(l.pipeline, ax_str("kbps"), learn_otherwise, &nth));
        failing_begin(&(struct failing){.kinds = FAILING_SYNC, .nth = nth, .error = EIO});
        refused += !ax_pipeline_snapshot(l.pipeline);
        failed = failing_end();
        lasting_live_to(&l, l.taken + 1);
        assert_true(ax_pipeline_snapshot(l.pipeline));
        assert_int_equal(ax_snapshot_open(l.pipeline->options.snapshots, &s, &passed, &diag), AX_OK);
        assert_string_equal(passed.text, "");
        assert_true(ax_snapshot_position(s) == l.pipeline->snapshot.position);
        ax_snapshot_close(s);
    }
    assert_true(refused > 1);
    lasting_done(&l);
    lasting_feed_done(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_allocation_that_fails_costs_no_snapshot),
        cmocka_unit_test(no_snapshot_is_told_by_one_whose_place_another_has_taken),
        cmocka_unit_test(a_start_without_memory_for_a_section_of_changes_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
