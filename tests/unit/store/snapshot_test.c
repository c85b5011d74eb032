/* A snapshot is there whole, or it is not there; the newest sound one is taken. */
#include "ax_test.h"
#include "scratch.h"
#include "store/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct world {
    char dir[SCRATCH_PATH];
    struct ax_diag diag, passed;
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    scratch_make(w->dir, "snapshots");
    *state = w;
    return 0;
}

static int end_world(void **state)
{
    struct world *w = *state;
    scratch_remove(w->dir);
    free(w);
    return 0;
}

/* Write one of n sections, the i-th with i * i bytes. */
static void save(struct world *w, uint64_t position, uint32_t n)
{
    struct ax_snapshot_writer *writer;
    char *bytes = calloc(1, (size_t)n * n + 1);
    assert_int_equal(ax_snapshot_begin(w->dir, position, &writer, &w->diag), AX_OK);
    for (uint32_t i = 0; i < n; i++) {
        memset(bytes, (int)(i + position), (size_t)i * i);
        ax_snapshot_put(writer, (uint8_t)(1 + i % 255), (struct ax_str){bytes, (size_t)i * i});
    }
    assert_int_equal(ax_snapshot_commit(writer, &w->diag), AX_OK);
    free(bytes);
}

static struct ax_snapshot *load(struct world *w)
{
    struct ax_snapshot *s = NULL;
    assert_int_equal(ax_snapshot_open(w->dir, &s, &w->passed, &w->diag), AX_OK);
    return s;
}

static void assert_holds(struct ax_snapshot *s, uint64_t position, uint32_t n)
{
    uint8_t type;
    struct ax_str b;
    uint32_t i = 0;
    assert_int_equal(ax_snapshot_position(s), position);
    for (; ax_snapshot_next(s, &type, &b); i++) {
        assert_int_equal(type, 1 + i % 255);
        assert_int_equal(b.n, (size_t)i * i);
        for (size_t k = 0; k < b.n; k++)
            assert_int_equal((uint8_t)b.p[k], (uint8_t)(i + position));
    }
    assert_int_equal(i, n);
    ax_snapshot_close(s);
}

static void what_is_put_is_read_back_however_large(void **state)
{
    struct world *w = *state;
    for (uint32_t n = 0; n < 300; n += 37) {
        save(w, n, n);
        assert_holds(load(w), n, n);
        assert_string_equal(w->passed.text, "");
    }
    save(w, 1000, 900); /* sections larger than the buffer */
    assert_holds(load(w), 1000, 900);
}

