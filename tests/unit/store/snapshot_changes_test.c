/* A snapshot that is told by a whole one holds the same as if it were whole, and is refused without that one.
 */
#include "ax_test.h"
#include "scratch.h"
#include "store/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTIONS 40

struct world {
    char dir[SCRATCH_PATH];
    struct ax_snapshot_base *base;
    struct ax_diag diag, passed;
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    scratch_make(w->dir, "changes");
    *state = w;
    return 0;
}

static int end_world(void **state)
{
    struct world *w = *state;
    ax_snapshot_base_free(w->base);
    scratch_remove(w->dir);
    free(w);
    return 0;
}

/* Section i at a moment: a window that moves on by one with each, of 100 * i bytes. */
static size_t section(uint8_t *out, uint32_t i, uint32_t moment)
{
    const size_t n = 100 * (size_t)i;
    for (size_t k = 0; k < n; k++) {
        const uint64_t x = (k + moment + i * 1000003ull) * 0x9E3779B97F4A7C15u;
        out[k] = (uint8_t)((x ^ x >> 29) * 0xBF58476D1CE4E5B9u >> 56);
    }
    return n;
}

/* Sections of a moment, the even ones with keys; some are new, and some have gone, where `moved` says so.
 * Held back before they are written, or not. Returns the bytes. */
static uint64_t save(struct world *w, uint64_t position, uint32_t moment, bool changes, bool hold)
{
    static uint8_t bytes[100 * SECTIONS];
    struct ax_snapshot_writer *writer;
    struct ax_snapshot_base *base;
    uint64_t n;
    assert_int_equal(ax_snapshot_begin(w->dir, position, &writer, &w->diag), AX_OK);
    if (changes)
        assert_int_equal(ax_snapshot_tell_by(writer, w->base), AX_OK);
    if (hold)
        ax_snapshot_hold(writer);
    for (uint32_t i = 0; i < SECTIONS; i++) {
        const struct ax_str body = {(const char *)bytes, section(bytes, i, moment)};
        if (i % 2 == 0)
            ax_snapshot_put_keyed(writer, (uint8_t)(1 + i), i == 4 ? moment : (uint64_t)i << 40, body);
        else
            ax_snapshot_put(writer, (uint8_t)(1 + i), body);
    }
    if (hold)
        assert_int_equal(ax_snapshot_write(writer, &w->diag), AX_OK);
    assert_int_equal(ax_snapshot_commit_base(writer, &base, &n, &w->diag), AX_OK);
    assert_true((base != NULL) == !changes);
    if (!changes) {
        ax_snapshot_base_free(w->base);
        w->base = base;
    }
    return n;
}

static void require_moment(struct world *w, uint64_t position, uint64_t whole, uint32_t moment)
{
    static uint8_t bytes[100 * SECTIONS];
    struct ax_snapshot *s;
    struct ax_str body;
    uint8_t type;
    uint32_t i = 0;
    assert_int_equal(ax_snapshot_open(w->dir, &s, &w->passed, &w->diag), AX_OK);
    assert_int_equal(ax_snapshot_position(s), position);
    assert_int_equal(ax_snapshot_whole(s).position, whole);
    for (; ax_snapshot_next(s, &type, &body); i++) {
        assert_int_equal(type, 1 + i);
        assert_int_equal(body.n, section(bytes, i, moment));
        if (body.n)
            assert_memory_equal(body.p, bytes, body.n);
    }
    assert_int_equal(i, SECTIONS);
    ax_snapshot_close(s);
}

static void changes_hold_what_the_whole_would(void **state)
{
    struct world *w = *state;
    const uint64_t whole = save(w, 10, 0, false, false);
    require_moment(w, 10, 10, 0);
    const uint64_t changes = save(w, 20, 3, true, false);
    assert_true(changes < whole * 6 / 10); /* half of it has no keys */
    require_moment(w, 20, 10, 3);
    assert_int_equal(save(w, 30, 3, true, true), changes);
    require_moment(w, 30, 10, 3);
    assert_int_equal(scratch_count(w->dir, ""), 3);
}

