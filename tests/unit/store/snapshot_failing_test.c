/* Snapshots while system calls and allocations fail, one by one: those of before stay, and what is there is
 * whole. */
#include "ax_test.h"
#include "failing.h"
#include "scratch.h"
#include "store/lock.h"
#include "store/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTIONS 5
#define SECTION_BYTES (100u << 10) /* so that some are written through the buffer and some past it */
#define KEYED_BYTES (10u << 10)

struct world {
    char dir[SCRATCH_PATH];
    char *bytes;
    struct ax_diag diag, passed;
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->bytes = calloc(SECTIONS, SECTION_BYTES);
    scratch_make(w->dir, "snapshots");
    *state = w;
    return 0;
}

static int end_world(void **state)
{
    struct world *w = *state;
    scratch_remove(w->dir);
    free(w->bytes);
    free(w);
    return 0;
}

static enum ax_err save(struct world *w, uint64_t position)
{
    struct ax_snapshot_writer *writer = NULL;
    enum ax_err err = ax_snapshot_begin(w->dir, position, &writer, &w->diag);
    if (err != AX_OK) {
        assert_null(writer);
        return err;
    }
    for (uint32_t i = 0; i < SECTIONS; i++)
        ax_snapshot_put(writer, (uint8_t)(position + i), (struct ax_str){w->bytes, i * SECTION_BYTES});
    return ax_snapshot_commit(writer, &w->diag);
}

/* The one that is taken is this one, and whole. */
static void assert_newest(struct world *w, uint64_t position)
{
    struct ax_snapshot *s = NULL;
    uint8_t type;
    struct ax_str body;
    uint32_t n = 0;
    assert_int_equal(ax_snapshot_open(w->dir, &s, &w->passed, &w->diag), AX_OK);
    assert_string_equal(w->passed.text, "");
    assert_int_equal(ax_snapshot_position(s), position);
    for (; ax_snapshot_next(s, &type, &body); n++) {
        assert_int_equal(type, position + n);
        assert_int_equal(body.n, n * SECTION_BYTES);
    }
    assert_int_equal(n, SECTIONS);
    ax_snapshot_close(s);
}

static const struct failing plans[] = {
    {.kinds = FAILING_IO, .error = EIO},
    {.kinds = FAILING_IO, .error = EIO, .times = 2},
    {.kinds = FAILING_SPACE, .error = ENOSPC, .times = UINT32_MAX},
    {.kinds = FAILING_WRITE, .error = ENOSPC, .times = UINT32_MAX, .partial = true},
    {.kinds = FAILING_MEMORY},
    {.kinds = FAILING_IO | FAILING_MEMORY, .error = EROFS, .times = UINT32_MAX},
};

#define EACH_PLAN(p) (const struct failing *p = plans; p < plans + sizeof plans / sizeof *plans; p++)

static bool is_failure(enum ax_err err)
{
    return err == AX_IO || err == AX_NOMEM;
}

static void one_that_fails_leaves_those_of_before(void **state)
{
    struct world *w = *state;
    for
        EACH_PLAN(p)
        {
            uint32_t failed = 1;
            for (uint32_t nth = 1; failed > 0; nth++) {
                struct failing plan = *p;
                plan.nth = nth;
                assert_int_equal(save(w, 1), AX_OK);
                w->diag.text[0] = '\0';
                failing_begin(&plan);
                enum ax_err err = save(w, 2);
                failed = failing_end();
                if (failed == 0)
                    assert_int_equal(err, AX_OK);
                if (err == AX_OK) { /* removing the temporary name may fail: it is gone by then */
                    assert_newest(w, 2);
                } else {
                    assert_true(is_failure(err));
                    assert_true(strlen(w->diag.text) > 10);
                    if (failed == 1)
                        assert_newest(w, 1);
                    else /* perhaps its name could not be taken back; then it is whole */
                        assert_newest(w, 1 + scratch_count(w->dir, "2.snap"));
                }
                assert_int_equal(ax_snapshot_prune(w->dir, UINT64_MAX, UINT64_MAX, &w->diag), AX_OK);
                assert_int_equal(scratch_count(w->dir, ""), 0);
            }
        }
}

static void one_that_replaces_its_like_and_fails_leaves_one_of_them(void **state)
{
    struct world *w = *state;
    for
        EACH_PLAN(p)
        {
            uint32_t failed = 1;
            for (uint32_t nth = 1; failed > 0; nth++) {
                struct failing plan = *p;
                plan.nth = nth;
                assert_int_equal(save(w, 1), AX_OK);
                failing_begin(&plan);
                enum ax_err err = save(w, 1);
                failed = failing_end();
                assert_true(err == AX_OK || is_failure(err));
                assert_newest(w, 1);
            }
        }
}