/* What an older auspex wrote is what this one reads. */
static void the_format_stays_what_it_is(void **state)
{
    struct world *w = *state;
    char path[SCRATCH_PATH], hex[512] = "";
    size_t n;
    save(w, 1000, 2);
    scratch_in(path, w->dir, "00000000000000001000.snap");
    uint8_t *bytes = scratch_read(path, &n);
    for (size_t i = 0; i < n; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    free(bytes);
    assert_string_equal(hex, "417573706578534e01000000e80300000000000060bce0180000000052d016a0019cbfa97601000"
                             "000ea34a64d0223e095a1e904000000b45515fa005e9f173802000000");
}

static void the_newest_is_taken_and_one_of_the_same_position_replaced(void **state)
{
    struct world *w = *state;
    save(w, 10, 1);
    save(w, 9, 2);
    assert_holds(load(w), 10, 1);
    save(w, 10, 5);
    assert_holds(load(w), 10, 5);
    assert_int_equal(scratch_count(w->dir, ""), 2);
}

static void nothing_is_there_before_the_commit_or_after_giving_up(void **state)
{
    struct world *w = *state;
    struct ax_snapshot_writer *writer;
    struct ax_snapshot *s;
    assert_int_equal(ax_snapshot_open(w->dir, &s, NULL, &w->diag), AX_NOTFOUND);
    assert_int_equal(ax_snapshot_begin(w->dir, 3, &writer, &w->diag), AX_OK);
    ax_snapshot_put(writer, 1, ax_str("x"));
    assert_int_equal(ax_snapshot_open(w->dir, &s, NULL, &w->diag), AX_NOTFOUND);
    ax_snapshot_abandon(writer);
    ax_snapshot_abandon(NULL);
    assert_int_equal(scratch_count(w->dir, ""), 0);
}

static void the_older_one_is_taken_when_the_newest_is_damaged_anywhere(void **state)
{
    struct world *w = *state;
    char path[SCRATCH_PATH];
    size_t n;
    save(w, 1, 5);
    save(w, 2, 4);
    scratch_in(path, w->dir, "00000000000000000002.snap");
    uint8_t *bytes = scratch_read(path, &n);
    for (size_t i = 0; i < n; i++) {
        bytes[i] ^= (uint8_t)(1 + i % 255);
        scratch_write(path, bytes, n);
        bytes[i] ^= (uint8_t)(1 + i % 255);
        assert_holds(load(w), 1, 5);
        assert_non_null(strstr(w->passed.text, "00000000000000000002.snap is "));
    }
    for (size_t i = 0; i < n; i++) {
        scratch_write(path, bytes, i);
        assert_holds(load(w), 1, 5);
        assert_non_null(strstr(w->passed.text, "00000000000000000002.snap is "));
    }
    bytes[n] = 0;
    scratch_write(path, bytes, n + 1);
    assert_holds(load(w), 1, 5);
    scratch_write(path, bytes, n);
    assert_holds(load(w), 2, 4);
    free(bytes);
}

static void one_under_another_name_is_refused(void **state)
{
    struct world *w = *state;
    char from[SCRATCH_PATH], to[SCRATCH_PATH];
    struct ax_snapshot *s;
    save(w, 1, 5);
    scratch_in(from, w->dir, "00000000000000000001.snap");
    scratch_in(to, w->dir, "00000000000000000002.snap");
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(ax_snapshot_open(w->dir, &s, &w->passed, &w->diag), AX_NOTFOUND);
    assert_non_null(strstr(w->passed.text, "damaged at its head"));
}

static void pruning_removes_what_lies_before_a_position(void **state)
{
    struct world *w = *state;
    char path[SCRATCH_PATH];
    assert_int_equal(ax_snapshot_prune(w->dir, 400, 400, &w->diag), AX_OK);
    for (uint64_t i = 1; i <= 5; i++)
        save(w, i * 100, 3);
    scratch_in(path, w->dir, "00000000000000000600.snap.tmp");
    scratch_write(path, "left over", 9);
    scratch_in(path, w->dir, "notes.snap");
    scratch_write(path, "mine", 4);
    assert_int_equal(ax_snapshot_prune(w->dir, 400, 400, &w->diag), AX_OK);
    assert_int_equal(scratch_count(w->dir, ""), 3);
    assert_holds(load(w), 500, 3);
    assert_int_equal(ax_snapshot_prune(w->dir, UINT64_MAX, UINT64_MAX, &w->diag), AX_OK);
    assert_int_equal(scratch_count(w->dir, ""), 1);
}

static void a_folder_that_cannot_be_used_is_explained(void **state)
{
    struct world *w = *state;
    struct ax_snapshot_writer *writer;
    struct ax_snapshot *s;
    assert_int_equal(ax_snapshot_begin("/proc/nowhere", 1, &writer, &w->diag), AX_IO);
    assert_non_null(strstr(w->diag.text, "/proc/nowhere"));
    assert_null(writer);
    assert_int_equal(ax_snapshot_open("/dev/null", &s, NULL, &w->diag), AX_IO);
    assert_int_equal(ax_snapshot_prune("/dev/null", 1, 1, &w->diag), AX_IO);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_put_is_read_back_however_large),
        TEST(the_format_stays_what_it_is),
        TEST(the_newest_is_taken_and_one_of_the_same_position_replaced),
        TEST(nothing_is_there_before_the_commit_or_after_giving_up),
        TEST(the_older_one_is_taken_when_the_newest_is_damaged_anywhere),
        TEST(one_under_another_name_is_refused),
        TEST(pruning_removes_what_lies_before_a_position),
        TEST(a_folder_that_cannot_be_used_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