static void a_start_tells_by_what_it_has_read(void **state)
{
    struct world *w = *state;
    struct ax_snapshot *s;
    (void)save(w, 10, 0, false, true);
    const uint64_t first = save(w, 20, 3, true, false);
    for (uint64_t position = 30; position < 60;
         position += 10) { /* of the whole one itself, and of the other */
        assert_int_equal(ax_snapshot_open(w->dir, &s, NULL, &w->diag), AX_OK);
        ax_snapshot_base_free(w->base);
        w->base = ax_snapshot_take_base(s);
        assert_non_null(w->base);
        assert_int_equal(ax_snapshot_base_position(w->base), 10);
        ax_snapshot_close(s);
        assert_int_equal(save(w, position, 3, true, false), first);
        require_moment(w, position, 10, 3);
    }
}

static void each_damaged_byte_of_either_is_found(void **state)
{
    struct world *w = *state;
    char path[SCRATCH_PATH];
    size_t n;
    (void)save(w, 5, 9, false, false);
    (void)save(w, 10, 0, false, false);
    (void)save(w, 20, 3, true, false);
    static const char *const names[] = {"00000000000000000020.changes", "00000000000000000010.snap"};
    for (unsigned file = 0; file < 2; file++) {
        scratch_in(path, w->dir, names[file]);
        uint8_t *bytes = scratch_read(path, &n);
        for (size_t i = 0; i < n; i += n / 100 + 1) {
            bytes[i] ^= 0x04;
            scratch_write(path, bytes, n);
            bytes[i] ^= 0x04;
            if (file == 0)
                require_moment(w, 10, 10, 0);
            else
                require_moment(w, 5, 5, 9);
            assert_non_null(strstr(w->passed.text, "00020.changes "));
        }
        scratch_write(path, bytes, n);
        free(bytes);
        require_moment(w, 20, 10, 3);
    }
}

static void another_whole_one_in_its_place_is_not_taken_for_it(void **state)
{
    struct world *w = *state;
    (void)save(w, 10, 0, false, false);
    (void)save(w, 20, 3, true, false);
    (void)save(w, 10, 1, false, false); /* as long, and sound */
    require_moment(w, 10, 10, 1);
    assert_non_null(strstr(w->passed.text, "another one now"));
    char path[SCRATCH_PATH];
    scratch_in(path, w->dir, "00000000000000000010.snap");
    assert_int_equal(unlink(path), 0);
    struct ax_snapshot *s;
    assert_int_equal(ax_snapshot_open(w->dir, &s, &w->passed, &w->diag), AX_IO);
}

static void pruning_leaves_what_others_are_told_by(void **state)
{
    struct world *w = *state;
    (void)save(w, 5, 9, false, false);
    (void)save(w, 10, 0, false, false);
    for (uint64_t position = 20; position < 60; position += 10)
        (void)save(w, position, 3, true, false);
    assert_int_equal(ax_snapshot_prune(w->dir, 10, 40, &w->diag), AX_OK);
    assert_int_equal(scratch_count(w->dir, ".snap"), 1);
    assert_int_equal(scratch_count(w->dir, ".changes"), 2);
    require_moment(w, 50, 10, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changes_hold_what_the_whole_would, make_world, end_world),
        cmocka_unit_test_setup_teardown(a_start_tells_by_what_it_has_read, make_world, end_world),
        cmocka_unit_test_setup_teardown(each_damaged_byte_of_either_is_found, make_world, end_world),
        cmocka_unit_test_setup_teardown(another_whole_one_in_its_place_is_not_taken_for_it, make_world,
                                        end_world),
        cmocka_unit_test_setup_teardown(pruning_leaves_what_others_are_told_by, make_world, end_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
