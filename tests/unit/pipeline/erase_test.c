/* What was erased is nowhere any more, in memory and in files, and a process that is killed after it goes on
 * as one that was not. */
#include "ax_test.h"
#include "lasting.h"
#include "pipeline/erase.h"
#include "pipeline/pipeline_priv.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SELECTOR "{port=\"1\"}"

static struct lasting_feed feed;

static int make_feed(void **state)
{
    (void)state;
    lasting_feed_init(&feed, 11, false);
    return 0;
}

static int end_feed(void **state)
{
    (void)state;
    lasting_feed_done(&feed);
    return 0;
}

static struct ax_erased erase(struct lasting *l)
{
    struct ax_erased e;
    struct ax_diag diag = {{0}};
    if (ax_pipeline_erase(l->pipeline, ax_str(SELECTOR), &e, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return e;
}

static void kill_and_start(struct lasting *l)
{
    lasting_kill(l);
    lasting_start(l, lasting_jobs);
    (void)ax_pipeline_run_due(l->pipeline);
}

static void what_is_meant_is_forgotten_and_nothing_else(void **state)
{
    (void)state;
    struct lasting l;
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    const uint32_t before = lasting_modelled(&l);
    const struct ax_erased e = erase(&l);
    assert_true(before > 5);
    assert_int_equal(e.series, before);
    assert_true(e.inputs > 1);
    assert_int_equal(lasting_modelled(&l), 0);
    const struct ax_erased again = erase(&l);
    assert_true(again.series == 0 && again.inputs == 0 && again.entities == 0);
    lasting_done(&l);
}

static void entities_go_with_their_labels(void **state)
{
    (void)state;
    struct lasting l;
    struct ax_erased e;
    struct ax_diag diag = {{0}};
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    assert_int_equal(ax_pipeline_erase(l.pipeline, ax_str("{router=~\".+\"}"), &e, &diag), AX_OK);
    assert_true(e.entities > 0 && e.series > e.entities);
    assert_int_equal(ax_pipeline_erase(l.pipeline, ax_str("{router="), &e, &diag), AX_INVALID);
    assert_int_equal(ax_pipeline_erase(l.pipeline, ax_str(""), &e, &diag), AX_INVALID);
    assert_int_equal(ax_pipeline_erase(l.pipeline, ax_str("up{router=\"a\"}"), &e, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "metric's name"));
    lasting_done(&l);
}

/* An erasure, and a kill every so many requests after it; 0: none. */
static struct ledger live_with(uint32_t kill_every, bool snapshot_before)
{
    struct lasting l;
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    if (snapshot_before)
        assert_true(ax_pipeline_snapshot(l.pipeline));
    (void)erase(&l);
    while (l.taken < feed.n) {
        if (kill_every && l.taken % kill_every == 0)
            kill_and_start(&l);
        lasting_pass(&l, feed.v[l.taken].at_ms);
        (void)lasting_send(&l, l.taken);
    }
    lasting_pass(&l, l.now_ms + 205000);
    struct ledger ledger = l.ledger;
    l.ledger = (struct ledger){0};
    lasting_done(&l);
    return ledger;
}

static void a_process_that_is_killed_goes_on_as_if_it_had_not_been(void **state)
{
    (void)state;
    struct ledger whole = live_with(0, false);
    for (int i = 0; i < 2; i++) {
        struct ledger killed = live_with(7, i == 1);
        assert_true(ledger_require_equal(&whole, &killed) > 10000);
        ledger_done(&killed);
    }
    ledger_done(&whole);
}

static size_t found_in(const char *storage, const char *folder, const char *text)
{
    char dir[SCRATCH_PATH], name[SCRATCH_PATH], path[SCRATCH_PATH];
    size_t found = 0;
    scratch_in(dir, storage, folder);
    for (size_t i = 0; i < scratch_count(dir, ""); i++) {
        size_t n;
        scratch_name(name, dir, "", i);
        scratch_in(path, dir, name);
        uint8_t *bytes = scratch_read(path, &n);
        found += memmem(bytes, n, text, strlen(text)) != NULL;
        free(bytes);
    }
    return found;
}

static void neither_log_nor_snapshots_hold_it_any_more(void **state)
{
    (void)state;
    struct lasting l;
    struct ax_erased e;
    struct ax_diag diag = {{0}};
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    assert_true(ax_pipeline_snapshot(l.pipeline));
    char router[64];
    const struct ax_labels *labels = NULL;
    struct ax_arena arena;
    struct ax_labels ls;
    ax_arena_init(&arena, 1u << 20);
    assert_int_equal(ax_labels_key_parse(ax_buf_view(&feed.keys[0]), &arena, &ls, NULL), AX_OK);
    labels = &ls;
    (void)snprintf(router, sizeof router, AX_STR_FMT, AX_STR_ARG(ax_labels_get(labels, ax_str("router"))));
    assert_true(found_in(l.folder, "wal", router) && found_in(l.folder, "snapshots", router));
    char selector[128];
    (void)snprintf(selector, sizeof selector, "{router=\"%s\"}", router);
    assert_int_equal(ax_pipeline_erase(l.pipeline, ax_str(selector), &e, &diag), AX_OK);
    assert_true(ax_pipeline_erasing(l.pipeline));
    kill_and_start(&l); /* before any snapshot: what is owed is remembered */
    assert_true(ax_pipeline_erasing(l.pipeline));
    ax_pipeline_scrub(l.pipeline);
    assert_true(ax_pipeline_erasing(l.pipeline));
    kill_and_start(&l); /* between the two: the older snapshot and its log still hold it, and that is known */
    assert_true(ax_pipeline_erasing(l.pipeline));
    assert_true(found_in(l.folder, "snapshots", router));
    ax_pipeline_scrub(l.pipeline);
    assert_false(ax_pipeline_erasing(l.pipeline));
    assert_int_equal(found_in(l.folder, "wal", router), 0);
    assert_int_equal(found_in(l.folder, "snapshots", router), 0);
    kill_and_start(&l);
    lasting_live_to(&l, feed.n / 2 + 5);
    ax_arena_done(&arena);
    lasting_done(&l);
}

static void remove_newest_snapshot(const struct lasting *l)
{
    char dir[SCRATCH_PATH], name[SCRATCH_PATH], newest[SCRATCH_PATH] = "", path[SCRATCH_PATH];
    scratch_in(dir, l->folder, "snapshots");
    for (size_t i = 0; i < scratch_count(dir, ".snap"); i++) {
        scratch_name(name, dir, ".snap", i);
        if (strcmp(name, newest) > 0)
            memcpy(newest, name, sizeof newest);
    }
    scratch_in(path, dir, newest);
    assert_int_equal(unlink(path), 0);
}

static void what_was_written_for_a_snapshot_that_is_lost_is_no_damage(void **state)
{
    (void)state;
    struct lasting l;
    struct ax_cell *skipped = ax_metric(AX_M_REPLAY_SKIPPED, "erase", NULL);
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    assert_true(ax_pipeline_snapshot(l.pipeline));
    (void)erase(&l);
    ax_pipeline_scrub(l.pipeline);
    remove_newest_snapshot(&l);
    const double before = ax_metric_get(skipped);
    kill_and_start(&l);
    assert_true(ax_metric_get(skipped) == before);
    assert_int_equal(lasting_modelled(&l), 0);
    lasting_done(&l);
}

/* A file of the folder of snapshots that cannot be removed as the old ones are. */
static void make_stuck(const struct lasting *l, char path[SCRATCH_PATH])
{
    char dir[SCRATCH_PATH];
    scratch_in(dir, l->folder, "snapshots");
    scratch_in(path, dir, "00000000000000000001.snap");
    assert_int_equal(mkdir(path, 0700), 0);
}

static void while_old_ones_cannot_be_removed_it_is_not_done(void **state)
{
    (void)state;
    struct lasting l;
    char stuck[SCRATCH_PATH];
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    (void)erase(&l);
    ax_pipeline_scrub(l.pipeline);
    make_stuck(&l, stuck);
    ax_pipeline_scrub(l.pipeline);
    assert_true(ax_pipeline_erasing(l.pipeline));
    kill_and_start(&l); /* the newest snapshot is there, what it makes needless too */
    assert_true(ax_pipeline_erasing(l.pipeline));
    ax_pipeline_scrub(l.pipeline);
    assert_true(ax_pipeline_erasing(l.pipeline));
    assert_int_equal(rmdir(stuck), 0);
    ax_pipeline_scrub(l.pipeline); /* too early */
    assert_true(ax_pipeline_erasing(l.pipeline));
    lasting_pass(&l, l.now_ms + AX_SNAPSHOT_RETRY_MS);
    ax_pipeline_scrub(l.pipeline);
    assert_false(ax_pipeline_erasing(l.pipeline));
    lasting_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_meant_is_forgotten_and_nothing_else),
        cmocka_unit_test(entities_go_with_their_labels),
        cmocka_unit_test(a_process_that_is_killed_goes_on_as_if_it_had_not_been),
        cmocka_unit_test(neither_log_nor_snapshots_hold_it_any_more),
        cmocka_unit_test(what_was_written_for_a_snapshot_that_is_lost_is_no_damage),
        cmocka_unit_test(while_old_ones_cannot_be_removed_it_is_not_done),
    };
    return cmocka_run_group_tests(tests, make_feed, end_feed);
}