static void an_opening_that_fails_is_not_taken_for_damage_of_all(void **state)
{
    struct world *w = *state;
    assert_int_equal(save(w, 1), AX_OK);
    assert_int_equal(save(w, 2), AX_OK);
    for
        EACH_PLAN(p)
        {
            uint32_t failed = 1;
            for (uint32_t nth = 1; failed > 0; nth++) {
                struct failing plan = *p;
                struct ax_snapshot *s = NULL;
                plan.nth = nth;
                w->diag.text[0] = '\0';
                failing_begin(&plan);
                enum ax_err err = ax_snapshot_open(w->dir, &s, &w->passed, &w->diag);
                failed = failing_end();
                if (err == AX_OK) {
                    uint64_t position = ax_snapshot_position(s);
                    assert_true(position == 2 || (failed > 0 && position == 1));
                    assert_int_equal(w->passed.text[0] != '\0', position == 1);
                    ax_snapshot_close(s);
                } else {
                    assert_null(s);
                    assert_true(is_failure(err));
                    assert_true(strlen(w->diag.text) > 10);
                }
                assert_true(failed > 0 || err == AX_OK);
            }
        }
    assert_newest(w, 2);
}

/* Sections that grow, with keys, as a whole snapshot or told by it. */
static void save_keyed(struct world *w, uint64_t position, struct ax_snapshot_base **base)
{
    struct ax_snapshot_writer *writer = NULL;
    uint64_t bytes;
    assert_int_equal(ax_snapshot_begin(w->dir, position, &writer, &w->diag), AX_OK);
    if (*base)
        assert_int_equal(ax_snapshot_tell_by(writer, *base), AX_OK);
    for (uint32_t i = 1; i <= SECTIONS; i++) {
        w->bytes[i] = (char)position;
        ax_snapshot_put_keyed(writer, (uint8_t)i, i, (struct ax_str){w->bytes, i * KEYED_BYTES});
    }
    struct ax_snapshot_base *made;
    assert_int_equal(ax_snapshot_commit_base(writer, &made, &bytes, &w->diag), AX_OK);
    *base = *base ? *base : made;
}

static void a_reading_without_memory_says_so_and_ends(void **state)
{
    struct world *w = *state;
    struct ax_snapshot_base *base = NULL;
    uint32_t failed = 1, nth = 1;
    save_keyed(w, 1, &base);
    save_keyed(w, 2, &base);
    assert_int_equal(scratch_count(w->dir, ".changes"), 1);
    for (; failed > 0; nth++) {
        struct ax_snapshot *s = NULL;
        struct ax_str body;
        uint8_t type;
        uint32_t n = 0;
        assert_int_equal(ax_snapshot_open(w->dir, &s, &w->passed, &w->diag), AX_OK);
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        for (; ax_snapshot_next(s, &type, &body); n++)
            assert_int_equal(body.n, type * KEYED_BYTES);
        failed = failing_end();
        assert_int_equal(ax_snapshot_error(s), failed ? AX_NOMEM : AX_OK);
        assert_int_equal(n, failed ? nth - 1 : SECTIONS); /* each needs more room than the one before */
        assert_false(ax_snapshot_next(s, &type, &body));
        ax_snapshot_close(s);
    }
    assert_int_equal(nth, SECTIONS + 2);
    ax_snapshot_base_free(base);
}

static void a_pruning_that_fails_leaves_the_newest(void **state)
{
    struct world *w = *state;
    for
        EACH_PLAN(p)
        {
            uint32_t failed = 1;
            for (uint32_t nth = 1; failed > 0; nth++) {
                struct failing plan = *p;
                plan.nth = nth;
                for (uint64_t i = 1; i < 6; i++)
                    assert_int_equal(save(w, i), AX_OK);
                failing_begin(&plan);
                enum ax_err err = ax_snapshot_prune(w->dir, 4, 4, &w->diag);
                failed = failing_end();
                assert_int_equal(err == AX_OK, failed == 0);
                assert_newest(w, 5);
                assert_int_equal(ax_snapshot_prune(w->dir, 4, 4, &w->diag), AX_OK);
                assert_int_equal(scratch_count(w->dir, ""), 2);
            }
        }
}

static void a_lock_that_fails_holds_nothing(void **state)
{
    struct world *w = *state;
    uint32_t failed = 1;
    for (uint32_t nth = 1; failed > 0; nth++) {
        int fd = -1;
        scratch_remove(w->dir);
        scratch_make(w->dir, "snapshots");
        failing_begin(&(struct failing){.kinds = FAILING_IO, .nth = nth, .error = EROFS});
        enum ax_err err = ax_storage_lock(w->dir, &fd, &w->diag);
        failed = failing_end();
        assert_int_equal(err, failed > 0 ? AX_IO : AX_OK);
        if (err != AX_OK) {
            assert_non_null(strstr(w->diag.text, w->dir));
            assert_int_equal(ax_storage_lock(w->dir, &fd, &w->diag), AX_OK);
        }
        ax_storage_unlock(fd);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_that_fails_leaves_those_of_before),
        TEST(one_that_replaces_its_like_and_fails_leaves_one_of_them),
        TEST(an_opening_that_fails_is_not_taken_for_damage_of_all),
        TEST(a_reading_without_memory_says_so_and_ends),
        TEST(a_pruning_that_fails_leaves_the_newest),
        TEST(a_lock_that_fails_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
