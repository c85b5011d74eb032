/* A start that is short of memory says so: it never goes on with holes in what it has read. */
#include "ax_test.h"
#include "failing.h"
#include "scratch.h"
#include "series_world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SERIES 3
#define SAMPLES 700 /* of each: rings grow several times */

/* What is read back of the sections; false when one of them says AX_NOMEM, which is what it may say. */
static bool restore(struct series_world *w, struct ax_snapshot *snapshot)
{
    struct ax_restore *r = NULL;
    uint8_t type;
    bool whole = ax_restore_new(w->db, &r) == AX_OK;
    for (struct ax_str body; whole && ax_snapshot_next(snapshot, &type, &body);) {
        const enum ax_err err = ax_restore_section(r, body, NULL);
        assert_true(err == AX_OK || err == AX_NOMEM);
        whole = err == AX_OK;
    }
    ax_restore_end(r, NULL);
    return whole;
}

static void samples_without_room_end_the_start(void **state)
{
    (void)state;
    struct series_world w;
    struct ax_snapshot_writer *writer;
    struct ax_diag diag = {{0}};
    char dir[SCRATCH_PATH + 64], name[64];
    (void)snprintf(dir, sizeof dir, "%s/snapshots", scratch_folder);
    series_world_open(&w, 42, "m");
    for (int64_t t = 0; t < SAMPLES; t++)
        for (int i = 0; i < SERIES; i++) {
            (void)snprintf(name, sizeof name, "m{i=\"%d\"}", i);
            assert_int_equal(series_world_add(&w, name, t * 100, (double)i), AX_FATE_WANTED);
        }
    if (ax_snapshot_begin(dir, 1, &writer, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    assert_int_equal(ax_db_save(w.db, writer, &diag), AX_OK);
    assert_int_equal(ax_snapshot_commit(writer, &diag), AX_OK);
    uint32_t refused = 0;
    for (uint32_t nth = 1, failed = 1; failed; nth++) {
        struct series_world again;
        struct ax_snapshot *snapshot;
        series_world_open(&again, 7, "m");
        assert_int_equal(ax_snapshot_open(dir, &snapshot, NULL, &diag), AX_OK);
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY | FAILING_MAP, .nth = nth, .error = ENOMEM});
        const bool whole = restore(&again, snapshot);
        failed = failing_end();
        if (whole)
            series_world_assert_same(&w, &again);
        refused += !whole;
        ax_snapshot_close(snapshot);
        series_world_close(&again);
    }
    assert_true(refused > 0);
    series_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(samples_without_room_end_the_start, scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
